"""What a chat provider tells of a reply after he took it. Only WhatsApp does so by webhook: it refuses late.

A reply beyond the 24 hours after the customer's last message is taken at first and then found to have failed.
"""

import re
from datetime import UTC, datetime
from typing import Any, Final

from chalicelib.intake.chat import reading, whatsapp
from chalicelib.outgoing.notice import DETAIL_LENGTH, Kind, SendNotice
from chalicelib.policy import Installation

#: Reply ids are ours; what else a business writes there, by whatever means it sends, is not.
_REPLY_ID = re.compile(r"[0-9a-f]{32}")
_KINDS: Final = {"failed": Kind.REJECTED, "delivered": Kind.DELIVERED, "read": Kind.DELIVERED}


def news(installation: Installation, raw: bytes) -> tuple[SendNotice, ...]:
    """What became of replies of ours, each thing once. Raises Unreadable."""
    if installation.provider != "whatsapp":
        return ()
    told = (
        _notice(status)
        for value in whatsapp.values(raw)
        if installation.account in ("", reading.text(value, "metadata", "phone_number_id"))
        for status in reading.objects(value, "statuses")
        if reading.text(status, "status") in _KINDS and _REPLY_ID.fullmatch(_reply_id(status))
    )
    return tuple({notice.id: notice for notice in told if notice.provider_id}.values())


def _notice(status: dict[str, Any]) -> SendNotice:
    provider_id, kind = reading.text(status, "id"), _KINDS[reading.text(status, "status")]
    error = next(iter(reading.objects(status, "errors")), {})
    why = " ".join(filter(None, (reading.text(error, "code"), reading.text(error, "title"))))
    return SendNotice(
        kind=kind,
        outbox_id=_reply_id(status),
        provider_id=provider_id,
        id=f"{provider_id}/{kind}",
        at=reading.moment(status, "timestamp") or datetime.fromtimestamp(0, UTC),
        permanent=kind is Kind.REJECTED,
        detail=why[:DETAIL_LENGTH],
    )


def _reply_id(status: dict[str, Any]) -> str:
    return reading.text(status, "biz_opaque_callback_data")
