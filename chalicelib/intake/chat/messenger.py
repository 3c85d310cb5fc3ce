"""Messenger: a page's `messages`, `message_edits` and `messaging_postbacks`, in batches."""

from typing import Any

from chalicelib.intake.chat import meta, reading
from chalicelib.intake.message import Attachment, Message

verify = meta.SIGNATURE.check


def messages(raw: bytes) -> tuple[Message, ...]:
    """What people wrote to the page, wrote anew or pressed; what the page itself says (echoes) is none of theirs."""
    body = reading.loaded(raw)
    if reading.text(body, "object") != "page":
        return ()
    events = [event for entry in reading.objects(body, "entry") for event in reading.objects(entry, "messaging")]
    return tuple(found for event in events if (found := _message(event)))


def _message(event: dict[str, Any]) -> Message | None:
    message, edit, press = (reading.obj(event, name) for name in ("message", "message_edit", "postback"))
    if message.get("is_echo") is True or message.get("is_deleted") is True or not (message or edit or press):
        return None
    page, person = reading.text(event, "recipient", "id"), reading.text(event, "sender", "id")
    mid, times = reading.text(edit or message or press, "mid"), reading.text(edit, "num_edit")
    return reading.said(
        conversation=reading.joined(page, person),
        visitor=person,
        message_id=mid,
        delivery=f"{mid}.edited.{times or reading.text(event, 'timestamp')}" if edit else "",
        edits=mid if edit else "",
        answers=reading.text(message, "reply_to", "mid"),
        written=reading.text(edit or message, "text") or reading.text(press, "title"),
        sent_at=reading.moment(event, "timestamp"),
        attachments=map(_file, reading.objects(message, "attachments")),
        kind="message",
    )


def _file(one: dict[str, Any]) -> Attachment:
    url = reading.text(one, "payload", "url")
    name = reading.text(one, "payload", "title") or url.partition("?")[0].rpartition("/")[2]
    return reading.file(name, reading.text(one, "type"), 0, url)
