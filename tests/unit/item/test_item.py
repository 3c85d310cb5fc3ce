"""The event's hash and the payload's seal: what they cover, and what they survive."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.item.change import written
from chalicelib.item.item import Event, EventType, seal
from tests.desk import customer, item, step, tags

EVENT = Event(
    id="ev1", type=EventType.ITEM_CLAIMED, customer_id="cu1", seq=5, at=datetime(2026, 3, 2, 9, tzinfo=UTC),
    actor="anna", cause="claim", item_id="it1", version=2, facts={"to": "claimed"}, previous="p" * 64,
    payload_seal="s" * 64, payload={"written": "words"},
)  # fmt: skip
OTHER: dict[str, Any] = {
    "id": "ev2", "type": EventType.ITEM_RELEASED, "customer_id": "cu2", "seq": 6,
    "at": EVENT.at + timedelta(microseconds=1), "actor": "boris", "cause": "c", "item_id": None, "version": 3,
    "facts": {"to": "queued"}, "previous": "q" * 64, "payload_seal": "",
}  # fmt: skip


def test_the_hash_covers_every_field_of_the_envelope() -> None:
    assert OTHER.keys() == {field.name for field in fields(Event)} - {"payload"}
    hashes = {replace(EVENT, **{name: value}).hash for name, value in OTHER.items()}
    assert len(hashes | {EVENT.hash}) == len(OTHER) + 1


def test_the_hash_outlives_the_payload() -> None:
    assert replace(EVENT, payload=None).hash == EVENT.hash


def test_the_order_of_facts_is_no_part_of_the_hash() -> None:
    first, second = replace(EVENT, facts={"a": 1, "b": 2}), replace(EVENT, facts={"b": 2, "a": 1})
    assert first.hash == second.hash


def test_the_seal_needs_the_customers_key_and_the_very_words() -> None:
    sealed = seal(customer(), {"written": "words"})
    assert sealed == seal(customer(seq=9, name="else"), {"written": "words"})
    assert sealed != seal(customer(key=b"x" * 32), {"written": "words"})
    assert sealed != seal(customer(), {"written": "other words"})
    assert seal(customer(), None) == ""


def test_an_event_stands_behind_the_last_and_becomes_the_chains_head() -> None:
    before = item()
    chained, event = written(step(), EventType.ITEM_CLAIMED, customer(), before, {}, {"written": "words"})
    assert (event.previous, event.seq, event.version, event.item_id) == (before.chain, 5, 1, "it1")
    assert event.payload_seal == seal(customer(), {"written": "words"})
    assert chained == replace(before, chain=event.hash)


def test_an_event_of_no_item_begins_no_chain() -> None:
    chained, event = written(step(), EventType.MESSAGE_RECEIVED, customer(), None, {})
    assert chained is None
    assert (event.item_id, event.version, event.previous) == (None, None, "")


@pytest.mark.parametrize(("said", "language"), [(tags(language="pl"), "pl"), (None, "und")])
def test_an_item_without_tags_has_no_known_language(said: Any, language: str) -> None:
    assert item(tags=said).language == language


@pytest.mark.parametrize(
    ("who", "carrier", "hands"),
    [
        ({}, None, None),
        ({"pinned_to": "carl"}, None, "carl"),
        ({"offered_to": "boris", "pinned_to": "carl"}, "boris", "boris"),
        ({"holder": "anna", "offered_to": "boris", "pinned_to": "carl"}, "anna", "anna"),
        ({"owner": "anna"}, None, None),  # who answers for it need not have it
    ],
)
def test_whose_load_it_is_and_in_whose_hands(who: dict[str, Any], carrier: str | None, hands: str | None) -> None:
    assert (item(**who).carrier, item(**who).hands) == (carrier, hands)
