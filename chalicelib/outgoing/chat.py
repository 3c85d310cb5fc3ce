"""A reply in a chat, for the generic provider: JSON, signed as its own webhooks are.

{"id", "conversation", "text", "sent_at"}; the same `id` twice is the same reply.
"""

import json
from datetime import UTC, datetime

from chalicelib.intake import charset
from chalicelib.intake.chat import generic


def body(reply_id: str, conversation: str, text: str, at: datetime) -> bytes:
    """The bytes to post, the same for the same reply. `at` is aware."""
    said = {
        "id": reply_id,
        "conversation": conversation,
        "text": charset.storable(text)[0],
        "sent_at": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return json.dumps(said, ensure_ascii=False).encode()


def headers(secret: str, raw: bytes, now: datetime) -> dict[str, str]:
    """What proves to the provider that the bytes are ours and were sent `now` (aware)."""
    timestamp = str(int(now.timestamp()))
    return {
        "Content-Type": "application/json",
        generic.TIMESTAMP_HEADER: timestamp,
        generic.SIGNATURE_HEADER: f"sha256={generic.sign(secret, timestamp, raw)}",
    }
