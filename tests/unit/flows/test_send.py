"""The sender: each reply leaves once, whatever breaks, and what became of it is written down and seen."""

import json
from datetime import timedelta

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sesv2 import sesv2_backends

from chalicelib.errors import NotSent, OutcomeUnknown, Refused, Unavailable, Unknown
from chalicelib.flows import receive
from chalicelib.flows.claim import claim_named
from chalicelib.flows.export import export
from chalicelib.flows.send import send_message
from chalicelib.flows.watch import watch
from chalicelib.flows.work import finish, snooze
from chalicelib.intake.chat import generic
from chalicelib.item.outgoing import SENDER_IS_DEAD_AFTER, SENT_AGAIN_AFTER, Outgoing, Status
from chalicelib.item.reply import Then
from chalicelib.item.state import State
from tests import letters
from tests.chats import check_generic
from tests.cloud import REGION, SECRET, Cloud, TestWorld
from tests.desk import ANNA, BORIS
from tests.streams import Stream
from tests.unit.flows.scenes import (
    Losing,
    Meanwhile,
    Unreachable,
    answer,
    chat,
    claimed,
    deliver,
    forward,
    items,
    load,
    now_of,
    ruled,
    told,
)
from tests.unit.flows.sending import Post, Provider, item_of, news, notice, now, says, sends

pytestmark = pytest.mark.usefixtures("sound")

TEXT = "It comes tomorrow."  # as `answer` says unless told otherwise
MAIL_ANSWER = {"sender": "c1@customer.example.com"}


class Died(BaseException):
    """The sender's process ends here."""


@pytest.fixture
def in_chat(world: TestWorld) -> Outgoing:
    """A reply of Anna's in a chat, in the outbox; the provider is `world.providers`."""
    vars(world)["providers"] = Provider()
    chat(world, "d1", "Hello")
    return answer(world, claimed(world), TEXT)[0]


# Once


def test_a_reply_leaves_and_what_the_customer_answers_comes_back_to_it(
    world: TestWorld, moto_cloud: Cloud, post: Post, queued: Outgoing
) -> None:
    before = item_of(world, queued)
    forward(world, seconds=2)
    assert sends(world, queued) == "sent"
    assert post.taken == [(world.raw.read(queued.raw_key), "c1@customer.example.com", queued.id)]
    sent = now(world, queued)
    assert (sent.status, sent.provider_id, sent.wake_at, sent.detail) == (Status.SENT, "ses-out-1", None, "")
    assert sent.started_at
    assert sent.sent_at
    assert queued.queued_at < sent.started_at < sent.sent_at
    assert item_of(world, queued) == before  # the item does not change by it
    assert news(world, queued) == ["reply-sent"]
    deliver(world, 2, In_Reply_To=f"<ses-out-1@{REGION}.amazonses.com>", **MAIL_ANSWER)
    (item,) = items(moto_cloud)
    assert (item.id, item.state) == (before.id, State.QUEUED)


def test_the_stream_brings_it_to_the_sender(world: TestWorld, moto_cloud: Cloud, stream: Stream, post: Post) -> None:
    deliver(world, 1)
    held = claimed(world)
    stream.records()
    outgoing, _ = answer(world, held)
    export([r for r in stream.records() if r["eventName"] == "INSERT"], world)
    (body,) = moto_cloud.bodies(world.settings.send_queue_url)
    assert send_message(json.dumps(body), world) == "sent"
    assert [taken[2] for taken in post.taken] == [outgoing.id]


def test_it_is_really_sent(world: TestWorld, moto_cloud: Cloud) -> None:
    """By the mailer itself, to moto's SES."""
    deliver(world, 1)
    outgoing, item = answer(world, claimed(world), TEXT)
    assert sends(world, outgoing) == "sent"
    (mail,) = sesv2_backends[DEFAULT_ACCOUNT_ID][REGION].core_backend.sent_messages
    assert mail.id == now(world, outgoing).provider_id
    assert set(mail.destinations) == {"c1@customer.example.com"}
    assert mail.raw_data.encode() == world.raw.read(outgoing.raw_key)
    # Real ids of SES are so long that Python's own header writer would encode them, which mail programs do not.
    answered = f"In-Reply-To: <{mail.id}@{REGION}.amazonses.com>\n".encode()
    raw = answered + letters.mail(sender="c1@customer.example.com", Message_ID="<m2@customer.example.com>")
    receive.delivery(letters.store_mail(world, "ses-2", raw), "sqs-2", 1, world)
    assert now_of(world, item).state == State.QUEUED


