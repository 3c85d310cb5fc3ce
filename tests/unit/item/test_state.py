"""The table of legal steps, and what it must allow."""

import itertools

import pytest

from chalicelib.errors import WrongState
from chalicelib.item.arrive import quarantined
from chalicelib.item.state import RESTING_STATES, TRANSITIONS, WAITING_STATES, Action, State, after
from tests.desk import arrival, ids

LEGAL = {
    "queued": {
        "claim": "claimed", "assign": "claimed", "decline": "queued", "lapse": "queued", "move": "queued",
        "wake": "queued", "annotate": "queued", "merge": "resolved", "customer-wrote": "queued",
        "set-aside": "quarantined",
    },
    "claimed": {
        "release": "queued", "expire": "queued", "assign": "claimed", "move": "queued", "snooze": "snoozed",
        "wake": "claimed", "reply": "waiting", "speak": "claimed", "resolve": "resolved", "annotate": "claimed",
        "merge": "resolved", "customer-wrote": "claimed", "admit": "queued",
    },
    "waiting": {
        "claim": "claimed", "assign": "waiting", "move": "waiting", "snooze": "snoozed", "wake": "queued",
        "resolve": "resolved", "annotate": "waiting", "merge": "resolved", "customer-wrote": "queued",
    },
    "snoozed": {
        "claim": "claimed", "assign": "snoozed", "move": "snoozed", "snooze": "snoozed", "wake": "queued",
        "resolve": "resolved", "annotate": "snoozed", "merge": "resolved", "customer-wrote": "queued",
    },
    "resolved": {
        "wake": "queued", "annotate": "resolved", "merge": "resolved", "unmerge": "queued", "reopen": "queued",
        "customer-wrote": "queued",
    },
    "quarantined": {
        "claim": "claimed", "assign": "claimed", "move": "queued", "wake": "quarantined", "annotate": "quarantined",
        "merge": "resolved", "customer-wrote": "quarantined", "admit": "queued",
    },
}  # fmt: skip


@pytest.mark.parametrize(("state", "action"), list(itertools.product(State, Action)))
def test_a_step_is_legal_or_refused(state: State, action: Action) -> None:
    leads_to = LEGAL[state].get(action)
    if leads_to is None:
        with pytest.raises(WrongState, match=f"{state}.*{action}"):
            after(state, action)
    else:
        assert after(state, action) == leads_to


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("always", [Action.CUSTOMER_WROTE, Action.ANNOTATE, Action.WAKE])
def test_a_customer_may_always_write_and_people_may_always_say_something(state: State, always: Action) -> None:
    assert after(state, always) in State


@pytest.mark.parametrize("state", list(State))
def test_nothing_is_a_dead_end(state: State) -> None:
    """From everywhere people can bring the matter to an end, and a customer can bring it back."""
    assert State.RESOLVED in reached_from(state)
    assert State.QUEUED in reached_from(state)


def test_every_state_is_reached_from_where_items_begin() -> None:
    begin = {State.QUEUED, quarantined(arrival(), "unreadable", ids()).after.state}  # type: ignore[union-attr]
    assert set.union(*(reached_from(state) for state in begin)) | begin == set(State)


def test_what_waits_or_rests_can_be_claimed_and_nothing_else_can() -> None:
    assert {state for state, action in TRANSITIONS if action == Action.CLAIM} == WAITING_STATES | RESTING_STATES
    assert not WAITING_STATES & RESTING_STATES


def test_only_its_holder_can_bring_an_item_to_rest() -> None:
    """From what only waits, nobody sends a reply, puts it off or ends it: he claims it first."""
    for action in (Action.REPLY, Action.SPEAK, Action.SNOOZE, Action.RESOLVE):
        assert not {state for state, legal in TRANSITIONS if legal == action} & {*WAITING_STATES, State.RESOLVED}


def reached_from(state: State) -> set[State]:
    found: set[State] = set()
    edge = {state}
    while edge:
        edge = {to for (at, _), to in TRANSITIONS.items() if at in edge} - found
        found |= edge
    return found
