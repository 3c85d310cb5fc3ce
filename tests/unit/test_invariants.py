"""The check of a whole table finds nothing in a good one, and each way to break it."""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from chalicelib.item import acknowledge, decide, label, passing
from chalicelib.item import reply as answering
from chalicelib.item.arrive import Known, message_arrived, quarantined
from chalicelib.item.change import Budget, Change, Step
from chalicelib.item.item import Customer, EventType, Item
from chalicelib.item.links import same_person
from chalicelib.item.matters import Side, merge, messages_of
from chalicelib.item.offer import RE_RING
from chalicelib.item.outgoing import Outgoing, Status
from chalicelib.item.reply import Reply, Then
from chalicelib.store import keys, rows
from tests.desk import NOW, agents, arrival, chat, ids, mail, small_desk, tags
from tests.invariants import violations
from tests.letters_out import acknowledgement as letter
from tests.memory import Memory

DESK = small_desk()
LATER = NOW + timedelta(minutes=5)
type Act = Callable[[Item, Customer, Step], Change]


class Desk:
    """A desk where everything has happened once: it1 waits for the customer after three replies and was corrected;
    it2 is a chat offered to Boris; it3 is held by Anna; it4 is put off; it5 is in quarantine; it6 is resolved; it7 was
    merged into it3; and people say that the two customers are one person."""

    def __init__(self) -> None:
        self.table, self.count = Memory(), 0
        for name in ("anna", "boris"):
            self.table.set_presence(name, "present", NOW)
        self.table.set_presence("carl", "away", NOW)
        self._replied()
        self._arrived(2, chat(), "chat")
        self._arrived(3, mail(message_id="three@example.com"))
        self._claimed(3)
        self._arrived(4, mail(message_id="four@example.com"))
        self._claimed(4)
        self._act(4, lambda i, of, step: decide.snooze(i, of, step, NOW + timedelta(days=1), DESK))
        self.table.save(quarantined(arrival("ses-5"), "unreadable", ids(5)), NOW)
        self._arrived(6, mail(message_id="six@example.com"))
        self._claimed(6)
        self._act(6, lambda i, of, step: decide.resolve(i, of, step, DESK))
        self._arrived(7, mail(message_id="seven@example.com"))
        self._merged(7, 3)
        two = (self.table.customer("cu1"), self.table.customer("cu2"))
        self.table.save(same_person(two, (None, None), (self._step(), self._step()), "words", stands=True), NOW)

    def _merged(self, number: int, into: int) -> None:
        one, other = (
            Side(item=self.table.item(f"it{n}"), customer=self.table.customer("cu1"),
                 entries=messages_of(self.table.history(f"it{n}")))
            for n in (number, into)
        )  # fmt: skip
        self.table.save(merge(one, other, (self._step(), self._step()), None, "words", DESK), NOW)

    def _replied(self) -> None:
        self._arrived(1, mail())
        self._claimed(1)
        self._act(1, lambda i, of, step: label.note(i, of, step, "words", ["boris", "sam"], DESK))
        self._act(1, lambda i, of, step: label.tag(i, of, step, None, "low", DESK))
        self._act(1, lambda i, of, step: passing.to_topic(i, of, step, "billing", "", {}, DESK))
        self._claimed(1)
        for reply_id, then in (("re1", Then.KEEP), ("re2", Then.KEEP), ("re3", Then.WAIT)):
            said = Reply(
                id=reply_id, source="help@shop.example.com", to="anna@customer.example.com", name="", subject="",
                text="words", raw_key=f"out/{reply_id}", token="to1", answer_key=f"key-{reply_id}",
            )  # fmt: skip
            self._act(1, partial(answering.replied, reply=said, then=then, policy=DESK))
        for reply_id in ("re1", "re2"):
            self._reply(reply_id, answering.begun)
            self._reply(reply_id, lambda r, step: answering.sent(r, self._of(r), step, r.id, f"{r.id}@example.com"))
        self._reply("re1", lambda r, s: answering.reported(r, self._of(r), s, EventType.REPLY_DELIVERED, {}))

    def _arrived(self, number: int, message: Any, channel: str = "mail") -> None:
        of = arrival(f"in-{number}", channel)
        row = self.table.rows.get(("IDENTITY#mail#anna@customer.example.com", "IDENTITY"))
        known = Known(
            customer=self.table.customer(row["customer_id"]) if row and channel == "mail" else None,
            agents=agents(boris=0),
        )
        self.table.save(message_arrived(of, message, tags(), known, DESK, ids(number)), NOW)

    def _claimed(self, number: int) -> None:
        self._act(number, lambda i, of, step: decide.claim(i, of, DESK.agents["anna"], DESK, step, f"t{number}"))

    def _act(self, number: int, act: Act) -> None:
        found = self.table.item(f"it{number}")
        self.table.save(act(found, self.table.customer(found.customer_id), self._step()), NOW)

    def _reply(self, reply_id: str, act: Callable[[Outgoing, Step], Change]) -> None:
        found = next(reply for reply in self.table.replies() if reply.id == reply_id)
        self.table.save(act(found, self._step()), NOW)

    def _of(self, reply: Outgoing) -> Customer:
        return self.table.customer(reply.customer_id)

    def _step(self) -> Step:
        self.count += 1
        return Step("anna", "test", NOW, f"step-{self.count}")


