"""Which thread, namespace and checkpoint a LangGraph config means."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.runnables import RunnableConfig

from langchain_durable.errors import ConfigurationError, InvalidRunId
from langchain_durable.store.keys import state_thread

_LONGEST = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A place in a thread. ``checkpoint`` is empty for the newest, ``ns`` None for any.

    ``caller`` is what configs that are given back say besides; ``asked`` is the namespace that
    they name, where it is not the one that is stored.
    """

    thread: str
    ns: str | None
    checkpoint: str
    caller: Mapping[str, Any]
    asked: str | None = None

    @property
    def root(self) -> str:
        """The namespace, where none given means the root."""
        return self.ns or ""

    def config(self, ns: str, checkpoint: str) -> RunnableConfig:
        """The config of a checkpoint of this thread."""
        shown = self.asked if self.asked is not None and ns == self.ns else ns
        place = {"checkpoint_ns": shown, "checkpoint_id": checkpoint}
        return {"configurable": {**self.caller, **place}}


def moved(place: Address, ns: str) -> Address:
    """The place with another namespace, which the caller does not see."""
    return replace(place, ns=ns, asked=place.ns or "")


def address(
    config: RunnableConfig, *, thread: str | None = None, kept: Collection[str] = ("thread_id",)
) -> Address:
    """Read and check a config. ``thread`` stands in for the config's ``thread_id``.

    ``kept`` are the keys that configs given back have as they came.
    """
    configurable = config.get("configurable") or {}
    caller = {key: configurable[key] for key in kept if key in configurable}
    ns = configurable.get("checkpoint_ns")
    return Address(
        thread=thread if thread is not None else thread_id(configurable.get("thread_id")),
        ns=None if ns is None else text("checkpoint_ns", ns),
        checkpoint=text("checkpoint_id", configurable.get("checkpoint_id") or ""),
        caller=caller,
    )


def thread_id(value: Any) -> str:
    """A thread's id as a string."""
    name = text("thread_id", str(value) if isinstance(value, int) else value)
    if not name:
        raise _invalid("thread_id", value)
    return name


def run_name(run_id: Any) -> str:
    """What stands in place of a thread's id for a durable run."""
    try:
        name = text("run_id", run_id)
    except ConfigurationError as exc:
        raise InvalidRunId(exc.what, expected=exc.expected, came=exc.came, do=exc.do) from exc
    if not name:
        raise InvalidRunId(
            "The run's id is empty.",
            expected="a string of 1 character or more",
            came="an empty one",
            do="give the id that the run was made with",
        )
    return state_thread(name)


def text(what: str, value: Any) -> str:
    """A string that can be part of a key."""
    if not isinstance(value, str) or "\0" in value or len(value) > _LONGEST:
        raise _invalid(what, value)
    try:
        value.encode()
    except UnicodeEncodeError as exc:
        raise _invalid(what, value) from exc
    return value


def _invalid(what: str, value: Any) -> ConfigurationError:
    return ConfigurationError(
        f"The config's {what} cannot be used.",
        expected=f"a string of at most {_LONGEST} characters without NUL",
        came="nothing" if value is None else ascii(value)[:80],
        do=f'give {{"configurable": {{"{what}": ...}}}}',
    )
