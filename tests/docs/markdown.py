"""The code blocks of the documents, with the lines they stand on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: its language, its text, and the line that the text begins on."""

    language: str
    text: str
    line: int


def documents() -> list[Path]:
    """The project's documents: README and changelog, ``docs/``, and those beside code."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")]
    return sorted(found)


def blocks(document: Path, language: str) -> list[Block]:
    """The blocks of one language in a document, in their order."""
    text = document.read_text(encoding="utf-8")
    return [
        Block(
            language=match[1],
            text=match[2],
            line=text.count("\n", 0, match.start(2)) + 1,
        )
        for match in _FENCE.finditer(text)
        if match[1] == language
    ]


def as_program(document: Path) -> str:
    """The Python blocks of a document as one program, each on the lines it has there."""
    lines: list[str] = []
    for block in blocks(document, "python"):
        lines += [""] * (block.line - 1 - len(lines))
        lines += block.text.splitlines()
    return "\n".join(lines) + "\n"
