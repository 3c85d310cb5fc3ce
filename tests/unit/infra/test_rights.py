"""Every AWS call a function makes is one its role allows: no emulator here enforces IAM, so this must be shown."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from fnmatch import fnmatchcase
from itertools import count
from pathlib import Path
from typing import Any

from moto import mock_aws

from chalicelib.aws.models import Models
from chalicelib.flows import claim, handover, hook, look, presence, reply, widget, work
from chalicelib.flows.export import export
from chalicelib.flows.receive import dead_delivery, delivery
from chalicelib.flows.recheck import recheck
from chalicelib.flows.ring import ring
from chalicelib.flows.send import send_message
from chalicelib.flows.watch import timer_rang, watch
from chalicelib.item.item import Item
from chalicelib.item.passing import Destination
from chalicelib.item.reply import Then
from chalicelib.rights import Caller
from infra.functions import FUNCTIONS
from infra.policies import role_policy
from tests import chats, letters
from tests.cloud import BUCKETS, STACK, Cloud, TestWorld
from tests.desk import courteous_desk, small_desk
from tests.outside import Outside

EVENTS = Path(__file__).parents[2] / "events"
AGENT, COLLEAGUE = (Caller(name, frozenset({"agent"})) for name in ("agent-1", "agent-2"))
SUPERVISOR = Caller("supervisor-1", frozenset({"supervisor"}))
INSTALLATION, WIDGET = "shop-widget", "shop-page"
MAIL = (
    b"From: a@customer.example.com\r\nTo: help@shop.example.com\r\nSubject: Hello\r\n"
    b"Message-ID: <1@customer.example.com>\r\n\r\nHi\r\n"
)

_WRITES = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}


class Used:
    """What is called: pairs of action and resource, the way IAM names them, without account and region.

    Behind a table that is read by partitions stands `=` and the partition, which a role may be held to.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._clients = (cloud.dynamodb, cloud.s3, cloud.sqs, cloud.secrets, cloud.ses)
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
            for table, wanted in params["RequestItems"].items():
                yield from (("dynamodb:BatchGetItem", f"{table}={key['pk']['S']}") for key in wanted["Keys"])
        case "dynamodb", "Query" if "IndexName" not in params:
            yield "dynamodb:Query", f"{params['TableName']}={params['ExpressionAttributeValues'][':pk']['S']}"
        case "dynamodb", _:
            index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
            yield f"dynamodb:{operation}", params["TableName"] + index
        case "s3", _:
            yield f"s3:{operation}", f"{params['Bucket']}/{params['Key']}"
        case "sqs", _:
            yield f"sqs:{operation.removesuffix('Batch')}", params["QueueUrl"].rsplit("/", 1)[1]
        case "secretsmanager", _:
            yield f"secretsmanager:{operation}", params["SecretId"]
        case "sesv2", "SendEmail":
            sender = message_from_bytes(params["Content"]["Raw"]["Data"], policy=default)["From"].addresses[0]
            for right in ("SendEmail", "SendRawEmail"):
                yield f"ses:{right}", f"identity/{sender.domain}"
                yield f"ses:{right}", f"configuration-set/{params['ConfigurationSetName']}"


def allowed(function: str, cloud: Cloud, pair: tuple[str, str]) -> bool:
    action, resource = pair
    role = role_policy(next(f for f in FUNCTIONS if f.name == function), cloud.policy)
    return any(
        action in statement["Action"] and fnmatchcase(resource, pattern)
        for statement in role["Statement"]
        for pattern in patterns(statement, cloud)
    )


def patterns(statement: dict[str, Any], cloud: Cloud) -> Iterator[str]:
    """The resources of a statement, with the partitions it is held to."""
    partitions = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
    for resource in statement["Resource"]:
        name = named(resource, cloud)
        yield from [f"{name}={one}" for one in partitions] if partitions else [name, f"{name}=*"]


