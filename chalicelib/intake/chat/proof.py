"""How providers prove that a webhook is theirs: a signature over its very bytes, or a shared secret.

Every secret is tried and compared in constant time, so that the time taken tells neither which one was right nor how
much of a wrong one was.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from chalicelib.errors import NotAuthentic
from chalicelib.intake.chat.received import Received

WINDOW_SECONDS: Final = 300
#: Numbers from here on are milliseconds: as seconds they would lie beyond the year 5000.
_MILLISECONDS_FROM: Final = 10**11
_NUMBER = re.compile(r"[0-9]{1,14}")
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Signature:
    """A provider's scheme: `header` holds `prefix` + HMAC(secret, before + timestamp + between + raw + after).

    `timestamp` names the header with the moment of signing: Unix seconds or milliseconds, or ISO 8601. Without one
    (''), nothing but the raw bytes is signed and a webhook does not grow stale.
    """

    header: str
    algorithm: Literal["sha1", "sha256"]
    prefix: str = ""
    encoding: Literal["hex", "base64"] = "hex"
    timestamp: str = ""
    before: bytes = b""
    between: bytes = b""
    after: bytes = b""

    def check(self, received: Received, secrets: Sequence[str], now: datetime) -> None:
        """Proof that one of the secrets signed this within 300 s of `now` (aware); else raises NotAuthentic."""
        stamp = received.headers.get(self.timestamp, "") if self.timestamp else ""
        if self.timestamp:
            _check_fresh(stamp, now)
        given = self._given(received.headers.get(self.header, ""))
        made = [self.made(secret, stamp, received.raw).removeprefix(self.prefix) for secret in secrets if secret]
        matches = [hmac.compare_digest(one, given) for one in made]
        if not any(matches):
            raise NotAuthentic("The signature of the webhook is wrong.")

    def made(self, secret: str, stamp: str, raw: bytes) -> str:
        """What a sender who holds `secret` puts into the header."""
        signed = self.before + stamp.encode() + self.between + raw + self.after
        digest = hmac.new(secret.encode(), signed, self.algorithm).digest()
        return self.prefix + (digest.hex() if self.encoding == "hex" else base64.b64encode(digest).decode())

    def _given(self, header: str) -> str:
        size = hashlib.new(self.algorithm, usedforsecurity=False).digest_size
        shape = (
            rf"[0-9a-fA-F]{{{2 * size}}}" if self.encoding == "hex" else rf"[A-Za-z0-9+/]{{{(4 * size + 2) // 3}}}=*"
        )
        given = header.removeprefix(self.prefix)
        if not header.startswith(self.prefix) or not re.fullmatch(shape, given):
            raise NotAuthentic("The signature of the webhook is missing or malformed.")
        return given.lower() if self.encoding == "hex" else given


def check_shared(given: str, secrets: Sequence[str]) -> None:
    """Proof that the sender knows one of the secrets; else raises NotAuthentic."""
    digest = _digest(given)
    matches = [hmac.compare_digest(digest, _digest(secret)) for secret in secrets if secret]
    if not any(matches):
        raise NotAuthentic("The secret of the webhook is missing or wrong.")


def _check_fresh(stamp: str, now: datetime) -> None:
    moment = _moment(stamp)
    if moment is None:
        raise NotAuthentic("The timestamp of the webhook is missing or malformed.")
    if abs(now.timestamp() - moment) > WINDOW_SECONDS:
        raise NotAuthentic(f"The timestamp of the webhook is more than {WINDOW_SECONDS} s away.")


def _moment(stamp: str) -> float | None:
    if _NUMBER.fullmatch(stamp):
        number = int(stamp)
        return number / 1000 if number >= _MILLISECONDS_FROM else number
    if not _ISO.fullmatch(stamp):
        return None
    try:
        return datetime.fromisoformat(stamp).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _digest(text: str) -> bytes:
    """All of one length, so that comparing them does not tell how long a secret is."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