ITEM = {f"it{n}": tuple(keys.item_key(f"it{n}").values()) for n in range(1, 8)}
ANNA, BORIS, CARL = (tuple(keys.agent_key(name).values()) for name in ("anna", "boris", "carl"))
RE1, RE2, RE3 = (tuple(keys.outbox_key(f"re{n}").values()) for n in (1, 2, 3))
SEVENTH = tuple(keys.message_key("help@shop.example.com", "seven@example.com").values())
LINK = tuple(keys.link_key("cu1", "cu2").values())
TOKEN = tuple(keys.token_key("to1").values())
MESSAGE = tuple(keys.message_key("help@shop.example.com", "re1@example.com").values())
ANSWER = tuple(keys.idempotency_key("anna", "key-re1").values())
CUSTOMER = tuple(keys.customer_key("cu1").values())
AT = keys.moment(LATER)


#: Which row is changed (a key, or what to look for), what is changed in it (None: the row is gone), what is told.
CHANGED: list[tuple[Any, dict[str, Any] | None, str]] = [
    # ledger and timelines
    (("delivery", {"event_id": "ev3"}), None, "entry ev3 has no ledger row"),
    (("delivery", {"event_id": "ev3"}), {"event_id": "ev99"}, "names no event"),
    (("event", {"event_id": "ev4"}), {"cause": "mail:in-3"}, "delivery mail:in-3 stands 2 times"),
    (CUSTOMER, {"seq": 99}, "its counter 99"),
    (("event", {"event_id": "ev3"}), None, "timeline of cu1 is"),
    (("event", {"event_id": "ev3"}), {"actor": "eve"}, "event ev3 has been changed"),
    (ITEM["it3"], {"version": 7}, "item it3 is at version 7, told [1, 2, 3]"),
    (ITEM["it3"], {"chain": "x"}, "the chain of item it3 is broken"),
    # who has what in hand
    (ITEM["it3"], {"holder": None}, "item it3 is claimed and its holder is None"),
    (ITEM["it3"], {"claim_token": None}, "item it3 is claimed and its claim_token is None"),
    (ITEM["it3"], {"lease_until": None}, "item it3 is claimed and its lease_until is None"),
    (ITEM["it6"], {"holder": "anna"}, "item it6 is resolved and its holder is anna"),
    (ITEM["it1"], {"claim_token": "t"}, "item it1 is waiting and its claim_token is t"),
    (ITEM["it2"], {"offered_until": None}, "item it2 is queued and its offered_to is boris"),
    (ITEM["it2"], {"offered_to": None}, "item it2 is queued and its offered_until is"),
    (ITEM["it5"], {"offered_to": "anna", "offered_until": AT}, "item it5 is quarantined and its offered_to is anna"),
    (ITEM["it1"], {"offered_to": "anna"}, "item it1 is waiting and its offered_to is anna"),
    (ITEM["it4"], {"snoozed_until": None}, "item it4 is snoozed and its snoozed_until is None"),
    (ITEM["it1"], {"snoozed_until": AT}, f"item it1 is waiting and its snoozed_until is {AT}"),
    (ITEM["it5"], {"queue": "orders"}, "item it5 is quarantined and its queue is orders"),
    (ITEM["it2"], {"queue": "quarantine"}, "item it2 is queued and its queue is quarantine"),
    # lists
    (ITEM["it2"], {"waiting_pk": None}, "item it2 is queued and its waiting_pk is None, not QUEUE#orders"),
    (ITEM["it2"], {"waiting_pk": "QUEUE#people"}, "its waiting_pk is QUEUE#people, not QUEUE#orders"),
    (ITEM["it3"], {"waiting_pk": "QUEUE#orders"}, "item it3 is claimed and its waiting_pk is QUEUE#orders, not None"),
    (ITEM["it3"], {"holding_pk": None}, "item it3 is claimed and its holding_pk is None, not HOLDER#anna"),
    (ITEM["it2"], {"holding_pk": "HOLDER#boris"}, "its holding_pk is HOLDER#boris, not OFFERED#boris"),
    (ITEM["it1"], {"holding_pk": None}, "item it1 is waiting and its holding_pk is None, not PINNED#anna"),
    (ITEM["it4"], {"holding_pk": "PINNED#boris"}, "its holding_pk is PINNED#boris, not PINNED#anna"),
    (ITEM["it6"], {"holding_pk": "PINNED#anna"}, "item it6 is resolved and its holding_pk is PINNED#anna, not None"),
    # what is due
    (ITEM["it2"], {"wake_at": None}, "item it2 is queued and its wake_at is None"),
    (ITEM["it3"], {"wake_at": AT}, f"item it3 is claimed and its wake_at is {AT}, not"),
    (ITEM["it4"], {"wake_at": AT}, f"item it4 is snoozed and its wake_at is {AT}, not"),
    (ITEM["it5"], {"wake_at": None}, "item it5 is quarantined and its wake_at is None, not never"),
    (ITEM["it1"], {"wake_at": AT}, f"item it1 is waiting and its wake_at is {AT}, not None"),
    (ITEM["it6"], {"wake_at": AT}, f"item it6 is resolved and its wake_at is {AT}, not None"),
    (ITEM["it3"], {"wake_pk": None}, "and stands in the index as None"),
    (ITEM["it3"], {"wake_sk": f"{AT}#it3"}, f"stands in the index as WAKE#{keys.wake_shard('it3')} {AT}#it3"),
    (ITEM["it2"], {"wake_sk": f"NET#{keys.moment(NOW + timedelta(minutes=1))}#it2"}, "stands in the index as WAKE#"),
    (ITEM["it5"], {"wake_sk": f"{keys.moment(NOW + RE_RING)}#it5"}, "stands in the index as WAKE#"),
    (ITEM["it1"], {"wake_pk": "WAKE#0", "wake_sk": f"{AT}#it1"}, "item it1 wakes at None and stands in the index"),
    (RE3, {"wake_at": None, "wake_pk": None, "wake_sk": None}, "reply re3 is queued and its wake_at is None"),
    (RE3, {"wake_pk": "WAKE#9"}, "reply re3 wakes at"),
    (RE1, {"wake_at": AT, **keys.wake_attributes("re1", LATER)}, f"reply re1 is delivered and its wake_at is {AT}"),
    # agents
    (ANNA, {"load_mail": 2}, "anna carries 1 of mail, his load says 2"),
    (BORIS, {"load_chat": 0}, "boris carries 1 of chat, his load says 0"),
    (BORIS, {"load_mail": 1}, "boris carries 0 of mail, his load says 1"),
    (ANNA, None, "anna carries 1 of mail, his load says None"),
    (ITEM["it3"], {"holder": "dora"}, "dora carries 1 of mail, his load says None"),
    (ANNA, {"presence": "away"}, "anna is away and carries 1"),
    (BORIS, {"presence": "away"}, "boris is away and carries 1"),
    (BORIS, {"presence": "away"}, "boris has something left and nobody looks after it"),
    (CARL, {"hands_to": "", "wake_pk": None, "wake_sk": None}, "carl has something left and nobody looks after it"),
    (ANNA, {**keys.wake_attributes("anna", LATER)}, "anna is present and stands in the wake-up index"),
    (CARL, {"wake_pk": "WAKE#9"}, "carl stands in WAKE#9, not in WAKE#"),
    # replies
    (RE3, None, "is told without a reply in the outbox"),
    (RE3, None, "reply re3, which there is not"),
    (("event", {"type": "reply-queued"}), None, "or stands there untold"),
    (RE3, {"event_id": "step-1"}, "or stands there untold"),
    (RE2, {"outbox_id": "re9"}, "reply re9 is not the one its event tells of"),
    (RE2, {"item_id": "it2"}, "reply re2 is not the one its event tells of"),
    (RE2, {"customer_id": "cu2"}, "reply re2 is not the one its event tells of"),
    (ANSWER, {"reply_id": "re9"}, "anna was told of reply re9, which there is not"),
    (RE3, {"status": "sending"}, "reply re3 is sending and nobody sends it any more"),
    (RE3, {"status": "sent", "wake_at": None}, "reply re3 is sent and was never told to be sent"),
    (RE3, {"status": "bounced"}, "reply re3 is bounced and was never told to be sent"),
    (RE3, {"provider_id": "ses-3"}, "reply re3 is queued, was told to be sent 0 times, and its provider's id is ses-3"),
    (RE1, {"provider_id": None}, "was told to be sent 1 times, and its provider's id is None"),
    (("event", {"type": "reply-sent"}), None, "reply re1 is delivered and was never told to be sent"),
    (("event", {"type": "reply-delivered"}), None, "reply re1 is delivered and no event tells of it"),
    (RE3, {"status": "unknown"}, "reply re3 is unknown and no event tells of it"),
    (RE3, {"status": "failed"}, "reply re3 is failed and no event tells of it"),
    (RE1, None, "reply re1 is told of and is not in the outbox"),
    (TOKEN, None, "reply re1 went out without a token"),
    (TOKEN, {"mailbox": "billing@shop.example.com"}, "reply re1 went out without a token"),
    (TOKEN, {"customer_id": "cu9"}, "is for no item of its customer"),
    (TOKEN, {"item_id": "it9"}, "is for no item of its customer"),
    (MESSAGE, None, "reply re1 was sent under an id nobody knows"),
    (MESSAGE, {"item_id": "it2"}, "reply re1 was sent under an id nobody knows"),
    # what was merged
    (ITEM["it7"], {"merged": json.dumps({"into": "it7"})}, "item it7 was merged and goes on nowhere"),
    (ITEM["it7"], {"state": "waiting"}, "item it7 was merged and is waiting"),
    (ITEM["it7"], {"wake_at": AT}, f"to wake at {AT}"),
    (("event", {"type": "item-joined"}), {"facts": "{}"}, "message ev7 belongs to 0 items"),
    (("event", {"type": "item-merged"}), {"facts": "{}"}, "message ev7 belongs to 2 items"),
    (SEVENTH, {"item_id": "it1"}, "message ev7 belongs to it3, its id leads to it1"),
    # who is one person
    (LINK, None, "of cu2 and cu1 it is said otherwise than of cu1 and cu2"),
    (LINK, {"stands": 0}, "of cu1 and cu2 it is said otherwise than of cu2 and cu1"),
    (LINK, {"revision": 2}, "that cu1 and cu2 are one person was told 1 times"),
    # labels and mentions
    (("label", {}), None, "is told without a label"),
    (("label", {"topic": "billing"}), None, "is told without a label"),
    (("event", {"type": "tags-decided"}), None, "or labelled without being told"),
    (("event", {"type": "item-reassigned"}), None, "or labelled without being told"),
    (("label", {}), {"version": 99}, "is not what its event tells"),
    (("label", {}), {"item_id": "it2"}, "is not what its event tells"),
    (("label", {"topic": "billing"}), {"topic": "order"}, "is not what its event tells"),
    (("label", {"topic": "billing"}), {"urgency": "high"}, "item it1 is decided to be ('billing', 'low')"),
    (ITEM["it1"], {"decided": None}, "item it1 is decided to be (None, None)"),
    (("mention", {"agent_id": "sam"}), None, "names 2 agents, 1 find it"),
    (("mention", {"agent_id": "sam"}), {"seq": 1}, "a mention names entry ('cu1', 1), which is no note"),
    (("mention", {"agent_id": "sam"}), {"agent_id": "olga"}, "a mention of olga stands in the list AGENT#sam"),
    (("event", {"type": "note-added"}), None, "which is no note"),
]  # fmt: skip


