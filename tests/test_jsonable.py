import datetime as dt
import enum
import json
import math
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, ChatMessage, ToolMessage
from langchain_core.messages.tool import tool_call

from langchain_durable.jsonable import jsonable
from tests.codec.strategies import values, with_messages


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Point:
    x: int


@given(values | with_messages)
def test_whatever_the_journal_carries_becomes_json(value: Any) -> None:
    json.dumps(jsonable(value), allow_nan=False)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"12345", "<5 bytes>"),
        (math.nan, "nan"),
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "2026-01-02T00:00:00+00:00"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ({1: (2,)}, {"1": [2]}),
        ({3, 1}, [1, 3]),
        (Colour.RED, "red"),
        (Point(x=1), {"x": 1}),
        (Document("text", metadata={"p": 1}), {"page_content": "text", "metadata": {"p": 1}}),
        (ChatMessage(content="x", role="judge"), {"role": "judge", "content": "x"}),
        (print, "<builtin_function_or_method>"),
    ],
)
def test_a_value_is_shown_as_people_read_it(value: Any, shown: Any) -> None:
    assert jsonable(value) == shown


def test_a_message_shows_its_calls_and_a_result_its_call_and_failure() -> None:
    call = tool_call(name="f", args={"a": 1}, id="1")
    assert jsonable(AIMessage("", tool_calls=[call]))["tool_calls"][0]["name"] == "f"
    shown = jsonable(ToolMessage("no", tool_call_id="1", status="error"))
    assert (shown["tool_call_id"], shown["status"]) == ("1", "error")


@pytest.mark.parametrize(("digits", "shown"), [(400, 10**400), (5000, "<16610 bits>")])
def test_a_number_that_no_float_can_say_is_shown_and_a_huge_one_as_its_size(
    digits: int, shown: Any
) -> None:
    assert json.loads(json.dumps(jsonable({"n": 10**digits}))) == {"n": shown}


def test_a_value_that_contains_itself_is_cut_off() -> None:
    inner: list[Any] = []
    inner.append(inner)
    shown = json.dumps(jsonable(inner))
    assert shown.strip("[]") == '"<list>"'
