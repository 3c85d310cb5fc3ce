"""Answering the customer: once, to whom he said, and nothing leaves that is not written down."""

import json
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from chalicelib.errors import Conflict, Invalid, NotAllowed, StaleItem, Unavailable, Unknown, WrongState
from chalicelib.flows.claim import claim_named
from chalicelib.flows.reply import reply, status
from chalicelib.flows.work import finish, give_back, heartbeat
from chalicelib.item.item import Item
from chalicelib.item.outgoing import SENT_AGAIN_AFTER, Outgoing, Status
from chalicelib.item.reply import Then
from chalicelib.item.state import State
from chalicelib.outgoing import token
from chalicelib.rights import Caller
from chalicelib.store import keys, rows
from tests.cloud import BUCKETS, Cloud, TestWorld
from tests.desk import ANNA, BORIS, OLGA, SAM
from tests.unit.flows.scenes import (
    Losing,
    Meanwhile,
    Unreachable,
    answer,
    chat,
    claimed,
    deliver,
    forward,
    items,
    kinds,
    load,
    now_of,
    ruled,
    told,
)

pytestmark = pytest.mark.usefixtures("sound")

ANSWER = {"In_Reply_To": "<m1@customer.example.com>", "sender": "c1@customer.example.com"}
TEXT = "It comes tomorrow."


