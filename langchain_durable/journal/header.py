"""What is known of a run without its journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from langchain_durable.events import ASKS, RunStatus

MS = 1_000_000
"""Nanoseconds, in which all times are told, of a millisecond, in which stores count."""


class HeaderField(StrEnum):
    """What a run's first attempt gives its header, once."""

    PROGRAM = "program"
    """The name that ``resume`` finds the program by."""

    INPUT = "input"
    INPUT_KEYS = "input_keys"
    """Fingerprints of the input's parts, to say what differs; JSON."""

    CALL = "call"
    """The method that was called, and with which ``configurable``."""

    METADATA = "metadata"
    """The caller's own; JSON."""

    TENANT = "tenant"
    """Who pays."""

    TRACE = "trace"
    ROOT_SPAN = "root_span"
    UNSAMPLED = "unsampled"
    """There if the app's sampler keeps the run's spans from being exported."""

    SERVICE = "service"
    """OpenTelemetry's ``service.name`` of the program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The small, mutable side of a run. ``created`` and ``updated`` are nanoseconds since the
    epoch, by the server's clock, which tells milliseconds.

    ``lease_ms`` is what was left of the lease when the header was read: 0 if nobody holds
    the run. ``fields`` are those that the run's first attempt gave (``Opening.fields``), as they
    were given. ``journal_alive`` is false when the header has outlived the journal.
    """

    run_id: str
    format: int
    status: RunStatus
    reason: str
    attempt: int
    seq: int
    owner: str
    lease_ms: int
    stalls: int
    created: int
    updated: int
    cancel: bool
    journal_alive: bool
    # Encoded, and the caller's own: neither is for a person or a log.
    fingerprint: bytes = field(repr=False)
    version: str
    fields: Mapping[str, bytes] = field(repr=False)

    @property
    def crashed(self) -> bool:
        """Did its process die, or fall silent for longer than its lease? It waits for a resume."""
        return self.status is RunStatus.RUNNING and self.lease_ms == 0

    @property
    def asks(self) -> bool:
        """Does the run wait for a person's answer?"""
        return self.status is RunStatus.PAUSED and self.reason == ASKS

    def text(self, field: HeaderField) -> str:
        """A field that is a text; empty if the run has none."""
        return self.fields.get(field, b"").decode("utf-8", "replace")
