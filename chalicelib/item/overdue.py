"""A promise that is about to be broken, or is: who is told, and how the item goes on. Pure."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.errors import WrongState
from chalicelib.item.change import Change, Step
from chalicelib.item.item import Customer, EventType, Item
from chalicelib.item.offer import Agents, into_queue
from chalicelib.item.state import Action, State
from chalicelib.item.steps import stepped, told, waits
from chalicelib.policy import Policy
from chalicelib.routing import clock as clocks
from chalicelib.routing.route import Lane


def is_due(item: Item, at: datetime) -> bool:
    """Whether one of the item's promises warns or is broken by now."""
    return item.promise_at is not None and item.promise_at <= at


def queue_after(item: Item, policy: Policy) -> str:
    """The queue the item is in once a promise of it is broken: the one it is escalated to, if it waits."""
    made = item.promises
    asked = next((p.escalate_to for p in policy.promises if made and p.name == made.name), "")
    return asked if asked and item.state == State.QUEUED and asked in policy.queues else item.queue


def come_due(item: Item, customer: Customer, step: Step, agents: Agents, policy: Policy) -> Change:
    """A promise warns or, if it is so late, is broken: each once, the one that is due first.

    Where it is broken the item is urgent and, if it waits, in the queue it is escalated to; it is rung where it was not
    before. Nobody loses what he holds. Raises `WrongState` where nothing is due.
    """
    made = item.promises
    due = [(clock.next_at, name) for name, clock in made.clocks.items() if clock.next_at] if made else []
    if made is None or not is_due(item, step.at):
        raise WrongState("no promise is due")
    _, name = min(due)
    clock = made.clocks[name]
    late = clock.due_at <= step.at
    marked = clocks.breached(clock, step.at) if late else clocks.warned(clock, step.at)
    item_now = replace(item, promises=made.with_clock(name, marked))
    facts: dict[str, Any] = {"promise": name, "due_at": clock.due_at.isoformat()}
    if not late:
        changed = stepped(item_now, Action.ANNOTATE, step.at)
        return told(item, changed, customer, EventType.PROMISE_WARNED, step, policy, facts)
    changed = _escalated(item_now, step.at, agents, policy)
    facts |= {
        "queue": changed.queue, "lane": changed.lane, "ring": changed.ring, "offered_to": changed.offered_to,
        "late_seconds": int((step.at - clock.due_at).total_seconds()),
    }  # fmt: skip
    return told(item, changed, customer, EventType.PROMISE_BREACHED, step, policy, facts)


def _escalated(item: Item, at: datetime, agents: Agents, policy: Policy) -> Item:
    queue = queue_after(item, policy)
    if queue != item.queue:
        why = "its promise was broken"
        # Fixed, since its topic, which is as it was, would bring it back at the next hand-out.
        sorting = item.sorting and item.sorting.as_fixed
        moved = replace(stepped(item, Action.MOVE, at), queue=queue, lane=Lane.URGENT, reason=why, pinned_to=None,
                        asked=(), sorting=sorting)  # fmt: skip
        return into_queue(moved, at, agents, policy)
    changed = replace(stepped(item, Action.ANNOTATE, at), lane=Lane.URGENT)
    return replace(changed, ring=item.ring + 1) if waits(item) and item.lane != Lane.URGENT else changed
