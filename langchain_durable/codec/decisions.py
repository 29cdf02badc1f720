"""LangChain's decision models: questions and answers, known once a program or a record uses
them. Codes 80 to 95."""

from __future__ import annotations

import importlib
import sys

from langchain_durable.codec.forms import Form
from langchain_durable.codec.messages import form
from langchain_durable.errors import MissingExtra

_MODULE = "langchain_core.decisions.types"

# The position is the code, so classes are only ever added at the end.
_NAMES = (
    "ClassifierResponse",
    "NoulAnswer",
    "ChoiceAnswer",
    "ScoreAnswer",
    "BoxAnswer",
    "BoxCoordinates",
    "Noul",
    "NoulCriteria",
    "Choice",
    "Score",
    "Box",
)
_CODES = {80 + place: name for place, name in enumerate(_NAMES)}


def form_of(cls: type) -> Form | None:
    """The form of one of these classes, None for any other class."""
    module = sys.modules.get(_MODULE)
    if module is None or cls.__module__ != _MODULE:
        return None
    for code, name in _CODES.items():
        if getattr(module, name, None) is cls:
            return form(code, cls)
    return None


def form_for(code: int) -> Form | None:
    """The form with this code, None if the code is none of these."""
    name = _CODES.get(code)
    if name is None:
        return None
    try:
        cls = getattr(importlib.import_module(_MODULE), name)
    except (ImportError, AttributeError) as exc:
        raise MissingExtra(
            f"A record holds a decision model's {name}, and the installed langchain-core has none.",
            expected=f"{_MODULE}.{name}",
            came=str(exc),
            do="pip install -U langchain-core",
        ) from exc
    return form(code, cls)
