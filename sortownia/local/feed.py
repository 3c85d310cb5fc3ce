"""Sends mail by SMTP and chat by the signed webhook, as the world outside would."""

import hashlib
import hmac
import json
import smtplib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, formataddr
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx

from sortownia.calls import refusal
from sortownia.local import ports
from sortownia.local.error import LocalError

SAMPLES: Final = Path(__file__).resolve().parents[1] / "samples"
TIMESTAMP_HEADER: Final = "X-Sortownia-Timestamp"
SIGNATURE_HEADER: Final = "X-Sortownia-Signature"
RETRIED: Final = frozenset((HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT))
ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Mail:
    """A sample mail. `in_reply_to` is another sample's key."""

    key: str
    sender: str
    name: str
    to: str
    subject: str
    body: str
    in_reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Chat:
    """A sample chat message."""

    conversation: str
    visitor: str
    name: str
    text: str


def sample_mails(path: Path = SAMPLES / "mails.jsonl") -> list[Mail]:
    """The mails of a samples file."""
    return [
        Mail(m["key"], m["from"], m["name"], m["to"], m["subject"], m["body"], m.get("in_reply_to"))
        for m in _lines(path)
    ]


def sample_chats(path: Path = SAMPLES / "chats.jsonl") -> list[Chat]:
    """The chat messages of a samples file."""
    return [Chat(c["conversation"], c["visitor"], c["name"], c["text"]) for c in _lines(path)]


def _lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


# Mail


def waves(mails: Sequence[Mail]) -> list[list[Mail]]:
    """The mails in the order the world would write them: an answer never travels beside what it answers."""
    depth: dict[str, int] = {}
    for mail in mails:
        depth[mail.key] = depth[mail.in_reply_to] + 1 if mail.in_reply_to in depth else 0
    grouped: list[list[Mail]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for mail in mails:
        grouped[depth[mail.key]].append(mail)
    return grouped


def compose(mail: Mail, mails: Iterable[Mail], run: str) -> EmailMessage:
    """The mail as a message. `run` makes its Message-ID and those it refers to differ from another run's."""
    by_key = {other.key: other for other in mails}
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = formataddr((mail.name, mail.sender))
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = _message_id(mail, run)
    if earlier := _thread(mail, by_key):
        message["In-Reply-To"] = _message_id(earlier[-1], run)
        message["References"] = " ".join(_message_id(other, run) for other in earlier)
    message.set_content(mail.body)
    return message


def _thread(mail: Mail, by_key: Mapping[str, Mail]) -> list[Mail]:
    earlier: list[Mail] = []
    parent = by_key.get(mail.in_reply_to or "")
    while parent and parent not in earlier:
        earlier.insert(0, parent)
        parent = by_key.get(parent.in_reply_to or "")
    return earlier


def _message_id(mail: Mail, run: str) -> str:
    return f"<{mail.key}.{run}@{mail.sender.rpartition('@')[2]}>"


def send_mails(messages: Iterable[EmailMessage], port: int) -> None:
    """Hand messages over in one SMTP session. Raises `LocalError` when one is not taken."""
    try:
        with smtplib.SMTP(ports.HOST, port, timeout=60) as session:
            for message in messages:
                session.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise LocalError(f"The mail door on port {port} did not take the mail: {error}.") from error


# Chat


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Value of the signature header: HMAC-SHA256 over timestamp (unix seconds), a dot and the raw body."""
    signed = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def chat_body(chat: Chat, delivery_id: str) -> bytes:
    """The webhook's body for a chat message sent now."""
    return json.dumps(
        {
            "id": delivery_id,
            "conversation": chat.conversation,
            "visitor": {"id": chat.visitor, "name": chat.name},
            "text": chat.text,
            "sent_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        },
        ensure_ascii=False,
    ).encode()


def signed_headers(secret: str, body: bytes, clock: Callable[[], float] = time.time) -> dict[str, str]:
    """The headers a webhook call needs, good for the few minutes the API allows."""
    timestamp = str(int(clock()))
    return {
        "Content-Type": "application/json",
        TIMESTAMP_HEADER: timestamp,
        SIGNATURE_HEADER: sign(secret, timestamp, body),
    }


def hook_url(base_url: str, installation: str) -> str:
    """Where the generic provider's installation is called."""
    return f"{base_url}/v1/hooks/generic/{installation}"


def send_chat(url: str, secret: str, body: bytes) -> None:
    """Call the webhook, again when it asks for that. Raises `LocalError` when it refuses."""
    for attempt in range(ATTEMPTS):
        try:
            answer = httpx.post(url, content=body, headers=signed_headers(secret, body), timeout=60)
        except httpx.HTTPError as error:
            raise LocalError(f"The chat webhook at {url} gave no answer: {error}.") from error
        if answer.status_code not in RETRIED:
            break
        time.sleep(0.2 * 2**attempt)
    if answer.is_error:
        raise LocalError(f"The chat webhook refused the message with {refusal(answer)}")
