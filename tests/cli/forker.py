"""Commands as processes of their own, without importing LangChain anew for each.

    python -m tests.cli.forker

A process that has the imports behind it and nothing else: no thread, no connection. For each
line of JSON on its stdin it forks a child, which runs one command, and answers with its exit
code (negative: killed by that signal) when the child has ended.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
from typing import Any

from langchain_durable.cli import main
from langchain_durable.testing.preload import all_of

HEAVY = ("langchain.agents", "langchain_openai", "langchain_core.vectorstores")
"""What programs and commands import that is not ours, and takes a second or more."""


def warm_up() -> None:
    """Import what the children would import: commands do it late, each for itself."""
    for name in (*HEAVY, *all_of("langchain_durable")):
        importlib.import_module(name)


def serve() -> None:
    """Fork a child for each line, until stdin ends."""
    warm_up()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _child(json.loads(line))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _child(request: dict[str, Any]) -> None:
    """Become the command: its directory, environment, arguments and streams."""
    code = 70
    try:
        _become(request)
        if request["script"]:
            sys.path.insert(0, os.path.dirname(request["script"]))
            runpy.run_path(request["script"], run_name="__main__")
        else:
            main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _become(request: dict[str, Any]) -> None:
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for descriptor, path in ((1, request["out"]), (2, request["err"])):
        os.dup2(os.open(path, flags), descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        number = ("stdin", "stdout", "stderr").index(name)
        setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
    sys.argv = [request["script"] or "langchain-durable", *request["arguments"]]


if __name__ == "__main__":
    serve()
