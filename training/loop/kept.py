"""The hold-out that is kept with the models: it grows, and no row of it is ever lost or learned from.

A row of the corpus is kept with its text. A row of the desk is kept as a place in the table, never as text: when its
customer is erased the row stays, and judges nothing any more.
"""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.aws.models import Models
from chalicelib.errors import LostRace
from classifiers.text import Document
from training.dataset import Sample, identity
from training.holdout import is_held_out
from training.loop.labels import Decision, Place

OBJECT: Final = "hold-out.jsonl.gz"
MOST_BYTES: Final = 100_000_000
TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Row:
    """A message that models are judged by: the text of the corpus, or a place in the table."""

    labels: Mapping[str, str]
    document: Document | None = None
    place: Place | None = None

    @property
    def key(self) -> str:
        """Equal for rows that are the same message."""
        if self.place:
            return f"desk:{self.place.key}"
        assert self.document
        said = f"{identity(self.document)}\0{self.document.channel}".encode("utf-8", "surrogatepass")
        return f"corpus:{hashlib.sha256(said).hexdigest()}"


class Corrupt(Exception):
    """The kept hold-out cannot be read: it is put right by hand, from an older version of the object."""


def of_corpus(samples: Iterable[Sample]) -> list[Row]:
    """The rows of the corpus that are for judging alone."""
    judging = (sample for sample in samples if "topic" in sample.labels)
    return [Row(dict(s.labels), document=s.document) for s in judging if is_held_out(identity(s.document))]


def of_desk(decisions: Iterable[Decision], kept: Iterable[Row]) -> list[Decision]:
    """The decisions for judging alone: those about a customer who is, or is said to be, one of the hold-out."""
    known = {row.place.customer_id for row in kept if row.place}
    return [d for d in decisions if d.people & known or any(map(is_held_out, d.people))]


def read(models: Models) -> tuple[list[Row], str | None]:
    """The rows, and the tag of this state, None before the first. Raises `Corrupt`."""
    found = models.read_with_tag(OBJECT, MOST_BYTES)
    if found is None:
        return [], None
    try:
        # Not `splitlines`: JSON leaves U+0085, U+2028 and U+2029 inside a text as they are.
        said = gzip.decompress(found[0]).decode("utf-8").split("\n")
        return [_row(json.loads(line)) for line in said if line], found[1]
    except (OSError, EOFError, ValueError, KeyError, TypeError) as problem:
        raise Corrupt(f"{OBJECT} cannot be read: {problem!r}") from problem


def grown(models: Models, choose: Callable[[list[Row]], Iterable[Row]]) -> list[Row]:
    """Adds the rows chosen in the light of those kept, and returns all. What is known gets the newer labels.

    Raises `Corrupt`, and `LostRace` where others keep writing.
    """
    for _ in range(TRIES):
        kept, seen = read(models)
        rows = {row.key: row for row in [*kept, *choose(kept)]}
        if list(rows.values()) == kept:
            return kept
        try:
            models.write(OBJECT, _written(rows.values()), seen)
        except LostRace:
            continue
        return list(rows.values())
    raise LostRace((OBJECT,))


def _written(rows: Iterable[Row]) -> bytes:
    told = (json.dumps(_told(row), ensure_ascii=False, sort_keys=True) + "\n" for row in rows)
    return gzip.compress("".join(told).encode("utf-8", "backslashreplace"), mtime=0)


def _told(row: Row) -> dict[str, Any]:
    if row.place:
        where: dict[str, Any] = {"customer": row.place.customer_id, "seq": row.place.seq}
    else:
        assert row.document
        where = {"text": row.document.text, "channel": row.document.channel}
    return {"labels": dict(row.labels), **where}


def _row(said: Mapping[str, Any]) -> Row:
    labels = dict(said["labels"])
    if "customer" in said:
        return Row(labels, place=Place(said["customer"], int(said["seq"])))
    return Row(labels, document=Document(said["text"], said["channel"]))
