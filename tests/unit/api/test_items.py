"""Reading items, keeping, giving back and ending them over HTTP."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from chalicelib.api import OPERATIONS
from chalicelib.api.operation import Operation
from chalicelib.world import world
from tests.unit.api.service import BODIES, CANARY, Service

WRITES = [operation for operation in OPERATIONS if operation.versioned]


def _path(write: Operation, item: Mapping[str, Any]) -> str:
    return write.path.format(item_id=item["id"])


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.name)
def test_write_without_a_version_is_refused(service: Service, write: Operation) -> None:
    item = service.claimed()
    before = service.stored()
    answer = service.ask("POST", _path(write, item), body=BODIES.get(write.name))
    assert answer.status_code == 428
    assert service.stored() == before


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.name)
def test_version_that_is_no_number_is_refused(service: Service, write: Operation) -> None:
    item = service.claimed()
    before = service.stored()
    for said in ("", "*", "two", "-2", "2.0", '"2", "3"', "2 2", "9" * 16, "٢", "0x2", "W/", '"', '"2', '2"'):
        answer = service.ask("POST", _path(write, item), body=BODIES.get(write.name), headers={"If-Match": said})
        assert (answer.status_code, answer.json_body["field"]) == (400, "If-Match"), said
    assert service.stored() == before


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.name)
def test_stale_version_changes_nothing_and_shows_the_item_as_it_is(service: Service, write: Operation) -> None:
    item = service.claimed()
    before = service.stored()
    for version in ("1", "3", "0", "9" * 15):
        headers = {"If-Match": f'"{version}"'}
        answer = service.ask("POST", _path(write, item), body=BODIES.get(write.name), headers=headers)
        assert (answer.status_code, answer.json_body["type"]) == (409, "urn:sortownia:problem:stale-version")
        assert answer.headers["ETag"] == '"2"'
        assert answer.json_body["present"] == item
    assert service.stored() == before


@pytest.mark.parametrize("form", ["2", '"2"', 'W/"2"', ' "2" '])
def test_version_is_taken_in_the_forms_clients_send(service: Service, form: str) -> None:
    item = service.claimed()
    answer = service.ask("POST", f"/v1/items/{item['id']}/release", headers={"if-match": form})
    assert answer.status_code == 200


def test_release_brings_the_item_back_into_its_queue(service: Service) -> None:
    item = service.claimed()
    answer = service.ask("POST", f"/v1/items/{item['id']}/release", headers={"If-Match": '"2"'})
    shown = answer.json_body
    assert (shown["state"], shown["holder"], shown["claim_token"], shown["version"]) == ("queued", None, None, 3)
    assert (shown["owner"], answer.headers["ETag"]) == ("anna", '"3"')
    assert service.ask("POST", "/v1/queues/people/claim", "boris").json_body["id"] == item["id"]


def test_resolve_ends_the_item(service: Service) -> None:
    item = service.claimed()
    shown = service.ask("POST", f"/v1/items/{item['id']}/resolve", headers={"If-Match": '"2"'}).json_body
    assert (shown["state"], shown["holder"], shown["lease_until"]) == ("resolved", None, None)
    assert service.ask("POST", "/v1/queues/people/claim").status_code == 204


def test_step_the_items_life_does_not_have_is_a_conflict(service: Service) -> None:
    item = service.item()
    answer = service.ask("POST", f"/v1/items/{item.id}/resolve", "supervisor-1", headers={"If-Match": "1"})
    assert (answer.status_code, answer.json_body["type"]) == (409, "urn:sortownia:problem:wrong-state")
    assert answer.json_body["present"]["id"] == item.id


# Heartbeats


def test_heartbeat_moves_the_lease_and_nothing_else(service: Service) -> None:
    item = service.claimed()
    before = service.world.table.item(item["id"])
    path = f"/v1/items/{item['id']}/heartbeat"
    answer = service.ask("POST", path, body={"claim_token": item["claim_token"]})
    after = service.world.table.item(item["id"])
    assert answer.status_code == 200
    assert datetime.fromisoformat(answer.json_body["lease_until"]) == after.lease_until
    assert after.lease_until
    assert before.lease_until
    assert after.lease_until > before.lease_until
    assert after.version == before.version


def test_heartbeat_with_a_wrong_token_shows_the_item_as_it_is(service: Service) -> None:
    item = service.claimed()
    before = service.stored()
    answer = service.ask("POST", f"/v1/items/{item['id']}/heartbeat", body={"claim_token": "guess"})
    assert (answer.status_code, answer.json_body["present"]["holder"]) == (409, "anna")
    assert service.stored() == before


def test_heartbeat_of_one_who_lost_his_claim_shows_no_token(service: Service) -> None:
    lost = service.claimed("anna")
    service.ask("POST", f"/v1/items/{lost['id']}/release", headers={"If-Match": "2"})
    taken = service.ask("POST", "/v1/queues/people/claim", "boris").json_body
    path = f"/v1/items/{lost['id']}/heartbeat"
    answer = service.ask("POST", path, "anna", body={"claim_token": lost["claim_token"]})
    assert (answer.status_code, answer.json_body["present"]["holder"]) == (409, "boris")
    assert taken["claim_token"] not in answer.body.decode()


def test_heartbeat_is_no_way_to_read_what_one_may_not_see(service: Service) -> None:
    item = service.claimed("celine", topic="billing")
    for who in ("anna", "nobody"):
        answer = service.ask("POST", f"/v1/items/{item['id']}/heartbeat", who, body={"claim_token": "guess"})
        assert answer.status_code == 403
        assert CANARY not in answer.body.decode()


MALFORMED: list[tuple[Any, str]] = [
    (b"{", "body"),
    (b"\xff\xfe", "body"),
    (b"[]", "body"),
    (b"null", "body"),
    (b"[" * 5000, "body"),
    (b'{"claim_token":' * 3000, "body"),
    (b"", "claim_token"),
    ({}, "claim_token"),
    ({"claim_token": ""}, "claim_token"),
    ({"claim_token": None}, "claim_token"),
    ({"claim_token": 7}, "claim_token"),
    ({"claim_token": ["t"]}, "claim_token"),
    ({"claim_token": "t" * 101}, "claim_token"),
    ({"claim_token": "t", "holder": "anna"}, "holder"),
    (b'{"claim_token": NaN}', "claim_token"),
    (b'{"claim_token": Infinity}', "claim_token"),
    (b'{"claim_token": "\\ud800"}', "body"),
]


def test_malformed_body_is_refused_by_the_name_of_its_field(service: Service) -> None:
    item = service.claimed()
    for body, field in MALFORMED:
        answer = service.ask("POST", f"/v1/items/{item['id']}/heartbeat", body=body)
        assert (answer.status_code, answer.json_body["field"]) == (400, field), body


# Reading


@pytest.mark.parametrize("query", [{"queue": "people"}, {"state": "queued"}, {}])
def test_list_one_has_already_is_not_sent_again(service: Service, query: dict[str, str]) -> None:
    service.item()
    first = service.ask("GET", "/v1/items", **query)
    etag = first.headers["ETag"]
    for known in (etag, etag.removeprefix("W/"), f'"other", {etag}'):
        again = service.ask("GET", "/v1/items", headers={"If-None-Match": known}, **query)
        assert (again.status_code, again.body, again.headers["ETag"]) == (304, b"", etag)
    for other in ('"3"', "W/", "", "*", etag[:-2] + '"'):
        answer = service.ask("GET", "/v1/items", headers={"If-None-Match": other}, **query)
        assert (answer.status_code, answer.json_body) == (200, first.json_body), other


def test_list_that_has_changed_is_sent(service: Service) -> None:
    """Whatever changes in it: an item more, a version, or the end of a lease, which no version tells of."""
    held = service.claimed()
    changes = [
        lambda: service.ask("POST", f"/v1/items/{held['id']}/heartbeat", body={"claim_token": held["claim_token"]}),
        lambda: service.write(held, "note", body={"text": "He called."}),
        service.claimed,
    ]
    for change in changes:
        known = service.ask("GET", "/v1/items", holder="anna").headers["ETag"]
        change()
        answer = service.ask("GET", "/v1/items", holder="anna", headers={"If-None-Match": known})
        assert answer.status_code == 200
        assert answer.headers["ETag"] != known


def test_list_of_another_is_never_taken_for_ones_own(service: Service) -> None:
    service.claimed("anna")
    known = service.ask("GET", "/v1/items", "anna", holder="anna").headers["ETag"]
    answer = service.ask("GET", "/v1/items", "boris", holder="anna", headers={"If-None-Match": known})
    assert (answer.status_code, answer.json_body["items"][0]["claim_token"]) == (200, None)


def test_item_is_sent_whenever_it_is_asked_for(service: Service) -> None:
    """A heartbeat moves its lease and not its version: who has the version may not have the lease."""
    item = service.claimed()
    answer = service.ask("GET", f"/v1/items/{item['id']}", headers={"If-None-Match": '"2"'})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')


def test_item_is_shown_with_the_steps_of_its_life(service: Service) -> None:
    item = service.claimed()
    service.ask("POST", f"/v1/items/{item['id']}/release", headers={"If-Match": "2"})
    answer = service.ask("GET", f"/v1/items/{item['id']}")
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"3"')
    steps = [(step["type"], step["version"], step["actor"]) for step in answer.json_body["history"]]
    assert steps == [("message-received", 1, "customer"), ("item-claimed", 2, "anna"), ("item-released", 3, "anna")]
    assert all(step["content"] is None for step in answer.json_body["history"])


def test_claim_token_is_shown_to_its_holder_alone(service: Service) -> None:
    item = service.claimed("anna")
    token = item["claim_token"]
    paths = (f"/v1/items/{item['id']}", "/v1/items?state=claimed", "/v1/items?holder=anna")
    for path in paths:
        assert token in service.ask("GET", path, "anna").body.decode()
        for who in ("boris", "supervisor-1", "observer-1", "admin-1"):
            answer = service.ask("GET", path, who)
            assert answer.status_code == 200
            assert item["id"] in answer.body.decode()
            assert token not in answer.body.decode()
    timeline = service.ask("GET", f"/v1/customers/{item['customer_id']}/timeline", "anna")
    assert token not in timeline.body.decode()


def test_list_of_a_queue_is_what_waits_there_oldest_first(service: Service) -> None:
    items = [service.item() for _ in range(3)]
    service.item(topic="order")
    shown = service.ask("GET", "/v1/items", queue="people").json_body
    assert [item["id"] for item in shown["items"]] == [item.id for item in items]
    assert shown["next"] is None
    newest = service.ask("GET", "/v1/items", queue="people", order="newest").json_body
    assert [item["id"] for item in newest["items"]] == [item.id for item in reversed(items)]


def test_list_without_a_filter_is_what_one_holds(service: Service) -> None:
    mine = service.claimed("anna")
    service.claimed("boris")
    assert [item["id"] for item in service.ask("GET", "/v1/items").json_body["items"]] == [mine["id"]]


def test_list_of_a_holder_shows_only_what_one_may_see(service: Service) -> None:
    hidden = service.claimed("celine", topic="billing")
    assert service.ask("GET", "/v1/items", holder="celine").json_body["items"] == []
    seen = service.ask("GET", "/v1/items", "observer-1", holder="celine").json_body["items"]
    assert [item["id"] for item in seen] == [hidden["id"]]


def test_list_of_what_is_offered_and_what_comes_back(service: Service) -> None:
    rests = service.replied("anna")["item"]
    offered = service.offered("anna")
    for query, item_id in (({"offered_to": "anna"}, offered.id), ({"pinned_to": "anna"}, rests["id"])):
        shown = service.ask("GET", "/v1/items", "boris", **query).json_body["items"]
        assert [item["id"] for item in shown] == [item_id]
        assert service.ask("GET", "/v1/items", "celine", **query).json_body["items"] == []


def test_list_of_a_state_shows_only_what_one_may_see(service: Service) -> None:
    mine, hidden = service.item(), service.item(topic="billing")
    seen = {
        who: {item["id"] for item in service.ask("GET", "/v1/items", who, state="queued").json_body["items"]}
        for who in ("anna", "celine", "observer-1")
    }
    assert seen == {"anna": {mine.id}, "celine": {hidden.id}, "observer-1": {mine.id, hidden.id}}


@pytest.mark.parametrize("order", ["oldest", "newest"])
@pytest.mark.parametrize("query", [{"queue": "people"}, {"state": "queued"}, {"holder": "anna"}])
def test_pages_of_a_list_make_the_whole_list(service: Service, query: dict[str, str], order: str) -> None:
    made = [service.claimed()["id"] if "holder" in query else service.item().id for _ in range(5)]
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(9):
        page = service.ask("GET", "/v1/items", limit="2", order=order, **query, **cursor).json_body
        assert len(page["items"]) <= 2
        found += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == (made if order == "oldest" else made[::-1])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "1e1"}, "limit"),
        ({"limit": "٢"}, "limit"),
        ({"limit": " 5 "}, "limit"),
        ({"limit": "5\n"}, "limit"),
        ({"limit": "+5"}, "limit"),
        ({"limit": "5.0"}, "limit"),
        ({"limit": "1_0"}, "limit"),
        ({"limit": "9" * 5000}, "limit"),
        ({"limit": "00000000199999"}, "limit"),
        ({"limit": "000000001" + "0" * 5000}, "limit"),
        ({"order": "sideways"}, "order"),
        ({"state": "done"}, "state"),
        ({"state": ""}, "state"),
        ({"cursor": "not base64!"}, "cursor"),
        ({"cursor": "é"}, "cursor"),
        ({"cursor": "e30x"}, "cursor"),
        ({"cursor": "WzFd"}, "cursor"),  # [1]
        ({"cursor": "eyJhIjoxfQ"}, "cursor"),  # {"a":1}
        ({"cursor": "eyJhIjoiIn0"}, "cursor"),  # {"a":""}
        ({"cursor": "W1tb" * 1000}, "cursor"),  # [[[[...
        ({"cursor": "W1tb" * 250}, "cursor"),
        ({"holder": "x" * 1001}, "holder"),
        ({"holder": "ж" * 501}, "holder"),
        ({"holder": "a\0b"}, "holder"),
        ({"holder": ""}, "holder"),
        ({"queue": "people", "state": "queued"}, "query"),
        ({"hodler": "anna"}, "hodler"),
    ],
)
def test_malformed_question_is_refused_by_the_name_of_its_parameter(
    service: Service, query: dict[str, str], field: str
) -> None:
    question = query if len(query) > 1 or {"state", "holder"} & query.keys() else {"queue": "people", **query}
    answer = service.ask("GET", "/v1/items", **question)
    assert (answer.status_code, answer.json_body["field"]) == (400, field)


@pytest.mark.parametrize(
    "question", ["queue=people&queue=orders", "limit=5&limit=5", "order=oldest&queue=people&order=newest"]
)
def test_parameter_said_twice_is_refused_instead_of_half_a_list(service: Service, question: str) -> None:
    service.item()
    answer = service.ask("GET", f"/v1/items?{question}")
    assert (answer.status_code, answer.json_body["field"]) == (400, question.partition("=")[0])


def test_list_of_an_unknown_queue_is_not_found(service: Service) -> None:
    assert service.ask("GET", "/v1/items", queue="nowhere").status_code == 404


def test_list_for_someone_without_a_role_is_refused(service: Service) -> None:
    """Even an empty page has a cursor, and that names items."""
    service.item()
    service.item()
    for query in ({"state": "queued", "limit": "1"}, {"holder": "anna"}, {}):
        assert service.ask("GET", "/v1/items", "nobody", **query).status_code == 403


def test_warm_function_is_wired_once(service: Service) -> None:
    assert world() is service.world
