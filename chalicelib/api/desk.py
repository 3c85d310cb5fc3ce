"""Routes about the desk: customers, queues, presence, health."""

from chalice.app import Blueprint, Response

from chalicelib.api.door import Asked, answer, answering
from chalicelib.api.schema import (
    BoardOut,
    CustomerOut,
    EventOut,
    HealthOut,
    LanesOut,
    Presence,
    PresenceOut,
    QueueOut,
    TimelinePage,
)
from chalicelib.flows import look

routes = Blueprint(__name__)


@routes.route("/v1/customers/{customer_id}", methods=["GET"])
@answering(routes)
def read_customer(asked: Asked, customer_id: str) -> Response:
    """The customer's card."""
    return answer(CustomerOut.of(look.customer(customer_id, asked.caller, asked.world)))


@routes.route("/v1/customers/{customer_id}/timeline", methods=["GET"])
@answering(routes)
def read_timeline(asked: Asked, customer_id: str) -> Response:
    """Everything the customer said and we did about it, on every channel."""
    newest = asked.query("order", "oldest", "newest") == "newest"
    page = look.timeline(customer_id, asked.caller, asked.limit(), asked.query("cursor"), newest, asked.world)
    events = [EventOut.of(event) for event in page.entries]
    return answer(TimelinePage(customer_id=customer_id, events=events, next=page.next))


@routes.route("/v1/queues", methods=["GET"])
@answering(routes)
def read_queues(asked: Asked) -> Response:
    """The live board: what waits in each of the caller's queues, since when, and how much is held."""
    queues = [
        QueueOut(
            name=q.name, waiting=LanesOut(urgent=q.urgent, normal=q.normal), oldest_waiting_since=q.oldest_since,
            held=q.held, complete=q.complete,
        )
        for q in look.board(asked.caller, asked.world)
    ]  # fmt: skip
    return answer(BoardOut(queues=queues))


@routes.route("/v1/agents/{agent_id}/presence", methods=["PUT"])
@answering(routes)
def set_presence(asked: Asked, agent_id: str) -> Response:
    """Say whether an agent takes work now."""
    wanted = asked.body(Presence).presence
    held = look.set_presence(agent_id, wanted, asked.caller, asked.world)
    return answer(PresenceOut(agent_id=agent_id, presence=wanted, held=held))


@routes.route("/v1/health", methods=["GET"])
@answering(routes, to_anybody=True)
def health(asked: Asked) -> Response:
    """Whether the table answers, and which model is at work."""
    asked.world.table.agent("nobody")
    model = asked.world.model
    return answer(HealthOut(status="ok", model=model.model_id if model else None))
