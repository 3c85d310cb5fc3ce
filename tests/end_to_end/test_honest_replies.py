"""Customers answer as their programs, languages, gateways and habits have it: nearly every answer joins its matter."""

import secrets
import smtplib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import pytest

from chalicelib.item.reply import Then
from sortownia.client import Client
from sortownia.local.sent import as_received, sent_mails
from tests.end_to_end.mail_programs import PROGRAMS, Draft, MailProgram, Read
from tests.end_to_end.running import Running, eventually

pytestmark = pytest.mark.stack

MAILBOX = "help@shop.example.com"
SUBJECTS = ("Paczka 4711: żółta kurtka", "Where is my parcel?", "Rückgabe der Lampe", "Где моя посылка?")
LEAST = 0.99

#: How an answer is made of what the program would write by itself, and of the mail it answers.
type Habit = Callable[[Draft, Read], Draft]


def _prefixed(prefix: str, draft: Draft, read: Read) -> Draft:
    return replace(draft, subject=f"{prefix}{read.subject.removeprefix('Re: ')}")


def _threaded(draft: Draft, **threading: str) -> Draft:
    return replace(draft, threading={name.replace("_", "-"): value for name, value in threading.items()})


def _by_outlook(draft: Draft, read: Read) -> Draft:
    topic = read.subject.removeprefix("Re: ")
    more = {"Thread-Topic": topic, "Thread-Index": "AdqBcDefGhIjKlMnOpQrStUvWxYzAA=="} if topic.isascii() else {}
    return replace(draft, subject=f"RE: {topic}", threading={"In-Reply-To": read.message_id, **more})


def _in_capitals(draft: Draft, _: Read) -> Draft:
    local, _, domain = draft.sender.partition("@")
    return replace(draft, to=draft.to.upper(), sender=f"{local.upper()}@{domain.title()}")


HABITS: dict[str, Habit] = {
    "as the program writes": lambda draft, _: draft,
    "German": partial(_prefixed, "AW: "),
    "Polish": partial(_prefixed, "Odp: "),
    "Russian": partial(_prefixed, "Ответ: "),
    "forwarded": lambda draft, read: _prefixed("WG: Re: ", _threaded(draft, References=read.message_id), read),
    "marked by a gateway": partial(_prefixed, "[EXTERNAL] Re: "),
    "token alone, subject a mere prefix": lambda draft, _: replace(_threaded(draft), subject="Re:"),
    "label dropped": lambda draft, read: replace(_threaded(draft, In_Reply_To=read.message_id), to=MAILBOX),
    "label dropped, References alone": lambda draft, read: replace(
        _threaded(draft, References=f"{read.references} {read.message_id}"), to=MAILBOX
    ),
    "capitals": _in_capitals,
    "Outlook": _by_outlook,
    "subject cut": lambda draft, read: replace(draft, subject=read.subject[:12]),
}


@dataclass(frozen=True)
class Asked:
    """A customer who was answered: his matter, and the mail he has before him."""

    program: MailProgram
    customer: str
    item_id: str
    read: Read


@pytest.mark.timeout(600)
def test_ninety_nine_of_a_hundred_honest_answers_join(running: Running) -> None:
    run = secrets.token_hex(4)
    with running.agent("agent-5") as agent:
        asked = list(correspondences(run, running, agent))
    sent: dict[str, tuple[str, str]] = {}
    for number, one in enumerate(asked):
        for habit, change in HABITS.items():
            message_id = f"{number}-{len(sent)}-{run}@customer.example.com"
            plain = Draft(
                one.customer, one.read.reply_to, one.read.subject, "And now?", f"<{message_id}>",
                one.program.threading(one.read),
            )  # fmt: skip
            post(running, one.program, change(plain, one.read))
            sent[message_id] = (f"{one.program.name}, {habit}", one.item_id)
    found = eventually(partial(ended, running, run), lambda items: items.keys() >= sent.keys(), 240)
    missed = [name for message_id, (name, item_id) in sent.items() if found[message_id] != item_id]
    rate = 1 - len(missed) / len(sent)
    print(f"\n{len(sent)} honest answers, {rate:.1%} joined; not joined: {missed or 'none'}")
    assert len(sent) >= 100
    assert rate >= LEAST


def correspondences(run: str, running: Running, agent: Client) -> Iterator[Asked]:
    """Each program's customers write once and are answered."""
    customers = {
        f"{program.name}-{number}-{run}@customer.example.com": (program, f"{subject} ({run})")
        for program in PROGRAMS
        for number, subject in enumerate(SUBJECTS)
    }
    for customer, (program, subject) in customers.items():
        post(running, program, Draft(customer, MAILBOX, subject, "Please tell me.", f"<first-{customer}>", {}))
    first = [f"first-{customer}" for customer in customers]
    items = eventually(partial(ended, running, run), lambda found: found.keys() >= set(first), 120)
    for item_id in (items[message_id] for message_id in first):
        agent.reply(agent.claim_item(item_id), "It comes tomorrow.", Then.WAIT)
    mails = eventually(
        lambda: {mail.to: mail for mail in sent_mails(running.stack)},
        lambda found: found.keys() >= customers.keys(),
        120,
    )
    eventually(lambda: running.rows("message"), lambda rows: sum(run_of(row, items) for row in rows) >= len(first), 60)
    for customer, (program, _) in customers.items():
        read = program.read(as_received(mails[customer]))
        yield Asked(program, customer, items[f"first-{customer}"], read)


def run_of(row: dict[str, str], items: dict[str, str]) -> bool:
    """Whether a known mail is a reply of ours about one of these matters."""
    return bool(row.get("addressee")) and row.get("item_id") in items.values()


def post(running: Running, program: MailProgram, draft: Draft) -> None:
    with smtplib.SMTP("127.0.0.1", running.system.smtp_port, timeout=60) as session:
        session.sendmail(draft.sender, [draft.to], program.write(draft))


def ended(running: Running, run: str) -> dict[str, str]:
    """Message-ID -> item, of the mails of this run."""
    return {row["message_id"]: row["item_id"] for row in running.rows("message") if run in row["message_id"]}
