"""Calls that stream, as runs: a run ends with its stream, or when that is left."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import copy_context
from typing import Any

from langchain_durable.intercept.active import active, deactivate
from langchain_durable.intercept.tracker import PathTracker
from langchain_durable.running.running import Running, Taken
from langchain_durable.waiting import Call, Procedure, adrive, drive

_OVER: Any = object()


class _Stream:
    """One streamed call; its two kinds, and their drivers below, only differ in how they wait.

    The run is active while the stream is advanced only, so that two can be read in turns.
    """

    def __init__(self, taken: Taken, function: Callable[[Any], Any]) -> None:
        self._taken = taken
        self._function = function
        self._last: Any = None
        self.tracker = PathTracker(taken.attempt)
        self.current = taken.attempt.trace.current()
        self.source: Any = None

    def start(self) -> Any:
        """What the program streams. This may be where it fails."""
        return self._function(self._taken.config())

    def given(self, piece: Any) -> Any:
        """The piece, which goes to the reader now."""
        self._last = piece
        self._taken.attempt.unread = True
        return piece

    def read_on(self) -> None:
        """The reader wants the next piece."""
        self._taken.attempt.unread = False

    def left(self, exc: BaseException) -> Procedure[None]:
        """It has not come to its end: close what is streamed, and give the run back."""
        try:
            yield Call(self.close)
        finally:
            yield from self._taken.abort(exc)

    def end(self) -> Procedure[None]:
        """It was read to its end."""
        yield from self._taken.close(self._last, keep_result=False)

    def close(self) -> Any:
        raise NotImplementedError


class _Iterated(_Stream):
    """In a context of its own: what the program sets there is not for the reader."""

    def __init__(self, taken: Taken, function: Callable[[Any], Any]) -> None:
        super().__init__(taken, function)
        self._context = copy_context()
        self._context.run(active.set, self.tracker)
        self._context.run(self.current.__enter__)

    def advance(self) -> Any:
        """The next piece; ``_OVER`` at the end."""
        self.read_on()
        if self.source is None:
            self.source = self._context.run(lambda: iter(self.start()))
        return self._context.run(next, self.source, _OVER)

    def close(self) -> None:
        close = getattr(self.source, "close", None)
        if close is not None:
            self._context.run(close)


class _Awaited(_Stream):
    async def advance(self) -> Any:
        """The next piece; ``_OVER`` at the end."""
        self.read_on()
        # Set and reset between two pieces: the reader's own context must not be touched.
        before = active.get()
        active.set(self.tracker)
        try:
            with self.current:
                if self.source is None:
                    self.source = self.start().__aiter__()
                return await self.source.__anext__()
        except StopAsyncIteration:
            return _OVER
        finally:
            deactivate(self.tracker, before)

    async def close(self) -> None:
        close = getattr(self.source, "aclose", None)
        if close is not None:
            await close()


def iterate(running: Running, function: Callable[[Any], Iterator[Any]]) -> Iterator[Any]:
    """Make a durable call that streams."""
    stream = _Iterated(drive(running.replayed_or_live()), function)
    try:
        while (piece := stream.advance()) is not _OVER:
            yield stream.given(piece)
    except BaseException as exc:
        drive(stream.left(exc))
        raise
    drive(stream.end())


async def aiterate(
    running: Running, function: Callable[[Any], AsyncIterator[Any]]
) -> AsyncIterator[Any]:
    """Make a durable call that streams, on this event loop."""
    stream = _Awaited(await adrive(running.replayed_or_live()), function)
    try:
        while (piece := await stream.advance()) is not _OVER:
            yield stream.given(piece)
    except BaseException as exc:
        await adrive(stream.left(exc))
        raise
    await adrive(stream.end())
