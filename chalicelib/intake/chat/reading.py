"""What all chat providers' webhooks have in common: JSON, looked at with care, of which messages are made."""

import hashlib
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from chalicelib.errors import Unreadable
from chalicelib.intake import charset
from chalicelib.intake.message import Address, Attachment, Message

BODY_BYTES: Final = 1_000_000
ID_LENGTH: Final = 200
TEXT_LENGTH: Final = 100_000
MAX_ATTACHMENTS: Final = 100
NAME_LENGTH: Final = 255
URL_LENGTH: Final = 2000
SUBJECT_LENGTH: Final = 500
_MILLISECONDS_FROM: Final = 10**11
_ADDRESS = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,255}")


def loaded(raw: bytes) -> dict[str, Any]:
    """The body's JSON object. Raises Unreadable for anything else, and for more than a megabyte."""
    if len(raw) > BODY_BYTES:
        raise Unreadable(f"The body is longer than {BODY_BYTES} bytes.")
    try:
        body: object = json.loads(raw)
    except (ValueError, RecursionError) as problem:
        raise Unreadable("The body is not JSON.") from problem
    if not isinstance(body, dict):
        raise Unreadable("body must be an object.", "body")
    return body


# Looking into it: whatever is not there, or is of another kind, is empty


def obj(holder: Any, *path: str) -> dict[str, Any]:
    """The object at the end of a path."""
    for name in path:
        holder = holder.get(name) if isinstance(holder, dict) else None
    return holder if isinstance(holder, dict) else {}


def text(holder: Any, *path: str) -> str:
    """The text at the end of a path; a whole number as its digits, for providers give ids as either."""
    value = obj(holder, *path[:-1]).get(path[-1])
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30:
        return str(value)
    return charset.storable(value)[0] if isinstance(value, str) else ""


def objects(holder: Any, *path: str) -> list[dict[str, Any]]:
    """The objects in the list at the end of a path."""
    value = obj(holder, *path[:-1]).get(path[-1])
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def moment(holder: Any, *path: str) -> datetime | None:
    """The time at the end of a path, aware UTC: Unix seconds or milliseconds as number or digits, or ISO 8601."""
    value = obj(holder, *path[:-1]).get(path[-1])
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,14}(\.[0-9]{1,9})?", value):
        value = float(value)
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS_FROM else value, UTC)
        return iso(value.removesuffix(" UTC")) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None


def iso(value: str) -> datetime:
    """ISO 8601 as aware UTC. Raises ValueError or OverflowError."""
    found = datetime.fromisoformat(value)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def joined(*parts: str) -> str:
    """An id made of several; '' when one of them is missing."""
    return ".".join(parts) if all(parts) else ""


# Making messages


def file(name: str, kind: str, size: object = 0, url: str = "") -> Attachment:
    """A file that stays with the provider. `size` counts where it is a number of bytes; half an address is none."""
    known = size if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**53 else 0
    return Attachment(name[:NAME_LENGTH], kind[:NAME_LENGTH], known, url=url * (len(url) <= URL_LENGTH))


def said(
    *,
    conversation: str,
    visitor: str,
    written: str,
    delivery: str = "",
    message_id: str = "",
    name: str = "",
    email: str = "",
    phone: str = "",
    subject: str = "",
    answers: str = "",
    edits: str = "",
    sent_at: datetime | None = None,
    attachments: Iterable[Attachment] = (),
    kind: str = "",
    warnings: tuple[str, ...] = (),
) -> Message:
    """A visitor's message. Raises Unreadable where an id is too long, or nobody can say whose it is.

    `delivery` is the provider's id, the same whenever he tells of it again; the message's id unless said, and a hash of
    what stays the same where there is none. `kind` stands for words where there are none, such as those of a sticker.
    """
    files = tuple(attachments)[:MAX_ATTACHMENTS]
    whole = (written.strip() and written) or ("" if files else f"[{kind}]" if kind else "")
    sender, warning = address(name, email)
    warned = (*warnings, warning, "the text was cut" if len(whole) > TEXT_LENGTH else "")
    unique = delivery or message_id or _hash(conversation, visitor, whole, str(sent_at), *(f.url for f in files))
    for field, value in (("conversation", conversation), ("visitor", visitor), ("id", unique)):
        if not value.strip() or len(value) > ID_LENGTH:
            raise Unreadable(f"{field} must be there and have at most {ID_LENGTH} characters.", field)
    return Message(
        channel="chat",
        message_id=message_id,
        in_reply_to=(answers,) if answers else (),
        references=(),
        sender=sender,
        reply_to=(),
        to=(),
        cc=(),
        subject=subject[:SUBJECT_LENGTH],
        sent_at=sent_at,
        text=whole[:TEXT_LENGTH],
        written=whole[:TEXT_LENGTH],
        automatic=None,
        automatic_reason="",
        attachments=files,
        warnings=tuple(warning for warning in warned if warning),
        conversation=conversation,
        delivery=unique,
        visitor=visitor,
        edits=edits,
        phone=phone[:ID_LENGTH],
    )


def address(name: str, email: str) -> tuple[Address | None, str]:
    """Who a visitor says he is, and a warning where his mail address is none."""
    name, email = name.strip()[:ID_LENGTH], email.strip()
    warning = "visitor.email is no mail address" if email and not _ADDRESS.fullmatch(email) else ""
    local, at, domain = ("" if warning else email).rpartition("@")
    found = Address(name, local + at + domain.lower())
    return (found if found.name or found.address else None), warning


def _hash(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
