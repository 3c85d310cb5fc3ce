"""Intercom: topics `conversation.user.created` and `conversation.user.replied`; a notice may bring several parts."""

import re
from html import unescape
from typing import Any, Final

from chalicelib.intake import html
from chalicelib.intake.chat import reading
from chalicelib.intake.chat.proof import Signature
from chalicelib.intake.message import Attachment, Message

SIGNATURE: Final = Signature(header="x-hub-signature", prefix="sha1=", algorithm="sha1")
verify = SIGNATURE.check

_VISITORS: Final = frozenset({"user", "lead", "contact"})
# Pictures stand in what is said, not among the files.
_PICTURE = re.compile(r"<img\b[^<>]{0,500}?\ssrc=\"([^\"<>]{1,2000})\"", re.IGNORECASE)
_WORDS: Final = frozenset({"comment", "open", "assignment", "quick_reply"})


def messages(raw: bytes) -> tuple[Message, ...]:
    """What the visitor said first, or has said since; what admins and bots say is none of his."""
    body = reading.loaded(raw)
    item = reading.obj(body, "data", "item")
    match reading.text(body, "topic"):
        case "conversation.user.created":
            first = reading.obj(item, "source") or reading.obj(item, "conversation_message")
            parts = [{"created_at": item.get("created_at"), **first}]
        case "conversation.user.replied":
            parts = reading.objects(item, "conversation_parts", "conversation_parts")
            parts = [part for part in parts if reading.text(part, "part_type") in _WORDS and _says_something(part)]
        case _:
            parts = []
    of_visitor = [part for part in parts if reading.text(part, "author", "type") in _VISITORS]
    return tuple(_message(part, item, reading.text(body, "app_id")) for part in of_visitor)


def _says_something(part: dict[str, Any]) -> bool:
    """Not that somebody was assigned; a file may come without a word."""
    return bool(part.get("body") or reading.objects(part, "attachments"))


def _message(part: dict[str, Any], item: dict[str, Any], app: str) -> Message:
    author = reading.obj(part, "author")
    known = reading.obj(item, "user")
    conversation = reading.text(item, "id")
    return reading.said(
        conversation=reading.joined(app, conversation),
        visitor=reading.text(author, "id"),
        message_id=reading.joined(conversation, reading.text(part, "id")),
        written=html.to_text(reading.text(part, "body"))[0],
        name=reading.text(author, "name") or reading.text(known, "name"),
        email=reading.text(author, "email") or reading.text(known, "email"),
        phone=reading.text(known, "phone"),
        sent_at=reading.moment(part, "created_at"),
        attachments=[*map(_file, reading.objects(part, "attachments")), *_pictures(reading.text(part, "body"))],
        kind="file",
    )


def _file(one: dict[str, Any]) -> Attachment:
    kind = reading.text(one, "content_type")
    return reading.file(reading.text(one, "name"), kind, one.get("filesize"), reading.text(one, "url"))


def _pictures(body: str) -> list[Attachment]:
    urls = [unescape(url) for url in _PICTURE.findall(body)]
    return [reading.file(url.partition("?")[0].rpartition("/")[2], "image", 0, url) for url in urls]
