import contextlib
import struct
import zlib
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from langchain_durable.codec import Codec
from langchain_durable.codec.envelope import MAGIC, VERSION
from langchain_durable.errors import JournalCorrupt, JournalTooNew
from tests.codec.strategies import ALLOWED, same, values, with_messages

BIND = b"run\0step"
PLAIN = Codec(allow=ALLOWED)
SECRET = Codec(allow=ALLOWED, key=b"k" * 32)
SQUEEZED = Codec(allow=ALLOWED, compress_above=0)


def sealed(body: bytes, flags: int = 0, version: int = VERSION, bind: bytes = BIND) -> bytes:
    """A record with a right checksum, as someone who can write to the server makes it."""
    head = bytes((MAGIC, version, flags))
    crc = zlib.crc32(body, zlib.crc32(head, zlib.crc32(bind)))
    return head + struct.pack(">I", crc) + body


def refused_or_equal(codec: Codec, data: bytes, value: Any) -> None:
    try:
        decoded = codec.decode(data, bind=BIND)
    except (JournalCorrupt, JournalTooNew):
        return
    assert same(decoded, value)


@pytest.mark.parametrize("codec", [PLAIN, SECRET, SQUEEZED], ids=["plain", "secret", "squeezed"])
@given(value=values | with_messages, flip=st.integers(0), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused(codec: Codec, value: Any, flip: int, bit: int) -> None:
    data = bytearray(codec.encode(value, bind=BIND))
    data[flip % len(data)] ^= 1 << bit
    with pytest.raises((JournalCorrupt, JournalTooNew)):
        codec.decode(bytes(data), bind=BIND)


@given(value=values, keep=st.integers(0))
def test_a_truncated_record_is_refused(value: Any, keep: int) -> None:
    data = PLAIN.encode(value, bind=BIND)
    with pytest.raises(JournalCorrupt):
        PLAIN.decode(data[: keep % len(data)], bind=BIND)


@given(value=values, more=st.binary(min_size=1, max_size=8))
def test_bytes_after_the_record_are_refused(value: Any, more: bytes) -> None:
    with pytest.raises(JournalCorrupt):
        PLAIN.decode(PLAIN.encode(value, bind=BIND) + more, bind=BIND)


@given(value=values | with_messages, flip=st.integers(0), bit=st.integers(0, 7))
def test_a_flipped_bit_under_a_right_checksum_never_raises_anything_else(
    value: Any, flip: int, bit: int
) -> None:
    body = bytearray(PLAIN.encode(value, bind=BIND)[7:])
    body[flip % len(body)] ^= 1 << bit
    with contextlib.suppress(JournalCorrupt):
        PLAIN.decode(sealed(bytes(body)), bind=BIND)


@given(st.binary(max_size=64))
def test_random_bytes_under_a_right_checksum_never_raise_anything_else(body: bytes) -> None:
    for flags in (0, 1):
        with contextlib.suppress(JournalCorrupt):
            PLAIN.decode(sealed(body, flags), bind=BIND)


def test_bytes_after_the_value_are_refused_even_under_a_right_checksum() -> None:
    body = PLAIN.encode(1, bind=BIND)[7:]
    with pytest.raises(JournalCorrupt, match="bytes follow"):
        PLAIN.decode(sealed(body + b"\xc0"), bind=BIND)


def test_a_record_moved_to_another_place_is_refused() -> None:
    with pytest.raises(JournalCorrupt, match="moved"):
        PLAIN.decode(PLAIN.encode(1, bind=BIND), bind=b"other run")


@pytest.mark.parametrize("data", [b"", b"\xc1", b"{}", b"msgpack", b"\x80\x04K\x01."])
def test_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(JournalCorrupt):
        PLAIN.decode(data, bind=BIND)


def test_a_newer_version_asks_for_an_upgrade() -> None:
    with pytest.raises(JournalTooNew, match="upgrade"):
        PLAIN.decode(sealed(b"\xc0", version=VERSION + 1), bind=BIND)


def test_unknown_flags_are_refused() -> None:
    with pytest.raises(JournalCorrupt, match="flags"):
        PLAIN.decode(sealed(b"\xc0", flags=4), bind=BIND)


def test_a_large_value_is_compressed_and_a_small_one_is_not() -> None:
    text = "the same again " * 1000
    assert len(PLAIN.encode(text, bind=BIND)) < 500
    assert PLAIN.decode(PLAIN.encode(text, bind=BIND), bind=BIND) == text
    assert b"the same again" in PLAIN.encode(text[:100], bind=BIND)


def test_what_does_not_get_smaller_stays_as_it_is() -> None:
    import random

    noise = random.Random(1).randbytes(10_000)
    assert len(PLAIN.encode(noise, bind=BIND)) == len(noise) + 7 + 3


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = zstandard.compress(bytes(64 * 2**20))
    with pytest.raises(JournalCorrupt, match="larger"):
        Codec(max_bytes=2**20).decode(sealed(bomb, flags=1), bind=BIND)


def test_a_bomb_that_hides_its_size_is_refused() -> None:
    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    bomb = compressor.compress(bytes(2**20)) + compressor.flush()
    with pytest.raises(JournalCorrupt, match="size"):
        PLAIN.decode(sealed(bomb, flags=1), bind=BIND)


def test_a_second_frame_behind_the_first_is_refused() -> None:
    frame = zstandard.compress(b"\xc0")
    with pytest.raises(JournalCorrupt):
        PLAIN.decode(sealed(frame + frame, flags=1), bind=BIND)


@given(value=values, flips=st.lists(st.tuples(st.integers(0), st.integers(1, 255)), max_size=4))
def test_any_damage_gives_a_refusal_or_the_value(value: Any, flips: list[tuple[int, int]]) -> None:
    data = bytearray(SQUEEZED.encode(value, bind=BIND))
    for place, mask in flips:
        data[place % len(data)] ^= mask
    refused_or_equal(SQUEEZED, bytes(data), value)
