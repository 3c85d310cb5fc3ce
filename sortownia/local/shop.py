"""The shop's server, and every chat provider's: takes our replies and shows them to visitors."""

import hashlib
import hmac
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from sortownia.local import feed, shop_page

KEPT: Final = 1000
WINDOW_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class ChatReply:
    """A reply as the shop has it. `times` counts how often it came: it is shown once."""

    installation: str
    id: str
    conversation: str
    text: str
    sent_at: str
    times: int = 1


class Shop:
    """Takes replies of the desk's installations and keeps the last 1000. `secret_of` finds their secrets.

    A generic installation's are signed. Those to a provider are his own call, with `path` behind the installation's
    name: what they hold is shown as it came.
    """

    def __init__(self, secret_of: Callable[[str], str], clock: Callable[[], float] = time.time) -> None:
        self._secret_of, self._clock = secret_of, clock
        self._replies: OrderedDict[tuple[str, str], ChatReply] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, installation: str, headers: Mapping[str, str], body: bytes, path: str = "") -> str:
        """'' when the reply was taken, else what is wrong with it. `headers` have lower-case names.

        Raises `LookupError` for no such installation, `PermissionError` where the signature does not hold.
        """
        secret = self._secret_of(installation)
        if path:
            return self._called(installation, path, body)
        timestamp = headers.get(feed.TIMESTAMP_HEADER.lower(), "")
        signature = headers.get(feed.SIGNATURE_HEADER.lower(), "")
        fresh = timestamp.isdecimal() and abs(self._clock() - int(timestamp)) <= WINDOW_SECONDS
        if not fresh or not hmac.compare_digest(feed.sign(secret, timestamp, body).encode(), signature.encode()):
            raise PermissionError
        return self._keep(installation, body)

    def page(self, installation: str, language: str, visitor_id: str) -> bytes:
        """A page with our widget, for a stranger ('') or for a customer who has signed in. Raises `LookupError`."""
        return shop_page.page(installation, language, visitor_id, self._secret_of(installation))

    def said(self, installation: str, conversation: str | None = None) -> list[ChatReply]:
        """The replies of an installation, or of one conversation of it, oldest first."""
        with self._lock:
            kept = list(self._replies.values())
        return [r for r in kept if r.installation == installation and conversation in (None, r.conversation)]

    def _called(self, installation: str, path: str, body: bytes) -> str:
        sent_at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")
        name = hashlib.sha256(path.encode() + b"\0" + body).hexdigest()
        return self._noted(ChatReply(installation, name, path, body.decode("utf-8", "replace"), sent_at))

    def _keep(self, installation: str, body: bytes) -> str:
        try:
            said: Any = json.loads(body)
            reply = ChatReply(installation, *(said[name] for name in ("id", "conversation", "text", "sent_at")))
        except (ValueError, LookupError, TypeError):
            return "a reply has id, conversation, text and sent_at"
        return self._noted(reply)

    def _noted(self, reply: ChatReply) -> str:
        installation = reply.installation
        with self._lock:
            before = self._replies.get((installation, reply.id))
            self._replies[installation, reply.id] = replace(before, times=before.times + 1) if before else reply
            while len(self._replies) > KEPT:
                self._replies.popitem(last=False)
        return ""
