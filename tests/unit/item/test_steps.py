"""What every step has in common: version, event, and whose load an item counts for."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import StaleItem, WrongState
from chalicelib.item.change import Load, Must
from chalicelib.item.item import AgentId, EventType, Item, ItemId, Merged
from chalicelib.item.state import Action, State
from chalicelib.item.steps import at_rest, check_version, loads, stepped, told, waits
from tests.desk import NOW, customer, item, small_desk, step

DESK = small_desk()
LATER = NOW + timedelta(minutes=20)
HELD: dict[str, Any] = {"state": State.CLAIMED, "holder": "anna", "claim_token": "t", "lease_until": LATER}
OFFERED: dict[str, Any] = {"offered_to": "anna", "offered_until": LATER}


def test_only_the_present_version_is_good() -> None:
    check_version(item(version=3), 3)
    for other in (2, 4):
        with pytest.raises(StaleItem, match="3"):
            check_version(item(version=3), other)


def test_a_step_moves_state_version_and_time_and_nothing_else() -> None:
    before = item(**HELD, version=7)
    now = stepped(before, Action.RELEASE, LATER)
    assert now == item(**{**HELD, "state": State.QUEUED}, version=8, changed_at=LATER)
    with pytest.raises(WrongState):
        stepped(before, Action.CLAIM, LATER)


@pytest.mark.parametrize("action", list(Action))
def test_to_a_merged_item_nothing_happens_but_notes_and_its_return(action: Action) -> None:
    gone = item(state=State.RESOLVED, merged=Merged(ItemId("it2"), State.QUEUED))
    if action in {Action.ANNOTATE, Action.UNMERGE}:
        assert stepped(gone, action, LATER).version == 2
    else:
        with pytest.raises(WrongState, match="it2"):
            stepped(gone, action, LATER)


@pytest.mark.parametrize("state", list(State))
def test_what_waits_is_queued_or_in_quarantine(state: State) -> None:
    assert waits(item(state=state)) is (state in {State.QUEUED, State.QUARANTINED})


def test_an_item_at_rest_is_nobodys() -> None:
    resting = at_rest(item(**HELD, **OFFERED, owner="anna", pinned_to="carl"))
    assert resting == item(state=State.CLAIMED, owner="anna", pinned_to="carl")


NOBODY, HELD_BY_ANNA, OFFERED_ANNA = item(), item(**HELD), item(**OFFERED)
HELD_BY_CARL, OFFERED_CARL = item(**{**HELD, "holder": "carl"}), item(**{**OFFERED, "offered_to": "carl"})
ANNA, CARL = AgentId("anna"), AgentId("carl")
TAKES, LEAVES = (CARL, "mail", 1, 2), (ANNA, "mail", -1)


@pytest.mark.parametrize(
    ("before", "changed", "moved"),
    [
        (NOBODY, NOBODY, ()),
        (None, NOBODY, ()),
        (NOBODY, HELD_BY_CARL, (Load(*TAKES, Must.NOT_AWAY),)),
        (None, OFFERED_CARL, (Load(*TAKES, Must.PRESENT),)),
        (NOBODY, OFFERED_CARL, (Load(*TAKES, Must.PRESENT),)),
        (HELD_BY_ANNA, HELD_BY_ANNA, ()),
        (OFFERED_ANNA, OFFERED_ANNA, ()),
        (HELD_BY_ANNA, NOBODY, (Load(*LEAVES),)),
        (OFFERED_ANNA, NOBODY, (Load(*LEAVES),)),
        (OFFERED_ANNA, HELD_BY_ANNA, (Load(ANNA, "mail", 0, None, Must.NOT_AWAY),)),  # counted since the offer
        (OFFERED_ANNA, HELD_BY_CARL, (Load(*LEAVES), Load(*TAKES, Must.NOT_AWAY))),
        (OFFERED_ANNA, OFFERED_CARL, (Load(*LEAVES), Load(*TAKES, Must.PRESENT))),
        (HELD_BY_ANNA, OFFERED_CARL, (Load(*LEAVES), Load(*TAKES, Must.PRESENT))),
        (HELD_BY_ANNA, HELD_BY_CARL, (Load(*LEAVES), Load(*TAKES, Must.NOT_AWAY))),
    ],
)
def test_an_item_counts_for_who_holds_it_or_is_offered_it(before: Item | None, changed: Item, moved: Any) -> None:
    assert loads(before, changed, DESK) == moved


def test_who_is_given_work_must_be_there() -> None:
    given = loads(NOBODY, HELD_BY_CARL, DESK, Must.PRESENT)
    assert given == (Load(*TAKES, Must.PRESENT),)
    assert loads(OFFERED_CARL, HELD_BY_CARL, DESK, Must.PRESENT)[0].must == Must.PRESENT


def test_each_channel_has_its_own_limit() -> None:
    (load,) = loads(None, item(channel="chat", **{**OFFERED, "offered_to": "carl"}), DESK)
    assert (load.channel, load.limit) == ("chat", 1)


def test_a_step_is_told_once_with_what_was_and_is() -> None:
    before, changed = item(**HELD), item(version=2, changed_at=LATER)
    change = told(before, changed, customer(), EventType.ITEM_RELEASED, step(at=LATER), DESK, {"ring": 2}, {"w": "x"})
    (event,) = change.events
    assert event.facts == {"from": "claimed", "to": "queued", "holder": "anna", "ring": 2}
    assert (event.type, event.seq, event.version, event.at, event.payload) == (
        EventType.ITEM_RELEASED, 5, 2, LATER, {"w": "x"},
    )  # fmt: skip
    assert (change.before, change.loads, change.customer) == (before, (Load(ANNA, "mail", -1),), customer())
    assert change.after
    assert change.after.chain == event.hash
