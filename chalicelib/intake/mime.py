"""The tree of parts of a mail, found by searching and never by reading line by line.

The parser of the standard library recurses without bound and reads every line against every open boundary: 300 levels
of nesting cost it seconds a megabyte. Here each level searches its own slice once, and depth, parts and candidate
boundaries are counted.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from chalicelib.intake import fields, words
from chalicelib.intake.fields import Fields

MAX_DEPTH: Final = 100
MAX_PARTS: Final = 1_000
MAX_CANDIDATES: Final = 200_000
_TYPE = re.compile(r"\s*([\w!#$&^.+-]{1,100})\s*/\s*([\w!#$&^.+-]{1,100})")
_GUESSED_BOUNDARY = re.compile(rb"\s*--([^\r\n]{1,200}?)[ \t]*\r*\n")
_INNER_BLANK = re.compile(rb"[!-~][ \t]+[!-~]")
_BASE64_LINES = re.compile(rb"[A-Za-z0-9+/\s]*+(?:=[=\s]*+)?+")


@dataclass(slots=True)
class Part:
    """One part: `raw[start:end]` is its body as it was sent. Mutable only while the tree grows."""

    head: Fields
    type: str
    parameters: dict[str, str]
    raw: bytes
    start: int
    end: int
    children: list["Part"] = field(default_factory=list)

    @property
    def disposition(self) -> str:
        """`inline`, `attachment` or '' in lower case."""
        return self.head.get("content-disposition").partition(";")[0].strip().lower()

    @property
    def filename(self) -> str:
        """The name the sender gave the file, without folders; '' when there is none."""
        disposition = words.parameters(";" + self.head.get("content-disposition").partition(";")[2])
        name = disposition.get("filename") or self.parameters.get("name", "")
        return re.split(r"[/\\]", name)[-1].strip()[:255]

    def walk(self) -> Iterator["Part"]:
        """This part and all below it, in the order of the mail."""
        yield self
        for child in self.children:
            yield from child.walk()

    def content(self) -> bytes:
        """The body with its transfer encoding undone."""
        return undo(self.raw[self.start : self.end], self.head.get("content-transfer-encoding"))


@dataclass(slots=True)
class _Budget:
    parts: int = MAX_PARTS
    candidates: int = MAX_CANDIDATES
    warnings: dict[str, None] = field(default_factory=dict)

    def warn(self, sentence: str) -> None:
        self.warnings[sentence] = None


def tree(raw: bytes) -> tuple[Part, tuple[str, ...]]:
    """The parts of a mail, and sentences about what had to be guessed or left out. Never raises."""
    budget = _Budget()
    root = _read(raw, 0, len(raw), "text/plain", 0, budget)
    return root, tuple(budget.warnings)


def _read(raw: bytes, start: int, end: int, default: str, depth: int, budget: _Budget) -> Part:
    budget.parts -= 1
    head = fields.read(raw, start, end)
    if head.cut:
        budget.warn("the header is longer than 256 kB: the rest of it was not read")
    kind = head.fields.get("content-type")
    part = Part(head.fields, _type(kind, default), words.parameters(_with_semicolon(kind)), raw, head.body, end)
    if depth >= MAX_DEPTH:
        budget.warn(f"parts nested deeper than {MAX_DEPTH} were not opened")
    elif part.type.startswith("multipart/"):
        _split(part, depth, budget)
    elif part.type in ("message/rfc822", "message/global") and budget.parts > 0:
        part.children.append(_nested(part, depth, budget))
    return part


def _type(value: str, default: str) -> str:
    found = _TYPE.match(value)
    return f"{found[1]}/{found[2]}".lower() if found else default


def _with_semicolon(value: str) -> str:
    return ";" + value.partition(";")[2]


def _nested(part: Part, depth: int, budget: _Budget) -> Part:
    if part.head.get("content-transfer-encoding").strip().lower() in ("base64", "quoted-printable"):
        raw = part.content()
        return _read(raw, 0, len(raw), "text/plain", depth + 1, budget)
    return _read(part.raw, part.start, part.end, "text/plain", depth + 1, budget)


def _split(part: Part, depth: int, budget: _Budget) -> None:
    boundary = part.parameters.get("boundary", "").rstrip().encode("latin-1", "replace")
    slices = list(_slices(part, boundary, budget)) if boundary else []
    if not slices and (guess := _GUESSED_BOUNDARY.match(part.raw, part.start, part.end)):
        slices = list(_slices(part, guess[1], budget))
        budget.warn("a boundary was missing or wrong and was guessed")
    if not slices:
        budget.warn("no boundary was found: the part was read as text")
        part.type = "text/plain"
    default = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
    for start, end in slices:
        if budget.parts <= 0:
            budget.warn(f"more than {MAX_PARTS} parts: the rest was not opened")
            return
        part.children.append(_read(part.raw, start, end, default, depth + 1, budget))


def _slices(part: Part, boundary: bytes, budget: _Budget) -> Iterator[tuple[int, int]]:
    """Start and end of each part between delimiter lines; a missing last delimiter ends with the mail."""
    open_at = -1
    for at, after, last in _delimiters(part, b"--" + boundary, budget):
        if open_at >= 0:
            yield open_at, max(open_at, at)
        open_at = -1 if last else after
        if last:
            return
    if open_at >= 0:
        budget.warn("the last boundary is missing: the mail may have been cut off")
        yield open_at, part.end


def _delimiters(part: Part, mark: bytes, budget: _Budget) -> Iterator[tuple[int, int, bool]]:
    """(end of the text before, start of the text after, whether it closes) of each delimiter line."""
    raw, end = part.raw, part.end
    at = part.start if raw.startswith(mark, part.start) else _next(raw, mark, part.start, end)
    while at >= 0:
        budget.candidates -= 1
        if budget.candidates < 0:
            budget.warn("too many boundaries: the rest was not split")
            return
        line_end = raw.find(b"\n", at, end)
        line_end = end if line_end < 0 else line_end
        tail = raw[at + len(mark) : min(line_end, at + len(mark) + 200)].strip()
        if tail in (b"", b"--"):
            before = at - 1 if at > part.start else at
            before -= raw[before - 1 : before] == b"\r" and before > part.start
            yield before, min(line_end + 1, end), tail == b"--"
        at = _next(raw, mark, at, end)


def _next(raw: bytes, mark: bytes, start: int, end: int) -> int:
    """Where the next line that begins with `mark` begins, -1 when there is none."""
    found = raw.find(b"\n" + mark, start, end)
    return found + 1 if found >= 0 else -1


def undo(data: bytes, encoding: str) -> bytes:
    """Bytes with their transfer encoding undone; what does not obey it is given back as it is."""
    match encoding.partition(";")[0].strip().lower():
        case "base64":
            return _base64(data)
        case "quoted-printable" | "quoted-printeable" | "qp":
            return binascii.a2b_qp(data)
        case "x-uuencode" | "uuencode" | "x-uue" | "uue":
            return _uudecoded(data)
    return data


def _base64(data: bytes) -> bytes:
    """Base64 with what others hang behind it: several padded texts in a row, or a plain footer."""
    out: list[bytes] = []
    at = 0
    while at < len(data):
        run = _BASE64_LINES.match(data, at)
        if run is None or run.end() == at or _looks_plain(data, at, run.end()):
            break
        out.append(words.base64(run[0]))
        at = run.end()
    if not out and not _INNER_BLANK.search(data, 0, 2000):
        return words.base64(data)  # base64 with foreign characters strewn in
    return b"".join(out) + data[at:]


def _looks_plain(data: bytes, start: int, end: int) -> bool:
    """Whether what was taken for base64 is a sentence: it stops in the middle of a line and has blanks inside."""
    stops_inside = end < len(data) and data[end - 1 : end] not in b"=\n"
    line = data[data.rfind(b"\n", start, end) + 1 : end]
    return stops_inside and (b" " in line or len(line) < 60)


def _uudecoded(data: bytes) -> bytes:
    out = []
    for line in data.splitlines():
        if line and line != b"end" and not line.startswith(b"begin "):
            try:
                out.append(binascii.a2b_uu(line[:100]))
            except binascii.Error:
                continue  # a damaged line costs itself, not the file
    return b"".join(out)
