"""A user's program, killed at every step boundary and resumed, and what must hold then.

The program is a function at the top level of a module, ``program(durable, run_id, *args)``,
which gives an answer that can be compared. It runs in child processes.
"""

from __future__ import annotations

import itertools
import os
import signal
import threading
import uuid
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tracers.context import register_configure_hook

from langchain_durable.arguments import check, is_whole
from langchain_durable.durable import Durable
from langchain_durable.errors import ConfigurationError, RunNotFound
from langchain_durable.events import Entry, StepStarted
from langchain_durable.testing.children import Children
from langchain_durable.testing.promises import repeated_steps, unanswered_steps

Program = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class KillReport:
    """What :class:`KillPoints` did: the answer of every run, and how often it killed."""

    answer: Any
    steps: int
    kills: int


class Boundaries(BaseCallbackHandler):
    """Counts the begins and ends of models, tools and retrievers, and dies at the nth."""

    run_inline = True
    raise_error = True

    def __init__(self, die_at: int = 0) -> None:
        self.count = 0
        self._die_at = die_at
        self._lock = threading.Lock()

    def _pass(self, *args: Any, **kwargs: Any) -> None:
        with self._lock:
            self.count += 1
            if self.count == self._die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    on_chat_model_start = on_llm_start = on_tool_start = on_retriever_start = _pass
    on_llm_end = on_tool_end = on_retriever_end = _pass
    on_llm_error = on_tool_error = on_retriever_error = _pass


_boundaries: ContextVar[Boundaries | None] = ContextVar("boundaries", default=None)
register_configure_hook(_boundaries, inheritable=True)


def attempt(program: Program, url: str, run_id: str, die_at: int, args: Sequence[Any]) -> Any:
    """One attempt, in this process: the program's answer, and how many boundaries it passed."""
    boundaries = Boundaries(die_at)
    _boundaries.set(boundaries)
    with Durable(url) as durable:
        answer = program(durable, run_id, *args)
    return answer, boundaries.count


class KillPoints:
    """Kills a program once at each step boundary, each time in a new run, and resumes it.

        def program(durable, run_id, question):
            return durable.wrap(agent()).invoke(question, durable.config(run_id))["output"]

        def test_my_agent_survives(kill_points):
            kill_points(program, "Where is my order?")

    Raises AssertionError unless every resumed run gives the undisturbed run's answer, and
    no step whose result was recorded was made again.
    """

    def __init__(self, url: str, children: Children | None = None) -> None:
        self._url = url
        self._children = children
        name = f"kill-points-{uuid.uuid4().hex}"  # the journal may have those of other tests
        self._runs = (f"{name}-{number}" for number in itertools.count(1))

    def __call__(self, program: Program, *args: Any, most: int | None = None) -> KillReport:
        """Kill at every boundary, or at ``most`` of them, evenly spread."""
        _check(program)
        check(
            most is None or is_whole(most, 1),
            "most",
            most,
            expected="a number of kills, 1 or more",
            do="leave it out to kill at every boundary",
        )
        if self._children is None:
            self._children = Children(preload=[__name__, program.__module__])
        run_id = next(self._runs)
        answer, count = self._run(program, run_id, 0, args).result()
        with Durable(self._url) as durable:
            try:
                steps = _started(durable.events(run_id))
            except RunNotFound:
                raise AssertionError(
                    "The program made no durable run: it must pass run_id on, as in "
                    "durable.wrap(agent).invoke(inputs, durable.config(run_id))."
                ) from None
            points = _spread(count, most)
            faults = [
                f"killed at boundary {point} of {count}: {fault}"
                for point in points
                for fault in self._killed(durable, program, args, point, answer, steps)
            ]
        assert not faults, "\n".join(faults)
        return KillReport(answer=answer, steps=steps, kills=len(points))

    def _run(self, program: Program, run_id: str, die_at: int, args: Sequence[Any]) -> Any:
        assert self._children is not None  # __call__ has made them
        child = self._children.start(attempt, program, self._url, run_id, die_at, args)
        return child.wait()

    def _killed(
        self,
        durable: Durable,
        program: Program,
        args: Sequence[Any],
        point: int,
        answer: Any,
        steps: int,
    ) -> list[str]:
        run_id = next(self._runs)
        if not self._run(program, run_id, point, args).killed:
            return ["it never came there; the program does not make the same calls each time"]
        lost = len(unanswered_steps(durable.events(run_id)))
        resumed = self._run(program, run_id, 0, args)
        if resumed.error:
            return [f"the resume failed: {resumed.error}"]
        entries = durable.events(run_id)
        faults = repeated_steps(entries)
        if resumed.value[0] != answer:
            faults.append(f"answered {resumed.value[0]!r}, undisturbed {answer!r}")
        made = _started(entries)
        if made > steps + lost:
            faults.append(f"{made} steps were made, expected {steps} and {lost} of them again")
        return faults


def _check(program: Program) -> None:
    name = getattr(program, "__qualname__", "")
    if not name or "<" in name or "." in name:
        raise ConfigurationError(
            "A child process cannot find this program.",
            expected="a function at the top level of a module",
            came=name or type(program).__name__,
            do="move it there; what it needs, give it as arguments",
        )


def _spread(count: int, most: int | None) -> list[int]:
    if most is None or most >= count:
        return list(range(1, count + 1))
    return sorted({1 + number * (count - 1) // max(most - 1, 1) for number in range(most)})


def _started(entries: Sequence[Entry]) -> int:
    return sum(isinstance(entry.event, StepStarted) for entry in entries)