type Rows = dict[tuple[str, str], rows.Row]


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


@pytest.fixture
def table(desk: Desk) -> Rows:
    """The good table, to be broken."""
    return dict(desk.table.rows)


def _key_of(table: Rows, kind: str, wanted: dict[str, Any]) -> tuple[str, str]:
    return next(key for key, row in table.items() if row["kind"] == kind and wanted.items() <= row.items())


def test_a_good_table_breaks_nothing(desk: Desk, table: Rows) -> None:
    assert violations(table.values()) == []
    states = {found.id: found.state for found in desk.table.items()}
    assert states == {
        "it1": "waiting", "it2": "queued", "it3": "claimed", "it4": "snoozed", "it5": "quarantined", "it6": "resolved",
        "it7": "resolved",
    }  # fmt: skip
    assert desk.table.item("it2").offered_to == "boris"
    assert [reply.status for reply in desk.table.replies()] == ["delivered", "sent", "queued"]
    assert {row["kind"] for row in table.values()} == {
        "agent", "conversation", "customer", "delivery", "event", "idempotency", "identity", "item", "label", "link",
        "mention", "message", "outbox", "payload", "token",
    }  # fmt: skip


def test_an_empty_table_breaks_nothing() -> None:
    assert violations([]) == []


@pytest.mark.parametrize(
    ("which", "changed", "told"), CHANGED, ids=[f"{n} {told}" for n, (_, _, told) in enumerate(CHANGED)]
)
def test_a_broken_row_is_told(table: Rows, which: Any, changed: dict[str, Any] | None, told: str) -> None:
    row = table.pop(_key_of(table, *which) if isinstance(which[1], dict) else which)
    if changed is not None:
        table["broken", ""] = {name: value for name, value in {**row, **changed}.items() if value is not None}
    broken = violations(table.values())
    assert any(told in sentence for sentence in broken), broken


