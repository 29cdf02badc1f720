"""Ids of messages: in a run, a message that comes without one gets the same in every attempt.

LangGraph draws a random id for each message that comes into a graph's state without one. What
tools return is recorded, and may name the messages of their state: a handoff gives them all
back, a pruning tool says which to remove. With new ids in the next attempt, they would name
messages that are not there.

Here an id is a pure function of the place that the message comes from, of its content, and of a
number that tells it from its equals. A place is a graph's call in the run (for its input, and
what only the reducer knows as a message), or one node in one superstep of it (for its output).
So no two places give the same id, and branches in parallel need not agree on who comes first.
The message that LangChain makes of a tool's result has an id as soon as that: its place is the
tool's call.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from hashlib import blake2b
from operator import attrgetter
from typing import Any

from langchain_core.messages import (
    BaseMessage,
    BaseMessageChunk,
    ToolMessage,
    convert_to_messages,
)
from langchain_core.messages.utils import message_chunk_to_message
from pydantic import BaseModel

from langchain_durable.identity.fingerprint import fingerprint
from langchain_durable.identity.labels import STEP
from langchain_durable.identity.message_digests import is_message
from langchain_durable.identity.tree import Scope
from langchain_durable.touchpoints.langgraph import has_own_saver, is_command, keeps_writes

_RUNS = b"langchain-durable"
_NODE = "graph:step:"
"""LangGraph's tag on the chain that is a node."""


