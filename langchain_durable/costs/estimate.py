"""Tokens of a stream whose provider reported none, by a rule of thumb and without a tokenizer.

The rule: 4 characters are a token, 3 more for each message, 85 for each block of content that
is no text (an image at low resolution). Fair for English; code and other scripts take more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from langchain_durable.costs.tokens import LARGEST, Tokens

CHARACTERS_A_TOKEN = 4
TOKENS_A_MESSAGE = 3
TOKENS_A_BLOCK = 85

_TEXTS = ("text", "thinking", "reasoning")
_CALLS = ("tool_use", "tool_call", "function_call")
_CALL_PARTS = ("name", "args", "input", "arguments")


def estimate_tokens(messages: Iterable[BaseMessage | str], output: BaseMessage | str) -> Tokens:
    """About how many tokens the messages and the output have; marked as ``estimated``.

    ``messages`` are the prompt, or prompts, that were sent; ``output`` what came of the answer.
    Takes time in proportion to the number of characters.
    """
    given = sum(_size(message) + TOKENS_A_MESSAGE for message in messages)
    return Tokens(min(given, LARGEST), min(_size(output), LARGEST), estimated=True)


def _size(message: BaseMessage | str) -> int:
    if isinstance(message, str):
        return _tokens(len(message))
    characters, blocks = _content(message.content)
    if isinstance(message, AIMessage) and isinstance(message.content, str):
        # In content that is a list, providers have the tool calls too.
        for call in message.tool_calls:
            characters += len(call["name"]) + _length(call["args"])
    return _tokens(characters) + blocks * TOKENS_A_BLOCK


def _content(content: Any) -> tuple[int, int]:
    """The characters in a message's content, and the number of its blocks that are no text."""
    if isinstance(content, str):
        return len(content), 0
    characters = blocks = 0
    for block in content:
        written = _written(block)
        if written is None:
            blocks += 1
        else:
            characters += written
    return characters, blocks


def _written(block: Any) -> int | None:
    """The characters of a block that is text or a tool call; None for any other."""
    if isinstance(block, str):
        return len(block)
    if not isinstance(block, Mapping):
        return None
    for key in _TEXTS:
        if isinstance(block.get(key), str):
            return len(block[key])
    if block.get("type") not in _CALLS:
        return None
    return sum(_length(block[part]) for part in _CALL_PARTS if part in block)


def _length(value: Any) -> int:
    """About the length of the value as JSON, without making it."""
    if isinstance(value, Mapping):
        return sum(_length(key) + _length(item) + 2 for key, item in value.items())
    if isinstance(value, list | tuple):
        return sum(_length(item) + 1 for item in value)
    return len(value) if isinstance(value, str) else 4


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_A_TOKEN)
