"""Answering the customer: what a reply and the news of its way change. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from chalicelib.item.arrive import kept_text
from chalicelib.item.change import Answered, Change, KnownMessage, ReplyToken, Step, written
from chalicelib.item.decide import ANSWER_KEPT, back_in_queue, resolved
from chalicelib.item.item import AgentId, Customer, EventType, Item
from chalicelib.item.offer import Agents
from chalicelib.item.outgoing import NOT_YET_SENT, SENDER_IS_DEAD_AFTER, SENT_AGAIN_AFTER, Outgoing, Status
from chalicelib.item.state import Action
from chalicelib.item.steps import at_rest, stepped, told
from chalicelib.outgoing import token
from chalicelib.policy import Policy


class Then(StrEnum):
    """What becomes of the item after a reply: it waits for the customer, stays with the agent, or is done."""

    WAIT = "wait"
    KEEP = "keep"
    RESOLVE = "resolve"


_ACTION: Final = {Then.WAIT: Action.REPLY, Then.KEEP: Action.SPEAK, Then.RESOLVE: Action.RESOLVE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What an agent says, ready to leave: composed, stored, its recipient frozen."""

    id: str
    source: str  # the mailbox or chat installation it leaves by
    to: str
    name: str
    subject: str
    text: str
    raw_key: str
    token: str = ""
    answer_key: str = ""
    said: str = ""  # hash of what was asked for, by which the same request is known again


def replied(item: Item, customer: Customer, step: Step, reply: Reply, then: Then, policy: Policy) -> Change:
    """The reply is in the outbox, and the item waits for the customer, stays, or is resolved. Raises `WrongState`."""
    answered = _after_reply(item, then, step)
    facts = {"reply": reply.id, "then": then, "channel": item.channel}
    change = told(item, answered, customer, EventType.REPLY_QUEUED, step, policy, facts, payload(reply))
    given = None
    if reply.answer_key:
        until = step.at + ANSWER_KEPT
        given = Answered(AgentId(step.actor), reply.answer_key, item.id, until, reply_id=reply.id, said=reply.said)
    return replace(change, reply=in_outbox(reply, item, step), token=token_of(reply, item), answered=given)


def in_outbox(reply: Reply, item: Item, step: Step, *, automatic: bool = False) -> Outgoing:
    """The reply as it stands in the outbox, for the sender to take."""
    return Outgoing(
        id=reply.id, item_id=item.id, customer_id=item.customer_id, channel=item.channel, source=reply.source,
        to=reply.to, raw_key=reply.raw_key, actor=AgentId(step.actor), event_id=step.event_id, queued_at=step.at,
        wake_at=step.at + SENT_AGAIN_AFTER, automatic=automatic,
    )  # fmt: skip


def token_of(reply: Reply, item: Item) -> ReplyToken | None:
    """The token by which the answer to a reply finds back; None for a reply without one."""
    return ReplyToken(reply.token, item.id, item.customer_id, reply.source) if reply.token else None


def begun(outgoing: Outgoing, step: Step) -> Change:
    """Somebody sends it now: if he dies, nobody knows whether it left."""
    wake_at = step.at + SENDER_IS_DEAD_AFTER
    return _outbox(outgoing, status=Status.SENDING, started_at=step.at, wake_at=wake_at)


def put_back(outgoing: Outgoing, step: Step, detail: str) -> Change:
    """It is certain that it did not leave: it waits in the outbox again."""
    again = step.at + SENT_AGAIN_AFTER
    return _outbox(outgoing, status=Status.QUEUED, started_at=None, wake_at=again, detail=detail)


