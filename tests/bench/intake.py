"""How many mails are read in a second, beside the standard library and imap_tools on the same mails."""

import email as standard
import json
import os
import statistics
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email import policy as standard_policy
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Final

from imap_tools import MailMessage

from chalicelib.flows.tagging import tags_of
from chalicelib.intake import email
from chalicelib.item.arrive import Arrival, Known, NewIds, message_arrived
from chalicelib.item.change import Delivery
from chalicelib.item.item import CustomerId, ItemId
from chalicelib.policy import load as load_desk
from chalicelib.world import PACKAGED_MODEL
from classifiers.artifact import load, pinned
from sortownia.local import feed

ROOT: Final = Path(__file__).parents[2]
MAILS: Final = Path(os.environ.get("SORTOWNIA_SHARED", ROOT.parent / "shared")) / "mail"
KINDS: Final = ("mime", "dsn", "notdsn")
RUNS: Final = 5


def measure() -> dict[str, float]:
    """Medians of five runs of each reader, taken in turns; processor time of one core."""
    raws = mails()
    readers: dict[str, Callable[[bytes], object]] = {
        "parse": email.read, "policy_default": _policy_default, "imap_tools": _imap_tools, "intake": _intake(),
    }  # fmt: skip
    speeds: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(RUNS):
        for name, reader in readers.items():
            speeds[name].append(_mails_a_second(reader, raws))
    ratios = {
        peer: statistics.median(ours / theirs for ours, theirs in zip(speeds["parse"], speeds[peer], strict=True))
        for peer in ("policy_default", "imap_tools")
    }
    return {
        "parse_mails": len(raws),
        "parse_mails_per_s": round(statistics.median(speeds["parse"])),
        "parse_ratio_policy_default": round(ratios["policy_default"], 2),
        "parse_ratio_imap_tools": round(ratios["imap_tools"], 2),
        "intake_mails_per_s": round(statistics.median(speeds["intake"])),
    }


def mails() -> list[bytes]:
    """The collected mails where there are some, else the sample mails of the demo."""
    manifest = MAILS / "MANIFEST.json"
    if manifest.exists():
        rows = json.loads(manifest.read_text("utf-8"))
        return [(MAILS / row["source"] / row["path"]).read_bytes() for row in rows if row["kind"] in KINDS]
    samples = feed.sample_mails()
    return [feed.compose(sample, samples, str(number)).as_bytes() for number, sample in enumerate(samples * 10)]


def _mails_a_second(reader: Callable[[bytes], object], raws: Sequence[bytes]) -> float:
    started = time.process_time()
    for raw in raws:
        reader(raw)
    return len(raws) / (time.process_time() - started)


def _policy_default(raw: bytes) -> object:
    """Parses and reads what we read; it raises on some mails, which is then all it has to say of them."""
    try:
        found = standard.message_from_bytes(raw, _class=EmailMessage, policy=standard_policy.default)
        body = found.get_body(("plain", "html"))
        heads = [str(found[name]) for name in ("from", "to", "cc", "reply-to", "subject", "date", "message-id")]
        files = [(part.get_filename(), part.get_payload(decode=True)) for part in found.iter_attachments()]
        return heads, body.get_content() if body else "", files
    except Exception as problem:  # noqa: BLE001  whatever a peer raises
        return problem


def _imap_tools(raw: bytes) -> object:
    """The same by imap_tools."""
    try:
        found = MailMessage.from_bytes(raw)
        heads = (found.from_values, found.to_values, found.cc_values, found.reply_to_values, found.subject, found.date)
        files = [(part.filename, part.content_type, part.size) for part in found.attachments]
        return heads, found.headers.get("message-id"), found.text or found.html, files
    except Exception as problem:  # noqa: BLE001  whatever a peer raises
        return problem


def _intake() -> Callable[[bytes], object]:
    """Everything between the raw mail and the transaction: parse, strip, tag, decide."""
    model, desk, numbers = load(PACKAGED_MODEL, pinned(PACKAGED_MODEL)), load_desk(), count()
    now = datetime(2026, 11, 2, 9, tzinfo=UTC)
    mailbox = next(iter(desk.mailboxes))

    def intake(raw: bytes) -> object:
        number = f"{next(numbers):012}"
        message = email.read(raw)
        arrival = Arrival(delivery=Delivery("mail", number), source=mailbox, raw_key=number, received_at=now)
        ids = NewIds(ItemId(number), CustomerId(number), b"k" * 32, str(uuid.UUID(int=int(number))))
        return message_arrived(arrival, message, tags_of(message, model, desk), Known(), desk, ids)

    return intake
