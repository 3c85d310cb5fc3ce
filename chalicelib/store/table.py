"""Every read and write of the table: one function, one access pattern (docs/table.md)."""

import base64
import binascii
import json
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, groupby, repeat
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import AtCapacity, Invalid, LostRace, PerhapsDone, Unavailable, Unknown
from chalicelib.item.change import (
    Answered,
    Budget,
    Change,
    Conversation,
    Delivery,
    Labelled,
    Link,
    Load,
    Mention,
    Moved,
    Must,
    Shown,
)
from chalicelib.item.item import Customer, CustomerId, Event, Item, ItemId
from chalicelib.item.offer import AgentNow
from chalicelib.item.outgoing import Outgoing
from chalicelib.store import keys, rows

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Row = dict[str, Any]
Index = Literal["waiting", "holding", "state", "wake", "history"]

#: Codes that say "try again": the rows were locked, or the table was too busy.
_RACED: Final = frozenset({"ConditionalCheckFailed", "TransactionConflict"})
#: From this HTTP status on DynamoDB failed by itself, and may have written what it was asked to.
_ITS_FAULT: Final = 500
_BATCH_GET_LIMIT: Final = 100
#: Entries of the waiting index asked for at once: the first is mostly taken, but a thousand may be for others.
_WAITING_PAGES: Final = (25, 1000)
#: The watch looks after an agent who was set away when the index has long shown all that he carried.
LOOKED_AFTER: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Page[T]:
    """Part of a list; `next` is the cursor of the following part, None at the end."""

    entries: tuple[T, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """An item as the waiting index shows it: late by moments, so never decided from."""

    item_id: str
    customer_id: str
    channel: str
    lane: str
    language: str
    since: datetime
    promise: str = ""


class Due(NamedTuple):
    """A row whose time has come: `kind` is ITEM, OUTBOX or AGENT."""

    kind: str
    id: str


class Table:
    """The single table. Reads that decide something are consistent; writes are one transaction each.

    Raises `LostRace` when another writer was first, `Unavailable` when DynamoDB is away: `PerhapsDone` where it did not
    say whether it had written a change.
    """

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client, self._name = client, name

    # Reading

    def rows(self, wanted: Sequence[keys.Key]) -> dict[tuple[str, str], Row]:
        """The rows of these keys that exist, read consistently in one call (two beyond a hundred)."""
        found: dict[tuple[str, str], Row] = {}
        unique = list({(k["pk"], k["sk"]): k for k in wanted}.values())
        for start in range(0, len(unique), _BATCH_GET_LIMIT):
            for row in self._batch_get(unique[start : start + _BATCH_GET_LIMIT]):
                found[row["pk"], row["sk"]] = row
        return found

    def item(self, item_id: str) -> Item:
        """The item as it is now. Raises `Unknown`."""
        row = self.rows([keys.item_key(item_id)]).get(_pair(keys.item_key(item_id)))
        if row is None:
            raise Unknown(f"there is no item {item_id}")
        return rows.item_of(row)

    def item_and_customer(self, item_id: str, customer_id: str) -> tuple[Item | None, Customer | None]:
        """An item and the customer it should belong to, as they are now, in one call."""
        item_key, customer_key = keys.item_key(item_id), keys.customer_key(customer_id)
        found = self.rows([item_key, customer_key])
        item, customer = found.get(_pair(item_key)), found.get(_pair(customer_key))
        return (rows.item_of(item) if item else None), (rows.customer_of(customer) if customer else None)

    def items_and_customers(
        self, item_ids: Collection[ItemId], customer_ids: Collection[CustomerId]
    ) -> tuple[dict[ItemId, Item], dict[CustomerId, Customer]]:
        """Those of these items and customers that exist, as they are now, in one call; none for nothing."""
        wanted = [*map(keys.item_key, item_ids), *map(keys.customer_key, customer_ids)]
        found = self.rows(wanted).values()
        items = [rows.item_of(row) for row in found if row["kind"] == "item"]
        customers = [rows.customer_of(row) for row in found if row["kind"] == "customer"]
        return {item.id: item for item in items}, {customer.id: customer for customer in customers}

    def customer(self, customer_id: str) -> Customer:
        """The customer as he is now. Raises `Unknown`."""
        row = self.rows([keys.customer_key(customer_id)]).get(_pair(keys.customer_key(customer_id)))
        if row is None:
            raise Unknown(f"there is no customer {customer_id}")
        return rows.customer_of(row)

    def links(self, customer_id: str) -> list[Link]:
        """Whom people say to be the same person as a customer, and whom they once said to be, read consistently."""
        query: Row = {
            "KeyConditionExpression": "#pk = :pk AND begins_with(#sk, :link)",
            "ExpressionAttributeNames": {"#pk": "pk", "#sk": "sk"},
            "ConsistentRead": True,
        }
        values = {":pk": keys.customer_key(customer_id)["pk"], ":link": "LINK#"}
        return [rows.link_of(row) for page in self._pages(None, query, values) for row in page]

    def waiting(self, queue: str, agent_id: str, now: datetime, besides: Collection[str] = ()) -> Iterator[Waiting]:
        """All that waits in a queue, oldest first, page by page; but for what is in one of these languages, or is
        offered to another agent for the moment."""
        free = "attribute_not_exists(#offered_to) OR #offered_to = :agent OR #offered_until <= :now"
        query: Row = {
            "KeyConditionExpression": "#pk = :pk",
            "FilterExpression": f"({free})",
            "ExpressionAttributeNames": {
                "#pk": "waiting_pk", "#offered_to": "offered_to", "#offered_until": "offered_until",
            },
        }  # fmt: skip
        values: Row = {":pk": keys.waiting_pk(queue), ":agent": agent_id, ":now": keys.moment(now)}
        if besides:
            names = {f":l{n}": language for n, language in enumerate(sorted(besides))}
            query["FilterExpression"] += f" AND NOT #language IN ({', '.join(names)})"
            query["ExpressionAttributeNames"]["#language"] = "language"
            values |= names
        for page in self._pages("waiting", query, values, _WAITING_PAGES):
            yield from (_waiting_of(row) for row in page)

    def count_waiting(self, queue: str) -> tuple[list[Waiting], bool]:
        """What waits in a queue, oldest first, and whether that is all: one page of the index."""
        query = {"KeyConditionExpression": "#pk = :pk", "ExpressionAttributeNames": {"#pk": "waiting_pk"}}
        found, more = self._query("waiting", query, {":pk": keys.waiting_pk(queue)})
        return [_waiting_of(row) for row in found], more is None

    def listed(
        self,
        index: Literal["waiting", "holding", "state"],
        pk: str,
        limit: int,
        cursor: str | None,
        newest: bool = False,
    ) -> Page[Row]:
        """One page of an index, as rows. Raises `Invalid` for a cursor that is none of ours."""
        query: Row = {
            "KeyConditionExpression": "#pk = :pk",
            "ExpressionAttributeNames": {"#pk": f"{index}_pk"},
            "Limit": limit,
            "ScanIndexForward": not newest,
        }
        if cursor:
            query["ExclusiveStartKey"] = _start_of(cursor, f"{index}_pk", pk)
        found, more = self._query(index, query, {":pk": pk})
        return Page(tuple(found), _cursor_of(more))

    def carried(self, agent_id: str) -> list[str]:
        """Ids of all that an agent holds or is offered."""
        return [*self._in_hands(keys.holding_pk(agent_id)), *self._in_hands(keys.offered_pk(agent_id))]

    def pinned(self, agent_id: str) -> list[str]:
        """Ids of all that rests and comes back to an agent."""
        return self._in_hands(keys.pinned_pk(agent_id))

    def timeline(self, customer_id: str, limit: int, cursor: str | None, newest: bool) -> Page[Event]:
        """One page of a customer's events, in the order they happened or newest first; one call.

        `limit` counts events; each may have a payload's row behind it.
        """
        query: Row = {
            "KeyConditionExpression": "#pk = :pk AND begins_with(#sk, :event)",
            "ExpressionAttributeNames": {"#pk": "pk", "#sk": "sk"},
            "Limit": 2 * limit,
            "ScanIndexForward": not newest,
        }
        pk = keys.customer_key(customer_id)["pk"]
        if cursor:
            query["ExclusiveStartKey"] = _start_of(cursor, "pk", pk)
        values = {":pk": pk, ":event": "EVENT#"}
        found, more = self._query(None, query, values)
        entries = [list(group) for _, group in groupby(found, key=lambda row: row["sk"].removesuffix("#PAYLOAD"))]
        if len(entries) > limit:
            entries = entries[:limit]
        elif more is not None and len(found) < 2 * limit and len(entries) > 1:
            entries.pop()  # cut by size, perhaps between event and payload: the next page shows it whole
        if more is not None or len(found) > sum(map(len, entries)):
            last = entries[-1][-1]
            more = rows.to_wire({"pk": last["pk"], "sk": last["sk"]})
        return Page(tuple(_event_of(entry) for entry in entries), _cursor_of(more))

    def event(self, customer_id: str, seq: int) -> Event:
        """One entry of a customer's timeline, and what was said. Raises `Unknown`."""
        event, payload = keys.event_key(customer_id, seq), keys.payload_key(customer_id, seq)
        found = self.rows([event, payload])
        if _pair(event) not in found:
            raise Unknown(f"customer {customer_id} has no entry {seq}")
        return _event_of(list(found.values()))

    def history(self, item_id: str) -> list[Event]:
        """The events of one item, oldest first, without payloads."""
        query = {"KeyConditionExpression": "#pk = :pk", "ExpressionAttributeNames": {"#pk": "history_pk"}}
        pages = self._pages("history", query, {":pk": keys.history_pk(item_id)})
        return [rows.event_of(row) for page in pages for row in page]

    def labelled(self, month: str) -> Iterator[Labelled]:
        """What people decided about items in a month (`2026-01`, UTC), oldest first, page by page."""
        query = {"KeyConditionExpression": "#pk = :pk", "ExpressionAttributeNames": {"#pk": "history_pk"}}
        for page in self._pages("history", query, {":pk": keys.labelled_pk(month)}):
            yield from map(rows.labelled_of, page)

    def due(self, shard: int, now: datetime, limit: int, nets: bool = False) -> list[Due]:
        """What is due in one part of the wake-up index, earliest first: what was promised, or what is a mere net."""
        query: Row = {
            "KeyConditionExpression": "#pk = :pk AND #sk BETWEEN :from AND :now",
            "ExpressionAttributeNames": {"#pk": "wake_pk", "#sk": "wake_sk"},
            "Limit": limit,
        }
        kind = keys.NET if nets else ""
        values = {":pk": keys.wake_pk(shard), ":from": f"{kind}0", ":now": f"{kind}{keys.moment(now)}~"}
        found, _ = self._query("wake", query, values)
        return [Due(*row["pk"].split("#", 1)) for row in found]

    def waking(self, shard: int) -> Iterator[keys.Key]:
        """Keys of every row in one part of the wake-up index, due or not, earliest first, page by page."""
        query: Row = {"KeyConditionExpression": "#pk = :pk", "ExpressionAttributeNames": {"#pk": "wake_pk"}}
        for page in self._pages("wake", query, {":pk": keys.wake_pk(shard)}, repeat(_BATCH_GET_LIMIT)):
            yield from ({"pk": row["pk"], "sk": row["sk"]} for row in page)

    def answered(self, agent_id: str, key: str) -> Answered | None:
        """What was already answered under an `Idempotency-Key`, or None."""
        wanted = keys.idempotency_key(agent_id, key)
        row = self.rows([wanted]).get(_pair(wanted))
        return rows.answered_of(row) if row else None

    def agents(self, agent_ids: Collection[str]) -> dict[str, AgentNow]:
        """Presence and load of these agents as they are now; `unknown` who was never seen. No call for none."""
        wanted = {agent_id: keys.agent_key(agent_id) for agent_id in agent_ids}
        found = self.rows(list(wanted.values())) if wanted else {}
        return {agent_id: rows.agent_of(agent_id, found.get(_pair(key), {})) for agent_id, key in wanted.items()}

    def outgoing(self, reply_id: str) -> Outgoing:
        """A reply as it stands in the outbox. Raises `Unknown`."""
        row = self.rows([keys.outbox_key(reply_id)]).get(_pair(keys.outbox_key(reply_id)))
        if row is None:
            raise Unknown(f"there is no reply {reply_id}")
        return rows.outgoing_of(row)

    def mentions(self, agent_id: str, limit: int, cursor: str | None) -> Page[Mention]:
        """One page of the notes that name an agent, newest first."""
        pk = keys.agent_key(agent_id)["pk"]
        query: Row = {
            "KeyConditionExpression": "#pk = :pk AND begins_with(#sk, :mention)",
            "ExpressionAttributeNames": {"#pk": "pk", "#sk": "sk"},
            "Limit": limit,
            "ScanIndexForward": False,
        }
        if cursor:
            query["ExclusiveStartKey"] = _start_of(cursor, "pk", pk)
        found, more = self._query(None, query, {":pk": pk, ":mention": "MENTION#"})
        return Page(tuple(rows.mention_of(row) for row in found), _cursor_of(more))

    def shown(self, installation: str, conversation_id: str, after: int, limit: int) -> list[Shown]:
        """What the visitor of our own widget is shown after a number, oldest first; consistent."""
        seen = keys.shown_key(installation, conversation_id, after)
        return [rows.shown_of(row) for row in self._shown(seen, limit, newest=False)]

    def shown_last(self, installation: str, conversation_id: str) -> int:
        """The number of the newest line of a conversation in our own widget, 0 where there is none; consistent."""
        found = self._shown(keys.shown_key(installation, conversation_id, 0), 1, newest=True)
        return rows.shown_of(found[0]).seq if found else 0

    # Writing

    def save(self, change: Change, at: datetime) -> None:
        """Writes one decision whole, or raises `LostRace` or `AtCapacity` and writes nothing."""
        actions = list(self._actions(change, at))
        try:
            self._client.transact_write_items(TransactItems=[action for _, action in actions])
        except self._client.exceptions.TransactionCanceledException as error:
            reasons = [reason.get("Code", "None") for reason in error.response["CancellationReasons"]]
            raise _cancelled([what for what, _ in actions], reasons) from error
        except (ClientError, BotoCoreError) as error:
            if _is_refusal(error):
                raise _translated(error) from error
            if not self._stands(change):
                raise PerhapsDone("DynamoDB did not say whether the change was written") from error

    def prolong(self, item: Item, token: str, lease_until: datetime) -> None:
        """Moves a lease on and nothing else. Raises `LostRace` unless holder, claim token and promises still match."""
        later = replace(item, lease_until=lease_until, wake_at=lease_until)
        promises = rows.promises_text(item.promises)
        self._update(
            keys.item_key(item.id),
            "SET lease_until = :until, wake_at = :until, wake_sk = :sk",
            "holder = :holder AND claim_token = :token AND "
            + ("promises = :promises" if promises else "attribute_not_exists(promises)"),
            {":until": keys.moment(lease_until), ":sk": rows.wake_attributes(later)["wake_sk"],
             ":holder": item.holder or "", ":token": token, ":promises": promises},
        )  # fmt: skip

    def postpone_wake(self, item: Item, wake_at: datetime) -> None:
        """Moves the next look at an item on and nothing else. Raises `LostRace` when the item has moved."""
        self._update(
            keys.item_key(item.id),
            "SET wake_at = :at, wake_sk = :sk",
            "version = :version",
            {
                ":at": keys.moment(wake_at),
                ":sk": rows.wake_attributes(replace(item, wake_at=wake_at))["wake_sk"],
                ":version": item.version,
            },
        )

    def set_presence(self, agent_id: str, presence: str, at: datetime, hands_to: str | None = None) -> None:
        """Notes that an agent is `present` or `away`, and to whom his matters go from now on.

        Who is away stays in the wake-up index until he has nothing left.
        """
        sets = "SET presence = :presence, seen_at = :at, kind = :kind, agent_id = :agent"
        values = {":presence": presence, ":at": keys.moment(at), ":kind": "agent", ":agent": agent_id}
        removes = ["hands_to"] if hands_to is None else []
        if hands_to is not None:
            sets, values = f"{sets}, hands_to = :to", values | {":to": hands_to}
        if presence == "away":
            sets, values = f"{sets}, {_WAKES}", values | _waking(agent_id, at + LOOKED_AFTER)
        else:
            removes += ["wake_pk", "wake_sk"]
        update = f"{sets} REMOVE {', '.join(removes)}" if removes else sets
        self._update(keys.agent_key(agent_id), update, None, values)

    def settled(self, agent_id: str, now: datetime) -> None:
        """Takes an agent who is away and has nothing left out of the wake-up index. Raises `LostRace` if he was set
        away anew meanwhile."""
        update = "REMOVE wake_pk, wake_sk, hands_to"
        self._update(keys.agent_key(agent_id), update, "wake_sk <= :now", {":now": f"{keys.moment(now)}~"})

    def count_message(self, installation: str, conversation_id: str, at: datetime, most: int) -> None:
        """Counts a message of a conversation in its minute. Raises `LostRace` when that had `most` already."""
        beside = rows.pace_row(at)
        self._update(
            keys.pace_key(installation, conversation_id, at),
            "SET kind = :kind, expires_at = :expires_at ADD messages :one",
            "attribute_not_exists(messages) OR messages < :most",
            {":one": 1, ":most": most, **{f":{name}": value for name, value in beside.items()}},
        )

    def try_again(self, delivery: Delivery, number: int, at: datetime) -> bool:
        """Notes that a delivery is being tried for the `number`-th time; noting it again changes nothing.

        False where an earlier try is noted, which therefore came to no end: then that note stands.
        """
        condition = "attribute_not_exists(pk) OR tried IN (:given_up, :number)"
        try:
            self._put_attempt(delivery, number, at, ConditionExpression=condition,
                              ExpressionAttributeValues=rows.to_wire({":given_up": 0, ":number": number}))  # fmt: skip
        except LostRace:
            return False
        return True

    def give_up(self, delivery: Delivery, at: datetime) -> None:
        """Takes the note of a try back: it ended in good order, without handling the delivery."""
        self._put_attempt(delivery, 0, at)

    # How a change is spelt

    def _actions(self, change: Change, at: datetime) -> Iterator[tuple[str, Any]]:
        for customer, events in counted(change):
            yield "customer", self._counted(customer, events, change.marks)
        for part in change.parts:
            yield from self._part_actions(part, at)

    def _part_actions(self, change: Change, at: datetime) -> Iterator[tuple[str, Any]]:
        if change.after:
            yield "item", self._item_put(change.before, change.after)
        for what, row in rows.new_rows(change, at):
            yield what, self._put_new(row)
        if change.conversation:
            yield "conversation", self._conversation_put(change.conversation)
        if change.token:
            yield "token", {"Put": {"TableName": self._name, "Item": rows.to_wire(rows.token_row(change.token))}}
        if change.reply:
            yield "reply", self._outbox_put(change.reply_before, change.reply)
        if change.budget:
            yield "budget", self._budget_put(change.budget)
        for moved in change.moved:
            yield "message", self._message_update(moved)
        if change.link:
            yield "link", self._link_put(change.link)
        for load in change.loads:
            yield "load", self._load_update(load)

    def _counted(self, customer: Customer, events: int, marks: frozenset[str] | None) -> Row:
        if customer.seq == 0:
            return self._put_new({**rows.customer_row(customer), "seq": events})
        values: Row = {":next": customer.seq + events, ":seen": customer.seq}
        update = "SET seq = :next"
        if marks is not None:
            update = f"{update}, marks = :marks" if marks else f"{update} REMOVE marks"
            values |= {":marks": rows.marks_of(marks)} if marks else {}
        return {"Update": {
            "TableName": self._name,
            "Key": rows.to_wire(keys.customer_key(customer.id)),
            "UpdateExpression": update,
            "ConditionExpression": "seq = :seen",
            "ExpressionAttributeValues": rows.to_wire(values),
        }}  # fmt: skip

    def _item_put(self, before: Item | None, after: Item) -> Row:
        row = rows.item_row(after)
        if before is None:
            return self._put_new(row)
        put: Row = {
            "TableName": self._name,
            "Item": rows.to_wire(row),
            "ConditionExpression": "version = :version",
            "ExpressionAttributeValues": rows.to_wire({":version": before.version}),
        }
        if before.lease_until:
            # A heartbeat raises no version: without this a write based on an older lease would shorten it.
            put["ConditionExpression"] += " AND lease_until = :lease"
            put["ExpressionAttributeValues"] |= rows.to_wire({":lease": keys.moment(before.lease_until)})
        return {"Put": put}

    def _put_new(self, row: Mapping[str, Any]) -> Row:
        return {"Put": {
            "TableName": self._name,
            "Item": rows.to_wire(row),
            "ConditionExpression": "attribute_not_exists(pk)",
        }}  # fmt: skip

    def _conversation_put(self, conversation: Conversation) -> Row:
        row = rows.conversation_row(conversation)
        if conversation.previous is None:
            return self._put_new(row)
        return {"Put": {
            "TableName": self._name,
            "Item": rows.to_wire(row),
            "ConditionExpression": "item_id = :previous",
            "ExpressionAttributeValues": rows.to_wire({":previous": conversation.previous}),
        }}  # fmt: skip

    def _outbox_put(self, before: Outgoing | None, after: Outgoing) -> Row:
        row = rows.outbox_row(after)
        if before is None:
            return self._put_new(row)
        return {"Put": {
            "TableName": self._name,
            "Item": rows.to_wire(row),
            "ConditionExpression": "revision = :revision",
            "ExpressionAttributeValues": rows.to_wire({":revision": before.revision}),
        }}  # fmt: skip

    def _budget_put(self, budget: Budget) -> Row:
        row = rows.budget_row(budget)
        if budget.revision == 1:
            return self._put_new(row)
        return {"Put": {
            "TableName": self._name,
            "Item": rows.to_wire(row),
            "ConditionExpression": "revision = :seen",
            "ExpressionAttributeValues": rows.to_wire({":seen": budget.revision - 1}),
        }}  # fmt: skip

    def _message_update(self, moved: Moved) -> Row:
        return {"Update": {
            "TableName": self._name,
            "Key": rows.to_wire(keys.message_key(moved.message.mailbox, moved.message.message_id)),
            "UpdateExpression": "SET item_id = :now",
            "ConditionExpression": "item_id = :was",
            "ExpressionAttributeValues": rows.to_wire({":now": moved.item_id, ":was": moved.message.item_id}),
        }}  # fmt: skip

    def _link_put(self, link: Link) -> Row:
        if link.revision == 1:
            return self._put_new(rows.link_row(link))
        return {"Put": {
            "TableName": self._name,
            "Item": rows.to_wire(rows.link_row(link)),
            "ConditionExpression": "revision = :was",
            "ExpressionAttributeValues": rows.to_wire({":was": link.revision - 1}),
        }}  # fmt: skip

    def _load_update(self, load: Load) -> Row:
        names = {"#load": f"load_{load.channel}", "#kind": "kind"}
        values: Row = {":by": load.by, ":agent": "agent", ":id": load.agent_id}
        sets, conditions = ["#kind = :agent", "agent_id = :id"], []
        if load.limit is not None:
            # Who was never seen carries nothing: that is room, unless the desk gives him none at all.
            conditions.append("(attribute_not_exists(#load) OR #load < :limit)" if load.limit > 0 else "#load < :limit")
            values[":limit"] = load.limit
        if load.must == Must.PRESENT:
            conditions.append("presence = :present")
            values[":present"] = "present"
        if load.must == Must.NOT_AWAY:
            conditions.append("(attribute_not_exists(presence) OR presence <> :away)")
            sets.append("presence = if_not_exists(presence, :present)")
            values |= {":away": "away", ":present": "present"}
        if load.silent_since:
            sets += ["presence = :away", "seen_at = :at", _WAKES]
            values |= {":away": "away", ":at": keys.moment(load.silent_since)}
            values |= _waking(load.agent_id, load.silent_since + LOOKED_AFTER)
        update: Row = {
            "TableName": self._name,
            "Key": rows.to_wire(keys.agent_key(load.agent_id)),
            "UpdateExpression": f"SET {', '.join(sets)} ADD #load :by",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": rows.to_wire(values),
        }
        if conditions:
            update["ConditionExpression"] = " AND ".join(conditions)
        return {"Update": update}

    # Calls

    def _stands(self, change: Change) -> bool:
        """Whether a change of which nobody said so was written, by its first entry in a timeline."""
        for event in change.events[:1]:
            with suppress(Unavailable, Unknown):
                return self.event(event.customer_id, event.seq).id == event.id
        return False

    def _batch_get(self, wanted: Sequence[keys.Key]) -> Iterator[Row]:
        request: Any = {self._name: {"Keys": [rows.to_wire(key) for key in wanted], "ConsistentRead": True}}
        for attempt in range(5):
            try:
                answer = self._client.batch_get_item(RequestItems=request)
            except (ClientError, BotoCoreError) as error:
                raise _translated(error) from error
            yield from (rows.from_wire(row) for row in answer["Responses"].get(self._name, []))
            request = answer.get("UnprocessedKeys")
            if not request:
                return
            time.sleep(0.05 * 2**attempt)
        raise Unavailable("DynamoDB left keys unread")

    def _query(self, index: Index | None, query: Mapping[str, Any], values: Row) -> tuple[list[Row], Row | None]:
        request: Any = {**query, "ExpressionAttributeValues": rows.to_wire(values), "TableName": self._name}
        if index:
            request["IndexName"] = index
        try:
            answer = self._client.query(**request)
        except ClientError as error:
            if "ExclusiveStartKey" in request and error.response["Error"]["Code"] == "ValidationException":
                raise Invalid("cursor", "is not one that this list gave") from error
            raise _translated(error) from error
        except BotoCoreError as error:
            raise _translated(error) from error
        return [rows.from_wire(row) for row in answer["Items"]], answer.get("LastEvaluatedKey")

    def _shown(self, seen: keys.Key, limit: int, *, newest: bool) -> list[Row]:
        query: Row = {
            "KeyConditionExpression": "#pk = :pk AND #sk > :seen",
            "ExpressionAttributeNames": {"#pk": "pk", "#sk": "sk"},
            "Limit": limit,
            "ScanIndexForward": not newest,
            "ConsistentRead": True,
        }
        return self._query(None, query, {":pk": seen["pk"], ":seen": seen["sk"]})[0]

    def _in_hands(self, pk: str) -> list[str]:
        query = {"KeyConditionExpression": "#pk = :pk", "ExpressionAttributeNames": {"#pk": "holding_pk"}}
        return [row["pk"].removeprefix("ITEM#") for page in self._pages("holding", query, {":pk": pk}) for row in page]

    def _pages(self, index: Index | None, query: Row, values: Row, limits: Iterable[int] = ()) -> Iterator[list[Row]]:
        """All pages: each of at most so many entries, and the rest as large as DynamoDB makes them."""
        request: Any = dict(query)
        for limit in chain(limits, repeat(None)):
            request = {**request, "Limit": limit} if limit else {k: v for k, v in request.items() if k != "Limit"}
            found, more = self._query(index, request, values)
            yield found
            if more is None:
                return
            request["ExclusiveStartKey"] = more

    def _put_attempt(self, delivery: Delivery, number: int, at: datetime, **condition: Any) -> None:
        row = rows.to_wire(rows.attempt_row(delivery.channel, delivery.id, number, at))
        try:
            self._client.put_item(TableName=self._name, Item=row, **condition)
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise LostRace(("ConditionalCheckFailed",)) from error
        except (ClientError, BotoCoreError) as error:
            raise _translated(error) from error

    def _update(self, key: keys.Key, update: str, condition: str | None, values: Row) -> None:
        request: Any = {"TableName": self._name, "Key": rows.to_wire(key), "UpdateExpression": update}
        if values:
            request["ExpressionAttributeValues"] = rows.to_wire(values)
        if condition:
            request["ConditionExpression"] = condition
        try:
            self._client.update_item(**request)
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise LostRace(("ConditionalCheckFailed",)) from error
        except (ClientError, BotoCoreError) as error:
            raise _translated(error) from error


#: How an update puts a row into the wake-up index; its values come from `_waking`.
_WAKES: Final = "wake_pk = :wake_pk, wake_sk = :wake_sk"


def _waking(row_id: str, at: datetime) -> Row:
    return {f":{name}": value for name, value in keys.wake_attributes(row_id, at).items()}


def counted(change: Change) -> list[tuple[Customer, int]]:
    """The customers whose timelines a change writes to, as they were read, and how many events each gets."""
    found: dict[str, tuple[Customer, int]] = {}
    for part in change.parts:
        if part.customer and part.events:
            customer, events = found.get(part.customer.id, (part.customer, 0))
            found[customer.id] = (customer, events + len(part.events))
    return list(found.values())


def _pair(key: keys.Key) -> tuple[str, str]:
    return key["pk"], key["sk"]


def _event_of(entry: Sequence[Row]) -> Event:
    by_kind = {row["kind"]: row for row in entry}
    return rows.event_of(by_kind["event"], by_kind.get("payload"))


def _waiting_of(row: Row) -> Waiting:
    since = keys.moment_of(row["waiting_sk"].split("#", 1)[0])
    return Waiting(
        row["item_id"],
        row["customer_id"],
        row["channel"],
        row["lane"],
        row["language"],
        since,
        row.get("promise_stage", ""),
    )


def _cancelled(what: Sequence[str], reasons: Sequence[str]) -> Exception:
    """Why a transaction was refused: an agent's load first, for it is the one thing trying again does not mend."""
    failed = [(name, code) for name, code in zip(what, reasons, strict=True) if code != "None"]
    if ("load", "ConditionalCheckFailed") in failed:
        return AtCapacity("the agent is away or holds as many items as the desk allows")
    if all(code in _RACED for _, code in failed):
        return LostRace(tuple(f"{name}:{code}" for name, code in failed))
    return Unavailable(f"DynamoDB refused the transaction: {failed}")


def _is_refusal(error: ClientError | BotoCoreError) -> bool:
    """Whether an error says that nothing was written: a refusal of the first attempt, before which there was none."""
    if not isinstance(error, ClientError):
        return False
    told = error.response["ResponseMetadata"]
    under_way = error.response["Error"]["Code"] == "TransactionInProgressException"
    return told["HTTPStatusCode"] < _ITS_FAULT and not told.get("RetryAttempts") and not under_way


def _translated(error: Exception) -> Exception:
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
    if code == "TransactionConflictException":
        return LostRace((code,))
    if code == "ValidationException":
        return error  # our own mistake: let it fail loudly
    return Unavailable(f"DynamoDB: {code}")


def _cursor_of(more: Row | None) -> str | None:
    if more is None:
        return None
    plain = {name: next(iter(value.values())) if isinstance(value, dict) else value for name, value in more.items()}
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def _start_of(cursor: str, pk_name: str, pk: str) -> Row:
    """The key a cursor names, which must be one of the list that is asked for: partition `pk` of table or index."""
    try:
        plain = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        json.dumps(plain, ensure_ascii=False).encode()  # half a character, escaped, is none that DynamoDB takes
    except (binascii.Error, ValueError, RecursionError) as error:
        raise Invalid("cursor", "is not one that this list gave") from error
    names = {"pk", "sk", pk_name, f"{pk_name.removesuffix('pk')}sk"}
    if not isinstance(plain, dict) or plain.keys() != names or plain[pk_name] != pk:
        raise Invalid("cursor", "is not one that this list gave")
    if not all(isinstance(value, str) and value for value in plain.values()):
        raise Invalid("cursor", "is not one that this list gave")
    return rows.to_wire(plain)