@pytest.mark.parametrize("times", [2, 4])
def test_asked_again_it_sends_nothing_again(
    world: TestWorld, moto_cloud: Cloud, post: Post, queued: Outgoing, times: int
) -> None:
    sends(world, queued)
    before = moto_cloud.rows()
    assert {sends(world, queued) for _ in range(times)} == {"sent already"}
    assert moto_cloud.rows() == before
    assert len(post.taken) == 1


def test_of_two_senders_at_once_one_sends(world: TestWorld, moto_cloud: Cloud, post: Post, queued: Outgoing) -> None:
    outcomes: list[str] = []
    with Meanwhile(moto_cloud, lambda: outcomes.append(sends(world, queued))):
        outcomes.append(sends(world, queued))
    assert outcomes == ["sent", "another sender has it"]
    assert len(post.taken) == 1
    assert news(world, queued) == ["reply-sent"]


def test_while_one_sends_another_waits(world: TestWorld, queued: Outgoing) -> None:
    outcomes: list[str] = []

    class Slow(Post):
        def send(self, raw: bytes, to: str, outbox_id: str) -> str:
            outcomes.append(sends(world, queued))
            return super().send(raw, to, outbox_id)

    vars(world)["mailer"] = Slow()
    outcomes.append(sends(world, queued))
    assert outcomes == ["sending already", "sent"]


def test_a_race_over_the_customers_timeline_sends_nothing_again(
    world: TestWorld, moto_cloud: Cloud, queued: Outgoing
) -> None:
    """The customer writes between SES's answer and our note of it."""
    real = vars(world)["mailer"]

    class Busy(Post):
        def send(self, raw: bytes, to: str, outbox_id: str) -> str:
            vars(world)["table"] = Losing(world, 2)
            deliver(world, 2, In_Reply_To="<m1@customer.example.com>", **MAIL_ANSWER)
            return real.send(raw, to, outbox_id)  # type: ignore[no-any-return]

        def message_id(self, provider_id: str) -> str:
            return real.message_id(provider_id)  # type: ignore[no-any-return]

    vars(world)["mailer"] = Busy()
    assert sends(world, queued) == "sent"
    assert len(real.taken) == 1
    assert news(world, queued) == ["message-received", "reply-sent"]


# What the provider says


def test_what_was_not_sent_waits_and_is_sent_when_sqs_brings_it_again(world: TestWorld, queued: Outgoing) -> None:
    post = says(world, NotSent("SES: TooManyRequestsException"), NotSent("SES: again"))
    for _ in range(2):
        with pytest.raises(NotSent):
            sends(world, queued)
    waits = now(world, queued)
    assert (waits.status, waits.detail, waits.started_at) == (Status.QUEUED, "SES: again", None)
    assert waits.wake_at
    assert waits.wake_at > queued.queued_at + SENT_AGAIN_AFTER
    assert news(world, queued) == []
    assert sends(world, queued) == "sent"
    assert (len(post.taken), now(world, queued).detail) == (3, "")


@pytest.mark.parametrize(
    ("fails", "status", "event", "reason"),
    [
        (Refused("SES: MessageRejected"), Status.FAILED, "reply-failed", "our reply could not be sent"),
        (OutcomeUnknown("SES: ?"), Status.UNKNOWN, "reply-unknown", "nobody knows whether our reply left"),
    ],
)
def test_bad_news_wakes_the_item_for_who_wrote_and_nothing_is_repeated(
    world: TestWorld, moto_cloud: Cloud, queued: Outgoing, fails: Exception, status: Status, event: str, reason: str
) -> None:
    post = says(world, fails)
    assert sends(world, queued) == status
    bad = now(world, queued)
    assert (bad.status, bad.detail, bad.wake_at) == (status, str(fails), None)
    item = item_of(world, queued)
    assert (item.state, item.reason, item.offered_to, item.version) == (State.QUEUED, reason, "anna", 4)
    assert load(world, ANNA) == {"mail": 1}
    last = told(world, item)[-1]
    assert (last.type, last.facts["reply"], last.facts["detail"]) == (event, queued.id, str(fails))
    before = moto_cloud.rows()
    assert sends(world, queued) == f"{status} already"
    forward(world, minutes=14)
    watch(world)
    assert moto_cloud.rows() == before
    assert len(post.taken) == 1


