"""Replies through each provider's call, from the agent's words to what became of them."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from moto import mock_aws

from chalicelib.errors import Invalid, NotSent
from chalicelib.flows import hook, receive
from chalicelib.item.outgoing import Outgoing, Status
from chalicelib.outgoing.chat_calls import CALLS
from chalicelib.providers import Providers
from tests.chats import desk_of_all, recorded, signed
from tests.cloud import SECRET, STACK, Cloud, TestWorld
from tests.desk import WordModel
from tests.outside import Outside
from tests.unit.flows.scenes import answer, claimed, items
from tests.unit.flows.sending import item_of, news, now, sends

TOKEN = "a-token-nobody-may-see"


@pytest.fixture(scope="module")
def deployed() -> Iterator[tuple[Cloud, TestWorld]]:
    """One stack for all tests, whose installations have tokens."""
    with mock_aws():
        cloud = Cloud(desk=desk_of_all())
        world = cloud.deploy()
        for provider in CALLS:
            said = {"signing": SECRET, "token": TOKEN, "user": "a-user"}
            cloud.secrets.put_secret_value(SecretId=f"{STACK}/hooks/{provider}", SecretString=json.dumps(said))
        yield cloud, world


@pytest.fixture
def moto_cloud(deployed: tuple[Cloud, TestWorld]) -> Cloud:
    """The stack, as empty as it was."""
    cloud, world = deployed
    cloud.dynamodb.delete_table(TableName=world.settings.table)
    cloud.make_table(world.settings.table)
    cloud.bodies(world.settings.inbound_queue_url)
    return cloud


@pytest.fixture
def world(moto_cloud: Cloud, deployed: tuple[Cloud, TestWorld]) -> TestWorld:
    world = moto_cloud.world(deployed[1].settings)
    vars(world)["model"] = WordModel()
    return world


def posted(provider: str, cloud: Cloud, world: TestWorld, raw: bytes | None = None) -> list[str]:
    """A provider posts a body, by default his recorded message; what becomes of it."""
    raw = recorded(f"{provider}-message") if raw is None else raw
    hook.accept(provider, provider, signed(provider, raw, world.now()), world)
    return [receive.delivery(json.dumps(body), "sqs-1", 1, world)
            for body in cloud.bodies(world.settings.inbound_queue_url)]  # fmt: skip


def replied(provider: str, cloud: Cloud, world: TestWorld) -> Outgoing:
    """A reply to a provider's recorded message, in the outbox."""
    posted(provider, cloud, world)
    return answer(world, claimed(world))[0]


def reached(world: TestWorld, outside: Outside) -> None:
    """Real calls, to this server."""
    vars(world)["providers"] = Providers()
    object.__setattr__(world, "settings", replace(world.settings, chat_replies_url=f"{outside.url}/chat"))


@pytest.mark.parametrize("provider", CALLS)
def test_a_reply_reaches_its_provider_once(
    provider: str, world: TestWorld, moto_cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="sortownia")
    outgoing = replied(provider, moto_cloud, world)
    with Outside(200, b'{"ok": true, "error": false}') as outside:
        reached(world, outside)
        assert sends(world, outgoing) == "sent"
        assert sends(world, outgoing) == "sent already"
    (asked,) = outside.asked
    assert asked.path.startswith(f"/chat/{provider}/")
    assert asked.body == world.raw.read(outgoing.raw_key)
    assert TOKEN not in asked.body.decode()
    assert now(world, outgoing).status == Status.SENT
    assert news(world, outgoing) == ["reply-sent"]
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("provider", CALLS)
@pytest.mark.parametrize(
    ("status", "becomes"), [(400, Status.FAILED), (401, Status.FAILED), (429, None), (503, None), (500, Status.UNKNOWN)]
)
def test_what_a_provider_answers_is_what_people_see(
    provider: str, status: int, becomes: Status | None, world: TestWorld, moto_cloud: Cloud
) -> None:
    outgoing = replied(provider, moto_cloud, world)
    with Outside(status, b'{"error": {"code": 131047, "message": "CANARY"}}') as outside:
        reached(world, outside)
        if becomes is None:
            with pytest.raises(NotSent) as later:
                sends(world, outgoing)
            assert TOKEN not in str(later.value)
        else:
            sends(world, outgoing)
    assert len(outside.asked) == 1
    found = now(world, outgoing)
    assert found.status == (becomes or Status.QUEUED)
    assert str(status) in found.detail
    assert TOKEN not in found.detail
    assert "CANARY" not in found.detail


