"""Envelopes as tests pack them: TNEF streams, CMS messages, rich text."""

import struct
from collections.abc import Sequence

CLASS, BODY, MESSAGE, CODEPAGE = 0x78008, 0x2800C, 0x69003, 0x69007
NEW_FILE, TITLE, DATA, FILE = 0x69002, 0x18010, 0x6800F, 0x69005
PLAIN, RTF, HTML, LONG_NAME, OBJECT, TYPE, CONTENT_ID = 0x1000, 0x1009, 0x1013, 0x3707, 0x3701, 0x370E, 0x3712
STRING8, UNICODE, BINARY, AN_OBJECT = 0x1E, 0x1F, 0x102, 0x0D
PKCS7 = bytes.fromhex("2a864886f70d0107")


def tnef(*attributes: bytes) -> bytes:
    """A stream of attributes."""
    return b"\x78\x9f\x3e\x22\x01\x00" + b"".join(attributes)


def attribute(name: int, value: bytes) -> bytes:
    """One attribute, with the checksum programs do not look at."""
    level = 2 if name in (NEW_FILE, TITLE, DATA, FILE) else 1
    return struct.pack("<BII", level, name, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def properties(*each: tuple[int, int, bytes]) -> bytes:
    """A list of MAPI properties: type, number, value."""
    return struct.pack("<I", len(each)) + b"".join(_one(*one) for one in each)


def _one(kind: int, number: int, value: bytes) -> bytes:
    head = struct.pack("<HH", kind, number)
    if kind in (STRING8, UNICODE, BINARY, AN_OBJECT):
        head += struct.pack("<II", 1, len(value))
    return head + value + b"\0" * (-len(value) % 4)


def der(tag: int, *content: bytes) -> bytes:
    """An element whose length is said."""
    inside = b"".join(content)
    if len(inside) < 0x80:
        return bytes([tag, len(inside)]) + inside
    size = len(inside).to_bytes((len(inside).bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(size)]) + size + inside


def ber(tag: int, *content: bytes) -> bytes:
    """An element that ends with a mark."""
    return bytes([tag, 0x80]) + b"".join(content) + b"\0\0"


def signed(content: bytes) -> bytes:
    """What S/MIME calls signed-data, with nobody's signature."""
    inside = der(0x30, der(0x06, PKCS7 + b"\x01"), der(0xA0, der(0x04, content)))
    return der(0x30, der(0x06, PKCS7 + b"\x02"), der(0xA0, der(0x30, der(2, b"\1"), der(0x31), inside, der(0x31))))


def signed_in_pieces(pieces: Sequence[bytes]) -> bytes:
    """The same as Outlook streams it: no length is said, and the content is cut."""
    octets = ber(0x24, *(der(0x04, piece) for piece in pieces))
    inside = ber(0x30, der(0x06, PKCS7 + b"\x01"), ber(0xA0, octets))
    return ber(0x30, der(0x06, PKCS7 + b"\x02"), ber(0xA0, ber(0x30, der(2, b"\1"), der(0x31), inside, der(0x31))))


def encrypted() -> bytes:
    """Enveloped-data with nothing in it."""
    return der(0x30, der(0x06, PKCS7 + b"\x03"), der(0xA0, der(0x30, der(2, b"\0"))))


def stored_rtf(text: bytes) -> bytes:
    """Rich text that Outlook did not pack."""
    return struct.pack("<II4sI", len(text) + 12, len(text), b"MELA", 0) + text
