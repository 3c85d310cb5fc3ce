"""What one decision writes: everything in it is saved in one transaction, or nothing is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from chalicelib.item.item import AgentId, Customer, CustomerId, Event, EventType, Item, ItemId, Tagging, seal
from chalicelib.item.outgoing import Outgoing


@dataclass(frozen=True, slots=True)
class Delivery:
    """Identity of one delivery: `id` is SES's or the chat provider's, unique within `channel`."""

    channel: str
    id: str


@dataclass(frozen=True, slots=True)
class Handled:
    """The ledger row of a delivery: which event tells of it, or of which delivery it is a repeat."""

    delivery: Delivery
    event_id: str
    repeat_of: str = ""


@dataclass(frozen=True, slots=True)
class KnownMessage:
    """A mail we have: its Message-ID in one mailbox, the hash of what it says, and where it went.

    Of a reply of ours `addressee` is its token: it tells who was written to without naming him. `another` are those
    that came under a Message-ID known before, with other content.
    """

    mailbox: str
    message_id: str
    content_hash: str
    item_id: ItemId | None
    event_id: str
    customer_id: CustomerId | None = None
    addressee: str = ""
    another: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """A chat provider's conversation, and the item it is about now."""

    installation: str
    id: str
    item_id: ItemId
    previous: ItemId | None = None  # the item it was about before, which the write is conditional on


@dataclass(frozen=True, slots=True)
class Identity:
    """An address or visitor id, and whose it is. Written once, never rewritten."""

    kind: str
    value: str
    customer_id: CustomerId


@dataclass(frozen=True, slots=True)
class Moved:
    """A mail we have, as it was read, and the item it belongs to from now on."""

    message: KnownMessage
    item_id: ItemId


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """People say (or, once it `stands` no more, said) that another customer is the same person as this one.

    Both have one, each with the other's id. `revision` is the number of times it was written.
    """

    customer_id: CustomerId
    other: CustomerId
    by: str
    at: datetime
    why: str = ""
    stands: bool = True
    revision: int = 1


class Must(StrEnum):
    """What an agent's presence must be for a load to be his."""

    ANY = "any"
    NOT_AWAY = "not-away"  # who was never seen may take work: taking it is being there
    PRESENT = "present"  # work is given only to who said that he is there


@dataclass(frozen=True, slots=True)
class Load:
    """A change of the number of items an agent carries: holds, or is offered.

    `limit` is what the number must be below (None: whatever it is), `must` what his presence must be. An agent who let
    an offer lapse is set away `silent_since`.
    """

    agent_id: AgentId
    channel: str
    by: int
    limit: int | None = None
    must: Must = Must.ANY
    silent_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer given under an `Idempotency-Key`, kept until `expires_at`: a claim's token, or a reply's id and what
    it said (hashed)."""

    agent_id: AgentId
    key: str
    item_id: ItemId
    expires_at: datetime
    claim_token: str = ""
    reply_id: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class ReplyToken:
    """A token that stands in the Reply-To of our mails: who answers under it answers this item, if he is whom we wrote
    to. Written again with every reply, always the same."""

    token: str
    item_id: ItemId
    customer_id: CustomerId
    mailbox: str


@dataclass(frozen=True, slots=True)
class Budget:
    """When the desk lately wrote to an account by itself. `revision` rises with every write, 0 before the first."""

    account: str
    written_at: tuple[datetime, ...] = ()
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What people decided about an item, beside what which model had said: the truth a model is trained on."""

    item_id: ItemId
    version: int
    event_id: str
    at: datetime
    by: AgentId
    topic: str | None
    urgency: str | None
    said: Tagging | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A label as it is read again for training: what was decided, and which model had said something ('' for none)."""

    item_id: ItemId
    version: int
    at: datetime
    by: AgentId
    topic: str | None
    urgency: str | None
    model: str


@dataclass(frozen=True, slots=True)
class Mention:
    """An agent named in a note: he finds the entry `seq` of the customer's timeline in his list."""

    agent_id: AgentId
    item_id: ItemId
    customer_id: CustomerId
    seq: int
    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the visitor of our own widget is shown of his conversation: what he wrote, what an agent answered.

    `seq` counts within the conversation, from 1 and without a gap; `id` is the visitor's own, or the reply's.
    """

    installation: str
    conversation: str
    seq: int
    id: str
    by: Literal["visitor", "agent"]
    text: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One decision. `before` is None when the item is new; `customer` is as it was read, `seq` 0 when new.

    `reply` is an outbox row as it will be, `reply_before` as it was read, None when it is new; `budget` is as it will
    be, one revision after the one that was read. `also` is what becomes of the other item or customer it concerns,
    `marks` what the customer is marked as from now on (None: as before).
    """

    customer: Customer | None = None
    before: Item | None = None
    after: Item | None = None
    events: tuple[Event, ...] = ()
    handled: Handled | None = None
    message: KnownMessage | None = None
    conversation: Conversation | None = None
    identity: Identity | None = None
    loads: tuple[Load, ...] = ()
    answered: Answered | None = None
    token: ReplyToken | None = None
    label: Label | None = None
    mentions: tuple[Mention, ...] = ()
    reply_before: Outgoing | None = None
    reply: Outgoing | None = None
    budget: Budget | None = None
    moved: tuple[Moved, ...] = ()
    link: Link | None = None
    also: "Change | None" = None
    shown: Shown | None = None
    marks: frozenset[str] | None = None

    @property
    def parts(self) -> "tuple[Change, ...]":
        """The decision item by item: itself, and what becomes of the other."""
        return (self, *(self.also.parts if self.also else ()))


@dataclass(frozen=True, slots=True)
class Step:
    """The circumstances of a step: who, when, why, and the id its event will have."""

    actor: str
    cause: str
    at: datetime
    event_id: str


def written(
    step: Step,
    event_type: EventType,
    customer: Customer,
    item: Item | None,
    facts: Mapping[str, Any],
    payload: Mapping[str, Any] | None = None,
) -> tuple[Item | None, Event]:
    """The event that tells of a step, and the item with the event's hash as its chain head."""
    event = Event(
        id=step.event_id,
        type=event_type,
        customer_id=customer.id,
        seq=customer.seq + 1,
        at=step.at,
        actor=step.actor,
        cause=step.cause,
        item_id=item.id if item else None,
        version=item.version if item else None,
        facts=facts,
        previous=item.chain if item else "",
        payload_seal=seal(customer, payload),
        payload=payload,
    )
    return (replace(item, chain=event.hash) if item else None), event
