"""What people say belongs together without being one: items linked, customers who are one person. Pure."""

from dataclasses import replace

from chalicelib.errors import Conflict, Invalid, WrongState
from chalicelib.item.change import Change, Link, Step, written
from chalicelib.item.item import Customer, EventType, Item, ItemId
from chalicelib.item.state import Action
from chalicelib.item.steps import stepped, told
from chalicelib.policy import Policy


def link(item: Item, customer: Customer, step: Step, to: ItemId, reason: str, policy: Policy) -> Change:
    """The item has to do with another, a person says. What it was linked to before, and why, stands in the event.

    Raises `Invalid` for the item itself, `WrongState` where it is linked to that one already.
    """
    if to == item.id:
        raise Invalid("to", "is the item itself")
    if to == item.linked_to:
        raise WrongState(f"item {item.id} is linked to {to} already")
    return _linked(item, customer, step, to, reason, policy)


def unlink(item: Item, customer: Customer, step: Step, reason: str, policy: Policy) -> Change:
    """The item has nothing to do with the one it was linked to. Raises `WrongState` where it is linked to none."""
    if item.linked_to is None:
        raise WrongState(f"item {item.id} is linked to no other")
    return _linked(item, customer, step, None, reason, policy)


def same_person(
    customers: tuple[Customer, Customer],
    links: tuple[Link | None, Link | None],
    steps: tuple[Step, Step],
    reason: str,
    *,
    stands: bool,
) -> Change:
    """People say that two customers are one person or, where it `stands` no more, that they are not.

    `links` are each one's as they were read, None where there never was one. No identity and no event moves from one to
    the other. Raises `Invalid` for one and the same customer, `Conflict` where it is said already.
    """
    if customers[0].id == customers[1].id:
        raise Invalid("other", "is the customer himself")
    if stands == bool(links[0] and links[0].stands):
        raise Conflict("the two are linked already" if stands else "the two are not linked")
    first, second = (_said(customers[n], customers[1 - n], links[n], steps[n], reason, stands=stands) for n in (0, 1))
    return replace(first, also=second)


def _linked(item: Item, customer: Customer, step: Step, to: ItemId | None, reason: str, policy: Policy) -> Change:
    why = reason if to else ""
    changed = replace(stepped(item, Action.ANNOTATE, step.at), linked_to=to, linked_because=why)
    event_type = EventType.ITEM_LINKED if to else EventType.ITEM_UNLINKED
    facts = {"linked_to": to, "was_linked_to": item.linked_to}
    payload = {"reason": reason, "was_linked_because": item.linked_because}
    return told(item, changed, customer, event_type, step, policy, facts, payload)


def _said(customer: Customer, other: Customer, link: Link | None, step: Step, reason: str, *, stands: bool) -> Change:
    event_type = EventType.CUSTOMER_LINKED if stands else EventType.CUSTOMER_UNLINKED
    payload = {"reason": reason} if reason else None
    _, event = written(step, event_type, customer, None, {"customer": other.id}, payload)
    now = Link(
        customer_id=customer.id, other=other.id, by=step.actor, at=step.at, why=reason, stands=stands,
        revision=link.revision + 1 if link else 1,
    )  # fmt: skip
    return Change(customer=customer, events=(event,), link=now)
