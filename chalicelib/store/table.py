"""Every read and write of the table: one function, one access pattern (docs/table.md)."""

import base64
import binascii
import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, Literal

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import AtCapacity, Invalid, LostRace, Unavailable, Unknown
from chalicelib.item.change import Change, Conversation, Load
from chalicelib.item.item import Customer, Event, Item
from chalicelib.store import keys, rows

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Row = dict[str, Any]
Index = Literal["waiting", "holding", "state", "wake", "history"]

#: Codes that say "try again": the rows were locked, or the table was too busy.
_RACED: Final = frozenset({"ConditionalCheckFailed", "TransactionConflict"})
_BATCH_GET_LIMIT: Final = 100


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


class Table:
    """The single table. Reads that decide something are consistent; writes are one transaction each.

    Raises `LostRace` when another writer was first, `Unavailable` when DynamoDB is away.
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

    def customer(self, customer_id: str) -> Customer:
        """The customer as he is now. Raises `Unknown`."""
        row = self.rows([keys.customer_key(customer_id)]).get(_pair(keys.customer_key(customer_id)))
        if row is None:
            raise Unknown(f"there is no customer {customer_id}")
        return rows.customer_of(row)

    def waiting(self, queue: str, besides: Collection[str] = ()) -> Iterator[Waiting]:
        """All that waits in a queue, oldest first, page by page; but for what is in one of these languages."""
        query: Row = {
            "KeyConditionExpression": "#pk = :pk",
            "ExpressionAttributeNames": {"#pk": "waiting_pk"},
        }
        values: Row = {":pk": keys.waiting_pk(queue)}
        if besides:
            names = {f":l{n}": language for n, language in enumerate(sorted(besides))}
            query["FilterExpression"] = f"NOT #language IN ({', '.join(names)})"
            query["ExpressionAttributeNames"]["#language"] = "language"
            values |= names
        for page in self._pages("waiting", query, values, limit=25):
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

    def history(self, item_id: str) -> list[Event]:
        """The events of one item, oldest first, without payloads."""
        query = {"KeyConditionExpression": "#pk = :pk", "ExpressionAttributeNames": {"#pk": "history_pk"}}
        pages = self._pages("history", query, {":pk": keys.history_pk(item_id)})
        return [rows.event_of(row) for page in pages for row in page]

    def due(self, shard: int, now: datetime, limit: int) -> list[str]:
        """Ids of items in one part of the wake-up index whose time has come, earliest first."""
        query: Row = {
            "KeyConditionExpression": "#pk = :pk AND #sk <= :now",
            "ExpressionAttributeNames": {"#pk": "wake_pk", "#sk": "wake_sk"},
            "Limit": limit,
        }
        found, _ = self._query("wake", query, {":pk": keys.wake_pk(shard), ":now": f"{keys.moment(now)}~"})
        return [row["pk"].removeprefix("ITEM#") for row in found]

    def answered(self, agent_id: str, key: str) -> tuple[str, str] | None:
        """Item id and claim token already given under an `Idempotency-Key`, or None."""
        wanted = keys.idempotency_key(agent_id, key)
        row = self.rows([wanted]).get(_pair(wanted))
        return (row["item_id"], row["claim_token"]) if row else None

    def agent(self, agent_id: str) -> Row:
        """Presence and load of an agent; empty when he was never seen."""
        return self.rows([keys.agent_key(agent_id)]).get(_pair(keys.agent_key(agent_id)), {})

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
            raise _translated(error) from error

    def prolong(self, item: Item, token: str, lease_until: datetime) -> None:
        """Moves a lease on and nothing else. Raises `LostRace` unless holder and claim token still match."""
        self._update(
            keys.item_key(item.id),
            "SET lease_until = :until, wake_at = :until, wake_sk = :sk",
            "holder = :holder AND claim_token = :token",
            {":until": keys.moment(lease_until), ":sk": f"{keys.moment(lease_until)}#{item.id}",
             ":holder": item.holder or "", ":token": token},
        )  # fmt: skip

    def postpone_wake(self, item: Item, wake_at: datetime) -> None:
        """Moves the next look at an item on and nothing else. Raises `LostRace` when the item has moved."""
        self._update(
            keys.item_key(item.id),
            "SET wake_at = :at, wake_sk = :sk",
            "version = :version",
            {
                ":at": keys.moment(wake_at),
                ":sk": f"{keys.moment(wake_at)}#{item.id}",
                ":version": item.version,
            },
        )

    def set_presence(self, agent_id: str, presence: str, at: datetime) -> None:
        """Notes that an agent is `present` or `away`."""
        self._update(
            keys.agent_key(agent_id),
            "SET presence = :presence, seen_at = :at, kind = :kind, agent_id = :agent",
            None,
            {":presence": presence, ":at": keys.moment(at), ":kind": "agent", ":agent": agent_id},
        )

    # How a change is spelt

    def _actions(self, change: Change, at: datetime) -> Iterator[tuple[str, Any]]:
        if change.customer and change.events:
            yield "customer", self._counted(change.customer, len(change.events))
        if change.after:
            yield "item", self._item_put(change.before, change.after)
        for event in change.events:
            yield "event", self._put_new(rows.event_row(event))
            if event.payload is not None:
                yield "payload", self._put_new(rows.payload_row(event))
        if change.handled:
            yield "delivery", self._put_new(rows.handled_row(change.handled, at))
        if change.message:
            yield "message", self._put_new(rows.message_row(change.message))
        if change.conversation:
            yield "conversation", self._conversation_put(change.conversation)
        if change.identity:
            yield "identity", self._put_new(rows.identity_row(change.identity))
        if change.answered:
            yield "answer", self._put_new(rows.answered_row(change.answered))
        if change.load:
            yield "load", self._load_update(change.load)

    def _counted(self, customer: Customer, events: int) -> Row:
        if customer.seq == 0:
            return self._put_new({**rows.customer_row(customer), "seq": events})
        return {"Update": {
            "TableName": self._name,
            "Key": rows.to_wire(keys.customer_key(customer.id)),
            "UpdateExpression": "SET seq = :next",
            "ConditionExpression": "seq = :seen",
            "ExpressionAttributeValues": rows.to_wire({":next": customer.seq + events, ":seen": customer.seq}),
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

    def _load_update(self, load: Load) -> Row:
        update: Row = {
            "TableName": self._name,
            "Key": rows.to_wire(keys.agent_key(load.agent_id)),
            "UpdateExpression": "SET #kind = :agent, agent_id = :id ADD #load :by",
            "ExpressionAttributeNames": {"#load": f"load_{load.channel}", "#kind": "kind"},
            "ExpressionAttributeValues": rows.to_wire({":by": load.by, ":agent": "agent", ":id": load.agent_id}),
        }
        if load.limit is not None:
            # Who was never seen holds nothing: that is room, unless the desk gives him none at all.
            has_room = "(attribute_not_exists(#load) OR #load < :limit)" if load.limit > 0 else "#load < :limit"
            is_present = "(attribute_not_exists(presence) OR presence <> :away)"
            update["ConditionExpression"] = f"{has_room} AND {is_present}"
            update["ExpressionAttributeValues"] |= rows.to_wire({":limit": load.limit, ":away": "away"})
        return {"Update": update}

    # Calls

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

    def _pages(self, index: Index, query: Row, values: Row, limit: int | None = None) -> Iterator[list[Row]]:
        request = {**query, "Limit": limit} if limit else dict(query)
        while True:
            found, more = self._query(index, request, values)
            yield found
            if more is None:
                return
            request["ExclusiveStartKey"] = more

    def _update(self, key: keys.Key, update: str, condition: str | None, values: Row) -> None:
        request: Any = {
            "TableName": self._name,
            "Key": rows.to_wire(key),
            "UpdateExpression": update,
            "ExpressionAttributeValues": rows.to_wire(values),
        }
        if condition:
            request["ConditionExpression"] = condition
        try:
            self._client.update_item(**request)
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise LostRace(("ConditionalCheckFailed",)) from error
        except (ClientError, BotoCoreError) as error:
            raise _translated(error) from error


def _pair(key: keys.Key) -> tuple[str, str]:
    return key["pk"], key["sk"]


def _event_of(entry: Sequence[Row]) -> Event:
    by_kind = {row["kind"]: row for row in entry}
    return rows.event_of(by_kind["event"], by_kind.get("payload"))


def _waiting_of(row: Row) -> Waiting:
    since = keys.moment_of(row["waiting_sk"].split("#", 1)[0])
    return Waiting(row["item_id"], row["customer_id"], row["channel"], row["lane"], row["language"], since)


def _cancelled(what: Sequence[str], reasons: Sequence[str]) -> Exception:
    """Why a transaction was refused: an agent's load first, for it is the one thing trying again does not mend."""
    failed = {name: code for name, code in zip(what, reasons, strict=True) if code != "None"}
    if failed.get("load") == "ConditionalCheckFailed":
        return AtCapacity("the agent is away or holds as many items as the desk allows")
    if all(code in _RACED for code in failed.values()):
        return LostRace(tuple(f"{name}:{code}" for name, code in failed.items()))
    return Unavailable(f"DynamoDB refused the transaction: {failed}")


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
    except (binascii.Error, ValueError, RecursionError) as error:
        raise Invalid("cursor", "is not one that this list gave") from error
    names = {"pk", "sk", pk_name, f"{pk_name.removesuffix('pk')}sk"}
    if not isinstance(plain, dict) or plain.keys() != names or plain[pk_name] != pk:
        raise Invalid("cursor", "is not one that this list gave")
    if not all(isinstance(value, str) and value for value in plain.values()):
        raise Invalid("cursor", "is not one that this list gave")
    return rows.to_wire(plain)
