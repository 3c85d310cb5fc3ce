"""What SES tells of a reply: in whatever order and however often it comes, each piece of news is told once."""

from itertools import permutations
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib import doors
from chalicelib.flows.claim import claim_named
from chalicelib.flows.presence import set_presence
from chalicelib.flows.send import send_message
from chalicelib.flows.work import give_back
from chalicelib.item.outgoing import Outgoing, Status
from chalicelib.item.state import State
from chalicelib.outgoing.notice import GREETING
from chalicelib.policy import load
from infra.template import merge_template
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA, BORIS
from tests.unit.flows.scenes import Meanwhile, Unreachable, answer, claimed, deliver, kinds, told
from tests.unit.flows.sending import PERMANENT, Post, item_of, news, notice, now, says, sends

pytestmark = pytest.mark.usefixtures("sound")


def test_a_delivery_is_told(world: TestWorld, queued: Outgoing) -> None:
    sends(world, queued)
    before = item_of(world, queued)
    assert (
        send_message(notice(queued, "Delivery", smtpResponse="250 ok c1@customer.example.com"), world)
        == "reply-delivered"
    )
    delivered = now(world, queued)
    assert (delivered.status, delivered.sent_at is not None) == (Status.DELIVERED, True)
    event = told(world, before)[-1]
    assert (event.facts["detail"], event.facts["reply"]) == ("250 ok (address)", queued.id)
    assert item_of(world, queued) == before


def test_a_reply_that_comes_back_wakes_the_item_for_who_wrote(world: TestWorld, queued: Outgoing) -> None:
    sends(world, queued)
    assert send_message(notice(queued, "Bounce", **PERMANENT), world) == "bounced"
    item = item_of(world, queued)
    assert (item.state, item.offered_to, item.reason) == (State.QUEUED, "anna", "our reply came back")
    assert now(world, queued).status == Status.BOUNCED
    assert "c1@customer" not in now(world, queued).detail
    assert news(world, queued) == ["reply-sent", "reply-bounced"]


def test_a_reply_that_comes_back_while_he_is_away_goes_to_all(world: TestWorld, queued: Outgoing) -> None:
    sends(world, queued)
    set_presence("anna", "away", ANNA, world)
    send_message(notice(queued, "Bounce", **PERMANENT), world)
    assert item_of(world, queued).offered_to is None


@pytest.mark.parametrize(
    ("kind", "event", "more"),
    [
        ("DeliveryDelay", "reply-delayed", {"delayType": "MailboxFull"}),
        ("Complaint", "reply-complained", {"complaintFeedbackType": "abuse"}),
    ],
)
def test_other_news_is_told_and_wakes_nobody(
    world: TestWorld, queued: Outgoing, kind: str, event: str, more: dict[str, Any]
) -> None:
    sends(world, queued)
    before = item_of(world, queued)
    assert send_message(notice(queued, kind, **more), world) == event
    assert news(world, queued) == ["reply-sent", event]
    assert (item_of(world, queued), now(world, queued).status) == (before, Status.SENT)


@pytest.mark.parametrize("first", [True, False], ids=["before a delivery", "after it"])
def test_a_bounce_that_is_not_for_good_wakes_the_item_unless_the_reply_had_arrived(
    world: TestWorld, queued: Outgoing, first: bool
) -> None:
    """Before a delivery SES has given up; after it, it is an absence note of the customer's server."""
    sends(world, queued)
    if not first:
        send_message(notice(queued, "Delivery"), world)
    before = item_of(world, queued)
    outcome = send_message(notice(queued, "Bounce", bounceType="Transient"), world)
    if first:
        assert (outcome, now(world, queued).status) == ("bounced", Status.BOUNCED)
        assert item_of(world, queued).state == State.QUEUED
    else:
        assert (outcome, now(world, queued).status) == ("reply-delayed", Status.DELIVERED)
        assert item_of(world, queued) == before


def test_what_ses_rejects_has_failed(world: TestWorld, queued: Outgoing) -> None:
    sends(world, queued)
    assert send_message(notice(queued, "Reject", reason="Bad content"), world) == "failed"
    assert (now(world, queued).status, now(world, queued).detail) == (Status.FAILED, "Bad content")
    assert item_of(world, queued).state == State.QUEUED


TOLD = {
    "sent": None,
    "delivery": ("Delivery", {}),
    "bounce": ("Bounce", PERMANENT),
    "complaint": ("Complaint", {}),
}
ORDERS = list(permutations(TOLD, 3))


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_in_whatever_order_and_how_often_news_comes_the_end_is_the_same(
    world: TestWorld, post: Post, queued: Outgoing, order: tuple[str, ...]
) -> None:
    """`sent` is our own sender; each of SES's notices comes twice, and once more at the end."""
    heard = []
    for name in order:
        known = TOLD[name]
        if known is None:
            sends(world, queued)
            continue
        body = notice(queued, known[0], **known[1])
        heard += [body, body]
        assert send_message(body, world) != "seen already"
        assert send_message(body, world) == "seen already"
    for body in heard:
        assert send_message(body, world) == "seen already"
    end = now(world, queued)
    assert end.provider_id == "ses-out-1"
    assert end.wake_at is None
    bounced = "bounce" in order
    assert end.status == (Status.BOUNCED if bounced else Status.DELIVERED if "delivery" in order else Status.SENT)
    # What SES told us of left without our sender, which then sends nothing more.
    assert len(post.taken) == (1 if order[0] == "sent" else 0)
    told_of = {"delivery": "reply-delivered", "bounce": "reply-bounced", "complaint": "reply-complained"}
    assert sorted(news(world, queued)) == sorted(["reply-sent", *(told_of[n] for n in order if n != "sent")])
    item = item_of(world, queued)
    assert (item.state == State.QUEUED, item.version) == (bounced, 4 if bounced else 3)


