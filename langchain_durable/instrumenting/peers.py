"""The other instrumentors of LangChain."""

from __future__ import annotations

import sys

from langchain_durable.costs.accounted import PEERS


def active_peers() -> list[str]:
    """The modules of other instrumentors of LangChain that are active in this process."""
    return [module for module, name in PEERS.items() if _is_active(module, name)]


def _is_active(module: str, name: str) -> bool:
    # To call the class gives its one instance too, but OpenLLMetry's resets its settings then.
    cls = getattr(sys.modules.get(module), name, None)
    instance = getattr(cls, "_instance", None)
    return bool(getattr(instance, "is_instrumented_by_opentelemetry", False))
