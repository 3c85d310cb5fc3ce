"""Wake-ups: what happens to an item, a reply or an absent agent when its time has come, by timer or by the minute."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Final

from chalicelib import metrics
from chalicelib.errors import TriageError, Unknown, WrongState
from chalicelib.flows import handover, presence, send
from chalicelib.flows.again import offerable, save, until_won
from chalicelib.flows.ring import bell, is_timed, timer
from chalicelib.item import sorting
from chalicelib.item.change import Change, Step
from chalicelib.item.decide import expire, lapse, re_rung, wake
from chalicelib.item.item import Item
from chalicelib.item.overdue import come_due, is_due, queue_after
from chalicelib.item.state import State
from chalicelib.item.steps import waits
from chalicelib.store.keys import WAKE_SHARDS
from chalicelib.store.table import Due
from chalicelib.world import World

log = logging.getLogger("sortownia")

#: Rows the watch looks at per minute and part of the index; more of them wait for the next minute.
_LOOKS_PER_SHARD: Final = 100

LEASE_EXPIRED: Final = "lease expired"
OFFER_LAPSED: Final = "offer lapsed"
RUNG_AGAIN: Final = "rung again"
PROMISE_TOLD: Final = "promise told"
TO_PEOPLE: Final = "moved to people"
#: What the watch repairs, and the metric each repair counts in: a timer should have done the first, a bell the second.
_REPAIRS: Final = {
    LEASE_EXPIRED: metrics.LEASE_ENDED_BY_WATCH,
    OFFER_LAPSED: metrics.LEASE_ENDED_BY_WATCH,
    RUNG_AGAIN: metrics.RUNG_AGAIN,
    send.SENT_LATE: metrics.REPLY_SENT_LATE,
}


def timer_rang(body: str, world: World) -> str:
    """Looks at the item a timer was set for; sets it again when it came too early."""
    item_id = str(json.loads(body)["item_id"])
    try:
        item = world.table.item(item_id)
    except Unknown:
        return "gone"
    if item.wake_at is None or not is_timed(item):
        return "nothing to do"
    if item.wake_at > world.now():
        world.queues.send([timer(item_id, item.wake_at, world.now(), world.settings)])
        return "set again"
    return woken(item_id, world)


def watch(world: World) -> dict[str, int]:
    """Looks at everything that is due, in case its timer or bell was lost; returns what was done how often."""
    done: dict[str, int] = {}
    for due in _due(world):
        what = _looked_after(due, world)
        done[what] = done.get(what, 0) + 1
    for what, number in done.items():
        if what in _REPAIRS:
            world.metrics.count(_REPAIRS[what], number)
    return done


def _due(world: World) -> Iterator[Due]:
    """All that is due; agents last, for to hand over all that one has takes a good part of the watch's minute."""
    agents = []
    for nets, shard in product((False, True), range(WAKE_SHARDS)):
        for due in world.table.due(shard, world.now(), _LOOKS_PER_SHARD, nets):
            if due.kind == "AGENT":
                agents.append(due)
            else:
                yield due
    yield from agents


def _looked_after(due: Due, world: World) -> str:
    """What became of one row that is due. One that fails now is due again in a minute, and holds up no other."""
    try:
        match due.kind:
            case "OUTBOX":
                return send.look_after(due.id, world)
            case "AGENT":
                return _settled(due.id, world)
            case _:
                return woken(due.id, world)
    except TriageError as error:
        log.warning("%s %s put off: %s", due.kind, due.id, error)
        return f"put off: {type(error).__name__}"
    except Exception as error:  # a row nobody can read is a bug, and no reason to let all others wait
        log.exception("%s %s put off", due.kind, due.id)
        return f"put off: {type(error).__name__}"


def _settled(agent_id: str, world: World) -> str:
    agent = world.table.agents([agent_id])[agent_id]
    return handover.go_on(agent, world) if agent.hands_to is not None else presence.settle(agent, world)


def woken(item_id: str, world: World) -> str:
    """Does what is due for an item: a promise warns or is broken, a lease or an offer ends, what rests wakes, what
    waits is rung again."""

    def decide_and_save() -> str:
        item = world.table.item(item_id)
        if is_due(item, world.now()):
            return _promise_told(item, world)
        if item.wake_at is None or item.wake_at > world.now():
            return "not yet"
        if (item.state == State.QUEUED and item.offered_to is None) or item.state == State.QUARANTINED:
            return _rung_again(item, world)
        return _ended(item, world)

    done = until_won(decide_and_save)
    while done == PROMISE_TOLD:  # something else may be due as well
        further = until_won(decide_and_save)
        if further == "not yet":
            break
        done = further
    return done


def _promise_told(item: Item, world: World) -> str:
    """Warns of a promise, or says that it is broken: once, for the row says so in the same transaction."""
    step = Step(actor="sortownia", cause="time", at=world.now(), event_id=world.new_id())
    there = replace(item, queue=queue_after(item, world.policy), pinned_to=None, asked=())
    agents = offerable(there, world) if there.queue != item.queue else {}
    customer = world.table.customer(item.customer_id)
    save(come_due(item, customer, step, agents, world.policy), step.at, world)
    return PROMISE_TOLD


def _ended(item: Item, world: World) -> str:
    step = Step(actor="sortownia", cause="time", at=world.now(), event_id=world.new_id())
    try:
        change, what = _end(item, step, world)
        save(change, step.at, world)
    except WrongState:
        return "not yet"
    for load in change.loads:
        if load.silent_since:
            world.metrics.count(metrics.PRESENCE_SILENT)
            _settled(load.agent_id, world)  # a handover that is under way goes on
    return what


def _end(item: Item, step: Step, world: World) -> tuple[Change, str]:
    customer, agents = world.table.customer(item.customer_id), offerable(item, world)
    if item.holder:
        return expire(item, customer, step, agents, world.policy), LEASE_EXPIRED
    if item.offered_to:
        return lapse(item, customer, step, agents, world.policy), OFFER_LAPSED
    return wake(item, customer, step, "its time has come", agents, world.policy), "woken"


def _rung_again(item: Item, world: World) -> str:
    if item.queue not in world.policy.queues:
        return _to_people(item, world)
    later = re_rung(item, world.now())
    if later.wake_at:
        world.table.postpone_wake(item, later.wake_at)
    if waits(item):
        world.queues.send([bell(item, world.settings)])
    return RUNG_AGAIN


def _to_people(item: Item, world: World) -> str:
    """Nobody can be rung for what waits in a queue the desk has lost."""
    step = Step(actor="sortownia", cause="time", at=world.now(), event_id=world.new_id())
    agents = offerable(replace(item, queue=world.policy.people_queue, asked=()), world)
    customer = world.table.customer(item.customer_id)
    save(sorting.to_people(item, customer, step, agents, world.policy), step.at, world)
    return TO_PEOPLE
