"""Whether a mail's sender is proved to be who he says: by what SES found out, never by what stands in the mail.

DMARC proves the domain of From, where its owner has a policy. Where he has none, SPF or DKIM prove it if the domain
they are about is of the same organisation (RFC 7489, 3.1: relaxed alignment). Either says something of the one address
in From alone: a mail that could be read as somebody else's proves nothing.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from chalicelib.intake import addresses, stamp, words
from chalicelib.intake.message import Automatic, Message

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

HEADER_BYTES: Final = 262_144
_END = re.compile(rb"\n\r?\n")
# A field may begin after anything that some program takes for a line's end.
_FROM = re.compile(rb"(?:\A|[\r\n\x00\x0b\x0c])from[ \t]*:", re.IGNORECASE)
_VALUE = re.compile(rb"[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*")
_SIGNATURE = re.compile(rb"^dkim-signature[ \t]*:([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.IGNORECASE | re.MULTILINE)
_IDENTITY = re.compile(r"(?:^|;)\s*i\s*=([^;]*)")
_PLAIN_IDENTITY = re.compile(r"\s*[\w.+-]*@[\w.-]+\s*", re.ASCII)
_PLAIN = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*", re.ASCII)
_BRACKETED = re.compile(r"<[^<>]*>")
# From the start of a run alone: begun anew at each letter of a long name, it would take minutes.
_ADDRESS = re.compile(r"(?<![^\s<>()\[\],;:\"|])[^\s<>()\[\],;:\"|]+@[^\s<>()\[\],;:\"|]+")
_DOMAIN = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checked:
    """What SES's receipt says of a mail: its verdicts, and the sender of the envelope ('' for a bounce's)."""

    dmarc: str = ""
    spf: str = ""
    dkim: str = ""
    envelope: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether the sender is proved, and by what, or what speaks against it."""

    holds: bool
    how: str


def of(raw: bytes, message: Message, checked: Checked, ses_id: str) -> Proof:
    """What is proved of the sender of `message`, which is the mail `raw` as SES stored it under `ses_id`."""
    if doubt := _doubt(raw, message):
        return Proof(holds=False, how=doubt)
    domain = message.sender.key.rpartition("@")[2] if message.sender else ""
    marks = stamp.read(raw, ses_id)
    if marks and marks.from_domain and not aligned(marks.from_domain, domain):
        return Proof(holds=False, how="SES saw another From")
    if checked.dmarc == "PASS":
        return Proof(holds=True, how="DMARC")
    if checked.dmarc == "GRAY":
        return _without_policy(raw, domain, checked, marks)
    return Proof(holds=False, how="DMARC failed" if checked.dmarc == "FAIL" else "DMARC was not checked")


def speaks_for_others(message: Message) -> bool:
    """Whether a mailing list put its own address in From: whoever wrote, it is always the same sender."""
    addressed = {address.key for address in (*message.to, *message.cc)}
    return message.automatic == Automatic.LIST and message.sender is not None and message.sender.key in addressed


def aligned(one: str, other: str) -> bool:
    """Whether two domains are of one organisation: the same, or under the same registered name."""
    one, other = one.lower().rstrip("."), other.lower().rstrip(".")
    if not _DOMAIN.fullmatch(one) or not _DOMAIN.fullmatch(other):
        return False
    if one == other:
        return True
    registered = _suffixes().privatesuffix(one)
    return registered is not None and registered == _suffixes().privatesuffix(other)


@cache
def _suffixes() -> "PublicSuffixList":
    """The names under which anybody may register one. Loaded only when two domains differ: it takes a while."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def _without_policy(raw: bytes, domain: str, checked: Checked, marks: stamp.Stamp | None) -> Proof:
    if checked.spf == "PASS" and aligned(checked.envelope.rpartition("@")[2], domain):
        return Proof(holds=True, how="SPF of its own domain, which has no DMARC policy")
    signed = marks.signed_by if marks and checked.dkim == "PASS" and _plainly_signed(raw) else ()
    if any(aligned(one, domain) for one in signed):
        return Proof(holds=True, how="DKIM of its own domain, which has no DMARC policy")
    return Proof(holds=False, how="its domain has no DMARC policy, and neither SPF nor DKIM is of that domain")


def _doubt(raw: bytes, message: Message) -> str:
    """Why nobody could say for sure whose address stands in From; '' where it is clear."""
    end = _END.search(raw, 0, HEADER_BYTES)
    header = raw[: end.start() + 1] if end else raw[:HEADER_BYTES]
    if end is None and len(raw) > HEADER_BYTES:
        return "its header has no end"
    found = list(_FROM.finditer(header))
    if len(found) != 1:
        return "it has no From" if not found else "it has two From fields"
    value = _VALUE.match(header, found[0].end())
    text = re.sub(r"\r?\n", "", value[0].decode("latin-1")) if value else ""
    named = addresses.parse(text, words.decode)
    if len(named) != 1 or message.sender is None or named[0].key != message.sender.key:
        return "its From does not name one sender"
    # Letter for letter: other letters may look like these, or become them in lower case.
    bracketed = [one.lower() for one in _BRACKETED.findall(text)]
    if not _PLAIN.fullmatch(named[0].key) or named[0].key not in text.lower() or bracketed[1:]:
        return "the address in its From is not plain"
    if bracketed and bracketed != [f"<{named[0].key}>"]:
        return "the address in its From is not plain"
    shown = unicodedata.normalize("NFKC", words.decode(text))
    if {address.strip("'.").lower() for address in _ADDRESS.findall(shown)} != {named[0].key}:
        return "the name in its From is another address"
    return "a mailing list speaks for who wrote it" if speaks_for_others(message) else ""


def _plainly_signed(raw: bytes) -> bool:
    """Whether no signature names an identity that could be taken for words of SES where SES repeats it."""
    end = _END.search(raw, 0, HEADER_BYTES)
    signatures = _SIGNATURE.findall(raw, 0, end.start() + 1 if end else HEADER_BYTES)
    identities = [one for field in signatures for one in _IDENTITY.findall(field.decode("latin-1"))]
    return all(_PLAIN_IDENTITY.fullmatch(identity) for identity in identities)
