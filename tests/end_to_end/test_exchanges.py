"""Customer and agent write to each other five times by real mail: one item, one thread, whatever his mail program."""

import secrets
import smtplib

import pytest

from chalicelib.aws.mailer import message_id
from chalicelib.item.reply import Then
from sortownia.client import Client
from sortownia.local.cloud import REGION
from sortownia.local.sent import SentMail, as_received, sent_mails
from tests.end_to_end.mail_programs import PROGRAMS, Draft, MailProgram, Read
from tests.end_to_end.running import Running, eventually

pytestmark = pytest.mark.stack

MAILBOX = "help@shop.example.com"
QUESTIONS = (
    "Gdzie jest moja paczka? Zamówienie 4711, żółta kurtka.",
    "Danke! Kann ich die Größe noch ändern?",
    "А когда её привезут?",
    "Дякую, чекаю на відповідь.",
    "Thank you, that is all I wanted to know.",
)
ANSWERS = ("Jest w drodze, będzie jutro.", "Ja, bis heute Abend.", "Завтра до обеда.", "Ось номер посилки.", "Gladly!")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_five_exchanges_are_one_item(program: MailProgram, running: Running) -> None:
    with running.agent("agent-3") as agent:
        correspondence = Correspondence(program, running, agent)
        for number in range(5):
            correspondence.exchange(number)
        item = agent.item(correspondence.item_id)
        events = list(agent.timeline(item.customer_id))
    assert item.state == "resolved"
    kinds = [event.type for event in events]
    assert kinds.count("message-received") == kinds.count("reply-queued") == kinds.count("reply-sent") == 5
    assert {event.item_id for event in events if event.type != "reply-sent"} == {item.id}
    assert [event.version for event in item.history] == list(range(1, item.version + 1))


class Correspondence:
    """A customer with his mail program, and an agent who answers him."""

    def __init__(self, program: MailProgram, running: Running, agent: Client) -> None:
        self.program, self.running, self.agent = program, running, agent
        self.run = secrets.token_hex(4)
        self.customer = f"{program.name}-{self.run}@customer.example.com"
        self.draft = self.written(0, MAILBOX, f"Paczka nr {self.run}: żółć, где она?", {})
        self.item_id = ""

    def exchange(self, number: int) -> None:
        """The customer writes, the agent reads and answers, the customer reads that."""
        self.post(self.program.write(self.draft))
        self.item_id = self.item_id or self.new_item()
        heard = eventually(self.questions, lambda said: len(said) == number + 1, 60)
        assert heard[-1].strip() == QUESTIONS[number]

        held = self.agent.claim_item(self.item_id)
        reply = self.agent.reply(held, ANSWERS[number], Then.RESOLVE if number == 4 else Then.WAIT).reply
        mails = eventually(self.mails, lambda found: len(found) == number + 1, 60)
        eventually(lambda: self.agent.reply_status(self.item_id, reply.id), lambda now: now.status == "sent", 60)
        assert mails[-1].outbox_id == reply.id

        read = self.program.read(as_received(mails[-1]))
        check_headers(read, self.draft, ANSWERS[number], mails[-1])
        if number < 4:
            self.draft = self.written(number + 1, read.reply_to, read.subject, self.program.threading(read))

    def written(self, number: int, to: str, subject: str, threading: dict[str, str]) -> Draft:
        message_id = f"<{number}-{self.run}@customer.example.com>"
        return Draft(self.customer, to, subject, QUESTIONS[number], message_id, threading)

    def post(self, raw: bytes) -> None:
        with smtplib.SMTP("127.0.0.1", self.running.system.smtp_port, timeout=60) as session:
            session.sendmail(self.customer, [self.draft.to], raw)

    def new_item(self) -> str:
        def found() -> list[str]:
            return [item.id for item in self.agent.items(state="queued", newest=True) if self.run in item.subject]

        items = eventually(found, bool, 60)
        assert len(items) == 1
        return items[0]

    def questions(self) -> list[str]:
        """What the customer wrote in the item, as the timeline shows it."""
        events = self.agent.timeline(self.agent.item(self.item_id).customer_id)
        said = [e for e in events if e.item_id == self.item_id and e.type == "message-received"]
        return [(event.content or {})["written"] for event in said]

    def mails(self) -> list[SentMail]:
        return [mail for mail in sent_mails(self.running.stack) if mail.to == self.customer]


def check_headers(read: Read, answered: Draft, text: str, sent: SentMail) -> None:
    assert (read.sender, read.to) == (MAILBOX, answered.sender)
    local, _, domain = read.reply_to.partition("@")
    assert local.startswith("help+")
    assert len(local) <= 64
    assert domain == "shop.example.com"
    assert read.message_id == f"<{message_id(sent.provider_id, REGION)}>"
    assert read.in_reply_to == answered.message_id
    assert read.references.split()[-1] == answered.message_id
    assert read.subject.lower().count("re:") == 1
    assert read.subject.endswith(answered.subject.removeprefix("Re: "))
    assert read.text.strip() == text
