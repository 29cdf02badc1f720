"""A call that a scripted server keeps open until it is released."""

from __future__ import annotations

from typing import Self

from langchain_durable.testing.control import ask

_LONG = 3600.0


class Hold:
    """A call that the server keeps open; see ``ScriptedOpenAI.hold``."""

    def __init__(self, url: str, number: int) -> None:
        self._url = url
        self._path = f"stops/{number}"

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until the call is there; its request number. None: timeout, or released."""
        seconds = _LONG if timeout is None else timeout
        reply = ask(self._url, "GET", f"{self._path}?wait={seconds}", timeout=seconds + 10)
        hit: int | None = reply.get("hit")
        return hit

    def release(self) -> int | None:
        """Let the call go on, or never hold one. Gives the held request's number."""
        hit: int | None = ask(self._url, "DELETE", self._path).get("hit")
        return hit

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
