"""Inbound deliveries: a mail SES stored, or a chat message our webhook stored, becomes timeline and work."""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from chalicelib import metrics
from chalicelib.errors import LostRace, Unavailable, Unknown, Unreadable
from chalicelib.flows.acknowledge import Courtesy
from chalicelib.flows.again import save, until_won
from chalicelib.flows.merged import goes_on_in
from chalicelib.flows.tagging import tags_of
from chalicelib.intake import email, filetypes
from chalicelib.intake.message import Message
from chalicelib.intake.mime import Part
from chalicelib.intake.proof import Checked
from chalicelib.intake.proof import of as proof_of
from chalicelib.intake.thread import references
from chalicelib.item.acknowledge import account_of
from chalicelib.item.arrive import (
    Arrival,
    Known,
    file_key,
    identity_of,
    may_be_offered,
    message_arrived,
    quarantined,
    same_contents,
)
from chalicelib.item.change import Change, Delivery
from chalicelib.item.echo import heard
from chalicelib.item.joining import Clues, lead
from chalicelib.outgoing import token
from chalicelib.outgoing.notice import SendNotice
from chalicelib.policy import Policy
from chalicelib.store import keys, rows
from chalicelib.world import World

log = logging.getLogger("sortownia")

#: A notice is kept by SQS so long, and clocks differ by so little: a time outside is none SES can have meant.
_OLDEST: Final = timedelta(days=14)
_AHEAD: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Notice:
    """What an inbound SQS message says: where the raw message is and what is known of it.

    `verdicts` are SES's own, from the notice: never from headers, which a sender can forge. `checked` is what they
    say of the sender, None where nobody looked. `doubt` says why the message must not be read, '' where nothing speaks
    against it. `copies` are what it is to further mailboxes of the desk.
    """

    arrival: Arrival
    verdicts: Mapping[str, str]
    doubt: str = ""
    checked: Checked | None = None
    copies: tuple[Arrival, ...] = ()


#: A delivery, and the message it brought with its files.
type Came = tuple[Arrival, email.Opened]


def delivery(body: str, sqs_id: str, receive_count: int, world: World) -> str:
    """Handles one inbound SQS message and returns what became of it; handling it again changes nothing.

    A chat's body may hold several messages: each is a delivery of its own, in the order they stand there. Raises when
    AWS is away or races are lost for seconds, so that SQS brings it again as often as that takes. What fails by itself,
    or takes its process with it, is set aside unparsed at its third try.
    """
    notice = _notice(body, sqs_id, world)
    if not notice.arrival.raw_key:
        return set_aside(notice, "a notice that names no message", world)
    if receive_count == 1:
        return _handled(notice, world)
    if parted := _parted(notice, world):
        return parted
    arrival = notice.arrival
    if not world.table.try_again(arrival.delivery, receive_count, arrival.now):
        return set_aside(notice, f"failed {receive_count - 1} times before", world, metrics.FAILED)
    try:
        return _handled(notice, world)
    except (Unavailable, LostRace):
        world.table.give_up(arrival.delivery, arrival.now)
        raise


def _handled(notice: Notice, world: World) -> str:
    if notice.doubt:
        return set_aside(notice, notice.doubt, world, metrics.VERDICT)
    suspect = sorted(name for name in ("spam", "virus") if notice.verdicts.get(name) == "FAIL")
    if suspect:
        return set_aside(notice, f"SES verdict: {' and '.join(suspect)}", world, metrics.VERDICT)
    try:
        came, news = _read(notice, world)
    except (Unreadable, Unknown) as error:
        return set_aside(notice, str(error), world)
    outcomes = [_receive(arrival, opened, world) for arrival, opened in came]
    return ", ".join([*outcomes, *_noticed(news, notice.arrival.source, world)]) or "says nothing"


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


def _receive(arrival: Arrival, opened: email.Opened, world: World) -> str:
    message = opened.message
    tags = tags_of(message, world.model, world.policy)
    ids, courtesy = world.new_ids(), Courtesy(arrival, tags, world)
    unwritten = enumerate(opened.files, 1)  # each is written once, however often the decision is made anew

    def decide_and_save() -> str:
        known = _known(arrival, message, world)
        if known is None:
            return "handled before"
        if known.item and known.item.merged_into:
            known = replace(known, item=goes_on_in(known.item, world), named=known.item)
        said = heard(message, known, world.policy)
        known = courtesy.weighed(said, known)
        asked = may_be_offered(arrival, said, tags, known, world.policy, ids)
        known = replace(known, agents=world.table.agents(asked))
        change = courtesy.given(message_arrived(arrival, said, tags, known, world.policy, ids), known)
        change = _shown(change, arrival, said, world)
        if change.events:
            _write_files(unwritten, arrival, world)
        save(change, arrival.now, world)
        return _outcome(change)

    return until_won(decide_and_save)


