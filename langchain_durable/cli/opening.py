"""The handle that a command works with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from langchain_durable.cli.keys import read_key
from langchain_durable.cli.options import PREFIX

if TYPE_CHECKING:  # importing LangChain takes a second, which --help need not wait for
    from langchain_durable import Durable

_PATIENCE = 3.0
"""Seconds for which a command tries a server that cannot be reached."""


@contextmanager
def open_handle(
    url: str | None, prefix: str, key: str | None = None, *, runs: bool = False
) -> Iterator[Durable]:
    """The handle on the journal that ``Durable(url)`` would use.

    ``key``: of an encrypted journal, as the command line takes it. ``runs``: a program is run by
    it, whose calls have prices; those that only read need not wait for a table of them.

    Where that is the embedded server's directory and there is none yet, nothing is made:
    a command in the wrong directory must not leave an empty journal behind.
    """
    from langchain_durable import Durable

    encryption_key = read_key(key)
    refuse_absent(url)
    with Durable(
        url,
        prefix=prefix,
        retry_for=_PATIENCE,
        encryption_key=encryption_key,
        prices=None if runs else False,
    ) as durable:
        yield durable


@contextmanager
def open_program(program: Any, url: str | None, prefix: str, key: str | None) -> Iterator[Durable]:
    """The handle that the program was wrapped with, if no other journal was asked for.

    It has the program's own options: its classes, its encryption key, its version.
    """
    from langchain_durable import Durable
    from langchain_durable.running.wrap import binder_of

    own = binder_of(program)
    if isinstance(own, Durable) and url is None and prefix == PREFIX:
        with own as durable:
            yield durable
        return
    with open_handle(url, prefix, key, runs=True) as durable:
        yield durable


def refuse_absent(url: str | None) -> None:
    """Raise if the embedded journal that would be used does not exist yet."""
    from langchain_durable.connecting.server_url import choose
    from langchain_durable.errors import ServerError

    choice = choose(url, os.environ)
    if choice.directory is None or choice.directory.exists():
        return
    raise ServerError(
        "There is no journal here yet.",
        expected=f"the embedded server's directory {choice.directory}",
        came="no such directory",
        do="go to the directory in which your program runs, or give --url",
    )
