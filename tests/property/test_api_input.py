"""Whatever comes in, every route answers with a status it is documented to have, and never fails by itself."""

import base64
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.api import OPERATIONS
from chalicelib.api.openapi import document
from chalicelib.api.operation import Operation
from chalicelib.flows.receive import delivery as receive
from tests.unit.api.service import ROLES, Service, chat, running, signed

HOOK = "/v1/hooks/{provider}/{installation}"
#: What the description says may come back, but for failures of ours.
STATUSES = {
    said["operationId"]: {int(status) for status in said["responses"]} - {500, 503}
    for methods in document(OPERATIONS)["paths"].values()
    for said in methods.values()
}
SLOW = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """One service, with an item held by anna, one she has answered, and one that waits."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as service:
        held, said = service.claimed("anna"), service.replied("anna")
        visitor = service.ask("POST", "/v1/widget/shop-page/session", None, {}, {"Origin": SHOP}).json_body
        CALLERS_SAID.append(visitor["token"])
        NAMES.update(item_id=held["id"], customer_id=held["customer_id"], reply_id=said["reply"]["id"])
        service.item()
        yield service


#: Names that exist, filled in when the service runs: random input beside them goes further in.
NAMES = {
    "queue": "people", "agent_id": "anna", "provider": "generic", "installation": "shop-widget", "item_id": "none",
    "customer_id": "none", "reply_id": "none", "seq": "1", "number": "1",
}  # fmt: skip

anything = st.text(st.characters(), max_size=40)  # with lone surrogates: an event is JSON, and JSON can hold them
texts = anything | st.sampled_from(["", "#", "0", "1", "2", '"2"', "queued", "people", "oldest", "\0", "a" * 3000])
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | anything,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(anything, inner, max_size=4),
    max_leaves=8,
)
good_values = st.sampled_from(
    ["order", "orders", "boris", "present", "keep", "2030-01-01T00:00:00Z", ["boris"], "high"]
)
known_fields = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        (
            "claim_token",
            "presence",
            "id",
            "conversation",
            "visitor",
            "text",
            "sent_at",
            "attachments",
            "until",
            "to_agent",
            "to_queue",
            "to_topic",
            "reason",
            "then",
            "mentions",
            "topic",
            "urgency",
            "to",
            "preview",
            "key",
        ),
        json_values | good_values,
    ),
)
bodies = st.binary(max_size=60) | (json_values | known_fields).map(lambda value: json.dumps(value).encode())
headers = st.dictionaries(
    st.sampled_from(
        [
            "If-Match",
            "Idempotency-Key",
            "Content-Type",
            "Accept",
            "X-Sortownia-Timestamp",
            "X-Sortownia-Signature",
            "X",
            "Origin",
        ]
    ),
    texts,
    max_size=4,
)
queries = st.dictionaries(
    st.sampled_from(["limit", "order", "cursor", "state", "holder", "queue", "offered_to", "pinned_to", "x", "after"]),
    texts,
    max_size=4,
)
callers = st.sampled_from([*ROLES, "nobody"]).map(lambda name: ("name", name)) | texts.map(lambda said: ("said", said))
#: The token of a visitor of our widget, once the service runs.
CALLERS_SAID: list[str] = []
SHOP = "https://shop.example.com"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@settings(max_examples=60, deadline=None, suppress_health_check=SLOW, derandomize=True, database=None)
@given(data=st.data())
def test_any_request_gets_a_documented_answer(service: Service, operation: Operation, data: st.DataObject) -> None:
    names = NAMES | ({"installation": "shop-page"} if operation.from_page else {})
    parts = {name: data.draw(st.just(names[name]) | texts, label=name) for name in operation.parts}
    kind, said = data.draw(callers, label="caller")
    sent = data.draw(headers, label="headers")
    sent["Authorization"] = f"Bearer {service.token(said)}" if kind == "name" else said
    if operation.from_page and data.draw(st.booleans(), label="from a page"):
        sent |= {"Authorization": f"Bearer {CALLERS_SAID[0]}", "Origin": SHOP}
    encoded = data.draw(st.booleans(), label="encoded")
    raw = data.draw(bodies, label="body")
    body = base64.b64encode(raw).decode() if encoded else raw.decode("utf-8", "surrogateescape")
    query = data.draw(queries, label="query")
    answer = service.invoke(operation.method, operation.path, parts, query, sent, body, encoded)
    assert answer.status_code in STATUSES[operation.name], (answer.status_code, answer.body)


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
