"""What SES makes of a mail it receives: headers put on top of it and the notice it tells SNS.

The shapes are those of the SES developer guide, "Contents of notifications for Amazon SES email receiving".
"""

import json
import re
import secrets
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import format_datetime, getaddresses, parseaddr
from types import MappingProxyType
from typing import Any, Final

from chalicelib.intake.proof import aligned
from sortownia.local.cloud import REGION

KEY_PREFIX: Final = "mail/"
SIZE_LIMIT: Final = 40 * 1024 * 1024
"""Bytes of the largest mail SES receives."""
HEADERS_LIMIT: Final = 10_240
"""Bytes of headers SES copies into a notice."""
COMMON_LIMIT: Final = 2_000
"""Characters of one common header: so a notice always fits the 256 KB of an SNS message."""

VERDICTS: Final = ("spamVerdict", "virusVerdict", "spfVerdict", "dkimVerdict", "dmarcVerdict")
FINDINGS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "spam.example.com": {"spamVerdict": "FAIL"},
        "virus.example.com": {"virusVerdict": "FAIL"},
        "forged.example.com": {"spfVerdict": "FAIL", "dkimVerdict": "FAIL", "dmarcVerdict": "FAIL"},
        "unsigned.example.com": {"spfVerdict": "GRAY", "dkimVerdict": "GRAY", "dmarcVerdict": "GRAY"},
        "nopolicy.example.org": {"dmarcVerdict": "GRAY"},
        "unchecked.example.com": {"spamVerdict": "PROCESSING_FAILED", "virusVerdict": "PROCESSING_FAILED"},
    }
)
"""Sender's domain -> the verdicts that are not PASS. A sender is found by envelope and by From header.

Every domain but these permits whoever sends in its name in the envelope, signs what he sends, and has a DMARC policy.
"""

