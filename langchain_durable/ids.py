"""Run ids: checked where they come in, made where none is given."""

from __future__ import annotations

import unicodedata

from uuid_utils import uuid7

from langchain_durable.errors import InvalidRunId

MAX_LENGTH = 256


def checked(run_id: object) -> str:
    """The id, if it can name a run: 1 to 256 characters, none of them a control character."""
    if not isinstance(run_id, str):
        raise _invalid(f"{type(run_id).__name__}: {run_id!r}"[:200])
    if not run_id or len(run_id) > MAX_LENGTH:
        raise _invalid(f"{len(run_id)} characters")
    for character in run_id:
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise _invalid(f"a control character, {character!r}")
    if "{" in run_id or "}" in run_id:
        raise _invalid("a brace, which would change the key's hash tag")
    return run_id


def _invalid(came: str) -> InvalidRunId:
    return InvalidRunId(
        "This cannot be a run id.",
        expected="a string of 1 to 256 characters without control characters and braces",
        came=came,
        do="use an id of your own such as an order number, or leave it out to get a new one",
    )


def new() -> str:
    """A new run id that sorts by time (UUID version 7, RFC 9562)."""
    return str(uuid7())
