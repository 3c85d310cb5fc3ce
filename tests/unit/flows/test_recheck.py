"""The net below intake: no stored message stays without its entry, and none is taken for lost that is under way."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest

from chalicelib.aws.queues import Depth, Queued
from chalicelib.errors import Unavailable
from chalicelib.flows import hook, receive, recheck
from chalicelib.item.change import Delivery
from chalicelib.item.state import State
from sortownia.local import ses
from tests import chats, letters
from tests.cloud import SECRET, Cloud, TestWorld
from tests.unit.flows.scenes import Picky, facts, items, kinds

MAILBOX = "help@shop.example.com"
CHAT = {"id": "d1", "conversation": "c1", "visitor": {"id": "v1", "name": "Piotr"}, "text": "Where is my parcel?"}


@pytest.fixture(autouse=True)
def _first_look() -> Iterator[None]:
    """Each test begins as a new process does: it has seen nothing yet."""
    recheck._sights.clear()
    return


def told_of(*names: str, at: datetime | None = None) -> str:
    """What the bucket says of objects, as S3 spells it."""
    moment = (at or datetime(2026, 3, 2, 8, 45, tzinfo=UTC)).isoformat().replace("+00:00", "Z")
    records = [
        {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": moment,
         "s3": {"bucket": {"name": "desk-raw"}, "object": {"key": quote_plus(name, safe="/"), "size": 1}}}
        for name in names
    ]  # fmt: skip
    return json.dumps({"Records": records})


def stored(world: TestWorld, raw: bytes | None = None, source: str = "anna@customer.example.com", **more: Any) -> str:
    """A mail as SES leaves it in the bucket; its notice is lost. Returns the object's name."""
    arrival = ses.Arrival(
        message_id=ses.new_message_id(), source=source, recipients=(more.get("to", MAILBOX),), peer="127.0.0.1",
        helo="mail.customer.example.com", at=world.now(), raw=letters.mail(sender=source) if raw is None else raw,
    )  # fmt: skip
    left = ses.process(arrival, bucket="raw", topic="topic")
    world.raw.write(left.key, left.raw, "message/rfc822")
    return left.key


def stored_chat(world: TestWorld, delivery: str = "d1") -> str:
    """A chat message our webhook stored; its notice is lost. Returns the object's name."""
    raw = json.dumps({**CHAT, "id": delivery}).encode()
    hook.accept("generic", "shop-widget", chats.signed("generic", raw, world.now()), world)
    client = world.queues._client
    client.purge_queue(QueueUrl=world.settings.inbound_queue_url)
    name: str = world.raw._client.list_objects_v2(Bucket="desk-raw", Prefix="chat/")["Contents"][0]["Key"]
    return name


def handed_in(cloud: Cloud, world: TestWorld) -> list[str]:
    """Intake handles all that it was told; returns what became of each."""
    told = cloud.bodies(world.settings.inbound_queue_url)
    return [receive.delivery(json.dumps(one), f"sqs-{n}", 1, world) for n, one in enumerate(told)]


