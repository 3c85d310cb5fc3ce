"""What agents work against: customers who write while they work, answers that never arrive, a watch of any clock."""

import random
from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import ConnectionClosedError

from chalicelib.errors import LostRace, Unavailable
from chalicelib.flows import receive, watch
from tests import letters
from tests.linearizability.agents import Sleep
from tests.linearizability.notes import Kind, NotedWorld, Notes, Operation

#: One in so many customers chats, the others write mail.
_CHATS: Final = 4


class Customers:
    """Customers who write once each, and some of them again."""

    def __init__(self, run: str, notes: Notes, world: NotedWorld, chance: random.Random, sleep: Sleep) -> None:
        self._run, self._notes, self._world = run, notes, world
        self._chance, self._sleep = chance, sleep

    def write(self, customers: int, more: float, seconds: float) -> list[Operation]:
        """So many first messages at once; then a share of them write again, spread over so many seconds."""
        for number in range(customers):
            self._deliver(number, 0)
        further = [number for number in range(customers) if self._chance.random() < more]
        self._chance.shuffle(further)
        for number in further:
            self._sleep(self._chance.uniform(0, 2 * seconds / len(further)))
            self._deliver(number, 1)
        return self._notes.made

    def _deliver(self, number: int, count: int) -> None:
        delivery = f"{self._run}-{number}-{count}"
        write = self._chat if number % _CHATS == 0 else self._mail
        notice = write(f"{self._run}-{number}", delivery)
        self._notes.tried(Kind.DELIVER, lambda: self._received(notice, delivery))

    def _chat(self, customer: str, delivery: str) -> str:
        return letters.store_chat(self._world, delivery, "Where is my parcel?", customer, customer)

    def _mail(self, customer: str, delivery: str) -> str:
        first, this = (f"<{one}@customer.example.com>" for one in (f"{customer}-0", delivery))
        raw = letters.mail(
            "Where is my parcel?", f"{customer}@customer.example.com",
            Message_ID=this, In_Reply_To="" if this == first else first,
        )  # fmt: skip
        return letters.store_mail(self._world, delivery, raw)

    def _received(self, notice: str, sqs_id: str) -> str:
        """Like SQS, brings a message again that failed."""
        for _ in range(20):
            try:
                return receive.delivery(notice, sqs_id, 1, self._world)
            except (LostRace, Unavailable):
                self._sleep(0.05)
        raise AssertionError(f"delivery {sqs_id} failed twenty times")


def on_watch(notes: Notes, world: NotedWorld, closed: Callable[[], bool], pause: Callable[[], Any]) -> list[Operation]:
    """The watch, round after round, by this world's clock."""
    while not closed():
        notes.tried(Kind.WATCH, lambda: watch.watch(world))
        pause()
    return notes.made


class LostAnswers:
    """Loses a share of a client's writes: some before DynamoDB hears of them, as many after it has done them."""

    _MOMENTS: Final = tuple(
        f"{when}.dynamodb.{what}"
        for when in ("before-call", "after-call")
        for what in ("TransactWriteItems", "UpdateItem")
    )

    def __init__(self, client: Any, share: float, chance: random.Random) -> None:
        self._events, self._share, self._chance = client.meta.events, share / 2, chance
        for moment in self._MOMENTS:
            self._events.register(moment, self._lose)

    def stop(self) -> None:
        """From now on every answer arrives."""
        for moment in self._MOMENTS:
            self._events.unregister(moment, self._lose)

    def _lose(self, **_: Any) -> None:
        if self._chance.random() < self._share:
            raise ConnectionClosedError(endpoint_url="http://127.0.0.1")
