"""Routes about the desk: customers, queues, health, this API's own description."""

from chalicelib.api.answers import (
    AttachmentOut,
    BoardOut,
    CustomerOut,
    EventOut,
    HealthOut,
    LanesOut,
    OpenApi,
    PromisesNow,
    QueueOut,
    TimelinePage,
)
from chalicelib.api.asked import Asked
from chalicelib.api.operation import Routes
from chalicelib.api.requests import Mark, OrderedPageQuery, SamePerson
from chalicelib.errors import Conflict, LostRace, NotAllowed
from chalicelib.flows import look, persons

routes = Routes(__name__)


@routes.operation("GET", "/v1/customers/{customer_id}", refuses=(NotAllowed,))
def read_customer(asked: Asked, customer_id: str) -> CustomerOut:
    """The customer's card."""
    return CustomerOut.of(*look.customer(customer_id, asked.caller, asked.world))


@routes.operation("POST", "/v1/customers/{customer_id}/link", refuses=(NotAllowed, Conflict, LostRace))
def link_customer(asked: Asked, customer_id: str, body: SamePerson) -> CustomerOut:
    """Say that another customer is the same person; both stay as they are."""
    reason, world = body.reason or "", asked.world
    return CustomerOut.of(*persons.say(customer_id, body.other, reason, asked.caller, world, stands=True))


@routes.operation("POST", "/v1/customers/{customer_id}/unlink", refuses=(NotAllowed, Conflict, LostRace))
def unlink_customer(asked: Asked, customer_id: str, body: SamePerson) -> CustomerOut:
    """Say that another customer is not the same person after all."""
    reason, world = body.reason or "", asked.world
    return CustomerOut.of(*persons.say(customer_id, body.other, reason, asked.caller, world, stands=False))


@routes.operation("POST", "/v1/customers/{customer_id}/mark", refuses=(NotAllowed, Conflict, LostRace))
def mark_customer(asked: Asked, customer_id: str, body: Mark) -> CustomerOut:
    """Mark a customer as something the desk's rules may ask for."""
    reason, world = body.reason or "", asked.world
    return CustomerOut.of(*persons.mark(customer_id, body.mark, reason, asked.caller, world, stands=True))


@routes.operation("POST", "/v1/customers/{customer_id}/unmark", refuses=(NotAllowed, Conflict, LostRace))
def unmark_customer(asked: Asked, customer_id: str, body: Mark) -> CustomerOut:
    """Take a mark away from a customer."""
    reason, world = body.reason or "", asked.world
    return CustomerOut.of(*persons.mark(customer_id, body.mark, reason, asked.caller, world, stands=False))


@routes.operation("GET", "/v1/customers/{customer_id}/timeline", refuses=(NotAllowed,))
def read_timeline(asked: Asked, customer_id: str, query: OrderedPageQuery) -> TimelinePage:
    """Everything the customer said and we did about it, on every channel."""
    newest = query.order == "newest"
    page = look.timeline(customer_id, asked.caller, query.limit, query.cursor, newest, asked.world)
    events = [EventOut.of(event) for event in page.entries]
    return TimelinePage(customer_id=customer_id, events=events, next=page.next)


@routes.operation("GET", "/v1/customers/{customer_id}/attachments/{seq}/{number}", refuses=(NotAllowed,))
def read_attachment(asked: Asked, customer_id: str, seq: str, number: str) -> AttachmentOut:
    """Where an attachment can be had, for a minute: the `number`th of entry `seq` of the timeline."""
    found = look.attachment(customer_id, seq, number, asked.caller, asked.world)
    return AttachmentOut.model_validate(found, from_attributes=True)


@routes.operation("GET", "/v1/queues")
def read_queues(asked: Asked) -> BoardOut:
    """The live board: what waits in each of the caller's queues, since when, and how much is held."""
    queues = [
        QueueOut(
            name=q.name, waiting=LanesOut(urgent=q.urgent, normal=q.normal), oldest_waiting_since=q.oldest_since,
            held=q.held, complete=q.complete, promises=PromisesNow(due_soon=q.due_soon, breached=q.breached),
        )
        for q in look.board(asked.caller, asked.world)
    ]  # fmt: skip
    return BoardOut(queues=queues)


@routes.operation("GET", "/v1/health", to_anybody=True)
def health(asked: Asked) -> HealthOut:
    """Whether the table answers, and which model came with the code."""
    asked.world.table.agents(["nobody"])
    model = asked.world.model
    return HealthOut(status="ok", model=model.model_id if model else None)


@routes.operation("GET", "/v1/openapi.json", to_anybody=True)
def read_openapi(_asked: Asked) -> OpenApi:
    """This API, described in OpenAPI 3.1."""
    from chalicelib.api import OPERATIONS, openapi  # when asked for: few processes ever are

    return OpenApi(openapi.document(OPERATIONS))
