"""A durable program tells its callers the same events as a bare one."""

from __future__ import annotations

import pytest

from langchain_durable.testing.children import Children
from langchain_durable.testing.openai_server import ScriptedOpenAI
from tests.kill.conftest import NewTrial
from tests.kill.play import Job, Via, events
from tests.programs.all import PROGRAMS
from tests.programs.program import Mode

TOLD = [
    pytest.param(name, marks=() if name in ("lcel3", "text_llm", "agent") else pytest.mark.soak)
    for name, program in PROGRAMS.items()
    if Mode.ASTREAM_EVENTS in program.modes
]


@pytest.mark.parametrize("name", TOLD)
def test_a_durable_program_tells_the_events_of_a_bare_one(
    name: str,
    children: Children,
    model_server: ScriptedOpenAI,
    journal_url: str,
    new_trial: NewTrial,
) -> None:
    told = []
    for via in (Via.BARE, Via.WRAP):
        trial = new_trial(PROGRAMS[name])
        trial.directory.mkdir()
        job = Job(
            program=name,
            mode=Mode.ASTREAM_EVENTS,
            via=via,
            run_id=trial.run_id,
            attempt=0,
            directory=trial.directory,
            server_url=model_server.url,
            journal_url=journal_url,
        )
        told.append(children.start(events, job).wait().result())
    bare, durable = told
    assert durable == bare
