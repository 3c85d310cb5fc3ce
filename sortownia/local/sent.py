"""What SES took from the desk: the mails, as it keeps and delivers them, and its news of what became of them."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

from chalicelib.aws.mailer import message_id
from chalicelib.outgoing.notice import OUTBOX_TAG, Kind
from sortownia.local.cloud import REGION
from sortownia.local.stack import LocalStack

_HEADER_END = re.compile(rb"\r\n\r\n")
_REPLACED = re.compile(rb"(?im)^(?:message-id|date):.*(?:\r\n[ \t].*)*\r\n")


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail SES took. `raw` is what it was given; `at` is aware UTC."""

    provider_id: str
    to: str
    raw: bytes
    at: datetime
    outbox_id: str


def sent_bucket(stack: LocalStack) -> str:
    """Name of the emulator's bucket that holds them."""
    return f"{stack.name}-sent"


def sent_mails(stack: LocalStack) -> list[SentMail]:
    """Everything SES took from this stack, oldest first."""
    s3, bucket = stack.client("s3"), sent_bucket(stack)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    found = [(one["Key"], s3.get_object(Bucket=bucket, Key=one["Key"])) for p in pages for one in p.get("Contents", [])]
    mails = [
        SentMail(key, said["to"], got["Body"].read(), datetime.fromisoformat(said["at"]), said["outbox"])
        for key, got in found
        for said in (got["Metadata"],)
    ]
    return sorted(mails, key=lambda mail: mail.at)


def as_received(sent: SentMail) -> bytes:
    """The mail as its recipient gets it: with SES's own Message-ID and Date in place of ours."""
    end = _HEADER_END.search(sent.raw)
    head, rest = (sent.raw[: end.start() + 2], sent.raw[end.start() + 2 :]) if end else (sent.raw, b"")
    added = f"Message-ID: <{message_id(sent.provider_id, REGION)}>\r\nDate: {format_datetime(sent.at)}\r\n"
    return _REPLACED.sub(b"", head) + added.encode("ascii") + rest


def notify(stack: LocalStack, sent: SentMail, kind: Kind, *, permanent: bool = True) -> None:
    """Tells the desk what became of a mail, as SES would. `permanent` is for bounces."""
    told = json.dumps(event(sent, kind, datetime.now(UTC), permanent=permanent))
    stack.client("sns").publish(
        TopicArn=stack.notice_topic, Message=told, Subject="Amazon SES Email Event Notification"
    )


def event(sent: SentMail, kind: Kind, at: datetime, *, permanent: bool = True) -> dict[str, Any]:
    """The event SES publishes of a mail. `at` is aware UTC.

    Shapes: SES developer guide, "Contents of event data that Amazon SES publishes to Amazon SNS".
    """
    name, place, told = _EVENTS[kind](sent, at, permanent)
    mail = {
        "timestamp": _timestamp(sent.at),
        "messageId": sent.provider_id,
        "destination": [sent.to],
        "headersTruncated": False,
        "tags": {"ses:configuration-set": ["sortownia-replies"], OUTBOX_TAG: [sent.outbox_id]},
    }
    return {"eventType": name, "mail": mail, place: told}


def _delivery(sent: SentMail, at: datetime, _permanent: bool) -> tuple[str, str, dict[str, Any]]:
    told = {"timestamp": _timestamp(at), "processingTimeMillis": 400, "recipients": [sent.to],
            "smtpResponse": "250 2.0.0 OK", "reportingMTA": "a0-1.smtp-out.amazonses.com"}  # fmt: skip
    return "Delivery", "delivery", told


def _bounce(sent: SentMail, at: datetime, permanent: bool) -> tuple[str, str, dict[str, Any]]:
    kind, status, code = ("Permanent", "5.1.1", "550") if permanent else ("Transient", "4.2.2", "452")
    words = "user unknown" if permanent else "mailbox full"
    bounced = {"emailAddress": sent.to, "action": "failed", "status": status,
               "diagnosticCode": f"smtp; {code} {status} <{sent.to}>: {words}"}  # fmt: skip
    told = {"feedbackId": _feedback_id(sent, "b"), "bounceType": kind, "bounceSubType": "General",
            "bouncedRecipients": [bounced], "timestamp": _timestamp(at)}  # fmt: skip
    return "Bounce", "bounce", told


def _complaint(sent: SentMail, at: datetime, _permanent: bool) -> tuple[str, str, dict[str, Any]]:
    told = {"feedbackId": _feedback_id(sent, "c"), "complainedRecipients": [{"emailAddress": sent.to}],
            "timestamp": _timestamp(at), "complaintFeedbackType": "abuse"}  # fmt: skip
    return "Complaint", "complaint", told


def _reject(_sent: SentMail, _at: datetime, _permanent: bool) -> tuple[str, str, dict[str, Any]]:
    return "Reject", "reject", {"reason": "Bad content"}


def _delay(sent: SentMail, at: datetime, _permanent: bool) -> tuple[str, str, dict[str, Any]]:
    delayed = {"emailAddress": sent.to, "status": "4.4.1", "diagnosticCode": "smtp; 421 4.4.1 unable to connect"}
    told = {"timestamp": _timestamp(at), "delayType": "TransientCommunicationFailure", "delayedRecipients": [delayed]}
    return "DeliveryDelay", "deliveryDelay", told


_EVENTS: Final = {
    Kind.DELIVERED: _delivery,
    Kind.BOUNCED: _bounce,
    Kind.COMPLAINED: _complaint,
    Kind.REJECTED: _reject,
    Kind.DELAYED: _delay,
}


def _feedback_id(sent: SentMail, letter: str) -> str:
    return f"{letter}-{sent.provider_id}"


def _timestamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
