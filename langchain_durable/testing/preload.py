"""Imported by the fork server before its first fork: imports what its children will need.

The fork server of Python 3.11 does not get its parent's ``sys.path``, so the names of the
modules come with one, in the environment.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys

VARIABLE = "LANGCHAIN_DURABLE_TESTING_PRELOAD"


def requested(modules: list[str]) -> str:
    """What the variable must say so that these modules are imported."""
    return json.dumps({"path": sys.path, "modules": modules})


def preload(request: str) -> None:
    """Import what was requested. What cannot be imported is the child's to complain about."""
    wanted = json.loads(request)
    sys.path[:] = wanted["path"]
    for module in wanted["modules"]:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)


if VARIABLE in os.environ:
    preload(os.environ.pop(VARIABLE))
