"""Webhooks of every chat provider: what is not proved changes nothing anywhere, what is proved does.

One test for all, made of `tests.chats.PROOFS`: a provider who has no row there fails it.
"""

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from moto import mock_aws

from chalicelib.errors import NotAuthentic, Unknown
from chalicelib.flows import hook, receive
from chalicelib.intake.chat.adapters import ADAPTERS
from chalicelib.intake.chat.received import Received
from chalicelib.policy import PROVIDERS
from tests.chats import EVENTS, PROOFS, Proof, desk_of_all, recorded, signed
from tests.cloud import BUCKETS, SECRET, STACK, Cloud, TestWorld
from tests.desk import WordModel

OTHER = "o" * 64
#: Providers that no server calls us for: their visitors' browsers do.
BROWSERS = {"widget"}


def provider_of(proof: str) -> str:
    return proof.split(" ", maxsplit=1)[0]


@pytest.fixture(scope="module")
def deployed() -> Iterator[tuple[Cloud, TestWorld]]:
    """One stack for all tests. Every bucket keeps versions, and every second installation has a secret of its own."""
    with mock_aws():
        cloud = Cloud(desk=desk_of_all())
        world = cloud.deploy()
        for bucket in BUCKETS:
            cloud.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        for name in ADAPTERS:
            for _ in range(2):
                _put(cloud, f"{name}-2", OTHER)
        yield cloud, world


@pytest.fixture
def moto_cloud(deployed: tuple[Cloud, TestWorld]) -> Iterator[Cloud]:
    """The stack, as empty as it was."""
    cloud, world = deployed
    yield cloud
    cloud.dynamodb.delete_table(TableName=world.settings.table)
    cloud.make_table(world.settings.table)
    for bucket in BUCKETS:
        for one in cloud.s3.list_object_versions(Bucket=bucket).get("Versions", ()):
            cloud.s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
    cloud.bodies(world.settings.inbound_queue_url)
    while _rotated:
        provider = _rotated.pop()
        for _ in range(2):
            _put(cloud, provider, SECRET)


@pytest.fixture
def world(moto_cloud: Cloud, deployed: tuple[Cloud, TestWorld]) -> TestWorld:
    """A process that has seen no secret yet."""
    world = moto_cloud.world(deployed[1].settings)
    vars(world)["model"] = WordModel()
    return world


_rotated: set[str] = set()


def rotate(cloud: Cloud, world: TestWorld, provider: str, secret: str) -> None:
    """A provider's installation has another secret from now on, and the process knows it."""
    _put(cloud, provider, secret)
    _rotated.add(provider)
    world.secrets._kept.clear()  # five minutes later


def _put(cloud: Cloud, installation: str, secret: str) -> None:
    cloud.secrets.put_secret_value(SecretId=f"{STACK}/hooks/{installation}", SecretString=secret)


class Everything:
    """All that a webhook could change, looked at after intake has handled what waits for it."""

    def __init__(self, cloud: Cloud, world: TestWorld) -> None:
        self._cloud, self._world = cloud, world
        self._queues = cloud.sqs.list_queues()["QueueUrls"]

    def now(self) -> dict[str, Any]:
        for body in self._cloud.bodies(self._world.settings.inbound_queue_url):
            receive.delivery(json.dumps(body), "sqs-1", 1, self._world)
        return {
            "rows": sorted(json.dumps(row, sort_keys=True, default=repr) for row in self._cloud.rows()),
            "versions": sorted(version for bucket in BUCKETS for version in self._versions(bucket)),
            "queues": {url: self._depth(url) for url in self._queues},
        }

    def _versions(self, bucket: str) -> list[tuple[str, str, str]]:
        found = self._cloud.s3.list_object_versions(Bucket=bucket)
        return [(bucket, one["Key"], one["VersionId"])
                for one in [*found.get("Versions", ()), *found.get("DeleteMarkers", ())]]  # fmt: skip

    def _depth(self, url: str) -> tuple[str, ...]:
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
                 "ApproximateNumberOfMessagesDelayed")  # fmt: skip
        told = self._cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names))["Attributes"]
        return tuple(told[name] for name in names)


