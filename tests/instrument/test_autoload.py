"""Under ``opentelemetry-instrument``, and in programs that configure OpenTelemetry late."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.strict import STRICT

ROOT = Path(__file__).resolve().parents[2]

ENTRY_POINTS = """\
[opentelemetry_instrumentor]
langchain_durable = langchain_durable.instrumentor:DurableInstrumentor

[opentelemetry_environment_variables]
langchain_durable = langchain_durable.autoload:environment_variables

[opentelemetry_post_instrument]
langchain_durable = langchain_durable.autoload:after_all
"""
CAPTURE = "instrumentation_genai_capture_message_content"

PEER = """
from tests.instrument.stand_in import LangChainInstrumentor
"""

CHAT = """
from opentelemetry import trace
from tests.instrument.stand_in import chat
chat(trace.get_tracer_provider())
"""


def _publish(place: Path, name: str, text: str) -> None:
    """What a wheel's metadata would say."""
    info = place / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(text)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory on the path where our entry points are published, if they are not already."""
    if not entry_points(group="opentelemetry_instrumentor", name="langchain_durable"):
        _publish(tmp_path, "published", ENTRY_POINTS)
    return tmp_path


@pytest.fixture
def peer(place: Path) -> None:
    """Another instrumentor, which is loaded after ours."""
    package = place / "openinference" / "instrumentation" / "langchain"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(PEER)
    _publish(
        place,
        "zz_peer",
        "[opentelemetry_instrumentor]\n"
        "langchain = openinference.instrumentation.langchain:LangChainInstrumentor\n",
    )


def _environment(place: Path, **variables: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join((str(place), str(ROOT))),
        "OTEL_TRACES_EXPORTER": "console",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        **variables,
    }


def _instrumented(
    place: Path, program: str, *options: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    command = shutil.which("opentelemetry-instrument", path=str(Path(sys.executable).parent))
    if command is None:
        pytest.skip("opentelemetry-instrument is not installed")
    return subprocess.run(
        [command, *options, sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env=_environment(place, **variables),
    )


def _spans(console: str) -> list[dict[str, object]]:
    decoder, found, at = json.JSONDecoder(), [], 0
    while (at := console.find("{", at)) >= 0:
        span, at = decoder.raw_decode(console, at)
        found.append(span)
    return found


def _is_priced(span: dict[str, object]) -> bool:
    attributes = span["attributes"]
    assert isinstance(attributes, dict)
    return "gen_ai.usage.cost.amount" in attributes


@pytest.mark.usefixtures("peer")
def test_another_instrumentors_spans_are_priced_and_it_says_so_once(place: Path) -> None:
    done = _instrumented(place, CHAT)
    assert [_is_priced(span) for span in _spans(done.stdout)] == [True]
    assert done.stderr.count("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=langchain,") == 1


@pytest.mark.soak
@pytest.mark.usefixtures("peer")
def test_ours_is_switched_off_by_its_name(place: Path) -> None:
    done = _instrumented(place, CHAT, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="langchain_durable")
    assert [_is_priced(span) for span in _spans(done.stdout)] == [False]
    assert "langchain_durable" not in done.stderr


@pytest.mark.soak
def test_the_sdk_switched_off_switches_us_off(place: Path) -> None:
    done = _instrumented(place, CHAT, OTEL_SDK_DISABLED="true")
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.soak
def test_the_content_variable_is_an_option(place: Path) -> None:
    done = _instrumented(
        place,
        "import os; print(os.environ['OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT'])",
        f"--{CAPTURE}",
        "SPAN_ONLY",
        OTEL_SDK_DISABLED="true",
    )
    assert done.stdout == "SPAN_ONLY\n"


@pytest.mark.soak
def test_an_option_that_another_package_has_too_is_left_to_it(place: Path) -> None:
    (place / "their_variables.py").write_text(
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT = 'theirs'\n"
    )
    _publish(place, "theirs", "[opentelemetry_environment_variables]\ntheirs = their_variables\n")
    done = _instrumented(place, "print('started')", OTEL_SDK_DISABLED="true")
    assert done.stdout == "started\n"


def test_what_is_loaded_beside_the_instrumentor_imports_no_langchain(place: Path) -> None:
    program = """
        import sys
        from langchain_durable import autoload
        autoload.after_all()
        print(dir(autoload.environment_variables))
        print("langchain_core" in sys.modules)
    """
    assert _child(place, program) == (
        "['OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT', "
        "'OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT']\nFalse\n"
    )


@pytest.mark.usefixtures("peer")
def test_a_provider_that_is_configured_later_is_priced_from_the_first_call_on(
    place: Path,
) -> None:
    program = """
        import openinference.instrumentation.langchain as theirs
        theirs.LangChainInstrumentor().instrument()

        from langchain_durable.instrumentor import DurableInstrumentor
        DurableInstrumentor().instrument(prices={"openai/gpt-4o": {"input": 2.5, "output": 10}})

        from langchain_core.language_models import FakeListChatModel
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
        from tests.instrument.stand_in import chat

        model = FakeListChatModel(responses=["hello"])
        model.invoke("before there is a provider")
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
        trace.set_tracer_provider(provider)
        for _ in range(2):
            model.invoke("hi")
            chat(provider)
        print(len(provider._active_span_processor._span_processors))
    """
    *spans, processors = _child(place, program).rsplit("\n", 2)[:2]
    assert [_is_priced(span) for span in _spans(spans[0])] == [True, True]
    assert processors == "2"


def test_a_program_is_traced_without_a_line_of_code(place: Path) -> None:
    program = """
        from langchain_core.language_models import FakeListChatModel
        FakeListChatModel(responses=["hello"]).invoke("hi")
    """
    done = _instrumented(place, program, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="langchain")
    assert [str(span["name"]).split()[0] for span in _spans(done.stdout)] == ["chat"]


REAL = {
    "opentelemetry.instrumentation.genai.langchain": "LangChainInstrumentor",
    "opentelemetry.instrumentation.langchain": "LangchainInstrumentor",
    "openinference.instrumentation.langchain": "LangChainInstrumentor",
}


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.soak
@pytest.mark.parametrize("module", list(REAL))
def test_the_real_ones_are_found_when_they_are_active(place: Path, module: str) -> None:
    if not _is_installed(module):
        pytest.skip(f"{module} is not installed")
    program = f"""
        import {module} as theirs
        from langchain_durable.instrumenting.peers import active_peers

        print(active_peers())
        instrumentor = theirs.{REAL[module]}()
        instrumentor.instrument(skip_dep_check=True)
        print(active_peers())
        instrumentor.uninstrument()
        print(active_peers())
    """
    assert _child(place, program, strict=False) == f"[]\n['{module}']\n[]\n"


def _child(place: Path, program: str, *, strict: bool = True) -> str:
    flags = STRICT if strict else ()
    done = subprocess.run(
        [sys.executable, *flags, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=_environment(place),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
