"""The numbers that LangGraph gives to what a node asks and calls.

A person's answers, the results of tasks and the checkpoints of subgraphs are found again by the
number of the call within its node. A step that is answered from the journal makes none of the
calls that it had made, so it takes their numbers again: else the calls after it would be given
its answers and results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from langchain_durable.intercept.changed import changed
from langchain_durable.touchpoints.langgraph import CALL, RESUME, SCRATCHPAD

TASK = "t"
SUBGRAPH = "s"
QUESTION = "q"
ANSWER = "a"
"""What is noted of a step: a task or a subgraph that it called, a question that was answered, and
if that took the answer that had just come."""

Note = Callable[[str], Any]


def noting(conf: Mapping[str, Any], note: Note) -> dict[str, Any]:
    """Replacements for a config's parts which note what is called through them."""
    scratchpad = conf.get(SCRATCHPAD)
    if scratchpad is None:
        return {}
    noted = changed(
        scratchpad,
        call_counter=_noted(scratchpad.call_counter, note, TASK),
        subgraph_counter=_noted(scratchpad.subgraph_counter, note, SUBGRAPH),
        get_null_resume=_noted_answer(scratchpad.get_null_resume, note),
    )
    call = conf.get(CALL)
    if call is None:
        return {SCRATCHPAD: noted}
    # LangGraph numbers tasks on the scratchpad it made itself, which ours is not.
    return {SCRATCHPAD: noted, CALL: _noted(call, note, TASK)}


def _noted(function: Callable[..., Any], note: Note, what: str) -> Callable[..., Any]:
    def noted(*args: Any, **kwargs: Any) -> Any:
        note(what)
        return function(*args, **kwargs)

    return noted


def _noted_answer(take: Callable[..., Any], note: Note) -> Callable[..., Any]:
    """Notes the answer of ``Command(resume=...)``, which the first question to come takes."""

    def noted(consume: bool = False) -> Any:
        answer = take(consume)
        if consume and answer is not None:
            note(ANSWER)
        return answer

    return noted


def take_again(
    conf: Mapping[str, Any],
    noted: Mapping[str, int],
    writes: Iterable[tuple[str, Any]],
    *,
    asked_since: bool,
) -> Any:
    """Take the numbers of a recorded step, and the answers among its ``writes``.

    ``asked_since``: a person was asked another question since, so the answer that is there now
    is for that one. Otherwise it is the one that the step took, sent again after a crash: it is
    returned.
    """
    scratchpad = conf.get(SCRATCHPAD)
    if scratchpad is None:
        return None
    for _ in range(noted.get(TASK, 0)):
        scratchpad.call_counter()
    for _ in range(noted.get(SUBGRAPH, 0)):
        scratchpad.subgraph_counter()
    take = noted.get(ANSWER) and not asked_since
    answer = scratchpad.get_null_resume(True) if take else None
    for channel, answers in writes:
        if channel == RESUME:
            scratchpad.interrupt_counter()
            known = scratchpad.resume
            known.extend(answers[len(known) :])
    return answer


def answer_again(
    conf: Mapping[str, Any], noted: Mapping[str, int], *, asked_since: bool
) -> list[tuple[str, Any]]:
    """As :func:`take_again` for a step that failed, of which only the numbers are known.

    Gives the writes by which LangGraph keeps the answers: the one that is there is the last, and
    an answer that nobody knows any more keeps its place.
    """
    answer = take_again(conf, noted, (), asked_since=asked_since)
    scratchpad, questions = conf.get(SCRATCHPAD), noted.get(QUESTION, 0)
    if scratchpad is None or not questions:
        return []
    known = scratchpad.resume
    for _ in range(questions):
        place = scratchpad.interrupt_counter()
        known.extend([answer] * (place + 1 - len(known)))
    return [(RESUME, known[: place + 1])]
