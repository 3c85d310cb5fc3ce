"""Routes of agents: take work, look at it, give it back, end it."""

from chalice.app import Blueprint, Response

from chalicelib.api.door import Asked, answer, answering
from chalicelib.api.schema import EventOut, Heartbeat, HeartbeatOut, ItemOut, ItemPage, ItemWithHistory
from chalicelib.errors import Invalid
from chalicelib.flows import claim, look, work
from chalicelib.item.item import Item
from chalicelib.item.state import State

routes = Blueprint(__name__)
_NOTHING_WAITS = Response(body="", status_code=204, headers={"Cache-Control": "no-store"})


@routes.route("/v1/queues/{queue}/claim", methods=["POST"])
@answering(routes)
def claim_in_queue(asked: Asked, queue: str) -> Response:
    """Claim what comes next in one queue; 204 when nothing waits."""
    item = claim.next_in_queue(queue, asked.caller, asked.answer_key(), asked.world)
    return _item(item, asked) if item else _NOTHING_WAITS


@routes.route("/v1/claim", methods=["POST"])
@answering(routes)
def claim_in_mine(asked: Asked) -> Response:
    """Claim what comes next over all the caller's queues; 204 when nothing waits."""
    item = claim.next_in_mine(asked.caller, asked.answer_key(), asked.world)
    return _item(item, asked) if item else _NOTHING_WAITS


@routes.route("/v1/items", methods=["GET"])
@answering(routes)
def list_items(asked: Asked) -> Response:
    """Items by queue (waiting, oldest first), by holder, or by state; the caller's own without a filter."""
    chosen = {name: asked.query(name) for name in ("queue", "state", "holder")}
    given = {name: value for name, value in chosen.items() if value is not None}
    if len(given) > 1:
        raise Invalid(", ".join(given), "ask by one of queue, state and holder")
    name, value = next(iter(given.items()), ("holder", asked.caller.id))
    if name == "state" and value not in set(State):
        raise Invalid("state", f"must be one of {', '.join(State)}")
    newest = asked.query("order", "oldest", "newest") == "newest"
    items, cursor = look.items(name, value, asked.caller, asked.limit(), asked.query("cursor"), newest, asked.world)
    return answer(ItemPage(items=[ItemOut.of(item, asked.caller.id) for item in items], next=cursor))


@routes.route("/v1/items/{item_id}", methods=["GET"])
@answering(routes)
def read_item(asked: Asked, item_id: str) -> Response:
    """One item and its history."""
    item, events = look.item(item_id, asked.caller, asked.world)
    shown = ItemOut.of(item, asked.caller.id)
    history = [EventOut.of(event) for event in events]
    return answer(ItemWithHistory(**shown.model_dump(), history=history), headers=_etag(item))


@routes.route("/v1/items/{item_id}/heartbeat", methods=["POST"])
@answering(routes)
def heartbeat(asked: Asked, item_id: str) -> Response:
    """Prolong the caller's lease."""
    lease_until = work.heartbeat(item_id, asked.body(Heartbeat).claim_token, asked.caller, asked.world)
    return answer(HeartbeatOut(lease_until=lease_until))


@routes.route("/v1/items/{item_id}/release", methods=["POST"])
@answering(routes)
def release(asked: Asked, item_id: str) -> Response:
    """Put a claimed item back into its queue."""
    return _item(work.give_back(item_id, asked.version(), asked.caller, asked.world), asked)


@routes.route("/v1/items/{item_id}/resolve", methods=["POST"])
@answering(routes)
def resolve(asked: Asked, item_id: str) -> Response:
    """End a claimed item."""
    return _item(work.finish(item_id, asked.version(), asked.caller, asked.world), asked)


def _item(item: Item, asked: Asked) -> Response:
    return answer(ItemOut.of(item, asked.caller.id), headers=_etag(item))


def _etag(item: Item) -> dict[str, str]:
    return {"ETag": f'"{item.version}"'}
