"""What the holder of an item does with it."""

from collections.abc import Callable
from datetime import datetime

from chalicelib.errors import Conflict, LostRace, StaleItem, Unknown
from chalicelib.flows.again import until_won
from chalicelib.item.change import Change, Step
from chalicelib.item.decide import check_version, release, resolve
from chalicelib.item.item import Customer, Item
from chalicelib.rights import Caller, check_may_change, check_may_see
from chalicelib.world import World


def give_back(item_id: str, version: int, caller: Caller, world: World) -> Item:
    """Puts a claimed item back into its queue. Raises `StaleItem`, `WrongState`, `NotAllowed`, `Unknown`."""
    return _changed(item_id, version, caller, release, world)


def finish(item_id: str, version: int, caller: Caller, world: World) -> Item:
    """Ends an item. Raises `StaleItem`, `WrongState`, `NotAllowed`, `Unknown`."""
    return _changed(item_id, version, caller, resolve, world)


def heartbeat(item_id: str, token: str, caller: Caller, world: World) -> datetime:
    """Prolongs the caller's lease and changes nothing else; returns its new end (UTC).

    Raises `StaleItem` when the claim is no longer his, `NotAllowed` where he may not even see the item.
    """
    item = world.table.item(item_id)
    check_may_see(caller, item.queue, item.holder, world.policy)
    lease_until = world.now() + world.policy.leases[item.channel]
    if item.holder != caller.id or item.claim_token != token:
        raise _with_present(StaleItem("this claim has ended"), item)
    try:
        world.table.prolong(item, token, lease_until)
    except LostRace as error:
        raise _with_present(StaleItem("this claim has ended"), world.table.item(item_id)) from error
    return lease_until


def _changed(
    item_id: str, version: int, caller: Caller, decide: Callable[[Item, Customer, Step], Change], world: World
) -> Item:
    def decide_and_save() -> Item:
        item = world.table.item(item_id)
        try:
            check_may_see(
                caller, item.queue, item.holder, world.policy
            )  # the refusal of a stale version shows the item
            check_version(item, version)
            check_may_change(caller, item.holder)
            step = Step(actor=caller.id, cause=decide.__name__, at=world.now(), event_id=world.new_id())
            change = decide(item, world.table.customer(item.customer_id), step)
        except Conflict as error:
            raise _with_present(error, item) from None
        world.table.save(change, step.at)
        if change.after is None:
            raise Unknown(f"there is no item {item_id}")
        return change.after

    return until_won(decide_and_save)


def _with_present[E: Conflict](error: E, item: Item) -> E:
    error.present = item
    return error
