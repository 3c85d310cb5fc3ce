"""Days on which everything goes wrong, drawn from seeds: nothing is lost, doubled or stuck, whatever the schedule."""

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.crash.checks import shape
from tests.schedules.day import DayDesk, Seen, open_days
from tests.schedules.scan import violations
from tests.schedules.schedule import Step, drawn

type Run = Callable[[Sequence[Step]], tuple[DayDesk, Seen]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Runs one day after the other."""
    logging.getLogger("sortownia").setLevel(logging.CRITICAL + 1)  # thousands of failures that are meant
    with open_days(tmp_path_factory.mktemp("models")) as days:
        yield days
    logging.getLogger("sortownia").setLevel(logging.NOTSET)


def failed(seed: int, run: Run) -> str:
    """What is wrong with the day of a seed, with all that happened on it; '' for nothing."""
    try:
        wrong = violations(*(told := run(drawn(seed))))
    except Exception as error:
        error.add_note(f"on the day of seed {seed}")
        raise
    return "\n".join([f"seed {seed}:", *wrong, *told[1].told]) if wrong else ""


def several(seeds: Sequence[int], run: Run) -> str:
    """Runs the days of these seeds and fails with the first that is wrong; gives the figures."""
    started, commands, met, died = time.process_time(), 0, 0, 0
    for seed in seeds:
        desk, seen = run(drawn(seed))
        wrong = violations(desk, seen)
        assert not wrong, "\n".join([f"seed {seed}:", *wrong, "", *seen.told])
        commands, met = commands + len(seen.commands), met + seen.met
        died += seen.told.count("    died")
    seconds = time.process_time() - started
    return f"{len(seeds)} days: {commands} commands, {died} deaths, {met} calls that met with weather, {seconds:.0f} s"


@pytest.mark.timeout(900)
def test_fifty_days(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    figures = several(range(50), run)
    with capsys.disabled():
        print(f"\n{figures}", end="")


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("hundred", range(10))
def test_a_thousand_days(hundred: int, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Other days each time: `SEED=123456` brings a thousand back."""
    first = int(os.environ.get("SEED", time.time_ns() % 10**9)) + 100 * hundred
    figures = several(range(first, first + 100), run)
    with capsys.disabled():
        print(f"\nseeds {first} to {first + 99}, {figures}", end="")


def test_a_seed_brings_its_day_again(run: Run) -> None:
    days = [(shape(desk.rows()), seen.told) for desk, seen in (run(drawn(7)) for _ in range(2))]
    assert days[0] == days[1]
