"""A step, from its claim to its record: written once for sync and async callers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from langchain_durable.errors import StepInDoubt
from langchain_durable.events import Outcome, Usage
from langchain_durable.intercept.step import Step
from langchain_durable.recorder.answers import IN_DOUBT
from langchain_durable.recorder.given_up import GivenUp
from langchain_durable.recorder.records import SETTLED
from langchain_durable.spans.outcomes import outcome_of
from langchain_durable.spans.start import Attributes
from langchain_durable.touchpoints.langgraph import can_interrupt, interrupt
from langchain_durable.tracing.guard import harmless
from langchain_durable.waiting import Call, Procedure

Ended = tuple[Usage | None, Attributes]


def _untold() -> Ended:
    return None, {}


class Form:
    """How the results of one kind of provider method are written down and given back."""

    __slots__ = ()

    def pack(self, result: Any, step: Step) -> Any:
        """What the journal keeps of a result."""
        return result

    def unpack(self, packed: Any) -> Any:
        """The result that was kept."""
        return packed

    def instead(self, packed: Any) -> Any:
        """What the journal may keep of a result that it does not carry; None for nothing."""
        return None

    def ended(self, result: Any) -> Ended:
        """The tokens of a result, and what the call's span says of it."""
        return _untold()

    def inputs(self, step: Step) -> Any:
        """What the journal keeps of a call before it is made; None for nothing."""
        return None

    def handles(self, exc: BaseException) -> bool:
        """Does whoever called make a result of this error, so that it is the call's result?"""
        return False

    def fail_again(self) -> None:
        """A recorded error is about to be raised again."""


class ValueForm(Form):
    """``{"v": result}``, as a tool's has it, with room for more beside."""

    __slots__ = ()

    def pack(self, result: Any, step: Step) -> dict[str, Any]:
        return {"v": result}

    def unpack(self, packed: Mapping[str, Any]) -> Any:
        return packed["v"]


def perform(step: Step, form: Form, call: Callable[[], Any]) -> Procedure[Any]:
    """Answer a step from the journal, or make the call and record how it ended."""
    attempt, scope = step.attempt, step.scope
    if attempt.opener is not None:
        yield from attempt.opener()
    try:
        known = attempt.recall(scope)
        if isinstance(known, GivenUp):
            yield from attempt.give_up_again(scope, known)
            known = None
    except StepInDoubt as doubt:
        decided = _ask(step, doubt)
        if RESULT in decided:
            packed, refused = written(form, decided[RESULT], step)
            yield from attempt.settle(attempt.complete(scope, packed, refused=refused))
            return decided[RESULT]
        known = None
    except Exception:
        form.fail_again()
        raise
    if known is not None:
        return form.unpack(known.value)
    started = attempt.start(scope, inputs=form.inputs(step))
    if started is not SETTLED:
        yield from attempt.settle(started)
    try:
        with attempt.trace.current_step(scope):
            result = yield Call(call)
    except BaseException as exc:
        yield from failed(step, exc, handled=form.handles(exc))
        raise
    usage, told = ending(form, result)
    attempt.trace.saw(scope, result)
    packed, refused = written(form, result, step)
    ended = attempt.complete(scope, packed, usage, told, refused=refused, instead=form.instead)
    if ended is not SETTLED:
        yield from attempt.settle(ended)
    return result


def written(form: Form, result: Any, step: Step) -> tuple[Any, Exception | None]:
    """What the journal keeps of a result, or why it can keep nothing: a provider's method may
    return what its kind never does, and the program must have it all the same."""
    if not step.attempt.journaled:
        return None, None
    try:
        return form.pack(result, step), None
    except Exception as exc:
        return None, exc


@harmless(_untold)
def ending(form: Form, result: Any) -> Ended:
    """The tokens of a result and what its span says; nothing of one that cannot be read."""
    return form.ended(result)


RESULT = "result"


def _ask(step: Step, doubt: StepInDoubt) -> Mapping[str, Any]:
    """Have a person decide a tool call that is in doubt, where its policy and a graph allow it.

    In a graph this interrupts; ``Command(resume="retry")`` makes the call again, and
    ``Command(resume={"result": ...})`` records that as its result.
    """
    if (step.scope.attributes or {}).get(IN_DOUBT) != "ask" or not can_interrupt():
        step.attempt.refuse(doubt)
    question = {"in_doubt": step.scope.name, "step": doubt.step, "run_id": doubt.run_id}
    answer = interrupt({**question, "decide": ["retry", {RESULT: "..."}]})
    decided = isinstance(answer, Mapping) and RESULT in answer
    if not decided and answer != "retry":
        step.attempt.refuse(doubt)
    return answer if decided else {}


def failed(
    step: Step, exc: BaseException, *, handled: bool = False, chunks: Any = None
) -> Procedure[None]:
    """Record a step that ended with an exception. A cancelled caller does not wait for it."""
    outcome = outcome_of(exc)
    if step.attempt.broken is not None:
        return
    ticket = step.attempt.fail(step.scope, exc, outcome, handled=handled, chunks=chunks)
    if outcome is Outcome.FAILED:
        yield from step.attempt.settle(ticket)
