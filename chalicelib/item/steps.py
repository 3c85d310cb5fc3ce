"""What all steps of an item's life have in common. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from chalicelib.errors import StaleItem, WrongState
from chalicelib.item import promised
from chalicelib.item.change import Change, Load, Must, Step, written
from chalicelib.item.item import Customer, EventType, Item
from chalicelib.item.state import WAITING_STATES, Action, after
from chalicelib.policy import Policy

#: What may become of an item that goes on in another.
_OF_THE_MERGED: Final = frozenset({Action.ANNOTATE, Action.UNMERGE})


def check_version(item: Item, expected: int) -> None:
    """Raises `StaleItem` unless `expected` is the item's present version."""
    if item.version != expected:
        raise StaleItem(f"version {expected} is not the present one ({item.version})")


def waits(item: Item) -> bool:
    """Whether the item waits to be claimed, by anybody or by the one it is offered to."""
    return item.state in WAITING_STATES


def stepped(item: Item, action: Action, at: datetime) -> Item:
    """The item in its next state and version. Raises `WrongState` where the step is not legal."""
    if item.merged_into and action not in _OF_THE_MERGED:
        raise WrongState(f"item {item.id} was merged into {item.merged_into} and goes on there")
    return replace(item, state=after(item.state, action), version=item.version + 1, changed_at=at)


def at_rest(item: Item) -> Item:
    """The item held by nobody and offered to nobody."""
    return replace(item, holder=None, claim_token=None, lease_until=None, offered_to=None, offered_until=None)


def told(
    before: Item,
    changed: Item,
    customer: Customer,
    event_type: EventType,
    step: Step,
    policy: Policy,
    facts: Mapping[str, Any],
    payload: Mapping[str, Any] | None = None,
    *,
    must: Must = Must.NOT_AWAY,
) -> Change:
    """One step as it is written: the item, its event, and whose load it counts for now."""
    replied = event_type == EventType.REPLY_QUEUED
    changed = promised.moved_on(before, changed, step.at, policy, replied=replied)
    facts = {"from": before.state, "to": changed.state, "holder": changed.holder or before.holder, **facts}
    if changed.promises != before.promises:
        facts |= promised.told(changed)
    chained, event = written(step, event_type, customer, changed, facts, payload)
    moved = loads(before, changed, policy, must)
    return Change(customer=customer, before=before, after=chained, events=(event,), loads=moved)


def loads(before: Item | None, changed: Item, policy: Policy, must: Must = Must.NOT_AWAY) -> tuple[Load, ...]:
    """How the loads of agents change. `must` is for one who holds the item now; an offer is for who is there."""
    was, now = before.carrier if before else None, changed.carrier
    found = [Load(was, changed.channel, -1)] if was and was != now else []
    if now and now != was:
        limit = policy.agents[now].capacity[changed.channel]
        found.append(Load(now, changed.channel, 1, limit, must if changed.holder else Must.PRESENT))
    elif now and before and changed.holder and not before.holder:
        found.append(Load(now, changed.channel, 0, None, must))  # an offer accepted: counted already
    return tuple(found)
