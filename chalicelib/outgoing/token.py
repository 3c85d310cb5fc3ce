"""The reply token: an address that proves to which item an answer belongs.

The customer answers to `help+<token>@shop.example.com`. Nobody makes a token without the customer's key, so one that
holds joins the answer to its item even where his program drops References. It holds for one mailbox and one addressee.
"""

import base64
import hashlib
import hmac
import re
from typing import Final

from chalicelib.intake.message import Address

LOCAL_LENGTH: Final = 64
_BYTES: Final = 20
_PURPOSE: Final = b"sortownia reply token"
_TOKEN = re.compile(r"[a-z2-7]{32}")


def token(customer_key: bytes, item_id: str, mailbox: str, addressee: str) -> str:
    """160 bits as 32 lower-case letters and digits. Mailbox and addressee count whatever their case."""
    parts = (_PURPOSE, item_id.encode(), mailbox.lower().encode(), Address("", addressee).key.encode())
    # Each part with its length, so that no two different quadruples are the same bytes.
    signed = b"".join(len(part).to_bytes(4) + part for part in parts)
    digest = hmac.new(customer_key, signed, hashlib.sha256).digest()
    return base64.b32encode(digest[:_BYTES]).decode("ascii").lower()


def matches(given: str, customer_key: bytes, item_id: str, mailbox: str, addressee: str) -> bool:
    """Whether `given` is that token; takes the same time whichever character is wrong."""
    made = token(customer_key, item_id, mailbox, addressee)
    return hmac.compare_digest(given.lower().encode("utf-8", "surrogatepass"), made.encode())


def with_token(mailbox: str, token: str) -> str:
    """The address an answer is to go to.

    The mailbox itself where it has a label already (SES receives for one label only) or no room for the token: answers
    are then joined by their References.
    """
    local, _, domain = mailbox.rpartition("@")
    labelled = f"{local}+{token}"
    return mailbox if "+" in local or len(labelled) > LOCAL_LENGTH else f"{labelled}@{domain}"


def split(address: str) -> tuple[str, str]:
    """The mailbox an address belongs to, in lower case, and the token in its label; '' where that is no token.

    `help+label@` is `help@` for SES too: a receipt rule for an address without a label takes it with any label (SES
    developer guide, "Creating receipt rules", on recipient conditions).
    """
    local, _, domain = address.lower().rpartition("@")
    local, _, label = local.partition("+")
    return f"{local}@{domain}", label if _TOKEN.fullmatch(label) else ""
