"""Routes of items: take one, look at it, keep it, pass it on, write on it, end it, draw its lines anew."""

from chalicelib.api.answers import (
    EventOut,
    HeartbeatOut,
    ItemOut,
    ItemPage,
    ItemWithHistory,
    PairOut,
    ReplyOut,
    ReplyStatusOut,
)
from chalicelib.api.asked import AnswerKey, Asked, Version
from chalicelib.api.operation import Routes
from chalicelib.api.requests import (
    Escalate,
    Heartbeat,
    ItemsQuery,
    Link,
    Merge,
    Note,
    Reason,
    Reassign,
    Reply,
    Snooze,
    Split,
    Tags,
)
from chalicelib.errors import AtCapacity, Conflict, LostRace, NotAllowed, StaleItem, Unknown, WrongState
from chalicelib.flows import claim, look, matters, quarantine, reply, work
from chalicelib.item.missing import missing, suggestion

routes = Routes(__name__)


@routes.operation(
    "POST",
    "/v1/queues/{queue}/claim",
    refuses=(NotAllowed, AtCapacity, WrongState, LostRace),
    nothing="nothing waits in this queue that the caller may take",
)
def claim_in_queue(asked: Asked, queue: str, answer_key: AnswerKey) -> ItemOut | None:
    """Claim what comes next in one queue."""
    item = claim.next_in_queue(queue, asked.caller, answer_key, asked.world)
    return ItemOut.of(item, asked.caller.id) if item else None


@routes.operation(
    "POST",
    "/v1/claim",
    refuses=(NotAllowed, AtCapacity, WrongState, LostRace),
    nothing="nothing waits that the caller may take",
)
def claim_in_mine(asked: Asked, answer_key: AnswerKey) -> ItemOut | None:
    """Claim what comes next over all the caller's queues."""
    item = claim.next_in_mine(asked.caller, answer_key, asked.world)
    return ItemOut.of(item, asked.caller.id) if item else None


@routes.operation("GET", "/v1/items", refuses=(NotAllowed, Unknown), polled=True)
def list_items(asked: Asked, query: ItemsQuery) -> ItemPage:
    """Items by queue (waiting, oldest first), state or agent; the caller's own without a filter."""
    by, value = query.filter(own=asked.caller.id)
    newest = query.order == "newest"
    items, cursor = look.items(by, value, asked.caller, query.limit, query.cursor, newest, asked.world)
    return ItemPage(items=[ItemOut.of(item, asked.caller.id) for item in items], next=cursor)


@routes.operation("GET", "/v1/items/{item_id}", refuses=(NotAllowed,))
def read_item(asked: Asked, item_id: str) -> ItemWithHistory:
    """One item and its history."""
    item, events = look.item(item_id, asked.caller, asked.world)
    policy, told = asked.world.policy, [EventOut.of(event) for event in events]
    return ItemWithHistory.of(
        item, asked.caller.id, history=told, missing=list(missing(item, policy)), suggestion=suggestion(item, policy)
    )


@routes.operation("POST", "/v1/items/{item_id}/claim", refuses=(NotAllowed, AtCapacity, WrongState, LostRace, Conflict))
def claim_item(asked: Asked, item_id: str, answer_key: AnswerKey) -> ItemOut:
    """Claim this very item; who holds it already gets it again."""
    item = claim.claim_named(item_id, asked.caller, answer_key, asked.world)
    if item.id != item_id:  # what the key was answered with before: who reads 200 takes it for the item he named
        raise Conflict("this Idempotency-Key was used for another item")
    return ItemOut.of(item, asked.caller.id)


@routes.operation("POST", "/v1/items/{item_id}/decline", refuses=(NotAllowed,))
def decline(asked: Asked, item_id: str, version: Version) -> ItemOut:
    """Let an offer go on to the next."""
    return ItemOut.of(work.decline(item_id, version, asked.caller, asked.world), asked.caller.id)


@routes.operation("POST", "/v1/items/{item_id}/heartbeat", refuses=(NotAllowed, StaleItem))
def heartbeat(asked: Asked, item_id: str, body: Heartbeat) -> HeartbeatOut:
    """Prolong the caller's lease."""
    return HeartbeatOut(lease_until=work.heartbeat(item_id, body.claim_token, asked.caller, asked.world))


@routes.operation("POST", "/v1/items/{item_id}/release", refuses=(NotAllowed,))
def release(asked: Asked, item_id: str, version: Version) -> ItemOut:
    """Put a claimed item back into its queue."""
    return ItemOut.of(work.give_back(item_id, version, asked.caller, asked.world), asked.caller.id)


@routes.operation("POST", "/v1/items/{item_id}/resolve", refuses=(NotAllowed,))
def resolve(asked: Asked, item_id: str, version: Version) -> ItemOut:
    """End a claimed item."""
    return ItemOut.of(work.finish(item_id, version, asked.caller, asked.world), asked.caller.id)


@routes.operation("POST", "/v1/items/{item_id}/snooze", refuses=(NotAllowed,))
def snooze(asked: Asked, item_id: str, version: Version, body: Snooze) -> ItemOut:
    """Let an item rest until a time; it comes back to who put it aside."""
    return ItemOut.of(work.snooze(item_id, version, body.until, asked.caller, asked.world), asked.caller.id)


