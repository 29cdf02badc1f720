"""A scripted OpenAI-compatible server on loopback, for real clients such as langchain-openai.

    with ScriptedOpenAI([Rule(when="capital of (\\w+)", says="It is in \\1.")]) as server:
        model = ChatOpenAI(base_url=server.url, api_key="run-1", model="any")
        model.invoke("The capital of France?")
        assert len(server.requests()) == 1

It runs in a process of its own, so it outlives a client that is killed, and can hold that
client's call open until then. The API key is the *tag* of a request: give each run its own
and ask for its requests alone; what follows a ``/`` in it tells attempts of the run apart.
Also on the command line:

    python -m langchain_durable.testing.openai_server --port 0 --script rules.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote, urlencode

from langchain_durable.errors import DurableError, ServerError
from langchain_durable.testing.calls import Ending
from langchain_durable.testing.control import ask
from langchain_durable.testing.hold import Hold
from langchain_durable.testing.script import Rule, Script, ToolCall
from langchain_durable.testing.serving import ModelServer

__all__ = ["Ending", "Hold", "Request", "Rule", "ScriptedOpenAI", "ToolCall"]

_MODULE = "langchain_durable.testing.openai_server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A model call that the server saw. Times are nanoseconds since the epoch.

    ``key`` names the call: model, number of messages, last text. ``effect`` is when the
    answer existed, None if the client died (or is held) before that.
    """

    number: int
    tag: str
    attempt: str
    path: str
    model: str
    key: str
    messages: tuple[Mapping[str, Any], ...] = field(repr=False)
    stream: bool
    time: int
    effect: int | None
    ending: Ending


class ScriptedOpenAI:
    """A scripted server process, and the handle on one that runs already.

    ``url`` is the base URL for clients. A started server ends with ``close`` or with the
    process that started it.
    """

    def __init__(self, rules: Iterable[Rule] = (), *, url: str = "") -> None:
        self._rules = tuple(rules)
        self._process: subprocess.Popen[bytes] | None = None
        self._url = url

    @property
    def url(self) -> str:
        """The base URL for clients, such as ``http://127.0.0.1:4711/v1``."""
        return self._url

    def start(self) -> Self:
        """Start the process, if the handle was not made for a running one."""
        if self._url:
            self.add(*self._rules)
            return self
        self._process = subprocess.Popen(
            [sys.executable, "-m", _MODULE, "--port", "0", "--script", "-", "--follow"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C is for its user, who may still ask it; it ends when its stdin is closed.
            start_new_session=True,
        )
        try:
            self._url = self._tell_script(self._process)
        except BaseException:
            self._process.kill()
            self.close()
            raise
        return self

    def _tell_script(self, process: subprocess.Popen[bytes]) -> str:
        """Give the process its rules, and get its URL."""
        assert process.stdin is not None
        assert process.stdout is not None
        script = json.dumps([rule.to_dict() for rule in self._rules])
        process.stdin.write(script.encode() + b"\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            code = process.wait()
            raise ServerError(
                "The scripted model server did not start.",
                expected="its URL on stdout",
                came=f"exit code {code}",
                do="read its message on stderr",
            )
        return str(json.loads(line)["url"])

    def close(self) -> None:
        """End the process that :meth:`start` started."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.wait()
        process.stdout.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def add(self, *rules: Rule) -> None:
        """Add rules behind those that are there."""
        if rules:
            self.control("POST", "rules", [rule.to_dict() for rule in rules])

    def requests(self, *, tag: str | None = None, after: int = 0) -> list[Request]:
        """The requests so far, in the order of their arrival."""
        query = {"after": str(after)} if tag is None else {"after": str(after), "tag": tag}
        return [
            Request(
                **{**logged, "messages": tuple(logged["messages"])}
                | {"ending": Ending(logged["ending"])}
            )
            for logged in self.control("GET", f"requests?{urlencode(query)}")
        ]

    def forget(self, tag: str) -> None:
        """Drop the logged requests of a tag."""
        self.control("DELETE", f"requests?tag={quote(tag)}")

    def reset(self) -> None:
        """Drop all rules, logged requests, holds and cuts."""
        self.control("DELETE", "everything")

    def hold(
        self,
        when: str = "",
        *,
        tag: str = "",
        model: str = "",
        path: str = "",
        at: Literal["request", "reply"] = "request",
        nth: int = 1,
    ) -> Hold:
        """Keep the ``nth`` call from now on open whose key fits the regular expression.

        At ``"request"`` it has had no effect yet; at ``"reply"`` its answer exists, and a
        stream has come up to its finish reason. It goes on with ``release``, or ends with
        its client.
        """
        stop = {"kind": "hold", "when": when, "tag": tag, "model": model, "path": path}
        reply = self.control("POST", "stops", {**stop, "at": at, "nth": nth})
        return Hold(self._url, reply["id"])

    def cut_stream(
        self,
        when: str = "",
        *,
        tag: str = "",
        model: str = "",
        after: int = 1,
        nth: int = 1,
        times: int = 1,
        clean: bool = True,
    ) -> None:
        """End a stream after so many events, without a finish reason.

        Clean: the HTTP body ends as it should, and many clients take it for an answer.
        Otherwise the connection is reset.
        """
        stop = {"kind": "cut", "when": when, "tag": tag, "model": model, "after": after}
        self.control("POST", "stops", {**stop, "nth": nth, "times": times, "clean": clean})

    def control(self, method: str, path: str, body: Any = None, *, timeout: float = 30.0) -> Any:
        """Ask the server something under ``/_control/``."""
        return ask(self._url, method, path, body, timeout=timeout)


def main(arguments: list[str] | None = None) -> int:
    """Run the server; prints ``{"url": ...}`` once it listens."""
    parser = argparse.ArgumentParser(prog="python -m langchain_durable.testing.openai_server")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--script", default="", help="JSON list of rules; - reads a line of stdin")
    parser.add_argument("--follow", action="store_true", help="end when stdin is closed")
    options = parser.parse_args(arguments)
    try:
        rules = _read_rules(options.script)
    except (OSError, ValueError, DurableError) as exc:
        parser.error(f"the script cannot be used: {exc}")
    if options.follow:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        asyncio.run(_run(rules, options.host, options.port))
    except KeyboardInterrupt:
        return 130
    return 0


def _read_rules(script: str) -> list[Rule]:
    if not script:
        return []
    if script == "-":
        return [Rule.from_dict(rule) for rule in json.loads(sys.stdin.readline())]
    with open(script, encoding="utf-8") as file:
        return [Rule.from_dict(rule) for rule in json.load(file)]


def _end_with_stdin() -> None:
    sys.stdin.read()
    os._exit(0)


async def _run(rules: list[Rule], host: str, port: int) -> None:
    server = await ModelServer(Script(rules)).start(host, port)
    address = server.sockets[0].getsockname()
    print(json.dumps({"url": f"http://{address[0]}:{address[1]}/v1"}), flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
