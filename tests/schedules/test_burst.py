"""A burst: a fifth of all calls throttled and nothing is lost; urgent mail goes first and nobody waits for ever."""

import heapq
import logging
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

import pytest
from botocore.awsrequest import AWSResponse

from chalicelib import doors
from chalicelib.aws import clients
from chalicelib.aws.queues import Queues
from chalicelib.aws.raw_store import RawStore
from chalicelib.flows import claim, receive
from chalicelib.flows.ring import ring
from chalicelib.store.table import Table
from tests import letters
from tests.crash.desk import ANNA, Desk, open_desk
from tests.crash.setting import of_kind, shown
from tests.invariants import violations

#: Functions at work at once, and seconds a call takes: of the model by which a burst's length is told.
_AT_ONCE: Final = 10
_A_CALL: Final = 0.01


@dataclass
class Load:
    """What a burst cost: tries of calls, and seconds until all was drained."""

    calls: int = 0
    throttled: int = 0
    seconds: float = 0.0


class Throttle:
    """Throttles a share of all tries, below the clients' own retries; counts, and knows how long they took."""

    def __init__(self, share: float) -> None:
        self._share, self._chance = share, random.Random(5)
        self.load, self.took = Load(), 0.0

    def before_send(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        """One try of one call."""
        self.load.calls += 1
        self.took += _A_CALL
        if self._chance.random() >= self._share:
            return None
        self.load.throttled += 1
        if ".s3." in event_name:
            return AWSResponse(request.url, 503, {}, _Body(b"<Error><Code>SlowDown</Code></Error>"))
        code = b"RequestThrottled" if ".sqs." in event_name else b"ProvisionedThroughputExceededException"
        headers = {"x-amzn-RequestId": "1", "Content-Type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, 400, headers, _Body(b'{"__type":"' + code + b'","message":"slower"}'))

    def sleep(self, seconds: float) -> None:
        """Between two tries."""
        self.took += seconds


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._content


def burst(mails: int, share: float, monkeypatch: pytest.MonkeyPatch) -> tuple[Load, Counter[str]]:
    """So many mails at once, by the shipped clients' own retries and SQS's; what it cost, and what became of them."""
    throttle = Throttle(share)
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=throttle.sleep))
    monkeypatch.setattr("chalicelib.flows.again.time", SimpleNamespace(sleep=throttle.sleep))
    with open_desk() as desk:
        notices = [_stored(desk, number) for number in range(mails)]
        _as_shipped(desk, throttle)
        load = throttle.load
        load.seconds = _drained(desk, notices, throttle)
        table = desk.rows()
        assert violations(table.values()) == []
        entries = Counter(event["type"] for event in of_kind(table, "event"))
        assert len(of_kind(table, "delivery")) == mails
    return load, entries


def _stored(desk: Desk, number: int) -> str:
    raw = letters.mail(sender=f"c{number}@customer.example.com", Message_ID=f"<{number}@customer.example.com>")
    return letters.store_mail(desk.world, f"ses-{number}", raw)


def _as_shipped(desk: Desk, throttle: Throttle) -> None:
    """The clients that a function really has."""
    settings = desk.world.settings
    dynamodb, s3, sqs = (clients._client(name, clients._CONFIG) for name in ("dynamodb", "s3", "sqs"))
    for client in (dynamodb, s3, sqs):
        client.meta.events.register_first("before-send.*.*", throttle.before_send)
    vars(desk.world).update(
        table=Table(dynamodb, settings.table), raw=RawStore(s3, settings.raw_bucket), queues=Queues(sqs)
    )


def _drained(desk: Desk, notices: list[str], throttle: Throttle) -> float:
    """Seconds until the last is handled: batches of ten, each to the function that is free first; failures come back
    as the door says."""
    chance, world = random.Random(1), desk.world
    free = [0.0] * _AT_ONCE
    waiting = [(0.0, number, notice, 1) for number, notice in enumerate(notices)]
    heapq.heapify(waiting)
    last = 0.0
    while waiting:
        start = max(heapq.heappop(free), waiting[0][0])
        batch = [heapq.heappop(waiting) for _ in range(min(10, len(waiting))) if waiting[0][0] <= start]
        event = {"Records": [
            {"messageId": str(n), "body": body, "receiptHandle": "none",
             "eventSourceARN": "arn:aws:sqs:eu-central-1:1:desk-inbound",
             "attributes": {"ApproximateReceiveCount": str(count)}}
            for _, n, body, count in batch
        ]}  # fmt: skip
        throttle.took = 0.0
        answer = doors.each_message(event, lambda m: receive.delivery(m.body, m.id, m.receive_count, world), world)
        ended = start + throttle.took
        failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        for _, n, body, count in batch:
            if str(n) in failed:
                heapq.heappush(waiting, (ended + chance.uniform(*doors.back_after(count)), n, body, count + 1))
        heapq.heappush(free, ended)
        last = max(last, ended)
    return last


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mails", [150, pytest.param(2000, marks=pytest.mark.long)])
def test_a_fifth_of_all_calls_throttled(
    mails: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("sortownia").setLevel(logging.CRITICAL + 1)
    try:
        quiet, _ = burst(mails, 0.0, monkeypatch)
        load, entries = burst(mails, 0.2, monkeypatch)
    finally:
        logging.getLogger("sortownia").setLevel(logging.NOTSET)
    ratio = load.calls / quiet.calls
    with capsys.disabled():
        print(
            f"\n{mails} mails: {quiet.calls} calls undisturbed, {load.calls} with {load.throttled} throttled "
            f"({ratio:.2f} x); drained after {quiet.seconds:.0f} s and {load.seconds:.0f} s by {_AT_ONCE} functions "
            f"at {1000 * _A_CALL:.0f} ms a call; {dict(entries)}",
            end="",
        )
    assert 0.15 <= load.throttled / load.calls <= 0.25
    assert ratio <= 1.5
    assert load.seconds <= 120
    assert sum(entries.values()) == mails


@pytest.mark.parametrize("waiting", [10, pytest.param(60, marks=pytest.mark.long)])
def test_urgent_first_and_nobody_for_ever(waiting: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A hundred urgent mails for each that waits, more of them than can be claimed: all the same each is claimed."""
    with open_desk() as desk:
        old = [desk.mail(number, "#order #normal").id for number in range(waiting)]
        numbers = iter(range(waiting, 10**6))
        order: list[tuple[str, bool]] = []
        while not {item_id for item_id, _ in order} >= set(old):
            assert len(order) < 4 * waiting, f"{len(order)} claims, and {set(old) - {i for i, _ in order}} still wait"
            while len(_urgent(desk)) < 3:
                desk.mail(next(numbers), "#order #critical")
                desk.cloud.clock.forward(seconds=1)
            ring(shown(desk.changes(), "ring"), desk.world)
            item = claim.next_in_queue("orders", ANNA, "", desk.world)
            assert item
            order.append((item.id, item.lane == "urgent"))
            desk.finished(item)
            desk.cloud.clock.forward(seconds=5)
    by_bell = [urgent for number, (_, urgent) in enumerate(order) if number % claim.OLDEST_EVERY]
    assert all(by_bell), "a normal bell was heard before an urgent one"
    with capsys.disabled():
        print(f"\n{waiting} waiting under a stream of urgent mail: the last of them claimed at claim {len(order)} "
              f"(bound {4 * waiting}); {sum(by_bell)} of {len(by_bell)} claims by bell urgent", end="")  # fmt: skip


def _urgent(desk: Desk) -> list[Any]:
    items = of_kind(desk.rows(), "item")
    return [item for item in items if (item["lane"], item["state"]) == ("urgent", "queued")]
