"""What the journal carries, as hypothesis strategies."""

import dataclasses
import datetime as dt
import enum
import re
from collections import Counter, OrderedDict, defaultdict, deque
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from langchain_core.agents import AgentAction, AgentActionMessageLog, AgentFinish
from langchain_core.documents import Document
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    ChatMessageChunk,
    FunctionMessage,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    RemoveMessage,
    SystemMessage,
    SystemMessageChunk,
    ToolMessage,
    ToolMessageChunk,
)
from langchain_core.prompt_values import ChatPromptValue, StringPromptValue
from langgraph.types import Command, GraphOutput, Interrupt, Overwrite
from pydantic import BaseModel, PrivateAttr


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Report(BaseModel):
    title: str
    scores: list[float] = []
    parent: "Report | None" = None
    _seen: int = PrivateAttr(default=0)


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    x: int
    tags: tuple[str, ...] = ()


class Pair(NamedTuple):
    left: Any
    right: Any


ALLOWED: tuple[type, ...] = (Colour, Rights, Report, Point, Pair)

# Any code point, lone surrogates too.
texts = st.text(st.characters(codec=None), max_size=12)
zones = st.one_of(
    st.none(),
    st.just(dt.UTC),
    st.sampled_from(["Europe/Berlin", "America/St_Johns"]).map(ZoneInfo),
    st.integers(-1439, 1439).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes))),
    st.just(dt.timezone(dt.timedelta(hours=3), "MSK")),
)
hashables = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    texts,
    st.binary(max_size=12),
    st.datetimes(timezones=zones),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.uuids(),
    st.decimals(allow_nan=False),
    st.sampled_from([Path("/a/b"), PurePosixPath("a"), PureWindowsPath("c:\\x")]),
    st.sampled_from([re.compile("a.*", re.MULTILINE), re.compile(b"(?i)x")]),
    st.sampled_from([*Colour, Rights.READ | Rights.WRITE]),
    st.frozensets(st.integers(), max_size=3),
    st.tuples(st.integers(), texts),
)


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    pairs = st.dictionaries(hashables, inner, max_size=3)
    return st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(texts, inner, max_size=3),
        pairs,
        pairs.map(OrderedDict),
        pairs.map(lambda found: defaultdict(list, found)),
        st.lists(inner, max_size=3).map(lambda found: deque(found, maxlen=5)),
        st.builds(Pair, inner, inner),
        st.builds(Point, x=st.integers(), tags=st.lists(texts, max_size=2).map(tuple)),
        st.builds(Document, page_content=texts, metadata=st.dictionaries(texts, inner, max_size=2)),
        st.builds(Command, update=st.dictionaries(texts, inner, max_size=2), goto=texts),
        st.builds(Interrupt, value=inner, id=texts),
        st.builds(GraphOutput, value=inner),
        st.builds(Overwrite, inner),
        st.builds(ToolMessage, texts, tool_call_id=texts, artifact=inner),
        st.builds(AgentFinish, return_values=st.dictionaries(texts, inner, max_size=2), log=texts),
    )


leaves = st.one_of(
    hashables,
    st.sets(st.integers(), max_size=3),
    st.dictionaries(texts, st.integers(1), max_size=3).map(Counter),
    st.builds(Report, title=st.text(max_size=5), scores=st.lists(st.floats(0, 1), max_size=2)),
)
values = st.recursive(leaves, _containers, max_leaves=12)

_plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)
_kwargs = st.dictionaries(st.sampled_from(["logprobs", "model_name", "x"]), _plain, max_size=2)
_contents = st.one_of(
    st.text(max_size=30),
    st.lists(
        st.one_of(
            st.text(max_size=8),
            st.fixed_dictionaries({"type": st.just("text"), "text": st.text(max_size=8)}),
        ),
        max_size=3,
    ),
)
_calls = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.text(max_size=8),
            "args": st.dictionaries(st.text(max_size=5), _plain, max_size=2),
            "id": st.one_of(st.none(), st.text(max_size=8)),
            "type": st.just("tool_call"),
        }
    ),
    max_size=2,
)
_invalid_calls = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.text(max_size=8),
            "args": st.text(max_size=8),
            "id": st.text(max_size=8),
            "error": st.none(),
            "type": st.just("invalid_tool_call"),
        }
    ),
    max_size=1,
)
_call_chunks = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.one_of(st.none(), st.text(max_size=8)),
            "args": st.sampled_from(["", "{", '{"a": 1}', "nonsense"]),
            "id": st.one_of(st.none(), st.text(max_size=8)),
            "index": st.integers(0, 3),
            "type": st.just("tool_call_chunk"),
        }
    ),
    max_size=2,
)
_usages = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {
            "input_tokens": st.integers(0, 10**6),
            "output_tokens": st.integers(0, 10**6),
            "total_tokens": st.integers(0, 10**6),
            "input_token_details": st.fixed_dictionaries({"cache_read": st.integers(0, 9)}),
        }
    ),
)
_common: dict[str, st.SearchStrategy[Any]] = {
    "content": _contents,
    "additional_kwargs": _kwargs,
    "response_metadata": _kwargs,
    "id": st.one_of(st.none(), st.text(max_size=8)),
}
_named = _common | {"name": st.one_of(st.none(), st.text(max_size=8))}
_answers = _named | {
    "tool_calls": _calls,
    "invalid_tool_calls": _invalid_calls,
    "usage_metadata": _usages,
}
_results = _named | {
    "tool_call_id": st.text(max_size=8),
    "artifact": values,
    "status": st.sampled_from(["success", "error"]),
}
_messages: st.SearchStrategy[BaseMessage] = st.one_of(
    st.builds(AIMessage, **_answers, vendor_extra=_plain),
    st.builds(AIMessage, **_answers),
    st.builds(
        AIMessageChunk,
        **(_named | {"usage_metadata": _usages}),
        tool_call_chunks=_call_chunks,
        chunk_position=st.sampled_from([None, "last"]),
    ),
    st.builds(HumanMessage, **_named),
    st.builds(HumanMessageChunk, **_named),
    st.builds(SystemMessage, **_named),
    st.builds(SystemMessageChunk, **_named),
    st.builds(ToolMessage, **_results),
    st.builds(ToolMessageChunk, **_results),
    st.builds(ChatMessage, **_named, role=st.text(max_size=8)),
    st.builds(ChatMessageChunk, **_named, role=st.text(max_size=8)),
    st.builds(FunctionMessage, **_common, name=st.text(max_size=8)),
    st.builds(FunctionMessageChunk, **_common, name=st.text(max_size=8)),
    st.text(max_size=8).map(lambda id_: RemoveMessage(id=id_)),
)
# Deferred, so that a failure is not drowned by the strategy it came from.
messages = st.deferred(lambda: _messages)
_with_messages: st.SearchStrategy[Any] = st.one_of(
    messages,
    st.lists(messages, max_size=3),
    st.builds(lambda found: {"g": found, "o": None}, st.lists(messages, max_size=2)),
    st.builds(ChatPromptValue, messages=st.lists(messages, max_size=2)),
    st.builds(StringPromptValue, text=st.text(max_size=8)),
    st.builds(
        AgentAction, tool=st.text(max_size=8), tool_input=st.text(max_size=8), log=st.just("")
    ),
    st.builds(
        AgentActionMessageLog,
        tool=st.just("t"),
        tool_input=st.just({"a": 1}),
        log=st.just(""),
        message_log=st.lists(messages, max_size=2),
    ),
)


with_messages = st.deferred(lambda: _with_messages)


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types all the way down; nan is nan."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return one == other or (one != one and other != other)
    if isinstance(one, dict):
        return same(list(one), list(other)) and same(list(one.values()), list(other.values()))
    if isinstance(one, (list, tuple, deque)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, BaseModel):
        return same(one.__dict__, other.__dict__) and same(
            one.__pydantic_extra__ or {}, other.__pydantic_extra__ or {}
        )
    return bool(one == other)
