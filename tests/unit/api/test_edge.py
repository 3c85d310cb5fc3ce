"""What every answer gets, whoever made it: headers for browsers, and one line in the log."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

import app
from chalicelib import policy
from chalicelib.api import OPERATIONS
from chalicelib.api.operation import parts_of
from chalicelib.world import world
from tests.unit.api.service import CANARY, Service

OURS, OTHER = "https://desk.example.com", "https://elsewhere.example.com"
SECOND = "http://127.0.0.1:8600"
PATHS = sorted({operation.path for operation in OPERATIONS})
#: The widget's routes are for its own pages: tests/unit/api/test_widget.py.
OF_THE_DESK = [path for path in PATHS if not path.startswith("/v1/widget")]


# Pages of other origins


@pytest.mark.parametrize("path", OF_THE_DESK)
def test_page_of_an_origin_of_the_desk_may_call_every_route(service: Service, path: str) -> None:
    """As a browser asks: without a token, before the call itself."""
    for origin in (OURS, SECOND):
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answer = service.invoke("OPTIONS", path, dict.fromkeys(parts_of(path), "any"), headers=headers)
        assert (answer.status_code, answer.body) == (204, b"")
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in answer.headers["Vary"]
        allowed = answer.headers["Access-Control-Allow-Methods"].split(", ")
        assert set(allowed) == {operation.method for operation in OPERATIONS if operation.path == path}
        may_send = {name.lower() for name in answer.headers["Access-Control-Allow-Headers"].split(", ")}
        assert may_send == {"authorization", "content-type", "idempotency-key", "if-match", "if-none-match"}


@pytest.mark.parametrize(
    "origin", [OTHER, "null", "*", "", OURS + "/", OURS + ".evil.example.com", "http://desk.example.com", None]
)
def test_page_of_another_origin_may_not(service: Service, origin: str | None) -> None:
    headers = {"Origin": origin} if origin is not None else {}
    for answer in (
        service.invoke("OPTIONS", "/v1/claim", headers=headers),
        service.ask("GET", "/v1/queues", headers=headers),
    ):
        assert not [
            name
            for name in answer.headers
            if name.lower() in ("access-control-allow-origin", "access-control-allow-credentials")
        ]
        assert answer.headers["Vary"] == "Origin"


def test_page_reads_answers_and_refusals_and_their_versions(service: Service) -> None:
    item = service.claimed()
    path = f"/v1/items/{item['id']}"
    for who, asked in (("anna", "GET"), ("celine", "GET"), (None, "GET"), ("anna", "DELETE")):
        answer = service.ask(asked, path, who, headers={"Origin": OURS})
        assert answer.headers["Access-Control-Allow-Origin"] == OURS, (who, asked)
        assert "ETag" in answer.headers["Access-Control-Expose-Headers"].split(", ")
    failed = service.ask("POST", path + "/release", headers={"Origin": OURS, "Content-Type": "text/plain"})
    assert (failed.status_code, failed.headers["Access-Control-Allow-Origin"]) == (415, OURS)


def test_desk_without_pages_answers_no_page(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "DESK_FILE", Path(policy.__file__).with_name("desk.toml"))
    world.cache_clear()
    assert world().policy.access.origins == ()
    answer = service.invoke("OPTIONS", "/v1/claim", headers={"Origin": OURS})
    assert answer.status_code == 204
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_every_route_is_known_to_the_gateway_with_its_preflight() -> None:
    known = {(method, path) for path, methods in app.app.routes.items() for method in methods}
    declared = {(operation.method, operation.path) for operation in OPERATIONS}
    assert known == declared | {("OPTIONS", path) for path in PATHS}


# The log


def _lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    said = [json.loads(record.message) for record in caplog.records if record.message.startswith("{")]
    return [line for line in said if line.get("door") == "http"]


@pytest.fixture
def lines(service: Service, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What is logged from now on."""
    assert service.world
    caplog.set_level(logging.INFO, "sortownia")
    caplog.clear()
    return caplog


def test_request_leaves_one_line(service: Service, lines: pytest.LogCaptureFixture) -> None:
    item = service.claimed()
    lines.clear()
    service.ask("POST", f"/v1/items/{item['id']}/note", body={"text": CANARY}, headers={"If-Match": "2"})
    [line] = _lines(lines)
    assert line.pop("ms") > 0
    assert line == {
        "door": "http", "method": "POST", "route": "/v1/items/{item_id}/note", "item_id": item["id"], "status": 200,
        "caller": "anna",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "who", "status"),
    [
        ("GET", "/v1/items?holder=Zofia", "anna", 200),
        ("GET", "/v1/items?order=Zofia", "anna", 400),
        ("GET", "/v1/customers/Zofia", "anna", 404),
        ("GET", "/v1/agents/Zofia", "nobody", 403),
        ("GET", "/v1/agents/Zofia", None, 401),
        ("DELETE", "/v1/agents/Zofia", "anna", 405),
        ("OPTIONS", "/v1/agents/anna", None, 204),
    ],
)
def test_line_tells_the_outcome_and_nothing_that_was_typed(
    service: Service, lines: pytest.LogCaptureFixture, method: str, path: str, who: str | None, status: int
) -> None:
    assert service.ask(method, path, who, b"Zofia", {"X-Name": "Zofia"}).status_code == status
    [line] = _lines(lines)
    assert (line["status"], line["caller"]) == (status, who if status != 405 else None)
    assert "Zofia" not in lines.text


def test_failure_of_ours_is_in_the_log_with_its_reason(service: Service, lines: pytest.LogCaptureFixture) -> None:
    service.cloud.dynamodb.delete_table(TableName="desk-table")
    answer = service.ask("GET", "/v1/health", None)
    service.cloud.make_table("desk-table")
    [line] = _lines(lines)
    assert line["status"] == answer.status_code >= 500
