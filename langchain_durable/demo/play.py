"""The demo from beginning to end, without a word printed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from langchain_durable.demo.attempt import Attempt, attempt
from langchain_durable.demo.calls import Line
from langchain_durable.demo.report import Report, judge
from langchain_durable.demo.scenario import CALLS, RUN_ID
from langchain_durable.demo.stage import Stage, set_up
from langchain_durable.errors import ConfigurationError
from langchain_durable.events import Entry
from langchain_durable.journal import Header
from langchain_durable.testing.effects import Effects

DEFAULT_KILL = 8
"""A model call, after four tools have done their work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """``kill_at``: in which call of ``CALLS`` the program dies, from 1; ``seed`` draws one.

    ``url``: a server of your own for the journal. ``keep``: leave the directory behind.
    """

    kill_at: int | None = None
    seed: int | None = None
    url: str | None = None
    keep: bool = False

    @property
    def call(self) -> int:
        """The number of the call in which the program is killed."""
        if self.kill_at is not None:
            if not 1 <= self.kill_at <= len(CALLS):
                raise ConfigurationError(
                    "There is no such call to be killed in.",
                    expected=f"1 to {len(CALLS)}",
                    came=str(self.kill_at),
                    do="choose another number",
                )
            return self.kill_at
        if self.seed is not None:
            return random.Random(self.seed).randint(1, len(CALLS))
        return DEFAULT_KILL


class Audience(Protocol):
    """Who watches the demo: told of each thing when it happens."""

    def opened(self, stage: Stage) -> None: ...

    def started(self, attempt: int, pid: int) -> None: ...

    def heard(self, attempt: int, line: Line) -> None: ...

    def ended(self, attempt: Attempt) -> None: ...

    def journal(self, header: Header, entries: Sequence[Entry]) -> None:
        """The run as it lies in the journal, between its death and its next life."""
        ...


def play(options: Options, audience: Audience) -> Report:
    """Kill the agent, start it again, and count. Raises errors of our own tree."""
    call = options.call
    with set_up(options.url, keep=options.keep) as stage:
        audience.opened(stage)
        first = _attempt(stage, 1, call, audience)
        _show_journal(stage, audience)
        second = _attempt(stage, 2, None, audience)
        report = judge(
            (first, second),
            stage.models.requests(tag=RUN_ID),
            Effects(stage.effects).read(),
            target=CALLS[call - 1],
            directory=str(stage.directory) if options.keep else "",
            journal=stage.journal,
        )
        if options.url is not None and not options.keep:
            _clean(stage)
        return report


def _attempt(stage: Stage, number: int, kill_at: int | None, audience: Audience) -> Attempt:
    ended = attempt(
        stage,
        number,
        kill_at=kill_at,
        started=lambda pid: audience.started(number, pid),
        hear=lambda line: audience.heard(number, line),
    )
    audience.ended(ended)
    return ended


def _show_journal(stage: Stage, audience: Audience) -> None:
    from langchain_durable import Durable

    with Durable(stage.journal, prefix=stage.prefix) as durable:
        audience.journal(durable.header(RUN_ID), durable.events(RUN_ID))


def _clean(stage: Stage) -> None:
    from langchain_durable import Durable

    with Durable(stage.journal, prefix=stage.prefix) as durable:
        durable.delete(RUN_ID)