def counted(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The counts since the last look, without the words of the format."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [{name: value for name, value in line.items() if name not in ("_aws", "Stack")} for line in lines]


Capsys = pytest.CaptureFixture[str]


def test_what_was_handled_needs_nothing(world: TestWorld, moto_cloud: Cloud, capsys: Capsys) -> None:
    notice = letters.store_mail(world, "ses-1", letters.mail())
    receive.delivery(notice, "sqs-1", 1, world)
    before = moto_cloud.rows()
    assert recheck.recheck(told_of("mail/ses-1"), world) == "handled"
    assert (moto_cloud.rows(), counted(capsys), handed_in(moto_cloud, world)) == (before, [], [])


@pytest.mark.parametrize("delivery", ["d1", "a/b", "x" * 200])
def test_a_chat_message_that_was_handled_needs_nothing_whatever_its_id(
    world: TestWorld, moto_cloud: Cloud, delivery: str
) -> None:
    name = stored_chat(world, delivery)
    told = hook.notice("shop-widget", delivery, name, world.settings)
    assert receive.delivery(told.body, "sqs-1", 1, world) == "queued"
    assert recheck.recheck(told_of(name), world) == "handled"
    assert handed_in(moto_cloud, world) == []


def whatsapp(world: TestWorld) -> str:
    """A body with four messages that our webhook stored; its notice is lost. Returns the object's name."""
    secrets = world.secrets._client
    secrets.create_secret(Name="desk/hooks/whatsapp", SecretString=SECRET)
    received = chats.signed("whatsapp", chats.recorded("whatsapp-batch"), world.now())
    hook.accept("whatsapp", "whatsapp", received, world)
    world.queues._client.purge_queue(QueueUrl=world.settings.inbound_queue_url)
    return str(world.raw._client.list_objects_v2(Bucket="desk-raw", Prefix="chat/")["Contents"][0]["Key"])


def test_of_a_body_with_several_messages_each_must_have_its_entry(
    world: TestWorld, moto_cloud: Cloud, capsys: Capsys
) -> None:
    object.__setattr__(world, "policy", chats.desk_of_all())
    name = whatsapp(world)
    told = hook.notice("whatsapp", "wamid.HBgLNDg1MDAwMDAwMDAVAgASGBQ2==", name, world.settings).body
    assert receive.delivery(told, "sqs-1", 1, world) == "queued", "one of them was handled"
    assert recheck.recheck(told_of(name), world) == "handed in again"
    assert counted(capsys) == [{"Channel": "chat", "RawWithoutLedger": 1}]
    assert handed_in(moto_cloud, world) == ["queued, handled before, queued, queued"]
    assert recheck.recheck(told_of(name), world) == "handled"
    assert kinds(moto_cloud)["delivery"] == 4


def test_a_body_that_says_nothing_any_more_needs_nothing(world: TestWorld, moto_cloud: Cloud) -> None:
    object.__setattr__(world, "policy", chats.desk_of_all())
    world.raw.write("chat/whatsapp/x", chats.recorded("whatsapp-own-status"), "application/json")
    assert recheck.recheck(told_of("chat/whatsapp/x"), world) == "handled"


def test_a_message_of_an_installation_that_is_no_more_is_shown_to_people(world: TestWorld, moto_cloud: Cloud) -> None:
    world.raw.write("chat/old-widget/d1", json.dumps(CHAT).encode(), "application/json")
    assert recheck.recheck(told_of("chat/old-widget/d1"), world) == "handed in again"
    assert handed_in(moto_cloud, world) == ["quarantined"]
    assert recheck.recheck(told_of("chat/old-widget/d1"), world) == "handled"


def test_a_lost_notice_is_mended_and_its_sender_not_believed(
    world: TestWorld, moto_cloud: Cloud, capsys: Capsys
) -> None:
    name = stored(world)
    assert recheck.recheck(told_of(name), world) == "handed in again"
    assert counted(capsys) == [{"Channel": "mail", "RawWithoutLedger": 1}]
    assert handed_in(moto_cloud, world) == ["queued"]
    (item,) = items(moto_cloud)
    assert (item.state, item.source, item.subject) == (State.QUEUED, MAILBOX, "Parcel")
    (told,) = facts(world, item)
    assert (told["trusted"], told["note"], told["raw"]) == (False, "its notice never came", name)
    assert [r["pk"]["S"] for r in moto_cloud.rows() if r["kind"]["S"] == "identity"] == [
        "IDENTITY#mail-unverified#anna@customer.example.com"
    ]
    assert recheck.recheck(told_of(name), world) == "handled"


def test_a_mail_for_nobody_we_know_goes_to_the_first_mailbox(world: TestWorld, moto_cloud: Cloud) -> None:
    recheck.recheck(told_of(stored(world, to="old@shop.example.com")), world)
    assert handed_in(moto_cloud, world) == ["queued"]
    assert items(moto_cloud)[0].source == MAILBOX


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"source": "x@spam.example.com"}, "SES verdict: spam"),
        ({"source": "x@virus.example.com"}, "SES verdict: virus"),
    ],
)
def test_what_ses_called_bad_is_set_aside(
    world: TestWorld, moto_cloud: Cloud, change: dict[str, str], reason: str
) -> None:
    recheck.recheck(told_of(stored(world, **change)), world)
    assert handed_in(moto_cloud, world) == ["quarantined"]
    (item,) = items(moto_cloud)
    assert facts(world, item)[0]["reason"] == reason
    assert facts(world, item)[0]["note"] == "its notice never came"


