"""A small desk whose process may die: what it left behind can be kept, gone back to, and followed until it rests."""

import gc
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from moto import mock_aws

from chalicelib import policy
from chalicelib.errors import NotSent
from chalicelib.flows import claim, receive, reply, watch, work
from chalicelib.flows.export import export
from chalicelib.flows.ring import ring
from chalicelib.flows.send import send_message
from chalicelib.item.arrive import NewIds
from chalicelib.item.item import CustomerId, Item, ItemId
from chalicelib.item.outgoing import Outgoing
from chalicelib.item.reply import Then
from chalicelib.rights import Caller
from chalicelib.store import keys, rows
from infra.functions import FUNCTIONS
from tests import letters
from tests.cloud import Cloud, TestWorld
from tests.crash import quick_moto
from tests.crash.calls import Calls
from tests.crash.outside import Message, Outside, Shop
from tests.desk import WordModel
from tests.streams import record

RULES: Final = """
[desk]
name = "Desk of few"
languages = ["en", "pl"]
people_queue = "orders"
reopen_within = "P30D"

[access]
agent_claim = "sub"
role_claim = "roles"

[leases]
mail = "PT15M"
chat = "PT2M"

[offers]
mail = "PT15M"
chat = "PT1M"

[lanes]
urgent = ["critical", "high"]

[topics]
order = "orders"
billing = "billing"
other = "orders"

[queues.orders]
members = ["*"]

[queues.billing]
members = ["anna", "dora"]

[quarantine]
members = ["*"]

[mailboxes]
"help@shop.example.com" = "Help"

[installations]
shop-widget = { provider = "generic", replies = "https://shop.example.com/chat-replies" }

[capacity]
mail = 1000
chat = 20

[agents]
anna = { deputy = "boris" }
boris = {}
dora = {}
sam = { roles = ["supervisor"] }
"""
ANNA, BORIS, DORA = (Caller(name, frozenset({"agent"})) for name in ("anna", "boris", "dora"))
SAM: Final = Caller("sam", frozenset({"supervisor"}))

#: Longer than every lease and chain of offers of this desk: whoever fell asleep over an item has lost it by then.
NIGHT: Final = timedelta(minutes=50)
_MOST_STEPS: Final = 100
_BACK_AFTER: Final = timedelta(seconds=20)

type Row = dict[str, Any]
type Rows = dict[tuple[str, str], Row]


@dataclass(frozen=True)
class Moment:
    """All that a dead process leaves behind, at one moment."""

    table: Any
    seen: Rows  # as the readers of the stream know it
    messages: tuple[Message, ...]
    handed: int
    stored: frozenset[tuple[str, str]]
    at: datetime
    drawn: int
    busy: int


