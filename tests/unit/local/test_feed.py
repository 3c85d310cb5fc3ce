"""Sample mail and chat as they leave."""

import hmac
import json
from email import message_from_bytes
from email.policy import default

import pytest

from sortownia.local import feed
from sortownia.local.error import LocalError
from sortownia.local.feed import Mail

FIRST = Mail("m1", "ann@a.example.com", "Анна", "help@shop.example.com", "Żółty", "Zażółć gęślą\n")
SECOND = Mail("m2", "ann@a.example.com", "Анна", "help@shop.example.com", "Re: Żółty", "And?", "m1")
THIRD = Mail("m3", "ann@a.example.com", "Анна", "help@shop.example.com", "Re: Żółty", "Hello?", "m2")


def test_signature_covers_timestamp_and_body() -> None:
    expected = hmac.new(b"secret", b'1700000000.{"a": 1}', "sha256").hexdigest()
    assert feed.sign("secret", "1700000000", b'{"a": 1}') == f"sha256={expected}"


@pytest.mark.parametrize(
    "other", [("other", "1700000000", b"x"), ("secret", "1700000001", b"x"), ("secret", "1700000000", b"y")]
)
def test_signature_changes_with_each_part(other: tuple[str, str, bytes]) -> None:
    assert feed.sign(*other) != feed.sign("secret", "1700000000", b"x")


def test_headers_carry_the_time_that_was_signed() -> None:
    headers = feed.signed_headers("secret", b"{}", clock=lambda: 1700000000.9)
    assert headers[feed.TIMESTAMP_HEADER] == "1700000000"
    assert headers[feed.SIGNATURE_HEADER] == feed.sign("secret", "1700000000", b"{}")


def test_chat_body_has_the_generic_providers_shape() -> None:
    body = json.loads(feed.chat_body(feed.Chat("c1", "v1", "Антон", "Здравствуйте"), "d1"))
    assert body.pop("sent_at").endswith("Z")
    assert body == {
        "id": "d1",
        "conversation": "c1",
        "visitor": {"id": "v1", "name": "Антон"},
        "text": "Здравствуйте",
    }


def test_answers_travel_after_what_they_answer() -> None:
    assert feed.waves([THIRD, FIRST, SECOND]) != []
    assert [[m.key for m in wave] for wave in feed.waves([FIRST, SECOND, THIRD])] == [["m1"], ["m2"], ["m3"]]


def test_mail_survives_the_wire() -> None:
    message = message_from_bytes(feed.compose(FIRST, [FIRST], "run").as_bytes(), policy=default)
    assert message["From"].addresses[0].display_name == "Анна"
    assert message["Subject"] == "Żółty"
    assert message.get_content().strip() == "Zażółć gęślą"
    assert message["Message-ID"] == "<m1.run@a.example.com>"
    assert message["Date"].datetime is not None


def test_answer_refers_to_the_whole_thread() -> None:
    message = feed.compose(THIRD, [FIRST, SECOND, THIRD], "run")
    assert message["In-Reply-To"] == "<m2.run@a.example.com>"
    assert message["References"] == "<m1.run@a.example.com> <m2.run@a.example.com>"


def test_two_runs_send_different_mails() -> None:
    ids = {feed.compose(FIRST, [FIRST], run)["Message-ID"] for run in ("a", "b")}
    assert len(ids) == 2


def test_samples_are_readable_and_answers_known() -> None:
    mails, chats = feed.sample_mails(), feed.sample_chats()
    assert mails
    assert chats
    keys = {mail.key for mail in mails}
    assert {mail.in_reply_to for mail in mails} - {None} <= keys
    assert sum(len(wave) for wave in feed.waves(mails)) == len(mails)


def test_a_webhook_nobody_answers_is_one_sentence() -> None:
    with pytest.raises(LocalError, match=r"^The chat webhook at http://127.0.0.1:9/hook gave no answer: \S"):
        feed.send_chat("http://127.0.0.1:9/hook", "secret", b"{}")
