"""Inbound deliveries: a mail SES stored, or a chat message our webhook stored, becomes timeline and work."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from chalicelib import metrics
from chalicelib.errors import Unknown, Unreadable
from chalicelib.flows import widget
from chalicelib.flows.again import save, until_won
from chalicelib.flows.tagging import tags_of
from chalicelib.intake import email
from chalicelib.intake.chat import generic
from chalicelib.intake.message import Message
from chalicelib.intake.thread import references
from chalicelib.item.arrive import Arrival, Known, identity_of, may_be_offered, message_arrived, quarantined
from chalicelib.item.change import Change, Delivery, ReplyToken
from chalicelib.item.item import Customer, Item, ItemId
from chalicelib.outgoing import token
from chalicelib.policy import Policy
from chalicelib.store import keys, rows
from chalicelib.world import World

log = logging.getLogger("sortownia")

#: A delivery received this often has failed before, or taken its process with it: it is set aside unparsed.
SET_ASIDE_FROM: Final = 3

#: DMARC verdicts under which a sender is who he says: proved, or of a domain that asks for no proof. A check that
#: failed, broke down or is missing proves nothing.
_VOUCHED: Final = frozenset({"PASS", "GRAY"})


@dataclass(frozen=True, slots=True)
class Notice:
    """What an inbound SQS message says: where the raw message is and what is known of it.

    `verdicts` are SES's own, from the notice: never from headers, which a sender can forge. `doubt` says why the
    message must not be read, '' where nothing speaks against it.
    """

    arrival: Arrival
    verdicts: Mapping[str, str]
    doubt: str = ""


def delivery(body: str, sqs_id: str, receive_count: int, world: World) -> str:
    """Handles one inbound SQS message and returns what became of it; handling it again changes nothing.

    Raises only when AWS is away or races are lost for seconds, so that SQS brings it again.
    """
    notice = _notice(body, sqs_id, world)
    if not notice.arrival.raw_key:
        return set_aside(notice, "a notice that names no message", world)
    if receive_count >= SET_ASIDE_FROM:
        return set_aside(notice, f"failed {receive_count - 1} times before", world, metrics.FAILED)
    if notice.doubt:
        return set_aside(notice, notice.doubt, world, metrics.VERDICT)
    suspect = sorted(name for name in ("spam", "virus") if notice.verdicts.get(name) == "FAIL")
    if suspect:
        return set_aside(notice, f"SES verdict: {' and '.join(suspect)}", world, metrics.VERDICT)
    try:
        message = _read(notice.arrival, world)
    except (Unreadable, Unknown) as error:
        return set_aside(notice, str(error), world)
    return _receive(notice.arrival, message, world)


def dead_delivery(body: str, sqs_id: str, world: World) -> str:
    """Sets aside a delivery that killed its process until SQS gave it up."""
    return set_aside(_notice(body, sqs_id, world), "could not be processed", world, metrics.FAILED)


def set_aside(notice: Notice, reason: str, world: World, why: str = metrics.UNREADABLE) -> str:
    """Makes a quarantined item of a delivery, once. `reason` is what people read, `why` what is counted."""
    ids = world.new_ids()

    def decide_and_save() -> str:
        ledger = keys.delivery_key(notice.arrival.delivery.channel, notice.arrival.delivery.id)
        if world.table.rows([ledger]):
            return "handled before"
        world.table.save(quarantined(notice.arrival, reason, ids), world.now())
        world.metrics.count(metrics.QUARANTINED, why=why)
        return "quarantined"

    return until_won(decide_and_save)


def _receive(arrival: Arrival, message: Message, world: World) -> str:
    tags = tags_of(message, world.model)
    ids = world.new_ids()

    def decide_and_save() -> str:
        known = _known(arrival, message, world)
        if known is None:
            return "handled before"
        asked = may_be_offered(arrival, message, tags, known, world.policy, ids)
        known = replace(known, agents=world.table.agents(asked))
        change = message_arrived(arrival, message, tags, known, world.policy, ids)
        change = widget.heard(change, arrival, message, world)
        save(change, arrival.received_at, world)
        return _outcome(change)

    return until_won(decide_and_save)


def _outcome(change: Change) -> str:
    if change.handled and change.handled.repeat_of:
        return "seen again"
    return "queued" if change.after else "recorded as automatic"


def _read(arrival: Arrival, world: World) -> Message:
    raw = world.raw.read(arrival.raw_key)
    return email.parse(raw) if arrival.delivery.channel == "mail" else generic.parse(raw)


def _known(arrival: Arrival, message: Message, world: World) -> Known | None:
    """What the table knows that matters to this message; None when the delivery was handled before.

    Two calls at the most: ledger, references, conversation and identity; then the item and the customer they name.
    """
    ledger = keys.delivery_key(arrival.delivery.channel, arrival.delivery.id)
    own = keys.message_key(arrival.source, message.message_id) if message.message_id else None
    answers = [keys.message_key(arrival.source, reference) for reference in references(message)]
    conversation = keys.conversation_key(arrival.source, message.conversation) if message.channel == "chat" else None
    proved = identity_of(arrival, message)
    identity = keys.identity_key(*proved) if proved else None
    mark = keys.token_key(arrival.token) if arrival.token else None
    wanted = [ledger, *answers, *(key for key in (own, conversation, identity, mark) if key)]
    found = world.table.rows(wanted)

    def row(key: keys.Key | None) -> dict[str, Any]:
        return found.get((key["pk"], key["sk"]), {}) if key else {}

    if row(ledger):
        return None
    known_message = rows.message_of(row(own)) if row(own) else None
    if row(mark) and (answered := _answered(rows.token_of(row(mark)), arrival, message, world)):
        return replace(answered, message=known_message)
    conversation_item = row(conversation).get("item_id")
    item_id = conversation_item or next((row(a)["item_id"] for a in answers if row(a).get("item_id")), None)
    customer_id = row(identity).get("customer_id")
    item, customer = _matter(item_id, customer_id, world)
    if conversation_item and item and item.customer_id != customer_id:
        customer = world.table.customer(item.customer_id)  # the provider says whose conversation it is
    return Known(
        customer=customer,
        message=known_message,
        conversation_item=ItemId(conversation_item) if conversation_item else None,
        item=item,
    )


def _answered(mark: ReplyToken, arrival: Arrival, message: Message, world: World) -> Known | None:
    """The item a reply token stands for, if it is used by whom we wrote to, and he is proved to be the sender."""
    item, customer = world.table.item_and_customer(mark.item_id, mark.customer_id)
    if item is None or customer is None or message.sender is None or not arrival.trusted:
        return None
    fits = token.matches(mark.token, customer.key, item.id, mark.mailbox, message.sender.address)
    return Known(customer=customer, item=item) if fits and mark.mailbox == arrival.source else None


def _matter(item_id: str | None, customer_id: str | None, world: World) -> tuple[Item | None, Customer | None]:
    if not item_id and not customer_id:
        return None, None
    return world.table.item_and_customer(item_id or "none", customer_id or "none")


def _notice(body: str, sqs_id: str, world: World) -> Notice:
    """What an inbound message says; one that says nothing we know is a delivery of its own, to be set aside."""
    now = world.now()
    try:
        told = json.loads(body)
        kind = told.get("notificationType") or told.get("kind")
        if kind == "Received":
            return _mail_notice(told, now, world.policy)
        if kind == "chat":
            return _chat_notice(told, now)
        if kind == "found":
            return _found_notice(told, now, world.policy)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        log.warning("inbound notice unreadable: %s", type(error).__name__)
    arrival = Arrival(delivery=Delivery("mail", f"sqs-{sqs_id}"), source="", raw_key="", received_at=now)
    return Notice(arrival, {})


def _mail_notice(told: Mapping[str, Any], now: datetime, policy: Policy) -> Notice:
    receipt, mail = told["receipt"], told["mail"]
    verdicts = {
        name: str((receipt.get(f"{name}Verdict") or {}).get("status", ""))
        for name in ("spam", "virus", "spf", "dkim", "dmarc")
    }
    addressed = [token.split(str(address)) for address in receipt["recipients"]]
    mailbox, mark = next((a for a in addressed if a[0] in policy.mailboxes), addressed[0])
    arrival = Arrival(
        delivery=Delivery("mail", str(mail["messageId"])),
        source=mailbox,
        raw_key=str(receipt["action"]["objectKey"]),
        received_at=now,
        trusted=verdicts["dmarc"] in _VOUCHED,
        token=mark,
    )
    return Notice(arrival, verdicts)


def _chat_notice(told: Mapping[str, Any], now: datetime) -> Notice:
    installation, delivery_id = str(told["installation"]), str(told["delivery"])
    arrival = Arrival(
        delivery=Delivery("chat", f"{installation}#{delivery_id}"),
        source=installation,
        raw_key=str(told["key"]),
        received_at=now,
    )
    return Notice(arrival, {})


def _found_notice(told: Mapping[str, Any], now: datetime, policy: Policy) -> Notice:
    """A mail whose own notice never came: nobody can say any more whether its sender was proved."""
    mailbox, mark = token.split(str(told["recipient"]))
    arrival = Arrival(
        delivery=Delivery("mail", str(told["id"])),
        source=mailbox if mailbox in policy.mailboxes else next(iter(policy.mailboxes), mailbox),
        raw_key=str(told["key"]),
        received_at=now,
        trusted=False,
        token=mark,
        note="its notice never came",
    )
    doubt = "" if told["stamped"] else "its notice never came, and SES's fields do not stand on top of it"
    return Notice(arrival, dict(told["verdicts"]), doubt)
