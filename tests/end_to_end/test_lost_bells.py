"""Lost bells delay nobody: whoever claims, in whatever process, the index brings up what has waited longest."""

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache, partial

import pytest

from chalicelib.flows import claim, ring
from chalicelib.settings import Settings
from tests.cloud import Cloud, TestWorld
from tests.end_to_end.crowd import Hall, agent, settle, waiting
from tests.end_to_end.running import Running, eventually

pytestmark = [pytest.mark.stack, pytest.mark.long]

QUEUE, SQS_QUEUE = "returns", "WorkReturns"
AGENTS, PROCESSES = 8, 3


@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", [40, pytest.param(600, marks=pytest.mark.long)])
def test_with_every_bell_deleted_everything_is_handed_out_oldest_first(running: Running, number: int) -> None:
    """By the deployed API, to eight agents at once."""
    items = rung(running, number)
    lose(running, set(items))
    order = handed_out(running)
    assert [item for item, times in Counter(order).items() if times > 1] == []
    late = [order.index(item) - rank for rank, item in enumerate(items)]
    print(f"{number} items without a bell, {AGENTS} agents: all handed out, each at most {max(late)} claims late")
    assert max(late) <= 2 * AGENTS  # who loses a race for the oldest takes one of the next


@pytest.mark.timeout(600)
def test_the_oldest_whose_bell_is_lost_is_handed_out_while_all_others_ring(running: Running) -> None:
    items = rung(running, 80)
    lose(running, {items[0]})
    order = handed_out(running)
    assert set(items) <= set(order)
    place = 1 + order.index(items[0])
    print(f"the oldest of {len(items)}, without a bell, was handed out as number {place}")
    assert place <= 4 * AGENTS


def test_of_n_waiting_the_oldest_is_offered_within_4n_claims_of_any_processes(hall: Hall) -> None:
    """The worst case: every process has just asked the index, the oldest has no bell, and more comes all the time."""
    with processes(hall) as claims:
        hall.settle(waiting(PROCESSES, QUEUE, hall.long_ago))
        for claimed in claims:
            claimed()
        oldest, *others = waiting(PROCESSES, QUEUE, hall.long_ago + timedelta(hours=1))
        hall.settle([oldest, *others])
        hall.ring(others)
        got = []
        while oldest.id not in got:
            assert len(got) < 4 * PROCESSES, "the oldest was not offered"
            got.append(claims[len(got) % PROCESSES]())
            new = waiting(1, QUEUE, hall.long_ago + timedelta(hours=2))
            hall.settle(new)
            hall.ring(new)
    print(f"{PROCESSES} processes, {PROCESSES} waiting: the oldest, without a bell, was offered at claim {len(got)}")


# The running system


def rung(running: Running, number: int) -> list[str]:
    """So many items that have waited longer than anything else, oldest first, with all their bells in the queue."""
    items = waiting(number, QUEUE, datetime.now(UTC) - timedelta(days=1))
    before = running.depth(SQS_QUEUE)
    settle(running.cloud, running.stack.table, items)
    eventually(partial(running.depth, SQS_QUEUE), lambda depth: depth >= before + number, 60)
    return [item.id for item in items]


def lose(running: Running, lost: set[str]) -> None:
    """Deletes the bells of these items, and lets all others ring again."""
    heard = running.bells()
    assert {item for item, _ in heard} >= lost
    kept = [running.world.table.item(item) for item, _ in heard if item not in lost]
    assert running.world.queues.send(ring.bell(item, running.world.settings) for item in kept) == []


def handed_out(running: Running) -> list[str]:
    """What agents at work got until nothing waited any more, in the order it was claimed."""
    got = running.in_parallel([partial(_at_work, running, f"agent-{one + 1}") for one in range(AGENTS)], AGENTS)
    return [item for _, item in sorted(claimed for claims in got for claimed in claims)]


def _at_work(running: Running, agent_id: str) -> list[tuple[str, str]]:
    """When an agent's items were claimed, and their ids."""
    got, headers = [], running.as_agent(agent_id)
    while (answer := running.http.post(f"/v1/queues/{QUEUE}/claim", headers=headers)).status_code == 200:
        got.append((answer.json()["changed_at"], answer.json()["id"]))
    assert answer.status_code == 204, answer.text
    return got


# Processes of our own


@contextmanager
def processes(hall: Hall) -> Iterator[list[Callable[[], str]]]:
    """Processes that hand out work in an empty hall; each call makes a claim there and returns the item's id."""
    hall.clear()
    where = hall.cloud.dynamodb.meta.endpoint_url, hall.cloud.dynamodb.meta.region_name, hall.world.settings
    spawn = multiprocessing.get_context("spawn")
    with ExitStack() as running:
        pools = [running.enter_context(ProcessPoolExecutor(1, spawn)) for _ in range(PROCESSES)]
        yield [partial(_done_in, pool, where) for pool in pools]


def _done_in(pool: Executor, where: tuple[str, str, Settings]) -> str:
    return pool.submit(_claimed, where).result()


def _claimed(where: tuple[str, str, Settings]) -> str:
    item = claim.next_in_queue(QUEUE, agent(1), "", _world(*where))
    assert item
    return item.id


@cache
def _world(endpoint: str, region: str, settings: Settings) -> TestWorld:
    return Cloud(endpoint, region).world(settings)
