"""What the demo has shown, counted outside the processes that it is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from langchain_durable.demo.attempt import Attempt
from langchain_durable.demo.calls import Call, model_key
from langchain_durable.demo.scenario import ANSWER, QUESTION, RUN_ID
from langchain_durable.testing.effects import Effect, Phase
from langchain_durable.testing.openai_server import Request

_SERVED = ("model", "retriever")
"""Kinds of calls that are requests to the model server; the others are tools."""


class Fate(StrEnum):
    """What became of a call in one attempt."""

    RAN = "ran"
    KILLED = "killed"
    """It was under way when the process was killed."""
    REPLAYED = "replayed"
    """The program got its result, and nobody outside saw it being made."""
    UNNEEDED = "unneeded"
    """It stands inside a call that was replayed."""
    NONE = "none"
    """The attempt did not come that far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One call, and what became of it in each attempt. ``seconds`` are those of the program."""

    call: Call
    fates: tuple[Fate, Fate]
    seconds: tuple[float | None, float | None]
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that must hold, and whether it does."""

    claim: str
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole demo. ``requests`` are those that the model server saw in each attempt.

    ``requests_without`` is what it would have seen if the second attempt had begun anew.
    ``repeated`` counts calls that had finished in attempt 1 and were made again.
    """

    rows: tuple[Row, ...]
    pids: tuple[int, int]
    killed_at: Call
    requests: tuple[int, int]
    requests_without: int
    repeated: int
    saved_tokens: int
    saved_seconds: float
    answer: str
    checks: tuple[Check, ...]
    directory: str
    journal: str

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return all(check.holds for check in self.checks)

    def saved(self, kind: str) -> int:
        """How many finished calls of a kind were not made again."""
        spared = (Fate.REPLAYED, Fate.UNNEEDED)
        return sum(row.call.kind == kind and row.fates[1] in spared for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """The report as one JSON object."""
        return {
            "ok": self.ok,
            "run_id": RUN_ID,
            "question": QUESTION,
            "answer": self.answer,
            "killed": {"pid": self.pids[0], "in": asdict(self.killed_at)},
            "pids": list(self.pids),
            "calls": [_row(row) for row in self.rows],
            "requests": {
                "attempt_1": self.requests[0],
                "attempt_2": self.requests[1],
                "without_durability": self.requests_without,
            },
            "finished_calls_made_again": self.repeated,
            "saved": {
                **{f"{kind}_calls": self.saved(kind) for kind in ("model", "retriever", "tool")},
                "tokens": self.saved_tokens,
                "seconds": round(self.saved_seconds, 3),
            },
            "checks": [asdict(check) for check in self.checks],
            "kept": {"directory": self.directory, "url": self.journal} if self.directory else None,
        }


def _row(row: Row) -> dict[str, Any]:
    return {
        **asdict(row.call),
        "attempt_1": row.fates[0].value,
        "attempt_2": row.fates[1].value,
        "seconds_1": row.seconds[0],
        "seconds_2": row.seconds[1],
        "tokens": row.tokens,
    }


@dataclass(frozen=True, slots=True)
class _Seen:
    """One attempt: what its program asked for and got, and what was made in the world."""

    asked: dict[Call, int]
    got: dict[Call, int]
    tokens: dict[Call, int]
    made: Counter[Call]

    def seconds(self, call: Call) -> float | None:
        if call not in self.got or call not in self.asked:
            return None
        return (self.got[call] - self.asked[call]) / 1e9


def judge(
    attempts: tuple[Attempt, Attempt],
    requests: Sequence[Request],
    effects: Sequence[Effect],
    *,
    target: tuple[str, str],
    directory: str = "",
    journal: str = "",
) -> Report:
    """Compare what the program got with what the server and the effects file saw. Pure.

    ``target``: kind and name of the call in which attempt 1 was killed.
    """
    first, second = (_seen(attempt, requests, effects) for attempt in attempts)
    needed = {**first.asked, **second.asked}
    rows = tuple(_row_of(call, first, second) for call in needed)
    repeated = (Counter(list(first.got)) & second.made).total()
    under_way = [call for call in first.asked if call not in first.got]
    seen = (_served(first.made), _served(second.made))
    return Report(
        rows=rows,
        pids=(attempts[0].pid, attempts[1].pid),
        killed_at=next(call for call in under_way if (call.kind, call.name) == target),
        requests=seen,
        requests_without=seen[0] + sum(call.kind in _SERVED for call in needed),
        repeated=repeated,
        saved_tokens=sum(row.tokens for row in rows if row.fates[1] is Fate.REPLAYED),
        saved_seconds=max(0.0, _wall(first, first.got) - _wall(second, first.got)),
        answer=attempts[1].answer,
        checks=(
            _repeated_check(repeated),
            Check(
                claim="only what was missing ran in attempt 2",
                holds=_only_missing(set(needed) - set(first.got), second),
            ),
            _paid_check(effects),
            Check(
                claim="the answer is that of an undisturbed run",
                holds=attempts[1].answer == ANSWER,
            ),
        ),
        directory=directory,
        journal=journal,
    )


def _only_missing(missing: set[Call], second: _Seen) -> bool:
    """Did the second attempt make what the first had not got, each once, and nothing else?

    A call may have been journaled just before the process died, so that its program could
    not say that it had got the result: then the second attempt gets it, and makes nothing.
    """
    replayed = missing & set(second.got) - set(second.made)
    return second.made == Counter(missing - replayed)


def _repeated_check(repeated: int) -> Check:
    again = "call was" if repeated == 1 else "calls were"
    return Check(claim=f"{repeated} finished {again} made again", holds=repeated == 0)


def _paid_check(effects: Sequence[Effect]) -> Check:
    paid = sum(each.name == "refund" and each.phase is Phase.EFFECT for each in effects)
    times = "once" if paid == 1 else f"{paid} times"
    return Check(claim=f"the refund was paid {times}", holds=paid == 1)


def _seen(attempt: Attempt, requests: Sequence[Request], effects: Sequence[Effect]) -> _Seen:
    asked: dict[Call, int] = {}
    got: dict[Call, int] = {}
    tokens: dict[Call, int] = {}
    for line in attempt.lines:
        if line.call is not None and line.said == "asked":
            asked[line.call] = line.time
        elif line.call is not None and line.said == "got":
            got[line.call] = line.time
            tokens[line.call] = line.tokens
    made = Counter(
        _requested(request) for request in requests if request.attempt == str(attempt.number)
    )
    made.update(
        Call(kind="tool", name=effect.name, key=effect.key)
        for effect in effects
        if effect.pid == attempt.pid and effect.phase is Phase.BEGIN
    )
    return _Seen(asked, got, tokens, made)


def _requested(request: Request) -> Call:
    last = str(request.messages[-1].get("content") or "")
    if request.path == "embeddings":
        return Call(kind="retriever", name="handbook", key=last)
    key = model_key(request.model, len(request.messages), last)
    return Call(kind="model", name=request.model, key=key)


def _row_of(call: Call, first: _Seen, second: _Seen) -> Row:
    before = Fate.RAN if call in first.got else Fate.NONE
    if call in first.asked and call not in first.got:
        before = Fate.KILLED
    if second.made[call]:
        after = Fate.RAN
    elif call in second.got:
        after = Fate.REPLAYED
    else:
        after = Fate.UNNEEDED if before is Fate.RAN else Fate.NONE
    return Row(
        call=call,
        fates=(before, after),
        seconds=(first.seconds(call), second.seconds(call)),
        tokens=first.tokens.get(call, 0),
    )


def _served(made: Counter[Call]) -> int:
    return sum(count for call, count in made.items() if call.kind in _SERVED)


def _wall(seen: _Seen, calls: dict[Call, int]) -> float:
    """Seconds from the attempt's first call to the last result among ``calls``."""
    ends = [seen.got[call] for call in calls if call in seen.got]
    return (max(ends) - min(seen.asked.values())) / 1e9 if ends else 0.0