def _shown(change: Change, arrival: Arrival, message: Message, world: World) -> Change:
    """The change, with what the visitor of our own widget is shown of it."""
    if message.channel != "chat":
        return change
    from chalicelib.flows import widget  # what is of chats is loaded for chats

    return widget.heard(change, arrival, message, world)


def _write_files(files: Iterable[tuple[int, Part]], arrival: Arrival, world: World) -> None:
    """Puts attachments where their entry will say they are, all of them under a type that no program runs."""
    for number, part in files:
        world.raw.write(file_key(arrival.delivery, number), part.content(), filetypes.UNKNOWN)


def _outcome(change: Change) -> str:
    if change.handled and change.handled.repeat_of:
        return "seen again"
    return "queued" if change.after else "recorded as automatic"


def read(arrival: Arrival, world: World) -> Message:
    """A message that was received before. Raises `Unknown` where it is no more, `Unreadable`."""
    return _opened(arrival, world).message


def read_and_keep_files(arrival: Arrival, world: World) -> Message:
    """As `read`, of a delivery that was set aside unread: its files go where an entry will say they are."""
    opened = _opened(arrival, world)
    _write_files(enumerate(opened.files, 1), arrival, world)
    return opened.message


def _opened(arrival: Arrival, world: World) -> email.Opened:
    came, _ = _read(Notice(arrival, {}), world)
    found = next((opened for one, opened in came if one.delivery == arrival.delivery), None)
    if found is None:
        raise Unknown(f"there is no message {arrival.delivery.id} any more")
    return found


def _parted(notice: Notice, world: World) -> str:
    """Hands in each of a chat body's messages by itself, so that one that always fails holds up no other; '' for one
    message, or none that can be read."""
    arrival = notice.arrival
    if arrival.delivery.channel != "chat":
        return ""
    try:
        came, _ = _read(notice, world)
    except (Unreadable, Unknown):
        return ""
    if len(came) < 2:
        return ""
    from chalicelib.flows import hook

    said = [opened.message.delivery for _, opened in came]
    notices = [hook.notice(arrival.source, one, arrival.raw_key, world.settings) for one in said]
    if world.queues.send(notices):
        raise Unavailable("SQS refused a notice")
    return f"handed in as {len(said)}"


def _read(notice: Notice, world: World) -> tuple[list[Came], tuple[SendNotice, ...]]:
    """Each message that came, and how; and news of our replies.

    Of a chat's body with several messages a notice means the one it names, else all. Raises Unreadable, and Unknown for
    what is gone: the raw message, the installation.
    """
    arrival = notice.arrival
    raw = world.raw.read(arrival.raw_key)
    if arrival.delivery.channel == "mail":
        return _mails(notice, raw), ()
    return _chats(arrival, raw, world)


def _chats(arrival: Arrival, raw: bytes, world: World) -> tuple[list[Came], tuple[SendNotice, ...]]:
    from chalicelib.flows import hook
    from chalicelib.intake.chat import adapters
    from chalicelib.outgoing import chat_news

    installation = world.policy.installations.get(arrival.source)
    if installation is None:
        raise Unknown(f"there is no installation {arrival.source} any more")
    said = adapters.messages(installation, raw)
    came = [
        (replace(arrival, delivery=hook.delivery(arrival.source, one.delivery)), email.Opened(one, files=()))
        for one in said
    ]
    named = [one for one in came if one[0].delivery == arrival.delivery]
    return (named, ()) if named else (came, chat_news.news(installation, raw))


def _mails(notice: Notice, raw: bytes) -> list[Came]:
    """A mail once for each mailbox it was for, with what is proved of its sender.

    The ledger row of the delivery itself comes last: where it stands, the mail is in every mailbox.
    """
    opened, arrivals = email.parse_with_files(raw), (*notice.copies, notice.arrival)
    if notice.checked is None:
        return [(arrival, opened) for arrival in arrivals]
    proof = proof_of(raw, opened.message, notice.checked, notice.arrival.delivery.id)
    return [(replace(arrival, trusted=proof.holds, proof=proof.how), opened) for arrival in arrivals]


def _noticed(news: Sequence[SendNotice], source: str, world: World) -> list[str]:
    if not news:
        return []
    from chalicelib.flows.send import noticed  # seldom needed, and the sender's work to load

    return [noticed(one, world, source) for one in news]


