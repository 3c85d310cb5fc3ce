"""A lease that ends gives its item back: within seconds by its timer, within two minutes by the watch alone."""

import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from chalicelib.flows import claim, watch, work
from chalicelib.item.item import EventType, Item
from chalicelib.item.state import State
from chalicelib.store.keys import WAKE_SHARDS, wake_shard
from chalicelib.world import World
from tests.end_to_end.crowd import Hall, agent, waiting
from tests.end_to_end.running import Running, eventually, waiting_items

pytestmark = [pytest.mark.stack, pytest.mark.long]

LEASES, LEASE = 50, timedelta(seconds=5)
#: Budgets: seconds from the end of the lease until the item may be claimed again.
BY_TIMER, BY_WATCH = 5, 120


@dataclass(frozen=True)
class Return:
    """Seconds after the end of its lease at which an item was given back, and at which its bell was in the queue."""

    written: float
    rung: float


def test_a_lease_that_ends_returns_its_item_within_five_seconds(running: Running) -> None:
    """Each second one is prolonged on the way, so that its first timer comes too early.

    With warm functions: the emulator unpacks the whole package for every worker it starts.
    """
    running.stack.warm("timers", "timers")
    taken = leased(running, LEASES)
    beating = [kept_alive(running, item) if number % 2 else item for number, item in enumerate(taken)]
    returned = returns(running, beating, BY_TIMER + 20)
    told("by timer", returned)
    assert p95([back.rung for back in returned]) <= BY_TIMER
    assert min(back.written for back in returned) >= 0


@pytest.mark.long
@pytest.mark.timeout(400)
def test_without_timers_the_watch_returns_it_within_two_minutes(running: Running) -> None:
    with no_timers(running):
        returned = returns(running, leased(running, LEASES), BY_WATCH + 30)
    told("by the watch alone", returned)
    assert max(back.rung for back in returned) <= BY_WATCH


def test_the_watch_sees_to_leases_before_bells_that_may_be_lost(hall: Hall) -> None:
    """After a burst thousands of items are due to be rung again at once; a lease whose timer is lost waits for none."""
    hall.clear()
    (leased,) = waiting(1, "people", hall.long_ago)
    hall.settle([leased])
    assert claim.next_in_queue("people", agent(1), "", hall.world)
    crowd = waiting(250 * WAKE_SHARDS, "sales", hall.long_ago, 100, wake_at=hall.long_ago + timedelta(hours=1))
    hall.settle(item for item in crowd if wake_shard(item.id) == wake_shard(leased.id))
    hall.cloud.clock.forward(minutes=15)
    for _ in range(2):  # the minutes that it may take
        hall.cloud.clock.forward(minutes=1)
        print("the watch did", watch.watch(hall.world))
    assert hall.world.table.item(leased.id).state == State.QUEUED


def leased(running: Running, number: int) -> list[Item]:
    """So many items, claimed just now for a few seconds each."""
    waiting_items(running.world, number, datetime.now(UTC))
    world = short_leases(running)
    taken = [claim.next_in_queue("people", agent(1), "", world) for _ in range(number)]
    assert None not in taken
    return [item for item in taken if item]


def short_leases(running: Running) -> World:
    """The running stack's resources, by the clock on the wall, under a desk whose leases are short."""
    policy = replace(running.world.policy, leases=dict.fromkeys(running.world.policy.leases, LEASE))
    world = World(running.world.settings, policy)
    vars(world).update(table=running.world.table, queues=running.world.queues)
    return world


def kept_alive(running: Running, item: Item) -> Item:
    """The item after a sign of life of its holder."""
    assert item.claim_token
    return replace(item, lease_until=work.heartbeat(item.id, item.claim_token, agent(1), short_leases(running)))


def returns(running: Running, taken: Sequence[Item], patience: float) -> list[Return]:
    """How each of these leases ended, once all have."""
    rung: dict[tuple[str, int], datetime] = {}

    def all_rung() -> list[str]:
        rung.update(running.heard())
        return [item.id for item in taken if (item.id, item.ring + 1) not in rung]

    eventually(all_rung, lambda missing: not missing, LEASE.total_seconds() + patience)
    return [_return_of(item, running, rung[item.id, item.ring + 1]) for item in taken]


def _return_of(item: Item, running: Running, rung: datetime) -> Return:
    events = [event for event in running.world.table.history(item.id) if event.version == item.version + 1]
    assert [event.type for event in events] == [EventType.LEASE_EXPIRED]
    assert item.lease_until
    written, heard = events[0].at - item.lease_until, rung - item.lease_until
    return Return(written.total_seconds(), heard.total_seconds())


@contextmanager
def no_timers(running: Running) -> Iterator[None]:
    """Every timer is lost meanwhile."""
    functions, url = running.stack.client("lambda"), running.stack.queue_urls["TimerQueue"]
    name = running.stack.function_name("timers")
    (mapping,) = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    switch = partial(functions.update_event_source_mapping, UUID=mapping["UUID"])
    switch(Enabled=False)
    try:
        yield
    finally:
        running.stack.client("sqs").purge_queue(QueueUrl=url)
        switch(Enabled=True)


def p95(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def told(how: str, returned: Sequence[Return]) -> None:
    for what in ("written", "rung"):
        seconds = [getattr(back, what) for back in returned]
        spread = f"p50 {statistics.median(seconds):.2f} s, p95 {p95(seconds):.2f} s, most {max(seconds):.2f} s"
        print(f"{len(seconds)} leases that ended, {how}: {what} {spread} after the end")
