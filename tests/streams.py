"""Records of the table's stream, made from rows: what the stream readers get on AWS."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from chalicelib.store import rows
from tests.cloud import Cloud

_numbers = count(100_000_000_000_000_000_001)


def record(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, Any]:
    """The record of a row's change; None stands for no row. Plain rows, as `store.rows` makes them."""
    number = str(next(_numbers))
    there = after or before or {}
    told: dict[str, Any] = {"Keys": rows.to_wire({"pk": there["pk"], "sk": there["sk"]}), "SequenceNumber": number}
    told |= {"OldImage": rows.to_wire(before)} if before else {}
    told |= {"NewImage": rows.to_wire(after)} if after else {}
    name = "MODIFY" if before and after else "INSERT" if after else "REMOVE"
    return {"eventID": f"record-{number}", "eventName": name, "eventSource": "aws:dynamodb", "dynamodb": told}


class Stream:
    """What changed in a cloud's table from one look to the next, as the records of its stream."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._seen = self._look()

    def records(self) -> list[dict[str, Any]]:
        """One record for each row that is new, gone or different since the last look."""
        before, after = self._seen, self._look()
        self._seen = after
        changed = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
        return [record(before.get(key), after.get(key)) for key in changed]

    def _look(self) -> dict[tuple[str, str], dict[str, Any]]:
        found = map(rows.from_wire, self._cloud.rows())
        return {(row["pk"], row["sk"]): row for row in found}
