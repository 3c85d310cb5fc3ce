"""The same people in one process, one at a time: at every call of AWS a seed decides who goes on. The clock is ours.

What threads and machines do by chance happens here on purpose, hundreds of times a second, and again with the same
seed. Nothing runs at the same time, so moto will do.
"""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, Final, Self

import pytest

from chalicelib.flows import claim, ring
from chalicelib.item.state import State
from chalicelib.store.rows import from_wire
from tests.cloud import Cloud, TestWorld
from tests.linearizability.agents import AtWork, Habits, desk_of
from tests.linearizability.history import Told, told
from tests.linearizability.notes import NotedWorld, Notes, Operation
from tests.linearizability.turns import Endless, Turns
from tests.linearizability.weather import Customers, LostAnswers, on_watch
from tests.streams import record

#: Many sleep over their lease or write on what is not theirs, and nobody looks in vain too often.
HABITS: Final = Habits(sleeps_over_lease=0.3, is_nosy=0.5, idle=(1.0, 2.0))
START: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Changes:
    """The table's stream as its writes make it: what became of items, in order."""

    def __init__(self, client: Any) -> None:
        self._events = client.meta.events
        self._asked: dict[int, Any] = {}
        self._unread: list[dict[str, Any]] = []
        #: Every item's row as it was last written.
        self.items: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        self._events.register("before-parameter-build.dynamodb.TransactWriteItems", self._asking)
        self._events.register_first("after-call.dynamodb.TransactWriteItems", self._answered)
        return self

    def __exit__(self, *_: object) -> None:
        self._events.unregister("before-parameter-build.dynamodb.TransactWriteItems", self._asking)
        self._events.unregister("after-call.dynamodb.TransactWriteItems", self._answered)

    def records(self) -> list[dict[str, Any]]:
        """What changed since the last look."""
        new, self._unread = self._unread, []
        return new

    def _asking(self, params: Any, **_: Any) -> None:
        self._asked[threading.get_ident()] = params["TransactItems"]

    def _answered(self, http_response: Any, **_: Any) -> None:
        asked = self._asked.pop(threading.get_ident())
        for row in (from_wire(action["Put"]["Item"]) for action in asked if "Put" in action):
            if http_response.status_code == 200 and row["kind"] == "item":
                self._unread.append(record(self.items.get(row["pk"]), row))
                self.items[row["pk"]] = row


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """How many work on how much, and how far the clocks of some are off: a third are ahead, a third behind."""

    agents: int = 4
    items: int = 4
    skew: timedelta = timedelta(0)
    lost: float = 0.02
    more: float = 0.8
    turns: int = 3000


@dataclass(frozen=True, slots=True)
class Seen:
    """What is left of a day. `ended` says whether it came to its end."""

    operations: list[Operation]
    entries: list[Told]
    rows: list[dict[str, Any]]
    ended: bool


class Simulation:
    """One day of a desk on moto."""

    def __init__(self, cloud: Cloud, world: TestWorld, day: Day, seed: int) -> None:
        self._cloud, self._world, self._day, self._seed = cloud, world, day, seed
        self._turns = Turns(random.Random(seed), day.turns)
        self._desk = desk_of(world.policy, day.agents)
        self._ids = random.Random(f"{seed} ids")
        self._changes = Changes(cloud.dynamodb)
        self._notes: list[Notes] = []
        self._written = self._closed = False

    def run(self, monkeypatch: pytest.MonkeyPatch) -> Seen:
        """Everybody works until all is resolved, or for as many turns as the day has."""
        monkeypatch.setattr("chalicelib.flows.again.time", SimpleNamespace(sleep=self._turns.give))
        claim._turns.clear()
        ended = False
        with _seeded(self._seed), self._changes, self._hooked(), suppress(Endless):
            self._turns.run([*self._agents(), self._customers(), self._watch(), self._bells])
            ended = True
        rows = [from_wire(row) for row in self._cloud.rows()]
        operations = [operation for notes in self._notes for operation in notes.made]
        return Seen(operations, told(row for row in rows if row["kind"] == "event"), rows, ended)

    @contextmanager
    def _hooked(self) -> Iterator[None]:
        """Each call of AWS is a moment at which others may go on, and at which an answer may be lost."""
        lost = LostAnswers(self._cloud.dynamodb, self._day.lost, random.Random(f"{self._seed} lost"))
        clients = (self._cloud.dynamodb, self._cloud.sqs, self._cloud.s3)
        for client in clients:
            client.meta.events.register_first("before-call.*.*", self._give)
        try:
            yield
        finally:
            lost.stop()
            for client in clients:
                client.meta.events.unregister("before-call.*.*", self._give)

    def _give(self, **_: Any) -> None:
        self._turns.give()

    # Who is at work

    def _agents(self) -> Iterator[Callable[[], Any]]:
        for number in range(self._day.agents):
            sign, machine = ((0, "true"), (1, "ahead"), (-1, "behind"))[number % 3]
            world, chance = self._at(sign), random.Random(f"{self._seed} {number}")
            notes = self._noted(machine, f"person-{number}", world)
            agent = AtWork(f"person-{number}", notes, world, HABITS, chance, self._turns.give)
            yield partial(agent.until, self._is_closed)

    def _customers(self) -> Callable[[], Any]:
        world, chance = self._at(0), random.Random(f"{self._seed} write")
        customers = Customers(
            f"run-{self._seed}", self._noted("true", "customer", world), world, chance, self._turns.give
        )

        def write() -> None:
            customers.write(self._day.items, self._day.more, self._day.items / 2)
            self._written = True

        return write

    def _watch(self) -> Callable[[], Any]:
        world = self._at(0)
        return partial(
            on_watch, self._noted("true", "watch", world), world, self._is_closed, partial(self._turns.give, 2.0)
        )

    def _bells(self) -> None:
        """What the stream's reader does, everything twice; and who sees that all is done."""
        world = self._at(0)
        while not self._closed:
            records = self._changes.records()
            ring.ring(records + records, world)
            states = {row["state"] for row in self._changes.items.values()}
            self._closed = self._written and states == {State.RESOLVED}
            self._turns.give(0.5)

    def _is_closed(self) -> bool:
        return self._closed

    def _noted(self, machine: str, who: str, world: NotedWorld) -> Notes:
        self._notes.append(Notes(machine, who, world))
        return self._notes[-1]

    def _at(self, sign: int) -> NotedWorld:
        """The world by a clock that is right, ahead or behind."""
        start = START + sign * self._day.skew
        world = NotedWorld(
            self._world.settings, self._desk,
            clock=lambda: start + timedelta(seconds=self._turns.now),
            ids=lambda: f"{self._ids.getrandbits(128):032x}",
        )  # fmt: skip
        services = ("table", "queues", "raw", "secrets", "mailer")
        vars(world).update({name: getattr(self._world, name) for name in services}, model=None)
        return world


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Python's own dice, which flows throw to spread their callers."""
    kept = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(kept)
