"""What people do with an item, and what a clock does."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import NotAllowed, StaleItem, WrongState
from chalicelib.item.change import Answered, Change, Load
from chalicelib.item.decide import RE_RING, check_may_claim, check_version, claim, expire, re_rung, release, resolve
from chalicelib.item.item import EventType, Item
from chalicelib.item.state import State
from tests.desk import NOW, customer, item, small_desk, step, tags

DESK = small_desk()
ANNA, BORIS, CARL = (DESK.agents[name] for name in ("anna", "boris", "carl"))
LATER = NOW + timedelta(minutes=20)
QUARANTINED: dict[str, Any] = {"state": State.QUARANTINED, "queue": "quarantine", "tags": None}


def claimed(**changed: Any) -> Item:
    return after(claim(item(**changed), customer(), ANNA, DESK, step(), "token-1"))


def after(change: Change) -> Item:
    assert change.after
    return change.after


def test_a_claim_gives_holder_owner_token_and_lease() -> None:
    taken = claimed()
    assert (taken.state, taken.holder, taken.owner, taken.claim_token) == (State.CLAIMED, "anna", "anna", "token-1")
    assert taken.lease_until == taken.wake_at == NOW + timedelta(minutes=15)


def test_a_chats_lease_is_shorter() -> None:
    assert claimed(channel="chat").lease_until == NOW + timedelta(minutes=2)


def test_a_claim_needs_room_for_one_more_of_the_channel() -> None:
    change = claim(item(channel="chat"), customer(), CARL, DESK, step(), "t")
    assert change.load == Load("carl", "chat", 1, limit=1)  # type: ignore[arg-type]


def test_the_owner_stays_when_another_claims() -> None:
    taken = after(claim(item(owner="carl"), customer(), ANNA, DESK, step(), "t"))
    assert (taken.holder, taken.owner) == ("anna", "carl")


def test_the_answer_is_kept_only_where_a_key_was_given() -> None:
    assert claim(item(), customer(), ANNA, DESK, step(), "t").answered is None
    kept = claim(item(), customer(), ANNA, DESK, step(), "t", "key-1").answered
    assert kept == Answered("anna", "key-1", "it1", "t", NOW + timedelta(days=1))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "agent", "may"),
    [
        ({}, BORIS, True),
        ({"tags": tags(language="pl")}, BORIS, False),
        ({"tags": tags(language="pl")}, ANNA, True),
        ({"tags": tags(language="fr")}, BORIS, True),  # no language of this desk: nobody is better placed
        ({"tags": None}, BORIS, True),
        ({"queue": "billing"}, ANNA, True),
        ({"queue": "billing"}, CARL, False),  # a member without the skill
        ({"queue": "billing"}, BORIS, False),
        (QUARANTINED, ANNA, True),
        (QUARANTINED, BORIS, False),
    ],
)
def test_who_may_claim_what(changed: dict[str, Any], agent: Any, may: bool) -> None:
    if may:
        check_may_claim(item(**changed), agent, DESK)
        assert after(claim(item(**changed), customer(), agent, DESK, step(), "t")).holder == agent.id
        return
    for refused in (
        lambda: check_may_claim(item(**changed), agent, DESK),
        lambda: claim(item(**changed), customer(), agent, DESK, step(), "t"),
    ):
        with pytest.raises(NotAllowed):
            refused()


def test_release_gives_the_item_back_with_a_new_ring() -> None:
    change = release(claimed(), customer(), step(at=LATER))
    back = after(change)
    assert (back.state, back.queue, back.lane, back.ring) == (State.QUEUED, "orders", "normal", 2)
    assert (back.holder, back.claim_token, back.lease_until) == (None, None, None)
    assert back.owner == "anna"
    assert back.waiting_since == NOW  # who waited longest still does
    assert back.wake_at == LATER + RE_RING
    assert change.load == Load("anna", "mail", -1)  # type: ignore[arg-type]


def test_what_came_from_quarantine_goes_back_there() -> None:
    taken = claimed(**QUARANTINED)
    assert after(release(taken, customer(), step())).state == State.QUARANTINED
    assert after(expire(taken, customer(), step(at=LATER))).state == State.QUARANTINED


def test_a_lease_that_holds_is_not_taken_away() -> None:
    taken = claimed()
    assert taken.lease_until
    for at in (NOW, taken.lease_until - timedelta(microseconds=1)):
        with pytest.raises(WrongState, match="lease"):
            expire(taken, customer(), step(at=at))


def test_a_lease_that_has_run_out_ends() -> None:
    taken = claimed()
    assert taken.lease_until
    change = expire(taken, customer(), step(at=taken.lease_until, actor="sortownia"))
    assert (after(change).state, after(change).ring, after(change).holder) == (State.QUEUED, 2, None)
    assert change.load == Load("anna", "mail", -1)  # type: ignore[arg-type]
    assert change.events[0].facts["holder"] == "anna"


@pytest.mark.parametrize("waiting", [item(), item(**QUARANTINED), item(state=State.RESOLVED)])
def test_only_what_is_claimed_has_a_lease_to_end(waiting: Item) -> None:
    with pytest.raises(WrongState):
        expire(waiting, customer(), step(at=LATER))


def test_resolve_ends_the_matter() -> None:
    change = resolve(claimed(), customer(), step(at=LATER))
    done = after(change)
    assert (done.state, done.holder, done.claim_token, done.lease_until) == (State.RESOLVED, None, None, None)
    assert done.wake_at is None  # nothing will happen to it by itself
    assert (done.ring, done.owner) == (1, "anna")
    assert change.load == Load("anna", "mail", -1)  # type: ignore[arg-type]


STEPS: list[tuple[Item, Callable[[Item], Change], EventType]] = [
    (item(), lambda i: claim(i, customer(), ANNA, DESK, step(at=LATER), "t"), EventType.ITEM_CLAIMED),
    (claimed(), lambda i: release(i, customer(), step(at=LATER)), EventType.ITEM_RELEASED),
    (claimed(), lambda i: expire(i, customer(), step(at=LATER)), EventType.LEASE_EXPIRED),
    (claimed(), lambda i: resolve(i, customer(), step(at=LATER)), EventType.ITEM_RESOLVED),
]


@pytest.mark.parametrize(("before", "decide", "told"), STEPS, ids=[str(told) for _, _, told in STEPS])
def test_every_step_raises_the_version_and_tells_of_it(before: Item, decide: Any, told: EventType) -> None:
    change = decide(before)
    now, (event,) = after(change), change.events
    assert change.before == before
    assert (now.version, now.changed_at) == (before.version + 1, LATER)
    assert (event.type, event.version, event.seq, event.at) == (told, now.version, customer().seq + 1, LATER)
    assert (event.previous, now.chain) == (before.chain, event.hash)
    assert (event.facts["from"], event.facts["to"], event.actor, event.cause) == (
        before.state, now.state, "anna", "test",
    )  # fmt: skip
    assert event.payload is None


@pytest.mark.parametrize(
    ("state", "decide"),
    [
        (State.CLAIMED, STEPS[0][1]),
        (State.RESOLVED, STEPS[0][1]),
        *((state, s[1]) for s in STEPS[1:] for state in (State.QUEUED, State.QUARANTINED, State.RESOLVED)),
    ],
)
def test_a_step_from_the_wrong_state_is_refused(state: State, decide: Any) -> None:
    with pytest.raises(WrongState):
        decide(item(state=state))


def test_only_the_present_version_is_good() -> None:
    check_version(item(version=3), 3)
    for other in (2, 4):
        with pytest.raises(StaleItem, match="3"):
            check_version(item(version=3), other)


def test_a_re_ring_moves_only_the_next_look() -> None:
    before = item(wake_at=NOW)
    assert re_rung(before, LATER) == replace(before, wake_at=LATER + RE_RING)
