"""``langchain-durable export``: a run's spans, sent to a backend again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from langchain_durable.cli.opening import open_handle
from langchain_durable.cli.options import PREFIX, AsJson, Prefix, RunId, Url
from langchain_durable.cli.otlp import Backend, choose_backend, complaints
from langchain_durable.cli.output import make_console, one_line, print_json
from langchain_durable.errors import DurableError
from langchain_durable.journal import HeaderField

if TYPE_CHECKING:  # importing the SDK takes its time, which --help need not wait for
    from opentelemetry.sdk.trace import ReadableSpan

    from langchain_durable import Durable

Endpoint = Annotated[
    str | None,
    typer.Option(
        "--endpoint",
        help="The collector's base URL. Without it: OTEL_EXPORTER_OTLP_ENDPOINT, or"
        " localhost. Headers, protocol and all else are those of OTEL_EXPORTER_OTLP_*.",
        metavar="URL",
        show_default=False,
    ),
]


def export(
    run_id: RunId,
    endpoint: Endpoint = None,
    as_json: AsJson = False,
    url: Url = None,
    prefix: Prefix = PREFIX,
) -> None:
    """Send a run's spans to an OpenTelemetry collector, from its journal.

    Their ids, times and our attributes are those that they had when the run was made.
    Also those are sent that a crash or sampling has kept from the backend.

    The journal does not have what the program itself has set or recorded on our spans. Of captured
    content it has what tools were given and what steps answered; no prompts, queries or tool
    definitions, and nothing of agents and chains: a backend that replaces a span by the one that
    comes again loses the rest.

    The service's name is that of OTEL_SERVICE_NAME, or else the one that the run was made under.
    """
    backend = choose_backend(endpoint)
    with open_handle(url, prefix) as durable:
        trace = durable.header(run_id).text(HeaderField.TRACE)
        spans = _sent(durable, run_id, backend)
    if as_json:
        print_json(
            {
                "run_id": run_id,
                "trace_id": trace,
                "spans": len(spans),
                "endpoint": backend.shown,
                "protocol": backend.protocol,
            }
        )
        return
    console = make_console()
    if not spans:
        console.print("This run has no spans: its journal is from before there were any.")
        return
    count = f"{len(spans)} span{'' if len(spans) == 1 else 's'}"
    console.print(f"sent {count} of trace {trace}", markup=False)
    console.print(f"  to {one_line(backend.shown)} ({backend.protocol})", style="dim", markup=False)


def _sent(durable: Durable, run_id: str, backend: Backend) -> Sequence[ReadableSpan]:
    from langchain_durable.errors import ExportFailed
    from langchain_durable.reading.exporting import exported
    from langchain_durable.waiting import drive

    with complaints() as said:
        exporter = backend.exporter()
        try:
            return drive(exported(durable.connector, run_id, exporter))
        except ExportFailed as exc:
            raise _not_arrived(exc, backend, said) from exc
        finally:
            exporter.shutdown()


def _not_arrived(exc: DurableError, backend: Backend, said: list[str]) -> DurableError:
    return type(exc)(
        exc.what,
        expected=f"a collector at {backend.shown} that speaks OTLP over {backend.protocol}",
        came=one_line(said[0], 300) if said else exc.came,  # later ones only say: gave up
        do="start it or give --endpoint, and export again: the spans are still in the journal",
    )
