"""Chains that are passed through: what they call stands where they stand themselves.

LangChain makes a chain of fallbacks and of retries in one mode of calling, and none in another.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from langchain_durable.identity.labels import placed, places_of


@dataclass(frozen=True, slots=True)
class Passed:
    """A chain that is passed through: what it calls stands in its place.

    ``tried`` is the name of the chain that a retried one tries, if it is one: the tries stand in
    the retried chain. What is tried and no chain, such as a model, stands in its place.
    """

    parent_run_id: UUID | None
    places: str
    tried: str | None = None


class Passing:
    """The chains under way that are passed through; ``chains``, by LangChain's own run ids."""

    def __init__(self) -> None:
        self.chains: dict[UUID, Passed] = {}

    def __contains__(self, run_id: UUID) -> bool:
        return bool(self.chains) and run_id in self.chains

    def above(self, run_id: UUID) -> UUID | None:
        """What such a chain stands in."""
        return self.chains[run_id].parent_run_id

    def enter(
        self,
        run_id: UUID,
        parent_run_id: UUID | None,
        tags: list[str] | None,
        tried: str | None = None,
    ) -> None:
        """A chain has started that is to be passed through."""
        places, above = places_of(tags), self._get(parent_run_id)
        if above is not None:
            parent_run_id, places = above.parent_run_id, places or above.places
        self.chains[run_id] = Passed(parent_run_id, places, tried)

    def tries(self, run_id: UUID, parent_run_id: UUID | None, label: str) -> bool:
        """Is a chain that has started a try of the retried one that it stands in? What it calls
        stands there then."""
        above = self._get(parent_run_id)
        if above is None or above.tried != label:
            return False
        self.chains[run_id] = Passed(parent_run_id, "")
        return True

    def place(self, parent_run_id: UUID | None, label: str) -> tuple[UUID | None, str]:
        """What a call stands in, and its label there."""
        above = self._get(parent_run_id)
        if above is None:
            return parent_run_id, label
        return above.parent_run_id, placed(label, above.places)

    def leave(self, run_id: UUID) -> None:
        """A call has ended, passed through or not."""
        self.chains.pop(run_id, None)

    def _get(self, run_id: UUID | None) -> Passed | None:
        return self.chains.get(run_id) if run_id is not None else None
