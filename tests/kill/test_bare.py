"""The programs without durability: what they answer, and what a kill costs them."""

from __future__ import annotations

import pytest

from langchain_durable.testing.effects import Phase
from tests.kill.conftest import NewTrial, Undisturbed
from tests.kill.harness import Harness, begun, kill_points, repeated
from tests.kill.play import Via
from tests.programs.all import PROGRAMS
from tests.programs.program import MODEL, Mode

EVERY = [(program.name, mode) for program in PROGRAMS.values() for mode in program.modes]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_bare_program_gives_its_answer(name: str, undisturbed: Undisturbed) -> None:
    assert begun(undisturbed(name, PROGRAMS[name].modes[0]))


@pytest.mark.soak
@pytest.mark.parametrize(("name", "mode"), EVERY)
def test_a_bare_program_gives_its_answer_in_every_mode(
    name: str, mode: Mode, bare: Harness, new_trial: NewTrial
) -> None:
    program = PROGRAMS[name]
    assert bare.attempt(new_trial(program), mode, via=Via.BARE).result() == program.answer


def test_a_kill_at_a_model_call_leaves_it_without_effect(
    bare: Harness, new_trial: NewTrial, undisturbed: Undisturbed
) -> None:
    points = kill_points(undisturbed("lcel3", Mode.INVOKE))
    second = [point for point in points if point.phase is Phase.BEGIN][1]
    trial = new_trial(PROGRAMS["lcel3"])
    assert bare.attempt(trial, Mode.INVOKE, via=Via.BARE, kill=second).killed
    log = bare.log(trial)
    assert sum(begun(log).values()) == 2
    assert [seen.phase for seen in log if seen.key == second.key] == [Phase.BEGIN]


def test_a_kill_after_a_tools_effect_keeps_the_effect(
    bare: Harness, new_trial: NewTrial, undisturbed: Undisturbed
) -> None:
    points = kill_points(undisturbed("agent", Mode.STREAM))
    effect = next(p for p in points if p.name == "add" and p.phase is Phase.EFFECT)
    trial = new_trial(PROGRAMS["agent"])
    assert bare.attempt(trial, Mode.STREAM, via=Via.BARE, kill=effect).killed
    assert [seen.phase for seen in bare.log(trial) if seen.name == "add"] == [
        Phase.BEGIN,
        Phase.EFFECT,
    ]


def test_without_durability_the_harness_sees_the_calls_that_repeat(
    bare: Harness, new_trial: NewTrial, undisturbed: Undisturbed
) -> None:
    calm = undisturbed("lcel3", Mode.INVOKE)
    last = kill_points(calm)[-1]
    trial = new_trial(PROGRAMS["lcel3"])
    assert bare.attempt(trial, Mode.INVOKE, via=Via.BARE, kill=last).killed
    bare.attempt(trial, Mode.INVOKE, via=Via.BARE).result()
    again = repeated(bare.log(trial), begun(calm), len(trial.attempts))
    assert sum(again.values()) == 2
    assert {name for name, _ in again} == {MODEL}
