"""Transfer encodings undone; what does not obey its encoding is given back as it is."""

import binascii
import re
from typing import Final

UU_LINE: Final = 100
TEXTS_IN_A_ROW: Final = 10_000
_NOT_DIGITS: Final = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
# What stands behind a soft line break was added on the way (RFC 2045, 6.7).
_BLANKS_BEHIND = re.compile(rb"=[ \t]++(?=\r?\n|\Z)")
_LINE = re.compile(rb"[^\r\n]+")
_INNER_BLANK = re.compile(rb"[!-~][ \t]+[!-~]")
_LINES = re.compile(rb"[A-Za-z0-9+/\s]*+(?:=[=\s]*+)?+")


def undo(data: bytes, encoding: str) -> bytes:
    """The bytes that were encoded. Never raises; an unknown encoding changes nothing."""
    match encoding:
        case "base64":
            return _base64_lines(data)
        case "quoted-printable" | "quoted-printeable" | "qp":
            return binascii.a2b_qp(_BLANKS_BEHIND.sub(b"=", data))
        case "x-uuencode" | "uuencode" | "x-uue" | "uue":
            return _uudecoded(data)
    return data


def base64(data: bytes) -> bytes:
    """Bytes of one base64 text; foreign characters are skipped and missing padding does not matter."""
    digits = data.translate(None, _NOT_DIGITS)
    if len(digits) % 4 == 1:
        digits = digits[:-1]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def _base64_lines(data: bytes) -> bytes:
    """Base64 with what others hang behind it: several padded texts in a row, or a plain footer."""
    out: list[bytes] = []
    at = 0
    while at < len(data) and len(out) < TEXTS_IN_A_ROW:
        run = _LINES.match(data, at)
        if run is None or run.end() == at or _looks_plain(data, at, run.end()):
            break
        out.append(base64(run[0]))
        at = run.end()
    if not out and not _INNER_BLANK.search(data, 0, 2000):
        return base64(data)  # base64 with foreign characters strewn in
    return b"".join(out) + data[at:]


def _looks_plain(data: bytes, start: int, end: int) -> bool:
    """Whether what was taken for base64 is a sentence: it stops inside a line, and the line is short."""
    stops_inside = end < len(data) and data[end - 1 : end] not in b"=\n"
    line = data[data.rfind(b"\n", start, end) + 1 : end]
    return stops_inside and (b" " in line or len(line) < 60)


def _uudecoded(data: bytes) -> bytes:
    """Lines of uuencoded data; a damaged line costs itself, not the file."""
    out = bytearray()
    for line in _LINE.finditer(data):
        if not line[0].startswith((b"begin ", b"end")):
            out += _uu_line(line[0][:UU_LINE])
    return bytes(out)


def _uu_line(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        return b""
