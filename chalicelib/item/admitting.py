"""What was quarantined enters normal routing once a person has looked, and can be set aside again. Pure."""

from dataclasses import dataclass, replace

from chalicelib.errors import WrongState
from chalicelib.intake.message import Message
from chalicelib.item.arrive import Arrival, contact_of, message_facts, message_payload, tag_facts
from chalicelib.item.change import Change, Step
from chalicelib.item.item import Contacts, Customer, EventType, Item, Tagging
from chalicelib.item.missing import given
from chalicelib.item.offer import Agents, into_queue
from chalicelib.item.sorting import facts_of, remembered, routed, rule_facts
from chalicelib.item.state import Action
from chalicelib.item.steps import at_rest, stepped, told
from chalicelib.policy import QUARANTINE, Policy
from chalicelib.routing.route import Facts, Lane


@dataclass(frozen=True, slots=True)
class Found:
    """What a quarantined delivery says after all, and what the model says of it."""

    arrival: Arrival
    message: Message
    tags: Tagging | None


def admitted(item: Item, customer: Customer, found: Found | None, step: Step, policy: Policy) -> Item:
    """The item before it enters the queue that routing gives it; the people's where it cannot be read (None).

    Nobody proved who sent it: the item stays with a customer of its own, and a reply goes where the message says, which
    is shown as not proved. Raises `WrongState` for an item that is not in quarantine.
    """
    if item.queue != QUARANTINE:
        raise WrongState(f"item {item.id} is not in quarantine")
    facts = Facts(topic=None, urgency=None, at=step.at, channel=item.channel, source=item.source, marks=customer.marks)
    tags = found.tags if found else None
    if found:
        facts = facts_of(found.message, tags, item.source, customer, step.at, policy)
    there = routed(tags, facts, policy)
    return replace(
        at_rest(stepped(item, Action.ADMIT, step.at)),
        queue=there.queue, lane=there.lane, reason=there.reason, tags=tags, asked=(), admitted=True,
        subject=found.message.subject if found else item.subject,
        contact=contact_of(found.arrival, found.message) if found else None,
        contacts=Contacts(times=1, newest=item.created_at), sorting=remembered(there, facts.said),
        given=given(found.message, item, policy) if found else item.given,
    )  # fmt: skip


def admit(item: Item, customer: Customer, found: Found | None, step: Step, agents: Agents, policy: Policy) -> Change:
    """A quarantined item enters normal routing. Raises as `admitted`."""
    waiting = into_queue(admitted(item, customer, found, step, policy), step.at, agents, policy)
    facts = {
        "queue": waiting.queue, "lane": waiting.lane, "ring": waiting.ring, "reason": waiting.reason,
        "offered_to": waiting.offered_to, "was_held_by": item.holder, "read": found is not None,
    }  # fmt: skip
    if found:
        there = routed(found.tags, facts_of(found.message, found.tags, item.source, customer, step.at, policy), policy)
        facts |= {
            "tags": tag_facts(found.tags), **message_facts(found.arrival, found.message),
            **rule_facts(there, found.tags, policy),
        }  # fmt: skip
    payload = message_payload(found.arrival, found.message) if found else None
    return told(item, waiting, customer, EventType.ITEM_ADMITTED, step, policy, facts, payload)


def set_aside(item: Item, customer: Customer, step: Step, reason: str, policy: Policy) -> Change:
    """An admitted item goes back into quarantine, as it was. Raises `WrongState` for another, or once it was taken."""
    if not item.admitted:
        raise WrongState(f"item {item.id} was not admitted from quarantine, or was taken since")
    back = replace(
        at_rest(stepped(item, Action.SET_ASIDE, step.at)),
        queue=QUARANTINE, lane=Lane.NORMAL, reason=f"set aside again by {step.actor}", tags=None, asked=(),
        subject="", contact=None, contacts=None, sorting=None, decided=None, admitted=False, given=(),
        promises=None,
    )  # fmt: skip
    waiting = into_queue(back, step.at, {}, policy)
    facts = {"queue": waiting.queue, "was_queue": item.queue, "ring": waiting.ring}
    payload = {"reason": reason} if reason else None
    return told(item, waiting, customer, EventType.ITEM_SET_ASIDE, step, policy, facts, payload)
