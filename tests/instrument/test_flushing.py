"""Real processes, and real signals."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from langchain_durable.errors import ConfigurationError
from langchain_durable.flushing import flush_on_sigterm
from tests.strict import STRICT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")

_BEGIN = """
    import os, signal, sys, threading, time
    from pathlib import Path
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import (
        ConsoleMetricExporter, PeriodicExportingMetricReader)
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import (
        BatchSpanProcessor, ConsoleSpanExporter, SpanExporter, SpanExportResult)
    from langchain_durable.flushing import flush_on_sigterm

    place = Path(sys.argv[1])

    def say(line):
        # Not print: the signal may come while that holds the lock of stdout.
        os.write(1, f"{line}\\n".encode())

    def configure(exporter=None):
        spans = exporter or ConsoleSpanExporter(out=(place / "spans").open("w"))
        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(spans, schedule_delay_millis=3_600_000))
        trace.set_tracer_provider(provider)
        reader = PeriodicExportingMetricReader(
            ConsoleMetricExporter(out=(place / "metrics").open("w")),
            export_interval_millis=3_600_000)
        metrics.set_meter_provider(MeterProvider([reader]))
        trace.get_tracer("test").start_span("the-span").end()
        metrics.get_meter("test").create_counter("the.counter").add(1)

    def wait():
        say("ready")
        while True:
            time.sleep(0.1)  # a signal that comes just before a long sleep is noticed after it
"""

Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a program, and wait until it says that it is ready."""
    started: list[subprocess.Popen[str]] = []

    def begin(program: str) -> subprocess.Popen[str]:
        code = textwrap.dedent(_BEGIN) + textwrap.dedent(program)
        process = subprocess.Popen(
            [sys.executable, *STRICT, "-c", code, str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def _flushed(place: Path) -> tuple[bool, bool]:
    spans, counters = ((place / name).read_text() for name in ("spans", "metrics"))
    return "the-span" in spans, "the.counter" in counters


def test_what_was_queued_goes_out_and_the_process_dies_by_the_signal(
    start: Start, tmp_path: Path
) -> None:
    process = start("configure(); flush_on_sigterm(); wait()")
    process.terminate()
    assert process.wait(30) == -signal.SIGTERM
    assert _flushed(tmp_path) == (True, True)


def test_without_it_what_was_queued_is_lost(start: Start, tmp_path: Path) -> None:
    process = start("configure(); wait()")
    process.terminate()
    assert process.wait(30) == -signal.SIGTERM
    assert _flushed(tmp_path) == (False, False)


def test_providers_that_are_configured_later_are_flushed(start: Start, tmp_path: Path) -> None:
    process = start("flush_on_sigterm(); configure(); wait()")
    process.terminate()
    assert process.wait(30) == -signal.SIGTERM
    assert _flushed(tmp_path) == (True, True)


def test_logs_go_out_too(start: Start, tmp_path: Path) -> None:
    process = start("""
        from opentelemetry import _logs
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, ConsoleLogRecordExporter

        logs = ConsoleLogRecordExporter(out=(place / "logs").open("w"))
        provider = LoggerProvider()
        provider.add_log_record_processor(
            BatchLogRecordProcessor(logs, schedule_delay_millis=3_600_000))
        _logs.set_logger_provider(provider)
        _logs.get_logger("test").emit(event_name="the.event")
        flush_on_sigterm(); wait()
        """)
    process.terminate()
    assert process.wait(30) == -signal.SIGTERM
    assert "the.event" in (tmp_path / "logs").read_text()


def test_the_previous_handler_is_called_after_the_flush(start: Start, tmp_path: Path) -> None:
    process = start("""
        def leave(number, frame):
            say(f'{number} {"the-span" in (place / "spans").read_text()}')
            raise SystemExit(3)

        signal.signal(signal.SIGTERM, leave)
        configure(); flush_on_sigterm(); wait()
    """)
    process.terminate()
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (3, f"{int(signal.SIGTERM)} True\n")


def test_a_signal_that_was_ignored_still_is(start: Start, tmp_path: Path) -> None:
    process = start("""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        configure(); flush_on_sigterm(); wait()
    """)
    process.terminate()
    until = time.monotonic() + 30
    while _flushed(tmp_path) != (True, True) and time.monotonic() < until:
        time.sleep(0.02)
    assert _flushed(tmp_path) == (True, True)
    assert process.poll() is None


def test_hooks_come_first_and_one_that_fails_stops_nothing(start: Start, tmp_path: Path) -> None:
    process = start("""
        def broken():
            raise ValueError("no")

        def late():
            trace.get_tracer("test").start_span("of-the-hook").end()

        configure(); flush_on_sigterm(before=[broken, late]); wait()
    """)
    process.terminate()
    assert process.wait(30) == -signal.SIGTERM
    assert _flushed(tmp_path) == (True, True)
    assert "of-the-hook" in (tmp_path / "spans").read_text()


_HANGING = """
    class Hanging(SpanExporter):
        def export(self, spans):
            threading.Event().wait()

    configure(Hanging())
"""


def test_an_exporter_that_hangs_costs_the_timeout_and_not_the_metrics(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "spans").touch()
    process = start(_HANGING + "    flush_on_sigterm(1.0); wait()")
    began = time.monotonic()
    process.terminate()
    assert process.wait(30) == -signal.SIGTERM
    assert 0.9 < time.monotonic() - began < 20
    assert _flushed(tmp_path) == (False, True)


def test_a_second_signal_does_not_wait(start: Start) -> None:
    process = start("""
    class Hanging(SpanExporter):
        def export(self, spans):
            say("hangs")
            threading.Event().wait()

    configure(Hanging())
    flush_on_sigterm(600.0); wait()
    """)
    process.terminate()
    assert process.stdout is not None
    assert process.stdout.readline() == "hangs\n"
    process.terminate()
    assert process.wait(30) == -signal.SIGTERM


def test_a_signal_that_comes_while_a_lock_is_held_ends_the_process(start: Start) -> None:
    process = start("""
    lock = threading.Lock()

    class Locking(SpanExporter):
        def export(self, spans):
            with lock:
                return SpanExportResult.SUCCESS

    configure(Locking())
    flush_on_sigterm(0.5)
    with lock:
        wait()
    """)
    process.terminate()
    assert process.wait(30) == -signal.SIGTERM


def test_the_previous_handler_can_be_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    give_back = flush_on_sigterm()
    assert signal.getsignal(signal.SIGTERM) is not before
    give_back()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_handler_that_came_later_is_not_taken_away() -> None:
    before = signal.getsignal(signal.SIGTERM)
    give_back = flush_on_sigterm()
    try:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        give_back()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_another_thread_than_the_main_one_is_refused() -> None:
    raised: list[BaseException] = []

    def install() -> None:
        try:
            flush_on_sigterm()
        except ConfigurationError as exc:
            raised.append(exc)

    thread = threading.Thread(target=install, name="other")
    thread.start()
    thread.join()
    assert "main thread" in str(raised[0])


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan"), "5"])
def test_a_timeout_that_makes_no_sense_is_refused(timeout: float) -> None:
    with pytest.raises(ConfigurationError, match="seconds"):
        flush_on_sigterm(timeout)
