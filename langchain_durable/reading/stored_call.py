"""How a run was called, so that the call can be made again by the run's id alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from langchain_durable.errors import ConfigurationError, JournalCorrupt, RunNotFound
from langchain_durable.journal import Header, HeaderField
from langchain_durable.reading.queries import header
from langchain_durable.recorder.answers import bind
from langchain_durable.recorder.request import INPUT
from langchain_durable.recorder.runtime import Runtime
from langchain_durable.touchpoints.langgraph import answering
from langchain_durable.waiting import Procedure


def stored_call(
    runtime: Runtime, run_id: str, answer: Any = None
) -> Procedure[tuple[str, dict[str, Any], Any]]:
    """How a run was called: its program's name, ``{"method", "configurable"}``, its input.

    With an ``answer`` to its interrupt, that stands in place of the input.
    """
    found = yield from header(runtime, run_id)
    program = found.text(HeaderField.PROGRAM)
    inputs = run_input(runtime, found)
    call = _call(runtime, found)
    if "configurable" not in call:
        raise _no_call(run_id, call["method"])
    if answer is not None:
        _check_waits(found, call)
        inputs = answering(answer)
    return program, call, inputs


def _call(runtime: Runtime, found: Header) -> dict[str, Any]:
    data = found.fields.get(HeaderField.CALL, b"")
    call = runtime.codec.decode(data, bind=bind(found.run_id, b"", INPUT))
    sound = isinstance(call, dict) and isinstance(call.get("method"), str)
    if not sound or not isinstance(call.get("configurable", {}), dict):
        raise JournalCorrupt(
            f"The record of how run {found.run_id!r} was called cannot be read.",
            expected="a method's name, and a configurable",
            came=repr(call)[:80],
        )
    return cast("dict[str, Any]", call)


def _check_waits(found: Header, call: Mapping[str, Any]) -> None:
    """Refuse an answer that nobody has asked for: it would be the input of something else."""
    if not found.asks or "batch" in call["method"]:
        raise ConfigurationError(
            f"Run {found.run_id!r} waits for no answer.",
            expected="a run that is paused at an interrupt, and is no batch",
            came=f"{call['method']}, {found.status.value} {found.reason}".rstrip(),
            do="resume it without an answer",
        )


def _no_call(run_id: str, method: str) -> RunNotFound:
    return RunNotFound(
        run_id,
        "it is no call of a wrapped runnable, so it cannot be called by its id.",
        expected="a run of a runnable that durable.wrap has made durable",
        came="a run() block" if method == "run" else "a run of a DurableCallbackHandler",
        do="run the same code again under the same run_id",
    )


def _no_input(run_id: str) -> RunNotFound:
    return RunNotFound(
        run_id,
        "its input is not in the journal, so it cannot be called by its id alone.",
        expected="a run of a wrapped runnable whose input could be journaled",
        came="a run() block, a stream's input, or values of foreign types",
        do="make the same call again with the same run_id",
    )


def run_input(runtime: Runtime, found: Header) -> Any:
    """The input that a run was started with; raises ``RunNotFound`` if it was not journaled."""
    if HeaderField.INPUT not in found.fields:
        raise _no_input(found.run_id)
    return runtime.codec.decode(
        found.fields[HeaderField.INPUT], bind=bind(found.run_id, b"", INPUT)
    )
