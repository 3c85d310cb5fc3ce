"""What a delivery changes: a message of a customer, or bytes nobody could read. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from chalicelib.intake import subject
from chalicelib.intake.message import Address, Attachment, Automatic, Message
from chalicelib.intake.proof import speaks_for_others
from chalicelib.item import promised
from chalicelib.item.change import (
    Budget,
    Change,
    Conversation,
    Delivery,
    Handled,
    Identity,
    KnownMessage,
    Step,
    written,
)
from chalicelib.item.decide import back_in_queue
from chalicelib.item.item import (
    AgentId,
    Contact,
    Customer,
    CustomerId,
    Decided,
    Event,
    EventType,
    Item,
    ItemId,
    Tagging,
)
from chalicelib.item.joining import Because, By
from chalicelib.item.missing import given
from chalicelib.item.offer import RE_RING, Agents, candidates, into_queue
from chalicelib.item.sorting import contact_made, facts_of, placed_anew, remembered, routed, rule_facts, with_contacts
from chalicelib.item.state import Action, State
from chalicelib.item.steps import loads, stepped, waits
from chalicelib.outgoing import token
from chalicelib.policy import QUARANTINE, Policy
from chalicelib.routing.route import Lane, Route, at_least, more_urgent, to_quarantine

#: Bytes of `written` kept beside the event; the whole text is in the raw object.
WRITTEN_KEPT: Final = 2048

#: Attachments told of in an entry of the timeline, whatever brought them.
FILES_TOLD: Final = 100

#: Ids of earlier mails kept for the References of our replies.
REFERENCES_KEPT: Final = 20

#: A list may be how the company's own mailbox is fed, so its mail is work; the rest of automatic mail is only recorded.
OPENS_WORK: Final = frozenset({None, Automatic.LIST})


@dataclass(frozen=True, slots=True)
class NewIds:
    """Random ids and key material for what a delivery may create."""

    item: ItemId
    customer: CustomerId
    customer_key: bytes
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A delivery on its way in.

    `source` is the mailbox or chat installation; `trusted` says whether the sender is proved to be who he says he is
    (always true for a signed webhook), `proof` by what, or why not; `token` is what stood behind the mailbox's `+`,
    `note` what is odd about how it came.

    It was received at one moment and is handled at another, which is the same where nobody says.
    """

    delivery: Delivery
    source: str
    raw_key: str
    received_at: datetime
    trusted: bool = True
    token: str = ""
    note: str = ""
    proof: str = ""
    handled_at: datetime | None = None

    @property
    def now(self) -> datetime:
        """When it is handled: what happens next is counted from here."""
        return self.handled_at or self.received_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the table knows that matters to an arrival.

    `item` is the one its token, references or conversation lead to, `by` which of these, `because` why it does not
    continue it all the same; where that was merged, the one in which it goes on, and `named` is the one they name.
    `customer` is the sender, or (`lent`) whose matter he was written to about; then `own` is the sender. `message` is
    the first mail under its Message-ID, `repeated` a later one of the same content. `agents` are those it may be
    offered to. `budget` is what its sender was lately written to by the desk itself (None: not read), `unacknowledged`
    why he is not now, '' where nothing speaks against it.
    """

    customer: Customer | None = None
    message: KnownMessage | None = None
    conversation_item: ItemId | None = None
    item: Item | None = None
    agents: Agents = field(default_factory=dict)
    by: By | None = None
    because: Because | None = None
    repeated: KnownMessage | None = None
    budget: Budget | None = None
    unacknowledged: str = ""
    named: Item | None = None
    own: Customer | None = None
    lent: bool = False


def identity_of(arrival: Arrival, message: Message) -> tuple[str, str] | None:
    """Kind and value of the identity a message proves, or None where there is none to tell customers apart by.

    A sender who is not proved is an identity of its own: a forged name never reaches the real one's timeline.
    """
    if message.channel == "chat":
        return ("visitor", f"{arrival.source}#{message.visitor or message.conversation}")
    if message.sender is None or not message.sender.address or speaks_for_others(message):
        return None
    return ("mail" if arrival.trusted else "mail-unverified", message.sender.key)


def file_key(delivery: Delivery, number: int) -> str:
    """Where the raw bucket keeps a delivery's attachment, counted from one: the same whenever it is handled again."""
    whose = hashlib.sha256(f"{delivery.channel}:{delivery.id}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"files/{whose}/{number}"


def content_hash(message: Message, *, proved: bool = True) -> str:
    """SHA-256 of what a mail says and whether its sender is proved, blind to the headers that transport adds."""
    said = [
        message.sender.key if message.sender else "",
        message.subject,
        message.sent_at.isoformat() if message.sent_at else "",
        message.text,
        *(f"{a.name}/{a.type}/{a.size}" for a in message.attachments),
        *(() if proved else ("not proved",)),
    ]
    return hashlib.sha256("\0".join(said).encode("utf-8", "surrogatepass")).hexdigest()


def same_contents(arrival: Arrival, message: Message) -> tuple[str, ...]:
    """Hashes of the mails of which this one is a repeat: a proved sender's mail is never one of an unproved sender's,
    for else who copies a mail and is quicker would suppress it."""
    proved = content_hash(message)
    return (proved,) if arrival.trusted else (content_hash(message, proved=False), proved)


def message_arrived(
    arrival: Arrival, message: Message, tags: Tagging | None, known: Known, policy: Policy, ids: NewIds
) -> Change:
    """A message enters its customer's timeline, and its matter's queue unless it is automatic.

    The same mail delivered twice is only marked in the ledger; a Message-ID used again for other content is a message.
    """
    if seen := _seen(arrival, message, known):
        return Change(handled=Handled(arrival.delivery, seen.event_id, repeat_of=seen.event_id))
    known = _settled(known, arrival, message, policy)
    customer = known.customer or Customer(ids.customer, 0, ids.customer_key, _name(message))
    step = Step(actor="customer", cause=_cause(arrival), at=arrival.received_at, event_id=ids.event)
    if message.automatic not in OPENS_WORK:
        return _recorded(arrival, message, known, customer, step)
    before = _joined(known, customer, arrival, message, policy)
    tags = _with_contacts(before, arrival, message, tags, policy)
    there, item = _item_with(before, arrival, message, tags, known, customer, ids, policy)
    item = _promised(before, item, tags, arrival, policy)
    facts = {
        "state": item.state, "queue": item.queue, "lane": item.lane, "ring": item.ring, "reason": item.reason,
        "offered_to": item.offered_to, "tags": tag_facts(tags), **rule_facts(there, tags, policy),
        **_evidence(known, before, item),
        **message_facts(arrival, message, reused=known.message is not None),
        **({"unacknowledged": known.unacknowledged} if known.unacknowledged and before is None else {}),
        **(promised.told(item) if before is None or item.promises != before.promises else {}),
    }  # fmt: skip
    chained, event = written(step, EventType.MESSAGE_RECEIVED, customer, item, facts, message_payload(arrival, message))
    return Change(
        customer=customer,
        before=before,
        after=chained,
        events=(event,),
        handled=Handled(arrival.delivery, event.id),
        message=_remembered(arrival, message, known, item.id, event),
        conversation=_conversation(arrival, message, known, item.id),
        identity=_new_identity(arrival, message, known, customer),
        loads=loads(before, item, policy),
    )


def may_be_offered(
    arrival: Arrival, message: Message, tags: Tagging | None, known: Known, policy: Policy, ids: NewIds
) -> tuple[AgentId, ...]:
    """The agents whose presence and load `message_arrived` wants to know, in `known.agents`."""
    if message.automatic not in OPENS_WORK:
        return ()
    known = _settled(known, arrival, message, policy)
    customer = known.customer or Customer(ids.customer, 0, ids.customer_key)
    before = _joined(known, customer, arrival, message, policy)
    tags = _with_contacts(before, arrival, message, tags, policy)
    _, item = _item_with(before, arrival, message, tags, known, customer, ids, policy)
    enters = before is None or (waits(item) and not waits(before))
    return candidates(item, policy) if enters else ()


def quarantined(arrival: Arrival, reason: str, ids: NewIds, payload: Mapping[str, Any] | None = None) -> Change:
    """A delivery that could not be read or must not be trusted becomes an item that people see and can claim.

    It belongs to a customer of its own until somebody has looked: nothing it claims about its sender is believed.
    """
    customer = Customer(ids.customer, 0, ids.customer_key)
    there = to_quarantine(reason)
    item = _item(arrival, ids, customer, there, State.QUARANTINED, subject="")
    step = Step(actor="sortownia", cause=_cause(arrival), at=arrival.received_at, event_id=ids.event)
    facts = {
        "state": item.state,
        "queue": item.queue,
        "ring": item.ring,
        "reason": reason,
        "raw": arrival.raw_key,
        **({"note": arrival.note} if arrival.note else {}),
    }
    chained, event = written(step, EventType.DELIVERY_QUARANTINED, customer, item, facts, payload)
    return Change(customer=customer, after=chained, events=(event,), handled=Handled(arrival.delivery, event.id))


def _recorded(arrival: Arrival, message: Message, known: Known, customer: Customer, step: Step) -> Change:
    facts = {
        "automatic": message.automatic, "reason": message.automatic_reason,
        "about": known.item.id if known.item else None,
        **message_facts(arrival, message, reused=known.message is not None),
    }  # fmt: skip
    _, event = written(step, EventType.MESSAGE_RECEIVED, customer, None, facts, message_payload(arrival, message))
    return Change(
        customer=customer,
        events=(event,),
        handled=Handled(arrival.delivery, event.id),
        message=_remembered(arrival, message, known, known.item.id if known.item else None, event),
        identity=_new_identity(arrival, message, known, customer),
    )


def _seen(arrival: Arrival, message: Message, known: Known) -> KnownMessage | None:
    """The mail that this one is a repeat of."""
    if not message.message_id:
        return None
    contents = same_contents(arrival, message)
    return next((k for k in (known.message, known.repeated) if k and k.content_hash in contents), None)


def _settled(known: Known, arrival: Arrival, message: Message, policy: Policy) -> Known:
    """What is known; where a matter he was written to about is not continued, of the sender alone."""
    if not known.lent or known.customer is None or message.automatic not in OPENS_WORK:
        return known
    because = _because(known, known.customer, arrival, message, policy)
    return replace(known, customer=known.own, because=because, lent=False) if because else known


def _joined(known: Known, customer: Customer, arrival: Arrival, message: Message, policy: Policy) -> Item | None:
    """The item a message continues."""
    return None if _because(known, customer, arrival, message, policy) else known.item


def _because(known: Known, customer: Customer, arrival: Arrival, message: Message, policy: Policy) -> Because | None:
    """Why a message does not continue the item it leads to; None where it does, or leads to none."""
    item, named = known.item, known.named or known.item
    if item is None or named is None:
        return None
    if not arrival.trusted:
        return Because.NOT_PROVED
    if known.because or named.customer_id != customer.id:
        return known.because or Because.OTHER_SENDER
    if item.merged_into:
        return Because.MERGED
    if item.state == State.RESOLVED and arrival.received_at - item.changed_at > policy.reopen_within:
        return Because.TOO_LATE
    return Because.OTHER_SUBJECT if subject.is_another(message.subject, named.subject) else None


def _evidence(known: Known, before: Item | None, item: Item) -> dict[str, Any]:
    """What made a message continue an item, or only be linked to it."""
    if before:
        return {"joined_by": known.by}
    return {"linked_to": item.linked_to, "linked_because": item.linked_because} if item.linked_to else {}


def _item_with(
    before: Item | None,
    arrival: Arrival,
    message: Message,
    tags: Tagging | None,
    known: Known,
    customer: Customer,
    ids: NewIds,
    policy: Policy,
) -> tuple[Route, Item]:
    """Where routing sends this message, and the item with it: a new one, or the one it continues."""
    asked = facts_of(message, tags, arrival.source, customer, arrival.now, policy)
    there = routed(tags, asked, policy)
    if before:
        kept = before.sorting and replace(before.sorting, said=tuple(sorted(asked.said.union(before.sorting.said))))
        said_so_far = replace(before, sorting=kept)
        item = _continued(said_so_far, arrival, message, there, customer, known.agents, policy)
    else:
        item = _item(arrival, ids, customer, there, State.QUEUED, message.subject)
        item = replace(item, sorting=remembered(there, asked.said))
        because = _because(known, customer, arrival, message, policy)
        linked_to = known.item.id if known.item else None
        item = replace(item, tags=tags, linked_to=linked_to, linked_because=because or "", ring=0)
        item = into_queue(item, arrival.now, known.agents, policy)
    contacts = contact_made(before, arrival.received_at)
    return there, replace(
        item, contact=contact_of(arrival, message), contacts=contacts, given=given(message, before, policy)
    )


def _with_contacts(
    before: Item | None, arrival: Arrival, message: Message, tags: Tagging | None, policy: Policy
) -> Tagging | None:
    """The tags after the desk's rules about customers who write again and again; a list is no customer."""
    if message.automatic is not None:
        return tags
    return with_contacts(tags, contact_made(before, arrival.received_at), policy)


def _promised(before: Item | None, item: Item, tags: Tagging | None, arrival: Arrival, policy: Policy) -> Item:
    """The item with its promises: a matter that opens, or opens again since its customer wrote, has new ones.

    They are by the urgency of this message; while a matter goes on, by the most urgent of what was said.
    """
    if before is None or before.state == State.RESOLVED:
        said = replace(item, tags=tags or item.tags, decided=_raised(item.decided, tags))
        return replace(item, promises=promised.promised(said, arrival.received_at, policy).promises)
    said = replace(item, tags=_more_urgent(item.tags, tags), decided=_raised(item.decided, tags))
    return replace(item, promises=promised.moved_on(before, said, arrival.received_at, policy).promises)


def _more_urgent(first: Tagging | None, then: Tagging | None) -> Tagging | None:
    """The first message's tags, with the urgency of another one where that is higher."""
    if first is None or then is None:
        return first or then
    return replace(first, urgency=at_least(first.urgency, then.urgency))


def _raised(decided: Decided | None, tags: Tagging | None) -> Decided | None:
    """What people decided, of what had been said until then, with the urgency of a later message where it is higher."""
    if decided is None or tags is None:
        return decided
    return replace(decided, urgency=at_least(decided.urgency, tags.urgency))


def contact_of(arrival: Arrival, message: Message) -> Contact:
    """Whom a reply to this message goes to."""
    if message.channel == "chat":
        return Contact(name=_name(message), conversation=message.conversation, trusted=arrival.trusted)
    to = _reply_to(arrival, message) or message.sender
    earlier = dict.fromkeys((*message.references, *message.in_reply_to))
    earlier.pop(message.message_id, None)
    return Contact(
        address=to.address.rstrip(".") if to else "",
        name=(to.name or "") if to else "",
        message_id=message.message_id,
        references=tuple(earlier)[-REFERENCES_KEPT:],
        trusted=arrival.trusted,
    )


def _item(arrival: Arrival, ids: NewIds, customer: Customer, there: Route, state: State, subject: str) -> Item:
    return Item(
        id=ids.item, customer_id=customer.id, channel=arrival.delivery.channel, source=arrival.source,
        subject=subject, state=state, queue=there.queue, lane=there.lane, reason=there.reason,
        created_at=arrival.received_at, changed_at=arrival.now, waiting_since=arrival.received_at,
        wake_at=arrival.now + RE_RING,
    )  # fmt: skip


def _continued(
    item: Item,
    arrival: Arrival,
    message: Message,
    there: Route,
    customer: Customer,
    agents: Agents,
    policy: Policy,
) -> Item:
    """The item after one more message: one that waits may become urgent, one that rests or is done comes back."""
    changed = stepped(item, Action.CUSTOMER_WROTE, arrival.now)
    changed = replace(changed, subject=item.subject or message.subject)
    lane = there.lane
    if changed.state != item.state:
        changed = placed_anew(changed, customer, arrival.now, policy)
    if item.state == State.RESOLVED:
        return _back(replace(changed, lane=lane), arrival, "reopened", agents, policy)
    if changed.state != item.state:
        changed = replace(changed, lane=more_urgent(item.lane, lane))
        return _back(changed, arrival, "the customer answered", agents, policy)
    if item.queue == QUARANTINE or more_urgent(item.lane, lane) == item.lane:
        return changed
    # Who holds it keeps it; once it is back it waits as what was said to him does.
    ring = item.ring + 1 if waits(item) else item.ring
    return replace(changed, lane=Lane.URGENT, ring=ring, reason="the customer wrote again, urgently")


def _back(item: Item, arrival: Arrival, reason: str, agents: Agents, policy: Policy) -> Item:
    """The item as it waits again, since its customer wrote."""
    return replace(back_in_queue(item, arrival.now, reason, agents, policy), waiting_since=arrival.received_at)


def message_facts(arrival: Arrival, message: Message, *, reused: bool = False) -> dict[str, Any]:
    """What an event tells of how a message came; `reused` is its Message-ID."""
    facts: dict[str, Any] = {"raw": arrival.raw_key, "source": arrival.source, "trusted": arrival.trusted}
    if arrival.proof:
        facts["proof"] = arrival.proof
    if _answers_to(arrival, message):
        facts["answers_go_elsewhere"] = True
    if arrival.note or reused:
        facts["note"] = arrival.note or "message-id reused"
    if message.warnings:
        facts["warnings"] = len(message.warnings)
    return facts


def tag_facts(tags: Tagging | None) -> dict[str, Any] | None:
    """What an event tells of tags: all but the evidence, which is the customer's words."""
    if tags is None:
        return None
    return {
        "model": tags.model, "topic": tags.topic, "topic_confidence": tags.topic_confidence,
        "topic_abstained": tags.topic_abstained, "urgency": tags.urgency,
        "urgency_confidence": tags.urgency_confidence, "language": tags.language,
        **({"ruled": dict(tags.ruled)} if tags.ruled else {}), **({"doubted": True} if tags.doubted else {}),
    }  # fmt: skip


def message_payload(arrival: Arrival, message: Message) -> dict[str, Any]:
    """What the timeline keeps of a message's words: personal, in a row of its own."""
    kept = kept_text(message.written)
    more = {"phone": message.phone, "edits": message.edits}
    return {
        "from": message.sender.address if message.sender else "",
        "name": _name(message),
        "subject": message.subject,
        "written": kept,
        "shortened": len(kept) < len(message.written),
        "message_id": message.message_id,
        **({"reply_to": elsewhere.address} if (elsewhere := _answers_to(arrival, message)) else {}),
        "attachments": [_attachment(a, n, arrival, message) for n, a in enumerate(message.attachments[:FILES_TOLD], 1)],
        "warnings": list(message.warnings[:20]),
        "envelopes": list(message.envelopes[:20]),
        **({"failures": [asdict(one) for one in message.failures[:20]]} if message.failures else {}),
        **{name: value for name, value in more.items() if value},
    }


def _reply_to(arrival: Arrival, message: Message) -> Address | None:
    """The first address answers are asked to go to: never the mailbox or the list the mail came by, which is us."""
    ours = {arrival.source.lower()}
    if message.automatic == Automatic.LIST:
        ours |= {address.key for address in (*message.to, *message.cc)}
    asked = (address for address in message.reply_to if "@" in address.address)
    return next((address for address in asked if token.split(address.key)[0] not in ours), None)


def _answers_to(arrival: Arrival, message: Message) -> Address | None:
    """Whom answers are asked to go to, where that is not the sender."""
    to = _reply_to(arrival, message)
    return to if to and message.sender and to.key != message.sender.key else None


def _attachment(told: Attachment, number: int, arrival: Arrival, message: Message) -> dict[str, Any]:
    """What is told of an attachment; a chat's are where its provider keeps them."""
    kept = {"key": file_key(arrival.delivery, number)} if message.channel == "mail" else {"url": told.url}
    return {"name": told.name, "type": told.type, "size": told.size, "inline": told.inline, **kept}


def kept_text(text: str) -> str:
    """As much of a text as is kept beside its event."""
    return text.encode("utf-8", "replace")[:WRITTEN_KEPT].decode("utf-8", "ignore")


def _remembered(
    arrival: Arrival, message: Message, known: Known, item_id: ItemId | None, event: Event
) -> KnownMessage | None:
    """The mail by its Message-ID: the first under it, which references find, or another by its content."""
    if message.channel != "mail" or not message.message_id:
        return None
    content = content_hash(message, proved=arrival.trusted)
    return KnownMessage(
        arrival.source, message.message_id, content, item_id, event.id, event.customer_id,
        another=known.message is not None,
    )  # fmt: skip


def _conversation(arrival: Arrival, message: Message, known: Known, item_id: ItemId) -> Conversation | None:
    if message.channel != "chat" or known.conversation_item == item_id:
        return None
    return Conversation(arrival.source, message.conversation, item_id, previous=known.conversation_item)


def _new_identity(arrival: Arrival, message: Message, known: Known, customer: Customer) -> Identity | None:
    proved = identity_of(arrival, message)
    return Identity(*proved, customer.id) if proved and known.customer is None else None


def _name(message: Message) -> str:
    return (message.sender.name or "") if message.sender else ""


def _cause(arrival: Arrival) -> str:
    return f"{arrival.delivery.channel}:{arrival.delivery.id}"
