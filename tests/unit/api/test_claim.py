"""Claiming over HTTP."""

import pytest

from chalicelib.aws.queues import Bell, Queued
from tests.unit.api.service import CANARY, Service


def test_claim_gives_the_item_its_token_and_its_version(service: Service) -> None:
    item = service.item(topic="order", urgency="high")
    answer = service.ask("POST", "/v1/queues/orders/claim")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    shown = answer.json_body
    assert answer.headers["ETag"] == f'"{shown["version"]}"' == '"2"'
    assert (shown["id"], shown["state"], shown["queue"], shown["lane"]) == (item.id, "claimed", "orders", "urgent")
    assert (shown["holder"], shown["owner"], shown["subject"]) == ("anna", "anna", CANARY)
    assert len(shown["claim_token"]) >= 32
    assert shown["tags"]["topic"] == "order"
    (piece,) = shown["tags"]["evidence"]
    assert piece == {"text": "Zażółć", "start": 0, "end": 6, "weight": 0.5, "head": "topic", "rule": None}


def test_claim_across_takes_only_from_queues_of_ones_own(service: Service) -> None:
    service.item(topic="billing")
    mine = service.item(topic="order")
    assert service.ask("POST", "/v1/claim").json_body["id"] == mine.id
    assert service.ask("POST", "/v1/claim").status_code == 204


def test_nothing_that_waits_is_an_empty_answer(service: Service) -> None:
    for path in ("/v1/queues/people/claim", "/v1/claim"):
        answer = service.ask("POST", path)
        assert (answer.status_code, answer.body) == (204, b"")


def test_unknown_queue_is_not_found(service: Service) -> None:
    assert service.ask("POST", "/v1/queues/nowhere/claim").status_code == 404


def test_queue_of_others_is_refused(service: Service) -> None:
    item = service.item(topic="billing")
    assert service.ask("POST", "/v1/queues/billing/claim").status_code == 403
    assert service.world.table.item(item.id).holder is None


def test_language_one_does_not_speak_is_left_for_others(service: Service) -> None:
    service.item(topic="order", language="en")
    assert service.ask("POST", "/v1/queues/orders/claim", "pia").status_code == 204
    spoken = service.item(topic="order", language="pl")
    assert service.ask("POST", "/v1/queues/orders/claim", "pia").json_body["id"] == spoken.id


def test_observer_and_supervisor_claim_nothing(service: Service) -> None:
    service.item()
    for who in ("observer-1", "supervisor-1", "admin-1"):
        assert service.ask("POST", "/v1/queues/people/claim", who).status_code == 403
        assert service.ask("POST", "/v1/claim", who).status_code == 403


def test_full_hands_are_told_so(service: Service) -> None:
    service.claimed("solo", topic="order")
    service.item(topic="order")
    answer = service.ask("POST", "/v1/queues/orders/claim", "solo")
    assert answer.status_code == 409
    assert answer.json_body["type"] == "urn:sortownia:problem:at-capacity"


def test_away_agent_gets_nothing(service: Service) -> None:
    service.item()
    service.ask("PUT", "/v1/agents/anna/presence", body={"presence": "away"})
    assert service.ask("POST", "/v1/queues/people/claim").status_code == 409
    service.ask("PUT", "/v1/agents/anna/presence", body={"presence": "present"})
    assert service.ask("POST", "/v1/queues/people/claim").status_code == 200


def test_bell_leads_to_its_item_and_is_gone_after(service: Service) -> None:
    item = service.item()
    url = service.world.settings.work_queue_url("people", "normal")
    stale = Bell("no-such-item", "no-such-customer", 1)
    bells = [Bell(item.id, item.customer_id, item.ring), stale]
    service.world.queues.send(Queued(url, bell.body()) for bell in bells)
    assert service.ask("POST", "/v1/queues/people/claim").json_body["id"] == item.id
    for _ in range(4):  # at the latest the turn after one that looks into the index hears every bell
        service.ask("POST", "/v1/queues/people/claim")
    assert service.depth(url) == "0"


