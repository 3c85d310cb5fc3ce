"""LiveChat (text): actions `incoming_chat` (with the first words) and `incoming_event`; the secret stands in the body.

Agents' ids are mail addresses and bots' 32 hexadecimal digits, customers' are UUIDs.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from chalicelib.errors import NotAuthentic, Unreadable
from chalicelib.intake.chat import reading
from chalicelib.intake.chat.proof import check_shared
from chalicelib.intake.chat.received import Received
from chalicelib.intake.message import Attachment, Message

_STAFF = re.compile(r"[^@]+@[^@]+|[0-9a-f]{32}")


def verify(received: Received, secrets: Sequence[str], now: datetime) -> None:  # noqa: ARG001 - nothing says when
    """The webhook's `secret_key`. Raises NotAuthentic."""
    try:
        given = reading.text(reading.loaded(received.raw), "secret_key")
    except Unreadable as error:
        raise NotAuthentic("The secret of the webhook is missing or wrong.") from error
    check_shared(given, secrets)


def kept(raw: bytes) -> bytes:
    """The body without the secret, which is not to be stored with it."""
    body = reading.loaded(raw)
    return json.dumps({name: value for name, value in body.items() if name != "secret_key"}).encode()


def messages(raw: bytes) -> tuple[Message, ...]:
    """What customers wrote; what agents, bots and the system write, or only agents see, is none of theirs."""
    body = reading.loaded(raw)
    payload = reading.obj(body, "payload")
    match reading.text(body, "action"):
        case "incoming_chat":
            chat, events = reading.obj(payload, "chat"), reading.objects(payload, "chat", "thread", "events")
        case "incoming_event":
            chat, events = {"id": payload.get("chat_id")}, [reading.obj(payload, "event")]
        case _:
            return ()
    users = {reading.text(user, "id"): user for user in reading.objects(chat, "users")}
    organization = reading.text(body, "organization_id") or reading.text(body, "license_id")
    conversation = reading.joined(organization, reading.text(chat, "id"))
    return tuple(_message(event, conversation, users) for event in events if _of_customer(event, users))


def _of_customer(event: dict[str, Any], users: dict[str, dict[str, Any]]) -> bool:
    author = reading.text(event, "author_id")
    kind = reading.text(users.get(author), "type") or ("agent" if _STAFF.fullmatch(author) else "customer")
    said = reading.text(event, "type") in ("message", "file", "rich_message", "form", "filled_form")
    return said and kind == "customer" and reading.text(event, "visibility") != "agents"


def _message(event: dict[str, Any], conversation: str, users: dict[str, dict[str, Any]]) -> Message:
    author = reading.text(event, "author_id")
    user = reading.obj(users.get(author))
    return reading.said(
        conversation=conversation,
        visitor=author,
        message_id=reading.text(event, "id"),
        written=reading.text(event, "text") or "\n".join(filter(None, map(_answer, reading.objects(event, "fields")))),
        name=reading.text(user, "name"),
        email=reading.text(user, "email"),
        sent_at=reading.moment(event, "created_at"),
        attachments=_files(event),
        kind=reading.text(event, "type"),
    )


def _answer(field: dict[str, Any]) -> str:
    """What a field of a form asked, and what was written or chosen there; '' for one that was left empty."""
    chosen = [reading.obj(field, "answer"), *reading.objects(field, "answers")]
    given = reading.text(field, "answer") or ", ".join(filter(None, (reading.text(one, "label") for one in chosen)))
    return f"{reading.text(field, 'label')} {given}".strip() if given else ""


def _files(event: dict[str, Any]) -> list[Attachment]:
    url = reading.text(event, "url")
    if reading.text(event, "type") != "file" or not url:
        return []
    return [reading.file(reading.text(event, "name"), reading.text(event, "content_type"), event.get("size"), url)]
