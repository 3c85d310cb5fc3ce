"""To whom a mail can be sent at all."""

import re
import unicodedata
from encodings.idna import ToASCII
from typing import Final

from chalicelib.errors import Invalid

LOCAL_LENGTH: Final = 64
ADDRESS_LENGTH: Final = 254
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# The older rule (IDNA 2003) writes these as "ss" and an ordinary sigma, which is another owner's domain.
_KEPT: Final = frozenset("ßς")


def address(given: str, field: str = "to") -> str:
    """The address as it may stand in RCPT TO: ASCII, its domain in lower case and punycode.

    Raises `Invalid`, naming `field`, where SES cannot send to it. SES takes no address beyond ASCII but for its domain.
    """
    if len(given) > ADDRESS_LENGTH:
        raise Invalid(field, f"a mail address has at most {ADDRESS_LENGTH} characters")
    local, _, domain = given.rpartition("@")
    if not _LOCAL.fullmatch(local) or len(local) > LOCAL_LENGTH:
        raise Invalid(field, "this is no mail address that can be written to")
    labels = [_label(label, field) for label in domain.split(".")]
    if len(labels) < 2 or labels[-1].isdigit():
        raise Invalid(field, "this address has no domain that can be written to")
    found = f"{local}@{'.'.join(labels)}"
    if len(found) > ADDRESS_LENGTH:
        raise Invalid(field, f"a mail address has at most {ADDRESS_LENGTH} characters")
    return found


def _label(label: str, field: str) -> str:
    try:
        written = label.lower() if label.isascii() else _ascii(label).lower()
    except UnicodeError as error:
        raise Invalid(field, "the domain of this address cannot be written in ASCII") from error
    if not _LABEL.fullmatch(written):
        raise Invalid(field, "the domain of this address is malformed")
    return written


def _ascii(label: str) -> str:
    """Punycode of a label. Raises `UnicodeError` for characters no domain has, which the older rule would drop."""
    letters = unicodedata.normalize("NFC", label.lower())
    if any(unicodedata.category(c)[0] not in "LMN" and c not in "-·" for c in letters):
        raise UnicodeError("a character that no domain has")
    if _KEPT.isdisjoint(letters):
        return ToASCII(label).decode("ascii")
    return "xn--" + letters.encode("punycode").decode("ascii")
