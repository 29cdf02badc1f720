"""Wrapping: the copy is of the same type, its calls are durable, the original is untouched."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda, RunnableSequence

from langchain_durable import Durable, RunCompleted, RunInputMismatch
from langchain_durable.errors import ConfigurationError, InvalidRunId
from langchain_durable.journal import HeaderField
from tests.fakes import Failing, Model
from tests.servers import Server


def three_steps(model: Model, last: Any = lambda text: text) -> Runnable[Any, Any]:
    ask = ChatPromptTemplate.from_messages([("human", "{x}")]) | model | StrOutputParser()
    again: Runnable[str, Any] = RunnableLambda(lambda text: {"x": text})
    return ask | again | ask | again | ask | RunnableLambda(last)


def test_a_wrapped_chain_is_still_what_it_was(durable: Durable) -> None:
    chain = three_steps(Model())

    wrapped = durable.wrap(chain)

    assert isinstance(wrapped, RunnableSequence)
    assert type(wrapped).__name__ == "RunnableSequence"
    assert wrapped is not chain
    assert type(chain) is RunnableSequence


def test_the_original_stays_undurable(durable: Durable) -> None:
    model = Model()
    chain = three_steps(model)
    durable.wrap(chain)

    chain.invoke({"x": "a"}, durable.config("run"))
    chain.invoke({"x": "a"}, durable.config("run"))

    assert model.calls == 6
    assert durable.runs() == []


def test_a_completed_run_gives_its_stored_result_without_calls(durable: Durable) -> None:
    model = Model()
    wrapped = durable.wrap(three_steps(model))

    first = wrapped.invoke({"x": "a"}, durable.config("run"))
    second = wrapped.invoke({"x": "a"}, durable.config("run"))

    assert first == second == "<<<a>>>"
    assert model.calls == 3


async def test_a_run_begun_by_invoke_is_resumed_by_ainvoke(durable: Durable) -> None:
    model = Model()
    broken = [True]

    def last(text: str) -> str:
        if broken:
            raise Failing(broken.pop())
        return text

    wrapped = durable.wrap(three_steps(model, last))
    with pytest.raises(Failing):
        wrapped.invoke({"x": "a"}, durable.config("run"))

    assert await wrapped.ainvoke({"x": "a"}, durable.config("run")) == "<<<a>>>"
    assert model.calls == 3


def test_a_stream_of_a_completed_run_is_replayed(durable: Durable) -> None:
    model = Model()
    wrapped = durable.wrap(three_steps(model))
    wrapped.invoke({"x": "a"}, durable.config("run"))

    assert "".join(wrapped.stream({"x": "a"}, durable.config("run"))) == "<<<a>>>"
    assert model.calls == 3


async def test_invoke_after_a_stream_that_completed_replays_the_steps(durable: Durable) -> None:
    model = Model()
    wrapped = durable.wrap(three_steps(model))
    chunks = [chunk async for chunk in wrapped.astream({"x": "a"}, durable.config("run"))]

    assert "".join(chunks) == wrapped.invoke({"x": "a"}, durable.config("run")) == "<<<a>>>"
    assert model.calls == 3


def test_a_new_step_in_a_completed_run_is_refused(durable: Durable) -> None:
    model = Model()
    short = durable.wrap(three_steps(model), name="p")
    short.invoke({"x": "a"}, durable.config("run"))
    longer = durable.wrap(three_steps(model) | (lambda text: text) | model, name="p")

    with pytest.raises(RunCompleted, match="new run_id"):
        list(longer.stream({"x": "a"}, durable.config("run")))
    assert model.calls == 3


def test_another_input_is_refused_and_the_key_is_named(durable: Durable) -> None:
    wrapped = durable.wrap(three_steps(Model()))
    wrapped.invoke({"x": "a", "y": 1}, durable.config("run"))

    with pytest.raises(RunInputMismatch, match=r"'x' differs.*new turn .* is a new run"):
        wrapped.invoke({"x": "b", "y": 1}, durable.config("run"))


def test_a_call_without_an_id_is_a_new_run_each(
    durable: Durable, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="langchain_durable")
    wrapped = durable.wrap(three_steps(Model()))

    wrapped.invoke({"x": "a"})
    wrapped.invoke({"x": "a"})

    runs = durable.runs()
    assert len(runs) == 2
    assert all(run.run_id in caplog.text for run in runs)


def test_a_wrapped_runnable_inside_a_wrapped_one_joins_its_run(durable: Durable) -> None:
    model = Model()
    inner = durable.wrap(three_steps(model))
    outer = durable.wrap(RunnableLambda(lambda x: inner.invoke({"x": x})))

    assert outer.invoke("a", durable.config("run")) == "<<<a>>>"
    assert [run.run_id for run in durable.runs()] == ["run"]
    assert durable.get("run").step == 3


def test_a_wrapped_runnable_goes_into_a_plain_chain(durable: Durable) -> None:
    model = Model()
    prepare: Runnable[str, Any] = RunnableLambda(lambda x: {"x": x})
    chain = prepare | durable.wrap(three_steps(model))

    assert chain.invoke("a", durable.config("run")) == "<<<a>>>"
    assert chain.invoke("a", durable.config("run")) == "<<<a>>>"
    assert model.calls == 3


@pytest.mark.parametrize("run_id", ["", "a\nb", "x" * 257, "\x00", 7, "a{b}", "\ud800"])
def test_what_cannot_name_a_run_is_refused(durable: Durable, run_id: Any) -> None:
    wrapped = durable.wrap(three_steps(Model()))
    with pytest.raises(InvalidRunId, match="1 to 256 characters"):
        wrapped.invoke({"x": "a"}, {"configurable": {"durable_run_id": run_id}})


def test_only_runnables_can_be_wrapped(durable: Durable) -> None:
    with pytest.raises(ConfigurationError, match=r"durable\.run"):
        durable.wrap(lambda x: x)  # type: ignore[type-var]  # the mistake that is tested


def test_with_config_and_bind_keep_a_wrapped_runnable_durable(durable: Durable) -> None:
    model = Model()
    wrapped = durable.wrap(three_steps(model)).with_config(durable.config("run"))

    wrapped.invoke({"x": "a"})
    wrapped.invoke({"x": "a"})

    assert model.calls == 3


def test_two_calls_with_the_same_prompt_are_two_calls(durable: Durable) -> None:
    model = Model()
    program: Runnable[str, Any] = RunnableLambda(lambda x: [model.invoke(x) for _ in range(3)])
    wrapped = durable.wrap(program)

    wrapped.invoke("same", durable.config("run"))

    assert model.calls == 3
    assert durable.get("run").step == 3


def test_a_wrapped_runnable_is_copied_and_not_pickled(durable: Durable) -> None:
    model = Model()
    chain = durable.wrap(model | StrOutputParser())
    for plain in (chain, RunnableLambda(str), create_agent(model, [])):
        wrapped: Any = durable.wrap(plain)
        for twin in (copy.copy(wrapped), copy.deepcopy(wrapped)):
            assert type(twin) is type(wrapped)
        with pytest.raises(ConfigurationError, match=r"cannot be pickled.*wrap it in the process"):
            pickle.dumps(wrapped)
    assert pickle.loads(pickle.dumps(model | StrOutputParser())).invoke("a") == "<a>"


def stored(server: Server) -> bytes:
    """All that a server keeps in hashes and streams."""
    client: Any = server.client()
    kept = [client.hgetall(key) for key in client.scan_iter("*", _type="hash")]
    return repr([kept, *map(client.xrange, client.scan_iter("*", _type="stream"))]).encode()


def test_a_runs_call_is_recorded_without_the_secrets_in_its_config(
    make_durable: Any, journal_server: Server
) -> None:
    """A resume by the id alone has them from where the first call had them."""
    seen: list[dict[str, Any]] = []
    fails = [True]

    def program(x: int, config: RunnableConfig) -> int:
        seen.append({**config["configurable"]})
        if fails:
            raise Failing(fails.pop())
        return x

    secrets = {"api_key": 0, "OPENAI-API-KEY": 1, "db_password": 2, "clientSecret": 3}
    config = {"max_tokens": 7, "author": "Ada", "thread_id": "t", "sort_key": "date"}
    first, second = make_durable(), make_durable()
    with pytest.raises(Failing):
        first.wrap(RunnableLambda(program), name="p").invoke(
            1,
            first.config("run", **config, **{key: f"sk-unsaid-{n}" for key, n in secrets.items()}),
        )

    assert second.resume("run", RunnableLambda(program)) == 1

    assert [seen[0][key] for key in secrets] == [f"sk-unsaid-{n}" for n in secrets.values()]
    assert seen[1].items() >= config.items()
    assert seen[1].keys().isdisjoint(secrets)
    assert b"sk-unsaid" not in stored(journal_server)


def test_names_that_are_not_utf8_are_names(durable: Durable) -> None:
    """As those of files: a lone surrogate stands for a byte that no text has."""
    model, broken, odd = Model(), [True], "\udcff"

    def program(text: str) -> str:
        said = three_steps(model).invoke(text, {"run_name": odd})
        if broken:
            raise Failing(broken.pop())
        return str(said)

    wrapped = durable.wrap(RunnableLambda(program), name=odd)
    with pytest.raises(Failing):
        wrapped.invoke("x", durable.config("run", tenant=odd))

    assert durable.resume("run") == "<<<x>>>"
    assert model.calls == 3
    assert [header.text(HeaderField.PROGRAM) for header in durable.runs()] == ["\\udcff"]


def test_a_config_is_named_on_top_of_the_one_that_is_there(durable: Durable) -> None:
    own: RunnableConfig = {"tags": ["mine"], "configurable": {"thread_id": "t", "user": "u"}}

    named = durable.config("run", base=own, user="v")

    assert named["tags"] == ["mine"]
    durable.wrap(RunnableLambda(lambda text: text)).invoke("a", named)
    assert durable.get("run").status.value == "completed"
    given = {"thread_id": "t", "user": "v"}
    assert {key: named["configurable"][key] for key in given} == given
    assert own["configurable"] == {"thread_id": "t", "user": "u"}


def test_what_belongs_beside_configurable_is_refused_in_it(durable: Durable) -> None:
    with pytest.raises(ConfigurationError, match=r"tags would be put.*base=\{'tags'"):
        durable.config("run", tags=["a"])
