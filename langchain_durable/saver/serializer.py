"""The serializer of a saver that was given none."""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from langchain_durable.codec import Codec
from langchain_durable.errors import Unjournalable, ValueTooLarge

OURS = "lcd"


class StrictSerializer(JsonPlusSerializer):
    """Our codec, without loss; LangGraph's own serializer for what the codec does not carry.

    Neither imports or calls what a record names, unless it is a type known to be safe or
    one that ``with_allowlist`` has added; others come back as plain data.
    """

    def __init__(self) -> None:
        super().__init__(allowed_msgpack_modules=None)
        self._codec = Codec()

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """The type's name and the bytes."""
        try:
            return OURS, self._codec.encode(obj, bind=b"")
        except (Unjournalable, ValueTooLarge):
            return super().dumps_typed(obj)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """The value that ``dumps_typed`` was given."""
        if data[0] == OURS:
            return self._codec.decode(data[1], bind=b"")
        return super().loads_typed(data)
