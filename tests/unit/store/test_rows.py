"""Rows: index keys, what they leave out, and what they refuse. (Round trips of anything: tests/property.)"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.item.change import Answered, Conversation, Delivery, Handled, Identity, KnownMessage, written
from chalicelib.item.item import Event, EventType, Item
from chalicelib.item.state import State
from chalicelib.store import keys, rows
from tests.desk import NOW, customer, item, step

CLAIMED = item(
    state=State.CLAIMED, holder="anna", owner="anna", claim_token="t", lease_until=NOW + timedelta(minutes=15),
    wake_at=NOW + timedelta(minutes=15),
)  # fmt: skip
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
    ],
)
def test_an_item_is_in_the_indexes_of_its_state_and_no_other(of: Item, listed: set[str]) -> None:
    assert indexes(of) == listed


def test_index_keys_sort_by_time_and_name_the_item() -> None:
    row = rows.item_row(replace(CLAIMED, state=State.QUEUED))
    assert (row["waiting_pk"], row["waiting_sk"]) == ("QUEUE#orders", "2026-03-02T09:00:00.000000Z#it1")
    assert (row["state_pk"], row["state_sk"]) == ("STATE#queued", "2026-03-02T09:00:00.000000Z#it1")
    assert (row["holding_pk"], row["wake_pk"]) == ("HOLDER#anna", keys.wake_pk(keys.wake_shard("it1")))
    assert row["wake_sk"] == "2026-03-02T09:15:00.000000Z#it1"


@pytest.mark.parametrize("of", [item(), item(tags=None), CLAIMED, item(linked_to="it0", wake_at=NOW)])
def test_an_item_comes_back_as_it_was(of: Item) -> None:
    assert rows.item_of(rows.from_wire(rows.to_wire(rows.item_row(of)))) == of


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
        assert rows.message_of(rows.from_wire(rows.to_wire(rows.message_row(known)))) == known


def test_every_row_says_its_kind_and_shape() -> None:
    delivery = Delivery("mail", "ses-1")
    made = {
        "item": rows.item_row(item()), "event": rows.event_row(EVENT), "payload": rows.payload_row(EVENT),
        "customer": rows.customer_row(customer()), "delivery": rows.handled_row(Handled(delivery, "ev1"), NOW),
        "message": rows.message_row(KnownMessage("m", "i", "h", None, "ev1")),
        "conversation": rows.conversation_row(Conversation("w", "c", "it1")),  # type: ignore[arg-type]
        "identity": rows.identity_row(Identity("mail", "a@b", "cu1")),  # type: ignore[arg-type]
        "idempotency": rows.answered_row(Answered("anna", "k", "it1", "t", NOW)),  # type: ignore[arg-type]
    }  # fmt: skip
    assert {kind: (row["kind"], row["schema"]) for kind, row in made.items()} == {k: (k, 1) for k in made}


def test_an_answer_goes_by_itself() -> None:
    row = rows.answered_row(Answered("anna", "k", "it1", "t", NOW))  # type: ignore[arg-type]
    assert row["expires_at"] == int(NOW.timestamp())


def test_only_a_repeat_says_of_what() -> None:
    wire = rows.to_wire(rows.handled_row(Handled(Delivery("mail", "1"), "ev1"), NOW))
    assert "repeat_of" not in wire
    assert rows.handled_row(Handled(Delivery("mail", "1"), "ev1", "ev1"), NOW)["repeat_of"] == "ev1"
