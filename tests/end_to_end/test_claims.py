"""Eight agents at once over HTTP: every item gets exactly one holder."""

import statistics
import time
from collections import Counter
from datetime import UTC, datetime
from functools import partial

import httpx
import pytest

from tests.end_to_end.running import Running, eventually, waiting_items

pytestmark = pytest.mark.stack
AGENTS = [f"agent-{number}" for number in range(1, 9)]


def agent_at_work(running: Running, agent_id: str) -> tuple[list[str], list[float]]:
    """Claims until nothing waits; the items got and the seconds each claim took."""
    got, took, headers = [], [], running.as_agent(agent_id)
    with httpx.Client(base_url=running.system.url, timeout=60) as http:
        while True:
            started = time.perf_counter()
            answer = http.post("/v1/queues/people/claim", headers=headers)
            took.append(time.perf_counter() - started)
            if answer.status_code == 204:
                return got, took
            assert answer.status_code == 200, answer.text
            assert answer.json()["holder"] == agent_id
            got.append(answer.json()["id"])


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
    headers = running.as_agent("agent-1")
    item = running.http.post("/v1/claim", headers=headers).json()
    stale = running.http.post(f"/v1/items/{item['id']}/resolve", headers={**headers, "If-Match": '"1"'})
    assert stale.status_code == 409
    assert stale.json()["present"]["version"] == item["version"]
    done = running.http.post(f"/v1/items/{item['id']}/resolve", headers={**headers, "If-Match": stale.headers["etag"]})
    assert done.status_code == 200
    assert done.json()["state"] == "resolved"
