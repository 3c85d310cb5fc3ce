"""What is read out of each provider's recorded webhooks."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.errors import Unreadable
from chalicelib.intake.chat.adapters import ADAPTERS
from chalicelib.intake.message import Address, Attachment, Message
from tests.chats import EVENTS, recorded

CUSTOMER = "b7eff798-f8df-4364-8059-649c35c9ed0c"
WEBSITE, SESSION = "0c0c0c0c-0000-4000-8000-000000000001", "session_36ba3566-9651-4790-afc8-ffedbccc317f"
TEXT = "Where is my parcel?"


def _photo(name: str = "parcel.jpg", kind: str = "image/jpeg", size: int = 31337, url: str = "") -> Attachment:
    return Attachment(name, kind, size, url=url)


#: Of each recorded message what tells it from others: fields, and what they must hold.
READ: Mapping[str, list[dict[str, Any]]] = {
    "generic-message": [
        {"delivery": "d-1", "conversation": "c-1", "visitor": "v-1", "text": TEXT,
         "sender": Address("Visitor", "visitor@example.com"),
         "attachments": (Attachment("receipt.pdf", "application/pdf", 2048),)},
    ],
    "chatwoot-message": [
        {"delivery": "1.4401", "conversation": "1.215", "visitor": "77", "text": TEXT, "phone": "+48500000000",
         "sender": Address("Visitor", "visitor@example.com"),
         "attachments": (_photo(
             kind="image", url="https://chat.example.com/rails/active_storage/blobs/redirect/x/parcel.jpg"),)},
    ],
    "crisp-message": [
        {"delivery": f"{SESSION}.163239623329114", "conversation": f"{WEBSITE}.{SESSION}", "visitor": SESSION,
         "text": TEXT, "sender": Address("visitor@example.com", "visitor@example.com")},
    ],
    "crisp-file": [
        {"delivery": f"{SESSION}.163239623329115", "text": "",
         "attachments": (_photo(size=0, url="https://storage.example.com/users/upload/session/parcel.jpg"),)},
    ],
    "intercom-message": [
        {"delivery": "330000000000001.900001", "conversation": "a0b1c2d3.330000000000001",
         "visitor": "65f000000000000000000001", "text": TEXT, "sender": Address("Visitor", "visitor@example.com"),
         "attachments": (_photo(url="https://downloads.example.com/i/o/1/parcel.jpg"),)},
    ],
    "intercom-batch": [
        {"delivery": "330000000000001.700001", "text": "It is number 4711."},
        {"delivery": "330000000000001.700004", "text": "Hello?\n\nAnybody?"},
    ],
    "livechat-message": [
        {"delivery": "K600PKZON8_2", "conversation": "390e44e6-f1e6-4368-8a6b-74a14508c2e1.PJ0MRSHTDG",
         "visitor": CUSTOMER, "text": TEXT, "sender": None},
    ],
    "livechat-batch": [
        {"delivery": "K600PKZON8_3", "text": "Hello", "sender": Address("Visitor", "visitor@example.com")},
        {"delivery": "K600PKZON8_4", "text": TEXT},
        {"delivery": "K600PKZON8_5", "text": "",
         "attachments": (_photo(url="https://cdn.example.com/api/file/lc/parcel.jpg"),)},
    ],
    "messenger-message": [
        {"delivery": "m_AAA1", "conversation": "1000000001.2000000001", "visitor": "2000000001", "text": TEXT},
    ],
    "messenger-batch": [
        {"delivery": "m_AAA1", "visitor": "2000000001"},
        {"delivery": "m_AAA2", "visitor": "2000000002", "conversation": "1000000001.2000000002"},
        {"delivery": "m_BBB1", "conversation": "1000000002.2000000003", "text": "",
         "attachments": (_photo(kind="image", size=0, url="https://scontent.example.com/v/parcel.jpg?oh=1"),)},
        {"delivery": "m_BBB2", "text": "Talk to a person"},
    ],
    "messenger-edit": [
        {"delivery": "m_AAA1.edited.1", "message_id": "m_AAA1", "edits": "m_AAA1", "text": "Where is my parcel 4711?",
         "conversation": "1000000001.2000000001"},
    ],
    "slack-message": [
        {"delivery": "C0000001.1772441940.000100", "conversation": "T0000001.C0000001.1772441940.000100",
         "visitor": "U0000001", "text": "Where is my parcel & the bill?"},
    ],
    "slack-thread": [
        {"delivery": "C0000001.1772441990.000200", "conversation": "T0000001.C0000001.1772441940.000100",
         "attachments": (_photo(url="https://files.example.com/files-pri/T1-F1/parcel.jpg"),)},
    ],
    "slack-direct": [{"conversation": "T0000001.D0000001"}],
    "slack-edit": [
        {"delivery": "C0000001.1772441940.000100.edited.1772442000.000000", "edits": "C0000001.1772441940.000100",
         "conversation": "T0000001.C0000001.1772441940.000100", "text": "Where is my parcel 4711?"},
    ],
    "sunshine-message": [
        {"delivery": "5f74a0d52b0001", "conversation": "5df38acc88b0000000000001.89de10d6bbb0000000000001",
         "visitor": "42589ad070d0000000000001", "text": TEXT, "sender": Address("Visitor", "visitor@example.com")},
    ],
    "sunshine-batch": [
        {"delivery": "5f74a0d52b0001", "text": "Hello"},
        {"delivery": "5f74a0d52b0003", "text": "",
         "attachments": (_photo("The parcel", url="https://media.example.com/apps/1/parcel.jpg"),)},
        {"delivery": "5f74a0d52b0005", "text": "[location]"},
    ],
    "tawk-message": [
        {"delivery": "70fe3290-99ad-11e9-a30a-51567162179f", "visitor": "70fe3290-99ad-11e9-a30a-51567162179f",
         "conversation": "58ca8453b8a7e060cd3b1ecb.70fe3290-99ad-11e9-a30a-51567162179f", "text": TEXT,
         "sender": Address("V1772441940", "visitor@example.com")},
    ],
    "tawk-ticket": [{"delivery": "02598050-99ad-11e9-8887-97564881b95b", "subject": "Parcel", "text": TEXT}],
    "telegram-message": [
        {"delivery": "500000001.1365", "conversation": "500000001", "visitor": "500000001", "text": TEXT,
         "sender": Address("Visitor Example", "")},
    ],
    "telegram-edit": [
        {"delivery": "500000001.1365.edited.1772442000", "message_id": "500000001.1365", "edits": "500000001.1365",
         "text": "Where is my parcel 4711?"},
    ],
    "telegram-photo": [{"text": "The parcel", "attachments": (_photo("photo"),)}],
    "telegram-contact": [{"text": "[contact]", "phone": "+48500000000"}],
    "telegram-topic": [{"conversation": "-1001234567890.7", "delivery": "-1001234567890.21"}],
    "whatsapp-message": [
        {"delivery": "wamid.HBgLNDg1MDAwMDAwMDAVAgASGBQ1==", "conversation": "106540352242922.48500000000",
         "visitor": "48500000000", "phone": "+48500000000", "text": TEXT, "sender": Address("Visitor", "")},
    ],
    "whatsapp-batch": [
        {"delivery": "wamid.HBgLNDg1MDAwMDAwMDAVAgASGBQ1==", "text": "Hello"},
        {"text": "The parcel", "attachments": (_photo("image", size=0),)},
        {"text": "Yes, please", "conversation": "106540352242923.48500000000", "in_reply_to": ("wamid.OURS==",)},
        {"text": "[location]"},
    ],
    "whatsapp-edit": [
        {"delivery": "wamid.HBgLNDg1MDAwMDAwMDAVAgASGBQ9==", "message_id": "wamid.HBgLNDg1MDAwMDAwMDAVAgASGBQ1==",
         "edits": "wamid.HBgLNDg1MDAwMDAwMDAVAgASGBQ1==", "text": "Where is my parcel 4711?"},
    ],
    "whatsapp-status": [],
    "slack-handshake": [],
    "zendesk-message": [
        {"delivery": "8447388090777", "conversation": "22129848.5158", "visitor": "8447388090494", "text": TEXT,
         "subject": "Parcel", "sender": Address("Visitor", "")},
    ],
}  # fmt: skip


def read(name: str, raw: bytes | None = None) -> tuple[Message, ...]:
    return ADAPTERS[name.split("-", maxsplit=1)[0]].messages(recorded(name) if raw is None else raw)


def test_every_recorded_webhook_has_its_reading() -> None:
    assert {path.stem for path in EVENTS.iterdir() if "-own-" not in path.stem} == READ.keys()


@pytest.mark.parametrize("name", READ)
def test_a_recorded_webhook_says(name: str) -> None:
    found = read(name)
    assert [{field: getattr(message, field) for field in wanted}
            for message, wanted in zip(found, READ[name], strict=True)] == READ[name]  # fmt: skip
    for message in found:
        assert (message.channel, message.written, message.automatic) == ("chat", message.text, None)
        assert message.sent_at
        assert message.sent_at.isoformat().startswith("2026-03-02T0")
        assert message.warnings == ()


@pytest.mark.parametrize("name", sorted(path.stem for path in EVENTS.glob("*-own-*.json")))
def test_what_no_visitor_said_is_no_message(name: str) -> None:
    assert read(name) == ()


def test_an_edit_is_another_delivery_of_the_same_message_in_the_same_conversation() -> None:
    for provider in ("slack", "telegram", "messenger", "whatsapp"):
        (before,), (after,) = read(f"{provider}-message"), read(f"{provider}-edit")
        assert after.edits == after.message_id == before.message_id == before.delivery
        assert after.delivery != before.delivery
        assert after.conversation == before.conversation
        assert before.edits == ""


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("name", [name for name in READ if name.endswith(("-message", "-batch"))])
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@given(data=st.data())
def test_whatever_stands_in_a_field_a_body_is_read_or_unreadable(name: str, data: st.DataObject) -> None:
    """One value of the recorded body is another, of whatever kind: no provider's change may break intake."""
    body = json.loads(recorded(name))
    holder: Any = body
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if not isinstance(holder[key], dict | list) or data.draw(st.integers(0, 3)) == 0:
            holder[key] = data.draw(json_values)
            break
        holder = holder[key]
    try:
        found = read(name, json.dumps(body).encode())
    except Unreadable:
        return
    for message in found:
        assert message.delivery
        assert message.conversation
        assert message.visitor
        assert all(isinstance(a.size, int) and a.size >= 0 for a in message.attachments)


