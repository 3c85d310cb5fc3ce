"""What SES tells of a mail it was given: events of a configuration set, and the older feedback notifications.

Shapes: SES developer guide, "Contents of event data that Amazon SES publishes to Amazon SNS" and "Amazon SNS
notification contents for Amazon SES".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from chalicelib.errors import Unreadable

OUTBOX_TAG: Final = "outbox_id"
#: What SES says, as plain text and once, to a topic it is to publish to.
GREETING: Final = "Successfully validated SNS topic for Amazon SES event publishing."
DETAIL_LENGTH: Final = 300
# Events that change nothing for us: the first says only that SES has taken the mail, which its answer said already.
_SAYS_NOTHING: Final = frozenset({"Send", "Open", "Click", "Subscription", "AmazonSnsSubscriptionSucceeded"})
# Of who complained of an earlier mail SES tells a complaint at once and sends him nothing.
_NOT_TRIED: Final = "OnAccountSuppressionList"
_ADDRESS = re.compile(r"[^\s<>\"'(),;:=]{1,256}@[^\s<>\"'(),;]{1,256}")


class Kind(StrEnum):
    """What became of a mail."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    REJECTED = "rejected"
    DELAYED = "delayed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendNotice:
    """One thing SES tells of one mail.

    `id` is the same when the notice comes again. `outbox_id` is '' where SES tells no tags (older notifications): then
    `provider_id` alone says which mail it was. `permanent` is whether sending again is in vain; `detail` names no
    address.
    """

    kind: Kind
    outbox_id: str
    provider_id: str
    id: str
    at: datetime
    permanent: bool
    detail: str


def notice_of(body: Mapping[str, Any]) -> SendNotice | None:
    """The notice, or None for one that says nothing to us. Raises `Unreadable` for what is no notice of SES."""
    name = body.get("eventType") or body.get("notificationType")
    if isinstance(name, str) and name in _SAYS_NOTHING:
        return None
    known = _EVENTS.get(name) if isinstance(name, str) else None
    if known is None:
        raise Unreadable("This is no notice of SES about a mail that was sent.", "eventType")
    kind, place, told = known
    mail, event = _object(body, "mail"), _object(body, place)
    provider_id = _text(mail, "messageId")
    if not provider_id:
        raise Unreadable("The notice names no mail.", "mail.messageId")
    moment = _text(event, "timestamp") or _text(mail, "timestamp")
    never_sent = _text(event, "complaintSubType") == _NOT_TRIED
    kind = Kind.BOUNCED if never_sent else kind
    return SendNotice(
        kind=kind,
        outbox_id=_tag(mail),
        provider_id=provider_id,
        id=f"{provider_id}/{kind}/{_text(event, 'feedbackId') or moment}",
        at=_moment(moment, place),
        permanent=never_sent or kind is Kind.REJECTED or _text(event, "bounceType") == "Permanent",
        detail=_without_addresses(told(event)),
    )


def _bounce(event: Mapping[str, Any]) -> str:
    kind = "/".join(filter(None, (_text(event, "bounceType"), _text(event, "bounceSubType"))))
    return " ".join(filter(None, (kind, _first_of(event, "bouncedRecipients"))))


def _complaint(event: Mapping[str, Any]) -> str:
    return _text(event, "complaintFeedbackType") or _text(event, "complaintSubType")


def _delay(event: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (_text(event, "delayType"), _first_of(event, "delayedRecipients"))))


def _first_of(event: Mapping[str, Any], field: str) -> str:
    """What the receiving server said of the one recipient our mails have."""
    recipients = event.get(field)
    first = recipients[0] if isinstance(recipients, list) and recipients else None
    if not isinstance(first, dict):
        return ""
    return " ".join(filter(None, (_text(first, "status"), _text(first, "diagnosticCode"))))


# Name of the event -> what it is to us, where its own fields stand, and what they tell.
_EVENTS: Final[Mapping[str, tuple[Kind, str, Callable[[Mapping[str, Any]], str]]]] = {
    "Delivery": (Kind.DELIVERED, "delivery", lambda event: _text(event, "smtpResponse")),
    "Bounce": (Kind.BOUNCED, "bounce", _bounce),
    "Complaint": (Kind.COMPLAINED, "complaint", _complaint),
    "Reject": (Kind.REJECTED, "reject", lambda event: _text(event, "reason")),
    "Rendering Failure": (Kind.REJECTED, "failure", lambda event: _text(event, "errorMessage")),
    "DeliveryDelay": (Kind.DELAYED, "deliveryDelay", _delay),
}


def _tag(mail: Mapping[str, Any]) -> str:
    tags = mail.get("tags")
    values = tags.get(OUTBOX_TAG) if isinstance(tags, dict) else None
    return values[0] if isinstance(values, list) and values and isinstance(values[0], str) else ""


def _object(holder: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = holder.get(field)
    if not isinstance(value, dict):
        raise Unreadable(f"{field} must be an object.", field)
    return value


def _text(holder: Mapping[str, Any], field: str) -> str:
    value = holder.get(field)
    return value if isinstance(value, str) else ""


def _moment(value: str, field: str) -> datetime:
    try:
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unreadable("The notice does not say when.", f"{field}.timestamp") from error


def _without_addresses(text: str) -> str:
    return " ".join(_ADDRESS.sub("(address)", text).split())[:DETAIL_LENGTH]