UNSTAMPED = [letters.mail(), b"", b"\xff\xfe\x00", b"X-SES-Spam-Verdict: PASS\r\n" + letters.mail()]


@pytest.mark.parametrize("raw", UNSTAMPED, ids=range(len(UNSTAMPED)))
def test_bytes_without_a_stamp_of_ses_are_set_aside_unread(world: TestWorld, moto_cloud: Cloud, raw: bytes) -> None:
    world.raw.write("mail/by-hand", raw, "message/rfc822")
    assert recheck.recheck(told_of("mail/by-hand"), world) == "handed in again"
    assert handed_in(moto_cloud, world) == ["quarantined"]
    (item,) = items(moto_cloud)
    assert "SES's fields do not stand on top of it" in item.reason


def test_a_notice_that_comes_late_after_all_changes_nothing(world: TestWorld, moto_cloud: Cloud) -> None:
    name = stored(world)
    recheck.recheck(told_of(name), world)
    handed_in(moto_cloud, world)
    before = kinds(moto_cloud)
    late = letters.notice(name.removeprefix("mail/"))
    assert receive.delivery(late, "sqs-9", 1, world) == "handled before"
    assert kinds(moto_cloud) == before


def test_a_found_mail_that_kills_its_reader_is_set_aside_as_any_other(world: TestWorld, moto_cloud: Cloud) -> None:
    recheck.recheck(told_of(stored(world)), world)
    (told,) = moto_cloud.bodies(world.settings.inbound_queue_url)
    world.table.try_again(Delivery("mail", told["id"]), 2, world.now())  # it died there
    assert receive.delivery(json.dumps(told), "sqs-1", 3, world) == "quarantined"
    assert receive.dead_delivery(json.dumps(told), "sqs-1", world) == "handled before"


@pytest.mark.parametrize("delivery", ["d1", "a/b", "ż x+%", "x" * 200])
def test_a_lost_chat_notice_is_mended_as_if_it_had_come(
    world: TestWorld, moto_cloud: Cloud, capsys: Capsys, delivery: str
) -> None:
    name = stored_chat(world, delivery)
    assert recheck.recheck(told_of(name), world) == "handed in again"
    assert counted(capsys) == [{"Channel": "chat", "RawWithoutLedger": 1}]
    assert handed_in(moto_cloud, world) == ["queued"]
    (item,) = items(moto_cloud)
    assert (item.channel, item.source, facts(world, item)[0]["trusted"]) == ("chat", "shop-widget", True)
    assert recheck.recheck(told_of(name), world) == "handled"
    assert handed_in(moto_cloud, world) == []


def test_a_chat_message_nobody_can_read_is_set_aside_once(world: TestWorld, moto_cloud: Cloud) -> None:
    world.raw.write("chat/shop-widget/odd", b"no json", "application/json")
    assert recheck.recheck(told_of("chat/shop-widget/odd"), world) == "handed in again"
    assert handed_in(moto_cloud, world) == ["quarantined"]
    assert recheck.recheck(told_of("chat/shop-widget/odd"), world) == "handled"


OTHERS = ["out/1", "mail/", "mail", "chat/w", "chat/w/", "chat//d1", "", "x/mail/1", recheck.SETUP_OBJECT]


@pytest.mark.parametrize("name", OTHERS)
def test_other_objects_are_left_alone(world: TestWorld, moto_cloud: Cloud, name: str) -> None:
    assert recheck.recheck(told_of(name), world) == "not ours"
    assert handed_in(moto_cloud, world) == []


