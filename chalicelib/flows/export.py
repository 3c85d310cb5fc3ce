"""Stream reader: envelopes into the event lake, outbox ids to the sender's queue."""

import json
import logging
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from chalicelib.aws.queues import Queued
from chalicelib.errors import Unavailable
from chalicelib.flows.stream import Record, each_record, new_image, park
from chalicelib.settings import Settings
from chalicelib.world import World

log = logging.getLogger("sortownia")

_ENVELOPE: Final = (
    "schema", "event_id", "type", "customer_id", "seq", "at", "actor", "cause", "item_id", "version", "previous",
    "payload_seal", "hash",
)  # fmt: skip


def export(records: Iterable[Record], world: World) -> int:
    """Writes a batch's envelopes, one object a day, and passes outbox ids on; returns how many. Never raises."""
    told = list(records)
    read = each_record(told, lambda record: (record, new_image(record)), "export", world)
    events = [(record, row) for record, row in read if row.get("kind") == "event"]
    outbox = [(record, row) for record, row in read if row.get("kind") == "outbox"]
    return _into_lake(events, world) + _to_sender(outbox, world)


def to_send(outbox_id: str, settings: Settings) -> Queued:
    """What the sender is told of a reply in the outbox."""
    return Queued(settings.send_queue_url, json.dumps({"outbox_id": outbox_id}))


def _into_lake(events: list[tuple[Record, dict[str, Any]]], world: World) -> int:
    by_day = defaultdict(list)
    for day, record, envelope in each_record(
        [{"dynamodb": record["dynamodb"], "row": row, "eventID": record.get("eventID")} for record, row in events],
        lambda held: (held["row"]["at"][:10], held, _envelope(held["row"])),
        "export",
        world,
    ):
        by_day[day].append((record, envelope))
    written = 0
    for day, entries in by_day.items():
        first = str(entries[0][0]["dynamodb"]["SequenceNumber"])
        try:
            world.lake.append(day, f"{first}-{len(entries)}", [envelope for _, envelope in entries])
            written += len(entries)
        except Unavailable:
            log.exception("export could not write to the lake")
            for record, _ in entries:
                park(record, "export", "lake unavailable", world)
    return written


def _envelope(row: dict[str, Any]) -> dict[str, Any]:
    envelope = {name: row.get(name) for name in _ENVELOPE}
    for number in ("schema", "seq", "version"):
        envelope[number] = int(row[number]) if row.get(number) is not None else None
    return {**envelope, "facts": json.loads(row["facts"])}


def _to_sender(outbox: list[tuple[Record, dict[str, Any]]], world: World) -> int:
    messages = {id(record): to_send(row["pk"].removeprefix("OUTBOX#"), world.settings) for record, row in outbox}
    try:
        failed = {id(message) for message in world.queues.send(messages.values())}
    except Unavailable:
        log.exception("export could not reach the sender's queue")
        failed = {id(message) for message in messages.values()}
    for record, _ in outbox:
        if id(messages[id(record)]) in failed:
            park(record, "export", "sender's queue unavailable", world)
    return len(messages) - len(failed)
