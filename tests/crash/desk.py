"""A small desk whose process may die: what it left behind can be kept, gone back to, and followed until it rests."""

import gc
import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from moto import mock_aws

from chalicelib import policy
from chalicelib.flows import claim, receive, recheck, reply, work
from chalicelib.item.arrive import NewIds
from chalicelib.item.item import CustomerId, Item, ItemId
from chalicelib.item.outgoing import Outgoing
from chalicelib.item.reply import Then
from chalicelib.rights import Caller
from chalicelib.store import keys
from tests import letters
from tests.crash import quick_moto
from tests.crash.calls import Calls
from tests.crash.outside import Message, Shop
from tests.crash.setting import Rows, Setting
from tests.desk import WordModel

_RULES: Final = Path(__file__).with_name("desk.toml")
ANNA, BORIS = (Caller(name, frozenset({"agent"})) for name in ("anna", "boris"))
SAM: Final = Caller("sam", frozenset({"supervisor"}))


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


class Desk(Setting):
    """The desk. Ids and tokens are drawn by number, so that the same steps make the same rows."""

    def __init__(self, more_rules: str = "") -> None:
        super().__init__(policy.parse(_RULES.read_text("utf-8") + more_rules))
        self.calls = Calls(self.cloud)
        self.shop = Shop(self.outside, self.calls)
        self._drawn = 0
        self.restart()
        self._empty = self.keep()

    # What a process is, and what outlives it

    def restart(self) -> None:
        """A new process: nothing is remembered but what is outside."""
        claim._turns.clear()
        recheck._sights.clear()
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
            table=self.table.keep(), seen=self.seen, messages=tuple(outside.messages), handed=len(outside.handed),
            stored=outside.stored, at=self.cloud.clock.time, drawn=self._drawn, busy=self.shop.busy,
        )  # fmt: skip

    def back_to(self, moment: Moment) -> None:
        """Makes everything as it was then, in a new process."""
        self.table.put_back(moment.table)
        self._silence()
        inbound = self.world.settings.inbound_queue_url
        for kept in (message for message in moment.messages if "-work-" in message.url or message.url == inbound):
            self.cloud.sqs.send_message(QueueUrl=kept.url, MessageBody=kept.body)
        self.outside.only(moment.stored)
        self.outside.messages = list(moment.messages)
        del self.outside.handed[moment.handed :]
        self.seen, self._drawn, self.shop.busy = moment.seen, moment.drawn, moment.busy
        self.cloud.clock.time = moment.at
        self.restart()

    def indexes_late(self, moment: Moment) -> AbstractContextManager[None]:
        """While this lasts, the indexes show what the table was at a moment."""
        return self.table.indexes_late(moment.table)

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

    def lose_all_messages(self) -> None:
        """Every queue is empty at once, as after a disaster."""
        self._silence()
        self.outside.messages = []

    # How it is done

    def _item_of(self, key: keys.Key) -> Item:
        """The item a message or conversation belongs to."""
        (row,) = self.world.table.rows([key]).values()
        return self.item(row["item_id"])

    def _silence(self) -> None:
        """No bell rings any more, not even one that is hidden; and nothing waits for intake."""
        bells = {message.url for message in self.outside.messages if "-work-" in message.url}
        for url in bells | {self.world.settings.inbound_queue_url}:
            self.cloud.sqs.purge_queue(QueueUrl=url)

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
def open_desk(more_rules: str = "") -> Iterator[Desk]:
    """A desk on moto, made quick, perhaps with more rules than the others."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        quick_moto.make_quick(patch)
        desk = Desk(more_rules)
        gc.freeze()  # what is there already need not be looked through for garbage again and again
        with desk.outside.listening():
            yield desk
        gc.unfreeze()
