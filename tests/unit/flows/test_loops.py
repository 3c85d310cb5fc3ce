"""Programs that answer each other: whatever stands on the other side, the desk falls silent."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count, pairwise
from typing import Any

import pytest
from moto import mock_aws

from chalicelib.aws import mailer
from chalicelib.flows import receive
from chalicelib.flows.claim import claim_named
from chalicelib.flows.send import send_message
from chalicelib.item.acknowledge import MOST, PAUSE
from chalicelib.item.change import Change
from chalicelib.item.item import Customer, CustomerId, Event, Item, ItemId
from chalicelib.item.outgoing import Outgoing, Status
from chalicelib.policy import Policy, parse
from chalicelib.store import keys, rows
from sortownia.local.cloud import REGION
from sortownia.local.sent import SentMail, as_received
from tests import letters
from tests.cloud import Clock, Cloud, TestWorld
from tests.crash.quick_moto import make_quick
from tests.desk import ACKNOWLEDGE, ANNA, DESK, WordModel, courteous_desk
from tests.invariants import violations
from tests.memory import Memory
from tests.unit.flows.scenes import answer
from tests.unit.flows.sending import PERMANENT, notice

US, THEM, CUSTOMER = "help@shop.example.com", "desk@other.example.com", "anna@customer.example.com"
#: What a gateway on the way may cut off: all that says of a mail that a program sent it.
MARKS = ("Auto-Submitted", "X-Auto-Response-Suppress", "Precedence", "X-Sortownia-Loop")
THREAD = ("In-Reply-To", "References", "Reply-To")
_numbers = count(1)


class Noting:
    """A table that notes which replies were put into its outbox."""

    def __init__(self, table: Any) -> None:
        self._table, self.queued = table, list[Outgoing]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def save(self, change: Change, at: datetime) -> None:
        self._table.save(change, at)
        if change.reply and change.reply_before is None:
            self.queued.append(change.reply)


@dataclass
class Desk:
    """A desk with a mailbox, and SES on both sides of it."""

    world: TestWorld
    mailbox: str
    sent: list[SentMail] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.table = Noting(self.world.table)
        vars(self.world).update(table=self.table, mailer=self, model=WordModel())

    def send(self, raw: bytes, to: str, outbox_id: str) -> str:
        """SES takes a mail."""
        self.sent.append(SentMail(f"ses-out-{next(_numbers)}", to, raw, self.world.now(), outbox_id))
        return self.sent[-1].provider_id

    def message_id(self, provider_id: str) -> str:
        return mailer.message_id(provider_id, REGION)  # as `as_received` writes it

    def hears(self, mail: EmailMessage, to: str = "", **verdicts: str) -> str:
        """A mail arrives; what became of it."""
        delivery = f"ses-{next(_numbers)}"
        self.world.raw.write(f"mail/{delivery}", mail.as_bytes(), "message/rfc822")
        told = letters.notice(delivery, verdicts, to or self.mailbox)
        return receive.delivery(told, delivery, 1, self.world)

    def speaks(self) -> list[EmailMessage]:
        """What leaves the desk now, as its recipients get it."""
        before = len(self.sent)
        while self.table.queued:
            outgoing = self.table.queued.pop(0)
            send_message(json.dumps({"outbox_id": outgoing.id}), self.world)
        return [message_from_bytes(as_received(mail), policy=policy.default) for mail in self.sent[before:]]

    def rows(self) -> list[dict[str, Any]]:
        pages = self.table._client.get_paginator("scan").paginate(TableName=self.table._name)
        return [rows.from_wire(row) for page in pages for row in page["Items"]]

    def items(self) -> list[Item]:
        return [rows.item_of(row) for row in self.rows() if row["kind"] == "item"]

    def events(self) -> list[Event]:
        found = (rows.event_of(row) for row in self.rows() if row["kind"] == "event")
        return sorted(found, key=lambda event: event.at)


@pytest.fixture
def desks(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Desk, Desk]]:
    """Two desks that know nothing of each other, with tables of their own; both are sound afterwards."""
    make_quick(monkeypatch)
    with mock_aws():
        cloud = Cloud(desk=courteous_desk())
        first = Desk(cloud.deploy(), US)
        cloud.make_table("other-table")
        other = cloud.world(replace(first.world.settings, table="other-table"))
        vars(other)["policy"] = other_desk()
        second = Desk(other, THEM)
        yield first, second
        for desk in (first, second):
            assert violations(desk.rows()) == []


@pytest.fixture
def desk(desks: tuple[Desk, Desk]) -> Desk:
    return desks[0]


def other_desk() -> Policy:
    return parse((DESK + ACKNOWLEDGE).replace(US, THEM))


def mail(sender: str = CUSTOMER, subject: str = "Parcel", text: str = "Where is it?", **headers: str) -> EmailMessage:
    """A mail as if a person had written it, unless its headers say otherwise."""
    made = EmailMessage(policy=policy.SMTP)
    made["From"], made["To"], made["Subject"] = sender, US, subject
    made["Message-ID"] = headers.pop("message_id", f"<{next(_numbers)}@{sender.rpartition('@')[2]}>")
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


def without(mail: EmailMessage, *names: str) -> EmailMessage:
    """The mail as a gateway leaves it that cuts these headers off."""
    for name in names:
        del mail[name]
    return mail


def exchange(first: Desk, second: Desk, *cut: str, renamed: bool = False, rounds: int = 100) -> int:
    """The desks hear what the other says, until both are silent; how many mails that were. Fails after so many."""
    said = 0
    for speaker, hearer in [(first, second), (second, first)] * rounds:
        mails = [without(one, *cut) for one in speaker.speaks()]
        for one in mails:
            if renamed:
                one.replace_header("Message-ID", f"<{next(_numbers)}@gateway.example.net>")
            hearer.hears(one, one["To"].addresses[0].addr_spec)
        said += len(mails)
        if not mails and not hearer.table.queued:
            return said
    raise AssertionError(f"after {said} mails they still write to each other")


# Two desks


def test_two_desks_exchange_one_mail(desks: tuple[Desk, Desk]) -> None:
    """A mail in the name of the other desk's mailbox, without a mark: ours answers it, and the other one does not."""
    ours, theirs = desks
    assert ours.hears(mail(THEM)) == "queued"
    assert exchange(ours, theirs) == 1
    assert theirs.items() == []
    (heard,) = theirs.events()
    assert heard.facts["automatic"] == "auto-reply"
    assert heard.facts["reason"] == "another desk sent it by itself"


