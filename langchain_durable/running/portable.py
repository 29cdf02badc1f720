"""What of a call's config is recorded, for the call to be made again by its run's id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SECRETS = (
    *("apikey", "accesskey", "privatekey", "accesstoken", "authtoken", "bearertoken"),
    *("password", "passwd", "secret", "credential", "authorization"),
)
"""LangGraph leaves every key with "key", "token" or "auth" in it out of its metadata. Here that
would cost a resumed run its ``max_tokens`` or ``author``."""


def portable(config: Mapping[str, Any]) -> dict[str, Any]:
    """The app's own values in a config, which another process needs to make the call again.

    Keys that name a secret, such as ``api_key``, are left out: whoever makes the call again has
    it from where the first caller had it.
    """
    configurable = config.get("configurable") or {}
    return {
        key: value
        for key, value in configurable.items()
        if not key.startswith("__")
        and isinstance(value, (str, int, float, bool))
        and not _is_secret(key)
    }


def _is_secret(key: str) -> bool:
    plain = key.casefold().replace("_", "").replace("-", "")
    return any(name in plain for name in _SECRETS)
