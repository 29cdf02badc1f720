"""What must begin anew in the child of a fork."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forgetful(Protocol):
    """Something with threads, locks or connections that a child must not share."""

    def forget(self) -> None: ...


_forgetful: weakref.WeakSet[Forgetful] = weakref.WeakSet()
_hooked = False


def forget_after_fork(owner: Forgetful) -> None:
    """Have ``owner.forget()`` called in each child; the owner is not kept alive by this."""
    global _hooked
    _forgetful.add(owner)
    if not _hooked and hasattr(os, "register_at_fork"):
        _hooked = True
        os.register_at_fork(after_in_child=_in_child)


def _in_child() -> None:
    for owner in list(_forgetful):
        owner.forget()
