"""The webhook: nothing is believed, and nothing written, without the provider's signature."""

import base64
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from chalice.test import HTTPResponse

from chalicelib.errors import NotAuthentic
from chalicelib.flows.receive import delivery as receive
from chalicelib.intake.chat import generic
from chalicelib.intake.chat.adapters import ADAPTERS
from chalicelib.world import world
from tests import chats
from tests.chats import check_generic
from tests.cloud import SECRET, STACK
from tests.unit.api.service import Service, chat, signed

RESOURCE = "/v1/hooks/{provider}/{installation}"
DOCS = Path(__file__).parents[3] / "docs"


def _received(service: Service) -> list[str]:
    """What becomes of every notice on the inbound queue."""
    notices = service.cloud.bodies(service.world.settings.inbound_queue_url)
    return [receive(json.dumps(notice), f"sqs-{number}", 1, service.world) for number, notice in enumerate(notices)]


def test_signed_message_is_durable_before_it_is_answered(service: Service) -> None:
    answer = service.hook(chat("d1"))
    assert (answer.status_code, answer.json_body) == (202, {"delivery": "d1"})
    raw = service.world.raw.read("chat/shop-widget/d1")
    assert json.loads(raw) == chat("d1")
    notices = service.cloud.bodies(service.world.settings.inbound_queue_url)
    assert notices == [{"kind": "chat", "installation": "shop-widget", "delivery": "d1", "key": "chat/shop-widget/d1"}]


def test_message_becomes_an_item(service: Service) -> None:
    service.hook(chat("d1"))
    assert _received(service) == ["queued"]
    shown = service.ask("GET", "/v1/items", "supervisor-1", state="queued").json_body["items"]
    assert [(item["channel"], item["source"]) for item in shown] == [("chat", "shop-widget")]


def test_same_delivery_twice_is_one_item(service: Service) -> None:
    service.hook(chat("d1"))
    service.hook(chat("d1"))
    assert sorted(_received(service)) == ["handled before", "queued"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"X_Sortownia_Signature": None},
        {"X_Sortownia_Signature": ""},
        {"X_Sortownia_Signature": "sha256=" + "0" * 64},
        {"X_Sortownia_Signature": "0" * 64},
        {"X_Sortownia_Signature": "sha1=" + "0" * 64},
        {"X_Sortownia_Signature": "sha256=é" + "0" * 63},
        {"X_Sortownia_Timestamp": None},
        {"X_Sortownia_Timestamp": ""},
        {"X_Sortownia_Timestamp": "now"},
        {"X_Sortownia_Timestamp": "-1"},
        {"X_Sortownia_Timestamp": "9" * 5000},
        {"X_Sortownia_Timestamp": "١٧٩٥١٦٦١٠٢"},
        {"at": -301},
        {"at": 302},
        {"secret": "t" * 64},
        {"secret": ""},
        {"installation": "other-widget", "secret": "t" * 64},
    ],
)
def test_wrong_signature_writes_nothing(service: Service, wrong: dict[str, Any]) -> None:
    before = service.stored()
    answer = service.hook(chat("d1"), **wrong)
    assert answer.status_code == 401
    assert service.stored() == before


def test_signature_counts_for_these_very_bytes_at_this_very_time(service: Service) -> None:
    raw = json.dumps(chat("d1")).encode()
    headers = signed(raw)
    path = "/v1/hooks/generic/shop-widget"
    later = {**headers, "X-Sortownia-Timestamp": str(int(headers["X-Sortownia-Timestamp"]) + 1)}
    assert service.ask("POST", path, None, raw + b" ", headers).status_code == 401
    assert service.ask("POST", path, None, raw, later).status_code == 401
    assert service.ask("POST", path, None, raw, headers).status_code == 202


def test_old_timestamp_within_the_window_is_taken(service: Service) -> None:
    assert [service.hook(chat("d1"), at=at).status_code for at in (-295, 295)] == [202, 202]


def test_secret_of_one_installation_opens_no_other(service: Service) -> None:
    service.cloud.secrets.put_secret_value(SecretId=f"{STACK}/hooks/other-widget", SecretString="o" * 64)
    try:
        world.cache_clear()
        assert service.hook(chat("d1"), installation="other-widget", secret=SECRET).status_code == 202  # the one before
        service.cloud.secrets.put_secret_value(SecretId=f"{STACK}/hooks/other-widget", SecretString="p" * 64)
        world.cache_clear()
        assert service.hook(chat("d2"), installation="other-widget", secret=SECRET).status_code == 401
        assert service.hook(chat("d3"), installation="shop-widget", secret="p" * 64).status_code == 401
    finally:
        for _ in range(2):
            service.cloud.secrets.put_secret_value(SecretId=f"{STACK}/hooks/other-widget", SecretString=SECRET)


