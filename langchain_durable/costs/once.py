"""Warnings that are said once in a process's life."""

from __future__ import annotations

import logging


class Once:
    """Logs the first warning of each kind, and no other."""

    def __init__(self, logger: logging.Logger) -> None:
        self.said: set[str] = set()
        self._logger = logger

    def warn(self, kind: str, message: str, *args: object, exc_info: bool = False) -> None:
        if kind not in self.said:
            self.said.add(kind)
            self._logger.warning(message, *args, exc_info=exc_info)
