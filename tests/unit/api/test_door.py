"""What every route does alike: problems of one shape, and no harm from what comes in through paths and headers."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from chalicelib.api import OPERATIONS
from chalicelib.item.outgoing import Status
from tests.unit.api.service import BODIES, CANARY, Service

PAGE = Path(__file__).parents[3] / "docs" / "api.md"
STRANGE_PARTS = [
    "", "#", "a#b", "ITEM#1", "a/b", "..", "\0", "a\0b", "a\r\nb", "x" * 201, "x" * 3000, "ж" * 3000, "\ud800",
    "\u202e", "%", "%00", "*", "'", '"', "{}", "null", " ", "a" * 200, "😀" * 200,
]  # fmt: skip
FOR_AGENTS_ONLY = {"claim_in_queue", "claim_item", "heartbeat", "send_reply"}


@pytest.mark.parametrize("part", STRANGE_PARTS)
def test_strange_names_in_paths_are_not_found(service: Service, part: str) -> None:
    service.item()
    before = service.stored()
    for operation in OPERATIONS:
        if operation.parts:
            who = "anna" if operation.name in FOR_AGENTS_ONLY else "admin-1"
            names = dict.fromkeys(operation.parts, part)
            headers = service.authorized(who, If_Match="1", Origin="https://shop.example.com")
            body = json.dumps(BODIES.get(operation.name, {}))
            answer = service.invoke(operation.method, operation.path, names, headers=headers, body=body)
            assert answer.status_code == 404, (operation.name, answer.body)
            assert CANARY not in answer.body.decode()
            assert len(answer.body) < 5000
    assert service.stored() == before


def test_method_a_route_does_not_have(service: Service) -> None:
    answer = service.ask("DELETE", "/v1/queues")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, OPTIONS")


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "a/b\r\nX: y", "", "application"])
def test_media_type_that_is_not_json(service: Service, media: str) -> None:
    item = service.item()
    headers = service.authorized(Content_Type=media)
    answer = service.invoke("POST", "/v1/queues/{queue}/claim", {"queue": "people"}, headers=headers)
    assert answer.status_code == 415
    assert service.world.table.item(item.id).holder is None


def test_media_type_may_name_its_charset(service: Service) -> None:
    service.item()
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert service.ask("POST", "/v1/claim", headers=headers).status_code == 200


def test_answers_are_json_and_kept_by_nobody(service: Service) -> None:
    service.item()
    answer = service.ask("GET", "/v1/items", queue="people")
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == ("application/json", "no-store")


def test_what_the_service_did_not_foresee_is_a_problem_without_its_secrets(service: Service) -> None:
    item = service.item(subject="x")
    key = {"pk": f"ITEM#{item.id}", "sk": "ITEM"}
    row = service.world.table.rows([key])[key["pk"], key["sk"]]
    service.cloud.dynamodb.update_item(
        TableName="desk-table", Key={name: {"S": row[name]} for name in ("pk", "sk")},
        UpdateExpression="SET version = :bad", ExpressionAttributeValues={":bad": {"S": "secret-of-the-row"}},
    )  # fmt: skip
    answer = service.ask("GET", f"/v1/items/{item.id}")
    assert answer.status_code == 500
    assert "secret-of-the-row" not in answer.body.decode()


@pytest.mark.parametrize("index", ["queue", "state", "holder"])
def test_cursor_forged_to_another_partition_shows_nothing_of_it(service: Service, index: str) -> None:
    """A cursor is only where to go on: what is listed is bound by the question, and by who asks."""
    hidden = service.claimed("celine", topic="billing") if index == "holder" else None
    theirs = service.item(topic="billing")
    names = {"queue": "waiting", "state": "state", "holder": "holding"}
    foreign = {"queue": "QUEUE#billing", "state": "STATE#resolved", "holder": "HOLDER#celine"}
    start = {
        "pk": f"ITEM#{hidden['id'] if hidden else theirs.id}", "sk": "ITEM",
        f"{names[index]}_pk": foreign[index], f"{names[index]}_sk": "0",
    }  # fmt: skip
    own = {"queue": "people", "state": "queued", "holder": "anna"}
    answer = service.ask("GET", "/v1/items", cursor=_cursor(start), **{index: own[index]})
    assert answer.status_code in (200, 400)
    assert CANARY not in answer.body.decode()


def test_cursor_of_one_customer_shows_nothing_to_another(service: Service) -> None:
    one, other = service.item(), service.item(subject="other")
    start = {"pk": f"CUSTOMER#{one.customer_id}", "sk": "CUSTOMER"}
    answer = service.ask("GET", f"/v1/customers/{other.customer_id}/timeline", cursor=_cursor(start))
    assert answer.status_code in (200, 400)
    assert one.id not in answer.body.decode()


def test_cursor_of_one_list_is_no_way_into_what_one_may_not_see(service: Service) -> None:
    for _ in range(2):
        service.item(topic="billing")
    cursor = service.ask("GET", "/v1/items", "celine", queue="billing", limit="1").json_body["next"]
    assert service.ask("GET", "/v1/items", "anna", queue="billing", cursor=cursor).status_code == 403


@pytest.mark.parametrize("value", ["*", "_", "anna' OR '1'='1", "HOLDER#anna", ":pk", "${jndi:x}", "celine#", "\u0130"])
def test_holder_is_a_name_and_never_a_pattern(service: Service, value: str) -> None:
    service.claimed("celine", topic="billing")
    answer = service.ask("GET", "/v1/items", "observer-1", holder=value)
    assert (answer.status_code, answer.json_body["items"]) == (200, [])


def test_agent_with_a_separator_in_his_name_is_himself(service: Service) -> None:
    mine, theirs = service.claimed("anna"), service.claimed("anna#1")
    assert (mine["holder"], theirs["holder"]) == ("anna", "anna#1")
    for who, held in (("anna", mine), ("anna#1", theirs)):
        assert [item["id"] for item in service.ask("GET", "/v1/items", who).json_body["items"]] == [held["id"]]
    answer = service.ask("POST", f"/v1/items/{theirs['id']}/release", "anna", headers={"If-Match": "2"})
    assert answer.status_code == 403


@pytest.mark.parametrize("body", [{"state": "resolved"}, {"holder": "anna", "version": 99}, [1], "x"])
def test_nothing_is_assigned_by_a_body_that_a_route_does_not_read(service: Service, body: Any) -> None:
    item = service.claimed("boris")
    answer = service.ask("POST", f"/v1/items/{item['id']}/release", "boris", body, headers={"If-Match": "2"})
    assert answer.status_code == 200
    assert answer.json_body["state"] == "queued"


def test_every_route_is_described() -> None:
    page = PAGE.read_text("utf-8")
    described = set(re.findall(r"^\| `([A-Z]+) (/v1/[^`]*)`", page, re.MULTILINE))
    assert described == {(operation.method, operation.path) for operation in OPERATIONS}


def test_every_status_of_a_reply_is_explained() -> None:
    rows = re.findall(
        r"^\| (`[^|]+) \|", PAGE.read_text("utf-8").split("## Replies\n")[1].split("\n## ")[0], re.MULTILINE
    )
    explained = {status for row in rows for status in re.findall(r"`(\w+)`", row)} - {"status"}
    assert explained == set(Status)


def _cursor(start: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(start).encode()).decode().rstrip("=")
