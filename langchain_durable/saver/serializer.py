"""The serializer of a saver that was given none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from langgraph.checkpoint.serde.event_hooks import SerdeEvent, register_serde_event_listener
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from langchain_durable.codec import Codec
from langchain_durable.errors import Unjournalable, ValueTooLarge

OURS = "lcd"
SEALED = "lcd+"
"""LangGraph's own serialization, in an encrypted record of ours."""


class StrictSerializer(JsonPlusSerializer):
    """Our codec, without loss; LangGraph's own serializer for what the codec does not carry.

    Neither imports or calls what a record names, unless it is a type known to be safe or
    one that ``with_allowlist`` has added; others come back as plain data. ``codec``: one with
    a key encrypts all that is stored.
    """

    def __init__(self, codec: Codec | None = None) -> None:
        super().__init__(allowed_msgpack_modules=None)
        self._codec = codec or Codec()

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """The type's name and the bytes."""
        try:
            return OURS, self._codec.encode(obj, bind=b"")
        except (Unjournalable, ValueTooLarge):
            plain = super().dumps_typed(obj)
            if not self._codec.encrypts:
                return plain
            return SEALED, self._codec.encode(list(plain), bind=b"")

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """The value that ``dumps_typed`` was given."""
        if data[0] == OURS:
            return self._codec.decode(data[1], bind=b"")
        if data[0] == SEALED:
            name, plain = self._codec.decode(data[1], bind=b"")
            return super().loads_typed((name, plain))
        if self._codec.encrypts:
            raise ValueError("it is not encrypted")
        return super().loads_typed(data)


@contextmanager
def refused() -> Iterator[set[tuple[str, str]]]:
    """The classes, by module and name, that are read in this thread and not rebuilt."""
    classes: set[tuple[str, str]] = set()
    thread = threading.get_ident()

    def listen(event: SerdeEvent) -> None:
        if event["kind"] == "msgpack_blocked" and threading.get_ident() == thread:
            classes.add((event["module"], event["name"]))

    unregister = register_serde_event_listener(listen)
    try:
        yield classes
    finally:
        unregister()
