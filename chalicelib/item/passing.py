"""Passing an item on: to a person, to a queue, to a topic. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

from chalicelib.errors import Invalid, NotAllowed, WrongState
from chalicelib.item.change import Change, Must, Step
from chalicelib.item.decide import check_may_claim, held
from chalicelib.item.item import AgentId, Customer, EventType, Item
from chalicelib.item.label import label_of, with_decision
from chalicelib.item.offer import Agents, into_queue
from chalicelib.item.state import RESTING_STATES, Action
from chalicelib.item.steps import at_rest, stepped, told, waits
from chalicelib.policy import QUARANTINE, Policy

#: So many of the places an item was passed to are remembered.
_PLACES_KEPT: Final = 12


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an item is passed to."""

    kind: Literal["agent", "queue", "topic"]
    name: str


def queue_of(to: Destination, policy: Policy) -> str:
    """The queue a destination means; '' for an agent. Raises `Invalid` for what the desk does not have."""
    field = f"to_{to.kind}"
    match to.kind:
        case "agent":
            if to.name not in policy.agents:
                raise Invalid(field, f"there is no agent {to.name}")
            return ""
        case "queue":
            if to.name not in policy.queues or to.name == QUARANTINE:
                raise Invalid(field, f"there is no queue {to.name} to pass to")
            return to.name
        case "topic":
            if to.name not in policy.topics:
                raise Invalid(field, f"there is no topic {to.name}")
            return policy.topics[to.name].queue


def to_agent(
    item: Item, customer: Customer, step: Step, agent_id: str, token: str, reason: str, policy: Policy
) -> Change:
    """The agent holds the item at once; one that rests is pinned to him instead. The owner stays.

    Raises `Invalid` when he has no right to it, `WrongState` when he has it already. That he is there and has room
    are conditions of the transaction.
    """
    agent = AgentId(agent_id)
    if agent == (item.pinned_to if item.state in RESTING_STATES else item.holder):
        raise WrongState(f"{agent_id} has it already")
    try:
        check_may_claim(item, policy.agents[agent_id], policy)
    except NotAllowed as error:
        raise Invalid("to_agent", str(error)) from error
    passed = replace(stepped(item, Action.ASSIGN, step.at), sorting=item.sorting and item.sorting.as_fixed)
    if item.state in RESTING_STATES:
        passed = replace(passed, pinned_to=agent)
    else:
        passed = held(passed, agent, token, step.at, policy)
    return _passed(item, passed, customer, step, f"agent {agent_id}", reason, policy)


def to_queue(
    item: Item, customer: Customer, step: Step, queue: str, reason: str, agents: Agents, policy: Policy
) -> Change:
    """The item goes to another queue, or back to its own; one that rests goes there when it wakes."""
    passed = _moved(item, queue, f"passed on by {step.actor}", step.at, agents, policy)
    return _passed(item, passed, customer, step, f"queue {queue}", reason, policy)


def back(item: Item, customer: Customer, step: Step, agents: Agents, policy: Policy) -> Change:
    """The item leaves who has it in hand, for its own queue: nobody chose that, so rules place it as before."""
    moved = _moved(item, item.queue, f"passed on by {step.actor}", step.at, agents, policy)
    moved = replace(moved, sorting=item.sorting)
    return _passed(item, moved, customer, step, f"queue {item.queue}", "", policy)


def to_topic(
    item: Item, customer: Customer, step: Step, topic: str, reason: str, agents: Agents, policy: Policy
) -> Change:
    """The item is about another topic: a correction, which is a label, and a move to that topic's queue."""
    queue = policy.topics[topic].queue
    passed = _moved(item, queue, f"topic {topic}, says {step.actor}", step.at, agents, policy)
    passed = with_decision(passed, step, topic=topic)
    change = _passed(item, passed, customer, step, f"queue {queue}", reason, policy, {"topic": topic})
    return replace(change, label=label_of(passed, step))


def escalate(item: Item, customer: Customer, step: Step, reason: str, agents: Agents, policy: Policy) -> Change:
    """The item goes to the next tier of its queue. Raises `WrongState` where there is none."""
    queue = next_tier(item, policy)
    moved = _moved(item, queue, f"escalated by {step.actor}", step.at, agents, policy)
    moved = replace(moved, escalations=item.escalations + 1)
    facts = {
        "queue": queue, "was_queue": item.queue, "ring": moved.ring, "was_held_by": item.holder,
        "escalations": moved.escalations,
    }  # fmt: skip
    payload = {"reason": reason}
    return told(item, moved, customer, EventType.ITEM_ESCALATED, step, policy, facts, payload, must=Must.PRESENT)


def next_tier(item: Item, policy: Policy) -> str:
    """The queue of the next tier. Raises `WrongState` where there is none."""
    queue = policy.queues.get(item.queue)
    if queue is None or not queue.next:
        raise WrongState(f"queue {item.queue} has no next tier")
    return queue.next


def ping_pong(item: Item) -> bool:
    """Whether the item was passed back to a place it had been passed to before."""
    return bool(item.been) and item.been[-1] in item.been[:-1]


def _moved(item: Item, queue: str, reason: str, at: datetime, agents: Agents, policy: Policy) -> Item:
    sorting = item.sorting and item.sorting.as_fixed
    moved = replace(stepped(item, Action.MOVE, at), queue=queue, reason=reason, pinned_to=None, sorting=sorting)
    if item.state in RESTING_STATES:
        return moved
    asked = tuple(a for a in (item.carrier,) if a)
    since = item.waiting_since if waits(item) or queue == item.queue else at  # back in its own it keeps its place
    fresh = replace(at_rest(moved), asked=asked, waiting_since=since)
    return into_queue(fresh, at, agents, policy)


def _passed(
    item: Item,
    passed: Item,
    customer: Customer,
    step: Step,
    place: str,
    reason: str,
    policy: Policy,
    more: dict[str, Any] | None = None,
) -> Change:
    start = item.been or (f"agent {item.holder}" if item.holder else f"queue {item.queue}",)
    been = (*start, place)[-_PLACES_KEPT:]
    passed = replace(passed, hand_offs=item.hand_offs + 1, been=been)
    facts = {
        "to_place": place, "queue": passed.queue, "ring": passed.ring, "was_held_by": item.holder,
        "hand_offs": passed.hand_offs, "ping_pong": ping_pong(passed), **(more or {}),
    }  # fmt: skip
    payload = {"reason": reason} if reason else None
    return told(item, passed, customer, EventType.ITEM_REASSIGNED, step, policy, facts, payload, must=Must.PRESENT)
