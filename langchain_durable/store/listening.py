"""Reading replies on the event loop that waits for them, with no thread in between."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass

from langchain_durable.store.link import Link

Loop = asyncio.AbstractEventLoop


@dataclass(slots=True, eq=False)
class _Ear:
    """One loop that listens. ``opened``: which of the link's connections it listens to."""

    loop: Loop
    descriptor: int
    opened: int


class Listeners:
    """The event loops that read a writer's replies themselves.

    A loop listens on a duplicate of the connection's descriptor, which only we close. So the
    connection may be dropped by any thread, and its number may be given to another file, while
    the loop still has it registered.

    ``ears``: the loops that listen, or did lately.
    """

    def __init__(self, link: Link, readable: Callable[[], bool]) -> None:
        self._link = link
        self._readable = readable
        self.ears: dict[Loop, _Ear] = {}
        self._deaf: set[type] = set()

    def listen(self, loop: Loop) -> bool:
        """Have this running loop called when a reply comes; False if that cannot be."""
        ear = self.ears.get(loop)
        if ear is not None:
            if ear.opened == self._link.opened:
                return True
            self._stop(ear)
        if type(loop) in self._deaf:
            return False
        descriptor = self._link.descriptor()
        if descriptor is None:
            return False
        self._forget_closed_loops()
        ear = _Ear(loop, os.dup(descriptor), self._link.opened)
        try:
            loop.add_reader(ear.descriptor, self._hear, ear)
        except NotImplementedError:  # a loop of Windows
            self._deaf.add(type(loop))
            os.close(ear.descriptor)
            return False
        self.ears[loop] = ear
        return True

    def _hear(self, ear: _Ear) -> None:
        # What is left to read on a connection that was dropped is nobody's.
        if ear.opened != self._link.opened or not self._readable():
            self._stop(ear)

    def _stop(self, ear: _Ear) -> None:
        """Called on the ear's own loop only."""
        if self.ears.get(ear.loop) is ear:
            del self.ears[ear.loop]
        ear.loop.remove_reader(ear.descriptor)
        os.close(ear.descriptor)

    def _forget_closed_loops(self) -> None:
        for ear in [*self.ears.values()]:
            if ear.loop.is_closed() and self.ears.pop(ear.loop, None) is ear:
                os.close(ear.descriptor)

    def close(self) -> None:
        """Stop listening; loops that run are told, and stop when they come to it."""
        for ear in [*self.ears.values()]:
            try:
                ear.loop.call_soon_threadsafe(self._stop_if_listening, ear)
            except RuntimeError:  # the loop is closed
                if self.ears.pop(ear.loop, None) is ear:
                    os.close(ear.descriptor)

    def _stop_if_listening(self, ear: _Ear) -> None:
        if self.ears.get(ear.loop) is ear:
            self._stop(ear)

    def forget(self) -> None:
        """In the child of a fork: the loops are the parent's, and share its selectors."""
        ears, self.ears = self.ears, {}
        for ear in ears.values():
            os.close(ear.descriptor)
