"""A reply and the news of its way, in the order they should come and in every other."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import WrongState
from chalicelib.item.arrive import WRITTEN_KEPT
from chalicelib.item.change import Answered, Change, KnownMessage, Load, Must, ReplyToken
from chalicelib.item.item import AgentId, EventType, Item, ItemId, seal
from chalicelib.item.offer import RE_RING
from chalicelib.item.outgoing import NOT_YET_SENT, SENDER_IS_DEAD_AFTER, SENT_AGAIN_AFTER, Outgoing, Status
from chalicelib.item.reply import Reply, Then, begun, not_delivered, put_back, replied, reported, sent
from chalicelib.item.state import State
from chalicelib.outgoing import token
from tests.desk import NOW, agents, customer, item, small_desk, step

DESK = small_desk()
ANNA = AgentId("anna")
LATER = NOW + timedelta(minutes=20)
STEP = step(at=LATER, event_id="ev9", actor="anna")
SENDER = step(at=LATER, event_id="ev10", actor="sortownia", cause="send")
REPLY = Reply(
    id="re1", source="help@shop.example.com", to="canary@customer.example.com", name="CANARY name",
    subject="Re: CANARY subject", text="CANARY words", raw_key="out/re1", token="to1", answer_key="key-1", said="hash",
)  # fmt: skip
QUEUED = Outgoing(
    id="re1", item_id="it1", customer_id="cu1", channel="mail", source=REPLY.source, to=REPLY.to, raw_key="out/re1",  # type: ignore[arg-type]
    actor="anna", event_id="ev9", queued_at=LATER, wake_at=LATER + SENT_AGAIN_AFTER,  # type: ignore[arg-type]
)  # fmt: skip
GONE = [Status.SENT, Status.DELIVERED, Status.BOUNCED, Status.FAILED]
BAD_NEWS = {
    Status.FAILED: (EventType.REPLY_FAILED, "could not be sent"),
    Status.BOUNCED: (EventType.REPLY_BOUNCED, "came back"),
    Status.UNKNOWN: (EventType.REPLY_UNKNOWN, "nobody knows"),
}


def after(change: Change) -> Item:
    assert change.after
    return change.after


def held(**changed: Any) -> Item:
    lease = {"claim_token": "t", "lease_until": LATER, "wake_at": LATER}
    return item(**{"state": State.CLAIMED, "holder": "anna", "owner": "carl", **lease, **changed})


def answered(then: Then = Then.WAIT, reply: Reply = REPLY, **changed: Any) -> Change:
    return replied(held(**changed), customer(), STEP, reply, then, DESK)


def moved(change: Change, **changed: Any) -> bool:
    """Whether a change writes the outbox row of QUEUED anew, with no more than this changed."""
    assert change.reply_before
    return change.reply == replace(change.reply_before, revision=change.reply_before.revision + 1, **changed)


# The reply


def test_after_a_reply_the_item_waits_for_the_customer_and_comes_back_to_who_wrote() -> None:
    change = answered()
    now = after(change)
    assert (now.state, now.pinned_to, now.owner, now.wake_at) == (State.WAITING, "anna", "carl", None)
    assert (now.holder, now.claim_token, now.lease_until, now.ring) == (None, None, None, 1)
    assert change.loads == (Load("anna", "mail", -1),)  # type: ignore[arg-type]


def test_who_goes_on_keeps_item_and_lease() -> None:
    change = answered(Then.KEEP)
    assert after(change) == held(version=2, changed_at=LATER, chain=change.events[0].hash)
    assert change.loads == ()


def test_a_last_word_ends_the_matter() -> None:
    change = answered(Then.RESOLVE)
    now = after(change)
    assert (now.state, now.pinned_to, now.holder, now.wake_at) == (State.RESOLVED, "anna", None, None)
    assert change.loads == (Load("anna", "mail", -1),)  # type: ignore[arg-type]


@pytest.mark.parametrize("then", list(Then))
def test_the_reply_is_in_the_outbox_with_its_recipient(then: Then) -> None:
    change = answered(then)
    assert (change.reply_before, change.reply) == (None, QUEUED)
    assert (QUEUED.status, QUEUED.revision) == (Status.QUEUED, 1)
    assert change.token == ReplyToken("to1", "it1", "cu1", "help@shop.example.com")  # type: ignore[arg-type]
    until = LATER + timedelta(days=1)
    assert change.answered == Answered(ANNA, "key-1", ItemId("it1"), until, reply_id="re1", said="hash")


def test_without_token_or_key_there_is_no_row_for_them() -> None:
    change = answered(reply=replace(REPLY, token="", answer_key=""))
    assert (change.token, change.answered) == (None, None)


def test_what_was_said_stands_in_the_payload_alone() -> None:
    (event,) = answered().events
    assert event.payload == {
        "to": REPLY.to, "name": REPLY.name, "subject": REPLY.subject, "written": REPLY.text, "shortened": False,
        "raw": "out/re1",
    }  # fmt: skip
    assert event.payload_seal == seal(customer(), event.payload)
    assert "canary" not in str(event.facts).lower()
    assert (event.type, event.version, event.actor) == (EventType.REPLY_QUEUED, 2, "anna")
    assert {name: event.facts[name] for name in ("reply", "then", "channel", "from", "to", "holder")} == {
        "reply": "re1", "then": "wait", "channel": "mail", "from": "claimed", "to": "waiting", "holder": "anna",
    }  # fmt: skip


def test_a_long_reply_is_shortened_beside_its_event() -> None:
    (event,) = answered(reply=replace(REPLY, text="ż" * WRITTEN_KEPT)).events
    assert event.payload
    assert (event.payload["written"], event.payload["shortened"]) == ("ż" * (WRITTEN_KEPT // 2), True)


@pytest.mark.parametrize("then", list(Then))
@pytest.mark.parametrize("state", [State.QUEUED, State.RESOLVED, State.QUARANTINED])
def test_who_does_not_hold_it_answers_nobody(then: Then, state: State) -> None:
    with pytest.raises(WrongState):
        replied(item(state=state), customer(), STEP, REPLY, then, DESK)


def test_what_waits_for_the_customer_is_claimed_before_it_is_written_on() -> None:
    for then in (Then.WAIT, Then.KEEP):
        with pytest.raises(WrongState):
            replied(item(state=State.WAITING, pinned_to="anna"), customer(), STEP, REPLY, then, DESK)


# Its way


def test_a_sender_marks_what_he_begins_and_is_dead_after_a_while() -> None:
    change = begun(QUEUED, SENDER)
    assert moved(change, status=Status.SENDING, started_at=LATER, wake_at=LATER + SENDER_IS_DEAD_AFTER)
    assert (change.after, change.events, change.customer) == (None, (), None)


def test_what_did_not_leave_is_in_the_outbox_again() -> None:
    began = begun(QUEUED, SENDER).reply
    assert began
    change = put_back(began, SENDER, "too much at once")
    again = LATER + SENT_AGAIN_AFTER
    assert moved(change, status=Status.QUEUED, started_at=None, wake_at=again, detail="too much at once")


@pytest.mark.parametrize("status", list(Status))
def test_what_the_provider_took_is_sent_and_known_by_its_message_id(status: Status) -> None:
    """Odd orders too: a delivery or a bounce may be told before we know that it was sent."""
    before = replace(QUEUED, status=status, detail="hm")
    change = sent(before, customer(), SENDER, "ses-1", "ses-1@eu.example.com")
    then = status if status in GONE else Status.SENT
    assert moved(change, status=then, sent_at=LATER, provider_id="ses-1", wake_at=None, detail="")
    (event,) = change.events
    assert (event.type, event.item_id, event.version, event.seq) == (EventType.REPLY_SENT, None, None, 5)
    assert event.facts == {"about": "it1", "reply": "re1", "provider_id": "ses-1"}
    mark = token.token(customer().key, "it1", QUEUED.source, QUEUED.to)
    assert change.message == KnownMessage(
        QUEUED.source, "ses-1@eu.example.com", "", ItemId("it1"), event.id, customer().id, mark
    )
    assert (change.after, change.customer, change.loads) == (None, customer(), ())


def test_a_chat_reply_has_no_message_id() -> None:
    assert sent(QUEUED, customer(), SENDER, "re1", "").message is None


@pytest.mark.parametrize("status", list(Status))
def test_a_delivery_counts_unless_worse_is_known(status: Status) -> None:
    before = replace(QUEUED, status=status, provider_id="ses-1")
    change = reported(before, customer(), SENDER, EventType.REPLY_DELIVERED, {"detail": "250 ok"})
    (event,) = change.events
    assert event.facts == {"about": "it1", "reply": "re1", "detail": "250 ok"}
    assert (event.type, event.item_id, change.after, change.customer) == (
        EventType.REPLY_DELIVERED, None, None, customer(),
    )  # fmt: skip
    if status in NOT_YET_SENT | {Status.SENT}:
        assert moved(change, status=Status.DELIVERED, sent_at=LATER, wake_at=None)
    else:
        assert (change.reply, change.reply_before) == (None, None)


def test_a_delivery_does_not_move_the_time_it_was_sent() -> None:
    before = replace(QUEUED, status=Status.SENT, sent_at=NOW)
    assert moved(
        reported(before, customer(), SENDER, EventType.REPLY_DELIVERED, {}), status=Status.DELIVERED, wake_at=None
    )


@pytest.mark.parametrize("news", [EventType.REPLY_DELAYED, EventType.REPLY_COMPLAINED])
@pytest.mark.parametrize("status", list(Status))
def test_news_that_call_for_nobody_are_only_told(news: EventType, status: Status) -> None:
    change = reported(replace(QUEUED, status=status), customer(), SENDER, news, {})
    assert [event.type for event in change.events] == [news]
    assert (change.reply, change.after, change.loads) == (None, None, ())


# Bad news


def lost(status: Status, before: Item, of: Outgoing = QUEUED, there: Any = None) -> Change:
    return not_delivered(of, before, customer(), SENDER, status, "550 no such user", there or {}, DESK)


@pytest.mark.parametrize("status", list(BAD_NEWS))
@pytest.mark.parametrize("state", [State.WAITING, State.SNOOZED, State.RESOLVED])
def test_the_item_of_a_reply_that_did_not_arrive_wakes_first_for_who_wrote(status: Status, state: State) -> None:
    before = item(state=state, pinned_to="anna", owner="anna", snoozed_until=LATER, wake_at=LATER, asked=("anna",))
    change = lost(status, before, there=agents(anna=0, boris=0))
    now, (event,) = after(change), change.events
    event_type, reason = BAD_NEWS[status]
    assert (now.state, now.ring, now.version, now.waiting_since) == (State.QUEUED, 2, 2, LATER)
    assert (now.offered_to, now.snoozed_until, now.asked) == ("anna", None, ())
    assert reason in now.reason
    assert change.loads == (Load("anna", "mail", 1, 60, Must.PRESENT),)  # type: ignore[arg-type]
    assert moved(change, status=status, detail="550 no such user", wake_at=None)
    assert (event.type, event.item_id, event.version) == (event_type, "it1", 2)
    assert (event.facts["reply"], event.facts["detail"], event.facts["ring"], event.facts["offered_to"]) == (
        "re1", "550 no such user", 2, "anna",
    )  # fmt: skip


@pytest.mark.parametrize("status", list(BAD_NEWS))
def test_while_he_is_away_everybody_may_see_to_it(status: Status) -> None:
    now = after(lost(status, item(state=State.WAITING, pinned_to="anna"), there=agents("away", anna=0)))
    assert (now.state, now.offered_to, now.wake_at) == (State.QUEUED, None, LATER + RE_RING)


@pytest.mark.parametrize(
    "before",
    [
        held(), item(), item(offered_to="boris", offered_until=LATER, wake_at=LATER),
        item(state=State.QUARANTINED, queue="quarantine"),
    ],
)  # fmt: skip
def test_what_is_awake_is_told_and_left_as_it_is(before: Item) -> None:
    change = lost(Status.BOUNCED, before, there=agents(anna=0))
    assert after(change) == replace(before, version=2, changed_at=LATER, chain=change.events[0].hash)
    assert change.loads == ()
    assert change.reply
    assert change.reply.status == Status.BOUNCED


def test_a_bounce_after_a_delivery_is_believed() -> None:
    """As an out-of-office that the far side took for a refusal: people look at it."""
    delivered = replace(QUEUED, status=Status.DELIVERED, provider_id="ses-1", sent_at=NOW)
    change = lost(Status.BOUNCED, item(state=State.WAITING), delivered)
    assert moved(change, status=Status.BOUNCED, detail="550 no such user", wake_at=None)
    assert after(change).state == State.QUEUED


ORDERS: list[tuple[list[str], Status]] = [
    (["begun", "sent", "delivered"], Status.DELIVERED),
    (["begun", "delivered", "sent"], Status.DELIVERED),
    (["begun", "put back", "begun", "sent"], Status.SENT),
    (["begun", "sent", "delivered", "bounced"], Status.BOUNCED),
    (["begun", "sent", "bounced", "delivered"], Status.BOUNCED),
    (["begun", "bounced", "sent"], Status.BOUNCED),
    (["begun", "unknown"], Status.UNKNOWN),
    (["begun", "unknown", "sent"], Status.SENT),  # its news came after all
    (["begun", "unknown", "delivered", "sent"], Status.DELIVERED),
    (["begun", "failed"], Status.FAILED),
    (["begun", "sent", "failed", "delivered"], Status.FAILED),
    (["begun", "sent", "complained", "delayed"], Status.SENT),
]
WAY: dict[str, Callable[[Outgoing], Change]] = {
    "begun": lambda o: begun(o, SENDER),
    "put back": lambda o: put_back(o, SENDER, "later"),
    "sent": lambda o: sent(o, customer(), SENDER, "ses-1", "m@x"),
    "delivered": lambda o: reported(o, customer(), SENDER, EventType.REPLY_DELIVERED, {}),
    "delayed": lambda o: reported(o, customer(), SENDER, EventType.REPLY_DELAYED, {}),
    "complained": lambda o: reported(o, customer(), SENDER, EventType.REPLY_COMPLAINED, {}),
    "bounced": lambda o: lost(Status.BOUNCED, item(state=State.WAITING), o),
    "failed": lambda o: lost(Status.FAILED, item(state=State.WAITING), o),
    "unknown": lambda o: lost(Status.UNKNOWN, item(state=State.WAITING), o),
}


@pytest.mark.parametrize(("way", "ends"), ORDERS, ids=[" ".join(way) for way, _ in ORDERS])
def test_in_whichever_order_the_news_come(way: list[str], ends: Status) -> None:
    now = QUEUED
    for what in way:
        change = WAY[what](now)
        assert len(change.events) == (what not in {"begun", "put back"})
        if change.reply:
            assert (change.reply_before, change.reply.revision) == (now, now.revision + 1)
            now = change.reply
    assert (now.status, bool(now.provider_id)) == (ends, "sent" in way)
    assert (now.wake_at is None) is (now.status not in {Status.QUEUED, Status.SENDING})
    assert (now.to, now.raw_key, now.event_id, now.queued_at) == (QUEUED.to, "out/re1", "ev9", LATER)
