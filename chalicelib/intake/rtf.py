"""Rich text as Outlook packs it (MS-OXRTFCP): unpacked, and read as plain words."""

import codecs
import re
import struct
from typing import Final

MOST_BYTES: Final = 1_000_000  # of unpacked rich text
MAX_GROUPS: Final = 1_000  # open at once
_WINDOW: Final = 4096
_PRESET: Final = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans Serif"
    rb"SymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0" + b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_HEADER: Final = struct.Struct("<II4s")
_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z'])|([{}])|[\r\n]+|([^\\{}\r\n]+)|\\"
)
_BREAKS: Final = {b"par": "\n", b"line": "\n", b"row": "\n", b"sect": "\n", b"page": "\n", b"tab": "\t", b"cell": "\t"}
_MARKS: Final = {
    b"emdash": "—", b"endash": "–", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”",
    b"bullet": "•", b"emspace": " ", b"enspace": " ",
}  # fmt: skip
_ESCAPED: Final = {b"~": " ", b"_": "-", b"\\": "\\", b"{": "{", b"}": "}", b"\n": "\n", b"\r": "\n"}
_UNREAD: Final = frozenset({b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"header", b"footer"})


def decompressed(packed: bytes) -> bytes:
    """The rich text, as far as it can be unpacked. Never raises; at most a million bytes."""
    if len(packed) < 16:
        return b""
    _, _, form = _HEADER.unpack_from(packed)
    if form == b"MELA":
        return packed[16 : 16 + MOST_BYTES]
    return _unpacked(packed) if form == b"LZFu" else b""


def _unpacked(packed: bytes) -> bytes:
    out = bytearray(_PRESET)  # references reach back into what every text might begin with
    at, end = 16, len(packed)
    while at < end and len(out) < MOST_BYTES:
        flags, at = packed[at], at + 1
        for bit in range(8):
            if not flags >> bit & 1:
                out += packed[at : at + 1]
                at += 1
                continue
            pair = int.from_bytes(packed[at : at + 2].ljust(2, b"\0"))
            at += 2
            place = pair >> 4
            back = (len(out) - place) % _WINDOW or _WINDOW
            if at > end or place == len(out) % _WINDOW:
                return bytes(out[len(_PRESET) :])
            _repeat(out, back, (pair & 15) + 2)
    return bytes(out[len(_PRESET) :])


def _repeat(out: bytearray, back: int, count: int) -> None:
    """Appends bytes that stand so far back, which may be those just appended."""
    if back > len(out):
        out += bytes(count)  # of the window before anything was written
        return
    piece = bytes(out[-back:][:count])
    while len(piece) < count:
        piece += piece
    out += piece[:count]


def text(rich: bytes) -> str:
    """The words of a rich text without fonts, pictures and formats. Never raises."""
    reader = _Reader()
    for token in _TOKEN.finditer(rich[:MOST_BYTES]):
        reader.take(token)
    return reader.words().strip()


class _Reader:
    """Words as they are read; what stands in a group goes with it."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._bytes = bytearray()
        self._codec = "cp1252"
        self._groups: list[tuple[bool, int]] = []
        self._silent, self._skip, self._left = False, 1, 0

    def take(self, token: re.Match[bytes]) -> None:
        word, number, code, escaped, brace, plain = token.groups()
        if brace:
            self._group(opens=brace == b"{")
        elif word:
            self._word(word, int(number or 1))
        elif code:
            self._letters(bytes.fromhex(code.decode()))
        elif escaped == b"*":
            self._silent = True
        elif escaped:
            self._add(_ESCAPED.get(escaped, ""))
        elif plain:
            self._letters(plain)

    def words(self) -> str:
        self._flush()
        return "".join(self._out)

    def _group(self, *, opens: bool) -> None:
        self._left = 0
        if opens and len(self._groups) < MAX_GROUPS:
            self._groups.append((self._silent, self._skip))
        elif not opens and self._groups:
            self._silent, self._skip = self._groups.pop()

    def _word(self, word: bytes, number: int) -> None:
        if word in _UNREAD:
            self._silent = True
        elif word == b"htmlrtf":  # what stands between \htmlrtf and \htmlrtf0 is only for Word
            self._silent = number != 0
        elif word == b"ansicpg":
            self._codec = _codec(number)
        elif word == b"uc":
            self._skip = min(max(number, 0), 10)
        elif word == b"u":
            self._add(_letter(number))
            self._left = self._skip
        else:
            self._add(_BREAKS.get(word, "") or _MARKS.get(word, ""))

    def _letters(self, raw: bytes) -> None:
        """Bytes of the text's charset; those that only stand in for a letter already read are left out."""
        raw, self._left = raw[self._left :], max(0, self._left - len(raw))
        if not self._silent:
            self._bytes += raw

    def _add(self, text: str) -> None:
        if text and not self._silent:
            self._flush()
            self._out.append(text)

    def _flush(self) -> None:
        self._out.append(self._bytes.decode(self._codec, "replace"))
        self._bytes.clear()


def _codec(number: int) -> str:
    try:
        return codecs.lookup(f"cp{number}").name
    except LookupError:
        return "cp1252"


def _letter(number: int) -> str:
    code = number % 0x10000
    return chr(code) if not 0xD800 <= code < 0xE000 else ""
