"""LangChain's decision models: calls of a model, although LangChain tells of them as of chains."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AutoModeMiddleware, ModelChoice, ModelRouterMiddleware
from langchain_core.decisions import (
    BaseDecisionModel,
    Box,
    Choice,
    ClassifierResponse,
    Noul,
    NoulCriteria,
    Score,
)
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import PrivateAttr

from langchain_durable import Durable, DurableCallbackHandler, RunStatus
from langchain_durable.codec import Codec
from langchain_durable.costs import StaticPrices
from langchain_durable.ids import new
from tests.conftest import MakeDurable
from tests.fakes import Failing, Model, calls

beta = pytest.mark.filterwarnings("ignore:.*beta.*")
URGENT = {"urgent": Noul(instructions="Is it urgent?")}


class Judge(BaseDecisionModel):
    """Answers each question with yes, or its first choice; ``asked`` has each call."""

    model: str = "judge"
    _asked: list[Any] = PrivateAttr(default_factory=list)

    @property
    def asked(self) -> list[Any]:
        return self._asked

    @property
    def _provider(self) -> str:
        return "openai"

    def _classify(self, state: Any, questions: Any) -> ClassifierResponse:
        self._asked.append(state)
        return ClassifierResponse(
            model="judge-1",
            answers={name: _answer(question) for name, question in questions.items()},
            usage={"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
            request_id="r1",
        )


class AsyncJudge(Judge):
    async def _aclassify(self, state: Any, questions: Any) -> ClassifierResponse:
        return self._classify(state, questions)


def _answer(question: Any) -> Any:
    if isinstance(question, Noul):
        return {"type": "noul", "noul": 0.25}
    chosen = dict.fromkeys(question.criteria, 0.0)
    first = next(iter(chosen))
    return {"type": "choice", "choice": first, "probabilities": chosen, "confidence": 0.5}


def then_failing(judge: Any, failing: list[bool]) -> Any:
    def pass_on(answer: Any) -> Any:
        if failing:
            raise Failing(failing.pop())
        return answer

    return judge | RunnableLambda(pass_on)


def request(state: str) -> Any:
    return {"state": state, "questions": URGENT}


@pytest.mark.parametrize("kind", [Judge, AsyncJudge])
@pytest.mark.parametrize("mode", ["invoke", "ainvoke", "handler"])
async def test_what_was_decided_is_not_asked_again(
    make_durable: MakeDurable, kind: type[Judge], mode: str
) -> None:
    judge, failing = kind(), [True]

    async def decided() -> Any:
        durable = make_durable()
        program = then_failing(judge, failing)
        if mode == "handler":
            handler = DurableCallbackHandler(durable, run_id="run")
            return program.invoke(request("fire"), {"callbacks": [handler]})
        program, config = durable.wrap(program), durable.config("run")
        if mode == "invoke":
            return program.invoke(request("fire"), config)
        return await program.ainvoke(request("fire"), config)

    with pytest.raises(Failing):
        await decided()
    again = await decided()

    assert again == judge._classify("", URGENT)
    assert judge.asked == ["fire", ""]
    assert make_durable().get("run").status is RunStatus.COMPLETED


def test_decisions_of_a_batch_and_with_retries_are_told_apart(make_durable: MakeDurable) -> None:
    judge, failing = Judge(), [True]

    def decided(texts: list[str]) -> Any:
        found = judge.with_retry().batch([request(text) for text in texts])
        if failing:
            raise Failing(failing.pop())
        return [answer.nouls["urgent"].noul for answer in found]

    def attempt() -> Any:
        durable = make_durable()
        return durable.wrap(RunnableLambda(decided)).invoke(["a", "b"], durable.config("run"))

    with pytest.raises(Failing):
        attempt()
    assert attempt() == [0.25, 0.25]
    assert sorted(judge.asked) == ["a", "b"]


@beta
def test_an_agent_that_routes_and_judges_asks_once(make_durable: MakeDurable) -> None:
    paid: list[int] = []

    @tool
    def pay(amount: int) -> str:
        """Pay."""
        paid.append(amount)
        return "paid"

    judge = Judge()
    answers = iter([calls(("pay", {"amount": 3})), Failing(), "done"])

    def answer(_: Any) -> Any:
        said = next(answers)
        if isinstance(said, Failing):
            raise said
        return said

    choices = {name: ModelChoice(Model(answer=answer, model=name), name) for name in "ab"}
    middleware: list[Any] = [
        ModelRouterMiddleware(choices=choices, instructions="Which?", classifier=judge),
        AutoModeMiddleware(tools=[pay], classifier=judge),
    ]

    def asked() -> Any:
        durable = make_durable()
        agent: Any = durable.wrap(create_agent(Model(), [pay], middleware=middleware))
        return agent.invoke({"messages": [("user", "pay 3")]}, durable.config("run"))

    with pytest.raises(Failing):
        asked()
    result = asked()

    assert result["messages"][-1].text == "done"
    assert result["model_route"].choice == "a"
    assert (len(judge.asked), paid) == (2, [3])
    assert asked() == result  # of the journal: it carries what was decided


def test_a_decision_is_the_span_of_a_model_call_with_its_price() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    prices = StaticPrices({"judge": {"input": 1.0, "output": 10.0}})
    with Durable(f"memory://{new()}", tracer_provider=provider, prices=prices) as durable:
        judge = durable.wrap(Judge())
        judge.invoke(request("fire"), durable.config("run"))
        assert durable.costs().total.cost == Decimal("0.000023")
        assert durable.get("run").messages == ()
    chat = next(s for s in exporter.get_finished_spans() if s.name == "chat judge")
    said = dict(chat.attributes or {})
    assert said["gen_ai.provider.name"] == "openai"
    assert said["gen_ai.response.model"] == "judge-1"
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == (3, 2)


def test_answers_of_every_kind_come_back_as_they_were() -> None:
    response = ClassifierResponse.model_validate(
        {
            "model": "judge",
            "answers": {
                "noul": {"type": "noul", "noul": 0.5},
                "choice": _answer(Choice(instructions="", criteria={"a": None, "b": 1})),
                "score": {
                    "type": "score",
                    "score": 1.5,
                    "legend": {0: "low", 1: {"very": "high"}},
                    "probabilities": {0: 0.1, 1: 0.9},
                    "confidence": 0.5,
                },
                "box": {
                    "type": "box",
                    "box": {"top": 0.0, "bottom": 1.0, "left": 0.0, "right": 0.5},
                },
            },
        }
    )
    assert there_and_back(response) == response
    assert there_and_back(response).model_fields_set == response.model_fields_set


def test_questions_of_every_kind_come_back_as_they_were() -> None:
    questions = [
        Noul(instructions="?", criteria=NoulCriteria(true="yes")),
        Choice(instructions="?", criteria={"a": None, "b": [1]}),
        Score(instructions={"deep": "?"}, criteria=["low", "high"]),
        Box(instructions="?"),
    ]
    assert there_and_back(questions) == questions


def there_and_back(value: Any) -> Any:
    codec = Codec()
    return codec.decode(codec.encode(value, bind=b""), bind=b"")
