"""Reading any bytes: never an exception but Unreadable, the same with every line end, in bounded time."""

import contextlib
import dataclasses
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.errors import Unreadable
from chalicelib.intake import email, html, thread
from chalicelib.intake.chat import generic
from chalicelib.intake.message import Message
from chalicelib.intake.written import written

HEADERS = [
    b"From: Anna <a@example.org>", b"From: \"", b"From: (((", b"From: <<>,;:", b"To: a@b, \"c\" <d@e>;",
    b"Subject: =?utf-8?q?=C5=82?=",
    b"Subject: =?utf-8?b?w?= =?utf-8?b?4?=", b"Subject: \xb3\xf3\xbf", b"Subject: \xc5",
    b"Date: Mon, 99 Foo 99999 99:99:99 +9999",
    b"Message-ID: <", b"References: <a@b> <c", b"Content-Type: text/html", b"Content-Type: text/plain; charset=\xff",
    b"Content-Type: text/plain; charset=utf-7", b"Content-Type: text/plain; charset=iso-2022-jp",
    b"Content-Type: text/plain; charset=hz; format=flowed", b"Content-Type: multipart/mixed; boundary=b",
    b"Content-Type: multipart/alternative; boundary=\"b\"", b"Content-Type: multipart/digest; boundary=b",
    b"Content-Type: message/rfc822", b"Content-Type: multipart/report; report-type=delivery-status; boundary=b",
    b"Content-Type: text/calendar; method=X", b"Content-Type: multipart/mixed", b"Content-Transfer-Encoding: base64",
    b"Content-Transfer-Encoding: quoted-printable", b"Content-Transfer-Encoding: x-uuencode", b" folded", b"no field",
    b"Content-Disposition: attachment; filename*0*=x''%; filename*1=", b"Return-Path: <>", b"",
]  # fmt: skip
BODIES = [
    b"--b", b"--b--", b"--", b"-- ", b"words", b"> quoted", b"On Mon, 2 Nov 2026 at 10:00, X <x@y.z> wrote:",
    b"", b"=", b"=C5=82=",
    b"WmHFvMOz", b"YQ==", b"#0V%T", b"<p>x<blockquote>y", b"<!--", b"<script>", b"\x1b$B!!", b"+2AA-",
    b"\xc5\x82\xff", b"~{!!~}",
    b"Content-Type: multipart/mixed; boundary=b", b"Action: failed", b"Sent from my iPhone",
    b"-----Original Message-----", b"Od: x@y.z", b"Temat: x", b"Do: y",
]  # fmt: skip
LINES = st.lists(st.sampled_from(HEADERS + BODIES), max_size=30)
MAILS = st.builds(
    lambda head, body: b"\n".join([*head, b"", *body]), st.lists(st.sampled_from(HEADERS), max_size=8), LINES
)
ANY_BYTES = (
    st.binary(max_size=2_000) | MAILS | st.builds(lambda a, b, c: a + b + c, MAILS, st.binary(max_size=50), MAILS)
)


def check(message: Message) -> None:
    """What holds for every message, whatever it came from."""
    kept = json.dumps(dataclasses.asdict(message), default=str, ensure_ascii=False).encode()
    assert rb"\u0000" not in kept.replace(rb"\\", b"")
    assert bool(message.written.strip()) == bool(message.text.strip())
    assert (message.automatic is None) == (message.automatic_reason == "")
    assert len(thread.references(message)) <= 20
    assert all(len(one.reason) <= 300 and "@" in one.recipient for one in message.failures)
    assert all(warning for warning in message.warnings)


@settings(max_examples=400, deadline=None)
@given(ANY_BYTES)
def test_any_bytes_are_read(raw: bytes) -> None:
    check(email.read(raw))
    try:
        assert email.parse(raw) == email.read(raw)
    except Unreadable:
        assert email.read(raw).channel == "mail"