def named(resource: dict[str, Any], cloud: Cloud) -> str:
    """A statement's resource as it is called in the test's stack."""
    names = {
        "Table": "desk-table",
        **dict(zip(("RawBucket", "LakeBucket", "ModelBucket"), BUCKETS, strict=True)),
    }
    for logical_id, made in cloud.template.items():
        if made.get("Type") == "AWS::SQS::Queue":
            names[logical_id] = made["Properties"]["QueueName"]["Fn::Sub"].replace("${AWS::StackName}", STACK)
    if "Fn::GetAtt" in resource:
        return names[resource["Fn::GetAtt"][0]]
    text = str(resource["Fn::Sub"])
    for logical_id, name in names.items():
        text = text.replace(f"${{{logical_id}.Arn}}", name)
    text = text.replace("${ConfigurationSet}", f"{STACK}-replies")
    return text.replace("${AWS::StackName}", STACK).rsplit("}:", 1)[-1].removeprefix("secret:")


def hooked(world: TestWorld, number: int) -> None:
    raw = json.dumps(
        {"id": f"d-{number}", "conversation": f"c-{number}", "visitor": {"id": "v"}, "text": "Hello"}
    ).encode()
    hook.accept("generic", INSTALLATION, chats.signed("generic", raw, world.now()), world)


def chatted(world: TestWorld, cloud: Cloud) -> str:
    """A visitor of our own widget opens it, writes and looks; the notice of what he wrote."""
    origin = cloud.policy.installations[WIDGET].origins[0]
    session = widget.open_session(WIDGET, widget.Page(origin, ""), "", None, world)
    visit = widget.visit(WIDGET, widget.Page(origin, session.token), world)
    widget.take(visit, "m-0000001", "Hello", world)
    widget.shown(visit, 0, world)
    return json.dumps(cloud.bodies(world.settings.inbound_queue_url)[0])


def intake(world: TestWorld, cloud: Cloud) -> None:
    """A mail, a chat message, a notice of a mail that is not there, and a chat's body that failed before."""
    notice = json.loads((EVENTS / "sqs-ses-notice.json").read_text("utf-8"))["Records"][0]["body"]
    world.raw.write(json.loads(notice)["receipt"]["action"]["objectKey"], MAIL, "message/rfc822")
    assert delivery(notice, "m-1", 1, world) == "queued"
    for body in cloud.bodies(world.settings.inbound_queue_url):
        assert delivery(json.dumps(body), "m-2", 1, world) == "queued"
    for number in range(2, 7):
        files = (("a.pdf", "application/pdf", b"%PDF-"),)
        headers = {"sender": f"c{number}@customer.example.com", "Message_ID": f"<{number}@customer.example.com>"}
        another = letters.mail(files=files, **headers)
        assert delivery(letters.store_mail(world, f"another{number}", another), f"m-1{number}", 1, world) == "queued"
    missing = notice.replace("exampleses0000001", "exampleses0000002")
    assert delivery(missing, "m-3", 1, world) == "quarantined"
    vars(world)["policy"] = chats.desk_of_all()
    world.raw.write("chat/whatsapp/several", chats.recorded("whatsapp-batch"), "application/json")
    several = hook.notice("whatsapp", "several", "chat/whatsapp/several", world.settings)
    assert delivery(several.body, "m-4", 2, world) == "handed in as 4"
    assert len(cloud.bodies(world.settings.inbound_queue_url)) == 4
    vars(world)["policy"] = cloud.policy


def lost(world: TestWorld) -> None:
    """A mail and a chat message without notice, an object that is gone, and one that must wait for intake."""
    world.raw.write("mail/lost", MAIL, "message/rfc822")
    world.raw.write("chat/shop-widget/lost", b"no json", "application/json")
    for key, outcome in (
        ("mail/lost", "handed in again"),
        ("chat/shop-widget/lost", "handed in again"),
        ("mail/gone", "gone"),
    ):
        assert recheck(told_of(key, "2026-03-01T09:00:00.000Z"), world) == outcome
    assert recheck(told_of("mail/lost", world.now().isoformat()), world) == "put off"


def told_of(key: str, at: str) -> str:
    return json.dumps({"Records": [{"eventTime": at, "s3": {"object": {"key": key}}}]})


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


