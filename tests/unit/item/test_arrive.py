"""What a delivery becomes: work, more of known work, an entry of the timeline, or a matter for quarantine."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.intake.message import Address, Attachment, Automatic, Failure
from chalicelib.item.arrive import (
    WRITTEN_KEPT,
    Known,
    content_hash,
    identity_of,
    may_be_offered,
    message_arrived,
    quarantined,
)
from chalicelib.item.change import Change, Conversation, Handled, Identity, KnownMessage, Load, Must
from chalicelib.item.item import Contact, EventType, Item, ItemId, seal
from chalicelib.item.offer import RE_RING
from chalicelib.item.state import State
from chalicelib.policy import parse
from tests.desk import DESK as RULES
from tests.desk import NOW, agents, arrival, chat, customer, ids, item, mail, small_desk, tags

DESK = small_desk()
DEPUTIES = parse(RULES.replace("anna = { ", 'anna = { deputy = "carl", '))
URGENT = tags(urgency="critical")
LATE = NOW + DESK.reopen_within + timedelta(seconds=1)


def arrived(known: Known | None = None, said: Any = None, message: Any = None, **changed: Any) -> Change:
    of, desk = changed.pop("of", None), changed.pop("desk", DESK)
    return message_arrived(of or arrival(**changed), message or mail(), said, known or Known(), desk, ids(7))


def joined(before: Item, said: Any = None, there: Any = None, **changed: Any) -> Change:
    return arrived(Known(customer=customer(), item=before, agents=there or {}), said, **changed)


def after(change: Change) -> Item:
    assert change.after
    return change.after


# New


def test_a_first_message_makes_customer_identity_item_and_event() -> None:
    change = arrived(said=tags())
    made, (event,) = after(change), change.events
    assert (made.id, made.customer_id, made.state, made.queue, made.lane) == (
        "it7",
        "cu7",
        "queued",
        "orders",
        "normal",
    )
    assert (made.version, made.ring, made.subject, made.tags) == (1, 1, "Parcel", tags())
    assert made.created_at == made.changed_at == made.waiting_since == NOW
    assert made.wake_at == NOW + RE_RING
    assert change.before is None
    assert change.customer
    assert (change.customer.id, change.customer.seq, change.customer.key) == ("cu7", 0, ids(7).customer_key)
    assert change.customer.name == "Anna Customer"
    assert (event.type, event.seq, event.version, event.previous) == (EventType.MESSAGE_RECEIVED, 1, 1, "")
    assert (event.actor, event.cause, made.chain) == ("customer", "mail:ses-1", event.hash)
    assert change.handled == Handled(arrival().delivery, "ev7")
    assert change.identity == Identity("mail", "anna@customer.example.com", made.customer_id)
    assert change.message == KnownMessage(
        "help@shop.example.com", "one@customer.example.com", content_hash(mail()), made.id, "ev7", made.customer_id
    )
    assert change.conversation is None


def test_a_known_customers_new_matter_goes_into_his_timeline() -> None:
    change = arrived(Known(customer=customer()), tags())
    assert (after(change).customer_id, change.events[0].seq, change.identity) == ("cu1", 5, None)


def test_what_the_model_does_not_dare_to_place_goes_to_people() -> None:
    assert after(arrived(said=tags(topic_abstained=True))).queue == "people"
    without = after(arrived(said=None))
    assert (without.queue, without.lane, without.reason, without.tags) == ("people", "normal", "unclassified", None)


def test_an_urgent_message_goes_to_the_urgent_lane() -> None:
    assert after(arrived(said=URGENT)).lane == "urgent"


def test_a_chat_opens_a_conversation() -> None:
    change = arrived(said=tags(), message=chat(), channel="chat", delivery="d1")
    assert change.conversation == Conversation("shop-widget", "c1", ItemId("it7"))
    assert change.identity == Identity("visitor", "shop-widget#v1", ids(7).customer)
    assert change.message is None
    assert change.events[0].cause == "chat:d1"


# Joined


def test_an_answer_joins_the_item_it_belongs_to() -> None:
    change = joined(item(), tags())
    now, (event,) = after(change), change.events
    assert (now.id, now.version, now.ring, now.state) == ("it1", 2, 1, State.QUEUED)
    assert (change.before, now.changed_at, now.waiting_since) == (item(), NOW, NOW)
    assert (event.item_id, event.version, event.seq, event.previous) == ("it1", 2, 5, item().chain)
    assert change.message
    assert change.message.item_id == "it1"


def test_who_holds_the_item_keeps_it_when_the_customer_writes() -> None:
    held = item(state=State.CLAIMED, holder="anna", owner="anna", claim_token="t", lease_until=LATE, wake_at=LATE)
    now = after(joined(held, URGENT))
    assert (now.state, now.version, now.ring) == (State.CLAIMED, 2, 1)
    assert (now.holder, now.claim_token, now.lease_until, now.wake_at) == ("anna", "t", LATE, LATE)


def test_a_waiting_item_rises_and_rings_anew_when_it_becomes_urgent() -> None:
    now = after(joined(item(), URGENT))
    assert (now.lane, now.ring, now.waiting_since) == ("urgent", 2, NOW)


def test_an_urgent_item_never_falls_and_does_not_ring_twice() -> None:
    now = after(joined(item(lane="urgent"), tags(urgency="low")))
    assert (now.lane, now.ring) == ("urgent", 1)
    assert after(joined(item(lane="urgent"), URGENT)).ring == 1


def test_a_customer_may_write_to_what_is_in_quarantine() -> None:
    now = after(joined(item(state=State.QUARANTINED, queue="quarantine"), tags()))
    assert (now.state, now.queue, now.version) == (State.QUARANTINED, "quarantine", 2)


def test_an_item_without_a_subject_takes_the_first_it_hears() -> None:
    assert after(joined(item(subject=""), tags())).subject == "Parcel"
    assert after(joined(item(subject="Your parcel"), tags())).subject == "Your parcel"


# Joined where somebody has, or had, the item in hand


@pytest.mark.parametrize("state", list(State))
def test_a_customers_message_is_told_in_every_state(state: State) -> None:
    before = item(state=state, queue="quarantine" if state == State.QUARANTINED else "orders", version=7)
    change = joined(before, tags(), agents(anna=0))
    assert (after(change).id, after(change).version, after(change).changed_at) == ("it1", 8, NOW)
    assert (change.events[0].type, change.events[0].version) == (EventType.MESSAGE_RECEIVED, 8)
    assert change.events[0].facts["state"] == after(change).state


@pytest.mark.parametrize("state", [State.WAITING, State.SNOOZED, State.RESOLVED])
@pytest.mark.parametrize(
    ("there", "to"),
    [
        (agents(anna=0, carl=0), "anna"),
        (agents("away", anna=0) | agents(carl=0), "carl"),
        (agents(anna=60, carl=0), "carl"),
        (agents("away", anna=0, carl=0), None),
        (agents(boris=0), None),  # not for everybody, but for who knows the matter
    ],
)
def test_an_answer_is_offered_to_who_wrote_or_to_his_deputy(state: State, there: Any, to: str | None) -> None:
    rested = item(state=state, pinned_to="anna", owner="anna", snoozed_until=LATE, wake_at=LATE, asked=("anna",))
    at = NOW + timedelta(hours=1)
    change = joined(rested, tags(), there, received_at=at, desk=DEPUTIES)
    now = after(change)
    assert (now.state, now.ring, now.waiting_since, now.snoozed_until) == (State.QUEUED, 2, at, None)
    assert (now.offered_to, now.owner, now.pinned_to, now.asked) == (to, "anna", "anna", ())
    assert now.wake_at == at + (timedelta(minutes=15) if to else RE_RING)
    assert change.loads == ((Load(to, "mail", 1, DESK.agents[to].capacity["mail"], Must.PRESENT),) if to else ())  # type: ignore[arg-type]
    assert change.events[0].facts["offered_to"] == to
    assert now.reason == ("reopened" if state == State.RESOLVED else "the customer answered")


def test_what_rests_keeps_its_lane_unless_the_answer_is_urgent() -> None:
    for lane, said, then in (
        ("urgent", tags(), "urgent"), ("normal", URGENT, "urgent"), ("normal", tags(), "normal"),
    ):  # fmt: skip
        assert after(joined(item(state=State.WAITING, lane=lane), said)).lane == then


def test_what_is_reopened_is_as_urgent_as_the_new_message() -> None:
    assert after(joined(item(state=State.RESOLVED, lane="urgent"), tags())).lane == "normal"


def test_who_has_the_first_word_keeps_it_when_the_customer_writes_on() -> None:
    chatting = item(channel="chat", offered_to="anna", offered_until=LATE, wake_at=LATE)
    of = arrival("d2", "chat")
    for said, ring in ((tags(), 1), (URGENT, 2)):
        change = arrived(Known(customer=customer(), item=chatting, agents=agents(boris=0)), said, chat(), of=of)
        now = after(change)
        assert (now.offered_to, now.offered_until, now.wake_at, now.ring) == ("anna", LATE, LATE, ring)
        assert change.loads == ()


# Offers


def test_a_new_chat_is_offered_to_the_least_loaded() -> None:
    of, there = arrival("d1", "chat"), agents(anna=2, boris=1) | agents("away", carl=0)
    change = arrived(Known(agents=there), tags(), chat(), of=of)
    made = after(change)
    assert (made.offered_to, made.offered_until, made.ring) == ("boris", NOW + timedelta(minutes=1), 1)
    assert made.wake_at == made.offered_until
    assert change.loads == (Load("boris", "chat", 1, 12, Must.PRESENT),)  # type: ignore[arg-type]
    assert change.events[0].facts["offered_to"] == "boris"


def test_a_new_mail_is_for_everybody() -> None:
    change = arrived(Known(agents=agents(anna=0, boris=0)), tags())
    assert (after(change).offered_to, change.loads) == (None, ())


@pytest.mark.parametrize(
    ("known", "message", "channel", "asked"),
    [
        (Known(), mail(), "mail", ()),
        (Known(), chat(), "chat", ("anna", "boris", "carl")),
        (Known(), mail(automatic=Automatic.BOUNCE), "mail", ()),
        (
            Known(customer=customer(), item=item(state=State.WAITING, pinned_to="anna")),
            mail(),
            "mail",
            ("anna", "carl"),
        ),
        (
            Known(customer=customer(), item=item(state=State.RESOLVED, pinned_to="anna")),
            mail(),
            "mail",
            ("anna", "carl"),
        ),
        (Known(customer=customer(), item=item(state=State.WAITING)), mail(), "mail", ()),
        (Known(customer=customer(), item=item(pinned_to="anna")), mail(), "mail", ()),  # it waits already
        (Known(customer=customer(), item=item(channel="chat")), chat(), "chat", ()),
        (Known(customer=customer(), item=item(state=State.CLAIMED, holder="anna")), mail(), "mail", ()),
        (Known(customer=customer(id="cu2"), item=item(state=State.WAITING, pinned_to="anna")), mail(), "mail", ()),
    ],
)
def test_presence_is_looked_up_only_of_who_may_be_asked(known: Known, message: Any, channel: str, asked: Any) -> None:
    """Not where the item keeps its place, or only its lane changes."""
    of = arrival("d1", channel)
    if known.item and known.item.state in {State.QUEUED, State.CLAIMED}:
        assert may_be_offered(of, message, URGENT, known, DEPUTIES, ids(7)) == ()
    assert may_be_offered(of, message, tags(), known, DEPUTIES, ids(7)) == asked


# Whom a reply goes to


def test_a_reply_goes_where_the_newest_mail_says() -> None:
    message = mail(
        reply_to=(Address("", ""), Address("Office", "office@customer.example.com"), Address("", "x@example.com")),
        in_reply_to=("b@x", "a@x"), references=("a@x", "one@customer.example.com"),
    )  # fmt: skip
    contact = after(joined(item(contact=Contact(address="old@customer.example.com")), tags(), message=message)).contact
    assert contact == Contact(
        address="office@customer.example.com", name="Office", message_id="one@customer.example.com",
        references=("a@x", "b@x"), trusted=True,
    )  # fmt: skip


def test_without_a_reply_address_it_goes_to_the_sender() -> None:
    contact = after(arrived(trusted=False)).contact
    assert contact == Contact(
        address="Anna@customer.example.com", name="Anna Customer", message_id="one@customer.example.com", trusted=False
    )
    assert after(arrived(message=mail(sender=None))).contact == Contact(
        message_id="one@customer.example.com", trusted=True
    )


def test_only_the_newest_of_a_long_thread_are_kept() -> None:
    contact = after(arrived(message=mail(references=tuple(f"{n}@x" for n in range(99))))).contact
    assert contact
    assert contact.references == tuple(f"{n}@x" for n in range(79, 99))


def test_a_chat_is_answered_in_its_conversation() -> None:
    contact = after(arrived(message=chat(), of=arrival("d1", "chat"))).contact
    assert contact == Contact(name="Piotr", conversation="c1", trusted=True)


def test_what_could_not_be_read_names_nobody_to_answer() -> None:
    assert after(quarantined(arrival(), "cannot be read", ids(7))).contact is None


# Resolved


@pytest.mark.parametrize("at", [NOW, LATE - timedelta(seconds=1)])
def test_a_resolved_item_reopens_within_the_limit(at: Any) -> None:
    done = item(state=State.RESOLVED, owner="anna", wake_at=None, ring=3)
    now = after(joined(done, URGENT, received_at=at))
    assert (now.id, now.state, now.ring, now.version, now.lane) == ("it1", State.QUEUED, 4, 2, "urgent")
    assert (now.reason, now.waiting_since, now.wake_at, now.owner) == ("reopened", at, at + RE_RING, "anna")


def test_a_resolved_item_is_left_in_peace_after_the_limit() -> None:
    change = joined(item(state=State.RESOLVED), tags(), received_at=LATE)
    assert (after(change).id, after(change).linked_to, after(change).customer_id) == ("it7", "it1", "cu1")
    assert change.before is None


def test_only_resolved_items_grow_too_old_to_join() -> None:
    assert after(joined(item(), tags(), received_at=LATE)).id == "it1"


def test_a_chat_after_the_limit_moves_its_conversation_to_the_new_item() -> None:
    known = Known(customer=customer(), item=item(state=State.RESOLVED), conversation_item=ItemId("it1"))
    of = arrival("d2", "chat", received_at=LATE)
    change = arrived(known, tags(), chat(), of=of)
    assert change.conversation == Conversation("shop-widget", "c1", ItemId("it7"), previous=ItemId("it1"))
    assert after(change).linked_to == "it1"


def test_a_conversation_that_goes_on_is_not_written_again() -> None:
    known = Known(customer=customer(), item=item(channel="chat"), conversation_item=ItemId("it1"))
    assert arrived(known, tags(), chat(), channel="chat").conversation is None


# Somebody else


def test_an_answer_to_somebody_elses_matter_is_a_new_linked_item() -> None:
    known = Known(customer=customer(id="cu2", seq=1), item=item())
    change = arrived(known, tags())
    assert (after(change).id, after(change).customer_id, after(change).linked_to) == ("it7", "cu2", "it1")
    assert (change.before, change.events[0].previous, change.events[0].seq) == (None, "", 2)


def test_a_stranger_who_answers_becomes_a_customer_of_his_own() -> None:
    change = arrived(Known(item=item()), tags())
    assert (after(change).customer_id, after(change).linked_to) == ("cu7", "it1")


def test_a_sender_nobody_vouches_for_has_an_identity_of_its_own() -> None:
    real, forged = identity_of(arrival(), mail()), identity_of(arrival(trusted=False), mail())
    assert real == ("mail", "anna@customer.example.com")
    assert forged == ("mail-unverified", "anna@customer.example.com")


def test_a_sender_nobody_vouches_for_joins_nothing() -> None:
    change = joined(item(), tags(), trusted=False)
    assert (after(change).id, after(change).linked_to) == ("it7", "it1")
    assert change.events[0].facts["trusted"] is False


@pytest.mark.parametrize(
    ("message", "channel", "proved"),
    [
        (mail(sender=None), "mail", None),
        (chat(visitor=""), "chat", ("visitor", "shop-widget#c1")),
        (chat(sender=None), "chat", ("visitor", "shop-widget#v1")),
    ],
)
def test_what_tells_customers_apart(message: Any, channel: str, proved: Any) -> None:
    assert identity_of(arrival(channel=channel), message) == proved


def test_a_mail_without_a_sender_is_work_all_the_same() -> None:
    change = arrived(message=mail(sender=None), said=tags())
    assert (after(change).customer_id, change.identity) == ("cu7", None)


# Again


def test_the_same_mail_again_is_only_marked() -> None:
    seen = KnownMessage("help@shop.example.com", "one@customer.example.com", content_hash(mail()), ItemId("it1"), "ev1")
    change = arrived(Known(customer=customer(), message=seen, item=item()), tags(), delivery="ses-2")
    assert change == Change(handled=Handled(arrival("ses-2").delivery, "ev1", repeat_of="ev1"))


def test_a_message_id_used_again_for_other_words_is_a_message() -> None:
    seen = KnownMessage("help@shop.example.com", "one@customer.example.com", "another hash", ItemId("it1"), "ev1")
    change = arrived(Known(customer=customer(), message=seen), tags())
    assert after(change).id == "it7"
    assert change.message
    assert (change.message.another, change.message.content_hash) == (True, content_hash(mail()))
    assert change.events[0].facts["note"] == "message-id reused"
    again = arrived(Known(customer=customer(), message=seen, repeated=change.message), tags(), delivery="ses-2")
    assert again == Change(handled=Handled(arrival("ses-2").delivery, "ev7", repeat_of="ev7"))


def test_a_proved_mail_is_no_repeat_of_one_that_is_not() -> None:
    """Else who copies a mail in the sender's name and is quicker would suppress it."""
    forged = arrived(trusted=False).message
    assert forged
    proved = arrived(Known(message=forged), delivery="ses-2")
    assert (after(proved).id, proved.events[0].facts["note"]) == ("it7", "message-id reused")
    assert arrived(Known(message=forged), delivery="ses-2", trusted=False).handled.repeat_of == "ev7"  # type: ignore[union-attr]
    assert arrived(Known(message=proved.message), delivery="ses-3", trusted=False).handled.repeat_of == "ev7"  # type: ignore[union-attr]


