"""Who is there. Who is away holds nothing: what he had goes on to others."""

from contextlib import suppress

from chalicelib.errors import LostRace, Unknown, WrongState
from chalicelib.flows.again import offerable, save, until_won
from chalicelib.item.change import Step
from chalicelib.item.decide import decline, release
from chalicelib.item.offer import AgentNow, Presence
from chalicelib.rights import Caller, check_may_act_for, check_serves
from chalicelib.world import World


def set_presence(agent_id: str, presence: Presence, caller: Caller, world: World) -> AgentNow:
    """Notes an agent's presence; one who is set away gives back what he holds and is offered.

    Raises `Unknown`, `NotAllowed`.
    """
    check_may_act_for(caller, agent_id)
    _check_known(agent_id, world)
    world.table.set_presence(agent_id, presence, world.now())
    if presence == "away":
        empty_hands(agent_id, world)
    return world.table.agents([agent_id])[agent_id]


def agent(agent_id: str, caller: Caller, world: World) -> AgentNow:
    """An agent's presence and load. Raises `Unknown`, `NotAllowed`."""
    check_serves(caller, world.policy)
    _check_known(agent_id, world)
    return world.table.agents([agent_id])[agent_id]


def settle(now: AgentNow, world: World) -> str:
    """Looks after an agent who was set away a while ago, in case the way to his last item was cut short."""
    if now.presence != "away" or not empty_hands(now.agent_id, world):
        with suppress(LostRace):
            world.table.settled(now.agent_id, world.now())
        return "nothing to do"
    return "absent agent's items given back"


def empty_hands(agent_id: str, world: World) -> int:
    """Gives back all that an absent agent holds or is offered; returns how many."""
    return sum(_given_back(item_id, agent_id, world) for item_id in world.table.carried(agent_id))


def _given_back(item_id: str, agent_id: str, world: World) -> bool:
    def decide_and_save() -> bool:
        item = world.table.item(item_id)
        if item.carrier != agent_id:
            return False
        step = Step(actor="sortownia", cause="absence", at=world.now(), event_id=world.new_id())
        let_go = release if item.holder else decline
        change = let_go(item, world.table.customer(item.customer_id), step, offerable(item, world), world.policy)
        save(change, step.at, world)
        return True

    with suppress(WrongState):
        return until_won(decide_and_save)
    return False


def _check_known(agent_id: str, world: World) -> None:
    if agent_id not in world.policy.agents:
        raise Unknown(f"there is no agent {agent_id}")
