"""What ``opentelemetry-instrument`` loads of us, beside the instrumentor. Imports little."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from importlib.metadata import entry_points

from langchain_durable import semconv

_GROUP = "opentelemetry_environment_variables"

_logger = logging.getLogger(__name__)


class _Variables:
    """The variables that become options of ``opentelemetry-instrument``; it asks ``dir``.

    One that another package names too is left to it: the command refuses to start when an
    option comes twice.
    """

    def __dir__(self) -> Iterable[str]:
        others: set[str] = set()
        for entry_point in entry_points(group=_GROUP):
            if not entry_point.value.startswith(f"{__package__}."):
                others.update(dir(entry_point.load()))
        return {semconv.CAPTURE_CONTENT_VARIABLE, semconv.EMIT_EVENT_VARIABLE} - others


environment_variables = _Variables()
"""For the entry point group ``opentelemetry_environment_variables``."""


def after_all() -> None:
    """Give way to an instrumentor of LangChain that was loaded after ours.

    For the entry point group ``opentelemetry_post_instrument``. Raises nothing.
    """
    module = sys.modules.get(f"{__package__}.instrumentor")
    if module is None:
        return  # ours is switched off
    try:
        module.DurableInstrumentor().give_way()
    except Exception:
        _logger.warning("LangChain calls may be traced twice.", exc_info=True)
