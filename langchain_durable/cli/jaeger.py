"""Where a run's trace is looked at."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

import typer

from langchain_durable.errors import ConfigurationError
from langchain_durable.journal import Header, HeaderField

VARIABLE = "LANGCHAIN_DURABLE_JAEGER_URL"
EXAMPLE = "http://localhost:16686"
"""Jaeger's page as docker-compose.yml publishes it."""

Jaeger = Annotated[
    str | None,
    typer.Option(
        "--jaeger",
        envvar=VARIABLE,
        help=f"The base URL of the Jaeger that has the traces, such as {EXAMPLE}: a link to the"
        " run's trace is shown.",
        show_default=False,
        metavar="URL",
    ),
]

_TRACE = re.compile(r"[0-9a-f]{32}")


def trace_url(base: str | None, header: Header) -> str:
    """The page of a run's trace in the Jaeger at ``base``, with or without a path of its own.

    Empty without a ``base``, because nobody knows whether there is a Jaeger, and for a run
    without a page: it was made before there were traces, or the app's sampler left it out.
    Raises ``ConfigurationError`` if ``base`` is not the URL of a page.
    """
    if base is None:
        return ""
    if not _is_page(base):
        raise ConfigurationError(
            "Jaeger's URL is not understood.",
            expected=f"such as {EXAMPLE}, or https://example.org/jaeger",
            came=repr(base)[:200],
            do=f"correct --jaeger, or {VARIABLE}",
        )
    trace = header.text(HeaderField.TRACE)
    if HeaderField.UNSAMPLED in header.fields or not _TRACE.fullmatch(trace):
        return ""
    return f"{base.rstrip('/')}/trace/{trace}"


def _is_page(base: str) -> bool:
    try:
        parts = urlsplit(base)
        parts.port  # noqa: B018  # raises for what is no port
    except ValueError:
        return False
    known = parts.scheme in ("http", "https") and bool(parts.hostname)
    return known and not (parts.query or parts.fragment)
