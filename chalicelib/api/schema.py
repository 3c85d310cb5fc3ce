"""Shapes of requests and answers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from chalicelib.item.item import Customer, Event, Item


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Heartbeat(_Strict):
    """Sign of life of a holder, with the token his claim gave him."""

    claim_token: str = Field(min_length=1, max_length=100)


class Presence(_Strict):
    """Whether an agent takes work now."""

    presence: Literal["present", "away"]


class EvidenceOut(BaseModel):
    """A piece of the customer's own text (subject, line break, body) that spoke for a tag."""

    text: str
    start: int
    end: int
    weight: float
    head: str


class TagsOut(BaseModel):
    """What the classifier says, how sure it is, and why."""

    model: str
    topic: str
    topic_confidence: float
    topic_abstained: bool
    urgency: str
    urgency_confidence: float
    language: str
    evidence: list[EvidenceOut]


class ItemOut(BaseModel):
    """An item as its readers see it. `claim_token` is shown to its holder alone."""

    id: str
    customer_id: str
    state: str
    queue: str
    lane: str
    reason: str
    channel: str
    source: str
    subject: str
    language: str
    tags: TagsOut | None
    holder: str | None
    owner: str | None
    claim_token: str | None
    lease_until: datetime | None
    linked_to: str | None
    version: int
    created_at: datetime
    changed_at: datetime
    waiting_since: datetime

    @classmethod
    def of(cls, item: Item, reader: str) -> Self:
        """The item as `reader` sees it."""
        tags = None
        if item.tags:
            pieces = [EvidenceOut.model_validate(piece) for piece in item.tags.evidence]
            tags = TagsOut(
                model=item.tags.model, topic=item.tags.topic, topic_confidence=item.tags.topic_confidence,
                topic_abstained=item.tags.topic_abstained, urgency=item.tags.urgency,
                urgency_confidence=item.tags.urgency_confidence, language=item.tags.language, evidence=pieces,
            )  # fmt: skip
        return cls(
            id=item.id, customer_id=item.customer_id, state=item.state, queue=item.queue, lane=item.lane,
            reason=item.reason, channel=item.channel, source=item.source, subject=item.subject,
            language=item.language, tags=tags, holder=item.holder, owner=item.owner,
            claim_token=item.claim_token if item.holder == reader else None, lease_until=item.lease_until,
            linked_to=item.linked_to, version=item.version, created_at=item.created_at,
            changed_at=item.changed_at, waiting_since=item.waiting_since,
        )  # fmt: skip


class EventOut(BaseModel):
    """One entry of a timeline. `content` is what was said; null once it has been erased, or where nothing was."""

    id: str
    type: str
    seq: int
    at: datetime
    actor: str
    item_id: str | None
    version: int | None
    facts: Mapping[str, Any]
    content: Mapping[str, Any] | None

    @classmethod
    def of(cls, event: Event) -> Self:
        """The entry an event makes."""
        return cls(
            id=event.id, type=event.type, seq=event.seq, at=event.at, actor=event.actor, item_id=event.item_id,
            version=event.version, facts=event.facts, content=event.payload,
        )  # fmt: skip


class ItemWithHistory(ItemOut):
    """An item and the steps of its life, oldest first, without what was said."""

    history: list[EventOut]


class ItemPage(BaseModel):
    """Part of a list of items."""

    items: list[ItemOut]
    next: str | None


class TimelinePage(BaseModel):
    """Part of a customer's timeline."""

    customer_id: str
    events: list[EventOut]
    next: str | None


class CustomerOut(BaseModel):
    """The customer's card."""

    id: str
    name: str
    events: int

    @classmethod
    def of(cls, customer: Customer) -> Self:
        """The card of a customer."""
        return cls(id=customer.id, name=customer.name, events=customer.seq)


class LanesOut(BaseModel):
    """How many items wait in each lane."""

    urgent: int
    normal: int


class QueueOut(BaseModel):
    """A queue as it is now. `complete` is false when more wait than one page counts."""

    name: str
    waiting: LanesOut
    oldest_waiting_since: datetime | None
    held: int
    complete: bool


class BoardOut(BaseModel):
    """The live board."""

    queues: list[QueueOut]


class HeartbeatOut(BaseModel):
    """The new end of a lease."""

    lease_until: datetime


class PresenceOut(BaseModel):
    """An agent's presence and how many items he holds."""

    agent_id: str
    presence: str
    held: dict[str, int]


class AcceptedOut(BaseModel):
    """A chat delivery that is durable and will be handled."""

    delivery: str


class HealthOut(BaseModel):
    """Whether this stack can work, and which model tags its messages (null: none, messages go to people)."""

    status: Literal["ok"]
    model: str | None
