"""Effects are in the file, whatever happens to the process that made them."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from langchain_durable.testing.children import Children
from langchain_durable.testing.effects import Effects, Phase


def test_effects_are_read_in_the_order_of_writing(tmp_path: Path) -> None:
    effects = Effects(tmp_path / "effects")
    effects.note("mail", "a", Phase.BEGIN)
    effects.note("mail", "a", Phase.EFFECT)
    assert [effect.phase for effect in effects.read()] == [Phase.BEGIN, Phase.EFFECT]


def test_a_name_can_be_counted_for_one_key_or_for_all(tmp_path: Path) -> None:
    effects = Effects(tmp_path / "effects")
    for key in ("a", "a", "b"):
        effects.note("mail", key, Phase.EFFECT)
    effects.note("mail", "b", Phase.BEGIN)
    assert effects.count("mail") == 3
    assert effects.count("mail", "b") == 1
    assert effects.count("mail", phase=Phase.BEGIN) == 1


def test_no_effect_is_an_empty_list(tmp_path: Path) -> None:
    assert Effects(tmp_path / "none").read() == []


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    effects = Effects(tmp_path / "effects")

    def write(name: str) -> None:
        for number in range(50):
            effects.note(name, str(number) * 50, Phase.EFFECT)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(effects.read()) == 200


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_an_effect_survives_the_sigkill_that_follows_it(tmp_path: Path) -> None:
    ended = Children().start(_effect_and_death, tmp_path / "effects").wait()
    assert ended.killed
    (effect,) = Effects(tmp_path / "effects").read()
    assert effect.pid == ended.pid


def _effect_and_death(path: Path) -> None:
    Effects(path).note("mail", "a", Phase.EFFECT)
    os.kill(os.getpid(), signal.SIGKILL)
