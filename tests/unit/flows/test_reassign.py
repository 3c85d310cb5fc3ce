"""Passing an item on: to a person, to a queue, to a topic; what it costs the loads, and what is refused."""

from typing import Any

import pytest

from chalicelib.errors import AtCapacity, Invalid, NotAllowed, StaleItem, WrongState
from chalicelib.flows.claim import claim_named
from chalicelib.flows.presence import set_presence
from chalicelib.flows.ring import ring
from chalicelib.flows.work import finish, give_back, heartbeat, reassign, snooze
from chalicelib.item.item import AgentId, Decided, Item
from chalicelib.item.passing import Destination
from chalicelib.item.state import State
from chalicelib.rights import Caller
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA, BORIS, CARL, OLGA, SAM
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
    kinds,
    last_event,
    load,
    now_of,
    present,
    told,
)

pytestmark = pytest.mark.usefixtures("sound")

ANSWER = {"In_Reply_To": "<m1@customer.example.com>", "sender": "c1@customer.example.com"}
BILLING = Destination("queue", "billing")


def passed(world: TestWorld, item: Item, to: str, caller: Caller = ANNA, kind: Any = "agent", reason: str = "") -> Item:
    return reassign(item.id, item.version, Destination(kind, to), reason, caller, world)


@pytest.fixture
def held(world: TestWorld) -> Item:
    """A mail in `orders` that Anna holds."""
    deliver(world, 1)
    return claimed(world)


# To an agent


