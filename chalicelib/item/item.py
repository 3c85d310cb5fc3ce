"""What an item, an event of its timeline and a customer are."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NewType, Self

from chalicelib.item.state import State
from chalicelib.routing.clock import Clock
from chalicelib.routing.route import Lane

ItemId = NewType("ItemId", str)
CustomerId = NewType("CustomerId", str)
AgentId = NewType("AgentId", str)

SCHEMA: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagging:
    """What the classifier said of a message, as it stands on the item and in the event.

    `evidence` holds `{text, start, end, weight, head}` in the customer's own text (subject, line break, body), and
    `rule` where the desk's urgency rule of that name found it. Where such rules raised the urgency, `ruled` holds their
    names (`rules`) and what the `model` had said. `doubted` is what may well be spam: no rule lifts it.
    """

    model: str
    topic: str
    topic_confidence: float
    topic_abstained: bool
    urgency: str
    urgency_confidence: float
    language: str
    evidence: tuple[Mapping[str, Any], ...] = ()
    ruled: Mapping[str, Any] = field(default_factory=dict)
    doubted: bool = False

    @property
    def model_urgency(self) -> str:
        """The urgency the model itself said."""
        return str(self.ruled.get("model") or self.urgency)

    @property
    def urgency_ruled(self) -> Mapping[str, Any] | None:
        """The urgency rules that spoke, and what the model had said; None where none did."""
        return self.ruled or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorting:
    """How routing placed an item: by which of the desk's rules ('' for none), and what topic and urgency the rule said
    ('' where the model's stand). `said` are the rules whose words stand in the customer's messages, `moves` how often
    it was moved since because the rules said otherwise. Once people or a broken promise chose its place it is `fixed`:
    no rule moves it any more."""

    rule: str = ""
    topic: str = ""
    urgency: str = ""
    said: tuple[str, ...] = ()
    moves: int = 0
    fixed: bool = False

    @property
    def as_fixed(self) -> "Sorting":
        """The same once people or a broken promise chose its place; what a rule said of its topic stands."""
        return replace(self, rule="", fixed=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """How often a customer turned to us about a matter since he was last answered, and when it was counted last."""

    times: int
    newest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom a reply goes to and what it answers: as the customer's newest message says, never from a card.

    Of a mail `address` (its Reply-To, else its sender), Message-ID and the ids before it, without angle brackets; of a
    chat the provider's `conversation`. `trusted` says whether the sender was proved.
    """

    address: str = ""
    name: str = ""
    conversation: str = ""
    message_id: str = ""
    references: tuple[str, ...] = ()
    trusted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What people finally decided about a matter, who and when; None is what nobody ever said."""

    topic: str | None
    urgency: str | None
    by: AgentId
    at: datetime


@dataclass(frozen=True, slots=True)
class Merged:
    """Where an item that was merged goes on, and how it stood before: what undoing the merge brings back."""

    into: ItemId
    state: State
    snoozed_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Promised:
    """What was promised of an item, under which name of the desk, and by which version of which calendar.

    It stays as it was made, whatever the desk says later.
    """

    name: str
    calendar: str
    version: str
    first_reply: Clock | None = None
    resolution: Clock | None = None

    @property
    def clocks(self) -> dict[str, Clock]:
        """The clocks there are, by the names events give them."""
        both = {"first_reply": self.first_reply, "resolution": self.resolution}
        return {name: clock for name, clock in both.items() if clock}

    @property
    def next_at(self) -> datetime | None:
        """When the next of them warns or is broken."""
        return min((c.next_at for c in self.clocks.values() if c.next_at), default=None)

    @property
    def broken(self) -> bool:
        """Whether one of them is broken, and what it promised is not done yet."""
        return any(clock.breached_at and not clock.ended_at for clock in self.clocks.values())

    def with_clock(self, name: str, clock: Clock) -> Self:
        """The same with another clock of this name."""
        return replace(self, first_reply=clock) if name == "first_reply" else replace(self, resolution=clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """The unit of work: one matter of one customer. Times are aware UTC.

    `version` rises by one with every write but a heartbeat; `ring` only when the item enters a queue or lane;
    `chain` is the hash of its newest event. While it is offered to an agent nobody else may claim it; `pinned_to` is
    the agent it comes back to. `asked` have let this offer go, `been` are the places it was passed to, newest last.
    `linked_because` is why it is linked, in the words of who says so. A `merged` item is resolved, and goes on in
    another. `escalations` counts how often people passed it a tier up; `admitted` is one that a person let out of
    quarantine, until somebody takes it. `given` are the things the desk asks for that the customer's messages gave.
    """

    id: ItemId
    customer_id: CustomerId
    channel: str
    source: str  # the mailbox or chat installation it came in by
    subject: str
    state: State
    queue: str
    lane: Lane
    reason: str  # why it is in this queue
    created_at: datetime
    changed_at: datetime
    waiting_since: datetime
    ring: int = 1
    version: int = 1
    chain: str = ""
    tags: Tagging | None = None
    holder: AgentId | None = None
    owner: AgentId | None = None
    claim_token: str | None = None
    lease_until: datetime | None = None
    wake_at: datetime | None = None
    linked_to: ItemId | None = None
    offered_to: AgentId | None = None
    offered_until: datetime | None = None
    asked: tuple[AgentId, ...] = ()
    pinned_to: AgentId | None = None
    snoozed_until: datetime | None = None
    hand_offs: int = 0
    been: tuple[str, ...] = ()
    decided: Decided | None = None
    contact: Contact | None = None
    linked_because: str = ""
    merged: Merged | None = None
    promises: Promised | None = None
    sorting: Sorting | None = None
    contacts: Contacts | None = None
    escalations: int = 0
    admitted: bool = False
    given: tuple[str, ...] = ()

    @property
    def urgency(self) -> str | None:
        """How urgent it is, as people say, else the classifier; None where nobody said."""
        return (self.decided.urgency if self.decided else None) or (self.tags.urgency if self.tags else None)

    @property
    def promise_at(self) -> datetime | None:
        """When one of its promises warns or is broken."""
        return self.promises.next_at if self.promises and self.state != State.RESOLVED else None

    @property
    def next_at(self) -> datetime | None:
        """When something is due for it: what its life brings (`wake_at`), or a promise."""
        return min((at for at in (self.wake_at, self.promise_at) if at), default=None)

    @property
    def merged_into(self) -> ItemId | None:
        """The item in which this one goes on, None where it goes on by itself."""
        return self.merged.into if self.merged else None

    @property
    def carrier(self) -> AgentId | None:
        """Whose load the item counts for: its holder, else the agent it is offered to."""
        return self.holder or self.offered_to

    @property
    def hands(self) -> AgentId | None:
        """In whose hands the item is: his who carries it, else his it comes back to."""
        return self.carrier or self.pinned_to

    @property
    def language(self) -> str:
        """Language code of the customer's words, `und` when nobody could tell."""
        return self.tags.language if self.tags else "und"

    @property
    def topic(self) -> str | None:
        """What the matter is about: as people, else a rule of the desk, else the model says; None where nobody does."""
        if self.decided and self.decided.topic:
            return self.decided.topic
        if self.sorting and self.sorting.topic:
            return self.sorting.topic
        return self.tags.topic if self.tags and not self.tags.topic_abstained else None


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer's counter and secret. `seq` is the number of his newest event; `key` seals the payloads' hashes;
    `marks` are what supervisors marked him as."""

    id: CustomerId
    seq: int
    key: bytes
    name: str = ""
    marks: frozenset[str] = frozenset()


class EventType(StrEnum):
    """Kinds of entries in a timeline."""

    MESSAGE_RECEIVED = "message-received"
    DELIVERY_QUARANTINED = "delivery-quarantined"
    ITEM_CLAIMED = "item-claimed"
    ITEM_RELEASED = "item-released"
    LEASE_EXPIRED = "lease-expired"
    OFFER_DECLINED = "offer-declined"
    OFFER_LAPSED = "offer-lapsed"
    ITEM_SNOOZED = "item-snoozed"
    ITEM_WOKEN = "item-woken"
    ITEM_REASSIGNED = "item-reassigned"
    ITEM_SORTED = "item-sorted"
    ITEM_ESCALATED = "item-escalated"
    ITEM_ADMITTED = "item-admitted"
    ITEM_SET_ASIDE = "item-set-aside"
    ITEM_RESOLVED = "item-resolved"
    NOTE_ADDED = "note-added"
    TAGS_DECIDED = "tags-decided"
    ITEM_SPLIT = "item-split"
    ITEM_SPLIT_OFF = "item-split-off"
    ITEM_MERGED = "item-merged"
    ITEM_JOINED = "item-joined"
    ITEM_UNMERGED = "item-unmerged"
    ITEM_PARTED = "item-parted"
    ITEM_LINKED = "item-linked"
    ITEM_UNLINKED = "item-unlinked"
    ITEM_REOPENED = "item-reopened"
    CUSTOMER_MARKED = "customer-marked"
    CUSTOMER_UNMARKED = "customer-unmarked"
    CUSTOMER_LINKED = "customer-linked"
    CUSTOMER_UNLINKED = "customer-unlinked"
    REPLY_QUEUED = "reply-queued"
    REPLY_SENT = "reply-sent"
    REPLY_DELIVERED = "reply-delivered"
    REPLY_DELAYED = "reply-delayed"
    REPLY_COMPLAINED = "reply-complained"
    REPLY_FAILED = "reply-failed"
    REPLY_BOUNCED = "reply-bounced"
    REPLY_UNKNOWN = "reply-unknown"
    ACKNOWLEDGEMENT_QUEUED = "acknowledgement-queued"
    PROMISE_WARNED = "promise-warned"
    PROMISE_BREACHED = "promise-breached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One immutable entry of a customer's timeline, and the audit record of the step it tells of.

    The envelope carries no personal content; `payload` does and lives in a row of its own, sealed by
    `payload_seal` (HMAC-SHA256 under the customer's key) so that erasing it leaves the chain verifiable.
    """

    id: str
    type: EventType
    customer_id: CustomerId
    seq: int
    at: datetime
    actor: str
    cause: str
    item_id: ItemId | None
    version: int | None
    facts: Mapping[str, Any]
    previous: str
    payload_seal: str
    payload: Mapping[str, Any] | None = None

    @property
    def hash(self) -> str:
        """SHA-256 over the envelope: the next event of the item names it as `previous`."""
        envelope = {
            "id": self.id, "type": self.type, "customer": self.customer_id, "seq": self.seq,
            "at": self.at.isoformat(), "actor": self.actor, "cause": self.cause, "item": self.item_id,
            "version": self.version, "facts": dict(self.facts), "previous": self.previous, "seal": self.payload_seal,
        }  # fmt: skip
        return hashlib.sha256(_canonical(envelope)).hexdigest()


def seal(customer: Customer, payload: Mapping[str, Any] | None) -> str:
    """Keyed hash of a payload: proves what was said as long as the customer's key exists, and nothing after."""
    return hmac.new(customer.key, _canonical(payload), "sha256").hexdigest() if payload is not None else ""


def _canonical(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
