"""A reply in a chat: what is posted, where, and what proves it to the provider.

The body is made when the reply is queued and is the same ever after; address and proof are made when it is sent. The
generic provider gets {"id", "conversation", "text", "sent_at"}, signed as its own webhooks are: the same `id` twice is
the same reply. Of all others `CALLS` tells how they are called.
"""

import json
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from chalicelib.errors import Invalid, Refused
from chalicelib.intake import charset
from chalicelib.intake.chat import generic
from chalicelib.intake.chat.secret import Secret
from chalicelib.outgoing.chat_calls import CALLS, Call, Reply
from chalicelib.policy import WIDGET, Installation

#: Bytes of a provider's answer that are looked at: Slack says the longest reply back twice, at twelve bytes an emoji.
ANSWER_BYTES: Final = 1_500_000
_JSON: Final = {"Content-Type": "application/json", "Accept": "application/json"}


def compose(installation: Installation, reply_id: str, conversation: str, text: str, at: datetime) -> bytes:
    """The bytes to post, the same for the same reply. `at` is aware.

    Raises Invalid for who takes no replies, or none so long: an agent learns that before anything is queued.
    """
    if installation.provider in ("generic", WIDGET):
        return body(reply_id, conversation, text, at)
    way = CALLS.get(installation.provider)
    if way is None:
        raise Invalid("to", f"{installation.provider} takes no replies from here: answer the visitor there")
    if len(text) > way.longest:
        raise Invalid("text", f"{installation.provider} takes at most {way.longest} characters")
    place = conversation.split(".")
    if len(place) < way.parts:
        raise Invalid("to", "this conversation has no address at its provider")
    said = way.body(Reply(reply_id, place, charset.storable(text)[0], installation.admin))
    return json.dumps(said, ensure_ascii=False).encode()


def call(
    installation: Installation, secret: Secret, conversation: str, raw: bytes, now: datetime, instead: str = ""
) -> Call:
    """How a composed reply is posted `now` (aware); to `instead` where that is not '', else to the provider.

    Raises Refused where no address or no proof is known.
    """
    if installation.provider == "generic":
        return _signed(f"{instead}/{installation.name}" if instead else installation.replies, secret, raw, now)
    way = CALLS.get(installation.provider)
    if way is None or not secret.token:
        raise Refused(f"installation {installation.name} takes no replies, or its secret has no token for them")
    base = f"{instead}/{installation.name}" if instead else installation.api or way.api
    place = [quote(part, safe="") for part in conversation.split(".")]
    headers = {**_JSON, **way.proof(secret)}
    return Call(way.method, base + way.path(place, quote(secret.token, safe=":")), headers, raw, way.judge, way.later)


def body(reply_id: str, conversation: str, text: str, at: datetime) -> bytes:
    """The generic provider's bytes."""
    said = {
        "id": reply_id,
        "conversation": conversation,
        "text": charset.storable(text)[0],
        "sent_at": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return json.dumps(said, ensure_ascii=False).encode()


def headers(secret: str, raw: bytes, now: datetime) -> dict[str, str]:
    """What proves to the generic provider that the bytes are ours and were sent `now` (aware)."""
    timestamp = str(int(now.timestamp()))
    return {
        "Content-Type": "application/json",
        generic.TIMESTAMP_HEADER: timestamp,
        generic.SIGNATURE_HEADER: f"sha256={generic.sign(secret, timestamp, raw)}",
    }


def _signed(url: str, secret: Secret, raw: bytes, now: datetime) -> Call:
    if not url or not secret.signing:
        raise Refused("this installation has no address for replies, or no secret")
    return Call("POST", url, headers(secret.signing[0], raw, now), raw)
