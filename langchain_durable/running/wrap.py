"""Wrapping a runnable: a copy of the same type whose calls are durable."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

from langchain_core.runnables import Runnable, RunnableConfig, RunnableSequence, ensure_config
from langchain_core.tools import BaseTool

from langchain_durable.recorder.request import UNKNOWN_INPUT, Request, intent_of
from langchain_durable.running.copies import reduce_ex
from langchain_durable.running.event_streams import event_streams
from langchain_durable.running.nameless import callbacks_in, without_config
from langchain_durable.running.nesting import surrounding, warn_of_another
from langchain_durable.running.parameters import parameters_of
from langchain_durable.running.portable import portable
from langchain_durable.running.running import Running, acall, call
from langchain_durable.running.streaming import aiterate, iterate
from langchain_durable.touchpoints.langchain import composing
from langchain_durable.touchpoints.langgraph import STATE_METHODS

R = TypeVar("R", bound=Runnable[Any, Any])

RUN_ID = "durable_run_id"
"""The key in ``configurable`` by which a call names its run."""

_BINDER = "__langchain_durable__"
"""The class attribute by which a wrapped runnable knows its handle; pydantic skips dunders."""


class Binder(Protocol):
    """What a wrapped runnable needs of its handle."""

    def bind_call(
        self,
        runnable: Any,
        request: Request,
        config: RunnableConfig | None,
        options: Mapping[str, Any],
    ) -> Running:
        """The run that a call is: its id, and the config that the call gets."""
        ...

    def state_config(self, graph: Any, config: RunnableConfig | None) -> RunnableConfig | None:
        """The config by which a wrapped graph's state can be read and updated."""
        ...


def wrapped_class(cls: type, binder: Binder, name: str, version: str) -> type:
    """A subclass whose entry points are durable; instances of ``cls`` can become it."""
    own = _Entries(binder, name, version)
    namespace: dict[str, Any] = {
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        _BINDER: binder,
        "__reduce_ex__": reduce_ex,
        **own.overrides(cls),
    }
    return type(cls)(cls.__name__, (cls,), namespace)


def binder_of(runnable: object) -> Binder | None:
    """The handle that wrapped a runnable; None if it is not wrapped."""
    found: Binder | None = getattr(type(runnable), _BINDER, None)
    return found


def rebrand(runnable: R, cls: type) -> R:
    """A shallow copy of ``runnable`` as an instance of its subclass ``cls``."""
    twin = _copied(runnable)
    object.__setattr__(twin, "__class__", cls)
    return twin


def _copied(runnable: R) -> R:
    cls = type(runnable)
    if hasattr(cls, "__copy__") or not hasattr(cls, "__getattr__"):
        return copy.copy(runnable)
    # copy.copy asks the empty copy for methods, and a __getattr__ may not survive an object
    # without attributes (that of LangChain's configurable models does not).
    twin = cls.__new__(cls)
    vars(twin).update(vars(runnable))
    return twin


def joins(config: RunnableConfig | None) -> bool:
    """Does a call belong to a run that is active already? Says so if it names another one."""
    outer = surrounding(config)
    if outer is None:
        return False
    named = ((config or {}).get("configurable") or {}).get(RUN_ID)
    if named is not None:
        warn_of_another(outer, named, stacklevel=4)
    return True


Original = Callable[..., Any]

_NOT_GIVEN: Any = object()


