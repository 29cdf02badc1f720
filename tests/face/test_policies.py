"""Drift, doubt, and values that cannot be journaled."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import BaseTool, ToolException, tool
from langgraph.types import Command
from pydantic import BaseModel

from langchain_durable import (
    Durable,
    DurableWarning,
    RunBusy,
    RunStatus,
    StepDrift,
    StepInDoubt,
    idempotency_key,
    in_doubt,
)
from langchain_durable.errors import (
    ConfigurationError,
    DurableError,
    JournalCorrupt,
    Unjournalable,
)
from tests.fakes import Failing, Model, calls, once_each


def clocked(model: Model, ticks: list[str]) -> Any:
    """A program whose prompt differs in each attempt."""

    def ask(text: str) -> Any:
        said = model.invoke(f"{text} at {ticks.pop(0)}").content
        if ticks:
            raise Failing
        return said

    return RunnableLambda(ask)


def drifting(make_durable: Any, model: Model, **options: Any) -> Any:
    durable = make_durable(**options)
    wrapped = durable.wrap(clocked(model, ["noon", "one"]))
    with pytest.raises(Failing):
        wrapped.invoke("a", durable.config("run"))
    return wrapped.invoke("a", durable.config("run"))


def test_a_step_whose_input_drifted_keeps_its_result_and_says_so(make_durable: Any) -> None:
    model = Model()
    with pytest.warns(DurableWarning, match=r"ask/model:Model has another input.*version="):
        assert drifting(make_durable, model) == "<a at noon>"
    assert model.calls == 1


def test_a_program_that_was_edited_is_warned_of_once_an_attempt(make_durable: Any) -> None:
    model, durable, prompts = Model(), make_durable(), ["a", "b", "c"]

    def ask(_: str) -> str:
        said = [model.invoke(prompt).text for prompt in prompts]
        if "a" in prompts:
            raise Failing
        return " ".join(said)

    wrapped = durable.wrap(RunnableLambda(ask))
    with pytest.raises(Failing):
        wrapped.invoke("q", durable.config("run"))
    prompts[:] = ["A", "B", "c"]

    with pytest.warns(DurableWarning) as warned:
        assert wrapped.invoke("q", durable.config("run")) == "<a> <b> <c>"
    assert len(warned) == 1


def test_within_one_version_of_the_program_drift_is_no_edit(make_durable: Any) -> None:
    assert drifting(make_durable, Model(), version="1") == "<a at noon>"


def test_a_tool_call_that_the_program_makes_up_is_no_drift(make_durable: Any) -> None:
    model, failing = Model(), [True]

    def hand_back(text: str) -> str:
        made_up = str(uuid4())
        asked = AIMessage("back", tool_calls=[{"name": "back", "args": {}, "id": made_up}])
        said = model.invoke([asked, ToolMessage(text, tool_call_id=made_up)]).text
        if failing:
            raise Failing(failing.pop())
        return said

    wrapped = make_durable(drift="raise").wrap(RunnableLambda(hand_back))
    with pytest.raises(Failing):
        wrapped.invoke("done", make_durable().config("run"))
    assert wrapped.invoke("done", make_durable().config("run")) == "<done>"
    assert model.calls == 1


def test_a_drifted_step_can_be_made_again(make_durable: Any) -> None:
    assert drifting(make_durable, Model(), drift="reexecute") == "<a at one>"


def test_drift_can_be_an_error(make_durable: Any) -> None:
    with pytest.raises(StepDrift, match="make the program deterministic"):
        drifting(make_durable, Model(), drift="raise")


def test_another_version_of_the_program_keeps_only_equal_steps(make_durable: Any) -> None:
    model = Model()
    durable = make_durable()
    old = durable.wrap(clocked(model, ["noon", "one"]), version="1")
    with pytest.raises(Failing):
        old.invoke("a", durable.config("run"))

    new = durable.wrap(clocked(model, ["one"]), version="2")
    assert new.invoke("a", durable.config("run")) == "<a at one>"


def paying_tool(paid: list[str], die: list[bool]) -> BaseTool:
    @tool
    def pay(amount: int) -> str:
        """Pay."""
        paid.append(idempotency_key())
        if die:
            raise SystemExit(die.pop())
        return f"paid {amount}"

    return pay


def paying(policy: Any, paid: list[str], *, die: list[bool]) -> Any:
    pay = in_doubt(policy)(paying_tool(paid, die))
    return RunnableLambda(lambda n: pay.invoke({"amount": n}))


def in_flight(durable: Any, policy: Any, paid: list[str]) -> Any:
    """A run whose tool had its effect and was interrupted before it could return."""
    wrapped = durable.wrap(paying(policy, paid, die=[True]))
    with pytest.raises(SystemExit):
        wrapped.invoke(3, durable.config("run"))
    return wrapped


def test_a_tool_in_doubt_is_made_again_with_the_same_idempotency_key(durable: Any) -> None:
    paid: list[str] = []
    wrapped = in_flight(durable, "retry", paid)

    assert wrapped.invoke(3, durable.config("run")) == "paid 3"
    assert len(paid) == 2
    assert paid[0] == paid[1]


def test_runs_whose_long_ids_begin_alike_have_idempotency_keys_of_their_own(durable: Any) -> None:
    paid: list[str] = []
    wrapped = durable.wrap(paying("retry", paid, die=[]))
    order = "tenant:acme/workflow:monthly-invoice/environment:production/order-"
    ids = [*(f"{order}{number}" for number in range(3)), order[:64]]

    for run_id in ids:
        wrapped.invoke(3, durable.config(run_id))

    assert len(set(paid)) == len(ids)


def test_an_idempotency_key_stays_what_it_was_in_earlier_releases(durable: Any) -> None:
    """A call that is made again after an upgrade must not take effect twice."""
    paid: list[str] = []
    wrapped = durable.wrap(paying("retry", paid, die=[]))

    for run_id in ("run", "r" * 64):
        wrapped.invoke(3, durable.config(run_id))

    assert paid == ["4dee54e2533df24dad73a2d3a96b7e51", "16d18b97f7f1b131e6c80d8e32a83ebf"]


def test_middleware_that_tries_again_does_not_get_around_a_doubt(durable: Any) -> None:
    paid: list[str] = []
    die = [True]
    pay = in_doubt("fail")(paying_tool(paid, die))

    def stubborn(amount: int) -> str:
        for _ in range(2):
            try:
                return str(pay.invoke({"amount": amount}))
            except StepInDoubt:
                continue
        return "gave up"

    wrapped = durable.wrap(RunnableLambda(stubborn))
    with pytest.raises(SystemExit):
        wrapped.invoke(3, durable.config("run"))
    with pytest.raises(StepInDoubt):
        wrapped.invoke(3, durable.config("run"))

    assert len(paid) == 1
    assert durable.get("run").status is RunStatus.FAILED


@pytest.mark.parametrize("policy", ["fail", "ask"])
def test_a_tool_in_doubt_can_ask_for_a_decision(durable: Any, policy: Any) -> None:
    paid: list[str] = []
    wrapped = in_flight(durable, policy, paid)

    with pytest.raises(StepInDoubt, match=r"durable\.resolve\('run', '[0-9a-f]{16}'"):
        wrapped.invoke(3, durable.config("run"))
    assert len(paid) == 1


def test_a_tool_in_doubt_can_be_given_its_result(durable: Any) -> None:
    paid: list[str] = []
    wrapped = in_flight(durable, "fail", paid)

    durable.resolve("run", durable.get("run").steps[0].id, "paid by hand")

    assert wrapped.invoke(3, durable.config("run")) == "paid by hand"
    assert len(paid) == 1


def test_a_tool_in_doubt_can_be_let_run_again(durable: Any) -> None:
    paid: list[str] = []
    wrapped = in_flight(durable, "fail", paid)

    durable.resolve("run", durable.get("run").steps[0].id)

    assert wrapped.invoke(3, durable.config("run")) == "paid 3"
    assert len(paid) == 2


def failing_later(model: Model, die: list[bool]) -> Any:
    @tool
    def pay(amount: int) -> str:
        """Pay."""
        return f"paid {amount}"

    def program(amount: int) -> str:
        said = model.invoke("go").text + str(pay.invoke({"amount": amount}))
        if die:
            raise Failing(die.pop())
        return said

    return RunnableLambda(program)


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (lambda steps: "deadbeef" * 2, "no step of it"),
        (lambda steps: "", "no step of it"),
        (lambda steps: "by hand", "16 hexadecimal digits"),
        (lambda steps: steps[0].id, "the step of a model"),
        (lambda steps: steps[1].id, "tool 'pay', which is completed"),
    ],
    ids=["unknown", "empty", "no id", "model", "completed"],
)
@pytest.mark.parametrize("value", [(), (7,)], ids=["run again", "a result"])
def test_only_a_tool_in_doubt_can_be_decided(
    durable: Any, step: Any, why: str, value: tuple[Any, ...]
) -> None:
    wrapped = durable.wrap(failing_later(Model(), [True]))
    with pytest.raises(Failing):
        wrapped.invoke(3, durable.config("run"))
    before = durable.header("run")

    with pytest.raises(ConfigurationError, match=why):
        durable.resolve("run", step(durable.get("run").steps), *value)

    assert durable.header("run") == before
    assert wrapped.invoke(3, durable.config("run")) == "<go>paid 3"


def test_a_step_that_cannot_be_decided_is_told_the_one_that_can(durable: Any) -> None:
    in_flight(durable, "fail", [])
    doubtful = durable.get("run").steps[0].id

    with pytest.raises(ConfigurationError, match=f"'{doubtful}' of tool 'pay'"):
        durable.resolve("run", "deadbeef" * 2)


def test_a_decision_that_cannot_be_journaled_leaves_the_run_as_it_was(durable: Any) -> None:
    paid: list[str] = []
    wrapped = in_flight(durable, "fail", paid)
    before = durable.header("run")

    with pytest.raises(Unjournalable):
        durable.resolve("run", durable.get("run").steps[0].id, object())

    assert durable.header("run") == before
    durable.resolve("run", durable.get("run").steps[0].id, "paid by hand")
    assert wrapped.invoke(3, durable.config("run")) == "paid by hand"


def test_a_decision_comes_too_late_for_a_run_that_went_on_meanwhile(make_durable: Any) -> None:
    other = make_durable()
    paid: list[str] = []
    die = [True]
    pay = paying_tool(paid, die)

    def program(amount: int) -> str:
        said = str(pay.invoke({"amount": amount}))
        raise Failing(said)

    def meanwhile(value: Any) -> Any:
        if value == {"v": "paid by hand"}:
            with pytest.raises(Failing, match="paid 3"):
                other.wrap(RunnableLambda(program)).invoke(3, other.config("run"))
        return value

    with pytest.raises(SystemExit):
        other.wrap(RunnableLambda(program)).invoke(3, other.config("run"))
    durable = make_durable(redact=meanwhile)
    with pytest.raises(RunBusy, match="went on meanwhile"):
        durable.resolve("run", durable.get("run").steps[0].id, "paid by hand")

    found = durable.get("run")
    assert (found.status, found.reason) == (RunStatus.FAILED, "Failing")
    assert list(found.tool_results.values()) == ["paid 3"]
    assert durable.header("run").lease_ms == 0


def dying_after(tool_call: Any) -> Any:
    """A program that dies when its tool has answered, the first time."""
    die = [True]

    def program(order: str) -> str:
        said = str(tool_call.invoke({"order": order}))
        if die:
            raise SystemExit(die.pop())
        return said

    return RunnableLambda(program)


def handling(error: Exception, tried: list[str]) -> Any:
    @tool
    def look_up(order: str) -> str:
        """Look an order up."""
        tried.append(order)
        raise error

    look_up.handle_tool_error = True
    return look_up


class LocalError(ToolException):
    """An error of the program's own."""


