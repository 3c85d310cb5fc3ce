"""WhatsApp Cloud API: field `messages` of a business account, in batches. Files have no address, only an id."""

from typing import Any, Final

from chalicelib.intake.chat import meta, reading
from chalicelib.intake.message import Attachment, Message

verify = meta.SIGNATURE.check

_FILES: Final = frozenset({"image", "document", "audio", "voice", "video", "sticker"})
#: A reaction is no words; a system message is WhatsApp's own.
_SAYS_NOTHING: Final = frozenset({"reaction", "system"})


def messages(raw: bytes) -> tuple[Message, ...]:
    """What people wrote to the numbers of the account; news of our own replies is none of theirs."""
    return tuple(
        _message(message, value)
        for value in values(raw)
        for message in reading.objects(value, "messages")
        if reading.text(message, "type") not in _SAYS_NOTHING
    )


def values(raw: bytes) -> list[dict[str, Any]]:
    """What a webhook tells of each number, messages and news of replies."""
    body = reading.loaded(raw)
    if reading.text(body, "object") != "whatsapp_business_account":
        return []
    changes = [change for entry in reading.objects(body, "entry") for change in reading.objects(entry, "changes")]
    return [reading.obj(change, "value") for change in changes if reading.text(change, "field") == "messages"]


def _message(message: dict[str, Any], value: dict[str, Any]) -> Message:
    person = reading.text(message, "from") or reading.text(message, "from_user_id")
    names = {reading.text(one, "wa_id"): one for one in reading.objects(value, "contacts")}
    kind = reading.text(message, "type")
    return reading.said(
        conversation=reading.joined(reading.text(value, "metadata", "phone_number_id"), person),
        visitor=person,
        message_id=reading.text(message, "id"),
        answers=reading.text(message, "context", "id"),
        written=_written(message, kind),
        name=reading.text(names.get(person), "profile", "name"),
        phone=f"+{person}" if person.isdecimal() else "",
        sent_at=reading.moment(message, "timestamp"),
        attachments=_files(message, kind),
        kind=kind or "message",
    )


def _written(message: dict[str, Any], kind: str) -> str:
    match kind:
        case "text":
            return reading.text(message, "text", "body")
        case "button":
            return reading.text(message, "button", "text")
        case "order":
            return reading.text(message, "order", "text")
        case "interactive":
            pressed = reading.obj(message, "interactive", "button_reply")
            return reading.text(pressed or reading.obj(message, "interactive", "list_reply"), "title")
    return reading.text(message, kind, "caption")


def _files(message: dict[str, Any], kind: str) -> list[Attachment]:
    if kind not in _FILES:
        return []
    one = reading.obj(message, kind)
    return [reading.file(reading.text(one, "filename") or kind, reading.text(one, "mime_type"))]
