"""The OpenAI APIs on the wire: request bodies read as prompts, answers written as replies.

Chat completions and text completions here, the responses API in a module of its own; each
answer either as one JSON body or as the events of a stream. The event that carries the
finish reason is where a stream becomes an answer: a reply keeps what comes before apart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_durable.testing import responses
from langchain_durable.testing.script import Answer, Prompt, ToolCall, as_text
from langchain_durable.testing.sse import Reply, pieces, sse


def read(path: str, body: Mapping[str, Any]) -> Prompt:
    """The prompt in a request to ``path`` (its last part, such as ``chat/completions``)."""
    if path == "chat/completions":
        messages = tuple(body.get("messages", ()))
    elif path == "responses":
        messages = responses.read(body)
    else:
        asked = body.get("prompt", body.get("input", ""))
        texts = [asked] if isinstance(asked, str) else asked
        messages = tuple({"role": "user", "content": as_text(text)} for text in texts)
    return Prompt(
        path=path,
        model=str(body.get("model", "")),
        messages=messages,
        stream=bool(body.get("stream")),
    )


def write(
    prompt: Prompt, answers: Sequence[Answer], *, number: int, created: int, usage: bool
) -> Reply:
    """The reply to a prompt of a language model, in the shape of the API that it came by."""
    if prompt.path == "responses":
        return responses.write(prompt, answers[0], number, created)
    if prompt.path == "completions":
        return _completions(prompt, answers, number, created, usage)
    return _chat(prompt, answers[0], number, created, usage)


def _usage(answers: Sequence[Answer]) -> dict[str, Any]:
    asked = sum(answer.input_tokens for answer in answers)
    said = sum(answer.output_tokens for answer in answers)
    return {
        "prompt_tokens": asked,
        "completion_tokens": said,
        "total_tokens": asked + said,
        "prompt_tokens_details": {"cached_tokens": sum(a.cached_tokens for a in answers)},
        "completion_tokens_details": {"reasoning_tokens": sum(a.reasoning_tokens for a in answers)},
    }


def _wire_call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(call.args)
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def _chat(prompt: Prompt, answer: Answer, number: int, created: int, usage: bool) -> Reply:
    base = {"id": f"chatcmpl-{number}", "created": created, "model": prompt.model}
    finish = "tool_calls" if answer.calls else "stop"
    if not prompt.stream:
        message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
        if answer.calls:
            message["tool_calls"] = [_wire_call(call) for call in answer.calls]
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        body = {**base, "object": "chat.completion", "choices": [choice]}
        return Reply(body=json.dumps({**body, "usage": _usage([answer])}).encode())

    def chunk(delta: Mapping[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        return sse({**base, "object": "chat.completion.chunk", "choices": [choice]})

    head = [chunk({"role": "assistant", "content": None if answer.calls else ""})]
    head += [chunk({"content": piece}) for piece in pieces(answer.text)]
    for index, call in enumerate(answer.calls):
        head += [chunk({"tool_calls": [part]}) for part in _call_parts(index, call)]
    tail = [chunk({}, finish)]
    if usage:
        last = {**base, "object": "chat.completion.chunk", "choices": []}
        tail.append(sse({**last, "usage": _usage([answer])}))
    return Reply(head=tuple(head), tail=(*tail, sse("[DONE]")))


def _call_parts(index: int, call: ToolCall) -> list[dict[str, Any]]:
    """A tool call in a stream: its name, then its arguments in two halves, as providers do."""
    wire = _wire_call(call)
    arguments = wire["function"]["arguments"]
    middle = len(arguments) // 2
    first = {**wire, "index": index, "function": {"name": call.name, "arguments": ""}}
    halves = (arguments[:middle], arguments[middle:])
    return [first, *({"index": index, "function": {"arguments": half}} for half in halves)]


def _completions(
    prompt: Prompt, answers: Sequence[Answer], number: int, created: int, usage: bool
) -> Reply:
    base = {
        "id": f"cmpl-{number}",
        "object": "text_completion",
        "created": created,
        "model": prompt.model,
    }

    def choice(index: int, text: str, reason: str | None) -> dict[str, Any]:
        return {"index": index, "text": text, "finish_reason": reason, "logprobs": None}

    if not prompt.stream:
        choices = [choice(index, each.text, "stop") for index, each in enumerate(answers)]
        body = {**base, "choices": choices, "usage": _usage(answers)}
        return Reply(body=json.dumps(body).encode())
    head = [
        sse({**base, "choices": [choice(index, piece, None)]})
        for index, each in enumerate(answers)
        for piece in pieces(each.text)
    ]
    tail = [sse({**base, "choices": [choice(index, "", "stop")]}) for index in range(len(answers))]
    if usage:
        tail.append(sse({**base, "choices": [], "usage": _usage(answers)}))
    return Reply(head=tuple(head), tail=(*tail, sse("[DONE]")))


def failure(status: int, message: str) -> bytes:
    """The body of an HTTP error, as the OpenAI client expects it."""
    error = {"message": message, "type": "scripted_error", "param": None, "code": str(status)}
    return json.dumps({"error": error}).encode()
