"""The shop's server: takes replies that are proved to be ours, and shows each once."""

import html
import json
from datetime import UTC, datetime

import pytest

from chalicelib.intake.chat.widget import known_hash
from chalicelib.outgoing import chat
from sortownia.local.front import Front
from sortownia.local.shop import KEPT, Shop
from tests.unit.local.test_front import ask

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRETS = {"shop-widget": "s" * 64}


def shop(seconds_later: float = 0) -> Shop:
    return Shop(SECRETS.__getitem__, lambda: NOW.timestamp() + seconds_later)


def posted(
    to: Shop, reply_id: str = "r1", conversation: str = "c1", text: str = "Dzień dobry", secret: str = ""
) -> str:
    raw = chat.body(reply_id, conversation, text, NOW)
    headers = chat.headers(secret or SECRETS["shop-widget"], raw, NOW)
    return to.take("shop-widget", {name.lower(): value for name, value in headers.items()}, raw)


def test_a_reply_of_ours_is_shown_in_its_conversation() -> None:
    there = shop()
    assert posted(there) == ""
    assert posted(there, "r2", "c2") == ""
    (reply,) = there.said("shop-widget", "c1")
    assert (reply.id, reply.text, reply.sent_at) == ("r1", "Dzień dobry", "2026-03-02T09:00:00.000Z")
    assert [one.id for one in there.said("shop-widget")] == ["r1", "r2"]
    assert there.said("another") == []


def test_a_reply_that_comes_twice_is_shown_once_and_counted() -> None:
    there = shop()
    for _ in range(3):
        posted(there)
    assert [(one.id, one.times) for one in there.said("shop-widget")] == [("r1", 3)]


def test_nobody_else_replies() -> None:
    for there, secret in ((shop(), "other"), (shop(301), ""), (shop(-301), "")):
        with pytest.raises(PermissionError):
            posted(there, secret=secret)
        assert there.said("shop-widget") == []
    for headers in ({}, {"x-sortownia-timestamp": "x"}, {"x-sortownia-timestamp": str(int(NOW.timestamp()))}):
        with pytest.raises(PermissionError):
            shop().take("shop-widget", headers, b"{}")
    with pytest.raises(LookupError):
        shop().take("no-such-widget", {}, b"{}")


def test_the_last_thousand_are_kept() -> None:
    there = shop()
    for number in range(KEPT + 2):
        posted(there, f"r{number}")
    kept = there.said("shop-widget")
    assert (len(kept), kept[0].id) == (KEPT, "r2")


def test_the_address_takes_replies_and_shows_them() -> None:
    with Front(port=0) as front:
        assert ask(front, "GET", "/chat/shop-widget")[0].status == 503
        front.shop = shop()
        raw = chat.body("r1", "c 1", "Hi", NOW)
        headers = {name.replace("-", "_"): v for name, v in chat.headers(SECRETS["shop-widget"], raw, NOW).items()}
        assert ask(front, "POST", "/chat/shop-widget", raw, **headers)[0].status == 202
        assert ask(front, "POST", "/chat/shop-widget", raw + b" ", **headers)[0].status == 401
        assert ask(front, "POST", "/chat/nobody", raw, **headers)[0].status == 404
        nothing = b"{}"
        signed = {n.replace("-", "_"): v for n, v in chat.headers(SECRETS["shop-widget"], nothing, NOW).items()}
        assert ask(front, "POST", "/chat/shop-widget", nothing, **signed)[0].status == 400
        _, body = ask(front, "GET", "/chat/shop-widget?conversation=c%201")
        assert [reply["text"] for reply in json.loads(body)["replies"]] == ["Hi"]
        _, body = ask(front, "GET", "/chat/shop-widget?conversation=c2")
        assert json.loads(body) == {"replies": []}


def test_a_providers_call_is_shown_as_it_came_and_answered_as_he_would() -> None:
    with Front(port=0) as front:
        front.shop = shop()
        body = b'{"chat_id": "5", "text": "Hi"}'
        for _ in range(2):
            response, answer = ask(front, "POST", "/chat/shop-widget/bot1:a/sendMessage", body)
            assert (response.status, json.loads(answer)) == (200, {"ok": True})
        assert ask(front, "PUT", "/chat/nobody/api/v2/tickets/1.json", body)[0].status == 404
        _, kept = ask(front, "GET", "/chat/shop-widget")
        (reply,) = json.loads(kept)["replies"]
        assert (reply["conversation"], reply["text"], reply["times"]) == ("bot1:a/sendMessage", body.decode(), 2)


def test_the_page_has_the_widget_and_proves_who_has_signed_in() -> None:
    with Front(port=0) as front:
        front.shop = shop()
        assert ask(front, "GET", "/shop/")[0].status == 404
        front.widget = "shop-widget"
        response, body = ask(front, "GET", "/shop/?lang=pl&visitor=customer-1")
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        page = html.unescape(body.decode())
        assert '<html lang="pl">' in page
        proved = json.loads(page.partition(' data-visitor="')[2].partition('" async')[0])
        assert proved["hash"] == known_hash(SECRETS["shop-widget"], "customer-1")
        _, strange = ask(front, "GET", "/shop/?lang=%22%3E%3Cscript%3E&visitor=%22%3E%3Cscript%3E")
        assert strange.count(b"<script") == 1
        assert b"data-visitor" not in ask(front, "GET", "/shop/")[1]
