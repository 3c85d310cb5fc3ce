"""Whatever is packed into a mail, and however it is broken: read in bounded time, and never an exception."""

import base64
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.intake import cms, email, tnef
from tests.property.test_parse import check
from tests.unit.intake import packing as pack

FILE = pack.attribute(pack.NEW_FILE, b"\0" * 14) + pack.attribute(pack.TITLE, b"a.pdf\0")
PROPERTIES = pack.properties(
    (pack.UNICODE, pack.PLAIN, "zażółć".encode("utf-16-le")),
    (0x1003, 0x8001, b"\0" * 16 + b"\1\0\0\0\4\0\0\0a\0b\0" + b"\2\0\0\0" + b"\0" * 8),
    (pack.BINARY, pack.RTF, pack.stored_rtf(b"{\\rtf1 words}")),
)
WHOLE = {
    b"application/ms-tnef": pack.tnef(
        pack.attribute(pack.CODEPAGE, b"\xe2\x04\0\0\0\0\0\0"), pack.attribute(pack.MESSAGE, PROPERTIES), FILE,
        pack.attribute(pack.DATA, b"%PDF-"), pack.attribute(pack.FILE, PROPERTIES),
    ),
    b"application/pkcs7-mime": pack.signed_in_pieces([b"Subject: x\n\n", b"words"]),
    b"text/calendar": b"BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:x\nDTSTART;TZID=a:20260302T090000\n",
}  # fmt: skip


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A mail with something packed into it, some bytes of which were changed, left out or put in."""
    kind = draw(st.sampled_from(list(WHOLE)))
    packed = bytearray(WHOLE[kind])
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(packed)))
        packed[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=4) | st.just(b"\xff" * 4))
    return b"From: a@b.example\nContent-Type: " + kind + b"\n\n" + bytes(packed)


@settings(max_examples=600, deadline=None)
@given(broken())
def test_broken_enclosures_are_read(raw: bytes) -> None:
    check(email.parse(raw))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=500))
def test_any_bytes_may_be_an_enclosure(data: bytes) -> None:
    stream = tnef.read(tnef.SIGNATURE + data, 0, len(data) + 4)
    assert all(0 <= one.place.start <= one.place.end <= len(data) + 4 for one in stream.files)
    cms.signed(data)


def _attributes(size: int) -> bytes:
    return pack.tnef(pack.attribute(pack.NEW_FILE, b"") * (size // 11))


def _properties(size: int) -> bytes:
    one = struct.pack("<HHI", 3, 0x3705, 1)
    return pack.tnef(pack.attribute(pack.MESSAGE, struct.pack("<I", 2**32 - 1) + one * (size // len(one))))


def _values(size: int) -> bytes:
    head = struct.pack("<IHHI", 1, 0x1000 | pack.STRING8, 0x3705, size // 4)
    return pack.tnef(pack.attribute(pack.MESSAGE, head + b"\0" * size))


def _lists(size: int) -> bytes:
    one = pack.attribute(pack.FILE, pack.properties(*[(3, 0x3705, b"\0" * 4)] * 100))
    return pack.tnef(FILE + one * (size // len(one)))


def _nested(size: int) -> bytes:
    stream = pack.tnef(FILE + pack.attribute(pack.DATA, b"x" * (size // 2)))
    for _ in range(20):
        stream = pack.tnef(FILE + pack.attribute(pack.DATA, stream))
    return stream


def _pieces(size: int) -> bytes:
    return pack.signed_in_pieces([b""] * (size // 2))


def _unended(size: int) -> bytes:
    return bytes.fromhex("3080060 92a864886f70d010702a080".replace(" ", "")) + b"\x30\x80" * (size // 2)


def _lines(size: int) -> bytes:
    return b"BEGIN:VCALENDAR\n" + b'X;A=1;B="2":3\n' * (size // 14)


def _folds(size: int) -> bytes:
    return b"BEGIN:VCALENDAR\nSUMMARY:" + b"\n x" * (size // 3)


BOMBS: dict[str, tuple[bytes, Callable[[int], bytes]]] = {
    "attributes": (b"application/ms-tnef", _attributes),
    "properties": (b"application/ms-tnef", _properties),
    "values": (b"application/ms-tnef", _values),
    "lists of properties": (b"application/ms-tnef", _lists),
    "messages in messages": (b"application/ms-tnef", _nested),
    "pieces": (b"application/pkcs7-mime", _pieces),
    "no end": (b"application/pkcs7-mime", _unended),
    "lines": (b"text/calendar", _lines),
    "folded lines": (b"text/calendar", _folds),
}


def seconds(name: str, size: int, parts: int) -> float:
    """Processor time of a mail that carries a bomb, cut into so many parts."""
    kind, make = BOMBS[name]
    head = b"--b\nContent-Type: " + kind + b"\nContent-Transfer-Encoding: base64\n\n"
    part = head + base64.encodebytes(make(size * 3 // 4 // parts))
    raw = b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n" + part * parts + b"--b--\n"
    begun = time.process_time()
    email.read(raw)
    return time.process_time() - begun


@pytest.mark.parametrize("parts", [1, 300])
@pytest.mark.parametrize("name", BOMBS)
def test_hostile_enclosures_cost_their_length(name: str, parts: int) -> None:
    assert seconds(name, 1_000_000, parts) < 5


@pytest.mark.long
@pytest.mark.parametrize("parts", [1, 900])
@pytest.mark.parametrize("name", BOMBS)
def test_the_largest_hostile_enclosures_are_read_in_ten_seconds(name: str, parts: int) -> None:
    assert seconds(name, 40_000_000, parts) < 10


@pytest.mark.long
def test_every_beginning_of_the_shared_streams_is_read(shared: Path) -> None:
    for path in sorted((shared / "mail").glob("*/**/*.tnef")):
        data = path.read_bytes()[:50_000]
        for end in range(0, len(data), 97):
            tnef.read(data[:end], 0, end)