@routes.operation("POST", "/v1/items/{item_id}/reassign", refuses=(NotAllowed, AtCapacity))
def reassign(asked: Asked, item_id: str, version: Version, body: Reassign) -> ItemOut:
    """Pass an item on to an agent, a queue, or (as a correction) to the queue of a topic."""
    passed = work.reassign(item_id, version, body.destination, body.reason or "", asked.caller, asked.world)
    return ItemOut.of(passed, asked.caller.id)


@routes.operation("POST", "/v1/items/{item_id}/escalate", refuses=(NotAllowed,))
def escalate(asked: Asked, item_id: str, version: Version, body: Escalate) -> ItemOut:
    """Pass an item to the next tier of its queue."""
    passed = work.escalate(item_id, version, body.reason, asked.caller, asked.world)
    return ItemOut.of(passed, asked.caller.id)


@routes.operation("POST", "/v1/items/{item_id}/admit", refuses=(NotAllowed,))
def admit(asked: Asked, item_id: str, version: Version) -> ItemOut:
    """Let a quarantined item into normal routing."""
    return ItemOut.of(quarantine.admit(item_id, version, asked.caller, asked.world), asked.caller.id)


@routes.operation("POST", "/v1/items/{item_id}/set-aside", refuses=(NotAllowed,))
def set_aside(asked: Asked, item_id: str, version: Version, body: Reason) -> ItemOut:
    """Put an admitted item back into quarantine, while nobody has taken it."""
    back = quarantine.set_aside(item_id, version, body.reason or "", asked.caller, asked.world)
    return ItemOut.of(back, asked.caller.id)


@routes.operation("POST", "/v1/items/{item_id}/reply", refuses=(NotAllowed, Conflict))
def send_reply(asked: Asked, item_id: str, version: Version, answer_key: AnswerKey, body: Reply) -> ReplyOut:
    """Answer the customer; the item then waits for him, stays with the agent, or is resolved."""
    queued, item = reply.reply(item_id, version, body.text, body.then, answer_key, asked.caller, asked.world)
    return ReplyOut(reply=ReplyStatusOut.of(queued), item=ItemOut.of(item, asked.caller.id))


@routes.operation("GET", "/v1/items/{item_id}/replies/{reply_id}", refuses=(NotAllowed,))
def read_reply(asked: Asked, item_id: str, reply_id: str) -> ReplyStatusOut:
    """How far a reply has come."""
    return ReplyStatusOut.of(reply.status(item_id, reply_id, asked.caller, asked.world))


@routes.operation("POST", "/v1/items/{item_id}/note", refuses=(NotAllowed,))
def add_note(asked: Asked, item_id: str, version: Version, body: Note) -> ItemOut:
    """Write what colleagues should know, and no customer sees."""
    noted = work.note(item_id, version, body.text, body.mentions, asked.caller, asked.world)
    return ItemOut.of(noted, asked.caller.id)


@routes.operation("POST", "/v1/items/{item_id}/tags", refuses=(NotAllowed,))
def decide_tags(asked: Asked, item_id: str, version: Version, body: Tags) -> ItemOut:
    """Say what an item is about and how long it may wait; an empty body confirms what stands."""
    tagged = work.tag(item_id, version, body.topic, body.urgency, asked.caller, asked.world)
    return ItemOut.of(tagged, asked.caller.id)


@routes.operation("POST", "/v1/items/{item_id}/reopen", refuses=(NotAllowed,))
def reopen(asked: Asked, item_id: str, version: Version, body: Reason) -> ItemOut:
    """Let a resolved item wait again, first for who had it."""
    opened = work.reopen(item_id, version, body.reason or "", asked.caller, asked.world)
    return ItemOut.of(opened, asked.caller.id)


@routes.operation("POST", "/v1/items/{item_id}/split", refuses=(NotAllowed, AtCapacity))
def split(asked: Asked, item_id: str, version: Version, body: Split) -> PairOut:
    """Make an item of its own of some messages; the new one is linked to the old."""
    return PairOut.of(matters.split(item_id, version, body.chosen, asked.caller, asked.world), asked.caller.id)


@routes.operation("POST", "/v1/items/{item_id}/merge", refuses=(NotAllowed,))
def merge(asked: Asked, item_id: str, version: Version, body: Merge) -> PairOut:
    """Let an item go on in another, with all that is still written about it."""
    pair = matters.merge(item_id, version, body.into, body.reason or "", asked.caller, asked.world)
    return PairOut.of(pair, asked.caller.id)


@routes.operation("POST", "/v1/items/{item_id}/unmerge", refuses=(NotAllowed, AtCapacity))
def unmerge(asked: Asked, item_id: str, version: Version, body: Reason) -> PairOut:
    """Take a merge back: the item goes on by itself, as it stood."""
    pair = matters.unmerge(item_id, version, body.reason or "", asked.caller, asked.world)
    return PairOut.of(pair, asked.caller.id)


@routes.operation("POST", "/v1/items/{item_id}/link", refuses=(NotAllowed,))
def link(asked: Asked, item_id: str, version: Version, body: Link) -> ItemOut:
    """Say that an item has to do with another."""
    linked = work.link(item_id, version, body.to, body.reason or "", asked.caller, asked.world)
    return ItemOut.of(linked, asked.caller.id)


@routes.operation("POST", "/v1/items/{item_id}/unlink", refuses=(NotAllowed,))
def unlink(asked: Asked, item_id: str, version: Version, body: Reason) -> ItemOut:
    """Say that an item has nothing to do with the one it is linked to."""
    unlinked = work.unlink(item_id, version, body.reason or "", asked.caller, asked.world)
    return ItemOut.of(unlinked, asked.caller.id)
