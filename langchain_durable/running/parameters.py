"""The names of a function's parameters."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any


def parameters_of(function: Callable[..., Any]) -> list[str]:
    """The names of a function's parameters, in their order; what they are annotated with unseen.

    To look at annotations is to evaluate them, from Python 3.14 on, where their class is whole:
    ``dict[str, Any]`` fails in a class that has a method ``dict``, as LangChain's ``Chain`` has.
    """
    if sys.version_info >= (3, 14):
        from annotationlib import Format

        return [*inspect.signature(function, annotation_format=Format.STRING).parameters]
    return [*inspect.signature(function).parameters]
