"""What SES wrote on top of a mail when it stored it: all that can be believed of a mail whose notice is lost.

A sender may put the very same fields into his mail, so only those above the first X-SES-RECEIPT count, and only where
their Received names the id under which SES stored this mail: nobody knows that id before.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from chalicelib.intake import fields

#: SES's fields and the longest lines above them are far shorter.
STAMP_BYTES: Final = 65_536
_END = re.compile(rb"^x-ses-receipt[ \t]*:", re.IGNORECASE | re.MULTILINE)
_HEADER_END = re.compile(rb"^\r?\n", re.MULTILINE)
_FOR: Final = r"(?: for <?(?P<recipient>[^\s<>;]+@[^\s<>;]+))?"


@dataclass(frozen=True, slots=True)
class Stamp:
    """Whom SES took a mail for ('' where it does not say), and its verdicts on `spam` and `virus`."""

    recipient: str
    verdicts: Mapping[str, str]


def read(raw: bytes, ses_id: str) -> Stamp | None:
    """The stamp on the mail SES stored as `ses_id`, None where there is none. Never raises.

    `raw` is the mail, or its first `STAMP_BYTES`.
    """
    end = _END.search(raw, 0, _header_end(raw))
    if end is None:
        return None
    head = fields.read(raw, 0, end.start(), STAMP_BYTES).fields
    taken = re.search(rf" with \S+ id {re.escape(ses_id)}(?![^\s;]){_FOR}", head.get("received"))
    if taken is None:
        return None
    verdicts = {name: head.get(f"x-ses-{name}-verdict").upper() for name in ("spam", "virus")}
    return Stamp((taken["recipient"] or "").lower(), verdicts)


def _header_end(raw: bytes) -> int:
    blank = _HEADER_END.search(raw, 0, STAMP_BYTES)
    return blank.start() if blank else min(len(raw), STAMP_BYTES)
