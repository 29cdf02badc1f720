"""The names of all keys in Redis, one function each.

All keys of a run's journal share the hash tag ``{run_id}``, so that they live in one slot of
a cluster and one script may touch them all. What a saver keeps has tags of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from langchain_durable.errors import ConfigurationError, InvalidRunId
from langchain_durable.events import RunStatus

DEFAULT_PREFIX = "lcd"

STATES = "run"
"""The kind of the saver's threads that are the states of runs' graphs."""


def state_thread(run_id: str) -> str:
    """The name of the thread in which the saver keeps the state of a run's graph."""
    return f"run:{run_id}"


def thread_keys(prefix: str, kind: str, name: str) -> tuple[str, str]:
    """The keys of a saver's thread: a hash with everything, a sorted set of its checkpoints."""
    # A "}" in the name would end the hash tag early, and a tag that is empty is none.
    tag = name.replace("%", "%25").replace("{", "%7B").replace("}", "%7D")
    stem = f"{prefix}:{kind}:{{{tag}}}"
    return f"{stem}:data", f"{stem}:index"


@dataclass(frozen=True, slots=True)
class Keys:
    """Builds key names under a prefix."""

    prefix: str = DEFAULT_PREFIX

    def __post_init__(self) -> None:
        if not self.prefix or "{" in self.prefix:
            raise ConfigurationError(
                "The key prefix would break the hash tag of a run's keys.",
                expected="a non-empty text without '{'",
                came=repr(self.prefix),
                do="choose another prefix",
            )

    def meta(self, run_id: str) -> str:
        """The run's header: a hash."""
        return self._of_run(run_id, "meta")

    def journal(self, run_id: str) -> str:
        """The run's records: a stream with the ids ``<seq>-0``."""
        return self._of_run(run_id, "journal")

    def blobs(self, run_id: str) -> str:
        """Payloads too large for the stream: a hash from digest to bytes."""
        return self._of_run(run_id, "blobs")

    def events(self, run_id: str) -> str:
        """What user interfaces are told: a stream, derived from the run."""
        return self._of_run(run_id, "events")

    def inbox(self, run_id: str) -> str:
        """Approvals and signals for the run: a stream."""
        return self._of_run(run_id, "inbox")

    def all_of(self, run_id: str) -> tuple[str, str, str, str, str]:
        """All keys that a run may have, in the order in which scripts take them."""
        return (
            self.meta(run_id),
            self.journal(run_id),
            self.blobs(run_id),
            self.events(run_id),
            self.inbox(run_id),
        )

    def state(self, run_id: str) -> tuple[str, str]:
        """What the saver keeps of a run whose graph has paused, in a slot of its own."""
        return thread_keys(self.prefix, STATES, state_thread(run_id))

    def index(self, status: RunStatus) -> str:
        """Runs with a status, by the time of their last update: a sorted set, only a hint."""
        return f"{self.prefix}:runs:{status.value}"

    def _of_run(self, run_id: str, name: str) -> str:
        if not run_id or run_id[0] == "}":
            raise InvalidRunId(
                "The run id cannot be a hash tag.",
                expected="a non-empty text that does not begin with '}'",
                came=repr(run_id),
                do="choose another run id",
            )
        return f"{self.prefix}:{{{run_id}}}:{name}"