@pytest.mark.parametrize("fails", [Refused("SES: no"), OutcomeUnknown("SES: ?")])
@pytest.mark.parametrize("then", ["claimed", "snoozed", "resolved", "kept"])
def test_bad_news_finds_the_item_wherever_it_is(
    world: TestWorld, moto_cloud: Cloud, post: Post, fails: Exception, then: str
) -> None:
    deliver(world, 1)
    outgoing, item = answer(world, claimed(world), then=Then.KEEP if then == "kept" else Then.WAIT)
    if then == "claimed":
        item = claim_named(item.id, BORIS, "", world)
    if then == "snoozed":
        item = snooze(item.id, item.version, world.now() + timedelta(days=1), ANNA, world)
    if then == "resolved":
        item = finish(item.id, item.version, ANNA, world)
    says(world, fails)
    sends(world, outgoing)
    woken = now_of(world, item)
    assert woken.version == item.version + 1
    if then in {"claimed", "kept"}:
        assert (woken.state, woken.holder, woken.lease_until) == (State.CLAIMED, item.holder, item.lease_until)
    else:
        assert (woken.state, woken.offered_to, woken.ring) == (State.QUEUED, "anna", item.ring + 1)


def test_only_an_unknown_outcome_calls_a_person(
    world: TestWorld, capsys: pytest.CaptureFixture[str], queued: Outgoing
) -> None:
    says(world, NotSent("SES: later"), OutcomeUnknown("SES: ?"))
    with pytest.raises(NotSent):
        sends(world, queued)
    assert "ReplyOutcomeUnknown" not in capsys.readouterr().out
    sends(world, queued)
    assert capsys.readouterr().out.count('"ReplyOutcomeUnknown": 1') == 1


def test_an_outcome_that_is_known_after_all_calls_nobody(
    world: TestWorld, capsys: pytest.CaptureFixture[str], queued: Outgoing
) -> None:
    """SES never answered us, and its notice was here before we gave up."""

    class Silent(Post):
        def send(self, raw: bytes, to: str, outbox_id: str) -> str:
            super().send(raw, to, outbox_id)
            send_message(notice(queued, "Delivery"), world)
            raise OutcomeUnknown("SES: ReadTimeoutError")

    vars(world)["mailer"] = Silent()
    assert sends(world, queued) == "delivered already"
    assert item_of(world, queued).state == State.WAITING
    assert "ReplyOutcomeUnknown" not in capsys.readouterr().out


def test_bytes_that_are_not_there_are_not_sent(
    world: TestWorld, moto_cloud: Cloud, post: Post, queued: Outgoing
) -> None:
    moto_cloud.s3.delete_object(Bucket=world.settings.raw_bucket, Key=queued.raw_key)
    with pytest.raises(Unknown):
        sends(world, queued)
    assert (now(world, queued).status, post.taken) == (Status.QUEUED, [])


# Chats


def test_a_reply_in_a_chat_is_posted_signed_to_the_shops_address(world: TestWorld, in_chat: Outgoing) -> None:
    assert sends(world, in_chat) == "sent"
    ((url, headers, body),) = world.providers.taken  # type: ignore[attr-defined]
    assert url == "https://shop.example.com/chat-replies"
    assert json.loads(body)["text"] == TEXT
    check_generic(
        [SECRET],
        headers[generic.TIMESTAMP_HEADER],
        headers[generic.SIGNATURE_HEADER],
        body,
        world.clock.time,  # type: ignore[union-attr]
    )
    assert now(world, in_chat).status == Status.SENT
    assert news(world, in_chat) == ["reply-sent"]
    assert sends(world, in_chat) == "sent already"
    assert len(world.providers.taken) == 1  # type: ignore[attr-defined]


def test_where_the_stack_has_an_address_of_its_own_no_shop_is_called(world: TestWorld, in_chat: Outgoing) -> None:
    object.__setattr__(world.settings, "chat_replies_url", "http://127.0.0.1:9/replies")
    sends(world, in_chat)
    ((url, _, _),) = world.providers.taken  # type: ignore[attr-defined]
    assert url == "http://127.0.0.1:9/replies/shop-widget"


NOWHERE = {
    "no address": ('shop-widget = { provider = "generic", replies = "https://shop.example.com/chat-replies" }',
                   'shop-widget = "generic"'),
    "no installation": ("shop-widget = {", "other-widget = {"),
}  # fmt: skip


@pytest.mark.parametrize("change", NOWHERE.values(), ids=NOWHERE)
def test_a_chat_that_cannot_be_answered_says_so(world: TestWorld, in_chat: Outgoing, change: tuple[str, str]) -> None:
    ruled(world, change)
    assert sends(world, in_chat) == "failed"
    assert item_of(world, in_chat).offered_to == "anna"
    assert world.providers.taken == []  # type: ignore[attr-defined]


def test_a_chat_without_a_secret_is_never_posted_unsigned(
    world: TestWorld, moto_cloud: Cloud, in_chat: Outgoing
) -> None:
    moto_cloud.secrets.delete_secret(SecretId="desk/hooks/shop-widget", ForceDeleteWithoutRecovery=True)
    assert sends(world, in_chat) == "failed"
    assert world.providers.taken == []  # type: ignore[attr-defined]


