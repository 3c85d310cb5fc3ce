"""Every AWS call a function makes is one its role allows: no emulator here enforces IAM, so this must be shown."""

import json
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from itertools import count
from pathlib import Path
from typing import Any

from chalicelib.flows import claim, hook, look, work
from chalicelib.flows.export import export
from chalicelib.flows.receive import dead_delivery, delivery
from chalicelib.flows.ring import ring
from chalicelib.flows.watch import timer_rang, watch
from chalicelib.intake.chat.generic import sign
from chalicelib.rights import Caller
from infra.functions import FUNCTIONS
from infra.policies import role_policy
from tests.cloud import BUCKETS, SECRET, STACK, Cloud, TestWorld

EVENTS = Path(__file__).parents[2] / "events"
AGENT = Caller("agent-1", frozenset({"agent"}))
INSTALLATION = "shop-widget"
MAIL = (
    b"From: a@customer.example.com\r\nTo: help@shop.example.com\r\nSubject: Hello\r\n"
    b"Message-ID: <1@customer.example.com>\r\n\r\nHi\r\n"
)

_WRITES = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}


class Used:
    """What is called: pairs of action and resource, the way IAM names them, without account and region."""

    def __init__(self, cloud: Cloud) -> None:
        self._clients = (cloud.dynamodb, cloud.s3, cloud.sqs, cloud.secrets)
        self._pairs: set[tuple[str, str]] = set()

    def during(self, act: Callable[[], Any]) -> set[tuple[str, str]]:
        self._pairs = set()
        for client in self._clients:
            client.meta.events.register("provide-client-params", self._note)
        act()
        for client in self._clients:
            client.meta.events.unregister("provide-client-params", self._note)
        return self._pairs

    def _note(self, params: dict[str, Any], model: Any, **_more: Any) -> None:
        self._pairs |= set(asked(model.service_model.service_name, model.name, params))


