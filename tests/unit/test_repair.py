"""What `rebuild-queues` says, and what it says it of."""

import pytest

from chalicelib.flows.rebuild import Made, What
from sortownia import cli, repair
from sortownia.local import system

BELLS = [Made(What.BELLS, "orders", 0), Made(What.BELLS, "orders", 100), Made(What.BELLS, "orders", 20)]


def test_sums_are_told_by_kind_and_queue(capsys: pytest.CaptureFixture[str]) -> None:
    parts = [*BELLS, Made(What.BELLS, "sales", 3), Made(What.BELLS, "spam", 0), Made(What.TIMERS, "", 7)]
    assert repair.tell(parts) == 0
    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert told == [["bells", "123"], ["timers", "7"], ["replies", "0"], ["orders", "120"], ["sales", "3"]]


def test_items_nobody_can_be_rung_for_are_told_and_change_the_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert repair.tell([*BELLS, *[Made(What.STRAY, "closed-down", 1)] * 2]) == 2
    assert capsys.readouterr().err == "2 items wait in closed-down, which this desk does not have: pass them on.\n"


def test_without_a_running_system_it_is_one_sentence(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system, "RUNS", tmp_path)
    assert cli.main(["rebuild-queues"]) == 1
    assert capsys.readouterr().err.startswith("Nothing is running here")


def test_a_stack_that_cannot_be_reached_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert cli.main(["rebuild-queues", "--stack", "nowhere"]) == 1
    error = capsys.readouterr().err
    assert "nowhere-api" in error
    assert len(error.splitlines()) == 1
