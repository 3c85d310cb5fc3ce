"""Eight agents at once over HTTP: every item gets exactly one holder."""

import statistics
import time
from collections import Counter
from datetime import UTC, datetime
from functools import partial

import pytest

from sortownia.client import ApiError
from tests.end_to_end.running import Running, eventually, waiting_items

pytestmark = pytest.mark.stack
AGENTS = [f"agent-{number}" for number in range(1, 9)]


def agent_at_work(running: Running, agent_id: str) -> tuple[list[str], list[float]]:
    """Claims until nothing waits, or he holds all he may; the items got and the seconds each claim took."""
    got: list[str] = []
    took: list[float] = []
    with running.agent(agent_id) as agent:
        while True:
            started = time.perf_counter()
            try:
                item = agent.claim("people")
            except ApiError as refused:
                if refused.slug != "at-capacity":
                    raise
                item = None
            took.append(time.perf_counter() - started)
            if item is None:
                return got, took
            assert item.holder == agent_id
            got.append(item.id)


@pytest.mark.timeout(600)
def test_eight_agents_claim_two_hundred_items_each_exactly_once(running: Running) -> None:
    made = waiting_items(running.world, 200, datetime.now(UTC))
    eventually(lambda: running.depth("WorkPeople"), lambda depth: depth >= 200, 120)
    results = running.in_parallel([partial(agent_at_work, running, agent) for agent in AGENTS], at_once=8)
    claimed = Counter(item for got, _ in results for item in got)
    assert {item: times for item, times in claimed.items() if times > 1} == {}
    assert made <= claimed.keys()
    held = {row["item_id"]: row for row in running.rows("item")}
    assert all(held[item]["state"] == "claimed" and held[item]["version"] == 2 for item in made)
    took = sorted(seconds for _, all_took in results for seconds in all_took)
    p95 = statistics.quantiles(took, n=20)[-1]
    print(f"{len(took)} claims by 8 agents, p50 {statistics.median(took):.3f} s, p95 {p95:.3f} s")


def test_a_stale_version_is_told_the_present_state(running: Running) -> None:
    waiting_items(running.world, 1, datetime.now(UTC))
    with running.agent("agent-1") as agent:
        item = agent.claim()
        assert item
        with pytest.raises(ApiError) as stale:
            agent.resolve(item.model_copy(update={"version": 1}))
        assert (stale.value.slug, stale.value.present) == ("stale-version", item)
        assert agent.resolve(item).state == "resolved"
