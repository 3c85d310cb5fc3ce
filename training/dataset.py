"""Reads labelled texts from JSON lines, plain or gzipped, and says exactly what is wrong with a bad line."""

import gzip
import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from classifiers.text import Document, told, words

ENCODING: Final = "utf-8-sig"  # programs of Windows begin a file with a byte order mark
_NAMED: Final = 10


class DataError(Exception):
    """Training data that cannot be used; the message names the file, the line and the field."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A document and what people decided about it, by head; a head without a label learns nothing from it.

    Samples of one `group` (translations of one sentence, messages of one customer) never judge each other; "" is none.
    """

    document: Document
    labels: Mapping[str, str]
    group: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One JSON object and where it stands (`number` counts from 1)."""

    path: Path
    number: int
    fields: Mapping[str, Any]

    def text(self, field: str) -> str:
        """The field's text. Raises DataError when it is missing or not text."""
        value = self.fields.get(field)
        if not isinstance(value, str):
            found = "is missing" if field not in self.fields else f"is {json.dumps(value)[:40]}, not text"
            raise DataError(f"{self.path}, line {self.number}: field {field!r} {found}")
        return value

    def filled(self, field: str) -> str:
        """The field's text without surrounding space. Raises DataError, also when it is empty or cannot be written."""
        value = self.text(field).strip()
        if not value:
            raise DataError(f"{self.path}, line {self.number}: field {field!r} is empty")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise DataError(f"{self.path}, line {self.number}: field {field!r} holds half of a surrogate pair")
        return value

    def one_of(self, field: str, allowed: Sequence[str]) -> str:
        """The field's text, one of those allowed. Raises DataError."""
        value = self.filled(field)
        if value not in allowed:
            known = ", ".join(allowed)
            raise DataError(f"{self.path}, line {self.number}: field {field!r} is {value!r}, not one of {known}")
        return value


def lines(path: Path) -> Iterator[Line]:
    """Every line that is not blank. Raises DataError for an unreadable file or a line that is no object."""
    try:
        with _open(path) as file:
            for number, written in enumerate(file, start=1):
                if written.strip():
                    yield Line(path, number, _fields(path, number, written))
    except (OSError, EOFError, zlib.error) as problem:
        raise DataError(f"{path}: cannot be read: {problem}") from problem
    except UnicodeDecodeError as problem:
        raise DataError(f"{path}: is not UTF-8: {problem}") from problem


def _open(path: Path) -> TextIO:
    return gzip.open(path, "rt", encoding=ENCODING) if path.suffix == ".gz" else path.open(encoding=ENCODING)


def _fields(path: Path, number: int, written: str) -> dict[str, Any]:
    try:
        fields = json.loads(written)
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{path}, line {number}: is not JSON: {problem}") from problem
    if not isinstance(fields, dict):
        raise DataError(f"{path}, line {number}: is not a JSON object")
    return fields


def labelled(path: Path, text_field: str, label_field: str, group_field: str | None = None) -> list[Sample]:
    """Samples for a model with the single head `label`. Raises DataError."""
    return [
        Sample(
            Document(line.text(text_field)),
            {"label": line.filled(label_field)},
            line.filled(group_field) if group_field else "",
        )
        for line in lines(path)
    ]


def learnable(samples: Sequence[Sample], head: str) -> tuple[list[Sample], list[str]]:
    """The samples without those of labels that stand in one row alone, and these labels.

    Nothing can be held out of one row. Where fewer than two labels would be left, all are kept, and `fit` says what is
    wrong.
    """
    rows = Counter(sample.labels[head] for sample in samples)
    alone = sorted(label for label, found in rows.items() if found == 1)
    if len(rows) - len(alone) < 2:
        return list(samples), []
    return [sample for sample in samples if rows[sample.labels[head]] > 1], alone


def first_of(labels: Sequence[str]) -> str:
    """Labels for a person, at most ten: a field of ids would name thousands."""
    more = len(labels) - _NAMED
    return ", ".join(map(repr, labels[:_NAMED])) + (f" and {more:,} more" if more > 0 else "")


def message(line: Line, topics: Sequence[str], urgencies: Sequence[str], languages: Sequence[str]) -> Sample:
    """A line of the corpus as a sample with topic, urgency and language. Raises DataError."""
    document = Document(told(line.text("subject"), line.text("body")), line.filled("channel"))
    labels = {
        "topic": line.one_of("topic", topics),
        "urgency": line.one_of("urgency", urgencies),
        "language": line.one_of("lang", languages),
    }
    return Sample(document, labels)


def judged(line: Line, heads: Sequence[str] = ("topic", "urgency", "language")) -> Sample:
    """A message that answers of these heads are held against: labels, subject and channel may each be missing.

    Raises DataError.
    """
    fields = {head: "lang" if head == "language" else head for head in heads}
    given = {head: line.filled(field) for head, field in fields.items() if line.fields.get(field) is not None}
    return Sample(judged_document(line), given)


def judged_document(line: Line) -> Document:
    """What such a line has to say. Raises DataError."""
    subject, channel = (
        line.text(field) if line.fields.get(field) is not None else "" for field in ("subject", "channel")
    )
    return Document(told(subject, line.text("body")), channel)


def sentence(line: Line, languages: Sequence[str]) -> Sample:
    """A line that teaches the language alone. Raises DataError."""
    return Sample(Document(line.filled("text")), {"language": line.one_of("lang", languages)})


def identity(document: Document) -> str:
    """Equal for documents that differ in nothing the features see but punctuation and space."""
    return " ".join(words(document.text))


def digest(samples: Iterable[Sample]) -> str:
    """SHA-256 over documents and labels, in their order."""
    total = hashlib.sha256()
    for sample in samples:
        entry = [sample.document.text, sample.document.channel, dict(sorted(sample.labels.items()))]
        total.update(json.dumps(entry).encode())
    return total.hexdigest()
