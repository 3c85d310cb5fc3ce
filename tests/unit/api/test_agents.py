"""Agents over HTTP: who is there, what he has, what colleagues wrote to him, and who gets it all."""

from typing import Any

import pytest

from tests.unit.api.service import CANARY, Service


def test_agent_as_he_is(service: Service) -> None:
    nothing, both = {"mail": 0, "chat": 0}, {"mail": 1, "chat": 1}
    shown = service.ask("GET", "/v1/agents/anna", "celine").json_body
    assert shown == {"agent_id": "anna", "presence": "unknown", "held": nothing, "deputy": "boris"}
    service.claimed("anna")
    service.claimed("anna", channel="chat")
    shown = service.ask("GET", "/v1/agents/anna", "observer-1").json_body
    assert shown == {"agent_id": "anna", "presence": "present", "held": both, "deputy": "boris"}
    assert service.ask("GET", "/v1/agents/boris").json_body["deputy"] is None


@pytest.mark.parametrize("path", ["", "/mentions"])
def test_agent_the_desk_does_not_know_is_not_found(service: Service, path: str) -> None:
    assert service.ask("GET", f"/v1/agents/ghost{path}", "supervisor-1").status_code == 404


# Presence


def test_who_goes_away_gives_back_what_he_has(service: Service) -> None:
    held, offered = service.claimed("anna"), service.offered("anna")
    answer = service.ask("PUT", "/v1/agents/anna/presence", body={"presence": "away"})
    assert answer.json_body == {"agent_id": "anna", "presence": "away", "held": {"mail": 0, "chat": 0}}
    for item_id in (held["id"], offered.id):
        item = service.ask("GET", f"/v1/items/{item_id}").json_body
        assert (item["state"], item["holder"], item["offered_to"]) == ("queued", None, None)


def test_who_comes_back_is_present(service: Service) -> None:
    for presence in ("away", "present"):
        service.ask("PUT", "/v1/agents/anna/presence", "supervisor-1", {"presence": presence})
        assert service.ask("GET", "/v1/agents/anna").json_body["presence"] == presence


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "presence"),
        ({"presence": "asleep"}, "presence"),
        ({"presence": "unknown"}, "presence"),
        ({"presence": None}, "presence"),
        ({"presence": "away", "roles": ["admin"]}, "roles"),
        (b'{"presence": "away", "presence": "asleep"}', "presence"),
        (b"{'presence': 'away'}", "body"),
    ],
)
def test_malformed_presence_is_refused(service: Service, body: Any, field: str) -> None:
    before = service.stored()
    answer = service.ask("PUT", "/v1/agents/anna/presence", body=body)
    assert (answer.status_code, answer.json_body["field"]) == (400, field)
    assert service.stored() == before


def test_presence_of_somebody_the_desk_does_not_know_is_not_found(service: Service) -> None:
    before = service.stored()
    answer = service.ask("PUT", "/v1/agents/ghost/presence", "supervisor-1", body={"presence": "away"})
    assert answer.status_code == 404
    assert service.stored() == before


# Mentions


def test_mention_leads_to_the_note_it_stands_in(service: Service) -> None:
    item = service.claimed("boris")
    noted = service.write(item, "note", "boris", {"text": "Do you know him?", "mentions": ["anna"]})
    assert noted.status_code == 200
    [mention] = service.ask("GET", "/v1/agents/anna/mentions").json_body["mentions"]
    assert (mention["item_id"], mention["by"]) == (item["id"], "boris")
    timeline = service.ask("GET", f"/v1/customers/{mention['customer_id']}/timeline").json_body["events"]
    [note] = [event for event in timeline if event["seq"] == mention["seq"]]
    assert (note["type"], note["at"]) == ("note-added", mention["at"])
    assert note["content"]["written"] == "Do you know him?"
    assert service.ask("GET", "/v1/agents/boris/mentions", "boris").json_body == {"mentions": [], "next": None}


