"""Names of files that every system takes and nobody is deceived by."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

NAME_BYTES: Final = 200  # of UTF-8; file systems take 255, and a number may still come behind
EXTENSION_LENGTH: Final = 10  # characters; what is longer is no extension
_HARMLESS = re.compile(r"[\w-]++(?:[ .][\w-]++)*+", re.ASCII)
_FOLDERS = re.compile(r"[/\\]")
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_BLANKS = re.compile(r"\s+")
_EXTENSION = re.compile(rf"\.\w{{1,{EXTENSION_LENGTH}}}$")
# Windows opens a device under these, whatever their extension.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)", re.IGNORECASE)
# What no reader sees: controls, directions, halves of letters, letters of nobody. Joiners belong to words and emoji.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_JOINERS: Final = frozenset("\u200c\u200d")
_BLANK_LETTERS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def safe(name: str) -> str:
    """The name without folders, without what cannot be seen or stored, at most 200 bytes; '' when nothing is left."""
    if not name:
        return ""
    if _HARMLESS.fullmatch(name) and len(name) <= NAME_BYTES:
        return f"_{name}" if _DEVICE.match(name) else name
    pieces = [_seen(piece).strip(". ") for piece in _FOLDERS.split(name)]
    kept = next((piece for piece in reversed(pieces) if piece), "")
    kept = _FORBIDDEN.sub("_", kept)
    return _shortened(f"_{kept}" if _DEVICE.match(kept) else kept)


def told_apart(names: Sequence[str]) -> Sequence[str]:
    """The names in their order, with a number where one stood before; capitals do not make two of one."""
    if len({name.casefold() for name in names}) == len(names):
        return names
    given: set[str] = set()
    counts: dict[str, int] = {}
    out: list[str] = []
    for name in names:
        free, number = name, counts.get(name.casefold(), 1)
        while free.casefold() in given:
            number += 1
            free = _numbered(name, number)
        counts[name.casefold()] = number
        given.add(free.casefold())
        out.append(free)
    return out


def extension(name: str) -> str:
    """The extension in lower case with its dot; '' when there is none."""
    found = _EXTENSION.search(name)
    return found[0].lower() if found and found.start() else ""


def _seen(piece: str) -> str:
    if piece.isascii() and piece.isprintable():
        return _BLANKS.sub(" ", piece)
    letters = ("" if _hidden(letter) else letter for letter in unicodedata.normalize("NFC", piece))
    return _BLANKS.sub(" ", "".join(" " if letter in _BLANK_LETTERS else letter for letter in letters))


def _hidden(letter: str) -> bool:
    return unicodedata.category(letter) in _UNSEEN and letter not in _JOINERS


def _shortened(name: str) -> str:
    """The name cut to its length before its extension, never inside a letter."""
    if len(name.encode()) <= NAME_BYTES:
        return name
    end = _EXTENSION.search(name)
    tail = end[0] if end and end.start() else ""
    return _cut(name.removesuffix(tail), NAME_BYTES - len(tail.encode())) + tail


def _cut(text: str, most: int) -> str:
    return text.encode()[:most].decode("utf-8", "ignore").rstrip(". ")


def _numbered(name: str, number: int) -> str:
    end = _EXTENSION.search(name)
    at = end.start() if end and end.start() else len(name)
    return f"{name[:at]} ({number}){name[at:]}"