def test_ids_are_told_apart_whatever_they_are_made_of() -> None:
    body = json.loads(recorded("telegram-message"))
    body["message"]["chat"]["id"] = None
    with pytest.raises(Unreadable, match="conversation"):
        read("telegram-message", json.dumps(body).encode())
    body = json.loads(recorded("sunshine-message"))
    message = body["events"][0]["payload"]["message"]
    del message["id"]
    (first,), (again,) = (read("sunshine-message", json.dumps(body).encode()) for _ in range(2))
    message["content"]["text"] = "Another"
    (other,) = read("sunshine-message", json.dumps(body).encode())
    assert first.delivery == again.delivery != other.delivery, "without an id, what is said tells it apart"


def said(provider: str, body: dict[str, Any]) -> list[Message]:
    return list(ADAPTERS[provider].messages(json.dumps(body).encode()))


def test_a_file_without_a_word_is_a_message_of_intercom() -> None:
    part = {
        "type": "conversation_part", "id": "55", "part_type": "comment", "body": None, "created_at": 1795770000,
        "author": {"type": "user", "id": "u1"},
        "attachments": [{"type": "upload", "name": "invoice.pdf", "url": "https://x.example/i", "filesize": 9,
                         "content_type": "application/pdf"}],
    }  # fmt: skip
    assigned = {**part, "id": "56", "part_type": "assignment", "attachments": []}
    item = {"type": "conversation", "id": "12", "conversation_parts": {"conversation_parts": [part, assigned]}}
    body = {"type": "notification_event", "app_id": "app", "topic": "conversation.user.replied", "data": {"item": item}}
    (message,) = said("intercom", body)
    assert message.attachments == (Attachment("invoice.pdf", "application/pdf", 9, url="https://x.example/i"),)
    assert message.delivery == "12.55"
    shown = {
        **part, "attachments": [],
        "body": '<div class="intercom-container"><img src="https://x.example/i/invoice.png?expires=1&amp;sign=2"></div>',
    }  # fmt: skip
    item["conversation_parts"] = {"conversation_parts": [shown]}
    (message,) = said("intercom", body)
    url = "https://x.example/i/invoice.png?expires=1&sign=2"
    assert (message.text, message.attachments) == ("", (Attachment("invoice.png", "image", 0, url=url),))


