"""The webhook: nothing is written unless the signature holds, and nothing is answered before it is durable."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.errors import Invalid, NotAuthentic, Unavailable, Unknown
from chalicelib.flows import receive
from chalicelib.flows.hook import accept
from chalicelib.intake.chat.generic import sign
from chalicelib.intake.chat.received import Received
from tests.cloud import BUCKETS, SECRET, Cloud, TestWorld
from tests.unit.flows.scenes import Picky, Unreachable, items

BODY = {"id": "d1", "conversation": "c1", "visitor": {"id": "v1", "name": "Piotr"}, "text": "CANARY"}
RAW = json.dumps(BODY).encode()


def posted(world: TestWorld, raw: bytes = RAW, at: float = 0, secret: str = SECRET, **changed: Any) -> str:
    assert world.clock
    timestamp = changed.get("timestamp", str(int(world.clock.time.timestamp() + at)))
    signature = changed.get("signature", f"sha256={sign(secret, timestamp, raw)}")
    told = changed.get("told", raw)
    names = changed.get("provider", "generic"), changed.get("installation", "shop-widget")
    headers = {"x-sortownia-timestamp": timestamp, "x-sortownia-signature": signature}
    (delivery,) = accept(*names, Received(told, headers), world).deliveries
    return delivery


def stored(cloud: Cloud) -> list[str]:
    return [o["Key"] for bucket in BUCKETS for o in cloud.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_a_good_message_is_durable_before_it_is_answered(world: TestWorld, moto_cloud: Cloud) -> None:
    assert posted(world) == "d1"
    assert stored(moto_cloud) == ["chat/shop-widget/d1"]
    assert world.raw.read("chat/shop-widget/d1") == RAW
    (notice,) = moto_cloud.bodies(world.settings.inbound_queue_url)
    assert notice == {"kind": "chat", "installation": "shop-widget", "delivery": "d1", "key": "chat/shop-widget/d1"}
    assert receive.delivery(json.dumps(notice), "sqs-1", 1, world) == "queued"
    assert items(moto_cloud)[0].source == "shop-widget"


REFUSED: list[tuple[Callable[[TestWorld], str], type[Exception]]] = [
    (lambda world: posted(world, secret="x" * 64), NotAuthentic),
    (lambda world: posted(world, secret=""), NotAuthentic),
    (lambda world: posted(world, told=RAW + b" "), NotAuthentic),
    (lambda world: posted(world, signature=""), NotAuthentic),
    (lambda world: posted(world, signature="sha256=" + "0" * 64), NotAuthentic),
    (lambda world: posted(world, signature=sign(SECRET, "0", RAW)), NotAuthentic),
    (lambda world: posted(world, timestamp=""), NotAuthentic),
    (lambda world: posted(world, at=-301), NotAuthentic),
    (lambda world: posted(world, at=302), NotAuthentic),
    (lambda world: posted(world, installation="other"), Unknown),
    (lambda world: posted(world, provider="intercom"), Unknown),
    (lambda world: posted(world, raw=b"no json"), Invalid),
    (lambda world: posted(world, raw=b"{}"), Invalid),
    (lambda world: posted(world, raw=json.dumps({**BODY, "text": ""}).encode()), Invalid),
]


@pytest.mark.parametrize(("post", "error"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused_writes_nothing_anywhere(
    world: TestWorld, moto_cloud: Cloud, post: Callable[[TestWorld], str], error: type[Exception]
) -> None:
    with pytest.raises(error) as refused:
        post(world)
    assert stored(moto_cloud) == []
    assert moto_cloud.rows() == []
    assert moto_cloud.bodies(world.settings.inbound_queue_url) == []
    assert "CANARY" not in str(refused.value)


def test_an_installation_without_a_secret_takes_nothing(world: TestWorld, moto_cloud: Cloud) -> None:
    moto_cloud.secrets.delete_secret(SecretId="desk/hooks/shop-widget", ForceDeleteWithoutRecovery=True)
    for secret in (SECRET, ""):
        with pytest.raises(NotAuthentic):
            posted(world, secret=secret)
    assert stored(moto_cloud) == []


def test_while_a_secret_is_rotated_both_are_good_and_then_one(world: TestWorld, moto_cloud: Cloud) -> None:
    moto_cloud.secrets.put_secret_value(SecretId="desk/hooks/shop-widget", SecretString="n" * 64)
    assert posted(world, secret=SECRET) == posted(world, secret="n" * 64) == "d1"
    moto_cloud.secrets.put_secret_value(SecretId="desk/hooks/shop-widget", SecretString="m" * 64)
    world.secrets._kept.clear()  # five minutes later
    with pytest.raises(NotAuthentic):
        posted(world, secret=SECRET)


def test_the_same_message_again_is_one_entry(world: TestWorld, moto_cloud: Cloud) -> None:
    assert posted(world) == posted(world, at=60) == "d1"
    notices = moto_cloud.bodies(world.settings.inbound_queue_url)
    outcomes = [receive.delivery(json.dumps(notice), f"sqs-{n}", 1, world) for n, notice in enumerate(notices)]
    assert outcomes == ["queued", "handled before"]
    assert stored(moto_cloud) == ["chat/shop-widget/d1"]


def test_an_id_sent_again_with_other_words_is_the_message_it_was(world: TestWorld, moto_cloud: Cloud) -> None:
    assert posted(world) == posted(world, json.dumps({**BODY, "text": "other words"}).encode()) == "d1"
    assert world.raw.read("chat/shop-widget/d1") == RAW
    assert len(moto_cloud.bodies(world.settings.inbound_queue_url)) == 2  # the first notice may have been lost


@pytest.mark.parametrize("odd", ["../../mail/x", "a/b", ".", "..", "ż", " x", "x" * 200, "a\nb", "x?y=1"])
def test_an_odd_id_stays_inside_its_folder(world: TestWorld, moto_cloud: Cloud, odd: str) -> None:
    assert posted(world, raw=json.dumps({**BODY, "id": odd}).encode())
    (key,) = stored(moto_cloud)
    folder, _, name = key.rpartition("/")
    assert folder == "chat/shop-widget"
    assert name.replace("-", "").isalnum()
    (notice,) = moto_cloud.bodies(world.settings.inbound_queue_url)
    assert receive.delivery(json.dumps(notice), "sqs-1", 1, world) == "queued"


def test_a_bucket_that_is_away_is_not_answered_with_yes(world: TestWorld, moto_cloud: Cloud) -> None:
    vars(world)["raw"] = Unreachable()
    with pytest.raises(Unavailable):
        posted(world)
    assert moto_cloud.bodies(world.settings.inbound_queue_url) == []


@pytest.mark.parametrize("refuse", [True, False])
def test_a_notice_that_is_not_queued_is_not_answered_with_yes(world: TestWorld, refuse: bool) -> None:
    queues = Picky(world, world.settings.inbound_queue_url) if refuse else Unreachable()
    vars(world)["queues"] = queues
    with pytest.raises(Unavailable):
        posted(world)