def test_same_idempotency_key_gives_the_same_item(service: Service) -> None:
    for _ in range(2):
        service.item()
    first, again = (service.ask("POST", "/v1/claim", headers={"Idempotency-Key": "k-1"}) for _ in range(2))
    other = service.ask("POST", "/v1/claim", headers={"Idempotency-Key": "k-2"})
    assert again.json_body == first.json_body
    assert other.json_body["id"] != first.json_body["id"]


def test_key_whose_claim_is_over_says_so(service: Service) -> None:
    service.item()
    first = service.ask("POST", "/v1/claim", headers={"Idempotency-Key": "k-1"}).json_body
    service.ask("POST", f"/v1/items/{first['id']}/release", headers={"If-Match": str(first["version"])})
    answer = service.ask("POST", "/v1/claim", headers={"Idempotency-Key": "k-1"})
    assert (answer.status_code, answer.json_body["type"]) == (409, "urn:sortownia:problem:wrong-state")
    assert service.world.table.item(first["id"]).holder is None


def test_key_of_another_items_claim_gives_no_other_item_than_the_one_named(service: Service) -> None:
    """Who reads 200 writes to the customer of the item he asked for."""
    first, second = service.item(), service.item()
    headers = {"Idempotency-Key": "k-1"}
    assert service.ask("POST", f"/v1/items/{first.id}/claim", headers=headers).status_code == 200
    answer = service.ask("POST", f"/v1/items/{second.id}/claim", headers=headers)
    assert (answer.status_code, answer.json_body["type"]) == (409, "urn:sortownia:problem:conflict")
    assert service.world.table.item(second.id).holder is None
    again = service.ask("POST", f"/v1/items/{first.id}/claim", headers=headers)
    assert (again.status_code, again.json_body["id"]) == (200, first.id)


def test_key_of_another_agent_is_another_key(service: Service) -> None:
    service.item()
    service.item()
    first = service.ask("POST", "/v1/claim", "anna", headers={"Idempotency-Key": "k-1"}).json_body
    second = service.ask("POST", "/v1/claim", "boris", headers={"Idempotency-Key": "k-1"}).json_body
    assert first["id"] != second["id"]
    assert (first["holder"], second["holder"]) == ("anna", "boris")


def test_key_that_looks_like_another_agents_row_opens_nothing(service: Service) -> None:
    """`anna#1` with key `k` and `anna` with key `1#k` must not meet."""
    service.item()
    theirs = service.ask("POST", "/v1/claim", "anna#1", headers={"Idempotency-Key": "k"}).json_body
    answer = service.ask("POST", "/v1/claim", "anna", headers={"Idempotency-Key": "1#k"})
    assert theirs["holder"] == "anna#1"
    assert answer.status_code == 400
    assert CANARY not in answer.body.decode()


@pytest.mark.parametrize(
    "key", ["", " ", "x" * 201, "a b", "a\r\nSet-Cookie: b=1", "a\tb", "a\0b", "ключ", "\ud800", "a#b", "\x7f"]
)
def test_key_that_no_client_should_send_is_refused(service: Service, key: str) -> None:
    item = service.item()
    headers = service.authorized(Idempotency_Key=key)
    for resource in ("/v1/claim", "/v1/queues/{queue}/claim"):
        answer = service.invoke("POST", resource, {"queue": "people"}, headers=headers)
        assert (answer.status_code, answer.json_body["field"]) == (400, "Idempotency-Key")
    assert service.world.table.item(item.id).holder is None


@pytest.mark.parametrize("key", ["x" * 200, '"8e03978e-40d5-43e8-bc93-6894a57f9324"', "a:b/c+d=~{}"])
def test_key_of_any_visible_characters_is_taken(service: Service, key: str) -> None:
    service.item()
    for _ in range(2):
        assert service.ask("POST", "/v1/claim", headers={"Idempotency-Key": key}).status_code == 200