class GraphCall:
    """A graph's call in a run. ``name`` is its own in all runs, and the same in every attempt.

    ``first_step`` is the superstep that a call from an earlier checkpoint would begin with, were
    that the thread's last one. If it is not, LangGraph forks it first, and counts one further.
    """

    __slots__ = ("_ahead", "_given", "_held", "first_step", "place")

    def __init__(self, name: str, given: Any) -> None:
        self.place = _within(_RUNS, name)
        self._given = given
        self._held: dict[int, BaseMessage] | None = None
        self._ahead: int | None = None
        self.first_step: int | None = None

    def unforked(self, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
        """A node's metadata with the superstep that it would have without a fork."""
        step = metadata.get(STEP)
        if self.first_step is None or not isinstance(step, int):
            return metadata
        if self._ahead is None:
            self._ahead = step - self.first_step
        return {**metadata, STEP: step - self._ahead}

    def node(self, scope: Scope) -> bytes:
        """The place of one of its nodes: a label has the superstep, and a retry its turn."""
        return _within(self.place, f"{scope.label}#{scope.arrival}")

    def held(self, message: BaseMessage) -> bool:
        """Is this one of the message objects that the caller gave?"""
        if self._held is None:
            values = self._given.values() if isinstance(self._given, dict) else ()
            self._held = {id(m): m for value in values for m in _messages(value)}
        return id(message) in self._held


in_graph: ContextVar[GraphCall | None] = ContextVar("langchain_durable_in_graph", default=None)
"""The innermost graph that runs in this context as a part of a run."""


def name_tool_output(call: GraphCall, scope: Scope, output: Any) -> None:
    """Give an id to the message that LangChain makes of what a tool in a graph returns.

    That is soon enough for all who look at it. ``scope`` is that of the tool's call. Another run
    has a call at the same node of its tree, maybe on the same thread, but not in the same graph's
    call.
    """
    if isinstance(output, ToolMessage) and output.id is None and scope.node is not None:
        output.id = _uuid(_within(call.place, scope.node.id.hex()).hex())


def name_output(call: GraphCall, scope: Scope, output: Any, tags: Sequence[str] | None) -> None:
    """Give ids to the messages that a node of a graph returns, before LangGraph does.

    ``scope`` is that of a chain which has ended, which may be no node.
    """
    if not tags or not _is_node(tags):
        return
    nameless = [message for message in _returned(output) if message.id is None]
    if nameless:
        _name(nameless, call.node(scope), set())


def _is_node(tags: Sequence[str]) -> bool:
    return any(tag.startswith(_NODE) for tag in tags)


def with_named_input(call: GraphCall, graph: Any, given: Any) -> Any:
    """The input of a graph's call, with ids for messages that LangGraph names before it merges.

    So it does for channels that keep what is written to them; for others see :func:`naming`.
    A graph with a checkpointer of its own has kept its input, and goes on without it.
    """
    if not isinstance(given, dict) or has_own_saver(graph):
        return given
    taken: set[str | None] = set()
    named = given
    for key, value in given.items():
        if keeps_writes(graph.channels.get(key)):
            _name([m for m in _messages(value) if m.id is None], call.place, taken)
            if isinstance(value, list):
                named = {**named, key: [_with_id(item, call.place, taken) for item in value]}
    return named


def naming(reducer: Callable[..., Any]) -> Callable[..., Any]:
    """The wrapper of LangGraph's ``add_messages``: what it merges has ids."""

    @functools.wraps(reducer)
    def add_messages(left: Any, right: Any, **kwargs: Any) -> Any:
        call = in_graph.get()
        if call is None:
            return reducer(left, right, **kwargs)
        before = left if isinstance(left, list) else [left]
        after = right if isinstance(right, list) else [right]
        if _lack_ids(before, after):
            before, after = _with_ids(before, after, call)
        return reducer(before, after, **kwargs)

    return add_messages


# -- ids --------------------------------------------------------------------------------------


def _within(place: bytes, name: str) -> bytes:
    """16 bytes for something in a place."""
    return blake2b(name.encode(), key=place, digest_size=16).digest()


def _name(messages: Iterable[BaseMessage], place: bytes, taken: set[str | None]) -> None:
    for message in messages:
        message.id = _new_id(message, place, taken)


def _new_id(message: Any, place: bytes, taken: set[str | None]) -> str:
    """The first id of this content at this place that no other message has."""
    content, number = fingerprint(_content(message)).hex(), 0
    while (found := _uuid(_within(place, f"{content}#{number}").hex())) in taken:
        number += 1
    taken.add(found)
    return found


def _uuid(digits: str) -> str:
    """32 digits as a UUID, such as LangGraph's ids are: of version 8, one's own way (RFC 9562)."""
    return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _content(message: Any) -> Any:
    """What a message says. A program's own ids of tool calls may be random: they do not count."""
    if not isinstance(message, BaseMessage):
        return message
    calls = [(call["name"], call["args"]) for call in getattr(message, "tool_calls", ())]
    return message.type, message.name, message.content, calls


def _lack_ids(before: Sequence[Any], after: Sequence[Any]) -> bool:
    """Is something without an id among these? What is not a message yet has none."""
    try:
        return None in map(_id_of, after) or None in map(_id_of, before)
    except AttributeError:
        return True


_id_of = attrgetter("id")


def _with_ids(
    left: Sequence[Any], right: Sequence[Any], call: GraphCall
) -> tuple[list[BaseMessage], list[BaseMessage]]:
    """Both sides as messages with ids.

    The caller's own message objects get theirs, as LangGraph has it; others are copied. For
    LangGraph also merges to see what the state would be after one of several branches. An id
    from there would not know of the others, so it must not stay on the branch's own message.
    """
    before, after = _as_messages(left), _as_messages(right)
    taken = {*map(_id_of, before), *map(_id_of, after)}

    def named(message: BaseMessage) -> BaseMessage:
        mine = message if call.held(message) else message.model_copy()
        mine.id = _new_id(message, call.place, taken)
        return mine

    return [named(m) if m.id is None else m for m in before], [
        named(m) if m.id is None else m for m in after
    ]


def _as_messages(given: Sequence[Any]) -> Sequence[BaseMessage]:
    """As LangGraph makes messages of what it is given."""
    if all(map(_is_whole_message, {*map(type, given)})):
        return given
    return [
        message_chunk_to_message(message) if isinstance(message, BaseMessageChunk) else message
        for message in convert_to_messages(given)
    ]


def _is_whole_message(cls: type) -> bool:
    return issubclass(cls, BaseMessage) and not issubclass(cls, BaseMessageChunk)


def _with_id(item: Any, place: bytes, taken: set[str | None]) -> Any:
    """A message that is written as a dict, with an id; anything else as it is."""
    if not isinstance(item, dict) or item.get("id") or not item.keys() & {"role", "type"}:
        return item
    return {**item, "id": _new_id(item, place, taken)}


# -- where messages are -----------------------------------------------------------------------


def _returned(output: Any) -> list[BaseMessage]:
    """The messages in what a node returns: an update of the state, a command, several of them."""
    found: list[BaseMessage] = []
    for update in output if isinstance(output, (list, tuple)) else (output,):
        if not isinstance(update, dict):
            if is_command(update):
                update = update.update
            found += _messages(update)
        for value in _values(update):
            found += _messages(value)
    return found


def _values(update: Any) -> Iterable[Any]:
    """The values of an update of the state, in the forms that LangGraph takes."""
    if isinstance(update, (dict, Mapping)):
        return update.values()
    if isinstance(update, BaseModel) and not isinstance(update, BaseMessage):
        return [getattr(update, name) for name in type(update).model_fields]
    if dataclasses.is_dataclass(update) and not isinstance(update, type):
        return [getattr(update, field.name, None) for field in dataclasses.fields(update)]
    return ()


def _messages(value: Any) -> Sequence[BaseMessage]:
    """The value, if it is a message; the messages in it, if it is a list."""
    if is_message(value):
        return (value,)
    # Lists of other things may be long, and have few types.
    if isinstance(value, (list, tuple)) and any(map(_is_message_class, {*map(type, value)})):
        return [item for item in value if is_message(item)]
    return ()


def _is_message_class(cls: type) -> bool:
    return issubclass(cls, BaseMessage)
