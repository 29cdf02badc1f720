from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration

from langchain_durable.costs.tokens import COUNTS, LARGEST, Tokens, is_cache_hit
from langchain_durable.events import Usage
from langchain_durable.spans.usage import reported

ANYTHING: st.SearchStrategy[Any] = st.one_of(
    st.integers(),
    st.integers(0, 2_000),
    st.none(),
    st.booleans(),
    st.floats(),
    st.text(max_size=3),
    st.lists(st.integers(), max_size=2),
    st.just(LARGEST + 1),
)


def assert_sound(tokens: Tokens) -> None:
    for name in COUNTS:
        assert type(getattr(tokens, name)) is int
        assert 0 <= getattr(tokens, name) <= LARGEST
    assert tokens.cache_read + tokens.cache_write <= tokens.input
    assert tokens.cache_write_5m + tokens.cache_write_1h <= tokens.cache_write
    assert tokens.input_audio <= tokens.input
    assert tokens.reasoning <= tokens.output
    assert tokens.output_audio <= tokens.output


def tokens_of(metadata: Mapping[str, Any]) -> Tokens:
    """The tokens of a LangChain message, by way of the usage that the journal keeps of it."""
    usage = reported(metadata)
    assert usage is not None
    return Tokens.from_usage(usage)


def test_langchain_s_usage_metadata_becomes_tokens_by_kind() -> None:
    message = AIMessage(
        "",
        usage_metadata={
            "input_tokens": 1000,
            "output_tokens": 200,
            "total_tokens": 1200,
            "input_token_details": {"cache_read": 300, "cache_creation": 50, "audio": 10},
            "output_token_details": {"reasoning": 80, "audio": 5},
        },
    )
    assert message.usage_metadata
    assert tokens_of(message.usage_metadata) == Tokens(
        1000,
        200,
        cache_read=300,
        cache_write=50,
        input_audio=10,
        reasoning=80,
        output_audio=5,
    )


def test_the_journal_s_usage_gives_the_same_tokens() -> None:
    usage = Usage(
        input_tokens=1000,
        output_tokens=200,
        total_tokens=1200,
        input_details={"cache_read": 300},
        output_details={"reasoning": 80},
    )
    assert Tokens.from_usage(usage) == Tokens(1000, 200, cache_read=300, reasoning=80)


@pytest.mark.parametrize("generic", [0, 150])
def test_cache_writes_by_how_long_they_are_kept_are_not_counted_twice(generic: int) -> None:
    # langchain-anthropic sets the generic count to 0, older releases repeat the sum in it.
    details = {
        "cache_creation": generic,
        "ephemeral_5m_input_tokens": 100,
        "ephemeral_1h_input_tokens": 50,
    }
    tokens = tokens_of({"input_tokens": 500, "output_tokens": 1, "input_token_details": details})
    assert tokens == Tokens(500, 1, cache_write=150, cache_write_5m=100, cache_write_1h=50)
    assert tokens.clamped == ()


def test_langchain_openai_s_service_tier_is_found_in_the_names_of_its_details() -> None:
    metadata = {
        "input_tokens": 1000,
        "output_tokens": 200,
        "input_token_details": {"flex_cache_read": 300, "flex": 700},
        "output_token_details": {"flex_reasoning": 80, "flex": 120},
    }
    assert tokens_of(metadata) == Tokens(1000, 200, cache_read=300, reasoning=80, tier="flex")


@pytest.mark.parametrize(
    "attributes",
    [
        {
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 20,
            "gen_ai.usage.cache_read.input_tokens": 30,
            "gen_ai.usage.cache_write.input_tokens": 10,
            "gen_ai.usage.reasoning.output_tokens": 5,
            "gen_ai.usage.audio.input_tokens": 2,
            "gen_ai.usage.audio.output_tokens": 1,
        },
        {
            "gen_ai.usage.prompt_tokens": 100,
            "gen_ai.usage.completion_tokens": 20,
            "gen_ai.usage.cache_read_input_tokens": 30,
            "gen_ai.usage.cache_creation_input_tokens": 10,
            "gen_ai.usage.reasoning_tokens": 5,
            "gen_ai.usage.audio.input_tokens": 2,
            "gen_ai.usage.audio.output_tokens": 1,
        },
        {
            "llm.usage.prompt_tokens": 100,
            "llm.usage.completion_tokens": 20,
            "llm.usage.cache_read_input_tokens": 30,
            "llm.usage.cache_creation_input_tokens": 10,
            "llm.usage.reasoning_tokens": 5,
            "gen_ai.usage.audio.input_tokens": 2,
            "gen_ai.usage.audio.output_tokens": 1,
        },
        {
            "llm.token_count.prompt": 100,
            "llm.token_count.completion": 20,
            "llm.token_count.prompt_details.cache_read": 30,
            "llm.token_count.prompt_details.cache_write": 10,
            "llm.token_count.completion_details.reasoning": 5,
            "llm.token_count.prompt_details.audio": 2,
            "llm.token_count.completion_details.audio": 1,
        },
    ],
    ids=["conventions", "deprecated", "openllmetry", "openinference"],
)
def test_spans_of_all_instrumentors_are_read(attributes: dict[str, Any]) -> None:
    assert Tokens.from_span(attributes) == Tokens(
        100, 20, cache_read=30, cache_write=10, reasoning=5, input_audio=2, output_audio=1
    )


