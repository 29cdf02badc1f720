"""Run ids: checked where they come in, made where none is given."""

from __future__ import annotations

import re

from uuid_utils import uuid7

from langchain_durable.errors import InvalidRunId

MAX_LENGTH = 256


def checked(run_id: object) -> str:
    """The id, if it can name a run: 1 to 256 characters, none of them a control character."""
    if not isinstance(run_id, str):
        came = f"{type(run_id).__name__}: {run_id!r}"[:200]
        raise _invalid(came, do="make it a string: str(...)")
    if not run_id or len(run_id) > MAX_LENGTH:
        raise _invalid(f"{len(run_id)} characters")
    refused = _REFUSED.search(run_id)
    if refused is not None:
        raise _invalid(f"the character {refused.group()!r}")
    return run_id


# Control characters, surrogates, and the braces, which would change a key's hash tag.
_REFUSED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff{}]")


_OF_YOUR_OWN = "use an id of your own such as an order number, or leave it out to get a new one"


def _invalid(came: str, *, do: str = _OF_YOUR_OWN) -> InvalidRunId:
    return InvalidRunId(
        "This cannot be a run id.",
        expected="a string of 1 to 256 characters without control characters and braces",
        came=came,
        do=do,
    )


def new() -> str:
    """A new run id that sorts by time (UUID version 7, RFC 9562)."""
    return str(uuid7())
