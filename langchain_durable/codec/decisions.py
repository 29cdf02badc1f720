"""What LangChain's decision models are asked and answer. Codes 80 to 95."""

from __future__ import annotations

from langchain_durable.codec.forms import Form
from langchain_durable.codec.late import LateClasses
from langchain_durable.codec.messages import form

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
_LATE = LateClasses("langchain_core.decisions.types", _NAMES, first=80, package="langchain-core")


def form_of(cls: type) -> Form | None:
    """The form of one of these classes, None for any other class."""
    code = _LATE.code_of(cls)
    return None if code is None else form(code, cls)


def form_for(code: int) -> Form | None:
    """The form with this code, None if the code is none of these."""
    cls = _LATE.with_code(code)
    return None if cls is None else form(code, cls)
