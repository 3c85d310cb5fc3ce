"""SQS through our narrow door."""

import json
from typing import Any

import pytest

from chalicelib.aws.queues import Bell, Depth, Queued, Queues
from chalicelib.errors import Unavailable
from tests.cloud import Cloud


class Refusing:
    """SQS that refuses the entries of a batch that say so."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.batches.append(len(Entries))
        return {"Failed": [{"Id": entry["Id"]} for entry in Entries if entry["MessageBody"] == "refuse me"]}


@pytest.fixture
def url(moto_cloud: Cloud) -> str:
    return str(moto_cloud.sqs.create_queue(QueueName="bells")["QueueUrl"])


def test_a_bell_is_heard_as_it_was_rung_and_hidden_meanwhile(moto_cloud: Cloud, url: str) -> None:
    queues, bell = Queues(moto_cloud.sqs), Bell("it1", "cu1", 3)
    assert queues.send([Queued(url, bell.body())]) == []
    heard = queues.receive(url)
    assert heard
    assert heard.bell == bell
    assert queues.receive(url) is None
    queues.show_again(url, heard.receipt, 0)
    again = queues.receive(url)
    assert again
    queues.delete(url, again.receipt)
    assert moto_cloud.bodies(url) == []


@pytest.mark.parametrize(
    "body", ["", "no json", "[]", "7", '{"item_id": "it1"}', '{"item_id":1,"customer_id":2,"ring":"x"}']
)
def test_a_body_that_is_no_bell_is_heard_as_none(moto_cloud: Cloud, url: str, body: str) -> None:
    moto_cloud.sqs.send_message(QueueUrl=url, MessageBody=body or " ")
    heard = Queues(moto_cloud.sqs).receive(url)
    assert heard
    assert heard.bell is None


def test_many_messages_go_ten_a_call_each_to_its_queue(moto_cloud: Cloud, url: str) -> None:
    other = str(moto_cloud.sqs.create_queue(QueueName="others")["QueueUrl"])
    messages = [Queued(other if n % 2 else url, json.dumps(n)) for n in range(46)]
    assert Queues(moto_cloud.sqs).send(messages) == []
    assert sorted(moto_cloud.bodies(url)) == list(range(0, 46, 2))
    assert sorted(moto_cloud.bodies(other)) == list(range(1, 46, 2))


def test_what_sqs_refuses_comes_back_and_nothing_else() -> None:
    client = Refusing()
    bodies = ["refuse me" if n in {3, 10, 24} else "fine" for n in range(25)]
    messages = [Queued("https://sqs/q", body, n) for n, body in enumerate(bodies)]
    refused = Queues(client).send(messages)  # type: ignore[arg-type]
    assert [message.delay for message in refused] == [3, 10, 24]
    assert client.batches == [10, 10, 5]


def test_a_message_without_a_delay_of_its_own_waits_as_its_queue_says(moto_cloud: Cloud) -> None:
    attributes = {"DelaySeconds": "900"}
    url = str(moto_cloud.sqs.create_queue(QueueName="slow", Attributes=attributes)["QueueUrl"])
    Queues(moto_cloud.sqs).send([Queued(url, '"later"', delay=None), Queued(url, '"now"')])
    assert moto_cloud.bodies(url) == ["now"]


def test_depth_tells_what_waits_from_what_is_in_hand(moto_cloud: Cloud, url: str) -> None:
    queues = Queues(moto_cloud.sqs)
    assert queues.depth(url) == Depth(0, 0)
    queues.send([Queued(url, "1"), Queued(url, "2"), Queued(url, "3", 600)])
    assert queues.depth(url) == Depth(waiting=3, in_hand=0)
    assert queues.receive(url)
    assert queues.depth(url) == Depth(waiting=2, in_hand=1)


def test_nothing_to_send_is_no_call() -> None:
    client = Refusing()
    assert Queues(client).send([]) == []  # type: ignore[arg-type]
    assert client.batches == []


def test_a_stale_receipt_does_no_harm(moto_cloud: Cloud, url: str) -> None:
    queues = Queues(moto_cloud.sqs)
    queues.delete(url, "stale")
    queues.show_again(url, "stale", 5)


def test_a_queue_that_is_not_there_is_unavailable(moto_cloud: Cloud) -> None:
    queues, nowhere = Queues(moto_cloud.sqs), "https://sqs.eu-central-1.amazonaws.com/123456789012/nowhere"
    for call in (
        lambda: queues.send([Queued(nowhere, "x")]), lambda: queues.receive(nowhere),
        lambda: queues.delete(nowhere, "r"), lambda: queues.show_again(nowhere, "r", 1), lambda: queues.depth(nowhere),
    ):  # fmt: skip
        with pytest.raises(Unavailable):
            call()
