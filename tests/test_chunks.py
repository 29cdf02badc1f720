"""Chunks that are taken down quickly give what LangChain makes of all of them."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk, GenerationChunk

from langchain_durable.intercept.chunks import Chunks, again
from langchain_durable.intercept.models import merged_chat

_TEXTS = st.sampled_from(["", "a", "bee", "ü\n"])
_CALL = {"name": "look", "args": '{"at"', "id": "c1", "index": 0, "type": "tool_call_chunk"}
_MESSAGES = st.fixed_dictionaries(
    {"content": st.one_of(_TEXTS, st.just([{"type": "text", "text": "part", "index": 0}]))},
    optional={
        "id": st.sampled_from(["m1", "m2", "lc_run--1"]),
        "response_metadata": st.sampled_from(
            [{}, {"model_provider": "openai"}, {"finish_reason": "stop"}]
        ),
        "additional_kwargs": st.sampled_from([{}, {"refusal": "no"}]),
        "tool_call_chunks": st.sampled_from([[], [_CALL]]),
        "usage_metadata": st.just({"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}),
        "chunk_position": st.just("last"),
    },
)
_CHUNKS = st.lists(
    st.tuples(_MESSAGES, st.sampled_from([None, {}, {"logprobs": [1]}]), st.integers(1, 3)),
    min_size=1,
    max_size=8,
)


def _made(fields: dict[str, Any], info: Any) -> ChatGenerationChunk:
    message = AIMessageChunk(**copy.deepcopy(fields))
    return ChatGenerationChunk(message=message, generation_info=copy.deepcopy(info))


@given(_CHUNKS)
def test_nothing_is_lost_or_told_apart(given_chunks: list[tuple[dict[str, Any], Any, int]]) -> None:
    chunks = [_made(fields, info) for fields, info, times in given_chunks for _ in range(times)]
    expected = merged_chat([copy.deepcopy(chunk) for chunk in chunks])
    taken = Chunks()
    for chunk in chunks:
        taken.add(chunk)
        chunk.message.id = "another"  # as LangChain, and whoever got it, may do
        chunk.message.content = "another"
        chunk.message.response_metadata = {"another": "one"}
    assert taken.count == len(chunks)
    merged = merged_chat(taken.whole())
    assert merged == expected
    assert merged.generations[0].text == expected.generations[0].text


@given(_CHUNKS)
def test_the_chunks_of_a_stream_that_was_left_come_again_one_by_one(
    given_chunks: list[tuple[dict[str, Any], Any, int]],
) -> None:
    chunks = [_made(fields, info) for fields, info, times in given_chunks for _ in range(times)]
    taken = Chunks()
    for chunk in chunks:
        taken.add(chunk)
    single: list[Any] = again(taken.single())
    assert [chunk.text for chunk in single] == [chunk.text for chunk in chunks]
    assert merged_chat(single) == merged_chat(chunks)


def test_text_is_one_chunk_in_the_end() -> None:
    taken = Chunks()
    for word in ("", "a", "b", "c"):
        taken.add(_made({"content": word, "id": "m1"}, None))
    assert [chunk.message.content for chunk in taken.whole()] == ["abc"]


def test_completions_are_copied() -> None:
    taken = Chunks()
    chunk = GenerationChunk(text="a")
    taken.add(chunk)
    chunk.text = "another"
    assert [kept.text for kept in taken.whole()] == ["a"]