def test_secrets_that_are_away_for_the_moment_leave_the_reply_unsent(world: TestWorld, in_chat: Outgoing) -> None:
    """Nothing has left: that much is known."""
    real, vars(world)["secrets"] = world.secrets, Unreachable()
    with pytest.raises(Unavailable):
        sends(world, in_chat)
    assert now(world, in_chat).status == Status.QUEUED
    vars(world)["secrets"] = real
    assert sends(world, in_chat) == "sent"


# Senders that die


@pytest.fixture
def died(world: TestWorld, queued: Outgoing) -> Outgoing:
    """A reply whose sender died while SES had it."""

    class Dies(Post):
        def send(self, raw: bytes, to: str, outbox_id: str) -> str:
            super().send(raw, to, outbox_id)
            raise Died

    vars(world)["mailer"] = Dies()
    with pytest.raises(Died):
        sends(world, queued)
    left = now(world, queued)
    assert left.status == Status.SENDING
    return left


def test_as_long_as_the_sender_may_live_nobody_sends(world: TestWorld, moto_cloud: Cloud, died: Outgoing) -> None:
    before = moto_cloud.rows()
    forward(world, seconds=SENDER_IS_DEAD_AFTER.total_seconds() - 2)
    assert sends(world, died) == "sending already"
    assert watch(world) == {}
    assert moto_cloud.rows() == before
    forward(world, seconds=3)
    assert watch(world) == {"unknown": 1}


@pytest.mark.parametrize("finds", ["watch", "sender"])
def test_a_sender_found_dead_leaves_an_unknown_reply(
    world: TestWorld, capsys: pytest.CaptureFixture[str], died: Outgoing, finds: str
) -> None:
    forward(world, seconds=SENDER_IS_DEAD_AFTER.total_seconds() + 1)
    assert (watch(world) if finds == "watch" else sends(world, died)) == (
        {"unknown": 1} if finds == "watch" else "unknown"
    )
    assert now(world, died).status == Status.UNKNOWN
    assert item_of(world, died).offered_to == "anna"
    assert news(world, died) == ["reply-unknown"]
    assert "ReplyOutcomeUnknown" in capsys.readouterr().out
    assert sends(world, died) == "unknown already"
    assert watch(world) == {}
    assert len(vars(world)["mailer"].taken) == 1


def test_a_dead_sender_whose_mail_arrived_is_found_out_by_the_notice(world: TestWorld, died: Outgoing) -> None:
    assert send_message(notice(died, "Delivery"), world) == "reply-delivered"
    assert (now(world, died).status, now(world, died).provider_id) == (Status.DELIVERED, "ses-out-1")
    forward(world, minutes=10)
    assert watch(world) == {}
    assert item_of(world, died).state == State.WAITING
    assert news(world, died) == ["reply-sent", "reply-delivered"]


def test_what_was_unknown_is_known_by_a_later_notice(world: TestWorld, died: Outgoing) -> None:
    forward(world, minutes=4)
    watch(world)
    send_message(notice(died, "Delivery"), world)
    assert now(world, died).status == Status.DELIVERED
    assert news(world, died) == ["reply-unknown", "reply-sent", "reply-delivered"]


# Replies nobody took


def test_the_watch_gives_a_reply_nobody_took_to_the_sender_again(
    world: TestWorld, moto_cloud: Cloud, capsys: pytest.CaptureFixture[str], post: Post, queued: Outgoing
) -> None:
    forward(world, seconds=SENT_AGAIN_AFTER.total_seconds() - 2)
    assert watch(world) == {}
    for _ in range(2):
        forward(world, seconds=SENT_AGAIN_AFTER.total_seconds() + 1)
        assert watch(world) == {"reply given to the sender again": 1}
        assert watch(world) == {}
        (body,) = moto_cloud.bodies(world.settings.send_queue_url)
        assert body == {"outbox_id": queued.id}
    assert "ReplySentLate" in capsys.readouterr().out
    assert post.taken == []  # the watch itself sends nothing
    assert send_message(json.dumps(body), world) == "sent"
    forward(world, days=1)
    assert watch(world) == {}


def test_a_reply_the_watch_saw_first_is_sent_once(
    world: TestWorld, moto_cloud: Cloud, post: Post, queued: Outgoing
) -> None:
    """The sender takes it while the watch puts it back: one of them is too late."""
    forward(world, minutes=6)
    with Meanwhile(moto_cloud, lambda: sends(world, queued)):
        assert watch(world) == {"put off: LostRace": 1}
    assert (now(world, queued).status, len(post.taken)) == (Status.SENT, 1)