def test_answers_to_a_form_of_livechat_are_words() -> None:
    event = {
        "id": "K600_1", "type": "filled_form", "author_id": CUSTOMER, "visibility": "all", "form_id": "1",
        "created_at": "2026-11-27T09:00:00.000000Z",
        "fields": [
            {"id": "1", "type": "textarea", "label": "Question:", "answer": "Where is parcel 4711?"},
            {"id": "2", "type": "radio", "label": "Topic:", "answer": {"id": "0", "label": "Delivery"}},
            {"id": "3", "type": "checkbox", "label": "By:",
             "answers": [{"id": "0", "label": "mail"}, {"id": "1", "label": "phone"}]},
            {"id": "4", "type": "question", "label": "Else:", "answer": ""},
        ],
    }  # fmt: skip
    chat = {"id": "PJ0", "users": [], "thread": {"id": "K600", "events": [event]}}
    body = {"action": "incoming_chat", "organization_id": "o", "secret_key": "s", "payload": {"chat": chat}}
    (message,) = said("livechat", body)
    assert message.written == "Question: Where is parcel 4711?\nTopic: Delivery\nBy: mail, phone"


def test_answers_to_a_form_of_sunshine_are_words() -> None:
    content = {"type": "formResponse", "textFallback": "Question: Where is parcel 4711?", "fields": []}
    message = {"id": "m", "author": {"type": "user", "userId": "u"}, "content": content}
    event = {"type": "conversation:message", "payload": {"conversation": {"id": "c"}, "message": message}}
    (found,) = said("sunshine", {"app": {"id": "a"}, "events": [event]})
    assert found.written == "Question: Where is parcel 4711?"


