"""Virtual environments of their own, and what is installed in them."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
SMOKE = Path(__file__).with_name("smoke.py")


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment that sees nothing of this one, nor of the source tree."""

    directory: Path

    @classmethod
    def create(cls, directory: Path, python: str = sys.executable) -> Environment:
        """An empty environment of an interpreter."""
        subprocess.run([python, "-m", "venv", "--upgrade-deps", directory], check=True)
        return cls(directory)

    def install(self, *what: str) -> None:
        """Have pip install; what it says is the message of a failure."""
        done = self.run("-m", "pip", "install", "--quiet", *what)
        assert done.returncode == 0, done.stdout + done.stderr

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run ``python *arguments`` outside of the source tree."""
        foreign = ("PYTHON", "LANGCHAIN_", "REDIS_URL", "VIRTUAL_ENV")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return subprocess.run(
            [str(self.directory / "bin" / "python"), *arguments],
            cwd=self.directory,
            env={**kept, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def version(self, package: str) -> str:
        """The version of a package that is installed here."""
        code = f"from importlib.metadata import version; print(version({package!r}))"
        return self.run("-c", code).stdout.strip()


def build_wheel(directory: Path) -> Path:
    """The wheel of the source tree."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w"]
    subprocess.run([*command, directory, ROOT], check=True)
    (wheel,) = directory.glob("langchain_durable-*.whl")
    return wheel


def requirements(*extras: str) -> list[Requirement]:
    """What ``pyproject.toml`` asks for, with the extras, which may name each other."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = [Requirement(text) for text in project["dependencies"]]
    wanted = list(extras)
    for extra in wanted:
        for text in project["optional-dependencies"][extra]:
            requirement = Requirement(text)
            if requirement.name == project["name"]:
                wanted += [each for each in requirement.extras if each not in wanted]
            else:
                found.append(requirement)
    return found


def lowest(wanted: Iterable[Requirement]) -> dict[str, str]:
    """The lowest version that all requirements of a package allow."""
    bounds: dict[str, list[Version]] = {}
    for requirement in wanted:
        (bound,) = [each.version for each in requirement.specifier if each.operator == ">="]
        bounds.setdefault(requirement.name, []).append(Version(bound))
    return {name: str(max(found)) for name, found in bounds.items()}
