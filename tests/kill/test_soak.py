"""Hundreds of SIGKILLs at random moments, from one seed."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest

from langchain_durable import Durable
from langchain_durable.events import Outcome
from langchain_durable.testing.promises import repeated_steps, unanswered_steps
from tests.kill.conftest import NewTrial, Undisturbed
from tests.kill.harness import Harness, Trial, begun, repeated
from tests.kill.play import Via
from tests.programs.all import PROGRAMS
from tests.programs.program import Program

SEED = 20260101
KILLS = 300
MOST_ATTEMPTS = 6


@dataclass(slots=True, kw_only=True)
class Tally:
    """What the soak has seen so far."""

    kills: int = 0
    runs: int = 0
    faults: list[str] = field(default_factory=list)


class Soak:
    """Runs random programs in random modes, and kills them at random moments."""

    def __init__(
        self, harness: Harness, undisturbed: Undisturbed, new_trial: NewTrial, durable: Durable
    ) -> None:
        self._harness = harness
        self._undisturbed = undisturbed
        self._new_trial = new_trial
        self._durable = durable
        self._random = random.Random(SEED)
        self._seconds: dict[str, float] = {}
        self.tally = Tally()

    def one(self) -> None:
        """One run, killed up to six times, then left to finish."""
        program = self._random.choice(list(PROGRAMS.values()))
        longest = self._length(program)
        trial = self._new_trial(program)
        for _ in range(self._random.randint(1, MOST_ATTEMPTS)):
            mode = self._random.choice(program.modes)
            after = self._random.uniform(0.0, longest)
            ended = self._harness.attempt(trial, mode, kill_after=after)
            self.tally.kills += ended.killed
            if not ended.killed:
                break
        if trial.attempts[-1].killed:
            self._harness.attempt(trial, self._random.choice(program.modes))
        self.tally.runs += 1
        self.tally.faults += [f"{trial.run_id}: {fault}" for fault in self._judge(trial)]

    def _length(self, program: Program) -> float:
        """Seconds that an undisturbed attempt takes, so that kills fall into it."""
        if program.name not in self._seconds:
            trial, start = self._new_trial(program), time.monotonic()
            self._harness.attempt(trial, program.modes[0], via=Via.WRAP).result()
            self._seconds[program.name] = time.monotonic() - start
        return self._seconds[program.name]

    def _judge(self, trial: Trial) -> list[str]:
        last, program = trial.attempts[-1], trial.program
        if last.error:
            return [f"failed: {last.error[-2000:]}"]
        faults = [] if last.value == program.answer else [f"answered {last.value!r}"]
        calm = begun(self._undisturbed(program.name, program.modes[0]))
        again = repeated(self._harness.log(trial), calm, len(trial.attempts))
        entries = list(self._durable.events(trial.run_id))
        unanswered = unanswered_steps(entries)
        retried = Counter(step.name for step in unanswered if step.outcome is Outcome.FAILED)
        again = {call: n for call, n in again.items() if n > retried[call[1].partition("/")[0]]}
        faults += [f"made again: {again}"] if again else []
        return faults + repeated_steps(entries)


@pytest.mark.soak
def test_random_kills_repeat_no_journaled_call_and_change_no_answer(
    harness: Harness,
    undisturbed: Undisturbed,
    new_trial: NewTrial,
    journal_url: str,
) -> None:
    with Durable(journal_url) as durable:
        soak = Soak(harness, undisturbed, new_trial, durable)
        while soak.tally.kills < KILLS:
            soak.one()
    print(f"{soak.tally.kills} kills in {soak.tally.runs} runs")
    assert soak.tally.faults == []
