"""A lock that an interrupt does not leave taken."""

from __future__ import annotations

import sys
import threading

if sys.version_info >= (3, 15) or sys.version_info < (3, 14):
    IoLock = threading.Lock
else:
    import _thread

    class IoLock(_thread.RLock):  # type: ignore[misc]  # it may be subclassed, though typed as final
        """A plain lock whose ``with`` is safe from Ctrl-C, as that of ``threading.Lock`` was.

        In Python 3.14 a signal may strike between the call of ``__enter__``, which has taken the
        lock, and the block that would release it (python/cpython#148874). A function's return is
        followed by no such moment, so this one looks whether it has been left with the lock. Only
        a lock that knows its owner can tell; that it could be taken twice is undone here.
        """

        def __enter__(self) -> bool:  # type: ignore[override]  # typed there as acquire
            try:
                _thread.RLock.acquire(self)
            except BaseException:
                if self._is_owned():  # type: ignore[attr-defined]  # undocumented
                    self.release()
                raise
            return True

        def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
            mine = self._is_owned()  # type: ignore[attr-defined]  # as above
            return not mine and super().acquire(blocking, timeout)
