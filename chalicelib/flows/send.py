"""The sender: takes each reply from the outbox once, hands it to its provider, and writes down what became of it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from chalicelib import metrics
from chalicelib.errors import LostRace, OutcomeUnknown, Refused, Unavailable, Unknown
from chalicelib.flows.again import offerable, save, until_won
from chalicelib.flows.export import to_send
from chalicelib.flows.merged import goes_on_in
from chalicelib.item.change import Change, Delivery, Handled, Step
from chalicelib.item.item import EventType
from chalicelib.item.outgoing import Outgoing, Status
from chalicelib.item.reply import begun, not_delivered, put_back, reported, sent
from chalicelib.outgoing.notice import GREETING, Kind, SendNotice, notice_of
from chalicelib.store import keys
from chalicelib.world import World

SENT_LATE: Final = "reply given to the sender again"

_REPORTED: Final[Mapping[Kind, EventType]] = {
    Kind.DELIVERED: EventType.REPLY_DELIVERED,
    Kind.DELAYED: EventType.REPLY_DELAYED,
    Kind.COMPLAINED: EventType.REPLY_COMPLAINED,
    Kind.BOUNCED: EventType.REPLY_DELAYED,
}


def send_message(body: str, world: World) -> str:
    """Handles one message of the sender's queue: a reply to send, or SES's news of one sent before.

    Handling it again sends nothing again. Raises when the provider did not take a reply and may later, so that SQS
    brings it again; the minute watch is the net.
    """
    if body == GREETING:
        return "greeting"
    told = json.loads(body)
    if "outbox_id" in told:
        return _send(str(told["outbox_id"]), world)
    notice = notice_of(told)
    return noticed(notice, world) if notice else "says nothing"


def look_after(reply_id: str, world: World) -> str:
    """What is due for a reply: nobody took it, or who took it has died."""
    outgoing = world.table.outgoing(reply_id)
    if outgoing.wake_at is None or outgoing.wake_at > world.now():
        return "not yet"
    if outgoing.status == Status.SENDING:
        return _not_delivered(outgoing, Status.UNKNOWN, "the sender did not say whether it left", world)
    if outgoing.status != Status.QUEUED:
        return "nothing to do"
    step = _step("watch", world)
    world.table.save(put_back(outgoing, step, outgoing.detail), step.at)
    world.queues.send([to_send(reply_id, world.settings)])
    return SENT_LATE


def _send(reply_id: str, world: World) -> str:
    outgoing = world.table.outgoing(reply_id)
    if outgoing.status == Status.SENDING and outgoing.wake_at and outgoing.wake_at <= world.now():
        return look_after(reply_id, world)
    if outgoing.status != Status.QUEUED:
        return f"{outgoing.status} already"
    raw = world.raw.read(outgoing.raw_key)
    if world.policy.shows(outgoing.source):
        return _shown(outgoing, raw, world)
    try:
        outgoing = _taken(outgoing, world)
    except LostRace:
        return "another sender has it"
    try:
        provider_id = _hand_over(outgoing, raw, world)
    except Unavailable as error:  # a provider that certainly did not send it, or our own secrets are away
        _saved(put_back(outgoing, _step("send", world), str(error)), world)
        raise
    except Refused as error:
        return _not_delivered(outgoing, Status.FAILED, str(error), world)
    except OutcomeUnknown as error:
        return _not_delivered(outgoing, Status.UNKNOWN, str(error), world)
    return _sent(outgoing.id, provider_id, world)


def _shown(outgoing: Outgoing, raw: bytes, world: World) -> str:
    """Sends a reply of our own widget: what the visitor sees is written with what we know of it, so no one is asked
    and nothing is ever in between."""
    try:
        return _sent(outgoing.id, outgoing.id, world, raw)
    except Refused as error:
        return _not_delivered(outgoing, Status.FAILED, str(error), world)


def _taken(outgoing: Outgoing, world: World) -> Outgoing:
    """From here on nobody else sends it. Raises `LostRace`."""
    change = begun(outgoing, _step("send", world))
    _saved(change, world)
    return change.reply or outgoing


def _hand_over(outgoing: Outgoing, raw: bytes, world: World) -> str:
    """The provider's id of the reply. Raises `Unavailable` (`NotSent`), `Refused`, `OutcomeUnknown`."""
    if outgoing.channel == "mail":
        return world.mailer.send(raw, outgoing.to, outgoing.id)
    installation = world.policy.installations.get(outgoing.source)
    if installation is None:
        raise Refused(f"there is no installation {outgoing.source} any more")
    from chalicelib.outgoing import chat  # what is of chats is loaded for chats

    secret = world.secrets.of_installation(outgoing.source)
    call = chat.call(installation, secret, outgoing.to, raw, world.now(), world.settings.chat_replies_url)
    wanted = chat.ANSWER_BYTES if call.judge else 0
    answer = world.providers.post(call.url, call.headers, call.body, call.method, wanted, call.later)
    if call.judge:
        call.judge(answer)
    return outgoing.id


