"""Digests of messages, remembered: the input of nearly every step is the whole conversation.

A remembered digest holds as long as the message's fields are the same objects, or equal; a list
inside a field that was changed in place is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Any, TypeGuard

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    HumanMessageChunk,
    SystemMessage,
    SystemMessageChunk,
    ToolMessage,
    ToolMessageChunk,
)

from langchain_durable.remembered import Remembered

_SIZE = 16
_MAX_MESSAGES = 4096
_MAX_LISTS = 256
_MAX_BYTES = 32 * 2**20

_CHUNKS = {
    f"{name}MessageChunk": kind
    for name, kind in {
        "AI": "ai",
        "Human": "human",
        "System": "system",
        "Tool": "tool",
        "Chat": "chat",
        "Function": "function",
    }.items()
}
# isinstance() of a pydantic class costs as much as the digest of a short message.
_CLASSES = frozenset(
    (
        *(AIMessage, AIMessageChunk, HumanMessage, HumanMessageChunk, SystemMessage),
        *(ToolMessage, ToolMessageChunk, ChatMessage, FunctionMessage, SystemMessageChunk),
    )
)
_PLAIN = frozenset((str, int, float, bool, type(None), bytes, dict, list, tuple))
_BY_THE_WAY = frozenset(("index", "extras", "encrypted_content"))
"""Keys of content blocks that a stream has in another place, or not, once it is put together."""
_CALLS = frozenset(("tool_call", "tool_call_chunk", "tool_use", "function_call"))
"""Types of content blocks that say again what is in a message's ``tool_calls``."""
_UUID = re.compile("[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")

_fields_of = attrgetter("__dict__")

_Entry = tuple[BaseMessage, dict[str, Any], bytes, int]
_List = tuple[list[_Entry], list[dict[str, Any]], bytes]


def is_message(value: Any) -> TypeGuard[BaseMessage]:
    """Is this a message of LangChain?"""
    kind = type(value)
    return kind in _CLASSES or (kind not in _PLAIN and isinstance(value, BaseMessage))


class MessageDigests:
    """Digests of messages; ``pack`` makes canonical bytes of the fields that count."""

    def __init__(self, pack: Callable[[Any], bytes]) -> None:
        self._pack = pack
        # The messages themselves are held: so no other object can have their id meanwhile.
        self._messages: Remembered[_Entry] = Remembered(_MAX_MESSAGES, _MAX_BYTES)
        self._lists: Remembered[_List] = Remembered(_MAX_LISTS, _MAX_BYTES)

    def forget(self) -> None:
        """Let go of all remembered messages."""
        self._messages.clear()
        self._lists.clear()

    def of(self, message: BaseMessage) -> bytes:
        """16 bytes for a message."""
        return self._entry(message)[2]

    def of_all(self, messages: Sequence[Any]) -> bytes | None:
        """16 bytes for a list of messages; None if there is something else in it.

        A conversation is known by its first two messages. Nearly always it has grown since.
        """
        key = (id(messages[0]), id(messages[1]) if len(messages) > 1 else 0)
        known = self._lists.get(key)
        entries: list[_Entry] = []
        if known is not None and _begins_with(messages, known[1]):
            if len(messages) == len(known[0]):
                return known[2]
            entries = known[0].copy()
        for message in messages[len(entries) :]:
            if not is_message(message):
                return None
            entries.append(self._entry(message))
        digest = blake2b(b"".join([entry[2] for entry in entries]), digest_size=_SIZE).digest()
        size = sum([entry[3] for entry in entries])
        self._lists.put(key, (entries, [entry[1] for entry in entries], digest), size)
        return digest

    def _entry(self, message: BaseMessage) -> _Entry:
        known = self._messages.get(id(message))
        fields = message.__dict__
        try:
            if known is not None and known[0] is message and known[1] == fields:
                return known
        except Exception:  # as in _begins_with
            known = None
        packed = self._pack(_essence(fields))
        digest = blake2b(packed, digest_size=_SIZE).digest()
        # An artifact may be anything, of any size: nothing that has one is kept alive by this.
        size = len(packed) if fields.get("artifact") is None else _MAX_BYTES
        entry = (message, fields.copy(), digest, size)
        self._messages.put(id(message), entry, size)
        return entry


def _begins_with(messages: Sequence[Any], remembered: list[dict[str, Any]]) -> bool:
    """Whether the first messages' fields are those remembered: one comparison, made in C."""
    try:
        return list(map(_fields_of, messages[: len(remembered)])) == remembered
    except Exception:  # an object in a field that cannot be compared, or has no fields
        return False


def _essence(fields: dict[str, Any]) -> list[Any]:
    get = fields.get
    kind = fields["type"]
    content = fields["content"]
    calls = get("tool_calls")
    essence = [
        _CHUNKS.get(kind, kind),
        content if type(content) is str else _blocks(content, bool(calls)),
        get("name") or "",
        _call_id(get("tool_call_id")) or "",
        get("status") or "",
        get("role") or "",
    ]
    if calls:
        essence.append(
            [[call.get("name"), call.get("args"), _call_id(call.get("id"))] for call in calls]
        )
    return essence


def _call_id(given: str | None) -> str | None:
    """The id of a tool call, without a UUID in it.

    A program makes calls up too, such as the handoffs of langgraph-supervisor, and gives them
    another id in every attempt.
    """
    return given and _UUID.sub("", given)


def _blocks(content: Any, has_calls: bool) -> Any:
    """The blocks of a content without what depends on whether and how it was streamed.

    A content that is nothing but text is a list of blocks or a str, by the way of streaming.
    """
    if not isinstance(content, list):
        return content
    blocks = [
        _block(block)
        for block in content
        if not (has_calls and isinstance(block, dict) and block.get("type") in _CALLS)
    ]
    if all(isinstance(block, str) for block in blocks):
        return "".join(blocks)
    return blocks


def _block(block: Any) -> Any:
    if not isinstance(block, dict):
        return block
    text = block.get("text")
    if block.get("type") == "text" and isinstance(text, str):
        return text
    return {key: item for key, item in block.items() if key not in _BY_THE_WAY}
