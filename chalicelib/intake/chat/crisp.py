"""Crisp: event `message:send`, by a plugin's hook (signed) or a website's (a secret `key` in the address)."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from chalicelib.errors import NotAuthentic, Unreadable
from chalicelib.intake.chat import reading
from chalicelib.intake.chat.proof import Signature, check_shared
from chalicelib.intake.chat.received import Received
from chalicelib.intake.message import Attachment, Message

SIGNATURE: Final = Signature(
    header="x-crisp-signature", algorithm="sha256", timestamp="x-crisp-request-timestamp",
    before=b"[", between=b";", after=b"]",
)  # fmt: skip
KEY: Final = "key"


def verify(received: Received, secrets: Sequence[str], now: datetime) -> None:
    """A signature or, of a website's hook, which has none, the key. Raises NotAuthentic.

    Crisp signs what JSON.stringify makes of the body, which need not be how it was sent.
    """
    if SIGNATURE.header not in received.headers and KEY in received.query:
        check_shared(received.query[KEY], secrets)
        return
    try:
        SIGNATURE.check(received, secrets, now)
    except NotAuthentic:
        SIGNATURE.check(replace(received, raw=_stringified(received.raw)), secrets, now)


def messages(raw: bytes) -> tuple[Message, ...]:
    """The visitor's message; what operators write, and events of other kinds, are none of his."""
    body = reading.loaded(raw)
    data = reading.obj(body, "data")
    if reading.text(body, "event") != "message:send" or reading.text(data, "from") != "user":
        return ()
    website = reading.text(body, "website_id") or reading.text(data, "website_id")
    session = reading.text(data, "session_id")
    name = reading.text(data, "user", "nickname")
    return (
        reading.said(
            conversation=reading.joined(website, session),
            visitor=reading.text(data, "user", "user_id") or session,
            message_id=reading.joined(session, reading.text(data, "fingerprint")),
            written=_written(data),
            name=name,
            email=name if "@" in name else "",
            sent_at=reading.moment(data, "timestamp") or reading.moment(body, "timestamp"),
            attachments=_files(data),
            kind=reading.text(data, "type"),
        ),
    )


def _written(data: dict[str, Any]) -> str:
    content = data.get("content")
    return reading.text(data, "content") if isinstance(content, str) else reading.text(content, "text")


def _files(data: dict[str, Any]) -> list[Attachment]:
    content = reading.obj(data, "content")
    url = reading.text(content, "url")
    if not url:
        return []
    name = reading.text(content, "name") or reading.text(data, "type")
    return [reading.file(name, reading.text(content, "type"), 0, url)]


def _stringified(raw: bytes) -> bytes:
    try:
        body = reading.loaded(raw)
    except Unreadable as error:
        raise NotAuthentic("The signature of the webhook is wrong.") from error
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
