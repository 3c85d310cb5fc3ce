"""Who may do what. Pure."""

from dataclasses import dataclass

from chalicelib.errors import NotAllowed
from chalicelib.policy import Agent, Policy


@dataclass(frozen=True, slots=True)
class Caller:
    """The one a verified token names."""

    id: str
    roles: frozenset[str]


_SEES_ALL = frozenset({"supervisor", "observer", "admin"})
_ACTS_FOR_OTHERS = frozenset({"supervisor", "admin"})


def agent_of(caller: Caller, policy: Policy) -> Agent:
    """The desk's agent behind a caller who wants to take work. Raises `NotAllowed`."""
    agent = policy.agents.get(caller.id)
    if agent is None or "agent" not in caller.roles:
        raise NotAllowed(f"{caller.id} is no agent of this desk")
    return agent


def check_may_see(caller: Caller, queue: str, holder: str | None, policy: Policy) -> None:
    """Raises `NotAllowed` unless the caller sees everything, has the item in hand, or belongs to its queue."""
    own = {q.name for q in policy.queues_of(caller.id)} if "agent" in caller.roles else set()
    if not (caller.roles & _SEES_ALL or holder == caller.id or queue in own):
        raise NotAllowed(f"{caller.id} may not see queue {queue}")


def check_serves(caller: Caller, policy: Policy) -> None:
    """Raises `NotAllowed` unless the caller has a role at this desk: whoever serves a customer sees all he said.

    An agent must be one of the desk's: the issuer may know people who left it, or who never worked here.
    """
    if not (sees_all(caller) or ("agent" in caller.roles and caller.id in policy.agents)):
        raise NotAllowed(f"{caller.id} has no role at this desk")


def check_may_change(caller: Caller, holder: str | None) -> None:
    """Raises `NotAllowed` unless the caller holds the item (or it is pinned to him), or may act for others."""
    if not (caller.roles & _ACTS_FOR_OTHERS or (holder == caller.id and "agent" in caller.roles)):
        raise NotAllowed(f"{caller.id} does not hold this item")


def check_may_write(caller: Caller) -> None:
    """Raises `NotAllowed` for one who may only look."""
    if not caller.roles & (_ACTS_FOR_OTHERS | {"agent"}):
        raise NotAllowed(f"{caller.id} may look, but change nothing")


def check_may_supervise(caller: Caller) -> None:
    """Raises `NotAllowed` for who may not decide for the whole desk."""
    if not caller.roles & _ACTS_FOR_OTHERS:
        raise NotAllowed(f"{caller.id} is no supervisor")


def check_may_act_for(caller: Caller, agent_id: str) -> None:
    """Raises `NotAllowed` unless the caller is that agent, or may act for others."""
    if not (caller.roles & _ACTS_FOR_OTHERS or (caller.id == agent_id and "agent" in caller.roles)):
        raise NotAllowed(f"{caller.id} may not act for {agent_id}")


def may_see(agent_id: str, queue: str, policy: Policy) -> bool:
    """Whether an agent of the desk, by the roles the desk gives him, sees what is in a queue."""
    agent = policy.agents.get(agent_id)
    if agent is None:
        return False
    return bool(agent.roles & _SEES_ALL) or queue in {q.name for q in policy.queues_of(agent_id)}


def sees_all(caller: Caller) -> bool:
    """Whether the caller's roles show him every queue."""
    return bool(caller.roles & _SEES_ALL)
