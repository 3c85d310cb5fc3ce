"""How each provider is called with a reply, and how his answers are understood."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.errors import Invalid, NotSent, OutcomeUnknown, Refused
from chalicelib.intake.chat.adapters import ADAPTERS
from chalicelib.intake.chat.secret import Secret
from chalicelib.outgoing import chat
from chalicelib.outgoing.chat_calls import CALLS
from chalicelib.policy import WIDGET, Installation
from tests.chats import recorded

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
REPLY = "0" * 31 + "1"
TEXT = 'Przyjdzie <jutro> & "na pewno".\nPozdrawiam'
SECRET = Secret(signing=("s" * 64,), token="the:token", user="the-user")
BEARER = {"Authorization": "Bearer the:token"}
BASIC = {"Authorization": "Basic " + base64.b64encode(b"the-user:the:token").decode()}

#: Method, address, proof and body of a reply to each provider's recorded message.
CALLED: Mapping[str, tuple[str, str, dict[str, str], dict[str, Any]]] = {
    "chatwoot": (
        "POST", "https://api.example.com/api/v1/accounts/1/conversations/215/messages",
        {"api_access_token": "the:token"}, {"content": TEXT, "message_type": "outgoing", "private": False},
    ),
    "crisp": (
        "POST", "https://api.crisp.chat/v1/website/0c0c0c0c-0000-4000-8000-000000000001"
        "/conversation/session_36ba3566-9651-4790-afc8-ffedbccc317f/message",
        {**BASIC, "X-Crisp-Tier": "plugin"}, {"type": "text", "from": "operator", "origin": "chat", "content": TEXT},
    ),
    "intercom": (
        "POST", "https://api.intercom.io/conversations/330000000000001/reply", BEARER,
        {"message_type": "comment", "type": "admin", "admin_id": "814860",
         "body": 'Przyjdzie &lt;jutro&gt; &amp; "na pewno".<br>Pozdrawiam'},
    ),
    "livechat": (
        "POST", "https://api.livechatinc.com/v3.5/agent/action/send_event", BASIC,
        {"chat_id": "PJ0MRSHTDG", "attach_to_last_thread": True,
         "event": {"type": "message", "text": TEXT, "visibility": "all", "custom_id": REPLY}},
    ),
    "messenger": (
        "POST", "https://graph.facebook.com/v23.0/1000000001/messages", BEARER,
        {"recipient": {"id": "2000000001"}, "messaging_type": "RESPONSE", "message": {"text": TEXT}},
    ),
    "slack": (
        "POST", "https://slack.com/api/chat.postMessage", BEARER,
        {"channel": "C0000001", "thread_ts": "1772441940.000100", "mrkdwn": False, "unfurl_links": False,
         "unfurl_media": False, "text": 'Przyjdzie &lt;jutro&gt; &amp; "na pewno".\nPozdrawiam'},
    ),
    "sunshine": (
        "POST", "https://api.smooch.io/v2/apps/5df38acc88b0000000000001/conversations/89de10d6bbb0000000000001/messages",
        BASIC, {"author": {"type": "business"}, "content": {"type": "text", "text": TEXT}},
    ),
    "telegram": (
        "POST", "https://api.telegram.org/botthe:token/sendMessage", {}, {"chat_id": "500000001", "text": TEXT},
    ),
    "whatsapp": (
        "POST", "https://graph.facebook.com/v23.0/106540352242922/messages", BEARER,
        {"messaging_product": "whatsapp", "recipient_type": "individual", "to": "48500000000", "type": "text",
         "text": {"preview_url": False, "body": TEXT}, "biz_opaque_callback_data": REPLY},
    ),
    "zendesk": (
        "PUT", "https://api.example.com/api/v2/tickets/5158.json",
        {"Authorization": "Basic " + base64.b64encode(b"the-user/token:the:token").decode()},
        {"ticket": {"comment": {"body": TEXT, "public": True}}},
    ),
}  # fmt: skip


def installation(provider: str) -> Installation:
    api = "https://api.example.com" if provider in ("chatwoot", "zendesk") else ""
    return Installation("w", provider, api=api, admin="814860" if provider == "intercom" else "")


def conversation(provider: str) -> str:
    return ADAPTERS[provider].messages(recorded(f"{provider}-message"))[0].conversation


def composed(provider: str, text: str = TEXT, place: str = "") -> bytes:
    return chat.compose(installation(provider), REPLY, place or conversation(provider), text, NOW)


def test_every_provider_has_its_call_or_takes_no_replies() -> None:
    assert CALLED.keys() == CALLS.keys() == ADAPTERS.keys() - {"generic", "tawk", WIDGET}


@pytest.mark.parametrize("provider", CALLED)
def test_a_reply_to_a_message_goes_where_it_came_from(provider: str) -> None:
    method, url, proof, body = CALLED[provider]
    call = chat.call(installation(provider), SECRET, conversation(provider), composed(provider), NOW)
    assert (call.method, call.url, json.loads(call.body)) == (method, url, body)
    assert proof.items() <= call.headers.items()
    assert call.headers["Content-Type"] == call.headers["Accept"] == "application/json"
    assert composed(provider) == composed(provider), "the same reply has the same bytes"


@pytest.mark.parametrize("provider", CALLED)
def test_a_stack_for_trials_calls_nobody_elses_address(provider: str) -> None:
    call = chat.call(
        installation(provider), SECRET, conversation(provider), composed(provider), NOW, "http://127.0.0.1:9/c"
    )
    assert call.url.startswith("http://127.0.0.1:9/c/w/")


@pytest.mark.parametrize("provider", CALLED)
def test_nothing_secret_is_shown_of_a_call(provider: str) -> None:
    call = chat.call(installation(provider), SECRET, conversation(provider), composed(provider), NOW)
    assert not any(word in repr(call) for word in ("the:token", "the-user", "Basic", "Przyjdzie"))


@pytest.mark.parametrize("provider", CALLED)
def test_without_a_token_nothing_is_called(provider: str) -> None:
    with pytest.raises(Refused, match="no token"):
        chat.call(installation(provider), Secret(signing=("s",)), conversation(provider), composed(provider), NOW)


@pytest.mark.parametrize("provider", CALLED)
def test_what_is_too_long_for_a_provider_is_refused_before_it_is_queued(provider: str) -> None:
    longest = CALLS[provider].longest
    composed(provider, "x" * longest)
    with pytest.raises(Invalid, match=f"at most {longest}"):
        composed(provider, "x" * (longest + 1))


def test_tawk_takes_no_replies() -> None:
    with pytest.raises(Invalid, match="tawk takes no replies"):
        composed("tawk")


@pytest.mark.parametrize("provider", sorted(CALLED.keys() - {"telegram"}))
def test_a_conversation_that_is_none_of_the_providers_is_not_answered(provider: str) -> None:
    with pytest.raises(Invalid, match="no address"):
        composed(provider, place="c1")


@pytest.mark.parametrize("provider", ["chatwoot", "crisp", "messenger", "sunshine", "whatsapp", "zendesk"])
def test_a_conversations_name_is_no_way_to_another_address(provider: str) -> None:
    """Whoever can sign webhooks still does not choose what our token is used for."""
    odd = "1/../../x?y=.2/../#z"
    url = chat.call(installation(provider), SECRET, odd, b"{}", NOW).url
    assert url.count("/") == CALLED[provider][1].count("/")
    assert not set("?#") & set(url)


def test_a_direct_message_is_answered_in_it_and_a_topic_in_its_own() -> None:
    direct, topic = (ADAPTERS[n.split("-")[0]].messages(recorded(n))[0].conversation
                     for n in ("slack-direct", "telegram-topic"))  # fmt: skip
    said = json.loads(composed("slack", place=direct))
    assert (said["channel"], "thread_ts" in said) == ("D0000001", False)
    said = json.loads(composed("telegram", place=topic))
    assert (said["chat_id"], said["message_thread_id"]) == ("-1001234567890", 7)


def test_who_shows_whatsapp_a_name_instead_of_a_number_is_answered_under_his_whole_id() -> None:
    said = json.loads(composed("whatsapp", place="106540352242922.PL.ENT.13491208655302741918"))
    assert (said["recipient"], "to" in said) == ("PL.ENT.13491208655302741918", False)


@pytest.mark.parametrize("provider", ["whatsapp", "messenger"])
def test_metas_rate_limits_are_waited_for_though_it_calls_them_bad_requests(provider: str) -> None:
    call = chat.call(installation(provider), SECRET, conversation(provider), composed(provider), NOW)
    assert {"4", "613", "80006", "80007", "130429", "131056"} <= call.later
    assert not {"10", "131047", "190", "551"} & call.later
    assert CALLS["zendesk"].later == {"DatabaseConflict"}


ANSWERS: list[tuple[str, bytes, type[Exception] | None]] = [
    ("slack", b'{"ok":true,"ts":"1"}', None),
    ("slack", b'{"ok":false,"error":"channel_not_found"}', Refused),
    ("slack", b'{"ok":false,"error":"invalid_auth"}', Refused),
    ("slack", b'{"ok":false,"error":"ratelimited"}', NotSent),
    ("slack", b'{"ok":false,"error":"fatal_error"}', OutcomeUnknown),
    ("slack", b'{"ok":false}', Refused),
    ("slack", b"", OutcomeUnknown),
    ("slack", b"<html>", OutcomeUnknown),
    ("slack", b"[]", OutcomeUnknown),
    ("slack", b'{"ok":"true"}', Refused),
    ("telegram", b'{"ok":true,"result":{"message_id":2}}', None),
    ("telegram", b'{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked"}', Refused),
    ("telegram", b'{"ok":false,"error_code":429}', NotSent),
    ("telegram", b'{"ok":false,"error_code":500}', OutcomeUnknown),
    ("crisp", b'{"error":false,"reason":"dispatched"}', None),
    ("crisp", b'{"error":true,"reason":"not_allowed"}', Refused),
    ("crisp", b"", None),
]


@pytest.mark.parametrize(("provider", "answer", "error"), ANSWERS)
def test_an_answer_that_says_no_is_understood_whatever_its_status(
    provider: str, answer: bytes, error: type[Exception] | None
) -> None:
    judge = CALLS[provider].judge
    assert judge
    if error is None:
        judge(answer)
        return
    with pytest.raises(error):
        judge(answer)
