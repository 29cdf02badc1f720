"""AES-GCM for records, with the place of the record authenticated."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from langchain_durable.errors import ConfigurationError, JournalCorrupt, MissingExtra

_NONCE = 12


class Cipher:
    """Encrypts with one key; opens what that key or an earlier one has encrypted."""

    def __init__(self, key: bytes, previous_keys: Sequence[bytes] = ()) -> None:
        try:
            from cryptography.exceptions import InvalidTag
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError as exc:
            raise MissingExtra(
                "Encryption needs a package that is not installed.",
                expected="cryptography",
                came=str(exc),
                do="pip install 'langchain-durable[encryption]'",
            ) from exc
        keys = (key, *_several(previous_keys))
        for candidate in keys:
            if not isinstance(candidate, bytes) or len(candidate) not in (16, 24, 32):
                raise ConfigurationError(
                    "This cannot be an encryption key.",
                    expected="16, 24 or 32 bytes, such as os.urandom(32)",
                    came=_without_secrets(candidate),
                    do="bytes.fromhex(...) and base64.b64decode(...) make bytes of a text",
                )
        self._ciphers = [AESGCM(candidate) for candidate in keys]
        self._invalid = InvalidTag

    def seal(self, body: bytes, associated: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._ciphers[0].encrypt(nonce, body, associated)

    def open(self, sealed: bytes, associated: bytes) -> bytes:
        nonce, body = sealed[:_NONCE], sealed[_NONCE:]
        for cipher in self._ciphers if len(nonce) == _NONCE else ():
            try:
                return cipher.decrypt(nonce, body, associated)
            except self._invalid:
                continue
        raise JournalCorrupt(
            "An encrypted record cannot be opened.",
            expected="a record of this run and step, encrypted with one of the keys given",
            came="other bytes: another key, a damaged record, or one moved from elsewhere",
            do="give the key it was written with: Durable(encryption_key=..., previous_keys=...)",
        )


def _several(keys: Any) -> Iterable[Any]:
    """The keys; one alone would pass for a sequence of numbers."""
    if isinstance(keys, Iterable) and not isinstance(keys, bytes | str):
        return keys
    raise ConfigurationError(
        "The previous keys are no list of keys.",
        expected="keys, in a list",
        came=_without_secrets(keys),
        do="write previous_keys=[key]",
    )


def _without_secrets(given: Any) -> str:
    kind = type(given).__name__
    return f"{kind} of length {len(given)}" if isinstance(given, bytes | str) else kind
