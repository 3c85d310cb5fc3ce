"""Shapes of answers: what the readers of the API see of items, timelines, agents and the desk."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import BaseModel, RootModel

from chalicelib.item.change import Link, Mention, Shown
from chalicelib.item.item import Customer, Event, Item, Promised
from chalicelib.item.outgoing import Outgoing, Status
from chalicelib.item.state import State
from chalicelib.routing.clock import Clock, Course
from chalicelib.routing.route import Lane

_OWN_SHAPES: Final = ("tags", "decided", "sorting", "promises")


class Versioned(BaseModel):
    """An answer about one item, whose version it carries as its ETag."""

    @property
    def etag(self) -> str:
        """The version as a client sends it back."""
        raise NotImplementedError


class EvidenceOut(BaseModel):
    """A piece of the customer's own text (subject, line break, body) that spoke for a tag."""

    text: str
    start: int
    end: int
    weight: float
    head: str
    rule: str | None = None


class RuledOut(BaseModel):
    """The desk's urgency rules that spoke of a message, and what the model had said before."""

    rules: list[str]
    model: str


class TagsOut(BaseModel):
    """What the classifier says, how sure it is, and why; the urgency after the desk's rules (`urgency_ruled`)."""

    model: str
    topic: str
    topic_confidence: float
    topic_abstained: bool
    urgency: str
    urgency_confidence: float
    language: str
    evidence: list[EvidenceOut]
    urgency_ruled: RuledOut | None


class SortingOut(BaseModel):
    """How routing placed an item: by which rule of the desk, if any, what that says of topic and urgency, and how often
    the item was moved since because the rules said otherwise."""

    rule: str
    topic: str
    urgency: str
    moves: int


class DecidedOut(BaseModel):
    """What people decided the item is about, whatever the classifier said; null where nobody said anything."""

    topic: str | None
    urgency: str | None
    by: str
    at: datetime


class ClockOut(BaseModel):
    """A promise: when it falls due, and how it stands. While it is paused, and once it ended, `left_seconds` of office
    time were left."""

    course: Course
    due_at: datetime
    warned_at: datetime | None
    breached_at: datetime | None
    ended_at: datetime | None
    left_seconds: int | None

    @classmethod
    def of(cls, clock: Clock | None) -> "ClockOut | None":
        """The promise of a clock."""
        if clock is None:
            return None
        same = {name: getattr(clock, name) for name in ClockOut.model_fields if name != "left_seconds"}
        return cls(**same, left_seconds=None if clock.left is None else int(clock.left.total_seconds()))


class PromisesOut(BaseModel):
    """What was promised of an item: under which name of the desk, by which version of which calendar; null is not."""

    name: str
    calendar: str
    calendar_version: str
    first_reply: ClockOut | None
    resolution: ClockOut | None

    @classmethod
    def of(cls, promises: Promised) -> Self:
        """What was promised."""
        return cls(
            name=promises.name, calendar=promises.calendar, calendar_version=promises.version,
            first_reply=ClockOut.of(promises.first_reply), resolution=ClockOut.of(promises.resolution),
        )  # fmt: skip