@pytest.mark.parametrize("error", [ToolException, LocalError])
def test_an_error_that_a_tool_handles_is_its_result(durable: Any, error: Any) -> None:
    """Nothing began after it, and it is known all the same that it never left the tool."""
    tried: list[str] = []
    said = "no such order: " + "x" * 5000
    wrapped = durable.wrap(dying_after(handling(error(said), tried)))
    with pytest.raises(SystemExit):
        wrapped.invoke("A7", durable.config("run"))

    assert wrapped.invoke("A7", durable.config("run")) == said
    assert tried == ["A7"]


def test_a_handled_error_whose_class_is_not_to_be_found_is_made_again(durable: Any) -> None:
    hidden = type("Hidden", (ToolException,), {})
    tried: list[str] = []
    wrapped = durable.wrap(dying_after(handling(hidden("no such order"), tried)))
    with pytest.raises(SystemExit):
        wrapped.invoke("A7", durable.config("run"))

    assert wrapped.invoke("A7", durable.config("run")) == "no such order"
    assert len(tried) == 2


@pytest.mark.parametrize(("answer", "effects"), [("retry", 2), ({"result": "by hand"}, 1)])
def test_a_tool_in_doubt_asks_a_person_in_a_graph(durable: Any, answer: Any, effects: int) -> None:
    paid: list[str] = []
    die = [True]

    @in_doubt("ask")
    @tool
    def pay(amount: int) -> str:
        """Pay."""
        paid.append(idempotency_key())
        if die:
            raise SystemExit(die.pop())
        return f"paid {amount}"

    model = Model(answer=once_each(calls(("pay", {"amount": 3})), "done"))
    agent = durable.wrap(create_agent(model, [pay]))
    asked: Any = {"messages": [HumanMessage("go")]}
    with pytest.raises(SystemExit):
        agent.invoke(asked, durable.config("run"))

    question = agent.invoke(asked, durable.config("run"))["__interrupt__"][0].value
    assert question["in_doubt"] == "pay"
    said = agent.invoke(Command(resume=answer), durable.config("run"))

    assert said["messages"][-2].content == ("by hand" if effects == 1 else "paid 3")
    assert (len(paid), model.calls) == (effects, 2)


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'retry', 'ask' or 'fail'"):
        in_doubt("never")  # type: ignore[arg-type]  # the mistake that is tested


