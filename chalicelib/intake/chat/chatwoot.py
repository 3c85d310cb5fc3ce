"""Chatwoot: webhooks of an account (event `message_created`), signed by servers from 2026 on."""

from typing import Any, Final

from chalicelib.intake.chat import reading
from chalicelib.intake.chat.proof import Signature
from chalicelib.intake.message import Attachment, Message

SIGNATURE: Final = Signature(
    header="x-chatwoot-signature", prefix="sha256=", algorithm="sha256", timestamp="x-chatwoot-timestamp", between=b"."
)
verify = SIGNATURE.check


def messages(raw: bytes) -> tuple[Message, ...]:
    """The visitor's message; what agents, bots and Chatwoot itself write, and private notes, are none of his."""
    body = reading.loaded(raw)
    sender = reading.obj(body, "sender") or reading.obj(body, "contact")
    of_visitor = reading.text(body, "message_type") in ("incoming", "0") and body.get("private") is not True
    if reading.text(body, "event") != "message_created" or not of_visitor or reading.text(sender, "type") in _STAFF:
        return ()
    account = reading.text(body, "account", "id")
    return (
        reading.said(
            conversation=reading.joined(account, reading.text(body, "conversation", "id")),
            visitor=reading.text(sender, "id"),
            message_id=reading.joined(account, reading.text(body, "id")),
            written=reading.text(body, "content"),
            name=reading.text(sender, "name"),
            email=reading.text(sender, "email"),
            phone=reading.text(sender, "phone_number"),
            sent_at=reading.moment(body, "created_at"),
            attachments=map(_file, reading.objects(body, "attachments")),
            kind=reading.text(body, "content_type"),
        ),
    )


_STAFF: Final = frozenset({"user", "agent_bot", "captain_assistant"})


def _file(one: dict[str, Any]) -> Attachment:
    url = reading.text(one, "data_url")
    name = reading.text(one, "file_name") or url.partition("?")[0].rpartition("/")[2]
    return reading.file(name, reading.text(one, "file_type"), one.get("file_size"), url)
