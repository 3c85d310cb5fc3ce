"""The generic chat webhook: what it proves and what it says."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.errors import NotAuthentic, Unreadable
from chalicelib.intake.chat import generic
from chalicelib.intake.message import Address, Attachment
from tests.chats import check_generic

NOW = datetime(2026, 11, 2, 10, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
RAW = b'{"id": "d1"}'
BODY: dict[str, Any] = {"id": "d1", "conversation": "c1", "visitor": {"id": "v1"}, "text": "Dzień dobry"}


def signature(secret: str, stamp: str = STAMP, raw: bytes = RAW) -> str:
    return "sha256=" + hmac.new(secret.encode(), stamp.encode() + b"." + raw, hashlib.sha256).hexdigest()


def test_any_of_several_secrets_will_do() -> None:
    check_generic(["new", "old"], STAMP, signature("old"), RAW, NOW)
    check_generic(["new", "old"], STAMP, signature("new").upper().replace("SHA256", "sha256"), RAW, NOW)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_within_the_window(seconds: int) -> None:
    check_generic(["s"], STAMP, signature("s"), RAW, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("secrets", "stamp", "given", "raw", "seconds"),
    [
        (["other"], STAMP, signature("s"), RAW, 0),
        ([], STAMP, signature("s"), RAW, 0),
        ([""], STAMP, signature(""), RAW, 0),
        (["s"], STAMP, signature("s"), RAW + b" ", 0),
        (["s"], STAMP, signature("s"), RAW, 301),
        (["s"], STAMP, signature("s"), RAW, -301),
        (["s"], "", signature("s", ""), RAW, 0),
        (["s"], "-1", signature("s", "-1"), RAW, 0),
        (["s"], "9" * 400, signature("s", "9" * 400), RAW, 0),
        (["s"], "٣", "sha256=" + "0" * 64, RAW, 0),
        (["s"], str(int(STAMP) + 1), signature("s"), RAW, 0),
        (["s"], STAMP, "", RAW, 0),
        (["s"], STAMP, signature("s").removeprefix("sha256="), RAW, 0),
        (["s"], STAMP, signature("s")[:-1], RAW, 0),
        (["s"], STAMP, "sha256=" + "ż" * 64, RAW, 0),
    ],
)
def test_what_is_not_proved_is_refused(secrets: list[str], stamp: str, given: str, raw: bytes, seconds: int) -> None:
    with pytest.raises(NotAuthentic):
        check_generic(secrets, stamp, given, raw, NOW + timedelta(seconds=seconds))


def test_a_message_is_read_whole() -> None:
    message = generic.parse(
        json.dumps(
            BODY
            | {
                "visitor": {"id": "v1", "name": " Anna ", "email": "Anna@Example.ORG"},
                "sent_at": "2026-11-02T11:00:00+01:00",
                "attachments": [{"name": "a.png", "type": "image/png", "size": 3}],
                "unknown": True,
            }
        ).encode()
    )
    assert message.channel == "chat"
    assert (message.delivery, message.conversation, message.visitor) == ("d1", "c1", "v1")
    assert message.sender == Address("Anna", "Anna@example.org")
    assert message.sent_at == NOW
    assert message.text == message.written == "Dzień dobry"
    assert message.attachments == (Attachment("a.png", "image/png", 3),)
    assert message.warnings == ()


def test_the_least_a_widget_must_send() -> None:
    message = generic.parse(json.dumps(BODY).encode())
    assert (message.sender, message.sent_at, message.attachments) == (None, None, ())


@pytest.mark.parametrize("text", [{}, {"text": None}, {"text": ""}, {"text": " \n"}, {"text": "\0"}])
def test_who_sends_a_file_need_not_say_anything(text: dict[str, Any]) -> None:
    said = {name: value for name, value in BODY.items() if name != "text"}
    files = {"attachments": [{"name": "a.png", "type": "image/png", "size": 3}]}
    message = generic.parse(json.dumps(said | text | files).encode())
    assert (message.text, message.attachments) == ("", (Attachment("a.png", "image/png", 3),))
    for nothing in ({}, {"attachments": None}, {"attachments": []}):
        with pytest.raises(Unreadable, match=r"^text must not be empty"):
            generic.parse(json.dumps(said | text | nothing).encode())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": None}, "id"),
        ({"id": 7}, "id"),
        ({"id": " "}, "id"),
        ({"id": "x" * 201}, "id"),
        ({"conversation": None}, "conversation"),
        ({"conversation": "x" * 201}, "conversation"),
        ({"visitor": None}, "visitor"),
        ({"visitor": []}, "visitor"),
        ({"visitor": {"name": "x"}}, "visitor.id"),
        ({"visitor": {"id": "v", "name": 7}}, "visitor.name"),
        ({"visitor": {"id": "v", "email": {}}}, "visitor.email"),
        ({"text": None}, "text"),
        ({"text": ""}, "text"),
        ({"text": "x" * 100_001}, "text"),
        ({"sent_at": 7}, "sent_at"),
        ({"attachments": {}}, "attachments"),
        ({"attachments": [7]}, "attachments.0"),
        ({"attachments": [{"name": 7}]}, "attachments.0.name"),
        ({"attachments": [{"size": True}]}, "attachments.0.size"),
        ({"attachments": [{"size": -1}]}, "attachments.0.size"),
        ({"attachments": [{}] * 101}, "attachments"),
    ],
)
def test_a_malformed_field_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Unreadable, match=rf"^{field} must"):
        generic.parse(json.dumps(BODY | change).encode())


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"\xff", b"[" * 100_000, b"1" * 5_000, b'{"a": ' + b"1" * 5_000 + b"}", b" " * 1_000_001, b"null"],
)
def test_no_json_object_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        generic.parse(raw)


@pytest.mark.parametrize("date", ["yesterday", "2026-13-01", "0001-01-01T00:00:00+23:00"])
def test_a_bad_date_costs_no_customer(date: str) -> None:
    message = generic.parse(json.dumps(BODY | {"sent_at": date}).encode())
    assert (message.sent_at, message.warnings) == (None, ("sent_at is no ISO 8601 date",))


def test_a_bad_address_costs_no_customer() -> None:
    message = generic.parse(json.dumps(BODY | {"visitor": {"id": "v", "email": "nowhere"}}).encode())
    assert (message.sender, message.warnings) == (None, ("visitor.email is no mail address",))


def test_half_characters_are_replaced() -> None:
    assert generic.parse(json.dumps(BODY | {"text": "a\ud800b\0"}).encode()).text == "a\ufffdb"
