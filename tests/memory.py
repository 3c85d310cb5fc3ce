"""A table in memory: it writes a change on the conditions the real table writes it on, whole or not at all.

For tests of many steps by one writer; what a race does to the real table is asked of the real table.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.errors import AtCapacity, LostRace
from chalicelib.item.change import Change, Load, Must
from chalicelib.item.item import Customer, Event, Item
from chalicelib.item.offer import AgentNow
from chalicelib.item.outgoing import Outgoing
from chalicelib.store import keys, rows
from chalicelib.store.table import counted


class Memory:
    """Rows by key, plain ones, as a scan of the table would show them."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], rows.Row] = {}
        self._items: dict[str, Item] = {}

    def copy(self) -> "Memory":
        """Another table with the same in it."""
        other = Memory()
        other.rows, other._items = dict(self.rows), dict(self._items)
        return other

    # Reading

    def of_kind(self, kind: str) -> list[rows.Row]:
        return [row for row in self.rows.values() if row["kind"] == kind]

    def items(self) -> list[Item]:
        """All items, oldest first."""
        return list(self._items.values())

    def item(self, item_id: str) -> Item:
        return self._items[item_id]

    def customer(self, customer_id: str) -> Customer:
        return rows.customer_of(self._row(keys.customer_key(customer_id)))

    def replies(self) -> list[Outgoing]:
        return [rows.outgoing_of(row) for row in self.of_kind("outbox")]

    def events(self) -> list[Event]:
        payloads = {(row["pk"], row["sk"].removesuffix("#PAYLOAD")): row for row in self.of_kind("payload")}
        return [rows.event_of(row, payloads.get((row["pk"], row["sk"]))) for row in self.of_kind("event")]

    def history(self, item_id: str) -> list[Event]:
        """The events of one item, oldest first."""
        return sorted((e for e in self.events() if e.item_id == item_id), key=lambda event: event.version or 0)

    def agents(self, agent_ids: Iterable[str]) -> dict[str, AgentNow]:
        return {name: rows.agent_of(name, self.rows.get(_pair(keys.agent_key(name)), {})) for name in agent_ids}

    def _row(self, key: keys.Key) -> rows.Row:
        return self.rows[_pair(key)]

    # Writing

    def save(self, change: Change, at: datetime) -> None:
        """Raises `LostRace` or `AtCapacity` and writes nothing, as `Table.save`."""
        if not all(self._read_as_it_is(change)):
            raise LostRace
        new = [row for part in change.parts for _, row in rows.new_rows(part, at)]
        if any((row["pk"], row["sk"]) in self.rows for row in new):
            raise LostRace
        loads = [load for part in change.parts for load in part.loads]
        if not all(self._has_room(load) for load in loads):
            raise AtCapacity
        for row in (*new, *_replaced(change)):
            self.put(row)
        for load in loads:
            self._count(load)

    def set_presence(self, agent_id: str, presence: str, at: datetime) -> None:
        waking = keys.wake_attributes(agent_id, at) if presence == "away" else {}
        old = {n: v for n, v in self._agent(agent_id).items() if n not in {"wake_pk", "wake_sk", "hands_to"}}
        self.put({**old, "presence": presence, **waking})

    def put(self, row: rows.Row) -> None:
        """Writes a row as DynamoDB would keep it."""
        kept = rows.from_wire(rows.to_wire(row))
        self.rows[row["pk"], row["sk"]] = kept
        if kept["kind"] == "item":
            self._items[kept["item_id"]] = rows.item_of(kept)

    def _read_as_it_is(self, change: Change) -> Iterator[bool]:
        """Whether what a decision was based on still stands."""
        for customer, _ in counted(change):
            yield self._stands(keys.customer_key(customer.id), "seq", customer.seq or None)
        for part in change.parts:
            yield from self._part_read_as_it_is(part)

    def _part_read_as_it_is(self, change: Change) -> Iterator[bool]:
        if change.after:
            before = change.before
            yield self._stands(keys.item_key(change.after.id), "version", before.version if before else None)
        if change.reply:
            old = change.reply_before
            yield self._stands(keys.outbox_key(change.reply.id), "revision", old.revision if old else None)
        if change.budget:
            yield self._stands(keys.budget_key(change.budget.account), "revision", change.budget.revision - 1 or None)
        if told := change.conversation:
            yield self._stands(keys.conversation_key(told.installation, told.id), "item_id", told.previous)
        for moved in change.moved:
            known = moved.message
            yield self._stands(keys.message_key(known.mailbox, known.message_id), "item_id", known.item_id)
        if link := change.link:
            yield self._stands(keys.link_key(link.customer_id, link.other), "revision", link.revision - 1 or None)

    def _stands(self, key: keys.Key, name: str, value: Any) -> bool:
        return bool(self.rows.get(_pair(key), {}).get(name) == value)

    def _agent(self, agent_id: str) -> rows.Row:
        unseen = {**keys.agent_key(agent_id), "kind": "agent", "agent_id": agent_id}
        return self.rows.get(_pair(keys.agent_key(agent_id)), unseen)

    def _has_room(self, load: Load) -> bool:
        row = self._agent(load.agent_id)
        there = {
            Must.ANY: True,
            Must.PRESENT: row.get("presence") == "present",
            Must.NOT_AWAY: row.get("presence") != "away",
        }[load.must]
        return there and (load.limit is None or row.get(f"load_{load.channel}", 0) < load.limit)

    def _count(self, load: Load) -> None:
        row, name = dict(self._agent(load.agent_id)), f"load_{load.channel}"
        row[name] = row.get(name, 0) + load.by
        if load.must == Must.NOT_AWAY:
            row.setdefault("presence", "present")
        self.put(row)
        if load.silent_since:
            self.set_presence(load.agent_id, "away", load.silent_since)


def _replaced(change: Change) -> Iterator[rows.Row]:
    """The rows of a change that may have been there before."""
    for customer, events in counted(change):
        yield {**rows.customer_row(customer), "seq": customer.seq + events}
    for part in change.parts:
        yield from _part_replaced(part)


def _part_replaced(change: Change) -> Iterator[rows.Row]:
    if change.after:
        yield rows.item_row(change.after)
    if change.reply:
        yield rows.outbox_row(change.reply)
    if change.token:
        yield rows.token_row(change.token)
    if change.budget:
        yield rows.budget_row(change.budget)
    if change.conversation:
        yield rows.conversation_row(change.conversation)
    for moved in change.moved:
        yield rows.message_row(replace(moved.message, item_id=moved.item_id))
    if change.link:
        yield rows.link_row(change.link)


def _pair(key: keys.Key) -> tuple[str, str]:
    return key["pk"], key["sk"]