def worked(world: TestWorld) -> list[str]:
    """A morning of two agents and their supervisor; ids of the replies they wrote."""
    for agent in (AGENT, COLLEAGUE):
        presence.set_presence(agent.id, "present", agent, world)
    look.board(AGENT, world)
    numbers = count(1)
    taken = list(iter(lambda: claim.next_in_mine(AGENT, f"key-{next(numbers)}", world), None))
    chat, visit = (next(item for item in taken if item and item.source == name) for name in (INSTALLATION, WIDGET))
    mails = [item for item in taken if item and item.channel == "mail" and item.contact]
    first, second, third, fourth, fifth, sixth = mails
    claim.claim_named(first.id, AGENT, "", world)
    look.item(first.id, AGENT, world)
    look.items("queue", first.queue, AGENT, 10, None, False, world)
    for by in ("holder", "offered_to", "pinned_to"):
        look.items(by, AGENT.id, AGENT, 10, None, False, world)
    look.items("state", "claimed", AGENT, 10, None, False, world)
    look.timeline(first.customer_id, AGENT, 10, None, False, world)
    assert look.attachment(mails[-1].customer_id, "1", "1", AGENT, world).url
    assert second.claim_token
    work.heartbeat(second.id, second.claim_token, AGENT, world)
    noted = work.note(second.id, second.version, "Look at this", [COLLEAGUE.id], AGENT, world)
    look.mentions(COLLEAGUE.id, COLLEAGUE, 10, None, world)
    tagged = work.tag(noted.id, noted.version, None, "high", AGENT, world)
    written = [answered(one, world) for one in (chat, tagged, first, visit)]
    work.give_back(sixth.id, sixth.version, AGENT, world)
    work.finish(third.id, third.version, AGENT, world)
    work.snooze(fourth.id, fourth.version, world.now() + timedelta(hours=1), AGENT, world)
    work.reassign(fifth.id, fifth.version, Destination("agent", COLLEAGUE.id), "he knows her", AGENT, world)
    handover.hand_over(COLLEAGUE.id, None, False, SUPERVISOR, world)
    return written


def answered(item: Item, world: TestWorld) -> str:
    outgoing, _ = reply.reply(item.id, item.version, "It comes tomorrow.", Then.WAIT, f"r-{item.id}", AGENT, world)
    reply.status(item.id, outgoing.id, AGENT, world)
    return outgoing.id


def told(name: str, reply_id: str) -> str:
    """What SES tells of a reply."""
    text = (EVENTS / f"ses-{name}.json").read_text("utf-8")
    return text.replace("0123456789abcdef0123456789abcdef", reply_id)


def sends(replies: list[str], world: TestWorld) -> list[str]:
    """Two replies are sent, and SES has news of the second, a mail."""
    bodies = [json.dumps({"outbox_id": one}) for one in replies]
    bodies += [told(name, replies[-1]) for name in ("delivery", "bounce-permanent")]
    return [send_message(body, world) for body in bodies]


def test_every_call_of_every_function_is_allowed_by_its_role(moto_cloud: Cloud, world: TestWorld) -> None:
    used = Used(moto_cloud)
    calls = {"api_handler": used.during(lambda: hooked(world, 1))}
    # What the test itself writes and takes in `intake` stands for SES and Lambda's poller.
    poller = {("sqs:ReceiveMessage", f"{STACK}-inbound"), ("sqs:DeleteMessage", f"{STACK}-inbound")}
    calls["receive"] = {
        pair
        for pair in used.during(lambda: intake(world, moto_cloud)) - poller
        if pair[0] != "s3:PutObject" or "/files/" in pair[1]
    }
    assert {name for name, _ in calls["receive"]} >= {"s3:GetObject", "s3:PutObject"}
    calls["quarantine"] = used.during(lambda: dead_delivery("no notice of ours", "m-4", world))
    # What the test itself takes off the queue in `chatted` stands for Lambda's poller.
    notices: list[str] = []
    calls["api_handler"] |= used.during(lambda: notices.append(chatted(world, moto_cloud))) - poller
    calls["receive"] |= used.during(lambda: delivery(notices[0], "m-5", 1, world))
    # What the test itself stores in `lost` stands for SES and the webhook.
    calls["recheck"] = {pair for pair in used.during(lambda: lost(world)) if pair[0] != "s3:PutObject"}
    rows = records(moto_cloud)
    calls["ring"] = used.during(lambda: ring(rows, world))
    calls["export"] = used.during(lambda: export([r for r in rows if _kind(r) == "event"], world))
    replies: list[str] = []
    calls["api_handler"] |= used.during(lambda: replies.extend(worked(world)))
    with Outside() as shop:
        vars(world)["settings"] = replace(world.settings, chat_replies_url=shop.url)
        said: list[str] = []
        calls["send"] = used.during(lambda: said.extend(sends(replies[:2], world)))
        assert said == ["sent", "sent", "reply-delivered", "bounced"]
        assert len(shop.asked) == 1
        calls["send"] |= used.during(lambda: said.append(send_message(json.dumps({"outbox_id": replies[-1]}), world)))
        assert said[-1] == "sent"
    hooked(world, 2)
    for body in moto_cloud.bodies(world.settings.inbound_queue_url):
        delivery(json.dumps(body), "m-2", 1, world)
    timers = [timer_of(moto_cloud, "mail", "claim_token"), timer_of(moto_cloud, "chat", "offered_to")]
    moto_cloud.clock.forward(hours=2)
    calls["timers"] = used.during(lambda: [timer_rang(timer, world) for timer in timers])
    moto_cloud.clock.forward(hours=2)
    calls["watch"] = used.during(lambda: watch(world))
    assert ("sqs:SendMessage", f"{STACK}-send") in calls["watch"], "a reply nobody took is given to the sender again"

    assert all(calls.values()), "each function was seen at work"
    denied = {f: sorted(p for p in pairs if not allowed(f, moto_cloud, p)) for f, pairs in calls.items()}
    assert not any(denied.values()), denied