def test_the_test_message_of_a_bucket_is_ignored(world: TestWorld) -> None:
    told = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-03-02T09:00:00.000Z", "Bucket": "desk-raw"}
    assert recheck.recheck(json.dumps(told), world) == "tells of nothing"


@pytest.mark.parametrize("body", ["", "no json", "[]", '{"Records": [{}]}', '{"Records": [{"eventTime": "x"}]}'])
def test_a_message_nobody_can_read_is_not_passed_over_in_silence(world: TestWorld, body: str) -> None:
    with pytest.raises((ValueError, LookupError, AttributeError)):
        recheck.recheck(body, world)


def test_an_object_that_is_gone_needs_nothing(world: TestWorld, moto_cloud: Cloud, capsys: Capsys) -> None:
    assert recheck.recheck(told_of("mail/erased", "chat/shop-widget/erased"), world) == "gone, gone"
    assert (counted(capsys), handed_in(moto_cloud, world)) == ([], [])


def test_a_recorded_event_is_read(world: TestWorld) -> None:
    event = json.loads((Path(__file__).parents[2] / "events" / "sqs-s3-stored.json").read_text())
    receive.delivery(letters.store_mail(world, "o3vrnil0e2ic28tr9q0k4exampleses0000001", letters.mail()), "s", 1, world)
    assert [recheck.recheck(record["body"], world) for record in event["Records"]] == ["handled"]


def test_names_are_read_as_s3_spells_them(world: TestWorld, moto_cloud: Cloud) -> None:
    name = "mail/a+b %2B ż"
    world.raw.write(name, letters.mail(), "message/rfc822")
    assert recheck.recheck(told_of(name), world) == "handed in again"
    handed_in(moto_cloud, world)
    assert recheck.recheck(told_of(name), world) == "handled"


def in_inbound(world: TestWorld, queue: str, take: bool) -> None:
    """A message of somebody else in a queue of intake; `take` = somebody is at it."""
    url = {"inbound": world.settings.inbound_queue_url, "dead": world.settings.inbound_dead_queue_url}[queue]
    world.queues.send([Queued(url, "{}")])
    if take:
        assert world.queues.receive(url)


AGES = [
    ("inbound", False, timedelta(minutes=15), True),
    ("dead", False, timedelta(minutes=15), True),
    ("inbound", False, timedelta(days=13), True),
    ("inbound", False, timedelta(days=14, seconds=1), False),
    ("inbound", True, timedelta(minutes=15), True),
    ("dead", True, timedelta(minutes=50), True),
    ("inbound", True, timedelta(minutes=61), False),
]


@pytest.mark.parametrize(("queue", "take", "age", "waits"), AGES)
def test_what_may_be_under_way_is_waited_for(
    world: TestWorld, moto_cloud: Cloud, capsys: Capsys, queue: str, take: bool, age: timedelta, waits: bool
) -> None:
    name, at = stored(world), world.now() - age
    in_inbound(world, queue, take)
    assert recheck.recheck(told_of(name, at=at), world) == ("put off" if waits else "handed in again")
    later = moto_cloud.bodies(world.settings.recheck_queue_url)
    if not waits:
        assert later == []
        return
    assert counted(capsys) == [{"RecheckPutOff": 1}]
    assert later == [json.loads(told_of(name, at=at))]
    moto_cloud.sqs.purge_queue(QueueUrl=world.settings.inbound_queue_url)
    moto_cloud.sqs.purge_queue(QueueUrl=world.settings.inbound_dead_queue_url)
    assert world.clock
    world.clock.forward(minutes=2)
    assert recheck.recheck(json.dumps(later[0]), world) == "handed in again"


