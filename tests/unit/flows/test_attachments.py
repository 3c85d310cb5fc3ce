"""Files of a mail: kept apart before the mail is told of, and given to who may read it."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError

from chalicelib.errors import LostRace, NotAllowed, Unavailable, Unknown
from chalicelib.flows import look, quarantine, receive
from chalicelib.item.arrive import file_key
from chalicelib.item.change import Delivery
from chalicelib.item.item import CustomerId
from chalicelib.rights import Caller
from tests import letters
from tests.cloud import BUCKETS, Cloud, TestWorld
from tests.desk import ANNA, SAM
from tests.unit.flows.scenes import chat, items, told

pytestmark = pytest.mark.usefixtures("sound")

FILES = (
    ("umowa.pdf", "application/pdf", b"%PDF-1.7 words"),
    ("page.html", "text/html", b"<script>alert(1)</script>"),
    ("umowa.pdf", "application/octet-stream", b""),
)


def arrives(world: TestWorld, ses_id: str = "ses-1", times: int = 1, **mail: Any) -> str:
    notice = letters.store_mail(world, ses_id, letters.mail(**{"files": FILES, **mail}))
    return receive.delivery(notice, "sqs-1", times, world)


def kept(cloud: Cloud) -> dict[str, bytes]:
    found = cloud.s3.list_objects_v2(Bucket=BUCKETS[0], Prefix="files/").get("Contents", [])
    return {one["Key"]: cloud.s3.get_object(Bucket=BUCKETS[0], Key=one["Key"])["Body"].read() for one in found}


def key(number: int, ses_id: str = "ses-1") -> str:
    return file_key(Delivery("mail", ses_id), number)


def test_files_are_kept_where_the_entry_says(world: TestWorld, moto_cloud: Cloud) -> None:
    assert arrives(world) == "queued"
    (item,) = items(moto_cloud)
    told = world.table.event(item.customer_id, 1).payload
    assert told
    assert [
        (file["name"], file["type"], file["size"], file["inline"], file["key"]) for file in told["attachments"]
    ] == [
        ("umowa.pdf", "application/pdf", 14, False, key(1)),
        ("page.html", "text/html", 25, False, key(2)),
        ("umowa (2).pdf", "application/pdf", 0, False, key(3)),
    ]
    assert kept(moto_cloud) == {key(1): FILES[0][2], key(2): FILES[1][2], key(3): b""}
    for stored in kept(moto_cloud):
        head = moto_cloud.s3.head_object(Bucket=BUCKETS[0], Key=stored)
        assert head["ContentType"] == "application/octet-stream"


def test_a_key_tells_deliveries_apart_and_holds_nothing_of_anybody() -> None:
    keys = [file_key(Delivery(channel, name), 1) for channel in ("mail", "chat") for name in ("../a", "a/1", "a")]
    assert len(set(keys)) == len(keys)
    assert all(one.startswith("files/") and one.count("/") == 2 and ".." not in one for one in keys)


def test_an_automatic_mail_keeps_its_files_too(world: TestWorld, moto_cloud: Cloud) -> None:
    assert arrives(world, Auto_Submitted="auto-replied") == "recorded as automatic"
    assert len(kept(moto_cloud)) == 3


def test_a_mail_that_came_before_is_not_kept_again(world: TestWorld, moto_cloud: Cloud) -> None:
    arrives(world)
    assert arrives(world, "ses-2") == "seen again"
    assert arrives(world) == "handled before"
    assert set(kept(moto_cloud)) == {key(1), key(2), key(3)}


def test_without_files_nothing_is_written_but_rows(world: TestWorld, moto_cloud: Cloud) -> None:
    seen: list[str] = []
    moto_cloud.s3.meta.events.register("before-call.s3.*", note := lambda model, **_: seen.append(model.name))
    try:
        arrives(world, files=())
    finally:
        moto_cloud.s3.meta.events.unregister("before-call.s3.*", note)
    assert seen == ["PutObject", "GetObject"]  # the test's own, and the mail


def test_a_lost_race_does_not_write_the_files_again(world: TestWorld, moto_cloud: Cloud) -> None:
    lost = [LostRace(("customer",))]
    saved, written = world.table.save, []
    vars(world)["table"] = Losing(world.table, lost)
    moto_cloud.s3.meta.events.register("before-call.s3.PutObject", note := lambda **_: written.append(1))
    try:
        assert arrives(world) == "queued"
    finally:
        moto_cloud.s3.meta.events.unregister("before-call.s3.PutObject", note)
    assert not lost
    assert len(written) == 1 + len(FILES)
    assert saved


class Losing:
    """A table that loses the next race."""

    def __init__(self, table: Any, lost: list[LostRace]) -> None:
        self._table, self._lost = table, lost

    def __getattr__(self, name: str) -> Any:
        if name == "save" and self._lost:
            raise self._lost.pop()
        return getattr(self._table, name)


def test_a_mail_whose_files_cannot_be_kept_is_not_told_of(world: TestWorld, moto_cloud: Cloud) -> None:
    notice = letters.store_mail(world, "ses-1", letters.mail(files=FILES))

    def away(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "SlowDown"}}, "PutObject")

    moto_cloud.s3.meta.events.register("before-call.s3.PutObject", away)
    try:
        with pytest.raises(Unavailable):
            receive.delivery(notice, "sqs-1", 1, world)
    finally:
        moto_cloud.s3.meta.events.unregister("before-call.s3.PutObject", away)
    assert items(moto_cloud) == []
    assert receive.delivery(notice, "sqs-1", 2, world) == "queued"
    assert len(kept(moto_cloud)) == 3


def test_who_serves_the_customer_gets_an_address_that_holds_for_a_minute(world: TestWorld, moto_cloud: Cloud) -> None:
    arrives(world)
    customer = items(moto_cloud)[0].customer_id
    found = look.attachment(customer, "1", "1", ANNA, world)
    assert (found.name, found.type, found.size) == ("umowa.pdf", "application/pdf", 14)
    assert 59 < (found.expires_at - world.now()).total_seconds() <= 60
    asked = {name: values[0] for name, values in parse_qs(urlsplit(found.url).query).items()}
    assert (asked["X-Amz-Expires"], asked["X-Amz-Algorithm"]) == ("60", "AWS4-HMAC-SHA256")
    assert asked["response-content-disposition"] == "attachment; filename*=UTF-8''umowa.pdf"
    assert asked["response-content-type"] == "application/pdf"
    assert urlsplit(found.url).path.endswith(f"/{key(1)}")


@pytest.mark.parametrize(
    ("kind", "content", "given"),
    [
        ("image/png", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("text/html", b"<html>", "application/octet-stream"),
        ("image/svg+xml", b"<svg>", "application/octet-stream"),
        ("application/xml", b"<a/>", "application/octet-stream"),
        ("image/png", b"<html><script>", "application/octet-stream"),
        ("application/x-shockwave-flash", b"x", "application/octet-stream"),
    ],
)
def test_what_a_browser_would_run_is_given_as_bytes(
    world: TestWorld, moto_cloud: Cloud, kind: str, content: bytes, given: str
) -> None:
    arrives(world, files=(('a"; x=".ł', kind, content),))
    url = look.attachment(items(moto_cloud)[0].customer_id, "1", "1", ANNA, world).url
    asked = parse_qs(urlsplit(url).query)
    assert asked["response-content-type"] == [given]
    assert asked["response-content-disposition"] == ["attachment; filename*=UTF-8''a_%3B%20x%3D_.%C5%82"]


@pytest.mark.parametrize(
    ("seq", "number"),
    [
        ("1", "4"),
        ("1", "0"),
        ("0", "1"),
        ("2", "1"),
        ("1", "-1"),
        ("1", "x"),
        ("1", "\u0661"),
        ("9" * 13, "1"),
        ("", ""),
    ],
)
def test_what_is_not_there_is_unknown(world: TestWorld, moto_cloud: Cloud, seq: str, number: str) -> None:
    arrives(world)
    with pytest.raises(Unknown):
        look.attachment(items(moto_cloud)[0].customer_id, seq, number, ANNA, world)


def test_files_of_another_customer_of_a_chat_and_of_what_was_erased_are_unknown(
    world: TestWorld, moto_cloud: Cloud
) -> None:
    arrives(world)
    chat(world, "d1", "Hello")
    mail, talk = items(moto_cloud)
    for customer in (CustomerId("nobody"), talk.customer_id):
        with pytest.raises(Unknown):
            look.attachment(customer, "1", "1", ANNA, world)
    row = {"pk": {"S": f"CUSTOMER#{mail.customer_id}"}, "sk": {"S": "EVENT#000000000001#PAYLOAD"}}
    moto_cloud.dynamodb.delete_item(TableName="desk-table", Key=row)
    with pytest.raises(Unknown):
        look.attachment(mail.customer_id, "1", "1", ANNA, world)


def test_who_has_no_role_at_the_desk_gets_no_address(world: TestWorld, moto_cloud: Cloud) -> None:
    arrives(world)
    customer = items(moto_cloud)[0].customer_id
    for caller in (Caller("gone", frozenset({"agent"})), replace(ANNA, roles=frozenset())):
        with pytest.raises(NotAllowed):
            look.attachment(customer, "1", "1", caller, world)


def test_files_of_what_is_let_out_of_quarantine_can_be_had(world: TestWorld, moto_cloud: Cloud) -> None:
    raw = letters.mail(files=FILES)
    assert receive.delivery(letters.store_mail(world, "ses-1", raw, spam="FAIL"), "sqs-1", 1, world) == "quarantined"
    (found,) = items(moto_cloud)
    quarantine.admit(found.id, found.version, SAM, world)
    seq = next(event.seq for event in told(world, found) if event.type == "item-admitted")
    link = look.attachment(found.customer_id, str(seq), "1", SAM, world)
    key = urlsplit(link.url).path.removeprefix("/")
    assert moto_cloud.s3.get_object(Bucket=BUCKETS[0], Key=key)["Body"].read() == FILES[0][2]
