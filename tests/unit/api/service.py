"""The real API in this process: real tokens, real table rows on moto, requests as API Gateway sends them."""

import itertools
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from chalice.local import LambdaContext
from chalice.test import Client, HTTPResponse
from moto import mock_aws

import app
from chalicelib import policy
from chalicelib.aws import clients
from chalicelib.flows import receive
from chalicelib.intake import email
from chalicelib.intake.chat import generic
from chalicelib.item.arrive import Arrival, Known, may_be_offered, message_arrived
from chalicelib.item.change import Delivery
from chalicelib.item.item import Customer, Item, Tagging
from chalicelib.item.state import State
from chalicelib.store.rows import from_wire, item_of
from chalicelib.world import World, world
from tests import letters
from tests.cloud import REGION, SECRET, Cloud
from tests.crash.quick_moto import make_quick
from tests.unit.api.issuer import AUDIENCE, Issuer, serving

DESK = Path(__file__).with_name("desk.toml")
ROLES = {
    "anna": ["agent"], "boris": ["agent"], "anna#1": ["agent"], "celine": ["agent"], "pia": ["agent"],
    "solo": ["agent"], "supervisor-1": ["supervisor"], "observer-1": ["observer"], "admin-1": ["admin"],
}  # fmt: skip
#: Personal words that stand in every item: nobody who is refused may read them.
CANARY = "Zażółć gęślą jaźń"
_PROBLEM = {"type", "title", "status", "detail"}
_count = itertools.count()


