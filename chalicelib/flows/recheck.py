"""The net below intake: a stored message whose notice was lost is handed in again.

The bucket tells of every raw object a quarter of an hour after it was stored. By then its ledger row is there, or its
notice still waits or is being handled, or the notice is lost.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote_plus

from chalicelib import metrics
from chalicelib.aws.queues import Queued
from chalicelib.errors import Unavailable, Unknown, Unreadable
from chalicelib.flows.send import ledger
from chalicelib.intake import stamp
from chalicelib.item.change import Delivery
from chalicelib.store import keys
from chalicelib.world import World

log = logging.getLogger("sortownia")

#: What SES writes into the bucket to try whether it may, when a receipt rule is made. No mail of anybody.
SETUP_OBJECT: Final = "mail/AMAZON_SES_SETUP_NOTIFICATION"

#: SQS forgets a notice after this long, so nothing is waited for any longer.
NOTICE_KEPT: Final = timedelta(days=14)
#: A notice that fails comes back within twenty seconds, and is given up after half an hour of that.
LONGEST_IN_HAND: Final = timedelta(hours=1)
SIGHT_KEPT: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Stored:
    """A raw object the bucket tells of. `record` is how it tells."""

    key: str
    at: datetime
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sight:
    """Whether intake had work at a moment: messages that waited, messages in hand."""

    at: datetime
    waiting: bool
    in_hand: bool


#: What this process saw last, by inbound queue.
_sights: Final[dict[str, Sight]] = {}


def recheck(body: str, world: World) -> str:
    """Looks after each object one of the bucket's messages tells of; returns what was found.

    Doing it again changes nothing. Raises only when AWS is away, so that SQS brings the message again.
    """
    return ", ".join([_looked_after(stored, world) for stored in _told(body)]) or "tells of nothing"


def _told(body: str) -> Iterator[Stored]:
    """The objects of a message; the bucket's test message has none. One that cannot be read is parked by its queue."""
    for record in json.loads(body).get("Records", ()):
        yield Stored(unquote_plus(record["s3"]["object"]["key"]), datetime.fromisoformat(record["eventTime"]), record)


def _looked_after(stored: Stored, world: World) -> str:
    delivery = _delivery(stored.key)
    if delivery is None:
        return "not ours"
    if _handled([delivery], world):
        return "handled"
    try:
        deliveries, notice = _notice(stored, delivery, world)
    except Unknown:
        return "gone"
    # First the queues, then the ledger: what left the queues before we looked stands in the ledger when we look.
    under_way = _under_way(stored, world)
    if _handled(deliveries, world):
        return "handled"
    if under_way:
        world.metrics.count(metrics.RECHECK_PUT_OFF)
        later = Queued(world.settings.recheck_queue_url, json.dumps({"Records": [stored.record]}), delay=None)
        return _sent(later, "put off", world)
    world.metrics.count(metrics.RAW_WITHOUT_LEDGER, channel=delivery.channel)
    return _sent(notice, "handed in again", world)


def _delivery(key: str) -> Delivery | None:
    """The delivery an object's name stands for; of a body with several messages, or one whose id is no name, a
    stand-in."""
    match key.split("/", 1):
        case ["mail", ses_id] if ses_id and key != SETUP_OBJECT:
            return Delivery("mail", ses_id)
        case ["chat", rest] if all(rest.partition("/")):
            from chalicelib.flows import hook  # what is of chats is loaded for chats

            return hook.delivery(*rest.split("/", 1))
    return None


def _handled(deliveries: Sequence[Delivery], world: World) -> bool:
    wanted = [keys.delivery_key(delivery.channel, delivery.id) for delivery in deliveries]
    found = world.table.rows(wanted)
    return all((key["pk"], key["sk"]) in found for key in wanted)


def _notice(stored: Stored, delivery: Delivery, world: World) -> tuple[list[Delivery], Queued]:
    """The deliveries an object really holds, and what intake is to be told. Raises `Unknown` when it is gone."""
    if delivery.channel == "mail":
        return [delivery], _found_mail(stored, delivery.id, world)
    from chalicelib.flows import hook
    from chalicelib.intake.chat import adapters
    from chalicelib.outgoing import chat_news

    name, _, delivery_id = delivery.id.partition("#")
    raw, installation = world.raw.read(stored.key), world.policy.installations.get(name)
    try:
        said = [one.delivery for one in adapters.messages(installation, raw)] if installation else [delivery_id]
        news = chat_news.news(installation, raw) if installation else ()
    except Unreadable as error:  # intake will say so where people see it
        log.warning("stored chat message unreadable: %s", error.field)
        said, news = [delivery_id], ()
    deliveries = [*(hook.delivery(name, one) for one in said), *map(ledger, news)]
    return deliveries, hook.notice(name, said[0] if len(said) == 1 else delivery_id, stored.key, world.settings)


def _found_mail(stored: Stored, ses_id: str, world: World) -> Queued:
    """What intake is told of a mail without its notice: of SES's findings only those it wrote on top of the mail."""
    found = stamp.read(world.raw.read(stored.key, stamp.STAMP_BYTES), ses_id)
    told = {
        "kind": "found", "id": ses_id, "key": stored.key, "at": stored.at.isoformat(), "stamped": found is not None,
        "recipient": found.recipient if found else "", "verdicts": dict(found.verdicts) if found else {},
    }  # fmt: skip
    return Queued(world.settings.inbound_queue_url, json.dumps(told))


def _under_way(stored: Stored, world: World) -> bool:
    """Whether the notice may still come to intake.

    What waits may be it for as long as SQS keeps a message. What is in hand may be it only while it can still fail
    and come back: on a busy desk something always is.
    """
    sight, age = _sight(stored, world), world.now() - stored.at
    return (sight.waiting and age < NOTICE_KEPT) or (sight.in_hand and age < LONGEST_IN_HAND)


def _sight(stored: Stored, world: World) -> Sight:
    """What intake has before it.

    Where nothing waited a minute ago, no notice waits of what had been stored by then. To look again would be to see
    what we have handed in ourselves, and of many lost notices to mend one every quarter of an hour.
    """
    url = world.settings.inbound_queue_url
    last = _sights.get(url)
    if last is None or last.waiting or not stored.at < last.at <= world.now() < last.at + SIGHT_KEPT:
        depths = [world.queues.depth(one) for one in (url, world.settings.inbound_dead_queue_url)]
        last = Sight(world.now(), any(depth.waiting for depth in depths), any(depth.in_hand for depth in depths))
        _sights[url] = last
    return last


def _sent(message: Queued, outcome: str, world: World) -> str:
    if world.queues.send([message]):
        raise Unavailable("SQS refused a message")
    return outcome
