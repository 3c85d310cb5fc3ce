"""Handing over all matters of an agent who is ill or leaves: to a colleague, or back to the queues."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import batched
from typing import Final

from chalicelib.errors import AtCapacity, Invalid, LostRace, Unknown, WrongState
from chalicelib.flows.again import offerable, save, until_won
from chalicelib.item import passing
from chalicelib.item.change import Step
from chalicelib.item.item import Customer, Item, ItemId
from chalicelib.item.offer import AgentNow
from chalicelib.item.state import RESTING_STATES
from chalicelib.policy import Policy
from chalicelib.rights import Caller, check_may_act_for
from chalicelib.world import World

#: One request moves as much as it can in this time; the minute watch goes on with the rest.
_ONE_GO: Final = timedelta(seconds=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """What an agent had in hand, and what became of it, or would: `moved` to the other agent, `to_queue`, `left`."""

    agent_id: str
    to: str | None
    preview: bool
    held: int = 0
    offered: int = 0
    pinned: int = 0
    moved: int = 0
    to_queue: int = 0
    left: int = 0


def hand_over(agent_id: str, to: str | None, preview: bool, caller: Caller, world: World) -> Handover:
    """Hands over all that an agent holds, is offered and gets back; to `to` what he may hold and has room for.

    The agent is set away first, so that nothing new comes to him. Asking again goes on where it stopped, and moves
    nothing twice; what one request leaves, the minute watch does. Raises `Unknown`, `Invalid`, `NotAllowed`.
    """
    check_may_act_for(caller, agent_id)
    if agent_id not in world.policy.agents:
        raise Unknown(f"there is no agent {agent_id}")
    if to is not None and (to == agent_id or to not in world.policy.agents):
        raise Invalid("to", "must be another agent of this desk")
    if preview:
        return _foreseen(Handover(agent_id=agent_id, to=to, preview=True), world)
    world.table.set_presence(agent_id, "away", world.now(), to or "")
    return _done(Handover(agent_id=agent_id, to=to, preview=False), caller.id, world)


def go_on(agent: AgentNow, world: World) -> str:
    """Goes on with a handover that was cut short, until nothing is left."""
    done = _done(Handover(agent_id=agent.agent_id, to=agent.hands_to or None, preview=False), "sortownia", world)
    if done.moved or done.to_queue or done.left:
        return "handed over"
    with suppress(LostRace):
        world.table.settled(agent.agent_id, world.now())
    return "handover complete"


def _in_hand(agent_id: str, world: World) -> list[str]:
    return [*world.table.carried(agent_id), *world.table.pinned(agent_id)]


def _foreseen(plan: Handover, world: World) -> Handover:
    takes = world.table.agents([plan.to])[plan.to] if plan.to else None
    held = dict(takes.held) if takes else {}
    for item in _items(_in_hand(plan.agent_id, world), world):
        if item.hands != plan.agent_id:
            continue
        plan, moves = _counted(plan, item), _would_take(takes, held, item, world.policy)
        held[item.channel] = held.get(item.channel, 0) + (moves and item.state not in RESTING_STATES)
        plan = replace(plan, moved=plan.moved + moves, to_queue=plan.to_queue + (not moves))
    return plan


def _would_take(to: AgentNow | None, held: Mapping[str, int], item: Item, policy: Policy) -> bool:
    """Whether an agent who has so much by then would get an item: as `_moved` finds out."""
    if to is None or to.hands_to is not None or not policy.serves(to.agent_id, item.queue, item.language):
        return False
    room = held.get(item.channel, 0) < policy.agents[to.agent_id].capacity[item.channel]
    return item.state in RESTING_STATES or (to.presence == "present" and room)


def _items(item_ids: list[str], world: World) -> Iterator[Item]:
    """Those of these items that exist: a hundred a call, for an agent may get thousands back."""
    for part in batched(map(ItemId, item_ids), 100):
        found, _ = world.table.items_and_customers(part, ())
        yield from (found[item_id] for item_id in part if item_id in found)


def _done(plan: Handover, actor: str, world: World) -> Handover:
    ends, to = world.now() + _ONE_GO, plan.to
    waiting = _in_hand(plan.agent_id, world)
    if to is not None and world.table.agents([to])[to].hands_to is not None:
        plan = replace(plan, to=None)  # he hands over himself: two who hand over to each other would never end
    while waiting and world.now() < ends:
        plan = _one(plan, waiting.pop(0), actor, world)
    return replace(plan, to=to, left=len(waiting))


def _one(plan: Handover, item_id: str, actor: str, world: World) -> Handover:
    """Moves one item, unless it is in other hands by now."""

    def decide_and_save() -> Handover:
        item = world.table.item(item_id)
        if item.hands != plan.agent_id:
            return plan
        counted, customer = _counted(plan, item), world.table.customer(item.customer_id)
        step = Step(actor=actor, cause="handover", at=world.now(), event_id=world.new_id())
        if _moved(item, customer, step, plan.to, world):
            return replace(counted, moved=counted.moved + 1)
        agents = offerable(replace(item, pinned_to=None, asked=()), world)
        save(passing.back(item, customer, step, agents, world.policy), step.at, world)
        return replace(counted, to_queue=counted.to_queue + 1)

    with suppress(WrongState, Unknown):  # it was resolved, or erased, meanwhile
        return until_won(decide_and_save)
    return plan


def _moved(item: Item, customer: Customer, step: Step, to: str | None, world: World) -> bool:
    """Whether the other agent has it now: he has the right to it, is there and has room."""
    if to is None or not world.policy.serves(to, item.queue, item.language):
        return False
    try:
        save(passing.to_agent(item, customer, step, to, world.new_token(), "", world.policy), step.at, world)
    except AtCapacity:
        return False
    return True


def _counted(plan: Handover, item: Item) -> Handover:
    if item.holder:
        return replace(plan, held=plan.held + 1)
    if item.offered_to:
        return replace(plan, offered=plan.offered + 1)
    return replace(plan, pinned=plan.pinned + 1)
