"""Every queue made again from the table alone: what waits is rung, what ends is timed, what is unsent is sent.

Doubles do no harm, so it may run while people work, and again when it was cut short.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import batched
from typing import Final

from chalicelib.aws.queues import Queued
from chalicelib.errors import Unavailable
from chalicelib.flows.export import to_send
from chalicelib.flows.ring import bell, is_timed, timer
from chalicelib.item.item import Item
from chalicelib.item.outgoing import Status
from chalicelib.item.steps import waits
from chalicelib.store import keys, rows
from chalicelib.store.table import Row
from chalicelib.world import World

_AT_ONCE: Final = 100


class What(StrEnum):
    """What is made again. `STRAY` items wait in a queue the desk does not have: nobody can be rung for them."""

    BELLS = "bells"
    TIMERS = "timers"
    REPLIES = "replies"
    STRAY = "stray items"


@dataclass(frozen=True, slots=True)
class Made:
    """So many messages sent in one go; `queue` is the desk's queue they are for, '' where it is none."""

    what: What
    queue: str
    number: int


def rebuild(world: World) -> Iterator[Made]:
    """Sends everything the queues should hold, telling of each part as it is done.

    Reads every row before it acts on it: an index only says where to look. Raises `Unavailable` when AWS is away.
    """
    for queue in world.policy.queues:
        yield Made(What.BELLS, queue, 0)
        for found in _waiting(queue, world):
            bells = [bell(item, world.settings) for item in map(rows.item_of, found) if _is_rung(item)]
            yield Made(What.BELLS, queue, _sent(bells, world))
    for shard in range(keys.WAKE_SHARDS):
        for found in _waking(shard, world):
            yield from _due(found, world)


def _waiting(queue: str, world: World) -> Iterator[Sequence[Row]]:
    """The rows of all that waits in a queue, as they are now."""
    cursor, more = None, True
    while more:
        page = world.table.listed("waiting", keys.waiting_pk(queue), _AT_ONCE, cursor)
        yield _read([{"pk": row["pk"], "sk": row["sk"]} for row in page.entries], world)
        cursor, more = page.next, page.next is not None


def _waking(shard: int, world: World) -> Iterator[Sequence[Row]]:
    """The rows of all that has a time of its own in one part of the wake-up index, as they are now."""
    for part in batched(world.table.waking(shard), _AT_ONCE):
        yield _read(part, world)


def _read(wanted: Sequence[keys.Key], world: World) -> Sequence[Row]:
    return list(world.table.rows(wanted).values())


def _due(found: Sequence[Row], world: World) -> Iterator[Made]:
    items = [rows.item_of(row) for row in found if row["kind"] == "item"]
    timers = [timer(i.id, i.wake_at, world.now(), world.settings) for i in items if i.wake_at and is_timed(i)]
    yield Made(What.TIMERS, "", _sent(timers, world))
    unsent = [row for row in found if row["kind"] == "outbox" and row["status"] == Status.QUEUED]
    replies = [to_send(rows.outgoing_of(row).id, world.settings) for row in unsent]
    yield Made(What.REPLIES, "", _sent(replies, world))
    for item in items:
        if _is_rung(item) and item.queue not in world.policy.queues:
            yield Made(What.STRAY, item.queue, 1)


def _is_rung(item: Item) -> bool:
    """Whether an item waits for whoever comes: what is offered to one agent is his until its timer rings."""
    return waits(item) and item.offered_to is None


def _sent(messages: Sequence[Queued], world: World) -> int:
    if refused := world.queues.send(messages):
        raise Unavailable(f"SQS refused {len(refused)} of {len(messages)} messages")
    return len(messages)
