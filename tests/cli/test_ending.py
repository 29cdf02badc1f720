"""``cancel`` and ``delete``."""

from __future__ import annotations

import signal

from tests.cli.conftest import Cli


def test_a_run_whose_process_is_dead_is_cancelled_at_once(cli: Cli) -> None:
    assert cli.program("to-cancel", "killed") == -signal.SIGKILL

    said = cli("cancel", "to-cancel")

    assert (said.code, said.out) == (0, "cancelled\n")
    assert cli("show", "to-cancel", "--json").json()["status"] == "cancelled"


def test_a_run_whose_process_is_dead_can_be_deleted_at_once(cli: Cli) -> None:
    assert cli.program("dead", "killed") == -signal.SIGKILL

    assert cli("delete", "dead", "--yes").code == 0
    assert cli("show", "dead").code == 1


def test_a_run_is_ended_in_json_too(cli: Cli) -> None:
    assert cli.program("to-end", "killed") == -signal.SIGKILL

    cancelled = cli("cancel", "to-end", "--json").json()
    deleted = cli("delete", "to-end", "--yes", "--json")
    again = cli("delete", "to-end", "--yes", "--json")

    assert cancelled["run_id"] == "to-end"
    assert (cancelled["status"], cancelled["reason"]) == ("cancelled", "cancel")
    assert cancelled["stopping"] is False
    assert (deleted.code, deleted.json()) == (0, {"run_id": "to-end", "deleted": True})
    assert (again.code, again.out) == (1, "")


def test_a_completed_run_has_nothing_to_cancel(cli: Cli) -> None:
    assert cli.program("over", "well") == 0

    assert cli("cancel", "over").out == "nothing to cancel: it is completed\n"


def test_a_run_is_deleted_only_when_somebody_says_so(cli: Cli) -> None:
    assert cli.program("to-delete", "well") == 0

    asked = cli("delete", "to-delete")
    told = cli("delete", "to-delete", "--yes")

    assert (asked.code, "--yes" in asked.err) == (1, True)
    assert (told.code, told.out) == (0, "deleted to-delete\n")
    assert cli("show", "to-delete").code == 1
