"""Openings and drafts for tests, with only what a test cares about spelled out."""

from __future__ import annotations

import itertools
from typing import Any

from langchain_durable.journal import Draft, Intent, Lease, Opening, RecordKind, Store, Verdict

FOREVER = 10_000_000
_span = itertools.count(1)


def opening(run_id: str = "r", **given: Any) -> Opening:
    """A call for a run's lease, by the owner "me", unlike any other call."""
    settings: dict[str, Any] = {
        "owner": "me",
        "lease_ms": FOREVER,
        "intent": Intent.CALL,
        "draft": Draft(kind=RecordKind.ATTEMPT_STARTED, meta=b"span %d" % next(_span)),
    }
    return Opening(run_id=run_id, **{**settings, **given})


def leased(store: Store, run_id: str = "r", **given: Any) -> Lease:
    """The lease of a run that nobody holds."""
    opened = store.acquire(opening(run_id, **given)).result()
    assert opened.verdict in (Verdict.NEW, Verdict.ACQUIRED), opened
    assert opened.lease is not None
    return opened.lease


def started(step: bytes = b"step", meta: bytes = b"m") -> Draft:
    return Draft(kind=RecordKind.STEP_STARTED, step=step, meta=meta)


def ended(step: bytes = b"step", payload: bytes | None = b"value", meta: bytes = b"m") -> Draft:
    return Draft(kind=RecordKind.STEP_ENDED, step=step, meta=meta, payload=payload)