def timer_of(cloud: Cloud, channel: str, mark: str) -> str:
    """What the timer of an item says that somebody holds or is offered."""
    items = [row for row in cloud.rows() if row["kind"]["S"] == "item" and row["channel"]["S"] == channel]
    found = next(row for row in items if mark in row)
    return json.dumps({"item_id": found["pk"]["S"].removeprefix("ITEM#")})


def test_a_desk_that_acknowledges_mail_may_store_what_it_says_and_no_other_desk_may() -> None:
    courteous = courteous_desk()
    with mock_aws():
        cloud = Cloud(desk=courteous)
        world = cloud.deploy()
        notice = letters.store_mail(world, "ses-1", letters.mail())
        made = Used(cloud).during(lambda: delivery(notice, "m-1", 1, world))
        (stored,) = (pair for pair in made if pair[0] == "s3:PutObject")
        assert stored[1].startswith(f"{BUCKETS[0]}/out/")
        assert not [pair for pair in made if not allowed("receive", cloud, pair)]
        assert not allowed("receive", cloud, ("s3:PutObject", f"{BUCKETS[0]}/mail/ses-1"))
        cloud.policy = small_desk()
        assert not allowed("receive", cloud, stored)


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


def test_only_functions_that_tag_reach_the_bucket_of_models_and_they_only_read(moto_cloud: Cloud) -> None:
    tagging = [function.name for function in FUNCTIONS if function.tags]
    assert tagging == ["receive"]
    bucket = BUCKETS[2]
    for function in FUNCTIONS:
        reads = [("s3:GetObject", f"{bucket}/{key}") for key in ("serving.json", "models/m-1/manifest.json")]
        assert [allowed(function.name, moto_cloud, pair) for pair in reads] == [function.tags] * 2
        for beyond in (
            ("s3:GetObject", f"{bucket}/hold-out.jsonl.gz"),
            ("s3:PutObject", f"{bucket}/serving.json"),
            ("s3:PutObject", f"{bucket}/models/m-1/manifest.json"),
            ("s3:DeleteObject", f"{bucket}/serving.json"),
        ):
            assert not allowed(function.name, moto_cloud, beyond)


def test_looking_up_the_model_is_within_the_rights_of_who_tags(moto_cloud: Cloud, world: TestWorld) -> None:
    models = Models(moto_cloud.s3, BUCKETS[2])
    models.store("m-1", {"manifest.json": b"{}"})
    models.publish("m-1", None, world.now(), "a model that will be refused")
    tagging = TestWorld(replace(world.settings, model_bucket=BUCKETS[2]), world.policy, clock=world.clock)
    vars(tagging).update(models=models)
    used = Used(moto_cloud).during(lambda: tagging.model)
    assert {pair[0] for pair in used} == {"s3:GetObject"}
    assert not [pair for pair in used if not allowed("receive", moto_cloud, pair)]
