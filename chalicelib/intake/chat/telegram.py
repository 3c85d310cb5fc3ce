"""Telegram: a bot's updates `message` and `edited_message`. Files have no address, only an id."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from chalicelib.intake.chat import reading
from chalicelib.intake.chat.proof import check_shared
from chalicelib.intake.chat.received import Received
from chalicelib.intake.message import Attachment, Message

TOKEN_HEADER: Final = "x-telegram-bot-api-secret-token"  # noqa: S105 - the header's name
_FILES: Final = ("document", "audio", "voice", "video", "video_note", "animation", "sticker")
_OTHER: Final = ("location", "venue", "contact", "poll", "dice", "story")


def verify(received: Received, secrets: Sequence[str], now: datetime) -> None:  # noqa: ARG001 - nothing says when
    """The secret token that was given to setWebhook. Raises NotAuthentic."""
    check_shared(received.headers.get(TOKEN_HEADER, ""), secrets)


def messages(raw: bytes) -> tuple[Message, ...]:
    """What a person wrote or wrote anew; bots, and channels speaking for themselves or to their group, are nobody."""
    update = reading.loaded(raw)
    edited = reading.obj(update, "edited_message")
    message = edited or reading.obj(update, "message")
    by_person = message.get("from") and reading.obj(message, "from").get("is_bot") is not True
    by_person = by_person and message.get("is_automatic_forward") is not True
    if not by_person or not _says_something(message) or (edited and "location" in message):
        return ()  # who shares where he goes is told of anew at each of his steps
    return (_message(message, edited=bool(edited)),)


def _says_something(message: dict[str, Any]) -> bool:
    """Not that somebody joined, or pinned a message."""
    return any(name in message for name in ("text", "caption", "photo", *_FILES, *_OTHER))


def _message(message: dict[str, Any], *, edited: bool) -> Message:
    chat, sender = reading.text(message, "chat", "id"), reading.obj(message, "from")
    topic = reading.text(message, "message_thread_id") if message.get("is_topic_message") is True else ""
    message_id = reading.joined(chat, reading.text(message, "message_id"))
    edit = reading.text(message, "edit_date") or "edited"
    name = " ".join(filter(None, (reading.text(sender, "first_name"), reading.text(sender, "last_name"))))
    own = reading.text(message, "contact", "user_id") == reading.text(sender, "id")
    answered = reading.text(message, "reply_to_message", "message_id")
    return reading.said(
        conversation=reading.joined(chat, topic) if topic else chat,
        visitor=reading.text(sender, "id"),
        message_id=message_id,
        delivery=f"{message_id}.edited.{edit}" if edited else "",
        edits=message_id if edited else "",
        answers=reading.joined(chat, answered),
        written=reading.text(message, "text") or reading.text(message, "caption"),
        name=name or reading.text(sender, "username"),
        phone=reading.text(message, "contact", "phone_number") if own else "",
        sent_at=reading.moment(message, "edit_date" if edited else "date"),
        attachments=_files(message),
        kind=next((name for name in _OTHER if name in message), ""),
    )


def _files(message: dict[str, Any]) -> list[Attachment]:
    found = [(name, reading.obj(message, name)) for name in _FILES if message.get(name)]
    if "document" in message:  # an animation comes as a document too, for clients that know no animations
        found = [(name, one) for name, one in found if name != "animation"]
    if photos := reading.objects(message, "photo"):  # the same picture in several sizes, the largest last
        found.append(("photo", {"mime_type": "image/jpeg", **photos[-1]}))
    return [_file(name, one) for name, one in found]


def _file(name: str, one: dict[str, Any]) -> Attachment:
    return reading.file(reading.text(one, "file_name") or name, reading.text(one, "mime_type"), one.get("file_size"))
