"""Addresses and message ids out of header values that may be broken in any way."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from chalicelib.intake import words
from chalicelib.intake.fields import BLANKS
from chalicelib.intake.message import Address

ADDRESSES_READ: Final = 1_000
IDS_READ: Final = 1_000
ID_LENGTH: Final = 998
# A quoted text, a comment, an address in angle brackets, a separator, or anything else: never read twice.
_TOKEN = re.compile(
    r'(?P<quoted>"(?:[^"\\]|\\.)*+")|(?P<comment>\([^()]*+\))|(?P<angle><[^<>]*+>)|(?P<separator>[,;])|(?P<group>:)'
    r'|(?P<other>[^",;:<>()]++|.)',
    re.DOTALL,
)
_UNCLOSED = re.compile(r'(?:[^"]++|"(?:[^"\\]++|\\.)*+")*+(?=")', re.DOTALL)
_BRACKETED = re.compile(r"<([^<>]{1,1200}+)>")
_BARE = re.compile(r"(?<![^\s<>,;\"])[^\s<>,;\"@]{1,900}@[^\s<>,;\"]{1,200}", re.ASCII)
_SPACE = re.compile(r"\s+", re.ASCII)
_FAMILY = re.compile(r"[^@=\[\]]*[^@=\[\]\s][^@=\[\]]*")
_LOOSE = re.compile(r"\s*([@.])\s*", re.ASCII)
_QUOTED_LOCAL = re.compile(r'"(?:[^"\\]|\\.){1,300}+"@[^\s<>(),;:"]{1,300}', re.DOTALL)
_PLAIN_ADDRESS = re.compile(r"(?<![^\s<>()\[\],;:\"])[^\s<>()\[\],;:\"@]{1,300}@[^\s<>(),;:\"]{1,300}", re.ASCII)


def parse(value: str, decode: Callable[[str], str]) -> tuple[Address, ...]:
    """Addresses of a raw header value, in its order; `decode` reads a raw display name. Reads at most 1,000."""
    if stray := _UNCLOSED.match(value):  # a quotation mark that is never closed means nothing
        value = value[: stray.end()] + value[stray.end() :].replace('"', " ")
    found: list[Address] = []
    for tokens in _whole(_entries(value)):
        if address := _address(tokens, decode):
            found.append(address)
        if len(found) >= ADDRESSES_READ:
            break
    return tuple(found)


def _entries(value: str) -> Iterator[list[tuple[str, str]]]:
    """Tokens between separators; the name of a group is dropped."""
    tokens: list[tuple[str, str]] = []
    for match in _TOKEN.finditer(value):
        kind = match.lastgroup or "other"
        if kind == "separator":
            yield tokens
            tokens = []
        elif kind == "group" and not any("@" in text for _, text in tokens):
            tokens = []
        else:
            tokens.append((kind, match[0]))
    yield tokens


def _whole(entries: Iterator[list[tuple[str, str]]]) -> Iterator[list[tuple[str, str]]]:
    """The entries; a name that a comma without quotation marks cut in two is whole again: `Last, First <a@…>`."""
    family: list[tuple[str, str]] = []
    for tokens in entries:
        if family and any(kind == "angle" and "@" in text for kind, text in tokens) and _calls_him(tokens):
            yield [*family, ("other", ","), *tokens]
            family = []
            continue
        if family:
            yield family
        family = tokens if all(kind == "other" and _FAMILY.fullmatch(text) for kind, text in tokens) else []
        if not family:
            yield tokens
    if family:
        yield family


def _calls_him(tokens: list[tuple[str, str]]) -> bool:
    return any(kind == "other" and text.strip(BLANKS) and "=?" not in text for kind, text in tokens)


def _address(tokens: list[tuple[str, str]], decode: Callable[[str], str]) -> Address | None:
    angles = [text[1:-1] for kind, text in tokens if kind == "angle"]
    name = "".join(_unquoted(kind, text) for kind, text in tokens if kind in ("quoted", "other", "group"))
    comment = " ".join(text[1:-1] for kind, text in tokens if kind == "comment")
    if angles:
        named = next((angle for angle in angles if "@" in angle), angles[-1])
        return _made(named, decode(name) or decode(comment))
    if quoted := _QUOTED_LOCAL.search("".join(text for kind, text in tokens if kind != "comment")):
        return _made(quoted[0], decode(comment))
    bare = _PLAIN_ADDRESS.search(decode(name) if "=?" in name else name)
    if bare:
        rest = (name[: bare.start()] + " " + name[bare.end() :]) if "=?" not in name else ""
        return _made(bare[0], decode(comment) or decode(rest))
    return _made(name, decode(comment)) if name.strip(BLANKS) else None


def _unquoted(kind: str, text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL) if kind == "quoted" else text


def _made(text: str, name: str) -> Address | None:
    """An address without source route and blanks around its dots; None when neither it nor a name is left.

    Other blanks stay: without them it would be the address of somebody else.
    """
    if "=?" in text and (inner := _PLAIN_ADDRESS.search(text)):
        text = inner[0]
    address = _utf8(_SPACE.sub(" ", _LOOSE.sub(r"\1", text)).strip(BLANKS))
    if not _QUOTED_LOCAL.fullmatch(address):
        address = address.strip("'\" ")
    if address.startswith("@") and ":" in address:
        address = address.rpartition(":")[2]
    if address.lower().startswith("mailto:"):
        address = address[7:]
    local, at, domain = address.rpartition("@")
    address = (local + at + domain.lower()) if at else address
    name = _unmarked(name.strip())
    return Address(name, address[:1000]) if address or name else None


def _unmarked(name: str) -> str:
    """The name without quotation marks around it or lost at an end; those inside stay: `'Anna' via Sales`."""
    for mark in ("'", '"'):
        if name.count(mark) == 1 or name[:1] == name[-1:] == mark:
            name = name.strip(mark).strip()
    return name


def _utf8(raw: str) -> str:
    """Internationalised addresses (RFC 6532) come as UTF-8 bytes."""
    try:
        return raw if raw.isascii() else raw.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return raw


def ids(value: str) -> tuple[str, ...]:
    """Message ids of a raw value without brackets, each once, in its order; at most 1,000."""
    if "=?" in value:  # some programs fold long ids as encoded words
        value = words.decode(value)
    found = [_SPACE.sub("", match[1]) for match in _BRACKETED.finditer(value)] or _BARE.findall(value)
    return tuple(dict.fromkeys(_utf8(one)[:ID_LENGTH] for one in found[:IDS_READ] if one))


def message_id(value: str) -> str:
    """The id a mail gives itself, tolerant of missing brackets; '' when there is none."""
    found = ids(value)
    return found[0] if found else _utf8(_SPACE.sub("", value).strip("<>"))[:ID_LENGTH]
