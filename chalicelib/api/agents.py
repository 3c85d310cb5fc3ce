"""Routes about agents: who is there, what he has, who gets it when he is not."""

from dataclasses import asdict

from chalicelib.api.answers import AgentOut, HandoverOut, MentionOut, MentionPage, PresenceOut
from chalicelib.api.asked import Asked
from chalicelib.api.operation import Routes
from chalicelib.api.requests import Handover, PageQuery, Presence
from chalicelib.errors import Invalid, NotAllowed
from chalicelib.flows import handover, look, presence

routes = Routes(__name__)


@routes.operation("GET", "/v1/agents/{agent_id}", refuses=(NotAllowed,))
def read_agent(asked: Asked, agent_id: str) -> AgentOut:
    """Whether an agent takes work, how much he has, and who stands in for him."""
    now = presence.agent(agent_id, asked.caller, asked.world)
    deputy = asked.world.policy.agents[agent_id].deputy or None
    return AgentOut(agent_id=agent_id, presence=now.presence, held=now.held, deputy=deputy)


@routes.operation("PUT", "/v1/agents/{agent_id}/presence", refuses=(NotAllowed,))
def set_presence(asked: Asked, agent_id: str, body: Presence) -> PresenceOut:
    """Say whether an agent takes work now. Who is set away gives back what he holds and is offered."""
    now = presence.set_presence(agent_id, body.presence, asked.caller, asked.world)
    return PresenceOut(agent_id=agent_id, presence=now.presence, held=now.held)


@routes.operation("GET", "/v1/agents/{agent_id}/mentions", refuses=(NotAllowed,))
def list_mentions(asked: Asked, agent_id: str, query: PageQuery) -> MentionPage:
    """The notes that name an agent, newest first."""
    page = look.mentions(agent_id, asked.caller, query.limit, query.cursor, asked.world)
    return MentionPage(mentions=[MentionOut.of(mention) for mention in page.entries], next=page.next)


@routes.operation("POST", "/v1/agents/{agent_id}/handover", refuses=(NotAllowed, Invalid))
def hand_over(asked: Asked, agent_id: str, body: Handover) -> HandoverOut:
    """Give all that an agent has to another, or back to the queues; sent again it goes on where it stopped."""
    done = handover.hand_over(agent_id, body.to, body.preview, asked.caller, asked.world)
    return HandoverOut(**asdict(done))
