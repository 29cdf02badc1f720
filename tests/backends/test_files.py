"""The files of ``collector/``, checked by the programs that read them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.backends.backend import FILES, Binaries, prometheus_config


def checked(*command: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.parametrize("more", [[], ["tail-sampling.yaml"]])
def test_the_collector_takes_its_files(binaries: Binaries, more: list[str]) -> None:
    files = ["otel-collector.yaml", *more]
    said = checked(binaries.otelcol, "validate", *(f"--config={FILES / name}" for name in files))
    assert "deprecated" not in said.stderr.lower(), said.stderr


def test_jaeger_takes_its_file(binaries: Binaries) -> None:
    checked(binaries.jaeger, "validate", f"--config={FILES / 'jaeger.yaml'}")


def test_prometheus_takes_its_file_and_the_rules(binaries: Binaries, tmp_path: Path) -> None:
    said = checked(binaries.promtool, "check", "config", prometheus_config(tmp_path))
    rules = len([*(FILES / "rules").glob("*.yml")])
    assert said.stdout.count("rules found") == rules


def test_tail_sampling_adds_one_processor_at_the_end() -> None:
    """A list in a second file replaces that of the first: they must not drift apart."""

    def processors(name: str) -> list[str]:
        text = (FILES / name).read_text("utf-8").split("traces/jaeger:")[1]
        found = re.search(r"processors: \[(.*)\]", text)
        assert found is not None
        return found[1].split(", ")

    assert processors("tail-sampling.yaml") == [
        *processors("otel-collector.yaml"),
        "tail_sampling",
    ]