def test_an_idempotency_key_outside_of_a_tool_is_refused() -> None:
    with pytest.raises(DurableError, match="tool's own function"):
        idempotency_key()


class Invoice(BaseModel):
    amount: int


class Opened(BaseModel, arbitrary_types_allowed=True):
    handle: object


def invoicing(made: list[int], broken: list[bool]) -> Any:
    @tool
    def invoice(amount: int) -> Any:
        """Make an invoice."""
        made.append(amount)
        return Invoice(amount=amount)

    def program(amount: int) -> Any:
        found = invoice.invoke({"amount": amount})
        if broken:
            raise Failing(broken.pop())
        return found.amount

    return RunnableLambda(program)


def test_a_result_of_a_foreign_type_warns_and_runs_again(make_durable: Any) -> None:
    made: list[int] = []
    durable = make_durable()
    wrapped = durable.wrap(invoicing(made, [True]))

    with pytest.warns(DurableWarning, match="allow=") as warned, pytest.raises(Failing):
        wrapped.invoke(3, durable.config("run"))
    assert len(warned) == 1
    with pytest.warns(DurableWarning):
        assert wrapped.invoke(3, durable.config("run")) == 3
    assert made == [3, 3]


@pytest.mark.parametrize(
    "result",
    [
        Invoice(amount=3),
        [Invoice(amount=1), Invoice(amount=2)],
        {"invoice": Invoice(amount=3)},
        Opened(handle=complex(1, 2)),
        1j,
    ],
)
def test_a_result_that_a_model_asked_for_is_recorded_as_its_message_has_it(
    durable: Durable, result: Any
) -> None:
    made: list[Any] = []

    @tool
    def invoice() -> Any:
        """Make an invoice."""
        made.append(result)
        return result

    def agent(broken: list[bool]) -> Any:
        def answer(messages: list[Any]) -> Any:
            if broken and len(messages) > 1:
                raise Failing(broken.pop())
            return once_each(calls(("invoice", {})), "Done.")(messages)

        return create_agent(Model(answer=answer), [invoice])

    asked = {"messages": [HumanMessage("An invoice!")]}
    bare = agent([]).invoke(asked)["messages"][2]
    made.clear()
    broken = [True]
    with pytest.raises(Failing):
        durable.wrap(agent(broken)).invoke(asked, durable.config("run"))

    found = durable.wrap(agent(broken)).invoke(asked, durable.config("run"))["messages"][2]
    assert (found.content, found.status) == (bare.content, bare.status)
    assert made == [result]


