"""Zero code: every LangChain call of a process traced, priced and metered, without a handle.

``opentelemetry-instrument python app.py`` does it where this package is installed, and
``DurableInstrumentor().instrument()`` does it in a program. Nothing is journaled by it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from typing import Any

from opentelemetry.sdk.environment_variables import OTEL_SDK_DISABLED

from langchain_durable.errors import MissingExtra

try:
    from opentelemetry.instrumentation.instrumentor import (  # type: ignore[attr-defined]  # hidden from type checkers
        BaseInstrumentor,
    )
except ImportError as exc:
    raise MissingExtra(
        "Instrumentation without code needs a package that is not installed.",
        expected="opentelemetry-instrumentation",
        came=str(exc),
        do="pip install 'langchain-durable[otel]'",
    ) from exc

from langchain_durable.instrumenting.session import Session

_logger = logging.getLogger(__name__)


class DurableInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # as above
    """Traces the LangChain calls of this process, journaled or not.

    ``instrument`` takes ``tracer_provider``, ``meter_provider`` and ``logger_provider`` (the
    global ones, which may be configured later), ``prices``, ``tenant``, ``semconv_profile`` and
    ``redact`` as ``Durable`` does, and ``skip_dep_check``; it leaves others alone. Content is
    captured as ``OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`` says: by default, none.
    Each provider gets one ``CostSpanProcessor``, which prices other instrumentors' spans of model
    calls too.

    Where another instrumentor of LangChain is active, calls are not traced a second time: the
    spans are only priced, and a warning says how to choose. With ``OTEL_SDK_DISABLED=true``
    nothing happens. Raises nothing but ``ImportError``: what fails is logged.
    """

    _session: Session | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """What must be installed for this to make sense."""
        return ("langchain-core >= 1.4, < 2",)

    def _instrument(self, **kwargs: Any) -> None:
        if os.environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true":
            return
        try:
            self._session = Session(**kwargs)
            self._session.start()
        except ImportError:
            self._uninstrument()
            raise
        except Exception:
            _logger.warning("LangChain calls are not traced.", exc_info=True)

    def _uninstrument(self, **kwargs: Any) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.stop()

    def give_way(self) -> None:
        """Stop tracing if another instrumentor has become active since ``instrument``."""
        if self._session is not None:
            self._session.give_way()