def asked(service: str, operation: str, params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    match service, operation:
        case "dynamodb", "TransactWriteItems":
            for kind, action in ((k, a) for entry in params["TransactItems"] for k, a in entry.items()):
                yield f"dynamodb:{_WRITES[kind]}", action["TableName"]
        case "dynamodb", "BatchGetItem":
            yield from (("dynamodb:BatchGetItem", table) for table in params["RequestItems"])
        case "dynamodb", _:
            index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
            yield f"dynamodb:{operation}", params["TableName"] + index
        case "s3", _:
            yield f"s3:{operation}", f"{params['Bucket']}/{params['Key']}"
        case "sqs", _:
            yield f"sqs:{operation.removesuffix('Batch')}", params["QueueUrl"].rsplit("/", 1)[1]
        case "secretsmanager", _:
            yield f"secretsmanager:{operation}", params["SecretId"]


def allowed(function: str, cloud: Cloud, pair: tuple[str, str]) -> bool:
    action, resource = pair
    role = role_policy(next(f for f in FUNCTIONS if f.name == function))
    return any(
        action in statement["Action"] and fnmatchcase(resource, named(wanted, cloud))
        for statement in role["Statement"]
        for wanted in statement["Resource"]
    )


def named(resource: dict[str, Any], cloud: Cloud) -> str:
    """A statement's resource as it is called in the test's stack."""
    names = {"Table": "desk-table", **dict(zip(("RawBucket", "LakeBucket", "ModelBucket"), BUCKETS, strict=True))}
    for logical_id, made in cloud.template.items():
        if made.get("Type") == "AWS::SQS::Queue":
            names[logical_id] = made["Properties"]["QueueName"]["Fn::Sub"].replace("${AWS::StackName}", STACK)
    if "Fn::GetAtt" in resource:
        return names[resource["Fn::GetAtt"][0]]
    text = str(resource["Fn::Sub"])
    for logical_id, name in names.items():
        text = text.replace(f"${{{logical_id}.Arn}}", name)
    return text.replace("${AWS::StackName}", STACK).rsplit("}:", 1)[-1].removeprefix("secret:")


def hooked(world: TestWorld, number: int) -> None:
    raw = json.dumps(
        {"id": f"d-{number}", "conversation": f"c-{number}", "visitor": {"id": "v"}, "text": "Hello"}
    ).encode()
    stamp = str(int(world.now().timestamp()))
    hook.accept("generic", INSTALLATION, stamp, f"sha256={sign(SECRET, stamp, raw)}", raw, world)


def intake(world: TestWorld, cloud: Cloud) -> None:
    """A mail, a chat message, and a notice of a mail that is not there."""
    notice = json.loads((EVENTS / "sqs-ses-notice.json").read_text("utf-8"))["Records"][0]["body"]
    world.raw.write(json.loads(notice)["receipt"]["action"]["objectKey"], MAIL, "message/rfc822")
    assert delivery(notice, "m-1", 1, world) == "queued"
    for body in cloud.bodies(world.settings.inbound_queue_url):
        assert delivery(json.dumps(body), "m-2", 1, world) == "queued"
    missing = notice.replace("exampleses0000001", "exampleses0000002")
    assert delivery(missing, "m-3", 1, world) == "quarantined"


def records(cloud: Cloud) -> list[dict[str, Any]]:
    numbers = count(100)
    return [
        {
            "eventID": row["pk"]["S"],
            "eventName": "INSERT",
            "dynamodb": {
                "Keys": {"pk": row["pk"], "sk": row["sk"]},
                "NewImage": row,
                "SequenceNumber": str(next(numbers)),
            },
        }
        for row in cloud.rows()
    ]


def worked(world: TestWorld) -> None:
    """A morning of an agent."""
    look.set_presence(AGENT.id, "present", AGENT, world)
    look.board(AGENT, world)
    taken = [claim.next_in_mine(AGENT, f"key-{n}", world) for n in range(3)]
    first, second, third = (item for item in taken if item)
    look.item(first.id, AGENT, world)
    look.items("queue", first.queue, AGENT, 10, None, False, world)
    look.items("holder", AGENT.id, AGENT, 10, None, False, world)
    look.items("state", "claimed", AGENT, 10, None, False, world)
    look.timeline(first.customer_id, AGENT, 10, None, False, world)
    assert second.claim_token
    work.heartbeat(second.id, second.claim_token, AGENT, world)
    work.give_back(first.id, first.version, AGENT, world)
    work.finish(third.id, third.version, AGENT, world)


def test_every_call_of_every_function_is_allowed_by_its_role(moto_cloud: Cloud, world: TestWorld) -> None:
    used = Used(moto_cloud)
    calls = {"api_handler": used.during(lambda: hooked(world, 1))}
    # What the test itself writes and takes in `intake` stands for SES and Lambda's poller.
    poller = {("sqs:ReceiveMessage", f"{STACK}-inbound"), ("sqs:DeleteMessage", f"{STACK}-inbound")}
    calls["receive"] = {
        pair for pair in used.during(lambda: intake(world, moto_cloud)) - poller if pair[0] != "s3:PutObject"
    }
    calls["quarantine"] = used.during(lambda: dead_delivery("no notice of ours", "m-4", world))
    told = records(moto_cloud)
    calls["ring"] = used.during(lambda: ring(told, world))
    calls["export"] = used.during(lambda: export([r for r in told if _kind(r) == "event"], world))
    calls["api_handler"] |= used.during(lambda: worked(world))
    held = next(r for r in records(moto_cloud) if _kind(r) == "item" and "claim_token" in r["dynamodb"]["NewImage"])
    moto_cloud.clock.forward(hours=2)
    timer = json.dumps({"item_id": held["dynamodb"]["Keys"]["pk"]["S"].removeprefix("ITEM#")})
    calls["timers"] = used.during(lambda: timer_rang(timer, world))
    moto_cloud.clock.forward(hours=2)
    calls["watch"] = used.during(lambda: watch(world))

    assert all(calls.values()), "each function was seen at work"
    denied = {f: sorted(p for p in pairs if not allowed(f, moto_cloud, p)) for f, pairs in calls.items()}
    assert not any(denied.values()), denied


def test_a_call_beyond_the_role_is_noticed(moto_cloud: Cloud) -> None:
    assert allowed("ring", moto_cloud, ("sqs:SendMessage", f"{STACK}-work-sales-urgent"))
    for beyond in (
        ("sqs:PurgeQueue", f"{STACK}-timers"),
        ("sqs:SendMessage", f"{STACK}-inbound"),
        ("sqs:SendMessage", "another-work-sales"),
        ("dynamodb:PutItem", "desk-table"),
    ):
        assert not allowed("ring", moto_cloud, beyond)


def _kind(record: dict[str, Any]) -> str:
    return str(record["dynamodb"]["NewImage"]["kind"]["S"])
