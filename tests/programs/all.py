"""Every program by its name."""

from __future__ import annotations

from tests.programs import agents, chains, classic, deep, graphs, made_up, plain, retrieval
from tests.programs.program import Program

MODULES = (chains, retrieval, agents, graphs, classic, deep, plain)
PROGRAMS: dict[str, Program] = {
    program.name: program for module in MODULES for program in module.PROGRAMS
}
RULES = (*(rule for program in PROGRAMS.values() for rule in program.rules), *made_up.RULES)


def named(name: str) -> Program:
    """A program by its name, also one that is made up when it is asked for."""
    if name.startswith(made_up.NAME):
        return made_up.made_up(int(name.removeprefix(made_up.NAME)))
    return PROGRAMS[name]
