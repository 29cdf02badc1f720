"""Beside instrumentors of a provider's SDK, real ones: a model call has one span, and one cost."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from langchain_durable.testing.openai_server import Rule, ScriptedOpenAI

OURS = "langchain_durable"


@pytest.mark.parametrize(
    "module", ["opentelemetry.instrumentation.genai.openai", "opentelemetry.instrumentation.openai"]
)
def test_a_call_in_a_run_has_our_span_alone(module: str, scripted_openai: ScriptedOpenAI) -> None:
    scripted_openai.add(Rule(when="bees", says="They hum."))
    command = [sys.executable, "-m", "tests.instrument.beside", module, scripted_openai.url]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    invoked, streamed, outside = json.loads(said.stdout.splitlines()[-1])
    assert (invoked, streamed) == ([OURS], [OURS])
    assert len(outside) == 1, "outside of runs the other one goes on"
    assert outside != [OURS]