class _Entries:
    """The overriding entry points of one wrapped class."""

    def __init__(self, binder: Binder, name: str, version: str) -> None:
        self._binder = binder
        self._name = name
        self._version = version

    def overrides(self, cls: Any) -> dict[str, Any]:
        """The methods of the subclass."""
        states = {
            name: self._state(getattr(cls, name)) for name in STATE_METHODS if hasattr(cls, name)
        }
        whole = _kept_whole(cls) if issubclass(cls, RunnableSequence) else {}
        made = {name: _kept_wrapped(cls, name) for name in _MAKERS if hasattr(cls, name)}
        return {
            **states,
            **whole,
            **made,
            **(self._of_tool(cls) if issubclass(cls, BaseTool) else {}),
            **without_config(cls),
            "invoke": self._call(cls.invoke),
            "ainvoke": self._acall(cls.ainvoke),
            "batch": self._call(cls.batch, Runnable.batch),
            "abatch": self._acall(cls.abatch, Runnable.abatch),
            "stream": self._entry(cls.stream, iterate),
            "astream": self._entry(cls.astream, aiterate),
            "transform": self._entry(cls.transform, iterate, known=False),
            "atransform": self._entry(cls.atransform, aiterate, known=False),
            **event_streams(cls, lambda original: self._entry(original, aiterate)),
            "batch_as_completed": self._entry(
                cls.batch_as_completed, iterate, each=Runnable.batch_as_completed
            ),
            "abatch_as_completed": self._entry(
                cls.abatch_as_completed, aiterate, each=Runnable.abatch_as_completed
            ),
        }

    def _state(self, original: Original) -> Original:
        @functools.wraps(original)
        def method(graph: Any, config: Any, *args: Any, **kwargs: Any) -> Any:
            return original(graph, self._binder.state_config(graph, config), *args, **kwargs)

        return method

    def _running(
        self,
        runnable: Any,
        method: str,
        inputs: Any,
        config: RunnableConfig | None,
        options: Mapping[str, Any],
        stored_result: bool,
    ) -> Running:
        full = ensure_config(config)
        request = Request(
            inputs=inputs,
            intent=intent_of(inputs),
            program=self._name,
            version=self._version,
            call={"method": method, "configurable": portable(full)},
            stored_result=stored_result,
        )
        return self._binder.bind_call(runnable, request, config, options)

    def _entry(
        self,
        original: Original,
        run: Callable[[Running, Callable[[Any], Any]], Any],
        *,
        each: Original | None = None,
        known: bool = True,
        stored: bool = False,
    ) -> Original:
        """``original`` as a run, by ``run``; several configs have ``each`` call make one."""

        named = parameters_of(original)[1]  # a batch's is "inputs"

        @functools.wraps(original)
        def method(
            runnable: Any, input: Any = _NOT_GIVEN, config: Any = None, **kwargs: Any
        ) -> Any:
            if input is _NOT_GIVEN:
                if named not in kwargs:
                    return original(runnable, config=config, **kwargs)  # it says what is missing
                input = kwargs.pop(named)
            if joins(first(config)):
                return original(runnable, input, config, **kwargs)
            if each is not None and isinstance(config, Sequence):
                return each(runnable, input, config, **kwargs)
            inputs = input if known else UNKNOWN_INPUT
            bound = self._running(
                runnable, original.__name__, inputs, config, kwargs, stored_result=stored
            )
            return run(
                bound, lambda ready: original(runnable, input, _own(runnable, ready), **kwargs)
            )

        return method

    def _of_tool(self, cls: Any) -> dict[str, Original]:
        """The entry points by which agents call tools: the input, and a config among much else."""

        def entry(original: Original, run: Callable[..., Any]) -> Original:
            @functools.wraps(original)
            def method(tool: Any, tool_input: Any, *args: Any, **kwargs: Any) -> Any:
                config = kwargs.pop("config", None)
                found = {**(config or {}), "callbacks": callbacks_in(original, args, kwargs)}
                if joins(cast("RunnableConfig", found)):
                    return original(tool, tool_input, *args, config=config, **kwargs)
                bound = self._running(
                    tool, original.__name__, tool_input, config, kwargs, stored_result=True
                )
                return run(
                    bound, lambda ready: original(tool, tool_input, *args, config=ready, **kwargs)
                )

            return method

        return {"run": entry(cls.run, call), "arun": _coroutine(entry(cls.arun, acall))}

    def _call(self, original: Original, each: Original | None = None) -> Original:
        return self._entry(original, call, each=each, stored=True)

    def _acall(self, original: Original, each: Original | None = None) -> Original:
        return _coroutine(self._entry(original, acall, each=each, stored=True))


def _coroutine(entry: Original) -> Original:
    """The entry as a coroutine function, as programs and frameworks ask for it."""

    @functools.wraps(entry)
    async def method(*args: Any, **kwargs: Any) -> Any:
        return await entry(*args, **kwargs)

    return method


def _kept_whole(cls: Any) -> dict[str, Any]:
    """What keeps a wrapped sequence whole when it is composed with other runnables."""

    def steps(sequence: Any) -> list[Any]:
        return [sequence] if composing() else cls.steps.fget(sequence)

    return {"steps": property(steps), "__or__": Runnable.__or__, "__ror__": Runnable.__ror__}


def _own(runnable: Any, config: RunnableConfig) -> RunnableConfig:
    """The config for the runnable itself: a model with ``configurable_fields="any"`` would send
    every key of ``configurable`` to its provider, and ours is not for that."""
    if getattr(runnable, "__dict__", {}).get("_configurable_fields") != "any":
        return config
    configurable = {**(config.get("configurable") or {})}
    configurable.pop(RUN_ID, None)
    return {**config, "configurable": configurable}


_MAKERS = ("bind_tools", "with_structured_output", "with_config")
"""Methods that make another runnable of one, which a program calls in its place."""


def _kept_wrapped(cls: Any, name: str) -> Original:
    """What keeps a configurable model durable: it makes plain ones of its class of itself."""
    original: Original = getattr(cls, name)

    @functools.wraps(original)
    def method(runnable: Any, *args: Any, **kwargs: Any) -> Any:
        made = original(runnable, *args, **kwargs)
        if type(made) is not cls:
            return made
        given = {**((args and args[0]) or {}), **kwargs} if name == "with_config" else {}
        if RUN_ID in (given.get("configurable") or {}):
            # It would keep the id for the real model, which is not what is wrapped.
            return Runnable.with_config(runnable, *args, **kwargs)
        return rebrand(made, type(runnable))

    return method


def first(config: Any) -> RunnableConfig | None:
    """The config, or the first of several."""
    found = config[0] if isinstance(config, Sequence) and config else config
    return cast("RunnableConfig | None", found or None)


def with_configurable(
    config: RunnableConfig | None, values: Mapping[str, Any], **more: Any
) -> RunnableConfig:
    """A copy of a config with more in ``configurable``, and other keys replaced."""
    given = config or {}
    configurable = {**(given.get("configurable") or {}), **values}
    return cast("RunnableConfig", {**given, **more, "configurable": configurable})
