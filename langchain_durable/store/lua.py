"""The Lua scripts, which are the only writers of a run's keys."""

from __future__ import annotations

import hashlib
from importlib import resources


class Script:
    """One script of ``scripts/``: its text, and the digest that EVALSHA calls it by."""

    __slots__ = ("sha", "text")

    def __init__(self, name: str) -> None:
        source = resources.files("langchain_durable.store").joinpath("scripts", f"{name}.lua")
        self.text = source.read_bytes()
        # The protocol names scripts by SHA-1; nothing here is a matter of security.
        self.sha = hashlib.sha1(self.text, usedforsecurity=False).hexdigest().encode()


class Scripts:
    """All scripts, read once per store."""

    def __init__(self) -> None:
        self.acquire = Script("acquire")
        self.append = Script("append")
        self.renew = Script("renew")
        self.cancel = Script("cancel")
        self.delete = Script("delete")

    def all(self) -> tuple[Script, ...]:
        return (self.acquire, self.append, self.renew, self.cancel, self.delete)