def test_two_desks_without_their_marks_exchange_one_mail(desks: tuple[Desk, Desk]) -> None:
    """The other takes our answer for a person's, who wants to be written to elsewhere."""
    ours, theirs = desks
    ours.hears(mail(THEM))
    assert exchange(ours, theirs, *MARKS) == 1
    assert len(ours.items()) == len(theirs.items()) == 1


def test_two_desks_whose_answers_only_keep_their_thread_exchange_two_mails(desks: tuple[Desk, Desk]) -> None:
    """The other takes our answer for a person's; its own answer is in our thread, and opens no second item."""
    ours, theirs = desks
    ours.hears(mail(THEM))
    assert exchange(ours, theirs, *MARKS, "Reply-To") == 2
    assert len(ours.items()) == len(theirs.items()) == 1


def test_two_desks_without_marks_and_threads_exchange_two_mails(desks: tuple[Desk, Desk]) -> None:
    """Each says once that it has the other's mail: who answers at once is a program, whatever his mail says."""
    ours, theirs = desks
    ours.hears(mail(THEM))
    assert exchange(ours, theirs, *MARKS, *THREAD, renamed=True) == 2
    assert len(ours.items()) == 2


def test_what_a_person_at_another_desk_writes_is_work_and_not_answered_by_itself(desks: tuple[Desk, Desk]) -> None:
    """Their agent answers a mail that came in our name: ours hears a person, though the loop header is there."""
    ours, theirs = desks
    theirs.hears(mail(US, Auto_Submitted="no"))
    theirs.table.queued.clear()  # their acknowledgement is still in their outbox
    held = claimed_at(theirs)
    answer(theirs.world, held, "We are your supplier.")
    (said,) = theirs.speaks()
    assert said["X-Sortownia-Loop"]
    assert ours.hears(said) == "queued"
    assert ours.speaks() == []
    (event,) = ours.events()
    assert event.facts["unacknowledged"] == "a desk sent it: it carries the loop header"


def claimed_at(desk: Desk) -> Item:
    return claim_named(desk.items()[0].id, ANNA, "", desk.world)


# Echoes


@pytest.mark.parametrize(
    ("cut", "reason"),
    [
        ((), "carries the Message-ID of a mail of ours"),
        (MARKS, "carries the Message-ID of a mail of ours"),
        (("Message-ID",), "carries our loop header and comes from an address of our own"),
        (("Message-ID", *MARKS), "answers are to go to somebody who is not proved (Reply-To)"),
        (("Message-ID", *MARKS, "Reply-To"), "it comes from an address of our own"),
    ],
)
def test_our_own_acknowledgement_sent_back_to_us_is_not_answered(desk: Desk, cut: tuple[str, ...], reason: str) -> None:
    """By whichever mark is left; without any, answers to it are to go to the token."""
    desk.hears(mail())
    (ours,) = desk.speaks()
    outcome = desk.hears(without(ours, *cut))
    assert outcome == ("queued" if {"Message-ID", *MARKS} <= set(cut) else "recorded as automatic")
    assert desk.speaks() == []
    facts = desk.events()[-1].facts
    assert facts.get("unacknowledged", facts["reason"]) == reason


