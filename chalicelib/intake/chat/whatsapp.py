"""WhatsApp Cloud API: field `messages` of a business account, in batches. Files have no address, only an id."""

from typing import Any, Final

from chalicelib.errors import Unreadable
from chalicelib.intake.chat import meta, reading
from chalicelib.intake.message import Attachment, Message

verify = meta.SIGNATURE.check

_FILES: Final = frozenset({"image", "document", "audio", "voice", "video", "sticker"})
#: A reaction is no words, nor are opening a chat and taking words back; a system message is WhatsApp's own.
_SAYS_NOTHING: Final = frozenset({"reaction", "request_welcome", "revoke", "system"})


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
    names = {
        reading.text(one, field): one for one in reading.objects(value, "contacts") for field in ("user_id", "wa_id")
    }
    edit = reading.obj(message, "edit")
    said, message_id = reading.obj(edit, "message") or message, reading.text(message, "id")
    kind = reading.text(said, "type")
    return reading.said(
        conversation=reading.joined(reading.text(value, "metadata", "phone_number_id"), person),
        visitor=person,
        message_id=reading.text(edit, "original_message_id") or message_id,
        delivery=message_id,
        edits=reading.text(edit, "original_message_id"),
        answers=reading.text(message, "context", "id"),
        written=_written(said, kind),
        name=reading.text(names.get(person), "profile", "name"),
        phone=f"+{person}" if person.isdecimal() else "",
        sent_at=reading.moment(message, "timestamp"),
        attachments=_files(said, kind),
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
            form, *pressed = (
                reading.obj(message, "interactive", name) for name in ("nfm_reply", "button_reply", "list_reply")
            )
            return _filled(form) if form else reading.text(pressed[0] or pressed[1], "title")
    return reading.text(message, kind, "caption")


def _filled(form: dict[str, Any]) -> str:
    """What was entered in a form (a flow), a field a line; what WhatsApp shows for it where that cannot be read."""
    try:
        fields = reading.loaded(reading.text(form, "response_json").encode())
    except Unreadable:
        fields = {}
    lines = [f"{name}: {said}" for name, value in fields.items() if name != "flow_token" and (said := _entered(value))]
    return "\n".join(lines) or reading.text(form, "body")


def _entered(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(filter(None, map(_entered, value)))
    return str(value).lower() if isinstance(value, bool) else reading.text({"value": value}, "value")


def _files(message: dict[str, Any], kind: str) -> list[Attachment]:
    if kind not in _FILES:
        return []
    one = reading.obj(message, kind)
    return [reading.file(reading.text(one, "filename") or kind, reading.text(one, "mime_type"))]
