"""Moto, made several times as quick for a table such as ours, whose rows are small and hold texts, numbers and bytes.

Most of its time goes into copying the whole table for every step of a transaction down to the last value, weighing the
whole row anew for every value put into it, comparing keys as if they could be of any kind, and looking up each value of
an answer under all names it might have. None of that changes what such a table says; whoever copies a table for another
reason gets the table itself. Tests that look at all rows after each step look straight into it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import Any, Final

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table

from tests.cloud import REGION

_INDEX_NAME: Final = 7  # its place among the arguments of `Table.query`


def make_quick(patch: pytest.MonkeyPatch) -> None:
    """Changes moto until the patch is undone; queues may then be purged as often as one likes, too."""
    patch.setattr(Table, "__deepcopy__", lambda table, _: table, raising=False)
    patch.setattr(DynamoDBBackend, "transact_write_items", _all_or_nothing)
    patch.setattr(Table, "all_items", _all_items)
    patch.setattr(LimitedSizeDict, "__setitem__", dict.__setitem__)
    patch.setattr(BaseJSONSerializer, "_serialize_type_structure", _serialized)
    for kept in (Item, Table):
        patch.setattr(kept, "instances_tracked", _Forgetful())
    patch.setenv("MOTO_SQS_ENFORCE_STRICT_QUEUE_PURGE_BEHAVIOUR", "false")


class _Forgetful(list[Any]):
    """What moto lists of each kind of thing it ever made, with all that hangs on it: gigabytes in a long test."""

    def append(self, _: Any) -> None:
        pass


class MotoTable:
    """A table, looked at and changed behind the API: all its rows at once."""

    def __init__(self, table: str) -> None:
        self._name = table

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Each row, as the API would give it."""
        for item in self._table().all_items():
            yield {name: {value.type: value.value} for name, value in item.attrs.items()}

    def keep(self) -> Any:
        """The rows as they are, to be put back as often as one likes."""
        return _copied(self._table().items)

    @contextmanager
    def indexes_late(self, kept: Any) -> Iterator[None]:
        """As on a day when the indexes lag: they show the rows that were kept, not those that are there."""
        query = Table.query

        def late(table: Table, *asked: Any, **more: Any) -> Any:
            shown = copy(table)
            shown.items = kept if asked[_INDEX_NAME] else table.items
            return query(shown, *asked, **more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Table, "query", late)
            yield

    def put_back(self, kept: Any) -> None:
        """Makes the table what it was."""
        self._table().items = _copied(kept)

    def _table(self) -> Table:
        return dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[self._name]


_transact: Final = DynamoDBBackend.transact_write_items


def _all_or_nothing(backend: DynamoDBBackend, asked: list[dict[str, Any]]) -> None:
    """A transaction that keeps the rows it asks for, not the whole table, to put them back where it is refused."""
    steps = [op for one in asked for op in one.values()]
    if any(op.get("TableName") not in backend.tables for op in steps):
        _transact(backend, asked)
        return
    named = [(backend.tables[op["TableName"]], op.get("Key") or op["Item"]) for op in steps]
    keys = [
        (table, DynamoType(key[table.hash_key_attr]), DynamoType(key[str(table.range_key_attr)]))
        for table, key in named
    ]
    rows = [table.items.get(pk, {}).get(sk) for table, pk, sk in keys]
    kept = [_copied_row(row) if row else None for row in rows]
    try:
        _transact(backend, asked)
    except BaseException:
        for (table, pk, sk), row in zip(keys, kept, strict=True):
            if row:
                table.items[pk][sk] = row
            else:
                table.items[pk].pop(sk, None)
        raise


def _copied(rows: Any) -> Any:
    """Rows that share their values, for an update puts new values in their place and changes none."""
    return defaultdict(dict, {pk: {sk: _copied_row(row) for sk, row in part.items()} for pk, part in rows.items()})


def _copied_row(row: Item) -> Item:
    made: Item = object.__new__(Item)
    vars(made).update(vars(row))
    made.attrs = LimitedSizeDict(row.attrs)
    return made


def _all_items(table: Table) -> list[Item]:
    """All rows in the order of their keys, which are texts."""
    found: list[Item] = [item for part in table.items.values() for item in part.values()]
    return sorted(found, key=lambda item: (item.hash_key.value, item.range_key.value))


_slowly = BaseJSONSerializer._serialize_type_structure


def _serialized(self: BaseJSONSerializer, serialized: Any, value: Any, shape: Any, key: str) -> None:
    if key and shape.name == "AttributeValue" and value.keys() <= {"S", "N"}:
        self._default_serialize(serialized, value, shape, key)
    else:
        _slowly(self, serialized, value, shape, key)
