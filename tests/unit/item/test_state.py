"""The table of legal steps, and what it must allow."""

import itertools

import pytest

from chalicelib.errors import WrongState
from chalicelib.item.arrive import quarantined
from chalicelib.item.state import TRANSITIONS, WAITING_STATES, Action, State, after
from tests.desk import arrival, ids

LEGAL = {
    "queued": {"claim": "claimed", "customer-wrote": "queued"},
    "claimed": {"release": "queued", "expire": "queued", "resolve": "resolved", "customer-wrote": "claimed"},
    "resolved": {"customer-wrote": "queued"},
    "quarantined": {"claim": "claimed", "customer-wrote": "quarantined"},
}


@pytest.mark.parametrize(("state", "action"), list(itertools.product(State, Action)))
def test_a_step_is_legal_or_refused(state: State, action: Action) -> None:
    leads_to = LEGAL[state].get(action)
    if leads_to is None:
        with pytest.raises(WrongState, match=f"{state}.*{action}"):
            after(state, action)
    else:
        assert after(state, action) == leads_to


@pytest.mark.parametrize("state", list(State))
def test_a_customer_may_always_write(state: State) -> None:
    assert after(state, Action.CUSTOMER_WROTE) in State


@pytest.mark.parametrize("state", list(State))
def test_nothing_is_a_dead_end(state: State) -> None:
    """From everywhere people can bring the matter to an end, and a customer can bring it back."""
    assert State.RESOLVED in reached_from(state)
    assert State.QUEUED in reached_from(state)


def test_every_state_is_reached_from_where_items_begin() -> None:
    begin = {State.QUEUED, quarantined(arrival(), "unreadable", ids()).after.state}  # type: ignore[union-attr]
    assert set.union(*(reached_from(state) for state in begin)) | begin == set(State)


def test_what_waits_can_be_claimed_and_nothing_else_can() -> None:
    assert {state for state, action in TRANSITIONS if action == Action.CLAIM} == WAITING_STATES


def reached_from(state: State) -> set[State]:
    found: set[State] = set()
    edge = {state}
    while edge:
        edge = {to for (at, _), to in TRANSITIONS.items() if at in edge} - found
        found |= edge
    return found
