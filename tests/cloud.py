"""A stack's resources made by hand from the very template, for tests that need no Lambda."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3

from chalicelib import policy
from chalicelib.aws.lake import Lake
from chalicelib.aws.mailer import Mailer
from chalicelib.aws.queues import Queues
from chalicelib.aws.raw_store import RawStore
from chalicelib.aws.secrets import Secrets
from chalicelib.policy import Policy
from chalicelib.settings import Settings
from chalicelib.store.table import Table
from chalicelib.world import World
from infra.template import merge_template

REGION = "eu-central-1"
STACK = "desk"
SECRET = "s" * 64
BUCKETS = ("desk-raw", "desk-lake", "desk-models")


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def forward(self, **how_far: float) -> None:
        self.time += timedelta(**how_far)


@dataclass(frozen=True)
class TestWorld(World):
    """The world with a clock of the test's own, counting a millisecond a look."""

    __test__ = False
    clock: Clock | None = None

    def now(self) -> datetime:
        assert self.clock
        self.clock.forward(milliseconds=1)
        return self.clock.time


class Cloud:
    """AWS clients of one endpoint (None: moto's) and the resources of a desk's stack on it (None: the packaged one)."""

    def __init__(self, endpoint: str | None = None, region: str = REGION, desk: Policy | None = None) -> None:
        self.dynamodb, self.s3, self.sqs, self.secrets, self.ses = (
            (_client if endpoint else _kept_client)(name, endpoint, region)
            for name in ("dynamodb", "s3", "sqs", "secretsmanager", "sesv2")
        )
        self.policy: Policy = desk or policy.load()
        self.template = merge_template(self.policy)["Resources"]
        self.clock = Clock()

    def deploy(self, table: str = "desk-table") -> TestWorld:
        """Makes table, buckets, queues, secrets and senders as the template says, and the world that uses them."""
        self.make_table(table)
        for bucket in BUCKETS:
            self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        urls = {name: self._queue(resource) for name, resource in self.template.items() if _is_queue(resource)}
        for installation in self.policy.installations:
            self.secrets.create_secret(Name=f"{STACK}/hooks/{installation}", SecretString=SECRET)
        self._verify_senders()
        settings = Settings(
            stack_name=STACK, table=table, raw_bucket=BUCKETS[0], lake_bucket=BUCKETS[1],
            model_bucket="", model_keys="",
            inbound_queue_url=urls["InboundQueue"], timer_queue_url=urls["TimerQueue"],
            parking_queue_url=urls["ParkingQueue"], send_queue_url=urls["SendQueue"],
            configuration_set=f"{STACK}-replies", chat_replies_url="",
            oidc_issuer="http://127.0.0.1:1/issuer", oidc_audience="sortownia", log_level="INFO",
        )  # fmt: skip
        return self.world(settings)

    def make_table(self, name: str) -> Table:
        """Makes the table as the template says, under a name of the test's own.

        Without its stream, which nobody reads here: moto copies all that a stream holds with every transaction. What
        the stream's readers get, `tests.streams` makes from rows.
        """
        made = dict(self.template["Table"]["Properties"])
        for left_out in ("TimeToLiveSpecification", "PointInTimeRecoverySpecification", "StreamSpecification"):
            made.pop(left_out)
        self.dynamodb.create_table(TableName=name, **made)
        self.dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
        return Table(self.dynamodb, name)

    def world(self, settings: Settings) -> TestWorld:
        """A world of these resources that reaches them with this cloud's clients."""
        world = TestWorld(settings, self.policy, clock=self.clock)
        vars(world).update(
            table=Table(self.dynamodb, settings.table), raw=RawStore(self.s3, settings.raw_bucket),
            queues=Queues(self.sqs), lake=Lake(self.s3, settings.lake_bucket),
            secrets=Secrets(self.secrets, settings.stack_name),
            mailer=Mailer(self.ses, settings.configuration_set, self.ses.meta.region_name),
        )  # fmt: skip
        return world

    def close(self) -> None:
        """Closes the connections."""
        for client in (self.dynamodb, self.s3, self.sqs, self.secrets, self.ses):
            client.close()

    def _verify_senders(self) -> None:
        for domain in sorted({address.rpartition("@")[2] for address in self.policy.mailboxes}):
            self.ses.create_email_identity(EmailIdentity=domain)

    def _queue(self, resource: Mapping[str, Any]) -> str:
        name = resource["Properties"]["QueueName"]["Fn::Sub"].replace("${AWS::StackName}", STACK)
        return str(self.sqs.create_queue(QueueName=name)["QueueUrl"])

    def bodies(self, url: str) -> list[Any]:
        """Takes all messages off a queue and returns what they say."""
        found: list[Any] = []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def rows(self, table: str = "desk-table") -> list[dict[str, Any]]:
        """Every row of the table, as the API gives it."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [row for page in pages for row in page["Items"]]


def _client(service: str, endpoint: str | None, region: str) -> Any:
    return boto3.client(
        service, region_name=region, endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test"
    )


#: Clients of moto serve all tests, for making one takes longer than most of them: leave no event handler on it.
_kept_client = cache(_client)


def _is_queue(resource: Mapping[str, Any]) -> bool:
    return bool(resource.get("Type") == "AWS::SQS::Queue")
