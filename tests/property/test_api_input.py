"""Whatever comes in, every route answers with a status it is documented to have, and never fails by itself."""

import base64
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import app
from chalicelib.flows.receive import delivery as receive
from tests.unit.api.service import ROLES, Service, chat, running, signed

ROUTES = sorted((method, path) for path, methods in app.app.routes.items() for method in methods)
HOOK = "/v1/hooks/{provider}/{installation}"
#: What docs/api.md says may come back; 404 also where a name in the path is strange, 415 everywhere.
STATUSES = {
    ("POST", "/v1/queues/{queue}/claim"): {200, 204, 400, 401, 403, 404, 409},
    ("POST", "/v1/claim"): {200, 204, 400, 401, 403, 409},
    ("GET", "/v1/items"): {200, 400, 401, 403, 404},
    ("GET", "/v1/items/{item_id}"): {200, 401, 403, 404},
    ("POST", "/v1/items/{item_id}/heartbeat"): {200, 400, 401, 403, 404, 409},
    ("POST", "/v1/items/{item_id}/release"): {200, 400, 401, 403, 404, 409, 428},
    ("POST", "/v1/items/{item_id}/resolve"): {200, 400, 401, 403, 404, 409, 428},
    ("GET", "/v1/customers/{customer_id}"): {200, 401, 403, 404},
    ("GET", "/v1/customers/{customer_id}/timeline"): {200, 400, 401, 403, 404},
    ("GET", "/v1/queues"): {200, 401},
    ("PUT", "/v1/agents/{agent_id}/presence"): {200, 400, 401, 403, 404},
    ("GET", "/v1/health"): {200},
    ("POST", HOOK): {202, 400, 401, 404},
}
SLOW = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """One service, with one item held by anna and one that waits."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as service:
        held = service.claimed("anna")
        NAMES.update(item_id=held["id"], customer_id=held["customer_id"], token=held["claim_token"])
        service.item()
        yield service


#: Names that exist, filled in when the service runs: random input beside them goes further in.
NAMES = {
    "queue": "people", "agent_id": "anna", "provider": "generic", "installation": "shop-widget", "item_id": "none",
    "customer_id": "none", "token": "none",
}  # fmt: skip

anything = st.text(st.characters(), max_size=40)  # with lone surrogates: an event is JSON, and JSON can hold them
texts = anything | st.sampled_from(["", "#", "0", "1", "2", '"2"', "queued", "people", "oldest", "\0", "a" * 3000])
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | anything,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(anything, inner, max_size=4),
    max_leaves=8,
)
known_fields = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("claim_token", "presence", "id", "conversation", "visitor", "text", "sent_at", "attachments"), json_values
    ),
)
bodies = st.binary(max_size=60) | (json_values | known_fields).map(lambda value: json.dumps(value).encode())
headers = st.dictionaries(
    st.sampled_from(
        ["If-Match", "Idempotency-Key", "Content-Type", "Accept", "X-Sortownia-Timestamp", "X-Sortownia-Signature", "X"]
    ),
    texts,
    max_size=4,
)
queries = st.dictionaries(
    st.sampled_from(["limit", "order", "cursor", "state", "holder", "queue", "x"]), texts, max_size=4
)
callers = st.sampled_from([*ROLES, "nobody"]).map(lambda name: ("name", name)) | texts.map(lambda said: ("said", said))


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
@settings(max_examples=120, deadline=None, suppress_health_check=SLOW, derandomize=True, database=None)
@given(data=st.data())
def test_any_request_gets_a_documented_answer(service: Service, route: tuple[str, str], data: st.DataObject) -> None:
    method, path = route
    parts = {name: data.draw(st.just(NAMES[name]) | texts, label=name) for name in re.findall(r"{(\w+)}", path)}
    kind, said = data.draw(callers, label="caller")
    sent = data.draw(headers, label="headers")
    sent["Authorization"] = f"Bearer {service.token(said)}" if kind == "name" else said
    encoded = data.draw(st.booleans(), label="encoded")
    raw = data.draw(bodies, label="body")
    body = base64.b64encode(raw).decode() if encoded else raw.decode("utf-8", "surrogateescape")
    query = data.draw(queries, label="query")
    answer = service.invoke(method, path, parts, query, sent, body, encoded)
    assert answer.status_code in STATUSES[route] | {415}, (answer.status_code, answer.body)


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW, derandomize=True, database=None)
@given(raw=bodies, encoded=st.booleans())
def test_any_signed_body_is_taken_or_refused(service: Service, raw: bytes, encoded: bool) -> None:
    if not encoded:
        raw = raw.decode("utf-8", "replace").encode()  # API Gateway hands text bodies on as text
    body = base64.b64encode(raw).decode() if encoded else raw.decode()
    parts = {"provider": "generic", "installation": "shop-widget"}
    answer = service.invoke("POST", HOOK, parts, headers=signed(raw), body=body, base64_encoded=encoded)
    assert answer.status_code in {202, 400}
    assert (answer.status_code == 202) == (service.depth(service.world.settings.inbound_queue_url) != "0")
    service.cloud.bodies(service.world.settings.inbound_queue_url)


names = st.text(st.characters(), min_size=1, max_size=30).filter(str.strip)


@settings(max_examples=30, deadline=None, suppress_health_check=SLOW, derandomize=True, database=None)
@given(
    delivery=names, conversation=names, visitor=names, text=names, name=anything, email=anything, sent_at=anything,
    attachments=st.lists(st.fixed_dictionaries({"name": anything, "type": anything}), max_size=3),
)  # fmt: skip
def test_any_message_of_a_visitor_reaches_people(
    service: Service, delivery: str, conversation: str, visitor: str, text: str, name: str, email: str, sent_at: str,
    attachments: list[dict[str, str]],
) -> None:  # fmt: skip
    said = chat(delivery, text) | {
        "conversation": conversation, "visitor": {"id": visitor, "name": name, "email": email}, "sent_at": sent_at,
        "attachments": attachments,
    }  # fmt: skip
    assert service.hook(said).status_code == 202
    [notice] = service.cloud.bodies(service.world.settings.inbound_queue_url)
    outcome = receive(json.dumps(notice), "sqs-1", 1, service.world)
    assert outcome in {"queued", "handled before"}
    for item in service.ask("GET", "/v1/items", "admin-1", state="queued", order="newest", limit="1").json_body[
        "items"
    ]:
        timeline = service.ask("GET", f"/v1/customers/{item['customer_id']}/timeline", "admin-1")
        assert timeline.status_code == 200


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW, derandomize=True, database=None)
@given(header=json_values, claims=json_values, signature=st.binary(max_size=20))
def test_anything_that_looks_like_a_token_is_none(service: Service, header: Any, claims: Any, signature: bytes) -> None:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    answer = service.invoke("GET", "/v1/queues", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


token_headers = st.fixed_dictionaries(
    {"alg": st.sampled_from(["RS256", "none", "HS256"]) | json_values, "kid": st.just("key-1") | json_values},
    optional=dict.fromkeys(("typ", "crit", "b64", "jwk", "jku", "x5u"), json_values),
)
token_claims = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("iss", "aud", "sub", "exp", "iat", "nbf", "roles"), json_values)
)


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW, derandomize=True, database=None)
@given(header=token_headers, claims=token_claims)
def test_no_header_makes_an_unsigned_token_good(
    service: Service, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    said = {**service.issuer.claims("anna", ["admin"]), **claims}
    parts = [json.dumps(header).encode(), json.dumps(said).encode(), b"signature"]
    token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    answer = service.invoke("GET", "/v1/queues", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