def test_both_secrets_count_while_one_is_being_rotated(service: Service) -> None:
    service.cloud.secrets.put_secret_value(SecretId=f"{STACK}/hooks/shop-widget", SecretString="n" * 64)
    try:
        world.cache_clear()
        assert service.hook(chat("d1"), secret=SECRET).status_code == 202
        assert service.hook(chat("d2"), secret="n" * 64).status_code == 202
        assert service.hook(chat("d3"), secret="m" * 64).status_code == 401
    finally:
        for _ in range(2):
            service.cloud.secrets.put_secret_value(SecretId=f"{STACK}/hooks/shop-widget", SecretString=SECRET)


def test_installation_without_a_secret_takes_nothing(service: Service) -> None:
    name = f"{STACK}/hooks/shop-widget"
    service.cloud.secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    try:
        world.cache_clear()
        before = service.stored()
        for secret in (SECRET, ""):
            assert service.hook(chat("d1"), secret=secret).status_code == 401
        assert service.stored() == before
    finally:
        service.cloud.secrets.create_secret(Name=name, SecretString=SECRET)


@pytest.mark.parametrize(
    ("provider", "installation"),
    [("generic", "nowhere"), ("other", "shop-widget"), ("generic", "SHOP-WIDGET"), ("generic", "%2e%2e")],
)
def test_unknown_installation_is_not_found(service: Service, provider: str, installation: str) -> None:
    before = service.stored()
    assert service.hook(chat("d1"), provider=provider, installation=installation).status_code == 404
    assert service.stored() == before


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b"{", "JSON"),
        (b"", "JSON"),
        (b"\xff\xfe\xfd", "JSON"),
        (b"[" * 100_000, "JSON"),
        (b'{"id": ' + b"9" * 5000 + b"}", "JSON"),
        (b"[]", "body must be an object"),
        (chat() | {"id": None}, "id"),
        (chat() | {"id": ""}, "id"),
        (chat() | {"id": "\0\0"}, "id"),
        (chat() | {"id": "x" * 201}, "id"),
        (chat() | {"conversation": 5}, "conversation"),
        (chat() | {"visitor": "v1"}, "visitor"),
        (chat() | {"visitor": {}}, "visitor.id"),
        (chat() | {"text": ["hello"]}, "text"),
        (chat() | {"text": " "}, "text"),
        (chat() | {"text": "x" * 100_001}, "text"),
        (b'{"id":"d1","conversation":"c","visitor":{"id":"v"},"text":NaN}', "text"),
        (chat() | {"attachments": [{"name": "a", "size": -1}]}, "attachments.0.size"),
        (b'{"id":"d","conversation":"c","visitor":{"id":"v"},"text":"t","attachments":[{"size":1e999}]}', "size"),
        (chat(text="x" * 1000) | {"filler": "y" * 1_000_000}, "longer than"),
    ],
)
def test_malformed_body_is_refused_naming_what_is_wrong(service: Service, body: Any, names: str) -> None:
    before = service.stored()
    answer = service.hook(body)
    assert answer.status_code == 400
    assert answer.json_body["field"] == "body" or answer.json_body["field"].endswith(names)
    assert names in answer.json_body["detail"]
    assert service.stored() == before


@pytest.mark.parametrize("text", [{}, {"text": None}, {"text": ""}, {"text": " "}])
def test_file_without_a_word_reaches_people(service: Service, text: dict[str, Any]) -> None:
    """What many a customer sends first is a photograph."""
    said = {name: value for name, value in chat("d1").items() if name != "text"}
    file = {"name": "broken.jpg", "type": "image/jpeg", "size": 3}
    assert service.hook(said | text | {"attachments": [file]}).status_code == 202
    assert _received(service) == ["queued"]
    [item] = service.ask("GET", "/v1/items", "supervisor-1", state="queued").json_body["items"]
    timeline = service.ask("GET", f"/v1/customers/{item['customer_id']}/timeline", "supervisor-1").json_body
    content = timeline["events"][0]["content"]
    assert (content["written"], [one["name"] for one in content["attachments"]]) == ("", ["broken.jpg"])
    refused = service.hook(said | text | {"attachments": []})
    assert (refused.status_code, refused.json_body["field"]) == (400, "text")


