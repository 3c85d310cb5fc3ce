"""Zendesk Support: event webhooks of type `zen:event-type:ticket.comment_added`.

A new ticket's first words come as a comment too. What triggers and automations post is of their maker's own shape.
"""

from typing import Final

from chalicelib.intake.chat import reading
from chalicelib.intake.chat.proof import Signature
from chalicelib.intake.message import Message

SIGNATURE: Final = Signature(
    header="x-zendesk-webhook-signature", algorithm="sha256", encoding="base64",
    timestamp="x-zendesk-webhook-signature-timestamp",
)  # fmt: skip
verify = SIGNATURE.check


def messages(raw: bytes) -> tuple[Message, ...]:
    """A public comment of somebody who is no staff; internal notes and agents' answers are none."""
    body = reading.loaded(raw)
    comment, ticket = reading.obj(body, "event", "comment"), reading.obj(body, "detail")
    author = reading.obj(comment, "author")
    of_customer = comment.get("is_public") is True and author.get("is_staff") is False
    if reading.text(body, "type") != "zen:event-type:ticket.comment_added" or not of_customer:
        return ()
    return (
        reading.said(
            conversation=reading.joined(reading.text(body, "account_id"), reading.text(ticket, "id")),
            visitor=reading.text(author, "id"),
            message_id=reading.text(comment, "id"),
            subject=reading.text(ticket, "subject"),
            written=reading.text(comment, "body"),
            name=reading.text(author, "name"),
            sent_at=reading.moment(body, "time"),
        ),
    )
