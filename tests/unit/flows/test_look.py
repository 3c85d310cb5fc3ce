"""Reading: what each sees, and that what has moved on is not shown as waiting."""

import pytest

from chalicelib.errors import NotAllowed, Unknown
from chalicelib.flows import look
from chalicelib.flows.work import finish
from chalicelib.rights import Caller
from chalicelib.store import rows
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA, BORIS, CARL, OLGA, SAM
from tests.unit.flows.scenes import chat, claimed, deliver, items

STRANGER = Caller("eve", frozenset())


@pytest.fixture
def busy(world: TestWorld) -> TestWorld:
    """Three orders, one urgent bill; Anna holds the first order."""
    for number, words in enumerate(("order", "#high", "order", "#billing #critical")):
        deliver(world, number, words)
    claimed(world)
    return world


def ids(world: TestWorld, by: str, value: str, caller: Caller) -> list[str]:
    return [item.id for item in look.items(by, value, caller, 10, None, False, world)[0]]


def test_items_by_queue_holder_and_state_as_they_are_now(busy: TestWorld, moto_cloud: Cloud) -> None:
    first, second, third, bill = (item.id for item in items(moto_cloud))
    assert ids(busy, "queue", "orders", ANNA) == [second, third]
    assert ids(busy, "holder", "anna", ANNA) == [first]
    assert ids(busy, "state", "queued", OLGA) == [second, third, bill]
    assert ids(busy, "state", "queued", BORIS) == [second, third]  # what he may not see is left out
    newest, _ = look.items("queue", "orders", ANNA, 1, None, True, busy)
    assert [item.id for item in newest] == [third]


def test_pages_follow_each_other(busy: TestWorld, moto_cloud: Cloud) -> None:
    page, cursor = look.items("queue", "orders", ANNA, 1, None, False, busy)
    rest, _ = look.items("queue", "orders", ANNA, 1, cursor, False, busy)
    assert [item.id for item in (*page, *rest)] == [item.id for item in items(moto_cloud)[1:3]]


def test_what_the_index_still_shows_as_waiting_is_not_listed_when_it_is_taken(
    busy: TestWorld, moto_cloud: Cloud
) -> None:
    """Indexes are late by moments."""
    held = items(moto_cloud)[0]
    late = rows.item_row(held) | {"waiting_pk": "QUEUE#orders", "waiting_sk": f"2026#{held.id}"}
    moto_cloud.dynamodb.put_item(TableName="desk-table", Item=rows.to_wire(late))
    assert held.id not in ids(busy, "queue", "orders", ANNA)


def test_foreign_and_unknown_queues_are_refused(busy: TestWorld) -> None:
    with pytest.raises(Unknown):
        ids(busy, "queue", "nowhere", ANNA)
    for caller in (BORIS, CARL, STRANGER):
        with pytest.raises(NotAllowed):
            ids(busy, "queue", "billing", caller)


def test_an_item_comes_with_its_history(busy: TestWorld, moto_cloud: Cloud) -> None:
    held = items(moto_cloud)[0]
    found, history = look.item(held.id, BORIS, busy)
    assert found == held
    assert [event.type for event in history] == ["message-received", "item-claimed"]
    assert all(event.payload is None for event in history)
    with pytest.raises(NotAllowed):
        look.item(held.id, STRANGER, busy)
    with pytest.raises(Unknown):
        look.item("nothing", SAM, busy)


def test_whoever_serves_a_customer_sees_all_he_said(world: TestWorld, moto_cloud: Cloud) -> None:
    chat(world, "d1", "Hello")
    (item,) = items(moto_cloud)
    page = look.timeline(item.customer_id, CARL, 10, None, False, world)
    assert [event.payload["written"] for event in page.entries if event.payload] == ["Hello"]
    assert look.customer(item.customer_id, CARL, world).seq == 1
    for read in (
        lambda c: look.customer(item.customer_id, c, world),
        lambda c: look.timeline(item.customer_id, c, 1, None, False, world),
    ):
        with pytest.raises(NotAllowed):
            read(STRANGER)
    with pytest.raises(Unknown):
        look.timeline("nobody", SAM, 10, None, False, world)
    with pytest.raises(Unknown):
        look.customer("nobody", SAM, world)


def test_the_board_counts_what_waits_and_what_is_held(busy: TestWorld, moto_cloud: Cloud) -> None:
    board = {queue.name: queue for queue in look.board(SAM, busy)}
    assert set(board) == {"orders", "billing", "people", "quarantine"}
    orders, bills = board["orders"], board["billing"]
    assert (orders.urgent, orders.normal, orders.held, orders.complete) == (1, 1, 1, True)
    assert (bills.urgent, bills.normal, bills.held) == (1, 0, 0)
    assert orders.oldest_since == items(moto_cloud)[1].waiting_since
    assert board["people"].oldest_since is None
    assert {queue.name for queue in look.board(BORIS, busy)} == {"orders", "people"}
    assert look.board(STRANGER, busy) == []


def test_presence_tells_how_much_one_holds(busy: TestWorld, moto_cloud: Cloud) -> None:
    assert look.set_presence("anna", "away", ANNA, busy) == {"mail": 1, "chat": 0}
    held = items(moto_cloud)[0]
    finish(held.id, held.version, ANNA, busy)
    assert look.set_presence("anna", "present", SAM, busy) == {"mail": 0, "chat": 0}
    with pytest.raises(NotAllowed):
        look.set_presence("anna", "away", BORIS, busy)
    with pytest.raises(Unknown):
        look.set_presence("nobody", "away", SAM, busy)
