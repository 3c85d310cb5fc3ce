"""Rows of the table <-> what they mean. Reads old shapes, writes the newest (`schema`)."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from chalicelib.item.change import (
    Answered,
    Budget,
    Change,
    Conversation,
    Handled,
    Identity,
    KnownMessage,
    Label,
    Labelled,
    Link,
    Mention,
    ReplyToken,
    Shown,
)
from chalicelib.item.item import (
    SCHEMA,
    AgentId,
    Contact,
    Contacts,
    Customer,
    CustomerId,
    Decided,
    Event,
    EventType,
    Item,
    ItemId,
    Merged,
    Promised,
    Sorting,
    Tagging,
)
from chalicelib.item.offer import AgentNow, Presence
from chalicelib.item.outgoing import Outgoing, Status
from chalicelib.item.state import RESTING_STATES, State
from chalicelib.item.steps import waits
from chalicelib.policy import CHANNELS
from chalicelib.routing.clock import Clock, Course
from chalicelib.routing.route import Lane
from chalicelib.store import keys

Row = dict[str, Any]

#: How a promise of an item that is not done stands, as the board counts it.
BREACHED: Final = "breached"
DUE_SOON: Final = "due-soon"

_TICK: Final = timedelta(microseconds=1)
_CLOCK_TIMES: Final = ("due_at", "warn_at", "paused_at", "warned_at", "breached_at", "ended_at")

#: A budget's row is of no use a day after its newest entry; it is kept for longer, for clocks differ.
BUDGET_KEPT: Final = timedelta(days=2)
#: What a visitor is shown goes by itself when it is so old; the timeline keeps it.
SHOWN_KEPT: Final = timedelta(days=90)
PACE_KEPT: Final = timedelta(hours=1)
#: As long as SQS keeps a notice.
ATTEMPT_KEPT: Final = timedelta(days=14)


def to_wire(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as DynamoDB's API takes it; attributes that are None are left out."""
    return {name: _to_attribute(value) for name, value in row.items() if value is not None}


def from_wire(row: Mapping[str, Any]) -> Row:
    """A row as DynamoDB's API, or its stream, gave it."""
    return {name: _of_attribute(value) for name, value in row.items()}


def new_rows(change: Change, at: datetime) -> Iterator[tuple[str, Row]]:
    """What a change writes that must not be there before, each with the name of what it is."""
    for event in change.events:
        yield "event", event_row(event)
        if event.payload is not None:
            yield "payload", payload_row(event)
    if change.handled:
        yield "delivery", handled_row(change.handled, at)
    if change.message:
        yield "message", message_row(change.message)
    if change.identity:
        yield "identity", identity_row(change.identity)
    if change.answered:
        yield "answer", answered_row(change.answered)
    if change.label:
        yield "label", label_row(change.label)
    for mention in change.mentions:
        yield "mention", mention_row(mention)
    if change.shown:
        yield "shown", shown_row(change.shown)


def item_row(item: Item) -> Row:
    """The item's row, with the index keys of its present state."""
    row: Row = {
        **keys.item_key(item.id), "kind": "item", "schema": SCHEMA,
        "item_id": item.id, "customer_id": item.customer_id, "channel": item.channel, "source": item.source,
        "subject": item.subject[:500], "state": item.state.value, "queue": item.queue, "lane": item.lane.value,
        "reason": item.reason, "ring": item.ring, "version": item.version, "chain": item.chain,
        "language": item.language, "holder": item.holder, "owner": item.owner, "claim_token": item.claim_token,
        "linked_to": item.linked_to,
        "created_at": keys.moment(item.created_at),
        "changed_at": keys.moment(item.changed_at), "waiting_since": keys.moment(item.waiting_since),
        "lease_until": _moment(item.lease_until), "wake_at": _moment(item.wake_at),
        "offered_to": item.offered_to, "offered_until": _moment(item.offered_until),
        "asked": json.dumps(item.asked) if item.asked else None, "pinned_to": item.pinned_to,
        "snoozed_until": _moment(item.snoozed_until), "hand_offs": item.hand_offs or None,
        "been": json.dumps(item.been, ensure_ascii=False) if item.been else None,
        "contact": json.dumps(asdict(item.contact), ensure_ascii=False) if item.contact else None,
        "decided": _decided_json(item.decided), "linked_because": item.linked_because or None,
        "merged": _merged_json(item.merged), "promises": promises_text(item.promises),
        "promise_at": _moment(item.promise_at), "promise_stage": _stage(item),
        "sorting": json.dumps(asdict(item.sorting)) if item.sorting else None,
        "contacts": item.contacts.times if item.contacts else None,
        "contact_at": keys.moment(item.contacts.newest) if item.contacts else None,
        "escalations": item.escalations or None, "admitted": int(item.admitted) or None,
        "given": json.dumps(item.given) if item.given else None,
    }  # fmt: skip
    if item.tags:
        row |= {"tags": json.dumps(asdict(item.tags), ensure_ascii=False), "topic": item.tags.topic,
                "urgency": item.tags.urgency}  # fmt: skip
    return row | _index_keys(item)


