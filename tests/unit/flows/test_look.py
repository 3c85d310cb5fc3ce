"""Reading: what each sees, and that what has moved on is not shown as waiting."""

import pytest

from chalicelib.errors import Invalid, NotAllowed, Unknown
from chalicelib.flows import look
from chalicelib.flows.claim import claim_named
from chalicelib.flows.work import finish, give_back, note, snooze
from chalicelib.item.change import Mention
from chalicelib.rights import Caller
from chalicelib.store import rows
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA, BORIS, CARL, OLGA, SAM
from tests.unit.flows.scenes import answer, chat, claimed, deliver, items, present, ruled, told

pytestmark = pytest.mark.usefixtures("sound")
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


@pytest.mark.usefixtures("rows_by_hand")
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
    card, links = look.customer(item.customer_id, CARL, world)
    assert (card.seq, links) == (1, [])
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


# In somebody's hands


def test_items_by_whose_hands_they_are_in(world: TestWorld, moto_cloud: Cloud) -> None:
    for number in range(4):
        deliver(world, number)
    held = [claimed(world) for _ in range(4)]
    waiting = answer(world, held[1])[1]
    snoozed = snooze(held[2].id, held[2].version, world.now().replace(year=2027), ANNA, world)
    finish(held[3].id, held[3].version, ANNA, world)  # done: pinned to her and in nobody's list
    chat(world, "d1", "Hello")
    offered = items(moto_cloud)[-1]
    for caller in (ANNA, BORIS, OLGA):
        assert ids(world, "holder", "anna", caller) == [held[0].id]
        assert ids(world, "offered_to", "anna", caller) == [offered.id]
        assert ids(world, "pinned_to", "anna", caller) == [waiting.id, snoozed.id]
    for by in ("holder", "offered_to", "pinned_to"):
        assert ids(world, by, "boris", ANNA) == []
        with pytest.raises(NotAllowed):
            ids(world, by, "anna", STRANGER)
    claim_named(offered.id, ANNA, "", world)
    assert ids(world, "offered_to", "anna", ANNA) == []
    assert ids(world, "state", "snoozed", ANNA) == [snoozed.id]


def test_of_what_is_in_somebodys_hands_one_sees_his_own_queues(world: TestWorld, moto_cloud: Cloud) -> None:
    for number, words in enumerate(("#billing", "order")):
        deliver(world, number, words)
    bill, order = items(moto_cloud)
    for item in (bill, order):
        answer(world, claim_named(item.id, ANNA, "", world))
    assert ids(world, "pinned_to", "anna", ANNA) == [bill.id, order.id]
    assert ids(world, "pinned_to", "anna", BORIS) == [order.id]


@pytest.mark.parametrize("by", ["holder", "pinned_to"])
def test_who_has_it_in_hand_sees_it_though_he_has_left_its_queue(world: TestWorld, by: str) -> None:
    deliver(world, 1)
    held = claimed(world, caller=BORIS)
    item = held if by == "holder" else answer(world, held)[1]
    ruled(world, ('[queues.orders]\nmembers = ["*"]', '[queues.orders]\nmembers = ["carl"]'))
    assert look.item(item.id, BORIS, world)[0] == item
    assert ids(world, by, "boris", BORIS) == [item.id]
    with pytest.raises(NotAllowed):
        look.item(item.id, ANNA, world)
    assert ids(world, by, "boris", ANNA) == []


@pytest.mark.usefixtures("rows_by_hand")
@pytest.mark.parametrize("by", ["holder", "offered_to", "pinned_to"])
def test_what_has_left_his_hands_is_not_listed_when_the_index_still_shows_it(
    world: TestWorld, moto_cloud: Cloud, by: str
) -> None:
    deliver(world, 1)
    held = claimed(world)
    free = give_back(held.id, held.version, ANNA, world)
    lists = {"holder": "HOLDER#boris", "offered_to": "OFFERED#boris", "pinned_to": "PINNED#boris"}
    late = rows.item_row(free) | {"holding_pk": lists[by], "holding_sk": f"2026#{free.id}", "pinned_to": "boris"}
    moto_cloud.dynamodb.put_item(TableName="desk-table", Item=rows.to_wire(late))
    assert ids(world, by, "boris", BORIS) == []


# Mentions


def test_the_notes_that_name_one_newest_first(world: TestWorld) -> None:
    deliver(world, 1)
    held = claimed(world)
    for text in ("One", "Two", "Three"):
        held = note(held.id, held.version, f"{text}, @boris", ["boris"], ANNA, world)
    entries = [event for event in told(world, held) if event.type == "note-added"]
    wanted = [Mention("boris", held.id, held.customer_id, e.seq, e.at, "anna") for e in reversed(entries)]  # type: ignore[arg-type]
    page = look.mentions("boris", BORIS, 2, None, world)
    assert list(page.entries) == wanted[:2]
    rest = look.mentions("boris", SAM, 2, page.next, world)
    assert (list(rest.entries), rest.next) == (wanted[2:], None)
    assert look.mentions("carl", CARL, 2, None, world).entries == ()


def test_only_he_himself_or_a_supervisor_reads_who_named_him(world: TestWorld) -> None:
    for caller in (ANNA, OLGA, STRANGER, Caller("boris", frozenset({"observer"}))):
        with pytest.raises(NotAllowed):
            look.mentions("boris", caller, 10, None, world)
    for name, caller in (("nobody", SAM), ("eve", Caller("eve", frozenset({"agent"})))):
        with pytest.raises(Unknown):
            look.mentions(name, caller, 10, None, world)
    with pytest.raises(Invalid, match="cursor"):
        look.mentions("boris", BORIS, 10, "x", world)


def test_what_is_on_offer_still_waits_on_the_board(world: TestWorld) -> None:
    present(world, CARL)
    chat(world, "d1", "Hello")
    (orders,) = (queue for queue in look.board(SAM, world) if queue.name == "orders")
    assert (orders.normal, orders.held) == (1, 0)