def test_an_allowed_type_is_recorded(make_durable: Any) -> None:
    made: list[int] = []
    durable = make_durable(allow=[Invoice])
    wrapped = durable.wrap(invoicing(made, [True]))
    with pytest.raises(Failing):
        wrapped.invoke(3, durable.config("run"))

    assert wrapped.invoke(3, durable.config("run")) == 3
    assert made == [3]


def test_what_a_tool_made_without_all_fields_warns_and_reaches_the_program(
    make_durable: Any,
) -> None:
    @tool
    def invoice() -> Any:
        """Make an invoice."""
        return Invoice.model_construct()

    durable = make_durable(allow=[Invoice])
    with pytest.warns(DurableWarning, match=r"tool:invoice .*lacks its field 'amount'"):
        assert durable.wrap(invoice).invoke({}, durable.config("run")) == Invoice.model_construct()
    assert durable.get("run").status is RunStatus.COMPLETED


def test_what_a_model_has_parsed_to_an_object_without_a_form_warns_and_reaches_the_program(
    durable: Durable,
) -> None:
    parsed = Opened(handle=object())
    answer = AIMessage("{}", additional_kwargs={"parsed": parsed})
    with durable.run("run") as run, pytest.warns(DurableWarning, match="model:Model"):
        found = Model(answer=lambda _: answer).invoke("x")
    assert found.additional_kwargs["parsed"] is parsed
    assert run.executed == 1


