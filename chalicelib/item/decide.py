"""Holding an item: what a claim, its end and an offer change. Pure: time, ids and everything read are arguments."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.errors import Invalid, NotAllowed, WrongState
from chalicelib.item.change import Answered, Change, Step
from chalicelib.item.item import AgentId, Customer, EventType, Item
from chalicelib.item.offer import RAREST_RING, RE_RING, Agents, into_queue, offered_to_another
from chalicelib.item.sorting import placed_anew
from chalicelib.item.state import Action
from chalicelib.item.steps import at_rest, stepped, told
from chalicelib.policy import Agent, Policy

ANSWER_KEPT: Final = timedelta(days=1)
LONGEST_SNOOZE: Final = timedelta(days=366)


def check_may_claim(item: Item, agent: Agent, policy: Policy) -> None:
    """Raises `NotAllowed` unless the agent is a member of the item's queue, has its skills and the language."""
    if item.queue not in {queue.name for queue in policy.queues_of(agent.id)}:
        raise NotAllowed(f"{agent.id} may not claim from queue {item.queue}")
    if not policy.serves(agent.id, item.queue, item.language):
        raise NotAllowed(f"{agent.id} does not speak {item.language}")


def claim(
    item: Item, customer: Customer, agent: Agent, policy: Policy, step: Step, token: str, answer_key: str = ""
) -> Change:
    """The agent takes the item, for as long as its channel's lease.

    Raises `NotAllowed`, and `WrongState` where somebody holds it or has the first word on it. The load below the
    agent's capacity and his presence are conditions of the transaction, not looked at here.
    """
    check_may_claim(item, agent, policy)
    if offered_to_another(item, agent.id, step.at):
        raise WrongState(f"the item is offered to {item.offered_to} for the moment")
    taken = held(stepped(item, Action.CLAIM, step.at), AgentId(agent.id), token, step.at, policy)
    facts = {
        "queue": item.queue, "lane": item.lane, "ring": item.ring, "lease_until": taken.wake_at and
        taken.wake_at.isoformat(),
    }  # fmt: skip
    change = told(item, taken, customer, EventType.ITEM_CLAIMED, step, policy, facts)
    if not answer_key:
        return change
    kept_until = step.at + ANSWER_KEPT
    return replace(change, answered=Answered(AgentId(agent.id), answer_key, item.id, kept_until, claim_token=token))


def held(item: Item, holder: AgentId, token: str, at: datetime, policy: Policy) -> Item:
    """The item in the hands of an agent, on a fresh lease."""
    lease_until = at + policy.leases[item.channel]
    return replace(
        at_rest(item),
        holder=holder, owner=item.owner or holder, claim_token=token, lease_until=lease_until, wake_at=lease_until,
        pinned_to=None, snoozed_until=None, asked=(), admitted=False,
    )  # fmt: skip


def release(item: Item, customer: Customer, step: Step, agents: Agents, policy: Policy) -> Change:
    """The item goes back to where it was claimed from, for others to take."""
    return _given_back(item, customer, Action.RELEASE, EventType.ITEM_RELEASED, step, agents, policy)


def expire(item: Item, customer: Customer, step: Step, agents: Agents, policy: Policy) -> Change:
    """An item whose lease has run out goes back to its queue. Raises `WrongState` while the lease holds."""
    if item.lease_until is None or item.lease_until > step.at:
        raise WrongState("the lease still holds")
    return _given_back(item, customer, Action.EXPIRE, EventType.LEASE_EXPIRED, step, agents, policy)


def decline(item: Item, customer: Customer, step: Step, agents: Agents, policy: Policy) -> Change:
    """The agent lets an offer go: it goes on to the next, or to all. Raises `WrongState` unless it is offered."""
    return _offer_ended(item, customer, Action.DECLINE, EventType.OFFER_DECLINED, step, agents, policy)


def lapse(item: Item, customer: Customer, step: Step, agents: Agents, policy: Policy) -> Change:
    """An offer nobody answered goes on, and who let a chat wait is set away. Raises `WrongState` before its time."""
    if item.offered_until is None or item.offered_until > step.at:
        raise WrongState("the offer still stands")
    change = _offer_ended(item, customer, Action.LAPSE, EventType.OFFER_LAPSED, step, agents, policy)
    if item.channel != "chat":
        return change
    silent = [replace(load, silent_since=step.at) if load.agent_id == item.offered_to else load
              for load in change.loads]  # fmt: skip
    return replace(change, loads=tuple(silent))