@settings(max_examples=300, deadline=None)
@given(MAILS)
def test_line_ends_do_not_matter(raw: bytes) -> None:
    def view(eol: bytes) -> Message:
        message = email.read(raw.replace(b"\n", eol))
        unsized = tuple(dataclasses.replace(one, size=0) for one in message.attachments)
        return dataclasses.replace(message, attachments=unsized)

    assert view(b"\n") == view(b"\r\n") == view(b"\r")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=500) | LINES.map(lambda lines: b"\n".join(lines).decode("latin-1")))
def test_written_is_never_empty_and_adds_nothing(text: str) -> None:
    kept = written(text)
    assert bool(kept) == bool(text.strip())
    assert set(kept.split()) <= set(text.split())


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="<>/!-abpre\"'& ;#x\n", max_size=300))
def test_any_page_is_read(page: str) -> None:
    text, tags = html.to_text(page)
    assert tags <= page.count("<")
    assert len(text) <= 8 * len(page) + 8


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=300)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["id", "conversation", "visitor", "text", "sent_at", "attachments", "size"]), inner
            )
        ),
        max_leaves=20,
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_chat_body_is_a_message_or_unreadable(raw: bytes) -> None:
    with contextlib.suppress(Unreadable):
        check(generic.parse(raw))


BOMBS = {
    "line ends": (b"", b"\n"),
    "nested parts": (b"", b"Content-Type: multipart/mixed; boundary=b\n\n--b\n"),
    "nested mails": (b"", b"Content-Type: message/rfc822\n\n"),
    "many parts": (b"Content-Type: multipart/mixed; boundary=b\n", b"\n--b\n\nx"),
    "boundaries of boundaries": (b"Content-Type: multipart/mixed; boundary=a\n", b"\n--aaaa"),
    "long header": (b"X: ", b"a"),
    "many fields": (b"", b"X: a\n"),
    "stray lines": (b"", b"stray\nX: a\n"),
    "encoded words": (b"Subject: ", b"=?utf-8?q?"),
    "quotes in From": (b"From: ", b'"\\'),
    "brackets in From": (b"From: ", b"<"),
    "comments in From": (b"From: ", b"("),
    "many addresses": (b"To: ", b"a@b,"),
    "half ids": (b"References: ", b"a@"),
    "parameters": (b"Content-Type: text/plain", b';a="x'),
    "comments": (b"Content-Type: text/html\n\n", b"<!--"),
    "open tags": (b"Content-Type: text/html\n\n", b"<a "),
    "open quotes": (b"Content-Type: text/html\n\n", b"<a \"'"),
    "tags": (b"Content-Type: text/html\n\n", b"<b>"),
    "scripts": (b"Content-Type: text/html\n\n", b"<script><style>"),
    "blanks inside lines": (b"\n", b"x" + b" " * 5_000 + b"x"),
    "introductions": (b"\n", b"On 1 schrieb schrieb wrote schrieb\n"),
    "header blocks": (b"\n", b"From: a\n"),
    "8-bit words": (b"\n", bytes(range(128, 256))),
    "padded base64": (b"Content-Transfer-Encoding: base64\n\n", b"YQ==\n"),
    "quoted-printable": (b"Content-Transfer-Encoding: quoted-printable\n\n", b"="),
    "failures": (
        b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n",
        b"\nFinal-Recipient: a@b\n",
    ),
    "uuencode": (b"Content-Transfer-Encoding: x-uuencode\n\n", b"#0V%T\n"),
}


def seconds(name: str, size: int) -> float:
    start, unit = BOMBS[name]
    raw = b"MIME-Version: 1.0\n" + start + unit * (size // len(unit))
    begun = time.process_time()
    email.read(raw)
    return time.process_time() - begun


@pytest.mark.parametrize("name", BOMBS)
def test_hostile_mails_cost_their_length(name: str) -> None:
    assert seconds(name, 500_000) < 5


@pytest.mark.long
@pytest.mark.parametrize("name", BOMBS)
def test_the_largest_hostile_mails_are_read_in_ten_seconds(name: str) -> None:
    assert seconds(name, 40_000_000) < 10