@pytest.mark.parametrize(
    ("kind", "wanted", "changed", "told"),
    [
        ("event", {"type": "reply-sent"}, {"event_id": "ev99", "seq": 99}, "re1 is delivered, was told to be sent 2"),
        ("outbox", {}, {"outbox_id": "re9"}, "two replies in the outbox have one event"),
        ("event", {}, {"event_id": "ev99"}, "delivery mail:in-1 stands 2 times in timelines"),
        ("mention", {}, {}, "names 2 agents, 3 find it"),
        ("label", {}, {"event_id": "ev99"}, "or labelled without being told"),
        ("token", {}, {"item_id": "it9"}, "is for no item of its customer"),
    ],
)
def test_a_row_too_many_is_told(table: Rows, kind: str, wanted: dict[str, Any], changed: Any, told: str) -> None:
    table["again", ""] = {**table[_key_of(table, kind, wanted)], **changed}
    assert any(told in sentence for sentence in violations(table.values()))


@pytest.mark.parametrize("status", [Status.BOUNCED, Status.FAILED, Status.UNKNOWN])
def test_a_reply_that_did_not_arrive_is_told_of_and_whole(status: Status) -> None:
    table = Desk().table
    found = next(reply for reply in table.replies() if reply.id == "re2")
    before, of = table.item("it1"), table.customer("cu1")
    step = Step("sortownia", "send", LATER, "step-99")
    table.save(answering.not_delivered(found, before, of, step, status, "why", agents(anna=0), DESK), LATER)
    assert violations(table.rows.values()) == []


