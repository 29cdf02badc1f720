"""``langchain-durable costs``: what runs cost, by model, tool, agent, tenant or day."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from langchain_durable.cli.money import exact
from langchain_durable.cli.opening import open_handle
from langchain_durable.cli.options import PREFIX, AsJson, Prefix, Status, Url
from langchain_durable.cli.output import make_console, print_json
from langchain_durable.errors import ConfigurationError

if TYPE_CHECKING:  # importing LangChain takes a second, which --help need not wait for
    from langchain_durable.costs import Totals
    from langchain_durable.reading.spending import Spending

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


class By(StrEnum):
    """What the rows of the table are."""

    MODEL = "model"
    TOOL = "tool"
    AGENT = "agent"
    PROVIDER = "provider"
    TENANT = "tenant"
    DAY = "day"


def costs(
    by: Annotated[By, typer.Option("--by", help="What each row is.")] = By.MODEL,
    status: Status = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, help="At most so many runs, newest first.")
    ] = 1000,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            help="Only runs updated since then (UTC): 2026-11-01, 2026-11-01T09:30, or 12h, 7d,"
            " 4w ago.",
            metavar="DATE",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
    prefix: Prefix = PREFIX,
) -> None:
    """Add up what runs cost, exactly, from their journals."""
    from langchain_durable.cli.costs_view import print_costs
    from langchain_durable.reading.spending import spending
    from langchain_durable.waiting import drive

    moment = read_since(since, now=datetime.now(UTC)) if since is not None else None
    with open_handle(url, prefix) as durable:
        spent = drive(spending(durable.connector, status=status, limit=limit, since=moment))
    if as_json:
        print_json(_json(spent, by))
    else:
        full = spent.runs + spent.expired == limit
        chosen = status is not None or since is not None
        print_costs(make_console(), spent, by.value, full=full, chosen=chosen)


def read_since(text: str, *, now: datetime) -> date:
    """The moment that a date, a date with a time, or an age (``7d``) stands for; without a zone
    in UTC. Raises ``ConfigurationError``."""
    age = re.fullmatch(r"(\d{1,4})([hdw])", text.strip())
    if age is not None:
        return now - timedelta(**{_UNITS[age[2]]: int(age[1])})
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigurationError(
            "--since is not a date.",
            expected="2026-11-01, 2026-11-01T09:30, or an age such as 12h, 7d or 4w",
            came=repr(text),
            do="write the date as year-month-day",
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _json(spent: Spending, by: By) -> dict[str, Any]:
    rows = spent.ledger.by(by.value)
    return {
        "runs": spent.runs,
        "expired": spent.expired,
        "total": totals_json(spent.ledger.total),
        "by": by.value,
        "rows": [{by.value: key, **totals_json(rows[key])} for key in sorted(rows)],
    }


def totals_json(totals: Totals) -> dict[str, Any]:
    """Totals as JSON: dollars as exact text, durations in seconds, an error rate of 0 to 1."""
    mean = totals.mean_duration
    return {
        "cost": exact(totals.cost),
        "estimated": exact(totals.estimated),
        "saved": exact(totals.saved),
        "failed_runs": exact(totals.failed_runs),
        "unpriced": dict(totals.unpriced),
        "tokens": dict(totals.tokens),
        "calls": totals.calls,
        "errors": totals.errors,
        "crashed": totals.crashed,
        "replayed": totals.replayed,
        "error_rate": totals.error_rate,
        "mean_duration": None if mean is None else mean / 1e9,
    }