def written(world: TestWorld, outgoing: Outgoing) -> EmailMessage:
    """The mail as it stands in S3, read by somebody else's parser."""
    parsed = message_from_bytes(world.raw.read(outgoing.raw_key), policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def stored(cloud: Cloud) -> list[str]:
    """Names of all replies in S3."""
    listed = cloud.s3.list_objects_v2(Bucket=BUCKETS[0], Prefix="out/").get("Contents", [])
    return [entry["Key"] for entry in listed]


@pytest.fixture
def held(world: TestWorld) -> Item:
    """A mail Anna holds."""
    deliver(world, 1, sender="Piotr Żak <c1@customer.example.com>", References="<m0@customer.example.com>")
    return claimed(world)


@pytest.fixture
def talking(world: TestWorld) -> Item:
    """A chat Anna holds."""
    chat(world, "d1", "Hello")
    return claimed(world)


# What is written


def test_a_reply_is_in_the_outbox_and_the_item_waits_for_the_customer(
    world: TestWorld, moto_cloud: Cloud, held: Item
) -> None:
    outgoing, item = answer(world, held, TEXT)
    assert world.table.outgoing(outgoing.id) == outgoing
    assert items(moto_cloud) == [item]
    assert (item.state, item.holder, item.pinned_to, item.wake_at) == (State.WAITING, None, "anna", None)
    assert load(world, ANNA) == {}
    assert (outgoing.status, outgoing.item_id, outgoing.to, outgoing.source, outgoing.channel) == (
        Status.QUEUED, held.id, "c1@customer.example.com", "help@shop.example.com", "mail",
    )  # fmt: skip
    assert outgoing.wake_at == outgoing.queued_at + SENT_AGAIN_AFTER
    event = told(world, item)[-1]
    assert (event.type, event.id, event.actor, event.version) == ("reply-queued", outgoing.event_id, "anna", 3)
    assert event.facts["reply"] == outgoing.id
    assert event.payload == {
        "to": "c1@customer.example.com", "name": "Piotr Żak", "subject": "Re: Parcel", "written": TEXT,
        "shortened": False, "raw": f"out/{outgoing.id}",
    }  # fmt: skip
    assert kinds(moto_cloud)["outbox"] == 1
    assert kinds(moto_cloud)["token"] == 1


def test_the_whole_mail_is_stored_as_it_will_leave(world: TestWorld, held: Item) -> None:
    outgoing, item = answer(world, held, TEXT + " Ż" * 3000)
    mail = written(world, outgoing)
    mark = token.token(
        world.table.customer(item.customer_id).key, item.id, "help@shop.example.com", "c1@customer.example.com"
    )
    assert {name: str(mail[name]) for name in ("From", "To", "Subject", "In-Reply-To", "References", "Reply-To")} == {
        "From": "Help <help@shop.example.com>", "To": "Piotr Żak <c1@customer.example.com>", "Subject": "Re: Parcel",
        "In-Reply-To": "<m1@customer.example.com>",
        "References": "<m0@customer.example.com> <m1@customer.example.com>",
        "Reply-To": f"Help <help+{mark}@shop.example.com>",
    }  # fmt: skip
    assert mail.get_content().rstrip() == TEXT + " Ż" * 3000
    assert told(world, item)[-1].payload["shortened"] is True  # type: ignore[index]
    (row,) = world.table.rows([keys.token_key(mark)]).values()
    assert rows.token_of(row).item_id == item.id


def test_a_reply_on_the_chat_goes_into_its_conversation(world: TestWorld, moto_cloud: Cloud, talking: Item) -> None:
    outgoing, item = answer(world, talking, TEXT)
    assert (outgoing.channel, outgoing.source, outgoing.to) == ("chat", "shop-widget", "c1")
    body = json.loads(world.raw.read(outgoing.raw_key))
    assert (body["id"], body["conversation"], body["text"]) == (outgoing.id, "c1", TEXT)
    assert (item.state, load(world, ANNA)) == (State.WAITING, {})
    assert "token" not in kinds(moto_cloud)


@pytest.mark.parametrize(
    ("then", "state", "holder", "pinned"),
    [
        (Then.WAIT, State.WAITING, None, "anna"),
        (Then.KEEP, State.CLAIMED, "anna", None),
        (Then.RESOLVE, State.RESOLVED, None, "anna"),
    ],
)
def test_after_a_reply_the_item_waits_stays_or_is_done(
    world: TestWorld, held: Item, then: Then, state: State, holder: str | None, pinned: str | None
) -> None:
    _, item = answer(world, held, then=then)
    assert (item.state, item.holder, item.pinned_to) == (state, holder, pinned)
    assert load(world, ANNA) == ({"mail": 1} if holder else {})
    assert told(world, item)[-1].facts["then"] == then
    if then == Then.KEEP:
        assert (item.claim_token, item.lease_until) == (held.claim_token, held.lease_until)
        second, _ = answer(world, item, "And one thing more.")
        assert second.status == Status.QUEUED


def test_the_envelope_says_nothing_a_person_wrote(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    answer(world, held, "CANARY words")
    events = [row for row in moto_cloud.rows() if row["kind"]["S"] == "event"]
    assert "canary" not in str(events).lower()
    assert "c1@customer" not in str(events)


# To whom


def test_a_reply_goes_to_the_reply_to_of_the_newest_message_and_stays_with_it(
    world: TestWorld, moto_cloud: Cloud
) -> None:
    deliver(world, 1, Reply_To="first@customer.example.com")
    deliver(world, 2, Reply_To="Second <second@customer.example.com>", **ANSWER)
    held = claimed(world)
    outgoing, item = answer(world, held, then=Then.KEEP)
    deliver(world, 3, Reply_To="third@customer.example.com", **ANSWER)
    assert world.table.outgoing(outgoing.id).to == "second@customer.example.com"
    mail = written(world, outgoing)
    assert (str(mail["To"]), str(mail["In-Reply-To"])) == (
        "Second <second@customer.example.com>", "<m2@customer.example.com>",
    )  # fmt: skip
    second, _ = answer(world, now_of(world, item))
    assert second.to == "third@customer.example.com"


def test_a_message_that_comes_while_one_writes_makes_the_reply_stale(
    world: TestWorld, moto_cloud: Cloud, held: Item
) -> None:
    with (
        Meanwhile(moto_cloud, lambda: deliver(world, 2, Reply_To="other@customer.example.com", **ANSWER)),
        pytest.raises(StaleItem) as refused,
    ):
        answer(world, held)
    assert refused.value.present == now_of(world, held)
    assert "outbox" not in kinds(moto_cloud)


def test_a_matter_is_answered_by_the_mailbox_it_came_to(world: TestWorld) -> None:
    ruled(world, ("[mailboxes]", '[mailboxes]\n"sales@shop.example.com" = "Sales"'))
    deliver(world, 1)
    outgoing, _ = answer(world, claimed(world))
    assert outgoing.source == "help@shop.example.com"
    assert str(written(world, outgoing)["From"]) == "Help <help@shop.example.com>"


def test_a_matter_that_came_by_a_mailbox_that_is_no_more_is_answered_by_the_first(world: TestWorld) -> None:
    deliver(world, 1)
    held = claimed(world)
    ruled(world, ('"help@shop.example.com" = "Help"', '"hello@shop.example.com" = "Hello"'))
    outgoing, _ = answer(world, held)
    assert outgoing.source == "hello@shop.example.com"
    assert str(written(world, outgoing)["From"]) == "Hello <hello@shop.example.com>"


def test_what_nobody_could_read_has_nobody_to_answer(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1, virus="FAIL")
    held = claimed(world, "quarantine")
    before = moto_cloud.rows()
    with pytest.raises(Invalid, match="to"):
        answer(world, held)
    assert moto_cloud.rows() == before
    assert stored(moto_cloud) == []


@pytest.mark.parametrize("address", ["nobody", "x@localhost", "x@192.0.2.7"])
def test_an_address_that_cannot_be_written_to_is_refused(world: TestWorld, moto_cloud: Cloud, address: str) -> None:
    deliver(world, 1, sender=address, dmarc="FAIL")
    held = claimed(world)
    before = moto_cloud.rows()
    with pytest.raises(Invalid, match="to"):
        answer(world, held)
    assert moto_cloud.rows() == before
    assert stored(moto_cloud) == []


# The same request again


@pytest.mark.parametrize("then", list(Then))
def test_the_same_request_again_gets_the_same_reply(
    world: TestWorld, moto_cloud: Cloud, held: Item, then: Then
) -> None:
    first = answer(world, held, TEXT, then, key="k1")
    before = moto_cloud.rows()
    assert answer(world, held, TEXT, then, key="k1") == first
    assert moto_cloud.rows() == before
    assert stored(moto_cloud) == [first[0].raw_key]


def test_the_same_request_again_shows_how_far_the_reply_has_come(world: TestWorld, held: Item) -> None:
    outgoing, item = answer(world, held, key="k1")
    forward(world, minutes=9)
    held_again = claim_named(item.id, BORIS, "", world)
    again, now = answer(world, held, key="k1")
    assert (again.id, now) == (outgoing.id, held_again)


def test_other_words_under_the_same_key_are_refused(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    _, item = answer(world, held, TEXT, Then.KEEP, key="k1")
    deliver(world, 2, sender="c2@customer.example.com")
    other = claimed(world)
    before = moto_cloud.rows()
    for asked in (
        lambda: answer(world, item, "Something else.", Then.KEEP, key="k1"),
        lambda: answer(world, item, TEXT, Then.WAIT, key="k1"),
        lambda: answer(world, other, TEXT, Then.KEEP, key="k1"),
    ):
        with pytest.raises(Conflict) as refused:
            asked()
        assert refused.value.present == item
    assert moto_cloud.rows() == before


def test_a_key_a_claim_was_answered_under_is_no_replys_and_the_other_way_round(
    world: TestWorld, moto_cloud: Cloud, held: Item
) -> None:
    deliver(world, 2, sender="c2@customer.example.com")
    other = claim_named(items(moto_cloud)[1].id, ANNA, "k1", world)
    with pytest.raises(Conflict):
        answer(world, held, key="k1")
    answer(world, held, key="k2")
    for asked in (lambda: claim_named(other.id, ANNA, "k2", world), lambda: claimed(world, key="k2")):
        with pytest.raises(WrongState):
            asked()
    assert kinds(moto_cloud)["outbox"] == 1


def test_a_key_belongs_to_one_agent(world: TestWorld, held: Item) -> None:
    first, item = answer(world, held, key="k1")
    second, _ = answer(world, claim_named(item.id, BORIS, "", world), key="k1")
    assert first.id != second.id


@pytest.mark.parametrize("then", list(Then))
def test_the_same_request_twice_at_once_is_one_reply(
    world: TestWorld, moto_cloud: Cloud, held: Item, then: Then
) -> None:
    """Both asked before either was answered."""
    first: list[Any] = []
    with Meanwhile(moto_cloud, lambda: first.append(answer(world, held, TEXT, then, key="k1"))):
        second = answer(world, held, TEXT, then, key="k1")
    assert [second] == first
    assert kinds(moto_cloud)["outbox"] == 1
    assert [event.type for event in told(world, held)].count("reply-queued") == 1
    assert set(stored(moto_cloud)) >= {second[0].raw_key}


def test_two_replies_at_once_without_a_key_are_not_both_sent(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    with Meanwhile(moto_cloud, lambda: answer(world, held, TEXT, Then.KEEP)), pytest.raises(StaleItem):
        answer(world, held, "In the other window.", Then.KEEP)
    assert kinds(moto_cloud)["outbox"] == 1


# Who, and when


@pytest.mark.parametrize("caller", [BORIS, SAM, OLGA, Caller("anna", frozenset({"supervisor"}))])
def test_only_the_agent_who_holds_it_answers(world: TestWorld, moto_cloud: Cloud, held: Item, caller: Caller) -> None:
    before = moto_cloud.rows()
    with pytest.raises(NotAllowed):
        reply(held.id, held.version, TEXT, Then.WAIT, "", caller, world)
    assert moto_cloud.rows() == before
    assert stored(moto_cloud) == []


@pytest.mark.parametrize("end", [give_back, finish])
def test_who_held_it_once_answers_no_more(world: TestWorld, moto_cloud: Cloud, held: Item, end: Any) -> None:
    ended = end(held.id, held.version, ANNA, world)
    before = moto_cloud.rows()
    with pytest.raises(StaleItem) as refused:
        answer(world, held)
    assert refused.value.present == ended
    with pytest.raises(NotAllowed):
        reply(ended.id, ended.version, TEXT, Then.WAIT, "", ANNA, world)
    assert moto_cloud.rows() == before


def test_an_item_that_is_not_there_is_unknown(world: TestWorld) -> None:
    with pytest.raises(Unknown):
        reply("nothing", 1, TEXT, Then.WAIT, "", ANNA, world)


# In which order


def test_the_bytes_are_stored_before_anything_names_them(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    seen: list[Any] = []
    with Meanwhile(moto_cloud, lambda: seen.extend([*stored(moto_cloud), kinds(moto_cloud).get("outbox")])):
        outgoing, _ = answer(world, held)
    assert seen == [f"out/{outgoing.id}", None]


def test_without_a_place_for_the_bytes_nothing_is_written(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    before = moto_cloud.rows()
    vars(world)["raw"] = Unreachable()
    with pytest.raises(Unavailable):
        answer(world, held)
    assert moto_cloud.rows() == before


def test_who_loses_a_race_writes_one_reply(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    vars(world)["table"] = Losing(world, 2)
    outgoing, _ = answer(world, held)
    assert kinds(moto_cloud)["outbox"] == 1
    assert stored(moto_cloud) == [outgoing.raw_key]


def test_a_sign_of_life_meanwhile_does_no_harm(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    def beats() -> None:
        forward(world, minutes=5)
        heartbeat(held.id, str(held.claim_token), ANNA, world)

    with Meanwhile(moto_cloud, beats):
        outgoing, item = answer(world, held, then=Then.KEEP)
    assert item.lease_until
    assert held.lease_until
    assert item.lease_until >= held.lease_until + timedelta(minutes=4)
    sent = str(written(world, outgoing)["Date"])
    assert sent == outgoing.queued_at.strftime("%a, %d %b %Y %H:%M:%S +0000")  # stored again as it was decided again


# How far it has come


def test_whoever_sees_the_item_sees_how_far_its_reply_has_come(world: TestWorld, held: Item) -> None:
    outgoing, item = answer(world, held)
    for caller in (ANNA, BORIS, SAM, OLGA):
        assert status(item.id, outgoing.id, caller, world) == outgoing
    with pytest.raises(NotAllowed):
        status(item.id, outgoing.id, Caller("eve", frozenset({"agent"})), world)


def test_a_reply_to_another_item_is_unknown_here(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    outgoing, _ = answer(world, held)
    deliver(world, 2, "#billing", sender="c2@customer.example.com")
    other = items(moto_cloud)[1]
    for item_id, reply_id in ((other.id, outgoing.id), (held.id, "nothing"), ("nothing", outgoing.id)):
        with pytest.raises(Unknown):
            status(item_id, reply_id, SAM, world)
    with pytest.raises(NotAllowed):
        status(other.id, outgoing.id, BORIS, world)


def test_a_resolved_chat_is_answered_no_more_but_reopens_for_its_agent(world: TestWorld, talking: Item) -> None:
    _, done = answer(world, talking, then=Then.RESOLVE)
    assert replace(done, chain="").state == State.RESOLVED
    chat(world, "d2", "One more thing")
    assert now_of(world, talking).offered_to == "anna"
