"""The chunks of a streamed answer as they came, whatever becomes of the originals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from langchain_core.messages import AIMessageChunk, BaseMessageChunk
from langchain_core.outputs import ChatGenerationChunk, GenerationChunk
from pydantic import BaseModel

Chunk = ChatGenerationChunk | GenerationChunk
_M = TypeVar("_M", bound=BaseModel)
_MISSING = object()

_NEUTRAL_METADATA = {"model_provider"}
"""What may be in the metadata of each chunk and is not added up when they are merged."""


class Chunks:
    """Takes chunks down in as little time as there is between two of them.

    LangChain, and whoever gets a chunk, sets attributes of its message later, so it is copied.
    A chunk that only has more text than the one before is kept as that text.
    """

    __slots__ = ("_added", "_kept", "_rest", "_texts", "count")

    def __init__(self) -> None:
        self._kept: list[Any] = []
        self._added: list[list[str]] = []
        self._texts: list[str] = []
        self._rest: dict[str, Any] | None = None
        self.count = 0

    def add(self, chunk: Chunk) -> None:
        """Keep a chunk as it is now."""
        self.count += 1
        message = getattr(chunk, "message", None)
        if type(message) is AIMessageChunk and not chunk.generation_info:
            rest = message.__dict__.copy()
            text = rest.pop("content")
            if type(text) is str and not message.__pydantic_extra__:
                if rest == self._rest:
                    self._texts.append(text)
                    return
                self._keep(chunk)
                self._rest = rest if _adds_text_only(rest) else None
                return
        self._keep(chunk)
        self._rest = None

    def any(self, test: Callable[[Any], bool]) -> bool:
        """Does one of the chunks, those that only add text left out, pass a test?"""
        return any(map(test, self._kept))

    def whole(self) -> list[Any]:
        """The chunks, those that only add text joined: merged, they give the same answer."""
        for kept, texts in zip(self._kept, self._added, strict=True):
            if texts:
                kept.message.content += "".join(texts)
                texts.clear()
        return self._kept

    def single(self) -> list[Any]:
        """The chunks one by one, for the journal: ``[message or text, info, further texts]``."""
        return [
            [getattr(kept, "message", kept.text), kept.generation_info, texts]
            for kept, texts in zip(self._kept, self._added, strict=True)
        ]

    def _keep(self, chunk: Chunk) -> None:
        kept = _twin(chunk)
        if isinstance(kept, ChatGenerationChunk):
            kept.__dict__["message"] = _twin(kept.message)
        self._kept.append(kept)
        self._texts = []
        self._added.append(self._texts)


def again(single: Iterable[Any]) -> list[Chunk]:
    """The chunks that :meth:`Chunks.single` wrote down."""
    chunks: list[Chunk] = []
    for first, info, texts in single:
        if not isinstance(first, BaseMessageChunk):
            chunks.append(GenerationChunk(text=first, generation_info=info))
            continue
        chunks.append(ChatGenerationChunk(message=first, generation_info=info))
        for text in texts:
            message = _twin(first)
            message.content = text
            chunks.append(ChatGenerationChunk(message=message))
    return chunks


def _adds_text_only(rest: dict[str, Any]) -> bool:
    """Does a chunk with these fields, beside its text, add nothing to one that has the same?"""
    added = ("additional_kwargs", "tool_calls", "invalid_tool_calls", "tool_call_chunks")
    if any(rest.get(name, _MISSING) for name in (*added, "usage_metadata", "chunk_position")):
        return False
    return bool(rest["response_metadata"].keys() <= _NEUTRAL_METADATA)


def _twin(model: _M) -> _M:
    """What ``copy.copy`` gives, in a fourth of the time."""
    made = model.__class__.__new__(model.__class__)
    _set(made, "__dict__", model.__dict__.copy())
    _set(made, "__pydantic_fields_set__", model.__pydantic_fields_set__.copy())
    _set(made, "__pydantic_extra__", model.__pydantic_extra__)
    _set(made, "__pydantic_private__", None)
    return made


_set = object.__setattr__