def test_body_is_proved_before_it_is_read(service: Service) -> None:
    answer = service.hook(b"[" * 100_000, secret="t" * 64)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "text",
    [
        '"\\ud800"', '"a\\udfffb"', '"\\ud83d\\ude00"', '"a\\u0000b"', '"\\u202eevil"', '"\\uffff"', '"\\u001b[31m"',
        '"=cmd()"', '"\\ud800\\ud800\\udc00"', json.dumps("ż" * 100_000), json.dumps("e\u0301" * 500),
    ],
)  # fmt: skip
def test_any_text_a_visitor_can_send_reaches_people(service: Service, text: str) -> None:
    raw = (
        f'{{"id":"d1","conversation":"c1","visitor":{{"id":"v1","name":{text[:300].rstrip(chr(34))}"}},"text":{text}}}'
    )
    if len(text) > 300:
        raw = f'{{"id":"d1","conversation":"c1","visitor":{{"id":"v1"}},"text":{text}}}'
    answer = service.hook(raw.encode())
    assert answer.status_code == 202
    assert _received(service) == ["queued"]
    [item] = service.ask("GET", "/v1/items", "supervisor-1", state="queued").json_body["items"]
    timeline = service.ask("GET", f"/v1/customers/{item['customer_id']}/timeline", "supervisor-1")
    assert timeline.status_code == 200
    assert timeline.json_body["events"][0]["content"]["written"]
    assert service.ask("GET", f"/v1/customers/{item['customer_id']}", "supervisor-1").status_code == 200


@pytest.mark.parametrize("field", ["id", "conversation", "visitor"])
@pytest.mark.parametrize(
    "value", ["a#b", "../../x", "a/b", "a\0b", "\ud800", "ключ", "x" * 200, "a\r\nb: c", ".", "%2F"]
)
def test_any_id_a_provider_uses_stays_in_its_place(service: Service, field: str, value: str) -> None:
    body = chat("d1")
    body = body | {"visitor": {"id": value}} if field == "visitor" else body | {field: value}
    assert service.hook(body).status_code == 202
    [key] = service.stored()["objects"]
    assert re.fullmatch(r"chat/shop-widget/[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}", key)
    assert _received(service) == ["queued"]


def test_ids_of_one_installation_are_no_other_installations(service: Service) -> None:
    service.hook(chat("d1"), installation="shop-widget")
    service.hook(chat("d1"), installation="other-widget")
    assert _received(service) == ["queued", "queued"]
    items = service.ask("GET", "/v1/items", "supervisor-1", state="queued").json_body["items"]
    assert len({item["customer_id"] for item in items}) == 2


def test_last_of_doubled_keys_counts_everywhere_the_same(service: Service) -> None:
    raw = b'{"id":"d0","id":"d1","conversation":"c","visitor":{"id":"v"},"text":"no","text":"yes"}'
    assert service.hook(raw).json_body == {"delivery": "d1"}
    assert _received(service) == ["queued"]
    [item] = service.ask("GET", "/v1/items", "supervisor-1", state="queued").json_body["items"]
    timeline = service.ask("GET", f"/v1/customers/{item['customer_id']}/timeline", "supervisor-1").json_body
    assert timeline["events"][0]["content"]["written"] == "yes"


def test_body_that_api_gateway_encoded_is_the_same_body(service: Service) -> None:
    raw = json.dumps(chat("d1", text="Zażółć"), ensure_ascii=False).encode()
    parts = {"provider": "generic", "installation": "shop-widget"}
    body = base64.b64encode(raw).decode()
    answer = service.invoke("POST", RESOURCE, parts, headers=signed(raw), body=body, base64_encoded=True)
    assert answer.status_code == 202
    assert service.world.raw.read("chat/shop-widget/d1") == raw
    assert service.invoke("POST", RESOURCE, parts, headers=signed(raw), body=raw.decode()).status_code == 202


@pytest.mark.parametrize(("body", "encoded"), [("\ud800", False), ("a", True), ("é", True)])
def test_body_that_is_no_bytes_is_malformed(service: Service, body: str, encoded: bool) -> None:
    parts = {"provider": "generic", "installation": "shop-widget"}
    answer = service.invoke("POST", RESOURCE, parts, headers=signed(b""), body=body, base64_encoded=encoded)
    assert (answer.status_code, answer.json_body["field"]) == (400, "body")


@pytest.mark.parametrize(("name", "title"), [("api.md", "## The chat webhook"), ("chat.md", "## Test vector")])
def test_documented_vector_is_what_the_code_computes(name: str, title: str) -> None:
    """The page's example lets a provider's programmer check his own code: it must be right."""
    page = (DOCS / name).read_text("utf-8").partition(title)[2].partition("\n## ")[0]
    said = dict(re.findall(r"^(secret|timestamp|body|signature) += (.+)$", page, re.MULTILINE))
    raw = said["body"].encode()
    digest = hmac.new(said["secret"].encode(), f"{said['timestamp']}.".encode() + raw, hashlib.sha256).hexdigest()
    assert said["signature"] == f"sha256={digest}"
    then = datetime.fromtimestamp(int(said["timestamp"]), UTC)
    check_generic([said["secret"]], said["timestamp"], said["signature"], raw, then)
    assert generic.parse(raw).delivery == "42"
    with pytest.raises(NotAuthentic):
        check_generic([said["secret"]], said["timestamp"], said["signature"], raw + b"\n", then)


