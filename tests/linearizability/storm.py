"""A desk's day in seconds: three processes of agents on a running stack, with clocks that disagree."""

import multiprocessing
import os
import random
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Final

from chalicelib import policy
from chalicelib.aws.queues import Queues
from chalicelib.aws.raw_store import RawStore
from chalicelib.aws.secrets import Secrets
from chalicelib.item.state import State
from chalicelib.settings import Settings
from chalicelib.store import keys
from chalicelib.store.rows import from_wire
from chalicelib.store.table import Table
from sortownia.local.cloud import clients_for
from tests.linearizability.agents import LEASE, AtWork, Habits, desk_of
from tests.linearizability.notes import NotedWorld, Notes, Operation
from tests.linearizability.weather import Customers, LostAnswers, on_watch

MACHINES: Final = ("true", "skewed", "frozen")
_SPAWN: Final = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """How hard it blows. `skews` are how far one machine's clock is off, in the first part of the day and so on."""

    agents: int
    items: int
    skews: tuple[timedelta, ...]
    lost: float = 0.03
    more: float = 0.15
    limit: float = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """What one machine is to do, and where."""

    machine: str
    storm: Storm
    agents: tuple[str, ...]
    customers: int
    endpoint: str
    settings: Settings


def blow(storm: Storm, endpoint: str, settings: Settings) -> list[Operation]:
    """Lets everybody work until every item is resolved; returns everything they tried. Fails after the limit."""
    closed, skew = _SPAWN.Event(), _SPAWN.Value("d", storm.skews[0].total_seconds())
    dynamodb = clients_for(endpoint, "dynamodb")
    with _machines(_shares(storm, endpoint, settings), closed, skew) as machines:
        deadline = time.monotonic() + storm.limit
        parts = len(storm.skews)
        for part, off in enumerate(storm.skews):
            skew.value = off.total_seconds()
            _wait(partial(_resolved, dynamodb, settings.table), (part + 0.5) / parts * storm.items, deadline)
            _freeze(machines["frozen"][0], LEASE.total_seconds() + 3)
            _wait(partial(_resolved, dynamodb, settings.table), (part + 1) / parts * storm.items, deadline)
        for _, connection in machines.values():
            _received(connection, deadline)  # its customers have written all they wanted
        _wait(lambda: -_open(dynamodb, endpoint, settings.table), 0, deadline)
        closed.set()
        return [operation for _, connection in machines.values() for operation in _received(connection, deadline + 60)]


