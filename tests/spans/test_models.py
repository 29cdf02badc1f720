"""Model spans where the fixtures show nothing: odd parameters, odd answers, LangChain's cache."""

from __future__ import annotations

import time
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult, Generation, LLMResult

from langchain_durable import semconv
from langchain_durable.events import Usage
from langchain_durable.spans.models import first_chunk, model_ended, model_started, usage_of
from langchain_durable.spans.usage import usage_attributes
from tests.fakes import Model


def _answer(usage: Any = None, **response: Any) -> AIMessage:
    return AIMessage("ok", usage_metadata=usage, response_metadata=response)


def _result(*messages: AIMessage, output: Any = None) -> ChatResult:
    generations = [ChatGeneration(message=message) for message in messages]
    return ChatResult(generations=generations, llm_output=output)


def _tokens(given: int, said: int) -> dict[str, int]:
    return {"input_tokens": given, "output_tokens": said, "total_tokens": given + said}


def test_whole_numbers_are_floats_where_the_convention_says_double() -> None:
    params = {"temperature": 0, "top_p": 1, "frequency_penalty": 0, "presence_penalty": 2}
    told = model_started(None, params, None).attributes
    keys = (
        semconv.REQUEST_TEMPERATURE,
        semconv.REQUEST_TOP_P,
        semconv.REQUEST_FREQUENCY_PENALTY,
        semconv.REQUEST_PRESENCE_PENALTY,
    )
    assert [told[key] for key in keys] == [0.0, 1.0, 0.0, 2.0]
    assert {type(told[key]) for key in keys} == {float}


def test_parameters_of_a_type_that_cannot_be_are_left_out() -> None:
    params = {
        "temperature": "hot",
        "top_p": True,
        "max_tokens": 1.5,
        "seed": {"a": 1},
        "n": False,
        "top_k": 3.0,
    }
    told = model_started(None, params, None).attributes
    assert set(told) == {semconv.OPERATION_NAME, semconv.PROVIDER_NAME}


@pytest.mark.parametrize(
    ("stop", "told"), [("END", ("END",)), (["a", "b"], ("a", "b")), ([], None), (7, None)]
)
def test_stop_sequences_are_a_row_of_texts(stop: Any, told: Any) -> None:
    start = model_started(None, {"stop": stop}, None)
    assert start.attributes.get(semconv.REQUEST_STOP_SEQUENCES) == told


def test_azure_openai_is_called_as_the_convention_calls_it() -> None:
    told = model_started(None, {"model": "gpt-4o"}, {"ls_provider": "azure"}).attributes
    assert told[semconv.PROVIDER_NAME] == "azure.ai.openai"


def test_a_model_of_which_nothing_is_known_has_the_required_attributes() -> None:
    start = model_started(None, None, None)
    assert start.name == "chat"
    assert start.attributes == {
        semconv.OPERATION_NAME: "chat",
        semconv.PROVIDER_NAME: "unknown",
    }


def test_the_caller_may_know_a_model_that_the_call_does_not_name() -> None:
    assert model_started(None, {}, {}, "mine").name == "chat mine"


@pytest.mark.parametrize("found", [{"thread_id": ""}, {"other": "x"}, {}, None])
def test_a_conversation_is_never_made_up(found: Any) -> None:
    assert semconv.CONVERSATION_ID not in model_started(None, {}, found).attributes


def test_a_call_costs_the_same_however_long_its_history() -> None:
    params = {"model": "gpt-4o", "messages": ["x" * 1000] * 100_000}
    model_started(None, params, None)
    began = time.perf_counter()
    for _ in range(100):
        model_started(None, params, None)
    assert time.perf_counter() - began < 0.1


# -- answers ------------------------------------------------------------------------------------


def test_the_usage_of_several_candidates_is_that_of_the_call() -> None:
    both = _result(_answer(_tokens(10, 5)), _answer(_tokens(10, 5)))
    assert usage_of(both) == Usage(input_tokens=10, output_tokens=5, total_tokens=15)