def test_mails_without_a_message_id_are_never_the_same() -> None:
    change = arrived(message=mail(message_id=""), said=tags())
    assert change.message is None
    assert change.after


@pytest.mark.parametrize(
    "changed",
    [
        {"text": "Where is it??"},
        {"subject": "Parcels"},
        {"sent_at": NOW + timedelta(seconds=1)},
        {"sent_at": None},
        {"sender": Address("", "eve@customer.example.com")},
        {"sender": None},
        {"attachments": (Attachment("a.pdf", "application/pdf", 1),)},
    ],
)
def test_the_hash_tells_contents_apart(changed: dict[str, Any]) -> None:
    assert content_hash(mail(**changed)) != content_hash(mail())


def test_the_hash_does_not_see_what_transport_adds() -> None:
    same = mail(warnings=("a guess",), to=(), references=("x",), sender=Address("A.N.", "anna@CUSTOMER.example.com"))
    assert content_hash(same) == content_hash(mail())
    assert content_hash(mail(text="lone \ud800")) != content_hash(mail())  # never raises


# Automatic


@pytest.mark.parametrize("kind", sorted(set(Automatic) - {Automatic.LIST}))
def test_automatic_mail_is_recorded_and_makes_no_work(kind: Automatic) -> None:
    message = mail(automatic=kind, automatic_reason="a header said so")
    change = arrived(Known(customer=customer(), item=item()), tags(), message)
    (event,) = change.events
    assert (change.after, change.before) == (None, None)
    assert (event.item_id, event.version, event.seq) == (None, None, 5)
    assert (event.facts["automatic"], event.facts["about"]) == (kind, "it1")
    assert change.handled == Handled(arrival().delivery, event.id)
    assert change.message
    assert change.message.item_id == "it1"


