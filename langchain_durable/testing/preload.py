"""Imported by the fork server before its first fork: imports what its children will need.

The fork server of Python 3.11 does not get its parent's ``sys.path``, so the names of the
modules come with one, in the environment.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import sys
from collections.abc import Iterator

VARIABLE = "LANGCHAIN_DURABLE_TESTING_PRELOAD"

LATE = ("genai_prices.data", "genai_prices.data_units", "hiredis")
"""What we import when it is first used: a child would, again and again."""


def requested(modules: list[str]) -> str:
    """What the variable must say so that these modules are imported."""
    return json.dumps({"path": sys.path, "modules": modules})


def preload(request: str) -> None:
    """Import what was requested. What cannot be imported is the child's to complain about."""
    wanted = json.loads(request)
    sys.path[:] = wanted["path"]
    for module in (*wanted["modules"], *all_of("langchain_durable"), *LATE):
        with contextlib.suppress(ImportError):
            importlib.import_module(module)


def all_of(package: str) -> Iterator[str]:
    """The modules of a package, below it too, but for those that are there to be run."""
    found = importlib.import_module(package)
    for module in pkgutil.walk_packages(found.__path__, f"{package}.", onerror=lambda name: None):
        if not module.name.endswith(".__main__"):
            yield module.name


if VARIABLE in os.environ:
    preload(os.environ.pop(VARIABLE))
