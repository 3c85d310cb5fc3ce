"""Outlook's own envelope, TNEF (winmail.dat): the text and the files in it, by place, never copied.

A stream of attributes (MS-OXTNEF), some of which hold lists of MAPI properties. What is of no use to a reader is
stepped over; where the stream breaks off, what was found before counts.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

SIGNATURE: Final = b"\x78\x9f\x3e\x22"
MAX_ATTRIBUTES: Final = 10_000
MAX_PROPERTIES: Final = 20_000  # of all lists together
NAME_BYTES: Final = 2_000  # of a name that are read
_CODEPAGE, _CLASS, _BODY, _MESSAGE = 0x69007, 0x78008, 0x2800C, 0x69003
_NEW_FILE, _TITLE, _DATA, _FILE = 0x69002, 0x18010, 0x6800F, 0x69005
_PLAIN_BODY, _RTF_BODY, _HTML_BODY = 0x1000, 0x1009, 0x1013
_DISPLAY_NAME, _OBJECT, _SHORT_NAME, _LONG_NAME, _MIME_TYPE, _CONTENT_ID = (
    0x3001,
    0x3701,
    0x3704,
    0x3707,
    0x370E,
    0x3712,
)
_STRING8, _UNICODE, _BINARY, _AN_OBJECT = 0x1E, 0x1F, 0x102, 0x0D
_SIZES: Final = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_MANY: Final = 0x1000
_HEADER: Final = 9  # level, name and length of an attribute
_INTERFACE: Final = 16  # bytes in front of an object that say what kind it is


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the stream."""

    start: int
    end: int


@dataclass(slots=True)
class File:
    """A file in the stream; what was not said is ''."""

    name: str = ""
    type: str = ""
    content_id: str = ""
    place: Place = Place(0, 0)


@dataclass(slots=True)
class Stream:
    """What stands in a stream. `codec` reads its 8-bit texts; `text` is UTF-16 where `wide`; `rtf` is compressed."""

    codec: str = "cp1252"
    message_class: str = ""
    text: Place | None = None
    wide: bool = False
    html: Place | None = None
    rtf: Place | None = None
    files: list[File] = field(default_factory=list)
    damaged: bool = False


def read(data: bytes, start: int, end: int) -> Stream:
    """What stands in `data[start:end]`, as far as it is a stream. Never raises."""
    stream = Stream()
    budget = [MAX_PROPERTIES]
    try:
        for name, place in _attributes(data, start, end):
            _take(stream, data, name, place, budget)
    except _Broken:
        stream.damaged = True
    return stream


class _Broken(Exception):
    """The stream does not go on as it must."""


def _attributes(data: bytes, start: int, end: int) -> Iterator[tuple[int, Place]]:
    if not data.startswith(SIGNATURE, start, end):
        raise _Broken
    at = start + 6
    for _ in range(MAX_ATTRIBUTES):
        if at + _HEADER > end:  # mail programs leave a line end behind it
            return
        name, length = _number(data, at + 1, end), _number(data, at + 5, end)
        start = at + _HEADER
        place = Place(start, min(start + length, end))
        yield name, place
        if start + length > end:
            raise _Broken
        at = place.end + 2  # behind its checksum, which programs get wrong
    raise _Broken


def _take(stream: Stream, data: bytes, name: int, place: Place, budget: list[int]) -> None:
    if name == _CODEPAGE:
        stream.codec = f"cp{_number(data, place.start, place.end)}"
    elif name == _CLASS:
        stream.message_class = _text(data, place, stream.codec)
    elif name == _BODY:
        stream.text = stream.text or place
    elif name == _MESSAGE:
        _take_message(stream, data, place, budget)
    elif name == _NEW_FILE:
        stream.files.append(File())
    elif name in (_TITLE, _DATA, _FILE) and stream.files:
        _take_file(stream, stream.files[-1], data, name, place, budget)


def _take_message(stream: Stream, data: bytes, place: Place, budget: list[int]) -> None:
    for kind, name, value in _properties(data, place, budget):
        if name == _PLAIN_BODY and kind in (_STRING8, _UNICODE):
            stream.text, stream.wide = value, kind == _UNICODE
        elif name == _HTML_BODY:
            stream.html = value
        elif name == _RTF_BODY:
            stream.rtf = value


def _take_file(stream: Stream, file: File, data: bytes, name: int, place: Place, budget: list[int]) -> None:
    if name == _TITLE:
        file.name = file.name or _text(data, place, stream.codec)
    elif name == _DATA:
        file.place = place
    else:
        names: dict[int, str] = {}
        for kind, number, value in _properties(data, place, budget):
            if number == _OBJECT:
                skipped = _INTERFACE if kind == _AN_OBJECT else 0
                file.place = Place(min(value.start + skipped, value.end), value.end)
            elif kind in (_STRING8, _UNICODE):
                names[number] = _text(data, value, "utf-16-le" if kind == _UNICODE else stream.codec)
        file.name = names.get(_LONG_NAME) or file.name or names.get(_SHORT_NAME, "") or names.get(_DISPLAY_NAME, "")
        file.type, file.content_id = names.get(_MIME_TYPE, ""), names.get(_CONTENT_ID, "")


def _properties(data: bytes, place: Place, budget: list[int]) -> Iterator[tuple[int, int, Place]]:
    """Type, number and place of each property's (first) value."""
    at, end = place.start + 4, place.end
    for _ in range(_number(data, place.start, end)):
        budget[0] -= 1
        if budget[0] < 0:
            raise _Broken
        both = _number(data, at, end)
        kind, number = both & 0xFFFF, both >> 16
        at = _behind_name(data, at + 4, end) if number >= 0x8000 else at + 4
        kind, values = (kind & ~_MANY, 0) if kind & _MANY else (kind, 1)
        if not values or kind not in _SIZES:
            values, at = _number(data, at, end), at + 4
        first, at = _values(data, at, end, kind, values)
        if first:
            yield kind, number, first


def _values(data: bytes, at: int, end: int, kind: int, count: int) -> tuple[Place | None, int]:
    """Where the first of so many values stands, and where they all end."""
    if kind in _SIZES:
        size = _SIZES[kind]
        if count * size > end - at:
            raise _Broken
        return (Place(at, at + size) if count else None), at + count * size
    if kind not in (_STRING8, _UNICODE, _BINARY, _AN_OBJECT) or count * 4 > end - at:
        raise _Broken
    first = None
    for _ in range(count):
        length = _number(data, at, end)
        at += 4
        if length > end - at:
            raise _Broken
        first = first or Place(at, at + length)
        at += length + -length % 4
    return first, at


def _behind_name(data: bytes, at: int, end: int) -> int:
    """Past the name of a property that has one instead of a number."""
    kind, length = _number(data, at + 16, end), _number(data, at + 20, end)
    return at + 24 + (length + -length % 4 if kind else 0)


def _number(data: bytes, at: int, end: int) -> int:
    if at + 4 > end:
        raise _Broken
    return int(struct.unpack_from("<I", data, at)[0])


def _text(data: bytes, place: Place, codec: str) -> str:
    raw = data[place.start : min(place.end, place.start + NAME_BYTES)]
    try:
        return raw.decode(codec, "replace").partition("\0")[0]
    except LookupError:
        return raw.decode("cp1252", "replace").partition("\0")[0]
