"""Programs that nobody has written, killed where chance has it, and gone on with in another way."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from langchain_durable import Durable
from langchain_durable.events import Outcome
from langchain_durable.testing.promises import repeated_steps, unanswered_steps
from tests.kill.conftest import NewTrial
from tests.kill.harness import Harness, Trial, begun, kill_points, repeated
from tests.kill.play import Via
from tests.programs.made_up import made_up

QUICK, SOAK = range(8), range(1000, 1080)
MOST_CALLS = 40
WAYS = (Via.WRAP, Via.WRAP, Via.WRAP, Via.BLOCK, Via.HANDLER)


@pytest.fixture
def durable(journal_url: str) -> Durable:
    return Durable(journal_url)


@pytest.mark.parametrize("number", QUICK)
def test_a_made_up_program_goes_on_after_a_kill(
    number: int, bare: Harness, harness: Harness, new_trial: NewTrial, durable: Durable
) -> None:
    with durable:
        assert faults(number, bare, harness, new_trial, durable) == []


@pytest.mark.soak
def test_many_made_up_programs_go_on_after_their_kills(
    bare: Harness, harness: Harness, new_trial: NewTrial, durable: Durable
) -> None:
    with durable:
        found = {each: faults(each, bare, harness, new_trial, durable) for each in SOAK}
    assert {number: wrong for number, wrong in found.items() if wrong} == {}


def faults(
    number: int, bare: Harness, harness: Harness, new_trial: NewTrial, durable: Durable
) -> list[str]:
    """What goes wrong with a program that is killed twice at most, each time in another mode."""
    chance, program = random.Random(number), made_up(number)
    calm = new_trial(program)
    answer = bare.attempt(calm, chance.choice(program.modes), via=Via.BARE).result()
    log = bare.log(calm)
    calls = begun(log)
    if calls.total() > MOST_CALLS:
        return []  # larger programs say no more, and take long
    trial, via = new_trial(program), chance.choice(WAYS)
    for _ in range(chance.randint(1, 2)):
        point = chance.choice(kill_points(log))
        harness.attempt(trial, chance.choice(program.modes), via=via, kill=point)
        if not trial.attempts[-1].killed:
            break  # that call had been recorded
    if trial.attempts[-1].killed:
        harness.attempt(trial, chance.choice(program.modes), via=via)
    return judge(trial, answer, calls, harness, durable)


def judge(
    trial: Trial, answer: str, calls: Counter[tuple[str, str]], harness: Harness, durable: Durable
) -> list[str]:
    """What differs from an undisturbed attempt, beyond what was in flight at a kill."""
    last = trial.attempts[-1]
    if last.error:
        return [f"failed: {last.error[-2000:]}"]
    wrong = [] if last.value == answer else [f"answered {last.value!r} instead of {answer!r}"]
    entries = list(durable.events(trial.run_id))
    retried = Counter(
        step.name for step in unanswered_steps(entries) if step.outcome is Outcome.FAILED
    )
    again = repeated(harness.log(trial), calls, len(trial.attempts))
    again = {call: n for call, n in again.items() if n > retried[call[1].partition("/")[0]]}
    return [*wrong, *([f"made again: {again}"] if again else []), *repeated_steps(entries)]
