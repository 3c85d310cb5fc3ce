"""Where mails end that could end with strangers: a table of cases, each with the evidence it must leave."""

from dataclasses import dataclass, replace

import pytest

from chalicelib.flows.work import finish
from tests.desk import ANNA as AGENT
from tests.unit.flows.scenes import claimed, forward, items
from tests.unit.flows.threads import ANNA, BOB, CARL, EVE, Desk, Mail

pytestmark = pytest.mark.usefixtures("sound")


@dataclass(frozen=True)
class Joined:
    """It continues somebody's matter, by this evidence."""

    matter: str
    by: str


@dataclass(frozen=True)
class Linked:
    """It is a matter of its own, linked to somebody's because of this."""

    matter: str
    because: str


@dataclass(frozen=True)
class Separate:
    """It is a matter of its own that leads to none."""


NOT_PROVED, STRANGER = "sender not proved", "sender is not its customer"
LEAKED, ELSEWHERE, OTHER = "token used by another address", "token used at another mailbox", "subject changed"

TO_OURS = {"answers": ("our answer to anna",), "refers": ("anna", "our answer to anna")}
ANSWER = Mail(**TO_OURS)
TOKEN = Mail(to=("token of anna",))
NO_POLICY = replace(ANSWER, dmarc="GRAY", dkim="GRAY", envelope=ANNA)
FORGED = replace(ANSWER, dmarc="FAIL", spf="FAIL", dkim="FAIL")
BY_REFERENCE, BY_TOKEN = Joined("anna", "reference"), Joined("anna", "token")


def said(mail: Mail, subject: str) -> Mail:
    return replace(mail, subject=subject)


