"""A batch of a queue: who comes back, when, and what the log says of it."""

import itertools
import json
import logging
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws

from chalicelib.doors import QueueMessage, each_message
from chalicelib.errors import Unavailable
from chalicelib.settings import Settings
from chalicelib.world import World
from tests.cloud import Cloud, TestWorld
from tests.desk import small_desk
from tests.unit.test_settings import ENVIRONMENT

ROOT = Path(__file__).resolve().parents[2]
ARN = "arn:aws:sqs:eu-central-1:123456789012:desk-inbound"


class Shown:
    """SQS as the door sees it: notes what is to be seen again when; `away` it answers nothing."""

    def __init__(self, away: bool = False) -> None:
        self.asked: list[tuple[str, str, int]] = []
        self._away = away

    def show_again(self, url: str, receipt: str, seconds: int) -> None:
        self.asked.append((url, receipt, seconds))
        if self._away:
            raise Unavailable("SQS is away")


def world_with(queues: Shown) -> World:
    world = World(Settings.from_environment(ENVIRONMENT), small_desk())
    vars(world)["queues"] = queues
    return world


def batch(*bodies: str, count: int = 1) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": f"m{number}", "body": body, "receiptHandle": f"r{number}", "eventSourceARN": ARN,
                "attributes": {"ApproximateReceiveCount": str(count)},
            }
            for number, body in enumerate(bodies)
        ]
    }  # fmt: skip


def handle(message: QueueMessage) -> str:
    if message.body == "bad":
        raise ValueError("no good")
    return "done"


@pytest.mark.parametrize("bodies", list(itertools.product(("good", "bad"), repeat=4)))
def test_exactly_the_failed_messages_come_back(bodies: tuple[str, ...]) -> None:
    failed = [f"m{number}" for number, body in enumerate(bodies) if body == "bad"]
    queues = Shown()
    answer = each_message(batch(*bodies), handle, world_with(queues))
    assert answer == {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}
    assert [receipt for _, receipt, _ in queues.asked] == [name.replace("m", "r") for name in failed]


@pytest.mark.parametrize(("tries", "soonest", "latest"), [(1, 1, 5), (2, 2, 10), (3, 4, 15), (4, 5, 20), (150, 5, 20)])
def test_a_failed_message_comes_back_within_twenty_seconds_and_sooner_at_first(
    tries: int, soonest: int, latest: int
) -> None:
    queues = Shown()
    each_message(batch(*["bad"] * 200, count=tries), handle, world_with(queues))
    seconds = {wait for _, _, wait in queues.asked}
    assert min(seconds) >= soonest
    assert max(seconds) <= latest
    assert len(seconds) >= 5  # spread, so that what failed together does not come back together
    assert {url for url, _, _ in queues.asked} == {ENVIRONMENT["INBOUND_QUEUE_URL"]}


def test_a_queue_that_cannot_be_reached_changes_nothing_in_the_answer() -> None:
    queues = Shown(away=True)
    answer = each_message(batch("bad", "good", "bad"), handle, world_with(queues))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}, {"itemIdentifier": "m2"}]}
    assert len(queues.asked) == 2


def test_each_message_is_handled_once_with_its_own_count() -> None:
    seen: list[QueueMessage] = []

    def note(message: QueueMessage) -> str:
        seen.append(message)
        return "done"

    each_message(batch("a", "b", count=4), note, world_with(Shown()))
    assert seen == [QueueMessage("m0", "a", 4), QueueMessage("m1", "b", 4)]


@pytest.mark.parametrize(("seconds", "done"), [((55, 50), 3), ((55, 27), 2), ((27,), 1), ((0,), 1)])
def test_no_message_is_begun_that_the_rest_of_the_time_may_not_do_for(seconds: tuple[int, ...], done: int) -> None:
    """Calls that hang would take the process with them, and a message whose try came to no end is set aside."""
    left, begun, queues = iter(seconds), [], Shown()
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 1000 * next(left))
    answer = each_message(batch("a", "b", "c"), lambda m: begun.append(m.id) or "done", world_with(queues), context)
    assert begun == ["m0", "m1", "m2"][:done]
    assert [one["itemIdentifier"] for one in answer["batchItemFailures"]] == ["m0", "m1", "m2"][done:]
    assert [receipt for _, receipt, _ in queues.asked] == ["r0", "r1", "r2"][done:]


def test_a_message_without_attributes_counts_as_the_first() -> None:
    event = batch("a")
    del event["Records"][0]["attributes"]
    seen: list[int] = []
    each_message(event, lambda m: str(seen.append(m.receive_count)), world_with(Shown()))
    assert seen == [1]


def test_one_line_a_message_and_never_what_it_says(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "sortownia"):
        each_message(batch("CANARY-words", "bad"), handle, world_with(Shown()))
    lines = [json.loads(r.message) for r in caplog.records if r.message.startswith("{")]
    assert [(line["message_id"], line["outcome"]) for line in lines] == [("m0", "done"), ("m1", "failed: ValueError")]
    assert {"door", "receive_count", "ms"} <= lines[0].keys()
    assert "CANARY" not in caplog.text


def test_on_sqs_a_failed_message_is_not_hidden_for_the_whole_visibility_time() -> None:
    """The queue's own message: its handle and address are those SQS knows."""
    with mock_aws():
        cloud = Cloud(desk=small_desk())
        world: TestWorld = cloud.deploy()
        url = world.settings.inbound_queue_url
        cloud.sqs.send_message(QueueUrl=url, MessageBody="bad")
        received = cloud.sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"][0]
        event = {"Records": [{"messageId": received["MessageId"], "body": "bad", "eventSourceARN": ARN,
                              "receiptHandle": received["ReceiptHandle"]}]}  # fmt: skip
        answer = each_message(event, handle, world)
        assert answer["batchItemFailures"] == [{"itemIdentifier": received["MessageId"]}]
        hidden = cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert hidden["ApproximateNumberOfMessagesNotVisible"] == "1"


def test_an_event_function_loads_no_routes_no_libraries_of_theirs_and_nothing_of_chats() -> None:
    """Each of them would make every cold start longer."""
    names = "import os, sys; os.environ['ROUTES'] = 'off'; import app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", names], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    of_chats = ("chalicelib.flows.hook", "chalicelib.intake.chat.adapters", "chalicelib.outgoing.chat")
    for unwanted in ("chalicelib.api", "pydantic", "jwt", "cryptography", "holidays", "boto3", "sklearn", *of_chats):
        assert unwanted not in loaded.split(), unwanted
    assert "chalicelib.flows.receive" in loaded.split()
