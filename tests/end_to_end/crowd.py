"""Many waiting items, written as rows in batches, and what claims among them cost."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import batched, count, product
from typing import Any

from chalicelib.flows import claim, ring
from chalicelib.item.item import Customer, CustomerId, Item, ItemId
from chalicelib.rights import Caller
from chalicelib.routing.route import Lane
from chalicelib.settings import work_queue_name
from chalicelib.store import rows
from chalicelib.world import World
from sortownia.local.stack import LocalStack
from tests import desk
from tests.cloud import Cloud
from tests.crash.calls import Calls
from tests.end_to_end.running import settings_of

_WRITE_LIMIT = 25
_tables = count(1)

#: A claim's item and the AWS calls it made.
type Claimed = tuple[Item, list[str]]


def agent(number: int) -> Caller:
    """An agent of the packaged desk."""
    return Caller(f"agent-{number}", frozenset({"agent"}))


def waiting(number: int, queue: str, since: datetime, per_customer: int = 1, **changed: Any) -> list[Item]:
    """So many items of a queue, oldest first: the first has waited since `since`, each other a millisecond less."""
    run = secrets.token_hex(4)
    told = {"created_at": since, "changed_at": since, "wake_at": since + timedelta(days=30), **changed}
    return [
        desk.item(
            id=ItemId(f"{run}{one:024d}"), customer_id=CustomerId(f"{run}{one // per_customer:024d}"),
            queue=queue, waiting_since=since + timedelta(milliseconds=one), **told,
        )
        for one in range(number)
    ]  # fmt: skip


def settle(cloud: Cloud, table: str, items: Iterable[Item]) -> None:
    """Writes items and the customers they belong to."""

    def write(part: Sequence[rows.Row]) -> None:
        puts = [{"PutRequest": {"Item": rows.to_wire(row)}} for row in part]
        left = cloud.dynamodb.batch_write_item(RequestItems={table: puts})["UnprocessedItems"]
        assert left == {}

    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(write, batched(_rows(items), _WRITE_LIMIT)):
            pass


def _rows(items: Iterable[Item]) -> Iterator[rows.Row]:
    written: set[str] = set()
    for item in items:
        yield rows.item_row(item)
        if item.customer_id not in written:
            written.add(item.customer_id)
            yield rows.customer_row(Customer(item.customer_id, 1, b"k" * 32))


class Hall:
    """Where a crowd waits: a table and work queues of its own, and every call made to them from this thread.

    They lie on a stack's emulator, but no function of the stack sees them: rows and bells are what the test puts there.
    """

    def __init__(self, stack: LocalStack) -> None:
        self.cloud = Cloud(stack.endpoint, stack.region)
        self.calls = Calls(self.cloud)
        settings = settings_of(stack, "https://issuer.example.com")
        self.world = self.cloud.world(replace(settings, stack_name="crowd", table=self._table()))
        for queue, lane in self._lanes():
            self.cloud.sqs.create_queue(QueueName=work_queue_name("crowd", queue, lane))

    def clear(self) -> None:
        """Empties the hall; the next claim is the first of its process."""
        claim._turns.clear()
        self.silence()
        self.cloud.dynamodb.delete_table(TableName=self.world.settings.table)
        self.world = self.cloud.world(replace(self.world.settings, table=self._table()))

    @property
    def long_ago(self) -> datetime:
        """A day before the hall's present."""
        return self.cloud.clock.time - timedelta(days=1)

    def settle(self, items: Iterable[Item]) -> None:
        """Lets items wait here, without bells."""
        settle(self.cloud, self.world.settings.table, items)

    def ring(self, items: Iterable[Item]) -> None:
        """Rings their bells."""
        refused = self.world.queues.send(ring.bell(item, self.world.settings) for item in items)
        assert refused == []

    def silence(self) -> None:
        """Deletes every bell."""
        for queue, lane in self._lanes():
            self.cloud.sqs.purge_queue(QueueUrl=self.world.settings.work_queue_url(queue, lane))

    def claims(self, times: int, ask: Callable[[World], Item | None]) -> list[Claimed]:
        """So many claims, each of which must get something."""
        made = []
        for _ in range(times):
            with self.calls.watch() as calls:
                got = ask(self.world)
            assert got, f"nothing waits, after {calls}"
            made.append((got, list(calls)))
        return made

    def _table(self) -> str:
        name = f"crowd-{next(_tables)}"
        self.cloud.make_table(name)
        return name

    def _lanes(self) -> Iterator[tuple[str, Lane]]:
        return product(self.cloud.policy.queues, Lane)


def claims_of_one_queue(hall: Hall, number: int) -> list[Claimed]:
    """Five claims where so many wait and the ten oldest ring, by both ways; then three more where nothing rings."""
    hall.clear()
    items = waiting(number, "people", hall.long_ago, per_customer=100)
    hall.settle(items)
    hall.ring(items[:10])
    ask = partial(claim.next_in_queue, "people", agent(1), "")
    rung = hall.claims(5, ask)
    hall.silence()
    return rung + hall.claims(3, ask)


def claims_of_all_queues(hall: Hall, in_each: int) -> list[Claimed]:
    """The same over all queues of the desk, with so many waiting in each, of which the oldest rings."""
    hall.clear()
    for minute, queue in enumerate(hall.world.policy.queues):
        items = waiting(in_each, queue, hall.long_ago + timedelta(minutes=minute), per_customer=100)
        hall.settle(items)
        hall.ring(items[:1])
    ask = partial(claim.next_in_mine, agent(1), "")
    rung = hall.claims(5, ask)
    hall.silence()
    return rung + hall.claims(3, ask)


def net(calls: Sequence[str]) -> int:
    """Calls without what the budget grants besides: one for each empty lane, three for each stale bell."""
    by_bell = "Query" not in calls
    deleted = calls.count("DeleteMessage")
    return len(calls) - (calls.count("ReceiveMessage") - deleted) - 3 * (deleted - by_bell)
