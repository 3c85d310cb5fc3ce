"""What SES wrote on top of a mail when it stored it: all that can be believed of a mail whose notice is lost.

A sender may put the very same fields into his mail, so only those above the first X-SES-RECEIPT count, and only where
their Received names the id under which SES stored this mail: nobody knows that id before.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from chalicelib.intake import fields
from chalicelib.intake.fields import Fields

#: SES's fields and the longest lines above them are far shorter.
STAMP_BYTES: Final = 65_536
_END = re.compile(rb"^x-ses-receipt[ \t]*:", re.IGNORECASE | re.MULTILINE)
_HEADER_END = re.compile(rb"^\r?\n", re.MULTILINE)
_FOR: Final = r"(?: for <?(?P<recipient>[^\s<>;]+@[^\s<>;]+))?"
# What the other side said of itself and SES repeats: only where it is plain can it be told from SES's own words.
_GREETING = re.compile(r"from ([\w.:\[\]-]+) \(", re.ASCII)
_RETURN_PATH = re.compile(r"<([\w.!#$%&'*+/=?^`{|}~@-]*)>", re.ASCII)
_SIGNED = re.compile(r"dkim=(\w+) header\.i=(?:[\w.+-]*@)?([\w.-]*)", re.ASCII)
_LOOKED_UP = re.compile(r"dmarc=\w+ header\.from=([\w.-]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What SES says itself on top of a mail; '' or nothing where it does not say.

    Whom it took the mail for, its verdicts on `spam` and `virus`, the domains whose DKIM signature it found good
    (`signed_by`), and the domain whose DMARC policy it looked up: that of the From it saw.
    """

    recipient: str
    verdicts: Mapping[str, str]
    signed_by: frozenset[str] = frozenset()
    from_domain: str = ""


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
    signed_by, from_domain = _authentication(head)
    return Stamp((taken["recipient"] or "").lower(), verdicts, signed_by, from_domain)


def _authentication(head: Fields) -> tuple[frozenset[str], str]:
    """Whose signatures SES found good, and whose policy it looked up; nothing where one word is not surely SES's."""
    signed: dict[str, set[str]] = {}
    from_domain = ""
    for finding in _findings(head):
        if found := _SIGNED.fullmatch(finding):
            signed.setdefault(found[2].lower(), set()).add(found[1])
        elif found := _LOOKED_UP.fullmatch(finding):
            from_domain = found[1].lower()
        else:
            return frozenset(), ""
    return frozenset(domain for domain, results in signed.items() if results == {"pass"}), from_domain


def _findings(head: Fields) -> list[str]:
    """What SES found of DKIM and DMARC: the part of its results behind what the sender could have a say in."""
    results = head.all("authentication-results")
    greeting, path = _GREETING.match(head.get("received")), _RETURN_PATH.fullmatch(head.get("return-path"))
    if len(results) != 1 or greeting is None or path is None:
        return []
    own, said, found = results[0].partition(f" envelope-from={path[1]}; helo={greeting[1]};")
    if not said or not own.startswith("amazonses.com;"):
        return []
    return [finding.strip() for finding in found.split(";") if finding.strip()]


def _header_end(raw: bytes) -> int:
    blank = _HEADER_END.search(raw, 0, STAMP_BYTES)
    return blank.start() if blank else min(len(raw), STAMP_BYTES)
