"""What agents do with an item they know by name, over HTTP."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.unit.api.service import CANARY, Service, in_days

STALE, WRONG = "urn:sortownia:problem:stale-version", "urn:sortownia:problem:wrong-state"


# Claiming by name


def test_claim_by_name_takes_this_very_item(service: Service) -> None:
    service.item()
    wanted = service.item()
    answer = service.ask("POST", f"/v1/items/{wanted.id}/claim")
    shown = answer.json_body
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    assert (shown["id"], shown["state"], shown["holder"]) == (wanted.id, "claimed", "anna")
    assert shown["claim_token"]


def test_claim_by_name_of_ones_own_gives_it_again(service: Service) -> None:
    item = service.claimed("anna")
    before = service.stored()
    answer = service.ask("POST", f"/v1/items/{item['id']}/claim")
    assert (answer.status_code, answer.json_body) == (200, item)
    assert service.stored() == before


def test_claim_by_name_of_what_another_holds_shows_who(service: Service) -> None:
    item = service.claimed("boris")
    answer = service.ask("POST", f"/v1/items/{item['id']}/claim")
    assert (answer.status_code, answer.json_body["type"]) == (409, WRONG)
    assert (answer.json_body["present"]["holder"], answer.json_body["present"]["claim_token"]) == ("boris", None)
    assert answer.headers["ETag"] == '"2"'


def test_claim_by_name_of_what_is_offered_to_another_waits_for_him(service: Service) -> None:
    item = service.offered("boris")
    assert service.ask("POST", f"/v1/items/{item.id}/claim").status_code == 409
    assert service.ask("POST", f"/v1/items/{item.id}/claim", "boris").json_body["offered_to"] is None


def test_claim_by_name_sent_twice_is_one_claim(service: Service) -> None:
    item = service.item()
    path, headers = f"/v1/items/{item.id}/claim", {"Idempotency-Key": "k1"}
    first = service.ask("POST", path, headers=headers)
    before = service.stored()
    assert service.ask("POST", path, headers=headers).json_body == first.json_body
    assert service.stored() == before


def test_claim_by_name_with_full_hands_is_told_so(service: Service) -> None:
    service.claimed("solo", topic="order")
    item = service.item(topic="order")
    answer = service.ask("POST", f"/v1/items/{item.id}/claim", "solo")
    assert (answer.status_code, answer.json_body["type"]) == (409, "urn:sortownia:problem:at-capacity")


# Declining an offer


def test_declined_offer_goes_on(service: Service) -> None:
    item = service.offered("anna")
    shown = service.ask("POST", f"/v1/items/{item.id}/decline", headers={"If-Match": "1"}).json_body
    assert (shown["offered_to"], shown["offered_until"], shown["state"]) == (None, None, "queued")
    assert service.ask("POST", f"/v1/items/{item.id}/claim", "boris").status_code == 200


def test_who_was_not_asked_declines_nothing(service: Service) -> None:
    item = service.offered("anna")
    answer = service.ask("POST", f"/v1/items/{item.id}/decline", "boris", headers={"If-Match": "1"})
    assert answer.status_code == 403
    waiting = service.item()
    assert (
        service.ask("POST", f"/v1/items/{waiting.id}/decline", "admin-1", headers={"If-Match": "1"}).status_code == 409
    )


# Snoozing


def test_snoozed_item_rests_and_is_kept_for_who_put_it_aside(service: Service) -> None:
    item = service.claimed()
    until = datetime.now(timezone(timedelta(hours=2))) + timedelta(days=3)
    shown = service.write(item, "snooze", body={"until": until.isoformat()}).json_body
    assert (shown["state"], shown["holder"], shown["pinned_to"]) == ("snoozed", None, "anna")
    assert shown["snoozed_until"] == until.astimezone(UTC).isoformat().replace("+00:00", "Z")
    assert service.ask("POST", "/v1/queues/people/claim", "boris").status_code == 204


@pytest.mark.parametrize(
    "until",
    [
        pytest.param(in_days(1).removesuffix("+00:00"), id="without a zone"),
        "2030-01-01", "tomorrow", "", 1_900_000_000, None, True, ["2030-01-01T10:00:00Z"],
        "2030-02-30T10:00:00Z", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "2020-01-01T00:00:00Z",
        "9999-12-31T00:00:00Z", pytest.param(in_days(-0.001), id="just gone"),
        pytest.param(in_days(4000), id="far away"),
    ],
)  # fmt: skip
def test_item_is_not_snoozed_until_no_time_at_all(service: Service, until: Any) -> None:
    item = service.claimed()
    before = service.stored()
    answer = service.write(item, "snooze", body={"until": until})
    assert (answer.status_code, answer.json_body["field"]) == (400, "until")
    assert service.stored() == before


# Passing on


def test_item_passed_to_an_agent_is_his_at_once(service: Service) -> None:
    item = service.claimed("anna")
    service.ask("PUT", "/v1/agents/boris/presence", "boris", {"presence": "present"})
    answer = service.write(item, "reassign", body={"to_agent": "boris", "reason": "he knows him"})
    shown = answer.json_body
    assert (shown["holder"], shown["owner"], shown["hand_offs"]) == ("boris", "anna", 1)
    assert shown["claim_token"] is None
    assert service.ask("GET", f"/v1/items/{item['id']}", "boris").json_body["claim_token"]


def test_item_is_not_passed_to_who_is_not_there(service: Service) -> None:
    answer = service.write(service.claimed("anna"), "reassign", body={"to_agent": "boris"})
    assert (answer.status_code, answer.json_body["type"]) == (409, "urn:sortownia:problem:at-capacity")


def test_item_passed_to_a_queue_waits_there(service: Service) -> None:
    item = service.claimed("anna")
    shown = service.write(item, "reassign", body={"to_queue": "billing"}).json_body
    assert (shown["state"], shown["queue"], shown["holder"], shown["decided"]) == ("queued", "billing", None, None)
    assert service.ask("POST", "/v1/queues/billing/claim", "celine").json_body["id"] == item["id"]


def test_item_passed_to_a_topic_is_corrected(service: Service) -> None:
    shown = service.write(service.claimed("anna"), "reassign", body={"to_topic": "billing"}).json_body
    assert (shown["queue"], shown["tags"]["topic"]) == ("billing", "other")
    assert (shown["decided"]["topic"], shown["decided"]["by"]) == ("billing", "anna")


def test_place_may_be_named_among_empty_ones(service: Service) -> None:
    body = {"to_queue": "orders", "to_agent": None, "to_topic": None, "reason": None}
    assert service.write(service.claimed(), "reassign", body=body).json_body["queue"] == "orders"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (None, "body"),
        ({}, "body"),
        ({"reason": "why"}, "body"),
        ({"to_queue": None}, "body"),
        ({"to_agent": "boris", "to_queue": "orders"}, "body"),
        ({"to_agent": "ghost"}, "to_agent"),
        ({"to_agent": "celine"}, "to_agent"),  # may not serve this queue
        ({"to_agent": "observer-1"}, "to_agent"),
        ({"to_queue": "nowhere"}, "to_queue"),
        ({"to_queue": "quarantine"}, "to_queue"),
        ({"to_topic": "weather"}, "to_topic"),
        ({"to_topic": ""}, "to_topic"),
        ({"to_topic": 7}, "to_topic"),
        ({"to_queue": "o" * 201}, "to_queue"),
        ({"to_queue": "orders\n"}, "to_queue"),
        ({"to_queue": "orders", "reason": ""}, "reason"),
        ({"to_queue": "orders", "reason": " \n "}, "reason"),
        ({"to_queue": "orders", "reason": "x" * 501}, "reason"),
        ({"to_queue": "orders", "reason": "a\0b"}, "reason"),
        ({"to_queue": "orders", "holder": "anna"}, "holder"),
    ],
)
def test_item_is_not_passed_to_no_place_or_several(service: Service, body: Any, field: str) -> None:
    item = service.claimed()
    before = service.stored()
    answer = service.write(item, "reassign", body=body)
    assert (answer.status_code, answer.json_body["field"]) == (400, field)
    assert service.stored() == before


# Notes


def test_note_stands_in_the_timeline_and_leaves_the_item_where_it_is(service: Service) -> None:
    item = service.claimed("anna")
    shown = service.write(item, "note", "boris", {"text": "He called.\nTwice."}).json_body
    assert (shown["state"], shown["holder"], shown["version"]) == ("claimed", "anna", 3)
    note = service.ask("GET", f"/v1/customers/{item['customer_id']}/timeline", order="newest").json_body["events"][0]
    assert (note["type"], note["actor"], note["content"]["written"]) == ("note-added", "boris", "He called.\nTwice.")


MALFORMED_NOTES: list[tuple[Any, str]] = [
    (None, "text"),
    ({"text": ""}, "text"),
    ({"text": " \t\n"}, "text"),
    ({"text": "a\0b"}, "text"),
    ({"text": "x" * 10_001}, "text"),
    (b'{"text": "\\ud800"}', "body"),
    ({"text": "a", "mentions": "anna"}, "mentions"),
    ({"text": "a", "mentions": ["anna"] * 11}, "mentions"),
    ({"text": "a", "mentions": [""]}, "mentions.0"),
    ({"text": "a", "mentions": ["boris", "ghost"]}, "mentions.1"),
    ({"text": "a", "mentions": ["celine"]}, "mentions.0"),  # may not see it
    ({"text": "a", "to": "anna"}, "to"),
]


def test_malformed_note_is_refused_by_the_name_of_its_field(service: Service) -> None:
    item = service.claimed()
    before = service.stored()
    for body, field in MALFORMED_NOTES:
        answer = service.write(item, "note", body=body)
        assert (answer.status_code, answer.json_body["field"]) == (400, field), body
    assert service.stored() == before


def test_longest_note_is_taken(service: Service) -> None:
    item = service.claimed()
    assert service.write(item, "note", body={"text": "😀" * 10_000, "mentions": ["boris"] * 10}).status_code == 200


# Tags


@pytest.mark.parametrize("body", [None, {}, {"topic": None}])
def test_what_the_model_said_is_confirmed(service: Service, body: Any) -> None:
    shown = service.write(service.claimed(), "tags", body=body).json_body
    decided = shown["decided"]
    assert (decided["topic"], decided["urgency"], decided["by"]) == ("other", "normal", "anna")
    assert (shown["tags"]["topic"], shown["state"]) == ("other", "claimed")


def test_tags_are_decided_one_by_one(service: Service) -> None:
    item = service.write(service.claimed(), "tags", body={"topic": "order"}).json_body
    shown = service.write(item, "tags", body={"urgency": "critical"}).json_body
    assert (shown["decided"]["topic"], shown["decided"]["urgency"]) == ("order", "critical")
    assert (shown["queue"], shown["lane"]) == ("people", "urgent")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"topic": "weather"}, "topic"),
        ({"topic": ""}, "topic"),
        ({"urgency": "soon"}, "urgency"),
        ({"urgency": 1}, "urgency"),
        ({"language": "en"}, "language"),
        ([], "body"),
    ],
)
def test_tag_the_desk_does_not_have_is_refused(service: Service, body: Any, field: str) -> None:
    item = service.claimed()
    before = service.stored()
    answer = service.write(item, "tags", body=body)
    assert (answer.status_code, answer.json_body["field"]) == (400, field)
    assert service.stored() == before


# What all have in common


def test_refusal_of_a_change_shows_the_item_to_those_alone_who_may_see_it(service: Service) -> None:
    item = service.claimed("celine", topic="billing")
    for step, body in (("note", {"text": "a"}), ("snooze", {"until": in_days(1)}), ("reply", {"text": "a"})):
        answer = service.write({**item, "version": 1}, step, "anna", body)
        assert answer.status_code == 403
        assert CANARY not in json.dumps(answer.json_body, ensure_ascii=False)
        answer = service.write({**item, "version": 1}, step, "supervisor-1", body)
        assert (answer.status_code, answer.json_body["type"]) == (409, STALE)
        assert answer.json_body["present"]["subject"] == CANARY
