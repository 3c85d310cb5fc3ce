"""The tree of parts of a mail, found by searching and never by reading line by line.

The parser of the standard library recurses without bound and compares every line with every open boundary:
1 MB in 300 levels takes it 12 s. Here the lines that may be boundaries are found once, and depth, parts, header
bytes and comparisons are counted.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from chalicelib.intake import fields, transfer, words
from chalicelib.intake.fields import Fields

MAX_DEPTH: Final = 100
MAX_PARTS: Final = 1_000
MAX_COMPARISONS: Final = 1_000_000
MAX_MARKS: Final = 500_000
HEADER_BYTES: Final = 256 * 1024  # of one header
ALL_HEADER_BYTES: Final = 2 * 1024 * 1024  # of the mail and all its parts
ENCLOSED: Final = ("message/rfc822", "message/global")
_ENCODING = re.compile(r"""(?:[\s"']|\([^()]{0,200}\)){0,20}([\w.-]{1,40})""", re.ASCII)
_TYPE = re.compile(r"\s*([\w!#$&^.+-]{1,100})\s*/\s*([\w!#$&^.+-]{1,100})")
_GUESSED_BOUNDARY = re.compile(rb"\s{0,200}--([^\r\n]{1,200}?)[ \t]*\r*\n")
_MARK = re.compile(rb"\n--")


@dataclass(slots=True)
class Part:
    """One part: `raw[start:end]` is its body as it was sent. Mutable only while the tree grows.

    `opened` says that its children were packed into it otherwise than by MIME, `instead` gives words for it where the
    mail has none.
    """

    head: Fields
    type: str
    parameters: dict[str, str]
    raw: bytes
    start: int
    end: int
    children: list["Part"] = field(default_factory=list)
    opened: bool = False
    instead: Callable[[], "Part"] | None = None

    @property
    def disposition(self) -> str:
        """`inline`, `attachment` or '' in lower case."""
        return self.head.get("content-disposition").partition(";")[0].strip().lower()

    @property
    def encoding(self) -> str:
        """The transfer encoding in lower case, out of quotation marks and without what stands behind it."""
        found = _ENCODING.match(self.head.get("content-transfer-encoding"))
        return found[1].lower() if found else ""

    def walk(self) -> Iterator["Part"]:
        """This part and all below it, in the order of the mail."""
        yield self
        for child in self.children:
            yield from child.walk()

    def content(self) -> bytes:
        """The body with its transfer encoding undone."""
        return transfer.undo(self.raw[self.start : self.end], self.encoding)


@dataclass(slots=True)
class _Reader:
    """What one mail may still cost, and what there is to say about it."""

    parts: int = MAX_PARTS
    comparisons: int = MAX_COMPARISONS
    header_bytes: int = ALL_HEADER_BYTES
    warnings: dict[str, None] = field(default_factory=dict)

    def warn(self, sentence: str) -> None:
        self.warnings[sentence] = None


@dataclass(slots=True)
class _Source:
    """A buffer and where lines that begin with `--` begin in it; they are looked for when first asked for."""

    raw: bytes
    marks: list[int] | None = None

    def between(self, start: int, end: int) -> Iterator[int]:
        """Positions from `start` to before `end`."""
        if self.marks is None:
            found = (match.start() + 1 for match in _MARK.finditer(self.raw))
            self.marks = [position for position, _ in zip(found, range(MAX_MARKS), strict=False)]
        for index in range(bisect_left(self.marks, start), len(self.marks)):
            if self.marks[index] >= end:
                return
            yield self.marks[index]


def tree(raw: bytes) -> tuple[Part, tuple[str, ...]]:
    """The parts of a mail, and sentences about what had to be guessed or left out. Never raises."""
    reader = _Reader()
    root = _read(_Source(raw), 0, len(raw), "text/plain", 0, reader)
    return root, tuple(reader.warnings)


def _read(source: _Source, start: int, end: int, default: str, depth: int, reader: _Reader) -> Part:
    reader.parts -= 1
    head = fields.read(source.raw, start, end, min(HEADER_BYTES, reader.header_bytes))
    reader.header_bytes -= min(head.body - start, HEADER_BYTES, reader.header_bytes)
    if head.cut:
        reader.warn("a header is too long: the rest of it was not read")
    kind = head.fields.get("content-type")
    part = Part(head.fields, _type(kind, default), words.parameters(kind), source.raw, head.body, end)
    if depth >= MAX_DEPTH:
        reader.warn(f"parts nested deeper than {MAX_DEPTH} were not opened")
    elif part.type.startswith("multipart/"):
        _split(part, source, depth, reader)
    elif part.type in ENCLOSED and reader.parts > 0:
        part.children.append(_enclosed(part, source, depth, reader))
    return part


def _type(value: str, default: str) -> str:
    found = _TYPE.match(value)
    return f"{found[1]}/{found[2]}".lower() if found else default


def _enclosed(part: Part, source: _Source, depth: int, reader: _Reader) -> Part:
    if part.encoding in ("base64", "quoted-printable"):
        raw = part.content()
        return _read(_Source(raw), 0, len(raw), "text/plain", depth + 1, reader)
    return _read(source, part.start, part.end, "text/plain", depth + 1, reader)


def _split(part: Part, source: _Source, depth: int, reader: _Reader) -> None:
    boundary = part.parameters.get("boundary", "").rstrip().encode("latin-1", "replace")
    slices = list(_slices(part, source, boundary, reader)) if boundary else []
    if not slices and (guess := _GUESSED_BOUNDARY.match(part.raw, part.start, part.end)):
        slices = list(_slices(part, source, guess[1], reader))
        reader.warn("a boundary was missing or wrong and was guessed")
    if not slices:
        reader.warn("no boundary was found: the part was read as text")
        part.type = "text/plain"
    default = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
    for start, end in slices:
        if reader.parts <= 0:
            reader.warn(f"more than {MAX_PARTS} parts: the rest was not opened")
            return
        part.children.append(_read(source, start, end, default, depth + 1, reader))


def _slices(part: Part, source: _Source, boundary: bytes, reader: _Reader) -> Iterator[tuple[int, int]]:
    """Start and end of each part between delimiter lines; a missing last delimiter ends with the mail."""
    open_at = -1
    for before, after, last in _delimiters(part, source, b"--" + boundary, reader):
        if open_at >= 0:
            yield open_at, max(open_at, before)
        if last:
            return
        open_at = after
    if open_at >= 0:
        reader.warn("the last boundary is missing: the mail may have been cut off")
        yield open_at, part.end


def _delimiters(part: Part, source: _Source, mark: bytes, reader: _Reader) -> Iterator[tuple[int, int, bool]]:
    """(end of the text before, start of the text after, whether it closes) of each delimiter line."""
    raw, end = part.raw, part.end
    for at in source.between(part.start, end):
        reader.comparisons -= 1
        if reader.comparisons < 0:
            reader.warn("too many lines that may be boundaries: the rest was not split")
            return
        if not raw.startswith(mark, at):
            continue
        line_end = raw.find(b"\n", at, end)
        line_end = end if line_end < 0 else line_end
        tail = raw[at + len(mark) : min(line_end, at + len(mark) + 200)].strip()
        if tail in (b"", b"--"):
            before = max(part.start, at - 1)
            before -= before > part.start and raw[before - 1 : before] == b"\r"
            yield before, min(line_end + 1, end), tail == b"--"
