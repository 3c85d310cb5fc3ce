"""Header fields of what we send: whatever stands in a value, it cannot begin another field."""

import re
import unicodedata
from collections.abc import Iterable
from email.header import Header
from typing import Final

#: Characters of a line (RFC 5322, 2.1.1); only a message id may need more, and it has no blank to fold at.
LINE: Final = 76
MAX_REFERENCES: Final = 21
#: Octets of the ids of one References field: servers refuse mail for fields of more than 8 KB or so.
REFERENCES_BYTES: Final = 7_000
_UNSEEN: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
# The characters Unicode calls Bidi_Control, which let a name read backwards, and the byte order mark.
_TURNING: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_ID = re.compile(r"[!-;=?-~]{1,900}")


def clean(value: str, most: int) -> str:
    """The value without line ends, controls, half characters and turns of the reading direction; blanks once each,
    and at most so many characters."""
    seen = "".join(" " if c in _TURNING or unicodedata.category(c) in _UNSEEN else c for c in value)
    return " ".join(seen.split())[:most].rstrip()


def text(name: str, value: str) -> str:
    """A clean value behind `name`: as it is where it is short and plain, else as encoded words (RFC 2047)."""
    if _plain(value) and len(name) + len(value) + 2 <= LINE:
        return value
    return _encoded(name, value)


def mailbox(name: str, person: str, address: str) -> str:
    """`person` (clean, may be '') and his ASCII address behind `name`, on lines of their own where one is too long."""
    if not person:
        return address
    quoted = '"' + person.replace("\\", r"\\").replace('"', r"\"") + '"'
    phrase = quoted if _plain(person) and len(name) + len(quoted) + 2 <= LINE else _encoded(name, person)
    last = len(name) + 2 if "\r\n" not in phrase else 0
    fits = last + len(phrase.rpartition("\r\n")[2]) + len(address) + 3 <= LINE
    return f"{phrase}{' ' if fits else _FOLD}<{address}>"


def usable(message_id: str) -> str:
    """A message id that can stand in a header; '' for one that cannot."""
    return message_id if _ID.fullmatch(message_id) else ""


def references(earlier: Iterable[str], answered: str) -> tuple[str, ...]:
    """Ids for References: the first and the latest of the thread, each once, the answered one last."""
    ids = list(dict.fromkeys(one for one in map(usable, earlier) if one and one != answered))
    ids += [answered] if answered else []
    if len(ids) > MAX_REFERENCES:
        ids = [ids[0], *ids[1 - MAX_REFERENCES :]]
    while len(ids) > 1 and sum(len(one) + 5 for one in ids) > REFERENCES_BYTES:
        del ids[1 if len(ids) > 2 else 0]
    return tuple(ids)


def bracketed(ids: Iterable[str]) -> str:
    """Usable ids in angle brackets, one a line."""
    return _FOLD.join(f"<{one}>" for one in ids)


_FOLD: Final = "\r\n "


def _plain(value: str) -> bool:
    return value.isascii() and "=?" not in value


def _encoded(name: str, value: str) -> str:
    return Header(value, "utf-8", maxlinelen=LINE, header_name=name).encode(linesep="\r\n")
