"""Every program by its name."""

from __future__ import annotations

from tests.programs import agents, chains, classic, deep, graphs, plain, retrieval
from tests.programs.program import Program

MODULES = (chains, retrieval, agents, graphs, classic, deep, plain)
PROGRAMS: dict[str, Program] = {
    program.name: program for module in MODULES for program in module.PROGRAMS
}
RULES = tuple(rule for program in PROGRAMS.values() for rule in program.rules)