def test_a_notice_that_is_quicker_than_the_answer_of_ses_is_no_second_sending(
    world: TestWorld, queued: Outgoing
) -> None:
    class Quick(Post):
        def send(self, raw: bytes, to: str, outbox_id: str) -> str:
            provider_id = super().send(raw, to, outbox_id)
            assert send_message(notice(queued, "Delivery"), world) == "reply-delivered"
            return provider_id

    vars(world)["mailer"] = Quick()
    assert sends(world, queued) == "sent already"
    assert now(world, queued).status == Status.DELIVERED
    assert news(world, queued) == ["reply-sent", "reply-delivered"]


def test_two_notices_that_differ_are_both_told(world: TestWorld, queued: Outgoing) -> None:
    sends(world, queued)
    for number in (1, 2):
        send_message(notice(queued, "DeliveryDelay", number), world)
    assert news(world, queued) == ["reply-sent", "reply-delayed", "reply-delayed"]


@pytest.mark.parametrize("told_of", [("Delivery", {}), ("Bounce", PERMANENT), ("Reject", {})], ids=lambda t: t[0])
def test_the_same_notice_twice_at_once_is_told_once(
    world: TestWorld, moto_cloud: Cloud, queued: Outgoing, told_of: tuple[str, dict[str, Any]]
) -> None:
    sends(world, queued)
    body = notice(queued, told_of[0], **told_of[1])
    outcomes: list[str] = []
    with Meanwhile(moto_cloud, lambda: outcomes.append(send_message(body, world))) as meanwhile:
        outcomes.append(send_message(body, world))
    assert outcomes[1] == "seen already"
    assert meanwhile.times <= 3  # it looks again instead of running against the wall
    assert len(news(world, queued)) == 2


def test_a_notice_that_meets_a_heartbeat_or_claim_is_not_lost(
    world: TestWorld, moto_cloud: Cloud, queued: Outgoing
) -> None:
    sends(world, queued)
    with Meanwhile(moto_cloud, lambda: claim_named(queued.item_id, BORIS, "", world)):
        assert send_message(notice(queued, "Bounce", **PERMANENT), world) == "bounced"
    item = item_of(world, queued)
    assert (item.state, item.holder) == (State.CLAIMED, "boris")
    give_back(item.id, item.version, BORIS, world)


def test_notices_that_say_nothing_change_nothing(world: TestWorld, moto_cloud: Cloud, queued: Outgoing) -> None:
    before = moto_cloud.rows()
    assert send_message(GREETING, world) == "greeting"
    assert send_message(notice(queued, "Send"), world) == "says nothing"
    foreign = notice(queued, "Bounce", **PERMANENT).replace(queued.id, "of-another-stack")
    assert send_message(foreign, world) == "about no reply of ours"
    assert moto_cloud.rows() == before


@pytest.mark.parametrize("body", ["", "no json", "[]", "7", "{}", '{"eventType": "Fax"}', '{"outbox_id": "nothing"}'])
def test_garbage_is_raised_so_that_its_queue_keeps_it(world: TestWorld, moto_cloud: Cloud, body: str) -> None:
    before = moto_cloud.rows()
    with pytest.raises(Exception):  # noqa: B017 - whichever: the door reports the one record
        send_message(body, world)
    assert moto_cloud.rows() == before


def test_in_the_timeline_no_event_of_a_reply_names_the_customer(
    world: TestWorld, moto_cloud: Cloud, queued: Outgoing
) -> None:
    sends(world, queued)
    send_message(notice(queued, "Bounce", **PERMANENT), world)
    events = [row for row in moto_cloud.rows() if row["kind"]["S"] == "event"]
    assert len(events) == 5
    assert "c1@customer" not in str(events)
    assert kinds(moto_cloud)["outbox"] == 1


def test_news_of_a_bounce_outlasts_ten_minutes_without_the_table(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    says(world)
    outgoing, _ = answer(world, claimed(world))
    sends(world, outgoing)
    body, table, seconds, received = notice(outgoing, "Bounce", **PERMANENT), world.table, 0, 0
    queue = merge_template(load())["Resources"]["SendQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"]
    shown: list[int] = []
    send, vars(world)["queues"] = world.queues, SimpleNamespace(show_again=lambda _u, _r, wait: shown.append(wait))
    while True:
        vars(world)["table"] = Unreachable() if seconds < 600 else table
        received += 1
        assert received <= queue, f"given up after {seconds} s, and nothing brings it again"
        attributes = {"ApproximateReceiveCount": str(received)}
        event = {"Records": [{"messageId": "m", "body": body, "receiptHandle": "r", "attributes": attributes,
                              "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:desk-send"}]}  # fmt: skip
        if not doors.each_message(event, lambda m: send_message(m.body, world), world)["batchItemFailures"]:
            break
        seconds += shown.pop()
    vars(world)["queues"] = send
    assert world.table.outgoing(outgoing.id).status == "bounced"