# Providers with webhooks of their own


def test_a_provider_is_answered_200_in_his_own_way(service: Service) -> None:
    def sent(raw: bytes, secret: str = SECRET) -> HTTPResponse:
        received = chats.signed("slack", raw, datetime.now(UTC), secret)
        headers = {**received.headers, "Content-Type": "application/json; charset=utf-8"}
        return service.ask("POST", "/v1/hooks/slack/slack", None, raw, headers)

    shaken = sent(chats.recorded("slack-handshake"))
    challenge = json.loads(chats.recorded("slack-handshake"))["challenge"]
    assert (shaken.status_code, shaken.json_body) == (200, {"taken": 0, "challenge": challenge})
    before = service.stored()
    ignored = sent(chats.recorded("slack-own-bot"))
    assert (ignored.status_code, ignored.json_body) == (200, {"taken": 0, "challenge": None})
    assert service.stored() == before
    taken = sent(chats.recorded("slack-message"))
    assert (taken.status_code, taken.json_body) == (200, {"taken": 1, "challenge": None})
    assert _received(service) == ["queued"]
    assert sent(chats.recorded("slack-message"), "t" * 64).status_code == 401


def test_meta_tries_the_address_by_get_and_hears_its_challenge_as_it_stands(service: Service) -> None:
    name = f"{STACK}/hooks/whatsapp"
    service.cloud.secrets.put_secret_value(SecretId=name, SecretString='{"signing": "n", "verify": "the-word"}')
    try:
        world.cache_clear()
        query = {"hub.mode": "subscribe", "hub.verify_token": "the-word", "hub.challenge": "1158201444"}
        answer = service.ask("GET", "/v1/hooks/whatsapp/whatsapp", None, **query)
        assert (answer.status_code, answer.body) == (200, b"1158201444")
        assert answer.headers["Content-Type"] == "text/plain"
        for wrong, status in (
            ({"hub.verify_token": "another"}, 401), ({"hub.verify_token": ""}, 401), ({"hub.mode": "unsubscribe"}, 401),
            ({"hub.challenge": "<script>"}, 400), ({"hub.challenge": "1" * 201}, 400),
        ):  # fmt: skip
            refused = service.ask("GET", "/v1/hooks/whatsapp/whatsapp", None, **{**query, **wrong})
            assert refused.status_code == status, wrong
            assert b"1158201444" not in refused.body
        assert service.ask("GET", "/v1/hooks/slack/slack", None, **query).status_code == 404
    finally:
        for _ in range(2):
            service.cloud.secrets.put_secret_value(SecretId=name, SecretString=SECRET)


def test_who_asks_whether_an_address_is_there_hears_it_and_no_more(service: Service) -> None:
    before = service.stored()
    there = service.ask("HEAD", "/v1/hooks/slack/slack", None)
    assert (there.status_code, there.body) == (200, b"")
    assert service.ask("HEAD", "/v1/hooks/intercom/slack", None).status_code == 404
    assert service.ask("HEAD", "/v1/hooks/slack/nowhere", None).status_code == 404
    assert service.stored() == before


def test_a_secret_in_an_address_stands_in_no_log(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "the-word", "hub.challenge": "1", "key": SECRET}
    assert service.ask("GET", "/v1/hooks/whatsapp/whatsapp", None, **query).status_code == 401
    assert service.ask("POST", "/v1/hooks/slack/slack", None, b"{}", key=SECRET).status_code == 401
    assert "the-word" not in caplog.text
    assert SECRET not in caplog.text
    assert "/v1/hooks/{provider}/{installation}" in caplog.text


def test_where_a_provider_takes_no_replies_the_agent_learns_it_before_anything_is_queued(service: Service) -> None:
    raw = chats.recorded("tawk-message")
    received = chats.signed("tawk", raw, datetime.now(UTC))
    headers = {**received.headers, "Content-Type": "application/json"}
    assert service.ask("POST", "/v1/hooks/tawk/tawk", None, raw, headers).status_code == 200
    assert _received(service) == ["queued"]
    [item] = service.ask("GET", "/v1/items", "supervisor-1", state="queued").json_body["items"]
    claimed = service.ask("POST", f"/v1/items/{item['id']}/claim", "anna").json_body
    before = service.stored()
    answer = service.write(claimed, "reply", "anna", {"text": "It comes tomorrow."})
    assert (answer.status_code, answer.json_body["field"]) == (400, "to")
    assert "tawk takes no replies" in answer.json_body["detail"]
    assert service.stored() == before


def test_every_provider_is_documented() -> None:
    rows = re.findall(r"^\| `([a-z]+)` \|", (DOCS / "chat.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(ADAPTERS)