def test_a_value_that_cannot_be_redacted_is_not_recorded(make_durable: Any) -> None:
    def redact(value: Any) -> Any:
        raise KeyError("secret")

    durable = make_durable(redact=redact)
    with durable.run("run"), pytest.warns(DurableWarning, match="redact=.*KeyError"):
        assert durable.step(str, 3) == "3"
    assert durable.get("run").status is RunStatus.COMPLETED


def test_what_redaction_has_cleaned_is_not_recorded_as_the_text_of_what_it_was(
    make_durable: Any,
) -> None:
    @tool
    def invoice() -> Any:
        """Make an invoice."""
        return Invoice(amount=4711)

    def redact(value: Any) -> Any:
        found = value.get("v") if isinstance(value, dict) else None
        return {**value, "v": Invoice(amount=0)} if isinstance(found, Invoice) else value

    durable = make_durable(redact=redact)
    agent = create_agent(Model(answer=once_each(calls(("invoice", {})), "Done.")), [invoice])
    with pytest.warns(DurableWarning, match="tool:invoice"):
        durable.wrap(agent).invoke({"messages": [HumanMessage("An invoice!")]})
    (run,) = durable.runs()
    assert not any("4711" in str(value) for value in durable.get(run.run_id).tool_results.values())


@pytest.mark.parametrize("found", [None, ("a", "b")])
def test_what_a_retriever_returns_comes_again_whatever_it_is(durable: Durable, found: Any) -> None:
    asked: list[str] = []

    class Odd(BaseRetriever):
        def _get_relevant_documents(self, query: str, *, run_manager: Any) -> Any:
            asked.append(query)
            return found

    retriever = Odd()
    for broken in (True, False):
        with suppress(Failing), durable.run("run"):
            assert retriever.invoke("x") == found
            if broken:
                raise Failing
    assert asked == ["x"]


def test_a_tool_call_may_have_an_id_of_any_type(durable: Durable) -> None:
    made: list[int] = []

    @tool
    def double(n: int) -> int:
        """Twice as much."""
        made.append(n)
        return 2 * n

    given: Any = {"type": "tool_call", "name": "double", "args": {"n": 1}, "id": UUID(int=5)}
    for broken in (True, False):
        with suppress(Failing), durable.run("run"):
            assert double.invoke(given).tool_call_id == str(UUID(int=5))
            if broken:
                raise Failing
    assert made == [1]


@pytest.mark.parametrize("seed", [2**63, 2**127])
def test_a_model_may_have_a_seed_of_any_size(durable: Durable, seed: int) -> None:
    model = Model()
    with durable.run("run"):
        assert model.bind(seed=seed).invoke("x").text == "<x>"


def test_a_value_over_the_cap_is_not_recorded_and_the_run_goes_on(make_durable: Any) -> None:
    durable = make_durable(max_value_bytes=10_000)
    model = Model(answer=lambda messages: "x" * 20_000)
    wrapped = durable.wrap(model | RunnableLambda(lambda m: len(m.content)))

    with pytest.warns(DurableWarning, match=r"model:Model.*max_value_bytes"):
        assert wrapped.invoke("a" * 20_000, durable.config("run")) == 20_000
    assert durable.get("run").status is RunStatus.COMPLETED


def test_encrypted_values_need_the_key(make_durable: Any) -> None:
    secret = make_durable(encryption_key=b"k" * 32)
    model = Model()
    secret.wrap(model | RunnableLambda(lambda m: m.content)).invoke("a", secret.config("run"))

    assert secret.get("run").result == "<a>"
    assert "encrypted" in make_durable().get("run").result.reason
    plain = make_durable()
    with pytest.raises(JournalCorrupt, match="encryption_key"):
        plain.wrap(model | RunnableLambda(lambda m: m.content)).invoke("a", plain.config("run"))


def test_redaction_sees_every_value(make_durable: Any) -> None:
    seen: list[Any] = []

    def redact(value: Any) -> Any:
        seen.append(value)
        return value

    durable = make_durable(redact=redact)
    durable.wrap(Model() | RunnableLambda(lambda m: m.content)).invoke("a", durable.config("r"))

    assert any("<a>" in str(value) for value in seen)
    assert durable.get("r").status is RunStatus.COMPLETED
