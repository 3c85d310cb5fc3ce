"""Header fields of a mail or of one of its parts, byte for byte (latin-1: one character is one byte)."""

import re
from dataclasses import dataclass, field
from typing import Final

NEARBY_LINES: Final = 4
# What may be stripped from a raw value: str.strip() takes the bytes 85 and A0 for blanks as well.
BLANKS: Final = " \t\r\n"
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_ENVELOPE = re.compile(rb">?From ")
_FOLD = re.compile(r"[\r\n]+[ \t]*")
_BLANK = re.compile(rb"\n\r*\n")


@dataclass(frozen=True, slots=True)
class Fields:
    """Unfolded values by lower-case name, each list in the order of the mail."""

    values: dict[str, list[str]] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """The first value of the field, '' when there is none."""
        found = self.values.get(name)
        return found[0] if found else ""

    def all(self, name: str) -> list[str]:
        """Every value of the field."""
        return self.values.get(name, [])

    def __contains__(self, name: str) -> bool:
        return name in self.values


@dataclass(frozen=True, slots=True)
class Head:
    """The fields of one header, where the body begins, and whether some of the header was left unread."""

    fields: Fields
    body: int
    cut: bool = False


def read(raw: bytes, start: int, end: int, most: int) -> Head:
    """The header that begins at `start`; reads at most `most` bytes of it. Never raises."""
    pairs: list[list[str]] = []
    at, stop = start, min(end, start + most)
    while at < stop:
        after = _line_end(raw, at, end)
        line = raw[at : min(after, stop)].rstrip(b"\r\n")
        if not line:
            return Head(_frozen(pairs), after)
        if line[:1] in b" \t" and pairs:
            pairs[-1].append(line.decode("latin-1"))
        elif found := _FIELD.match(line):
            pairs.append([found[1].decode("latin-1").lower(), line[found.end() :].decode("latin-1")])
        elif not _stray(raw, after, end, pairs, line, first=at == start):
            return Head(_frozen(pairs), at)
        at = after
    return Head(_frozen(pairs), *_rest(raw, at, end))


def _line_end(raw: bytes, at: int, end: int) -> int:
    found = raw.find(b"\n", at, end)
    return end if found < 0 else found + 1


def _stray(raw: bytes, after: int, end: int, pairs: list[list[str]], line: bytes, first: bool) -> bool:
    """Whether a line that is no field still belongs to the header: an mbox line, or a fold without blank."""
    if first and _ENVELOPE.match(line):
        return True
    for _ in range(NEARBY_LINES):
        following = raw[after : min(_line_end(raw, after, end), after + 300)]
        if _FIELD.match(following) and pairs:
            pairs[-1].append(" " + line.decode("latin-1"))
            return True
        if not following.strip():
            return False
        after = _line_end(raw, after, end)
    return False


def _rest(raw: bytes, at: int, end: int) -> tuple[int, bool]:
    """Where the body begins when the header was not read to its end."""
    if at >= end:
        return end, False
    blank = _BLANK.search(raw, max(0, at - 1), end)
    return (blank.end() if blank else at), True


def _frozen(pairs: list[list[str]]) -> Fields:
    values: dict[str, list[str]] = {}
    for name, *lines in pairs:
        # No database takes a NUL, and no field means one (RFC 5322, 2.2).
        value = _FOLD.sub(" ", "".join(lines)).replace("\0", "")
        values.setdefault(name, []).append(value.strip(BLANKS))
    return Fields(values)