@pytest.fixture
def acknowledged() -> Rows:
    """A table of a mail that was acknowledged."""
    table = Memory()
    arrived = message_arrived(arrival(), mail(), tags(), Known(), DESK, ids())
    step = Step("sortownia", "mail:ses-1", NOW, "ev2")
    table.save(acknowledge.acknowledged(arrived, letter(), Budget("anna@customer.example.com"), step), NOW)
    assert violations(table.rows.values()) == []
    return table.rows


def test_a_second_acknowledgement_of_an_item_is_told(acknowledged: Rows) -> None:
    acknowledged["again", ""] = {**acknowledged[_key_of(acknowledged, "outbox", {})], "outbox_id": "r2"}
    assert "item it1 was acknowledged 2 times" in violations(acknowledged.values())


@pytest.mark.parametrize(("hours", "told"), [(4.7, True), (4.8, False)])
def test_a_sixth_acknowledgement_within_a_day_is_told(acknowledged: Rows, hours: float, told: bool) -> None:
    for number in range(1, 6):
        at = keys.moment(NOW + number * timedelta(hours=hours))
        more = {"item_id": f"it{number + 1}", "to": f"Anna+{number}@Customer.example.com", "queued_at": at}
        acknowledged["again", str(number)] = {**acknowledged[_key_of(acknowledged, "outbox", {})], **more}
    sentence = "anna@customer.example.com was written to more than five times within a day"
    assert (sentence in violations(acknowledged.values())) is told


@pytest.mark.parametrize("gone", ["event", "outbox"])
def test_an_acknowledgement_without_its_other_half_is_told(acknowledged: Rows, gone: str) -> None:
    which = {"type": "acknowledgement-queued"} if gone == "event" else {}
    del acknowledged[_key_of(acknowledged, gone, which)]
    sentence = "acknowledgement r1 is told of and was not written, or written and not told"
    assert sentence in violations(acknowledged.values())


def test_rows_may_be_read_once(table: Rows) -> None:
    assert violations(iter(table.values())) == []