def snooze(item: Item, customer: Customer, step: Step, until: datetime, policy: Policy) -> Change:
    """The item rests until a time, and comes back to who held it. Raises `Invalid` for a time gone or far away."""
    if not step.at < until <= step.at + LONGEST_SNOOZE:
        raise Invalid("until", f"must be after now and within {LONGEST_SNOOZE.days} days")
    resting = replace(
        at_rest(stepped(item, Action.SNOOZE, step.at)),
        pinned_to=item.holder or item.pinned_to,
        snoozed_until=until,
        wake_at=until,
    )
    return told(item, resting, customer, EventType.ITEM_SNOOZED, step, policy, {"until": until.isoformat()})


def wake(item: Item, customer: Customer, step: Step, why: str, agents: Agents, policy: Policy) -> Change:
    """Something calls for the item: one that rests or is resolved waits again, first for who it is pinned to."""
    woken = stepped(item, Action.WAKE, step.at)
    if woken.state != item.state:
        woken = back_in_queue(placed_anew(woken, customer, step.at, policy), step.at, why, agents, policy)
    facts = {"queue": woken.queue, "lane": woken.lane, "ring": woken.ring, "reason": why}
    return told(item, woken, customer, EventType.ITEM_WOKEN, step, policy, _offered(woken, facts))


def resolve(item: Item, customer: Customer, step: Step, policy: Policy) -> Change:
    """The matter is done; the item leaves its holder, and comes back to him if the customer writes again."""
    done = resolved(stepped(item, Action.RESOLVE, step.at), item)
    return told(item, done, customer, EventType.ITEM_RESOLVED, step, policy, {"queue": item.queue})


def reopen(item: Item, customer: Customer, step: Step, reason: str, agents: Agents, policy: Policy) -> Change:
    """A resolved item waits in its queue again, first for who it is pinned to."""
    again = placed_anew(stepped(item, Action.REOPEN, step.at), customer, step.at, policy)
    waiting = back_in_queue(again, step.at, f"reopened by {step.actor}", agents, policy)
    facts = {"queue": waiting.queue, "lane": waiting.lane, "ring": waiting.ring}
    payload = {"reason": reason} if reason else None
    return told(item, waiting, customer, EventType.ITEM_REOPENED, step, policy, _offered(waiting, facts), payload)


def resolved(item: Item, before: Item) -> Item:
    """A resolved item: nothing will happen to it by itself."""
    pinned_to = before.holder or before.pinned_to
    return replace(at_rest(item), pinned_to=pinned_to, snoozed_until=None, wake_at=None)


def back_in_queue(item: Item, at: datetime, reason: str, agents: Agents, policy: Policy) -> Item:
    """A resting item as it waits again since `at`."""
    waiting = replace(item, waiting_since=at, reason=reason, snoozed_until=None, asked=())
    return into_queue(waiting, at, agents, policy)


def re_rung(item: Item, now: datetime) -> Item:
    """A waiting item with its next re-ring moved on; no step of its life, so neither version nor ring change."""
    return replace(item, wake_at=now + min(max(RE_RING, now - item.waiting_since), RAREST_RING))


def _given_back(
    item: Item, customer: Customer, action: Action, event_type: EventType, step: Step, agents: Agents, policy: Policy
) -> Change:
    back = at_rest(stepped(item, action, step.at))
    asked = (item.holder,) if item.holder else ()
    waiting = into_queue(replace(back, asked=asked), step.at, agents, policy)
    facts = {"queue": waiting.queue, "lane": waiting.lane, "ring": waiting.ring}
    return told(item, waiting, customer, event_type, step, policy, _offered(waiting, facts))


def _offer_ended(
    item: Item, customer: Customer, action: Action, event_type: EventType, step: Step, agents: Agents, policy: Policy
) -> Change:
    if item.offered_to is None:
        raise WrongState("the item is offered to nobody")
    let_go = replace(stepped(item, action, step.at), asked=(*item.asked, item.offered_to))
    waiting = into_queue(let_go, step.at, agents, policy)
    facts = {
        "was_offered_to": item.offered_to, "queue": waiting.queue, "lane": waiting.lane, "ring": waiting.ring,
    }  # fmt: skip
    return told(item, waiting, customer, event_type, step, policy, _offered(waiting, facts))


def _offered(item: Item, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {**facts, "offered_to": item.offered_to} if item.offered_to else dict(facts)
