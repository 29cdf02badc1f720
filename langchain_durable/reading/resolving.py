"""Deciding a tool's step that is in doubt: its result is recorded by hand, or it runs again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langchain_durable.codec import encode_event
from langchain_durable.errors import ConfigurationError, RunBusy
from langchain_durable.events import Outcome, RunStatus, StepEnded, StepKind
from langchain_durable.identity.index import Index
from langchain_durable.identity.recorded import Recorded
from langchain_durable.journal import Close, Header, Lease, Opened, Verdict
from langchain_durable.reading.queries import entries, take
from langchain_durable.recorder.answers import bind
from langchain_durable.recorder.loading import indexed
from langchain_durable.recorder.refusals import expired, not_found
from langchain_durable.recorder.runtime import Runtime
from langchain_durable.waiting import Procedure


def resolve(runtime: Runtime, run_id: str, step: str, value: tuple[Any, ...]) -> Procedure[None]:
    """Decide a step that is in doubt: record ``value[0]`` as its result, or that it may run.

    All that can be refused is refused before the run is taken, so that it stays as it was.
    """
    where = _step_id(step)
    read = yield from entries(runtime, run_id, payloads=False)
    _check(run_id, where, indexed(run_id, read))
    payload = runtime.codec.encode({"v": value[0]}, bind=bind(run_id, where)) if value else None
    opened = yield from take(runtime, run_id)
    lease = opened.lease
    if lease is None:
        raise _cannot_resolve(run_id, opened)
    if opened.header is not None and lease.seq != read[-1].seq + 1:
        yield from _give_back(runtime, lease, opened.header)
        raise _busy(run_id, "a run that went on meanwhile")
    event = StepEnded(
        step=where,
        outcome=Outcome.COMPLETED,
        time=runtime.settings.clock(),
        recorded=bool(value),
    )
    yield runtime.store.append(
        lease,
        [encode_event(event, payload=payload)],
        seq=lease.seq + 1,
        close=Close(status=RunStatus.PAUSED, reason="step resolved"),
    )


def _check(run_id: str, where: bytes, index: Index) -> None:
    """Refuse a step that is not in doubt: no program would ever ask for the value again."""
    found = index.node(where)
    if found is None or found.kind is None:
        came = f"{where.hex()!r}, which is no step of it"
    elif found.kind is not StepKind.TOOL:
        came = f"{where.hex()!r}, the step of a {found.kind.value}"
    elif not found.doubtful:
        ended = found.outcome.value if found.outcome is not None else "to run again"
        came = f"{where.hex()!r}, the call of tool {found.name!r}, which is {ended}"
    else:
        return
    named = ", ".join(f"{each.node.id.hex()!r} of tool {each.name!r}" for each in doubtful(index))
    raise ConfigurationError(
        f"There is nothing to decide about this step of run {run_id!r}.",
        expected=f"a tool's step that is in doubt ({named or 'the run has none'})",
        came=came,
        do="take the id from the message of StepInDoubt, get(run_id).steps or `show --json`",
    )


def doubtful(index: Index) -> Iterator[Recorded]:
    """The tools' steps that somebody could decide about."""
    return (node for node in index.steps() if node.kind is StepKind.TOOL and node.doubtful)


def _give_back(runtime: Runtime, lease: Lease, before: Header) -> Procedure[None]:
    close = Close(status=before.status, reason=before.reason)
    yield runtime.store.append(lease, [], seq=lease.seq + 1, close=close)


def _cannot_resolve(run_id: str, opened: Opened) -> Exception:
    if opened.verdict is Verdict.MISSING:
        return not_found(run_id)
    if opened.verdict is Verdict.EXPIRED and opened.header is not None:
        return expired(opened.header)
    return _busy(run_id, f"a run that is {opened.verdict.value}")


def _busy(run_id: str, came: str) -> RunBusy:
    return RunBusy(
        run_id,
        "its steps cannot be decided now.",
        expected="a run that has stopped",
        came=came,
        do="wait until it has stopped",
    )


def _step_id(step: str) -> bytes:
    try:
        return bytes.fromhex(step)
    except (ValueError, TypeError):
        raise ConfigurationError(
            "This is not a step's id.",
            expected="16 hexadecimal digits, as in get(run_id).steps and `show --json`",
            came=repr(step),
            do="take the id of the step that is in doubt",
        ) from None