def _known(arrival: Arrival, message: Message, world: World) -> Known | None:
    """What the table knows that matters to this message; None when the delivery was handled before.

    Two calls at the most: ledger, references, conversation, identity and token; then the items and customers they name.
    """
    ledger = keys.delivery_key(arrival.delivery.channel, arrival.delivery.id)
    own = [keys.message_key(arrival.source, message.message_id, content) for content in _contents(arrival, message)]
    answers = [keys.message_key(arrival.source, reference) for reference in references(message)]
    conversation = keys.conversation_key(arrival.source, message.conversation) if message.channel == "chat" else None
    proved = identity_of(arrival, message)
    identity = keys.identity_key(*proved) if proved else None
    mark = keys.token_key(arrival.token) if arrival.token else None
    account = account_of(arrival, message, world.policy)
    spent = keys.budget_key(account) if account else None
    wanted = [ledger, *own, *answers, *(key for key in (conversation, identity, mark, spent) if key)]
    found = world.table.rows(wanted)

    def row(key: keys.Key | None) -> dict[str, Any]:
        return found.get((key["pk"], key["sk"]), {}) if key else {}

    if row(ledger):
        return None
    clues = Clues(
        token=rows.token_of(row(mark)) if row(mark) else None,
        answers=tuple(rows.message_of(row(answer)) for answer in answers if row(answer)),
        conversation_item=row(conversation).get("item_id"),
        customer_id=row(identity).get("customer_id"),
    )
    known = _followed(clues, arrival, message, world)
    seen = [rows.message_of(row(key)) for key in own if row(key)]
    return replace(
        known,
        message=next((one for one in seen if not one.another), None),
        repeated=next((one for one in seen if one.another), None),
        budget=rows.budget_of(account, row(spent)) if account else None,
    )


def _contents(arrival: Arrival, message: Message) -> tuple[str, ...]:
    """What tells apart the mails under this one's Message-ID that may be the same as it; '' stands for the first."""
    return ("", *same_contents(arrival, message)) if message.channel == "mail" and message.message_id else ()


def _followed(clues: Clues, arrival: Arrival, message: Message, world: World) -> Known:
    """The item and customer the clues lead to."""
    items, customers = world.table.items_and_customers(list(clues.item_ids()), list(clues.customer_ids()))
    found = lead(clues, message, arrival.source, arrival.trusted, items, customers)
    customer = found.customer
    if clues.conversation_item and found.item and found.item.customer_id != clues.customer_id:
        customer = world.table.customer(found.item.customer_id)  # the provider says whose conversation it is
    return Known(
        customer=customer,
        conversation_item=clues.conversation_item,
        item=found.item,
        by=found.by,
        because=found.because,
        own=found.own,
        lent=found.customer != found.own,
    )


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
    (mailbox, mark), *others = _mailboxes(map(str, receipt["recipients"]), policy).items()
    arrival = Arrival(
        delivery=Delivery("mail", str(mail["messageId"])),
        source=mailbox,
        raw_key=str(receipt["action"]["objectKey"]),
        received_at=_received(receipt.get("timestamp"), now),
        handled_at=now,
        token=mark,
    )
    envelope = mail.get("source")
    checked = Checked(verdicts["dmarc"], verdicts["spf"], verdicts["dkim"], envelope if envelope else "")
    return Notice(arrival, verdicts, checked=checked, copies=tuple(_copy(arrival, *other) for other in others))


def _mailboxes(recipients: Iterable[str], policy: Policy) -> dict[str, str]:
    """The mailboxes of the desk a mail is for, each with the token it was addressed to; else its first recipient."""
    addressed: dict[str, str] = {}
    for mailbox, mark in map(token.split, recipients):
        addressed[mailbox] = addressed.get(mailbox) or mark
    ours = {mailbox: mark for mailbox, mark in addressed.items() if mailbox in policy.mailboxes}
    return ours or dict(list(addressed.items())[:1])


def _copy(arrival: Arrival, mailbox: str, mark: str) -> Arrival:
    """What the same mail is to a further mailbox: a delivery, an entry and a matter of its own."""
    delivery = Delivery("mail", f"{arrival.delivery.id}#{mailbox}")
    return replace(arrival, delivery=delivery, source=mailbox, token=mark)


def _received(told: object, now: datetime) -> datetime:
    """When SES received a mail, by its own word where that can be; else now."""
    try:
        moment = datetime.fromisoformat(str(told))
    except ValueError:
        return now
    if moment.tzinfo is None or not now - _OLDEST <= moment <= now + _AHEAD:
        return now
    return min(moment.astimezone(UTC), now)


def _chat_notice(told: Mapping[str, Any], now: datetime) -> Notice:
    from chalicelib.flows import hook

    installation = str(told["installation"])
    arrival = Arrival(
        delivery=hook.delivery(installation, str(told["delivery"])),
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
        received_at=_received(told.get("at"), now),
        handled_at=now,
        trusted=False,
        proof="nobody can say any more what SES found",
        token=mark,
        note="its notice never came",
    )
    doubt = "" if told["stamped"] else "its notice never came, and SES's fields do not stand on top of it"
    return Notice(arrival, dict(told["verdicts"]), doubt)
