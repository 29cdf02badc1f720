"""Streamed model calls: recorded when the stream has come to its end, not before."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.outputs import ChatGenerationChunk, GenerationChunk

from langchain_durable.errors import StreamCut
from langchain_durable.events import StepKind
from langchain_durable.intercept.chunks import Chunk, Chunks, again
from langchain_durable.intercept.claims import claim
from langchain_durable.intercept.models import name_answer
from langchain_durable.intercept.perform import Form, ending, failed, written
from langchain_durable.intercept.step import Step
from langchain_durable.intercept.wrapping import Original
from langchain_durable.recorder.answers import Answer
from langchain_durable.recorder.given_up import GivenUp
from langchain_durable.spans.models import first_chunk
from langchain_durable.waiting import Procedure, adrive, drive

_OVER: Any = object()


@dataclass(frozen=True, slots=True)
class StreamForm:
    """How the streams of one kind of model are merged, replayed and told from cut ones.

    ``answer`` gives what a merged stream says: a message, or a text.
    """

    form: Form
    merge: Callable[[Sequence[Any]], Any]
    replay: Callable[[Mapping[str, Any]], Chunk]
    finishes: Callable[[Any], bool]
    answer: Callable[[Any], Any]


@dataclass(slots=True)
class Streaming:
    """One streamed call; the two drivers below only differ in how they wait."""

    step: Step
    form: StreamForm
    model: Any
    chunks: Chunks = field(default_factory=Chunks)
    clock: Callable[[], int] = time.time_ns
    known: Answer | GivenUp | None = None
    error: Exception | None = None
    first: int = 0
    last: int = 0
    """When the first and the last chunk came, in nanoseconds."""

    def begin(self) -> Procedure[Sequence[Chunk]]:
        """The chunks that are recorded: the whole answer in one, or those of a stream that was
        left or failed, one by one, because its consumer may have counted them."""
        attempt, scope = self.step.attempt, self.step.scope
        self.clock = attempt.settings.clock
        yield from attempt.ready()
        try:
            self.known = known = attempt.recall(scope)
        except Exception as exc:
            if not scope.chunks:
                raise
            self.error = exc
            return again(scope.chunks)
        if isinstance(known, GivenUp):
            return again(known.chunks or ())
        return () if known is None else (self.form.replay(known.value),)

    def goes_on(self) -> Procedure[bool]:
        """Does the provider have to be called, now that the consumer has what is recorded?

        Not after a whole answer. A consumer that had left a stream, or was cancelled while it
        read, is given the time to do so again. If it wants more, then nothing that is recorded
        is the answer, and what it was given cannot be taken back: the step fails, and is
        made anew when the run is called again.
        """
        attempt, scope = self.step.attempt, self.step.scope
        if self.error is not None:
            raise self.error
        if isinstance(self.known, Answer):
            return False
        if self.known is not None:
            yield from attempt.give_up_again(scope, self.known)
        yield from attempt.settle(attempt.start(scope))
        if self.known is not None and self.known.chunks:
            unfinished = self._unfinished(len(again(self.known.chunks)))
            yield from failed(self.step, unfinished, chunks=self.known.chunks)
            raise unfinished
        return True

    def stop(self, exc: BaseException) -> Procedure[None]:
        """The stream has not come to its end: record why, and how far its consumer read it."""
        attempt = self.step.attempt
        left = isinstance(exc, (GeneratorExit, asyncio.CancelledError)) and self.chunks.count
        if not left:
            yield from failed(self.step, exc, chunks=self.chunks.single())
        elif attempt.broken is None:
            attempt.leave(self.step.scope, exc, self.chunks.single(), self.last)

    def take(self, chunk: Any) -> None:
        """Remember a chunk as it came."""
        self.last = self.clock()
        if not self.first:
            self.first, scope = self.last, self.step.scope
            scope.streamed = first_chunk((self.first - scope.entered) / 1e9)
        self.chunks.add(chunk)

    def end(self) -> Procedure[None]:
        """The stream is over: record its answer, unless it was cut."""
        attempt, scope = self.step.attempt, self.step.scope
        count = self.chunks.count
        if not count:
            return  # LangChain raises for an empty stream; nothing was finished
        if _must_finish(self.model) and not self.chunks.any(self.form.finishes):
            cut = self._cut()
            if attempt.settings.require_finish_reason:
                yield from failed(self.step, cut, chunks=self.chunks.single())
                raise cut
        result = self.form.merge(self.chunks.whole())
        name_answer(scope, result.generations[0])
        usage, told = ending(self.form.form, result)
        attempt.trace.saw(scope, result)
        if usage is None:
            attempt.trace.estimate(scope, self.form.answer(result))
        if count > 1:
            # Once a call: a record for each chunk would cost more than making it.
            scope.per_chunk = max(0, self.last - self.first) / 1e9 / (count - 1)
        value, refused = written(self.form.form, result, self.step)
        ended = attempt.complete(scope, value, usage, told, refused=refused)
        yield from attempt.settle(ended)

    def asking(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments of the provider's method, which may have to ask for its usage."""
        wanted = self.step.attempt.settings.stream_usage and _leaves_usage_out(self.model, kwargs)
        return {**kwargs, "stream_usage": True} if wanted else kwargs

    def _unfinished(self, count: int) -> StreamCut:
        return StreamCut(
            self.step.attempt.run_id,
            "/".join(self.step.scope.path),
            f"in an earlier attempt the program left this stream after {count} chunks, which it "
            "was given again; now it wants more, so they are not its answer.",
            expected="a program that leaves the stream at the same place",
            came="one that goes on reading",
            do="call the run again, and the stream is made anew; if the program leaves it by the "
            "clock or on request, record that decision with durable.step",
        )

    def _cut(self) -> StreamCut:
        return StreamCut(
            self.step.attempt.run_id,
            "/".join(self.step.scope.path),
            f"the stream of {type(self.model).__name__} ended without a finish reason after "
            f"{self.chunks.count} chunks: the connection was cut, so the answer is not whole.",
            expected="a finish reason at the end of the stream",
            came="none",
            do="call the run again; if your server never sends finish reasons, use "
            "Durable(require_finish_reason=False)",
        )


