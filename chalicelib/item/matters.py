"""Where one matter ends and another begins: splitting, merging, and taking a merge back. Pure.

Events stay in the timelines they were written to. Which messages an item has is told by its own events: those it
received, and those its later events say it `gained` and `lost`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from chalicelib.errors import Invalid, WrongState
from chalicelib.item import promised
from chalicelib.item.change import Change, Conversation, Link, Moved, Step, written
from chalicelib.item.decide import held, resolved
from chalicelib.item.item import (
    AgentId,
    Contact,
    Customer,
    CustomerId,
    Event,
    EventType,
    Item,
    ItemId,
    Merged,
    Sorting,
    Tagging,
)
from chalicelib.item.label import label_of, with_decision
from chalicelib.item.offer import RE_RING, Agents, into_queue
from chalicelib.item.sorting import contacts_of_both
from chalicelib.item.state import Action, State
from chalicelib.item.steps import loads, stepped, told, waits
from chalicelib.policy import QUARANTINE, Policy
from chalicelib.routing.route import Lane, Route, more_urgent

#: An item with more messages is not merged: an event of the other names each of them.
MOST_MERGED: Final = 1000

#: How far an item is from somebody's hands, where it is not in reach of all or held.
_FAR: Final = {State.SNOOZED: 1, State.WAITING: 2, State.RESOLVED: 3}


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a message stands in the timelines: its event's id, whose, its number, and when it came (ISO 8601, UTC)."""

    id: str
    customer_id: CustomerId
    seq: int
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two items of a split or merge, its customer, and the messages it has."""

    item: Item
    customer: Customer
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What is split off: these `entries`, which `customer` wrote, as a new item.

    `there` is where it goes, `sorting` how routing placed it (None: somebody did), `topic` what people say it is about
    ('' for nothing said). `contact` is whom a reply to it goes to, `rest` whom one to the old item goes to from now on.
    `given` is what they give of what the desk asks for, `gone` what no other message of the old item gives; `messages`
    and `conversation` lead to it.
    """

    id: ItemId
    customer: Customer
    entries: tuple[Entry, ...]
    subject: str
    tags: Tagging | None
    there: Route
    contact: Contact | None
    rest: Contact | None
    topic: str = ""
    sorting: Sorting | None = None
    given: tuple[str, ...] = ()
    gone: frozenset[str] = frozenset()
    messages: tuple[Moved, ...] = ()
    conversation: Conversation | None = None


def messages_of(history: Iterable[Event]) -> tuple[Entry, ...]:
    """The messages an item has, the oldest first. `history` is all of it, in order.

    What was let out of quarantine twice is one message, as it was read the last time.
    """
    found: dict[str, Entry] = {}
    admitted = ""
    for event in history:
        if event.type in {EventType.ITEM_ADMITTED, EventType.ITEM_SET_ASIDE}:
            found.pop(admitted, None)
            admitted = event.id
        if event.type == EventType.MESSAGE_RECEIVED or (event.type == EventType.ITEM_ADMITTED and event.facts["read"]):
            found[event.id] = Entry(event.id, event.customer_id, event.seq, event.at.isoformat())
        found |= {told["id"]: Entry(**told) for told in event.facts.get("gained", ())}
        for lost in event.facts.get("lost", ()):
            found.pop(lost, None)
    return tuple(sorted(found.values(), key=_when))


def messages_before_merge(history: Sequence[Event]) -> tuple[Entry, ...]:
    """The messages an item had when it was merged, the last time."""
    last = max((n for n, event in enumerate(history) if event.type == EventType.ITEM_MERGED), default=0)
    return messages_of(history[:last])


def split_off(item: Item, part: Part, step: Step, reason: str = "") -> Item:
    """The item that splitting makes, before it is in its queue or in somebody's hands.

    It is urgent where a promise is broken that it takes along.
    """
    lane = Lane.URGENT if item.promises and item.promises.broken else part.there.lane
    return Item(
        id=part.id, customer_id=part.customer.id, channel=item.channel, source=item.source, subject=part.subject,
        state=State.QUEUED, queue=part.there.queue, lane=lane, reason=part.there.reason,
        created_at=step.at, changed_at=step.at, waiting_since=datetime.fromisoformat(part.entries[0].at), ring=0,
        wake_at=step.at + RE_RING, tags=part.tags, contact=part.contact, sorting=part.sorting, given=part.given,
        linked_to=item.id, linked_because=reason or f"split off by {step.actor}", promises=item.promises,
        contacts=item.contacts,
    )  # fmt: skip


