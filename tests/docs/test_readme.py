"""The README does what it says: its commands, its code blocks, its links."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from tests.docs.conftest import Stage
from tests.docs.markdown import ROOT, as_program, blocks, documents

README = ROOT / "README.md"
CODE = [document for document in documents() if blocks(document, "python")]


@pytest.mark.parametrize("document", CODE, ids=lambda path: path.name)
def test_the_code_blocks_run_and_survive_a_kill(document: Path, stage: Stage) -> None:
    program = stage.directory / f"{document.stem}.py"
    program.write_text(as_program(document), encoding="utf-8")
    stage.run(program)
    calls = len(stage.requests())

    with_kill = replace(stage, journal=f"{stage.journal}?db=1", tag=f"{stage.tag}-killed")
    with_kill.run_killed(program, call=calls // 2 + 1)
    with_kill.run(program)

    assert len(with_kill.requests()) == calls + 1, "only the call that was open is made again"
    for block in blocks(document, "console"):
        for line in block.text.splitlines():
            command, *arguments = shlex.split(line.removeprefix("$ "))
            assert command == "langchain-durable"
            assert with_kill.run("langchain_durable.cli", *arguments), line


def test_two_commands_of_one_line_do_all_set_up() -> None:
    commands = [block.text.strip() for block in blocks(README, "sh")]
    assert len(commands) == 2
    for command in commands:
        assert "\n" not in command
        assert command.startswith("python3 -m venv ")
        assert not re.search(r"sudo|activate|curl|docker", command)
    assert commands[0].endswith("langchain-durable demo")
    assert "pytest" in commands[1]


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_links_lead_to_files_that_exist(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (document.parent / target).exists()] == []
