"""Where the command starts: what is missing is named, and an error is never a traceback."""

from __future__ import annotations

import contextlib
import io
import sys
from importlib.util import find_spec

from langchain_durable.errors import DurableError

NAME = "langchain-durable"
_NEEDED = ("typer", "rich")


def main() -> None:
    """Run the command line.

    Exits with 0, 1 (an error, or a check that does not hold), 2 (wrong usage) or 130 (Ctrl-C).
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        print(
            f"{NAME}: the command line needs {' and '.join(missing)}.\n"
            '  pip install "langchain-durable[cli]"',
            file=sys.stderr,
        )
        sys.exit(1)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a sign must not end the command.
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(ValueError):
                stream.reconfigure(errors="replace")
    _run()


def _run() -> None:
    from langchain_durable.cli.app import app
    from langchain_durable.cli.output import print_error

    try:
        app(prog_name=NAME)
    except DurableError as exc:
        print_error(exc)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