def entries(cloud: Cloud) -> dict[str, int]:
    """How many messages stand in timelines and in the ledger."""
    rows = [row for row in cloud.rows() if row["kind"]["S"] in ("event", "delivery")]
    return {kind: sum(row["kind"]["S"] == kind for row in rows) for kind in ("event", "delivery")}


def accepted(proof: str, received: Received, world: TestWorld, installation: str = "") -> tuple[str, ...]:
    provider = provider_of(proof)
    return hook.accept(provider, installation or provider, received, world).deliveries


def _forgeries(name: str, proof: Proof, raw: bytes, world: TestWorld) -> Iterator[tuple[str, Received]]:
    """Webhooks that prove nothing, by the way in which they do not."""
    now = world.now()
    right = signed(name, raw, now)
    shown = proof.shown(right)
    yield "no proof", proof.without(right)
    yield "empty", proof.with_proof(right, "")
    yield "truncated by one", proof.with_proof(right, shown[:-1])
    yield "truncated to half", proof.with_proof(right, shown[: len(shown) // 2])
    yield "longer", proof.with_proof(right, shown + shown[-1])
    yield "last changed", proof.with_proof(right, shown[:-1] + ("0" if shown[-1] != "0" else "1"))
    yield "first changed", proof.with_proof(right, ("0" if shown[0] != "0" else "1") + shown[1:])
    yield "beyond ASCII", proof.with_proof(right, shown[:-1] + "é")
    yield "no secret", signed(name, raw, now, "")
    yield "wrong secret", signed(name, raw, now, "t" * 64)
    yield "other installation's", signed(name, raw, now, OTHER)
    if proof.digest:
        yield from _of_signatures(proof, right)
    if proof.stamp:
        for seconds in (-301, 302, -90_000, 90_000):
            yield f"signed {seconds} s from now", signed(name, raw, now + timedelta(seconds=seconds))
        headers = {key: value for key, value in right.headers.items() if key != proof.stamp}
        yield "no timestamp", replace(right, headers=headers)
        for stamp in ("", "now", "-1", "9" * 400, "٣", "NaN", "2026-13-45T00:00:00Z"):
            yield f"timestamp {stamp[:9]!r}", replace(right, headers={**headers, proof.stamp: stamp})
        moved = str(int(now.timestamp()) + 1)
        yield "another timestamp", replace(right, headers={**headers, proof.stamp: moved})


def _of_signatures(proof: Proof, right: Received) -> Iterator[tuple[str, Received]]:
    """Other bytes, and other algorithms: each computed with the right secret, over what is signed."""
    yield "other body", replace(right, raw=right.raw.replace(b"parcel", b"refund"))
    yield "longer body", replace(right, raw=right.raw + b" {}")
    yield "no body", replace(right, raw=b"")
    yield "the secret itself", proof.with_proof(right, SECRET)
    prefix = proof.shown(right).partition("=")[0] + "=" if "=" in proof.shown(right)[:8] else ""
    for algorithm in {"sha1", "sha256", "sha512", "md5"} - {proof.digest}:
        for begins in (prefix, f"{algorithm}=", ""):
            digest = hmac.new(SECRET.encode(), right.raw, algorithm).hexdigest()
            yield f"{algorithm} as {begins!r}", proof.with_proof(right, begins + digest)
    plain = hashlib.new(proof.digest, right.raw).hexdigest()
    yield "hash without a secret", proof.with_proof(right, prefix + plain)
    other = base64.b64encode(bytes.fromhex(plain)).decode()
    yield "other encoding", proof.with_proof(right, prefix + other)


def test_every_provider_has_its_row_and_its_recorded_message() -> None:
    assert {provider_of(proof) for proof in PROOFS} == ADAPTERS.keys() == PROVIDERS.keys() - BROWSERS
    assert all((EVENTS / f"{provider}-message.json").exists() for provider in ADAPTERS)


@pytest.mark.parametrize("proof", PROOFS)
def test_what_is_not_proved_changes_nothing_and_what_is_does(
    proof: str, world: TestWorld, moto_cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="sortownia")
    raw, everything = recorded(f"{provider_of(proof)}-message"), Everything(moto_cloud, world)
    before = everything.now()
    for how, forged in _forgeries(proof, PROOFS[proof], raw, world):
        with pytest.raises(NotAuthentic) as refused:
            pytest.fail(f"{how}: {accepted(proof, forged, world)}")
        assert SECRET not in str(refused.value), how
        assert "parcel" not in str(refused.value), how
    with pytest.raises(NotAuthentic):  # rightly signed, but for another installation
        accepted(proof, signed(proof, raw, world.now()), world, f"{provider_of(proof)}-2")
    for other in ADAPTERS.keys() - {provider_of(proof)}:
        with pytest.raises(Unknown):
            hook.accept(other, provider_of(proof), signed(proof, raw, world.now()), world)
    assert everything.now() == before

    (delivery,) = accepted(proof, signed(proof, raw, world.now()), world)
    after = everything.now()
    assert all(after[part] != before[part] for part in ("rows", "versions"))
    assert after["queues"] == before["queues"], "what was queued has been handled"
    assert entries(moto_cloud) == {"event": 1, "delivery": 1}
    assert any(delivery in row for row in after["rows"])
    assert SECRET not in caplog.text
    assert "parcel" not in caplog.text


@pytest.mark.parametrize("proof", PROOFS)
def test_a_message_sent_again_is_one_entry(proof: str, world: TestWorld, moto_cloud: Cloud) -> None:
    raw, everything = recorded(f"{provider_of(proof)}-message"), Everything(moto_cloud, world)
    first = signed(proof, raw, world.now())
    assert len(accepted(proof, first, world)) == 1
    rows = everything.now()["rows"]
    moto_cloud.clock.forward(seconds=1)
    for again in (first, signed(proof, raw, world.now())):
        assert len(accepted(proof, again, world)) == 1
        assert everything.now()["rows"] == rows
    moto_cloud.clock.forward(minutes=6)
    if PROOFS[proof].stamp:
        with pytest.raises(NotAuthentic):
            accepted(proof, first, world)
    assert len(accepted(proof, signed(proof, raw, world.now()), world)) == 1
    assert everything.now()["rows"] == rows


@pytest.mark.parametrize("proof", PROOFS)
@pytest.mark.parametrize("form", [lambda now: now, lambda now: json.dumps({"signing": now, "token": "a-token"})])
def test_old_and_new_secret_count_while_one_is_rotated_then_the_new_one(
    proof: str, world: TestWorld, moto_cloud: Cloud, form: Callable[[str], str]
) -> None:
    provider = provider_of(proof)
    raw, old, new, newest = recorded(f"{provider}-message"), SECRET, "n" * 64, "m" * 64

    rotate(moto_cloud, world, provider, form(new))
    for secret in (old, new):
        assert accepted(proof, signed(proof, raw, world.now(), secret), world)
    rotate(moto_cloud, world, provider, form(newest))
    with pytest.raises(NotAuthentic):
        accepted(proof, signed(proof, raw, world.now(), old), world)
    for secret in (new, newest):
        assert accepted(proof, signed(proof, raw, world.now(), secret), world)
    rotate(moto_cloud, world, provider, json.dumps({"signing": [newest, old]}))
    assert accepted(proof, signed(proof, raw, world.now(), old), world)


def _recorded(part: str) -> list[str]:
    return sorted(path.stem for path in EVENTS.glob(f"*-{part}*.json"))


@pytest.mark.parametrize("name", _recorded("own"))
def test_what_no_visitor_says_is_answered_and_leaves_nothing(name: str, world: TestWorld, moto_cloud: Cloud) -> None:
    proof = name.split("-", maxsplit=1)[0]
    everything = Everything(moto_cloud, world)
    before = everything.now()
    assert hook.accept(proof, proof, signed(proof, recorded(name), world.now()), world) == hook.Taken()
    assert everything.now() == before


@pytest.mark.parametrize("name", _recorded("batch"))
def test_each_message_of_a_batch_is_an_entry_once(name: str, world: TestWorld, moto_cloud: Cloud) -> None:
    """One raw object, one notice; and then one delivery each, however often either comes."""
    proof = name.split("-", maxsplit=1)[0]
    received = signed(proof, recorded(name), world.now())
    deliveries = accepted(proof, received, world)
    assert len(set(deliveries)) == len(deliveries) > 1
    (notice,) = moto_cloud.bodies(world.settings.inbound_queue_url)
    (stored,) = moto_cloud.s3.list_objects_v2(Bucket=BUCKETS[0])["Contents"]
    assert notice["key"] == stored["Key"]
    assert receive.delivery(json.dumps(notice), "sqs-1", 1, world) == ", ".join(["queued"] * len(deliveries))
    once = Everything(moto_cloud, world)
    rows = once.now()["rows"]
    assert entries(moto_cloud) == {"event": len(deliveries), "delivery": len(deliveries)}
    for count in (1, 1, 2, 5):  # and as what failed before
        receive.delivery(json.dumps(notice), "sqs-1", count, world)
        accepted(proof, received, world)
        assert once.now()["rows"] == rows


def test_a_message_that_kills_intake_takes_no_other_of_its_batch_with_it(world: TestWorld, moto_cloud: Cloud) -> None:
    class Killed(Exception):
        """Stands for a bug, or the end of a process."""

    class Deadly(WordModel):
        def tag(self, subject: str, body: str, channel: str) -> Any:
            if body == "The parcel":
                raise Killed
            return super().tag(subject, body, channel)

    vars(world)["model"] = Deadly()
    deliveries = accepted("whatsapp", signed("whatsapp", recorded("whatsapp-batch"), world.now()), world)
    waiting: list[tuple[str, int]] = [(json.dumps(b), 1) for b in moto_cloud.bodies(world.settings.inbound_queue_url)]
    outcomes: list[str] = []
    while waiting:
        body, count = waiting.pop(0)
        try:
            outcomes.append(receive.delivery(body, "sqs-1", count, world))
        except Killed:
            waiting.append((body, count + 1))
        waiting += [(json.dumps(one), 1) for one in moto_cloud.bodies(world.settings.inbound_queue_url)]
    assert sorted(outcomes) == ["handed in as 4", "handled before", "quarantined", "queued", "queued"]
    assert entries(moto_cloud) == {"event": 4, "delivery": 4}
    assert len(deliveries) == 4


@pytest.mark.parametrize("proof", [proof for proof in PROOFS if proof != "generic"])
@pytest.mark.parametrize("body", [b"no json", b"[]", b"{}", b'{"a": "' + b"x" * 1_000_000 + b'"}'])
def test_a_proved_body_nobody_understands_is_shown_to_people_or_says_nothing(
    proof: str, body: bytes, world: TestWorld, moto_cloud: Cloud
) -> None:
    """Only its sender could mend it, and he would only give it up."""
    if PROOFS[proof].place == "body" and body != b"{}":
        return  # such a body has no proof in it
    provider = provider_of(proof)
    deliveries = accepted(proof, signed(proof, body, world.now()), world)
    notices = moto_cloud.bodies(world.settings.inbound_queue_url)
    outcomes = [receive.delivery(json.dumps(notice), "sqs-1", 1, world) for notice in notices]
    assert (len(deliveries), outcomes) == ((0, []) if body == b"{}" else (1, ["quarantined"])), provider


def test_messages_to_other_accounts_are_none_of_an_installation_that_names_its_own(
    world: TestWorld, moto_cloud: Cloud
) -> None:
    named = dict(world.policy.installations)
    named["whatsapp"] = replace(named["whatsapp"], account="106540352242923")
    object.__setattr__(world, "policy", replace(world.policy, installations=named))
    received = signed("whatsapp", recorded("whatsapp-batch"), world.now())
    assert len(accepted("whatsapp", received, world)) == 2
    Everything(moto_cloud, world).now()
    assert entries(moto_cloud) == {"event": 2, "delivery": 2}
    before = Everything(moto_cloud, world).now()
    assert accepted("whatsapp", signed("whatsapp", recorded("whatsapp-message"), world.now()), world) == ()
    assert Everything(moto_cloud, world).now() == before


def test_a_secret_in_a_body_is_not_stored_with_it(world: TestWorld, moto_cloud: Cloud) -> None:
    accepted("livechat", signed("livechat", recorded("livechat-message"), world.now()), world)
    (stored,) = moto_cloud.s3.list_objects_v2(Bucket=BUCKETS[0])["Contents"]
    kept = world.raw.read(stored["Key"])
    assert SECRET.encode() not in kept
    assert json.loads(kept)["payload"] == json.loads(recorded("livechat-message"))["payload"]


@pytest.mark.parametrize("proof", [proof for proof in PROOFS if PROOFS[proof].place != "body"])
def test_the_very_bytes_are_stored(proof: str, world: TestWorld, moto_cloud: Cloud) -> None:
    raw = recorded(f"{provider_of(proof)}-message") + b"\n \n"
    accepted(proof, signed(proof, raw, world.now()), world)
    (stored,) = moto_cloud.s3.list_objects_v2(Bucket=BUCKETS[0])["Contents"]
    assert world.raw.read(stored["Key"]) == raw


def test_crisp_may_have_signed_its_own_spelling_of_the_body(world: TestWorld) -> None:
    """JSON.stringify leaves out blanks and escapes; how the body was sent need not be how it was signed."""
    said = json.loads(recorded("crisp-message"))
    said["data"]["content"] = "Gdzie jest moja paczka? 📦"
    sent = json.dumps(said, indent=2).encode()  # with blanks, and escaped
    spelt = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
    proved = replace(signed("crisp", spelt, world.now()), raw=sent)
    assert accepted("crisp", proved, world)
    with pytest.raises(NotAuthentic):
        accepted("crisp", replace(proved, raw=sent.replace(b"Gdzie", b"Kiedy")), world)


def test_a_challenge_is_said_back_to_who_proves_himself_alone(world: TestWorld, moto_cloud: Cloud) -> None:
    everything = Everything(moto_cloud, world)
    before = everything.now()
    raw = recorded("slack-handshake")
    assert hook.accept("slack", "slack", signed("slack", raw, world.now()), world) == hook.Taken(
        challenge=json.loads(raw)["challenge"]
    )
    with pytest.raises(NotAuthentic):
        hook.accept("slack", "slack", signed("slack", raw, world.now(), OTHER), world)
    assert everything.now() == before


HANDSHAKES: Mapping[str, tuple[dict[str, Any], str, bool]] = {
    "the token": ({"verify": "v" * 40}, "v" * 40, True),
    "one of two": ({"verify": ["w" * 40, "v" * 40]}, "v" * 40, True),
    "another": ({"verify": "v" * 40}, "w" * 40, False),
    "none": ({"verify": "v" * 40}, "", False),
    "a part": ({"verify": "v" * 40}, "v" * 39, False),
    "the signing secret": ({"verify": "v" * 40}, "n" * 64, False),
    "where there is none": ({}, "", False),
}


@pytest.mark.parametrize("provider", ["messenger", "whatsapp"])
@pytest.mark.parametrize("how", HANDSHAKES)
def test_hands_are_shaken_by_who_knows_the_token(provider: str, how: str, world: TestWorld, moto_cloud: Cloud) -> None:
    more, token, good = HANDSHAKES[how]
    rotate(moto_cloud, world, provider, json.dumps({"signing": "n" * 64, **more}))
    if good:
        assert hook.shake_hands(provider, provider, token, "1158201444", world) == "1158201444"
    else:
        with pytest.raises(NotAuthentic):
            hook.shake_hands(provider, provider, token, "1158201444", world)


@pytest.mark.parametrize("provider", sorted(ADAPTERS.keys() - {"messenger", "whatsapp"}))
def test_other_providers_shake_no_hands(provider: str, world: TestWorld) -> None:
    with pytest.raises(Unknown):
        hook.shake_hands(provider, provider, SECRET, "1", world)


def test_what_is_secret_is_not_printed(world: TestWorld, moto_cloud: Cloud) -> None:
    said = {"signing": [SECRET], "token": "the-token", "user": "the-user", "verify": "the-word"}
    rotate(moto_cloud, world, "slack", json.dumps(said))
    secret = world.secrets.of_installation("slack")
    assert (secret.token, secret.user, secret.verify) == ("the-token", "the-user", ("the-word",))
    received = signed("sunshine", recorded("sunshine-message"), world.now())
    for shown in (secret, received, world.secrets, world, world.policy, world.settings):
        for text in (repr(shown), str(shown), f"{shown}"):
            assert not any(word in text for word in (SECRET, "the-token", "the-user", "the-word", "parcel"))
