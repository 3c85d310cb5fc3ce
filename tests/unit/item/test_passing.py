"""Passing an item on, from every state, to a person, a queue or a topic."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import Invalid, WrongState
from chalicelib.item.change import Change, Label, Load, Must
from chalicelib.item.item import Decided, EventType, Item
from chalicelib.item.offer import RE_RING
from chalicelib.item.passing import Destination, ping_pong, queue_of, to_agent, to_queue, to_topic
from chalicelib.item.state import State
from tests.desk import NOW, agents, customer, item, small_desk, step, tags

DESK = small_desk()
LATER = NOW + timedelta(minutes=20)
SAM = step(actor="sam", at=LATER)
EVERYBODY = agents(anna=0, boris=0, carl=0)


def after(change: Change) -> Item:
    assert change.after
    return change.after


def held(by: str = "anna", **changed: Any) -> Item:
    lease = {"claim_token": "old", "lease_until": LATER, "wake_at": LATER}
    return item(**{"state": State.CLAIMED, "holder": by, "owner": by, **lease, **changed})


def offered(to: str = "anna", **changed: Any) -> Item:
    return item(**{"offered_to": to, "offered_until": LATER, "wake_at": LATER, **changed})


def resting(state: State, **changed: Any) -> Item:
    until = {"snoozed_until": LATER, "wake_at": LATER} if state == State.SNOOZED else {}
    return item(**{"state": state, "pinned_to": "anna", "owner": "anna", **until, **changed})


def given(before: Item, to: str, reason: str = "") -> Change:
    return to_agent(before, customer(), SAM, to, "token-2", reason, DESK)


def moved(before: Item, queue: str, there: Any = None, reason: str = "") -> Change:
    return to_queue(before, customer(), SAM, queue, reason, there or {}, DESK)


QUARANTINED: dict[str, Any] = {"state": State.QUARANTINED, "queue": "quarantine", "tags": None}


# Where to


@pytest.mark.parametrize(
    ("kind", "name", "queue"),
    [
        ("agent", "boris", ""),
        ("queue", "billing", "billing"),
        ("topic", "order", "orders"),
        ("topic", "other", "people"),
    ],
)
def test_a_destination_means_a_queue_or_an_agent(kind: Any, name: str, queue: str) -> None:
    assert queue_of(Destination(kind, name), DESK) == queue


@pytest.mark.parametrize(
    ("kind", "name"),
    [("agent", "nobody"), ("queue", "nowhere"), ("queue", "quarantine"), ("topic", "weather"), ("topic", "orders")],
)
def test_what_the_desk_does_not_have_is_no_destination(kind: Any, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        queue_of(Destination(kind, name), DESK)
    assert refused.value.field == f"to_{kind}"


# To an agent


@pytest.mark.parametrize(
    ("before", "moves"),
    [
        (item(), [("boris", 1)]),
        (offered(), [("anna", -1), ("boris", 1)]),
        (held(), [("anna", -1), ("boris", 1)]),
        (item(owner="anna", pinned_to="anna"), [("boris", 1)]),
    ],
    ids=["waits", "is offered", "is held", "comes back to another"],
)
def test_the_agent_holds_it_at_once_if_he_is_there_and_has_room(before: Item, moves: Any) -> None:
    change = given(before, "boris")
    now = after(change)
    assert (now.state, now.holder, now.claim_token) == (State.CLAIMED, "boris", "token-2")
    assert now.lease_until == now.wake_at == LATER + timedelta(minutes=15)
    assert (now.offered_to, now.offered_until, now.pinned_to) == (None, None, None)
    assert now.owner == (before.owner or "boris")
    assert now.ring == before.ring
    assert [(load.agent_id, load.by) for load in change.loads] == moves
    assert change.loads[-1] == Load("boris", "mail", 1, 60, Must.PRESENT)  # type: ignore[arg-type]


def test_what_is_offered_to_him_may_be_given_to_him() -> None:
    assert given(offered("boris"), "boris").loads == (Load("boris", "mail", 0, None, Must.PRESENT),)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", [State.WAITING, State.SNOOZED])
def test_what_rests_comes_back_to_the_agent_instead(state: State) -> None:
    before = resting(state)
    now = after(given(before, "boris"))
    assert (now.state, now.pinned_to, now.owner, now.holder) == (state, "boris", "anna", None)
    assert (now.wake_at, now.snoozed_until, now.ring) == (before.wake_at, before.snoozed_until, before.ring)
    assert given(before, "boris").loads == ()


def test_what_is_in_quarantine_is_given_to_those_who_look_after_it() -> None:
    now = after(given(item(**QUARANTINED), "anna"))
    assert (now.state, now.queue, now.holder) == (State.CLAIMED, "quarantine", "anna")
    with pytest.raises(Invalid, match="boris"):
        given(item(**QUARANTINED), "boris")


@pytest.mark.parametrize(
    ("before", "to"),
    [
        (held("anna", queue="billing"), "boris"),
        (held("anna", queue="billing"), "carl"),  # a member without the skill
        (held("anna", tags=tags(language="pl")), "boris"),
        (resting(State.WAITING, queue="billing"), "boris"),
        (item(), "sam"),  # a supervisor is in no queue
    ],
)
def test_nobody_is_given_what_he_has_no_right_to(before: Item, to: str) -> None:
    with pytest.raises(Invalid) as refused:
        given(before, to)
    assert refused.value.field == "to_agent"


@pytest.mark.parametrize(
    "before", [held("boris"), *(resting(s, pinned_to="boris") for s in (State.WAITING, State.SNOOZED))]
)
def test_nobody_is_given_what_he_has(before: Item) -> None:
    with pytest.raises(WrongState, match="already"):
        given(before, "boris")


def test_what_only_once_was_his_may_be_given_to_him() -> None:
    """The offer of the customer's answer has lapsed while he was away; now he is there."""
    now = after(given(item(pinned_to="boris", asked=("boris",)), "boris"))
    assert (now.holder, now.pinned_to, now.asked) == ("boris", None, ())


