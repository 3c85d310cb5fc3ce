"""From the table's stream to bells and timers, whatever a record looks like."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.flows.claim import claim_named
from chalicelib.flows.presence import set_presence
from chalicelib.flows.ring import ring, timer
from chalicelib.flows.watch import watch
from chalicelib.flows.work import decline, finish, give_back, heartbeat, snooze, tag
from chalicelib.item.state import State
from chalicelib.store import rows
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA, BORIS, CARL, NOW, SAM, item
from tests.streams import Stream, record
from tests.unit.flows.scenes import (
    Picky,
    Unreachable,
    answer,
    chat,
    claimed,
    deliver,
    forward,
    heard,
    items,
    now_of,
    present,
)

pytestmark = pytest.mark.usefixtures("sound")

REPLY = {"In_Reply_To": "<m1@customer.example.com>", "sender": "c1@customer.example.com"}
HELD = item(state=State.CLAIMED, holder="anna", claim_token="t", lease_until=NOW, wake_at=NOW, version=2)


def timers(cloud: Cloud, world: TestWorld) -> list[Any]:
    return cloud.bodies(world.settings.timer_queue_url)


def parked(cloud: Cloud, world: TestWorld) -> list[Any]:
    return cloud.bodies(world.settings.parking_queue_url)


def all_bells(cloud: Cloud, world: TestWorld) -> dict[tuple[str, str], list[Any]]:
    places = [(queue, lane) for queue in world.policy.queues for lane in ("normal", "urgent")]
    found = {place: heard(cloud, world, *place) for place in places}
    return {place: bells for place, bells in found.items() if bells}


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("order", ("orders", "normal")),
        ("#billing #critical", ("billing", "urgent")),
        ("#unsure #high", ("people", "urgent")),
    ],
)
def test_what_arrives_rings_in_its_queue_and_lane_once(
    world: TestWorld, moto_cloud: Cloud, stream: Stream, words: str, place: tuple[str, str]
) -> None:
    deliver(world, 1, words)
    assert ring(stream.records(), world) == 1
    (found,) = items(moto_cloud)
    bell = {"item_id": found.id, "customer_id": found.customer_id, "ring": 1}
    assert all_bells(moto_cloud, world) == {place: [bell]}
    assert parked(moto_cloud, world) == []


def test_quarantine_rings_too(world: TestWorld, moto_cloud: Cloud, stream: Stream) -> None:
    deliver(world, 1, virus="FAIL")
    ring(stream.records(), world)
    assert list(all_bells(moto_cloud, world)) == [("quarantine", "normal")]


def test_another_message_rings_no_bell(world: TestWorld, moto_cloud: Cloud, stream: Stream) -> None:
    deliver(world, 1)
    stream.records()
    deliver(world, 2, **REPLY)
    assert ring(stream.records(), world) == 0
    assert all_bells(moto_cloud, world) == {}


def test_what_becomes_urgent_rings_in_the_urgent_lane(world: TestWorld, moto_cloud: Cloud, stream: Stream) -> None:
    deliver(world, 1)
    stream.records()
    deliver(world, 2, "Now! #critical", **REPLY)
    assert ring(stream.records(), world) == 1
    ((place, (bell,)),) = all_bells(moto_cloud, world).items()
    assert (place, bell["ring"]) == (("orders", "urgent"), 2)


def test_a_claim_sets_the_timer_of_its_lease(world: TestWorld, moto_cloud: Cloud, stream: Stream) -> None:
    chat(world, "d1", "Hello")
    stream.records()
    held = claimed(world)
    assert ring(stream.records(), world) == 1
    (waiting,) = moto_cloud.sqs.get_queue_attributes(
        QueueUrl=world.settings.timer_queue_url, AttributeNames=["ApproximateNumberOfMessagesDelayed"]
    )["Attributes"].values()
    assert waiting == "1"
    assert all_bells(moto_cloud, world) == {}
    assert held.wake_at
    set_for = timer(held.id, held.wake_at, world.clock.time, world.settings)  # type: ignore[union-attr]
    assert set_for.delay in {119, 120}
    assert json.loads(set_for.body) == {"item_id": held.id}


@pytest.mark.parametrize(
    ("due_in", "delay"),
    [
        (timedelta(seconds=-5), 0), (timedelta(), 0), (timedelta(seconds=0.2), 1), (timedelta(seconds=60), 60),
        (timedelta(seconds=899.5), 900), (timedelta(minutes=15), 900), (timedelta(days=3), 900),
    ],
)  # fmt: skip
def test_a_timer_never_rings_too_early_nor_longer_than_sqs_delays(
    world: TestWorld, due_in: timedelta, delay: int
) -> None:
    assert timer("it1", NOW + due_in, NOW, world.settings).delay == delay


def test_a_sign_of_life_sets_no_timer(world: TestWorld, stream: Stream) -> None:
    deliver(world, 1)
    held = claimed(world)
    stream.records()
    heartbeat(held.id, str(held.claim_token), ANNA, world)
    assert ring(stream.records(), world) == 0


def test_what_is_given_back_rings_anew_and_what_is_done_does_not(
    world: TestWorld, moto_cloud: Cloud, stream: Stream
) -> None:
    deliver(world, 1)
    held = claimed(world)
    stream.records()
    give_back(held.id, held.version, ANNA, world)
    assert ring(stream.records(), world) == 1
    ((place, (bell,)),) = all_bells(moto_cloud, world).items()
    assert (place, bell["ring"]) == (("orders", "normal"), 2)
    held = claimed(world)
    stream.records()
    finish(held.id, held.version, ANNA, world)
    assert ring(stream.records(), world) == 0


# Offers


def delays(cloud: Cloud, world: TestWorld, records: Any) -> list[tuple[str, int]]:
    """Item and delay of the timers that these records ask for."""
    sent: list[Any] = []

    def note(params: Any, **_: Any) -> None:
        if params["QueueUrl"] == world.settings.timer_queue_url:
            sent.extend(params["Entries"])

    events = cloud.sqs.meta.events
    events.register("before-parameter-build.sqs.SendMessageBatch", note)
    try:
        ring(records, world)
    finally:
        events.unregister("before-parameter-build.sqs.SendMessageBatch", note)
    return [(json.loads(entry["MessageBody"])["item_id"], entry["DelaySeconds"]) for entry in sent]


def test_an_offer_rings_no_bell_and_sets_the_timer_of_its_end(
    world: TestWorld, moto_cloud: Cloud, stream: Stream
) -> None:
    present(world, CARL)
    chat(world, "d1", "Hello")
    (offered,) = items(moto_cloud)
    ((item_id, delay),) = delays(moto_cloud, world, stream.records())
    assert item_id == offered.id
    assert delay in {59, 60}
    assert all_bells(moto_cloud, world) == {}
    chat(world, "d2", "Anybody? #critical")  # more urgent, and still on offer: no bell, and the timer stands
    assert ring(stream.records(), world) == 0


def test_an_answer_on_offer_has_a_timer_as_long_as_sqs_delays(
    world: TestWorld, moto_cloud: Cloud, stream: Stream
) -> None:
    deliver(world, 1)
    answer(world, claimed(world))
    stream.records()
    deliver(world, 2, **REPLY)
    assert [delay for _, delay in delays(moto_cloud, world, stream.records())] == [900]


def test_the_next_offer_has_a_timer_of_its_own_and_the_last_that_is_let_go_rings(
    world: TestWorld, moto_cloud: Cloud, stream: Stream
) -> None:
    present(world, CARL)
    chat(world, "d1", "Hello")
    (first,) = items(moto_cloud)
    present(world, BORIS)
    stream.records()
    forward(world, seconds=30)
    second = decline(first.id, first.version, CARL, world)
    assert second.offered_to == "boris"
    ((item_id, delay),) = delays(moto_cloud, world, stream.records())
    assert (item_id, delay in {59, 60}) == (first.id, True)
    assert all_bells(moto_cloud, world) == {}
    forward(world, seconds=61)
    watch(world)
    free = now_of(world, first)
    assert free.offered_to is None
    assert ring(stream.records(), world) == 1
    ((place, (bell,)),) = all_bells(moto_cloud, world).items()
    assert (place, bell["ring"]) == (("orders", "normal"), free.ring)


def test_a_claim_of_an_offer_sets_the_timer_of_its_lease(world: TestWorld, moto_cloud: Cloud, stream: Stream) -> None:
    present(world, CARL)
    chat(world, "d1", "Hello")
    stream.records()
    claim_named(items(moto_cloud)[0].id, CARL, "", world)
    assert [delay in {119, 120} for _, delay in delays(moto_cloud, world, stream.records())] == [True]


def test_what_goes_back_when_somebody_leaves_rings(world: TestWorld, moto_cloud: Cloud, stream: Stream) -> None:
    present(world, CARL)
    chat(world, "d1", "Hello")
    stream.records()
    set_presence("carl", "away", CARL, world)
    assert ring(stream.records(), world) == 1
    assert list(all_bells(moto_cloud, world)) == [("orders", "normal")]


def test_what_rests_neither_rings_nor_has_a_timer_until_it_wakes(
    world: TestWorld, moto_cloud: Cloud, stream: Stream
) -> None:
    deliver(world, 1)
    held = claimed(world)
    stream.records()
    resting = answer(world, held)[1]
    snoozed = snooze(resting.id, resting.version, world.now() + timedelta(hours=1), ANNA, world)
    set_presence("anna", "away", ANNA, world)
    assert ring(stream.records(), world) == 0
    forward(world, minutes=61)
    watch(world)
    ring(stream.records(), world)
    ((place, (bell,)),) = all_bells(moto_cloud, world).items()
    assert (place, bell["item_id"]) == (("orders", "normal"), snoozed.id)


def test_a_decision_about_what_waits_rings_where_it_is_more_urgent(
    world: TestWorld, moto_cloud: Cloud, stream: Stream
) -> None:
    deliver(world, 1)
    (item,) = items(moto_cloud)
    stream.records()
    decided = tag(item.id, item.version, "billing", None, SAM, world)
    assert ring(stream.records(), world) == 0
    tag(decided.id, decided.version, None, "high", SAM, world)
    assert ring(stream.records(), world) == 1
    assert list(all_bells(moto_cloud, world)) == [("orders", "urgent")]


def test_what_leaves_the_table_rings_nothing(world: TestWorld) -> None:
    assert ring([record(rows.item_row(item()), None)], world) == 0


MALFORMED = [
    record(None, {**rows.item_row(item()), "state": "lost"}),
    record(None, {**rows.item_row(item()), "version": "x"}),
    record(None, {"pk": "ITEM#it1", "sk": "ITEM", "kind": "item"}),
    {"eventID": "r", "dynamodb": {"Keys": {}, "NewImage": {"kind": {"X": "item"}}}},
    {"eventID": "r"},
    {},
]


@pytest.mark.parametrize("bad", MALFORMED, ids=range(len(MALFORMED)))
def test_a_record_nobody_understands_is_parked_and_the_rest_handled(
    world: TestWorld, moto_cloud: Cloud, bad: dict[str, Any]
) -> None:
    good = [record(None, rows.item_row(item(id=f"it{n}"))) for n in range(3)]
    assert ring([good[0], bad, *good[1:]], world) == 3
    assert sorted(bell["item_id"] for bell in heard(moto_cloud, world, "orders")) == ["it0", "it1", "it2"]
    (left,) = parked(moto_cloud, world)
    assert (left["reader"], left["event_id"]) == ("ring", bad.get("eventID"))
    assert left["keys"] == bad.get("dynamodb", {}).get("Keys", {})
    assert left["reason"]


def test_the_parking_queue_is_told_keys_and_never_content(world: TestWorld, moto_cloud: Cloud) -> None:
    ring([record(None, {**rows.item_row(item(subject="CANARY")), "ring": "x"})], world)
    (left,) = parked(moto_cloud, world)
    assert "CANARY" not in json.dumps(left)


def test_bells_sqs_refuses_are_parked_and_the_others_ring(world: TestWorld, moto_cloud: Cloud) -> None:
    vars(world)["queues"] = Picky(world, world.settings.work_queue_url("billing", "normal"))
    told = [record(None, rows.item_row(item(id=f"it{n}", queue="billing" if n % 2 else "orders"))) for n in range(5)]
    assert ring(told, world) == 3
    assert sorted(bell["item_id"] for bell in heard(moto_cloud, world, "orders")) == ["it0", "it2", "it4"]
    assert sorted(left["keys"]["pk"]["S"] for left in parked(moto_cloud, world)) == ["ITEM#it1", "ITEM#it3"]


def test_a_queue_that_is_gone_costs_only_the_parking(world: TestWorld, moto_cloud: Cloud) -> None:
    moto_cloud.sqs.delete_queue(QueueUrl=world.settings.work_queue_url("orders", "normal"))
    ring([record(None, rows.item_row(item()))], world)
    assert [left["reason"] for left in parked(moto_cloud, world)] == ["could not be sent"]


def test_without_sqs_nothing_is_raised(world: TestWorld) -> None:
    vars(world)["queues"] = Unreachable()
    assert ring([record(None, rows.item_row(item())), {}], world) == 0


def test_a_whole_batch_rings_every_item(world: TestWorld, moto_cloud: Cloud) -> None:
    told = [record(None, rows.item_row(item(id=f"it{n}"))) for n in range(100)]
    assert ring(told, world) == 100
    assert len({bell["item_id"] for bell in heard(moto_cloud, world, "orders")}) == 100


def test_the_same_claim_told_twice_sets_one_more_timer_and_no_harm(world: TestWorld) -> None:
    claim = record(rows.item_row(item()), rows.item_row(HELD))
    assert ring([claim, claim], world) == 2
    beat = record(rows.item_row(HELD), rows.item_row(replace(HELD, lease_until=NOW + timedelta(minutes=1))))
    assert ring([beat], world) == 0


def test_a_queue_that_is_gone_costs_no_other_queue_its_bells(world: TestWorld, moto_cloud: Cloud) -> None:
    moto_cloud.sqs.delete_queue(QueueUrl=world.settings.work_queue_url("billing", "normal"))
    there = [record(None, rows.item_row(item(id=f"it{n}", queue="orders" if n % 2 else "billing"))) for n in range(5)]
    assert ring(there, world) == 2
    assert sorted(bell["item_id"] for bell in heard(moto_cloud, world, "orders")) == ["it1", "it3"]
    left = moto_cloud.bodies(world.settings.parking_queue_url)
    assert sorted(one["keys"]["pk"]["S"] for one in left) == ["ITEM#it0", "ITEM#it2", "ITEM#it4"]
