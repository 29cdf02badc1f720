import subprocess
import sys

import pytest

from langchain_durable.codec import Codec
from langchain_durable.errors import ConfigurationError, JournalCorrupt

OLD, NEW = b"o" * 32, b"n" * 32


def test_an_encrypted_record_says_nothing_of_its_value() -> None:
    data = Codec(key=NEW).encode("a secret", bind=b"")
    assert b"a secret" not in data
    assert Codec(key=NEW).decode(data, bind=b"") == "a secret"


def test_the_same_value_never_gives_the_same_bytes_twice() -> None:
    codec = Codec(key=NEW)
    assert codec.encode(1, bind=b"") != codec.encode(1, bind=b"")


def test_a_record_moved_to_another_place_does_not_open() -> None:
    codec = Codec(key=NEW)
    with pytest.raises(JournalCorrupt, match="moved"):
        codec.decode(codec.encode(1, bind=b"run-1"), bind=b"run-2")


def test_a_plain_record_is_refused_when_a_key_is_set() -> None:
    with pytest.raises(JournalCorrupt, match="is not encrypted"):
        Codec(key=NEW).decode(Codec().encode(1, bind=b""), bind=b"")


def test_an_encrypted_record_without_a_key_asks_for_the_key() -> None:
    with pytest.raises(JournalCorrupt, match="key="):
        Codec().decode(Codec(key=NEW).encode(1, bind=b""), bind=b"")


def test_clearing_the_flag_does_not_make_an_encrypted_record_plain() -> None:
    data = bytearray(Codec(key=NEW).encode(1, bind=b""))
    data[2] = 0
    with pytest.raises(JournalCorrupt):
        Codec(key=NEW).decode(bytes(data), bind=b"")


def test_a_record_of_the_previous_key_opens_and_new_ones_use_the_new_key() -> None:
    rotated = Codec(key=NEW, previous_keys=[OLD])
    assert rotated.decode(Codec(key=OLD).encode(1, bind=b""), bind=b"") == 1
    assert Codec(key=NEW).decode(rotated.encode(2, bind=b""), bind=b"") == 2


def test_a_key_that_was_not_given_is_named_as_the_cause() -> None:
    with pytest.raises(JournalCorrupt, match="previous_keys="):
        Codec(key=NEW).decode(Codec(key=OLD).encode(1, bind=b""), bind=b"")


@pytest.mark.parametrize("key", [b"", b"short", b"x" * 33])
def test_a_key_of_the_wrong_size_is_refused(key: bytes) -> None:
    with pytest.raises(ConfigurationError, match="32 bytes"):
        Codec(key=key)


def test_previous_keys_alone_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="previous_keys"):
        Codec(previous_keys=[OLD])


def test_without_the_extra_a_key_names_the_line_that_installs_it() -> None:
    code = """
import sys
sys.modules["cryptography"] = None
from langchain_durable.codec import Codec
from langchain_durable.errors import MissingExtra
Codec().encode(1, bind=b"")
try:
    Codec(key=bytes(32))
except MissingExtra as exc:
    assert "pip install 'langchain-durable[encryption]'" in str(exc)
else:
    raise SystemExit("no error")
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
