"""What is current in an agent's or a chain's own code, where calls are only observed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.trace import Span, SpanContext


class Inside(Span):
    """Has spans that are begun in an agent's code stand below the agent's span.

    That one is opened when somebody asks for its context, as an agent that nothing stands below
    has none; and it is made when it has ended. So what is said of the current span is said of
    the one ``around``, as if this were not there.
    """

    def __init__(self, around: Span, place: Callable[[], SpanContext | None]) -> None:
        self._around = around
        self._place = place

    def get_span_context(self) -> SpanContext:
        return self._place() or self._around.get_span_context()

    def is_recording(self) -> bool:
        return self._around.is_recording()

    def set_attributes(self, *args: Any, **kwargs: Any) -> None:
        self._around.set_attributes(*args, **kwargs)

    def set_attribute(self, *args: Any, **kwargs: Any) -> None:
        self._around.set_attribute(*args, **kwargs)

    def add_event(self, *args: Any, **kwargs: Any) -> None:
        self._around.add_event(*args, **kwargs)

    def add_link(self, *args: Any, **kwargs: Any) -> None:
        self._around.add_link(*args, **kwargs)

    def update_name(self, *args: Any, **kwargs: Any) -> None:
        self._around.update_name(*args, **kwargs)

    def set_status(self, *args: Any, **kwargs: Any) -> None:
        self._around.set_status(*args, **kwargs)

    def record_exception(self, *args: Any, **kwargs: Any) -> None:
        self._around.record_exception(*args, **kwargs)

    def end(self, end_time: int | None = None) -> None:
        """Neither this one nor the one around is its user's to end."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._around, name)  # what an SDK's span has beyond the API
