"""Decision models: what ``_classify`` returns, written down and given back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from langchain_durable.intercept.perform import Ended, Form, perform
from langchain_durable.intercept.step import Step
from langchain_durable.intercept.wrapping import Bound
from langchain_durable.spans.models import decided
from langchain_durable.spans.usage import reported
from langchain_durable.waiting import Procedure


def decision_call(
    step: Step, original: Bound, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Procedure[Any]:
    """A decision model's step: its answers to all questions of one request."""
    return perform(step, _DECISION, partial(original, *args, **kwargs))


class _Decision(Form):
    """``{"v": response}``"""

    __slots__ = ()

    def pack(self, result: Any, step: Step) -> dict[str, Any]:
        return {"v": result}

    def unpack(self, packed: Mapping[str, Any]) -> Any:
        return packed["v"]

    def ended(self, result: Any) -> Ended:
        usage = reported(result.usage)
        return usage, decided(result.model, result.request_id, usage)


_DECISION = _Decision()