# Hostile programs


class Responder:
    """Answers everything at once, as a new person's new matter: no mark, no thread, another subject, another label."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self._desk, self._chance = desk, random.Random(seed)

    def writes(self) -> None:
        """One more mail, whether or not the desk said anything."""
        local = self._chance.choice(["robot", "Robot", "ro.bot", f"robot+{self._chance.randrange(10**9)}", "robot+"])
        domain = self._chance.choice(["hostile.example.org", "HOSTILE.example.org"])
        said = mail(f"{local}@{domain}", f"News {self._chance.random()}", f"Read this {self._chance.random()}")
        self._desk.hears(said)

    def answers(self) -> int:
        """Writes once for each mail of the desk; how many that were."""
        heard = self._desk.speaks()
        for _ in heard:
            self.writes()
        return len(heard)


class InMemory:
    """What the flows read and write, in memory: a thousand rounds on moto take minutes."""

    def __init__(self) -> None:
        self.memory, self._raw = Memory(), dict[str, bytes]()
        self.save, self.customer, self.agents = self.memory.save, self.memory.customer, self.memory.agents

    def rows(self, wanted: Sequence[keys.Key]) -> dict[tuple[str, str], dict[str, Any]]:
        pairs = [(key["pk"], key["sk"]) for key in wanted]
        return {pair: self.memory.rows[pair] for pair in pairs if pair in self.memory.rows}

    def item_and_customer(self, item_id: str, customer_id: str) -> tuple[Item | None, Customer | None]:
        item = next(iter(self.rows([keys.item_key(item_id)]).values()), None)
        customer = next(iter(self.rows([keys.customer_key(customer_id)]).values()), None)
        return (rows.item_of(item) if item else None), (rows.customer_of(customer) if customer else None)

    def items_and_customers(
        self, item_ids: Sequence[str], customer_ids: Sequence[str]
    ) -> tuple[dict[ItemId, Item], dict[CustomerId, Customer]]:
        found = [self.item_and_customer(item_id, "none")[0] for item_id in item_ids]
        whose = [self.item_and_customer("none", customer_id)[1] for customer_id in customer_ids]
        return {item.id: item for item in found if item}, {customer.id: customer for customer in whose if customer}

    def outgoing(self, reply_id: str) -> Outgoing:
        return rows.outgoing_of(*self.rows([keys.outbox_key(reply_id)]).values())

    def read(self, key: str) -> bytes:
        return self._raw[key]

    def write(self, key: str, raw: bytes, _content_type: str) -> None:
        self._raw[key] = raw


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.long)])
def test_a_hostile_responder_in_a_thousand_rounds_over_three_days(seed: int) -> None:
    there, clock = InMemory(), Clock()
    world = TestWorld(None, courteous_desk(), clock=clock)  # type: ignore[arg-type]  # no flow of these asks where
    vars(world).update(table=there, raw=there)
    desk = Desk(world, US)
    responder, pause = Responder(desk, seed), timedelta(days=3) / 1000
    for _ in range(1000):
        responder.writes()
        responder.answers()
        clock.forward(seconds=pause.total_seconds())
    moments = sorted(sent.at for sent in desk.sent)
    assert 3 * MOST <= len(moments) <= 4 * MOST
    assert all(later - one >= PAUSE for one, later in pairwise(moments))
    assert all(later - first >= timedelta(days=1) for first, later in zip(moments, moments[MOST:], strict=False))
    assert len(there.memory.items()) >= 1000  # and not one of its mails was lost
    assert violations(there.memory.rows.values()) == []


def test_a_hostile_responder_that_answers_at_once_is_left_alone_after_one(desk: Desk) -> None:
    responder = Responder(desk, 3)
    responder.writes()
    assert [responder.answers() for _ in range(20)] == [1] + [0] * 19


# Lists


@pytest.mark.parametrize(
    "header", [{"List_Id": "<all.example.org>"}, {"List_Post": "<mailto:all@example.org>"}, {"Precedence": "list"}]
)
def test_mail_over_a_list_is_work_and_not_answered(desk: Desk, header: dict[str, str]) -> None:
    assert desk.hears(mail(**header)) == "queued"
    assert desk.speaks() == []
    assert desk.events()[0].facts["unacknowledged"].startswith("no person wrote it: It came over a mailing list")


def test_a_list_that_sends_our_acknowledgement_to_everybody_is_not_answered(desk: Desk) -> None:
    """A subscriber wrote to us and to the list, which munges From."""
    desk.hears(mail())
    (ours,) = desk.speaks()
    ours.replace_header("From", "Help via All <all@lists.example.org>")
    ours["List-Id"] = "<all.lists.example.org>"
    assert desk.hears(ours) == "recorded as automatic"
    assert desk.speaks() == []


# What comes of an acknowledgement


def test_a_bounce_of_it_by_ses_is_told_and_not_answered(desk: Desk) -> None:
    desk.hears(mail())
    desk.speaks()
    (item,) = desk.items()
    outgoing = desk.world.table.outgoing(desk.sent[0].outbox_id)
    told = notice(outgoing, "Bounce", provider_id=desk.sent[0].provider_id, **PERMANENT)
    assert [send_message(told, desk.world) for _ in range(2)] == ["bounced", "seen already"]
    assert desk.world.table.outgoing(outgoing.id).status == Status.BOUNCED
    assert desk.items() == [item]
    assert desk.speaks() == []


def test_a_bounce_of_it_by_mail_is_recorded_and_not_answered(desk: Desk) -> None:
    """Some servers ignore the envelope and write to Reply-To."""
    desk.hears(mail())
    (ours,) = desk.speaks()
    (item,) = desk.items()
    bounce = mail("MAILER-DAEMON@customer.example.com", "Undelivered Mail Returned to Sender", "550 5.1.1 no such user",
                  Return_Path="<>", In_Reply_To=str(ours["Message-ID"]))  # fmt: skip
    assert desk.hears(bounce, to_of(ours)) == "recorded as automatic"
    assert desk.items() == [item]
    assert desk.speaks() == []


def to_of(ours: EmailMessage) -> str:
    """Whom an answer to our mail goes to."""
    return str(ours["Reply-To"].addresses[0].addr_spec)


@pytest.mark.parametrize(
    ("marks", "moves"),
    [
        ({"Auto_Submitted": "auto-replied"}, False), ({"X_Autoreply": "yes"}, False),
        ({"subject": "Out of office: Auto: Parcel"}, False), ({"subject": "Re: Auto: Parcel"}, True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("by_token", [True, False])
def test_an_absence_note_in_answer_to_it_is_not_answered(
    desk: Desk, marks: dict[str, str], moves: bool, by_token: bool
) -> None:
    """One without any mark is one more message of its item, which is not acknowledged twice."""
    desk.hears(mail())
    (ours,) = desk.speaks()
    (item,) = desk.items()
    thread = {} if by_token else {"In_Reply_To": str(ours["Message-ID"])}
    note = mail(text="I am away until Monday.", **thread, **marks)
    desk.hears(note, to_of(ours) if by_token else US)
    (same,) = desk.items()
    assert (same != item) is moves
    assert desk.speaks() == []


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("threaded", [True, False])
def test_vacation_ping_pong_ends(desk: Desk, marked: bool, threaded: bool) -> None:
    """A vacation program that answers each of our mails; the worst opens a new matter each time."""
    desk.hears(mail())
    rounds = 0
    while heard := desk.speaks():
        rounds += 1
        assert rounds == 1
        thread = {"In_Reply_To": str(heard[0]["Message-ID"])} if threaded else {}
        mark = {"Auto_Submitted": "auto-replied (vacation)"} if marked else {}
        desk.hears(mail(subject="Away", **thread, **mark))
    assert rounds == 1


def test_an_answer_from_another_address_refers_to_our_mail_and_is_not_answered(desk: Desk) -> None:
    """The mailbox is forwarded, and the program behind it answers in its own name."""
    desk.hears(mail())
    (ours,) = desk.speaks()
    assert desk.hears(mail("robot@elsewhere.example.org", In_Reply_To=str(ours["Message-ID"])), to_of(ours)) == "queued"
    assert desk.speaks() == []
    assert desk.events()[-1].facts["unacknowledged"] == "it answers something we know"


def test_an_agents_answers_have_no_budget(desk: Desk) -> None:
    """However often the desk wrote by itself, people go on."""
    for number in range(MOST + 1):
        desk.hears(mail(subject=f"Matter {number}"))
        assert desk.world.clock
        desk.world.clock.forward(hours=1)
    assert len(desk.speaks()) == MOST
    for item in desk.items():
        answer(desk.world, claim_named(item.id, ANNA, "", desk.world))
    assert len(desk.speaks()) == MOST + 1
