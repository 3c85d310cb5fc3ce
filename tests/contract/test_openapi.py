"""The API keeps what its own description promises, whatever is sent to it."""

import base64
import json
import re
import tempfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest
import schemathesis
from chalice.test import HTTPResponse
from hypothesis import HealthCheck, settings
from schemathesis.core.parameters import ParameterLocation

from chalicelib.api import OPERATIONS
from chalicelib.api.openapi import document
from chalicelib.api.operation import Operation
from tests.cloud import SECRET, STACK
from tests.unit.api.service import BODIES, Service, in_days, running, signed

ROUTES = {(operation.method, operation.path): operation for operation in OPERATIONS}
PATTERNS = {path: re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]*)", path)) for _, path in ROUTES}
#: Who asks. Most of the API is for agents; `None` brings no token.
CALLERS = ("anna", "anna", "anna", "supervisor-1", "supervisor-1", "observer-1", "celine", None)
#: What random names would never hit: those of the desk.
OF_THE_DESK: dict[str, Any] = {
    "to_agent": "boris", "to_queue": "orders", "to_topic": "billing", "topic": "order", "to": "boris",
    "mentions": ["boris"], "queue": "people", "holder": "anna", "offered_to": "anna", "pinned_to": "anna",
    "agent_id": "anna", "provider": "generic", "installation": "shop-widget",
}  # fmt: skip
#: What a handshake needs.
OF_META: dict[str, Any] = {
    "provider": "whatsapp", "installation": "whatsapp", "hub.mode": "subscribe", "hub.verify_token": "the-word",
}  # fmt: skip
SIGNATURE, TO_BE_SIGNED = "X-Sortownia-Signature", "made when the bytes of the body are there"
#: A page with our widget.
PAGE = {"installation": "shop-page", "Origin": "https://shop.example.com"}
#: Who may do what anna may not.
ABLE = dict.fromkeys(("mark_customer", "unmark_customer", "admit", "set_aside"), "supervisor-1")
#: Scenes after which moto gets slow, and hands are full.
ENOUGH = 10
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much, HealthCheck.large_base_example)


class Front:
    """The API as a WSGI application: requests become events as API Gateway makes them."""

    service: Service

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        target = environ["REQUEST_URI"].partition("?")[0]  # the path as it was sent: WSGI's own is decoded
        matches = ((path, pattern.fullmatch(target)) for path, pattern in PATTERNS.items())
        path, match = next((path, match) for path, match in matches if match)
        parts = {name: unquote(part) for name, part in match.groupdict().items()}
        query = {name: values[-1] for name, values in parse_qs(environ["QUERY_STRING"], keep_blank_values=True).items()}
        headers = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        headers |= {"Content-Type": environ["CONTENT_TYPE"]} if environ.get("CONTENT_TYPE") else {}
        raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if headers.get(SIGNATURE.upper()) == TO_BE_SIGNED:
            headers |= {name.upper(): value for name, value in signed(raw).items()}
        answer = self._asked(environ["REQUEST_METHOD"], path, parts, query, headers, raw)
        start(f"{answer.status_code} -", [(name, str(value)) for name, value in answer.headers.items()])
        return [answer.body]

    def _asked(self, *request: Any) -> HTTPResponse:
        *known, raw = request
        return self.service.invoke(*known, body=base64.b64encode(raw).decode(), base64_encoded=True)


front = Front()
schema = schemathesis.openapi.from_dict(
    document(OPERATIONS),
    config=schemathesis.Config.from_dict(
        {
            "checks": {
                # What is well-formed may still name nothing of the desk: where it does, the test below asks for 2xx.
                "positive_data_acceptance": {"enabled": False},
                "missing_required_header": {"expected-statuses": [400, 401, 403, 404, 428]},
            },
            "base-url": "http://localhost",
            "seed": 1,
            "generation": {"with-security-parameters": False, "allow-x00": False},
        }
    ),
)
schema.app = front