def _sent(reply_id: str, provider_id: str, world: World, to_be_shown: bytes = b"") -> str:
    def decide_and_save() -> str:
        outgoing = world.table.outgoing(reply_id)
        if outgoing.provider_id:
            return "sent already"
        message_id = world.mailer.message_id(provider_id) if outgoing.channel == "mail" else ""
        customer = world.table.customer(outgoing.customer_id)
        change = sent(outgoing, customer, _step("send", world), provider_id, message_id)
        if to_be_shown:
            from chalicelib.flows import widget

            change = widget.answered(change, outgoing, to_be_shown, world)
        _saved(change, world)
        return "sent"

    return until_won(decide_and_save)


def _not_delivered(
    outgoing: Outgoing, status: Status, detail: str, world: World, handled: Delivery | None = None
) -> str:
    def decide_and_save() -> str:
        if handled and _seen(handled, world):
            return "seen already"
        now = world.table.outgoing(outgoing.id)
        if status == Status.UNKNOWN and now.status != Status.SENDING:
            return f"{now.status} already"
        item, customer = world.table.item_and_customer(now.item_id, now.customer_id)
        if item is None or customer is None:
            raise Unknown(f"there is no item {now.item_id}")
        if item.merged_into:
            item = goes_on_in(item, world)
            customer = world.table.customer(item.customer_id)
        step = _step("send", world)
        agents = offerable(item, world)
        change = not_delivered(now, item, customer, step, status, detail, agents, world.policy)
        save(_marked(change, handled), step.at, world)
        if status == Status.UNKNOWN and not now.automatic:
            world.metrics.count(metrics.REPLY_OUTCOME_UNKNOWN)
        return str(status)

    return until_won(decide_and_save)


def ledger(notice: SendNotice) -> Delivery:
    """The ledger's name for a piece of news."""
    return Delivery("notice", f"{notice.provider_id}#{notice.id}")


def noticed(notice: SendNotice, world: World, source: str = "") -> str:
    """A provider's news of a reply, once each; where `source` is not '', of one that left by this installation."""
    delivery = ledger(notice)
    try:
        outgoing = world.table.outgoing(notice.outbox_id)
    except Unknown:
        return "about no reply of ours"
    if source and outgoing.source != source:
        return "about no reply of ours"
    if not outgoing.provider_id:
        _sent(outgoing.id, notice.provider_id, world)  # it left, whatever we knew
    if _seen(delivery, world):
        return "seen already"
    if notice.kind == Kind.REJECTED:
        return _not_delivered(outgoing, Status.FAILED, notice.detail, world, delivery)
    if notice.kind == Kind.BOUNCED and (notice.permanent or outgoing.status != Status.DELIVERED):
        # One that is not for good and comes after the delivery is an absence note; before it SES has given up trying.
        return _not_delivered(outgoing, Status.BOUNCED, notice.detail, world, delivery)
    return _reported(notice, delivery, world)


def _reported(notice: SendNotice, delivery: Delivery, world: World) -> str:
    facts: dict[str, Any] = {"detail": notice.detail, "provider_at": notice.at.isoformat()}

    def decide_and_save() -> str:
        if _seen(delivery, world):
            return "seen already"
        outgoing = world.table.outgoing(notice.outbox_id)
        customer = world.table.customer(outgoing.customer_id)
        change = reported(outgoing, customer, _step("notice", world), _REPORTED[notice.kind], facts)
        _saved(_marked(change, delivery), world)
        return str(_REPORTED[notice.kind])

    return until_won(decide_and_save)


def _marked(change: Change, delivery: Delivery | None) -> Change:
    return replace(change, handled=Handled(delivery, change.events[0].id)) if delivery else change


def _seen(delivery: Delivery, world: World) -> bool:
    return bool(world.table.rows([keys.delivery_key(delivery.channel, delivery.id)]))


def _saved(change: Change, world: World) -> None:
    world.table.save(change, world.now())


def _step(cause: str, world: World) -> Step:
    return Step(actor="sortownia", cause=cause, at=world.now(), event_id=world.new_id())
