"""Sunshine Conversations v2 (once Smooch): event `conversation:message`; one webhook may bring several events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from chalicelib.intake.chat import reading
from chalicelib.intake.chat.proof import check_shared
from chalicelib.intake.chat.received import Received
from chalicelib.intake.message import Attachment, Message

KEY_HEADER: Final = "x-api-key"


def verify(received: Received, secrets: Sequence[str], now: datetime) -> None:  # noqa: ARG001 - nothing says when
    """The webhook's secret, which it sends along. Raises NotAuthentic."""
    check_shared(received.headers.get(KEY_HEADER, ""), secrets)


def messages(raw: bytes) -> tuple[Message, ...]:
    """What users wrote; what the business and its bots write is none of theirs."""
    body = reading.loaded(raw)
    said = [event for event in reading.objects(body, "events") if reading.text(event, "type") == "conversation:message"]
    payloads = [reading.obj(event, "payload") for event in said]
    of_users = [one for one in payloads if reading.text(one, "message", "author", "type") == "user"]
    return tuple(_message(payload, reading.text(body, "app", "id")) for payload in of_users)


def _message(payload: dict[str, Any], app: str) -> Message:
    message = reading.obj(payload, "message")
    author, content = reading.obj(message, "author"), reading.obj(message, "content")
    profile = reading.obj(author, "user", "profile") or reading.obj(payload, "user", "profile")
    name = " ".join(filter(None, (reading.text(profile, "givenName"), reading.text(profile, "surname"))))
    return reading.said(
        conversation=reading.joined(app, reading.text(payload, "conversation", "id")),
        visitor=reading.text(author, "userId"),
        message_id=reading.text(message, "id"),
        written=reading.text(content, "text") or reading.text(content, "textFallback"),  # of a form's answers
        name=reading.text(author, "displayName") or name,
        email=reading.text(profile, "email"),
        sent_at=reading.moment(message, "received"),
        attachments=_files(content),
        kind=reading.text(content, "type"),
    )


def _files(content: dict[str, Any]) -> list[Attachment]:
    url = reading.text(content, "mediaUrl")
    if not url:
        return []
    name = reading.text(content, "altText") or url.partition("?")[0].rpartition("/")[2]
    return [reading.file(name, reading.text(content, "mediaType"), content.get("mediaSize"), url)]
