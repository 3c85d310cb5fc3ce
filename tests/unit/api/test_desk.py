"""Customers, the live board and health over HTTP."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.world import PACKAGED_MODEL, World
from tests.unit.api.service import CANARY, Service


def test_customers_card(service: Service) -> None:
    item = service.item()
    answer = service.ask("GET", f"/v1/customers/{item.customer_id}", "celine")
    assert answer.json_body == {"id": item.customer_id, "name": "", "events": 1, "marks": [], "linked": []}


@pytest.mark.parametrize("path", ["", "/timeline"])
def test_unknown_customer_is_not_found(service: Service, path: str) -> None:
    assert service.ask("GET", f"/v1/customers/none{path}").status_code == 404


def test_timeline_shows_what_was_said_and_done_in_order(service: Service) -> None:
    item = service.claimed()
    shown = service.ask("GET", f"/v1/customers/{item['customer_id']}/timeline").json_body
    assert [(event["seq"], event["type"]) for event in shown["events"]] == [
        (1, "message-received"),
        (2, "item-claimed"),
    ]
    assert shown["events"][0]["content"]["written"] == CANARY
    assert shown["events"][1]["content"] is None
    assert (shown["customer_id"], shown["next"]) == (item["customer_id"], None)


def test_an_attachment_is_had_without_a_token_where_the_answer_says(service: Service) -> None:
    made = service.item(files=((f"{CANARY}.pdf", "application/pdf", b"%PDF-1.7"),))
    path = f"/v1/customers/{made.customer_id}/timeline"
    (file,) = service.ask("GET", path).json_body["events"][0]["content"]["attachments"]
    answer = service.ask("GET", f"/v1/customers/{made.customer_id}/attachments/1/1", "celine").json_body
    assert (answer["name"], answer["type"], answer["size"]) == (f"{CANARY}.pdf", "application/pdf", 8)
    address = urlsplit(answer["url"])
    assert address.path.endswith(file["key"])
    assert parse_qs(address.query)["response-content-disposition"][0].startswith("attachment; filename*=UTF-8''Za")


@pytest.mark.parametrize("place", ["1/2", "2/1", "0/1", "1/0", "a/1", "1/a", "-1/1"])
def test_an_attachment_that_is_not_there_is_not_found(service: Service, place: str) -> None:
    made = service.item(files=(("a.pdf", "application/pdf", b"x"),))
    assert service.ask("GET", f"/v1/customers/{made.customer_id}/attachments/{place}").status_code == 404


@pytest.mark.parametrize("order", ["oldest", "newest"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_of_a_timeline_make_the_whole_timeline(service: Service, order: str, limit: int) -> None:
    first = service.item()
    for _ in range(6):
        service.item(customer=service.world.table.customer(first.customer_id))
    path = f"/v1/customers/{first.customer_id}/timeline"
    found: list[tuple[int, bool]] = []
    cursor: dict[str, str] = {}
    for _ in range(9):
        page = service.ask("GET", path, limit=limit, order=order, **cursor).json_body
        assert len(page["events"]) <= limit
        found += [(event["seq"], event["content"] is not None) for event in page["events"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    whole = [(seq, True) for seq in range(1, 8)]
    assert found == (whole if order == "oldest" else whole[::-1])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"order": "up"}, "order"),
        ({"cursor": "%%%"}, "cursor"),
        ({"cursor": "W1" * 600}, "cursor"),
    ],
)
def test_malformed_question_about_a_timeline_is_refused(service: Service, query: dict[str, str], field: str) -> None:
    item = service.item()
    answer = service.ask("GET", f"/v1/customers/{item.customer_id}/timeline", **query)
    assert (answer.status_code, answer.json_body["field"]) == (400, field)


def test_board_counts_lanes_age_and_what_is_held(service: Service) -> None:
    service.claimed("anna", topic="order")
    oldest = service.item(topic="order", urgency="critical")
    service.item(topic="order")
    service.item(topic="billing")
    board = {queue.pop("name"): queue for queue in service.ask("GET", "/v1/queues").json_body["queues"]}
    assert board.keys() == {"people", "orders"}
    since = oldest.waiting_since.isoformat().replace("+00:00", "Z")
    waiting = {"urgent": 1, "normal": 1}
    rest = {"complete": True, "promises": {"due_soon": 0, "breached": 0}}
    assert board["orders"] == {"waiting": waiting, "oldest_waiting_since": since, "held": 1, **rest}
    empty = {"waiting": {"urgent": 0, "normal": 0}, "oldest_waiting_since": None, "held": 0, **rest}
    assert board["people"] == empty


def test_board_of_those_who_see_everything(service: Service) -> None:
    shown = service.ask("GET", "/v1/queues", "observer-1").json_body["queues"]
    assert {queue["name"] for queue in shown} == set(service.world.policy.queues)


def test_board_of_those_without_a_queue_is_empty(service: Service) -> None:
    service.item()
    headers = {"Authorization": f"Bearer {service.issuer.token('gone', ['agent'])}"}
    assert service.ask("GET", "/v1/queues", "nobody").json_body == {"queues": []}
    assert service.ask("GET", "/v1/queues", None, headers=headers).json_body == {"queues": []}


def test_health_names_the_model_at_work(service: Service) -> None:
    if not PACKAGED_MODEL.is_dir():
        pytest.skip("no starter model: make model")
    assert service.world.model
    answer = service.ask("GET", "/v1/health", None)
    assert answer.json_body == {"status": "ok", "model": service.world.model.model_id}


def test_health_without_a_model_is_still_health(service: Service, tmp_path: Path) -> None:
    without = World(service.world.settings, service.world.policy, model_directory=tmp_path / "none")
    vars(service.world).update(model=without.model)
    answer = service.ask("GET", "/v1/health", None)
    assert (answer.status_code, answer.json_body) == (200, {"status": "ok", "model": None})
