"""Our own widget: who may open a conversation, write into it and read it, and from which pages."""

import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from chalice.test import HTTPResponse

from chalicelib.flows.receive import delivery as receive
from chalicelib.flows.send import send_message
from chalicelib.flows.widget import MESSAGES_A_MINUTE
from chalicelib.intake.chat import widget
from chalicelib.intake.chat.widget import Use, Visit
from tests.cloud import SECRET
from tests.conftest import ROOT
from tests.unit.api.service import CANARY, Service

SHOP, WWW, OTHER = "https://shop.example.com", "https://www.shop.example.com", "https://elsewhere.example.com"
WIDGET = ROOT / "chalicelib" / "api" / "widget.js"


def opened(
    service: Service, body: Any = None, origin: str | None = SHOP, installation: str = "shop-page"
) -> HTTPResponse:
    headers = {"Content-Type": "application/json"} | ({"Origin": origin} if origin is not None else {})
    return service.ask("POST", f"/v1/widget/{installation}/session", None, body or {}, headers)


def session(service: Service, body: Any = None, **more: Any) -> dict[str, Any]:
    answer = opened(service, body, **more)
    assert answer.status_code == 200, answer.body
    said: dict[str, Any] = answer.json_body
    return said


def write(
    service: Service, token: str, message_id: str = "m-0000001", text: str = "Where is my parcel?", *,
    origin: str | None = SHOP, installation: str = "shop-page",
) -> HTTPResponse:  # fmt: skip
    headers = {"Authorization": f"Bearer {token}"} | ({"Origin": origin} if origin is not None else {})
    body = {"id": message_id, "text": text}
    return service.ask("POST", f"/v1/widget/{installation}/messages", None, body, headers)


def replies(
    service: Service, token: str, after: Any = 0, *, origin: str | None = SHOP, installation: str = "shop-page"
) -> HTTPResponse:
    headers = {"Authorization": f"Bearer {token}"} | ({"Origin": origin} if origin is not None else {})
    return service.ask("GET", f"/v1/widget/{installation}/replies", None, headers=headers, after=after)


def lines(service: Service, token: str, after: int = 0) -> list[tuple[int, str, str]]:
    said = replies(service, token, after).json_body["replies"]
    return [(one["seq"], one["by"], one["text"]) for one in said]


def known(visitor_id: str = "customer-1", secret: str = SECRET, **more: str) -> dict[str, Any]:
    """What a shop's server says of its visitor, the proof as the documentation has it."""
    signed = "\n".join([visitor_id, *([more["email"]] if "email" in more else [])])
    proof = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
    return {"visitor": {"id": visitor_id, **more, "hash": proof}}


def received(service: Service) -> list[str]:
    """Intake takes all that waits."""
    notices = service.cloud.bodies(service.world.settings.inbound_queue_url)
    return [receive(json.dumps(notice), "sqs-1", 1, service.world) for notice in notices]


def customers(service: Service) -> list[str]:
    items = service.ask("GET", "/v1/items", "supervisor-1", state="queued", limit=100).json_body["items"]
    return [item["customer_id"] for item in items]


def answered(service: Service, text: str = "It comes tomorrow.") -> dict[str, Any]:
    """Anna claims what waits, leaves a note and answers; the sender sends."""
    held = service.ask("POST", "/v1/claim").json_body
    noted = service.write(held, "note", body={"text": CANARY}).json_body
    answer = service.write(noted, "reply", body={"text": text})
    assert answer.status_code == 200, answer.body
    said: dict[str, Any] = answer.json_body
    assert send_message(json.dumps({"outbox_id": said["reply"]["id"]}), service.world) == "sent"
    return said


def forged(claims: dict[str, Any], secret: str = SECRET, algorithm: str = "HS256") -> str:
    whole = {
        "aud": "shop-page/token", "exp": time.time() + 60, "org": SHOP, "sub": "anonymous-1", "cnv": "c1", "name": "",
        "email": "",
    }  # fmt: skip
    return jwt.encode(whole | claims, widget._key(secret) if algorithm != "none" else None, algorithm)


# A conversation


def test_visitor_writes_and_is_answered(service: Service) -> None:
    token = session(service)["token"]
    answer = write(service, token, text="Gdzie jest moja paczka?")
    assert (answer.status_code, answer.json_body) == (202, {"id": "m-0000001"})
    assert lines(service, token) == []
    assert received(service) == ["queued"]
    assert lines(service, token) == [(1, "visitor", "Gdzie jest moja paczka?")]
    answered(service, "Jutro.")
    assert lines(service, token) == [(1, "visitor", "Gdzie jest moja paczka?"), (2, "agent", "Jutro.")]
    assert lines(service, token, after=1) == [(2, "agent", "Jutro.")]
    assert lines(service, token, after=2) == []


