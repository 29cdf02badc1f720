"""File locks that a dead process cannot keep: the kernel drops them with the last descriptor."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import TracebackType

if sys.platform != "win32":
    import fcntl

_POLL_SECONDS = 0.003


class FileLock:
    """A held lock. It ends with ``close``, or when the last process that inherited it dies.

    It is given up by closing the descriptor, never by ``LOCK_UN``: that would also take
    it from a forked child that shares the descriptor.
    """

    __slots__ = ("fd",)

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def close(self) -> None:
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            os.close(fd)

    def is_only_holder(self) -> bool:
        """Whether nobody else holds this lock; if so, it is no longer shared."""
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def take(path: Path, *, shared: bool = False) -> FileLock | None:
    """Lock the file now, or give None because somebody else holds it. Creates the file."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    except BaseException:
        os.close(fd)
        raise
    return FileLock(fd)


def wait_for(path: Path, seconds: float) -> FileLock | None:
    """Lock the file, waiting at most so many seconds; None if it stayed locked."""
    deadline = time.monotonic() + seconds
    while (lock := take(path)) is None:
        if time.monotonic() >= deadline:
            return None
        time.sleep(_POLL_SECONDS)
    return lock


def is_held(path: Path) -> bool:
    """Whether a process holds the lock alone. A file that is not there is not held."""
    if not path.exists():
        return False
    # Shared, so that two who ask at once do not take each other for a holder.
    probe = take(path, shared=True)
    if probe is None:
        return True
    probe.close()
    return False
