"""The mail door, with a real SMTP client and a store and topic made of lists."""

import json
import smtplib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from sortownia.local.error import LocalError
from sortownia.local.smtp import MailDoor

MAILBOXES = ("help@shop.example.com", "billing@shop.example.com")
MAIL = b"From: Ann <ann@customer.example.com>\r\nTo: help@shop.example.com\r\nSubject: Hi\r\n\r\nHello\r\n"


@dataclass
class World:
    """What the door has stored and told; `broken` makes a step fail, `wait` makes storing slow."""

    objects: dict[str, bytes] = field(default_factory=dict)
    notices: list[dict] = field(default_factory=list)
    broken: str = ""
    bug: Exception | None = None
    together: threading.Barrier | None = None

    def store(self, key: str, raw: bytes) -> None:
        if self.bug:
            raise self.bug
        if self.broken == "store":
            raise OSError("S3 is away")
        if self.together:
            self.together.wait(5)
        self.objects[key] = raw

    def publish(self, notice: str) -> None:
        if self.broken == "publish":
            raise OSError("SNS is away")
        self.notices.append(json.loads(notice))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def door(world: World) -> Iterator[MailDoor]:
    with MailDoor(
        mailboxes=MAILBOXES,
        bucket="raw",
        topic="arn:topic",
        store=world.store,
        publish=world.publish,
        port=0,
    ) as door:
        yield door


@pytest.fixture
def client(door: MailDoor) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", door.port, timeout=10) as client:
        yield client


def send(
    client: smtplib.SMTP, raw: bytes = MAIL, sender: str = "ann@customer.example.com", to: str = MAILBOXES[0]
) -> None:
    client.sendmail(sender, [to], raw, mail_options=["BODY=8BITMIME"])


def test_announces_what_ses_takes(client: smtplib.SMTP) -> None:
    client.ehlo()
    assert client.esmtp_features["size"] == str(40 * 1024 * 1024)
    assert {"8bitmime", "smtputf8"} <= client.esmtp_features.keys()


def test_mail_is_stored_below_the_added_headers_byte_by_byte(client: smtplib.SMTP, world: World) -> None:
    raw = MAIL + b".\r\n..two\r\n\xff\xfe 8-bit \x00\r\n" + b"x" * 5000 + b"\r\n"
    send(client, raw)
    (key,), (stored,) = world.objects, world.objects.values()
    assert key.startswith("mail/")
    assert stored.startswith(b"Return-Path: <ann@customer.example.com>\r\nReceived: ")
    assert stored.endswith(raw)


def test_notice_says_where_the_mail_is(client: smtplib.SMTP, world: World) -> None:
    send(client)
    (notice,) = world.notices
    (key,) = world.objects
    assert notice["notificationType"] == "Received"
    assert notice["receipt"]["action"] == {
        "type": "S3",
        "topicArn": "arn:topic",
        "bucketName": "raw",
        "objectKeyPrefix": "mail/",
        "objectKey": key,
    }
    assert notice["mail"]["messageId"] == key.removeprefix("mail/")
    assert notice["mail"]["source"] == "ann@customer.example.com"
    assert notice["receipt"]["recipients"] == ["help@shop.example.com"]


def test_unknown_recipient_is_refused(client: smtplib.SMTP, world: World) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(client, to="nobody@shop.example.com")
    assert refused.value.recipients["nobody@shop.example.com"][0] == 550
    assert not world.objects


@pytest.mark.parametrize("address", ["HELP@Shop.Example.COM", "help+order-7@shop.example.com"])
def test_spellings_of_a_mailbox_are_accepted(client: smtplib.SMTP, world: World, address: str) -> None:
    send(client, to=address)
    assert world.notices[0]["receipt"]["recipients"] == [address]


def test_mail_for_two_mailboxes_is_one_delivery(client: smtplib.SMTP, world: World) -> None:
    client.sendmail("a@b.example.com", [*MAILBOXES, MAILBOXES[0]], MAIL)
    assert [n["receipt"]["recipients"] for n in world.notices] == [list(MAILBOXES)]


@pytest.mark.parametrize("step", ["store", "publish"])
def test_client_keeps_the_mail_when_a_step_fails(client: smtplib.SMTP, world: World, step: str) -> None:
    world.broken = step
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(client)
    assert refused.value.smtp_code == 451
    assert not world.notices
    world.broken = ""
    send(client)
    assert len(world.notices) == 1


def test_client_keeps_the_mail_when_we_have_a_bug(client: smtplib.SMTP, world: World) -> None:
    world.bug = ValueError("ours")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(client)
    assert refused.value.smtp_code == 451


def test_announced_size_above_the_limit_is_refused(client: smtplib.SMTP) -> None:
    client.ehlo()
    code, _ = client.docmd(f"MAIL FROM:<a@b.example.com> SIZE={41 * 1024 * 1024}")
    assert code == 552


def test_unannounced_size_above_the_limit_is_refused(client: smtplib.SMTP, world: World) -> None:
    client.helo()
    client.mail("a@b.example.com")
    client.rcpt(MAILBOXES[0])
    code, _ = client.data(MAIL + (b"y" * 998 + b"\r\n") * (41 * 1024))
    assert code == 552
    assert not world.objects


def test_sessions_are_served_in_parallel(door: MailDoor, world: World) -> None:
    world.together = threading.Barrier(4)  # storing waits until four sessions are at it

    def one(_number: int) -> None:
        with smtplib.SMTP("127.0.0.1", door.port, timeout=10) as client:
            send(client)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(4)))
    assert len(world.notices) == len(world.objects) == 4


def test_undecodable_sender_makes_a_readable_notice(client: smtplib.SMTP, world: World) -> None:
    client.ehlo()
    for line in (b"MAIL FROM:<\xff@b.example.com> SMTPUTF8", b"RCPT TO:<help@shop.example.com>"):
        client.send(line + b"\r\n")
        assert client.getreply()[0] == 250
    client.data(MAIL)
    assert world.notices[0]["mail"]["source"] == "\N{REPLACEMENT CHARACTER}@b.example.com"


def test_taken_port_is_one_sentence_with_a_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(LocalError, match=rf"Port {port} for mail \(SMTP\) .*--smtp-port\.$"),
            MailDoor(
                mailboxes=(), bucket="b", topic="t", store=lambda _k, _r: None, publish=lambda _n: None, port=port
            ),
        ):
            pass
