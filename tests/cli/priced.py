"""Runs with models and prices, written entry by entry into a journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage

from langchain_durable.codec import Codec, encode_event
from langchain_durable.events import (
    AttemptEnded,
    AttemptStarted,
    ErrorInfo,
    Event,
    Node,
    Outcome,
    RunStatus,
    StepEnded,
    StepKind,
    StepStarted,
    Usage,
)
from langchain_durable.journal import Close, Draft, Intent, Opening, Store
from langchain_durable.recorder.answers import bind
from langchain_durable.recorder.attempt import ARGUMENTS

SECOND = 10**9
START = 1_795_000_000 * SECOND
TRACE = "0af7651916cd43dd8448eb211c80319c"
ROOT = "b7ad6b7169203331"
ERROR = ErrorInfo(module="builtins", qualname="ValueError", message="no paper")


@dataclass(slots=True)
class Call:
    """One step: what it is, and how it ended; ``outcome`` None: its process died in it."""

    kind: StepKind
    name: str
    seconds: float = 1.0
    outcome: Outcome | None = Outcome.COMPLETED
    usage: Usage | None = None
    cost: str = ""
    unpriced: str = ""
    agent: str = ""
    given: Any = None
    value: Any = None
    more: Mapping[str, Any] = field(default_factory=dict)


def chat(name: str, says: str, used: tuple[int, int] = (0, 0), **more: Any) -> Call:
    """A model's call with its tokens, in and out."""
    usage = Usage(input_tokens=used[0], output_tokens=used[1], total_tokens=sum(used))
    value = {"g": [AIMessage(says)]}
    return Call(StepKind.MODEL, name, usage=usage, value=value, **more)


def tool(name: str, given: Any, value: Any = None, **more: Any) -> Call:
    """A tool's call."""
    return Call(StepKind.TOOL, name, given=given, value={"v": value}, **more)


def write_run(
    store: Store,
    run_id: str,
    attempts: Sequence[Sequence[Call]],
    status: RunStatus = RunStatus.COMPLETED,
    *,
    tenant: str = "",
    result: Any = None,
    codec: Codec | None = None,
    start: int = START,
) -> None:
    """Write a run whose last attempt ended with ``status``; those before it crashed."""
    codec = codec or Codec()
    fields = {"trace": TRACE.encode(), "root_span": ROOT.encode(), "program": b"shop"}
    if tenant:
        fields["tenant"] = tenant.encode()
    fields["input"] = codec.encode({"question": "where?"}, bind=bind(run_id, b"", "input"))
    time, before = start, ""
    for number, calls in enumerate(attempts, start=1):
        owner = f"{run_id}-{number}"
        started = AttemptStarted(time=time, owner=owner, span_id=f"{number:016x}")
        opened = store.acquire(
            Opening(
                run_id=run_id,
                owner=owner,
                lease_ms=1000,
                intent=Intent.CALL,
                draft=encode_event(started),
                evict=before,
                fields=fields,
            )
        ).result()
        assert opened.lease is not None
        drafts: list[Draft] = []
        for place, call in enumerate(calls):
            time += SECOND // 10
            drafts += _drafts(run_id, codec, call, number, place, time)
            time += int(call.seconds * SECOND)
        close, before = None, owner
        if number == len(attempts):
            payload = codec.encode(result, bind=bind(run_id, b"", "result")) if result else None
            drafts.append(encode_event(AttemptEnded(status=status, time=time), payload=payload))
            close = Close(status=status)
        store.append(opened.lease, drafts, seq=opened.lease.seq + 1, close=close).result()


def _drafts(
    run_id: str, codec: Codec, call: Call, attempt: int, place: int, time: int
) -> list[Draft]:
    label = f"{call.kind.value}:{call.name}"
    step = (attempt * 1000 + place).to_bytes(8, "big")
    events: list[tuple[Event, bytes | None]] = []
    given = None
    if call.given is not None:
        given = codec.encode(call.given, bind=bind(run_id, step, ARGUMENTS))
    node = Node(id=step, parent=b"", label=label, ordinal=place, fingerprint=b"12345678")
    started = StepStarted(
        step=step,
        kind=call.kind,
        name=call.name,
        time=time,
        span_id=f"{attempt * 1000 + place:016x}",
        parent_span_id=f"{attempt:016x}",
        nodes=(node,),
        attributes={"agent": call.agent} if call.agent else {},
    )
    events.append((started, given))
    if call.outcome is not None:
        failed = call.outcome is Outcome.FAILED
        value = None if failed else codec.encode(call.value, bind=bind(run_id, step))
        told: dict[str, Any] = dict(call.more)
        told |= {"cost": call.cost} if call.cost else {}
        told |= {"unpriced": call.unpriced} if call.unpriced else {}
        ended = StepEnded(
            step=step,
            outcome=call.outcome,
            time=time + int(call.seconds * SECOND),
            error=ERROR if failed else None,
            usage=call.usage,
            attributes=told,
        )
        events.append((ended, value))
    return [encode_event(event, payload=payload) for event, payload in events]


def write_all(store: Store) -> None:
    """Four runs of two tenants over two days: done, resumed, failed, and one unpriced."""
    write_run(
        store,
        "asked",
        [
            [
                chat("gpt-4o", "Let me see.", (1200, 300), cost="0.006", agent="clerk"),
                tool("weigh", {"item": "coffee"}, "250 g", seconds=0.2, agent="clerk"),
                chat("gpt-4o", "It is 250 g.", (1500, 100), cost="0.00475", seconds=2.0),
            ]
        ],
        tenant="acme",
        result="It is 250 g.",
    )
    small = "claude-haiku-4-5-20251001"
    write_run(
        store,
        "resumed",
        [
            [
                chat(small, "Yes.", (2_000_000, 40), cost="2.0002", agent="clerk"),
                tool("weigh", {"item": "tea"}, outcome=None),
            ],
            [tool("weigh", {"item": "tea"}, "100 g")],
        ],
        tenant="globex",
        result="done",
        start=START + 86_400 * SECOND,
    )
    write_run(
        store,
        "failed",
        [
            [
                chat("gpt-4o", "Hm.", (10, 10), cost="0.000125"),
                tool("pack", {}, outcome=Outcome.FAILED),
            ]
        ],
        RunStatus.FAILED,
        tenant="acme",
    )
    unknown = "a-model-of-our-own-with-a-very-long-name/fine-tuned-2026-11-01"
    write_run(store, "unpriced", [[chat(unknown, "?", (5, 5), unpriced="unknown_model")]])