def test_message_sent_again_is_one_entry(service: Service) -> None:
    token = session(service)["token"]
    assert [write(service, token).status_code for _ in range(3)] == [202, 202, 202]
    assert sorted(received(service)) == ["handled before", "handled before", "queued"]
    assert len(lines(service, token)) == 1
    assert service.stored()["objects"] == [f"chat/shop-page/{session_of(token)}.m-0000001"]


def session_of(token: str) -> str:
    claims: dict[str, str] = jwt.decode(token, options={"verify_signature": False})
    return claims["cnv"]


def test_same_id_in_two_conversations_is_two_messages(service: Service) -> None:
    tokens = [session(service)["token"] for _ in range(2)]
    for token in tokens:
        write(service, token)
    assert received(service) == ["queued", "queued"]
    assert len(set(customers(service))) == 2
    assert [len(lines(service, token)) for token in tokens] == [1, 1]


def test_reply_sent_again_is_shown_once(service: Service) -> None:
    token = session(service)["token"]
    write(service, token)
    received(service)
    said = answered(service)
    assert send_message(json.dumps({"outbox_id": said["reply"]["id"]}), service.world) == "sent already"
    assert [by for _, by, _ in lines(service, token)] == ["visitor", "agent"]


def test_reply_nobody_could_read_is_refused_and_people_see_it(service: Service) -> None:
    write(service, session(service)["token"])
    received(service)
    held = service.ask("POST", "/v1/claim").json_body
    said = service.write(held, "reply", body={"text": "x" * 100_000}).json_body
    assert send_message(json.dumps({"outbox_id": said["reply"]["id"]}), service.world) == "failed"
    shown = service.ask("GET", f"/v1/items/{held['id']}/replies/{said['reply']['id']}").json_body
    assert (shown["status"], "100000 bytes" in shown["detail"]) == ("failed", True)


def test_visitor_sees_no_note_and_nothing_of_others(service: Service) -> None:
    mine, others = (session(service)["token"] for _ in range(2))
    write(service, mine)
    received(service)
    answered(service)
    assert CANARY.encode() not in replies(service, mine).body
    assert lines(service, others) == []


def test_who_comes_back_is_in_the_same_conversation(service: Service) -> None:
    first = session(service)
    second = session(service, {"key": first["key"]})
    assert second["conversation"] == first["conversation"]
    write(service, first["token"])
    write(service, second["token"], "m-0000002")
    assert received(service) == ["queued", "queued"]
    assert len(customers(service)) == 1
    assert session(service)["conversation"] != first["conversation"]


def test_key_and_token_are_kept_apart(service: Service) -> None:
    first = session(service)
    assert write(service, first["key"]).status_code == 401
    assert opened(service, {"key": first["token"]}).status_code == 401


# Customers the shop knows


def test_known_customer_has_one_timeline_on_every_device(service: Service) -> None:
    phone, desk = (session(service, known(name="Customer one", email="customer@example.com")) for _ in range(2))
    assert phone["conversation"] == desk["conversation"]
    assert phone["key"] is None
    write(service, phone["token"])
    write(service, desk["token"], "m-0000002")
    assert received(service) == ["queued", "queued"]
    [customer] = customers(service)
    timeline = service.ask("GET", f"/v1/customers/{customer}/timeline", "supervisor-1").json_body
    [first, _] = [event["content"] for event in timeline["events"]]
    assert (first["name"], first["from"]) == ("Customer one", "customer@example.com")
    assert len(lines(service, desk["token"])) == 2


@pytest.mark.parametrize(
    "changed",
    [{"hash": "0" * 64}, {"id": "customer-2"}, {"email": "other@example.com"}, {"email": None}, {"id": "customer-", }],
)  # fmt: skip
def test_wrong_proof_is_refused_and_makes_nobody_anonymous(service: Service, changed: dict[str, Any]) -> None:
    said = known(email="customer@example.com")
    said["visitor"] |= changed
    assert opened(service, said).status_code == 401
    assert opened(service, known(secret="another")).status_code == 401


def test_letters_cannot_move_from_an_address_into_an_id(service: Service) -> None:
    """Who may choose his address at the shop must not thereby become the customer with a longer id."""
    proof = known("1", email="2x@example.com")["visitor"]["hash"]
    assert opened(service, {"visitor": {"id": "12", "email": "x@example.com", "hash": proof}}).status_code == 401
    assert opened(service, {"visitor": {"id": "1\n2x@example.com", "hash": proof}}).status_code == 400


