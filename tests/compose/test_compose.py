"""docker-compose.yml: what can be seen of it without Docker."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from langchain_durable.cli.up import PORTS
from tests.compose.files import COLLECTOR, COMPOSE, ROOT, read_yaml, services, tool

PUBLISHED = re.compile(r"(?P<host>[^$]*):\$\{(?P<variable>\w+):-(?P<default>\d+)\}:(?P<inner>\d+)")
ADDRESS = re.compile(r"\b(?P<host>[a-z]+):(?P<port>\d{4,5})\b")


def mounts() -> list[tuple[str, str]]:
    """(place in the checkout, place in the container) of all mounted files."""
    texts = [text for service in services().values() for text in service.get("volumes", [])]
    parts = [text.split(":") for text in texts]
    return [(part[0], part[1]) for part in parts if part[0].startswith(".")]


def ports() -> list[re.Match[str]]:
    texts = [text for service in services().values() for text in service.get("ports", [])]
    found = [PUBLISHED.fullmatch(text) for text in texts]
    assert all(found), texts
    return [match for match in found if match is not None]


@pytest.mark.soak
def test_compose_itself_takes_the_file() -> None:
    """By the loader that docker compose is made of: schema, references, merges, variables."""
    validate = Path(__file__).with_name("validate")
    done = subprocess.run(
        [tool("go", "https://go.dev/dl"), "run", ".", COMPOSE],
        cwd=validate,
        env={**os.environ, "REDIS_PORT": "6380", "GOFLAGS": "-mod=readonly"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert 'published: "6380"' in done.stdout
    assert set(re.findall(r"^  (\w+):$", done.stdout, re.M)) >= set(services())


def test_every_mounted_file_is_in_the_checkout() -> None:
    assert [source for source, _ in mounts() if not (ROOT / source).exists()] == []
    assert len(mounts()) >= 7


def test_every_file_that_a_command_names_is_mounted() -> None:
    named = {
        path
        for service in services().values()
        for word in service.get("command") or ()
        for path in re.findall(r"/etc/\S+", word)
    }
    assert len(named) == 3
    assert named <= {target for _, target in mounts()}


def test_prometheus_finds_its_rules_and_grafana_its_dashboards() -> None:
    places = {target: source for source, target in mounts()}
    (pattern,) = read_yaml(COLLECTOR / "prometheus.yml")["rule_files"]
    directory, _, name = pattern.rpartition("/")
    assert len(list((ROOT / places[directory]).glob(name))) == 2
    provisioning = COLLECTOR / "grafana" / "provisioning"
    (provider,) = read_yaml(provisioning / "dashboards" / "dashboards.yml")["providers"]
    assert len(list((ROOT / places[provider["options"]["path"]]).glob("*.json"))) == 3
    home = services()["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (ROOT / places[provider["options"]["path"]] / Path(home).name).is_file()


def test_ports_are_open_to_this_machine_only() -> None:
    assert {match["host"] for match in ports()} == {"127.0.0.1"}


def test_no_two_services_want_one_port() -> None:
    defaults = [match["default"] for match in ports()]
    assert len(set(defaults)) == len(defaults)


def test_up_names_the_ports_that_are_published() -> None:
    published = {match["variable"]: int(match["default"]) for match in ports()}
    assert {variable: published.get(variable) for variable, _ in PORTS.values()} == dict(
        PORTS.values()
    )


def test_images_are_pinned_to_a_whole_version() -> None:
    for name, service in services().items():
        if "build" not in service:
            assert re.fullmatch(r"\S+/\S+:v?\d+\.\d+\.\d+(-\w+)?", service["image"]), name
    dockerfile = (ROOT / "examples" / "Dockerfile").read_text("utf-8")
    assert re.findall(r"^FROM (.*)$", dockerfile, re.M) == ["python:3.13.7-slim-bookworm"]


def test_the_collector_is_of_the_version_that_the_tests_build() -> None:
    built = read_yaml(COLLECTOR / "builder.yaml")["dist"]["version"]
    assert services()["collector"]["image"].endswith(f":{built}")


def test_there_is_no_secret_in_the_file() -> None:
    text = COMPOSE.read_text("utf-8").lower()
    assert re.findall(r"passw|secret|token|api_?key|sk-", text) == []


def test_everything_starts_again_and_is_bounded() -> None:
    for name, service in services().items():
        assert service["restart"] == "unless-stopped", name
        assert service["mem_limit"], name
        assert service["logging"]["options"]["max-size"], name


def test_the_journal_is_kept_and_never_evicted() -> None:
    words = " ".join(services()["redis"]["command"])
    assert "--appendonly yes" in words
    assert "--maxmemory-policy noeviction" in words
    assert "redis:/data" in services()["redis"]["volumes"]


def test_what_is_kept_lies_in_a_volume() -> None:
    kept = {
        name: [text for text in service.get("volumes", ()) if text[0] != "."]
        for name, service in services().items()
    }
    assert {name: places for name, places in kept.items() if places} == {
        "redis": ["redis:/data"],
        "jaeger": ["jaeger:/tmp"],
        "prometheus": ["prometheus:/prometheus"],
        "grafana": ["grafana:/var/lib/grafana"],
    }
    assert "--storage.tsdb.path=/prometheus" in services()["prometheus"]["command"]
    directories = re.findall(
        r"JAEGER_DATA:-(/\w+)/", (COLLECTOR / "jaeger.yaml").read_text("utf-8")
    )
    assert set(directories) == {"/tmp"}
    assert set(read_yaml(COMPOSE)["volumes"]) == {name for name, places in kept.items() if places}


def listening(service: str) -> set[int]:
    """The ports at which a service listens, by what it is configured to."""
    fixed = {"redis": {6379}, "prometheus": {9090}, "grafana": {3000}}
    if service in fixed:
        return fixed[service]
    name = {"collector": "otel-collector.yaml", "jaeger": "jaeger.yaml"}[service]
    text = (COLLECTOR / name).read_text("utf-8")
    return {int(port) for port in re.findall(r"(?:0\.0\.0\.0:|PORT:-)(\d+)\}", text)}


def endpoints() -> list[tuple[str, int, str]]:
    """(service, port, where it is named) of all addresses inside the stack."""
    texts: dict[str, str] = {
        path.name: path.read_text("utf-8")
        for path in [*COLLECTOR.glob("*.y*ml"), *COLLECTOR.glob("grafana/provisioning/*/*.yml")]
    }
    for name, service in services().items():
        environment: dict[str, Any] = service.get("environment", {})
        texts[name] = "\n".join(map(str, environment.values()))
    known = set(services())
    return [
        (match["host"], int(match["port"]), place)
        for place, text in texts.items()
        for match in ADDRESS.finditer(text)
        if match["host"] in known
    ]


def test_every_address_inside_the_stack_is_one_that_somebody_listens_at() -> None:
    found = endpoints()
    assert {service for service, _, _ in found} == {"redis", "collector", "jaeger", "prometheus"}
    for service, port, place in found:
        assert port in listening(service), (place, service, port)


def test_every_published_port_is_one_that_the_service_listens_at() -> None:
    published = [(name, text) for name in services() for text in services()[name].get("ports", [])]
    assert len(published) == 6
    for name, text in published:
        match = PUBLISHED.fullmatch(text)
        assert match is not None
        assert int(match["inner"]) in listening(name), name


def test_the_image_is_made_of_files_that_are_let_through() -> None:
    dockerfile = (ROOT / "examples" / "Dockerfile").read_text("utf-8")
    copied = {
        word for line in re.findall(r"^COPY (.*) \S+$", dockerfile, re.M) for word in line.split()
    }
    ignored = (ROOT / "examples" / "Dockerfile.dockerignore").read_text("utf-8")
    assert copied == set(re.findall(r"^!(.*)$", ignored, re.M))
    assert [path for path in copied if not (ROOT / path).exists()] == []
    (program,) = re.findall(r'^CMD \["python", "(.*)"\]$', dockerfile, re.M)
    assert (ROOT / program).is_file()