class Desk:
    """The desk's stack on moto. Ids and tokens are drawn by number, so that the same steps make the same rows."""

    def __init__(self) -> None:
        self.cloud = Cloud(desk=policy.parse(RULES))
        self.calls, self.outside = Calls(self.cloud), Outside(self.cloud)
        self.shop = Shop(self.outside, self.calls)
        self.world: TestWorld = self.cloud.deploy()
        self._table = quick_moto.Rows(self.world.settings.table)
        self._seen: Rows = {}
        self._drawn = 0
        self.restart()
        self._empty = self.keep()

    # What a process is, and what outlives it

    def restart(self) -> None:
        """A new process: nothing is remembered but what is outside."""
        claim._turns.clear()
        random.seed(1)
        self.world = self.cloud.world(self.world.settings)
        lots = {"new_id": self._id, "new_token": self._token, "new_ids": self._ids}
        vars(self.world).update(lots, providers=self.shop, model=WordModel())

    def open(self) -> None:
        """A desk where nothing has happened yet."""
        self.back_to(self._empty)

    def keep(self) -> Moment:
        """The moment to go back to."""
        outside = self.outside
        return Moment(
            table=self._table.keep(), seen=self._seen, messages=tuple(outside.messages), handed=len(outside.handed),
            stored=outside.stored, at=self.cloud.clock.time, drawn=self._drawn, busy=self.shop.busy,
        )  # fmt: skip

    def back_to(self, moment: Moment) -> None:
        """Makes everything as it was then, in a new process."""
        self._table.put_back(moment.table)
        self._silence()
        bells = [message for message in moment.messages if "-work-" in message.url]
        for bell in bells:
            self.cloud.sqs.send_message(QueueUrl=bell.url, MessageBody=bell.body)
        self.outside.only(moment.stored)
        self.outside.messages = list(moment.messages)
        del self.outside.handed[moment.handed :]
        self._seen, self._drawn, self.shop.busy = moment.seen, moment.drawn, moment.busy
        self.cloud.clock.time = moment.at
        self.restart()

    def indexes_late(self, moment: Moment) -> AbstractContextManager[None]:
        """While this lasts, the indexes show what the table was at a moment."""
        return self._table.indexes_late(moment.table)

    def rows(self) -> Rows:
        """The whole table."""
        found = map(rows.from_wire, self._table)
        return {(row["pk"], row["sk"]): row for row in found}

    # What AWS does by itself

    def changes(self) -> list[dict[str, Any]]:
        """The records of the table's stream since the last look."""
        before, after = self._seen, self.rows()
        self._seen = after
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
            yield self._seen, min(due or ends, ends) - begins
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

    # What people do

    def mail(self, number: int, body: str = "Where is my parcel?", **headers: str) -> Item:
        """A customer's mail arrives and its bell rings; the item it belongs to."""
        sender, message_id = f"c{number}@customer.example.com", f"{number}@customer.example.com"
        raw = letters.mail(body, **{"sender": sender, "Message_ID": f"<{message_id}>", **headers})
        receive.delivery(letters.store_mail(self.world, f"ses-{number}", raw), f"sqs-{number}", 1, self.world)
        return self._item_of(keys.message_key("help@shop.example.com", message_id))

    def chat(self, delivery: str, text: str = "Hello?", conversation: str = "c1") -> Item:
        """A visitor's message arrives; the item it belongs to."""
        notice = letters.store_chat(self.world, delivery, text, conversation, f"visitor of {conversation}")
        receive.delivery(notice, f"sqs-{delivery}", 1, self.world)
        return self._item_of(keys.conversation_key("shop-widget", conversation))

    def item(self, item_id: str) -> Item:
        """An item as it is now."""
        return self.world.table.item(item_id)

    def held(self, item: Item, by: Caller) -> Item:
        """The item, in somebody's hands."""
        return claim.claim_named(item.id, by, "", self.world)

    def answered(self, item: Item, by: Caller = ANNA, then: Then = Then.WAIT) -> tuple[Outgoing, Item]:
        """A reply in the outbox, of which the sender knows nothing yet, and its item."""
        return reply.reply(item.id, item.version, "It comes tomorrow.", then, "", by, self.world)

    def finished(self, item: Item, by: Caller = ANNA) -> Item:
        """The item, resolved."""
        return work.finish(item.id, item.version, by, self.world)

    def present(self, *agents: str) -> None:
        """These agents say that they are there."""
        for agent in agents:
            self.world.table.set_presence(agent, "present", self.world.now())

    # How it is done

    def _item_of(self, key: keys.Key) -> Item:
        """The item a message or conversation belongs to."""
        (row,) = self.world.table.rows([key]).values()
        return self.item(row["item_id"])

    def _silence(self) -> None:
        """No bell rings any more, not even one that is hidden."""
        for url in {message.url for message in self.outside.messages if "-work-" in message.url}:
            self.cloud.sqs.purge_queue(QueueUrl=url)

    def _next_due(self) -> datetime | None:
        told = {url for url, _ in self._doors()}
        messages = [message.due for message in self.outside.messages if message.url in told]
        return min([*messages, *self._wakes()], default=None)

    def _wakes(self) -> list[datetime]:
        """When each row of the wake-up index is due, as far as the stream's readers know."""
        stand = (row["wake_sk"].removeprefix(keys.NET) for row in self._seen.values() if "wake_sk" in row)
        return [keys.moment_of(entry.split("#", 1)[0]) for entry in stand]

    def _number(self) -> int:
        self._drawn += 1
        return self._drawn

    def _id(self) -> str:
        return f"{self._number():032x}"

    def _token(self) -> str:
        return f"token-{self._number():026}"

    def _ids(self) -> NewIds:
        number = self._number()
        return NewIds(ItemId(f"item-{number}"), CustomerId(f"customer-{number}"), b"%032d" % number, self._id())


@contextmanager
def open_desk() -> Iterator[Desk]:
    """A desk on moto, made quick."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        quick_moto.make_quick(patch)
        desk = Desk()
        gc.freeze()  # what is there already need not be looked through for garbage again and again
        with desk.outside.listening():
            yield desk
        gc.unfreeze()


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
