"""How each chat provider is called with a reply: one row each. Pure.

Conversations are named as `intake.chat` names them: the provider's account (app, page, number, website), then the
conversation, joined by dots; Telegram's by the chat alone.
"""

import base64
import html
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from chalicelib.errors import NotSent, OutcomeUnknown, Refused
from chalicelib.intake.chat.secret import Secret

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call, which is never printed but for its method: address and headers hold credentials.

    `judge` raises for an answer that says no although its status says yes; None where the status says all. `later` are
    codes of a refusal that ends by itself.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    judge: Callable[[bytes], None] | None = None
    later: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said, in which conversation (its parts), under whose name ('' where the token says)."""

    id: str
    place: Sequence[str]
    text: str
    admin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A provider's call. `longest` is in characters; `parts` is how many its conversations' names have at least."""

    api: str
    path: Callable[[Sequence[str], str], str]  # of the conversation's parts and the token
    body: Callable[[Reply], Json]
    proof: Callable[[Secret], Mapping[str, str]]
    longest: int
    parts: int = 2
    method: str = "POST"
    judge: Callable[[bytes], None] | None = None
    later: frozenset[str] = frozenset()


def _bearer(secret: Secret) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {secret.token}"}


def _basic(secret: Secret) -> Mapping[str, str]:
    both = base64.b64encode(f"{secret.user}:{secret.token}".encode()).decode()
    return {"Authorization": f"Basic {both}"}


def _either(secret: Secret) -> Mapping[str, str]:
    return _basic(secret) if secret.user else _bearer(secret)


def _zendesk(secret: Secret) -> Mapping[str, str]:
    return _basic(Secret(user=f"{secret.user}/token", token=secret.token)) if secret.user else _bearer(secret)


