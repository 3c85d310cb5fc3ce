"""tawk.to: `chat:start`, which brings a chat's first words and no later ones, and `ticket:create`."""

from typing import Any, Final

from chalicelib.intake.chat import reading
from chalicelib.intake.chat.proof import Signature
from chalicelib.intake.message import Message

SIGNATURE: Final = Signature(header="x-tawk-signature", algorithm="sha1")
verify = SIGNATURE.check


def messages(raw: bytes) -> tuple[Message, ...]:
    """A chat's first message, if the visitor wrote it, or a ticket that no agent made."""
    body = reading.loaded(raw)
    match reading.text(body, "event"):
        case "chat:start" if reading.text(body, "message", "sender", "type") == "visitor":
            return (_chat(body),)
        case "ticket:create" if reading.text(body, "requester", "type") != "agent":
            return (_ticket(body),)
    return ()


def _chat(body: dict[str, Any]) -> Message:
    """tawk.to gives visitors no id: the chat is all we know one by."""
    chat, visitor = reading.text(body, "chatId"), reading.obj(body, "visitor")
    return reading.said(
        conversation=reading.joined(reading.text(body, "property", "id"), chat),
        visitor=chat,
        message_id=chat,
        written=reading.text(body, "message", "text"),
        name=reading.text(visitor, "name"),
        email=reading.text(visitor, "email"),
        sent_at=reading.moment(body, "time"),
        kind=reading.text(body, "message", "type"),
    )


def _ticket(body: dict[str, Any]) -> Message:
    ticket, requester = reading.text(body, "ticket", "id"), reading.obj(body, "requester")
    return reading.said(
        conversation=reading.joined(reading.text(body, "property", "id"), ticket),
        visitor=ticket,
        message_id=ticket,
        subject=reading.text(body, "ticket", "subject"),
        written=reading.text(body, "ticket", "message"),
        name=reading.text(requester, "name"),
        email=reading.text(requester, "email"),
        sent_at=reading.moment(body, "time"),
    )
