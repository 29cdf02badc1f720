"""The key of an encrypted journal, as the command line takes it."""

from __future__ import annotations

import base64
import binascii
import re

from langchain_durable.errors import ConfigurationError

VARIABLE = "LANGCHAIN_DURABLE_ENCRYPTION_KEY"
_SIZES = (16, 24, 32)


def read_key(text: str | None) -> bytes | None:
    """The key that hexadecimal digits or base64 stand for; None for nothing.

    Raises ``ConfigurationError``, which never shows what came.
    """
    text = (text or "").strip()
    if not text:
        return None
    for key in (_from_hex(text), _from_base64(text)):
        if key is not None and len(key) in _SIZES:
            return key
    raise ConfigurationError(
        "The encryption key cannot be read.",
        expected="16, 24 or 32 bytes, as hexadecimal digits or base64",
        came=f"{len(text)} characters that are neither",
        do=f"set {VARIABLE} to key.hex(), where key is what Durable(encryption_key=key) gets",
    )


def _from_hex(text: str) -> bytes | None:
    return bytes.fromhex(text) if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text) else None


def _from_base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return None