def test_the_other_agent_holds_it_at_once(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    present(world, BORIS)
    forward(world, minutes=5)
    now = passed(world, held, "boris", reason="He knows the customer.")
    assert items(moto_cloud) == [now]
    assert (now.state, now.holder, now.owner, now.version) == (State.CLAIMED, "boris", "anna", 3)
    assert now.claim_token != held.claim_token
    assert now.lease_until
    assert held.lease_until
    assert now.lease_until > held.lease_until
    assert (load(world, ANNA), load(world, BORIS)) == ({}, {"mail": 1})
    event = told(world, held)[-1]
    assert (event.type, event.actor, event.facts["to_place"], event.facts["was_held_by"]) == (
        "item-reassigned", "anna", "agent boris", "anna",
    )  # fmt: skip
    assert event.payload == {"reason": "He knows the customer."}
    assert (now.hand_offs, now.been) == (1, ("agent anna", "agent boris"))
    heartbeat(now.id, str(now.claim_token), BORIS, world)
    with pytest.raises(StaleItem):
        heartbeat(now.id, str(held.claim_token), ANNA, world)


def test_its_lease_has_a_timer(world: TestWorld, stream: Stream, held: Item) -> None:
    present(world, BORIS)
    stream.records()
    passed(world, held, "boris")
    assert ring(stream.records(), world) == 1


def test_a_supervisor_gives_out_what_waits(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    (item,) = items(moto_cloud)
    present(world, BORIS)
    with pytest.raises(NotAllowed):
        passed(world, item, "boris", ANNA)
    now = passed(world, item, "boris", SAM)
    assert (now.holder, now.owner, now.been) == ("boris", "boris", ("queue orders", "agent boris"))


def test_what_is_offered_to_one_can_be_given_to_another(world: TestWorld, moto_cloud: Cloud) -> None:
    present(world, CARL)
    chat(world, "d1", "Hello")
    (item,) = items(moto_cloud)
    present(world, BORIS)
    now = passed(world, item, "boris", SAM)
    assert (now.holder, now.offered_to) == ("boris", None)
    assert (load(world, CARL), load(world, BORIS)) == ({}, {"chat": 1})


def test_what_is_offered_to_him_can_be_given_to_him(world: TestWorld, moto_cloud: Cloud) -> None:
    present(world, CARL)
    chat(world, "d1", "Hello")
    now = passed(world, items(moto_cloud)[0], "carl", SAM)
    assert (now.holder, load(world, CARL)) == ("carl", {"chat": 1})


@pytest.mark.parametrize("rest", ["waiting", "snoozed"])
def test_what_rests_is_pinned_to_him_and_comes_back_to_him(
    world: TestWorld, moto_cloud: Cloud, held: Item, rest: str
) -> None:
    until = world.now().replace(year=2027)
    resting = answer(world, held)[1] if rest == "waiting" else snooze(held.id, held.version, until, ANNA, world)
    now = passed(world, resting, "boris")  # whether he is there or not
    assert (now.state, now.holder, now.pinned_to, now.snoozed_until) == (
        resting.state, None, "boris", resting.snoozed_until,
    )  # fmt: skip
    assert (load(world, ANNA), load(world, BORIS)) == ({}, {})
    with pytest.raises(NotAllowed):
        passed(world, now, "carl")  # it is Anna's no more
    present(world, BORIS)
    deliver(world, 2, **ANSWER)
    assert now_of(world, held).offered_to == "boris"


def test_what_waits_can_be_given_to_who_had_it_first(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    """The customer answered while she was away, so all may have it; now she is back."""
    answer(world, held)
    set_presence("anna", "away", ANNA, world)
    deliver(world, 2, **ANSWER)
    present(world, ANNA)
    (item,) = items(moto_cloud)
    assert (item.state, item.offered_to, item.pinned_to) == (State.QUEUED, None, "anna")
    assert passed(world, item, "anna", SAM).holder == "anna"


@pytest.mark.parametrize("there", ["holder", "pinned"])
def test_who_has_it_already_is_given_nothing(world: TestWorld, moto_cloud: Cloud, held: Item, there: str) -> None:
    item = held if there == "holder" else answer(world, held)[1]
    before = moto_cloud.rows()
    with pytest.raises(WrongState) as refused:
        passed(world, item, "anna", SAM)
    assert refused.value.present == item
    assert moto_cloud.rows() == before


@pytest.mark.parametrize("presence", ["away", "unknown"])
def test_nothing_is_given_to_who_is_not_there(world: TestWorld, moto_cloud: Cloud, held: Item, presence: str) -> None:
    if presence == "away":
        set_presence("boris", "away", BORIS, world)
    before = moto_cloud.rows()
    with pytest.raises(AtCapacity) as refused:
        passed(world, held, "boris")
    assert refused.value.present == held
    assert moto_cloud.rows() == before


def test_nothing_is_given_to_who_has_no_room(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    for number in (2, 3):
        deliver(world, number)
        claimed(world, caller=CARL)
    before = moto_cloud.rows()
    with pytest.raises(AtCapacity):
        passed(world, held, "carl")
    assert moto_cloud.rows() == before


@pytest.mark.parametrize(("words", "to"), [("#billing", "boris"), ("#billing", "carl"), ("Proszę #pl", "boris")])
@pytest.mark.parametrize("resting", [False, True])
def test_nothing_is_given_to_who_may_not_hold_it(
    world: TestWorld, moto_cloud: Cloud, words: str, to: str, resting: bool
) -> None:
    deliver(world, 1, words)
    held = claimed(world, "billing" if "billing" in words else "orders")
    item = answer(world, held)[1] if resting else held
    present(world, BORIS, CARL)
    before = moto_cloud.rows()
    with pytest.raises(Invalid, match="to_agent"):
        passed(world, item, to)
    assert moto_cloud.rows() == before


# To a queue


def test_another_queue_gets_it_and_rings(world: TestWorld, moto_cloud: Cloud, stream: Stream, held: Item) -> None:
    stream.records()
    now = passed(world, held, "billing", kind="queue", reason="It is about money.")
    assert (now.state, now.queue, now.holder, now.ring) == (State.QUEUED, "billing", None, held.ring + 1)
    assert now.reason == "passed on by anna"
    assert now.waiting_since == now.changed_at  # its new queue has not let anybody wait yet
    assert load(world, ANNA) == {}
    ring(stream.records(), world)
    assert [bell["ring"] for bell in heard(moto_cloud, world, "billing")] == [now.ring]
    assert kinds(moto_cloud).get("label") is None
    assert told(world, held)[-1].payload == {"reason": "It is about money."}
    assert claimed(world, "billing").id == held.id


def test_what_waits_keeps_its_place(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    (item,) = items(moto_cloud)
    forward(world, minutes=5)
    now = passed(world, item, "billing", SAM, "queue")
    assert now.waiting_since == item.waiting_since


def test_a_chat_in_another_queue_is_offered_there_but_not_to_who_passed_it_on(
    world: TestWorld, moto_cloud: Cloud
) -> None:
    chat(world, "d1", "Hello")
    held = claimed(world)
    now = passed(world, held, "people", kind="queue")
    assert now.offered_to is None  # Anna alone is there
    held = claim_named(now.id, ANNA, "", world)
    present(world, BORIS)
    now = passed(world, held, "orders", kind="queue")
    assert now.offered_to == "boris"
    assert (load(world, ANNA), load(world, BORIS)) == ({}, {"chat": 1})


@pytest.mark.parametrize("kind", ["queue", "topic"])
def test_a_chat_is_offered_to_those_of_its_new_queue(world: TestWorld, kind: str) -> None:
    """Bills are Anna's alone; orders are Boris's too."""
    chat(world, "d1", "#billing")
    held = claimed(world, "billing")
    present(world, BORIS)
    now = passed(world, held, {"queue": "orders", "topic": "order"}[kind], kind=kind)
    assert (now.queue, now.offered_to) == ("orders", "boris")


def test_an_offer_ends_when_the_item_goes_elsewhere(world: TestWorld, moto_cloud: Cloud) -> None:
    present(world, CARL)
    chat(world, "d1", "Hello")
    now = passed(world, items(moto_cloud)[0], "billing", SAM, "queue")
    assert (now.offered_to, load(world, CARL)) == (None, {})


def test_its_own_queue_gets_it_back_for_all(world: TestWorld, held: Item) -> None:
    now = passed(world, held, "orders", kind="queue")
    assert (now.state, now.queue, now.holder) == (State.QUEUED, "orders", None)


def test_what_rests_goes_there_when_it_wakes(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    resting = answer(world, held)[1]
    now = passed(world, resting, "billing", kind="queue")
    assert (now.state, now.queue, now.pinned_to, now.ring) == (State.WAITING, "billing", None, resting.ring)
    deliver(world, 2, **ANSWER)
    woken = now_of(world, held)
    assert (woken.state, woken.queue, woken.offered_to) == (State.QUEUED, "billing", None)


def test_what_was_set_aside_becomes_work_where_it_is_sent(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1, spam="FAIL")
    held = claimed(world, "quarantine")
    now = passed(world, held, "orders", kind="queue")
    assert (now.state, now.queue) == (State.QUEUED, "orders")
    assert claimed(world, "orders", BORIS).id == held.id


# To a topic


def test_another_topic_is_a_correction_and_a_move(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    now = passed(world, held, "billing", kind="topic")
    assert (now.state, now.queue, now.reason) == (State.QUEUED, "billing", "topic billing, says anna")
    event = last_event(world, held)
    assert now.decided == Decided(topic="billing", urgency="normal", by=AgentId("anna"), at=event.at)
    (label,) = (row for row in moto_cloud.rows() if row["kind"]["S"] == "label")
    assert (label["topic"]["S"], label["topic_was"]["S"], label["event_id"]["S"]) == ("billing", "order", event.id)
    assert event.facts["topic"] == "billing"


def test_a_resting_item_is_corrected_without_being_woken(world: TestWorld, held: Item) -> None:
    now = passed(world, answer(world, held)[1], "billing", kind="topic")
    assert (now.state, now.queue, now.decided and now.decided.topic) == (State.WAITING, "billing", "billing")


# Where to


@pytest.mark.parametrize(
    ("kind", "to"),
    [("agent", "nobody"), ("queue", "nowhere"), ("queue", "quarantine"), ("topic", "cars"), ("agent", "sam")],
)
def test_a_place_the_desk_does_not_have_is_refused(
    world: TestWorld, moto_cloud: Cloud, held: Item, kind: str, to: str
) -> None:
    before = moto_cloud.rows()
    with pytest.raises(Invalid, match=f"to_{kind}"):
        passed(world, held, to, kind=kind)
    assert moto_cloud.rows() == before


@pytest.mark.parametrize("caller", [BORIS, OLGA, Caller("eve", frozenset())])
@pytest.mark.parametrize(("kind", "to"), [("agent", "carl"), ("queue", "billing"), ("topic", "billing")])
def test_who_does_not_hold_it_passes_nothing_on(
    world: TestWorld, moto_cloud: Cloud, held: Item, caller: Caller, kind: str, to: str
) -> None:
    present(world, CARL)
    before = moto_cloud.rows()
    with pytest.raises(NotAllowed):
        passed(world, held, to, caller, kind)
    with pytest.raises(StaleItem):
        reassign(held.id, held.version - 1, Destination(kind, to), "", ANNA, world)  # type: ignore[arg-type]
    assert moto_cloud.rows() == before


def test_what_is_done_is_not_passed_on(world: TestWorld, held: Item) -> None:
    done = finish(held.id, held.version, ANNA, world)
    for kind, to in (("agent", "boris"), ("queue", "billing"), ("topic", "billing")):
        with pytest.raises(WrongState):
            passed(world, done, to, kind=kind)


# Hand-offs


def test_places_are_counted_and_ping_pong_is_told(
    world: TestWorld, capsys: pytest.CaptureFixture[str], held: Item
) -> None:
    present(world, BORIS)
    there = passed(world, held, "boris")
    assert "PingPong" not in capsys.readouterr().out
    back = passed(world, there, "anna", BORIS)
    assert (back.hand_offs, back.been) == (2, ("agent anna", "agent boris", "agent anna"))
    assert last_event(world, held).facts["ping_pong"] is True
    assert "PingPong" in capsys.readouterr().out
    elsewhere = passed(world, back, "billing", kind="queue")
    assert elsewhere.hand_offs == 3
    assert "PingPong" not in capsys.readouterr().out


def test_of_many_places_the_last_are_remembered(world: TestWorld, held: Item) -> None:
    present(world, BORIS)
    now = held
    for _ in range(8):
        now = passed(world, now, "boris")
        now = passed(world, now, "anna", BORIS)
    assert (now.hand_offs, len(now.been), now.been[-1]) == (16, 12, "agent anna")


# Races


def test_who_loses_a_race_decides_again(world: TestWorld, held: Item) -> None:
    present(world, BORIS)
    vars(world)["table"] = Losing(world, 2)
    assert passed(world, held, "boris").version == 3


def test_a_change_meanwhile_makes_it_stale(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    present(world, BORIS)
    with (
        Meanwhile(moto_cloud, lambda: give_back(held.id, held.version, SAM, world)),
        pytest.raises(StaleItem) as refused,
    ):
        passed(world, held, "boris")
    assert refused.value.present == now_of(world, held)
    assert load(world, BORIS) == {}


def test_who_is_set_away_meanwhile_is_given_nothing(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    present(world, BORIS)
    with (
        Meanwhile(moto_cloud, lambda: set_presence("boris", "away", BORIS, world)),
        pytest.raises(AtCapacity),
    ):
        passed(world, held, "boris")
    assert (agent(world, "boris").presence, now_of(world, held).holder) == ("away", "anna")