# To a queue


@pytest.mark.parametrize(
    ("before", "since", "loads"),
    [
        (item(asked=("boris",)), NOW, []),
        (offered(), NOW, [("anna", -1)]),
        (held(), LATER, [("anna", -1)]),
        (item(**QUARANTINED), NOW, []),
        (item(pinned_to="anna"), NOW, []),
    ],
    ids=["waits", "is offered", "is held", "is in quarantine", "comes back"],
)
def test_what_waits_or_is_held_waits_in_the_other_queue(before: Item, since: Any, loads: Any) -> None:
    change = moved(before, "people")
    now = after(change)
    assert (now.state, now.queue, now.ring, now.reason) == (State.QUEUED, "people", 2, "passed on by sam")
    assert (now.holder, now.claim_token, now.lease_until, now.offered_to, now.pinned_to) == (None,) * 5
    assert (now.waiting_since, now.wake_at, now.owner) == (since, LATER + RE_RING, before.owner)
    assert [(load.agent_id, load.by) for load in change.loads] == loads
    assert change.label is None


@pytest.mark.parametrize("state", [State.WAITING, State.SNOOZED])
def test_what_rests_will_wake_in_the_other_queue_for_all(state: State) -> None:
    before = resting(state)
    change = moved(before, "people", EVERYBODY)
    now = after(change)
    assert (now.state, now.queue, now.pinned_to, now.ring) == (state, "people", None, before.ring)
    assert (now.wake_at, now.snoozed_until, now.waiting_since) == (before.wake_at, before.snoozed_until, NOW)
    assert change.loads == ()


@pytest.mark.parametrize("before", [held(channel="chat"), offered(channel="chat")])
def test_a_chat_is_offered_there_but_not_to_who_had_it(before: Item) -> None:
    change = moved(before, "people", agents(anna=0, boris=1, carl=1) | agents("away", carl=0))
    assert (after(change).offered_to, after(change).asked) == ("boris", ("anna",))
    assert change.loads == (
        Load("anna", "chat", -1),  # type: ignore[arg-type]
        Load("boris", "chat", 1, 12, Must.PRESENT),  # type: ignore[arg-type]
    )


def test_who_let_it_go_elsewhere_is_asked_again() -> None:
    before = item(channel="chat", asked=("boris",))
    assert after(moved(before, "people", agents(boris=0))).offered_to == "boris"


def test_it_may_go_back_to_its_own_queue() -> None:
    now = after(moved(held(), "orders"))
    assert (now.state, now.queue, now.ring) == (State.QUEUED, "orders", 2)
    back = after(moved(held(**{**QUARANTINED, "state": State.CLAIMED}), "quarantine", EVERYBODY))
    assert (back.state, back.queue, back.offered_to) == (State.QUARANTINED, "quarantine", None)


# To a topic


