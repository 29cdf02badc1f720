"""Which recorded step is this call? The rule of matching.

A step's place is its path: labels, ordinals among siblings, fingerprints of inputs. Among the
unclaimed siblings with the label, the same fingerprint comes first, then the same ordinal
(*drift*: the place is the same, the input is not). Nothing here does I/O or decodes payloads.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from langchain_durable.identity.recorded import UNKNOWN, Recorded


def node_id(parent: bytes, label: str, ordinal: int) -> bytes:
    """The id of a node of the step tree: the same in every attempt, 8 bytes."""
    return blake2b(f"{label}\0{ordinal}".encode(), key=parent, digest_size=8).digest()


@dataclass(slots=True)
class Match:
    """What matching found: the ordinal to use, and the recorded node, if any."""

    ordinal: int
    recorded: Recorded | None = None
    drift: bool = False


def match(
    parent: Recorded, label: str, fingerprint: bytes, arrival: int, *, by_ordinal: bool
) -> Match:
    """Find the recorded sibling that a call is, and claim it.

    ``arrival`` is the number of siblings with the label that came before in this attempt.
    ``by_ordinal`` allows a sibling at the same place with another fingerprint; never among
    siblings that ran at once: on resume their threads may arrive in another order, and one
    that was not recorded would be given another's answer.
    """
    siblings = parent.children.get(label)
    if siblings is None:
        return Match(arrival)
    found, drift = None, False
    here = siblings.at(arrival)
    if here is not None and here.claimed:
        here = None
    if fingerprint != UNKNOWN:
        same = here is not None and here.node.fingerprint == fingerprint
        found = here if same else siblings.first_free(fingerprint)
    if found is None and here is not None:
        unseen = UNKNOWN in (here.node.fingerprint, fingerprint)
        if (by_ordinal and not siblings.concurrent) or unseen:
            found, drift = here, True
    if found is None:
        return Match(siblings.take_new(arrival))
    found.claimed = True
    return Match(found.node.ordinal, found, drift)


def pass_by(parent: Recorded, label: str, fingerprint: bytes, arrival: int) -> None:
    """A call has come and gone without a step: what was recorded at its own place is its."""
    siblings = parent.children.get(label)
    here = siblings.at(arrival) if siblings is not None else None
    if here is not None and here.node.fingerprint == fingerprint:
        here.claimed = True