def test_a_shop_that_signs_any_id_signs_no_token(service: Service) -> None:
    """A customer may be called whatever he likes, for instance like the first two parts of a token."""
    header, payload, _ = forged({}).split(".")
    mac = hmac.new(SECRET.encode(), f"{header}.{payload}".encode(), hashlib.sha256).digest()
    signature = jwt.utils.base64url_encode(mac).decode()
    assert write(service, f"{header}.{payload}.{signature}").status_code == 401


def test_known_and_anonymous_never_meet(service: Service) -> None:
    anonymous = session(service)
    visitor = jwt.decode(anonymous["token"], options={"verify_signature": False})["sub"]
    claimed = session(service, known(visitor.removeprefix("anonymous-")))
    assert claimed["conversation"] != anonymous["conversation"]
    for token in (anonymous["token"], claimed["token"]):
        write(service, token)
    received(service)
    assert len(set(customers(service))) == 2


# Pages


@pytest.mark.parametrize("origin", [OTHER, "null", "", SHOP + "/", "http://shop.example.com", SHOP + ":443", None])
def test_page_of_another_origin_opens_nothing(service: Service, origin: str | None) -> None:
    token = session(service)["token"]
    before = service.stored()
    for answer in (opened(service, origin=origin), write(service, token, origin=origin)):
        assert answer.status_code == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert service.stored() == before
    if origin is not None:
        assert replies(service, token, origin=origin).status_code == 403


def test_page_of_the_apis_own_origin_reads_without_naming_it(service: Service) -> None:
    assert replies(service, session(service)["token"], origin=None).status_code == 200


@pytest.mark.parametrize("origin", [SHOP, WWW])
def test_pages_of_the_installation_may_read_the_answers(service: Service, origin: str) -> None:
    for path in ("session", "messages", "replies"):
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answer = service.invoke(
            "OPTIONS", f"/v1/widget/{{installation}}/{path}", {"installation": "shop-page"}, headers=asked
        )
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, origin)
        assert answer.headers["Vary"] == "Origin"
    refused = write(service, "no token", origin=origin)
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, origin)
    assert "ETag" in refused.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("origin", [OTHER, "https://desk.example.com", WWW])
def test_pages_of_others_get_no_preflight(service: Service, origin: str) -> None:
    for installation in ("other-page", "shop-widget", "none"):
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answer = service.invoke(
            "OPTIONS", "/v1/widget/{installation}/session", {"installation": installation}, headers=headers
        )
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("installation", ["none", "shop-widget", "other-widget"])
def test_what_is_no_widget_of_ours_has_no_session(service: Service, installation: str) -> None:
    token = session(service)["token"]
    answers = [opened(service, installation=installation), write(service, token, installation=installation),
               replies(service, token, installation=installation, origin=None)]  # fmt: skip
    assert [answer.status_code for answer in answers] == [404, 404, 404]


def test_our_own_widget_takes_no_webhook(service: Service) -> None:
    body = {"id": "d1", "conversation": "c", "visitor": {"id": "known-customer-1"}, "text": "Hello"}
    assert service.hook(body, installation="shop-page", provider="widget").status_code == 404
    assert service.stored()["objects"] == []


# Tokens


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "other-page/token"}, {"aud": "shop-page/key"}, {"aud": "shop-page"}, {"org": WWW}, {"org": OTHER},
        {"exp": 1}, {"exp": time.time() - 1},
    ],
)  # fmt: skip
def test_token_of_another_installation_use_origin_or_time_opens_nothing(
    service: Service, claims: dict[str, Any]
) -> None:
    assert write(service, forged({})).status_code == 202
    assert received(service) == ["queued"]
    before = service.stored()
    assert write(service, forged(claims)).status_code == 401
    assert replies(service, forged(claims)).status_code in (401, 403)
    assert service.stored() == before


@pytest.mark.parametrize("token", ["", "x", "a.b.c", forged({}, "y" * 64), forged({}, algorithm="none")])
def test_token_that_is_none_of_ours_opens_nothing(service: Service, token: str) -> None:
    assert write(service, token).status_code == 401
    assert replies(service, token).status_code == 401
    assert opened(service, {"key": token or "x"}).status_code == 401
    assert service.stored()["rows"] == []


