"""Sixteen bugs planted on purpose, one after the other: each is caught by a check that has a name.

`pytest -s tests/schedules/test_planted_bugs.py` shows which by which.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest

from chalicelib.errors import Unavailable
from chalicelib.flows import claim, receive, ring, send, stream, watch, work
from chalicelib.item import arrive, decide
from chalicelib.item.item import Item
from chalicelib.store.table import Table
from chalicelib.world import World
from tests.crash.desk import ANNA, Desk, open_desk
from tests.linearizability import test_planted as raced
from tests.linearizability.history import violations as history
from tests.schedules.day import open_days
from tests.schedules.scan import violations
from tests.schedules.schedule import drawn

type Plant = Callable[[pytest.MonkeyPatch], None]
#: Gives the names of the checks that failed, a few at a time, until it has looked everywhere.
type Hunt = Callable[[pytest.MonkeyPatch, Path, int], Iterator[tuple[str, set[str]]]]

_DAYS: Final = 40


# Where they are hunted


def on_days(_plant: pytest.MonkeyPatch, folder: Path, first: int) -> Iterator[tuple[str, set[str]]]:
    """On days of faults (`test_schedules`)."""
    with open_days(folder) as run:
        for seed in range(first, first + _DAYS):
            try:
                found = violations(*run(drawn(seed)))
            except Exception as error:  # noqa: BLE001 - a bug may show itself so, too
                found = [f"raised {type(error).__name__}: {error}"]
            yield f"day {seed}", {one.split(":", 1)[0] for one in found}


def in_races(plant: pytest.MonkeyPatch, _folder: Path, first: int) -> Iterator[tuple[str, set[str]]]:
    """On days of people who get in each other's way at every call (`tests/linearizability`)."""
    for seed in range(first, first + _DAYS):
        seen = raced.a_day(seed, raced.timedelta(0), plant)
        yield f"race {seed}", {violation.check for violation in history(seen.operations, seen.entries)}


def by_bells(_plant: pytest.MonkeyPatch, _folder: Path, _first: int = 0) -> Iterator[tuple[str, set[str]]]:
    """At a desk where three mails wait, one is claimed and given back, another is claimed by name."""
    with open_desk() as desk:
        waiting = [desk.mail(number) for number in range(3)]
        desk.deliver()
        next(claim._turns["orders",])  # the next three claims listen to bells
        desk.held(waiting[2], ANNA)
        heard = claim.next_in_queue("orders", ANNA, "", desk.world)
        assert heard
        work.give_back(heard.id, heard.version, ANNA, desk.world)
        desk.deliver()
        found = {"I5 reachable: rung"} if not _bells_of(desk, heard.id) else set[str]()
        for _ in waiting[:2]:
            assert claim.next_in_queue("orders", ANNA, "", desk.world)
        found |= {"I12 bells: none for what is held"} if any(_bells_of(desk, item.id) for item in waiting) else set()
        yield "three mails", found


def _bells_of(desk: Desk, item_id: str) -> list[str]:
    return [m.body for m in desk.outside.messages if "-work-" in m.url and item_id in m.body]


# What is planted


def _without(plant: pytest.MonkeyPatch, what: str) -> None:
    right = Table._actions
    plant.setattr(Table, "_actions", lambda *asked: (one for one in right(*asked) if one[0] != what))


def no_event(plant: pytest.MonkeyPatch) -> None:
    _without(plant, "event")


def no_ledger_row(plant: pytest.MonkeyPatch) -> None:
    _without(plant, "delivery")


def no_load(plant: pytest.MonkeyPatch) -> None:
    right = Table._load_update
    plant.setattr(Table, "_load_update", lambda table, load: right(table, replace(load, by=0)))


def counter_ahead(plant: pytest.MonkeyPatch) -> None:
    right = Table._counted
    plant.setattr(Table, "_counted", lambda table, customer, events, *more: right(table, customer, events + 1, *more))


def message_id_only(plant: pytest.MonkeyPatch) -> None:
    """Whatever comes under a known Message-ID is the mail that came first."""
    plant.setattr(arrive, "_seen", lambda _arrival, _message, known: known.message)


def no_version_check(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(work, "check_version", lambda _item, _version: None)


def lease_without_end(plant: pytest.MonkeyPatch) -> None:
    def woken(item_id: str, world: World, right: Any = watch.woken) -> str:
        return "not yet" if world.table.item(item_id).holder else str(right(item_id, world))

    plant.setattr(watch, "woken", woken)


def reader_raises(plant: pytest.MonkeyPatch) -> None:
    def park(*_: Any) -> None:
        raise Unavailable("a record that cannot be handled")

    plant.setattr(stream, "park", park)
    plant.setattr(ring, "park", park)


def sends_before_recording(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(send, "_taken", lambda outgoing, _world: outgoing)


def believes_forged_mail(plant: pytest.MonkeyPatch) -> None:
    right = receive._mails
    plant.setattr(receive, "_mails", lambda *asked: [(replace(one, trusted=True), mail) for one, mail in right(*asked)])


def stale_bell_stays(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(claim._Request, "_forget", lambda *_: None)


def ring_not_raised(plant: pytest.MonkeyPatch) -> None:
    def stepped(item: Item, *more: Any, right: Any = decide.into_queue) -> Any:
        after = right(item, *more)
        return replace(after, ring=item.ring) if isinstance(after, Item) and item.version > 1 else after

    plant.setattr(decide, "into_queue", stepped)


@dataclass(frozen=True)
class Bug:
    """What is wrong, where it is hunted, and the check that must find it; `first` is a seed not long before it does."""

    plant: Plant
    hunt: Hunt
    check: str
    first: int = 0


BUGS: Final[Sequence[Bug]] = (
    Bug(raced.writes_whatever_the_version, in_races, "versions-distinct", first=3),
    Bug(raced.gives_back_without_a_version, in_races, "version-is-next", first=3),
    Bug(raced.prolongs_for_any_token, in_races, "token-of-the-claim", first=1),
    Bug(raced.decides_from_old_reads, in_races, "present-was-present"),
    Bug(no_event, on_days, "versions-audited"),
    Bug(no_version_check, on_days, "I4 fencing", first=2),
    Bug(lease_without_end, on_days, "I5 reachable", first=1),
    Bug(message_id_only, on_days, "I1 no loss", first=1),
    Bug(no_ledger_row, on_days, "deliveries-once"),
    Bug(counter_ahead, on_days, "timelines-gapless"),
    Bug(no_load, on_days, "loads"),
    Bug(reader_raises, on_days, "I14 quiescence", first=10),
    Bug(sends_before_recording, on_days, "I9 at most once", first=20),
    Bug(believes_forged_mail, on_days, "I8 thread"),
    Bug(stale_bell_stays, by_bells, "I12 bells: none for what is held"),
    Bug(ring_not_raised, by_bells, "I5 reachable: rung"),
)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.plant.__name__)
@pytest.mark.timeout(900)
def test_is_caught(
    bug: Bug, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("sortownia").setLevel(logging.CRITICAL + 1)
    bug.plant(monkeypatch)
    try:
        hunted = bug.hunt(monkeypatch, tmp_path, bug.first)
        where = next((where for where, found in hunted if bug.check in found), None)
    finally:
        logging.getLogger("sortownia").setLevel(logging.NOTSET)
    assert where, "it was not found"
    with capsys.disabled():
        print(f"\n{bug.plant.__name__.replace('_', ' '):32} {bug.check:36} {where}", end="")


def test_without_a_bug_the_bells_are_in_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert list(by_bells(monkeypatch, tmp_path)) == [("three mails", set())]