def test_pages_of_mentions_are_all_of_them_newest_first(service: Service) -> None:
    items = [service.claimed("boris") for _ in range(5)]
    for item in items:
        service.write(item, "note", "boris", {"text": "Look", "mentions": ["anna"]})
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(9):
        page = service.ask("GET", "/v1/agents/anna/mentions", limit="2", **cursor).json_body
        assert len(page["mentions"]) <= 2
        found += [mention["item_id"] for mention in page["mentions"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == [item["id"] for item in reversed(items)]


def test_mentions_are_for_who_is_mentioned(service: Service) -> None:
    item = service.claimed("boris")
    service.write(item, "note", "boris", {"text": CANARY, "mentions": ["anna"]})
    assert service.ask("GET", "/v1/agents/anna/mentions", "boris").status_code == 403


@pytest.mark.parametrize(
    ("name", "value"), [("limit", "0"), ("cursor", "%%%"), ("cursor", "e30x"), ("order", "newest")]
)
def test_malformed_question_about_mentions_is_refused(service: Service, name: str, value: str) -> None:
    answer = service.ask("GET", "/v1/agents/anna/mentions", **{name: value})
    assert (answer.status_code, answer.json_body["field"]) == (400, name)


# Handing over


def test_preview_of_a_handover_changes_nothing(service: Service) -> None:
    service.claimed("anna")
    service.replied("anna")
    before = service.stored()
    answer = service.ask("POST", "/v1/agents/anna/handover", "supervisor-1", {"to": "boris", "preview": True})
    assert (answer.json_body["held"], answer.json_body["pinned"]) == (1, 1)
    assert (answer.json_body["moved"], answer.json_body["to_queue"]) == (1, 1)  # what rests; Boris is not there
    assert service.stored() == before


def test_handover_gives_all_to_a_colleague_once(service: Service) -> None:
    held, rests = service.claimed("anna"), service.replied("anna")["item"]
    service.ask("PUT", "/v1/agents/boris/presence", "boris", {"presence": "present"})
    shown = service.ask("POST", "/v1/agents/anna/handover", "supervisor-1", {"to": "boris"}).json_body
    assert shown == {
        "agent_id": "anna", "to": "boris", "preview": False, "held": 1, "offered": 0, "pinned": 1, "moved": 2,
        "to_queue": 0, "left": 0,
    }  # fmt: skip
    assert service.ask("GET", f"/v1/items/{held['id']}", "boris").json_body["holder"] == "boris"
    assert service.ask("GET", f"/v1/items/{rests['id']}", "boris").json_body["pinned_to"] == "boris"
    again = service.ask("POST", "/v1/agents/anna/handover", "supervisor-1", {"to": "boris"}).json_body
    assert (again["held"], again["pinned"], again["moved"], again["to_queue"]) == (0, 0, 0, 0)


def test_handover_to_nobody_is_back_to_the_queues(service: Service) -> None:
    held = service.claimed("anna")
    shown = service.ask("POST", "/v1/agents/anna/handover", "anna", {"to": None}).json_body
    assert (shown["held"], shown["to_queue"]) == (1, 1)
    item = service.ask("GET", f"/v1/items/{held['id']}").json_body
    assert (item["state"], item["holder"]) == ("queued", None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "to"),
        (None, "to"),
        ({"to": "ghost"}, "to"),
        ({"to": "anna"}, "to"),
        ({"to": ""}, "to"),
        ({"to": 7}, "to"),
        ({"to": "x" * 201}, "to"),
        ({"to": "a\0b"}, "to"),
        ({"to": "boris", "preview": "yes"}, "preview"),
        ({"to": "boris", "preview": 1}, "preview"),
        ({"to": "boris", "preview": None}, "preview"),
        ({"to": "boris", "force": True}, "force"),
    ],
)
def test_malformed_handover_is_refused(service: Service, body: Any, field: str) -> None:
    service.claimed("anna")
    before = service.stored()
    answer = service.ask("POST", "/v1/agents/anna/handover", "supervisor-1", body)
    assert (answer.status_code, answer.json_body["field"]) == (400, field)
    assert service.stored() == before


def test_handover_of_somebody_the_desk_does_not_know_is_not_found(service: Service) -> None:
    assert service.ask("POST", "/v1/agents/ghost/handover", "admin-1", {"to": None}).status_code == 404
