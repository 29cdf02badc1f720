"""A run copied into another journal, where its program can run again without changing it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from langchain_durable.codec import encode_event
from langchain_durable.events import AttemptEnded, RunStatus
from langchain_durable.journal import (
    Close,
    Draft,
    Header,
    Intent,
    Opening,
    Record,
    RecordKind,
    Store,
)

_LEASE_MS = 3_600_000


def copy_run(header: Header, records: Sequence[Record], store: Store) -> None:
    """Copy a run into another store, as one that is completed and has no stored result.

    A completed run makes no step that its journal does not have; one without a result is
    answered by running its program.
    """
    owner = ""
    attempts = [list(group) for _, group in groupby(records, key=lambda record: record.attempt)]
    for number, attempt in enumerate(attempts, start=1):
        evict, owner = owner, f"attempt-{number}"
        opened = store.acquire(
            Opening(
                run_id=header.run_id,
                owner=owner,
                lease_ms=_LEASE_MS,
                intent=Intent.CALL if number == 1 else Intent.CONTINUE,
                draft=_draft(attempt[0]),
                fingerprint=header.fingerprint,
                version=header.version,
                evict=evict,
                max_stalls=len(attempts) + 1,
                fields=header.fields,
            )
        ).result()
        assert opened.lease is not None  # nobody else has this store
        drafts = [_draft(record) for record in attempt[1:]]
        close = None
        if number == len(attempts):
            drafts += [] if attempt[-1].kind is RecordKind.ATTEMPT_ENDED else [_end(attempt[-1])]
            close = Close(status=RunStatus.COMPLETED)
        if drafts:
            store.append(opened.lease, drafts, seq=opened.lease.seq + 1, close=close).result()


def _draft(record: Record) -> Draft:
    result = record.kind is RecordKind.ATTEMPT_ENDED
    payload = None if result else record.payload
    return Draft(kind=record.kind, meta=record.meta, step=record.step, payload=payload)


def _end(last: Record) -> Draft:
    return encode_event(AttemptEnded(status=RunStatus.COMPLETED, time=last.seq))
