from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from langchain_durable.costs import Tokens
from langchain_durable.costs.estimate import estimate_tokens


def test_four_characters_are_a_token_and_a_message_is_three_more() -> None:
    # 8 / 4 + 3, 9 / 4 rounded up + 3; 5 / 4 rounded up
    messages = [SystemMessage("a" * 8), HumanMessage("b" * 9)]
    assert estimate_tokens(messages, "c" * 5) == Tokens(11, 2, estimated=True)


def test_prompts_are_counted_like_messages() -> None:
    assert estimate_tokens(["a" * 8], AIMessage("c" * 4)) == Tokens(5, 1, estimated=True)


def test_an_image_is_a_fixed_number_however_many_bytes_it_has() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 10**6}}
    message = HumanMessage([{"type": "text", "text": "a" * 8}, image])
    assert estimate_tokens([message], "").input == 2 + 85 + 3


def test_tool_calls_and_thoughts_are_output() -> None:
    call = {"name": "find", "args": {"query": "a" * 40}, "id": "1"}
    assert estimate_tokens([], AIMessage("", tool_calls=[call])).output >= 10
    thought = AIMessage([{"type": "thinking", "thinking": "a" * 40}])
    assert estimate_tokens([], thought).output >= 10


def test_nothing_sent_and_nothing_come_is_nothing() -> None:
    assert not estimate_tokens([], "")