class Service:
    """Requests to the API and a look at everything it has stored."""

    def __init__(self, cloud: Cloud, issuer: Issuer, folder: Path) -> None:
        self.cloud, self.issuer = cloud, issuer
        self._tokens: dict[str, str] = {}
        self._client = Client(app.app, project_dir=str(folder))

    @property
    def world(self) -> World:
        """The world the API uses."""
        return world()

    # Asking

    def token(self, name: str) -> str:
        """A good token for somebody of the desk; for anybody else one that says nothing of roles."""
        if name not in self._tokens:
            self._tokens[name] = self.issuer.token(name, ROLES.get(name))
        return self._tokens[name]

    def ask(
        self,
        method: str,
        path: str,
        who: str | None = "anna",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> HTTPResponse:
        """A request's answer; `body` is sent as it is when it is bytes, else as JSON."""
        sent = {"Authorization": f"Bearer {self.token(who)}"} if who else {}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        target = f"{path}?{urlencode(query)}" if query else path
        answer = self._client.http.request(method, target, {**sent, **(headers or {})}, raw)
        return self._checked(answer)

    def invoke(
        self,
        method: str,
        resource: str,
        parts: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
        base64_encoded: bool = False,
    ) -> HTTPResponse:
        """The answer to an event as API Gateway hands it to the function: parts of the path stand there decoded."""
        event = {
            "resource": resource, "path": resource, "httpMethod": method,
            "headers": dict(headers or {}), "multiValueHeaders": {k: [v] for k, v in (headers or {}).items()},
            "queryStringParameters": dict(query) if query else None,
            "multiValueQueryStringParameters": {k: [v] for k, v in query.items()} if query else None,
            "pathParameters": dict(parts) if parts else None, "stageVariables": None,
            "requestContext": {"resourcePath": resource, "httpMethod": method, "path": resource, "identity": {}},
            "body": body, "isBase64Encoded": base64_encoded,
        }  # fmt: skip
        return self._checked(HTTPResponse.create_from_dict(app.app(event, LambdaContext("api_handler", 256))))

    def authorized(self, who: str = "anna", **more: str) -> dict[str, str]:
        """Headers of somebody's request."""
        return {"Authorization": f"Bearer {self.token(who)}", **{k.replace("_", "-"): v for k, v in more.items()}}

    def hook(
        self,
        body: Any,
        secret: str = SECRET,
        at: float = 0,
        installation: str = "shop-widget",
        provider: str = "generic",
        **headers: str | None,
    ) -> HTTPResponse:
        """A provider's signed webhook. `at` moves its timestamp by seconds; headers replace (None: leave out) ours."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent: dict[str, str | None] = {
            **signed(raw, secret, at),
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        given = {name: value for name, value in sent.items() if value is not None}
        return self.ask("POST", f"/v1/hooks/{provider}/{installation}", who=None, body=raw, headers=given)

    def _checked(self, answer: HTTPResponse) -> HTTPResponse:
        """Every error is a problem of RFC 9457, whoever found it, and nothing is kept by caches between."""
        if answer.status_code >= 400:
            assert answer.headers.get("Content-Type") == "application/problem+json", answer.headers
            assert answer.json_body.keys() >= _PROBLEM, answer.body
            assert answer.json_body["status"] == answer.status_code
            assert answer.json_body["type"].startswith("urn:sortownia:problem:")
            assert all(isinstance(answer.json_body[name], str) for name in _PROBLEM - {"status"})
            assert b"Traceback" not in answer.body
        script = answer.status_code in (200, 304) and answer.headers.get("Content-Type", "").startswith(
            "text/javascript"
        )
        assert answer.headers["Cache-Control"] == ("public, max-age=86400" if script else "no-store")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert not any("\n" in str(value) or "\r" in str(value) for value in answer.headers.values())
        return answer

    # What is there

    def item(
        self,
        topic: str = "other",
        urgency: str = "normal",
        language: str = "en",
        channel: str = "mail",
        customer: Customer | None = None,
        subject: str = CANARY,
        files: Sequence[tuple[str, str, bytes]] = (),
    ) -> Item:
        """An item as a tagged message makes it, waiting in its topic's queue."""
        number = next(_count)
        there = self.world
        if channel == "mail":
            headers = {"Message_ID": f"<{number}@customer.example.com>"}
            sender = f"c{number}@customer.example.com"
            message = email.parse(letters.mail(CANARY, sender, subject, files, **headers))
        else:
            message = generic.parse(json.dumps(chat(str(number), text=CANARY, visitor=f"v{number}")).encode())
        source = "help@shop.example.com" if channel == "mail" else "shop-widget"
        arrival = Arrival(
            delivery=Delivery(channel, f"d{number}"), source=source, raw_key=f"{channel}/d{number}",
            received_at=there.now(),
        )  # fmt: skip
        evidence = ({"text": "Zażółć", "start": 0, "end": 6, "weight": 0.5, "head": "topic"},)
        tags = Tagging(
            model="m1", topic=topic, topic_confidence=0.9, topic_abstained=False, urgency=urgency,
            urgency_confidence=0.8, language=language, evidence=evidence,
        )  # fmt: skip
        said = (arrival, message, tags, Known(customer=customer), there.policy, there.new_ids())
        known = replace(said[3], agents=there.table.agents(may_be_offered(*said)))
        change = message_arrived(*said[:3], known, *said[4:])
        there.table.save(change, there.now())
        assert change.after
        return change.after

    def quarantined(self) -> Item:
        """A mail that SES called spam, set aside."""
        name = f"d{next(_count)}"
        raw = letters.mail(CANARY, f"{name}@customer.example.com", CANARY, Message_ID=f"<{name}@customer.example.com>")
        body = letters.store_mail(self.world, name, raw, spam="FAIL")
        assert receive.delivery(body, f"sqs-{name}", 1, self.world) == "quarantined"
        found = [item_of(from_wire(row)) for row in self.cloud.rows() if row["kind"]["S"] == "item"]
        return max((item for item in found if item.state == State.QUARANTINED), key=lambda item: item.created_at)

    def claimed(self, who: str = "anna", **item: Any) -> dict[str, Any]:
        """An item held by somebody, as the claim's answer shows it."""
        made = self.item(**item)
        answer = self.ask("POST", f"/v1/queues/{made.queue}/claim", who)
        assert (answer.status_code, answer.json_body["id"]) == (200, made.id)
        claimed: dict[str, Any] = answer.json_body
        return claimed

    def further(self, item: Mapping[str, Any]) -> None:
        """The customer writes once more about an item."""
        number, there = next(_count), self.world
        now, customer = there.table.item_and_customer(item["id"], item["customer_id"])
        mail = letters.mail(
            CANARY, "c@customer.example.com", f"Re: {now.subject if now else ''}", Message_ID=f"<{number}@example.com>"
        )
        message = email.parse(mail)
        arrival = Arrival(
            delivery=Delivery("mail", f"d{number}"), source="help@shop.example.com", raw_key=f"mail/d{number}",
            received_at=there.now(),
        )  # fmt: skip
        known = Known(customer=customer, item=now)
        change = message_arrived(arrival, message, None, known, there.policy, there.new_ids())
        there.table.save(change, there.now())

    def offered(self, who: str = "anna", **item: Any) -> Item:
        """A chat offered to somebody, who is set present and then the only one who is."""
        self.ask("PUT", f"/v1/agents/{who}/presence", "admin-1", {"presence": "present"})
        made = self.item(channel="chat", **item)
        assert made.offered_to == who
        return made

    def write(
        self, item: Mapping[str, Any], step: str, who: str = "anna", body: Any = None, **more: Any
    ) -> HTTPResponse:
        """A change of an item, based on the version in which it is shown."""
        headers = {"If-Match": f'"{item["version"]}"', **more.pop("headers", {})}
        return self.ask("POST", f"/v1/items/{item['id']}/{step}", who, body, headers, **more)

    def replied(self, who: str = "anna", then: str = "wait", **item: Any) -> dict[str, Any]:
        """A reply as it was queued, and its item afterwards, as the reply's answer shows them."""
        answer = self.write(self.claimed(who, **item), "reply", who, {"text": "It comes tomorrow.", "then": then})
        assert answer.status_code == 200, answer.body
        shown: dict[str, Any] = answer.json_body
        return shown

    def stored(self) -> dict[str, Any]:
        """All that the API could write: rows, raw objects, depths of queues."""
        settings = self.world.settings
        return {
            "rows": sorted(json.dumps(row, sort_keys=True, default=repr) for row in self.cloud.rows()),
            "objects": self._objects(),
            "queues": [self.depth(url) for url in (settings.inbound_queue_url, settings.send_queue_url)],
        }

    def depth(self, url: str) -> str:
        """How many messages a queue holds."""
        names = ["ApproximateNumberOfMessages"]
        attributes = self.cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)  # type: ignore[arg-type]
        return attributes["Attributes"]["ApproximateNumberOfMessages"]

    def _objects(self) -> list[str]:
        found = self.cloud.s3.list_objects_v2(Bucket=self.world.settings.raw_bucket)
        return [stored["Key"] for stored in found.get("Contents", [])]

    def empty(self) -> None:
        """Everything stored is forgotten, and so is what a warm function keeps."""
        settings = self.world.settings
        if self.cloud.dynamodb.scan(TableName=settings.table, Limit=1, Select="COUNT")["Count"]:
            # The stream goes with it: moto copies all of that at every transaction.
            self.cloud.dynamodb.delete_table(TableName=settings.table)
            self.cloud.make_table(settings.table)
        for key in self._objects():
            self.cloud.s3.delete_object(Bucket=settings.raw_bucket, Key=key)
        self.cloud.bodies(settings.inbound_queue_url)
        world.cache_clear()
        self._tokens.clear()  # they hold for ten minutes


