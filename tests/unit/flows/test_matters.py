"""Splitting, merging and taking it back: where messages, later mail, load and replies are afterwards."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import policy
from chalicelib.errors import AtCapacity, Invalid, LostRace, NotAllowed, StaleItem, Unknown, WrongState
from chalicelib.flows import persons, receive, work
from chalicelib.flows.claim import claim_named
from chalicelib.flows.matters import Chosen, merge, split, unmerge
from chalicelib.flows.merged import LONGEST_WAY, goes_on_in
from chalicelib.flows.send import send_message
from chalicelib.item.item import Item, Merged
from chalicelib.item.missing import missing
from chalicelib.item.passing import Destination
from chalicelib.item.state import State
from chalicelib.outgoing.notice import OUTBOX_TAG
from chalicelib.outgoing.token import token, with_token
from chalicelib.rights import Caller
from chalicelib.store import keys, rows
from tests import letters
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA, ASKS, BORIS, CARL, DESK, OLGA, SAM
from tests.unit.flows.scenes import (
    Late,
    Losing,
    Meanwhile,
    answer,
    chat,
    claimed,
    deliver,
    forward,
    items,
    last_event,
    load,
    messages,
    now_of,
    present,
    told,
)
from tests.unit.flows.sending import Post, sends

pytestmark = pytest.mark.usefixtures("sound")

HELP = "help@shop.example.com"
CUSTOMER = "c1@customer.example.com"
FIRST, SECOND, THIRD = (f"<m{n}@customer.example.com>" for n in (1, 2, 3))


@pytest.fixture
def held(world: TestWorld, moto_cloud: Cloud) -> Item:
    """Anna holds an item of three mails, of which the second is about a bill."""
    deliver(world, 1)
    deliver(
        world, 2, "#billing And the invoice?", sender=CUSTOMER, subject="Re: Parcel, and the invoice", In_Reply_To=FIRST
    )
    deliver(world, 3, "The parcel again", sender=CUSTOMER, In_Reply_To=FIRST, Reply_To="home@customer.example.com")
    return claimed(world)


@pytest.fixture
def two(world: TestWorld, moto_cloud: Cloud) -> tuple[Item, Item]:
    """Anna holds two items of one customer: each a mail."""
    deliver(world, 1)
    forward(world, minutes=1)
    deliver(world, 2, sender=CUSTOMER, subject="Once more, the parcel")
    first, second = items(moto_cloud)
    return claim_named(first.id, ANNA, "", world), claim_named(second.id, ANNA, "", world)


def part(world: TestWorld, item: Item, *which: int, **more: Any) -> Chosen:
    ids = messages(world, item)
    return Chosen(events=[ids[n] for n in which], **more)


# Splitting


def test_what_is_split_off_goes_where_routing_sends_it(world: TestWorld, held: Item) -> None:
    old, new = split(held.id, held.version, part(world, held, 1, reason="a bill"), ANNA, world)
    assert (new.state, new.queue, new.ring, new.holder, new.version) == (State.QUEUED, "billing", 1, None, 1)
    assert (new.linked_to, new.linked_because, new.subject) == (held.id, "a bill", "Re: Parcel, and the invoice")
    assert (new.customer_id, new.channel, new.source) == (held.customer_id, held.channel, held.source)
    assert new.contact
    assert (new.contact.address, new.contact.message_id) == (CUSTOMER, "m2@customer.example.com")
    assert (old.state, old.holder, old.version, old.contact) == (State.CLAIMED, "anna", held.version + 1, held.contact)
    assert load(world, ANNA) == {"mail": 1}
    assert new.tags
    assert (new.tags.topic, new.tags.evidence) == ("billing", ())


def test_both_histories_tell_of_it_and_nothing_is_rewritten(world: TestWorld, held: Item) -> None:
    before = told(world, held)
    chosen = part(world, held, 1, reason="a bill")
    old, new = split(held.id, held.version, chosen, ANNA, world)
    assert told(world, held)[: len(before)] == before
    left, (opened,) = last_event(world, old), world.table.history(new.id)
    assert (left.type, left.facts["split_off"], left.facts["lost"]) == ("item-split", new.id, chosen.events)
    assert (opened.type, opened.facts["split_from"], opened.facts["queue"]) == ("item-split-off", old.id, "billing")
    assert [gained["id"] for gained in opened.facts["gained"]] == chosen.events
    assert [event.payload for event in told(world, held)[-2:]] == [{"reason": "a bill"}] * 2
    assert (left.actor, opened.actor, opened.seq) == ("anna", "anna", left.seq + 1)


def test_when_the_newest_message_goes_the_old_item_answers_the_one_before(world: TestWorld, held: Item) -> None:
    old, new = split(held.id, held.version, part(world, held, 1, 2), ANNA, world)
    assert new.contact == held.contact
    assert new.contact
    assert new.contact.address == "home@customer.example.com"
    assert old.contact
    assert (old.contact.address, old.contact.message_id) == (CUSTOMER, "m1@customer.example.com")
    assert (new.subject, new.waiting_since) == ("Parcel", world.table.history(held.id)[1].at)


@pytest.mark.parametrize(("answers", "goes_to"), [(SECOND, "new"), (FIRST, "old"), (THIRD, "old")])
def test_later_mail_joins_the_item_of_the_message_it_answers(
    world: TestWorld, held: Item, answers: str, goes_to: str
) -> None:
    pair = dict(zip(("old", "new"), split(held.id, held.version, part(world, held, 1), ANNA, world), strict=True))
    deliver(world, 4, sender=CUSTOMER, In_Reply_To=answers)
    versions = {name: now_of(world, item).version - item.version for name, item in pair.items()}
    assert versions == {**dict.fromkeys(pair, 0), goes_to: 1}


@pytest.mark.parametrize(
    ("to", "queue", "topic"),
    [(Destination("queue", "people"), "people", None), (Destination("topic", "other"), "people", "other")],
)
def test_it_may_be_sent_elsewhere(world: TestWorld, held: Item, to: Destination, queue: str, topic: str | None) -> None:
    _, new = split(held.id, held.version, part(world, held, 1, to=to), ANNA, world)
    assert (new.queue, new.state, new.decided and new.decided.topic) == (queue, State.QUEUED, topic)
    label = keys.label_key(new.id, 1)
    assert bool(world.table.rows([label])) == (topic is not None)


def test_who_holds_the_old_item_may_hold_the_new_one_too(world: TestWorld, held: Item) -> None:
    _, new = split(held.id, held.version, part(world, held, 1, claim=True), ANNA, world)
    assert (new.state, new.holder, new.owner, new.queue, new.ring) == (State.CLAIMED, "anna", "anna", "orders", 1)
    assert new.claim_token not in (None, held.claim_token)
    assert new.lease_until == new.created_at + timedelta(minutes=15)
    assert load(world, ANNA) == {"mail": 2}
    assert work.heartbeat(new.id, str(new.claim_token), ANNA, world)


def test_nobody_holds_more_than_he_has_room_for_by_splitting(world: TestWorld, held: Item) -> None:
    item = work.reassign(held.id, held.version, Destination("queue", "orders"), "", ANNA, world)
    item = claim_named(item.id, CARL, "", world)
    deliver(world, 9)
    claimed(world, caller=CARL)
    with pytest.raises(AtCapacity):
        split(item.id, item.version, part(world, item, 1, claim=True), CARL, world)
    assert now_of(world, item) == item


def test_only_who_holds_it_may_hold_what_is_split_off(world: TestWorld, held: Item) -> None:
    with pytest.raises(NotAllowed, match="does not hold"):
        split(held.id, held.version, part(world, held, 1, claim=True), SAM, world)


@pytest.mark.parametrize(("which", "why"), [((), "not all"), ((0, 1, 2), "not all")], ids=["nothing", "everything"])
def test_some_of_its_messages_are_split_off_but_not_all(
    world: TestWorld, held: Item, which: tuple[int, ...], why: str
) -> None:
    with pytest.raises(Invalid, match=why):
        split(held.id, held.version, part(world, held, *which), ANNA, world)


def test_only_messages_of_this_item_are_split_off(world: TestWorld, held: Item) -> None:
    deliver(world, 9)
    other = claimed(world)
    (strange,) = messages(world, other)
    for event_id in (strange, last_event(world, held).id, "none"):
        with pytest.raises(Invalid, match=r"events\.0"):
            split(held.id, held.version, Chosen(events=[event_id]), ANNA, world)
    old, _ = split(held.id, held.version, part(world, held, 1), ANNA, world)
    with pytest.raises(Invalid, match=r"events\.0"):  # it is the other's by now
        split(old.id, old.version, part(world, held, 1), ANNA, world)


def test_what_is_split_off_may_be_split_again(world: TestWorld, held: Item) -> None:
    _, new = split(held.id, held.version, part(world, held, 1, 2, claim=True), ANNA, world)
    _, newest = split(new.id, new.version, part(world, held, 2), ANNA, world)
    assert newest.linked_to == new.id
    deliver(world, 4, sender=CUSTOMER, In_Reply_To=THIRD)
    assert now_of(world, newest).version == 2


def test_a_conversation_goes_with_its_newest_message(world: TestWorld, moto_cloud: Cloud) -> None:
    for number in (1, 2):
        chat(world, f"d{number}", "Hello?")
        forward(world, seconds=10)
    (first,) = items(moto_cloud)
    present(world, BORIS)
    item = claim_named(first.id, ANNA, "", world)
    old, new = split(item.id, item.version, part(world, item, 1), ANNA, world)
    assert (new.channel, new.offered_to) == ("chat", "boris")
    assert load(world, BORIS) == {"chat": 1}
    chat(world, "d3", "Still there?")
    assert (now_of(world, old).version, now_of(world, new).version) == (old.version, 2)
    old, joined = merge(new.id, now_of(world, new).version, old.id, "", SAM, world)
    assert load(world, BORIS) == {}
    chat(world, "d4", "Hello?")
    assert now_of(world, joined).version == joined.version + 1


def test_a_conversation_stays_with_its_newest_message(world: TestWorld, moto_cloud: Cloud) -> None:
    for number in (1, 2):
        chat(world, f"d{number}", "Hello?")
        forward(world, seconds=10)
    (first,) = items(moto_cloud)
    item = claim_named(first.id, ANNA, "", world)
    old, new = split(item.id, item.version, part(world, item, 0), ANNA, world)
    chat(world, "d3", "Still there?")
    assert (now_of(world, old).version, now_of(world, new).version) == (old.version + 1, 1)


def test_what_can_no_longer_be_read_names_nobody_to_be_answered(
    world: TestWorld, moto_cloud: Cloud, held: Item
) -> None:
    moto_cloud.s3.delete_object(Bucket=world.settings.raw_bucket, Key="mail/ses-2")
    _, new = split(held.id, held.version, part(world, held, 1, claim=True), ANNA, world)
    assert new.contact is None
    with pytest.raises(Invalid, match="nobody who could be answered"):
        answer(world, new)


# Merging


def test_the_other_item_goes_on_for_both(world: TestWorld, two: tuple[Item, Item]) -> None:
    first, second = two
    done, joined = merge(second.id, second.version, first.id, "the same parcel", ANNA, world)
    assert (done.state, done.merged_into, done.holder, done.claim_token) == (State.RESOLVED, first.id, None, None)
    assert (done.wake_at, done.lease_until, done.pinned_to) == (None, None, "anna")
    assert (joined.state, joined.holder, joined.version, joined.contact) == (
        State.CLAIMED, "anna", first.version + 1, second.contact,
    )  # fmt: skip
    assert load(world, ANNA) == {"mail": 1}
    left, came = last_event(world, done), last_event(world, joined)
    assert (left.type, left.facts["into"]) == ("item-merged", first.id)
    assert (came.type, came.facts["merged"]) == ("item-joined", second.id)
    assert [gained["id"] for gained in came.facts["gained"]] == left.facts["lost"] == messages(world, second)
    assert [event.payload for event in told(world, first)[-2:]] == [{"reason": "the same parcel"}] * 2


def test_a_reply_goes_where_the_newest_message_of_both_asked(world: TestWorld, two: tuple[Item, Item]) -> None:
    first, second = two
    _, joined = merge(first.id, first.version, second.id, "", ANNA, world)
    assert joined.contact == second.contact


@pytest.mark.parametrize("way", ["references", "token"])
def test_what_is_still_written_about_it_joins_the_other(
    world: TestWorld, two: tuple[Item, Item], post: Post, way: str
) -> None:
    first, second = two
    _, second = answer(world, second)
    second = claim_named(second.id, ANNA, "", world)
    done, joined = merge(second.id, second.version, first.id, "", ANNA, world)
    headers = {"In_Reply_To": SECOND} if way == "references" else {}
    raw = letters.mail(sender=CUSTOMER, Message_ID=THIRD, **headers)
    mark = token(world.table.customer(second.customer_id).key, second.id, HELP, CUSTOMER)
    to = HELP if way == "references" else with_token(HELP, mark)
    world.raw.write("mail/ses-3", raw, "message/rfc822")
    assert receive.delivery(letters.notice("ses-3", recipient=to), "sqs-3", 1, world) == "queued"
    now = now_of(world, joined)
    assert (now.version, now.contact and now.contact.message_id) == (joined.version + 1, "m3@customer.example.com")
    assert now_of(world, done) == done


def test_a_reply_that_comes_back_wakes_the_other(world: TestWorld, two: tuple[Item, Item], post: Post) -> None:
    first, second = two
    outgoing, second = answer(world, second)
    sends(world, outgoing)
    _, first = answer(world, first)
    done, joined = merge(second.id, second.version, first.id, "", ANNA, world)
    bounced = {"eventType": "Bounce", "mail": {"messageId": "ses-out-1", "tags": {OUTBOX_TAG: [outgoing.id]}}}
    bounced["bounce"] = {"bounceType": "Permanent", "feedbackId": "f1", "timestamp": "2026-03-02T09:00:00Z"}
    assert send_message(json.dumps(bounced), world) == "bounced"
    assert (now_of(world, joined).state, now_of(world, done)) == (State.QUEUED, done)
    assert last_event(world, joined).facts["reply"] == outgoing.id


def test_it_is_merged_on_and_on(world: TestWorld, two: tuple[Item, Item], moto_cloud: Cloud) -> None:
    first, second = two
    deliver(world, 3, sender=CUSTOMER)
    third = claimed(world)
    merge(third.id, third.version, second.id, "", ANNA, world)
    second = now_of(world, second)
    with pytest.raises(WrongState, match="merged into"):
        merge(first.id, first.version, third.id, "", ANNA, world)
    _, joined = merge(second.id, second.version, first.id, "", ANNA, world)
    deliver(world, 4, sender=CUSTOMER, In_Reply_To=THIRD)
    assert now_of(world, first).version == joined.version + 1
    with pytest.raises(WrongState, match="undo that first"):
        unmerge(third.id, now_of(world, third).version, "", ANNA, world)
    assert goes_on_in(now_of(world, third), world).id == first.id


@pytest.mark.usefixtures("rows_by_hand")
def test_a_way_without_end_is_given_up(world: TestWorld, two: tuple[Item, Item], moto_cloud: Cloud) -> None:
    """It cannot come to be; where it is all the same, what is written makes an item of its own."""
    first, second = two
    for one, other in ((first, second), (second, first)):
        gone = replace(one, state=State.RESOLVED, merged=Merged(other.id, State.QUEUED))
        moto_cloud.dynamodb.put_item(TableName=world.settings.table, Item=rows.to_wire(rows.item_row(gone)))
    assert deliver(world, 3, sender=CUSTOMER, In_Reply_To=FIRST) == "queued"
    assert len(items(moto_cloud)) == 3
    assert LONGEST_WAY < 100


def test_an_item_is_not_merged_into_itself(world: TestWorld, held: Item) -> None:
    with pytest.raises(Invalid, match="itself"):
        merge(held.id, held.version, held.id, "", ANNA, world)


def test_two_customers_are_one_only_when_somebody_has_said_so(world: TestWorld, held: Item) -> None:
    deliver(world, 9)
    other = claimed(world)
    with pytest.raises(WrongState, match="two customers"):
        merge(other.id, other.version, held.id, "", ANNA, world)
    persons.say(held.customer_id, other.customer_id, "", BORIS, world, stands=True)
    done, joined = merge(other.id, other.version, held.id, "", ANNA, world)
    assert (last_event(world, done).customer_id, last_event(world, joined).customer_id) == (
        other.customer_id, held.customer_id,
    )  # fmt: skip
    deliver(world, 4, sender="c9@customer.example.com", In_Reply_To="<m9@customer.example.com>")
    now, newest = now_of(world, joined), last_event(world, joined)
    assert (now.version, now.customer_id, newest.customer_id) == (
        joined.version + 1, held.customer_id, other.customer_id,
    )  # fmt: skip
    assert now.contact
    assert now.contact.address == "c9@customer.example.com"
    persons.say(held.customer_id, other.customer_id, "", BORIS, world, stands=False)
    deliver(world, 10)
    third = claimed(world)
    with pytest.raises(WrongState, match="two customers"):
        merge(third.id, third.version, held.id, "", ANNA, world)


def test_a_link_that_is_taken_back_meanwhile_does_not_count(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    deliver(world, 9)
    other = claimed(world)
    persons.say(held.customer_id, other.customer_id, "", BORIS, world, stands=True)

    def taken_back() -> None:
        persons.say(other.customer_id, held.customer_id, "", BORIS, world, stands=False)

    with Meanwhile(moto_cloud, taken_back), pytest.raises(WrongState, match="two customers"):
        merge(other.id, other.version, held.id, "", ANNA, world)


@pytest.mark.parametrize(
    ("rests", "why"), [(lambda w, i: answer(w, i)[1], "waiting"), (lambda w, i: _finished(w, i), "resolved")]
)
def test_what_needs_somebody_is_not_merged_into_what_nobody_looks_at(
    world: TestWorld, two: tuple[Item, Item], rests: Callable[[TestWorld, Item], Item], why: str
) -> None:
    first, second = two
    first = rests(world, first)
    with pytest.raises(WrongState, match=f"is {why} and nobody would look at it"):
        merge(second.id, second.version, first.id, "", ANNA, world)
    second = _finished(world, second)
    done, joined = merge(second.id, second.version, first.id, "", ANNA, world)
    assert (done.merged_into, joined.state) == (first.id, first.state)


def _finished(world: TestWorld, item: Item) -> Item:
    return work.finish(item.id, item.version, ANNA, world)


def test_nothing_is_merged_into_quarantine(world: TestWorld, held: Item, moto_cloud: Cloud) -> None:
    deliver(world, 9, spam="FAIL")
    (suspect,) = (item for item in items(moto_cloud) if item.state == State.QUARANTINED)
    persons.say(held.customer_id, suspect.customer_id, "", ANNA, world, stands=True)
    with pytest.raises(WrongState, match="quarantine"):
        merge(held.id, held.version, suspect.id, "", ANNA, world)
    done, _ = merge(suspect.id, suspect.version, held.id, "", SAM, world)
    again, _ = unmerge(done.id, done.version, "", SAM, world)
    assert again.state == State.QUARANTINED


def test_a_chat_is_not_merged_into_a_mail(world: TestWorld, held: Item, moto_cloud: Cloud) -> None:
    chat(world, "d1", "Hello?")
    (talk,) = (item for item in items(moto_cloud) if item.channel == "chat")
    persons.say(held.customer_id, talk.customer_id, "", ANNA, world, stands=True)
    with pytest.raises(WrongState, match="by mail and by chat"):
        merge(held.id, held.version, talk.id, "", ANNA, world)


def test_the_other_may_be_written_on_meanwhile(world: TestWorld, moto_cloud: Cloud, two: tuple[Item, Item]) -> None:
    first, second = two

    def noted() -> None:
        work.note(first.id, first.version, "He called.", (), BORIS, world)

    with Meanwhile(moto_cloud, noted):
        _, joined = merge(second.id, second.version, first.id, "", ANNA, world)
    assert joined.version == first.version + 2


def test_a_message_that_comes_meanwhile_joins_the_other(
    world: TestWorld, moto_cloud: Cloud, two: tuple[Item, Item]
) -> None:
    first, second = two
    with Meanwhile(moto_cloud, lambda: merge(second.id, second.version, first.id, "", ANNA, world)):
        deliver(world, 3, sender=CUSTOMER, In_Reply_To=SECOND)
    assert last_event(world, first).type == "message-received"
    assert last_event(world, second).type == "item-merged"


# Taking it back


def test_who_held_it_holds_it_again(world: TestWorld, two: tuple[Item, Item]) -> None:
    first, second = two
    done, _ = merge(second.id, second.version, first.id, "", ANNA, world)
    again, parted = unmerge(done.id, done.version, "not the same", ANNA, world)
    same = {"version": again.version, "chain": again.chain, "changed_at": again.changed_at}
    assert again == replace(second, **same, claim_token=again.claim_token, lease_until=again.lease_until,
                            wake_at=again.wake_at)  # fmt: skip
    assert parted == replace(first, version=parted.version, chain=parted.chain, changed_at=parted.changed_at)
    assert again.claim_token not in (None, second.claim_token)
    assert load(world, ANNA) == {"mail": 2}
    assert [event.payload for event in told(world, first)[-2:]] == [{"reason": "not the same"}] * 2
    deliver(world, 3, sender=CUSTOMER, In_Reply_To=SECOND)
    assert now_of(world, again).version == again.version + 1


def test_else_it_waits_first_for_who_held_it(world: TestWorld, two: tuple[Item, Item]) -> None:
    first, second = two
    present(world, ANNA)
    done, _ = merge(second.id, second.version, first.id, "", ANNA, world)
    again, _ = unmerge(done.id, done.version, "", SAM, world)
    assert (again.state, again.offered_to, again.holder) == (State.QUEUED, "anna", None)


def test_who_has_no_room_any_more_finds_it_in_the_queue(world: TestWorld, moto_cloud: Cloud) -> None:
    for number in (1, 2, 3):
        deliver(world, number, sender=CUSTOMER, Message_ID=f"<m{number}@customer.example.com>")
    _, second, third = (
        claim_named(i.id, c, "", world) for i, c in zip(items(moto_cloud), (CARL, CARL, BORIS), strict=True)
    )
    done, _ = merge(second.id, second.version, third.id, "", CARL, world)
    deliver(world, 4)
    claimed(world, caller=CARL)
    again, _ = unmerge(done.id, done.version, "", CARL, world)
    assert (again.state, again.holder, again.offered_to) == (State.QUEUED, None, None)


def test_messages_that_came_since_stay(world: TestWorld, two: tuple[Item, Item]) -> None:
    first, second = two
    done, _ = merge(second.id, second.version, first.id, "", ANNA, world)
    deliver(world, 3, sender=CUSTOMER, In_Reply_To=SECOND)
    again, parted = unmerge(done.id, done.version, "", ANNA, world)
    assert (again.contact, parted.contact and parted.contact.message_id) == (second.contact, "m3@customer.example.com")
    old, new = split(parted.id, parted.version, Chosen(events=[last_event_of(world, parted)]), ANNA, world)
    assert (old.contact, new.contact) == (first.contact, parted.contact)


def last_event_of(world: TestWorld, item: Item) -> str:
    return messages(world, item)[-1]


def test_a_message_that_was_split_off_meanwhile_is_not_taken_back(world: TestWorld, held: Item) -> None:
    deliver(world, 9, sender=CUSTOMER)
    other = claimed(world)
    ids = messages(world, held)
    done, joined = merge(held.id, held.version, other.id, "", ANNA, world)
    joined, newest = split(joined.id, joined.version, Chosen(events=ids[2:]), ANNA, world)
    again, parted = unmerge(done.id, done.version, "", ANNA, world)
    assert [gained["id"] for gained in last_event(world, again).facts["gained"]] == ids[:2]
    assert again.contact
    assert (again.contact.message_id, newest.contact) == ("m2@customer.example.com", held.contact)
    assert parted.contact == other.contact


def test_what_is_split_off_goes_back_by_merging(world: TestWorld, held: Item) -> None:
    old, new = split(held.id, held.version, part(world, held, 1, 2), ANNA, world)
    done, joined = merge(new.id, new.version, old.id, "", SAM, world)
    same = {"version": joined.version, "chain": joined.chain, "changed_at": joined.changed_at}
    assert joined == replace(held, **same)
    deliver(world, 4, sender=CUSTOMER, In_Reply_To=THIRD)
    assert now_of(world, joined).version == joined.version + 1
    again, parted = unmerge(done.id, done.version, "", SAM, world)
    assert (again.contact, parted.contact and parted.contact.message_id) == (new.contact, "m4@customer.example.com")


def test_what_was_put_off_rests_again(world: TestWorld, two: tuple[Item, Item]) -> None:
    first, second = two
    until = world.now() + timedelta(hours=2)
    second = work.snooze(second.id, second.version, until, ANNA, world)
    done, _ = merge(second.id, second.version, first.id, "", ANNA, world)
    again, _ = unmerge(done.id, done.version, "", ANNA, world)
    assert (again.state, again.snoozed_until, again.wake_at, again.pinned_to) == (State.SNOOZED, until, until, "anna")
    done, _ = merge(again.id, again.version, first.id, "", ANNA, world)
    forward(world, hours=3)
    again, _ = unmerge(done.id, done.version, "", SAM, world)
    assert (again.state, again.snoozed_until, again.waiting_since) == (State.QUEUED, None, again.changed_at)


def test_what_was_not_merged_is_not_taken_back(world: TestWorld, held: Item) -> None:
    with pytest.raises(WrongState, match="was not merged"):
        unmerge(held.id, held.version, "", ANNA, world)


def test_who_holds_the_other_may_take_it_back_too(world: TestWorld, two: tuple[Item, Item]) -> None:
    first, second = two
    done, joined = merge(second.id, second.version, first.id, "", ANNA, world)
    with pytest.raises(NotAllowed):
        unmerge(done.id, done.version, "", BORIS, world)
    present(world, BORIS)
    work.reassign(joined.id, joined.version, Destination("agent", "boris"), "", ANNA, world)
    again, _ = unmerge(done.id, done.version, "", BORIS, world)
    assert (again.state, again.pinned_to) == (State.QUEUED, "anna")


# Who may, and what is stale


def _merges(item: Item, other: Item, caller: Caller, world: TestWorld) -> object:
    return merge(item.id, item.version, other.id, "", caller, world)


def _links(item: Item, other: Item, caller: Caller, world: TestWorld) -> object:
    return work.link(item.id, item.version, other.id, "", caller, world)


@pytest.mark.parametrize("act", [_merges, _links])
def test_both_items_must_be_his_to_see(world: TestWorld, moto_cloud: Cloud, act: Any) -> None:
    deliver(world, 1)
    deliver(world, 2, "#billing", sender=CUSTOMER)
    order, bill = items(moto_cloud)
    order = claim_named(order.id, BORIS, "", world)
    with pytest.raises(NotAllowed, match="billing"):
        act(order, bill, BORIS, world)
    assert act(order, bill, SAM, world)


@pytest.mark.parametrize("caller", [BORIS, OLGA])
@pytest.mark.parametrize("act", [_merges, _links])
def test_only_its_holder_or_a_supervisor_draws_lines(
    world: TestWorld, two: tuple[Item, Item], act: Any, caller: Caller
) -> None:
    first, second = two
    with pytest.raises(NotAllowed):
        act(second, first, caller, world)
    with pytest.raises(NotAllowed):
        split(second.id, second.version, Chosen(events=["e"]), caller, world)


def test_a_stale_version_is_refused(world: TestWorld, two: tuple[Item, Item]) -> None:
    first, second = two
    for act in (
        lambda: merge(second.id, second.version - 1, first.id, "", ANNA, world),
        lambda: split(second.id, second.version - 1, Chosen(events=["e"]), ANNA, world),
        lambda: unmerge(second.id, second.version - 1, "", ANNA, world),
    ):
        with pytest.raises(StaleItem) as refused:
            act()
        assert refused.value.present == second


def test_what_there_is_not_is_not_merged_into(world: TestWorld, held: Item) -> None:
    with pytest.raises(Unknown):
        merge(held.id, held.version, "nothing", "", ANNA, world)


def test_an_index_that_is_late_is_asked_again(world: TestWorld, held: Item) -> None:
    """The item's version says how many events it must show."""
    chosen = part(world, held, 1)
    vars(world)["table"] = late = Late(world, 1)
    split(held.id, held.version, chosen, ANNA, world)
    assert late.asked == 2


def test_a_lost_race_is_run_again_and_a_lost_one_told(world: TestWorld, two: tuple[Item, Item]) -> None:
    first, second = two
    vars(world)["table"] = Losing(world, 2)
    merge(second.id, second.version, first.id, "", ANNA, world)
    vars(world)["table"] = Losing(world, 99)
    with pytest.raises(LostRace):
        split(first.id, now_of(world, first).version, Chosen(events=messages(world, first)), ANNA, world)


def test_what_a_merged_message_gave_is_not_asked_for(world: TestWorld, moto_cloud: Cloud) -> None:
    asking = ('order = "orders"', 'order = { queue = "orders", asks = ["order-number"] }')
    vars(world)["policy"] = policy.parse(DESK.replace(*asking) + ASKS)
    deliver(world, 1)
    deliver(world, 2, "I forgot: it is A-12345", sender="c1@customer.example.com", subject="The number")
    first, second = items(moto_cloud)
    held = claim_named(second.id, ANNA, "", world)
    merge(second.id, held.version, first.id, "one matter", ANNA, world)
    assert missing(now_of(world, first), world.policy) == ()