def _slack_said(reply: Reply) -> Json:
    """In a thread, but for a direct message that has none. Nothing of it is markup."""
    _, channel, *thread = reply.place
    text = html.escape(reply.text, quote=False)
    said = {"channel": channel, "text": text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
    return {**said, "thread_ts": ".".join(thread)} if thread else said


def _telegram_said(reply: Reply) -> Json:
    chat, *topic = reply.place
    said = {"chat_id": chat, "text": reply.text}
    return {**said, "message_thread_id": int(topic[0])} if topic and topic[0].isdecimal() else said


def _whatsapp_said(reply: Reply) -> Json:
    """Under the reply's id, which WhatsApp names again where it tells what became of it.

    Who shows a name instead of his number has an id with dots, which is no number to send `to`.
    """
    person = ".".join(reply.place[1:])
    said = {"preview_url": False, "body": reply.text}
    return {
        "messaging_product": "whatsapp", "recipient_type": "individual",
        "to" if person.isdecimal() else "recipient": person, "type": "text",
        "text": said, "biz_opaque_callback_data": reply.id,
    }  # fmt: skip


def _messenger_said(reply: Reply) -> Json:
    return {"recipient": {"id": reply.place[1]}, "messaging_type": "RESPONSE", "message": {"text": reply.text}}


def _intercom_said(reply: Reply) -> Json:
    """Intercom takes HTML."""
    words = html.escape(reply.text, quote=False).replace("\n", "<br>")
    return {"message_type": "comment", "type": "admin", "admin_id": reply.admin, "body": words}


# Meta's rate limits, of apps, pages, accounts, numbers and of one number to one customer, come with status 400 or 403.
_META_LATER: Final = frozenset({"4", "32", "613", "80006", "80007", "130429", "131056"})
# Said in the body of an answer with status 200. What is not named here was refused.
_LATER: Final = frozenset({"ratelimited", "rate_limited", "429"})
_NOBODY_KNOWS: Final = frozenset({"fatal_error", "internal_error", "service_unavailable", "request_timeout", "500"})


def _ok(answer: bytes) -> None:
    """Slack and Telegram say in the body whether they took it. Raises NotSent, Refused, OutcomeUnknown."""
    said = _json(answer)
    if said.get("ok") is True:
        return
    code = str(said.get("error") or said.get("error_code") or "")
    if "ok" not in said or code in _NOBODY_KNOWS:
        raise OutcomeUnknown("the provider did not say whether it took the reply")
    if code in _LATER:
        raise NotSent(f"the provider said {code}")
    raise Refused(f"the provider said {code[:100] or 'no'}")


def _no_error(answer: bytes) -> None:
    """Crisp says in the body whether it was an error. Raises Refused."""
    said = _json(answer)
    if said.get("error") is True:
        raise Refused(f"the provider said {str(said.get('reason'))[:100]}")


def _json(answer: bytes) -> Json:
    try:
        said: object = json.loads(answer)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


CALLS: Final[Mapping[str, Way]] = {
    "chatwoot": Way(
        api="",  # every server is somebody's own
        path=lambda place, _: f"/api/v1/accounts/{place[0]}/conversations/{place[1]}/messages",
        body=lambda reply: {"content": reply.text, "message_type": "outgoing", "private": False},
        proof=lambda secret: {"api_access_token": secret.token},
        longest=150_000,
    ),
    "crisp": Way(
        api="https://api.crisp.chat",
        path=lambda place, _: f"/v1/website/{place[0]}/conversation/{place[1]}/message",
        body=lambda reply: {"type": "text", "from": "operator", "origin": "chat", "content": reply.text},
        proof=lambda secret: {**_basic(secret), "X-Crisp-Tier": "plugin"},
        longest=10_000,
        judge=_no_error,
    ),
    "intercom": Way(
        api="https://api.intercom.io",
        path=lambda place, _: f"/conversations/{place[1]}/reply",
        body=_intercom_said,
        proof=_bearer,
        longest=50_000,
    ),
    "livechat": Way(
        api="https://api.livechatinc.com/v3.5",
        path=lambda _place, _: "/agent/action/send_event",
        body=lambda reply: {
            "chat_id": reply.place[1],
            "attach_to_last_thread": True,  # a chat ends soon after its customer falls silent
            "event": {"type": "message", "text": reply.text, "visibility": "all", "custom_id": reply.id},
        },
        proof=_either,
        longest=16_000,
    ),
    "messenger": Way(
        api="https://graph.facebook.com/v23.0",
        path=lambda place, _: f"/{place[0]}/messages",
        body=_messenger_said,
        proof=_bearer,
        longest=2_000,
        later=_META_LATER,
    ),
    "slack": Way(
        api="https://slack.com/api",
        path=lambda _place, _: "/chat.postMessage",
        body=_slack_said,
        proof=_bearer,
        longest=40_000,
        judge=_ok,
    ),
    "sunshine": Way(
        api="https://api.smooch.io",
        path=lambda place, _: f"/v2/apps/{place[0]}/conversations/{place[1]}/messages",
        body=lambda reply: {"author": {"type": "business"}, "content": {"type": "text", "text": reply.text}},
        proof=_either,
        longest=4_096,
    ),
    "telegram": Way(
        api="https://api.telegram.org",
        path=lambda _place, token: f"/bot{token}/sendMessage",
        body=_telegram_said,
        proof=lambda _: {},
        longest=4_096,
        parts=1,
        judge=_ok,
    ),
    "whatsapp": Way(
        api="https://graph.facebook.com/v23.0",
        path=lambda place, _: f"/{place[0]}/messages",
        body=_whatsapp_said,
        proof=_bearer,
        longest=4_096,
        later=_META_LATER,
    ),
    "zendesk": Way(
        api="",  # every company has a name of its own there
        path=lambda place, _: f"/api/v2/tickets/{place[1]}.json",
        body=lambda reply: {"ticket": {"comment": {"body": reply.text, "public": True}}},
        proof=_zendesk,
        method="PUT",
        longest=65_000,
        later=frozenset({"DatabaseConflict"}),  # somebody else wrote to the ticket at this very moment
    ),
}
