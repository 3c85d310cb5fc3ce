"""A mail that opens an item is acknowledged once, in the transaction of its arrival, and holds up nobody's mail."""

import json
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest

from chalicelib.aws.raw_store import RawStore
from chalicelib.errors import Refused, Unavailable
from chalicelib.flows import receive
from chalicelib.flows.claim import claim_named
from chalicelib.flows.export import export
from chalicelib.flows.send import send_message
from chalicelib.flows.watch import watch
from chalicelib.item.outgoing import SENDER_IS_DEAD_AFTER, Outgoing, Status
from chalicelib.item.state import State
from chalicelib.outgoing import token
from chalicelib.store import rows
from tests import letters
from tests.cloud import REGION, Cloud, TestWorld
from tests.crash.calls import Calls
from tests.desk import ANNA, courteous_desk
from tests.streams import Stream
from tests.unit.flows.scenes import Losing, Meanwhile, answer, chat, deliver, forward, items, kinds, now_of, told
from tests.unit.flows.sending import PERMANENT, Post, notice, now, says, sends

pytestmark = pytest.mark.usefixtures("sound")


@pytest.fixture(autouse=True)
def _courteous(world: TestWorld) -> None:
    vars(world)["policy"] = courteous_desk()


def outbox(cloud: Cloud) -> list[Outgoing]:
    """All that waits to leave or left, oldest first."""
    found = [rows.from_wire(row) for row in cloud.rows() if row["kind"]["S"] == "outbox"]
    return sorted(map(rows.outgoing_of, found), key=lambda reply: reply.queued_at)


@pytest.fixture
def written(world: TestWorld, moto_cloud: Cloud, post: Post) -> Outgoing:
    """The acknowledgement of a mail."""
    assert deliver(world, 1) == "queued"
    (outgoing,) = outbox(moto_cloud)
    return outgoing


class Died(Exception):
    """The sender's process ends here."""


class NoRoom(RawStore):
    """A bucket that takes nothing."""

    def write(self, key: str, raw: bytes, content_type: str) -> None:
        raise Unavailable("S3: AccessDenied")


# Once


def test_it_leaves_with_the_desks_words_and_none_of_the_customers(
    world: TestWorld, moto_cloud: Cloud, post: Post, stream: Stream
) -> None:
    deliver(world, 1, "My parcel #secret", subject="Parcel", sender="Anna Secret <c1@customer.example.com>")
    export([record for record in stream.records() if record["eventName"] == "INSERT"], world)
    (body,) = moto_cloud.bodies(world.settings.send_queue_url)
    assert send_message(json.dumps(body), world) == "sent"
    ((raw, to, outbox_id),) = post.taken
    (outgoing,) = outbox(moto_cloud)
    assert (to, outbox_id) == ("c1@customer.example.com", outgoing.id)
    said = message_from_bytes(raw, policy=policy.default)
    assert said.get_content().strip() == "We have your message."
    assert "secret" not in raw.decode().lower()
    (item,) = items(moto_cloud)
    assert said["From"] == "Help <help@shop.example.com>"
    assert said["In-Reply-To"] == "<m1@customer.example.com>"
    assert said["Subject"] == "Auto: Parcel"
    mailbox, mark = token.split(said["Reply-To"].addresses[0].addr_spec)
    assert mailbox == "help@shop.example.com"
    customer = world.table.customer(item.customer_id)
    assert token.matches(mark, customer.key, item.id, mailbox, "c1@customer.example.com")


def test_the_timeline_tells_of_it_and_the_item_does_not_move(world: TestWorld, moto_cloud: Cloud, post: Post) -> None:
    deliver(world, 1)
    (item,) = items(moto_cloud)
    assert (item.state, item.version) == (State.QUEUED, 1)
    assert [str(event.type) for event in told(world, item)] == ["message-received", "acknowledgement-queued"]
    assert told(world, item)[1].actor == "sortownia"
    assert kinds(moto_cloud)["budget"] == kinds(moto_cloud)["token"] == 1


def test_the_same_delivery_again_writes_nothing_again(world: TestWorld, moto_cloud: Cloud, written: Outgoing) -> None:
    before = moto_cloud.rows()
    assert deliver(world, 1) == "handled before"
    assert moto_cloud.rows() == before


def test_the_same_mail_by_another_delivery_is_not_acknowledged_again(
    world: TestWorld, moto_cloud: Cloud, written: Outgoing
) -> None:
    raw = letters.mail("Where is my parcel?", "c1@customer.example.com", Message_ID="<m1@customer.example.com>")
    notice = letters.store_mail(world, "ses-1-again", raw)
    assert receive.delivery(notice, "sqs", 1, world) == "seen again"
    assert outbox(moto_cloud) == [written]