def sent(outgoing: Outgoing, customer: Customer, step: Step, provider_id: str, message_id: str) -> Change:
    """The provider took it, under an id that the answer to it will name. The item itself does not change."""
    status = Status.SENT if outgoing.status in NOT_YET_SENT else outgoing.status
    _, event = written(step, EventType.REPLY_SENT, customer, None, _about(outgoing, {"provider_id": provider_id}))
    known = None
    if message_id:
        mark = token.token(customer.key, outgoing.item_id, outgoing.source, outgoing.to)
        known = KnownMessage(outgoing.source, message_id, "", outgoing.item_id, event.id, customer.id, mark)
    moved = _outbox(outgoing, status=status, sent_at=step.at, provider_id=provider_id, wake_at=None, detail="")
    return replace(moved, customer=customer, events=(event,), message=known)


def reported(
    outgoing: Outgoing, customer: Customer, step: Step, event_type: EventType, facts: Mapping[str, Any]
) -> Change:
    """News of a reply that call for nobody: delivered, delayed, complained of. The item does not change."""
    _, event = written(step, event_type, customer, None, _about(outgoing, facts))
    change = Change(customer=customer, events=(event,))
    if event_type != EventType.REPLY_DELIVERED or outgoing.status not in NOT_YET_SENT | {Status.SENT}:
        return change
    moved = _outbox(outgoing, status=Status.DELIVERED, wake_at=None, sent_at=outgoing.sent_at or step.at)
    return replace(moved, customer=customer, events=(event,))


def not_delivered(
    outgoing: Outgoing,
    item: Item,
    customer: Customer,
    step: Step,
    status: Status,
    detail: str,
    agents: Agents,
    policy: Policy,
) -> Change:
    """A reply did not arrive, or nobody knows: its item wakes, first for who it is pinned to.

    Of what the desk said by itself it is only told: nobody must act on a lost courtesy.
    """
    event_type = _BAD_NEWS[status]
    if outgoing.automatic:
        _, event = written(step, event_type, customer, None, _about(outgoing, {"detail": detail}))
        moved = _outbox(outgoing, status=status, detail=detail, wake_at=None)
        return replace(moved, customer=customer, events=(event,))
    woken = stepped(item, Action.WAKE, step.at)
    if woken.state != item.state:
        woken = back_in_queue(woken, step.at, _WHY[status], agents, policy)
    facts = {"reply": outgoing.id, "detail": detail, "queue": woken.queue, "ring": woken.ring,
             "offered_to": woken.offered_to}  # fmt: skip
    change = told(item, woken, customer, event_type, step, policy, facts)
    moved = _outbox(outgoing, status=status, detail=detail, wake_at=None)
    return replace(change, reply_before=moved.reply_before, reply=moved.reply)


_BAD_NEWS: Final = {
    Status.FAILED: EventType.REPLY_FAILED,
    Status.BOUNCED: EventType.REPLY_BOUNCED,
    Status.UNKNOWN: EventType.REPLY_UNKNOWN,
}
_WHY: Final = {
    Status.FAILED: "our reply could not be sent",
    Status.BOUNCED: "our reply came back",
    Status.UNKNOWN: "nobody knows whether our reply left",
}


def _after_reply(item: Item, then: Then, step: Step) -> Item:
    stepped_on = replace(stepped(item, _ACTION[then], step.at), contacts=None)
    match then:
        case Then.KEEP:
            return stepped_on
        case Then.WAIT:
            return replace(at_rest(stepped_on), pinned_to=item.holder, wake_at=None)
        case Then.RESOLVE:
            return resolved(stepped_on, item)


def payload(reply: Reply) -> dict[str, Any]:
    """What the timeline keeps of a reply's words."""
    kept = kept_text(reply.text)
    return {
        "to": reply.to, "name": reply.name, "subject": reply.subject, "written": kept,
        "shortened": len(kept) < len(reply.text), "raw": reply.raw_key,
    }  # fmt: skip


def _about(outgoing: Outgoing, facts: Mapping[str, Any]) -> dict[str, Any]:
    by_itself = {"automatic": True} if outgoing.automatic else {}
    return {"about": outgoing.item_id, "reply": outgoing.id, **by_itself, **facts}


def _outbox(outgoing: Outgoing, **changed: Any) -> Change:
    return Change(reply_before=outgoing, reply=replace(outgoing, revision=outgoing.revision + 1, **changed))
