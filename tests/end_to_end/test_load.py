"""Load: what the system sustains, how long customers wait at a quarter of it, and ten thousand mails through faults."""

import os
import signal
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial

import pytest

from chalicelib.store.rows import from_wire
from infra.package import build
from sortownia.local import ports
from sortownia.local.system import LocalSystem
from tests.end_to_end.conftest import VISIBILITY_SECONDS
from tests.end_to_end.load import Written, beside, claimable, write
from tests.end_to_end.running import Running, eventually
from tests.end_to_end.spoiled_aws import SpoiledAws
from tests.invariants import violations

pytestmark = [pytest.mark.stack, pytest.mark.long, pytest.mark.timeout(7200)]

BURST, QUIET, MAILS = 600, 300, 10_000
#: Seconds from a customer's writing until somebody may claim it, of 95 in 100.
MAIL_P95, CHAT_P95 = 3.0, 1.5
CHAT_EVERY = 4
SPOILED = 0.05
#: Seconds between two deaths of the function that takes mail in.
DEATH_EVERY = 20.0


@pytest.fixture(autouse=True)
def _nobody_was_seen_yet() -> None:
    """The system of the other tests is not wanted: it would take time from this one."""


@pytest.fixture(scope="module")
def aws() -> Iterator[SpoiledAws]:
    with SpoiledAws(ports.settle(0, "the emulator", "")) as aws:
        yield aws


@pytest.fixture(scope="module")
def loaded(aws: SpoiledAws) -> Iterator[Running]:
    """A system of its own, whose functions reach AWS by way of `aws`."""
    build()
    parameters = {"InboundVisibilitySeconds": str(VISIBILITY_SECONDS)}
    local = LocalSystem(
        stack_port=aws.emulator_port, smtp_port=0, http_port=0, parameters=parameters, environment=aws.environment
    )
    with local as system, Running(system) as running:
        yield running


@pytest.fixture(scope="module")
def sustained(loaded: Running) -> float:
    """Mails a second from first to last of a burst, until all of them may be claimed."""
    claimable(loaded, write(loaded, 40, rate=1000), 120)  # warms
    written = write(loaded, BURST, rate=1000)
    rung = claimable(loaded, written, 600)
    rate = BURST / (max(rung.values()) - min(one.due for one in written))
    print(f"\nsustained: {rate:.1f} mails a second")
    return rate


def test_at_a_quarter_of_what_it_sustains_nobody_waits_long(loaded: Running, sustained: float) -> None:
    written = write(loaded, QUIET, sustained / 4, CHAT_EVERY)
    rung = claimable(loaded, written, 120)
    waited = {kind: waits([one for one in written if one.cause.startswith(kind)], rung) for kind in ("mail", "chat")}
    for kind, seconds in waited.items():
        print(f"{len(seconds)} by {kind} at {sustained / 4:.1f} a second: claimable after {spread(seconds)}")
    assert p95(waited["mail"]) <= MAIL_P95
    assert p95(waited["chat"]) <= CHAT_P95


def test_ten_thousand_mails_through_faults_are_each_one_item(
    loaded: Running, aws: SpoiledAws, sustained: float
) -> None:
    rate, killed = 0.8 * sustained, Counter[str]()

    def kill() -> None:
        for pid in loaded.stack.worker_pids("receive")[:1]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed["receive"] += 1

    before, aws.share = aws.calls.copy(), SPOILED
    written = beside(partial(write, loaded, MAILS, rate), kill, DEATH_EVERY)
    rung = claimable(loaded, written, 1200)
    aws.share = 0.0
    calls = aws.calls - before
    print(
        f"{MAILS} mails at {rate:.1f} a second (80 %), taken in at most {late(written):.1f} s late: "
        f"{calls.total()} calls, {aws.spoiled.total()} spoiled {dict(aws.spoiled)}, receive killed "
        f"{killed['receive']} times; claimable after {spread(waits(written, rung))}; "
        f"{MAILS - len(rung)} recorded as automatic"
    )
    caused = loaded.caused(one.cause for one in written)
    assert len({one.cause for one in written}) == MAILS
    assert {one.cause: caused[one.cause] for one in written if caused[one.cause] != 1} == {}
    assert calls["dynamodb"] >= 2 * MAILS
    assert min(aws.spoiled[f"{service} {fate}"] for service in calls for fate in ("refused", "lost")) > 0
    assert aws.spoiled.total() >= 0.9 * SPOILED * calls.total()
    assert killed["receive"] >= MAILS / rate / DEATH_EVERY / 2
    assert late(written) <= DEATH_EVERY
    # Whom the faults left waiting, the minute watch has looked after by then.
    assert eventually(partial(wrong, loaded), lambda found: not found, 240) == []


def wrong(running: Running) -> list[str]:
    """Every broken invariant of the table."""
    return violations(from_wire(row) for row in running.cloud.rows(running.stack.table))


def waits(written: Sequence[Written], rung: Mapping[str, float]) -> list[float]:
    """Seconds from each of these until it could be claimed."""
    return [rung[one.cause] - one.due for one in written if one.cause in rung]


def late(written: Sequence[Written]) -> float:
    return max(one.taken - one.due for one in written)


def p95(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def spread(seconds: Sequence[float]) -> str:
    return f"p50 {statistics.median(seconds):.2f} s, p95 {p95(seconds):.2f} s, most {max(seconds):.2f} s"
