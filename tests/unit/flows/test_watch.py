"""What happens by itself: leases end, timers are set again, what waits is rung again."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.flows.claim import claim_named
from chalicelib.flows.presence import set_presence
from chalicelib.flows.ring import ring
from chalicelib.flows.watch import timer_rang, watch, woken
from chalicelib.flows.work import finish, give_back, heartbeat, snooze
from chalicelib.item.item import Item
from chalicelib.item.state import State
from chalicelib.store import keys, rows
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA, BORIS, CARL
from tests.streams import Stream
from tests.unit.flows.scenes import (
    Losing,
    Meanwhile,
    agent,
    answer,
    chat,
    claimed,
    deliver,
    forward,
    heard,
    items,
    last_event,
    load,
    now_of,
    present,
    with_deputies,
)

pytestmark = pytest.mark.usefixtures("sound")


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
    assert load(world, ANNA) == {}
    event = last_event(world, held)
    assert (event.type, event.actor, event.cause) == ("lease-expired", "sortownia", "time")
    assert agent(world, "anna").presence == "present"  # a lease that ends says nothing of who held it


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


# Offers


@pytest.fixture
def offered(world: TestWorld, moto_cloud: Cloud) -> Item:
    """A chat on offer to Carl, who alone is there and holds a mail besides."""
    present(world, CARL)
    deliver(world, 1)
    claimed(world, caller=CARL)
    chat(world, "d1", "Hello")
    return items(moto_cloud)[1]


@pytest.mark.parametrize("by", ["timer", "watch"])
def test_who_lets_a_chat_wait_is_set_away_and_all_he_had_goes_on(
    world: TestWorld, moto_cloud: Cloud, stream: Stream, capsys: pytest.CaptureFixture[str], offered: Item, by: str
) -> None:
    stream.records()
    forward(world, seconds=59)
    assert watch(world) == {}
    forward(world, seconds=2)
    assert (rang(world, offered) if by == "timer" else watch(world)) == (
        "offer lapsed" if by == "timer" else {"offer lapsed": 1}
    )
    mail, item = items(moto_cloud)
    assert (item.state, item.offered_to, item.asked, item.ring) == (State.QUEUED, None, ("carl",), 2)
    assert (mail.state, mail.holder) == (State.QUEUED, None)
    assert (agent(world, "carl").presence, load(world, CARL)) == ("away", {})
    event = last_event(world, item)
    assert (event.type, event.actor, event.facts["was_offered_to"]) == ("offer-lapsed", "sortownia", "carl")
    said = capsys.readouterr().out
    assert '"PresenceSilent": 1' in said
    assert ('"LeaseEndedByWatch": 1' in said) == (by == "watch")
    ring(stream.records(), world)
    assert sorted(bell["item_id"] for bell in heard(moto_cloud, world, "orders")) == sorted([mail.id, item.id])
    forward(world, seconds=61)
    assert watch(world) == {"nothing to do": 1}  # looked after once more, in case the index was late
    assert watch(world) == {}


def test_an_offer_that_lapses_goes_to_the_next_who_is_there(world: TestWorld, offered: Item) -> None:
    present(world, BORIS)
    forward(world, seconds=61)
    assert rang(world, offered) == "offer lapsed"
    item = now_of(world, offered)
    assert (item.offered_to, item.asked) == ("boris", ("carl",))
    assert item.offered_until
    assert item.offered_until - item.changed_at == timedelta(minutes=1)
    assert rang(world, offered) == "set again"
    forward(world, seconds=61)
    assert rang(world, offered) == "offer lapsed"
    assert now_of(world, offered).offered_to is None
    assert rang(world, offered) == "nothing to do"


def test_an_answer_nobody_took_up_goes_to_the_deputy_and_who_was_busy_stays(
    world: TestWorld, moto_cloud: Cloud
) -> None:
    with_deputies(world)
    deliver(world, 1)
    answer(world, claimed(world))
    present(world, BORIS)
    deliver(world, 2, In_Reply_To="<m1@customer.example.com>", sender="c1@customer.example.com")
    forward(world, minutes=16)
    assert watch(world)["offer lapsed"] == 1
    (item,) = items(moto_cloud)
    assert (item.offered_to, item.pinned_to) == ("boris", "anna")
    assert agent(world, "anna").presence == "present"  # mail may wait while one talks to somebody


def test_who_claims_in_time_is_not_silent(world: TestWorld, moto_cloud: Cloud, offered: Item) -> None:
    forward(world, seconds=50)
    claim_named(offered.id, CARL, "", world)
    forward(world, seconds=11)
    assert rang(world, offered) == "set again"  # for its lease
    assert watch(world) == {}
    assert agent(world, "carl").presence == "present"


def test_who_claims_at_the_last_moment_keeps_it(world: TestWorld, moto_cloud: Cloud, offered: Item) -> None:
    """The timer rang, and he took it before the timer had decided."""
    forward(world, seconds=61)
    with Meanwhile(moto_cloud, lambda: claim_named(offered.id, CARL, "", world)):
        assert rang(world, offered) == "not yet"
    assert now_of(world, offered).holder == "carl"
    assert (agent(world, "carl").presence, load(world, CARL)) == ("present", {"mail": 1, "chat": 1})


def test_an_offer_lapses_once(world: TestWorld, moto_cloud: Cloud, offered: Item) -> None:
    forward(world, seconds=61)
    with Meanwhile(moto_cloud, lambda: watch(world)):
        assert rang(world, offered) == "not yet"
    assert [event.type for event in world.table.history(offered.id)].count("offer-lapsed") == 1


# Putting off


@pytest.mark.parametrize("there", [True, False])
def test_what_was_put_off_wakes_for_who_had_it(
    world: TestWorld, moto_cloud: Cloud, stream: Stream, there: bool
) -> None:
    deliver(world, 1)
    held = claimed(world)
    snooze(held.id, held.version, world.now() + timedelta(hours=2), ANNA, world)
    if not there:
        set_presence("anna", "away", ANNA, world)
    stream.records()
    forward(world, minutes=119)
    assert "woken" not in watch(world)
    forward(world, minutes=2)
    assert watch(world)["woken"] == 1
    item = now_of(world, held)
    assert (item.state, item.snoozed_until, item.ring) == (State.QUEUED, None, held.ring + 1)
    assert item.offered_to == ("anna" if there else None)
    assert item.waiting_since == item.changed_at
    event = last_event(world, item)
    assert (event.type, event.facts["reason"]) == ("item-woken", "its time has come")
    ring(stream.records(), world)
    assert len(heard(moto_cloud, world, "orders")) == (not there)


def test_who_takes_it_up_before_its_time_is_not_disturbed(world: TestWorld, held: Item) -> None:
    resting = snooze(held.id, held.version, world.now() + timedelta(minutes=1), ANNA, world)
    taken = claim_named(resting.id, ANNA, "", world)
    forward(world, seconds=61)
    assert watch(world) == {}
    assert now_of(world, held) == taken


# Rows that fail


@pytest.mark.usefixtures("rows_by_hand")
@pytest.mark.parametrize("broken", ["no customer", "unreadable", "no such kind"])
def test_a_row_that_fails_every_minute_holds_up_no_other(
    world: TestWorld, moto_cloud: Cloud, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    for number in range(12):
        deliver(world, number)
        claimed(world)
    made = sorted(items(moto_cloud), key=lambda item: (keys.wake_shard(item.id), item.created_at))
    bad, others = made[0], made[1:]  # the first the watch looks at
    row = rows.item_row(bad)
    spoiled = {
        "no customer": {**row, "customer_id": "gone"},
        "unreadable": {**row, "state": "lost", "version": "x"},
        "no such kind": {**row, "kind": "else"},
    }[broken]
    moto_cloud.dynamodb.put_item(TableName="desk-table", Item=rows.to_wire(spoiled))
    forward(world, minutes=16)
    with caplog.at_level(logging.WARNING, "sortownia"):
        done = watch(world)
    assert done.pop("lease expired") == len(others)
    assert sum(done.values()) == 1
    assert next(iter(done)).startswith("put off: ")
    assert caplog.records
    assert {now_of(world, item).state for item in others} == {State.QUEUED}
