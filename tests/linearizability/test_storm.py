"""Fifty agents, a thousand matters, laptops that sleep, a clock that is wrong: one holder, no stale write, all done."""

import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from infra.package import build
from sortownia.local.system import LocalSystem
from tests.end_to_end.running import settings_of
from tests.invariants import violations as broken
from tests.linearizability.history import Told, told, violations
from tests.linearizability.notes import Kind, Operation, Outcome
from tests.linearizability.storm import Storm, blow, rows_of

pytestmark = [pytest.mark.stack, pytest.mark.long]
OFF = timedelta(minutes=10)


@pytest.fixture
def system() -> Iterator[LocalSystem]:
    """A system of the test's own: its table is read whole at the end."""
    build()
    with LocalSystem(stack_port=0, smtp_port=0, http_port=0) as running:
        yield running


@pytest.mark.timeout(600)
def test_a_small_storm_with_a_clock_that_jumps_back(system: LocalSystem) -> None:
    survives(Storm(agents=12, items=120, skews=(OFF, -OFF), limit=450), system)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("off", [OFF, -OFF], ids=["ahead", "behind"])
def test_fifty_agents_and_a_thousand_items(system: LocalSystem, off: timedelta) -> None:
    survives(Storm(agents=50, items=1000, skews=(off,), limit=3000), system)


def survives(storm: Storm, system: LocalSystem) -> None:
    """Lets it blow; nothing may be violated, and enough must have happened for that to mean something."""
    started = time.monotonic()
    operations = blow(storm, system.stack.endpoint, settings_of(system.stack, system.issuer.url))
    seconds = time.monotonic() - started
    rows = rows_of(system.stack.endpoint, system.stack.table)
    entries = told(row for row in rows if row["kind"] == "event")
    print(f"\n{storm.agents} agents, {storm.items} items, {seconds:.0f} s: {figures(operations, entries)}")
    assert violations(operations, entries) == []
    assert broken(rows) == []
    items = [row for row in rows if row["kind"] == "item"]
    parts = sum(entry.type == "item-split-off" for entry in entries)
    assert Counter(item["state"] for item in items) == {"resolved": storm.items + parts}
    assert [agent for agent in rows if agent["kind"] == "agent" and int(agent.get("load_mail", 0))] == []
    late = [operation for operation in operations if operation.late]
    assert sum(operation.outcome == Outcome.REFUSED for operation in late) >= storm.items / 50
    assert any(operation.outcome == Outcome.UNKNOWN for operation in operations)
    assert {operation.process for operation in operations if operation.writes} == {"true", "skewed", "frozen"}


def figures(operations: Sequence[Operation], entries: Sequence[Told]) -> str:
    """What happened, in one line."""
    said = Counter((operation.kind, operation.outcome) for operation in operations)
    late = Counter(operation.outcome for operation in operations if operation.late)
    types = Counter(entry.type for entry in entries)
    by = Counter(o.process for o in operations if o.kind == Kind.CLAIM and o.outcome == Outcome.OK)
    took = sorted(o.ended - o.started for o in operations if o.kind == Kind.CLAIM and o.outcome == Outcome.OK)
    return (
        f"{said[Kind.CLAIM, Outcome.OK]} claims ({dict(by)}; p50 {statistics.median(took) * 1000:.0f} ms), "
        f"{types['lease-expired']} lapses, {types['message-received']} mails, "
        f"{said[Kind.HEARTBEAT, Outcome.OK]} heartbeats, {said[Kind.HEARTBEAT, Outcome.REFUSED]} refused, "
        f"{said[Kind.RELEASE, Outcome.OK]} given back, {said[Kind.RESOLVE, Outcome.OK]} resolved, "
        f"{types['item-split']} split, {types['item-merged']} merged, {types['item-unmerged']} unmerged, "
        f"{late[Outcome.REFUSED]} late writes refused, {late[Outcome.OK]} accepted by right, "
        f"{sum(o.outcome == Outcome.UNKNOWN for o in operations)} of unknown outcome"
    )
