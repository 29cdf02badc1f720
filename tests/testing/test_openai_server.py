"""The scripted server, asked by the real langchain-openai over HTTP."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from pydantic import SecretStr

from langchain_durable.errors import ConfigurationError, ServerError
from langchain_durable.testing.openai_server import (
    Ending,
    Request,
    Rule,
    ScriptedOpenAI,
    ToolCall,
)

SCRIPT = (
    Rule(when=r"capital of (\w+)", says=r"It is in \1, they say."),
    Rule(when="weather", role="user", calls=(
        ToolCall(name="look", args={"sky": True}),
        ToolCall(name="ask", args={"whom": "neighbour"}),
    )),
    Rule(when="fail once", status=503, times=1, says="come again"),
    Rule(when="fail once", says="now then"),
    Rule(when="think", says="hm", cached_tokens=7, reasoning_tokens=5),
)  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI(SCRIPT) as server:
        yield server


def model(server: ScriptedOpenAI, tag: str = "a run", **options: object) -> ChatOpenAI:
    given = {"model": "m", "max_retries": 0, "stream_usage": True, **options}
    return ChatOpenAI(base_url=server.url, api_key=tag, **given)  # type: ignore[arg-type]  # any option


def streamed(model: ChatOpenAI, prompt: str) -> AIMessageChunk:
    chunks = [chunk for chunk in model.stream(prompt) if isinstance(chunk, AIMessageChunk)]
    total = chunks[0]
    for chunk in chunks[1:]:
        added = total + chunk
        assert isinstance(added, AIMessageChunk)
        total = added
    return total


def test_the_answer_follows_from_the_prompt(server: ScriptedOpenAI) -> None:
    assert model(server).invoke("The capital of France?").content == "It is in France, they say."
    assert model(server).invoke("The capital of Spain?").content == "It is in Spain, they say."


def test_a_stream_adds_up_to_the_answer_with_finish_reason_and_usage(
    server: ScriptedOpenAI,
) -> None:
    answer = streamed(model(server), "The capital of France?")
    assert answer.content == "It is in France, they say."
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["total_tokens"] == 10


async def test_async_clients_get_the_same(server: ScriptedOpenAI) -> None:
    async_model = model(server, http_socket_options=())
    answer = await async_model.ainvoke("The capital of France?")
    assert answer.content == "It is in France, they say."
    await async_model.root_async_client.close()


def test_cached_and_reasoning_tokens_are_in_the_usage(server: ScriptedOpenAI) -> None:
    usage = model(server).invoke("think").usage_metadata
    assert usage is not None
    assert usage["input_token_details"]["cache_read"] == 7
    assert usage["output_token_details"]["reasoning"] == 5


@pytest.mark.parametrize("responses_api", [False, True], ids=["chat", "responses"])
def test_parallel_tool_calls_have_the_same_ids_each_time(
    server: ScriptedOpenAI, responses_api: bool
) -> None:
    client = model(server, use_responses_api=responses_api)
    whole, again = client.invoke("weather"), streamed(client, "weather")
    assert isinstance(whole, AIMessage)
    assert [call["name"] for call in whole.tool_calls] == ["look", "ask"]
    assert whole.tool_calls == again.tool_calls


def test_the_responses_api_answers_too(server: ScriptedOpenAI) -> None:
    client = model(server, use_responses_api=True)
    assert client.invoke("The capital of France?").text == "It is in France, they say."
    assert streamed(client, "The capital of France?").text == "It is in France, they say."


def test_text_completions_answer_each_prompt(server: ScriptedOpenAI) -> None:
    llm = OpenAI(base_url=server.url, api_key=SecretStr("texts"), model="m")
    result = llm.generate(["capital of A", "capital of B"])
    texts = [generations[0].text for generations in result.generations]
    assert texts == ["It is in A, they say.", "It is in B, they say."]
    assert "".join(llm.stream("capital of C")) == "It is in C, they say."


def test_embeddings_of_texts_that_share_words_are_near(server: ScriptedOpenAI) -> None:
    client = OpenAIEmbeddings(
        base_url=server.url, api_key=SecretStr("vectors"), check_embedding_ctx_length=False
    )
    cat, cats, stone = client.embed_documents(["the cat sat", "the cat ran", "granite"])
    assert _dot(cat, cats) > 0.5 > _dot(cat, stone)


def _dot(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def test_a_rule_with_times_is_spent_for_each_tag(server: ScriptedOpenAI) -> None:
    for tag in ("first", "second"):
        with pytest.raises(Exception, match="come again"):
            model(server, tag).invoke("fail once")
        assert model(server, tag).invoke("fail once").content == "now then"


def test_a_prompt_that_no_rule_answers_is_named(server: ScriptedOpenAI) -> None:
    with pytest.raises(Exception, match="no rule of the script answers 'm/1/silence'"):
        model(server).invoke("silence")


def test_requests_are_logged_by_tag(server: ScriptedOpenAI) -> None:
    model(server, "mine").invoke("think")
    model(server, "other").invoke("think")
    (request,) = server.requests(tag="mine")
    assert request.key == "m/1/think"
    assert request.ending is Ending.ANSWERED
    assert request.effect is not None
    server.forget("mine")
    assert server.requests(tag="mine") == []


@pytest.mark.parametrize("at", ["request", "reply"])
@pytest.mark.parametrize("mode", ["invoke", "stream"])
def test_a_call_is_held_until_its_client_is_dead(
    server: ScriptedOpenAI, at: str, mode: str
) -> None:
    tag = f"dies-{at}-{mode}"
    program = (
        "import sys; from langchain_openai import ChatOpenAI\n"
        "url, tag, mode = sys.argv[1:]\n"
        "model = ChatOpenAI(base_url=url, api_key=tag, model='m')\n"
        "list([model.invoke('think')] if mode == 'invoke' else model.stream('think'))\n"
    )
    with server.hold(tag=tag, at=at) as hold:  # type: ignore[arg-type]  # parametrized
        child = subprocess.Popen([sys.executable, "-c", program, server.url, tag, mode])
        assert hold.wait() is not None
        child.send_signal(signal.SIGKILL)
        child.wait()
        request = _ended(server, tag)
    assert request.ending is Ending.GONE
    assert (request.effect is not None) == (at == "reply")


def _ended(server: ScriptedOpenAI, tag: str) -> Request:
    while True:
        (request,) = server.requests(tag=tag)
        if request.ending is not Ending.OPEN:
            return request


def test_a_held_call_goes_on_when_it_is_released(server: ScriptedOpenAI) -> None:
    answers: list[object] = []
    with server.hold("think", tag="patient") as hold:
        caller = threading.Thread(
            target=lambda: answers.append(model(server, "patient").invoke("think").content)
        )
        caller.start()
        assert hold.wait() is not None
        assert answers == []
    caller.join()
    assert answers == ["hm"]


def test_a_hold_that_nothing_reaches_says_so(server: ScriptedOpenAI) -> None:
    hold = server.hold(tag="nobody")
    assert hold.wait(0) is None
    assert hold.release() is None


def test_a_stream_cut_cleanly_looks_like_a_short_answer(server: ScriptedOpenAI) -> None:
    server.cut_stream("capital", tag="cut", after=3)
    answer = streamed(model(server, "cut"), "The capital of France?")
    assert answer.content == "It is "
    assert "finish_reason" not in answer.response_metadata
    (request,) = server.requests(tag="cut")
    assert request.ending is Ending.CUT


def test_a_stream_cut_uncleanly_is_an_error(server: ScriptedOpenAI) -> None:
    server.cut_stream("capital", tag="torn", after=3, clean=False)
    with pytest.raises(Exception, match=r"[Cc]onnection"):
        streamed(model(server, "torn"), "The capital of France?")


def test_another_process_can_use_a_running_server(server: ScriptedOpenAI) -> None:
    other = ScriptedOpenAI([Rule(when="late rule", says="heard")], url=server.url).start()
    assert model(server).invoke("late rule").content == "heard"
    assert other.requests()
    other.close()
    assert model(server).invoke("late rule").content == "heard"


def test_a_rule_with_an_unknown_field_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Came: sayz"):
        Rule.from_dict({"sayz": "x"})


def test_a_rule_with_a_broken_expression_is_refused() -> None:
    given: list[dict[str, Any]] = [{"when": "("}, {"when": 5}, {"calls": ToolCall(name="f")}]
    for wrong in given:
        with pytest.raises(ConfigurationError, match=r"Expected: .* Came: .* Do: "):
            Rule(**wrong)


def test_rules_survive_their_json_form() -> None:
    for rule in SCRIPT:
        assert Rule.from_dict(rule.to_dict()) == rule


def test_a_server_that_is_gone_is_a_clear_error() -> None:
    with ScriptedOpenAI() as server:
        url = server.url
    with pytest.raises(ServerError, match="cannot be reached"):
        ScriptedOpenAI(url=url).requests()