def test_a_span_without_usage_has_no_tokens() -> None:
    assert Tokens.from_span({"gen_ai.operation.name": "chat"}) is None


def test_an_embedding_s_span_has_input_only() -> None:
    assert Tokens.from_span({"gen_ai.usage.input_tokens": 7}) == Tokens(7)


@pytest.mark.parametrize("bad", [-1, True, 1.5, "12", None, LARGEST + 1, 10**30, float("nan"), [1]])
def test_a_total_that_is_no_count_refuses_all_and_says_so(bad: Any) -> None:
    tokens = Tokens(input=bad, output=5, cache_read=3)
    assert_sound(tokens)
    assert not tokens
    assert tokens.refused.startswith("input=")


@pytest.mark.parametrize("bad", [-1, True, 1.5, "12", None, LARGEST + 1])
def test_a_part_that_is_no_count_is_0_and_says_so(bad: Any) -> None:
    tokens = Tokens(input=10, output=5, cache_read=bad)
    assert tokens == Tokens(10, 5)
    assert tokens.refused == ""
    assert len(tokens.clamped) == 1
    assert tokens.clamped[0].startswith("cache_read=")


def test_parts_that_are_larger_than_their_whole_are_cut_to_it() -> None:
    tokens = Tokens(100, 10, cache_read=80, cache_write=70, reasoning=11)
    assert tokens == Tokens(100, 10, cache_read=80, cache_write=20, reasoning=10)
    assert tokens.clamped == ("cache_write=70 taken as 20", "reasoning=11 taken as 10")


@given(st.fixed_dictionaries(dict.fromkeys(COUNTS, ANYTHING)))
def test_whatever_comes_tokens_are_sound_and_a_change_is_said(came: dict[str, Any]) -> None:
    tokens = Tokens(**came)
    assert_sound(tokens)
    kept = {name: getattr(tokens, name) for name in COUNTS}
    same = all(type(came[n]) is int and came[n] == kept[n] for n in COUNTS)
    assert bool(tokens.refused or tokens.clamped) is not same
    assert Tokens(**kept) == tokens


@given(
    st.dictionaries(st.sampled_from(["input_tokens", "output_tokens", "other"]), ANYTHING),
    st.dictionaries(
        st.sampled_from(["cache_read", "cache_creation", "ephemeral_5m_input_tokens", "flex"]),
        ANYTHING,
    ),
)
def test_no_metadata_raises(metadata: dict[str, Any], details: dict[str, Any]) -> None:
    assert_sound(tokens_of({**metadata, "input_token_details": details}))
    assert_sound(tokens_of({**metadata, "output_token_details": 7}))


@given(
    st.dictionaries(
        st.sampled_from(
            ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "llm.token_count.prompt"]
        ),
        ANYTHING,
    )
)
def test_no_span_raises(attributes: dict[str, Any]) -> None:
    tokens = Tokens.from_span(attributes)
    if tokens is not None:
        assert_sound(tokens)


def test_langchain_s_own_cache_marks_its_answers_as_hits() -> None:
    answered = ChatGeneration(
        message=AIMessage(
            "", usage_metadata={"input_tokens": 9, "output_tokens": 9, "total_tokens": 18}
        )
    )
    model = FakeListChatModel(responses=[""])
    [hit] = model._convert_cached_generations([answered])
    assert isinstance(hit.message, AIMessage)
    assert is_cache_hit(hit.message.usage_metadata)
    assert not is_cache_hit({"input_tokens": 9})
    assert not is_cache_hit({"total_cost": False})
    assert not is_cache_hit(None)
