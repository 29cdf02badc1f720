"""Decision models: what ``_classify`` returns, written down and given back."""

from __future__ import annotations

from functools import partial
from typing import Any

from langchain_durable.intercept.perform import Ended, ValueForm, perform
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


class _Decision(ValueForm):
    __slots__ = ()

    def ended(self, result: Any) -> Ended:
        usage = reported(result.usage)
        return usage, decided(result.model, result.request_id, usage)


_DECISION = _Decision()
