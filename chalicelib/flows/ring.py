"""Stream reader: rings the bell of what waits, and sets the timer of what is held."""

import json
import logging
import math
from collections.abc import Iterable
from datetime import datetime

from chalicelib.aws.queues import LONGEST_DELAY, Bell, Queued
from chalicelib.errors import Unavailable
from chalicelib.flows.stream import Record, each_record, new_image, old_image, park
from chalicelib.item.item import Item
from chalicelib.item.steps import waits
from chalicelib.settings import Settings
from chalicelib.store.rows import item_of
from chalicelib.world import World

log = logging.getLogger("sortownia")


def ring(records: Iterable[Record], world: World) -> int:
    """Sends what the changes of items ask for, ten a call; returns how many. Never raises.

    Doubles do no harm: a stream brings a record at least once.
    """
    told = list(records)
    asked = each_record(told, lambda record: (record, _messages(record, world)), "ring", world)
    record_of = {id(message): record for record, messages in asked for message in messages}
    messages = [message for _, part in asked for message in part]
    by_url: dict[str, list[Queued]] = {}
    for message in messages:
        by_url.setdefault(message.url, []).append(message)
    failed = [left for part in by_url.values() for left in _unsent(part, world)]
    for message in failed:
        park(record_of[id(message)], "ring", "could not be sent", world)
    return len(messages) - len(failed)


def _unsent(part: list[Queued], world: World) -> list[Queued]:
    """Sends messages to one queue; those it did not take. A queue that is gone costs no other its bells."""
    try:
        return world.queues.send(part)
    except Unavailable:
        log.exception("ring could not send")
        return part


def bell(item: Item, settings: Settings) -> Queued:
    """The bell of a waiting item, for its queue and lane."""
    return Queued(settings.work_queue_url(item.queue, item.lane), Bell(item.id, item.customer_id, item.ring).body())


def timer(item_id: str, wake_at: datetime, now: datetime, settings: Settings) -> Queued:
    """A message that comes when an item is due, or after fifteen minutes to be set again."""
    seconds = min(LONGEST_DELAY, max(0, math.ceil((wake_at - now).total_seconds())))
    return Queued(settings.timer_queue_url, json.dumps({"item_id": item_id}), seconds)


def is_timed(item: Item) -> bool:
    """Whether an item's next moment is a timer's: the end of a lease or an offer. The minute watch sees to the rest."""
    return bool(item.wake_at and (item.holder or item.offered_to))


def _messages(record: Record, world: World) -> list[Queued]:
    row, before = new_image(record), old_image(record)
    if row.get("kind") != "item":
        return []
    item = item_of(row)
    if waits(item) and item.offered_to is None and before.get("ring") != item.ring:
        return [bell(item, world.settings)]
    if is_timed(item) and any(before.get(name) != row.get(name) for name in ("claim_token", "offered_until")):
        return [timer(item.id, item.wake_at or world.now(), world.now(), world.settings)]
    return []
