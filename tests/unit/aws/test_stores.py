"""Raw messages, the lake and secrets through their narrow doors; clients made once."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.aws import clients, secrets
from chalicelib.aws.lake import Lake
from chalicelib.aws.raw_store import RawStore
from chalicelib.aws.secrets import Secrets
from chalicelib.errors import Unavailable, Unknown
from tests.cloud import REGION, Cloud


@pytest.fixture
def bucket(moto_cloud: Cloud) -> str:
    moto_cloud.s3.create_bucket(Bucket="raw-bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
    return "raw-bucket"


def test_raw_bytes_come_back_as_they_went_in(moto_cloud: Cloud, bucket: str) -> None:
    raw = RawStore(moto_cloud.s3, bucket)
    raw.write("mail/1", bytes(range(256)), "message/rfc822")
    raw.write("mail/1", bytes(range(256)), "message/rfc822")
    assert raw.read("mail/1") == bytes(range(256))


def test_what_is_stored_first_stands(moto_cloud: Cloud, bucket: str) -> None:
    raw = RawStore(moto_cloud.s3, bucket)
    for body in (b"first", b"second"):
        raw.write_first("chat/1", body, "application/json")
    assert raw.read("chat/1") == b"first"
    with pytest.raises(Unavailable):
        RawStore(moto_cloud.s3, "no-such-bucket").write_first("chat/1", b"", "application/json")


def test_a_message_that_is_not_there_is_unknown(moto_cloud: Cloud, bucket: str) -> None:
    for store in (RawStore(moto_cloud.s3, bucket), RawStore(moto_cloud.s3, "no-such-bucket")):
        with pytest.raises(Unknown, match="mail/2"):
            store.read("mail/2")


@pytest.mark.parametrize(("most", "length"), [(1, 1), (100, 100), (256, 256), (10_000, 256)])
def test_the_beginning_of_a_message_is_read_alone(moto_cloud: Cloud, bucket: str, most: int, length: int) -> None:
    raw = RawStore(moto_cloud.s3, bucket)
    raw.write("mail/1", bytes(range(256)), "message/rfc822")
    assert raw.read("mail/1", most) == bytes(range(length))


def test_a_message_without_a_byte_begins_with_none(moto_cloud: Cloud, bucket: str) -> None:
    raw = RawStore(moto_cloud.s3, bucket)
    raw.write("mail/1", b"", "message/rfc822")
    assert raw.read("mail/1", 100) == b""
    with pytest.raises(Unknown):
        raw.read("mail/2", 100)


def test_an_address_of_an_object_gives_it_as_a_file(moto_cloud: Cloud, bucket: str) -> None:
    raw = RawStore(moto_cloud.s3, bucket)
    asked = parse_qs(urlsplit(raw.link("files/a/1", 'ł "x".html', "application/pdf", 60)).query)
    assert asked["response-content-type"] == ["application/pdf"]
    assert asked["response-content-disposition"] == ["attachment; filename*=UTF-8''%C5%82%20%22x%22.html"]
    assert asked["X-Amz-Expires"] == ["60"]


def test_an_address_is_signed_as_every_region_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for region in ("us-east-1", REGION):
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
        clients.s3.cache_clear()
        url = RawStore(clients.s3(), "raw.bucket").link("files/a/1", "x", "application/pdf", 60)
        assert urlsplit(url).path == "/raw.bucket/files/a/1"
        assert parse_qs(urlsplit(url).query)["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    clients.s3.cache_clear()


def test_a_bucket_that_is_not_there_takes_nothing(moto_cloud: Cloud) -> None:
    with pytest.raises(Unavailable):
        RawStore(moto_cloud.s3, "no-such-bucket").write("mail/1", b"", "message/rfc822")
    with pytest.raises(Unavailable):
        Lake(moto_cloud.s3, "no-such-bucket").append("2026-03-02", "1", [{}])


def test_the_lake_keeps_lines_by_day_and_the_same_lines_once(moto_cloud: Cloud, bucket: str) -> None:
    lake, lines = Lake(moto_cloud.s3, bucket), [{"b": "ż", "a": 1}, {"a": 2}]
    lake.append("2026-03-02", "100-2", lines)
    lake.append("2026-03-02", "100-2", lines)
    (found,) = moto_cloud.s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert found["Key"] == "events/day=2026-03-02/100-2.jsonl"
    body = moto_cloud.s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
    assert body == '{"a": 1, "b": "ż"}\n{"a": 2}\n'.encode()
    assert [json.loads(line) for line in body.splitlines()] == lines


def test_while_a_secret_is_rotated_both_are_good(moto_cloud: Cloud) -> None:
    moto_cloud.secrets.create_secret(Name="desk/hooks/w", SecretString="old")
    assert Secrets(moto_cloud.secrets, "desk").of_installation("w").signing == ("old",)
    moto_cloud.secrets.put_secret_value(SecretId="desk/hooks/w", SecretString="new")
    assert Secrets(moto_cloud.secrets, "desk").of_installation("w").signing == ("new", "old")


def test_a_secret_is_kept_for_a_while_and_then_read_anew(moto_cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    moto_cloud.secrets.create_secret(Name="desk/hooks/w", SecretString="old")
    kept = Secrets(moto_cloud.secrets, "desk")
    kept.of_installation("w")
    moto_cloud.secrets.put_secret_value(SecretId="desk/hooks/w", SecretString="new")
    assert kept.of_installation("w").signing == ("old",)
    monkeypatch.setattr(secrets, "KEPT_FOR", -1.0)
    assert kept.of_installation("w").signing == ("new", "old")


def test_a_secret_that_is_not_there_yet_is_asked_for_again(moto_cloud: Cloud) -> None:
    kept = Secrets(moto_cloud.secrets, "desk")
    assert kept.of_installation("w").signing == ()
    moto_cloud.secrets.create_secret(Name="desk/hooks/w", SecretString="first")
    assert kept.of_installation("w").signing == ("first",)
    assert kept.of_installation("other").signing == ()


def test_another_stacks_secret_is_not_ours(moto_cloud: Cloud) -> None:
    moto_cloud.secrets.create_secret(Name="other/hooks/w", SecretString="theirs")
    assert Secrets(moto_cloud.secrets, "desk").of_installation("w").signing == ()


def test_clients_are_made_once_and_give_up_in_time() -> None:
    makers = (clients.dynamodb, clients.s3, clients.sqs, clients.secrets_manager)
    for make in makers:
        client = make()
        assert client is make()
        config = client.meta.config
        assert config.retries["total_max_attempts"] * config.read_timeout <= 30
        assert config.connect_timeout <= 5
    assert clients.s3().meta.config.s3 == {"addressing_style": "path"}
    for make in makers:
        make.cache_clear()  # no other test meets clients of this one's environment