def test_a_message_put_off_waits_as_long_as_its_queue_says(world: TestWorld, moto_cloud: Cloud) -> None:
    url = world.settings.recheck_queue_url
    moto_cloud.sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "900"})
    name = stored(world)
    in_inbound(world, "inbound", take=False)
    recheck.recheck(told_of(name), world)
    assert moto_cloud.bodies(url) == []
    assert world.queues.depth(url) == Depth(waiting=1, in_hand=0)


def test_of_several_objects_only_those_without_entry_are_put_off(world: TestWorld, moto_cloud: Cloud) -> None:
    receive.delivery(letters.store_mail(world, "ses-1", letters.mail()), "sqs-1", 1, world)
    lost = stored(world)
    in_inbound(world, "inbound", take=False)
    assert recheck.recheck(told_of("mail/ses-1", lost, "out/1"), world) == "handled, put off, not ours"
    assert moto_cloud.bodies(world.settings.recheck_queue_url) == [json.loads(told_of(lost))]


def test_many_lost_notices_are_mended_at_once(world: TestWorld, moto_cloud: Cloud) -> None:
    """What was handed in for the first is not taken for work that others must wait for."""
    names = [stored(world, letters.mail(Message_ID=f"<m{n}@customer.example.com>")) for n in range(12)]
    assert [recheck.recheck(told_of(name), world) for name in names] == ["handed in again"] * 12
    assert handed_in(moto_cloud, world) == ["queued"] * 12


def test_an_old_look_says_nothing_of_what_came_after(world: TestWorld, moto_cloud: Cloud) -> None:
    assert recheck.recheck(told_of(stored(world)), world) == "handed in again"
    younger = stored(world, letters.mail(Message_ID="<younger@customer.example.com>"))
    assert recheck.recheck(told_of(younger, at=world.now()), world) == "put off"
    assert world.clock
    world.clock.forward(minutes=2)
    older = stored(world, letters.mail(Message_ID="<older@customer.example.com>"))
    assert recheck.recheck(told_of(older), world) == "put off"


class Finishing:
    """Queues whose last message is handled in the very moment they are looked at."""

    def __init__(self, world: TestWorld, notice: str) -> None:
        self._real, self._world, self._notice = world.queues, world, notice

    def depth(self, url: str) -> Depth:
        receive.delivery(self._notice, "sqs-1", 1, self._world)
        return self._real.depth(url)

    def send(self, messages: Any) -> list[Queued]:
        return self._real.send(messages)


def test_a_notice_that_is_handled_while_we_look_is_not_lost(
    world: TestWorld, moto_cloud: Cloud, capsys: Capsys
) -> None:
    notice = letters.store_mail(world, "ses-1", letters.mail())
    vars(world)["queues"] = Finishing(world, notice)
    assert recheck.recheck(told_of("mail/ses-1"), world) == "handled"
    assert counted(capsys) == []
    assert len(items(moto_cloud)) == 1


@pytest.mark.parametrize("busy", [True, False])
def test_a_message_sqs_refuses_is_tried_again(world: TestWorld, busy: bool) -> None:
    name = stored(world)
    if busy:
        in_inbound(world, "inbound", take=False)
    refused = world.settings.recheck_queue_url if busy else world.settings.inbound_queue_url
    picky = Picky(world, refused)
    picky.depth = world.queues.depth  # type: ignore[attr-defined]
    vars(world)["queues"] = picky
    with pytest.raises(Unavailable):
        recheck.recheck(told_of(name), world)


def test_nothing_a_customer_wrote_is_logged_or_counted(
    world: TestWorld, moto_cloud: Cloud, capsys: Capsys, caplog: pytest.LogCaptureFixture
) -> None:
    raw = letters.mail("CANARY", "canary@customer.example.com", "CANARY")
    world.raw.write("chat/shop-widget/odd", b'{"CANARY": ', "application/json")
    with caplog.at_level(logging.DEBUG):
        recheck.recheck(told_of(stored(world, raw), "chat/shop-widget/odd"), world)
    assert handed_in(moto_cloud, world) == ["queued", "quarantined"]
    assert "canary" not in (caplog.text + capsys.readouterr().out).lower()
