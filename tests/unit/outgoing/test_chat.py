"""A reply in a chat, as the provider gets it."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chalicelib.errors import NotAuthentic, Unreadable
from chalicelib.intake.chat import generic
from chalicelib.outgoing import chat
from tests.chats import check_generic

NOW = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
BODY = chat.body("r1", "c1", "Dzień dobry 🙂", NOW)


def test_the_body_says_which_reply_in_which_conversation() -> None:
    said = {"id": "r1", "conversation": "c1", "text": "Dzień dobry 🙂", "sent_at": "2026-03-02T09:00:00.123Z"}
    assert json.loads(BODY) == said
    assert chat.body("r1", "c1", "Dzień dobry 🙂", NOW) == BODY


def test_a_provider_proves_it_the_way_we_prove_his() -> None:
    headers = chat.headers("secret", BODY, NOW)
    stamp, signature = headers[generic.TIMESTAMP_HEADER], headers[generic.SIGNATURE_HEADER]
    assert headers["Content-Type"] == "application/json"
    check_generic(["secret"], stamp, signature, BODY, NOW)
    for secret, raw, later in (("other", BODY, 0), ("secret", BODY + b" ", 0), ("secret", BODY, 301)):
        with pytest.raises(NotAuthentic):
            check_generic([secret], stamp, signature, raw, NOW + timedelta(seconds=later))


def test_the_documented_example_is_what_is_posted() -> None:
    page = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8").partition("## Replies in a chat")[2]
    shown = dict(re.findall(r"^(\w+) *= (.*)$", page, re.MULTILINE))
    at = datetime.fromtimestamp(int(shown["timestamp"]), UTC)
    raw = chat.body("r-9", "c-7", "Paczka przyjdzie jutro.", at)
    assert raw.decode() == shown["body"]
    assert chat.headers(shown["secret"], raw, at)[generic.SIGNATURE_HEADER] == shown["signature"]


def test_half_a_character_does_not_stop_a_reply() -> None:
    assert json.loads(chat.body("r1", "c1", "a\ud800b", NOW))["text"] == "a\ufffdb"


def test_a_reply_of_ours_is_no_message_of_a_visitor() -> None:
    with pytest.raises(Unreadable):
        generic.parse(BODY)