def split(
    item: Item,
    customer: Customer,
    steps: tuple[Step, Step],
    part: Part,
    reason: str,
    agents: Agents,
    policy: Policy,
    token: str = "",
) -> Change:
    """Some messages of an item become a matter of their own: in its queue or, with a claim's `token`, in the hands of
    who splits. The old item stays where it is. `steps` are that of the old item and that of the new one."""
    step, first = steps
    rest = replace(stepped(item, Action.ANNOTATE, step.at), contact=part.rest, given=_without(item.given, part.gone))
    facts = {"split_off": part.id, "lost": [entry.id for entry in part.entries]}
    change = told(item, rest, customer, EventType.ITEM_SPLIT, step, policy, facts, because(reason))
    opened = _opened(item, first, part, customer, reason, agents, policy, token)
    return replace(change, moved=part.messages, conversation=part.conversation, also=opened)


def merge(item: Side, into: Side, steps: tuple[Step, Step], link: Link | None, reason: str, policy: Policy) -> Change:
    """An item goes on in another: it is resolved, its messages are the other's, and it is nobody's load any more.

    `link` is what people say of the two customers, where they are two. Raises `Invalid` for the item itself, and
    `WrongState` where the two cannot be one matter.
    """
    before, target = item.item, into.item
    _check_one_matter(item, into, link)
    done = resolved(stepped(before, Action.MERGE, steps[0].at), before)
    done = replace(done, merged=Merged(target.id, before.state, before.snoozed_until))
    facts: dict[str, Any] = {"into": target.id, "lost": [entry.id for entry in item.entries]}
    change = told(before, done, item.customer, EventType.ITEM_MERGED, steps[0], policy, facts, because(reason))
    newest = max((side for side in (item, into) if side.entries), key=lambda s: _when(s.entries[-1]), default=into)
    joined = replace(stepped(target, Action.ANNOTATE, steps[1].at), contact=newest.item.contact,
                     given=tuple(sorted({*target.given, *before.given})))  # fmt: skip
    joined = _as_urgent(joined, before)
    facts = {"merged": before.id, "gained": _named(item.entries)}
    if joined.lane != target.lane:
        facts |= {"lane": joined.lane, "ring": joined.ring}
    second = _second(into.customer, item.customer)
    also = told(target, joined, second, EventType.ITEM_JOINED, steps[1], policy, facts, because(reason))
    return replace(change, also=also)


def unmerge(
    item: Side,
    into: Side,
    steps: tuple[Step, Step],
    contacts: tuple[Contact | None, Contact | None],
    reason: str,
    agents: Agents,
    policy: Policy,
    token: str = "",
    gone: frozenset[str] = frozenset(),
) -> Change:
    """An item that was merged goes on by itself again, where and as it was, and has its `entries` back.

    With a claim's `token` who held it holds it again; else it waits, first for him. `contacts` are whom replies to it
    and to the other go to, `gone` what the desk asks for and no message the other keeps gives. Raises `WrongState` for
    one that was not merged, or whose other was merged since.
    """
    merged = item.item.merged
    if merged is None:
        raise WrongState(f"item {item.item.id} was not merged")
    if into.item.merged_into:
        raise WrongState(f"item {into.item.id} was merged into {into.item.merged_into} since: undo that first")
    alone = replace(stepped(item.item, Action.UNMERGE, steps[0].at), merged=None, contact=contacts[0])
    alone = _as_it_was(alone, merged, steps[0].at, agents, policy, token)
    facts = {
        "out_of": into.item.id, "gained": _named(item.entries), "queue": alone.queue, "lane": alone.lane,
        "ring": alone.ring, "offered_to": alone.offered_to,
    }  # fmt: skip
    told_of = EventType.ITEM_UNMERGED
    change = told(item.item, alone, item.customer, told_of, steps[0], policy, facts, because(reason))
    parted = replace(stepped(into.item, Action.ANNOTATE, steps[1].at), contact=contacts[1],
                     given=_without(into.item.given, gone))  # fmt: skip
    facts = {"unmerged": item.item.id, "lost": [entry.id for entry in item.entries]}
    second = _second(into.customer, item.customer)
    also = told(into.item, parted, second, EventType.ITEM_PARTED, steps[1], policy, facts, because(reason))
    return replace(change, also=also)