class ItemOut(Versioned):
    """An item as its readers see it. `claim_token` is shown to its holder alone.

    Until `offered_until` only `offered_to` may claim it; `pinned_to` is the agent it comes back to. `linked_because` is
    why it is `linked_to` another: what intake saw, or what somebody said. One that was merged is resolved, and goes on
    in `merged_into`. `sorting` is null where people or a broken promise chose its place; `escalations` counts the tiers
    it went up.
    """

    id: str
    customer_id: str
    state: State
    queue: str
    lane: Lane
    reason: str
    channel: str
    source: str
    subject: str
    language: str
    tags: TagsOut | None
    decided: DecidedOut | None
    promises: PromisesOut | None
    sorting: SortingOut | None
    holder: str | None
    owner: str | None
    claim_token: str | None
    lease_until: datetime | None
    offered_to: str | None
    offered_until: datetime | None
    pinned_to: str | None
    snoozed_until: datetime | None
    hand_offs: int
    escalations: int
    linked_to: str | None
    linked_because: str
    merged_into: str | None
    version: int
    created_at: datetime
    changed_at: datetime
    waiting_since: datetime

    @classmethod
    def of(cls, item: Item, reader: str, **more: Any) -> Self:
        """The item as `reader` sees it."""
        same = {name: getattr(item, name) for name in ItemOut.model_fields if name not in _OWN_SHAPES}
        own = {"claim_token": item.claim_token if item.holder == reader else None}
        tags = TagsOut.model_validate(item.tags, from_attributes=True) if item.tags else None
        decided = DecidedOut.model_validate(item.decided, from_attributes=True) if item.decided else None
        placed = item.sorting if item.sorting and not item.sorting.fixed else None
        sorting = SortingOut.model_validate(placed, from_attributes=True) if placed else None
        promises = PromisesOut.of(item.promises) if item.promises else None
        shaped = {"tags": tags, "decided": decided, "sorting": sorting, "promises": promises}
        return cls(**same | own | shaped, **more)

    @property
    def etag(self) -> str:
        """The item's version."""
        return f'"{self.version}"'


class EventOut(BaseModel):
    """One entry of a timeline. `content` is what was said; null once it has been erased, or where nothing was."""

    id: str
    type: str
    customer_id: str
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
            id=event.id, type=event.type, customer_id=event.customer_id, seq=event.seq, at=event.at,
            actor=event.actor, item_id=event.item_id, version=event.version, facts=event.facts, content=event.payload,
        )  # fmt: skip


class ItemWithHistory(ItemOut):
    """An item and the steps of its life, oldest first, without what was said. `missing` is what its topic asks for and
    the customer has not given; `suggestion` a reply that asks for it, which nobody but an agent sends ('' for none)."""

    history: list[EventOut]
    missing: list[str]
    suggestion: str


class PairOut(Versioned):
    """Two items between which a line was drawn, or taken away: the one that was asked about, and the other."""

    item: ItemOut
    other: ItemOut

    @classmethod
    def of(cls, pair: tuple[Item, Item], reader: str) -> Self:
        """The two as `reader` sees them."""
        return cls(item=ItemOut.of(pair[0], reader), other=ItemOut.of(pair[1], reader))

    @property
    def etag(self) -> str:
        """The version of the item that was asked about."""
        return self.item.etag


class ItemPage(BaseModel):
    """Part of a list of items."""

    items: list[ItemOut]
    next: str | None


class ReplyStatusOut(BaseModel):
    """How far a reply has come, and what was said of it on the way."""

    id: str
    status: Status
    queued_at: datetime
    sent_at: datetime | None
    detail: str

    @classmethod
    def of(cls, reply: Outgoing) -> Self:
        """The reply as it stands in the outbox."""
        return cls(
            id=reply.id, status=reply.status, queued_at=reply.queued_at, sent_at=reply.sent_at, detail=reply.detail
        )


class ReplyOut(Versioned):
    """A reply that will be sent, and its item afterwards."""

    reply: ReplyStatusOut
    item: ItemOut

    @property
    def etag(self) -> str:
        """The item's version."""
        return self.item.etag


class TimelinePage(BaseModel):
    """Part of a customer's timeline."""

    customer_id: str
    events: list[EventOut]
    next: str | None


class AttachmentOut(BaseModel):
    """A file the customer sent. `url` gives it without a token, until `expires_at`."""

    name: str
    type: str
    size: int
    url: str
    expires_at: datetime


class LinkedOut(BaseModel):
    """Another customer who is the same person, as somebody says."""

    customer_id: str
    by: str
    at: datetime
    why: str


class CustomerOut(BaseModel):
    """The customer's card. Who is `linked` with others has a timeline in each of them; `marks` are what supervisors
    marked him as."""

    id: str
    name: str
    events: int
    marks: list[str]
    linked: list[LinkedOut]

    @classmethod
    def of(cls, customer: Customer, links: Sequence[Link]) -> Self:
        """The card of a customer, with the links that stand."""
        linked = [LinkedOut(customer_id=link.other, by=link.by, at=link.at, why=link.why) for link in links]
        return cls(id=customer.id, name=customer.name, events=customer.seq, marks=sorted(customer.marks), linked=linked)


