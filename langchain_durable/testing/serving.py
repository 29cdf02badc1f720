"""The scripted server itself: HTTP/1.1 on asyncio, the script, the log, holds and cuts.

Everything under ``/_control`` is for tests and the demo and answers JSON; all else is
the OpenAI API. A request's *effect* is the moment its answer exists: a call held at its
``request`` has had no effect, a call held at its ``reply`` has, and the client has not
seen the end of it. A hold ends when it is released or when the client is dead.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from langchain_durable.testing import embeddings, wire
from langchain_durable.testing.calls import Ending, Logged, Stop
from langchain_durable.testing.connection import (
    LAST_CHUNK,
    STREAM_HEAD,
    ClientGone,
    Connection,
    chunk,
)
from langchain_durable.testing.script import Prompt, Rule, Script, answer
from langchain_durable.testing.sse import Reply

LAST_PARTS = ("chat/completions", "completions", "responses", "embeddings")
CONTROL = "/_control/"


class ModelServer:
    """Answers from a script, logs, holds and cuts; see the module's docstring."""

    def __init__(self, script: Script, *, clock: Callable[[], int] = time.time_ns) -> None:
        self._script = script
        self._clock = clock
        self._log: list[Logged] = []
        self._numbers = itertools.count(1)
        self._stops: dict[int, Stop] = {}
        self._stop_ids = itertools.count(1)
        self._stopping = asyncio.Event()

    async def start(self, host: str, port: int) -> asyncio.Server:
        """Listen; connections are served until the server is closed."""
        return await asyncio.start_server(self._serve, host, port, limit=1 << 24)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader=reader, writer=writer)
        try:
            while await self._one(connection):
                pass
        except (ClientGone, OSError, EOFError):
            pass
        finally:
            writer.close()

    async def _one(self, connection: Connection) -> bool:
        try:
            head = await connection.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        line, *rest = head.decode("latin-1").split("\r\n")
        method, target, _ = line.split(" ", 2)
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (header.partition(":") for header in rest if header)
        }
        length = int(headers.get("content-length", "0"))
        raw = await connection.reader.readexactly(length) if length else b""
        parts = urlsplit(target)
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            await connection.send_body(400, wire.failure(400, "the body is not JSON"))
            return True
        if parts.path.startswith(CONTROL):
            query = dict(parse_qsl(parts.query))
            status, reply = await self._control(method, parts.path[len(CONTROL) :], query, body)
            await connection.send_body(status, json.dumps(reply).encode())
            return True
        key = headers.get("authorization", "").removeprefix("Bearer ").strip()
        return await self._model(connection, parts.path, key, body)

    # The OpenAI API

    async def _model(
        self, connection: Connection, path: str, key: str, body: Mapping[str, Any]
    ) -> bool:
        tag, _, attempt = key.partition("/")
        part = next((each for each in LAST_PARTS if path.endswith("/" + each)), "")
        if not part:
            await connection.send_body(404, wire.failure(404, f"there is no {path} here"))
            return True
        prompt = wire.read(part, body)
        logged = Logged(
            number=next(self._numbers),
            tag=tag,
            attempt=attempt,
            path=part,
            model=prompt.model,
            key=prompt.key,
            messages=[dict(message) for message in prompt.messages],
            stream=prompt.stream,
            time=self._clock(),
        )
        self._log.append(logged)
        stops = [stop for stop in self._stops.values() if stop.fits(logged)]
        try:
            return await self._reply(connection, prompt, logged, stops, body)
        except (ClientGone, OSError):
            logged.ending = Ending.GONE
            raise

    async def _reply(
        self,
        connection: Connection,
        prompt: Prompt,
        logged: Logged,
        stops: list[Stop],
        body: Mapping[str, Any],
    ) -> bool:
        await self._hold(connection, logged, stops, "request")
        rule = Rule()
        if prompt.path == "embeddings":
            as_base64 = body.get("encoding_format") == "base64"
            reply = embeddings.write(prompt, as_base64=as_base64)
        else:
            answers = []
            for each in _each(prompt):
                found = self._script.find(each, logged.tag)
                if found is None or found[0].status != 200:
                    return await self._refuse(connection, logged, stops, found and found[0])
                rule = found[0]
                answers.append(answer(*found, each))
            usage = bool((body.get("stream_options") or {}).get("include_usage"))
            reply = wire.write(
                prompt,
                answers,
                number=logged.number,
                created=logged.time // 10**9,
                usage=usage,
            )
        if rule.delay:
            await connection.idle(None, rule.delay)
        logged.effect = self._clock()
        if reply.body:
            await self._hold(connection, logged, stops, "reply")
            await connection.send_body(200, reply.body)
            logged.ending = Ending.ANSWERED
            return True
        return await self._stream(connection, logged, stops, reply, rule.chunk_delay)

    async def _refuse(
        self, connection: Connection, logged: Logged, stops: list[Stop], rule: Rule | None
    ) -> bool:
        status = rule.status if rule else 400
        said = rule.says if rule else f"no rule of the script answers {logged.key!r}"
        logged.effect = self._clock()
        await self._hold(connection, logged, stops, "reply")
        logged.ending = Ending.FAILED
        await connection.send_body(status, wire.failure(status, said or "scripted failure"))
        return True

    async def _stream(
        self,
        connection: Connection,
        logged: Logged,
        stops: list[Stop],
        reply: Reply,
        chunk_delay: float,
    ) -> bool:
        cut = next((stop for stop in stops if stop.kind == "cut"), None)
        head = reply.head if cut is None else reply.head[: cut.after]
        await connection.send(STREAM_HEAD)
        for event in head:
            if chunk_delay:
                await connection.idle(None, chunk_delay)
            await connection.send(chunk(event))
        if cut is not None:
            logged.ending = Ending.CUT
            cut.hit = logged.number
            if not cut.clean:
                connection.writer.transport.abort()
                return False
            await connection.send(LAST_CHUNK)
            return True
        await self._hold(connection, logged, stops, "reply")
        await connection.send(b"".join(map(chunk, reply.tail)) + LAST_CHUNK)
        logged.ending = Ending.ANSWERED
        return True

    async def _hold(
        self, connection: Connection, logged: Logged, stops: list[Stop], at: str
    ) -> None:
        for stop in stops:
            if stop.kind == "hold" and stop.at == at and not stop.released.is_set():
                stop.hit = logged.number
                stop.reached.set()
                await connection.idle(stop.released)

    # For tests and the demo

    async def _control(
        self, method: str, path: str, query: Mapping[str, str], body: Any
    ) -> tuple[int, Any]:
        noun, _, name = path.partition("/")
        match method, noun:
            case "GET", "requests":
                return 200, self._requests(query)
            case "DELETE", "requests":
                self._log = [each for each in self._log if each.tag != query.get("tag")]
                return 200, {}
            case "DELETE", "everything":
                for stop in self._stops.values():
                    stop.released.set()
                    stop.reached.set()
                self._stops, self._log, self._script = {}, [], Script()
                return 200, {}
            case "POST", "rules":
                self._script.add(Rule.from_dict(rule) for rule in body)
                return 200, {}
            case "POST", "stops":
                stop = Stop(id=next(self._stop_ids), **body)
                self._stops[stop.id] = stop
                return 200, {"id": stop.id}
            case "GET", "stops" if stop_ := self._stops.get(int(name)):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop_.reached.wait(), float(query.get("wait", "0")))
                return 200, {"hit": stop_.hit}
            case "DELETE", "stops":
                gone = self._stops.pop(int(name), None)
                if gone is not None:
                    gone.released.set()
                    gone.reached.set()
                return 200, {"hit": gone and gone.hit}
        return 404, {"error": f"no {method} {path}"}

    def _requests(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        after = int(query.get("after", "0"))
        tag = query.get("tag")
        return [
            asdict(logged)
            for logged in self._log
            if logged.number > after and (tag is None or logged.tag == tag)
        ]


def _each(prompt: Prompt) -> list[Prompt]:
    """A text completion asks several prompts at once; each is answered for itself."""
    if prompt.path != "completions":
        return [prompt]
    return [
        Prompt(path=prompt.path, model=prompt.model, messages=(message,), stream=prompt.stream)
        for message in prompt.messages
    ]
