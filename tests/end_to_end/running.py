"""What tests ask of the running system."""

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any, Self

import httpx

from chalicelib.intake import email
from chalicelib.item.arrive import Arrival, Known, message_arrived
from chalicelib.item.change import Delivery
from chalicelib.settings import Settings
from chalicelib.store.rows import from_wire
from sortownia.client import Client
from sortownia.local import feed
from sortownia.local.stack import LocalStack
from sortownia.local.system import LocalSystem
from tests.cloud import Cloud, TestWorld
from tests.letters import mail

INSTALLATION = "shop-widget"


def eventually[T](look: Callable[[], T], until: Callable[[T], bool], seconds: float) -> T:
    """What `look` sees once `until` likes it; fails, showing the last sight, after so many seconds."""
    deadline = time.monotonic() + seconds
    while not until(seen := look()):
        assert time.monotonic() < deadline, f"after {seconds} s still: {str(seen)[:1000]}"
        time.sleep(0.2)
    return seen


def settings_of(stack: LocalStack, issuer: str) -> Settings:
    """Where a running stack's resources are."""
    url = stack.queue_urls
    return Settings(
        stack_name=stack.name, table=stack.table, raw_bucket=stack.raw_bucket,
        lake_bucket=stack.resource("LakeBucket"), model_bucket="", model_keys="",
        inbound_queue_url=url["InboundQueue"], timer_queue_url=url["TimerQueue"],
        parking_queue_url=url["ParkingQueue"], send_queue_url=url["SendQueue"],
        configuration_set=stack.resource("ConfigurationSet"), chat_replies_url="",
        oidc_issuer=issuer, oidc_audience="sortownia", log_level="INFO",
    )  # fmt: skip


def waiting_items(world: TestWorld, number: int, now: datetime) -> set[str]:
    """Writes so many waiting items of as many customers as `receive` would; their bells come by the stream."""
    run, made = secrets.token_hex(4), set()
    for one in range(number):
        raw = mail(sender=f"{run}-{one}@customer.example.com", Message_ID=f"<{run}-{one}@customer.example.com>")
        arrival = Arrival(
            delivery=Delivery("mail", f"{run}-{one}"), source="help@shop.example.com", raw_key="x", received_at=now
        )
        change = message_arrived(arrival, email.parse(raw), None, Known(), world.policy, world.new_ids())
        world.table.save(change, now)
        assert change.after
        made.add(change.after.id)
    return made


class Running:
    """The running system: its rows, its queues, its people."""

    def __init__(self, system: LocalSystem) -> None:
        self.system, self.stack = system, system.stack

    def __enter__(self) -> Self:
        #: A client of the API that gives slow cold starts their time.
        self.http = httpx.Client(base_url=self.system.url, timeout=60)
        self.cloud = Cloud(self.stack.endpoint, self.stack.region)
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self.cloud.close()

    def agent(self, agent_id: str) -> Client:
        """An agent's client of the API."""
        return Client(self.system.url, self.system.token(agent_id), timeout=60)

    def as_agent(self, agent_id: str) -> dict[str, str]:
        """Headers of an agent."""
        return {"Authorization": f"Bearer {self.system.token(agent_id)}"}

    @cached_property
    def world(self) -> TestWorld:
        """The stack's own resources, reached from here."""
        return self.cloud.world(settings_of(self.stack, self.system.issuer.url))

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """All rows of a kind, read consistently."""
        pages = self.stack.client("dynamodb").get_paginator("scan").paginate(
            TableName=self.stack.table, ConsistentRead=True, FilterExpression="#k = :k",
            ExpressionAttributeNames={"#k": "kind"}, ExpressionAttributeValues={":k": {"S": kind}},
        )  # fmt: skip
        return [from_wire(row) for page in pages for row in page["Items"]]

    def caused(self, causes: Iterable[str]) -> Counter[str]:
        """How many timeline entries each of these deliveries caused by arriving."""
        wanted = set(causes)
        arrivals = ("message-received", "delivery-quarantined")
        return Counter(e["cause"] for e in self.rows("event") if e["cause"] in wanted and e["type"] in arrivals)

    def bells(self) -> Counter[tuple[str, int]]:
        """Takes every bell off every work queue; how often each (item, ring) rang."""
        return Counter(bell for bell, _ in self.heard())

    def heard(self) -> Iterator[tuple[tuple[str, int], datetime]]:
        """Takes every bell off every work queue: item and ring, and when it was sent."""
        sqs = self.stack.client("sqs")
        for name, url in self.stack.queue_urls.items():
            if not name.startswith("Work"):
                continue
            receive = partial(
                sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["SentTimestamp"]
            )
            while messages := receive().get("Messages"):
                for message in messages:
                    bell = json.loads(message["Body"])
                    sent = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
                    yield (bell["item_id"], bell["ring"]), sent
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def depth(self, queue: str) -> int:
        """Messages of a queue, visible or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.stack.client("sqs").get_queue_attributes(
            QueueUrl=self.stack.queue_urls[queue], AttributeNames=names
        )
        return sum(int(value) for value in answer["Attributes"].values())

    def chat(self, delivery: str, conversation: str, text: str) -> str:
        """Sends one signed chat message; returns the cause its event will name."""
        secret = self.stack.hook_secret(INSTALLATION)
        body = feed.chat_body(feed.Chat(conversation, f"visitor-{conversation}", "Piotr", text), delivery)
        feed.send_chat(feed.hook_url(self.system.url, INSTALLATION), secret, body)
        return f"chat:{INSTALLATION}#{delivery}"

    def in_parallel(self, jobs: Iterable[Callable[[], Any]], at_once: int) -> list[Any]:
        """Does all jobs, so many at once; raises what they raise."""
        with ThreadPoolExecutor(at_once) as pool:
            return [done.result() for done in [pool.submit(job) for job in jobs]]
