"""Reading the table's stream: no record may hold up those behind it."""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chalicelib.aws.queues import Queued
from chalicelib.errors import Unavailable
from chalicelib.metrics import PARKED
from chalicelib.store import rows
from chalicelib.world import World

log = logging.getLogger("sortownia")
Record = Mapping[str, Any]


def new_image(record: Record) -> dict[str, Any]:
    """The row as it is after the change; empty when it was deleted."""
    return rows.from_wire(record["dynamodb"].get("NewImage", {}))


def old_image(record: Record) -> dict[str, Any]:
    """The row as it was before the change; empty when it is new."""
    return rows.from_wire(record["dynamodb"].get("OldImage", {}))


def each_record[T](records: Iterable[Record], handle: Callable[[Record], T], reader: str, world: World) -> list[T]:
    """What `handle` says of each record; one it cannot handle is parked on a queue, and the next is taken."""
    results = []
    for record in records:
        try:
            results.append(handle(record))
        except Exception as error:
            log.exception("%s cannot handle a record", reader)
            park(record, reader, f"{type(error).__name__}: {error}", world)
    return results


def park(record: Record, reader: str, reason: str, world: World) -> None:
    """Leaves a record's keys and the reason on the parking queue. Never raises: the minute watch is the net below."""
    keys = record.get("dynamodb", {}).get("Keys", {})
    body = json.dumps({"reader": reader, "event_id": record.get("eventID"), "keys": keys, "reason": reason[:500]})
    world.metrics.count(PARKED, reader=reader)
    try:
        world.queues.send([Queued(world.settings.parking_queue_url, body)])
    except Unavailable:
        log.exception("%s could not park a record", reader)
