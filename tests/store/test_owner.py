"""A dead owner is told from a living one, with processes that are really killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from langchain_durable.store.owner import is_dead, pid_of, this_owner

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")

SAY_AND_SLEEP = """
from langchain_durable.store.owner import this_owner
print(this_owner(), flush=True)
input()
"""


@pytest.fixture
def other() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process and what it calls itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", SAY_AND_SLEEP],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    owner = process.stdout.readline().strip()
    yield process, owner
    process.kill()
    process.communicate()


def test_an_owner_names_its_pid() -> None:
    assert pid_of(this_owner()) == os.getpid()
    assert pid_of("of another kind") is None


def test_this_process_is_alive_and_has_one_name() -> None:
    assert this_owner() == this_owner()
    assert not is_dead(this_owner())


def test_a_living_process_is_not_dead(other: tuple[subprocess.Popen[str], str]) -> None:
    _, owner = other
    assert len(owner.split("/")) == 5
    assert not is_dead(owner)


def test_a_stopped_process_is_not_dead(other: tuple[subprocess.Popen[str], str]) -> None:
    process, owner = other
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)
    assert not is_dead(owner)


def test_a_killed_process_is_dead_though_nobody_reaped_it(
    other: tuple[subprocess.Popen[str], str],
) -> None:
    process, owner = other
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(owner)


def test_a_killed_and_reaped_process_is_dead(
    other: tuple[subprocess.Popen[str], str],
) -> None:
    process, owner = other
    process.kill()
    process.wait()
    assert is_dead(owner)


def test_a_pid_that_was_given_again_is_another_process() -> None:
    boot, namespace, pid, born, nonce = this_owner().split("/")
    assert is_dead("/".join((boot, namespace, pid, born + "1", nonce)))


@pytest.mark.parametrize("place", [0, 1])
def test_a_process_elsewhere_may_be_alive(place: int) -> None:
    parts = this_owner().split("/")
    parts[place] += "x"
    parts[2] = "999999999"
    assert not is_dead("/".join(parts))


@pytest.mark.parametrize("owner", ["", "me", "a/b/c/d/e", "-/-/1/-/x", "a/b/-1/d/e", "////"])
def test_an_owner_of_another_form_may_be_alive(owner: str) -> None:
    assert not is_dead(owner)


def test_the_child_of_a_fork_is_another_owner() -> None:
    program = """
import os
from langchain_durable.store.owner import this_owner
mine = this_owner()
if os.fork() == 0:
    print(this_owner() == mine, flush=True)
    os._exit(0)
os.wait()
"""
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "False"