@pytest.mark.parametrize("provider", ["slack", "telegram"])
def test_a_provider_who_says_a_long_reply_back_has_taken_it(provider: str, world: TestWorld, moto_cloud: Cloud) -> None:
    """Slack says it twice, as text and in blocks, each letter beyond ASCII as six characters, an emoji as twelve."""
    outgoing = replied(provider, moto_cloud, world)
    text = "\U0001f4e6" * CALLS[provider].longest
    said = {"ok": True, "message": {"text": text, "blocks": [{"elements": [{"type": "text", "text": text}]}]}}
    with Outside(200, json.dumps(said).encode()) as outside:
        reached(world, outside)
        assert sends(world, outgoing) == "sent"


@pytest.mark.parametrize("provider", ["slack", "telegram", "crisp"])
def test_a_no_under_a_good_status_is_a_no(provider: str, world: TestWorld, moto_cloud: Cloud) -> None:
    outgoing = replied(provider, moto_cloud, world)
    no = b'{"error": true, "reason": "no"}' if provider == "crisp" else b'{"ok": false, "error": "is_archived"}'
    with Outside(200, no) as outside:
        reached(world, outside)
        assert sends(world, outgoing) == "failed"
    assert now(world, outgoing).status == Status.FAILED
    assert item_of(world, outgoing).reason == "our reply could not be sent"


def test_to_tawk_nothing_is_queued(world: TestWorld, moto_cloud: Cloud) -> None:
    posted("tawk", moto_cloud, world)
    item = claimed(world)
    rows = moto_cloud.rows()
    with pytest.raises(Invalid, match="tawk takes no replies"):
        answer(world, item)
    assert moto_cloud.rows() == rows
    assert moto_cloud.bodies(world.settings.send_queue_url) == []


# WhatsApp tells of a reply what became of it


def told(outgoing: Outgoing, status: str = "failed", **more: Any) -> bytes:
    """A webhook of WhatsApp's about a reply."""
    body = json.loads(recorded("whatsapp-status"))
    (said,) = body["entry"][0]["changes"][0]["value"]["statuses"]
    said |= {"status": status, "biz_opaque_callback_data": outgoing.id, **more}
    return json.dumps(body).encode()


@pytest.fixture
def on_its_way(world: TestWorld, moto_cloud: Cloud) -> Outgoing:
    """A reply WhatsApp has taken."""
    outgoing = replied("whatsapp", moto_cloud, world)
    with Outside() as outside:
        reached(world, outside)
        sends(world, outgoing)
    return now(world, outgoing)


def test_a_reply_after_the_24_hours_is_shown_as_failed(
    on_its_way: Outgoing, world: TestWorld, moto_cloud: Cloud
) -> None:
    assert posted("whatsapp", moto_cloud, world, told(on_its_way)) == ["failed"]
    found = now(world, on_its_way)
    assert (found.status, found.detail) == (Status.FAILED, "131047 Re-engagement message")
    assert item_of(world, on_its_way).reason == "our reply could not be sent"
    rows = moto_cloud.rows()
    assert posted("whatsapp", moto_cloud, world, told(on_its_way)) == ["seen already"]
    assert moto_cloud.rows() == rows
    assert news(world, on_its_way) == ["reply-sent", "reply-failed"]


def test_a_reply_that_was_delivered_and_read_is_delivered_once(
    on_its_way: Outgoing, world: TestWorld, moto_cloud: Cloud
) -> None:
    outcomes = [posted("whatsapp", moto_cloud, world, told(on_its_way, status)) for status in ("delivered", "read")]
    assert outcomes == [["reply-delivered"], ["seen already"]]
    assert now(world, on_its_way).status == Status.DELIVERED


def test_news_of_what_is_not_ours_is_let_pass(on_its_way: Outgoing, world: TestWorld, moto_cloud: Cloud) -> None:
    rows = moto_cloud.rows()
    assert posted("whatsapp", moto_cloud, world, told(on_its_way, "sent")) == []
    assert posted("whatsapp", moto_cloud, world, told(on_its_way, biz_opaque_callback_data="campaign-7")) == []
    assert posted("whatsapp", moto_cloud, world, told(on_its_way, biz_opaque_callback_data="0" * 32)) == [
        "about no reply of ours"
    ]
    other = signed("whatsapp", told(on_its_way), world.now())
    hook.accept("whatsapp", "whatsapp-2", other, world)  # another installation's word about our reply
    (body,) = moto_cloud.bodies(world.settings.inbound_queue_url)
    assert receive.delivery(json.dumps(body), "sqs-1", 1, world) == "about no reply of ours"
    assert moto_cloud.rows() == rows


def test_a_message_and_news_in_one_webhook_are_both_heard(
    on_its_way: Outgoing, world: TestWorld, moto_cloud: Cloud
) -> None:
    both = json.loads(recorded("whatsapp-batch"))
    both["entry"] += json.loads(told(on_its_way))["entry"]
    outcomes = posted("whatsapp", moto_cloud, world, json.dumps(both).encode())
    assert outcomes == ["handled before, queued, queued, queued, failed"]
    assert len(items(moto_cloud)) == 2
