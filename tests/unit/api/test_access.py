"""Who may do what: every route times every kind of caller. A new route fails here until it has its row."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from chalice.test import HTTPResponse

from chalicelib.api import OPERATIONS
from chalicelib.api.operation import parts_of
from tests.unit.api.service import BODIES, CANARY, ROLES, Service

#: Kinds of callers -> the name in the token. The matter they ask about waits in or came from queue `people`.
CALLERS = {
    "holder": "anna",  # agent and member of the queue; where there is a holder it is he
    "member": "boris",
    "other agent": "celine",  # agent, member of other queues only
    "supervisor": "supervisor-1",
    "observer": "observer-1",
    "admin": "admin-1",
    "unknown": "nobody",  # a good token of the same issuer, without a role
    "unknown agent": "gone",  # has the role by the issuer, but the desk does not know him
    "nobody": None,  # no token
}
_DESK = {"holder", "member", "other agent", "supervisor", "observer", "admin"}
_SEE_QUEUE = _DESK - {"other agent"}
_ACT = {"holder", "supervisor", "admin"}

Prepared = tuple[str, Any, dict[str, str]]  # path, body, headers


def _waiting(path: str) -> Callable[[Service], Prepared]:
    def prepare(service: Service) -> Prepared:
        item = service.item()
        return path.format(item=item.id, customer=item.customer_id), None, {}

    return prepare


def _held(path: str, name: str = "") -> Callable[[Service], Prepared]:
    def prepare(service: Service) -> Prepared:
        item = service.claimed("anna")
        body = {"claim_token": item["claim_token"]} if name == "heartbeat" else BODIES.get(name)
        return path.format(item=item["id"]), body, {"If-Match": f'"{item["version"]}"'}

    return prepare


def _offered(path: str) -> Callable[[Service], Prepared]:
    def prepare(service: Service) -> Prepared:
        return path.format(item=service.offered("anna").id), None, {"If-Match": '"1"'}

    return prepare


def _replied(path: str) -> Callable[[Service], Prepared]:
    def prepare(service: Service) -> Prepared:
        said = service.replied("anna")
        return path.format(item=said["item"]["id"], reply=said["reply"]["id"]), None, {}

    return prepare


@dataclass(frozen=True)
class Row:
    """What becomes of a route's request: `allowed` kinds get `status`, those in `special` theirs, all others 403."""

    prepare: Callable[[Service], Prepared]
    allowed: set[str]
    status: int = 200
    special: dict[str, int] = field(default_factory=dict)

    def expected(self, kind: str) -> int:
        if kind in self.special:
            return self.special[kind]
        if kind in self.allowed:
            return self.status
        return 401 if kind == "nobody" else 403


ROWS: dict[tuple[str, str], Row] = {
    ("POST", "/v1/queues/{queue}/claim"): Row(_waiting("/v1/queues/people/claim"), {"holder", "member"}),
    ("POST", "/v1/claim"): Row(_waiting("/v1/claim"), {"holder", "member"}, special={"other agent": 204}),
    ("GET", "/v1/items"): Row(_waiting("/v1/items?queue=people"), _SEE_QUEUE),
    ("GET", "/v1/items/{item_id}"): Row(_held("/v1/items/{item}"), _SEE_QUEUE),
    ("POST", "/v1/items/{item_id}/heartbeat"): Row(
        _held("/v1/items/{item}/heartbeat", "heartbeat"),
        {"holder"},
        special=dict.fromkeys(_SEE_QUEUE - {"holder"}, 409),  # it may have been theirs: they are told whose it is now
    ),
    ("POST", "/v1/items/{item_id}/claim"): Row(_waiting("/v1/items/{item}/claim"), {"holder", "member"}),
    ("POST", "/v1/items/{item_id}/decline"): Row(_offered("/v1/items/{item}/decline"), _ACT),
    ("POST", "/v1/items/{item_id}/release"): Row(_held("/v1/items/{item}/release"), _ACT),
    ("POST", "/v1/items/{item_id}/resolve"): Row(_held("/v1/items/{item}/resolve"), _ACT),
    ("POST", "/v1/items/{item_id}/snooze"): Row(_held("/v1/items/{item}/snooze", "snooze"), _ACT),
    ("POST", "/v1/items/{item_id}/reassign"): Row(_held("/v1/items/{item}/reassign", "reassign"), _ACT),
    ("POST", "/v1/items/{item_id}/reply"): Row(_held("/v1/items/{item}/reply", "send_reply"), {"holder"}),
    ("GET", "/v1/items/{item_id}/replies/{reply_id}"): Row(_replied("/v1/items/{item}/replies/{reply}"), _SEE_QUEUE),
    ("POST", "/v1/items/{item_id}/note"): Row(
        _held("/v1/items/{item}/note", "add_note"), {"holder", "member", "supervisor", "admin"}
    ),
    ("POST", "/v1/items/{item_id}/tags"): Row(_held("/v1/items/{item}/tags", "decide_tags"), _ACT),
    ("GET", "/v1/customers/{customer_id}"): Row(_waiting("/v1/customers/{customer}"), _DESK),
    ("GET", "/v1/customers/{customer_id}/timeline"): Row(_waiting("/v1/customers/{customer}/timeline"), _DESK),
    ("GET", "/v1/queues"): Row(_waiting("/v1/queues"), set(CALLERS) - {"nobody"}),  # of others: no queue at all
    ("PUT", "/v1/agents/{agent_id}/presence"): Row(
        lambda _: ("/v1/agents/anna/presence", {"presence": "away"}, {}), _ACT
    ),
    ("GET", "/v1/agents/{agent_id}"): Row(lambda _: ("/v1/agents/anna", None, {}), _DESK),
    ("GET", "/v1/agents/{agent_id}/mentions"): Row(lambda _: ("/v1/agents/anna/mentions", None, {}), _ACT),
    ("POST", "/v1/agents/{agent_id}/handover"): Row(
        lambda _: ("/v1/agents/anna/handover", BODIES["hand_over"], {}), _ACT
    ),
    ("GET", "/v1/openapi.json"): Row(lambda _: ("/v1/openapi.json", None, {}), set(CALLERS)),
    ("GET", "/v1/health"): Row(_waiting("/v1/health"), set(CALLERS)),
    # A token is worth nothing here: only the provider's signature counts.
    ("POST", "/v1/hooks/{provider}/{installation}"): Row(
        lambda _: ("/v1/hooks/generic/shop-widget", {"id": "d1"}, {}), set(CALLERS), 401
    ),
    ("HEAD", "/v1/hooks/{provider}/{installation}"): Row(
        lambda _: ("/v1/hooks/whatsapp/whatsapp", None, {}), set(CALLERS)
    ),
    ("GET", "/v1/hooks/{provider}/{installation}"): Row(
        lambda _: ("/v1/hooks/whatsapp/whatsapp", None, {}), set(CALLERS), 401
    ),
}


