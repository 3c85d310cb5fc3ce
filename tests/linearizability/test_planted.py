"""Bugs planted on purpose: each is found by the check that is there for it, and a day without any passes."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws

from chalicelib.errors import StaleItem
from chalicelib.flows import claim, watch, work
from chalicelib.item import decide
from chalicelib.item.change import Step
from chalicelib.item.item import Item
from chalicelib.item.state import TRANSITIONS, Action, State
from chalicelib.rights import Caller
from chalicelib.store.table import Table
from chalicelib.world import World
from tests.cloud import Cloud
from tests.crash.quick_moto import make_quick
from tests.invariants import violations as broken
from tests.linearizability.history import Check, violations
from tests.linearizability.notes import Outcome
from tests.linearizability.simulation import Day, Seen, Simulation

#: A day takes a second or two of a quiet machine.
pytestmark = pytest.mark.long

#: So many days a bug has to show itself.
DAYS = 40
MANY_DAYS = 100


def a_day(seed: int, skew: timedelta, monkeypatch: pytest.MonkeyPatch) -> Seen:
    make_quick(monkeypatch)
    with mock_aws():
        cloud = Cloud()
        return Simulation(cloud, cloud.deploy(), Day(skew=skew), seed).run(monkeypatch)


@pytest.mark.parametrize(("minutes", "seed"), [(0, 1), (10, 2)])
def test_a_day_without_bugs_breaks_nothing(minutes: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = a_day(seed, timedelta(minutes=minutes), monkeypatch)
    assert whatever_is_wrong(seen) == []
    assert any(operation.late and operation.outcome == Outcome.REFUSED for operation in seen.operations)


@pytest.mark.timeout(1800)
def test_many_days_without_bugs_break_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other days each night; the seed of one that breaks something brings it back."""
    first = random.SystemRandom().randrange(10**9)
    wrong = {
        seed: found
        for seed in range(first, first + MANY_DAYS)
        if (found := whatever_is_wrong(a_day(seed, timedelta(minutes=10 * (seed % 2)), monkeypatch)))
    }
    assert wrong == {}


def test_a_seed_brings_the_same_day_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (a_day(3, timedelta(minutes=10), monkeypatch).operations for _ in range(2))
    assert len(first) > 20
    assert [replace(one, started=0, ended=0, token="") for one in first] == [
        replace(one, started=0, ended=0, token="") for one in second
    ]


def whatever_is_wrong(seen: Seen) -> list[Any]:
    endless = [] if seen.ended else ["the day did not end"]
    return [*violations(seen.operations, seen.entries), *broken(seen.rows), *endless]


def writes_whatever_the_version(plant: pytest.MonkeyPatch) -> None:
    def put(table: Table, before: Item | None, after: Item, right: Any = Table._item_put) -> Any:
        action = right(table, before, after)
        if before is not None:
            del action["Put"]["ConditionExpression"], action["Put"]["ExpressionAttributeValues"]
        return action

    plant.setattr(Table, "_item_put", put)


def tells_nothing(plant: pytest.MonkeyPatch) -> None:
    right = Table._actions
    plant.setattr(Table, "_actions", lambda *asked: (one for one in right(*asked) if one[0] != "event"))


def claims_whatever_the_state(plant: pytest.MonkeyPatch) -> None:
    plant.setitem(TRANSITIONS, (State.CLAIMED, Action.CLAIM), State.CLAIMED)
    plant.setattr(claim, "waits", lambda _: True)


def prolongs_for_any_token(plant: pytest.MonkeyPatch) -> None:
    def heartbeat(item_id: str, _token: str, _caller: Caller, world: World) -> datetime:
        item = world.table.item(item_id)
        if item.claim_token is None:
            raise StaleItem("nobody holds it")
        world.table.prolong(item, item.claim_token, until := world.now() + world.policy.leases[item.channel])
        return until

    plant.setattr(work, "heartbeat", heartbeat)


def gives_back_without_a_version(plant: pytest.MonkeyPatch) -> None:
    def stepped(item: Item, action: Action, at: datetime, right: Any = decide.stepped) -> Item:
        after: Item = right(item, action, at)
        return replace(after, version=item.version) if action == Action.RELEASE else after

    plant.setattr(decide, "stepped", stepped)


def ends_leases_at_sight(plant: pytest.MonkeyPatch) -> None:
    def woken(item_id: str, world: World, right: Any = watch.woken) -> str:
        item = world.table.item(item_id)
        if item.holder is None:
            return str(right(item_id, world))
        step = Step(actor="sortownia", cause="time", at=world.now(), event_id=world.new_id())
        over = replace(item, lease_until=step.at)
        change = decide.expire(over, world.table.customer(item.customer_id), step, {}, world.policy)
        world.table.save(replace(change, before=item), step.at)
        return "ended"

    due = Table.due
    plant.setattr(Table, "due", lambda table, shard, now, *more: due(table, shard, now + timedelta(hours=1), *more))
    plant.setattr(watch, "woken", woken)


def decides_from_old_reads(plant: pytest.MonkeyPatch) -> None:
    """Items are read as they were one read ago, as an index or a replica shows them."""
    right, seen = Table.rows, dict[tuple[str, str], Any]()

    def rows(table: Table, wanted: Any) -> Mapping[tuple[str, str], Any]:
        now = right(table, wanted)
        old = {key: seen.get(key, row) if row["kind"] == "item" else row for key, row in now.items()}
        seen.update(now)
        return old

    plant.setattr(Table, "rows", rows)


@pytest.mark.parametrize(
    ("bug", "check"),
    [
        (writes_whatever_the_version, Check.DISTINCT),
        (tells_nothing, Check.TOLD),
        (claims_whatever_the_state, Check.ONE_HOLDER),
        (prolongs_for_any_token, Check.TOKEN),
        (gives_back_without_a_version, Check.NEXT),
        (ends_leases_at_sight, Check.LEASE),
        (decides_from_old_reads, Check.PRESENT),
    ],
)
def test_a_planted_bug_is_found(
    bug: Callable[[pytest.MonkeyPatch], None], check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug(monkeypatch)
    for seed in range(DAYS):
        seen = a_day(seed, timedelta(0), monkeypatch)
        found = Counter(violation.check for violation in violations(seen.operations, seen.entries))
        if check in found:
            print(f"{bug.__name__} was found on day {seed + 1}: {dict(found)}")
            return
    pytest.fail(f"not found in {DAYS} days")
