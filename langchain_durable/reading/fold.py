"""The state of a run, folded from its header and the entries of its journal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage

from langchain_durable.errors import JournalCorrupt, JournalError
from langchain_durable.events import (
    AttemptEnded,
    AttemptStarted,
    Entry,
    ErrorInfo,
    Interrupt,
    Node,
    Outcome,
    RunStatus,
    StepEnded,
    StepKind,
    StepStarted,
    Usage,
)
from langchain_durable.journal import Header, HeaderField
from langchain_durable.reading.checkpoint import Checkpoint, StepState, Unreadable
from langchain_durable.transcript import input_messages, step_messages


def fold(
    header: Header,
    entries: Iterable[Entry],
    decode: Callable[[Entry], Any],
    *,
    read_input: Callable[[bytes], Any] | None = None,
) -> Checkpoint:
    """The run's state after these entries, which begin with the first one.

    ``decode`` gives the value in an entry's payload, ``read_input`` that in the header's
    field ``input``; without it, the input's messages are missing.
    """
    folded = Fold(header, decode, read_input=read_input)
    for entry in entries:
        folded.feed(entry)
    return folded.checkpoint()


@dataclass(slots=True)
class _Step:
    number: int
    start: StepStarted
    attempt: int
    attempts: int = 1
    end: StepEnded | None = None
    ended_by: Entry | None = None


def _add(one: Usage, other: Usage) -> Usage:
    return Usage(
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        total_tokens=one.total_tokens + other.total_tokens,
        input_details=_add_counts(one.input_details, other.input_details),
        output_details=_add_counts(one.output_details, other.output_details),
    )


def _add_counts(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}


class Fold:
    """A run's state that grows entry by entry; ``checkpoint`` may be asked for at any time."""

    def __init__(
        self,
        header: Header,
        decode: Callable[[Entry], Any],
        *,
        read_input: Callable[[bytes], Any] | None = None,
    ) -> None:
        self._header = header
        self._decode = decode
        self._read_input = read_input
        self._steps: dict[bytes, _Step] = {}
        self._nodes: dict[bytes, Node] = {}
        self._attempts: dict[int, AttemptStarted] = {}
        self._last_end: tuple[Entry, AttemptEnded] | None = None
        self._usage = Usage()
        self._values: dict[int, Any] = {}

    def feed(self, entry: Entry) -> None:
        """Take the next entry. Raises ``JournalCorrupt`` for an end without a start."""
        event = entry.event
        if isinstance(event, StepStarted):
            self._start(entry.attempt, event)
        elif isinstance(event, StepEnded):
            self._end(entry, event)
        elif isinstance(event, AttemptStarted):
            self._attempts[entry.attempt] = event
        else:
            self._last_end = entry, event

    def checkpoint(self, header: Header | None = None) -> Checkpoint:
        """The state so far; ``header`` replaces the one given at first, if it is newer."""
        self._header = header or self._header
        states = tuple(map(self._state, self._steps.values()))
        return Checkpoint(
            run_id=self._header.run_id,
            status=self._header.status,
            reason=self._header.reason,
            attempt=len(self._attempts) or self._header.attempt,
            step=sum(state.outcome is Outcome.COMPLETED for state in states),
            steps=states,
            messages=tuple(self._messages()),
            tool_results={
                step.start.step.hex(): self._value_of(step)
                for step in self._completed(StepKind.TOOL)
            },
            interrupts=self._interrupts(),
            result=self._result(),
            error=self._error(),
            metadata=self._metadata(),
            trace_id=self._trace_id(max(self._attempts, default=0)),
            created=self._header.created,
            updated=self._header.updated,
            usage=self._usage,
        )

    def _start(self, attempt: int, event: StepStarted) -> None:
        for node in event.nodes:
            self._nodes[node.id] = node
        known = self._steps.get(event.step)
        if known is None:
            self._steps[event.step] = _Step(len(self._steps) + 1, event, attempt)
            return
        known.attempts += known.attempt != attempt
        known.start, known.attempt = event, attempt
        known.end = known.ended_by = None

    def _end(self, entry: Entry, event: StepEnded) -> None:
        step = self._steps.get(event.step)
        if step is None:
            raise JournalCorrupt(
                f"Entry {entry.seq} ends step {event.step.hex()}, which never started.",
                expected="the step's start before its end",
                came="its end alone",
            )
        if event.usage is not None:
            self._usage = _add(self._usage, event.usage)
        if entry.attempt != step.attempt and not event.recorded:
            return  # a person decided that the step may run again: it stays crashed until then
        step.end, step.ended_by = event, entry

    def _state(self, step: _Step) -> StepState:
        start, end = step.start, step.end
        outcome = end.outcome if end is not None else None
        if end is None and self._is_over(step.attempt):
            outcome = Outcome.CRASHED
        return StepState(
            number=step.number,
            id=start.step.hex(),
            kind=start.kind,
            name=start.name,
            path=self._path(start.step),
            outcome=outcome,
            attempt=step.attempt,
            attempts=step.attempts,
            started=start.time,
            ended=end.time if end is not None else None,
            duration=max(0, end.time - start.time) if end is not None else None,
            error=end.error if end is not None else None,
            usage=end.usage if end is not None else None,
            span_id=start.span_id,
            trace_id=self._trace_id(step.attempt),
        )

    def _is_over(self, attempt: int) -> bool:
        if attempt < max(self._attempts, default=0) or attempt < self._header.attempt:
            return True
        if self._last_end is not None and self._last_end[0].attempt >= attempt:
            return True
        return self._header.status is not RunStatus.RUNNING

    def _trace_id(self, attempt: int) -> str:
        """The attempt's trace: the run's, unless an attempt began one of its own."""
        for number in sorted(self._attempts, reverse=True):
            if number <= attempt and self._attempts[number].trace_id:
                return self._attempts[number].trace_id
        return self._header.text(HeaderField.TRACE)

    def _path(self, step: bytes) -> tuple[str, ...]:
        labels: list[str] = []
        node = self._nodes.get(step)
        while node is not None and len(labels) < len(self._nodes):
            labels.append(node.label)
            node = self._nodes.get(node.parent)
        return tuple(reversed(labels))

    def _completed(self, *kinds: StepKind) -> list[_Step]:
        """Completed steps with a recorded value, in the order in which they ended."""
        found = [
            (step.ended_by.seq, step)
            for step in self._steps.values()
            if step.start.kind in kinds
            and step.end is not None
            and step.end.outcome is Outcome.COMPLETED
            and step.ended_by is not None
            and step.ended_by.payload is not None
        ]
        return [step for _, step in sorted(found, key=lambda pair: pair[0])]

    def _value(self, entry: Entry) -> Any:
        if entry.seq not in self._values:
            try:
                self._values[entry.seq] = self._decode(entry)
            except JournalError as exc:
                self._values[entry.seq] = Unreadable(str(exc))
        return self._values[entry.seq]

    def _value_of(self, step: _Step) -> Any:
        assert step.ended_by is not None  # _completed gives no others
        value = self._value(step.ended_by)
        return value.get("v") if isinstance(value, dict) else value

    def _messages(self) -> list[BaseMessage]:
        data = self._header.fields.get(HeaderField.INPUT)
        messages: list[BaseMessage] = []
        if data is not None and self._read_input is not None:
            if -1 not in self._values:
                try:
                    self._values[-1] = self._read_input(data)
                except JournalError as exc:
                    self._values[-1] = Unreadable(str(exc))
            messages += input_messages(self._values[-1])
        for step in self._completed(StepKind.MODEL, StepKind.TOOL):
            assert step.ended_by is not None  # _completed gives no others
            messages += step_messages(step.start, self._value(step.ended_by))
        return messages

    def _result(self) -> Any:
        if self._last_end is None or self._header.status is not RunStatus.COMPLETED:
            return None
        entry, event = self._last_end
        if event.status is not RunStatus.COMPLETED or entry.payload is None:
            return None
        return self._value(entry)

    def _interrupts(self) -> tuple[Interrupt, ...]:
        if self._last_end is None or not self._header.asks:
            return ()
        entry, event = self._last_end
        if not event.asks or entry.payload is None:
            return ()
        asked = self._value(entry)
        if isinstance(asked, Unreadable):
            return (Interrupt("", asked),)
        try:
            return tuple(Interrupt(**each) for each in asked)
        except TypeError:
            return (Interrupt("", Unreadable("The record of what the run asks has no such form.")),)

    def _error(self) -> ErrorInfo | None:
        if self._last_end is None or self._header.status is not RunStatus.FAILED:
            return None
        return self._last_end[1].error

    def _metadata(self) -> Mapping[str, Any]:
        data = self._header.fields.get(HeaderField.METADATA)
        if not data:
            return {}
        try:
            metadata = json.loads(data)
        except ValueError:
            metadata = None
        if not isinstance(metadata, dict):
            raise JournalCorrupt(
                f"The metadata of run {self._header.run_id!r} is not a JSON object.",
                expected="a JSON object, as langchain-durable writes it",
                came=repr(data[:40]),
            )
        return metadata