def because(reason: str) -> dict[str, Any] | None:
    """What stands beside an event that somebody gave a reason for: personal content, as all that people write."""
    return {"reason": reason} if reason else None


def _opened(
    item: Item,
    step: Step,
    part: Part,
    first: Customer,
    reason: str,
    agents: Agents,
    policy: Policy,
    token: str,
) -> Change:
    made = split_off(item, part, step, reason)
    if part.topic:
        made = with_decision(made, step, topic=part.topic)
    if token:
        made = replace(held(made, AgentId(step.actor), token, step.at, policy), state=State.CLAIMED, ring=1)
    else:
        made = into_queue(made, step.at, agents, policy)
    made = promised.moved_on(item, made, step.at, policy)
    facts = {
        "from": None, "to": made.state, "holder": made.holder, "queue": made.queue, "lane": made.lane,
        "ring": made.ring, "reason": made.reason, "offered_to": made.offered_to, "split_from": item.id,
        "gained": _named(part.entries), **({"topic": part.topic} if part.topic else {}), **promised.told(made),
    }  # fmt: skip
    whose = _second(part.customer, first)
    chained, event = written(step, EventType.ITEM_SPLIT_OFF, whose, made, facts, because(reason))
    label = label_of(made, step) if part.topic else None
    moved = loads(None, made, policy)
    return Change(customer=whose, after=chained, events=(event,), loads=moved, label=label)


def _check_one_matter(item: Side, into: Side, link: Link | None) -> None:
    one, other = item.item, into.item
    if one.id == other.id:
        raise Invalid("into", "is the item itself")
    if other.merged_into:
        raise WrongState(f"item {other.id} was merged into {other.merged_into} and goes on there: merge into that one")
    if other.queue == QUARANTINE:
        raise WrongState(f"item {other.id} is in quarantine: nothing is merged into what nobody has looked at")
    if one.customer_id != other.customer_id and not (link and link.stands):
        raise WrongState("the items are of two customers: say first that they are the same person")
    if one.channel != other.channel or (one.channel == "chat" and one.source != other.source):
        raise WrongState("a reply could not go both ways, by mail and by chat: link the items instead")
    if _FAR.get(other.state, 0) > _FAR.get(one.state, 0):
        raise WrongState(f"item {other.id} is {other.state} and nobody would look at it: claim or reopen it first")
    if one.snoozed_until and other.snoozed_until and other.snoozed_until > one.snoozed_until:
        raise WrongState(f"item {other.id} sleeps longer than item {one.id}: merge that one into this")
    if len(item.entries) > MOST_MERGED:
        raise WrongState(f"item {one.id} has more than {MOST_MERGED} messages: link it instead")


def _as_urgent(item: Item, merged: Item) -> Item:
    """The item, no less urgent and promised no later than one that goes on in it and that people have in hand, or are
    to take; and the contacts of both."""
    if merged.state not in {State.QUEUED, State.CLAIMED}:
        return item
    lane = more_urgent(item.lane, merged.lane)
    ring = item.ring + 1 if waits(item) and lane != item.lane else item.ring
    made, contacts = promised.joined(item.promises, merged.promises), contacts_of_both(item.contacts, merged.contacts)
    return replace(item, lane=lane, ring=ring, promises=made, contacts=contacts)


def _as_it_was(item: Item, merged: Merged, at: datetime, agents: Agents, policy: Policy, token: str) -> Item:
    until = merged.snoozed_until
    if merged.state in {State.WAITING, State.RESOLVED}:
        return replace(item, state=merged.state)
    if until and until > at:
        return replace(item, state=State.SNOOZED, snoozed_until=until, wake_at=until)
    if token and item.pinned_to:
        return replace(held(item, item.pinned_to, token, at, policy), state=State.CLAIMED)
    return into_queue(replace(item, waiting_since=at) if until else item, at, agents, policy)


def _second(customer: Customer, first: Customer) -> Customer:
    """A customer as he is after one more event in the timeline of the `first`, who may be he."""
    return replace(customer, seq=customer.seq + 1) if customer.id == first.id else customer


def _without(given: tuple[str, ...], gone: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in given if name not in gone)


def _named(entries: Iterable[Entry]) -> list[Mapping[str, Any]]:
    return [{"id": e.id, "customer_id": e.customer_id, "seq": e.seq, "at": e.at} for e in entries]


def _when(entry: Entry) -> tuple[str, int]:
    return entry.at, entry.seq
