"""A mail is handed to SES once, and its answer is sorted by what is known then."""

import json
from email import message_from_bytes
from typing import Any

import pytest
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID

from chalicelib.aws import clients
from chalicelib.aws.mailer import Mailer, message_id
from chalicelib.errors import NotSent, OutcomeUnknown, Refused
from chalicelib.outgoing.mail import compose
from tests.cloud import REGION, Cloud
from tests.letters_out import letter
from tests.outside import CUT, SILENCE, Outside, mailer_at

RAW = compose(letter())
TO = "zofia@customer.example.com"


def refusal(code: str, said: str = "…") -> dict[str, Any]:
    return {"body": json.dumps({"message": said}).encode(), "headers": {"x-amzn-ErrorType": code}}


def test_ses_gets_the_very_mail_with_recipient_set_and_tag() -> None:
    with Outside(body=b'{"MessageId": "0100-1"}') as ses:
        assert mailer_at(ses.url).send(RAW, TO, "ob1") == "0100-1"
        (asked,) = ses.asked
    said = json.loads(asked.body)
    assert asked.path == "/v2/email/outbound-emails"
    assert said["Destination"] == {"ToAddresses": [TO]}
    assert said["ConfigurationSetName"] == "desk-replies"
    assert said["EmailTags"] == [{"Name": "outbox_id", "Value": "ob1"}]
    assert "FromEmailAddress" not in said, "SES would put it in place of the desk's name and address"


def test_the_mail_leaves_as_it_was_composed(moto_cloud: Cloud) -> None:
    moto_cloud.ses.create_email_identity(EmailIdentity="shop.example.com")
    given = Mailer(moto_cloud.ses, "desk-replies", REGION).send(RAW, TO, "ob1")
    (sent,) = get_backend("ses")[DEFAULT_ACCOUNT_ID][REGION].sent_messages
    assert sent.id == given
    assert sent.raw_data.encode() == RAW
    assert message_from_bytes(RAW)["From"] == '"Help" <help@shop.example.com>'


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "TooManyRequestsException"), (400, "LimitExceededException"), (400, "ThrottlingException"),
        (400, "AccountSuspendedException"), (400, "SendingPausedException"), (404, "NotFoundException"),
        (403, "AccessDeniedException"), (403, "Unheard"), (429, "Unheard"), (503, "ServiceUnavailable"),
        (400, "ExpiredTokenException"), (400, "MailFromDomainNotVerifiedException"),
    ],
)  # fmt: skip
def test_what_was_certainly_not_taken_may_be_sent_later(status: int, code: str) -> None:
    with Outside(status, **refusal(code)) as ses:
        with pytest.raises(NotSent, match=code):
            mailer_at(ses.url).send(RAW, TO, "ob1")
        assert len(ses.asked) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "MessageRejected"), (400, "BadRequestException"), (413, "RequestEntityTooLarge"),
    ],
)  # fmt: skip
def test_what_ses_will_never_take_is_refused(status: int, code: str) -> None:
    with Outside(status, **refusal(code)) as ses:
        with pytest.raises(Refused, match=code):
            mailer_at(ses.url).send(RAW, TO, "ob1")
        assert len(ses.asked) == 1


def test_while_our_domain_is_not_verified_mail_waits() -> None:
    """SES rejects it in the words it has for a domain whose DNS records went, and for an account in its sandbox."""
    said = f"Email address is not verified. The following identities failed the check in region EU-WEST-1: {TO}"
    with Outside(400, **refusal("MessageRejected", said)) as ses, pytest.raises(NotSent) as later:
        mailer_at(ses.url).send(RAW, TO, "ob1")
    assert str(later.value) == "SES: MessageRejected, not verified"


@pytest.mark.parametrize(
    "said",
    [{"status": SILENCE}, {"status": CUT}, {"status": 200, "body": b"<html>"},
     {"status": 500, **refusal("InternalFailure")}, {"status": 502, **refusal("x")}, {"status": 504, **refusal("x")}],
)  # fmt: skip
def test_when_ses_was_asked_and_nothing_is_known_nobody_asks_again(said: dict[str, Any]) -> None:
    with Outside(**said) as ses:
        with pytest.raises(OutcomeUnknown):
            mailer_at(ses.url).send(RAW, TO, "ob1")
        assert len(ses.asked) == 1


def test_a_mail_that_could_not_leave_may_be_sent_later() -> None:
    with Outside() as ses:
        gone = ses.url
    with pytest.raises(NotSent, match="EndpointConnectionError"):
        mailer_at(gone).send(RAW, TO, "ob1")


def test_without_credentials_nothing_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    with Outside() as ses:
        with pytest.raises(NotSent, match="NoCredentialsError"):
            mailer_at(ses.url).send(RAW, TO, "ob1")
        assert ses.asked == []


def test_what_cannot_even_be_asked_is_refused() -> None:
    with Outside() as ses:
        with pytest.raises(Refused):
            mailer_at(ses.url).send(RAW, None, "ob1")  # type: ignore[arg-type]
        assert ses.asked == []


def test_each_mail_has_a_connection_of_its_own() -> None:
    with Outside(body=b'{"MessageId": "0100-1"}') as ses:
        peers = set()
        handle = ses._answer
        ses._answer = lambda handler: (peers.add(handler.client_address), handle(handler))[1]  # type: ignore[method-assign]
        mailer = mailer_at(ses.url)
        for _ in range(3):
            mailer.send(RAW, TO, "ob1")
    assert len(peers) == 3


def test_no_error_tells_address_or_words() -> None:
    body = json.dumps({"message": f"{TO} is not verified"}).encode()
    with Outside(400, body=body) as ses, pytest.raises(Refused) as refused:
        mailer_at(ses.url).send(RAW, TO, "ob1")
    assert TO not in str(refused.value)


def test_the_service_asks_ses_once_and_waits_longer_than_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    clients.sesv2.cache_clear()
    config = clients.sesv2().meta.config
    assert config.retries["total_max_attempts"] == 1
    assert (config.connect_timeout, config.read_timeout) == (3, 20)


@pytest.mark.parametrize(
    ("region", "domain"),
    [("us-east-1", "email.amazonses.com"), ("eu-central-1", "eu-central-1.amazonses.com")],
)
def test_the_customer_sees_the_message_id_of_ses(region: str, domain: str) -> None:
    assert message_id("0100-1-000000", region) == f"0100-1-000000@{domain}"
    assert Mailer(None, "x", region).message_id("0100-1-000000") == f"0100-1-000000@{domain}"  # type: ignore[arg-type]
