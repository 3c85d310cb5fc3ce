"""Every legal step of an item's life. A lookup; what a step changes stands in the modules beside."""

from enum import StrEnum
from typing import Final

from chalicelib.errors import WrongState


class State(StrEnum):
    """Where an item is in its life."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    WAITING = "waiting"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    QUARANTINED = "quarantined"


class Action(StrEnum):
    """What can happen to an item."""

    CLAIM = "claim"
    RELEASE = "release"
    EXPIRE = "expire"
    DECLINE = "decline"
    LAPSE = "lapse"
    ASSIGN = "assign"
    MOVE = "move"
    SNOOZE = "snooze"
    WAKE = "wake"
    REPLY = "reply"
    SPEAK = "speak"
    RESOLVE = "resolve"
    ANNOTATE = "annotate"
    MERGE = "merge"
    UNMERGE = "unmerge"
    REOPEN = "reopen"
    CUSTOMER_WROTE = "customer-wrote"
    ADMIT = "admit"
    SET_ASIDE = "set-aside"


TRANSITIONS: Final = {
    (State.QUEUED, Action.CLAIM): State.CLAIMED,
    (State.QUEUED, Action.ASSIGN): State.CLAIMED,
    (State.QUEUED, Action.DECLINE): State.QUEUED,  # of an offer: it goes on to the next, or to all
    (State.QUEUED, Action.LAPSE): State.QUEUED,
    (State.QUEUED, Action.MOVE): State.QUEUED,
    (State.QUEUED, Action.WAKE): State.QUEUED,
    (State.QUEUED, Action.ANNOTATE): State.QUEUED,
    (State.QUEUED, Action.MERGE): State.RESOLVED,
    (State.QUEUED, Action.CUSTOMER_WROTE): State.QUEUED,
    (State.QUEUED, Action.SET_ASIDE): State.QUARANTINED,  # of what was admitted: back to where it was
    (State.CLAIMED, Action.RELEASE): State.QUEUED,
    (State.CLAIMED, Action.EXPIRE): State.QUEUED,
    (State.CLAIMED, Action.ASSIGN): State.CLAIMED,
    (State.CLAIMED, Action.MOVE): State.QUEUED,
    (State.CLAIMED, Action.SNOOZE): State.SNOOZED,
    (State.CLAIMED, Action.WAKE): State.CLAIMED,
    (State.CLAIMED, Action.REPLY): State.WAITING,
    (State.CLAIMED, Action.SPEAK): State.CLAIMED,  # a reply after which the agent goes on
    (State.CLAIMED, Action.RESOLVE): State.RESOLVED,
    (State.CLAIMED, Action.ANNOTATE): State.CLAIMED,
    (State.CLAIMED, Action.MERGE): State.RESOLVED,
    (State.CLAIMED, Action.ADMIT): State.QUEUED,  # by who took it from quarantine to look at it
    (State.CLAIMED, Action.CUSTOMER_WROTE): State.CLAIMED,
    (State.WAITING, Action.CLAIM): State.CLAIMED,  # to write once more before the customer does
    (State.WAITING, Action.ASSIGN): State.WAITING,  # whom the answer comes back to
    (State.WAITING, Action.MOVE): State.WAITING,
    (State.WAITING, Action.SNOOZE): State.SNOOZED,  # to be reminded if no answer comes
    (State.WAITING, Action.WAKE): State.QUEUED,  # the reply did not arrive
    (State.WAITING, Action.RESOLVE): State.RESOLVED,
    (State.WAITING, Action.ANNOTATE): State.WAITING,
    (State.WAITING, Action.MERGE): State.RESOLVED,
    (State.WAITING, Action.CUSTOMER_WROTE): State.QUEUED,
    (State.SNOOZED, Action.CLAIM): State.CLAIMED,
    (State.SNOOZED, Action.ASSIGN): State.SNOOZED,
    (State.SNOOZED, Action.MOVE): State.SNOOZED,
    (State.SNOOZED, Action.SNOOZE): State.SNOOZED,
    (State.SNOOZED, Action.WAKE): State.QUEUED,
    (State.SNOOZED, Action.RESOLVE): State.RESOLVED,
    (State.SNOOZED, Action.ANNOTATE): State.SNOOZED,
    (State.SNOOZED, Action.MERGE): State.RESOLVED,
    (State.SNOOZED, Action.CUSTOMER_WROTE): State.QUEUED,
    (State.RESOLVED, Action.WAKE): State.QUEUED,  # its last reply did not arrive
    (State.RESOLVED, Action.ANNOTATE): State.RESOLVED,
    (State.RESOLVED, Action.MERGE): State.RESOLVED,  # what is still written about it goes to the other
    (State.RESOLVED, Action.UNMERGE): State.QUEUED,  # or as it was before it was merged
    (State.RESOLVED, Action.REOPEN): State.QUEUED,
    (State.RESOLVED, Action.CUSTOMER_WROTE): State.QUEUED,  # reopens: what a customer writes is never lost
    (State.QUARANTINED, Action.CLAIM): State.CLAIMED,
    (State.QUARANTINED, Action.ASSIGN): State.CLAIMED,
    (State.QUARANTINED, Action.MOVE): State.QUEUED,
    (State.QUARANTINED, Action.ADMIT): State.QUEUED,
    (State.QUARANTINED, Action.WAKE): State.QUARANTINED,
    (State.QUARANTINED, Action.ANNOTATE): State.QUARANTINED,
    (State.QUARANTINED, Action.MERGE): State.RESOLVED,
    (State.QUARANTINED, Action.CUSTOMER_WROTE): State.QUARANTINED,  # still unread: one look clears both
}

#: States in which an item waits to be claimed: rung or offered, listed in the waiting index, without a holder.
WAITING_STATES: Final = frozenset({State.QUEUED, State.QUARANTINED})
#: States in which an item rests until something happens, pinned to the agent it comes back to.
RESTING_STATES: Final = frozenset({State.WAITING, State.SNOOZED})


def after(state: State, action: Action) -> State:
    """The state `action` leads to. Raises `WrongState` where the step is not legal."""
    try:
        return TRANSITIONS[state, action]
    except KeyError:
        raise WrongState(f"an item that is {state} cannot be changed by {action}") from None
