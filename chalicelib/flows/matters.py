"""Where intake drew a line in the wrong place: people split an item, merge two, or take a merge back."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from chalicelib.errors import AtCapacity, Invalid, LostRace, NotAllowed, Unknown, Unreadable, WrongState
from chalicelib.flows.again import offerable
from chalicelib.flows.work import check_writes, taken
from chalicelib.item import matters
from chalicelib.item.arrive import Arrival, contact_of
from chalicelib.item.change import Change, Conversation, Delivery, Link, Moved, Step
from chalicelib.item.decide import check_may_claim
from chalicelib.item.item import Contact, Customer, Event, Item, ItemId, Sorting, Tagging
from chalicelib.item.matters import Entry, Part, Side, messages_before_merge, messages_of
from chalicelib.item.passing import Destination, queue_of
from chalicelib.item.sorting import remembered, routed
from chalicelib.item.state import State
from chalicelib.policy import Policy
from chalicelib.rights import Caller, agent_of, check_may_change, check_may_see
from chalicelib.routing.route import Facts, Route, more_urgent, said
from chalicelib.store import keys, rows
from chalicelib.world import World

type Pair = tuple[Item, Item]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What is to be split off: the messages of these events; and where to, if not where routing sends it: to a queue
    or topic, or (`claim`) into the hands of who splits."""

    events: Sequence[str]
    to: Destination | None = None
    claim: bool = False
    reason: str = ""


def split(item_id: str, version: int, wanted: Chosen, caller: Caller, world: World) -> Pair:
    """Makes an item of its own of some messages of another; the old item and the new one.

    Raises `StaleItem`, `WrongState`, `NotAllowed`, `Unknown`; `Invalid` for events that are no messages of this item,
    or all of them, and for a destination the desk does not have; `AtCapacity` for a claim.
    """
    new_id = ItemId(world.new_id())

    def decided(item: Item, customer: Customer, step: Step) -> Change:
        part = _part(_side(item, customer, world), wanted, new_id, step.actor, world)
        made, token = matters.split_off(item, part, step), ""
        if wanted.claim:
            if item.holder != caller.id:
                raise NotAllowed(f"{caller.id} does not hold this item: what he splits off goes to a queue")
            check_may_claim(made, agent_of(caller, world.policy), world.policy)
            token = world.new_token()
        agents = {} if token else offerable(made, world)
        return matters.split(item, customer, _two(step, world), part, wanted.reason, agents, world.policy, token)

    return _pair(taken(item_id, version, caller, "split", decided, world))


def merge(item_id: str, version: int, into: str, reason: str, caller: Caller, world: World) -> Pair:
    """Lets an item go on in another, which the caller must see too; both as they are then.

    Raises `StaleItem`, `NotAllowed`, `Unknown`, `Invalid` for the item itself, and `WrongState` where the two cannot be
    one matter.
    """

    def decided(item: Item, customer: Customer, step: Step) -> Change:
        other = _seen(into, caller, world)
        second, link = customer, None
        if other.customer_id != customer.id:
            second = world.table.customer(other.customer_id)
            link = _link(customer, second, world)
        one, target = _side(item, customer, world), _side(other, second, world)
        return matters.merge(one, target, _two(step, world), link, reason, world.policy)

    return _pair(taken(item_id, version, caller, "merge", decided, world))


def unmerge(item_id: str, version: int, reason: str, caller: Caller, world: World) -> Pair:
    """Takes a merge back: the item goes on as it stood, and who held it holds it again if it is he who asks and he has
    room. Whoever could change one of the two may. Raises as `merge`."""

    def done(*, held: bool) -> Pair:
        def decided(item: Item, customer: Customer, step: Step) -> Change:
            return _parted(item, customer, step, reason, caller, world, held=held)

        return _pair(taken(item_id, version, caller, "unmerge", decided, world, check_writes))

    try:
        return done(held=True)
    except AtCapacity:  # he has taken other work since: it waits for him
        return done(held=False)


def _parted(
    item: Item, customer: Customer, step: Step, reason: str, caller: Caller, world: World, *, held: bool
) -> Change:
    if item.merged is None:
        raise WrongState(f"item {item.id} was not merged")
    other = _seen(item.merged.into, caller, world)
    hands = {item.pinned_to, other.holder or other.pinned_to}
    check_may_change(caller, caller.id if caller.id in hands else None)
    second = customer if other.customer_id == customer.id else world.table.customer(other.customer_id)
    target = _side(other, second, world)
    had = messages_before_merge(history_of(item, world))
    back = tuple(entry for entry in target.entries if entry in had)
    left = tuple(entry for entry in target.entries if entry not in back)
    contacts = (_contact(item, had, back, world), _contact(other, target.entries, left, world))
    token = world.new_token() if held and _held_by(item, caller, world.policy) else ""
    side = Side(item=item, customer=customer, entries=back)
    agents = {} if token else offerable(item, world)
    gone = _gone(other, back, left, world)
    return matters.unmerge(side, target, _two(step, world), contacts, reason, agents, world.policy, token, gone)


