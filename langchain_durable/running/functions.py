"""Recording the program's own non-determinism: the value of any function, as a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_durable.errors import RunNotActive
from langchain_durable.events import StepKind
from langchain_durable.intercept.perform import Form, perform
from langchain_durable.intercept.side_channels import recording
from langchain_durable.intercept.step import Step
from langchain_durable.intercept.tracker import active
from langchain_durable.recorder.current import entered
from langchain_durable.touchpoints import parent_run_id
from langchain_durable.waiting import Procedure


def recorded(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    name: str | None,
) -> Procedure[Any]:
    """The recorded value of ``function(*args, **kwargs)``, or a call of it that is recorded."""
    tracker = active.get()
    named = str(name or getattr(function, "__qualname__", type(function).__name__))
    if tracker is None or tracker.attempt.closed:
        raise RunNotActive(
            "",
            f"{named} cannot be recorded, because no run is active here.",
            expected="a call inside durable.run(...) or inside a wrapped runnable",
            came="a call outside of runs",
            do="open a run around it, or call the function itself",
        )
    inputs = (list(args), dict(kwargs)) if args or kwargs else None
    scope = tracker.attempt.tree.enter(
        tracker.scope(parent_run_id()),
        f"function:{named}",
        inputs,
        kind=StepKind.FUNCTION,
        name=named,
    )
    step, own = Step(tracker.attempt, scope), dict(kwargs)
    with recording(step, own) as seen, entered(step.attempt, scope):
        form = Form(pack=seen.pack, unpack=seen.unpack)
        return (yield from perform(step, form, lambda: function(*args, **own)))