def test_further_messages_are_not_acknowledged(world: TestWorld, moto_cloud: Cloud, written: Outgoing) -> None:
    for number in (2, 3):
        deliver(world, number, sender="c1@customer.example.com", In_Reply_To="<m1@customer.example.com>")
    assert len(items(moto_cloud)) == 1
    assert outbox(moto_cloud) == [written]


def test_a_chat_is_not_acknowledged(world: TestWorld, moto_cloud: Cloud) -> None:
    assert chat(world, "d1", "Hello?") == "queued"
    assert outbox(moto_cloud) == []


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({"dmarc": "FAIL"}, "queued"), ({"List_Id": "<x.example.org>"}, "queued"),
        ({"Auto_Submitted": "auto-replied"}, "recorded as automatic"),
        ({"Precedence": "bulk"}, "recorded as automatic"),
        ({"Return_Path": "<>"}, "recorded as automatic"), ({"spam": "FAIL"}, "quarantined"),
        ({"virus": "FAIL"}, "quarantined"),
        ({"sender": "help@shop.example.com"}, "queued"), ({"sender": "noreply@customer.example.com"}, "queued"),
        ({"Reply_To": "victim@example.org"}, "queued"), ({"X_Auto_Response_Suppress": "DR, AutoReply"}, "queued"),
        ({"sender": "notifications@customer.example.com"}, "queued"),
        ({"Message_ID": "<sortownia.r1@shop.example.com>"}, "recorded as automatic"),
    ],
)  # fmt: skip
def test_what_is_not_a_proved_persons_is_kept_and_not_acknowledged(
    world: TestWorld, moto_cloud: Cloud, more: dict[str, Any], outcome: str
) -> None:
    assert deliver(world, 1, **more) == outcome
    assert outbox(moto_cloud) == []


def test_a_sixth_matter_of_a_day_is_not_acknowledged_and_one_of_the_next_day_is(
    world: TestWorld, moto_cloud: Cloud
) -> None:
    for number in range(7):
        deliver(world, number, sender=f"an.na+{number}@customer.example.com")
        forward(world, hours=1)
    assert len(items(moto_cloud)) == 7
    assert len(outbox(moto_cloud)) == 5
    reason = "its sender was written to 5 times within a day"
    said = [told(world, item)[0].facts.get("unacknowledged") for item in items(moto_cloud)]
    assert said == [None] * 5 + [reason] * 2
    forward(world, hours=17)
    deliver(world, 8, sender="anna@customer.example.com")
    assert len(outbox(moto_cloud)) == 6


def test_the_budget_is_one_for_all_mailboxes(world: TestWorld, moto_cloud: Cloud) -> None:
    desk = world.policy
    boxes = {**desk.mailboxes, "billing@shop.example.com": desk.mailboxes["help@shop.example.com"]}
    object.__setattr__(desk, "mailboxes", boxes)
    for number in range(8):
        raw = letters.mail(Message_ID=f"<{number}@customer.example.com>")
        letters.store_mail(world, f"ses-{number}", raw)
        mailbox = list(boxes)[number % 2]
        receive.delivery(letters.notice(f"ses-{number}", recipient=mailbox), f"sqs-{number}", 1, world)
        forward(world, hours=1)
    assert len(outbox(moto_cloud)) == 5


# Races


def test_of_two_at_once_with_one_letter_left_one_is_acknowledged(world: TestWorld, moto_cloud: Cloud) -> None:
    """Both read a budget of one; the loser decides again, and goes without."""
    for number in range(4):
        deliver(world, number, sender="c1@customer.example.com")
        forward(world, hours=1)
    with Meanwhile(moto_cloud, lambda: deliver(world, 5, sender="c1+x@customer.example.com")) as race:
        assert deliver(world, 6, sender="c1+y@customer.example.com") == "queued"
    assert race.times == 3
    assert len(items(moto_cloud)) == 6
    assert len(outbox(moto_cloud)) == 5


def test_deciding_again_stores_the_letter_under_the_same_name(world: TestWorld, moto_cloud: Cloud) -> None:
    vars(world)["table"] = Losing(world, 3)
    deliver(world, 1)
    (outgoing,) = outbox(moto_cloud)
    stored = moto_cloud.s3.list_objects_v2(Bucket=world.settings.raw_bucket, Prefix="out/")["Contents"]
    assert [entry["Key"] for entry in stored] == [outgoing.raw_key]


