"""Whom a waiting item is offered to before everybody may have it. Pure."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from chalicelib.item.item import AgentId, Item
from chalicelib.item.state import State
from chalicelib.policy import QUARANTINE, Policy

#: A waiting item is rung again after this long, in case its bell was lost. A net: claims also look into the index.
RE_RING: Final = timedelta(hours=1)
#: However long it has waited, it is looked after so often: its queue may have been given up since.
RAREST_RING: Final = timedelta(days=1)

Presence = Literal["present", "away", "unknown"]


@dataclass(frozen=True, slots=True)
class AgentNow:
    """An agent as he is now: whether he takes work, and how many items of each channel he carries.

    While his matters are handed over, `hands_to` is the agent who gets them, '' for the queues; None at other times.
    """

    agent_id: AgentId
    presence: Presence
    held: Mapping[str, int]
    hands_to: str | None = None


Agents = Mapping[str, AgentNow]


def candidates(item: Item, policy: Policy) -> tuple[AgentId, ...]:
    """The agents whose presence matters when the item enters its queue; none for most mail."""
    if item.queue == QUARANTINE:
        return ()
    queue = policy.queues.get(item.queue)  # a desk may lose a queue while something waits there
    others: Iterable[str] = queue.members if queue and item.channel == "chat" else ()
    found = [*_stand_ins(item, policy), *sorted(others)]
    return tuple(AgentId(a) for a in dict.fromkeys(found) if _may_have(item, a, policy))


def into_queue(item: Item, at: datetime, agents: Agents, policy: Policy) -> Item:
    """The item as it enters its queue: offered to the agent it is for, if he is there and has room, else rung for all.

    A customer's answer is for the agent who wrote to him, in his absence for his deputy; a chat is for the least
    loaded. Those who have let it go already are passed over. Where the desk has lost the queue since, people decide;
    who does not serve its queue is no longer the one it is for.
    """
    if item.queue not in policy.queues:
        item = replace(item, queue=policy.people_queue, reason=f"the desk has no queue {item.queue} any more")
    if item.pinned_to and not policy.serves(item.pinned_to, item.queue, item.language):
        item = replace(item, pinned_to=None)
    there = [a for a in candidates(item, policy) if _is_free(agents.get(a), item, policy)]
    chosen = next((a for a in _stand_ins(item, policy) if a in there), None)
    if chosen is None and item.channel == "chat" and there:
        chosen = min(there, key=lambda a: (agents[a].held.get("chat", 0), _draw(item, a)))
    state = State.QUARANTINED if item.queue == QUARANTINE else State.QUEUED
    entered = replace(item, state=state, ring=item.ring + 1, offered_to=None, offered_until=None, wake_at=at + RE_RING)
    if chosen is None:
        return entered
    until = at + policy.offers[item.channel]
    return replace(entered, offered_to=AgentId(chosen), offered_until=until, wake_at=until)


def offered_to_another(item: Item, agent_id: str, now: datetime) -> bool:
    """Whether somebody else has the first word on the item at this moment."""
    return item.offered_to not in (None, agent_id) and item.offered_until is not None and item.offered_until > now


def _stand_ins(item: Item, policy: Policy) -> tuple[str, ...]:
    return policy.stand_ins(item.pinned_to) if item.pinned_to else ()


def _may_have(item: Item, agent_id: str, policy: Policy) -> bool:
    return agent_id not in item.asked and policy.serves(agent_id, item.queue, item.language)


def _is_free(agent: AgentNow | None, item: Item, policy: Policy) -> bool:
    if agent is None or agent.presence != "present":
        return False
    return agent.held.get(item.channel, 0) < policy.agents[agent.agent_id].capacity[item.channel]


def _draw(item: Item, agent_id: str) -> bytes:
    """Lots are drawn among the equally loaded, so that a burst does not fall on the first by name."""
    return hashlib.sha256(f"{item.id}/{agent_id}".encode()).digest()
