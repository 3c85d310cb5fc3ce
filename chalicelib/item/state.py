"""Every legal step of an item's life. A lookup; what a step changes stands in `decide`."""

from enum import StrEnum
from typing import Final

from chalicelib.errors import WrongState


class State(StrEnum):
    """Where an item is in its life."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    RESOLVED = "resolved"
    QUARANTINED = "quarantined"


class Action(StrEnum):
    """What can happen to an item."""

    CLAIM = "claim"
    RELEASE = "release"
    EXPIRE = "expire"
    RESOLVE = "resolve"
    CUSTOMER_WROTE = "customer-wrote"


TRANSITIONS: Final = {
    (State.QUEUED, Action.CLAIM): State.CLAIMED,
    (State.QUEUED, Action.CUSTOMER_WROTE): State.QUEUED,
    (State.CLAIMED, Action.CUSTOMER_WROTE): State.CLAIMED,
    (State.CLAIMED, Action.RELEASE): State.QUEUED,
    (State.CLAIMED, Action.EXPIRE): State.QUEUED,
    (State.CLAIMED, Action.RESOLVE): State.RESOLVED,
    (State.RESOLVED, Action.CUSTOMER_WROTE): State.QUEUED,  # reopens: what a customer writes is never lost
    (State.QUARANTINED, Action.CLAIM): State.CLAIMED,
    (State.QUARANTINED, Action.CUSTOMER_WROTE): State.QUARANTINED,  # still unread: one look clears both
}

#: States in which an item waits to be claimed: rung, listed in the waiting index, without a holder.
WAITING_STATES: Final = frozenset({State.QUEUED, State.QUARANTINED})


def after(state: State, action: Action) -> State:
    """The state `action` leads to. Raises `WrongState` where the step is not legal."""
    try:
        return TRANSITIONS[state, action]
    except KeyError:
        raise WrongState(f"an item that is {state} cannot be changed by {action}") from None
