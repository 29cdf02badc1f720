"""Recording the program's own non-determinism: the value of any function, as a step."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_durable.errors import ConfigurationError, RunNotActive
from langchain_durable.events import StepKind
from langchain_durable.identity.callables import brought_by, name_of
from langchain_durable.intercept.active import active
from langchain_durable.intercept.perform import perform
from langchain_durable.intercept.side_channels import SideEffects, recording
from langchain_durable.intercept.step import Step
from langchain_durable.recorder.current import entered
from langchain_durable.touchpoints.child_context import parent_run_id
from langchain_durable.waiting import Procedure


def recorded(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    name: str | None,
    call: Callable[..., Any],
) -> Procedure[Any]:
    """The recorded value of ``function(*args, **kwargs)``, or a call of it that is recorded.

    ``call`` makes it: :func:`called` or :func:`awaited`.
    """
    if not callable(function):
        raise _no_function(function)
    tracker = active.get()
    named = name or name_of(function)
    if tracker is None or tracker.attempt.closed:
        raise RunNotActive(
            "",
            f"{named} cannot be recorded, because no run is active here.",
            expected="a call inside durable.run(...) or inside a wrapped runnable",
            came="a call outside of runs",
            do="open a run around it, or call the function itself",
        )
    given = (list(args), dict(kwargs)) if args or kwargs else None
    brought = brought_by(function)
    scope = tracker.attempt.tree.enter(
        tracker.scope(parent_run_id()),
        f"function:{named}",
        (given, brought) if brought else given,
        kind=StepKind.FUNCTION,
        name=named,
    )
    step, own = Step(tracker.attempt, scope), dict(kwargs)
    seen = SideEffects(step)
    with recording(seen, own), entered(step.attempt, scope):
        return (yield from perform(step, seen, lambda: call(function, args, own)))


def called(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """A plain function's value."""
    value = function(*args, **kwargs)
    if inspect.iscoroutine(value):
        value.close()
        raise _not_awaited(function)
    return value


async def awaited(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """The value of a coroutine function, or of a plain one."""
    value = function(*args, **kwargs)
    return await value if inspect.isawaitable(value) else value


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, if a caller that does not await can have its value."""
    if inspect.iscoroutinefunction(function):
        raise _not_awaited(function)
    return function


def _no_function(given: Any) -> ConfigurationError:
    return ConfigurationError(
        "Only a function's value can be recorded.",
        expected="a function, and its arguments behind it",
        came=f"{type(given).__name__}: {given!r}"[:200],
        do="write durable.step(function, argument), without calling it",
    )


def _not_awaited(function: Callable[..., Any]) -> ConfigurationError:
    return ConfigurationError(
        f"{name_of(function)} gives a coroutine, which durable.step does not await.",
        expected="a plain function",
        came="a coroutine function",
        do="await durable.astep(function, ...)",
    )
