"""What the journal keeps of a step's values: encoded, and bound to the step that they are of."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from langchain_durable.codec import Codec
from langchain_durable.errors import Unjournalable
from langchain_durable.events import ErrorInfo
from langchain_durable.recorder.answers import ERROR, bind
from langchain_durable.recorder.failures import CHUNKS, UNLIKE, keep

Instead = Callable[[Any], Any]
"""Makes what will do of a value that the journal does not carry, or None."""


class Payloads:
    """Encodes the values of one run's steps; each step goes by its id."""

    def __init__(self, codec: Codec, run_id: str) -> None:
        self._codec = codec
        self._run_id = run_id

    def of_result(
        self, step: bytes, value: Any, instead: Instead | None
    ) -> tuple[bytes | None, Exception | None]:
        """A result, or what will do in its place; else why there is none to write down."""
        where = bind(self._run_id, step)
        try:
            return self._codec.encode(value, bind=where), None
        except Exception as exc:
            # What redact= knows how to clean may be the value itself, and nothing made of it.
            able = isinstance(exc, Unjournalable) and not self._codec.redacts
            if instead is not None and able:
                with suppress(Exception):  # of the value's own class
                    if (other := instead(value)) is not None:
                        return self._codec.encode(other, bind=where), None
            return None, exc

    def beside(self, step: bytes, what: str, value: Any) -> bytes | None:
        """A value that the step itself does not depend on; None if it cannot be carried."""
        try:
            return self._codec.encode(value, bind=bind(self._run_id, step, what))
        except Exception:
            return None

    def of_error(
        self, step: bytes, exc: BaseException, info: ErrorInfo, chunks: Any
    ) -> bytes | None:
        """What an error has beside its message, and the chunks that came before it."""
        kept = keep(exc, info, lambda value: len(self.beside(step, ERROR, value) or b""))
        if chunks:
            both = self.beside(step, ERROR, {**kept, CHUNKS: chunks})
            if both is not None:
                return both
            kept = {UNLIKE: True}  # without them the program would go another way
        return self.beside(step, ERROR, kept) if kept else None
