"""Mails collected from public projects, read where they lie: never an exception, never an empty answer."""

import json
import os
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from chalicelib.intake import email
from chalicelib.intake.message import Automatic
from chalicelib.intake.written import written

ROOT = Path(__file__).parents[3]
MAIL = ROOT / os.environ.get("SORTOWNIA_SHARED", "../shared") / "mail"
SOFT = {Automatic.LIST, Automatic.BULK, Automatic.CALENDAR}
pytestmark = pytest.mark.skipif(
    not (MAIL / "MANIFEST.json").exists(), reason=f"no collected mails in {MAIL}: set SORTOWNIA_SHARED"
)


def mails(*kinds: str) -> list[Path]:
    manifest = json.loads((MAIL / "MANIFEST.json").read_text("utf-8"))
    return [MAIL / row["source"] / row["path"] for row in manifest if row["kind"] in kinds]


def test_every_mail_is_read_fast_enough() -> None:
    raws = [path.read_bytes() for path in mails("mime", "dsn", "notdsn")]
    start = time.process_time()
    messages = [email.read(raw) for raw in raws]
    assert len(messages) / (time.process_time() - start) >= 400
    for message in messages:
        json.dumps(message.text + message.written + message.subject, ensure_ascii=False).encode()
        assert message.written or not message.text.strip()


def test_returned_mails_are_flagged() -> None:
    flags = [email.read(path.read_bytes()).automatic for path in mails("dsn")]
    assert sum(flag is not None and flag not in SOFT for flag in flags) >= 0.99 * len(flags)


def test_mails_of_people_are_not() -> None:
    people = [path for path in mails("mime") if re.search(r"/(redmine|spamassassin|notmuch|rspamd)/", str(path))]
    flags = [email.read(path.read_bytes()).automatic for path in people]
    assert sum(flag is not None and flag not in SOFT for flag in flags) <= 0.005 * len(flags)


def expected(source: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((MAIL / source / "expected.json").read_text("utf-8"))
    return facts


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_failures_agree_with_those_others_read() -> None:
    told = Counter[str]()
    for path, wanted in expected("sisimai").items():
        found = email.read((MAIL / "sisimai" / path).read_bytes()).failures
        if wanted[0]["reason"] in ("feedback", "vacation", "delivered"):
            continue
        told["mails"] += 1
        told["named"] += bool(found)
        for want, got in zip(wanted, found, strict=False):
            told["pairs"] += 1
            told["same permanence"] += want["hardbounce"] == (got.permanent is True)
            if want["status"] and not re.match(r"[45]\.0\.9\d\d$", want["status"]):  # not a code of the tool's own
                told["coded"] += 1
                told["same code"] += want["status"] == got.status
    assert told["named"] >= 0.97 * told["mails"]
    assert told["same code"] >= 0.95 * told["coded"]
    assert told["same permanence"] >= 0.88 * told["pairs"]


def test_failed_recipients_agree_with_those_others_read() -> None:
    cases = expected("flufl.bounce").items()
    named = {path: {one.lower() for ones in wanted.values() for one in ones} for path, wanted in cases}
    read = {path: email.read((MAIL / "flufl.bounce" / path).read_bytes()).failures for path in named}
    same = [wanted == {one.recipient.lower() for one in read[path]} for path, wanted in named.items() if wanted]
    assert sum(same) >= 0.92 * len(same)


def test_the_newest_text_agrees_with_what_others_expect() -> None:
    pairs: list[tuple[str, str]] = []
    for source in ("crisp-reply", "willdurand-reply", "email_reply_parser", "mail-parser-reply"):
        for path, facts in expected(source).items():
            if wanted := facts.get("visible") or facts.get("first_fragment") or facts.get("body"):
                pairs.append(((MAIL / source / path).read_text("utf-8", "replace"), wanted))
    trimmed = MAIL / "discourse-trimmer" / "test" / "trimmed"
    for path in sorted(trimmed.glob("*.txt")):
        whole = trimmed.parent / "emails" / path.name
        if whole.exists() and path.read_text("utf-8", "replace").strip():
            pairs.append((whole.read_text("utf-8", "replace"), path.read_text("utf-8", "replace")))
    same = [squeezed(written(text)) == squeezed(wanted) for text, wanted in pairs]
    assert sum(same) >= 0.88 * len(same)
