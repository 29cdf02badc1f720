"""What a call's config says of its run: whose it is, and the caller's own metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.runnables import RunnableConfig

from langchain_durable.plain import utf8
from langchain_durable.recorder.request import Request

METADATA_BYTES = 4096
"""What a run keeps of its config's metadata, as JSON. It is read with every header."""

_NOT_THEIRS = ("__", "langgraph_", "checkpoint_", "ls_", "lc_")
"""Keys of LangGraph, LangSmith and LangChain, which a node's config has among its caller's."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Reads configs. ``tenant`` is the key that costs are told apart by; ``keep``: the caller's
    metadata may be kept in plain text."""

    tenant: str
    keep: bool

    def of_config(self, request: Request, config: RunnableConfig | None) -> Request:
        """The request, with what the config of its call says of it."""
        metadata = (config or {}).get("metadata") or {}
        named = {**metadata, **((config or {}).get("configurable") or {})}
        kept = own_metadata(metadata) if self.keep else {}
        return replace(request, tenant=self.tenant_of(named), metadata=kept)

    def tenant_of(self, named: Mapping[str, Any]) -> str:
        """The tenant among these names; empty if there is none."""
        return utf8(str(named.get(self.tenant) or ""))


def own_metadata(given: Mapping[str, Any]) -> dict[str, Any]:
    """The caller's metadata that is plain JSON, as much as there is room for."""
    kept: dict[str, Any] = {}
    room = METADATA_BYTES
    for key, value in given.items():
        if not isinstance(key, str) or key.startswith(_NOT_THEIRS):
            continue
        try:
            size = len(json.dumps({key: value}, allow_nan=False))
        except (TypeError, ValueError, RecursionError):
            continue
        if size <= room:
            kept[key], room = value, room - size
    return kept
