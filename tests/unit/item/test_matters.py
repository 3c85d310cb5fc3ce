"""Which messages an item has by its own events, and which two items may become one."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import WrongState
from chalicelib.item.change import Step, written
from chalicelib.item.item import Customer, CustomerId, Event, EventType, Item
from chalicelib.item.matters import MOST_MERGED, Entry, Side, merge, messages_before_merge, messages_of
from chalicelib.item.state import State
from tests.desk import NOW, customer, item, small_desk

DESK = small_desk()
ONE = customer()


def event(number: int, kind: EventType = EventType.MESSAGE_RECEIVED, **facts: Any) -> Event:
    step = Step("anna", "test", NOW + timedelta(minutes=number), f"e{number}")
    return written(step, kind, customer(seq=number - 1), item(version=number), facts)[1]


def named(number: int, at: int) -> dict[str, Any]:
    return {"id": f"g{number}", "customer_id": "cu1", "seq": number, "at": (NOW + timedelta(minutes=at)).isoformat()}


def ids(entries: tuple[Entry, ...]) -> list[str]:
    return [entry.id for entry in entries]


def side(of: Item, entries: int = 1, whose: Customer = ONE) -> Side:
    told = (Entry(f"{of.id}-{n}", whose.id, n, NOW.isoformat()) for n in range(entries))
    return Side(item=of, customer=whose, entries=tuple(told))


def merged(one: Side, into: Side) -> Item:
    change = merge(one, into, (Step("anna", "merge", NOW, "m1"), Step("anna", "merge", NOW, "m2")), None, "", DESK)
    assert change.after
    return change.after


def in_state(state: State, **more: Any) -> Item:
    claimed = {"holder": "anna", "claim_token": "t", "lease_until": NOW} if state == State.CLAIMED else {}
    until = {"snoozed_until": NOW} if state == State.SNOOZED else {}
    queue = "quarantine" if state == State.QUARANTINED else "orders"
    return item(**{"state": state, "queue": queue, **claimed, **until, **more})


def test_an_item_has_the_messages_it_received() -> None:
    history = [event(1), event(2, EventType.ITEM_CLAIMED), event(3)]
    assert messages_of(history) == (
        Entry("e1", CustomerId("cu1"), 1, "2026-03-02T09:01:00+00:00"),
        Entry("e3", CustomerId("cu1"), 3, "2026-03-02T09:03:00+00:00"),
    )
    assert messages_of([]) == ()


def test_it_has_what_it_gained_in_the_order_of_time_and_not_what_it_lost() -> None:
    history = [
        event(1), event(3), event(4, EventType.ITEM_JOINED, gained=[named(7, at=2), named(8, at=9)]),
        event(5, EventType.ITEM_SPLIT, lost=["e3", "g8"]),
    ]  # fmt: skip
    assert ids(messages_of(history[:3])) == ["e1", "g7", "e3", "g8"]
    assert ids(messages_of(history)) == ["e1", "g7"]
    assert ids(messages_of([*history, event(6, EventType.ITEM_JOINED, gained=[named(8, at=9)])])) == ["e1", "g7", "g8"]


def test_what_it_had_when_it_was_merged_is_what_it_had_the_last_time() -> None:
    first = [event(1), event(2), event(3, EventType.ITEM_MERGED, lost=["e1", "e2"])]
    back = event(4, EventType.ITEM_UNMERGED, gained=[named(1, at=1)])
    assert ids(messages_before_merge(first)) == ["e1", "e2"]
    assert ids(messages_before_merge([*first, back, event(5, EventType.ITEM_MERGED, lost=["g1"])])) == ["g1"]
    assert messages_before_merge([event(1)]) == ()


#: From what is in somebody's reach to what nobody looks at any more.
NEAR = {State.QUEUED: 0, State.CLAIMED: 0, State.QUARANTINED: 0, State.SNOOZED: 1, State.WAITING: 2, State.RESOLVED: 3}


@pytest.mark.parametrize(("state", "other"), [p for p in itertools.product(State, State) if p[1] != State.QUARANTINED])
def test_nothing_is_merged_out_of_sight(state: State, other: State) -> None:
    one, into = side(in_state(state)), side(in_state(other, id="it2"))
    if NEAR[other] > NEAR[state]:
        with pytest.raises(WrongState, match="nobody would look at it"):
            merged(one, into)
        return
    done = merged(one, into)
    assert (done.state, done.merged_into, done.holder, done.wake_at) == (State.RESOLVED, "it2", None, None)
    assert done.merged
    assert done.merged.state == state


def test_what_has_too_many_messages_to_be_named_is_not_merged() -> None:
    into = side(item(id="it2"))
    assert merged(side(item(), entries=MOST_MERGED), into)
    with pytest.raises(WrongState, match="link it instead"):
        merged(side(item(), entries=MOST_MERGED + 1), into)


def test_chats_of_two_installations_are_not_merged() -> None:
    one, into = (side(item(id=f"it{n}", channel="chat", source=f"w{n}")) for n in (1, 2))
    with pytest.raises(WrongState, match="both ways"):
        merged(one, into)