def _held_by(item: Item, caller: Caller, policy: Policy) -> bool:
    """Whether a merged item was in the caller's hands, and he may still have it there."""
    was_his = item.merged and item.merged.state == State.CLAIMED and item.pinned_to == caller.id
    return bool(was_his) and policy.serves(caller.id, item.queue, item.language)


def _pair(change: Change) -> Pair:
    if change.after is None or change.also is None or change.also.after is None:
        raise ValueError("a line is drawn between two items")
    return change.after, change.also.after


def _two(step: Step, world: World) -> tuple[Step, Step]:
    """The step, for each of the two items."""
    return step, replace(step, event_id=world.new_id())


def _seen(item_id: str, caller: Caller, world: World) -> Item:
    item = world.table.item(item_id)
    check_may_see(caller, item.queue, item.hands, world.policy)
    return item


def _link(customer: Customer, other: Customer, world: World) -> Link | None:
    """What people say of two customers as they were read before: whoever says otherwise later raises their counters."""
    found = world.table.rows([keys.link_key(customer.id, other.id)])
    return next((rows.link_of(row) for row in found.values()), None)


# Which messages an item has


def _side(item: Item, customer: Customer, world: World) -> Side:
    return Side(item=item, customer=customer, entries=messages_of(history_of(item, world)))


def history_of(item: Item, world: World) -> list[Event]:
    """All events of an item, oldest first. Raises `LostRace` where the index is late: each version has its event."""
    events = world.table.history(item.id)
    if [event.version for event in events] != list(range(1, item.version + 1)):
        raise LostRace(("history is late",))
    return events


def _told(entries: Sequence[Entry], world: World) -> Mapping[str, Event]:
    """The events of entries, by id, with what was said."""
    wanted = [(keys.event_key(e.customer_id, e.seq), keys.payload_key(e.customer_id, e.seq)) for e in entries]
    found = world.table.rows([key for pair in wanted for key in pair])
    pairs = [[found.get((key["pk"], key["sk"])) for key in pair] for pair in wanted]
    events = (rows.event_of(event, payload) for event, payload in pairs if event)
    return {event.id: event for event in events}


def _contact(item: Item, had: Sequence[Entry], has: Sequence[Entry], world: World) -> Contact | None:
    """Whom a reply goes to when an item that `had` those messages `has` these; nobody where its newest is gone."""
    if had[-1:] == has[-1:]:
        return item.contact
    return _contact_by(has[-1], world) if has else None


def _contact_by(entry: Entry, world: World) -> Contact | None:
    from chalicelib.flows.receive import read  # reads mails, which few requests to the API need

    event = _told([entry], world)[entry.id]
    channel, _, delivery_id = event.cause.partition(":")
    arrival = Arrival(
        delivery=Delivery(channel, delivery_id), source=event.facts["source"], raw_key=event.facts["raw"],
        received_at=event.at, trusted=event.facts["trusted"],
    )  # fmt: skip
    try:
        return contact_of(arrival, read(arrival, world))
    except (Unknown, Unreadable):
        return None


# What is split off


def _part(old: Side, wanted: Chosen, new_id: ItemId, actor: str, world: World) -> Part:
    chosen = _chosen(old.entries, wanted.events)
    rest = tuple(entry for entry in old.entries if entry not in chosen)
    told = _told(chosen, world)
    newest = told[chosen[-1].id]
    whose = chosen[-1].customer_id
    customer = old.customer if whose == old.customer.id else world.table.customer(whose)
    there, sorting = _there(old.item, customer, [told[entry.id] for entry in chosen], wanted, actor, world)
    contact = _contact(old.item, old.entries, chosen, world)
    moved, conversation = _leading_to(new_id, old, chosen, contact, told, world)
    return Part(
        id=new_id,
        customer=customer,
        entries=chosen,
        subject=(newest.payload or {}).get("subject", old.item.subject),
        tags=_tags(newest),
        there=there,
        sorting=sorting,
        given=tuple(sorted(world.policy.asks.given_in(_words(told.values())))),
        gone=_gone(old.item, chosen, rest, world),
        contact=contact,
        rest=_contact(old.item, old.entries, rest, world),
        topic=wanted.to.name if wanted.to and wanted.to.kind == "topic" else "",
        messages=moved,
        conversation=conversation,
    )