_WORDS: Final = {"PASS": "pass", "FAIL": "fail", "GRAY": "none", "PROCESSING_FAILED": "temperror"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A mail as it came in by SMTP. `raw` is exactly what the client sent as DATA; `at` is aware UTC."""

    message_id: str
    source: str
    recipients: tuple[str, ...]
    peer: str
    helo: str
    at: datetime
    raw: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """What SES would leave behind: the object's key and bytes, and the notice."""

    key: str
    raw: bytes
    notice: str


def new_message_id() -> str:
    """An id like those SES gives to received mail: 40 lower-case letters and digits."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(40))


def process(arrival: Arrival, *, bucket: str, topic: str) -> Stored:
    """The object and the notice for one arrival. Never raises, whatever the bytes."""
    verdicts = judge(arrival)
    raw = _added_headers(arrival, verdicts) + arrival.raw
    key = KEY_PREFIX + arrival.message_id
    message = BytesHeaderParser(policy=compat32).parsebytes(_head(raw))
    action = {
        "type": "S3",
        "topicArn": topic,
        "bucketName": bucket,
        "objectKeyPrefix": KEY_PREFIX,
        "objectKey": key,
    }
    notice = {
        "notificationType": "Received",
        "mail": _mail(arrival, message),
        "receipt": _receipt(arrival, verdicts, action),
    }
    return Stored(key, raw, json.dumps(notice))


def judge(arrival: Arrival) -> dict[str, str]:
    """Verdict name -> status, by the domain of the envelope's and of the From header's sender."""
    envelope, author = _domain(arrival.source), _from_domain(arrival)
    verdicts = dict.fromkeys(VERDICTS, "PASS")
    if not aligned(envelope, author):
        verdicts["dmarcVerdict"] = "FAIL"
    for domain in (envelope, author):
        verdicts.update(FINDINGS.get(domain, {}))
    return verdicts


def _from_domain(arrival: Arrival) -> str:
    message = BytesHeaderParser(policy=compat32).parsebytes(_head(arrival.raw))
    return _domain(parseaddr(_clean(message.get("From", "")))[1])


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _receipt(arrival: Arrival, verdicts: Mapping[str, str], action: Mapping[str, str]) -> dict[str, Any]:
    receipt: dict[str, Any] = {
        "timestamp": _timestamp(arrival.at),
        "processingTimeMillis": 25,
        "recipients": list(arrival.recipients),
        **{name: {"status": status} for name, status in verdicts.items()},
        "action": dict(action),
    }
    if verdicts["dmarcVerdict"] == "FAIL":
        receipt["dmarcPolicy"] = "reject"
    return receipt


def _mail(arrival: Arrival, message: Message) -> dict[str, Any]:
    headers, truncated = _within_limit((name, _clean(value)) for name, value in message.items())
    return {
        "timestamp": _timestamp(arrival.at),
        "source": arrival.source,
        "messageId": arrival.message_id,
        "destination": list(arrival.recipients),
        "headersTruncated": truncated,
        "headers": headers,
        "commonHeaders": _common(arrival, message),
    }


def _within_limit(headers: Iterable[tuple[str, str]]) -> tuple[list[dict[str, str]], bool]:
    kept: list[dict[str, str]] = []
    left = HEADERS_LIMIT
    for name, value in headers:
        left -= len(name.encode("utf-8", "replace")) + len(value.encode("utf-8", "replace")) + 4
        if left < 0:
            return kept, True
        kept.append({"name": name, "value": value})
    return kept, False


def _common(arrival: Arrival, message: Message) -> dict[str, Any]:
    common: dict[str, Any] = {"returnPath": arrival.source}
    for field in ("from", "to", "cc", "bcc", "reply-to"):
        if values := message.get_all(field):
            common[field] = _addresses(_clean(value) for value in values)
    for name, field in (("sender", "sender"), ("date", "date"), ("subject", "subject")):
        if value := message.get(field):
            common[name] = _clean(value)[:COMMON_LIMIT]
    if value := message.get("message-id"):
        common["messageId"] = _clean(value).strip()[:COMMON_LIMIT]
    return common


def _addresses(values: Iterable[str]) -> list[str]:
    pairs = getaddresses([value[:COMMON_LIMIT] for value in values])
    return [f"{name} <{address}>" if name else address for name, address in pairs][:100]


def _added_headers(arrival: Arrival, verdicts: Mapping[str, str]) -> bytes:
    domain, author = _domain(arrival.source), _from_domain(arrival)
    word = {name: _WORDS[status] for name, status in verdicts.items()}
    lines = (
        f"Return-Path: <{arrival.source}>",
        f"Received: from {arrival.helo} ({arrival.helo} [{arrival.peer}])",
        f" by inbound-smtp.{REGION}.amazonaws.com with SMTP id {arrival.message_id}",
        f" for {arrival.recipients[0]};",
        f" {format_datetime(arrival.at)} (UTC)",
        f"X-SES-Spam-Verdict: {verdicts['spamVerdict']}",
        f"X-SES-Virus-Verdict: {verdicts['virusVerdict']}",
        f"Received-SPF: {word['spfVerdict']} (spfCheck: domain of {domain}) client-ip={arrival.peer};"
        f" envelope-from={arrival.source}; helo={arrival.helo};",
        "Authentication-Results: amazonses.com;",
        f" spf={word['spfVerdict']} (spfCheck: domain of {domain}) client-ip={arrival.peer};"
        f" envelope-from={arrival.source}; helo={arrival.helo};",
        f" dkim={word['dkimVerdict']} header.i=@{domain};",
        f" dmarc={word['dmarcVerdict']} header.from={author};",
        f"X-SES-RECEIPT: {arrival.message_id}",
    )
    return ("\r\n".join(lines) + "\r\n").encode("utf-8", "replace")


def _head(raw: bytes) -> bytes:
    # The parser would take a huge body for a header when no blank line comes: it sees 256 KB at most.
    end = re.search(rb"\r?\n\r?\n", raw[: 256 * 1024])
    return raw[: end.end() if end else 256 * 1024]


def _clean(value: object) -> str:
    """A header unfolded, as text that JSON in UTF-8 can carry."""
    text = str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return re.sub(r"\r?\n[ \t]*", " ", text).strip()


def _timestamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
