"""Mails collected from public projects, read where they lie: never an exception, never an empty answer."""

import json
import os
import re
import time
from pathlib import Path

import pytest

from chalicelib.intake import email
from chalicelib.intake.message import Automatic

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
    assert sum(flag is not None and flag not in SOFT for flag in flags) >= 0.98 * len(flags)


def test_mails_of_people_are_not() -> None:
    people = [path for path in mails("mime") if re.search(r"/(redmine|spamassassin|notmuch|rspamd)/", str(path))]
    flags = [email.read(path.read_bytes()).automatic for path in people]
    assert sum(flag is not None and flag not in SOFT for flag in flags) <= 0.005 * len(flags)
