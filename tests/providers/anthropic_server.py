"""A server on loopback that speaks Anthropic's Messages API, for the real ChatAnthropic.

It has one script: two calls of the tool ``add`` in parallel, after some thinking, a third call,
then the last answer. What it reports as usage is the same each time.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {
    "input_tokens": 100,
    "cache_read_input_tokens": 50,
    "cache_creation_input_tokens": 7,
    "output_tokens": 20,
}
DONE = "The sum of all is ten."


class AnthropicServer(ThreadingHTTPServer):
    """Counts its ``requests``; ``cuts`` is how many streams it still cuts after their text."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests = 0
        self.cuts = 0
        self.counting = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def anthropic_server() -> Iterator[AnthropicServer]:
    """A server that serves until the block ends."""
    with AnthropicServer() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: AnthropicServer

    def log_message(self, *args: Any) -> None:
        """Nothing is printed."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        server = self.server
        with server.counting:
            server.requests += 1
            cut = bool(asked.get("stream")) and server.cuts > 0
            server.cuts -= cut
        content = _content(_turn(asked["messages"]))
        stop = "tool_use" if content[-1]["type"] == "tool_use" else "end_turn"
        message = {
            "id": f"msg_{server.requests}",
            "type": "message",
            "role": "assistant",
            "model": asked["model"],
            "content": content,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": USAGE,
        }
        if not asked.get("stream"):
            self._answer(json.dumps(message).encode(), "application/json")
            return
        events = list(_events(message))
        self._answer(b"".join(events[: -2 if cut else None]), "text/event-stream")

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _turn(messages: list[dict[str, Any]]) -> int:
    return sum(message["role"] == "assistant" for message in messages)


def _content(turn: int) -> list[dict[str, Any]]:
    if turn == 0:
        return [
            {"type": "thinking", "thinking": "Two pairs.", "signature": "c2lnbmVk"},
            {"type": "text", "text": "I add both pairs."},
            _call("toolu_1", 1, 2),
            _call("toolu_2", 3, 4),
        ]
    return [_call("toolu_3", 3, 7)] if turn == 1 else [{"type": "text", "text": DONE}]


def _call(call_id: str, left: int, right: int) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": call_id,
        "name": "add",
        "input": {"left": left, "right": right},
    }


def _events(message: dict[str, Any]) -> Iterator[bytes]:
    """The stream of a message, as the API documents it; the last two say how it ended."""
    begun = {**message, "content": [], "stop_reason": None, "usage": {**USAGE, "output_tokens": 1}}
    yield _event("message_start", message=begun)
    for index, block in enumerate(message["content"]):
        empty, deltas = _deltas(block)
        yield _event("content_block_start", index=index, content_block=empty)
        for delta in deltas:
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    ended = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield _event("message_delta", delta=ended, usage=USAGE)
    yield _event("message_stop")


def _deltas(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    if block["type"] == "text":
        words = [{"type": "text_delta", "text": word} for word in _words(block["text"])]
        return {"type": "text", "text": ""}, words
    if block["type"] == "thinking":
        return {"type": "thinking", "thinking": "", "signature": ""}, [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
    spelled = json.dumps(block["input"])
    parts = (spelled[:6], spelled[6:])
    return {**block, "input": {}}, [
        {"type": "input_json_delta", "partial_json": part} for part in parts
    ]


def _words(text: str) -> list[str]:
    first, *rest = text.split(" ")
    return [first, *(f" {word}" for word in rest)]


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
