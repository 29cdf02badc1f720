"""``langchain-durable up``: how to start the Compose stack, and where its pages are."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.style import Style
from rich.text import Text

from langchain_durable.cli.options import AsJson
from langchain_durable.cli.output import make_console, one_line, print_json
from langchain_durable.errors import ConfigurationError

FILE = "docker-compose.yml"
_BESIDE = Path("collector", "otel-collector.yaml")
"""What lies beside our file, and beside no other of that name."""

_PATIENCE = 20.0

PORTS: Mapping[str, tuple[str, int]] = {
    "redis": ("REDIS_PORT", 6379),
    "otlp": ("OTLP_GRPC_PORT", 4317),
    "jaeger": ("JAEGER_PORT", 16686),
    "prometheus": ("PROMETHEUS_PORT", 9090),
    "grafana": ("GRAFANA_PORT", 3000),
}
"""The variable that moves each port of the stack, and the port without it."""

_PAGES = {
    "jaeger": "traces",
    "prometheus": "metrics, rules and alerts",
    "grafana": "cost, reliability and latency",
}

File = Annotated[
    Path | None,
    typer.Option(
        "--file",
        "-f",
        help=f"The stack's {FILE}. Without it: that of this directory or of one above it, or"
        " that of the checkout that langchain-durable is installed from.",
        metavar="PATH",
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Something without which the stack cannot be started."""

    what: str
    do: str


def up(file: File = None, as_json: AsJson = False) -> None:
    """Say how to start Redis, Jaeger, Prometheus and Grafana, and where they are then.

    Starts nothing itself. The ports are those of the variables REDIS_PORT, OTLP_GRPC_PORT,
    JAEGER_PORT, PROMETHEUS_PORT and GRAFANA_PORT, which Compose reads too.
    Exits with 1 if Docker or its Compose is missing.
    """
    path = _found(file)
    missing = _missing()
    if as_json:
        print_json(_json(path, missing))
    else:
        _print(make_console(), path, missing)
    if missing is not None:
        raise typer.Exit(1)


def _found(given: Path | None) -> Path:
    if given is not None:
        if given.is_file():
            return given.absolute()
        raise _no_file(str(given), f"give the path of our {FILE}, or leave --file out")
    here = Path.cwd()
    checkout = Path(__file__).resolve().parents[2]
    for directory in (here, *here.parents, checkout):
        if (directory / FILE).is_file() and (directory / _BESIDE).is_file():
            return directory / FILE
    raise _no_file(
        f"none in {here}, nor above it",
        "go to a checkout of langchain-durable's repository, or name the file with --file",
    )


def _no_file(came: str, do: str) -> ConfigurationError:
    return ConfigurationError(
        "The stack's file is not here: packages of langchain-durable do not bring it.",
        expected=f"{FILE}, with the directory collector/ beside it",
        came=came,
        do=do,
    )


def _missing() -> Missing | None:
    docker = shutil.which("docker")
    if docker is None:
        return Missing(
            what="Docker is not installed: there is no docker on PATH.",
            do="install it (https://docs.docker.com/get-started/get-docker/), and call this again",
        )
    command = [docker, "compose", "version"]
    try:
        asked = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_PATIENCE, check=False
        )
        works = asked.returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        works = False
    if works:
        return None
    return Missing(
        what="Docker is installed, but its Compose is not: docker compose version fails.",
        do="install the plugin (https://docs.docker.com/compose/install/), and call this again",
    )


def _commands(path: Path) -> dict[str, list[str]]:
    compose = ["docker", "compose", "-f", str(path)]
    return {
        "start": [*compose, "up", "-d", "--build"],
        "watch": [*compose, "logs", "-f", "example"],
        "stop": [*compose, "down"],
    }


def _at(name: str) -> str:
    variable, port = PORTS[name]
    return f"localhost:{os.environ.get(variable) or port}"


def _pages() -> dict[str, str]:
    return {name: f"http://{_at(name)}" for name in _PAGES}


def _environment() -> dict[str, str]:
    """What a program of the user's own needs to use the stack."""
    return {
        "LANGCHAIN_DURABLE_URL": f"redis://{_at('redis')}/0",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{_at('otlp')}",
        "LANGCHAIN_DURABLE_JAEGER_URL": _pages()["jaeger"],
    }


def _print(console: Console, path: Path, missing: Missing | None) -> None:
    if missing is not None:
        console.print(Text(missing.what, style="yellow"))
        console.print(Text.assemble("→ ", missing.do, "\n", style="bold"))
    for name, command in _commands(path).items():
        _line(console, name, shlex.join(command))
    console.print(Text("\nits pages", style="dim"))
    for name, page in _pages().items():
        _line(console, name, page, f"  {_PAGES[name]}", Style(link=page))
    console.print(Text("\nfor a program of yours", style="dim"))
    for name, value in _environment().items():
        _line(console, "", f"export {name}={shlex.quote(value)}")


def _line(
    console: Console, name: str, text: str, more: str = "", style: Style | None = None
) -> None:
    # Never folded: it is there to be copied.
    said = Text.assemble((f"  {name:<12}", "dim"), (one_line(text), style or ""), (more, "dim"))
    console.print(said, soft_wrap=True)


def _json(path: Path, missing: Missing | None) -> dict[str, Any]:
    return {
        "ok": missing is None,
        "file": str(path),
        "commands": _commands(path),
        "pages": _pages(),
        "environment": _environment(),
        "missing": None if missing is None else {"what": missing.what, "do": missing.do},
    }
