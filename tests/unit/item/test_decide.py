"""Holding an item: claims, their end, offers let go, putting off, waking and ending."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import Invalid, NotAllowed, WrongState
from chalicelib.item.change import Answered, Change, Load, Must
from chalicelib.item.decide import (
    LONGEST_SNOOZE,
    check_may_claim,
    claim,
    decline,
    expire,
    lapse,
    re_rung,
    release,
    resolve,
    snooze,
    wake,
)
from chalicelib.item.item import EventType, Item
from chalicelib.item.offer import RE_RING, AgentNow
from chalicelib.item.state import State
from tests.desk import NOW, agents, customer, item, small_desk, step, tags

DESK = small_desk()
ANNA, BORIS, CARL = (DESK.agents[name] for name in ("anna", "boris", "carl"))
NOBODY: Mapping[str, AgentNow] = {}
LATER = NOW + timedelta(minutes=20)
TOMORROW = NOW + timedelta(days=1)
INSTANT = timedelta(microseconds=1)
QUARANTINED: dict[str, Any] = {"state": State.QUARANTINED, "queue": "quarantine", "tags": None}


def after(change: Change) -> Item:
    assert change.after
    return change.after


def claimed(**changed: Any) -> Item:
    return after(claim(item(**changed), customer(), ANNA, DESK, step(), "token-1"))


def offered(channel: str = "chat", to: str = "anna", **changed: Any) -> Item:
    """An item that is offered until LATER."""
    until = {"offered_to": to, "offered_until": LATER, "wake_at": LATER}
    return item(**{"channel": channel, **until, **changed})


def resting(state: State, **changed: Any) -> Item:
    """An item that waits for the customer or rests until tomorrow, and comes back to Anna."""
    until = {"snoozed_until": TOMORROW, "wake_at": TOMORROW} if state == State.SNOOZED else {}
    return item(**{"state": state, "pinned_to": "anna", "owner": "anna", **until, **changed})


# Claim


def test_a_claim_gives_holder_owner_token_and_lease() -> None:
    taken = claimed()
    assert (taken.state, taken.holder, taken.owner, taken.claim_token) == (State.CLAIMED, "anna", "anna", "token-1")
    assert taken.lease_until == taken.wake_at == NOW + timedelta(minutes=15)
    assert taken.ring == item().ring


def test_a_chats_lease_is_shorter() -> None:
    assert claimed(channel="chat").lease_until == NOW + timedelta(minutes=2)


def test_a_claim_needs_room_for_one_more_of_the_channel_and_presence() -> None:
    change = claim(item(channel="chat"), customer(), CARL, DESK, step(), "t")
    assert change.loads == (Load("carl", "chat", 1, 1, Must.NOT_AWAY),)  # type: ignore[arg-type]


def test_the_owner_stays_when_another_claims() -> None:
    taken = after(claim(item(owner="carl"), customer(), ANNA, DESK, step(), "t"))
    assert (taken.holder, taken.owner) == ("anna", "carl")


def test_the_answer_is_kept_only_where_a_key_was_given() -> None:
    assert claim(item(), customer(), ANNA, DESK, step(), "t").answered is None
    kept = claim(item(), customer(), ANNA, DESK, step(), "t", "key-1").answered
    assert kept == Answered("anna", "key-1", "it1", NOW + timedelta(days=1), claim_token="t")  # type: ignore[arg-type]


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
        ({"queue": "billing", "state": State.WAITING, "pinned_to": "boris"}, BORIS, False),  # he had the right once
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


def test_who_is_offered_an_item_accepts_it_by_his_claim() -> None:
    change = claim(offered(asked=("boris",)), customer(), ANNA, DESK, step(), "t")
    taken = after(change)
    assert (taken.holder, taken.offered_to, taken.offered_until, taken.asked) == ("anna", None, None, ())
    assert taken.wake_at == taken.lease_until == NOW + timedelta(minutes=2)
    assert change.loads == (Load("anna", "chat", 0, None, Must.NOT_AWAY),)  # type: ignore[arg-type]


@pytest.mark.parametrize("channel", ["chat", "mail"])
def test_what_is_offered_to_another_is_his_until_its_time_is_over(channel: str) -> None:
    for at in (NOW, LATER - INSTANT):
        with pytest.raises(WrongState, match="offered to anna"):
            claim(offered(channel), customer(), BORIS, DESK, step(at=at), "t")
    change = claim(offered(channel), customer(), BORIS, DESK, step(at=LATER), "t")
    assert (after(change).holder, after(change).offered_to) == ("boris", None)
    assert {(load.agent_id, load.by) for load in change.loads} == {("anna", -1), ("boris", 1)}


@pytest.mark.parametrize("state", [State.WAITING, State.SNOOZED])
@pytest.mark.parametrize("agent", [ANNA, BORIS])
def test_what_rests_is_taken_up_again_by_him_it_is_pinned_to_or_a_colleague(state: State, agent: Any) -> None:
    taken = after(claim(resting(state), customer(), agent, DESK, step(), "t"))
    assert (taken.holder, taken.owner, taken.pinned_to, taken.snoozed_until) == (agent.id, "anna", None, None)
    assert taken.wake_at == taken.lease_until


# Release, expire


def test_release_gives_the_item_back_with_a_new_ring() -> None:
    change = release(claimed(), customer(), step(at=LATER), NOBODY, DESK)
    back = after(change)
    assert (back.state, back.queue, back.lane, back.ring) == (State.QUEUED, "orders", "normal", 2)
    assert (back.holder, back.claim_token, back.lease_until) == (None, None, None)
    assert back.owner == "anna"
    assert back.waiting_since == NOW  # who waited longest still does
    assert back.wake_at == LATER + RE_RING
    assert change.loads == (Load("anna", "mail", -1),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("there", "to"),
    [(agents(anna=0, boris=5, carl=0), "carl"), (agents(anna=0, boris=5), "boris"), (agents(anna=0), None)],
)
def test_a_chat_given_back_is_offered_to_others(there: Any, to: str | None) -> None:
    for given_back in (release, expire):
        change = given_back(claimed(channel="chat"), customer(), step(at=LATER), there, DESK)
        assert after(change).offered_to == to
        assert change.events[0].facts.get("offered_to") == to
        moves = {("anna", -1), (to, 1)} if to else {("anna", -1)}
        assert {(load.agent_id, load.by) for load in change.loads} == moves


def test_a_mail_given_back_is_for_all() -> None:
    """Whatever its past: who takes an item up ends what was arranged before."""
    taken = after(claim(resting(State.WAITING, pinned_to="boris"), customer(), ANNA, DESK, step(), "t"))
    back = after(release(taken, customer(), step(at=LATER), agents(anna=0, boris=0, carl=0), DESK))
    assert (back.offered_to, back.pinned_to) == (None, None)


def test_what_came_from_quarantine_goes_back_there() -> None:
    taken = claimed(**QUARANTINED)
    everybody = agents(anna=0, boris=0)
    assert after(release(taken, customer(), step(), everybody, DESK)).state == State.QUARANTINED
    expired = after(expire(taken, customer(), step(at=LATER), everybody, DESK))
    assert (expired.state, expired.offered_to) == (State.QUARANTINED, None)


def test_a_lease_that_holds_is_not_taken_away() -> None:
    taken = claimed()
    assert taken.lease_until
    for at in (NOW, taken.lease_until - INSTANT):
        with pytest.raises(WrongState, match="lease"):
            expire(taken, customer(), step(at=at), NOBODY, DESK)


def test_a_lease_that_has_run_out_ends() -> None:
    taken = claimed()
    assert taken.lease_until
    change = expire(taken, customer(), step(at=taken.lease_until, actor="sortownia"), NOBODY, DESK)
    assert (after(change).state, after(change).ring, after(change).holder) == (State.QUEUED, 2, None)
    assert change.loads == (Load("anna", "mail", -1),)  # type: ignore[arg-type]
    assert change.events[0].facts["holder"] == "anna"


@pytest.mark.parametrize("waiting", [item(), item(**QUARANTINED), item(state=State.RESOLVED), offered()])
def test_only_what_is_claimed_has_a_lease_to_end(waiting: Item) -> None:
    with pytest.raises(WrongState):
        expire(waiting, customer(), step(at=LATER), NOBODY, DESK)


# Offers let go


def test_a_declined_offer_goes_on_to_the_next_and_then_to_all() -> None:
    there = agents(anna=0, boris=1, carl=1)
    first = decline(offered(), customer(), step(), there, DESK)
    assert (after(first).offered_to, after(first).asked, after(first).ring) == ("boris", ("anna",), 2)
    assert first.loads == (
        Load("anna", "chat", -1),  # type: ignore[arg-type]
        Load("boris", "chat", 1, 12, Must.PRESENT),  # type: ignore[arg-type]
    )
    assert (first.events[0].facts["was_offered_to"], first.events[0].facts["offered_to"]) == ("anna", "boris")
    last = decline(after(first), customer(), step(), agents(anna=0, boris=0), DESK)
    assert (after(last).offered_to, after(last).asked, after(last).ring) == (None, ("anna", "boris"), 3)
    assert (after(last).state, after(last).wake_at, after(last).waiting_since) == (State.QUEUED, NOW + RE_RING, NOW)
    assert last.loads == (Load("boris", "chat", -1),)  # type: ignore[arg-type]
    assert "offered_to" not in last.events[0].facts


def test_an_answer_let_go_still_belongs_to_who_wrote() -> None:
    change = decline(offered("mail", pinned_to="anna"), customer(), step(), agents(anna=0, boris=0), DESK)
    assert (after(change).offered_to, after(change).pinned_to) == (None, "anna")


@pytest.mark.parametrize("let_go", [decline, lapse])
@pytest.mark.parametrize("nobodys", [item(), item(**QUARANTINED), claimed(), resting(State.WAITING)])
def test_only_an_offer_can_be_let_go(let_go: Any, nobodys: Item) -> None:
    with pytest.raises(WrongState):
        let_go(nobodys, customer(), step(at=LATER), agents(boris=0), DESK)


def test_an_offer_does_not_lapse_before_its_time() -> None:
    with pytest.raises(WrongState, match="still stands"):
        lapse(offered(), customer(), step(at=LATER - INSTANT), NOBODY, DESK)


@pytest.mark.parametrize(("channel", "silent_since"), [("chat", LATER), ("mail", None)])
def test_who_lets_a_chat_pass_in_silence_is_set_away_and_who_lets_a_mail_is_not(
    channel: str, silent_since: Any
) -> None:
    change = lapse(offered(channel, pinned_to="boris"), customer(), step(at=LATER), agents(anna=0, boris=0), DESK)
    assert change.loads == (
        Load("anna", channel, -1, silent_since=silent_since),  # type: ignore[arg-type]
        Load("boris", channel, 1, DESK.agents["boris"].capacity[channel], Must.PRESENT),  # type: ignore[arg-type]
    )
    assert (after(change).offered_to, after(change).asked, after(change).ring) == ("boris", ("anna",), 2)


def test_a_declined_chat_sets_nobody_away() -> None:
    change = decline(offered(), customer(), step(at=LATER), agents(boris=0), DESK)
    assert [load.silent_since for load in change.loads] == [None, None]


# Snooze


@pytest.mark.parametrize("until", [NOW + INSTANT, NOW + LONGEST_SNOOZE])
def test_what_is_put_off_rests_until_its_time_and_comes_back_to_its_holder(until: Any) -> None:
    change = snooze(claimed(), customer(), step(), until, DESK)
    rests = after(change)
    assert (rests.state, rests.snoozed_until, rests.wake_at) == (State.SNOOZED, until, until)
    assert (rests.pinned_to, rests.holder, rests.claim_token, rests.lease_until) == ("anna", None, None, None)
    assert (rests.ring, rests.owner) == (1, "anna")
    assert change.loads == (Load("anna", "mail", -1),)  # type: ignore[arg-type]
    assert change.events[0].facts["until"] == until.isoformat()


@pytest.mark.parametrize("until", [NOW - INSTANT, NOW, NOW + LONGEST_SNOOZE + INSTANT])
def test_nothing_is_put_off_into_the_past_or_for_ever(until: Any) -> None:
    with pytest.raises(Invalid) as refused:
        snooze(claimed(), customer(), step(), until, DESK)
    assert refused.value.field == "until"


@pytest.mark.parametrize("state", [State.WAITING, State.SNOOZED])
def test_what_rests_is_put_off_anew_for_the_same_agent(state: State) -> None:
    change = snooze(resting(state), customer(), step(actor="sam"), LATER, DESK)
    assert (after(change).pinned_to, after(change).snoozed_until, after(change).wake_at) == ("anna", LATER, LATER)
    assert change.loads == ()


# Wake


@pytest.mark.parametrize("state", [State.WAITING, State.SNOOZED, State.RESOLVED])
def test_what_rests_or_is_done_waits_again_first_for_who_had_it(state: State) -> None:
    there = agents(anna=0, boris=0)
    change = wake(resting(state, asked=("anna",)), customer(), step(at=LATER), "its time has come", there, DESK)
    woken = after(change)
    assert (woken.state, woken.ring, woken.waiting_since, woken.reason) == (State.QUEUED, 2, LATER, "its time has come")
    assert (woken.offered_to, woken.offered_until, woken.snoozed_until) == ("anna", LATER + timedelta(minutes=15), None)
    assert (woken.pinned_to, woken.asked, woken.wake_at) == ("anna", (), woken.offered_until)
    assert change.loads == (Load("anna", "mail", 1, 60, Must.PRESENT),)  # type: ignore[arg-type]
    assert change.events[0].facts["offered_to"] == "anna"


@pytest.mark.parametrize("state", [State.WAITING, State.SNOOZED, State.RESOLVED])
def test_while_he_is_away_it_waits_for_all(state: State) -> None:
    there = agents("away", anna=0) | agents(boris=0)
    woken = after(wake(resting(state), customer(), step(at=LATER), "why", there, DESK))
    assert (woken.state, woken.offered_to, woken.wake_at) == (State.QUEUED, None, LATER + RE_RING)


@pytest.mark.parametrize("awake", [item(), offered(), claimed(), item(**QUARANTINED)])
def test_what_is_awake_stays_as_it_is_and_tells_why_it_was_called(awake: Item) -> None:
    change = wake(awake, customer(), step(at=LATER), "why", agents(anna=0, boris=0), DESK)
    same = replace(awake, version=awake.version + 1, changed_at=LATER, chain=after(change).chain)
    assert (after(change), change.loads) == (same, ())
    assert (change.events[0].type, change.events[0].facts["reason"]) == (EventType.ITEM_WOKEN, "why")


@pytest.mark.parametrize("state", [State.WAITING, State.SNOOZED, State.RESOLVED])
def test_what_was_put_off_in_quarantine_wakes_there(state: State) -> None:
    woken = after(wake(resting(state, queue="quarantine"), customer(), step(at=LATER), "why", agents(anna=0), DESK))
    assert (woken.state, woken.queue, woken.offered_to, woken.ring) == (State.QUARANTINED, "quarantine", None, 2)


# Resolve


def test_resolve_ends_the_matter_and_remembers_whose_it_was() -> None:
    change = resolve(claimed(), customer(), step(at=LATER), DESK)
    done = after(change)
    assert (done.state, done.holder, done.claim_token, done.lease_until) == (State.RESOLVED, None, None, None)
    assert done.wake_at is None  # nothing will happen to it by itself
    assert (done.ring, done.owner, done.pinned_to) == (1, "anna", "anna")
    assert change.loads == (Load("anna", "mail", -1),)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", [State.WAITING, State.SNOOZED])
def test_what_rests_is_ended_without_being_taken_up(state: State) -> None:
    change = resolve(resting(state), customer(), step(actor="sam"), DESK)
    done = after(change)
    assert (done.state, done.pinned_to, done.snoozed_until, done.wake_at) == (State.RESOLVED, "anna", None, None)
    assert change.loads == ()


# All


STEPS: list[tuple[Item, Callable[[Item], Change], EventType]] = [
    (item(), lambda i: claim(i, customer(), ANNA, DESK, step(at=LATER), "t"), EventType.ITEM_CLAIMED),
    (claimed(), lambda i: release(i, customer(), step(at=LATER), NOBODY, DESK), EventType.ITEM_RELEASED),
    (claimed(), lambda i: expire(i, customer(), step(at=LATER), NOBODY, DESK), EventType.LEASE_EXPIRED),
    (claimed(), lambda i: resolve(i, customer(), step(at=LATER), DESK), EventType.ITEM_RESOLVED),
    (claimed(), lambda i: snooze(i, customer(), step(at=LATER), TOMORROW, DESK), EventType.ITEM_SNOOZED),
    (offered(), lambda i: decline(i, customer(), step(at=LATER), NOBODY, DESK), EventType.OFFER_DECLINED),
    (offered(), lambda i: lapse(i, customer(), step(at=LATER), NOBODY, DESK), EventType.OFFER_LAPSED),
    (
        resting(State.SNOOZED),
        lambda i: wake(i, customer(), step(at=LATER), "why", NOBODY, DESK),
        EventType.ITEM_WOKEN,
    ),
]
#: States a step is refused from, whatever stands in the item.
REFUSED = {
    EventType.ITEM_CLAIMED: {State.CLAIMED, State.RESOLVED},
    EventType.ITEM_RELEASED: set(State) - {State.CLAIMED},
    EventType.LEASE_EXPIRED: set(State) - {State.CLAIMED},
    EventType.ITEM_RESOLVED: {State.QUEUED, State.QUARANTINED, State.RESOLVED},
    EventType.ITEM_SNOOZED: {State.QUEUED, State.QUARANTINED, State.RESOLVED},
    EventType.OFFER_DECLINED: set(State) - {State.QUEUED},
    EventType.OFFER_LAPSED: set(State) - {State.QUEUED},
    EventType.ITEM_WOKEN: set(),
}


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
    ("state", "before", "decide"),
    [
        pytest.param(state, before, decide, id=f"{told} {state}")
        for before, decide, told in STEPS
        for state in sorted(REFUSED[told])
    ],
)
def test_a_step_from_the_wrong_state_is_refused(state: State, before: Item, decide: Any) -> None:
    with pytest.raises(WrongState):
        decide(replace(before, state=state))


@pytest.mark.parametrize(
    ("waited", "again_in"),
    [
        (timedelta(0), RE_RING),
        (RE_RING, RE_RING),
        (5 * RE_RING, 5 * RE_RING),  # its bell is not what it waits for: it is rung ever more rarely
        (timedelta(days=9), timedelta(days=1)),  # who gives a queue up has what waits there handed to people by then
    ],
)
def test_a_re_ring_moves_only_the_next_look(waited: timedelta, again_in: timedelta) -> None:
    before = item(wake_at=NOW)
    assert re_rung(before, NOW + waited) == replace(before, wake_at=NOW + waited + again_in)
