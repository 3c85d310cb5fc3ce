"""Whom a chat, or a customer's answer, is offered to before everybody may have it."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import WrongState
from chalicelib.flows.claim import claim_named, next_in_mine, next_in_queue
from chalicelib.flows.presence import set_presence
from chalicelib.flows.ring import ring
from chalicelib.flows.work import decline, finish, give_back, snooze
from chalicelib.item.item import Item
from chalicelib.item.state import State
from chalicelib.rights import Caller
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA, BORIS, CARL
from tests.streams import Stream
from tests.unit.flows.scenes import (
    Meanwhile,
    answer,
    by_bells,
    chat,
    claimed,
    deliver,
    facts,
    forward,
    heard,
    items,
    load,
    now_of,
    present,
    ring_bells,
    ringing,
    ruled,
    told,
    with_deputies,
)

pytestmark = pytest.mark.usefixtures("sound")

ANSWER = {"In_Reply_To": "<m1@customer.example.com>", "sender": "c1@customer.example.com"}


def chats(world: TestWorld, cloud: Cloud, number: int, text: str = "Hello") -> Item:
    """The chat of a visitor of its own."""
    chat(world, f"d{number}", text, conversation=f"c{number}", visitor=f"v{number}")
    return items(cloud)[-1]


def answered_by_anna(world: TestWorld) -> Item:
    """A mail Anna has answered: it waits for the customer."""
    deliver(world, 1)
    return answer(world, claimed(world))[1]


# Chats


def test_a_chat_is_offered_to_the_least_loaded_who_is_there(world: TestWorld, moto_cloud: Cloud) -> None:
    first = chats(world, moto_cloud, 1)
    assert first.offered_to is None  # nobody was there
    claim_named(first.id, ANNA, "", world)
    present(world, ANNA, BORIS)
    second = chats(world, moto_cloud, 2)
    assert (second.state, second.offered_to, second.ring) == (State.QUEUED, "boris", 1)
    assert second.offered_until
    assert second.offered_until - second.created_at == timedelta(minutes=1)
    assert second.wake_at == second.offered_until
    assert (load(world, ANNA), load(world, BORIS)) == ({"chat": 1}, {"chat": 1})
    assert facts(world, second)[0]["offered_to"] == "boris"


def test_an_offer_reserves_its_room(world: TestWorld, moto_cloud: Cloud) -> None:
    present(world, CARL)
    assert chats(world, moto_cloud, 1).offered_to == "carl"
    assert chats(world, moto_cloud, 2).offered_to is None  # one chat is all he may have
    assert load(world, CARL) == {"chat": 1}


def test_mails_he_holds_take_no_room_from_chats_on_offer(world: TestWorld, moto_cloud: Cloud) -> None:
    for number in range(2):
        deliver(world, number)
        claimed(world, caller=CARL)
    assert chats(world, moto_cloud, 1).offered_to == "carl"


def test_a_burst_is_shared_out(world: TestWorld, moto_cloud: Cloud) -> None:
    present(world, ANNA, BORIS)
    offered = [chats(world, moto_cloud, number).offered_to for number in range(6)]
    assert sorted(offered) == ["anna"] * 3 + ["boris"] * 3  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("text", "to"),
    [("Hello", {"anna", "boris", "carl"}), ("#billing", {"anna"}), ("Proszę #pl", {"anna", "carl"})],
)
def test_a_chat_is_offered_to_who_has_the_right_skill_and_language(
    world: TestWorld, moto_cloud: Cloud, text: str, to: set[str]
) -> None:
    present(world, ANNA, BORIS, CARL)
    item = chats(world, moto_cloud, 1, text)
    while item.offered_to:
        item = decline(item.id, item.version, Caller(item.offered_to, frozenset({"agent"})), world)
    assert set(item.asked) == to


def test_who_is_away_or_was_never_seen_is_offered_nothing(world: TestWorld, moto_cloud: Cloud, stream: Stream) -> None:
    set_presence("anna", "away", ANNA, world)
    stream.records()
    assert chats(world, moto_cloud, 1).offered_to is None
    ring(stream.records(), world)
    assert len(heard(moto_cloud, world, "orders")) == 1  # it rings for all instead


def test_who_took_his_last_room_meanwhile_is_passed_over(world: TestWorld, moto_cloud: Cloud) -> None:
    waiting = chats(world, moto_cloud, 1)
    claim_named(chats(world, moto_cloud, 2).id, BORIS, "", world)
    present(world, CARL)  # he carries nothing, Boris one
    with Meanwhile(moto_cloud, lambda: claim_named(waiting.id, CARL, "", world)):
        third = chats(world, moto_cloud, 3)
    assert third.offered_to == "boris"
    assert (load(world, CARL), load(world, BORIS)) == ({"chat": 1}, {"chat": 2})


def test_who_went_away_meanwhile_is_passed_over(world: TestWorld, moto_cloud: Cloud, stream: Stream) -> None:
    present(world, CARL)
    stream.records()
    with Meanwhile(moto_cloud, lambda: set_presence("carl", "away", CARL, world)):
        item = chats(world, moto_cloud, 1)
    assert item.offered_to is None
    ring(stream.records(), world)
    assert len(heard(moto_cloud, world, "orders")) == 1


def test_the_visitors_next_words_leave_the_offer_as_it_is(world: TestWorld, moto_cloud: Cloud) -> None:
    present(world, CARL)
    chat(world, "d1", "Hello")
    (before,) = items(moto_cloud)
    chat(world, "d2", "Anybody? #critical")
    (now,) = items(moto_cloud)
    assert (now.offered_to, now.offered_until, now.version, now.lane) == ("carl", before.offered_until, 2, "urgent")
    assert load(world, CARL) == {"chat": 1}


def test_a_new_mail_is_offered_to_nobody(world: TestWorld, moto_cloud: Cloud) -> None:
    present(world, ANNA, BORIS, CARL)
    deliver(world, 1)
    assert items(moto_cloud)[0].offered_to is None


def test_what_is_set_aside_is_offered_to_nobody(world: TestWorld, moto_cloud: Cloud) -> None:
    present(world, ANNA)
    deliver(world, 1, virus="FAIL")
    assert items(moto_cloud)[0].offered_to is None


# The customer's answer


def test_an_answer_is_offered_to_who_wrote_to_the_customer(world: TestWorld, moto_cloud: Cloud) -> None:
    resting = answered_by_anna(world)
    assert (resting.state, resting.pinned_to) == (State.WAITING, "anna")
    deliver(world, 2, "And now?", **ANSWER)
    (back,) = items(moto_cloud)
    assert (back.state, back.offered_to, back.ring) == (State.QUEUED, "anna", resting.ring + 1)
    assert back.offered_until
    assert back.offered_until - back.changed_at == timedelta(minutes=15)
    assert back.waiting_since == back.changed_at > resting.waiting_since
    assert load(world, ANNA) == {"mail": 1}
    with pytest.raises(WrongState):
        claim_named(back.id, BORIS, "", world)
    assert claim_named(back.id, ANNA, "", world).holder == "anna"


def test_an_answer_on_the_chat_goes_to_who_was_talking_however_loaded(world: TestWorld, moto_cloud: Cloud) -> None:
    present(world, ANNA)
    first = chats(world, moto_cloud, 1)
    answer(world, claim_named(first.id, ANNA, "", world))
    for number in (2, 3):
        claim_named(chats(world, moto_cloud, number).id, ANNA, "", world)
    present(world, BORIS)
    chat(world, "d9", "Thank you, but", conversation="c1", visitor="v1")
    assert now_of(world, first).offered_to == "anna"


@pytest.mark.parametrize("end", ["resolved", "snoozed"])
def test_what_was_done_or_put_off_comes_back_to_who_had_it(world: TestWorld, moto_cloud: Cloud, end: str) -> None:
    deliver(world, 1)
    held = claimed(world)
    if end == "resolved":
        finish(held.id, held.version, ANNA, world)
    else:
        snooze(held.id, held.version, world.now() + timedelta(days=1), ANNA, world)
    deliver(world, 2, **ANSWER)
    (back,) = items(moto_cloud)
    assert (back.state, back.offered_to, back.snoozed_until) == (State.QUEUED, "anna", None)


@pytest.mark.parametrize(
    ("there", "to"),
    [
        ((ANNA, BORIS, CARL), "anna"), ((BORIS, CARL), "boris"), ((CARL,), "carl"), ((), None),
    ],
)  # fmt: skip
def test_in_his_absence_his_deputies_are_asked_in_turn(
    world: TestWorld, moto_cloud: Cloud, stream: Stream, there: tuple[Caller, ...], to: str | None
) -> None:
    """Anna's deputy is Boris, his is Carl, and Carl's is Anna again."""
    with_deputies(world)
    answered_by_anna(world)
    set_presence("anna", "away", ANNA, world)
    present(world, *there)
    stream.records()
    deliver(world, 2, **ANSWER)
    (back,) = items(moto_cloud)
    assert (back.offered_to, back.pinned_to) == (to, "anna")
    ring(stream.records(), world)
    assert len(heard(moto_cloud, world, "orders")) == (to is None)


def test_a_deputy_without_the_right_is_passed_over(world: TestWorld, moto_cloud: Cloud) -> None:
    with_deputies(world)
    ruled(world, ('anna = { skills = ["money"] }', 'anna = { skills = ["money"], deputy = "boris" }'))
    deliver(world, 1, "#billing")
    answer(world, claimed(world, "billing"))
    set_presence("anna", "away", ANNA, world)
    present(world, BORIS)  # he is no member of billing
    deliver(world, 2, **ANSWER)
    assert items(moto_cloud)[0].offered_to is None


def test_without_a_deputy_all_may_have_it(world: TestWorld, moto_cloud: Cloud) -> None:
    answered_by_anna(world)
    set_presence("anna", "away", ANNA, world)
    present(world, BORIS, CARL)
    deliver(world, 2, **ANSWER)
    (back,) = items(moto_cloud)
    assert back.offered_to is None
    assert claimed(world, caller=BORIS).id == back.id


def test_who_is_full_gives_way_to_his_deputy(world: TestWorld, moto_cloud: Cloud) -> None:
    ruled(world, ("carl = { capacity = { mail = 2, chat = 1 } }",
                  'carl = { capacity = { mail = 2, chat = 1 }, deputy = "boris" }'))  # fmt: skip
    deliver(world, 1)
    answer(world, claimed(world, caller=CARL))
    for number in (3, 4):
        deliver(world, number)
        claimed(world, caller=CARL)
    present(world, BORIS)
    deliver(world, 2, **ANSWER)
    assert items(moto_cloud)[0].offered_to == "boris"


# Handing out


def test_a_bell_of_what_is_offered_to_another_rings_on(world: TestWorld, moto_cloud: Cloud) -> None:
    present(world, CARL)
    chats(world, moto_cloud, 1)
    ring_bells(moto_cloud, world)  # an old bell, or one rung too many
    before = moto_cloud.rows()
    by_bells()
    assert next_in_queue("orders", BORIS, "", world) is None
    assert moto_cloud.rows() == before
    assert ringing(moto_cloud, world) == (1, 0)
    by_bells()
    assert claimed(world, caller=CARL).holder == "carl"


def test_the_index_passes_over_what_is_offered_to_another(world: TestWorld, moto_cloud: Cloud) -> None:
    present(world, CARL)
    offered = chats(world, moto_cloud, 1)
    deliver(world, 1)
    assert claimed(world, caller=BORIS).channel == "mail"
    assert next_in_mine(BORIS, "", world) is None
    assert claimed(world, caller=CARL).id == offered.id


def test_an_offer_that_is_over_is_anybodys_before_anybody_has_looked(world: TestWorld, moto_cloud: Cloud) -> None:
    present(world, CARL)
    offered = chats(world, moto_cloud, 1)
    forward(world, seconds=61)
    assert claimed(world, caller=BORIS).id == offered.id
    assert load(world, CARL) == {}


def test_what_is_offered_to_another_meanwhile_is_not_taken_from_him(world: TestWorld, moto_cloud: Cloud) -> None:
    """Boris found it free; before he takes it, it was taken, given back and offered to Carl."""
    item = chats(world, moto_cloud, 1)

    def offered_to_carl() -> None:
        held = claim_named(item.id, ANNA, "", world)
        present(world, CARL)
        give_back(held.id, held.version, ANNA, world)

    with Meanwhile(moto_cloud, offered_to_carl):
        assert next_in_queue("orders", BORIS, "", world) is None
    assert now_of(world, item).offered_to == "carl"


# Declining


def test_a_declined_offer_goes_to_the_next_and_then_to_all(world: TestWorld, moto_cloud: Cloud, stream: Stream) -> None:
    present(world, ANNA, BORIS)
    item = chats(world, moto_cloud, 1)
    stream.records()
    asked: list[Any] = []
    while item.offered_to:
        asked.append(item.offered_to)
        before = item
        item = decline(item.id, item.version, Caller(item.offered_to, frozenset({"agent"})), world)
        assert item.ring == before.ring + 1
        assert (item.waiting_since, item.asked) == (before.waiting_since, tuple(asked))
    assert sorted(asked) == ["anna", "boris"]
    assert (load(world, ANNA), load(world, BORIS)) == ({}, {})
    ring(stream.records(), world)
    assert [bell["ring"] for bell in heard(moto_cloud, world, "orders")] == [item.ring]
    events = told(world, item)
    assert [(e.type, e.actor, e.facts.get("was_offered_to")) for e in events[1:]] == [
        ("offer-declined", name, name) for name in asked
    ]
    assert claimed(world, caller=ANNA).id == item.id  # who declined may still take it
