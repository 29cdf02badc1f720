"""Every program, killed at the begin of every call and just after every effect."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from langchain_durable import Durable, RunStatus
from langchain_durable.testing.promises import repeated_steps
from tests.kill.conftest import NewTrial, Undisturbed
from tests.kill.harness import Harness, Trial, begun, kill_points, repeated
from tests.kill.play import Via
from tests.programs.all import PROGRAMS
from tests.programs.program import KillPoint, Mode

Pair = tuple[str, Mode, Mode]

EVERY: list[Pair] = [
    (program.name, first, second)
    for program in PROGRAMS.values()
    for number, first in enumerate(program.modes)
    for second in (first, program.modes[(number + 1) % len(program.modes)])
]
"""Each program in each mode, resumed in the same mode and in the next."""


def _quick() -> list[Pair]:
    """Each program once; over all of them, each mode is killed in and resumed in."""
    pairs = []
    for number, program in enumerate(PROGRAMS.values()):
        first = program.modes[number % len(program.modes)]
        pairs.append((program.name, first, program.modes[(number + 2) % len(program.modes)]))
    return pairs


QUICK = _quick()


def some(points: Sequence[KillPoint], most: int) -> list[KillPoint]:
    """At most so many of the points, from the first to the last, begins and effects."""
    if len(points) <= most:
        return list(points)
    return [points[number * (len(points) - 1) // (most - 1)] for number in range(most)]


VIA_PROGRAMS = ("lcel3", "parallel", "retrieval", "agent", "own_saver", "executor")
VIA_MODES = (Mode.INVOKE, Mode.AINVOKE, Mode.STREAM, Mode.ASTREAM, Mode.ASTREAM_EVENTS)


class Matrix:
    """Kills one program at points, resumes it, and says what went wrong."""

    def __init__(self, harness: Harness, undisturbed: Undisturbed, new_trial: NewTrial) -> None:
        self._harness = harness
        self._undisturbed = undisturbed
        self._new_trial = new_trial

    def faults(self, pair: Pair, points: Sequence[KillPoint], via: Via = Via.WRAP) -> list[str]:
        """For each point: what is wrong with the run that was killed there."""
        name, first, second = pair
        found = []
        for point in points:
            trial = self._new_trial(PROGRAMS[name])
            if not self._harness.attempt(trial, first, via=via, kill=point).killed:
                found.append(f"{point}: never reached, {trial.attempts[-1].error}")
                continue
            self._harness.attempt(trial, second, via=via)
            found += [f"{point}: {fault}" for fault in self._judge(trial, first)]
        return found

    def points(self, name: str, mode: Mode) -> list[KillPoint]:
        return kill_points(self._undisturbed(name, mode))

    def _judge(self, trial: Trial, mode: Mode) -> list[str]:
        last = trial.attempts[-1]
        if last.error or last.killed:
            return [f"the resume failed: {last.error[-2000:]}"]
        faults = []
        if last.value != trial.program.answer:
            faults.append(f"answered {last.value!r}")
        calm = begun(self._undisturbed(trial.program.name, mode))
        again = repeated(self._harness.log(trial), calm, len(trial.attempts))
        if again:
            faults.append(f"made again: {again}")
        return faults


@pytest.fixture(scope="session")
def matrix(harness: Harness, undisturbed: Undisturbed, new_trial: NewTrial) -> Matrix:
    return Matrix(harness, undisturbed, new_trial)


@pytest.mark.parametrize("pair", QUICK, ids="-".join)
def test_a_killed_program_picks_up_where_it_was(pair: Pair, matrix: Matrix) -> None:
    assert matrix.faults(pair, some(matrix.points(pair[0], pair[1]), 2)) == []


@pytest.mark.soak
@pytest.mark.parametrize("pair", EVERY, ids="-".join)
def test_every_mode_resumes_in_itself_and_in_another(pair: Pair, matrix: Matrix) -> None:
    assert matrix.faults(pair, matrix.points(pair[0], pair[1])) == []


@pytest.mark.parametrize("via", [Via.BLOCK, Via.HANDLER])
@pytest.mark.parametrize("name", VIA_PROGRAMS)
def test_a_run_block_and_a_handler_resume_as_a_wrap_does(
    name: str, via: Via, matrix: Matrix
) -> None:
    pair = (name, Mode.INVOKE, Mode.ASTREAM)
    assert matrix.faults(pair, some(matrix.points(name, Mode.INVOKE), 2), via) == []


@pytest.mark.soak
@pytest.mark.parametrize(
    "modes", list(itertools.pairwise((*VIA_MODES, VIA_MODES[0]))), ids="-".join
)
@pytest.mark.parametrize("via", [Via.BLOCK, Via.HANDLER])
@pytest.mark.parametrize("name", VIA_PROGRAMS)
def test_a_run_block_and_a_handler_resume_in_every_mode(
    name: str, via: Via, modes: tuple[Mode, Mode], matrix: Matrix
) -> None:
    pair = (name, *modes)
    assert matrix.faults(pair, matrix.points(name, modes[0]), via) == []


@pytest.mark.parametrize("name", ["lcel3", "agent"])
def test_a_new_interpreter_finds_the_same_steps(
    name: str, harness: Harness, new_trial: NewTrial, undisturbed: Undisturbed
) -> None:
    calm = undisturbed(name, Mode.INVOKE)
    trial = new_trial(PROGRAMS[name])
    assert harness.attempt(trial, Mode.INVOKE, kill=kill_points(calm)[-1]).killed
    assert harness.attempt(trial, Mode.INVOKE, fresh=True).result() == PROGRAMS[name].answer
    assert repeated(harness.log(trial), begun(calm), 2) == {}


@pytest.mark.parametrize(
    "name",
    [
        "lcel3",
        *(pytest.param(name, marks=pytest.mark.soak) for name in ("agent", "graph", "nested")),
    ],
)
def test_a_run_killed_at_call_after_call_still_makes_each_once(
    name: str, harness: Harness, new_trial: NewTrial, undisturbed: Undisturbed
) -> None:
    modes = PROGRAMS[name].modes
    program, trial = PROGRAMS[name], new_trial(PROGRAMS[name])
    calm = undisturbed(name, modes[0])
    for number, point in enumerate(kill_points(calm)[1::2]):
        harness.attempt(trial, modes[number % len(modes)], kill=point)
    assert harness.attempt(trial, modes[0]).result() == program.answer
    assert repeated(harness.log(trial), begun(calm), len(trial.attempts)) == {}


@pytest.mark.parametrize("mode", [Mode.INVOKE, Mode.ASTREAM, Mode.STREAM_V3])
def test_a_completed_run_called_again_makes_no_call(
    mode: Mode, harness: Harness, new_trial: NewTrial
) -> None:
    trial = new_trial(PROGRAMS["agent"])
    for _ in range(2):
        assert harness.attempt(trial, mode).result() == trial.program.answer
    assert not begun(harness.log(trial), attempt=1)


def test_the_journal_of_a_killed_run_holds_both_attempts(
    harness: Harness, new_trial: NewTrial, undisturbed: Undisturbed, journal_url: str
) -> None:
    point = kill_points(undisturbed("agent", Mode.INVOKE))[6]
    trial = new_trial(PROGRAMS["agent"])
    assert harness.attempt(trial, Mode.INVOKE, kill=point).killed
    harness.attempt(trial, Mode.INVOKE).result()
    with Durable(journal_url) as durable:
        assert durable.get(trial.run_id).status is RunStatus.COMPLETED
        entries = durable.events(trial.run_id)
    assert {entry.attempt for entry in entries} == {1, 2}
    assert repeated_steps(entries) == []
