"""``python -m langchain_durable.embedded status|stop [directory]``: the server by hand."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict

from langchain_durable.embedded.place import default_directory
from langchain_durable.embedded.supervisor import EmbeddedServer
from langchain_durable.errors import DurableError


def main(arguments: list[str] | None = None) -> int:
    """Print what the server of a directory does, or end it. Gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m langchain_durable.embedded")
    parser.add_argument("do", choices=["status", "stop"])
    parser.add_argument("directory", nargs="?", default=default_directory(os.environ))
    asked = parser.parse_args(arguments)
    server = EmbeddedServer(asked.directory)
    try:
        if asked.do == "stop":
            print("stopped" if server.stop() else "nothing runs", server.directory)
        else:
            for name, value in asdict(server.status()).items():
                print(f"{name:15} {value}")
    except DurableError as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
