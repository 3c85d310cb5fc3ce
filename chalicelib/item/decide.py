"""What each step of an item's life changes. Pure: time, ids and everything read are arguments."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.errors import NotAllowed, StaleItem, WrongState
from chalicelib.item.change import Answered, Change, Load, Step, written
from chalicelib.item.item import AgentId, Customer, EventType, Item
from chalicelib.item.state import WAITING_STATES, Action, State, after
from chalicelib.policy import QUARANTINE, Agent, Policy

#: A waiting item is rung again after this long, in case its bell was lost. A net: claims also look into the index.
RE_RING: Final = timedelta(hours=1)
ANSWER_KEPT: Final = timedelta(days=1)


def check_version(item: Item, expected: int) -> None:
    """Raises `StaleItem` unless `expected` is the item's present version."""
    if item.version != expected:
        raise StaleItem(f"version {expected} is not the present one ({item.version})")


def check_may_claim(item: Item, agent: Agent, policy: Policy) -> None:
    """Raises `NotAllowed` unless the agent is a member of the item's queue, has its skills and the language."""
    if item.queue not in {queue.name for queue in policy.queues_of(agent.id)}:
        raise NotAllowed(f"{agent.id} may not claim from queue {item.queue}")
    if item.language in policy.languages and item.language not in agent.languages:
        raise NotAllowed(f"{agent.id} does not speak {item.language}")


def claim(
    item: Item, customer: Customer, agent: Agent, policy: Policy, step: Step, token: str, answer_key: str = ""
) -> Change:
    """The agent takes the item, for as long as its channel's lease. Raises `WrongState` unless it waits.

    The load below the agent's capacity and his presence are conditions of the transaction, not looked at here.
    """
    check_may_claim(item, agent, policy)
    holder = AgentId(agent.id)
    lease_until = step.at + policy.leases[item.channel]
    taken = replace(
        _stepped(item, Action.CLAIM, step.at),
        holder=holder,
        owner=item.owner or holder,
        claim_token=token,
        lease_until=lease_until,
        wake_at=lease_until,
    )
    facts = {
        "queue": item.queue,
        "lane": item.lane,
        "ring": item.ring,
        "lease_until": lease_until.isoformat(),
    }
    change = _told(item, taken, customer, EventType.ITEM_CLAIMED, step, facts)
    answered = Answered(holder, answer_key, item.id, token, step.at + ANSWER_KEPT) if answer_key else None
    limit = agent.capacity[item.channel]
    return replace(change, load=Load(holder, item.channel, 1, limit), answered=answered)


def release(item: Item, customer: Customer, step: Step) -> Change:
    """The item goes back to where it was claimed from, and its bell rings anew."""
    return _given_back(item, customer, Action.RELEASE, EventType.ITEM_RELEASED, step)


def expire(item: Item, customer: Customer, step: Step) -> Change:
    """An item whose lease has run out goes back to its queue. Raises `WrongState` while the lease holds."""
    if item.lease_until is None or item.lease_until > step.at:
        raise WrongState("the lease still holds")
    return _given_back(item, customer, Action.EXPIRE, EventType.LEASE_EXPIRED, step)


def resolve(item: Item, customer: Customer, step: Step) -> Change:
    """The matter is done; the item leaves its holder."""
    done = replace(_unheld(_stepped(item, Action.RESOLVE, step.at)), wake_at=None)
    change = _told(item, done, customer, EventType.ITEM_RESOLVED, step, {"queue": item.queue})
    return replace(change, load=_lighter(item))


def re_rung(item: Item, now: datetime) -> Item:
    """A waiting item with its next re-ring moved on; no step of its life, so neither version nor ring change."""
    return replace(item, wake_at=now + RE_RING)


def _given_back(item: Item, customer: Customer, action: Action, told: EventType, step: Step) -> Change:
    waiting = _unheld(_stepped(item, action, step.at))
    if item.queue == QUARANTINE:
        waiting = replace(waiting, state=State.QUARANTINED)
    waiting = replace(waiting, ring=item.ring + 1, waiting_since=item.waiting_since, wake_at=step.at + RE_RING)
    facts = {"queue": item.queue, "lane": item.lane, "ring": waiting.ring}
    return replace(_told(item, waiting, customer, told, step, facts), load=_lighter(item))


def _stepped(item: Item, action: Action, at: datetime) -> Item:
    return replace(item, state=after(item.state, action), version=item.version + 1, changed_at=at)


def _unheld(item: Item) -> Item:
    return replace(item, holder=None, claim_token=None, lease_until=None)


def _lighter(item: Item) -> Load | None:
    return Load(item.holder, item.channel, -1) if item.holder else None


def _told(
    item: Item, changed: Item, customer: Customer, told: EventType, step: Step, facts: Mapping[str, Any]
) -> Change:
    facts = {"from": item.state, "to": changed.state, "holder": changed.holder or item.holder, **facts}
    chained, event = written(step, told, customer, changed, facts)
    return Change(customer=customer, before=item, after=chained, events=(event,))


def waits(item: Item) -> bool:
    """Whether the item waits to be claimed."""
    return item.state in WAITING_STATES