def test_conversation_is_the_tokens_whatever_is_asked(service: Service) -> None:
    """There is no place in a request where another conversation could be named."""
    mine, others = session(service), session(service)
    write(service, others["token"], text=CANARY)
    received(service)
    headers = {"Authorization": f"Bearer {mine['token']}", "Origin": SHOP}
    path = "/v1/widget/shop-page/"
    for more in ({"conversation": others["conversation"]}, {"visitor": {"id": "x"}}):
        body = {"id": "m-0000009", "text": "x", **more}
        assert service.ask("POST", path + "messages", None, body, headers).status_code == 400
    asked = service.ask("GET", path + "replies", None, headers=headers, conversation=others["conversation"])
    assert asked.status_code == 400
    assert CANARY.encode() not in replies(service, mine["token"]).body


@pytest.mark.parametrize("after", [" 1", "1.0", "1_0", "+1", "-1", "x", ""])
def test_place_that_is_no_number_is_malformed(service: Service, after: str) -> None:
    answer = replies(service, session(service)["token"], after)
    assert (answer.status_code, answer.json_body["field"]) == (400, "after")


def test_session_lasts_half_an_hour_and_its_key_three_months() -> None:
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    there = Visit(installation="shop-page", origin=SHOP, visitor="v", conversation="c")
    for use, lifetime in ((Use.TOKEN, timedelta(minutes=30)), (Use.KEY, timedelta(days=90))):
        text = widget.sealed(there, use, SECRET, now)
        last = now + lifetime - timedelta(seconds=1)
        assert widget.opened(text, use, "shop-page", ["new" * 20, SECRET], last) == there
        with pytest.raises(widget.NotAuthentic, match="expired"):
            widget.opened(text, use, "shop-page", [SECRET], now + lifetime)


# Limits


@pytest.mark.parametrize(
    ("message_id", "text"),
    [("short", "x"), ("x" * 65, "x"), ("../../../x", "x"), ("m-000000.1", "x"), ("m-0000001", ""), ("m-0000001", " \n"),
     ("m-0000001", "x" * 5_001), ("m-0000001", "a\0b")],
)  # fmt: skip
def test_message_beyond_the_limits_is_malformed(service: Service, message_id: str, text: str) -> None:
    assert write(service, session(service)["token"], message_id, text).status_code == 400
    assert service.stored()["objects"] == []


def test_longest_message_arrives_whole(service: Service) -> None:
    token, text = session(service)["token"], "ż" * 5_000
    assert write(service, token, text=text).status_code == 202
    assert received(service) == ["queued"]
    assert lines(service, token) == [(1, "visitor", text)]


def test_conversation_has_so_many_messages_a_minute(service: Service) -> None:
    one, another = (session(service)["token"] for _ in range(2))
    statuses = [write(service, one, f"m-{n:07}") for n in range(2 * MESSAGES_A_MINUTE + 1)]
    assert {answer.status_code for answer in statuses} == {202, 429}
    refused = next(answer for answer in statuses if answer.status_code == 429)
    assert (refused.json_body["type"], refused.headers["Retry-After"]) == ("urn:sortownia:problem:too-many", "60")
    assert sum(answer.status_code == 202 for answer in statuses) in (MESSAGES_A_MINUTE, 2 * MESSAGES_A_MINUTE)
    assert write(service, another).status_code == 202


def test_looking_costs_one_read(service: Service) -> None:
    token = session(service)["token"]
    replies(service, token)
    called: list[str] = []

    def note(model: Any, **_: Any) -> None:
        called.append(model.name)

    clients = (service.world.table._client, service.world.raw._client, service.world.queues._client)
    for client in clients:
        client.meta.events.register("before-call", note)
    try:
        replies(service, token)
        assert called == ["Query"]
        write(service, token)
        assert called == ["Query", "UpdateItem", "PutObject", "SendMessageBatch"]
    finally:
        for client in clients:
            client.meta.events.unregister("before-call", note)


# The script


def test_widget_is_a_script_browsers_keep_for_a_day(service: Service) -> None:
    answer = service.ask("GET", "/v1/widget.js", None, headers={"Origin": OTHER})
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"  # for pages that pin its hash
    assert answer.body == WIDGET.read_bytes()
    again = service.ask("GET", "/v1/widget.js", None, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.body) == (304, b"")


def test_widget_is_small_and_reads_nothing_as_html() -> None:
    source = WIDGET.read_text("utf-8")
    assert len(source.encode()) <= 16_384
    for sink in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "Function(",
        "srcdoc",
        ".style",
    ):
        assert sink not in source