def test_a_budget_that_was_tidied_away_meanwhile_is_begun_anew(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    forward(world, days=3)
    (row,) = (row for row in moto_cloud.rows() if row["kind"]["S"] == "budget")
    assert int(row["expires_at"]["N"]) < world.now().timestamp()
    key = {"pk": row["pk"], "sk": row["sk"]}
    with Meanwhile(moto_cloud, lambda: moto_cloud.dynamodb.delete_item(TableName="desk-table", Key=key)):
        deliver(world, 2, sender="c1@customer.example.com")
    assert len(outbox(moto_cloud)) == 2


# What it costs, and that it holds up nothing


def test_it_costs_one_call_the_storing_of_its_bytes(world: TestWorld, moto_cloud: Cloud) -> None:
    counted = Calls(moto_cloud)
    with counted.watch() as made:
        deliver(world, 1)
        assert made == [
            "PutObject",
            "GetObject",
            "BatchGetItem",
            "PutObject",
            "TransactWriteItems",
        ]  # the first is ours
    with counted.watch() as made:
        deliver(world, 2, sender="noreply@customer.example.com")
        assert made == ["PutObject", "GetObject", "BatchGetItem", "TransactWriteItems"]


def test_a_letter_that_cannot_be_stored_holds_up_no_mail(world: TestWorld, moto_cloud: Cloud) -> None:
    letters.store_mail(world, "ses-1", letters.mail())
    vars(world)["raw"] = NoRoom(moto_cloud.s3, world.settings.raw_bucket)
    assert receive.delivery(letters.notice("ses-1"), "sqs-1", 1, world) == "queued"
    assert outbox(moto_cloud) == []
    assert len(items(moto_cloud)) == 1


# What becomes of it


@pytest.mark.parametrize("at_rest", [False, True])
@pytest.mark.parametrize("status", [Status.BOUNCED, Status.FAILED, Status.UNKNOWN])
def test_nobody_is_called_when_it_is_lost(
    world: TestWorld, moto_cloud: Cloud, post: Post, written: Outgoing, status: Status, at_rest: bool
) -> None:
    """Whatever the item does meanwhile: it does not move, and the timeline tells."""
    item = items(moto_cloud)[0]
    if at_rest:
        _, item = answer(world, claim_named(item.id, ANNA, "", world))
    lost(world, written, status)
    assert now(world, written).status == status
    assert now_of(world, item) == item
    event = told(world, item)[-1]
    assert (event.type, event.item_id) == (f"reply-{status}", None)
    assert event.facts["about"] == item.id
    assert event.facts["automatic"] is True


def lost(world: TestWorld, written: Outgoing, status: Status) -> None:
    """It bounces, SES refuses it, or its sender dies."""
    if status == Status.BOUNCED:
        sends(world, written)
        assert send_message(notice(written, "Bounce", **PERMANENT), world) == "bounced"
        assert send_message(notice(written, "Bounce", **PERMANENT), world) == "seen already"
    elif status == Status.FAILED:
        says(world, Refused("SES: MessageRejected"))
        assert sends(world, written) == "failed"
    else:
        says(world, Died())
        with pytest.raises(Died):
            sends(world, written)
        forward(world, seconds=SENDER_IS_DEAD_AFTER.total_seconds() + 1)
        watch(world)


def test_an_unknown_one_raises_no_alarm(
    world: TestWorld, written: Outgoing, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    lost(world, written, Status.UNKNOWN)
    assert "ReplyOutcomeUnknown" not in capsys.readouterr().out


def test_the_news_of_it_are_told_as_automatic(world: TestWorld, moto_cloud: Cloud, written: Outgoing) -> None:
    sends(world, written)
    send_message(notice(written, "Delivery"), world)
    events = told(world, items(moto_cloud)[0])[2:]
    assert [str(event.type) for event in events] == ["reply-sent", "reply-delivered"]
    assert all(event.facts["automatic"] for event in events)


def test_what_a_person_answers_to_it_joins_its_item(world: TestWorld, moto_cloud: Cloud, written: Outgoing) -> None:
    sends(world, written)
    ours = f"<ses-out-1@{REGION}.amazonses.com>"
    deliver(world, 2, In_Reply_To=ours, sender="c1@customer.example.com", subject="Re: Auto: Parcel")
    (mark,) = (row["token"]["S"] for row in moto_cloud.rows() if row["kind"]["S"] == "token")
    raw = letters.mail(sender="c1@customer.example.com", Message_ID="<m3@customer.example.com>")
    letters.store_mail(world, "ses-3", raw)
    receive.delivery(letters.notice("ses-3", recipient=f"help+{mark}@shop.example.com"), "sqs-3", 1, world)
    (item,) = items(moto_cloud)
    received = [event for event in told(world, item) if event.type == "message-received"]
    assert [event.item_id for event in received] == [item.id] * 3
    assert len(outbox(moto_cloud)) == 1


def test_it_waits_in_the_outbox_like_any_reply(world: TestWorld, moto_cloud: Cloud, written: Outgoing) -> None:
    """The stream lost it: the watch gives it to the sender again."""
    forward(world, seconds=timedelta(minutes=6).total_seconds())
    watch(world)
    assert {"outbox_id": written.id} in moto_cloud.bodies(world.settings.send_queue_url)
