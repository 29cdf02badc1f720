"""Classes of an optional module, imported only once a program or a record uses them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

from langchain_durable.errors import MissingExtra


class LateClasses:
    """Some classes of a module, by their codes on the wire, from ``first`` on.

    The position is the code, so ``names`` only ever grow at the end. ``package`` is what pip
    calls the module's.
    """

    def __init__(self, module: str, names: Sequence[str], *, first: int, package: str) -> None:
        self._module = module
        self._package = package
        self._names = {first + place: name for place, name in enumerate(names)}

    def code_of(self, cls: type) -> int | None:
        """The code of one of these classes; None for any other."""
        module = sys.modules.get(self._module)
        if module is None or cls.__module__ != self._module:
            return None
        for code, name in self._names.items():
            if getattr(module, name, None) is cls:
                return code
        return None

    def with_code(self, code: int) -> Any:
        """The class with this code, None if it is not one of these.

        Raises ``MissingExtra`` if the module, or a release that has the class, is not installed.
        """
        name = self._names.get(code)
        if name is None:
            return None
        try:
            return getattr(importlib.import_module(self._module), name)
        except (ImportError, AttributeError) as exc:
            raise MissingExtra(
                f"A record holds a {name}, and no {self._package} that has it is installed.",
                expected=f"{self._module}.{name}",
                came=str(exc),
                do=f"pip install -U {self._package}",
            ) from exc