def test_a_completion_models_usage_comes_with_the_whole_answer() -> None:
    result = LLMResult(
        generations=[[Generation(text="ok", generation_info={"finish_reason": "stop"})]],
        llm_output={
            "token_usage": {"prompt_tokens": 4, "completion_tokens": 1},
            "model_name": "gpt-3.5-turbo-instruct",
        },
    )
    assert model_ended(result) == {
        semconv.USAGE_INPUT_TOKENS: 4,
        semconv.USAGE_OUTPUT_TOKENS: 1,
        semconv.RESPONSE_MODEL: "gpt-3.5-turbo-instruct",
        semconv.RESPONSE_FINISH_REASONS: ("stop",),
    }


def test_an_answer_without_usage_tells_no_tokens() -> None:
    assert model_ended(_result(_answer())) == {}
    assert usage_of(_result(_answer())) is None


@pytest.mark.parametrize("absurd", [-3, "many", 1.5, float("nan"), True, 10**20])
def test_an_absurd_count_is_not_told_nor_what_stands_beside_it(absurd: Any) -> None:
    message = AIMessage("ok")
    message.usage_metadata = {"input_tokens": absurd, "output_tokens": 2, "total_tokens": absurd}
    assert model_ended(_result(message)) == {}


@pytest.mark.parametrize("absurd", [-3, "many", None, 1.5, True, 10**20])
def test_an_absurd_part_of_a_count_is_not_told(absurd: Any) -> None:
    usage: Any = {"input_tokens": None, "output_tokens": 2, "total_tokens": absurd}
    usage["output_token_details"] = {"reasoning": absurd}
    message = AIMessage("ok")
    message.usage_metadata = usage
    told = model_ended(_result(message))
    assert told == {semconv.USAGE_INPUT_TOKENS: 0, semconv.USAGE_OUTPUT_TOKENS: 2}


def test_parts_of_a_negative_size_are_not_told() -> None:
    told = usage_attributes(Usage(input_tokens=5, input_details={"cache_read": -2, "audio": 0}))
    assert told == {semconv.USAGE_INPUT_TOKENS: 5, semconv.USAGE_OUTPUT_TOKENS: 0}


def test_a_reason_may_stand_in_the_output_of_the_call_if_there_is_one_candidate() -> None:
    said = {"stop_reason": "end_turn"}
    one = ChatResult(generations=[ChatGeneration(message=_answer())], llm_output=said)
    two = ChatResult(generations=[*one.generations, *one.generations], llm_output=said)
    assert model_ended(one)[semconv.RESPONSE_FINISH_REASONS] == ("end_turn",)
    assert semconv.RESPONSE_FINISH_REASONS not in model_ended(two)


def test_the_model_that_azure_served_wins() -> None:
    headers = {"X-MS-Served-Model": "gpt-4o-2024"}
    told = model_ended(_result(_answer(headers=headers, model_name="router")))
    assert told[semconv.RESPONSE_MODEL] == "gpt-4o-2024"


def test_what_the_provider_returned_and_what_langchain_makes_of_it_say_the_same() -> None:
    message = _answer(_tokens(3, 2), id="r-1", model_name="m", finish_reason="stop")
    generation = ChatGeneration(message=message)
    assert model_ended(ChatResult(generations=[generation])) == model_ended(
        LLMResult(generations=[[generation]])
    )


def test_an_answer_out_of_langchains_cache_tells_no_tokens() -> None:
    told: list[Any] = []

    class Hearing(BaseCallbackHandler):
        raise_error = True

        def on_llm_end(self, response: Any, **kwargs: Any) -> None:
            told.append(model_ended(response))

    model = Model(cache=InMemoryCache())
    for _ in range(2):
        model.invoke("Hello", {"callbacks": [Hearing()]})
    made, repeated = told
    assert made[semconv.USAGE_INPUT_TOKENS] == 3
    assert repeated == {semconv.LLM_CACHE_HIT: True}


def test_a_clock_that_went_back_makes_no_negative_time() -> None:
    assert first_chunk(-1.0)[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] == 0.0


@pytest.mark.parametrize("seed", [2**63, -(2**63) - 1, 2**127, pytest.param(10**400, id="huge")])
def test_a_number_that_no_exporter_can_write_is_not_told(seed: int) -> None:
    told = model_started(None, {"seed": seed, "top_p": seed}, None).attributes
    assert not {semconv.REQUEST_SEED, semconv.REQUEST_TOP_P} & told.keys()