#: Name -> the mails, of which the last one counts, and where it must end.
CASES: dict[str, tuple[tuple[Mail, ...], Joined | Linked | Separate]] = {
    # Honest
    "answer to our reply": ((ANSWER,), BY_REFERENCE),
    "answer to our reply, References dropped": ((replace(ANSWER, refers=()),), BY_REFERENCE),
    "answer to our reply, In-Reply-To dropped": ((replace(ANSWER, answers=()),), BY_REFERENCE),
    "answer by its token alone": ((TOKEN,), BY_TOKEN),
    "answer by token with references": ((replace(ANSWER, to=("token of anna",)),), BY_TOKEN),
    "second thought about his own mail": ((Mail(answers=("anna",)),), BY_REFERENCE),
    "answer to his own second mail": ((Mail(answers=("anna",)), Mail(answers=("case 3",))), BY_REFERENCE),
    "origin gone from References, our answer named": (
        (Mail(refers=("never seen", "our answer to anna")),), BY_REFERENCE,
    ),
    "unknown id nearer than a known one": (
        (Mail(answers=("never seen",), refers=("anna", "never seen")),), BY_REFERENCE,
    ),
    "address in other letters": ((replace(ANSWER, sender="ANNA@Customer.Example"),), BY_REFERENCE),
    "his address as his name": ((replace(ANSWER, sender=f'"{ANNA}" <{ANNA}>'),), BY_REFERENCE),
    "name in encoded words": ((replace(ANSWER, sender=f"=?utf-8?q?Anna_=C5=BB?= <{ANNA}>"),), BY_REFERENCE),
    "name with an at sign": ((replace(ANSWER, sender=f'"Anna @ Customer" <{ANNA}>'),), BY_REFERENCE),
    "no policy, SPF of his domain": ((NO_POLICY,), BY_REFERENCE),
    "no policy, SPF of a host of his domain": (
        (replace(NO_POLICY, envelope="b@bounce.customer.example"),), BY_REFERENCE,
    ),
    "no policy, DKIM of his domain": (
        (replace(NO_POLICY, spf="FAIL", dkim="PASS", envelope="b@h.test", signed=("h.test", "customer.example")),),
        BY_REFERENCE,
    ),
    "references to two of his matters": (
        (Mail(subject="Refund"), Mail(answers=("our answer to anna",), refers=("case 3", "our answer to anna"))),
        BY_REFERENCE,
    ),
    "a colleague answered in between": (
        (replace(ANSWER, sender=CARL), Mail(answers=("case 3",), refers=("anna", "our answer to anna", "case 3"))),
        BY_REFERENCE,
    ),
    "references in a circle": (
        (Mail(message_id="x@mua.example", refers=("anna", "our answer to anna", "anna")),), BY_REFERENCE,
    ),
    "subject in German": ((said(ANSWER, "AW: Parcel 4711"),), BY_REFERENCE),
    "subject forwarded in Polish": ((said(ANSWER, "PD: Odp: Parcel 4711"),), BY_REFERENCE),
    "subject in Russian": ((said(ANSWER, "=?utf-8?b?0J7RgtCy0LXRgjogUGFyY2VsIDQ3MTE=?="),), BY_REFERENCE),
    "subject tagged by a gateway": ((said(ANSWER, "[EXTERNAL] Re: [list] WG: Parcel 4711"),), BY_REFERENCE),
    "subject counted": ((said(ANSWER, "Re[2]: Parcel 4711"),), BY_REFERENCE),
    "subject gone": ((said(ANSWER, ""),), BY_REFERENCE),
    "subject nothing but a prefix": ((said(ANSWER, "Re:"),), BY_REFERENCE),
    "subject shortened": ((said(ANSWER, "Re: Parc"),), BY_REFERENCE),
    "subject grown": ((said(ANSWER, "Re: Parcel 4711 - URGENT, please"),), BY_REFERENCE),
    "subject that tells what it was": ((said(ANSWER, "Damaged goods (was: Parcel 4711)"),), BY_REFERENCE),
    # His own, and yet another matter
    "new matter under an old mail": ((said(ANSWER, "Invoice for November"),), Linked("anna", OTHER)),
    "new matter by token": ((said(TOKEN, "Invoice for November"),), Linked("anna", OTHER)),
    "new matter without references": ((Mail(subject="Invoice for November"),), Separate()),
    "another address of the same person": (
        (replace(ANSWER, sender="Anna <anna@home.example>"),), Linked("anna", STRANGER),
    ),
    "the same person from a sub-address": (
        (replace(ANSWER, sender="Anna <anna+shop@customer.example>"),), Linked("anna", STRANGER),
    ),
    "an id known in another mailbox": ((replace(ANSWER, to=("sales",)),), Separate()),
    # Strangers with true names
    "stranger quotes an id": ((replace(ANSWER, sender=EVE),), Linked("anna", STRANGER)),
    "stranger quotes the customer's own id": ((Mail(sender=EVE, answers=("anna",)),), Linked("anna", STRANGER)),
    "stranger quotes a ticket number": ((Mail(sender=EVE, subject="Re: Parcel 4711"),), Separate()),
    "colleague in cc answers": ((replace(ANSWER, sender=CARL),), Linked("anna", STRANGER)),
    "who was in bcc answers": ((Mail(sender=CARL, refers=("our answer to anna",)),), Linked("anna", STRANGER)),
    "forwarded to a friend, who answers": (
        (Mail(sender=EVE, subject="Fwd: Re: Parcel 4711", refers=("anna", "our answer to anna")),),
        Linked("anna", STRANGER),
    ),
    "another customer answers": ((replace(ANSWER, sender=BOB),), Linked("anna", STRANGER)),
    "another customer with both in References": (
        (Mail(sender=BOB, answers=("our answer to anna",), refers=("our answer to bob", "our answer to anna")),),
        Joined("bob", "reference"),
    ),
    "customer answers a stranger's mail": (
        (Mail(sender=EVE, subject="Parcel 4711"), Mail(answers=("case 3",), refers=("case 3",))), Linked("", STRANGER),
    ),
    "token leaked": ((replace(TOKEN, sender=EVE),), Linked("anna", LEAKED)),
    "token leaked, with references": ((replace(ANSWER, sender=EVE, to=("token of anna",)),), Linked("anna", LEAKED)),
    "token forwarded to a colleague": ((replace(TOKEN, sender=CARL),), Linked("anna", LEAKED)),
    "token of another customer's": ((replace(TOKEN, sender=BOB),), Linked("anna", LEAKED)),
    "token of another, references to his own": (
        (Mail(sender=BOB, to=("token of anna",), answers=("our answer to bob",)),), Joined("bob", "reference"),
    ),
    "token at another mailbox": ((Mail(to=("token of anna at sales",)),), Linked("anna", ELSEWHERE)),
    "token made up": ((Mail(sender=EVE, to=(f"help+{'a' * 32}@shop.example.com",)),), Separate()),
    "Message-ID used again by a stranger": ((Mail(sender=EVE, message_id="anna-1@mua.example"),), Separate()),
    "Message-ID used again, and answered by its second sender": (
        (Mail(sender=EVE, message_id="anna-1@mua.example"), Mail(sender=EVE, answers=("anna",))),
        Linked("anna", STRANGER),
    ),
    "stranger before the customer, under one Message-ID": (
        (Mail(sender=EVE, message_id="same@mua.example"), Mail(message_id="same@mua.example", subject="Refund"),
         Mail(sender=EVE, answers=("case 4",))),
        Joined("", "reference"),
    ),
    "newsletter under one reference": (
        (Mail(sender="news@list.example", subject="News", answers=("never seen",)),
         Mail(sender=EVE, subject="Re: News", answers=("never seen",))),
        Separate(),
    ),
    # Not who they say
    "forged": ((FORGED,), Linked("anna", NOT_PROVED)),
    "forged, by token": ((replace(FORGED, to=("token of anna",)),), Linked("anna", NOT_PROVED)),
    "forged, no references": ((replace(FORGED, answers=(), refers=()),), Separate()),
    "DMARC not checked": ((replace(ANSWER, dmarc=""),), Linked("anna", NOT_PROVED)),
    "DMARC check broke down": ((replace(ANSWER, dmarc="PROCESSING_FAILED"),), Linked("anna", NOT_PROVED)),
    "no policy and no proof": ((replace(NO_POLICY, spf="GRAY"),), Linked("anna", NOT_PROVED)),
    "no policy, SPF of the forger's domain": ((replace(NO_POLICY, envelope=EVE),), Linked("anna", NOT_PROVED)),
    "no policy, SPF failed": ((replace(NO_POLICY, spf="FAIL"),), Linked("anna", NOT_PROVED)),
    "no policy, DKIM of the forger's domain": (
        (replace(NO_POLICY, spf="FAIL", dkim="PASS", envelope=EVE, signed=("evil.example",)),),
        Linked("anna", NOT_PROVED),
    ),
    "no policy, a broken signature of his domain": (
        (replace(NO_POLICY, spf="FAIL", dkim="FAIL", envelope=EVE, signed=("customer.example",)),),
        Linked("anna", NOT_PROVED),
    ),
    "no policy, another's name below the same public suffix": (
        (Mail(sender="a@shop.co.uk", subject="Lamp"),
         replace(NO_POLICY, sender="a@shop.co.uk", subject="Lamp", envelope="eve@evil.co.uk", answers=("case 3",))),
        Linked("", NOT_PROVED),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_mail_ends_where_it_belongs(desk: Desk, name: str) -> None:
    mails, expected = CASES[name]
    for mail in mails[:-1]:
        desk.arrives(mail)
    before = {item.id: item for item in items(desk.cloud)}
    assert desk.arrives(mails[-1]) == "queued"
    entered, newest = desk.entered(), desk.newest()
    match expected:
        case Joined(matter, by):
            assert entered["item"] in before
            assert (desk.name_of(entered["item"]) or "", entered["joined_by"]) == (matter, by)
        case Linked(matter, because):
            assert entered["item"] not in before
            assert (desk.name_of(newest.linked_to) or "", newest.linked_because) == (matter, because)
            assert (entered["linked_to"], entered["linked_because"]) == (newest.linked_to, because)
        case Separate():
            assert entered["item"] not in before
            assert (newest.linked_to, "linked_to" in entered) == (None, False)
    touched = [item for item in items(desk.cloud) if item.id in before and item != before[item.id]]
    assert [item.id for item in touched] == ([entered["item"]] if isinstance(expected, Joined) else [])
    assert newest.contact
    assert all(item.customer_id == before[item.id].customer_id for item in touched)


def test_there_are_enough_cases_and_most_are_of_strangers() -> None:
    assert len(CASES) >= 60
    assert sum(not isinstance(expected, Joined) for _, expected in CASES.values()) >= 30


def closed(desk: Desk, name: str) -> None:
    """Somebody's matter is done."""
    desk.arrives(replace(ANSWER, text="Thanks"))
    held = claimed(desk.world)
    assert desk.name_of(held.id) == name
    finish(held.id, held.version, AGENT, desk.world)


@pytest.mark.parametrize(
    ("days", "because"), [(29, None), (31, "resolved too long ago"), (400, "resolved too long ago")]
)
@pytest.mark.parametrize("mail", [ANSWER, TOKEN], ids=["reference", "token"])
def test_an_answer_to_an_old_matter(desk: Desk, mail: Mail, days: int, because: str | None) -> None:
    closed(desk, "anna")
    forward(desk.world, days=days)
    desk.arrives(mail)
    assert desk.entered().get("linked_because") == because
    assert (desk.entered()["item"] == desk.item("anna").id) == (because is None)


def test_whom_we_wrote_to_continues_the_matter_by_reference_too(desk: Desk) -> None:
    """Anna asked to be answered at Carl's: he has no matter of his own, but ours went to him."""
    desk.open("both", Mail(subject="Lamp", extra=f"Reply-To: {CARL}"))
    desk.arrives(Mail(sender=CARL, subject="Re: Lamp", answers=("our answer to both",)))
    assert (desk.entered()["joined_by"], desk.entered()["item"]) == ("reference", desk.item("both").id)
    desk.arrives(Mail(sender=CARL, subject="Re: Lamp", answers=("both",)))
    assert desk.entered()["linked_because"] == STRANGER  # that one was not written to him
    his = desk.entered()["customer"]
    desk.arrives(Mail(sender=CARL, subject="Job offer", to=("token of both",), answers=("our answer to both",)))
    assert (desk.entered()["linked_because"], desk.entered()["customer"]) == (OTHER, his)  # his own, not Anna's
    assert his != desk.item("both").customer_id
    desk.arrives(Mail(sender=EVE, subject="Re: Lamp", answers=("our answer to both",)))
    assert desk.entered()["linked_because"] == STRANGER


# Whom an answer goes to


def test_a_stranger_never_becomes_whom_a_matter_is_answered_to(desk: Desk) -> None:
    before = desk.item("anna").contact
    for mail in (replace(ANSWER, sender=CARL), replace(FORGED, extra=f"Reply-To: {EVE}"), replace(TOKEN, sender=EVE)):
        desk.arrives(mail)
        assert desk.item("anna").contact == before
    assert before
    assert before.address == ANNA


def test_where_a_proved_customer_wants_his_answers_is_shown(desk: Desk) -> None:
    desk.arrives(replace(ANSWER, extra=f"Reply-To: Office <{CARL}>"))
    contact = desk.item("anna").contact
    assert contact
    assert (contact.address, desk.entered()["answers_go_elsewhere"]) == (CARL, True)
    event = desk.world.table.timeline(desk.item("anna").customer_id, 1, None, newest=True).entries[0]
    assert event.payload
    assert (event.payload["from"], event.payload["reply_to"]) == (ANNA, CARL)
    desk.arrives(replace(ANSWER, extra=f"Reply-To: {ANNA.upper()}"))
    assert "answers_go_elsewhere" not in desk.entered()


# What comes back by itself


RETURNED = "Auto-Submitted: auto-replied\r\nContent-Type: multipart/report; report-type=delivery-status"


@pytest.mark.parametrize(
    ("sender", "dmarc"), [("mailer-daemon@customer.example", "PASS"), (ANNA, "FAIL"), (EVE, "PASS")]
)
@pytest.mark.parametrize("to", ["help", "token of anna"])
def test_a_returned_mail_is_told_of_where_its_sender_belongs_and_wakes_nothing(
    desk: Desk, sender: str, dmarc: str, to: str
) -> None:
    before = items(desk.cloud)
    assert (
        desk.arrives(replace(ANSWER, sender=sender, dmarc=dmarc, extra=RETURNED, to=(to,))) == "recorded as automatic"
    )
    assert items(desk.cloud) == before
    assert desk.entered()["customer"] != desk.item("anna").customer_id
    assert desk.entered()["about"] == desk.item("anna").id


def test_the_customers_own_absence_note_stands_in_his_timeline(desk: Desk) -> None:
    desk.arrives(replace(ANSWER, extra="Auto-Submitted: auto-replied"))
    assert desk.entered()["customer"] == desk.item("anna").customer_id


def test_members_of_a_list_that_writes_in_its_own_name_are_strangers_to_each_other(desk: Desk) -> None:
    extra = "List-Id: <list.list.example>\r\nCc: list@list.example"
    desk.arrives(Mail(sender="Ann via List <list@list.example>", subject="Lamp", extra=extra))
    first = desk.entered()
    desk.arrives(Mail(sender="Ben via List <list@list.example>", subject="Re: Lamp", extra=extra, answers=("case 3",)))
    second = desk.entered()
    assert (second["linked_to"], second["linked_because"]) == (first["item"], NOT_PROVED)
    assert second["customer"] != first["customer"]
    assert second["proof"] == "a mailing list speaks for who wrote it"
