"""Values of context variables that hold for a block."""

from __future__ import annotations

from contextvars import ContextVar, copy_context

from langchain_durable.within import Within

variable: ContextVar[str] = ContextVar("variable", default="outside")


def test_the_value_holds_for_the_block_and_no_longer() -> None:
    with Within(variable, "inside"):
        assert variable.get() == "inside"
    assert variable.get() == "outside"


def test_it_may_be_opened_again() -> None:
    inside = Within(variable, "inside")
    seen = []
    for _ in range(2):
        with inside:
            seen.append(variable.get())
        seen.append(variable.get())
    assert seen == ["inside", "outside"] * 2


def test_one_that_is_closed_in_another_context_changes_nothing_there() -> None:
    inside = Within(variable, "inside")
    copy_context().run(inside.__enter__)

    inside.__exit__(None, None, None)

    assert variable.get() == "outside"