def by_whatsapp(message: dict[str, Any], contact: dict[str, Any] | None = None) -> list[Message]:
    whole = {"id": "wamid.1", "timestamp": "1795770000", **message}
    value = {"metadata": {"phone_number_id": "9"}, "contacts": [contact or {}], "messages": [whole]}
    body = {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]}
    return said("whatsapp", body)


def test_what_is_written_beside_an_order_in_whatsapp_is_kept() -> None:
    order = {"catalog_id": "c", "text": "Please before Friday", "product_items": [{"product_retailer_id": "1"}]}
    (found,) = by_whatsapp({"from": "48500", "type": "order", "order": order})
    assert found.written == "Please before Friday"


@pytest.mark.parametrize(
    ("response", "written"),
    [
        ('{"flow_token":"t","order":"4711","days":["Mon","Tue"],"copies":2,"agreed":true,"note":null}',
         "order: 4711\ndays: Mon, Tue\ncopies: 2\nagreed: true"),
        ("not json", "Sent"),
        ("[1]", "Sent"),
        ('{"flow_token":"t"}', "Sent"),
    ],
)  # fmt: skip
def test_answers_to_a_form_of_whatsapp_are_words(response: str, written: str) -> None:
    form = {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": response}}
    (found,) = by_whatsapp({"from": "48500", "type": "interactive", "interactive": form})
    assert found.written == written


def test_who_opens_a_chat_of_whatsapp_has_said_nothing_yet() -> None:
    assert by_whatsapp({"from": "48500", "type": "request_welcome"}) == []


def test_who_shows_whatsapp_a_name_instead_of_a_number_has_it_here() -> None:
    contact = {"profile": {"name": "Visitor", "username": "visitor"}, "user_id": "PL.134"}
    (found,) = by_whatsapp({"from_user_id": "PL.134", "type": "text", "text": {"body": "Hello"}}, contact)
    assert (found.sender, found.visitor, found.phone) == (Address("Visitor", ""), "PL.134", "")
    assert found.conversation == "9.PL.134"


def test_where_somebody_goes_is_told_once_by_telegram_and_not_at_every_step() -> None:
    body = json.loads(recorded("telegram-message"))
    message = body.pop("message")
    del message["text"]
    message["location"] = {"latitude": 52.2, "longitude": 21.0, "live_period": 3600}
    assert [one.text for one in said("telegram", {**body, "message": message})] == ["[location]"]
    assert said("telegram", {**body, "edited_message": {**message, "edit_date": 1795770005}}) == []


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("write to <mailto:a@example.com|a@example.com>", "write to a@example.com"),
        ("see <https://example.com/p?a=1&amp;b=2>", "see https://example.com/p?a=1&b=2"),
        ("see <http://example.com|example.com>", "see example.com"),
        ("see <https://example.com/x|my order>", "see my order (https://example.com/x)"),
        ("call <tel:+48500000000|500 000 000>", "call 500 000 000"),
        ("<@U0000001> or <@U2|maria> in <#C1|orders>", "@U0000001 or @maria in #orders"),
        ("<!here> <!subteam^S1|@service> <!date^1795770000^{date}|today>", "@here @service today"),
        ("1 &lt; 2 &gt; 0, &lt;b&gt;, a &amp;lt; b", "1 < 2 > 0, <b>, a &lt; b"),
    ],
)
def test_what_slack_marks_is_read_as_it_was_written(marked: str, plain: str) -> None:
    body = json.loads(recorded("slack-message"))
    body["event"]["text"] = marked
    (found,) = said("slack", body)
    assert found.written == plain


def test_what_a_channel_of_telegram_sends_on_to_its_group_is_nobodys_question() -> None:
    body = json.loads(recorded("telegram-message"))
    assert len(said("telegram", body)) == 1
    body["message"]["from"] = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
    body["message"]["is_automatic_forward"] = True
    assert said("telegram", body) == []
