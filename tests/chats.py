"""Webhooks as each chat provider sends them, signed by hand after his documents: not by the code under test."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from chalicelib import policy
from chalicelib.intake.chat import generic
from chalicelib.intake.chat.adapters import ADAPTERS
from chalicelib.intake.chat.received import Received
from tests.cloud import SECRET
from tests.desk import DESK

EVENTS: Final = Path(__file__).with_name("events") / "chat"

#: What an installation must say of its provider.
_SAID: Final = {"chatwoot": ', api = "https://chat.example.com"', "zendesk": ', api = "https://shop.zendesk.example.com"',
        "intercom": ', admin = "814860"'}  # fmt: skip
type Sign = Callable[[bytes, str, float], Received]


def _hex(secret: str, signed: bytes, algorithm: str = "sha256") -> str:
    return hmac.new(secret.encode(), signed, algorithm).hexdigest()


def _generic(raw: bytes, secret: str, at: float) -> Received:
    stamp = str(int(at))
    signature = _hex(secret, stamp.encode() + b"." + raw)
    return Received(raw, {"x-sortownia-timestamp": stamp, "x-sortownia-signature": f"sha256={signature}"})


def _chatwoot(raw: bytes, secret: str, at: float) -> Received:
    stamp = str(int(at))
    signature = _hex(secret, f"{stamp}.".encode() + raw)
    return Received(raw, {"x-chatwoot-timestamp": stamp, "x-chatwoot-signature": f"sha256={signature}"})


def _crisp(raw: bytes, secret: str, at: float) -> Received:
    stamp = str(int(at * 1000))
    signature = _hex(secret, f"[{stamp};".encode() + raw + b"]")
    return Received(raw, {"x-crisp-request-timestamp": stamp, "x-crisp-signature": signature})


def _crisp_website(raw: bytes, secret: str, _at: float) -> Received:
    return Received(raw, {}, {"key": secret})


def _intercom(raw: bytes, secret: str, _at: float) -> Received:
    return Received(raw, {"x-hub-signature": f"sha1={_hex(secret, raw, 'sha1')}"})


def _livechat(raw: bytes, secret: str, _at: float) -> Received:
    return Received(json.dumps({**json.loads(raw), "secret_key": secret}).encode())


def _meta(raw: bytes, secret: str, _at: float) -> Received:
    old, new = _hex(secret, raw, "sha1"), _hex(secret, raw)
    return Received(raw, {"x-hub-signature": f"sha1={old}", "x-hub-signature-256": f"sha256={new}"})


def _slack(raw: bytes, secret: str, at: float) -> Received:
    stamp = str(int(at))
    signature = _hex(secret, f"v0:{stamp}:".encode() + raw)
    return Received(raw, {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={signature}"})


def _sunshine(raw: bytes, secret: str, _at: float) -> Received:
    return Received(raw, {"x-api-key": secret})


def _tawk(raw: bytes, secret: str, _at: float) -> Received:
    return Received(raw, {"x-tawk-signature": _hex(secret, raw, "sha1"), "x-hook-event-id": "5f2b1c"})


def _telegram(raw: bytes, secret: str, _at: float) -> Received:
    return Received(raw, {"x-telegram-bot-api-secret-token": secret})


def _zendesk(raw: bytes, secret: str, at: float) -> Received:
    stamp = datetime.fromtimestamp(int(at), UTC).isoformat().replace("+00:00", "Z")
    digest = hmac.new(secret.encode(), stamp.encode() + raw, hashlib.sha256).digest()
    headers = {"x-zendesk-webhook-signature": base64.b64encode(digest).decode()}
    return Received(raw, headers | {"x-zendesk-webhook-signature-timestamp": stamp})


@dataclass(frozen=True)
class Proof:
    """How a provider proves his webhooks. `place` is where: a header's name, or `body`, or `query`.

    `stamp` is the header with the time, '' where nothing grows stale; `digest` the hash, '' for bare secrets.
    """

    sign: Sign
    place: str
    stamp: str = ""
    digest: str = ""

    def without(self, received: Received) -> Received:
        """The same webhook without its proof."""
        return self.with_proof(received, None)

    def shown(self, received: Received) -> str:
        """The proof as it stands there."""
        if self.place == "body":
            return str(json.loads(received.raw)["secret_key"])
        return received.query["key"] if self.place == "query" else received.headers[self.place]

    def with_proof(self, received: Received, proof: str | None) -> Received:
        """The same webhook with another proof, or none."""
        if self.place == "body":
            body = {name: value for name, value in json.loads(received.raw).items() if name != "secret_key"}
            more = {} if proof is None else {"secret_key": proof}
            return replace(received, raw=json.dumps(body | more).encode())
        if self.place == "query":
            return replace(received, query={} if proof is None else {"key": proof})
        kept = {name: value for name, value in received.headers.items() if name != self.place}
        return replace(received, headers=kept if proof is None else kept | {self.place: proof})


#: Every provider's proof; Crisp has two, its plugins' and its websites'.
PROOFS: Final[Mapping[str, Proof]] = {
    "generic": Proof(_generic, "x-sortownia-signature", "x-sortownia-timestamp", "sha256"),
    "chatwoot": Proof(_chatwoot, "x-chatwoot-signature", "x-chatwoot-timestamp", "sha256"),
    "crisp": Proof(_crisp, "x-crisp-signature", "x-crisp-request-timestamp", "sha256"),
    "crisp website": Proof(_crisp_website, "query"),
    "intercom": Proof(_intercom, "x-hub-signature", digest="sha1"),
    "livechat": Proof(_livechat, "body"),
    "messenger": Proof(_meta, "x-hub-signature-256", digest="sha256"),
    "slack": Proof(_slack, "x-slack-signature", "x-slack-request-timestamp", "sha256"),
    "sunshine": Proof(_sunshine, "x-api-key"),
    "tawk": Proof(_tawk, "x-tawk-signature", digest="sha1"),
    "telegram": Proof(_telegram, "x-telegram-bot-api-secret-token"),
    "whatsapp": Proof(_meta, "x-hub-signature-256", digest="sha256"),
    "zendesk": Proof(_zendesk, "x-zendesk-webhook-signature", "x-zendesk-webhook-signature-timestamp", "sha256"),
}


def recorded(name: str) -> bytes:
    """A recorded webhook's body: `<provider>-<what>`."""
    return (EVENTS / f"{name}.json").read_bytes()


def signed(proof: str, raw: bytes, at: datetime, secret: str = SECRET) -> Received:
    """A webhook as the provider sends it `at` this moment."""
    return PROOFS[proof].sign(raw, secret, at.timestamp())


def generic_body(delivery: str = "d1", text: str = "Hello?", **more: Any) -> bytes:
    """A message as the generic webhook takes it."""
    return json.dumps({"id": delivery, "conversation": "c1", "visitor": {"id": "v1"}, "text": text, **more}).encode()


def check_generic(secrets: Sequence[str], stamp: str, signature: str, raw: bytes, now: datetime) -> None:
    """Has the generic webhook's proof checked. Raises NotAuthentic."""
    headers = {"x-sortownia-timestamp": stamp, "x-sortownia-signature": signature}
    generic.verify(Received(raw, headers), secrets, now)


def desk_of_all() -> policy.Policy:
    """The small desk with two installations of each provider."""
    lines = [f'{name}{n} = {{ provider = "{name}"{_SAID.get(name, "")} }}' for name in ADAPTERS for n in ("", "-2")]
    return policy.parse(DESK.replace("[installations]\n", "[installations]\n" + "\n".join(lines) + "\n"))
