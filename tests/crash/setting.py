"""A stack on moto, and what AWS does in it by itself: it brings what is in flight, and time goes by."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.errors import NotSent
from chalicelib.flows import receive, watch
from chalicelib.flows.export import export
from chalicelib.flows.ring import ring
from chalicelib.flows.send import send_message
from chalicelib.policy import Policy
from chalicelib.store import keys, rows
from infra.functions import FUNCTIONS
from tests.cloud import Cloud, TestWorld
from tests.crash import quick_moto
from tests.crash.outside import Message, Outside
from tests.streams import record

#: Longer than every lease and chain of offers of the desk: whoever fell asleep over an item has lost it by then.
NIGHT: Final = timedelta(minutes=50)
_MOST_STEPS: Final = 100
_BACK_AFTER: Final = timedelta(seconds=20)

type Row = dict[str, Any]
type Rows = dict[tuple[str, str], Row]


class Setting:
    """What surrounds the functions of a desk's stack. `seen` is the table as the readers of its stream know it."""

    def __init__(self, desk: Policy) -> None:
        self.cloud = Cloud(desk=desk)
        self.outside = Outside(self.cloud)
        self.world: TestWorld = self.cloud.deploy()
        self.table = quick_moto.MotoTable(self.world.settings.table)
        self.seen: Rows = {}

    def rows(self) -> Rows:
        """The whole table."""
        found = map(rows.from_wire, self.table)
        return {(row["pk"], row["sk"]): row for row in found}

    def changes(self) -> list[dict[str, Any]]:
        """The records of the table's stream since the last look."""
        before, after = self.seen, self.rows()
        self.seen = after
        return [
            record(before.get(key), after.get(key))
            for key in sorted(before.keys() | after.keys())
            if before.get(key) != after.get(key)
        ]

    def deliver(self, *, timers: bool = True) -> None:
        """Brings what is in flight and due to where it belongs until nothing is, each twice; timers may be lost."""
        for _ in range(_MOST_STEPS):
            if records := self.changes():
                ring(shown(records, "ring"), self.world)
                export(shown(records, "export"), self.world)
            due = [(message, bring) for queue, bring in self._doors() for message in self._take(queue)]
            for message, bring in [*due, *due]:
                if timers or message.url != self.world.settings.timer_queue_url:
                    self._bring(message, bring)
            if not records and not due:
                return
        raise AssertionError("messages are never used up")

    def lose_timers(self) -> None:
        """No timer that was set will ever ring."""
        self.outside.messages = [m for m in self.outside.messages if m.url != self.world.settings.timer_queue_url]

    def night(self, *, timers: bool) -> Iterator[tuple[Rows, timedelta]]:
        """Time goes by and nobody works: the desk comes to rest by its timers or, where those get lost, by its watch.

        Gives what stands there after each step that time brings, in the end in the morning; and until when, since now.
        """
        begins = self.cloud.clock.time
        ends = begins + NIGHT
        for _ in range(_MOST_STEPS):
            self.deliver(timers=timers)
            due = self._next_due()
            yield self.seen, min(due or ends, ends) - begins
            if due is None or due > ends:
                self.cloud.clock.time = ends
                return
            self.cloud.clock.time = max(self.cloud.clock.time, due) + timedelta(seconds=1)
            self.deliver(timers=timers)
            if any(at <= self.cloud.clock.time for at in self._wakes()):
                watch.watch(self.world)
        raise AssertionError("the desk never comes to rest")

    def _doors(self) -> Sequence[tuple[str, Callable[[str], object]]]:
        settings = self.world.settings
        return (
            (settings.inbound_queue_url, lambda body: receive.delivery(body, "sqs-again", 1, self.world)),
            (settings.timer_queue_url, lambda body: watch.timer_rang(body, self.world)),
            (settings.send_queue_url, lambda body: send_message(body, self.world)),
        )

    def _bring(self, message: Message, bring: Callable[[str], object]) -> None:
        try:
            bring(message.body)
        except NotSent:
            again = self.cloud.clock.time + _BACK_AFTER
            self.outside.messages.append(replace(message, due=again))

    def _take(self, url: str) -> list[Message]:
        return self.outside.take(url, self.cloud.clock.time)

    def _next_due(self) -> datetime | None:
        told = {url for url, _ in self._doors()}
        messages = [message.due for message in self.outside.messages if message.url in told]
        return min([*messages, *self._wakes()], default=None)

    def _wakes(self) -> list[datetime]:
        """When each row of the wake-up index is due, as far as the stream's readers know."""
        stand = (row["wake_sk"].removeprefix(keys.NET) for row in self.seen.values() if "wake_sk" in row)
        return [keys.moment_of(entry.split("#", 1)[0]) for entry in stand]


def shown(records: Sequence[Row], reader: str) -> list[Row]:
    """The records that a reader of the stream gets to see, by the filter of its function."""
    (function,) = (function for function in FUNCTIONS if function.name == reader)
    return [
        one
        for one in records
        if one["dynamodb"].get("NewImage", {}).get("kind", {}).get("S") in function.kinds
        and (one["eventName"] == "INSERT" or not function.created_only)
    ]


def of_kind(table: Rows, kind: str) -> Sequence[Row]:
    """The rows of one kind."""
    return [row for row in table.values() if row["kind"] == kind]
