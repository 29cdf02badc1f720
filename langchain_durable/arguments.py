"""What callers give, checked where it comes in: a wrong type would be noticed much later."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from langchain_durable.errors import ConfigurationError


def check(fits: bool, argument: str, given: Any, *, expected: str, do: str) -> None:
    """Raise ``ConfigurationError`` for an argument that does not fit."""
    if not fits:
        raise ConfigurationError(
            f"The argument {argument!r} does not fit.",
            expected=expected,
            came=f"{type(given).__name__}: {given!r}"[:200],
            do=do,
        )


def is_number(given: Any, least: float = -math.inf, most: float = math.inf) -> bool:
    """Is it a number within these bounds? ``True`` and nan are none."""
    return isinstance(given, int | float) and not isinstance(given, bool) and least <= given <= most


def is_whole(given: Any, least: int) -> bool:
    """Is it a whole number, and not less?"""
    return isinstance(given, int) and not isinstance(given, bool) and given >= least


def check_text(argument: str, given: Any, *, do: str) -> None:
    """Raise ``ConfigurationError`` for what is no text."""
    check(isinstance(given, str), argument, given, expected="a text", do=do)


def is_key_text(given: Any) -> bool:
    """Is it a text that a server can keep as it is? One with lone surrogates has no UTF-8."""
    return isinstance(given, str) and given.encode("utf-8", "ignore").decode("utf-8") == given


def check_version(given: Any, *, do: str) -> None:
    """Raise ``ConfigurationError`` for what cannot be a program's version."""
    check(is_key_text(given), "version", given, expected="a text that UTF-8 can encode", do=do)


def check_flag(argument: str, given: Any) -> None:
    """Raise ``ConfigurationError`` for what is neither True nor False: ``"no"`` would be true."""
    fits = isinstance(given, bool)
    check(fits, argument, given, expected="True or False", do="give one of the two")


def check_function(argument: str, given: Any, *, do: str) -> None:
    """Raise ``ConfigurationError`` for what is neither a function nor None."""
    fits = given is None or callable(given)
    check(fits, argument, given, expected="a function, or None", do=do)


def check_provider(kind: str, given: Any) -> None:
    """Raise ``ConfigurationError`` for what is no OpenTelemetry provider, nor None.

    ``kind`` is what it gives: ``tracer``, ``meter`` or ``logger``.
    """
    check(
        given is None or hasattr(given, f"get_{kind}"),
        f"{kind}_provider",
        given,
        expected=f"an OpenTelemetry {kind.capitalize()}Provider",
        do="leave it out for the app's global one",
    )


def check_limit(given: Any) -> None:
    """Raise ``ConfigurationError`` for what is no number of runs."""
    check(
        is_whole(given, 1),
        "limit",
        given,
        expected="a number of runs, 1 or more",
        do="leave it out for the usual number",
    )


def check_mapping(argument: str, given: Any, *, do: str) -> None:
    """Raise ``ConfigurationError`` for what is neither a mapping nor None."""
    fits = given is None or isinstance(given, Mapping)
    check(fits, argument, given, expected="a dict, or None", do=do)


def check_config(argument: str, given: Any) -> None:
    """Raise ``ConfigurationError`` for what is no ``RunnableConfig``, nor None."""
    do = 'give a config as invoke takes it, such as {"tags": ["night"]}'
    check_mapping(argument, given, do=do)
    check_mapping(f"{argument}['configurable']", (given or {}).get("configurable"), do=do)
