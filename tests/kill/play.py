"""What a child process does: build a program, make it durable, run it, maybe die."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage
from langchain_core.tracers.context import register_configure_hook
from langgraph.errors import GraphBubbleUp

from langchain_durable.testing.effects import Phase
from tests.programs.all import named
from tests.programs.program import (
    MODEL,
    KillPoint,
    Mode,
    Program,
    Site,
    args_key,
)
from tests.programs.running import run


class Via(StrEnum):
    """The one line that makes a program durable."""

    BARE = "bare"
    WRAP = "wrap"
    BLOCK = "block"
    HANDLER = "handler"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One attempt: which program, called how, under which run id, killed where."""

    program: str
    mode: Mode
    via: Via
    run_id: str
    attempt: int
    directory: Path
    server_url: str
    journal_url: str = ""
    kill: KillPoint | None = None


class Ends(BaseCallbackHandler):
    """Notes when the program has a call's result, which must be recorded by then.

    A callback sees the end of a replayed call too; such a call has no begin.
    """

    run_inline = True
    raise_error = True

    def __init__(self, site: Site) -> None:
        self._site = site
        self._calls: dict[UUID, tuple[str, str]] = {}

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        **kwargs: Any,
    ) -> None:
        (conversation,) = messages
        self._model(run_id, kwargs, len(conversation), str(conversation[-1].text))

    def on_llm_start(
        self, serialized: dict[str, Any], prompts: list[str], *, run_id: UUID, **kwargs: Any
    ) -> None:
        self._model(run_id, kwargs, len(prompts), prompts[-1])

    def _model(self, run_id: UUID, kwargs: Mapping[str, Any], length: int, text: str) -> None:
        params = kwargs["invocation_params"]
        name = params.get("model") or params.get("model_name")
        self._calls[run_id] = (MODEL, f"{name}/{length}/{text[:80]}")

    def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self._calls[run_id] = (str(serialized["name"]), args_key(inputs or {}))

    def on_retriever_start(
        self, serialized: dict[str, Any], query: str, *, run_id: UUID, **kwargs: Any
    ) -> None:
        self._calls[run_id] = (str(kwargs["name"]), query)

    def _end(self, run_id: UUID) -> None:
        self._site.note(*self._calls.pop(run_id), Phase.END)

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._end(run_id)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._end(run_id)

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._end(run_id)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._end(run_id)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        if not isinstance(error, GraphBubbleUp):  # an interrupt is no result
            self._end(run_id)

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._end(run_id)


_ends: ContextVar[Ends | None] = ContextVar("ends", default=None)
register_configure_hook(_ends, inheritable=True)


def play(job: Job) -> Any:
    """Run the job's program here; its answer, if nobody kills it."""
    site = _site(job)
    _ends.set(Ends(site))
    program = named(job.program)
    if job.via is Via.BARE:
        config = {"configurable": {"thread_id": job.run_id}}
        return run(program, program.build(site), job.mode, config)
    return _durably(job, program, site)


def events(job: Job) -> Counter[tuple[str, str]]:
    """How often each event of ``astream_events`` comes, by its kind and name."""
    site = _site(job)
    program = named(job.program)
    built = program.build(site)
    config = {"configurable": {"thread_id": job.run_id}}
    if job.via is Via.BARE:
        return asyncio.run(_count(built, program.input, config))
    from langchain_durable import Durable

    with Durable(job.journal_url) as durable:
        own: dict[str, Any] = {"thread_id": job.run_id} if program.own_saver else {}
        wrapped = durable.wrap(built)
        return asyncio.run(_count(wrapped, program.input, durable.config(job.run_id, **own)))


async def _count(built: Any, given: Any, config: Any) -> Counter[tuple[str, str]]:
    stream = built.astream_events(given, config, version="v2")
    return Counter([(event["event"], event["name"]) async for event in stream])


def _site(job: Job) -> Site:
    return Site(
        url=job.server_url,
        tag=f"{job.run_id}/{job.attempt}",
        directory=job.directory,
        durable=job.via is not Via.BARE,
        kill=job.kill,
    )


def _durably(job: Job, program: Program, site: Site) -> Any:
    from langchain_durable import Durable, DurableCallbackHandler

    own: dict[str, Any] = {"thread_id": job.run_id} if program.own_saver else {}
    config: Mapping[str, Any] = {"configurable": own}
    with Durable(job.journal_url) as durable:
        built = program.build(site)

        def block() -> Any:
            return durable.run(job.run_id, input=program.input)

        if job.mode in (Mode.CALL, Mode.ACALL) or job.via is Via.BLOCK:
            return run(program, built, job.mode, config, block)
        if job.via is Via.HANDLER:
            handler = DurableCallbackHandler(durable, run_id=job.run_id)
            return run(program, built, job.mode, {**config, "callbacks": [handler]})
        wrapped = durable.wrap(built)
        return run(program, wrapped, job.mode, durable.config(job.run_id, **own))
