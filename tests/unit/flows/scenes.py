"""Short ways to what flow tests need again and again: something that waits, something that rings."""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from chalicelib import policy
from chalicelib.aws.queues import Queued
from chalicelib.errors import LostRace, Unavailable
from chalicelib.flows import claim, receive, ring
from chalicelib.flows.claim import next_in_queue
from chalicelib.flows.presence import set_presence
from chalicelib.flows.reply import reply
from chalicelib.item.item import Event, Item
from chalicelib.item.offer import AgentNow
from chalicelib.item.outgoing import Outgoing
from chalicelib.item.reply import Then
from chalicelib.rights import Caller
from chalicelib.store.rows import from_wire, item_of
from tests import letters
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA, DESK

#: Boris knows money and takes bills too; he stands in for Anna, Carl for him, and Anna for Carl.
DEPUTIES = """anna = { skills = ["money"], deputy = "boris" }
boris = { skills = ["money"], deputy = "carl" }
carl = { capacity = { mail = 2, chat = 1 }, deputy = "anna" }
"""


def deliver(world: TestWorld, number: int, body: str = "Where is my parcel?", **headers: str) -> str:
    """A mail by customer `number` (or `sender`) arrives; returns what became of it."""
    sender = headers.pop("sender", f"c{number}@customer.example.com")
    verdicts = {name: headers.pop(name) for name in ("spam", "virus", "dmarc") if name in headers}
    headers = {"Message_ID": f"<m{number}@customer.example.com>", **headers}
    raw = letters.mail(body, sender, headers.pop("subject", "Parcel"), **headers)
    return receive.delivery(letters.store_mail(world, f"ses-{number}", raw, **verdicts), f"sqs-{number}", 1, world)


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


def messages(world: TestWorld, item: Item) -> list[str]:
    """Ids of the entries of an item's own messages."""
    return [event.id for event in world.table.history(item.id) if event.type == "message-received"]


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


def ruled(world: TestWorld, *changes: tuple[str, str]) -> None:
    """The desk decides otherwise: each of these texts of its rules becomes another."""
    text = DESK
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    vars(world)["policy"] = policy.parse(text)


def with_deputies(world: TestWorld) -> None:
    """The desk names deputies, in a ring."""
    start, end = DESK.index("anna = {"), DESK.index("sam = {")
    ruled(world, (DESK[start:end], DEPUTIES), ('members = ["anna", "carl"]', 'members = ["anna", "boris", "carl"]'))


def forward(world: TestWorld, **how_far: float) -> None:
    """Time passes."""
    assert world.clock
    world.clock.forward(**how_far)


def present(world: TestWorld, *callers: Caller) -> None:
    """These agents say that they are there."""
    for caller in callers:
        set_presence(caller.id, "present", caller, world)


def now_of(world: TestWorld, item: Item) -> Item:
    """The item as it is now."""
    return world.table.item(item.id)


def agent(world: TestWorld, agent_id: str) -> AgentNow:
    """An agent as he is now."""
    return world.table.agents([agent_id])[agent_id]


def load(world: TestWorld, caller: Caller) -> dict[str, int]:
    """How many items of each channel an agent carries; those of none are left out."""
    return {channel: held for channel, held in agent(world, caller.id).held.items() if held}


def last_event(world: TestWorld, item: Item) -> Event:
    """The newest event of an item's history."""
    return world.table.history(item.id)[-1]


def told(world: TestWorld, item: Item) -> list[Event]:
    """All that happened to the item's customer, oldest first."""
    return list(world.table.timeline(item.customer_id, 100, None, newest=False).entries)


def answer(
    world: TestWorld, item: Item, text: str = "It comes tomorrow.", then: Then = Then.WAIT, key: str = ""
) -> tuple[Outgoing, Item]:
    """The holder answers the customer."""
    return reply(item.id, item.version, text, then, key, Caller(str(item.holder), frozenset({"agent"})), world)


class Losing:
    """A table where somebody else is first, so many times."""

    def __init__(
        self, world: TestWorld, times: int, reasons: tuple[str, ...] = ("item:ConditionalCheckFailed",)
    ) -> None:
        self._table, self._left, self._reasons = world.table, times, reasons

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def save(self, change: Any, at: Any) -> None:
        self._left -= 1
        if self._left >= 0:
            raise LostRace(self._reasons)
        self._table.save(change, at)


class Late:
    """A table whose history index does not show the newest entries the first time it is asked."""

    def __init__(self, world: TestWorld, missing: int) -> None:
        self._table, self._missing, self.asked = world.table, missing, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def history(self, item_id: str) -> list[Event]:
        self.asked += 1
        whole = self._table.history(item_id)
        return whole[: -self._missing] if self.asked == 1 else whole


class Meanwhile:
    """Something else happens once, right before the first write of what is under test reaches DynamoDB."""

    def __init__(self, cloud: Cloud, happens: Callable[[], object]) -> None:
        self._events, self._happens, self.times = cloud.dynamodb.meta.events, happens, 0

    def __enter__(self) -> "Meanwhile":
        self._events.register("before-call.dynamodb.TransactWriteItems", self._first)
        return self

    def __exit__(self, *_: object) -> None:
        self._events.unregister("before-call.dynamodb.TransactWriteItems", self._first)

    def _first(self, **_: Any) -> None:
        self.times += 1
        if self.times == 1:
            self._happens()