class Scenes:
    """Brings about what a request needs to succeed, and keeps count of what became of all requests."""

    def __init__(self, service: Service) -> None:
        self.service, self.statuses = service, defaultdict[str, Counter[int]](Counter)
        self._last, self._made = "", 0

    def needed_by(self, operation: Operation) -> dict[str, Any]:
        """Names and values of fields and headers with which this very operation works now, for anna."""
        if self._last != operation.name or self._made >= ENOUGH:
            self.service.empty()
            self._last, self._made = operation.name, 0
            if operation.name in ("reassign", "hand_over"):
                self.service.ask("PUT", "/v1/agents/boris/presence", "admin-1", {"presence": "present"})
        self._made += 1
        own = {"until": in_days(1), "Idempotency-Key": f"k{self._made}", "id": f"d{self._made}"}
        if operation.from_page:
            return own | PAGE | {"id": f"m-{self._made:07}", "visitor": None, "key": self.session["key"]}
        of_meta = OF_META if operation.name == "shake_hands" else {}
        return OF_THE_DESK | own | of_meta | self._item(operation)

    @cached_property
    def session(self) -> dict[str, Any]:
        """A visitor's session, good for all the while."""
        path = f"/v1/widget/{PAGE['installation']}/session"
        answer = self.service.ask("POST", path, None, {}, {"Origin": PAGE["Origin"]})
        said: dict[str, Any] = answer.json_body
        return said

    def has_worked(self, name: str) -> bool:
        """Whether an operation has answered with success so far."""
        return any(status < 300 for status in self.statuses[name])

    def _item(self, operation: Operation) -> dict[str, Any]:
        if "item_id" not in operation.parts and "customer_id" not in operation.parts and "claim" not in operation.name:
            return {}
        if operation.name == "decline":
            item = self.service.offered("anna")
            return {"item_id": item.id, "If-Match": f'"{item.version}"'}
        item = self.service.item(files=(("umowa.pdf", "application/pdf", b"%PDF-"),))
        names = {"item_id": item.id, "customer_id": item.customer_id, "seq": "1", "number": "1"}
        if operation.name in ("claim_in_queue", "claim_in_mine", "claim_item"):
            return names
        held = self.service.ask("POST", f"/v1/items/{item.id}/claim").json_body
        names |= {"claim_token": held["claim_token"], "If-Match": f'"{held["version"]}"'}
        if prepare := getattr(self, f"_to_{operation.name}", None):
            names |= prepare(held)
        if operation.name == "read_reply":
            said = self.service.write(held, "reply", body={"text": "Tomorrow."}).json_body
            names["reply_id"] = said["reply"]["id"]
        return names

    def _to_split(self, held: Any) -> dict[str, Any]:
        self.service.further(held)
        now = self.service.world.table.item(held["id"])
        return {"events": [self.service.world.table.history(now.id)[-1].id], "If-Match": f'"{now.version}"'}

    def _to_merge(self, held: Any) -> dict[str, Any]:
        customer = self.service.world.table.customer(held["customer_id"])
        return {"into": self.service.item(customer=customer).id}

    def _to_unmerge(self, held: Any) -> dict[str, Any]:
        return self._done(held, "merge", self._to_merge(held))

    def _to_link(self, _held: Any) -> dict[str, Any]:
        return {"to": self.service.item().id}

    def _to_unlink(self, held: Any) -> dict[str, Any]:
        return self._done(held, "link", self._to_link(held))

    def _to_reopen(self, held: Any) -> dict[str, Any]:
        return self._done(held, "resolve", None)

    def _to_link_customer(self, _held: Any) -> dict[str, Any]:
        return {"other": self.service.item().customer_id}

    def _to_unlink_customer(self, held: Any) -> dict[str, Any]:
        other = self._to_link_customer(held)
        assert self.service.ask("POST", f"/v1/customers/{held['customer_id']}/link", body=other).status_code == 200
        return other

    def _to_mark_customer(self, _held: Any) -> dict[str, Any]:
        return {"mark": "vip"}

    def _to_unmark_customer(self, held: Any) -> dict[str, Any]:
        path = f"/v1/customers/{held['customer_id']}/mark"
        assert self.service.ask("POST", path, "supervisor-1", {"mark": "vip"}).status_code == 200
        return {"mark": "vip"}

    def _to_admit(self, _held: Any) -> dict[str, Any]:
        item = self.service.quarantined()
        return {"item_id": item.id, "If-Match": f'"{item.version}"'}

    def _to_set_aside(self, _held: Any) -> dict[str, Any]:
        item = self.service.write({"id": (made := self.service.quarantined()).id, "version": made.version}, "admit",
                                  "supervisor-1").json_body  # fmt: skip
        return {"item_id": item["id"], "If-Match": f'"{item["version"]}"'}

    def _done(self, held: Any, verb: str, body: Any) -> dict[str, Any]:
        done = self.service.write(held, verb, body=body).json_body
        return {"If-Match": f'"{done.get("item", done)["version"]}"'}


