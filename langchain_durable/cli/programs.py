"""Finding the program that ``--app module:runnable`` names."""

from __future__ import annotations

import importlib
import os
import sys
from inspect import isfunction
from typing import Any

from langchain_durable.errors import ConfigurationError

_FORM = "module:runnable, such as my_app:agent or shop.agents:support"


def load_program(named: str) -> Any:
    """Import ``module`` from the working directory, and give its runnable.

    The attribute may be dotted. A function without arguments is called for the runnable. What
    the module raises while it is imported goes through. Raises ``ConfigurationError``.
    """
    from langchain_core.runnables import Runnable

    module_name, colon, path = named.partition(":")
    if not colon or not module_name or not path or "/" in module_name:
        raise ConfigurationError(
            "--app does not name a program.", expected=_FORM, came=repr(named), do=_hint(named)
        )
    found = _attribute(_module(module_name, named), path, named)
    if not isinstance(found, Runnable) and callable(found):
        found = _made(found, named)
    if not isinstance(found, Runnable):
        raise ConfigurationError(
            "--app does not name a LangChain runnable.",
            expected="a chain, an agent or a graph, wrapped or not, or a function that makes one",
            came=f"{named} is of type {type(found).__name__}",
            do="name the object that your program calls invoke on",
        )
    return found


def _hint(named: str) -> str:
    module, _, path = named.partition(":")
    if module.endswith(".py") or "/" in module:
        module = module.removesuffix(".py").strip("./").replace("/", ".")
    return f"write --app {module or 'my_app'}:{path or 'agent'}"


def _module(name: str, named: str) -> Any:
    directory = os.getcwd()
    if directory not in sys.path:
        sys.path.insert(0, directory)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as exc:
        # An import inside the module that fails is the program's own error, and another one.
        if exc.name is None or not (name + ".").startswith(exc.name + "."):
            raise ConfigurationError(
                f"The module {name!r} cannot be imported.",
                expected="a module whose own imports are installed",
                came=str(exc),
                do="install what it needs into this environment",
            ) from exc
        raise ConfigurationError(
            f"There is no module {name!r}.",
            expected=f"{_FORM}, importable from {directory}",
            came=named,
            do=_hint(named)
            if name.endswith(".py")
            else "go to the directory that the module is imported from, or correct its name",
        ) from exc


def _attribute(module: Any, path: str, named: str) -> Any:
    found = module
    for part in path.split("."):
        if not hasattr(found, part):
            public = _runnables(module)
            raise ConfigurationError(
                f"The module {module.__name__!r} has no {path!r}.",
                expected=_FORM,
                came=f"{named}; it has: {', '.join(public[:20]) or 'no runnable'}",
                do="correct the name behind the colon",
            )
        found = getattr(found, part)
    return found


def _runnables(module: Any) -> list[str]:
    """What the module has that --app may name: not what it imported to build them."""
    from langchain_core.runnables import Runnable

    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (
            isinstance(value, Runnable)
            or (isfunction(value) and value.__module__ == module.__name__)
        )
    ]


def _made(function: Any, named: str) -> Any:
    try:
        return function()
    except TypeError as exc:
        raise ConfigurationError(
            "The function that --app names cannot be called.",
            expected="a runnable, or a function without arguments that makes one",
            came=f"{named}: {exc}",
            do="name the runnable itself, or give the function no arguments",
        ) from exc
