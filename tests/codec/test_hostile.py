"""Records written by someone who can write to the server and wants code to run."""

import sys
import threading
from pathlib import Path
from typing import Any

import ormsgpack
import pytest

from langchain_durable.codec import Codec
from langchain_durable.codec.wire import is_shallow
from langchain_durable.errors import JournalCorrupt
from tests.codec.strategies import ALLOWED
from tests.codec.test_envelope import BIND, sealed

CODEC = Codec(allow=ALLOWED)


def ext(code: int, plain: Any) -> ormsgpack.Ext:
    return ormsgpack.Ext(code, ormsgpack.packb(plain))


@pytest.mark.parametrize("code", range(8))
def test_a_payload_that_runs_a_command_in_langgraphs_serializer_is_refused(
    code: int, tmp_path: Path
) -> None:
    touched = tmp_path / "touched"
    attack = ext(code, ["os", "system", f"touch {touched}"])
    body = ormsgpack.packb(attack)
    try:
        decoded = CODEC.decode(sealed(body), bind=BIND)
    except JournalCorrupt:
        decoded = None
    assert decoded is None or isinstance(decoded, (tuple, set, frozenset))  # plain strings
    assert not touched.exists()


@pytest.mark.parametrize("code", [96, 97, 98, 99])
@pytest.mark.parametrize("name", ["os:system", "builtins:eval", "subprocess:Popen", "", "x"])
def test_a_class_is_never_looked_up_by_the_name_in_a_record(code: int, name: str) -> None:
    for plain in ([name, "touch"], {"": name, "args": "touch"}):
        with pytest.raises(JournalCorrupt):
            CODEC.decode(sealed(ormsgpack.packb(ext(code, plain))), bind=BIND)


def test_a_module_named_in_a_record_is_not_imported() -> None:
    before = set(sys.modules)
    with pytest.raises(JournalCorrupt):
        CODEC.decode(sealed(ormsgpack.packb(ext(97, {"": "antigravity:x"}))), bind=BIND)
    assert "antigravity" not in set(sys.modules) - before


@pytest.mark.parametrize("code", [25, 31, 60, 63, 70, 79, 95, 100, 127])
def test_an_unknown_code_is_refused(code: int) -> None:
    with pytest.raises(JournalCorrupt, match="unknown code"):
        CODEC.decode(sealed(ormsgpack.packb(ext(code, None))), bind=BIND)


def test_a_message_with_a_field_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(JournalCorrupt, match="content is a int"):
        CODEC.decode(sealed(ormsgpack.packb(ext(32, {"c": 1}))), bind=BIND)


def test_a_message_without_content_is_refused() -> None:
    with pytest.raises(JournalCorrupt, match="without 'content'"):
        CODEC.decode(sealed(ormsgpack.packb(ext(32, {}))), bind=BIND)


def test_a_defaultdict_with_a_factory_of_its_own_choice_is_refused() -> None:
    with pytest.raises(JournalCorrupt):
        CODEC.decode(sealed(ormsgpack.packb(ext(21, ["eval"]))), bind=BIND)


def test_lengths_that_promise_more_than_there_is_are_refused() -> None:
    for first in (b"\xdd", b"\xdf", b"\xc6", b"\xdb", b"\xc9"):
        with pytest.raises(JournalCorrupt):
            CODEC.decode(sealed(first + b"\xff\xff\xff\xff"), bind=BIND)


def nested(levels: int, width: int) -> bytes:
    body = b"\xc0"
    for _ in range(levels):
        body = ormsgpack.packb(ormsgpack.Ext(1, b"\x91" * width + body))
    return body


@pytest.mark.parametrize(("levels", "width"), [(1, 1000), (20, 1000), (32, 254), (33, 1), (200, 1)])
def test_a_nest_that_would_break_the_stack_is_refused(levels: int, width: int) -> None:
    with pytest.raises(JournalCorrupt):
        CODEC.decode(sealed(nested(levels, width)), bind=BIND)


def test_the_deepest_nest_that_is_allowed_fits_into_a_stack_of_two_mebibytes() -> None:
    body = nested(4, 1)
    for level in range(32, 0, -1):
        width = 254 if level <= 4 else 16
        inner = body if level < 32 else b"\xc0"
        body = ormsgpack.packb(ormsgpack.Ext(1, b"\x91" * width + inner))
    failed: list[BaseException] = []

    def decode() -> None:
        try:
            CODEC.decode(sealed(body), bind=BIND)
        except BaseException as exc:
            failed.append(exc)

    size = threading.stack_size(2 * 2**20)
    try:
        thread = threading.Thread(target=decode)
        thread.start()
    finally:
        threading.stack_size(size)
    thread.join()
    assert failed == []


@pytest.mark.parametrize(
    "value",
    [[1.5] * 400, {"k": list(range(400))}, ["text"] * 300, [b"\x91" * 400], [{"a": [1]}] * 300],
)
def test_width_is_not_depth(value: Any) -> None:
    assert is_shallow(ormsgpack.packb(value), 3)
    assert not is_shallow(ormsgpack.packb([[[value]]]), 3)
