"""Values as text: of messages who said what, of documents their text."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage

from langchain_durable.cli.values import clean_lines, ending, shown

ASKS = AIMessage(
    "Let me see.",
    tool_calls=[{"name": "weigh", "args": {"item": "tea", "n": 2}, "id": "1", "type": "tool_call"}],
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        ({"ünï": [1, None]}, '{"ünï": [1, null]}'),
        (ASKS, 'Let me see.\n→ weigh(item="tea", n=2)'),
        ([HumanMessage("Hello"), AIMessage("Hi")], "human: Hello\nai: Hi"),
        (
            [HumanMessage("Hello"), ASKS],
            'human: Hello\nai: Let me see.\n  → weigh(item="tea", n=2)',
        ),
        ({"messages": [HumanMessage("Hello")]}, "human: Hello"),
        ({"messages": [HumanMessage("Hello")], "n": 1}, 'human: Hello\n{"n": 1}'),
        ([Document("one"), Document("two")], "[1] one\n[2] two"),
        ([], "[]"),
        (object(), '"<object>"'),
    ],
)
def test_a_value_reads_as_what_it_is(value: Any, text: str) -> None:
    assert shown(value) == text


def test_of_a_conversation_the_result_is_its_end() -> None:
    conversation = {"messages": [HumanMessage("Hello"), AIMessage("Hi")], "n": 1}

    assert shown(ending(conversation)) == 'ai: Hi\n{"n": 1}'
    assert ending(["as", "it", "is"]) == ["as", "it", "is"]


def test_control_characters_never_reach_the_terminal() -> None:
    assert clean_lines("a\x1b[2Jb\tc", full=True, width=80) == ["a?[2Jb  c"]


def test_lines_are_cut_to_the_width_and_counted() -> None:
    text = "\n".join(["x" * 90, *"bcdefg"])

    assert clean_lines(text, full=False, width=30) == [
        "x" * 29 + "…",
        *"bcdef",
        "… 1 more line",
    ]
    assert clean_lines("", full=False, width=30) == [""]
