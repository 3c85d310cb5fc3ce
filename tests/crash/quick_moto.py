"""Moto, made several times as quick for a table such as ours, whose rows are small and hold texts, numbers and bytes.

Three things take most of its time: every transaction copies the whole table down to the last value, every value put
into a row weighs the whole row anew, and every value of an answer is looked up under all names it might have. None of
them changes what such a table says. Tests that look at all rows after each step look straight into it.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import Item, LimitedSizeDict

from tests.cloud import REGION


def make_quick(patch: pytest.MonkeyPatch) -> None:
    """Changes moto until the patch is undone; queues may then be purged as often as one likes, too."""
    patch.setattr(Item, "__deepcopy__", _copied)
    patch.setattr(LimitedSizeDict, "__setitem__", dict.__setitem__)
    patch.setattr(BaseJSONSerializer, "_serialize_type_structure", _serialized)
    patch.setenv("MOTO_SQS_ENFORCE_STRICT_QUEUE_PURGE_BEHAVIOUR", "false")


class Rows:
    """All rows of a table."""

    def __init__(self, table: str) -> None:
        self._table = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[table]

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Each row, as the API would give it."""
        for item in self._table.all_items():
            yield {name: {value.type: value.value} for name, value in item.attrs.items()}

    def keep(self) -> Any:
        """The rows as they are, to be put back as often as one likes."""
        return deepcopy(self._table.items)

    def put_back(self, kept: Any) -> None:
        """Makes the table what it was."""
        self._table.items = deepcopy(kept)


def _copied(item: Item, _memo: dict[int, Any]) -> Item:
    """A row whose values are the old one's: an update puts new values in their place and changes none."""
    made = Item.__new__(Item)
    made.hash_key, made.range_key = item.hash_key, item.range_key
    made.attrs = LimitedSizeDict(item.attrs)
    return made


_slowly = BaseJSONSerializer._serialize_type_structure


def _serialized(self: BaseJSONSerializer, serialized: Any, value: Any, shape: Any, key: str) -> None:
    if key and shape.name == "AttributeValue" and value.keys() <= {"S", "N"}:
        self._default_serialize(serialized, value, shape, key)
    else:
        _slowly(self, serialized, value, shape, key)
