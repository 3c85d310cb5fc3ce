"""What must be true when the dust has settled: nothing is lost, nothing doubled, nothing stuck."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from chalicelib.aws.queues import Bell
from chalicelib.intake.chat import adapters
from chalicelib.item.state import WAITING_STATES
from chalicelib.store import keys
from tests.crash.desk import Desk
from tests.crash.setting import Row, Rows, of_kind
from tests.invariants import violations

_LEFT: Final = {"sent", "delivered", "bounced"}
_AT_REST: Final = {"queued", "quarantined", "waiting", "snoozed", "resolved"}

type Shape = list[tuple[object, ...]]


def doubled(desk: Desk, table: Rows) -> list[str]:
    """What must never be, at rest or not, where at most one hand-over was asked for."""
    return [*misdone(desk, table), *_handovers(table)]


def misdone(desk: Desk, table: Rows) -> list[str]:
    """What must never be: a reply handed over twice or not as accepted, an entry whose files are not there."""
    return [*_replies(desk, table), *_files(desk, table)]


def stuck(desk: Desk, table: Rows) -> list[str]:
    """What is wrong in the morning, when all leases and offers have ended: whatever nobody could go on with."""
    done = {"queued", "sending"}
    found = [f"reply {r['outbox_id']} is {r['status']}" for r in of_kind(table, "outbox") if r["status"] in done]
    for item in of_kind(table, "item"):
        found += [f"item {item['item_id']} {what}" for what in _stuck(desk, item)]
    for agent in of_kind(table, "agent"):
        left = {name: agent[name] for name in ("wake_sk", "hands_to", "load_mail", "load_chat") if agent.get(name)}
        found += [f"agent {agent['agent_id']} is left with {left}"] if left else []
    return found + violations(table.values())


def lost(desk: Desk, table: Rows) -> list[str]:
    """I1: what is wrong with the ledger when all has come to rest: each message that is stored stands there."""
    raw = desk.world.settings.raw_bucket
    wanted = [key for bucket, name in sorted(desk.outside.stored) if bucket == raw for key in _ledger(desk, name)]
    return [f"stored and not in the ledger: {key['pk']}" for key in wanted if (key["pk"], key["sk"]) not in table]


def rewritten(before: Rows, after: Rows) -> list[str]:
    """I6: what is wrong with the timelines: an entry that stood there is gone or another."""
    return [
        f"entry {event['event_id']} was {'changed' if key in after else 'taken out'}"
        for key, event in before.items()
        if event["kind"] == "event" and after.get(key) != event
    ]


def _ledger(desk: Desk, name: str) -> Sequence[keys.Key]:
    """The ledger rows of a raw object: one of a mail, of a webhook's body one for each message in it."""
    match name.split("/"):
        case ["mail", ses_id]:
            return [keys.delivery_key("mail", ses_id)]
        case ["chat", installation, _]:
            said = adapters.messages(desk.world.policy.installations[installation], desk.world.raw.read(name))
            return [keys.delivery_key("chat", f"{installation}#{message.delivery}") for message in said]
    return []


def shape(table: Rows) -> Shape:
    """The table without what chance and time decide: two tables of one shape have the same before them."""
    return sorted(((*_told(row, _COMPARED), *sorted(row)) for row in table.values()), key=str)


def outcome(table: Rows) -> Shape:
    """Where everything ended, whichever way it took."""
    return sorted((_told(row, _ENDS) for row in table.values() if row["kind"] in _ENDS), key=str)


def unknown(table: Rows) -> list[str]:
    """What is wrong with the only reply of a desk of which nobody can know whether it left: it must be shown."""
    (reply,), (item,) = of_kind(table, "outbox"), of_kind(table, "item")
    types = Counter(event["type"] for event in of_kind(table, "event"))
    found = [f"the reply is {reply['status']}"] if reply["status"] != "unknown" else []
    found += [f"the item is {item['state']}"] if item["state"] != "queued" else []
    return found + ([f"told of {types}"] if (types["reply-unknown"], types["reply-sent"]) != (1, 0) else [])


def _replies(desk: Desk, table: Rows) -> Iterator[str]:
    """I9: what left us is in the outbox, went out at most once, in the words stored and to whom they were for."""
    outbox = {row["outbox_id"]: row for row in of_kind(table, "outbox")}
    times = Counter(handed.reply_id for handed in desk.outside.handed)
    times += Counter(line["id"] for line in of_kind(table, "shown") if line["by"] == "agent")  # our own widget
    for reply_id, row in outbox.items():
        if times[reply_id] > 1 or (row["status"] in _LEFT and not times[reply_id]):
            yield f"reply {reply_id} is {row['status']}, handed over {times[reply_id]} times"
    for handed in desk.outside.handed:
        if handed.reply_id not in outbox or outbox[handed.reply_id]["to"] != handed.to:
            yield f"reply {handed.reply_id} was nobody's, or for somebody else"
        elif desk.world.raw.read(outbox[handed.reply_id]["raw_key"]) != handed.raw:
            yield f"reply {handed.reply_id} was handed over in other words than those stored"


def _files(desk: Desk, table: Rows) -> Iterator[str]:
    """What an entry says came along is in the bucket, whole."""
    for payload in of_kind(table, "payload"):
        for told in json.loads(payload["payload"]).get("attachments", ()):
            if "key" in told and len(desk.world.raw.read(told["key"])) != told["size"]:
                yield f"the file {told['key']} is not what its entry says"


def _handovers(table: Rows) -> Iterator[str]:
    passed = Counter(event["item_id"] for event in of_kind(table, "event") if event["cause"] == "handover")
    yield from (f"item {item_id} was handed over {times} times" for item_id, times in passed.items() if times > 1)


def _stuck(desk: Desk, item: Row) -> Iterator[str]:
    """I5: in the morning an item is at rest, or waits with a bell that was rung for it."""
    if item["state"] not in _AT_REST or "offered_to" in item:
        yield f"is {item['state']}, offered to {item.get('offered_to')}"
    if item["state"] in WAITING_STATES:
        url = desk.world.settings.work_queue_url(item["queue"], item["lane"])
        bell = Bell(item["item_id"], item["customer_id"], item["ring"]).body()
        if not any((message.url, message.body) == (url, bell) for message in desk.outside.messages):
            yield f"waits at ring {item['ring']} without a bell"


def _told(row: Row, compared: Mapping[str, tuple[str, ...]]) -> tuple[object, ...]:
    return (row["kind"], *(row.get(name) for name in compared.get(row["kind"], ())))


_COMPARED: Final[Mapping[str, tuple[str, ...]]] = {
    "item": (
        "state", "queue", "lane", "ring", "version", "holder", "owner", "offered_to", "pinned_to", "snoozed_until",
        "hand_offs", "been", "reason", "waiting_pk", "holding_pk",
    ),
    "event": ("type", "seq", "version"),
    "outbox": ("status", "channel", "to", "detail"),
    "agent": ("agent_id", "presence", "load_mail", "load_chat", "hands_to"),
    "label": ("topic", "urgency", "by"),
    "mention": ("agent_id", "by"),
    "customer": ("seq", "name"),
}  # fmt: skip
_ENDS: Final[Mapping[str, tuple[str, ...]]] = {
    "item": ("state", "queue", "lane", "holder", "owner", "offered_to", "pinned_to", "snoozed_until"),
    "outbox": ("status", "channel", "to", "detail"),
    "agent": ("agent_id", "load_mail", "load_chat", "hands_to"),
}
