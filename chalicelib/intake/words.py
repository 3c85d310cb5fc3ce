"""Text out of header values: encoded words (RFC 2047), raw 8-bit text and parameters (RFC 2231)."""

import binascii
import re
from typing import Final
from urllib.parse import unquote_to_bytes

from chalicelib.intake import charset, misread, transfer
from chalicelib.intake.fields import BLANKS

PARAMETERS_READ: Final = 8192
_WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?(.{0,4000}?)\?=", re.DOTALL | re.ASCII)
_SPACE = re.compile(r"\s+")
_PATH = re.compile(r"[A-Za-z]:\\", re.ASCII)  # of a file, as programs on Windows put it there
_PARAMETER = re.compile(
    r";\s*([^\s=;*\"]{1,60})(\*\d{1,3})?(\*)?\s*=\s*(\"(?:[^\"\\]|\\.)*+\"?|[^;]*)", re.DOTALL | re.ASCII
)


def decode(value: str, declared: str = "", likely: str = "") -> str:
    """Readable text of a raw (latin-1) value; `likely` is the codec of the rest of the mail."""
    return mended(value, declared, likely)[0]


def mended(value: str, declared: str = "", likely: str = "", likely_misread: str = "") -> tuple[str, str]:
    """The same, with a warning ('' for none) when letters had been misread before the mail was sent."""
    found = misread.mend(_decoded(value, declared, likely), likely_misread)
    return _SPACE.sub(" ", found.text.replace("\ufeff", "")).strip(), found.warning


def _decoded(value: str, declared: str, likely: str) -> str:
    """Adjacent encoded words are joined before they are decoded."""
    out: list[str] = []
    run: list[tuple[str, str, str]] = []
    at = 0
    for word in _WORD.finditer(value):
        between = value[at : word.start()]
        name, form = word[1].partition("*")[0], word[2].upper()
        if run and (between.strip(BLANKS) or run[-1][:2] != (name.lower(), form)):
            out.append(_decode_run(run, likely))
            run = []
        if between.strip(BLANKS):
            out.append(_plain(between, declared, likely))
        elif between and not at:
            out.append(" ")
        run.append((name.lower(), form, word[3]))
        at = word.end()
    out.append(_decode_run(run, likely) if run else "")
    out.append(_plain(value[at:], declared, likely))
    return "".join(out)


def _plain(raw: str, declared: str, likely: str) -> str:
    return raw if raw.isascii() else charset.decode(raw.encode("latin-1"), declared, likely).text


def _decode_run(run: list[tuple[str, str, str]], likely: str) -> str:
    name, form, _ = run[0]
    texts = [text for _, _, text in run]
    data = _base64_words(texts) if form == "B" else b"".join(_quoted_word(text) for text in texts)
    return charset.decode(data, name, likely).text


def _base64_words(texts: list[str]) -> bytes:
    """Each word by itself, as the standard has it; joined when a word was cut inside a group of four."""
    if any(len(text.rstrip("=")) % 4 and "=" not in text for text in texts[:-1]):
        return transfer.base64("".join(texts).encode("latin-1"))
    return b"".join(transfer.base64(text.encode("latin-1")) for text in texts)


def _quoted_word(text: str) -> bytes:
    return binascii.a2b_qp(text.encode("latin-1"), header=True)


def parameters(value: str) -> dict[str, str]:
    """Parameters of a structured value behind its first `;`, names in lower case; continuations joined."""
    value = value[max(0, value.find(";")) :]
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for found in _PARAMETER.finditer(value[:PARAMETERS_READ]):
        number = int(found[2][1:]) if found[2] else -1 if found[3] else 0
        pieces.setdefault(found[1].lower(), {}).setdefault(number, (bool(found[3]), _unquoted(found[4])))
    return {name: _joined(numbered) for name, numbered in pieces.items()}


def _unquoted(text: str) -> str:
    text = text.strip(BLANKS)
    if not text.startswith('"'):
        return text
    said = text[1:].removesuffix('"')
    return said if _PATH.match(said) else re.sub(r"\\(.)", r"\1", said)


def _joined(numbered: dict[int, tuple[bool, str]]) -> str:
    if -1 in numbered:  # name*=charset''text beats a plain name=
        numbered = {-1: numbered[-1]}
    ordered = [numbered[number] for number in sorted(numbered)]
    if not any(encoded for encoded, _ in ordered):
        return decode("".join(text for _, text in ordered))
    name, _, rest = ordered[0][1].partition("'")
    first = rest.partition("'")[2] if "'" in rest else ordered[0][1]
    texts = [(ordered[0][0], first), *ordered[1:]]
    data = b"".join(
        unquote_to_bytes(text.encode("latin-1")) if encoded else text.encode("latin-1") for encoded, text in texts
    )
    return charset.decode(data, name).text
