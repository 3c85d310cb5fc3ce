"""What SES is imitated to make of a mail."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sortownia.local import ses

ARRIVAL = ses.Arrival(
    message_id=ses.new_message_id(),
    source="ann@customer.example.com",
    recipients=("help@shop.example.com",),
    peer="127.0.0.1",
    helo="mail.customer.example.com",
    at=datetime(2026, 3, 1, 9, 30, 15, 123456, UTC),
    raw=b"From: Ann <ann@customer.example.com>\r\nTo: help@shop.example.com\r\nSubject: Hi\r\n\r\nHello\r\n",
)


def notice(arrival: ses.Arrival) -> dict[str, Any]:
    text = ses.process(arrival, bucket="raw", topic="arn:topic").notice
    assert len(text) < 200_000
    return json.loads(text)


def with_header(raw: bytes) -> ses.Arrival:
    return replace(ARRIVAL, raw=raw + b"\r\n" + ARRIVAL.raw)


def test_ids_look_like_those_of_ses() -> None:
    assert len(ARRIVAL.message_id) == 40
    assert ARRIVAL.message_id.isalnum()
    assert ses.new_message_id() != ARRIVAL.message_id


def test_honest_mail_passes_every_check() -> None:
    receipt = notice(ARRIVAL)["receipt"]
    assert {receipt[name]["status"] for name in ses.VERDICTS} == {"PASS"}
    assert receipt["timestamp"] == "2026-03-01T09:30:15.123Z"
    assert "dmarcPolicy" not in receipt


@pytest.mark.parametrize(
    ("domain", "failed"),
    [
        ("spam.example.com", {"spamVerdict"}),
        ("virus.example.com", {"virusVerdict"}),
        ("forged.example.com", {"spfVerdict", "dkimVerdict", "dmarcVerdict"}),
    ],
)
@pytest.mark.parametrize("place", ["envelope", "header"])
def test_verdicts_follow_the_senders_domain(domain: str, failed: set[str], place: str) -> None:
    if place == "envelope":
        arrival = replace(ARRIVAL, source=f"x@{domain}")
    else:
        arrival = replace(ARRIVAL, raw=ARRIVAL.raw.replace(b"customer.example.com", domain.encode()))
    verdicts = ses.judge(arrival)
    assert {name for name, status in verdicts.items() if status == "FAIL"} == failed


@pytest.mark.parametrize(
    ("envelope", "author", "dmarc"),
    [
        ("ann@customer.example.com", "ann@customer.example.com", "PASS"),
        ("bounce@mail.customer.example.com", "ann@customer.example.com", "PASS"),
        ("eve@evil.example", "ann@customer.example.com", "FAIL"),
        ("", "ann@customer.example.com", "FAIL"),
        ("ann@nopolicy.example.org", "ann@nopolicy.example.org", "GRAY"),
        ("eve@evil.example", "ann@nopolicy.example.org", "GRAY"),
    ],
)
def test_dmarc_wants_envelope_and_from_of_one_organisation(envelope: str, author: str, dmarc: str) -> None:
    arrival = replace(ARRIVAL, source=envelope, raw=ARRIVAL.raw.replace(b"ann@customer.example.com", author.encode()))
    assert ses.judge(arrival)["dmarcVerdict"] == dmarc
    results = message_from_bytes(ses.process(arrival, bucket="b", topic="t").raw)["Authentication-Results"]
    assert f"header.from={author.partition('@')[2]}" in results


def test_failed_dmarc_comes_with_the_senders_policy() -> None:
    assert notice(replace(ARRIVAL, source="x@forged.example.com"))["receipt"]["dmarcPolicy"] == "reject"


def test_added_headers_stand_above_those_the_sender_wrote() -> None:
    forged = with_header(b"X-SES-Spam-Verdict: PASS\r\nAuthentication-Results: amazonses.com; dmarc=pass")
    stored = ses.process(replace(forged, source="x@spam.example.com"), bucket="b", topic="t")
    message = message_from_bytes(stored.raw)
    assert message.get_all("X-SES-Spam-Verdict") == ["FAIL", "PASS"]
    assert stored.raw.endswith(forged.raw)
    assert message["Return-Path"] == "<x@spam.example.com>"


def test_headers_are_listed_in_order_and_unfolded() -> None:
    mail = notice(with_header(b"Subject: first\r\n second"))["mail"]
    subjects = [h["value"] for h in mail["headers"] if h["name"] == "Subject"]
    assert subjects == ["first second", "Hi"]
    assert mail["commonHeaders"]["subject"] == "first second"
    assert mail["commonHeaders"]["from"] == ["Ann <ann@customer.example.com>"]
    assert mail["headersTruncated"] is False


def test_long_headers_are_cut_and_say_so() -> None:
    many = b"\r\n".join(b"X-%d: %s" % (n, b"v" * 60) for n in range(5000))
    assert notice(with_header(many))["mail"]["headersTruncated"] is True


def test_one_huge_header_is_cut() -> None:
    notice(with_header(b"Subject: " + b"s" * 900_000))
    notice(with_header(b"To: " + b"a@b.example.com, " * 50_000))


@given(st.binary(max_size=600))
def test_no_bytes_break_it(raw: bytes) -> None:
    stored = ses.process(replace(ARRIVAL, raw=raw), bucket="b", topic="t")
    assert stored.raw.endswith(raw)
    stored.notice.encode("utf-8")
    json.dumps(json.loads(stored.notice), ensure_ascii=False).encode("utf-8")


@given(st.binary(max_size=200))
def test_no_header_value_breaks_it(value: bytes) -> None:
    arrival = with_header(b"From: " + value)
    json.dumps(notice(arrival), ensure_ascii=False).encode("utf-8")
