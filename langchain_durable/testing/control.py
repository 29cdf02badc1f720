"""Asking a scripted server what it has seen, and telling it what to do next."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from langchain_durable.errors import ServerError
from langchain_durable.testing.serving import CONTROL


def ask(url: str, method: str, path: str, body: Any = None, *, timeout: float = 30.0) -> Any:
    """Ask the server with this base URL something under ``/_control/``; its answer.

    ``timeout`` is in seconds. Raises ``ServerError`` for a server that is not there or refuses.
    """
    address = urlsplit(url).netloc
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        data = None if body is None else json.dumps(body).encode()
        connection.request(method, CONTROL + path, body=data)
        response = connection.getresponse()
        reply = json.loads(response.read())
    except OSError as exc:
        raise ServerError(
            "The scripted model server cannot be reached.",
            expected=f"an answer from {address}",
            came=f"{type(exc).__name__}: {exc}",
            do="start it, and keep its process until the test is over",
        ) from exc
    finally:
        connection.close()
    if response.status != 200:
        raise ServerError(
            "The scripted model server refused.",
            expected="rules, and requests to its control, as ScriptedOpenAI makes them",
            came=str(reply),
            do="correct the rule that the answer names",
        )
    return reply