@pytest.mark.parametrize("before", [item(), held(), offered(), *(resting(s) for s in (State.WAITING, State.SNOOZED))])
def test_a_topic_is_a_move_and_a_label(before: Item) -> None:
    change = to_topic(before, customer(), SAM, "billing", "", {}, DESK)
    now, (event,) = after(change), change.events
    assert (now.queue, now.reason) == ("billing", "topic billing, says sam")
    assert now.decided == Decided(topic="billing", urgency="normal", by="sam", at=LATER)  # type: ignore[arg-type]
    assert change.label == Label(
        item_id=now.id, version=now.version, event_id=event.id, at=LATER, by="sam", topic="billing",  # type: ignore[arg-type]
        urgency="normal", said=tags(),
    )  # fmt: skip
    assert (event.type, event.facts["topic"], event.facts["to_place"]) == (
        EventType.ITEM_REASSIGNED, "billing", "queue billing",
    )  # fmt: skip
    assert now.state == (before.state if before.state in {State.WAITING, State.SNOOZED} else State.QUEUED)


def test_what_people_called_urgent_stays_so_with_another_topic() -> None:
    before = item(decided=Decided(topic="order", urgency="high", by="anna", at=NOW))  # type: ignore[arg-type]
    change = to_topic(before, customer(), SAM, "billing", "", {}, DESK)
    assert change.label
    assert (change.label.topic, change.label.urgency) == ("billing", "high")


def test_what_was_in_quarantine_goes_to_the_people_of_its_topic() -> None:
    change = to_topic(item(**QUARANTINED), customer(), SAM, "order", "", {}, DESK)
    assert (after(change).state, after(change).queue) == (State.QUEUED, "orders")
    assert change.label
    assert (change.label.topic, change.label.urgency, change.label.said) == ("order", None, None)


# All


@pytest.mark.parametrize(
    "passed",
    [
        lambda i: given(i, "boris"),
        lambda i: moved(i, "people"),
        lambda i: to_topic(i, customer(), SAM, "billing", "", {}, DESK),
    ],
)
def test_what_is_resolved_is_passed_to_nobody(passed: Any) -> None:
    with pytest.raises(WrongState):
        passed(item(state=State.RESOLVED, pinned_to="anna"))


def test_the_step_is_told_and_its_reason_kept_apart() -> None:
    change = given(held(version=4), "boris", "Anna CANARY is ill")
    now, (event,) = after(change), change.events
    assert (now.version, now.changed_at, now.chain, event.version) == (5, LATER, event.hash, 5)
    assert event.type == EventType.ITEM_REASSIGNED
    assert event.payload == {"reason": "Anna CANARY is ill"}
    assert "CANARY" not in str(event.facts)
    told = {name: event.facts[name] for name in ("from", "to", "holder", "to_place", "was_held_by", "hand_offs")}
    assert told == {
        "from": "claimed", "to": "claimed", "holder": "boris", "to_place": "agent boris", "was_held_by": "anna",
        "hand_offs": 1,
    }  # fmt: skip
    assert given(held(), "boris").events[0].payload is None


def test_hand_offs_and_the_places_are_remembered() -> None:
    first = after(given(held("anna"), "boris"))
    assert (first.been, first.hand_offs) == (("agent anna", "agent boris"), 1)
    second = after(moved(first, "people"))
    assert (second.been, second.hand_offs) == (("agent anna", "agent boris", "queue people"), 2)
    assert after(moved(item(), "people")).been == ("queue orders", "queue people")


def test_the_places_do_not_grow_for_ever() -> None:
    passed = item()
    for n in range(20):
        passed = after(moved(passed, ("people", "orders", "billing")[n % 3]))
    assert (passed.hand_offs, len(passed.been)) == (20, 12)
    assert passed.been[-2:] == ("queue people", "queue orders")


@pytest.mark.parametrize(
    ("way", "back_and_forth"),
    [
        ([], False),
        (["people"], False),
        (["people", "billing"], False),
        (["people", "orders"], True),  # where it came from
        (["people", "billing", "people"], True),
        (["people", "billing", "people", "billing"], True),
    ],
)
def test_what_goes_back_and_forth_is_noticed(way: list[str], back_and_forth: bool) -> None:
    passed = item()
    for queue in way:
        change = moved(passed, queue)
        passed = after(change)
        assert change.events[0].facts["ping_pong"] is ping_pong(passed)
    assert ping_pong(passed) is back_and_forth
