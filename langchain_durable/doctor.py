"""Is this server, and this installation, fit to carry a journal? What is wrong, what to do.

``gather`` asks the store and the installation, ``judge`` turns the facts into findings
without any I/O, ``examine`` is both.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_durable.connecting.server_checks import Finding, Level, check_server
from langchain_durable.errors import JournalError
from langchain_durable.installation import Installation, inspect_installation
from langchain_durable.journal import Store

__all__ = ["Facts", "Finding", "Level", "examine", "gather", "judge"]

_PROBES = 5
_NO_RUN = "langchain-durable-doctor"
_SLOW_MS = 20.0
_SKEW_MS = 2000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What ``judge`` stands on. ``server`` is ``Store.describe``'s answer, empty if it failed.

    ``asked_ms`` is this machine's clock at the moment at which the server told its own.
    """

    server: Mapping[str, Any] = field(default_factory=dict)
    failure: str = ""
    advice: str = ""
    round_trip_ms: float | None = None
    asked_ms: float = 0.0
    python: str = ""
    installation: Installation = field(default_factory=Installation)


def examine(store: Store) -> Sequence[Finding]:
    """Look at the store's server and this installation; findings in reading order.

    Never raises for a server that cannot be reached: that is a finding too.
    """
    return judge(gather(store))


def gather(store: Store) -> Facts:
    """Ask the server (some ten round trips, nothing is written) and the installation."""
    python = platform.python_version()
    installation = inspect_installation()
    try:
        probes = [_probe(store, f"{_NO_RUN}-{number}") for number in range(_PROBES)]
        before = time.time()
        server = store.describe().result()
        asked = (before + time.time()) / 2 * 1000
    except JournalError as exc:
        return Facts(failure=exc.problem(), advice=exc.do, python=python, installation=installation)
    return Facts(
        server=server,
        round_trip_ms=min(probes),
        asked_ms=asked,
        python=python,
        installation=installation,
    )


def _probe(store: Store, run_id: str) -> float:
    # On a cluster whose URL names one server only, another run may be answered by another node.
    begin = time.perf_counter()
    store.header(run_id).result()
    return (time.perf_counter() - begin) * 1000


def judge(facts: Facts) -> Sequence[Finding]:
    """Turn facts into findings; pure."""
    findings: list[Finding] = []
    if facts.failure:
        findings.append(
            Finding(
                name="connection",
                level=Level.FAIL,
                found=facts.failure,
                do=facts.advice or "start the server, or correct the URL",
            )
        )
    else:
        findings += check_server(facts.server)
        findings += [check for check in (_round_trip(facts), _clock(facts)) if check is not None]
    findings.append(_python(facts))
    findings += _packages(facts)
    findings += _extras(facts)
    return findings


def _round_trip(facts: Facts) -> Finding | None:
    if facts.round_trip_ms is None:
        return None
    found = f"{facts.round_trip_ms:.2f} ms; a model step waits one, a tool step two"
    slow = facts.round_trip_ms > _SLOW_MS
    return Finding(
        name="round trip",
        level=Level.WARN if slow else Level.OK,
        found=found,
        do="move the program and the server closer together" if slow else "",
    )


def _clock(facts: Facts) -> Finding | None:
    told = facts.server.get("time_ms")
    if told is None:
        return None
    skew = facts.asked_ms - float(told)
    if abs(skew) <= _SKEW_MS:
        return Finding(name="clock", level=Level.OK, found=f"within {_SKEW_MS / 1000:.0f} s")
    ahead = "ahead of" if skew > 0 else "behind"
    return Finding(
        name="clock",
        level=Level.WARN,
        found=f"this machine is {abs(skew) / 1000:.1f} s {ahead} the server: times of spans and"
        " of runs disagree (leases do not depend on it)",
        do="synchronise both clocks (NTP)",
    )


def _python(facts: Facts) -> Finding:
    return Finding(name="python", level=Level.OK, found=facts.python)


def _packages(facts: Facts) -> Iterator[Finding]:
    for package in facts.installation.packages:
        found = package.version or "not installed"
        if package.version and not package.fits:
            found += f", but {package.wanted} is needed"
        fine = package.fits or (not package.version and not package.required)
        yield Finding(
            name=package.name,
            level=Level.OK if fine else (Level.FAIL if package.required else Level.WARN),
            found=found,
            do="" if fine else f"pip install '{package.name}{package.wanted}'",
        )


def _extras(facts: Facts) -> Iterator[Finding]:
    if not facts.installation.extras:
        yield Finding(
            name="extras",
            level=Level.WARN,
            found="unknown: langchain-durable runs from a source tree and is not installed",
            do="pip install -e '.[all]'",
        )
    for extra in facts.installation.extras:
        yield Finding(
            name=f"extra {extra.name}",
            level=Level.OK,
            found=f"not installed ({', '.join(extra.missing)})" if extra.missing else "installed",
            do=f"pip install 'langchain-durable[{extra.name}]'" if extra.missing else "",
        )
