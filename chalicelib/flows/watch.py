"""Wake-ups: what happens to an item when its time has come, by timer or by the minute watch."""

import json
import logging
from typing import Final

from chalicelib.errors import LostRace, Unknown, WrongState
from chalicelib.flows.again import until_won
from chalicelib.flows.ring import bell, timer
from chalicelib.item.change import Step
from chalicelib.item.decide import expire, re_rung, waits
from chalicelib.item.item import Item
from chalicelib.item.state import State
from chalicelib.store.keys import WAKE_SHARDS
from chalicelib.world import World

log = logging.getLogger("sortownia")

#: Items the watch looks at per minute and part of the index; more of them wait for the next minute.
_LOOKS_PER_SHARD: Final = 100


def timer_rang(body: str, world: World) -> str:
    """Looks at the item a timer was set for; sets it again when it came too early."""
    item_id = str(json.loads(body)["item_id"])
    try:
        item = world.table.item(item_id)
    except Unknown:
        return "gone"
    if item.claim_token is None or item.wake_at is None:
        return "nothing to do"
    if item.wake_at > world.now():
        world.queues.send([timer(item_id, item.wake_at, world.now(), world.settings)])
        return "set again"
    return woken(item_id, world)


def watch(world: World) -> dict[str, int]:
    """Looks at every item that is due, in case its timer or bell was lost; returns what was done how often."""
    done: dict[str, int] = {}
    for shard in range(WAKE_SHARDS):
        for item_id in world.table.due(shard, world.now(), _LOOKS_PER_SHARD):
            try:
                what = woken(item_id, world)
            except (LostRace, Unknown) as error:
                what = f"put off: {type(error).__name__}"
            done[what] = done.get(what, 0) + 1
    return done


def woken(item_id: str, world: World) -> str:
    """Does what is due for an item: a lease that has run out ends, a waiting item is rung again."""

    def decide_and_save() -> str:
        item = world.table.item(item_id)
        if item.wake_at is None or item.wake_at > world.now():
            return "not yet"
        if item.state == State.CLAIMED:
            return _expired(item, world)
        return _rung_again(item, world) if waits(item) else "nothing to do"

    return until_won(decide_and_save)


def _expired(item: Item, world: World) -> str:
    step = Step(actor="sortownia", cause="lease", at=world.now(), event_id=world.new_id())
    try:
        world.table.save(expire(item, world.table.customer(item.customer_id), step), step.at)
    except WrongState:
        return "not yet"
    return "lease expired"


def _rung_again(item: Item, world: World) -> str:
    later = re_rung(item, world.now())
    if later.wake_at:
        world.table.postpone_wake(item, later.wake_at)
    world.queues.send([bell(item, world.settings)])
    return "rung again"
