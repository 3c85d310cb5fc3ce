"""SES's way out on this machine: what it takes, keeps, changes and tells."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.errors import NotSent, OutcomeUnknown, Refused
from chalicelib.outgoing.mail import compose
from chalicelib.outgoing.notice import Kind, notice_of
from sortownia.local.cloud import REGION
from sortownia.local.front import SES_PATH, Front
from sortownia.local.sent import SentMail, as_received, event, sent_mails
from sortownia.local.ses_door import SEND_PATH, SesDoor, Trouble, verify_senders
from tests.letters_out import letter
from tests.outside import mailer_at

AT = datetime(2026, 3, 2, 9, 0, 1, 204_000, tzinfo=UTC)
SENT = SentMail("0100-1", "zofia@customer.example.com", compose(letter()), AT, letter().outbox_id)


@dataclass
class Stack:
    """As much of a local stack as the door needs, on moto."""

    name: str = "desk"
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        return self.clients.setdefault(service, boto3.client(service, region_name=REGION))


@pytest.fixture
def stack() -> Iterator[Stack]:
    with mock_aws():
        stack = Stack()
        stack.client("sesv2").create_configuration_set(ConfigurationSetName="desk-replies")
        verify_senders(stack, ["help@shop.example.com", "billing@shop.example.com"])  # type: ignore[arg-type]
        yield stack


def request(**changed: Any) -> bytes:
    said = {
        "Destination": {"ToAddresses": [SENT.to]}, "ConfigurationSetName": "desk-replies",
        "Content": {"Raw": {"Data": base64.b64encode(SENT.raw).decode()}},
        "EmailTags": [{"Name": "outbox_id", "Value": SENT.outbox_id}], **changed,
    }  # fmt: skip
    return json.dumps(said).encode()


def test_a_mail_that_was_taken_is_kept_with_its_tag(stack: Stack) -> None:
    door = SesDoor(stack)  # type: ignore[arg-type]
    said = door.call(SEND_PATH, request())
    assert said.status == 200
    (mail,) = sent_mails(stack)  # type: ignore[arg-type]
    assert mail.provider_id == said.body["MessageId"]
    assert (mail.to, mail.raw, mail.outbox_id) == (SENT.to, SENT.raw, SENT.outbox_id)
    assert "@" not in mail.provider_id


def test_what_ses_would_refuse_is_refused(stack: Stack) -> None:
    door = SesDoor(stack)  # type: ignore[arg-type]
    foreign = compose(letter(mailbox="help@other.example.com"))
    answers = [
        door.call(SEND_PATH, request(Content={"Raw": {"Data": base64.b64encode(foreign).decode()}})),
        door.call(SEND_PATH, request(ConfigurationSetName="no-such-set")),
        door.call("/v2/email/identities", b""),
    ]
    assert [(a.status, a.error) for a in answers] == [
        (400, "MessageRejected"), (404, "NotFoundException"), (404, "NotFoundException"),
    ]  # fmt: skip
    assert sent_mails(stack) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("trouble", "raised", "kept"),
    [
        (Trouble.THROTTLED, NotSent, 0), (Trouble.REJECTED, Refused, 0), (Trouble.UNHEARD, OutcomeUnknown, 1),
        (Trouble.DEAF, OutcomeUnknown, 0),
    ],
)  # fmt: skip
def test_each_trouble_is_to_the_sender_what_it_is_called(
    stack: Stack, trouble: Trouble, raised: type[Exception], kept: int
) -> None:
    door = SesDoor(stack)  # type: ignore[arg-type]
    with Front(port=0) as front:
        front.ses = door
        door.troubles.append(trouble)
        mailer = mailer_at(front.url + SES_PATH)
        with pytest.raises(raised):
            mailer.send(SENT.raw, SENT.to, "ob1")
        assert len(sent_mails(stack)) == kept  # type: ignore[arg-type]
        assert mailer.send(SENT.raw, SENT.to, "ob1")
    assert len(sent_mails(stack)) == kept + 1  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("permanent", [True, False])
def test_what_ses_is_imitated_to_tell_reads_as_what_became_of_the_mail(kind: Kind, permanent: bool) -> None:
    told = json.loads(json.dumps(event(SENT, kind, AT, permanent=permanent)))
    notice = notice_of(told)
    assert notice
    assert (notice.kind, notice.outbox_id, notice.provider_id) == (kind, SENT.outbox_id, SENT.provider_id)
    assert notice.at == AT
    assert notice.permanent == (kind is Kind.REJECTED or (kind is Kind.BOUNCED and permanent))
    assert SENT.to not in notice.detail


def test_the_recipient_sees_the_id_and_date_of_ses() -> None:
    received = message_from_bytes(as_received(SENT), policy=policy.default)
    given = message_from_bytes(SENT.raw, policy=policy.default)
    assert received.get_all("Message-ID") == ["<0100-1@email.amazonses.com>"]
    assert received.get_all("Date") == ["Mon, 02 Mar 2026 09:00:01 +0000"]
    kept = [name for name in given if name not in ("Message-ID", "Date")]
    assert {name: received[name] for name in kept} == {name: given[name] for name in kept}
    assert received.get_content() == given.get_content()


def test_a_text_that_speaks_of_headers_stays_as_it_is() -> None:
    raw = compose(letter(text="Message-ID: <x>\nDate: today\n"))
    sent = SentMail("0100-1", SENT.to, raw, AT, "ob1")
    assert as_received(sent).partition(b"\r\n\r\n")[2] == raw.partition(b"\r\n\r\n")[2]
