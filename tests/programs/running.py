"""Calls a program in a mode, and takes its final output from what the mode gives."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from langgraph.types import Command

from tests.programs.program import Mode, Program

Scope = Callable[[], Any]
"""Makes what is around a call: the library's ``run`` block, or nothing."""

STREAMED = {"stream_mode": ["values", "messages"]}
"""With ``messages``, LangGraph makes every model stream."""


def run(
    program: Program,
    built: Any,
    mode: Mode,
    config: Mapping[str, Any],
    scope: Scope = contextlib.nullcontext,
) -> Any:
    """The program's answer in this mode; interrupts get ``program.resume``."""
    if mode.is_async:
        return asyncio.run(_arun(program, built, mode, dict(config), scope))
    return _run(program, built, mode, dict(config), scope)


def _run(program: Program, built: Any, mode: Mode, config: dict[str, Any], scope: Scope) -> Any:
    with scope():
        if mode is Mode.CALL:
            return program.read(built[0](program.input))
        given = program.input
        while True:
            output = _once(program, built, mode, given, config)
            if program.resume is None or not interrupted(output):
                return program.read(output)
            given = Command(resume=program.resume)


async def _arun(
    program: Program, built: Any, mode: Mode, config: dict[str, Any], scope: Scope
) -> Any:
    async with scope():
        if mode is Mode.ACALL:
            return program.read(await built[1](program.input))
        given = program.input
        while True:
            output = await _aonce(program, built, mode, given, config)
            if program.resume is None or not interrupted(output):
                return program.read(output)
            given = Command(resume=program.resume)


def _once(program: Program, built: Any, mode: Mode, given: Any, config: dict[str, Any]) -> Any:
    match mode:
        case Mode.INVOKE:
            return built.invoke(given, config)
        case Mode.BATCH:
            return built.batch(given, config)
        case Mode.STREAM:
            options = STREAMED if program.graph else {}
            return final(program, list(built.stream(given, config, **options)))
        case Mode.STREAM_V3:
            stream = built.stream_events(given, config, version="v3")
            output = stream.output
            return {"__interrupt__": stream.interrupts} if stream.interrupted else output
    raise ValueError(f"{mode} is not a sync mode of a runnable")


async def _aonce(
    program: Program, built: Any, mode: Mode, given: Any, config: dict[str, Any]
) -> Any:
    match mode:
        case Mode.AINVOKE:
            return await built.ainvoke(given, config)
        case Mode.ABATCH:
            return await built.abatch(given, config)
        case Mode.ASTREAM:
            options = STREAMED if program.graph else {}
            stream = built.astream(given, config, **options)
            return final(program, [chunk async for chunk in stream])
        case Mode.ASTREAM_EVENTS:
            events = [event async for event in built.astream_events(given, config, version="v2")]
            return root_output(events)
        case Mode.ASTREAM_V3:
            run_stream = await built.astream_events(given, config, version="v3")
            output = await run_stream.output()
            if await run_stream.interrupted():
                return {"__interrupt__": await run_stream.interrupts()}
            return output
    raise ValueError(f"{mode} is not an async mode of a runnable")


def root_output(events: Iterable[Mapping[str, Any]]) -> Any:
    """The root's output among the events of ``astream_events``."""
    ends = [event for event in events if not event["parent_ids"] and "output" in event["data"]]
    return ends[-1]["data"]["output"]


def final(program: Program, chunks: list[Any]) -> Any:
    """The output that the chunks of a stream amount to."""
    if program.graph:
        values = [data for mode, data in chunks if mode == "values"]
        paused = [value for value in values if interrupted(value)]
        return (paused or values)[-1]
    if program.last_chunk:
        return chunks[-1]
    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    return total


def interrupted(output: Any) -> bool:
    """Whether a graph stopped for a human."""
    return isinstance(output, Mapping) and "__interrupt__" in output
