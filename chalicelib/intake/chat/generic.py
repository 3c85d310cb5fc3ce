"""The generic webhook: any chat widget that can post JSON and sign it.

{"id", "conversation", "visitor": {"id", "name"?, "email"?}, "text", "sent_at"?,
 "attachments"?: [{"name", "type", "size"}]}
"""

import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from chalicelib.errors import NotAuthentic, Unreadable
from chalicelib.intake import charset
from chalicelib.intake.message import Address, Attachment, Message

BODY_BYTES: Final = 1_000_000
ID_LENGTH: Final = 200
TEXT_LENGTH: Final = 100_000
MAX_ATTACHMENTS: Final = 100
WINDOW_SECONDS: Final = 300
TIMESTAMP_HEADER: Final = "X-Sortownia-Timestamp"
SIGNATURE_HEADER: Final = "X-Sortownia-Signature"
_ADDRESS = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,255}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"sha256=[0-9a-fA-F]{64}")


def verify(
    secret_texts: Sequence[str], timestamp_header: str, signature_header: str, raw: bytes, now: datetime
) -> None:
    """Proof that one of the secrets signed these bytes within 300 s of `now` (aware); else raises NotAuthentic.

    The signature is `sha256=` + hex(HMAC-SHA256(secret, timestamp + "." + raw)), the timestamp Unix seconds.
    """
    if not _TIMESTAMP.fullmatch(timestamp_header):
        raise NotAuthentic("The timestamp of the webhook is missing or malformed.")
    if abs(now.timestamp() - int(timestamp_header)) > WINDOW_SECONDS:
        raise NotAuthentic(f"The timestamp of the webhook is more than {WINDOW_SECONDS} s away.")
    if not _SIGNATURE.fullmatch(signature_header):
        raise NotAuthentic("The signature of the webhook is missing or malformed.")
    given = signature_header.removeprefix("sha256=").lower()
    # Every secret is tried, so that the time taken does not tell which one was right.
    matches = [hmac.compare_digest(sign(secret, timestamp_header, raw), given) for secret in secret_texts if secret]
    if not any(matches):
        raise NotAuthentic("The signature of the webhook is wrong.")


def sign(secret: str, timestamp: str, raw: bytes) -> str:
    """The hex digest a sender who holds `secret` puts behind `sha256=`."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + raw, hashlib.sha256).hexdigest()


def parse(raw: bytes) -> Message:
    """The visitor's message; raises Unreadable naming the field that is missing, too long or of the wrong type.

    A date or mail address that makes no sense is left out with a warning: no customer is lost over either.
    """
    body = _object(_loaded(raw), "body")
    visitor = _object(body.get("visitor"), "visitor")
    text = _text(body, "text", TEXT_LENGTH, required=True)
    sent_at, date_warning = _moment(_text(body, "sent_at", ID_LENGTH))
    sender, address_warning = _sender(visitor)
    return Message(
        channel="chat",
        message_id="",
        in_reply_to=(),
        references=(),
        sender=sender,
        reply_to=(),
        to=(),
        cc=(),
        subject="",
        sent_at=sent_at,
        text=text,
        written=text,
        automatic=None,
        automatic_reason="",
        attachments=_attachments(body.get("attachments")),
        warnings=tuple(warning for warning in (date_warning, address_warning) if warning),
        conversation=_text(body, "conversation", ID_LENGTH, required=True),
        delivery=_text(body, "id", ID_LENGTH, required=True),
        visitor=_text(visitor, "id", ID_LENGTH, required=True, prefix="visitor."),
    )


def _loaded(raw: bytes) -> object:
    if len(raw) > BODY_BYTES:
        raise Unreadable(f"The body is longer than {BODY_BYTES} bytes.")
    try:
        loaded: object = json.loads(raw)
    except (ValueError, RecursionError) as problem:
        raise Unreadable("The body is not JSON.") from problem
    return loaded


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable(f"{name} must be an object.", name)
    return value


def _text(holder: dict[str, Any], name: str, longest: int, required: bool = False, prefix: str = "") -> str:
    """A text field; '' when an optional one is missing or null. Raises Unreadable naming it."""
    value = holder.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        raise Unreadable(f"{prefix}{name} must be a text.", prefix + name)
    if len(value) > longest:
        raise Unreadable(f"{prefix}{name} must not be longer than {longest} characters.", prefix + name)
    kept = charset.storable(value)[0]
    if required and not kept.strip():
        raise Unreadable(f"{prefix}{name} must not be empty.", prefix + name)
    return kept


def _moment(value: str) -> tuple[datetime | None, str]:
    if not value:
        return None, ""
    try:
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC), ""
    except (ValueError, OverflowError):
        return None, "sent_at is no ISO 8601 date"


def _sender(visitor: dict[str, Any]) -> tuple[Address | None, str]:
    name = _text(visitor, "name", ID_LENGTH, prefix="visitor.").strip()
    email = _text(visitor, "email", 320, prefix="visitor.").strip()
    warning = "visitor.email is no mail address" if email and not _ADDRESS.fullmatch(email) else ""
    local, at, domain = ("" if warning else email).rpartition("@")
    address = Address(name, local + at + domain.lower())
    return (address if name or address.address else None), warning


def _attachments(value: object) -> tuple[Attachment, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_ATTACHMENTS:
        raise Unreadable(f"attachments must be a list of at most {MAX_ATTACHMENTS} objects.", "attachments")
    return tuple(_attachment(one, f"attachments.{number}") for number, one in enumerate(value))


def _attachment(value: object, name: str) -> Attachment:
    holder = _object(value, name)
    size = holder.get("size", 0)
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**53:
        raise Unreadable(f"{name}.size must be a number of bytes.", f"{name}.size")
    return Attachment(
        _text(holder, "name", 255, prefix=f"{name}."), _text(holder, "type", 255, prefix=f"{name}."), size
    )
