"""Deliveries as tests write them: mails in the bucket with their notice, signed chat messages."""

import json
from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any

from tests.cloud import TestWorld


def mail(
    body: str = "Where is my parcel?",
    sender: str = "anna@customer.example.com",
    subject: str = "Parcel",
    files: Sequence[tuple[str, str, bytes]] = (),
    **headers: str,
) -> bytes:
    """A plain mail, and what is attached to it (name, type, content); header names are given with underscores."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = "help@shop.example.com"
    message["Subject"] = subject
    for name, value in {"Message_ID": "<one@customer.example.com>", **headers}.items():
        if value:
            message[name.replace("_", "-")] = value
    message.set_content(body)
    for filename, kind, content in files:
        maintype, _, subtype = kind.partition("/")
        message.add_attachment(content, maintype=maintype, subtype=subtype, filename=filename)
    return message.as_bytes()


def notice(ses_id: str, verdicts: dict[str, str] | None = None, recipient: str = "help@shop.example.com") -> str:
    """What SES tells about a stored mail, as raw delivery puts it on the queue."""
    status = dict.fromkeys(("spam", "virus", "spf", "dkim", "dmarc"), "PASS") | (verdicts or {})
    receipt: dict[str, Any] = {f"{name}Verdict": {"status": said} for name, said in status.items()}
    receipt |= {"recipients": [recipient], "action": {"type": "S3", "bucketName": "raw", "objectKey": f"mail/{ses_id}"}}
    return json.dumps({"notificationType": "Received", "receipt": receipt, "mail": {"messageId": ses_id}})


def store_mail(world: TestWorld, ses_id: str, raw: bytes, **verdicts: str) -> str:
    """Puts a mail where SES would and returns its notice."""
    world.raw.write(f"mail/{ses_id}", raw, "message/rfc822")
    return notice(ses_id, verdicts)


def store_chat(world: TestWorld, delivery: str, text: str, conversation: str = "c1", visitor: str = "v1") -> str:
    """Puts a chat message where the webhook would and returns its notice."""
    body = {"id": delivery, "conversation": conversation, "visitor": {"id": visitor, "name": "Piotr"}, "text": text}
    key = f"chat/shop-widget/{delivery}"
    world.raw.write(key, json.dumps(body).encode(), "application/json")
    return json.dumps({"kind": "chat", "installation": "shop-widget", "delivery": delivery, "key": key})
