"""A person lets a quarantined item into normal routing, or sets it aside again."""

from dataclasses import replace

from chalicelib.errors import Unknown, Unreadable
from chalicelib.flows.again import offerable
from chalicelib.flows.matters import history_of
from chalicelib.flows.tagging import tags_of
from chalicelib.flows.work import changed
from chalicelib.item import admitting
from chalicelib.item.admitting import Found
from chalicelib.item.arrive import Arrival
from chalicelib.item.change import Change, Delivery, Step
from chalicelib.item.item import Customer, EventType, Item
from chalicelib.policy import QUARANTINE
from chalicelib.rights import Caller, check_may_supervise
from chalicelib.world import World


def admit(item_id: str, version: int, caller: Caller, world: World) -> Item:
    """Lets an item out of quarantine: parsed again and routed like any message, to the people's queue if it still
    cannot be read. Raises `StaleItem`, `WrongState`, `NotAllowed` for who is no member there, `Unknown`."""

    def decided(item: Item, customer: Customer, step: Step) -> Change:
        found, cause = _read_again(item, world)
        step = replace(step, cause=cause)
        agents = offerable(admitting.admitted(item, customer, found, step, world.policy), world)
        return admitting.admit(item, customer, found, step, agents, world.policy)

    return changed(item_id, version, caller, "admit", decided, world, lambda c, _: _check_looks_after(c, world))


def set_aside(item_id: str, version: int, reason: str, caller: Caller, world: World) -> Item:
    """Takes an admission back while nobody has taken the item. Raises as `admit`."""

    def decided(item: Item, customer: Customer, step: Step) -> Change:
        return admitting.set_aside(item, customer, step, reason, world.policy)

    return changed(item_id, version, caller, "set-aside", decided, world, lambda c, _: _check_looks_after(c, world))


def _read_again(item: Item, world: World) -> tuple[Found | None, str]:
    """What the item's delivery says, if it can be read now; and the delivery, as events name it."""
    from chalicelib.flows.receive import read_and_keep_files  # reads mails, which few requests to the API need

    first = next((event for event in history_of(item, world) if event.type == EventType.DELIVERY_QUARANTINED), None)
    if first is None or not first.facts["raw"]:
        return None, first.cause if first else "admit"
    channel, _, delivery_id = first.cause.partition(":")
    arrival = Arrival(
        delivery=Delivery(channel, delivery_id), source=item.source, raw_key=first.facts["raw"],
        received_at=item.created_at, trusted=False, proof="it was quarantined, and a person let it in",
    )  # fmt: skip
    try:
        message = read_and_keep_files(arrival, world)
    except (Unknown, Unreadable):
        return None, first.cause
    return Found(arrival, message, tags_of(message, world.model, world.policy)), first.cause


def _check_looks_after(caller: Caller, world: World) -> None:
    """Raises `NotAllowed` unless the caller is a member of the quarantine, or may act for others."""
    member = "agent" in caller.roles and QUARANTINE in {q.name for q in world.policy.queues_of(caller.id)}
    if not member:
        check_may_supervise(caller)
