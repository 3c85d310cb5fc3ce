"""What becomes of a delivery, and that handling it again changes nothing."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.errors import Unavailable
from chalicelib.flows import receive, recheck
from chalicelib.flows.work import finish
from chalicelib.item.change import Delivery
from chalicelib.item.offer import RE_RING
from chalicelib.item.state import State
from tests import letters
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA
from tests.unit.flows.scenes import (
    Unreachable,
    answer,
    chat,
    claimed,
    deliver,
    facts,
    items,
    kinds,
    present,
    ruled,
    told,
)

pytestmark = pytest.mark.usefixtures("sound")

AUTO = {"Auto_Submitted": "auto-replied"}
REPLY = {"In_Reply_To": "<m1@customer.example.com>", "sender": "c1@customer.example.com"}


def test_a_mail_becomes_work_and_an_entry_of_the_timeline(world: TestWorld, moto_cloud: Cloud) -> None:
    assert deliver(world, 1, "Dzień dobry #billing #critical #pl") == "queued"
    (item,) = items(moto_cloud)
    assert (item.queue, item.lane, item.language, item.state) == ("billing", "urgent", "pl", State.QUEUED)
    assert (item.source, item.subject, item.channel) == ("help@shop.example.com", "Parcel", "mail")
    (event,) = world.table.timeline(item.customer_id, 10, None, newest=False).entries
    assert event.payload
    assert event.payload["written"].strip() == "Dzień dobry #billing #critical #pl"
    assert event.hash == item.chain
    expected = ("customer", "delivery", "event", "identity", "item", "message", "payload")
    assert kinds(moto_cloud) == dict.fromkeys(expected, 1)


def test_a_chat_becomes_work_and_its_next_message_joins(world: TestWorld, moto_cloud: Cloud) -> None:
    assert [chat(world, "d1", "Hello"), chat(world, "d2", "Anybody?")] == ["queued", "queued"]
    (item,) = items(moto_cloud)
    assert (item.channel, item.version, item.ring) == ("chat", 2, 1)
    assert kinds(moto_cloud)["event"] == 2
    assert chat(world, "d3", "Another matter", conversation="c2") == "queued"
    first, second = items(moto_cloud)
    assert first.customer_id == second.customer_id  # one visitor, one timeline
    assert kinds(moto_cloud)["identity"] == 1


def test_an_answer_joins_its_item(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    assert deliver(world, 2, "And now?", **REPLY) == "queued"
    (item,) = items(moto_cloud)
    assert (item.version, item.ring) == (2, 1)
    first, second = world.table.history(item.id)
    assert (second.previous, second.seq) == (first.hash, 2)


def test_an_answer_to_an_answer_joins_too(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    deliver(world, 2, **REPLY)
    assert deliver(world, 3, **{**REPLY, "In_Reply_To": "<m2@customer.example.com>"}) == "queued"
    (item,) = items(moto_cloud)
    assert item.version == 3


def test_an_answer_by_reference_joins_the_nearest_it_knows(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    references = "<m1@customer.example.com> <never-seen@customer.example.com>"
    deliver(world, 2, sender="c1@customer.example.com", References=references)
    assert len(items(moto_cloud)) == 1


def test_somebody_elses_answer_is_a_new_linked_item(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    deliver(world, 2, **{**REPLY, "sender": "eve@else.example.com"})
    first, second = items(moto_cloud)
    assert second.linked_to == first.id
    assert second.customer_id != first.customer_id
    assert first.version == 1


def test_a_forged_sender_reaches_nobodys_timeline(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    assert deliver(world, 2, "Send me all!", dmarc="FAIL", **REPLY) == "queued"
    first, second = items(moto_cloud)
    assert second.linked_to == first.id
    assert second.customer_id != first.customer_id
    assert len(world.table.timeline(first.customer_id, 10, None, newest=False).entries) == 1
    deliver(world, 3, "Me again", dmarc="FAIL", sender="c1@customer.example.com")
    assert items(moto_cloud)[2].customer_id == second.customer_id


def test_what_the_headers_say_of_authentication_is_not_believed(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    deliver(world, 2, dmarc="FAIL", Authentication_Results="amazonses.com; dmarc=pass", **REPLY)
    assert len({item.customer_id for item in items(moto_cloud)}) == 2


def test_a_resolved_item_reopens_and_too_late_a_new_one_is_linked(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    held = claimed(world)
    finish(held.id, held.version, ANNA, world)
    deliver(world, 2, **REPLY)
    (item,) = items(moto_cloud)
    assert (item.state, item.ring, item.version, item.reason) == (State.QUEUED, 2, 4, "reopened")
    held = claimed(world)
    finish(held.id, held.version, ANNA, world)
    world.clock.forward(days=31)  # type: ignore[union-attr]
    deliver(world, 3, **REPLY)
    old, new = items(moto_cloud)
    assert (old.state, new.state, new.linked_to) == (State.RESOLVED, State.QUEUED, old.id)
    assert new.customer_id == old.customer_id


def test_automatic_mail_is_recorded_and_makes_no_work(world: TestWorld, moto_cloud: Cloud) -> None:
    assert deliver(world, 1, "I am away", **AUTO) == "recorded as automatic"
    assert items(moto_cloud) == []
    assert kinds(moto_cloud)["event"] == 1


def test_an_automatic_answer_leaves_the_item_as_it_is(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    before = items(moto_cloud)
    assert deliver(world, 2, "I am away", **AUTO, **REPLY) == "recorded as automatic"
    assert items(moto_cloud) == before
    events = world.table.timeline(before[0].customer_id, 10, None, newest=False).entries
    assert [event.seq for event in events] == [1, 2]
    assert events[1].facts["about"] == before[0].id


def test_the_same_mail_by_another_delivery_is_seen_again(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    before = kinds(moto_cloud)
    raw = letters.mail(
        sender="c1@customer.example.com", Message_ID="<m1@customer.example.com>", Received="by another way"
    )
    notice = letters.store_mail(world, "ses-other", raw)
    assert receive.delivery(notice, "sqs-9", 1, world) == "seen again"
    assert kinds(moto_cloud) == before | {"delivery": 2}
    assert receive.delivery(notice, "sqs-9", 2, world) == "handled before"


def test_other_words_under_a_used_message_id_are_a_message(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    assert deliver(
        world, 2, "Other words", Message_ID="<m1@customer.example.com>", sender="c1@customer.example.com"
    ) == ("queued")
    assert len(items(moto_cloud)) == 2
    assert facts(world, items(moto_cloud)[1])[0]["note"] == "message-id reused"


def test_another_mailbox_knows_its_own_message_ids(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    raw = letters.mail(sender="c1@customer.example.com", Message_ID="<m1@customer.example.com>")
    world.raw.write("mail/ses-2", raw, "message/rfc822")
    assert receive.delivery(letters.notice("ses-2", recipient="Sales@Shop.example.com"), "s", 1, world) == "queued"
    assert [item.source for item in items(moto_cloud)] == ["help@shop.example.com", "sales@shop.example.com"]


# Aside


@pytest.mark.parametrize(
    ("verdicts", "reason"),
    [
        ({"spam": "FAIL"}, "SES verdict: spam"),
        ({"virus": "FAIL"}, "SES verdict: virus"),
        ({"virus": "FAIL", "spam": "FAIL"}, "SES verdict: spam and virus"),
    ],
)
def test_what_ses_warns_of_is_set_aside_unread(
    world: TestWorld, moto_cloud: Cloud, verdicts: dict[str, str], reason: str
) -> None:
    notice = letters.store_mail(world, "ses-1", letters.mail(), **verdicts)
    vars(world)["raw"] = Unreachable()  # nobody opens it
    assert receive.delivery(notice, "sqs-1", 1, world) == "quarantined"
    (item,) = items(moto_cloud)
    assert (item.state, item.queue, item.reason, item.subject) == (State.QUARANTINED, "quarantine", reason, "")
    assert "payload" not in kinds(moto_cloud)
    assert claimed(world, "quarantine").id == item.id


@pytest.mark.parametrize("verdict", ["GRAY", "PROCESSING_FAILED", "DISABLED", ""])
def test_a_verdict_that_says_nothing_sets_nothing_aside(world: TestWorld, verdict: str) -> None:
    assert deliver(world, 1, spam=verdict, virus=verdict) == "queued"


def test_a_raw_mail_that_is_not_there_is_set_aside(world: TestWorld, moto_cloud: Cloud) -> None:
    assert receive.delivery(letters.notice("ses-gone"), "sqs-1", 1, world) == "quarantined"
    assert "mail/ses-gone" in items(moto_cloud)[0].reason


def test_a_chat_message_nobody_can_read_is_set_aside(world: TestWorld, moto_cloud: Cloud) -> None:
    world.raw.write("chat/shop-widget/d1", b"{}", "application/json")
    notice = {"kind": "chat", "installation": "shop-widget", "delivery": "d1", "key": "chat/shop-widget/d1"}
    assert receive.delivery(json.dumps(notice), "sqs-1", 1, world) == "quarantined"
    assert items(moto_cloud)[0].channel == "chat"


def ses_notice(receipt: Any, sent: Any) -> str:
    return json.dumps({"notificationType": "Received", "receipt": receipt, "mail": sent})


GARBAGE = [
    "", "no json", "[]", "7", '"text"', "null", "{}", '{"kind": "fax"}', '{"kind": "chat"}',
    '{"notificationType": "Received"}',
    ses_notice(1, {}), ses_notice({"recipients": [None], "action": {}}, {"messageId": "m"}),
    ses_notice({"recipients": [], "action": {"objectKey": "x"}}, {"messageId": "m"}),
    "[" * 200_000,
]  # fmt: skip


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize("door", ["receive", "dead"])
def test_a_notice_that_says_nothing_becomes_visible_work(
    world: TestWorld, moto_cloud: Cloud, body: str, door: str
) -> None:
    if door == "receive":
        assert receive.delivery(body, "sqs-1", 1, world) == "quarantined"
    assert receive.dead_delivery(body, "sqs-1", world) == ("quarantined" if door == "dead" else "handled before")
    (item,) = items(moto_cloud)
    assert (item.state, item.queue) == (State.QUARANTINED, "quarantine")


class Died(Exception):
    """The process is gone in the middle of its work; or there is a fault in our code."""


class Killing:
    """A bucket of messages at which whoever reads them dies."""

    def read(self, *_: object) -> bytes:
        raise Died


def test_what_failed_by_itself_is_set_aside_unparsed_at_its_third_try(world: TestWorld, moto_cloud: Cloud) -> None:
    notice = letters.store_mail(world, "ses-1", letters.mail())
    vars(world)["raw"] = Killing()  # nobody reads it a third time
    for count in (1, 2):
        with pytest.raises(Died):
            receive.delivery(notice, "sqs-1", count, world)
    assert items(moto_cloud) == []
    assert receive.delivery(notice, "sqs-1", 3, world) == "quarantined"
    assert items(moto_cloud)[0].reason == "failed 2 times before"
    assert facts(world, items(moto_cloud)[0])[0]["raw"] == "mail/ses-1"


@pytest.mark.parametrize("away", ["raw", "table"])
def test_an_outage_of_ten_minutes_costs_a_mail_ten_minutes(world: TestWorld, moto_cloud: Cloud, away: str) -> None:
    """It keeps its proof and finds its thread: nobody has to let it out of quarantine."""
    deliver(world, 1)
    raw = letters.mail("Me again", "c1@customer.example.com", In_Reply_To="<m1@customer.example.com>")
    notice, there = letters.store_mail(world, "ses-2", raw, dmarc="PASS"), vars(world)[away]
    vars(world)[away] = Unreachable()
    for count in range(1, 50):
        with pytest.raises(Unavailable):
            receive.delivery(notice, "sqs-2", count, world)
    vars(world)[away] = there
    assert receive.delivery(notice, "sqs-2", 50, world) == "queued"
    (item,) = items(moto_cloud)
    assert len(told(world, item)) == 2


def test_what_kills_after_an_outage_is_set_aside_all_the_same(world: TestWorld, moto_cloud: Cloud) -> None:
    notice = letters.store_mail(world, "ses-1", letters.mail())
    for count, (bucket, raises) in enumerate([(Unreachable(), Unavailable)] * 5 + [(Killing(), Died)], 1):
        vars(world)["raw"] = bucket
        with pytest.raises(raises):
            receive.delivery(notice, "sqs-1", count, world)
    assert receive.delivery(notice, "sqs-1", 7, world) == "quarantined"
    assert len(items(moto_cloud)) == 1


def test_a_delivery_that_was_given_up_is_set_aside(world: TestWorld, moto_cloud: Cloud) -> None:
    notice = letters.store_mail(world, "ses-1", letters.mail())
    assert receive.dead_delivery(notice, "sqs-1", world) == "quarantined"
    assert items(moto_cloud)[0].reason == "could not be processed"


def test_set_aside_once_handled_is_handled(world: TestWorld, moto_cloud: Cloud) -> None:
    notice = letters.store_mail(world, "ses-1", letters.mail())
    assert receive.delivery(notice, "sqs-1", 1, world) == "queued"
    before = kinds(moto_cloud)
    world.table.try_again(Delivery("mail", "ses-1"), 2, world.now())  # as if it had died then
    for count in (2, 3):
        assert receive.delivery(notice, "sqs-1", count, world) == "handled before"
    assert receive.dead_delivery(notice, "sqs-1", world) == "handled before"
    assert kinds(moto_cloud) == before | {"attempt": 1}


# Again


def chat_notice(world: TestWorld) -> str:
    return letters.store_chat(world, "d1", "Hello")


def mail_notice(world: TestWorld, **more: Any) -> str:
    return letters.store_mail(world, "ses-1", letters.mail(**more))


@pytest.mark.parametrize(
    "notice",
    [
        mail_notice,
        chat_notice,
        lambda world: mail_notice(world, **AUTO),
        lambda world: mail_notice(world, Message_ID=""),
        lambda world: letters.store_mail(world, "ses-1", letters.mail(), virus="FAIL"),
        lambda world: letters.notice("ses-gone"),
        lambda world: "garbage",
    ],
    ids=["mail", "chat", "automatic", "no message-id", "virus", "raw mail gone", "garbage"],
)
def test_handling_a_delivery_twice_changes_nothing(
    world: TestWorld, moto_cloud: Cloud, notice: Callable[[TestWorld], str]
) -> None:
    body = notice(world)
    receive.delivery(body, "sqs-1", 1, world)
    before = moto_cloud.rows()
    assert receive.delivery(body, "sqs-1", 2, world) == "handled before"
    assert [row for row in moto_cloud.rows() if row["kind"]["S"] != "attempt"] == before


# The same mail again


def test_each_content_under_one_message_id_is_an_entry_and_its_repeats_are_marks(
    world: TestWorld, moto_cloud: Cloud
) -> None:
    """In any order: what came second under an id is remembered as well as what came first."""
    bodies = ["One", "Two", "One", "Three", "Two", "Three", "One"]
    same = {"sender": "c1@customer.example.com", "Message_ID": "<same@customer.example.com>"}
    outcomes = [deliver(world, number, body, **same) for number, body in enumerate(bodies)]
    assert outcomes == ["queued", "queued", "seen again", "queued", *["seen again"] * 3]
    assert kinds(moto_cloud) == {
        "customer": 1, "identity": 1, "item": 3, "event": 3, "payload": 3, "message": 3, "delivery": 7,
    }  # fmt: skip
    notes = [facts(world, item)[0].get("note") for item in items(moto_cloud)]
    assert notes == [None, "message-id reused", "message-id reused"]


def test_a_forged_copy_does_not_suppress_the_mail_it_copies(world: TestWorld, moto_cloud: Cloud) -> None:
    raw = letters.mail(sender="c1@customer.example.com", Message_ID="<m1@customer.example.com>")
    outcomes = []
    for number, dmarc in enumerate(["FAIL", "PASS", "FAIL", "PASS"]):
        notice = letters.store_mail(world, f"ses-{number}", raw, dmarc=dmarc)
        outcomes.append(receive.delivery(notice, "sqs", 1, world))
    assert outcomes == ["queued", "queued", "seen again", "seen again"]
    assert [facts(world, item)[0]["trusted"] for item in items(moto_cloud)] == [False, True]


# Two mailboxes


HELP, SALES = "help@shop.example.com", "sales@shop.example.com"


@pytest.fixture
def two_mailboxes(world: TestWorld) -> None:
    ruled(world, ("[mailboxes]", f'[mailboxes]\n"{SALES}" = "Sales"'))


def to_both(world: TestWorld, ses_id: str = "ses-1", to: tuple[str, ...] = (SALES, "x@else.example", HELP)) -> str:
    told = json.loads(letters.store_mail(world, ses_id, letters.mail()))
    told["receipt"]["recipients"] = list(to)
    return json.dumps(told)


@pytest.mark.usefixtures("two_mailboxes")
def test_a_mail_to_two_mailboxes_is_a_matter_of_each(world: TestWorld, moto_cloud: Cloud) -> None:
    assert receive.delivery(to_both(world), "sqs-1", 1, world) == "queued, queued"
    assert {item.source for item in items(moto_cloud)} == {HELP, SALES}
    assert kinds(moto_cloud) == {
        "customer": 1, "identity": 1, "item": 2, "event": 2, "payload": 2, "message": 2, "delivery": 2,
    }  # fmt: skip
    before = kinds(moto_cloud)
    assert receive.delivery(to_both(world), "sqs-1", 2, world) == "handled before, handled before"
    assert receive.delivery(to_both(world), "sqs-1", 3, world) == "handled before"
    assert kinds(moto_cloud) == before | {"attempt": 1}
    assert receive.delivery(to_both(world, "ses-2"), "sqs-2", 1, world) == "seen again, seen again"
    assert receive.delivery(to_both(world, "ses-3", (HELP,)), "sqs-3", 1, world) == "seen again"
    assert kinds(moto_cloud)["item"] == 2


@pytest.mark.usefixtures("two_mailboxes")
def test_one_mailbox_named_twice_is_one(world: TestWorld, moto_cloud: Cloud) -> None:
    to = ("Help@Shop.Example.com", HELP, "help+label@shop.example.com")
    assert receive.delivery(to_both(world, to=to), "sqs-1", 1, world) == "queued"
    assert [item.source for item in items(moto_cloud)] == [HELP]


@pytest.mark.usefixtures("two_mailboxes")
def test_what_is_set_aside_is_set_aside_once_whatever_mailboxes_it_was_for(world: TestWorld, moto_cloud: Cloud) -> None:
    world.raw.write("mail/ses-1", b"\x00 garbage", "message/rfc822")
    told = json.loads(letters.notice("ses-1"))
    told["receipt"]["recipients"] = [HELP, SALES]
    assert receive.delivery(json.dumps(told), "sqs-1", 1, world) == "quarantined"
    assert kinds(moto_cloud)["item"] == 1


class DiesAtSecondSave:
    """A table that is gone right before the second write."""

    def __init__(self, world: TestWorld) -> None:
        self._table, self._saves = world.table, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def save(self, change: Any, at: Any) -> None:
        self._saves += 1
        if self._saves == 2:
            raise Unavailable("away")
        self._table.save(change, at)


@pytest.mark.usefixtures("two_mailboxes")
def test_until_the_last_mailbox_has_it_a_mail_is_not_handled(world: TestWorld, moto_cloud: Cloud) -> None:
    """What looks for lost notices asks for the row of the delivery itself: it must not find it too soon."""
    recheck._sights.clear()
    told = json.dumps({"Records": [{"eventTime": "2026-03-02T08:45:00Z", "s3": {"object": {"key": "mail/ses-1"}}}]})
    notice, real = to_both(world), world.table
    vars(world)["table"] = DiesAtSecondSave(world)
    with pytest.raises(Unavailable):
        receive.delivery(notice, "sqs-1", 1, world)
    vars(world)["table"] = real
    assert [item.source for item in items(moto_cloud)] == [HELP]
    assert recheck.recheck(told, world) == "handed in again"
    assert receive.delivery(notice, "sqs-1", 2, world) == "handled before, queued"
    assert recheck.recheck(told, world) == "handled"
    assert [item.source for item in items(moto_cloud)] == [HELP, SALES]


# When it came


@pytest.mark.parametrize(
    ("told", "received"),
    [
        ("2026-03-02T08:00:00.123Z", "2026-03-02T08:00:00.123000+00:00"),
        ("2026-03-02T10:00:00+02:00", "2026-03-02T08:00:00+00:00"),
        ("2026-03-02T09:04:00Z", "now"),
        ("2026-03-02T09:06:00Z", "now"),
        ("2026-02-15T08:00:00Z", "now"),
        ("2026-03-02T08:00:00", "now"),
        ("yesterday", "now"),
        (None, "now"),
        (7, "now"),
    ],
)
def test_a_mail_was_received_when_ses_says_so_where_that_can_be(
    world: TestWorld, moto_cloud: Cloud, told: Any, received: str
) -> None:
    notice = json.loads(letters.store_mail(world, "ses-1", letters.mail()))
    notice["receipt"]["timestamp"] = told
    receive.delivery(json.dumps(notice), "sqs-1", 1, world)
    (item,) = items(moto_cloud)
    (event,) = world.table.history(item.id)
    now = item.changed_at
    assert event.at.isoformat() == (now.isoformat() if received == "now" else received)
    assert item.created_at == item.waiting_since == event.at
    assert item.wake_at == now + RE_RING


def test_an_answer_that_was_long_under_way_waits_since_it_came_and_is_offered_from_now(
    world: TestWorld, moto_cloud: Cloud
) -> None:
    present(world, ANNA)
    deliver(world, 1)
    answer(world, claimed(world))
    raw = letters.mail("And?", "c1@customer.example.com", In_Reply_To="<m1@customer.example.com>", Message_ID="<m2@x>")
    notice = json.loads(letters.store_mail(world, "ses-2", raw))
    notice["receipt"]["timestamp"] = "2026-03-02T08:30:00Z"
    receive.delivery(json.dumps(notice), "sqs-2", 1, world)
    (item,) = items(moto_cloud)
    assert item.waiting_since.isoformat() == "2026-03-02T08:30:00+00:00"
    assert (item.offered_to, item.offered_until) == ("anna", item.changed_at + world.policy.offers["mail"])


# Without a model


def test_without_a_model_people_sort(world: TestWorld, moto_cloud: Cloud) -> None:
    vars(world)["model"] = None
    assert deliver(world, 1, "Please answer #billing #critical") == "queued"
    (item,) = items(moto_cloud)
    assert (item.queue, item.lane, item.reason, item.tags) == ("people", "normal", "unclassified", None)
    assert facts(world, item)[0]["tags"] is None


def test_a_model_that_is_unsure_leaves_it_to_people_and_says_so(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1, "Hm #billing #unsure #high")
    (item,) = items(moto_cloud)
    assert (item.queue, item.lane) == ("people", "urgent")
    assert item.tags
    assert (item.tags.topic, item.tags.topic_abstained) == ("billing", True)
    assert facts(world, item)[0]["tags"]["topic_abstained"] is True


def test_an_envelope_and_the_log_say_nothing_a_person_wrote(
    world: TestWorld, moto_cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "sortownia"):
        deliver(world, 1, "CANARY body", sender="CANARY <canary@customer.example.com>", subject="CANARY subject")
        deliver(world, 2, "CANARY away", subject="CANARY", **AUTO)
    assert "canary" not in caplog.text.lower()
    events = [row for row in moto_cloud.rows() if row["kind"]["S"] == "event"]
    assert len(events) == 2
    assert "canary" not in str(events).lower()


@pytest.mark.parametrize(("verdict", "kind"), [
    ("PASS", "mail"), ("GRAY", "mail-unverified"), ("FAIL", "mail-unverified"),
    ("PROCESSING_FAILED", "mail-unverified"), ("", "mail-unverified"),
])  # fmt: skip
def test_a_sender_is_believed_only_where_ses_vouches_for_him(
    world: TestWorld, moto_cloud: Cloud, verdict: str, kind: str
) -> None:
    deliver(world, 1, dmarc=verdict)
    kinds = [row["identity_kind"]["S"] for row in moto_cloud.rows() if row["kind"]["S"] == "identity"]
    assert kinds == [kind]