def test_a_bounce_of_nobody_we_know_still_has_a_timeline() -> None:
    change = arrived(message=mail(automatic=Automatic.BOUNCE))
    assert (change.events[0].customer_id, change.events[0].seq) == ("cu7", 1)
    assert change.identity
    assert change.message
    assert change.message.item_id is None


def test_a_bounce_tells_beside_its_event_whom_a_mail_did_not_reach() -> None:
    failure = Failure("anna@customer.example.com", "5.1.1", "550 5.1.1 unknown user", permanent=True)
    (event,) = arrived(message=mail(automatic=Automatic.BOUNCE, failures=(failure,))).events
    assert event.payload
    assert event.payload["failures"] == [
        {
            "recipient": "anna@customer.example.com", "status": "5.1.1", "reason": "550 5.1.1 unknown user",
            "permanent": True,
        }
    ]  # fmt: skip
    assert "anna" not in str(event.facts)
    (plain,) = arrived(message=mail(automatic=Automatic.BOUNCE)).events
    assert plain.payload
    assert "failures" not in plain.payload


def test_mail_of_a_list_is_work() -> None:
    assert after(arrived(message=mail(automatic=Automatic.LIST), said=tags())).queue == "orders"


# Quarantine


def test_what_cannot_be_read_becomes_visible_work_of_a_customer_of_its_own() -> None:
    change = quarantined(arrival(), "cannot be read", ids(7))
    made, (event,) = after(change), change.events
    assert (made.state, made.queue, made.reason, made.subject) == (
        State.QUARANTINED, "quarantine", "cannot be read", "",
    )  # fmt: skip
    assert (made.customer_id, made.wake_at) == ("cu7", NOW + RE_RING)
    assert (event.type, event.facts["raw"], event.payload) == (EventType.DELIVERY_QUARANTINED, "mail/ses-1", None)
    assert (change.identity, change.message) == (None, None)  # nothing it claims about its sender is believed
    assert change.handled == Handled(arrival().delivery, "ev7")


