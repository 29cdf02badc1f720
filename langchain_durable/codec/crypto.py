"""AES-GCM for records, with the place of the record authenticated."""

from __future__ import annotations

import os
from collections.abc import Sequence

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
                "Encryption needs the cryptography package.",
                do="pip install 'langchain-durable[encryption]'",
            ) from exc
        for candidate in (key, *previous_keys):
            if not isinstance(candidate, bytes) or len(candidate) not in (16, 24, 32):
                raise ConfigurationError(
                    "An encryption key has the wrong size.",
                    expected="16, 24 or 32 bytes, such as os.urandom(32)",
                    came=f"{type(candidate).__name__} of length {len(candidate)}",
                )
        self._ciphers = [AESGCM(candidate) for candidate in (key, *previous_keys)]
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
