"""The generic webhook: any chat widget that can post JSON and sign it.

{"id", "conversation", "visitor": {"id", "name"?, "email"?}, "text"?, "sent_at"?,
 "attachments"?: [{"name", "type", "size"}]}

Who sends a file need not say anything; without one there must be a text. Its sender can be told what is wrong with a
body, so it is read strictly.
"""

from datetime import datetime
from typing import Any, Final

from chalicelib.errors import Unreadable
from chalicelib.intake import charset
from chalicelib.intake.chat import reading
from chalicelib.intake.chat.proof import Signature
from chalicelib.intake.chat.reading import ID_LENGTH, MAX_ATTACHMENTS, TEXT_LENGTH
from chalicelib.intake.message import Attachment, Message

TIMESTAMP_HEADER: Final = "X-Sortownia-Timestamp"
SIGNATURE_HEADER: Final = "X-Sortownia-Signature"

#: `sha256=` + hex(HMAC-SHA256(secret, timestamp + "." + raw)), the timestamp in Unix seconds.
SIGNATURE: Final = Signature(
    header=SIGNATURE_HEADER.lower(), prefix="sha256=", algorithm="sha256",
    timestamp=TIMESTAMP_HEADER.lower(), between=b".",
)  # fmt: skip
verify = SIGNATURE.check


def sign(secret: str, timestamp: str, raw: bytes) -> str:
    """The hex digest a sender who holds `secret` puts behind `sha256=`."""
    return SIGNATURE.made(secret, timestamp, raw).removeprefix(SIGNATURE.prefix)


def messages(raw: bytes) -> tuple[Message, ...]:
    """The one message of a body. Raises Unreadable as `parse` does."""
    return (parse(raw),)


def parse(raw: bytes) -> Message:
    """The visitor's message; raises Unreadable naming the field that is missing, too long or of the wrong type.

    A date or mail address that makes no sense is left out with a warning: no customer is lost over either.
    """
    body = reading.loaded(raw)
    visitor = _object(body.get("visitor"), "visitor")
    text, files = _text(body, "text", TEXT_LENGTH), _attachments(body.get("attachments"))
    if not files and not text.strip():
        raise Unreadable("text must not be empty where nothing is attached.", "text")
    sent_at = _text(body, "sent_at", ID_LENGTH)
    moment = _moment(sent_at)
    return reading.said(
        written=text,
        sent_at=moment,
        warnings=("sent_at is no ISO 8601 date",) if sent_at and moment is None else (),
        name=_text(visitor, "name", ID_LENGTH, prefix="visitor."),
        email=_text(visitor, "email", 320, prefix="visitor."),
        attachments=files,
        conversation=_text(body, "conversation", ID_LENGTH, required=True),
        delivery=_text(body, "id", ID_LENGTH, required=True),
        visitor=_text(visitor, "id", ID_LENGTH, required=True, prefix="visitor."),
    )


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


def _moment(value: str) -> datetime | None:
    try:
        return reading.iso(value)
    except (ValueError, OverflowError):
        return None


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
