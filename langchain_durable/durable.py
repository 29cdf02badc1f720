"""The handle: one object per journal, which makes runnables and blocks of code durable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from langchain_core.runnables import Runnable, RunnableConfig
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from langchain_durable import ids
from langchain_durable.arguments import check_config, check_mapping, check_text, check_version
from langchain_durable.connecting.connector import Connector
from langchain_durable.connecting.server_url import RedisClient
from langchain_durable.errors import ConfigurationError
from langchain_durable.intercept.install import install
from langchain_durable.journal import Retention
from langchain_durable.plain import utf8
from langchain_durable.reading.run_exports import Exporting
from langchain_durable.reading.runs import RunsById
from langchain_durable.reading.spending import Costs
from langchain_durable.recorder.request import UNKNOWN_INPUT, Request
from langchain_durable.recorder.settings import Drift, Durability, Settings
from langchain_durable.running.graphs import GraphCalls
from langchain_durable.running.labels import Labels
from langchain_durable.running.own_steps import OwnSteps
from langchain_durable.running.run import Run
from langchain_durable.running.running import Running
from langchain_durable.running.wrap import RUN_ID, rebrand, with_configurable, wrapped_class
from langchain_durable.telemetry import Prices, make_telemetry
from langchain_durable.touchpoints.langgraph import is_graph

if TYPE_CHECKING:  # importing it takes a while, and few programs have logs
    from opentelemetry._logs import LoggerProvider

logger = logging.getLogger("langchain_durable")

R = TypeVar("R", bound=Runnable[Any, Any])


class Durable(RunsById, Exporting, Costs, OwnSteps):
    """Makes LangChain programs durable, on the journal at ``url``.

    ``url``: ``redis://``, ``rediss://``, ``redis+cluster://``, ``unix://``,
    ``embedded:///directory``, a ``redis.Redis`` client, or nothing: then
    ``LANGCHAIN_DURABLE_URL``, ``REDIS_URL``, and last an embedded server in
    ``./.langchain_durable``. Nothing is connected or started before the first run.
    ``prefix``: what all keys begin with: journals with different ones share a server.

    ``durability``: ``"sync"``, a step's result is in the journal before the program sees it;
    ``"async"``, the journal runs behind, and the last steps before a crash may run again.
    ``drift``: what to do with a step that stands where a recorded one stood, with another
    input: ``"reuse"`` the recorded result, ``"reexecute"`` the step, or ``"raise"``.
    ``version``: of your program; steps are matched by their place only within one version.
    ``lease``: seconds after which a run whose process is silent may be taken over.
    ``retry_for``: seconds for which a lost server is tried again before the run stops.
    ``retention``: how long the journal and the header of a run that has ended are kept.
    ``allow``: your own classes (pydantic, dataclasses, enums, message subclasses) that may
    stand in results. ``redact`` sees every value before it is journaled and returns what to
    keep; the state of a paused graph is LangGraph's, and is kept whole. ``encryption_key``: 16,
    24 or 32 bytes; values and states are then encrypted (AES-GCM), and unencrypted ones refused;
    what ``previous_keys`` have encrypted can still be read.
    Neither is for what stands beside them: names, times, ``metadata``, and errors' messages.
    ``max_value_bytes``: what one value may take; a larger one is used, and not recorded, with a
    warning.
    ``require_finish_reason``: a stream of a known provider that ends without one raises
    ``StreamCut`` instead of passing for an answer. ``stream_usage``: streams of clients that
    leave it open (``ChatOpenAI`` with a ``base_url``) ask their server for the tokens used.

    Every call is a span of ``tracer_provider`` (default: the app's global one, whenever it is
    configured), and counted by ``meter_provider``. ``trace``: ``"one"`` for a run, over all its
    attempts, or a ``"linked"`` one for each. ``prices``: what model calls cost (a price book, a
    callable, a table in a file; default: ``genai-prices``, if it is installed; ``False``: none).
    ``tenant`` is the key in ``configurable`` or ``metadata`` by whose value costs are told apart.
    A run keeps its call's own ``metadata`` (plain values, up to 4 KiB) in plain text, so not where
    values are redacted or encrypted.
    ``semconv_profile="next"`` has metrics under the GenAI conventions' coming names.
    What calls say is on spans, and on events of ``logger_provider``, only if
    ``OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`` asks for it; ``redact_spans`` sees it
    before.
    """

    def __init__(
        self,
        url: str | RedisClient | None = None,
        *,
        durability: Durability = "sync",
        drift: Drift = "reuse",
        version: str = "",
        prefix: str = "lcd",
        lease: float = 10.0,
        retry_for: float = 30.0,
        retention: Retention | None = None,
        allow: Sequence[type] = (),
        redact: Callable[[Any], Any] | None = None,
        encryption_key: bytes | None = None,
        previous_keys: Sequence[bytes] = (),
        max_value_bytes: int = 32 * 2**20,
        require_finish_reason: bool = True,
        stream_usage: bool = False,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        logger_provider: LoggerProvider | None = None,
        trace: Literal["one", "linked"] = "one",
        prices: Prices = None,
        tenant: str = "tenant",
        semconv_profile: Literal["current", "next"] = "current",
        redact_spans: Callable[[Any], Any] | None = None,
    ) -> None:
        telemetry = make_telemetry(
            tracer_provider=tracer_provider,
            meter_provider=meter_provider,
            logger_provider=logger_provider,
            trace=trace,
            prices=prices,
            tenant=tenant,
            profile=semconv_profile,
            redact=redact_spans,
        )
        self.labels = Labels(tenant, keep=redact is None and encryption_key is None)
        connector = Connector(
            url,
            settings=Settings(
                durability=durability,
                drift=drift,
                lease=lease,
                version=version,
                require_finish_reason=require_finish_reason,
                stream_usage=stream_usage,
                telemetry=telemetry,
            ),
            prefix=prefix,
            retry_for=retry_for,
            retention=retention,
            codec={
                "allow": allow,
                "redact": redact,
                "key": encryption_key,
                "previous_keys": previous_keys,
                "max_bytes": max_value_bytes,
            },
        )
        super().__init__(connector, self.wrap, lambda run_id: self._graphs.forget(run_id))
        self._version = version
        self._graphs = GraphCalls(connector)
        self._classes: dict[tuple[type, str, str], type] = {}
        install()

    # -- making things durable ------------------------------------------------------

    def wrap(self, runnable: R, *, name: str | None = None, version: str | None = None) -> R:
        """A copy of a runnable whose calls are durable; the original is untouched.

        The copy is of the same type and goes wherever the original went. ``name`` is what
        ``resume`` finds it by, and what lists show (default: the runnable's own name, which is
        ``LangGraph`` for every graph and agent that was given none); ``version`` as for the handle.
        Name a run with :meth:`config`; a call without an id is a new run.
        """
        if not isinstance(runnable, Runnable):
            raise ConfigurationError(
                "Only a LangChain runnable can be wrapped.",
                expected="a chain, agent, graph, model, tool or retriever",
                came=type(runnable).__name__,
                do="put code that is none into `with durable.run(run_id):`",
            )
        if name is not None:
            check_text("name", name, do="leave it out, or give a text")
        if version is not None:
            check_version(version, do='leave it out, or write for example version="2"')
        named = utf8(name or runnable.get_name())
        key = (type(runnable), named, self._version if version is None else version)
        if key not in self._classes:
            self._classes[key] = wrapped_class(key[0], self, key[1], key[2])
        twin = rebrand(runnable, self._classes[key])
        self.remember(named, twin)
        return twin

    def config(
        self,
        run_id: str | None = None,
        *,
        base: RunnableConfig | None = None,
        **configurable: Any,
    ) -> RunnableConfig:
        """The config that names a call's run: ``agent.invoke(inputs, durable.config("order-42"))``.

        ``base`` is the config that the call has anyway, which this one is a copy of. Further
        keyword arguments go beside the id into ``configurable``, such as ``thread_id``; the
        journal has them for :meth:`resume`, but for secrets, such as ``api_key``. Raises
        ``ConfigurationError`` for what belongs into ``base``, such as ``tags``.
        """
        if RUN_ID in configurable:
            raise ConfigurationError(
                f"{RUN_ID} is where the run's id goes.",
                expected="the id as the first argument",
                came=f"{RUN_ID}={configurable[RUN_ID]!r}"[:200],
                do="durable.config(run_id)",
            )
        if misplaced := sorted(RunnableConfig.__annotations__.keys() & configurable.keys()):
            raise ConfigurationError(
                f"{', '.join(misplaced)} would be put where nothing reads it.",
                expected="values for the config's `configurable`, such as thread_id",
                came="keys of the config itself",
                do=f"durable.config(run_id, base={{{misplaced[0]!r}: ...}})",
            )
        check_config("base", base)
        named = ids.checked(run_id) if run_id is not None else ids.new()
        return with_configurable(base, {RUN_ID: named, **configurable})

    def run(
        self,
        run_id: str | None = None,
        *,
        input: Any = UNKNOWN_INPUT,
        metadata: Mapping[str, Any] | None = None,
    ) -> Run:
        """A run around a block of code, for ``with`` and ``async with``.

        The block runs in every attempt, and its finished calls are answered from the
        journal. Give ``input`` (what the block's calls depend on), and a later attempt with
        another one raises ``RunInputMismatch``; without it, top-level calls are
        matched by their own input only.
        """
        check_mapping("metadata", metadata, do='write metadata={"customer": "c-7"}')
        request = Request(
            inputs=input,
            program="run",
            version=self._version,
            call={"method": "run"},
            metadata=metadata or {},
            tenant=self.labels.tenant_of(metadata or {}),
        )
        return Run(
            Running(
                connection=self.connector,
                run_id=self._id(run_id),
                request=request,
                top_by_ordinal=input is not UNKNOWN_INPUT,
            ),
            named=run_id is not None,
        )

    def bind_call(
        self,
        runnable: Any,
        request: Request,
        config: RunnableConfig | None,
        options: Mapping[str, Any],
    ) -> Running:
        """The run that a call of a wrapped runnable is. Not for use by programs."""
        given = ((config or {}).get("configurable") or {}).get(RUN_ID)
        run_id = self._id(given)
        request = self.labels.of_config(request, config)
        if is_graph(runnable):
            return self._graphs.running(runnable, run_id, request, config)
        ready = with_configurable(config, {RUN_ID: run_id})
        return Running(
            connection=self.connector,
            run_id=run_id,
            request=request,
            prepare=lambda attempt: ready,
        )

    def state_config(self, graph: Any, config: RunnableConfig | None) -> RunnableConfig | None:
        """The config for a wrapped graph's state methods. Not for use by programs."""
        return self._graphs.state_config(graph, config)

    def _id(self, given: Any) -> str:
        if given is not None:
            return ids.checked(given)
        run_id = ids.new()
        logger.info("no run_id was given; this is run %s", run_id)
        return run_id

    # -- the end --------------------------------------------------------------------

    def close(self) -> None:
        """Write what is on its way, and let the server go. Active runs cannot go on."""
        self.connector.close()

    async def aclose(self) -> None:
        """As :meth:`close`, on an event loop."""
        await asyncio.to_thread(self.close)

    def __repr__(self) -> str:
        return f"<Durable on {self.connector.shown}>"

    def __enter__(self) -> Durable:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Durable:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()
