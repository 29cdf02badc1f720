"""SIGTERM without losses: what is queued for exporters goes out before the process does."""

from __future__ import annotations

import logging
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from types import FrameType
from typing import Any

from opentelemetry import metrics, trace

from langchain_durable.arguments import check
from langchain_durable.errors import ConfigurationError

_logger = logging.getLogger(__name__)

_MS = 1000

Hook = Callable[[], object]
Previous = Callable[[int, FrameType | None], Any] | int


def flush_on_sigterm(
    timeout: float = 5.0,
    *,
    before: Iterable[Hook] = (),
    tracer_provider: trace.TracerProvider | None = None,
    meter_provider: metrics.MeterProvider | None = None,
) -> Callable[[], None]:
    """Flush spans, metrics and logs when SIGTERM comes, then do what would have been done.

    First the functions ``before`` are called, such as the ``close`` of a handle; they have at
    most half of ``timeout`` (seconds), all of them together. Then the providers, by default the
    global ones of that moment (of logs, always that one), are flushed. What is not done in time
    is left. At last the handler that was installed before is called, and where there was none
    the process dies by the signal. A second SIGTERM does not wait for the flush.

    A handler that somebody installs later (a web server, ``loop.add_signal_handler``) replaces
    this one: call it after, or flush where the server shuts down. Returns a function that
    gives the previous handler back.

    Raises ``ConfigurationError`` outside the main thread, for a timeout that is no positive
    number, and where the handler that is installed is not Python's and cannot be called.
    """
    if not (isinstance(timeout, int | float) and 0 < timeout < math.inf):
        raise ConfigurationError(
            "A flush cannot take this long.",
            expected="seconds, above 0",
            came=repr(timeout)[:80],
            do="leave it out for 5 seconds",
        )
    handler = _Handler(
        timeout,
        _functions(before),
        providers=(tracer_provider, meter_provider),
        previous=_handler_to_follow(),
    )
    signal.signal(signal.SIGTERM, handler)
    return handler.give_back


def _functions(before: Iterable[Hook]) -> tuple[Hook, ...]:
    hooks = tuple(before) if isinstance(before, Iterable) else (None,)
    check(
        all(map(callable, hooks)),
        "before",
        before,
        expected="functions, in a list",
        do="write before=[durable.close], without calling it",
    )
    return hooks


def _handler_to_follow() -> Previous:
    """The handler that is installed for SIGTERM, if another may take its place here."""
    if threading.current_thread() is not threading.main_thread():
        raise ConfigurationError(
            "Python handles signals in the main thread only.",
            expected="a call from the main thread",
            came=f"one from {threading.current_thread().name}",
            do="call flush_on_sigterm() where the program starts",
        )
    previous = signal.getsignal(signal.SIGTERM)
    if previous is None:
        raise ConfigurationError(
            "SIGTERM has a handler that is not Python's, so it could not be called after ours.",
            expected="one that was installed by signal.signal, or none",
            came="one of a C library, or of the program that has Python in it",
            do="flush the providers where the program shuts down",
        )
    return previous


class _Handler:
    def __init__(
        self,
        timeout: float,
        before: Sequence[Hook],
        *,
        providers: tuple[Any, Any],
        previous: Previous,
    ) -> None:
        self._timeout = timeout
        self._before = before
        self._tracers, self._meters = providers
        self._previous = previous
        self._flushing = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self._flushing:
            self._flushing = True
            try:
                self._flush()
            finally:
                self._flushing = False
        self._go_on(number, frame)

    def give_back(self) -> None:
        """Reinstall the previous handler, unless somebody has replaced ours."""
        current: object = signal.getsignal(signal.SIGTERM)
        if current is self:
            signal.signal(signal.SIGTERM, self._previous)

    def _flush(self) -> None:
        deadline = time.monotonic() + self._timeout
        _all_at_once(self._before, time.monotonic() + self._timeout / 2)
        providers = (
            self._tracers or trace.get_tracer_provider(),
            self._meters or metrics.get_meter_provider(),
            _logs(),
        )
        left = max(1, int((deadline - time.monotonic()) * _MS))
        _all_at_once([_flushing(provider, left) for provider in providers], deadline)

    def _go_on(self, number: int, frame: FrameType | None) -> None:
        previous = self._previous
        if callable(previous):
            previous(number, frame)
        elif previous == signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)


def _logs() -> Any:
    """The global logger provider: an app that has one has imported what gives it."""
    module = sys.modules.get("opentelemetry._logs")
    return None if module is None else module.get_logger_provider()


def _flushing(provider: Any, milliseconds: int) -> Hook:
    """A stand-in for a provider that was never configured has nothing to flush."""
    flush = getattr(provider, "force_flush", None)
    return (lambda: flush(milliseconds)) if flush is not None else (lambda: None)


def _all_at_once(functions: Iterable[Hook], deadline: float) -> None:
    """Call all, each in a thread of its own, and wait until the deadline at most.

    Not in the main thread: the signal may have come while that one held a lock that a flush
    needs.
    """
    threads = [threading.Thread(target=_call, args=(each,), daemon=True) for each in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


def _call(function: Hook) -> None:
    try:
        function()
    except Exception:
        _logger.warning("A flush on SIGTERM failed.", exc_info=True)
