"""What happens by itself: leases end, timers are set again, what waits is rung again."""

import json
from typing import Any

import pytest

from chalicelib.flows.ring import ring
from chalicelib.flows.watch import timer_rang, watch, woken
from chalicelib.flows.work import finish, give_back, heartbeat
from chalicelib.item.item import Item
from chalicelib.item.state import State
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA
from tests.streams import Stream
from tests.unit.flows.scenes import chat, claimed, deliver, heard, items
from tests.unit.flows.test_claim import Losing


def forward(world: TestWorld, **how_far: float) -> None:
    assert world.clock
    world.clock.forward(**how_far)


def rang(world: TestWorld, item: Item) -> str:
    return timer_rang(json.dumps({"item_id": item.id}), world)


def delayed(cloud: Cloud, world: TestWorld) -> int:
    name = "ApproximateNumberOfMessagesDelayed"
    url = world.settings.timer_queue_url
    return int(cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


@pytest.fixture
def held(world: TestWorld) -> Item:
    """A chat Anna holds for two minutes."""
    chat(world, "d1", "Hello")
    return claimed(world)


def test_a_lease_that_has_run_out_returns_the_item(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    forward(world, seconds=121)
    assert rang(world, held) == "lease expired"
    (now,) = items(moto_cloud)
    assert (now.state, now.holder, now.ring, now.version) == (State.QUEUED, None, 2, 3)
    assert world.table.agent("anna")["load_chat"] == 0
    event = world.table.history(held.id)[-1]
    assert (event.type, event.actor, event.cause) == ("lease-expired", "sortownia", "lease")


def test_an_early_timer_is_set_again_and_changes_nothing(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    forward(world, seconds=60)
    before = moto_cloud.rows()
    assert rang(world, held) == "set again"
    assert moto_cloud.rows() == before
    assert delayed(moto_cloud, world) == 1


def test_a_sign_of_life_keeps_the_lease_and_its_timer_is_set_again(
    world: TestWorld, moto_cloud: Cloud, held: Item
) -> None:
    forward(world, seconds=100)
    heartbeat(held.id, str(held.claim_token), ANNA, world)
    forward(world, seconds=30)
    assert rang(world, held) == "set again"
    assert watch(world) == {}
    assert items(moto_cloud)[0].holder == "anna"


@pytest.mark.parametrize("act", [give_back, finish])
def test_the_timer_of_a_claim_that_has_ended_does_nothing(
    world: TestWorld, moto_cloud: Cloud, held: Item, act: Any
) -> None:
    act(held.id, held.version, ANNA, world)
    forward(world, minutes=5)
    before = moto_cloud.rows()
    assert rang(world, held) == "nothing to do"
    assert moto_cloud.rows() == before
    assert delayed(moto_cloud, world) == 0


def test_the_timer_of_an_earlier_claim_does_not_end_the_present_one(
    world: TestWorld, moto_cloud: Cloud, held: Item
) -> None:
    forward(world, seconds=110)
    give_back(held.id, held.version, ANNA, world)
    claimed(world)
    forward(world, seconds=15)
    assert rang(world, held) == "set again"
    assert items(moto_cloud)[0].holder == "anna"


def test_a_timer_of_nothing_is_gone(world: TestWorld) -> None:
    assert timer_rang('{"item_id": "nothing"}', world) == "gone"


def test_a_timer_that_rings_twice_ends_a_lease_once(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    forward(world, minutes=3)
    assert [rang(world, held), rang(world, held)] == ["lease expired", "nothing to do"]
    assert items(moto_cloud)[0].version == 3


def test_the_minute_watch_catches_a_lost_timer(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    deliver(world, 1)
    mail = claimed(world)
    forward(world, minutes=3)
    assert watch(world) == {"lease expired": 1}
    assert {item.id: item.state for item in items(moto_cloud)} == {held.id: State.QUEUED, mail.id: State.CLAIMED}
    forward(world, minutes=15)
    assert watch(world) == {"lease expired": 1}
    assert watch(world) == {}


def test_a_lease_holds_until_its_last_moment(world: TestWorld, held: Item) -> None:
    assert watch(world) == {}
    assert woken(held.id, world) == "not yet"


def test_what_waits_for_an_hour_is_rung_again_without_a_step(
    world: TestWorld, moto_cloud: Cloud, stream: Stream
) -> None:
    deliver(world, 1, "#billing #critical")
    (before,) = items(moto_cloud)
    stream.records()
    forward(world, minutes=59)
    assert watch(world) == {}
    forward(world, minutes=2)
    assert watch(world) == {"rung again": 1}
    (bell,) = heard(moto_cloud, world, "billing", "urgent")
    assert (bell["item_id"], bell["ring"]) == (before.id, 1)
    (now,) = items(moto_cloud)
    assert (now.version, now.ring, now.chain) == (before.version, before.ring, before.chain)
    assert now.wake_at
    assert before.wake_at
    assert now.wake_at > before.wake_at
    assert ring(stream.records(), world) == 0  # the stream rings no second bell for it
    assert watch(world) == {}
    assert claimed(world, "billing").version == 2


def test_quarantine_is_rung_again_too(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1, spam="FAIL")
    forward(world, minutes=61)
    assert watch(world) == {"rung again": 1}
    assert len(heard(moto_cloud, world, "quarantine")) == 1


def test_what_is_resolved_wakes_nobody(world: TestWorld, held: Item) -> None:
    finish(held.id, held.version, ANNA, world)
    forward(world, days=1)
    assert watch(world) == {}
    assert woken(held.id, world) == "not yet"


def test_one_item_that_cannot_be_woken_does_not_hold_up_the_rest(
    world: TestWorld, held: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.flows.again.time.sleep", lambda _seconds: None)
    deliver(world, 1)
    forward(world, minutes=61)
    vars(world)["table"] = Losing(world, 12)  # twelve tries: the first item to be woken by a step is given up
    done = watch(world)
    assert done == {"put off: LostRace": 1, "rung again": 1}
    vars(world)["table"] = world.table._table  # type: ignore[attr-defined]
    assert watch(world) == {"lease expired": 1}


def test_losing_a_race_looks_again(world: TestWorld, held: Item) -> None:
    forward(world, minutes=3)
    vars(world)["table"] = Losing(world, 1)
    assert rang(world, held) == "lease expired"
