"""The envelope of a record: 3 bytes of header, then a checksum or a cipher's seal, then the body.

    0   magic 0xC1, the one byte that begins no msgpack value
    1   version
    2   flags: 1 the body is compressed, 2 it is encrypted
    3   CRC-32 over place, header and body (4 bytes); encrypted: a nonce (12 bytes)

``bind`` names the place of the record (run, step, kind). It is not stored, but covered by
checksum or seal, so a record that stands elsewhere is refused.
"""

from __future__ import annotations

import threading
import zlib

import zstandard

from langchain_durable.codec.crypto import Cipher
from langchain_durable.errors import JournalCorrupt, JournalTooNew

MAGIC = 0xC1
VERSION = 1
ZSTD = 1
ENCRYPTED = 2
_LEVEL = 1
_HEAD = 3
_CRC = 4


class Envelope:
    """Seals and opens bodies; safe to use from many threads."""

    def __init__(self, *, max_bytes: int, compress_above: int, cipher: Cipher | None) -> None:
        self._max_bytes = max_bytes
        self._compress_above = compress_above
        self._cipher = cipher
        self._local = threading.local()  # zstd contexts are not safe to share

    def seal(self, body: bytes, bind: bytes) -> bytes:
        flags = 0
        if len(body) > self._compress_above:
            packed = self._compressor().compress(body)
            if len(packed) < len(body):
                body, flags = packed, ZSTD
        if self._cipher is not None:
            head = bytes((MAGIC, VERSION, flags | ENCRYPTED))
            return head + self._cipher.seal(body, head + bind)
        head = bytes((MAGIC, VERSION, flags))
        return b"".join((head, _checksum(head, body, bind), body))

    def open(self, data: bytes, bind: bytes) -> bytes:
        flags = self._flags(data)
        head = data[:_HEAD]
        if self._cipher is not None:
            body = self._cipher.open(data[_HEAD:], head + bind)
        else:
            body = data[_HEAD + _CRC :]
            if data[_HEAD : _HEAD + _CRC] != _checksum(head, body, bind):
                raise JournalCorrupt(
                    "A record's checksum does not fit.",
                    expected="the record that was written for this run and step",
                    came="damaged bytes, or a record moved from elsewhere",
                )
        if flags & ZSTD:
            return self._decompress(body)
        if len(body) > self._max_bytes:
            raise _too_long(len(body), self._max_bytes)
        return body

    def _flags(self, data: bytes) -> int:
        if len(data) < _HEAD or data[0] != MAGIC:
            raise JournalCorrupt(
                "A record is not one of langchain-durable's.",
                expected=f"bytes that begin with 0x{MAGIC:02x}",
                came=f"{bytes(data[:4])!r}" if data else "no bytes",
            )
        if data[1] > VERSION:
            raise JournalTooNew(
                "A record was written by a newer release of langchain-durable.",
                expected=f"envelope version {VERSION} or lower",
                came=f"version {data[1]}",
                do="upgrade this process",
            )
        flags = data[2]
        if data[1] != VERSION or flags & ~(ZSTD | ENCRYPTED):
            raise JournalCorrupt(
                "A record's header makes no sense.",
                expected=f"version {VERSION} and flags 0 to {ZSTD | ENCRYPTED}",
                came=f"version {data[1]}, flags {flags}",
            )
        if bool(flags & ENCRYPTED) != (self._cipher is not None):
            raise _wrong_protection(encrypted=bool(flags & ENCRYPTED))
        return flags

    def _decompress(self, body: bytes) -> bytes:
        try:
            size = zstandard.get_frame_parameters(body).content_size
            # Known before a byte is written, so a bomb costs nothing.
            if size in (zstandard.CONTENTSIZE_UNKNOWN, zstandard.CONTENTSIZE_ERROR):
                raise JournalCorrupt(
                    "A compressed record does not say its size.",
                    expected="a zstd frame with the size of its content",
                    came="one without it, which langchain-durable never writes",
                )
            if size > self._max_bytes:
                raise _too_long(size, self._max_bytes)
            return self._decompressor().decompress(body, allow_extra_data=False)
        except zstandard.ZstdError as exc:
            raise JournalCorrupt(
                "A compressed record is damaged.", expected="a zstd frame", came=str(exc)
            ) from exc

    def _compressor(self) -> zstandard.ZstdCompressor:
        found: zstandard.ZstdCompressor | None = getattr(self._local, "compressor", None)
        if found is None:
            found = self._local.compressor = zstandard.ZstdCompressor(level=_LEVEL)
        return found

    def _decompressor(self) -> zstandard.ZstdDecompressor:
        found: zstandard.ZstdDecompressor | None = getattr(self._local, "decompressor", None)
        if found is None:
            found = self._local.decompressor = zstandard.ZstdDecompressor()
        return found


def _checksum(head: bytes, body: bytes, bind: bytes) -> bytes:
    return zlib.crc32(body, zlib.crc32(bind + head)).to_bytes(_CRC, "big")


def _too_long(size: int, cap: int) -> JournalCorrupt:
    return JournalCorrupt(
        "A record is larger than this process takes.",
        expected=f"at most {cap} bytes",
        came=f"{size} bytes",
        do=f"if it is yours, take it: Durable(max_value_bytes={size}), or more",
    )


def _wrong_protection(*, encrypted: bool) -> JournalCorrupt:
    if encrypted:
        return JournalCorrupt(
            "A record is encrypted.",
            expected="a plain record, because no key is set",
            came="an encrypted one",
            do="give the key it was written with as Durable(encryption_key=...)",
        )
    return JournalCorrupt(
        "A record is not encrypted.",
        expected="an encrypted record, because a key is set",
        came="a plain one, which anyone with access to the server could have written",
        do="use a key from a run's first call on; a run begun without one is finished without one",
    )
