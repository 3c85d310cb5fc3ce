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


def _attached(path: str) -> Callable[[Service], Prepared]:
    def prepare(service: Service) -> Prepared:
        item = service.item(files=((f"{CANARY}.pdf", "application/pdf", b"%PDF-"),))
        return path.format(customer=item.customer_id), None, {}

    return prepare


def _two_messages(service: Service) -> Prepared:
    item = service.claimed("anna")
    service.further(item)
    now = service.world.table.item(item["id"])
    newest = service.world.table.history(now.id)[-1].id
    return f"/v1/items/{now.id}/split", {"events": [newest]}, {"If-Match": f'"{now.version}"'}


def _two_items(verb: str, field: str) -> Callable[[Service], Prepared]:
    """Two items of one customer."""

    def prepare(service: Service) -> Prepared:
        item = service.claimed("anna")
        customer = service.world.table.customer(item["customer_id"])
        other = service.item(customer=customer)
        return f"/v1/items/{item['id']}/{verb}", {field: other.id}, {"If-Match": f'"{item["version"]}"'}

    return prepare


def _done(verb: str, *before: tuple[str, str]) -> Callable[[Service], Prepared]:
    """An item with which something was done that is taken back."""

    def prepare(service: Service) -> Prepared:
        path, body, headers = _two_items(*before[0])(service) if before else _held("/v1/items/{item}/resolve")(service)
        done = service.ask("POST", path, "anna", body, headers)
        assert done.status_code == 200, done.body
        item = done.json_body.get("item", done.json_body)
        return f"/v1/items/{item['id']}/{verb}", None, {"If-Match": f'"{item["version"]}"'}

    return prepare


def _two_customers(verb: str) -> Callable[[Service], Prepared]:
    def prepare(service: Service) -> Prepared:
        one, other = (service.item().customer_id for _ in range(2))
        if verb == "unlink":
            assert service.ask("POST", f"/v1/customers/{one}/link", "anna", {"other": other}).status_code == 200
        return f"/v1/customers/{one}/{verb}", {"other": other}, {}

    return prepare


def _set_aside(verb: str) -> Callable[[Service], Prepared]:
    """An item in quarantine, where only celine is a member; or one that was let out of it."""

    def prepare(service: Service) -> Prepared:
        item = service.quarantined()
        version = item.version
        if verb == "set-aside":
            version = service.write({"id": item.id, "version": version}, "admit", "admin-1").json_body["version"]
        return f"/v1/items/{item.id}/{verb}", None, {"If-Match": f'"{version}"'}

    return prepare


def _marked(verb: str) -> Callable[[Service], Prepared]:
    def prepare(service: Service) -> Prepared:
        path = f"/v1/customers/{service.item().customer_id}"
        if verb == "unmark":
            assert service.ask("POST", f"{path}/mark", "supervisor-1", {"mark": "vip"}).status_code == 200
        return f"{path}/{verb}", {"mark": "vip"}, {}

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
    ("POST", "/v1/items/{item_id}/escalate"): Row(_held("/v1/items/{item}/escalate", "escalate"), _ACT),
    ("POST", "/v1/items/{item_id}/admit"): Row(_set_aside("admit"), {"other agent", "supervisor", "admin"}),
    # Its members see it only as long as it is in quarantine, or in a queue of theirs.
    ("POST", "/v1/items/{item_id}/set-aside"): Row(_set_aside("set-aside"), {"supervisor", "admin"}),
    ("POST", "/v1/customers/{customer_id}/mark"): Row(_marked("mark"), {"supervisor", "admin"}),
    ("POST", "/v1/customers/{customer_id}/unmark"): Row(_marked("unmark"), {"supervisor", "admin"}),
    ("POST", "/v1/items/{item_id}/reply"): Row(_held("/v1/items/{item}/reply", "send_reply"), {"holder"}),
    ("GET", "/v1/items/{item_id}/replies/{reply_id}"): Row(_replied("/v1/items/{item}/replies/{reply}"), _SEE_QUEUE),
    ("POST", "/v1/items/{item_id}/note"): Row(
        _held("/v1/items/{item}/note", "add_note"), {"holder", "member", "supervisor", "admin"}
    ),
    ("POST", "/v1/items/{item_id}/tags"): Row(_held("/v1/items/{item}/tags", "decide_tags"), _ACT),
    ("POST", "/v1/items/{item_id}/reopen"): Row(_done("reopen"), _ACT),
    ("POST", "/v1/items/{item_id}/split"): Row(_two_messages, _ACT),
    ("POST", "/v1/items/{item_id}/merge"): Row(_two_items("merge", "into"), _ACT),
    ("POST", "/v1/items/{item_id}/unmerge"): Row(_done("unmerge", ("merge", "into")), _ACT),
    ("POST", "/v1/items/{item_id}/link"): Row(_two_items("link", "to"), _ACT),
    ("POST", "/v1/items/{item_id}/unlink"): Row(_done("unlink", ("link", "to")), _ACT),
    ("POST", "/v1/customers/{customer_id}/link"): Row(_two_customers("link"), _DESK - {"observer"}),
    ("POST", "/v1/customers/{customer_id}/unlink"): Row(_two_customers("unlink"), _DESK - {"observer"}),
    ("GET", "/v1/customers/{customer_id}"): Row(_waiting("/v1/customers/{customer}"), _DESK),
    ("GET", "/v1/customers/{customer_id}/timeline"): Row(_waiting("/v1/customers/{customer}/timeline"), _DESK),
    ("GET", "/v1/customers/{customer_id}/attachments/{seq}/{number}"): Row(
        _attached("/v1/customers/{customer}/attachments/1/1"), _DESK
    ),
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
    # Nor here: a visitor has a token of his own, and a page its origin.
    ("POST", "/v1/widget/{installation}/session"): Row(
        lambda _: ("/v1/widget/shop-page/session", {}, {"Origin": "https://desk.example.com"}),
        set(),
        403,
        special={"nobody": 403},
    ),
    ("POST", "/v1/widget/{installation}/messages"): Row(
        lambda _: ("/v1/widget/shop-page/messages", BODIES["write_message"], {"Origin": "https://shop.example.com"}),
        set(CALLERS),
        401,
    ),
    ("GET", "/v1/widget/{installation}/replies"): Row(
        lambda _: ("/v1/widget/shop-page/replies", None, {}), set(CALLERS), 401
    ),
    ("GET", "/v1/widget.js"): Row(lambda _: ("/v1/widget.js", None, {}), set(CALLERS)),
}


def _routes() -> list[tuple[str, str]]:
    return sorted((operation.method, operation.path) for operation in OPERATIONS)


def test_every_row_has_its_route() -> None:
    """With `-s` the whole matrix is printed, as the routes are: statuses for each kind of caller."""
    width = max(len(" ".join(route)) for route in _routes())
    print("\n" + " " * width, *(f"{kind:>13}" for kind in CALLERS))
    for route in _routes():
        said = (str(ROWS[route].expected(kind)) if route in ROWS else "no row" for kind in CALLERS)
        print(f"{' '.join(route):{width}}", *(f"{status:>13}" for status in said))
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


OPEN = {
    "/v1/health": 200, "/v1/openapi.json": 200, "/v1/widget.js": 200, "/v1/hooks/{provider}/{installation}": 404,
    "/v1/widget/{installation}/session": 400, "/v1/widget/{installation}/replies": 404,
    "/v1/widget/{installation}/messages": 403,
}  # fmt: skip


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