class LanesOut(BaseModel):
    """How many items wait in each lane."""

    urgent: int
    normal: int


class PromisesNow(BaseModel):
    """Of the items that wait or are held: how many have a promise that will soon be broken, or one that is."""

    due_soon: int
    breached: int


class QueueOut(BaseModel):
    """A queue as it is now. `complete` is false when more wait than one page counts."""

    name: str
    waiting: LanesOut
    oldest_waiting_since: datetime | None
    held: int
    complete: bool
    promises: PromisesNow


class BoardOut(BaseModel):
    """The live board."""

    queues: list[QueueOut]


class HeartbeatOut(BaseModel):
    """The new end of a lease."""

    lease_until: datetime


class PresenceOut(BaseModel):
    """An agent's presence, and how many items of each channel he still has: held, or offered to him."""

    agent_id: str
    presence: Literal["present", "away", "unknown"]
    held: Mapping[str, int]


class AgentOut(PresenceOut):
    """An agent as he is now, and who stands in for him."""

    deputy: str | None


class HandoverOut(BaseModel):
    """What was handed over, or (`preview`) would be.

    `held`, `offered` and `pinned` is what he had; `moved` went to `to`, `to_queue` to the queues, `left` stayed.
    """

    agent_id: str
    to: str | None
    preview: bool
    held: int
    offered: int
    pinned: int
    moved: int
    to_queue: int
    left: int


class MentionOut(BaseModel):
    """A note that names an agent: entry `seq` of the customer's timeline."""

    item_id: str
    customer_id: str
    seq: int
    at: datetime
    by: str

    @classmethod
    def of(cls, mention: Mention) -> Self:
        """The mention as the agent finds it."""
        return cls(
            item_id=mention.item_id, customer_id=mention.customer_id, seq=mention.seq, at=mention.at, by=mention.by
        )


class MentionPage(BaseModel):
    """Part of an agent's mentions, newest first."""

    mentions: list[MentionOut]
    next: str | None


class Plain(RootModel[str]):
    """An answer that is text as it stands, not JSON."""

    content_type: ClassVar[str] = "text/plain"


class ChallengeOut(Plain):
    """What was to be said back."""


class ThereOut(Plain):
    """No word but the status: the address is one of ours."""


class TakenOut(BaseModel):
    """How many messages of a provider's webhook are durable and will be handled, and what he wants to hear back."""

    status: ClassVar[int] = 200

    taken: int
    challenge: str | None


class AcceptedOut(BaseModel):
    """A chat delivery that is durable and will be handled."""

    delivery: str


class SessionOut(BaseModel):
    """What a visitor's browser needs. `token` holds for `expires_in` seconds; `key`, kept by the browser, opens the
    next session of the same conversation (null for a customer the shop knows: he proves himself each time)."""

    conversation: str
    token: str
    expires_in: int
    key: str | None


class WrittenOut(BaseModel):
    """A visitor's message that is durable and will be handled."""

    id: str


class ShownOut(BaseModel):
    """A line of a conversation: `id` is the visitor's own of his message, or the reply's."""

    seq: int
    id: str
    by: Literal["visitor", "agent"]
    text: str
    at: datetime

    @classmethod
    def of(cls, shown: Shown) -> Self:
        """The line as its visitor sees it."""
        return cls(seq=shown.seq, id=shown.id, by=shown.by, text=shown.text, at=shown.at)


class RepliesOut(BaseModel):
    """What was said after the asked number, oldest first; a hundred lines are perhaps not all."""

    replies: list[ShownOut]


class Script(Plain):
    """A program for browsers, which may keep it for a day."""

    content_type: ClassVar[str] = "text/javascript; charset=utf-8"


class HealthOut(BaseModel):
    """Whether this stack can work, and which model came with its code (null: none that can serve)."""

    status: Literal["ok"]
    model: str | None


class OpenApi(RootModel[Mapping[str, Any]]):
    """A description of this API in OpenAPI 3.1."""
