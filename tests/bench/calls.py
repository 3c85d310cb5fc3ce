"""How many AWS calls our code makes from notice to bell, and per claim."""

import re
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import batched

from moto import mock_aws

from chalicelib.flows import claim
from chalicelib.flows.receive import delivery
from chalicelib.flows.ring import ring
from chalicelib.rights import Caller
from sortownia.local import feed
from sortownia.local.stack import LocalStack
from tests.cloud import Cloud, TestWorld
from tests.crash.calls import Calls
from tests.end_to_end.crowd import Hall, claims_of_all_queues, claims_of_one_queue, net
from tests.end_to_end.running import eventually, settings_of, waiting_items
from tests.letters import store_mail
from tests.streams import Stream

MAILS = 200
CLAIMS = 40
FEW, MANY = 50, 600
CROWD = 100_000


def measure() -> dict[str, float]:
    """Medians, and the claim's with few and many items waiting."""
    return {**_per_message(), **_per_claim()}


def _per_message() -> dict[str, float]:
    """200 mails through `receive` one by one, then their stream records through `ring` in batches of ten.

    The stream is asked for by AWS; `receive`'s own batch is taken off the queue by AWS as well.
    """
    samples = feed.sample_mails()
    with mock_aws():
        cloud = Cloud()
        world = cloud.deploy()
        counted, stream, made = Calls(cloud), Stream(cloud), []
        for number in range(MAILS):
            sample = samples[number % len(samples)]
            raw = feed.compose(sample, samples, f"{number // len(samples)}").as_bytes()
            notice = store_mail(world, f"m{number}", raw)
            with counted.watch() as calls:
                outcome = delivery(notice, f"sqs-{number}", 1, world)
                made.append(len(calls))
            if not re.fullmatch("queued|recorded as automatic|seen again", outcome):
                raise RuntimeError(f"mail {number}: {outcome}")
        rung = 0
        for records in batched(stream.records(), 10):
            with counted.watch() as calls:
                ring(records, world)
                rung += len(calls)
    return {"aws_calls_per_message": round(statistics.median(made) + rung / MAILS, 2)}


def _per_claim() -> dict[str, float]:
    """Claims of one queue on the emulator, whose `ring` rings the bells."""
    parameters = {"OidcIssuer": "https://issuer.example.com", "OidcAudience": "sortownia"}
    with LocalStack(port=0, name="bench", parameters=parameters) as stack, _cloud_of(stack) as cloud:
        world, counted = cloud.world(settings_of(stack, "https://issuer.example.com")), Calls(cloud)
        few = _claims(stack, world, counted, FEW)
        many = _claims(stack, world, counted, MANY)
        crowd = _in_a_crowd(stack)
    every = few + many
    return {
        **crowd,
        "aws_calls_per_claim": statistics.median(net(made) for made in every),
        "aws_calls_per_claim_most": max(net(made) for made in every),
        "aws_calls_per_claim_all_counted_mean": round(statistics.mean(len(made) for made in every), 2),
        f"aws_calls_per_claim_{FEW}_waiting": statistics.median(net(made) for made in few),
        f"aws_calls_per_claim_{MANY}_waiting": statistics.median(net(made) for made in many),
    }


def _in_a_crowd(stack: LocalStack) -> dict[str, float]:
    """Claims by bell and by index where a hundred thousand wait, of one queue; and over all queues of the desk."""
    hall = Hall(stack)
    made = [net(calls) for _, calls in claims_of_one_queue(hall, CROWD)]
    over_all = [net(calls) for _, calls in claims_of_all_queues(hall, 1)]
    hall.cloud.close()
    return {
        f"aws_calls_per_claim_{CROWD}": statistics.median(made),
        f"aws_calls_per_claim_{CROWD}_most": max(made),
        "aws_calls_per_claim_over_all_queues_most": max(over_all),
    }


def _claims(stack: LocalStack, world: TestWorld, counted: Calls, waiting: int) -> list[list[str]]:
    """The calls of each of forty claims, with at least so many items waiting and all bells rung."""
    waiting_items(world, waiting, datetime.now(UTC))
    eventually(lambda: _rung(stack), lambda bells: bells >= waiting, 300)
    made = []
    for _ in range(CLAIMS):
        with counted.watch() as calls:
            if claim.next_in_queue("people", Caller("agent-1", frozenset({"agent"})), "", world) is None:
                raise RuntimeError("nothing waits")
            made.append(list(calls))
    return made


def _rung(stack: LocalStack) -> int:
    url = stack.queue_urls["WorkPeople"]
    names = ["ApproximateNumberOfMessages"]
    answer = stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


@contextmanager
def _cloud_of(stack: LocalStack) -> Iterator[Cloud]:
    cloud = Cloud(stack.endpoint, stack.region)
    yield cloud
    cloud.close()