@pytest.fixture(scope="module")
def scenes() -> Iterator[Scenes]:
    """The API with a desk. In the end every operation must have been seen to work, not only to refuse."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as service:
        front.service = service
        secret = json.dumps({"signing": SECRET, "verify": OF_META["hub.verify_token"]})
        service.cloud.secrets.put_secret_value(SecretId=f"{STACK}/hooks/whatsapp", SecretString=secret)
        scenes = Scenes(service)
        yield scenes
    for name, statuses in scenes.statuses.items():
        print(f"{name:16} {sum(statuses.values()):5} {dict(sorted(statuses.items()))}")
    assert [name for name in scenes.statuses if not scenes.has_worked(name)] == []


def _check(case: schemathesis.Case, scenes: Scenes) -> None:
    """One request: half of them aimed at what exists, by somebody who may, in the state in which it may be done."""
    operation = ROUTES[case.operation.method.upper(), case.operation.path]
    turn = zlib.crc32(repr((case.path_parameters, case.query, case.headers, case.body)).encode("utf-8", "replace"))
    asks_it = case.method == case.operation.method.upper()
    good = asks_it and case.meta is not None and case.meta.generation.mode.is_positive
    who, aimed = CALLERS[turn % len(CALLERS)], asks_it and turn // len(CALLERS) % 2 == 0
    able = ABLE.get(operation.name, "anna")
    if good and not scenes.has_worked(operation.name):
        who, aimed = able, True
    headers = {"Authorization": f"Bearer {scenes.service.token(who)}"} if who else {}
    if operation.to_visitors and turn % 4:
        headers = {"Authorization": f"Bearer {scenes.session['token']}"}
    if aimed:
        _aim(case, scenes.needed_by(operation))
        headers |= (
            {SIGNATURE: TO_BE_SIGNED} if operation.signed and not _is_negative(case, ParameterLocation.HEADER) else {}
        )
    if aimed and operation.polled and turn % 3 == 0:
        headers["If-None-Match"] = case.call(headers=headers).headers.get("etag", ["none"])[0]
    response = case.call_and_validate(headers=headers)
    if asks_it:
        scenes.statuses[operation.name][response.status_code] += 1
    if good and aimed and (who == able or operation.signed) and not (operation.to_visitors and turn % 4 == 0):
        assert response.status_code < 400, f"{operation.name}: {response.status_code} {response.text}"


def _aim(case: schemathesis.Case, needed: dict[str, Any]) -> None:
    """Puts what exists where the case names something; what it has wrong on purpose stays wrong."""
    if not _is_negative(case, ParameterLocation.PATH):
        for name in case.path_parameters or {}:
            case.path_parameters[name] = needed[name]
    if not _is_negative(case, ParameterLocation.HEADER) and case.headers:
        for name in case.headers.keys() & {"If-Match", "Idempotency-Key", "Origin"}:
            case.headers[name] = needed[name]
    if not _is_negative(case, ParameterLocation.QUERY):
        case.query |= {name: value for name, value in needed.items() if name.startswith("hub.")}
    if not _is_negative(case, ParameterLocation.QUERY) and case.query:
        case.query.pop("cursor", None)
        filters = [name for name in case.query if name in (*OF_THE_DESK, "state")]
        for name in filters[1:]:
            del case.query[name]
        for name in filters[:1]:
            case.query[name] = needed.get(name, case.query[name])
    if not _is_negative(case, ParameterLocation.BODY) and isinstance(case.body, dict):
        for name in case.body.keys() & needed.keys():
            case.body[name] = needed[name] if case.body[name] else case.body[name]
        case.body = _usual(case.body)


def _is_negative(case: schemathesis.Case, location: ParameterLocation) -> bool:
    return case.meta is not None and case.meta.is_negative_at(location)


def _usual(value: Any) -> Any:
    """What is taken without its being said in the schema: texts that say something, whole numbers without a point."""
    if isinstance(value, dict):
        return {name: _usual(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_usual(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return "It comes tomorrow." if isinstance(value, str) and not value.strip() else value


@schema.parametrize()
@settings(max_examples=6, deadline=None, derandomize=True, database=None, suppress_health_check=SLOW)
def test_any_request_is_answered_as_described(case: schemathesis.Case, scenes: Scenes) -> None:
    _check(case, scenes)


@pytest.mark.long
@pytest.mark.timeout(3600)
@schema.parametrize()
@settings(max_examples=300, deadline=None, database=None, suppress_health_check=SLOW)
def test_very_many_requests_are_answered_as_described(case: schemathesis.Case, scenes: Scenes) -> None:
    _check(case, scenes)


def test_description_is_served_to_anybody(scenes: Scenes) -> None:
    answer = scenes.service.ask("GET", "/v1/openapi.json", None)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json_body == json.loads(json.dumps(document(OPERATIONS)))


def test_description_names_every_operation_once() -> None:
    described = [(method.upper(), path, said["operationId"]) for path, methods in document(OPERATIONS)["paths"].items()
                 for method, said in methods.items()]  # fmt: skip
    assert sorted(described) == sorted((o.method, o.path, o.name) for o in OPERATIONS)


def test_body_may_be_left_out_only_where_an_empty_one_does() -> None:
    said = [said for methods in document(OPERATIONS)["paths"].values() for said in methods.values()]
    needed = {one["operationId"]: one["requestBody"]["required"] for one in said if "requestBody" in one}
    assert [name for name, is_needed in needed.items() if not is_needed] == [
        "set_aside",
        "decide_tags",
        "reopen",
        "unmerge",
        "unlink",
        "open_session",
    ]
    assert needed.keys() == {*BODIES, "receive"}
