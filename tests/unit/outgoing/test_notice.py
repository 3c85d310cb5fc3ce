"""What SES tells of a mail, from samples of its shapes."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib.errors import Unreadable
from chalicelib.outgoing.notice import Kind, notice_of

EVENTS = Path(__file__).parents[2] / "events"
OUTBOX = "0123456789abcdef0123456789abcdef"
PROVIDER = "0100019c1d2e3f40-5a6b7c8d-9e0f-4a1b-8c2d-3e4f5a6b7c8d-000000"


def sample(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((EVENTS / f"ses-{name}.json").read_text("utf-8"))
    return read


@pytest.mark.parametrize(
    ("name", "kind", "permanent", "at", "detail"),
    [
        ("delivery", Kind.DELIVERED, False, "09:00:03.518", "250 2.0.0 OK queued for <(address)> as 7f3a"),
        (
            "bounce-permanent", Kind.BOUNCED, True, "09:00:04",
            "Permanent/General 5.1.1 smtp; 550 5.1.1 <(address)>: Recipient address rejected: user unknown",
        ),
        (
            "bounce-transient", Kind.BOUNCED, False, "21:10:44.100",
            "Transient/MailboxFull 4.2.2 smtp; 452 4.2.2 The mailbox is over its quota",
        ),
        ("reject", Kind.REJECTED, True, "09:00:01.204", "Bad content"),
        (
            "delay", Kind.DELAYED, False, "09:25:00",
            "TransientCommunicationFailure 4.4.1 smtp; 421 4.4.1 Unable to connect to remote host",
        ),
        (
            "rendering-failure", Kind.REJECTED, True, "09:00:01.204",
            "Attribute 'name' is not present in the rendering data.",
        ),
    ],
)  # fmt: skip
def test_each_event_is_what_became_of_the_mail(name: str, kind: Kind, permanent: bool, at: str, detail: str) -> None:
    notice = notice_of(sample(name))
    assert notice
    assert (notice.kind, notice.permanent, notice.detail) == (kind, permanent, detail)
    assert notice.at == datetime.fromisoformat(f"2026-03-02T{at}Z")
    assert (notice.outbox_id, notice.provider_id) == (OUTBOX, PROVIDER)


def test_a_complaint_says_of_what_kind() -> None:
    notice = notice_of(sample("complaint"))
    assert notice
    assert (notice.kind, notice.permanent, notice.detail) == (Kind.COMPLAINED, False, "abuse")
    assert notice.at == datetime(2026, 3, 3, 7, 12, tzinfo=UTC)


@pytest.mark.parametrize("name", ["complaint", "feedback-complaint"])
def test_who_complained_before_gets_no_mail_and_that_is_no_complaint_of_this_one(name: str) -> None:
    body = sample(name)
    body["complaint"] |= {"complaintSubType": "OnAccountSuppressionList", "complaintFeedbackType": None}
    notice = notice_of(body)
    assert notice
    assert (notice.kind, notice.permanent, notice.detail) == (Kind.BOUNCED, True, "OnAccountSuppressionList")


@pytest.mark.parametrize(
    ("name", "kind", "permanent"),
    [
        ("feedback-bounce", Kind.BOUNCED, True),
        ("feedback-complaint", Kind.COMPLAINED, False),
        ("feedback-delivery", Kind.DELIVERED, False),
    ],
)
def test_older_notifications_say_the_same_without_our_tag(name: str, kind: Kind, permanent: bool) -> None:
    notice = notice_of(sample(name))
    assert notice
    assert (notice.kind, notice.permanent, notice.outbox_id, notice.provider_id) == (kind, permanent, "", PROVIDER)


def test_a_notice_that_comes_twice_has_one_id_and_no_other_notice_has_it() -> None:
    names = [path.stem.removeprefix("ses-") for path in sorted(EVENTS.glob("ses-*.json"))]
    notices = [notice_of(sample(name)) for name in names]
    told = [n.id for n in notices if n and n.outbox_id]
    assert len(told) == len(set(told)) + 1, "only Reject and Rendering Failure, of which a mail meets one"
    other = sample("delivery")
    other["mail"]["messageId"] = "another"
    again = notice_of(other)
    assert again
    assert again.id not in told


@pytest.mark.parametrize("name", ["Send", "Open", "Click", "Subscription"])
def test_some_events_say_nothing_to_us(name: str) -> None:
    assert notice_of(sample("send") | {"eventType": name}) is None
    assert notice_of({"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "…"}) is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"eventType": "Received"}, "eventType"),
        ({"eventType": None}, "eventType"),
        ({"eventType": ["Bounce"]}, "eventType"),
        ({"mail": None}, "mail"),
        ({"mail": {"messageId": 7}}, "mail.messageId"),
        ({"delivery": "x"}, "delivery"),
        ({"delivery": {"timestamp": "yesterday"}}, "delivery.timestamp"),
        ({"delivery": {}, "mail": {"messageId": "x"}}, "delivery.timestamp"),
    ],
)
def test_what_is_no_notice_is_said_to_be_none(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(Unreadable) as refused:
        notice_of(sample("delivery") | changed)
    assert refused.value.field == field


def test_the_inbound_queues_own_notice_is_none_of_ours() -> None:
    body = json.loads((EVENTS / "sqs-ses-notice.json").read_text("utf-8"))["Records"][0]["body"]
    with pytest.raises(Unreadable):
        notice_of(json.loads(body))


@pytest.mark.parametrize("recipients", [None, [], ["x"], [{}], [{"status": 5, "diagnosticCode": None}]])
def test_a_bounce_without_a_report_still_says_its_kind(recipients: Any) -> None:
    body = sample("bounce-permanent")
    body["bounce"]["bouncedRecipients"] = recipients
    notice = notice_of(body)
    assert notice
    assert notice.detail == "Permanent/General"


@pytest.mark.parametrize("tags", [None, [], {}, {"outbox_id": "x"}, {"outbox_id": []}, {"outbox_id": [7]}])
def test_a_mail_without_our_tag_has_no_outbox_id(tags: Any) -> None:
    body = sample("delivery")
    body["mail"]["tags"] = tags
    notice = notice_of(body)
    assert notice
    assert notice.outbox_id == ""


def test_detail_is_short_and_names_nobody() -> None:
    body = sample("delivery")
    body["delivery"]["smtpResponse"] = "550 zofia@customer.example.com\r\n <a.b+c@x.example>" + " x@y.example" * 1000
    notice = notice_of(body)
    assert notice
    assert len(notice.detail) <= 300
    assert "@" not in notice.detail
    assert "\n" not in notice.detail