def _index_keys(item: Item) -> Row:
    row: Row = {
        "state_pk": keys.state_pk(item.state),
        "state_sk": f"{keys.moment(item.changed_at)}#{item.id}",
    }
    if waits(item):
        row["waiting_pk"] = keys.waiting_pk(item.queue)
        row["waiting_sk"] = f"{keys.moment(item.waiting_since)}#{item.id}"
    if there := _holding_pk(item):
        row["holding_pk"] = there
        row["holding_sk"] = f"{keys.moment(item.changed_at)}#{item.id}"
    return row | wake_attributes(item)


def wake_attributes(item: Item) -> Row:
    """Where an item stands in the wake-up index: by what is due first. A mere net is what its promises do not need."""
    at = item.next_at
    if at is None:
        return {}
    net = waits(item) and item.offered_to is None and at != item.promise_at
    return keys.wake_attributes(item.id, at, net)


def _holding_pk(item: Item) -> str | None:
    """In whose list the item stands: who holds it, has it on offer, or gets it back."""
    if item.holder:
        return keys.holding_pk(item.holder)
    if item.offered_to:
        return keys.offered_pk(item.offered_to)
    return keys.pinned_pk(item.pinned_to) if item.pinned_to and item.state in RESTING_STATES else None


def item_of(row: Mapping[str, Any]) -> Item:
    """The item of a row. Raises `KeyError`, `ValueError` or `TypeError` for a row that is none."""
    if row["kind"] != "item":
        raise ValueError(f"row of kind {row['kind']!r} is no item")
    tags = json.loads(row["tags"]) if row.get("tags") else None
    return Item(
        id=ItemId(row["item_id"]),
        customer_id=CustomerId(row["customer_id"]),
        channel=row["channel"],
        source=row["source"],
        subject=row["subject"],
        state=State(row["state"]),
        queue=row["queue"],
        lane=Lane(row["lane"]),
        reason=row["reason"],
        ring=int(row["ring"]),
        version=int(row["version"]),
        chain=row["chain"],
        tags=Tagging(**{**tags, "evidence": tuple(tags["evidence"])}) if tags else None,
        holder=_agent(row.get("holder")),
        owner=_agent(row.get("owner")),
        claim_token=row.get("claim_token"),
        linked_to=ItemId(row["linked_to"]) if row.get("linked_to") else None,
        created_at=keys.moment_of(row["created_at"]),
        changed_at=keys.moment_of(row["changed_at"]),
        waiting_since=keys.moment_of(row["waiting_since"]),
        lease_until=_time(row.get("lease_until")),
        wake_at=_time(row.get("wake_at")),
        offered_to=_agent(row.get("offered_to")),
        offered_until=_time(row.get("offered_until")),
        asked=tuple(AgentId(a) for a in json.loads(row.get("asked") or "[]")),
        pinned_to=_agent(row.get("pinned_to")),
        snoozed_until=_time(row.get("snoozed_until")),
        hand_offs=int(row.get("hand_offs") or 0),
        been=tuple(json.loads(row.get("been") or "[]")),
        decided=_decided_of(row.get("decided")),
        contact=_contact_of(row.get("contact")),
        linked_because=row.get("linked_because") or "",
        merged=_merged_of(row.get("merged")),
        promises=_promises_of(row.get("promises")),
        sorting=_sorting_of(row.get("sorting")),
        contacts=_contacts_of(row),
        escalations=int(row.get("escalations") or 0),
        admitted=bool(row.get("admitted")),
        given=tuple(json.loads(row.get("given") or "[]")),
    )


def _decided_json(decided: Decided | None) -> str | None:
    if decided is None:
        return None
    said = {"topic": decided.topic, "urgency": decided.urgency, "by": decided.by, "at": keys.moment(decided.at)}
    return json.dumps(said, ensure_ascii=False)


