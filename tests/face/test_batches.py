"""``batch``: one id is one run of the list; a list of configs is a run each."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.runnables import Runnable, RunnableLambda

from langchain_durable import Durable, RunInputMismatch
from tests.fakes import Failing, Model


def program(model: Model, broken: list[str]) -> Runnable[str, str]:
    def ask(text: str) -> str:
        said = str(model.invoke(text).content)
        if text in broken:
            broken.remove(text)
            raise Failing(text)
        return said

    return RunnableLambda(ask)


def test_a_batch_with_one_id_is_one_run(durable: Durable) -> None:
    model = Model()
    wrapped = durable.wrap(program(model, ["b"]))
    with pytest.raises(Failing):
        wrapped.batch(["a", "b", "c"], durable.config("run"))

    assert wrapped.batch(["a", "b", "c"], durable.config("run")) == ["<a>", "<b>", "<c>"]
    assert model.calls == 3
    assert len(durable.runs()) == 1
    with pytest.raises(RunInputMismatch):
        wrapped.batch(["a", "b"], durable.config("run"))


def test_a_batch_with_a_config_each_is_a_run_each(durable: Durable) -> None:
    model = Model()
    wrapped = durable.wrap(program(model, ["b"]))
    configs = [durable.config(f"run-{i}") for i in range(3)]
    said = wrapped.batch(["a", "b", "c"], configs, return_exceptions=True)
    assert isinstance(said[1], Failing)

    assert wrapped.batch(["a", "b", "c"], configs) == ["<a>", "<b>", "<c>"]
    assert model.calls == 3
    assert sorted(run.run_id for run in durable.runs()) == ["run-0", "run-1", "run-2"]


async def test_abatch_and_batch_are_one_thing(durable: Durable) -> None:
    model = Model()
    wrapped = durable.wrap(program(model, []))
    first = await wrapped.abatch(["a", "b"], durable.config("run"))

    assert wrapped.batch(["a", "b"], durable.config("run")) == first
    assert model.calls == 2


def test_batch_as_completed_is_durable(durable: Durable) -> None:
    model = Model()
    wrapped = durable.wrap(program(model, []))
    asked: Any = (["a", "b"], durable.config("run"))

    first = sorted(wrapped.batch_as_completed(*asked))

    assert sorted(wrapped.batch_as_completed(*asked)) == first
    assert model.calls == 2


def test_resume_calls_a_batch_again_as_a_batch(durable: Durable) -> None:
    model = Model()
    wrapped = durable.wrap(program(model, ["b"]), name="asker")
    with pytest.raises(Failing):
        wrapped.batch(["a", "b"], durable.config("run"))

    assert durable.resume("run") == ["<a>", "<b>"]
    assert model.calls == 2