def _gone(item: Item, lost: Sequence[Entry], kept: Sequence[Entry], world: World) -> frozenset[str]:
    """What the desk asks for that messages an item loses gave, and none of those it keeps."""
    if not item.given:
        return frozenset()
    gave, gives = (world.policy.asks.given_in(_words(_told(entries, world).values())) for entries in (lost, kept))
    return frozenset(gave) - frozenset(gives)


def _words(events: Iterable[Event]) -> Iterator[str]:
    """Subjects and words of messages, as far as they are still kept."""
    for event in events:
        yield from ((event.payload or {}).get(name, "") for name in ("subject", "written"))


def _chosen(entries: Sequence[Entry], wanted: Sequence[str]) -> tuple[Entry, ...]:
    known = {entry.id for entry in entries}
    for number, event_id in enumerate(wanted):
        if event_id not in known:
            raise Invalid(f"events.{number}", "is no message of this item")
    chosen = tuple(entry for entry in entries if entry.id in wanted)
    if not chosen or len(chosen) == len(entries):
        raise Invalid("events", "must be some messages of this item, and not all: to pass on all, reassign it")
    if len({entry.customer_id for entry in chosen}) > 1:
        raise Invalid("events", "are of two customers: split off what one of them wrote")
    return chosen


def _there(
    item: Item, customer: Customer, told: Sequence[Event], wanted: Chosen, actor: str, world: World
) -> tuple[Route, Sorting | None]:
    """Where the part goes, and how routing placed it: not at all where somebody says where to.

    Its newest message says where to, the most urgent of them in which lane.
    """
    policy, (*earlier, (there, heard)) = world.policy, [_routed(item, customer, event, world) for event in told]
    there = replace(there, lane=reduce(more_urgent, (route.lane for route, _ in earlier), there.lane))
    if wanted.claim:
        return Route(item.queue, there.lane, f"split off by {actor}"), None
    if wanted.to:
        return Route(queue_of(wanted.to, policy), there.lane, f"split off by {actor}"), None
    return there, remembered(there, heard)


def _routed(item: Item, customer: Customer, event: Event, world: World) -> tuple[Route, frozenset[str]]:
    """Where routing sends a message, and the rules whose words stand in it."""
    written = event.payload or {}
    facts = Facts(
        topic=None, urgency=None, at=world.now(), channel=item.channel, source=item.source, marks=customer.marks,
        said=said(written.get("subject", ""), written.get("written", ""), world.policy),
    )  # fmt: skip
    return routed(_tags(event), facts, world.policy), facts.said


def _tags(event: Event) -> Tagging | None:
    told = event.facts.get("tags")
    return Tagging(**told) if told else None


def _leading_to(
    new_id: ItemId,
    old: Side,
    chosen: Sequence[Entry],
    contact: Contact | None,
    told: Mapping[str, Event],
    world: World,
) -> tuple[tuple[Moved, ...], Conversation | None]:
    """The mails whose ids lead to the new item from now on, and the conversation if its newest message goes there."""
    item, talk_of = old.item, _talk_that_goes(old, chosen, contact, world)
    said = [(event.facts["source"], (event.payload or {}).get("message_id")) for event in told.values()]
    wanted = [keys.message_key(mailbox, message_id) for mailbox, message_id in said if message_id]
    conversation = keys.conversation_key(item.source, talk_of) if talk_of else None
    found = world.table.rows([*wanted, *([conversation] if conversation else [])]).values()
    known = [rows.message_of(row) for row in found if row["kind"] == "message"]
    moved = tuple(Moved(message, new_id) for message in known if message.event_id in told)
    talk = next((row for row in found if row["kind"] == "conversation"), None)
    if talk is None:
        return moved, None
    return moved, Conversation(item.source, talk_of, new_id, previous=ItemId(talk["item_id"]))


def _talk_that_goes(old: Side, chosen: Sequence[Entry], contact: Contact | None, world: World) -> str:
    """The conversation whose newest message is split off; '' where it stays, or there is none.

    What was merged has messages of several conversations: those after the newest that goes may be of another.
    """
    if old.item.channel != "chat" or contact is None:
        return ""
    later = old.entries[old.entries.index(chosen[-1]) + 1 :]
    said_there = (_contact_by(entry, world) for entry in reversed(later))
    stays = any(known and known.conversation == contact.conversation for known in said_there)
    return "" if stays else contact.conversation
