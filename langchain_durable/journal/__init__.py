"""A run's journal: its records and header, the lease on it, and the port that stores implement."""

from langchain_durable.journal.header import MS, Header, HeaderField
from langchain_durable.journal.lease import Intent, Lease, Opened, Opening, Verdict
from langchain_durable.journal.records import FORMAT, Draft, Record, RecordKind
from langchain_durable.journal.retention import Retention
from langchain_durable.journal.store import Close, Store

__all__ = [
    "FORMAT",
    "MS",
    "Close",
    "Draft",
    "Header",
    "HeaderField",
    "Intent",
    "Lease",
    "Opened",
    "Opening",
    "Record",
    "RecordKind",
    "Retention",
    "Store",
    "Verdict",
]