# What is kept


def test_what_a_person_wrote_stands_in_the_payload_alone() -> None:
    message = mail(text="CANARY text", written="CANARY written", subject="CANARY subject",
                   sender=Address("CANARY name", "canary@customer.example.com"),
                   attachments=(Attachment("CANARY.pdf", "application/pdf", 3),), warnings=("CANARY?",))  # fmt: skip
    evidence = ({"text": "CANARY", "start": 0, "end": 6, "weight": 1.0, "head": "topic"},)
    (event,) = arrived(said=tags(evidence=evidence), message=message).events
    envelope = str(replace(event, payload=None)).lower()
    assert "canary" not in envelope
    assert event.payload
    assert event.payload["written"] == "CANARY written"
    assert event.payload_seal == seal(customer(key=ids(7).customer_key), event.payload)


def test_long_words_are_shortened_to_whole_letters() -> None:
    long = "ż" * WRITTEN_KEPT
    (event,) = arrived(message=mail(written=long)).events
    assert event.payload
    assert event.payload["written"] == "ż" * (WRITTEN_KEPT // 2)
    assert event.payload["shortened"] is True
    (event,) = arrived(message=mail(written="ż")).events
    assert event.payload
    assert event.payload["shortened"] is False


def test_a_thousand_attachments_do_not_burst_the_row() -> None:
    many = tuple(Attachment(f"{n}.pdf", "application/pdf", n) for n in range(1000))
    (event,) = arrived(message=mail(attachments=many, warnings=("w",) * 1000)).events
    assert event.payload
    assert (len(event.payload["attachments"]), len(event.payload["warnings"])) == (100, 20)
    assert event.facts["warnings"] == 1000