FINISHING = ("langchain_openai", "langchain_anthropic", "langchain_google_genai")
"""Packages whose streams always say why they ended. Other models cannot be judged."""


def _must_finish(model: Any) -> bool:
    return any(cls.__module__.partition(".")[0] in FINISHING for cls in type(model).__mro__)


def _leaves_usage_out(model: Any, kwargs: Mapping[str, Any]) -> bool:
    """Is this a client that can report the tokens of a stream, and was not told whether to?"""
    options = {*kwargs, *(getattr(model, "model_kwargs", None) or ())}
    told = options & {"stream_usage", "stream_options"}
    return getattr(model, "stream_usage", True) is None and not told


def chat_finishes(chunk: ChatGenerationChunk) -> bool:
    """Does this chunk say why the stream ended?"""
    message = chunk.message
    if getattr(message, "chunk_position", None) == "last":
        return True
    return any(
        found.get(key)
        for found in (chunk.generation_info or {}, message.response_metadata)
        for key in ("finish_reason", "stop_reason", "status", "done_reason")
    )


def completion_finishes(chunk: GenerationChunk) -> bool:
    """Does this chunk say why the stream ended?"""
    return bool((chunk.generation_info or {}).get("finish_reason"))


def sync_stream(original: Original, kind: StepKind, form: StreamForm) -> Original:
    """The wrapper of ``_stream``. The step is claimed when it is called, not at first next."""

    @functools.wraps(original)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        step = claim(kind, kwargs)
        if step is None:
            return original(self, *args, **kwargs)  # type: ignore[no-any-return]  # as the provider's
        return produce(Streaming(step, form, self), args, kwargs)

    def produce(streaming: Streaming, args: Any, kwargs: Any) -> Iterator[Any]:
        run_manager = kwargs.get("run_manager")
        for recorded in drive(streaming.begin()):
            if run_manager is not None:
                run_manager.on_llm_new_token(recorded.text, chunk=recorded)
            yield recorded
        if not drive(streaming.goes_on()):
            return
        current = streaming.step.attempt.trace.current_step(streaming.step.scope)
        try:
            chunks = iter(original(streaming.model, *args, **streaming.asking(kwargs)))
            while True:
                with current:
                    chunk = next(chunks, _OVER)
                if chunk is _OVER:
                    break
                streaming.take(chunk)
                yield chunk
        except BaseException as exc:
            drive(streaming.stop(exc))
            raise
        drive(streaming.end())

    return wrapper


def async_stream(original: Original, kind: StepKind, form: StreamForm) -> Original:
    """The wrapper of ``_astream``."""

    @functools.wraps(original)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        step = claim(kind, kwargs)
        if step is None:
            return original(self, *args, **kwargs)  # type: ignore[no-any-return]  # as the provider's
        return produce(Streaming(step, form, self), args, kwargs)

    async def produce(streaming: Streaming, args: Any, kwargs: Any) -> AsyncIterator[Any]:
        run_manager = kwargs.get("run_manager")
        for recorded in await adrive(streaming.begin()):
            if run_manager is not None:
                await run_manager.on_llm_new_token(recorded.text, chunk=recorded)
            yield recorded
        if not await adrive(streaming.goes_on()):
            return
        current = streaming.step.attempt.trace.current_step(streaming.step.scope)
        try:
            chunks = aiter(original(streaming.model, *args, **streaming.asking(kwargs)))
            while True:
                with current:
                    chunk = await anext(chunks, _OVER)
                if chunk is _OVER:
                    break
                streaming.take(chunk)
                yield chunk
        except BaseException as exc:
            await adrive(streaming.stop(exc))
            raise
        await adrive(streaming.end())

    return wrapper
