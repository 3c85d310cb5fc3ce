"""Short ways to what flow tests need again and again: something that waits, something that rings."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from chalicelib.aws.queues import Queued
from chalicelib.errors import Unavailable
from chalicelib.flows import claim, receive, ring
from chalicelib.flows.claim import next_in_queue
from chalicelib.item.item import Item
from chalicelib.rights import Caller
from chalicelib.store.rows import from_wire, item_of
from tests import letters
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA


def deliver(world: TestWorld, number: int, body: str = "Where is my parcel?", count: int = 1, **headers: str) -> str:
    """A mail by customer `number` (or `sender`) arrives; returns what became of it."""
    sender = headers.pop("sender", f"c{number}@customer.example.com")
    verdicts = {name: headers.pop(name) for name in ("spam", "virus", "dmarc") if name in headers}
    headers = {"Message_ID": f"<m{number}@customer.example.com>", **headers}
    raw = letters.mail(body, sender, headers.pop("subject", "Parcel"), **headers)
    return receive.delivery(letters.store_mail(world, f"ses-{number}", raw, **verdicts), f"sqs-{number}", count, world)


def chat(world: TestWorld, delivery: str, text: str, **more: str) -> str:
    """A visitor's message arrives; returns what became of it."""
    return receive.delivery(letters.store_chat(world, delivery, text, **more), f"sqs-{delivery}", 1, world)


def items(cloud: Cloud) -> list[Item]:
    """All items, in the order they came."""
    found = [item_of(from_wire(row)) for row in cloud.rows() if row["kind"]["S"] == "item"]
    return sorted(found, key=lambda item: item.created_at)


def kinds(cloud: Cloud) -> dict[str, int]:
    """How many rows of each kind there are."""
    found: dict[str, int] = {}
    for row in cloud.rows():
        found[row["kind"]["S"]] = found.get(row["kind"]["S"], 0) + 1
    return found


def facts(world: TestWorld, item: Item) -> list[Mapping[str, Any]]:
    """The facts of an item's history, oldest first."""
    return [event.facts for event in world.table.history(item.id)]


def ring_bells(cloud: Cloud, world: TestWorld) -> None:
    """Rings the bell of everything that waits."""
    world.queues.send(ring.bell(item, world.settings) for item in items(cloud) if item.holder is None)


def heard(cloud: Cloud, world: TestWorld, queue: str, lane: str = "normal") -> list[Any]:
    """Takes the bells off a lane."""
    return cloud.bodies(world.settings.work_queue_url(queue, lane))


def ringing(cloud: Cloud, world: TestWorld, queue: str = "orders", lane: str = "normal") -> tuple[int, int]:
    """How many bells of a lane may be heard now, and how many are hidden."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = world.settings.work_queue_url(queue, lane)
    counted = cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return int(counted[names[0]]), int(counted[names[1]])


def by_bells(*queues: str) -> None:
    """The next three claims of these queues listen to bells first; the fourth takes the oldest by the index."""
    claim._turns[queues or ("orders",)] = count(1)


def claimed(world: TestWorld, queue: str = "orders", caller: Caller = ANNA, key: str = "") -> Item:
    """The next item of a queue, which must be there."""
    item = next_in_queue(queue, caller, key, world)
    assert item
    return item


class Unreachable:
    """An AWS service that is away."""

    def __getattr__(self, _name: str) -> Any:
        def called(*_: Any, **__: Any) -> None:
            raise Unavailable("away")

        return called


class Picky:
    """Queues that refuse messages for one address, and send all others."""

    def __init__(self, world: TestWorld, refused: str) -> None:
        self._real, self._refused = world.queues, refused

    def send(self, messages: Any) -> list[Queued]:
        held = list(messages)
        left = [message for message in held if message.url == self._refused]
        return left + self._real.send(message for message in held if message.url != self._refused)
