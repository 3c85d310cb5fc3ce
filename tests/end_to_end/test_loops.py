"""A desk that acknowledges mail, with all that it sends handed back in: it falls silent, and no mail is lost."""

import secrets
import shutil
import smtplib
import zipfile
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from chalicelib.outgoing.notice import Kind
from infra.package import OUT, ZIP, build
from sortownia.local.sent import SentMail, as_received, notify, sent_mails
from sortownia.local.system import LocalSystem
from tests.end_to_end.running import Running, eventually
from tests.invariants import violations

pytestmark = [pytest.mark.stack, pytest.mark.long]

MAILBOX = "help@shop.example.com"
DESK = "chalicelib/desk.toml"
ROUNDS = 7


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A system of its own, whose desk acknowledges mail."""
    build()
    package = switched_on(tmp_path_factory.mktemp("package"))
    with LocalSystem(stack_port=0, smtp_port=0, http_port=0, package=package) as system, Running(system) as asked:
        yield asked


def switched_on(folder: Path) -> Path:
    """The package of a desk of which one line is another."""
    for file in OUT.iterdir():
        if file.name != ZIP:
            shutil.copy(file, folder)
    with zipfile.ZipFile(OUT / ZIP) as old, zipfile.ZipFile(folder / ZIP, "w", zipfile.ZIP_DEFLATED, True, 1) as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == DESK:
                assert content.count(b"\nchannels = []") == 1
                content = content.replace(b"\nchannels = []", b'\nchannels = ["mail"]')
            new.writestr(entry, content)
    return folder


@pytest.mark.timeout(400)
def test_a_program_that_answers_everything_gets_one_mail_and_the_desk_loses_nothing(running: Running) -> None:
    robot = Robot(running)
    for number in range(ROUNDS):
        robot.writes(number)
        eventually(lambda seen=number: len(running.rows("item")), lambda items, seen=number: items == seen + 1, 60)
        robot.hands_back()
    mails = eventually(robot.heard, lambda heard: len(heard) >= 1, 60)
    first = mails[0]
    notify(running.stack, first, Kind.BOUNCED)
    robot.posts(robot.absence_note(first), str(robot.read(first)["Reply-To"].addresses[0].addr_spec))
    posted = eventually(running.system.deliveries, lambda seen: seen >= robot.posted + 1, 60)
    assert posted == robot.posted + 1  # the ledger knows each mail and the bounce, once
    eventually(lambda: running.rows("outbox"), lambda rows: all(row["status"] != "queued" for row in rows), 60)

    outbox, items = running.rows("outbox"), running.rows("item")
    assert [row["status"] for row in outbox] == ["bounced"]
    assert len(robot.heard()) == 1
    assert [(item["state"], item["version"]) for item in items] == [("queued", 1)] * ROUNDS
    kinds = ("item", "event", "customer", "delivery", "message", "identity", "outbox", "token", "payload", "budget")
    assert violations(row for kind in kinds for row in running.rows(kind)) == []
    check_words(robot.read(first))


def check_words(mail: EmailMessage) -> None:
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["Subject"].startswith("Auto: Parcel ")
    assert "program" in mail.get_content()
    assert "secret words" not in mail.get_content()


class Robot:
    """Answers everything in a new matter's name, and sends every mail of the desk back to it as well."""

    def __init__(self, running: Running) -> None:
        self.running, self.posted = running, 0
        self._returned: set[str] = set()

    def writes(self, number: int) -> None:
        """A new mail without thread or mark, from another variant of the same address."""
        mail = self._mail(f"robot+{number}@hostile.example.org", f"Parcel {secrets.token_hex(4)}")
        mail.set_content("Where is my parcel? These are secret words.")
        self.posts(mail, MAILBOX)

    def hands_back(self) -> None:
        """What the desk said since comes back to it as it was received."""
        for sent in self.heard():
            if sent.provider_id not in self._returned:
                self._returned.add(sent.provider_id)
                self.posts(self.read(sent), MAILBOX)

    def absence_note(self, sent: SentMail) -> EmailMessage:
        note = self._mail("robot+0@hostile.example.org", "Away until Monday")
        note["Auto-Submitted"] = "auto-replied"
        note["In-Reply-To"] = self.read(sent)["Message-ID"]
        note.set_content("I am away.")
        return note

    def heard(self) -> list[SentMail]:
        return sent_mails(self.running.stack)

    def read(self, sent: SentMail) -> EmailMessage:
        return message_from_bytes(as_received(sent), policy=policy.default)

    def posts(self, mail: EmailMessage, to: str) -> None:
        with smtplib.SMTP("127.0.0.1", self.running.system.smtp_port, timeout=60) as session:
            session.sendmail("robot@hostile.example.org", [to], mail.as_bytes(policy=policy.SMTP))
        self.posted += 1

    def _mail(self, sender: str, subject: str) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, MAILBOX, subject
        mail["Message-ID"] = f"<{secrets.token_hex(8)}@hostile.example.org>"
        return mail
