"""What agents do with an item they know by name: give it back, end it, put it off, pass it on, write on it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from chalicelib.errors import Conflict, LostRace, NotAllowed, StaleItem, Unknown
from chalicelib.flows.again import offerable, save, until_won
from chalicelib.item import decide, label, links, passing
from chalicelib.item.change import Change, Step
from chalicelib.item.item import Customer, Item
from chalicelib.item.passing import Destination
from chalicelib.item.steps import check_version
from chalicelib.metrics import ESCALATED, PING_PONG
from chalicelib.rights import Caller, check_may_change, check_may_see, check_may_write
from chalicelib.world import World

type Decide = Callable[[Item, Customer, Step], Change]
type Check = Callable[[Caller, Item], None]


def give_back(item_id: str, version: int, caller: Caller, world: World) -> Item:
    """Puts a claimed item back into its queue. Raises `StaleItem`, `WrongState`, `NotAllowed`, `Unknown`."""

    def released(item: Item, customer: Customer, step: Step) -> Change:
        return decide.release(item, customer, step, offerable(item, world), world.policy)

    return changed(item_id, version, caller, "release", released, world)


def finish(item_id: str, version: int, caller: Caller, world: World) -> Item:
    """Ends an item. Raises `StaleItem`, `WrongState`, `NotAllowed`, `Unknown`."""
    resolved = partial(decide.resolve, policy=world.policy)
    return changed(item_id, version, caller, "resolve", resolved, world)


def snooze(item_id: str, version: int, until: datetime, caller: Caller, world: World) -> Item:
    """Lets an item rest until a time. Raises as `finish`, and `Invalid` for a time gone or too far away."""
    snoozed = partial(decide.snooze, until=until, policy=world.policy)
    return changed(item_id, version, caller, "snooze", snoozed, world)


def reopen(item_id: str, version: int, reason: str, caller: Caller, world: World) -> Item:
    """Lets a resolved item wait again, first for who it is pinned to. Raises as `finish`."""

    def reopened(item: Item, customer: Customer, step: Step) -> Change:
        return decide.reopen(item, customer, step, reason, offerable(item, world), world.policy)

    return changed(item_id, version, caller, "reopen", reopened, world)


def link(item_id: str, version: int, to: str, reason: str, caller: Caller, world: World) -> Item:
    """Links an item to another the caller may see. Raises as `finish`, and `Invalid` for the item itself."""

    def linked(item: Item, customer: Customer, step: Step) -> Change:
        other = world.table.item(to)
        check_may_see(caller, other.queue, other.hands, world.policy)
        return links.link(item, customer, step, other.id, reason, world.policy)

    return changed(item_id, version, caller, "link", linked, world)


def unlink(item_id: str, version: int, reason: str, caller: Caller, world: World) -> Item:
    """Links an item to no other any more. Raises as `finish`."""
    unlinked = partial(links.unlink, reason=reason, policy=world.policy)
    return changed(item_id, version, caller, "unlink", unlinked, world)


def decline(item_id: str, version: int, caller: Caller, world: World) -> Item:
    """Lets an offer go on to the next agent, or to all. Raises as `finish`."""

    def declined(item: Item, customer: Customer, step: Step) -> Change:
        return decide.decline(item, customer, step, offerable(item, world), world.policy)

    return changed(item_id, version, caller, "decline", declined, world, _check_offered)


def reassign(item_id: str, version: int, to: Destination, reason: str, caller: Caller, world: World) -> Item:
    """Passes an item on to an agent, a queue or a topic's queue (which is a correction).

    Raises as `finish`; `Invalid` for a destination the desk does not have or an agent without the right; `AtCapacity`
    when the agent is not there or has no room.
    """
    passed = passing_on(to, reason, world)
    item = changed(item_id, version, caller, "reassign", passed, world)
    if passing.ping_pong(item):
        world.metrics.count(PING_PONG)
    return item


def escalate(item_id: str, version: int, reason: str, caller: Caller, world: World) -> Item:
    """Passes an item to the next tier of its queue. Raises as `finish`; `WrongState` also where there is none."""

    def escalated(item: Item, customer: Customer, step: Step) -> Change:
        queue = passing.next_tier(item, world.policy)
        agents = offerable(replace(item, queue=queue, pinned_to=None, asked=()), world)
        return passing.escalate(item, customer, step, reason, agents, world.policy)

    item = changed(item_id, version, caller, "escalate", escalated, world)
    world.metrics.count(ESCALATED)
    return item


def note(item_id: str, version: int, text: str, mentions: Sequence[str], caller: Caller, world: World) -> Item:
    """Adds an internal note. Raises as `finish`, and `Invalid` for a mention of one who may not see the item."""
    noted = partial(label.note, text=text, mentions=mentions, policy=world.policy)
    return changed(item_id, version, caller, "note", noted, world, check_writes)


def tag(item_id: str, version: int, topic: str | None, urgency: str | None, caller: Caller, world: World) -> Item:
    """Decides topic and urgency, or confirms what stands. Raises as `finish`, and `Invalid` for no tag of the desk."""
    tagged = partial(label.tag, topic=topic, urgency=urgency, policy=world.policy)
    return changed(item_id, version, caller, "tags", tagged, world)


def heartbeat(item_id: str, token: str, caller: Caller, world: World) -> datetime:
    """Prolongs the caller's lease and changes nothing else; returns its new end (UTC).

    Raises `StaleItem` when the claim is no longer his, `NotAllowed` where he may not even see the item, or has lost
    his right to hold it since.
    """

    def read_and_prolong() -> datetime:
        item = world.table.item(item_id)
        check_may_see(caller, item.queue, item.holder, world.policy)
        lease_until = world.now() + world.policy.leases[item.channel]
        if item.holder != caller.id or item.claim_token != token:
            raise with_present(StaleItem("this claim has ended"), item)
        if not world.policy.serves(caller.id, item.queue, item.language):
            raise NotAllowed(f"{caller.id} may no longer hold what is in queue {item.queue}")
        world.table.prolong(item, token, lease_until)
        return lease_until

    return until_won(read_and_prolong)


def passing_on(to: Destination, reason: str, world: World) -> Decide:
    """The decision that passes an item on. Raises `Invalid` for a destination the desk does not have."""
    queue = passing.queue_of(to, world.policy)

    def passed(item: Item, customer: Customer, step: Step) -> Change:
        if to.kind == "agent":
            token = world.new_token()
            return passing.to_agent(item, customer, step, to.name, token, reason, world.policy)
        agents = offerable(replace(item, queue=queue, pinned_to=None, asked=()), world)
        if to.kind == "topic":
            return passing.to_topic(item, customer, step, to.name, reason, agents, world.policy)
        return passing.to_queue(item, customer, step, queue, reason, agents, world.policy)

    return passed


def changed(
    item_id: str, version: int, caller: Caller, cause: str, decided: Decide, world: World, check: Check | None = None
) -> Item:
    """One step an agent takes, based on the version he saw; the item as it is then."""
    change = taken(item_id, version, caller, cause, decided, world, check)
    if change.after is None:
        raise Unknown(f"there is no item {item_id}")
    return change.after


def taken(
    item_id: str, version: int, caller: Caller, cause: str, decided: Decide, world: World, check: Check | None = None
) -> Change:
    """One step an agent takes, based on the version he saw, as it was written.

    A refusal because of the version or the state carries the item as it is, if he may see it.
    """

    def decide_and_save() -> Change:
        item = world.table.item(item_id)
        try:
            check_may_see(caller, item.queue, item.hands, world.policy)
            check_version(item, version)
            (check or _check_holds)(caller, item)
            step = Step(actor=caller.id, cause=cause, at=world.now(), event_id=world.new_id())
            change = decided(item, world.table.customer(item.customer_id), step)
            save(change, step.at, world)
        except LostRace:
            raise
        except Conflict as error:
            raise with_present(error, item) from None
        return change

    return until_won(decide_and_save)


def with_present[E: Conflict](error: E, item: Item) -> E:
    """The conflict, with the item as it is now for who is refused."""
    error.present = item
    return error


def _check_holds(caller: Caller, item: Item) -> None:
    check_may_change(caller, item.holder or item.pinned_to)


def _check_offered(caller: Caller, item: Item) -> None:
    check_may_change(caller, item.offered_to)


def check_writes(caller: Caller, _item: Item) -> None:
    check_may_write(caller)