def rows_of(endpoint: str, table: str) -> list[dict[str, Any]]:
    """Every row of the table, plain, read consistently."""
    pages = clients_for(endpoint, "dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [from_wire(row) for page in pages for row in page["Items"]]


def _shares(storm: Storm, endpoint: str, settings: Settings) -> Iterator[_Share]:
    for number, machine in enumerate(MACHINES):
        yield _Share(
            machine=machine, storm=storm, endpoint=endpoint, settings=settings,
            agents=tuple(f"person-{n}" for n in range(number, storm.agents, len(MACHINES))),
            customers=len(range(number, storm.items, len(MACHINES))),
        )  # fmt: skip


@contextmanager
def _machines(
    shares: Iterator[_Share], closed: Any, skew: Any
) -> Iterator[Mapping[str, tuple[SpawnProcess, Connection]]]:
    started = {}
    try:
        for share in shares:
            ours, theirs = _SPAWN.Pipe(duplex=False)
            process = _SPAWN.Process(target=machine_day, args=(share, closed, skew, theirs), daemon=True)
            process.start()
            theirs.close()  # so that its death ends our reading
            started[share.machine] = (process, ours)
        yield started
    finally:
        closed.set()
        for process, connection in started.values():
            connection.close()
            process.join(20)
            process.kill()


def _freeze(process: SpawnProcess, seconds: float) -> None:
    """Stops a whole machine in the middle of what it does, as a laptop's lid does."""
    assert process.pid
    os.kill(process.pid, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        os.kill(process.pid, signal.SIGCONT)


def _received(connection: Connection, deadline: float) -> Any:
    assert connection.poll(max(0.0, deadline - time.monotonic())), "a machine is silent"
    answer = connection.recv()
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _wait(look: Callable[[], int], at_least: float, deadline: float) -> None:
    while (seen := look()) < at_least:
        assert time.monotonic() < deadline, f"still {seen}, not {at_least}"
        time.sleep(1)


def _resolved(dynamodb: Any, table: str) -> int:
    return _count(dynamodb, table, State.RESOLVED)


def _open(dynamodb: Any, endpoint: str, table: str) -> int:
    """Items not resolved; 0 only when at one moment all were.

    Counts of one state after another miss an item that moves meanwhile. Items only grow in number, so as many resolved
    at one moment as there are afterwards means that all were.
    """
    seen = sum(_count(dynamodb, table, state) for state in State if state != State.RESOLVED)
    if seen:
        return seen
    resolved = _resolved(dynamodb, table)
    return sum(row["kind"] == "item" for row in rows_of(endpoint, table)) - resolved


def _count(dynamodb: Any, table: str, state: State) -> int:
    answer = dynamodb.query(
        TableName=table, IndexName="state", Select="COUNT", KeyConditionExpression="state_pk = :state",
        ExpressionAttributeValues={":state": {"S": keys.state_pk(state)}},
    )  # fmt: skip
    return int(answer["Count"])


# On one machine


def machine_day(share: _Share, closed: Any, skew: Any, connection: Connection) -> None:
    """What a machine's process does: tells when its customers are done and, at the end, everything that was tried."""
    try:
        day = _Day(share, closed, skew)
        with Path(os.devnull).open("w") as metrics, redirect_stdout(metrics):
            for told in day.pass_by():
                connection.send(told)
    except BaseException as error:
        connection.send(error)
        raise
    finally:
        closed.set()


class _Day:
    """One machine's clients, clock and people."""

    def __init__(self, share: _Share, closed: Any, skew: Any) -> None:
        self._share, self._closed, self._skew = share, closed, skew
        self._desk = desk_of(policy.load(), share.storm.agents)
        dynamodb = clients_for(share.endpoint, "dynamodb")
        LostAnswers(dynamodb, share.storm.lost, random.Random())
        self._services = {
            "table": Table(dynamodb, share.settings.table),
            "raw": RawStore(clients_for(share.endpoint, "s3"), share.settings.raw_bucket),
            "queues": Queues(clients_for(share.endpoint, "sqs")),
            "secrets": Secrets(clients_for(share.endpoint, "secretsmanager"), share.settings.stack_name),
            "model": None,
        }

    def pass_by(self) -> Iterator[str | list[Operation]]:
        """Everybody does his part. Tells when the customers are done and, at the end, everything that was tried."""
        with ThreadPoolExecutor(len(self._share.agents) + 2) as pool:
            try:
                working = [pool.submit(self.work, agent) for agent in self._share.agents]
                watching, writing = pool.submit(self.watch), pool.submit(self.write)
                writing.result()
                yield "written"
                yield [one for done in (*working, watching, writing) for one in done.result()]
            finally:
                self._closed.set()

    def work(self, agent_id: str) -> list[Operation]:
        world = self._world()
        notes = Notes(self._share.machine, agent_id, world)
        return AtWork(agent_id, notes, world, Habits(), random.Random(), time.sleep).until(self._closed.is_set)

    def write(self) -> list[Operation]:
        world = self._world()
        notes = Notes(self._share.machine, "customer", world)
        customers = Customers(uuid.uuid4().hex[:8], notes, world, random.Random(), time.sleep)
        return customers.write(self._share.customers, self._share.storm.more, self._share.customers / 10)

    def watch(self) -> list[Operation]:
        world = self._world()
        notes = Notes(self._share.machine, "watch", world)
        return on_watch(notes, world, self._closed.is_set, lambda: self._closed.wait(3))

    def _world(self) -> NotedWorld:
        world = NotedWorld(self._share.settings, self._desk, clock=self._clock, ids=lambda: uuid.uuid4().hex)
        vars(world).update(self._services)
        return world

    def _clock(self) -> datetime:
        off = self._skew.value if self._share.machine == "skewed" else 0.0
        return datetime.now(UTC) + timedelta(seconds=off)
