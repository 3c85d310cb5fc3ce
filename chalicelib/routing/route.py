"""Where an item goes: one routing function for every way in."""

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.policy import QUARANTINE, Policy


class Lane(StrEnum):
    """The two lanes of a queue; urgent is rung first."""

    URGENT = "urgent"
    NORMAL = "normal"


@dataclass(frozen=True, slots=True)
class Route:
    """A queue of the desk, its lane, and why."""

    queue: str
    lane: Lane
    reason: str


def route(topic: str | None, urgency: str | None, policy: Policy) -> Route:
    """The route of a message.

    `topic` is None when the classifier abstained or is missing, `urgency` None when it is missing: then a person
    decides, and nothing is called urgent that no one has read.
    """
    lane = lane_of(urgency, policy)
    known = policy.topics.get(topic) if topic else None
    if known is None:
        return Route(policy.people_queue, lane, "unclassified" if topic is None else f"no queue for topic {topic}")
    return Route(known.queue, lane, f"topic {known.name}")


def lane_of(urgency: str | None, policy: Policy) -> Lane:
    """The lane of an urgency."""
    return Lane.URGENT if urgency in policy.urgent else Lane.NORMAL


def to_quarantine(reason: str) -> Route:
    """The route of a delivery that could not be read or must not be trusted."""
    return Route(QUARANTINE, Lane.NORMAL, reason)


def more_urgent(first: Lane, second: Lane) -> Lane:
    """The more urgent of two lanes."""
    return Lane.URGENT if Lane.URGENT in (first, second) else Lane.NORMAL
