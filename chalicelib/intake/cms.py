"""S/MIME's envelope (CMS, RFC 5652): what kind it is, and what was signed in it. No signature is checked here."""

import re
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from typing import Final, NamedTuple

MAX_ELEMENTS: Final = 500_000  # looked at, most of them once a level: 40 MB may come in pieces of 1,000 bytes
MAX_DEPTH: Final = 20
HEAD_BYTES: Final = 40  # in which an envelope names its type
_OCTETS, _CONTENT = 0x04, 0xA0  # tags; _CONTENT is [0], what an explicit content stands in
_CONSTRUCTED: Final = 0x20
_MARK: Final = b"\0\0"
_NAMED = re.compile(rb"\x06[\x09\x0b](\x2a\x86\x48\x86\xf7\x0d\x01(?:\x07.|\x09\x10\x01.))", re.DOTALL)


class Kind(StrEnum):
    """What CMS says a message is."""

    SIGNED = "signed"
    ENCRYPTED = "encrypted"
    OTHER = "other"


_KINDS: Final = {
    bytes.fromhex("2a864886f70d010702"): Kind.SIGNED,
    bytes.fromhex("2a864886f70d010703"): Kind.ENCRYPTED,
    bytes.fromhex("2a864886f70d0109100117"): Kind.ENCRYPTED,  # authenticated-enveloped-data
}


def kind(data: bytes) -> Kind:
    """What an envelope is, by the type it names in front. Never raises."""
    named = _NAMED.search(data[:HEAD_BYTES])
    return _KINDS.get(named[1], Kind.OTHER) if named else Kind.OTHER


def signed(data: bytes) -> bytes:
    """The bytes that were signed in signed-data; b"" where there are none to see. Never raises."""
    budget = [MAX_ELEMENTS]
    try:
        for outer in _elements(data, 0, len(data), budget):
            held = (one for one in _elements(data, outer.start, outer.end, budget) if one.tag == _CONTENT)
            return b"".join(piece for content in held for piece in _signed(data, content, budget))
    except _Broken:
        return b""
    return b""


class _Broken(Exception):
    """These bytes are no BER."""


class _Element(NamedTuple):
    """Where the content of an element stands."""

    tag: int
    start: int
    end: int
    behind: int


def _signed(data: bytes, content: _Element, budget: list[int]) -> Iterator[bytes]:
    """The pieces in SignedData: version, digest algorithms, and in third place what was signed."""
    for sequence in _elements(data, content.start, content.end, budget):
        for third in islice(_elements(data, sequence.start, sequence.end, budget), 2, 3):
            for inner in _elements(data, third.start, third.end, budget):
                if inner.tag == _CONTENT:
                    yield from _octets(data, inner, budget, 0)


def _octets(data: bytes, holder: _Element, budget: list[int], depth: int) -> Iterator[bytes]:
    """The pieces of a text that may be cut into texts."""
    if depth > MAX_DEPTH:
        raise _Broken
    for element in _elements(data, holder.start, holder.end, budget):
        if element.tag == _OCTETS:
            yield data[element.start : element.end]
        elif element.tag == _OCTETS | _CONSTRUCTED:
            yield from _octets(data, element, budget, depth + 1)


def _elements(data: bytes, start: int, end: int, budget: list[int], depth: int = 0) -> Iterator[_Element]:
    """The elements between two places, or up to the mark that ends them."""
    at = start
    while at + 2 <= end:
        tag, length, content = _head(data, at, end)
        if tag == 0 and length == 0:
            return
        budget[0] -= 1
        if budget[0] < 0 or depth > MAX_DEPTH:
            raise _Broken
        stop = _mark(data, content, end, budget, depth + 1) if length is None else content + length
        at = stop + len(_MARK) if length is None else stop
        if at > end:
            raise _Broken
        yield _Element(tag, content, stop, at)


def _mark(data: bytes, start: int, end: int, budget: list[int], depth: int) -> int:
    """Where the mark stands that ends an element whose length is not said."""
    at = start
    for element in _elements(data, start, end, budget, depth):
        at = element.behind
    return at


def _head(data: bytes, at: int, end: int) -> tuple[int, int | None, int]:
    """Tag, length (None: until its mark) and place of the content. Tags of several bytes do not occur in CMS."""
    tag, first = data[at], data[at + 1]
    if tag & 0x1F == 0x1F:
        raise _Broken
    if first == 0x80:
        return tag, None, at + 2
    if first < 0x80:
        return tag, first, at + 2
    count = first & 0x7F
    if count > 8 or at + 2 + count > end:
        raise _Broken
    return tag, int.from_bytes(data[at + 2 : at + 2 + count]), at + 2 + count
