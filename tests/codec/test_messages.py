import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.messages.tool import tool_call_chunk

from langchain_durable.codec import Codec
from langchain_durable.errors import Unjournalable

CODEC = Codec()


def there_and_back(value: object) -> object:
    return CODEC.decode(CODEC.encode(value, bind=b""), bind=b"")


def test_tool_calls_emptied_by_the_program_are_not_parsed_again() -> None:
    raw = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = AIMessage("", additional_kwargs={"tool_calls": [raw]})
    message.tool_calls = []
    assert there_and_back(message) == message


def test_a_chunk_keeps_the_tool_calls_it_has_not_those_its_chunks_would_give() -> None:
    piece = tool_call_chunk(name="f", args="{", id="1", index=0)
    chunk = AIMessageChunk(content="", tool_call_chunks=[piece])
    chunk.tool_calls = []
    assert there_and_back(chunk) == chunk


def test_an_in_place_cost_in_the_usage_survives() -> None:
    message = AIMessage("", usage_metadata=dict.fromkeys(_COUNTS, 1))
    message.usage_metadata["total_cost"] = 0  # type: ignore[index,typeddict-unknown-key]  # as LangChain's cache does
    assert there_and_back(message) == message


_COUNTS = ("input_tokens", "output_tokens", "total_tokens")


def test_the_text_of_a_message_comes_back_as_what_it_was() -> None:
    text = AIMessage("hi").text
    assert type(there_and_back(text)) is type(text)
    assert there_and_back(text) == "hi"


def test_a_message_of_the_usual_kind_takes_few_bytes() -> None:
    assert len(CODEC.encode(HumanMessage("hello"), bind=b"")) < 20


@pytest.mark.parametrize("name", ["content", "additional_kwargs", "id"])
def test_a_field_of_the_wrong_kind_is_refused_before_it_is_journaled(name: str) -> None:
    message = ToolMessage("x", tool_call_id="1")
    message.__dict__[name] = 3.5
    with pytest.raises(Unjournalable, match=f"has a float as its '{name}'"):
        CODEC.encode(message, bind=b"")