def _decided_of(text: str | None) -> Decided | None:
    if not text:
        return None
    said = json.loads(text)
    at = keys.moment_of(said["at"])
    return Decided(topic=said["topic"], urgency=said["urgency"], by=AgentId(said["by"]), at=at)


def _merged_json(merged: Merged | None) -> str | None:
    if merged is None:
        return None
    return json.dumps({"into": merged.into, "state": merged.state, "snoozed_until": _moment(merged.snoozed_until)})


def _merged_of(text: str | None) -> Merged | None:
    if not text:
        return None
    said = json.loads(text)
    return Merged(ItemId(said["into"]), State(said["state"]), _time(said["snoozed_until"]))


def promises_text(promises: Promised | None) -> str | None:
    """What was promised, as it stands in the row."""
    if promises is None:
        return None
    return json.dumps(
        {
            "name": promises.name, "calendar": promises.calendar, "version": promises.version,
            **{name: _clock_json(clock) for name, clock in promises.clocks.items()},
        },
        ensure_ascii=False,
    )  # fmt: skip


def _clock_json(clock: Clock) -> Row:
    times = {name: _moment(getattr(clock, name)) for name in _CLOCK_TIMES}
    spans = {name: span // _TICK for name in ("warn_before", "left") if (span := getattr(clock, name)) is not None}
    return {name: value for name, value in (times | spans).items() if value is not None}


def _promises_of(text: str | None) -> Promised | None:
    if not text:
        return None
    said = json.loads(text)
    first, resolution = (_clock_of(said[name]) if name in said else None for name in ("first_reply", "resolution"))
    return Promised(said["name"], said["calendar"], said["version"], first, resolution)


def _clock_of(said: Mapping[str, Any]) -> Clock:
    return Clock(
        due_at=keys.moment_of(said["due_at"]).astimezone(UTC), warn_at=keys.moment_of(said["warn_at"]).astimezone(UTC),
        warn_before=said["warn_before"] * _TICK, left=said["left"] * _TICK if "left" in said else None,
        paused_at=_time(said.get("paused_at")), warned_at=_time(said.get("warned_at")),
        breached_at=_time(said.get("breached_at")), ended_at=_time(said.get("ended_at")),
    )  # fmt: skip


def _stage(item: Item) -> str | None:
    """What the board counts of an item that is not done: a promise of it is broken, or will soon be."""
    running = [c for c in item.promises.clocks.values() if not c.ended_at] if item.promises else []
    if item.state == State.RESOLVED:
        return None
    if any(clock.breached_at for clock in running):
        return BREACHED
    return DUE_SOON if any(clock.warned_at and clock.course == Course.RUNNING for clock in running) else None


def _sorting_of(text: str | None) -> Sorting | None:
    if not text:
        return None
    said = json.loads(text)
    return Sorting(**{**said, "said": tuple(said["said"])})


def _contacts_of(row: Mapping[str, Any]) -> Contacts | None:
    newest = _time(row.get("contact_at"))
    return Contacts(times=int(row["contacts"]), newest=newest) if newest else None


def _contact_of(text: str | None) -> Contact | None:
    if not text:
        return None
    said = json.loads(text)
    return Contact(**{**said, "references": tuple(said["references"])})


def event_row(event: Event) -> Row:
    """The envelope: no personal content."""
    row: Row = {
        **keys.event_key(event.customer_id, event.seq), "kind": "event", "schema": SCHEMA,
        "event_id": event.id, "type": event.type.value, "customer_id": event.customer_id, "seq": event.seq,
        "at": keys.moment(event.at), "actor": event.actor, "cause": event.cause, "item_id": event.item_id,
        "version": event.version, "facts": json.dumps(dict(event.facts), ensure_ascii=False),
        "previous": event.previous, "payload_seal": event.payload_seal, "hash": event.hash,
    }  # fmt: skip
    if event.item_id is not None and event.version is not None:
        row |= {"history_pk": keys.history_pk(event.item_id), "history_sk": f"{event.version:012d}"}
    return row


def payload_row(event: Event) -> Row:
    """The personal content of an event."""
    return {
        **keys.payload_key(event.customer_id, event.seq), "kind": "payload", "schema": SCHEMA,
        "payload": json.dumps(event.payload, ensure_ascii=False),
    }  # fmt: skip


def event_of(row: Mapping[str, Any], payload: Mapping[str, Any] | None = None) -> Event:
    """The event of an envelope's row and, where it still exists, its payload's row."""
    return Event(
        id=row["event_id"],
        type=EventType(row["type"]),
        customer_id=CustomerId(row["customer_id"]),
        seq=int(row["seq"]),
        at=keys.moment_of(row["at"]),
        actor=row["actor"],
        cause=row["cause"],
        item_id=ItemId(row["item_id"]) if row.get("item_id") else None,
        version=int(row["version"]) if row.get("version") is not None else None,
        facts=json.loads(row["facts"]),
        previous=row["previous"],
        payload_seal=row["payload_seal"],
        payload=json.loads(payload["payload"]) if payload else None,
    )


def customer_row(customer: Customer) -> Row:
    """The customer's counter, key and name."""
    return {
        **keys.customer_key(customer.id), "kind": "customer", "schema": SCHEMA, "customer_id": customer.id,
        "seq": customer.seq, "key": customer.key, "name": customer.name, "marks": marks_of(customer.marks),
    }  # fmt: skip


def customer_of(row: Mapping[str, Any]) -> Customer:
    """The customer of a row."""
    marks = frozenset(json.loads(row.get("marks") or "[]"))
    return Customer(CustomerId(row["customer_id"]), int(row["seq"]), bytes(row["key"]), row["name"], marks)


def marks_of(marks: Iterable[str]) -> str | None:
    """A customer's marks as his row holds them; None for none."""
    return json.dumps(sorted(marks)) if marks else None


def handled_row(handled: Handled, at: datetime) -> Row:
    """The ledger row of a delivery."""
    return {
        **keys.delivery_key(handled.delivery.channel, handled.delivery.id), "kind": "delivery", "schema": SCHEMA,
        "event_id": handled.event_id, "repeat_of": handled.repeat_of or None, "at": keys.moment(at),
    }  # fmt: skip


def message_row(message: KnownMessage) -> Row:
    """A Message-ID, what its mail says (hashed) and where it went."""
    content = message.content_hash if message.another else ""
    return {
        **keys.message_key(message.mailbox, message.message_id, content), "kind": "message", "schema": SCHEMA,
        "mailbox": message.mailbox, "message_id": message.message_id, "content_hash": message.content_hash,
        "item_id": message.item_id, "event_id": message.event_id, "customer_id": message.customer_id,
        "addressee": message.addressee or None,
    }  # fmt: skip


def message_of(row: Mapping[str, Any]) -> KnownMessage:
    """The known mail of a row."""
    return KnownMessage(
        row["mailbox"], row["message_id"], row["content_hash"],
        ItemId(row["item_id"]) if row.get("item_id") else None, row["event_id"],
        CustomerId(row["customer_id"]) if row.get("customer_id") else None, row.get("addressee", ""),
        another=row["sk"] != "MESSAGE",
    )  # fmt: skip


def conversation_row(conversation: Conversation) -> Row:
    """A chat conversation and its present item."""
    return {
        **keys.conversation_key(conversation.installation, conversation.id), "kind": "conversation",
        "schema": SCHEMA, "item_id": conversation.item_id,
    }  # fmt: skip


def identity_row(identity: Identity) -> Row:
    """An address or visitor id and whose it is."""
    return {
        **keys.identity_key(identity.kind, identity.value), "kind": "identity", "schema": SCHEMA,
        "customer_id": identity.customer_id, "identity_kind": identity.kind, "value": identity.value,
    }  # fmt: skip


def link_row(link: Link) -> Row:
    """What people say of a customer and another."""
    return {
        **keys.link_key(link.customer_id, link.other), "kind": "link", "schema": SCHEMA,
        "customer_id": link.customer_id, "other": link.other, "by": link.by, "at": keys.moment(link.at),
        "why": link.why, "stands": int(link.stands), "revision": link.revision,
    }  # fmt: skip


def link_of(row: Mapping[str, Any]) -> Link:
    """The link of a row."""
    return Link(
        customer_id=CustomerId(row["customer_id"]), other=CustomerId(row["other"]), by=row["by"],
        at=keys.moment_of(row["at"]), why=row["why"], stands=bool(row["stands"]), revision=int(row["revision"]),
    )  # fmt: skip


def answered_row(answered: Answered) -> Row:
    """The answer given under an `Idempotency-Key`; goes by itself at `expires_at` (seconds of the epoch)."""
    return {
        **keys.idempotency_key(answered.agent_id, answered.key), "kind": "idempotency", "schema": SCHEMA,
        "agent_id": answered.agent_id, "key": answered.key, "item_id": answered.item_id,
        "claim_token": answered.claim_token or None, "reply_id": answered.reply_id or None,
        "said": answered.said or None, "expires_at": int(answered.expires_at.timestamp()),
    }  # fmt: skip


def answered_of(row: Mapping[str, Any]) -> Answered:
    """What was answered under the key of a row."""
    return Answered(
        AgentId(row["agent_id"]), row["key"], ItemId(row["item_id"]),
        datetime.fromtimestamp(int(row["expires_at"]), UTC), row.get("claim_token", ""), row.get("reply_id", ""),
        row.get("said", ""),
    )  # fmt: skip


def outbox_row(outgoing: Outgoing) -> Row:
    """A reply on its way out; in the wake-up index as long as something is due to it."""
    row: Row = {
        **keys.outbox_key(outgoing.id), "kind": "outbox", "schema": SCHEMA, "outbox_id": outgoing.id,
        "item_id": outgoing.item_id, "customer_id": outgoing.customer_id, "channel": outgoing.channel,
        "source": outgoing.source, "to": outgoing.to, "raw_key": outgoing.raw_key, "actor": outgoing.actor,
        "event_id": outgoing.event_id, "status": outgoing.status.value, "revision": outgoing.revision,
        "queued_at": keys.moment(outgoing.queued_at), "started_at": _moment(outgoing.started_at),
        "sent_at": _moment(outgoing.sent_at), "provider_id": outgoing.provider_id or None,
        "detail": outgoing.detail or None, "wake_at": _moment(outgoing.wake_at),
        "automatic": 1 if outgoing.automatic else None,
    }  # fmt: skip
    return row | (keys.wake_attributes(outgoing.id, outgoing.wake_at) if outgoing.wake_at else {})


def outgoing_of(row: Mapping[str, Any]) -> Outgoing:
    """The reply of an outbox row."""
    return Outgoing(
        id=row["outbox_id"], item_id=ItemId(row["item_id"]), customer_id=CustomerId(row["customer_id"]),
        channel=row["channel"], source=row["source"], to=row["to"], raw_key=row["raw_key"],
        actor=AgentId(row["actor"]), event_id=row["event_id"], status=Status(row["status"]),
        revision=int(row["revision"]), queued_at=keys.moment_of(row["queued_at"]),
        started_at=_time(row.get("started_at")), sent_at=_time(row.get("sent_at")),
        provider_id=row.get("provider_id", ""), detail=row.get("detail", ""), wake_at=_time(row.get("wake_at")),
        automatic=bool(row.get("automatic")),
    )  # fmt: skip


def token_row(token: ReplyToken) -> Row:
    """A token of a Reply-To."""
    return {
        **keys.token_key(token.token), "kind": "token", "schema": SCHEMA, "token": token.token,
        "item_id": token.item_id, "customer_id": token.customer_id, "mailbox": token.mailbox,
    }  # fmt: skip


def token_of(row: Mapping[str, Any]) -> ReplyToken:
    """The token of a row."""
    return ReplyToken(row["token"], ItemId(row["item_id"]), CustomerId(row["customer_id"]), row["mailbox"])


def budget_row(budget: Budget) -> Row:
    """When the desk wrote to an account by itself; goes by itself when all of that is long ago."""
    return {
        **keys.budget_key(budget.account), "kind": "budget", "schema": SCHEMA, "account": budget.account,
        "written_at": json.dumps([keys.moment(at) for at in budget.written_at]), "revision": budget.revision,
        "expires_at": int((max(budget.written_at) + BUDGET_KEPT).timestamp()),
    }  # fmt: skip


def budget_of(account: str, row: Mapping[str, Any]) -> Budget:
    """The budget of an account by its row, which may be empty when the desk never wrote to it by itself."""
    written = tuple(keys.moment_of(at) for at in json.loads(row.get("written_at") or "[]"))
    return Budget(account, written, int(row.get("revision") or 0))


def label_row(label: Label) -> Row:
    """A decision of people, beside what the model had said."""
    said = label.said
    return {
        **keys.label_key(label.item_id, label.version), "kind": "label", "schema": SCHEMA, "item_id": label.item_id,
        "version": label.version, "event_id": label.event_id, "at": keys.moment(label.at), "by": label.by,
        "topic": label.topic, "urgency": label.urgency, "model": said.model if said else None,
        "topic_was": said.topic if said else None, "urgency_was": said.model_urgency if said else None,
        "history_pk": keys.labelled_pk(keys.moment(label.at)[:7]),
        "history_sk": f"{keys.moment(label.at)}#{label.item_id}",
    }  # fmt: skip


def labelled_of(row: Mapping[str, Any]) -> Labelled:
    """The decision of a label's row."""
    return Labelled(
        item_id=ItemId(row["item_id"]), version=int(row["version"]), at=keys.moment_of(row["at"]),
        by=AgentId(row["by"]), topic=row.get("topic"), urgency=row.get("urgency"), model=row.get("model", ""),
    )  # fmt: skip


def mention_row(mention: Mention) -> Row:
    """A note in the list of an agent it names."""
    return {
        **keys.mention_key(mention.agent_id, mention.at, mention.customer_id, mention.seq), "kind": "mention",
        "schema": SCHEMA, "agent_id": mention.agent_id, "item_id": mention.item_id,
        "customer_id": mention.customer_id, "seq": mention.seq, "at": keys.moment(mention.at), "by": mention.by,
    }  # fmt: skip


def mention_of(row: Mapping[str, Any]) -> Mention:
    """The mention of a row."""
    return Mention(
        AgentId(row["agent_id"]), ItemId(row["item_id"]), CustomerId(row["customer_id"]), int(row["seq"]),
        keys.moment_of(row["at"]), row["by"],
    )  # fmt: skip


def shown_row(shown: Shown) -> Row:
    """A line of a conversation in our own widget; goes by itself at `expires_at` (seconds of the epoch)."""
    return {
        **keys.shown_key(shown.installation, shown.conversation, shown.seq), "kind": "shown", "schema": SCHEMA,
        "installation": shown.installation, "conversation": shown.conversation, "seq": shown.seq, "id": shown.id,
        "by": shown.by, "text": shown.text, "at": keys.moment(shown.at),
        "expires_at": int((shown.at + SHOWN_KEPT).timestamp()),
    }  # fmt: skip


def shown_of(row: Mapping[str, Any]) -> Shown:
    """The line of a row."""
    return Shown(
        installation=row["installation"], conversation=row["conversation"], seq=int(row["seq"]), id=row["id"],
        by=row["by"], text=row["text"], at=keys.moment_of(row["at"]),
    )  # fmt: skip


def attempt_row(channel: str, delivery_id: str, number: int, at: datetime) -> Row:
    """That a delivery is being tried for the `number`-th time; 0 for no time: the last try ended in good order."""
    return {
        **keys.attempt_key(channel, delivery_id), "kind": "attempt", "tried": number,
        "expires_at": int((at + ATTEMPT_KEPT).timestamp()),
    }  # fmt: skip


def pace_row(at: datetime) -> Row:
    """What stands beside the count of a minute."""
    return {"kind": "pace", "expires_at": int((at + PACE_KEPT).timestamp())}


def agent_of(agent_id: str, row: Mapping[str, Any]) -> AgentNow:
    """An agent by his row, which may be empty when he was never seen."""
    presence: Presence = row.get("presence", "unknown")
    held = {channel: int(row.get(f"load_{channel}", 0)) for channel in CHANNELS}
    return AgentNow(AgentId(agent_id), presence, held, row.get("hands_to"))


def _moment(at: datetime | None) -> str | None:
    return keys.moment(at) if at else None


def _time(text: str | None) -> datetime | None:
    return keys.moment_of(text).astimezone(UTC) if text else None


def _agent(text: str | None) -> AgentId | None:
    return AgentId(text) if text else None


def _to_attribute(value: object) -> dict[str, Any]:
    """Our rows hold texts, whole numbers and bytes, nothing else."""
    match value:
        case str():
            return {"S": value}
        case int() if not isinstance(value, bool):
            return {"N": str(value)}
        case bytes():
            return {"B": value}
    raise TypeError(f"a row holds no {type(value).__name__}")


def _of_attribute(attribute: Mapping[str, Any]) -> str | int | bytes:
    match attribute:
        case {"S": str(text)}:
            return text
        case {"N": str(number)}:
            return int(number)
        case {"B": bytes(binary)}:
            return binary
        case {"B": str(coded)}:  # as an event of the stream spells it
            return base64.b64decode(coded)
    raise ValueError(f"an attribute of type {', '.join(attribute)} is none of ours")