def chat(delivery: str = "d1", text: str = "Where is my parcel?", visitor: str = "v1", **more: Any) -> dict[str, Any]:
    """A visitor's message as the generic webhook takes it."""
    return {"id": delivery, "conversation": f"c-{visitor}", "visitor": {"id": visitor}, "text": text, **more}


def in_days(days: float) -> str:
    """A time so far from now, as a request says it."""
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


#: A good body for each route that takes one.
BODIES: dict[str, Any] = {
    "heartbeat": {"claim_token": "t"}, "snooze": {"until": in_days(1)}, "reassign": {"to_queue": "orders"},
    "send_reply": {"text": "It comes tomorrow."}, "add_note": {"text": "He called."}, "decide_tags": {"topic": "order"},
    "set_presence": {"presence": "away"}, "hand_over": {"to": None},
    "reopen": {"reason": "He called."}, "split": {"events": ["e1"]}, "merge": {"into": "i2"}, "unmerge": {},
    "link": {"to": "i2"}, "unlink": {}, "link_customer": {"other": "c2"},
    "unlink_customer": {"other": "c2"}, "mark_customer": {"mark": "vip"}, "unmark_customer": {"mark": "vip"},
    "escalate": {"reason": "It is beyond us."}, "set_aside": {},
    "open_session": {}, "write_message": {"id": "m-0000001", "text": "Where is my parcel?"},
}  # fmt: skip


def signed(raw: bytes, secret: str = SECRET, at: float = 0) -> dict[str, str]:
    """The headers that prove a webhook's body."""
    timestamp = str(int(time.time() + at))
    return {
        "X-Sortownia-Timestamp": timestamp,
        "X-Sortownia-Signature": f"sha256={generic.sign(secret, timestamp, raw)}",
        "Content-Type": "application/json",
    }


@contextmanager
def running(folder: Path) -> Iterator[Service]:
    """A service on moto for as long as the block lasts: for one thread, and one at a time."""
    with pytest.MonkeyPatch.context() as patch, mock_aws(), serving() as issuer:
        make_quick(patch)
        patch.setattr(policy, "DESK_FILE", DESK)
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        _forget_what_is_warm()
        cloud = Cloud()
        settings = asdict(cloud.deploy().settings) | {"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE}
        for name, value in settings.items():
            patch.setenv(name.upper(), value)
        try:
            yield Service(cloud, issuer, folder)
        finally:
            _forget_what_is_warm()


def _forget_what_is_warm() -> None:
    world.cache_clear()
    for client in (clients.dynamodb, clients.s3, clients.sqs, clients.secrets_manager, clients.sesv2):
        client.cache_clear()
