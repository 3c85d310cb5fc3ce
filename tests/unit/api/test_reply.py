"""Answering customers over HTTP."""

from typing import Any

import pytest

from tests.unit.api.service import Service

KEY = {"Idempotency-Key": "k1"}


@pytest.mark.parametrize(
    ("then", "state", "holder"), [(None, "waiting", None), ("wait", "waiting", None), ("keep", "claimed", "anna"),
                                  ("resolve", "resolved", None)],
)  # fmt: skip
@pytest.mark.parametrize("channel", ["mail", "chat"])
def test_reply_is_queued_and_its_item_goes_on(
    service: Service, channel: str, then: str | None, state: str, holder: str | None
) -> None:
    item = service.claimed(channel=channel)
    body = {"text": "It comes tomorrow.", **({"then": then} if then else {})}
    answer = service.write(item, "reply", body=body)
    reply, shown = answer.json_body["reply"], answer.json_body["item"]
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"3"')
    assert (reply["status"], reply["sent_at"], reply["detail"]) == ("queued", None, "")
    assert (shown["state"], shown["holder"], shown["version"]) == (state, holder, 3)
    assert (shown["claim_token"] is not None) == (holder is not None)
    path = f"/v1/items/{item['id']}/replies/{reply['id']}"
    assert service.ask("GET", path).json_body == reply
    assert "It comes tomorrow." in service.world.raw.read(f"out/{reply['id']}").decode()


def test_reply_sent_twice_under_a_key_is_one_reply(service: Service) -> None:
    item = service.claimed()
    first = service.write(item, "reply", body={"text": "Tomorrow."}, headers=KEY)
    before = service.stored()
    again = service.write(item, "reply", body={"text": "Tomorrow."}, headers=KEY)
    assert (again.status_code, again.json_body) == (200, first.json_body)
    assert service.stored() == before


def test_key_of_another_reply_is_a_conflict(service: Service) -> None:
    item = service.claimed()
    service.write(item, "reply", body={"text": "Tomorrow."}, headers=KEY)
    before = service.stored()
    for body in ({"text": "Never."}, {"text": "Tomorrow.", "then": "resolve"}):
        answer = service.write(item, "reply", body=body, headers=KEY)
        assert (answer.status_code, answer.json_body["type"]) == (409, "urn:sortownia:problem:conflict")
        assert answer.json_body["present"]["state"] == "waiting"
    assert service.stored() == before


def test_key_that_promises_nothing_is_refused(service: Service) -> None:
    item = service.claimed()
    before = service.stored()
    for key in ("", "a b", "x" * 201, "é", "a#b"):
        answer = service.write(item, "reply", body={"text": "a"}, headers={"Idempotency-Key": key})
        assert (answer.status_code, answer.json_body["field"]) == (400, "Idempotency-Key")
    assert service.stored() == before


MALFORMED: list[tuple[Any, str]] = [
    (None, "text"),
    ({}, "text"),
    ({"text": ""}, "text"),
    ({"text": "\n \t"}, "text"),
    ({"text": "a\0b"}, "text"),
    ({"text": "x" * 100_001}, "text"),
    ({"text": ["a"]}, "text"),
    (b'{"text": "\\udfff"}', "body"),
    ({"text": "a", "then": "forget"}, "then"),
    ({"text": "a", "then": None}, "then"),
    ({"text": "a", "to": "other@customer.example.com"}, "to"),
    ({"text": "a", "cc": []}, "cc"),
]


def test_malformed_reply_is_refused_by_the_name_of_its_field(service: Service) -> None:
    item = service.claimed()
    before = service.stored()
    for body, field in MALFORMED:
        answer = service.write(item, "reply", body=body)
        assert (answer.status_code, answer.json_body["field"]) == (400, field), body
    assert service.stored() == before


def test_longest_reply_is_taken(service: Service) -> None:
    assert service.write(service.claimed(), "reply", body={"text": "ż" * 100_000}).status_code == 200


def test_who_does_not_hold_the_item_answers_nobody(service: Service) -> None:
    item = service.claimed("anna")
    before = service.stored()
    for who in ("boris", "supervisor-1", "admin-1", "observer-1"):
        assert service.write(item, "reply", who, {"text": "a"}).status_code == 403
    assert service.stored() == before


def test_reply_belongs_to_its_item(service: Service) -> None:
    one, other = service.replied(), service.replied()
    path = f"/v1/items/{one['item']['id']}/replies/"
    assert service.ask("GET", path + one["reply"]["id"]).status_code == 200
    for reply_id in (other["reply"]["id"], "none", one["item"]["id"]):
        assert service.ask("GET", path + reply_id).status_code == 404


def test_reply_of_a_queue_one_does_not_serve_is_not_shown(service: Service) -> None:
    said = service.replied("anna")
    path = f"/v1/items/{said['item']['id']}/replies/{said['reply']['id']}"
    assert service.ask("GET", path, "celine").status_code == 403