def _routes() -> list[tuple[str, str]]:
    return sorted((operation.method, operation.path) for operation in OPERATIONS)


def test_every_row_has_its_route() -> None:
    assert set(ROWS) == set(_routes())


@pytest.mark.parametrize("kind", CALLERS)
@pytest.mark.parametrize("route", _routes(), ids=" ".join)
def test_route_is_open_to_whom_the_table_says(service: Service, route: tuple[str, str], kind: str) -> None:
    row = ROWS[route]
    path, body, headers = row.prepare(service)
    refused = row.expected(kind) in (401, 403)
    before = service.stored() if refused else None
    answer = _asked(service, kind, route[0], path, body, headers)
    assert answer.status_code == row.expected(kind), answer.body
    if refused:
        assert CANARY not in answer.body.decode()
        assert service.stored() == before


def _asked(service: Service, kind: str, method: str, path: str, body: Any, headers: dict[str, str]) -> HTTPResponse:
    name = CALLERS[kind]
    if kind == "unknown agent":
        headers = {**headers, "Authorization": f"Bearer {service.issuer.token('gone', ['agent'])}"}
        name = None
    return service.ask(method, path, name, body, headers)


OPEN = {"/v1/health": 200, "/v1/openapi.json": 200, "/v1/hooks/{provider}/{installation}": 404}


@pytest.mark.parametrize("route", _routes(), ids=" ".join)
def test_token_is_looked_at_before_anything_else(service: Service, route: tuple[str, str]) -> None:
    """Who has no token learns nothing of what would be wrong with the rest of his request."""
    method, path = route
    parts = dict.fromkeys(parts_of(path), "none")
    query = {"order": "sideways", "limit": "x", "state": "none"}
    answer = service.invoke(method, path, parts, query, {"Idempotency-Key": "x" * 999}, "{")
    assert answer.status_code == OPEN.get(path, 401)


def test_one_agent_holds_several_roles(service: Service) -> None:
    item = service.item(topic="billing")
    token = service.issuer.token("anna", ["agent", "supervisor"])
    headers = {"Authorization": f"Bearer {token}"}
    assert service.ask("GET", f"/v1/items/{item.id}", None, headers=headers).status_code == 200
    assert service.ask("POST", "/v1/queues/billing/claim", None, headers=headers).status_code == 403


def test_roles_of_the_desk_count_when_the_token_names_none(service: Service) -> None:
    item = service.item()
    for name in ROLES:
        answer = service.ask(
            "GET", f"/v1/items/{item.id}", None, headers={"Authorization": f"Bearer {service.issuer.token(name)}"}
        )
        assert answer.status_code == (200 if name not in {"celine", "pia", "solo"} else 403), name


def test_roles_that_are_none_of_ours_open_nothing(service: Service) -> None:
    item = service.item()
    strange: list[Any] = [[], "", "root", ["root"], {"agent": True}, 7, [["agent"]], [{"a": 1}], False, "agents"]
    for claimed in strange:
        headers = {"Authorization": f"Bearer {_token_with_roles(service, claimed)}"}
        assert service.ask("GET", f"/v1/items/{item.id}", None, headers=headers).status_code == 403, claimed
        assert service.ask("POST", "/v1/claim", None, headers=headers).status_code == 403, claimed


def test_roles_as_one_text_are_split(service: Service) -> None:
    headers = {"Authorization": f"Bearer {_token_with_roles(service, 'openid observer')}"}
    assert service.ask("GET", "/v1/queues", None, headers=headers).status_code == 200


def _token_with_roles(service: Service, claimed: Any) -> str:
    return service.issuer.signed({**service.issuer.claims("anna"), "roles": claimed})
