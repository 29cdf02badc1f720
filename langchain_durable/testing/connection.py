"""One HTTP/1.1 connection of the scripted server: waiting with an eye on the client, sending."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)
LAST_CHUNK = b"0\r\n\r\n"


class ClientGone(Exception):
    """The client's end of the connection is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The two ends of a client's connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def idle(self, until: asyncio.Event | None, seconds: float | None = None) -> None:
        """Wait for the event or the time; raises ClientGone once the client hangs up."""
        gone = asyncio.ensure_future(self.reader.read(1))
        waits: list[asyncio.Future[Any]] = [gone]
        if until is not None:
            waits.append(asyncio.ensure_future(until.wait()))
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                raise ClientGone
        finally:
            for wait in waits:
                wait.cancel()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await gone

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def send_body(self, status: int, body: bytes) -> None:
        head = (
            f"HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        await self.send(head.encode() + body)


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)
