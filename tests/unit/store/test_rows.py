"""Rows: index keys, what they leave out, and what they refuse. (Round trips of anything: tests/property.)"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.item.change import (
    Answered,
    Change,
    Conversation,
    Delivery,
    Handled,
    Identity,
    KnownMessage,
    Label,
    Mention,
    ReplyToken,
    written,
)
from chalicelib.item.item import AgentId, Contact, CustomerId, Decided, Event, EventType, Item, ItemId, Merged
from chalicelib.item.offer import AgentNow
from chalicelib.item.outgoing import Outgoing, Status
from chalicelib.item.state import State
from chalicelib.store import keys, rows
from tests.desk import NOW, customer, item, step, tags

CLAIMED = item(
    state=State.CLAIMED, holder="anna", owner="anna", claim_token="t", lease_until=NOW + timedelta(minutes=15),
    wake_at=NOW + timedelta(minutes=15),
)  # fmt: skip
LATER = NOW + timedelta(minutes=1, microseconds=7)
OFFERED = item(
    channel="chat", offered_to="carl", offered_until=LATER, asked=("anna", "bożena"), pinned_to="anna", wake_at=LATER,
    hand_offs=2, been=("queue orders", "agent bożena", "queue orders"), tags=None,
    contact=Contact(name="Piotr Żak", conversation="c1", trusted=True),
)  # fmt: skip
SNOOZED = item(
    state=State.SNOOZED, owner="anna", pinned_to="anna", snoozed_until=LATER, wake_at=LATER,
    decided=Decided(topic="billing", urgency=None, by=AgentId("żaneta"), at=LATER),
    contact=Contact(
        address="piotr@customer.example.com", name="Piotr Żak", message_id="m2@customer.example.com",
        references=("m0@customer.example.com", "m1@customer.example.com"), trusted=False,
    ),
)  # fmt: skip
QUEUED_REPLY = Outgoing(
    id="r1", item_id=ItemId("it1"), customer_id=CustomerId("cu1"), channel="mail", source="help@shop.example.com",
    to="piotr@customer.example.com", raw_key="out/r1", actor=AgentId("anna"), event_id="ev1", queued_at=NOW,
    wake_at=LATER,
)  # fmt: skip
SENT_REPLY = replace(
    QUEUED_REPLY, status=Status.SENT, revision=3, started_at=NOW, sent_at=LATER, provider_id="ses-1", wake_at=None
)
ANSWERED = Answered(AgentId("anna"), "k", ItemId("it1"), NOW, claim_token="t")
LABEL = Label(
    item_id=ItemId("it1"), version=3, event_id="ev1", at=NOW, by=AgentId("anna"), topic="billing", urgency="high",
    said=tags(),
)  # fmt: skip
MENTION = Mention(AgentId("boris"), ItemId("it1"), CustomerId("cu1"), 7, LATER, "anna")
TOKEN = ReplyToken("abc", ItemId("it1"), CustomerId("cu1"), "help@shop.example.com")
EVENT: Event = written(step(), EventType.MESSAGE_RECEIVED, customer(), item(), {"n": 1}, {"written": "CANARY"})[1]


def indexes(of: Item) -> set[str]:
    return {name.removesuffix("_pk") for name in rows.item_row(of) if name.endswith("_pk")}


@pytest.mark.parametrize(
    ("of", "listed"),
    [
        (item(wake_at=NOW), {"state", "waiting", "wake"}),
        (item(state=State.QUARANTINED, queue="quarantine"), {"state", "waiting"}),
        (CLAIMED, {"state", "holding", "wake"}),
        (item(state=State.RESOLVED), {"state"}),
        (OFFERED, {"state", "waiting", "holding", "wake"}),
        (SNOOZED, {"state", "holding", "wake"}),
        (item(state=State.WAITING, pinned_to="anna"), {"state", "holding"}),
        (item(state=State.RESOLVED, pinned_to="anna"), {"state"}),  # what is done is nobody's work
        (item(pinned_to="anna"), {"state", "waiting"}),  # it waits for all, who had it first is away
    ],
)
def test_an_item_is_in_the_indexes_of_its_state_and_no_other(of: Item, listed: set[str]) -> None:
    assert indexes(of) == listed


def test_index_keys_sort_by_time_and_name_the_item() -> None:
    row = rows.item_row(replace(CLAIMED, state=State.QUEUED))
    assert (row["waiting_pk"], row["waiting_sk"]) == ("QUEUE#orders", "2026-03-02T09:00:00.000000Z#it1")
    assert (row["state_pk"], row["state_sk"]) == ("STATE#queued", "2026-03-02T09:00:00.000000Z#it1")
    assert (row["holding_pk"], row["wake_pk"]) == ("HOLDER#anna", keys.wake_pk(keys.wake_shard("it1")))
    assert row["wake_sk"] == "NET#2026-03-02T09:15:00.000000Z#it1"


@pytest.mark.parametrize(("of", "pk"), [(CLAIMED, "HOLDER#anna"), (OFFERED, "OFFERED#carl"), (SNOOZED, "PINNED#anna")])
def test_an_item_is_in_the_list_of_who_has_it_in_hand(of: Item, pk: str) -> None:
    row = rows.item_row(of)
    assert (row["holding_pk"], row["holding_sk"]) == (pk, "2026-03-02T09:00:00.000000Z#it1")


@pytest.mark.parametrize(
    "of",
    [
        item(),
        item(tags=None),
        CLAIMED,
        item(linked_to="it0", linked_because="subject changed", wake_at=NOW),
        OFFERED,
        SNOOZED,
    ],
)
def test_an_item_comes_back_as_it_was(of: Item) -> None:
    assert rows.item_of(rows.from_wire(rows.to_wire(rows.item_row(of)))) == of


def test_an_item_written_before_there_were_offers_is_still_read() -> None:
    new = ("offered_to", "offered_until", "asked", "pinned_to", "snoozed_until", "hand_offs", "been", "decided")
    old = {name: value for name, value in rows.item_row(SNOOZED).items() if name not in (*new, "contact")}
    assert rows.item_of(old) == item(state=State.SNOOZED, owner="anna", wake_at=LATER)


def test_an_item_written_before_there_were_merges_is_still_read() -> None:
    merged = item(
        state=State.RESOLVED, linked_to="it0", linked_because="one parcel", merged=Merged(ItemId("it2"), State.QUEUED)
    )
    old = {name: value for name, value in rows.item_row(merged).items() if name not in ("merged", "linked_because")}
    assert rows.item_of(old) == item(state=State.RESOLVED, linked_to="it0")


def test_an_endless_subject_is_cut() -> None:
    assert rows.item_row(item(subject="ż" * 5000))["subject"] == "ż" * 500


@pytest.mark.parametrize(
    "broken",
    [{}, {"kind": "event"}, {**rows.item_row(item()), "state": "lost"}, {**rows.item_row(item()), "ring": "x"}],
)
def test_what_is_no_item_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError, TypeError)):
        rows.item_of(broken)


def test_an_envelope_says_nothing_a_person_wrote() -> None:
    assert "CANARY" not in str(rows.event_row(EVENT))
    assert "CANARY" in str(rows.payload_row(EVENT))


def test_an_event_comes_back_with_its_payload_or_without() -> None:
    row, payload = (rows.from_wire(rows.to_wire(r)) for r in (rows.event_row(EVENT), rows.payload_row(EVENT)))
    assert rows.event_of(row, payload) == EVENT
    erased = rows.event_of(row)
    assert erased == replace(EVENT, payload=None)
    assert erased.hash == EVENT.hash == row["hash"]


def test_only_an_items_event_is_in_its_history() -> None:
    assert (rows.event_row(EVENT)["history_pk"], rows.event_row(EVENT)["history_sk"]) == ("ITEM#it1", "000000000001")
    loose = written(step(), EventType.MESSAGE_RECEIVED, customer(), None, {})[1]
    assert "history_pk" not in rows.event_row(loose)
    assert rows.event_of(rows.from_wire(rows.to_wire(rows.event_row(loose)))) == loose


def test_customer_and_known_mail_come_back_as_they_were() -> None:
    assert rows.customer_of(rows.from_wire(rows.to_wire(rows.customer_row(customer())))) == customer()
    for item_id in ("it1", None):
        known = KnownMessage("help@shop.example.com", "m@x", "hash", item_id, "ev1")  # type: ignore[arg-type]
        ours = replace(known, customer_id=CustomerId("cu1"), addressee="t" * 32)
        for one in (known, ours, replace(known, another=True)):
            assert rows.message_of(rows.from_wire(rows.to_wire(rows.message_row(one)))) == one


def wired(row: rows.Row) -> rows.Row:
    """A row as it comes back from DynamoDB."""
    return rows.from_wire(rows.to_wire(row))


UNKNOWN_REPLY = replace(SENT_REPLY, status=Status.UNKNOWN, detail="SES: ReadTimeoutError", provider_id="", sent_at=None)


@pytest.mark.parametrize("of", [QUEUED_REPLY, SENT_REPLY, UNKNOWN_REPLY], ids=lambda of: str(of.status))
def test_a_reply_comes_back_as_it_was(of: Outgoing) -> None:
    assert rows.outgoing_of(wired(rows.outbox_row(of))) == of


def test_a_reply_is_in_the_wake_up_index_while_something_is_due_to_it() -> None:
    row = rows.outbox_row(QUEUED_REPLY)
    assert (row["wake_pk"], row["wake_sk"]) == (keys.wake_pk(keys.wake_shard("r1")), f"{keys.moment(LATER)}#r1")
    assert not {"wake_pk", "wake_sk"} & rows.outbox_row(SENT_REPLY).keys()


def test_token_and_mention_come_back_as_they_were() -> None:
    assert rows.token_of(wired(rows.token_row(TOKEN))) == TOKEN
    assert rows.mention_of(wired(rows.mention_row(MENTION))) == MENTION


REPLY_ANSWERED = Answered(AgentId("anna"), "k", ItemId("it1"), NOW, reply_id="r1", said="hash")


@pytest.mark.parametrize("of", [ANSWERED, REPLY_ANSWERED])
def test_an_answer_comes_back_as_it_was(of: Answered) -> None:
    assert rows.answered_of(wired(rows.answered_row(of))) == of


def test_a_label_says_what_people_decided_and_what_which_model_had_said() -> None:
    row = wired(rows.label_row(LABEL))
    assert row == {
        "pk": "LABEL#it1", "sk": "LABEL#000000000003", "kind": "label", "schema": 1, "item_id": "it1", "version": 3,
        "event_id": "ev1", "at": keys.moment(NOW), "by": "anna", "topic": "billing", "urgency": "high",
        "model": "words", "topic_was": "order", "urgency_was": "normal",
        "history_pk": f"LABELLED#{NOW:%Y-%m}", "history_sk": f"{keys.moment(NOW)}#it1",
    }  # fmt: skip
    unsaid = wired(rows.label_row(replace(LABEL, said=None, urgency=None)))
    assert unsaid.keys() == row.keys() - {"model", "topic_was", "urgency_was", "urgency"}


@pytest.mark.parametrize(
    ("row", "now"),
    [
        ({}, AgentNow(AgentId("anna"), "unknown", {"mail": 0, "chat": 0})),
        (
            {"presence": "present", "load_mail": 3},
            AgentNow(AgentId("anna"), "present", {"mail": 3, "chat": 0}),
        ),
        (
            {"presence": "away", "load_chat": 1, "hands_to": ""},
            AgentNow(AgentId("anna"), "away", {"mail": 0, "chat": 1}, hands_to=""),
        ),
        (
            {"presence": "away", "hands_to": "boris"},
            AgentNow(AgentId("anna"), "away", {"mail": 0, "chat": 0}, hands_to="boris"),
        ),
    ],
)
def test_an_agent_is_what_his_row_says_and_who_has_none_was_never_seen(row: rows.Row, now: AgentNow) -> None:
    assert rows.agent_of("anna", wired(row)) == now


def test_what_a_change_writes_anew_is_each_of_its_parts() -> None:
    change = Change(
        events=(EVENT, replace(EVENT, seq=6, payload=None)), handled=Handled(Delivery("mail", "1"), "ev1"),
        message=KnownMessage("m", "i", "h", None, "ev1"), identity=Identity("mail", "a@b", CustomerId("cu1")),
        answered=ANSWERED, label=LABEL, mentions=(MENTION, replace(MENTION, agent_id=AgentId("carl"))),
    )  # fmt: skip
    assert [what for what, _ in rows.new_rows(change, NOW)] == [
        "event", "payload", "event", "delivery", "message", "identity", "answer", "label", "mention", "mention",
    ]  # fmt: skip


@pytest.mark.parametrize("value", [1.5, True, ["x"], {"S": "x"}, NOW])
def test_a_row_holds_texts_whole_numbers_and_bytes_alone(value: object) -> None:
    with pytest.raises(TypeError):
        rows.to_wire({"pk": value})


@pytest.mark.parametrize("attribute", [{"BOOL": True}, {"L": []}, {"N": 1}, {}])
def test_an_attribute_that_is_none_of_ours_is_refused(attribute: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        rows.from_wire({"pk": attribute})


def test_bytes_come_back_from_the_stream_too() -> None:
    assert rows.from_wire({"key": {"B": "a2V5"}}) == {"key": b"key"}  # base64, as an event spells them


def test_every_row_says_its_kind_and_shape() -> None:
    delivery = Delivery("mail", "ses-1")
    made = {
        "item": rows.item_row(item()), "event": rows.event_row(EVENT), "payload": rows.payload_row(EVENT),
        "customer": rows.customer_row(customer()), "delivery": rows.handled_row(Handled(delivery, "ev1"), NOW),
        "message": rows.message_row(KnownMessage("m", "i", "h", None, "ev1")),
        "conversation": rows.conversation_row(Conversation("w", "c", "it1")),  # type: ignore[arg-type]
        "identity": rows.identity_row(Identity("mail", "a@b", "cu1")),  # type: ignore[arg-type]
        "idempotency": rows.answered_row(ANSWERED), "outbox": rows.outbox_row(QUEUED_REPLY),
        "token": rows.token_row(TOKEN), "label": rows.label_row(LABEL), "mention": rows.mention_row(MENTION),
    }  # fmt: skip
    assert {kind: (row["kind"], row["schema"]) for kind, row in made.items()} == {k: (k, 1) for k in made}


def test_an_answer_goes_by_itself() -> None:
    row = rows.answered_row(ANSWERED)
    assert row["expires_at"] == int(NOW.timestamp())


def test_only_a_repeat_says_of_what() -> None:
    wire = rows.to_wire(rows.handled_row(Handled(Delivery("mail", "1"), "ev1"), NOW))
    assert "repeat_of" not in wire
    assert rows.handled_row(Handled(Delivery("mail", "1"), "ev1", "ev1"), NOW)["repeat_of"] == "ev1"
