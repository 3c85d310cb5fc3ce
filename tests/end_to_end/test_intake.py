"""Mail and chat through the whole stack: each delivery stands in a timeline exactly once."""

import json
import random
import re
import secrets
import smtplib
from collections import Counter
from functools import partial
from pathlib import Path

import httpx
import pytest

from chalicelib.intake import email
from tests.end_to_end.running import INSTALLATION, Running, eventually
from tests.letters import mail

pytestmark = pytest.mark.stack


def two_hundred_mails(folder: Path) -> list[bytes]:
    """200 whole mails of the shared half: seed 0, Message-IDs present and distinct, line ends CRLF."""
    manifest = json.loads((folder / "mail" / "MANIFEST.json").read_text())
    paths = sorted(f"{e['source']}/{e['path']}" for e in manifest if e["kind"] == "mime")
    random.Random(0).shuffle(paths)
    seen: set[str] = set()
    chosen: list[bytes] = []
    for path in paths:
        raw = (folder / "mail" / path).read_bytes()
        message_id = email.read(raw).message_id
        if message_id and message_id not in seen:
            seen.add(message_id)
            chosen.append(re.sub(rb"\r\n|\r|\n", b"\r\n", raw))
        if len(chosen) == 200:
            return chosen
    raise AssertionError(f"only {len(chosen)} mails")


def send(port: int, mails: list[bytes]) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=120) as session:
        for raw in mails:
            session.sendmail("sender@customer.example.com", ["help@shop.example.com"], raw)


@pytest.mark.timeout(600)
def test_two_hundred_mails_and_fifty_chats_arrive_exactly_once(running: Running, shared: Path) -> None:
    mails, run = two_hundred_mails(shared), secrets.token_hex(4)
    chats = [(f"{run}-{c}-{n}", f"{run}-{c}") for c in range(10) for n in range(5)]
    before = {row["pk"] for row in running.rows("delivery")}
    jobs = [partial(send, running.system.smtp_port, mails[start::4]) for start in range(4)]
    jobs += [partial(running.chat, delivery, talk, "Where is my parcel?") for delivery, talk in chats]
    running.in_parallel(jobs, at_once=8)

    deliveries = eventually(
        lambda: [row for row in running.rows("delivery") if row["pk"] not in before],
        lambda rows: len(rows) >= 250,
        300,
    )
    assert len(deliveries) == 250
    events = {e["event_id"]: e for e in running.rows("event")}
    items = {item["item_id"]: item for item in running.rows("item")}
    assert Counter(row["event_id"] for row in deliveries).most_common(1)[0][1] == 1, "a delivery without its own entry"
    outcomes: Counter[str] = Counter()
    for row in deliveries:
        event = events[row["event_id"]]
        facts = json.loads(event["facts"])
        if event.get("item_id"):
            outcomes[items[event["item_id"]]["state"]] += 1
        else:
            assert facts["automatic"]
            assert facts["reason"]
            outcomes["automatic"] += 1
    conversations = {row["item_id"] for row in running.rows("conversation") if f"{INSTALLATION}#{run}-" in row["pk"]}
    assert len(conversations) == 10
    for item in conversations:
        told = [e for e in events.values() if e.get("item_id") == item]
        assert sorted(int(e["version"]) for e in told) == [1, 2, 3, 4, 5]
    assert set(outcomes) <= {"queued", "quarantined", "automatic"}
    print(f"250 deliveries, each once in a timeline: {dict(outcomes)}; 10 chat items of 5 messages")


def test_garbage_becomes_a_quarantined_item_that_can_be_claimed(running: Running) -> None:
    before = {row["item_id"] for row in running.rows("item")}
    with smtplib.SMTP("127.0.0.1", running.system.smtp_port, timeout=60) as session:
        session.sendmail("sender@customer.example.com", ["help@shop.example.com"], b"\x93\xfe\r\n\xff\xd8 \x01\r\n")
    new = eventually(
        lambda: [i for i in running.rows("item") if i["item_id"] not in before], lambda items: len(items) == 1, 60
    )
    assert new[0]["state"] == "quarantined"
    claimed = running.http.post("/v1/queues/quarantine/claim", headers=running.as_agent("agent-1"))
    assert claimed.status_code == 200, claimed.text
    assert claimed.json()["state"] == "claimed"


def test_the_answer_to_a_known_mail_continues_its_item_and_its_timeline(running: Running) -> None:
    run, sender = secrets.token_hex(4), f"{secrets.token_hex(4)}@customer.example.com"
    first = mail("Where is my parcel?", sender, Message_ID=f"<first-{run}@customer.example.com>")
    send(running.system.smtp_port, [first])
    items = eventually(lambda: _items_of(running, sender), lambda found: len(found) == 1, 60)
    answer = mail(
        "Still nothing, I need it today", sender, "Re: Parcel",
        Message_ID=f"<second-{run}@customer.example.com>", In_Reply_To=f"<first-{run}@customer.example.com>",
    )  # fmt: skip
    send(running.system.smtp_port, [answer])
    again = eventually(lambda: _items_of(running, sender), lambda found: found and found[0]["version"] == 2, 60)
    assert len(again) == 1
    timeline = running.http.get(
        f"/v1/customers/{items[0]['customer_id']}/timeline", headers=running.as_agent("agent-1")
    ).json()
    assert [e["content"]["subject"] for e in timeline["events"]] == ["Parcel", "Re: Parcel"]


def test_what_a_customer_attached_is_had_as_a_file_and_in_no_other_way(running: Running) -> None:
    sender, page = f"{secrets.token_hex(4)}@customer.example.com", b"<script>alert(1)</script>"
    raw = mail(sender=sender, files=[("ł.html", "text/html", page)], Message_ID=f"<f-{secrets.token_hex(4)}@e.example>")
    send(running.system.smtp_port, [raw])
    (item,) = eventually(lambda: _items_of(running, sender), lambda found: len(found) == 1, 60)
    path = f"/v1/customers/{item['customer_id']}/attachments/1/1"
    address = running.http.get(path, headers=running.as_agent("agent-1")).json()["url"]
    given = httpx.get(address)
    assert given.content == page
    assert given.headers["Content-Type"] == "application/octet-stream"
    assert given.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%C5%82.html"
    assert running.http.get(path).status_code == 401


def test_a_wrong_signature_writes_nothing(running: Running) -> None:
    def everything() -> tuple[int, int, int]:
        table = running.stack.client("dynamodb").scan(TableName=running.stack.table, Select="COUNT")["Count"]
        objects = running.stack.client("s3").list_objects_v2(Bucket=running.stack.raw_bucket, Prefix="chat/")
        return table, objects["KeyCount"], running.depth("InboundQueue")

    eventually(lambda: running.depth("InboundQueue"), lambda depth: depth == 0, 60)
    before = everything()
    body = b'{"id": "x1", "conversation": "c", "visitor": {"id": "v"}, "text": "hello"}'
    headers = {"X-Sortownia-Timestamp": "1767225600", "X-Sortownia-Signature": "sha256=" + "0" * 64}
    answer = running.http.post(f"/v1/hooks/generic/{INSTALLATION}", content=body, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert everything() == before


def _items_of(running: Running, sender: str) -> list[dict[str, object]]:
    whose = {row["customer_id"] for row in running.rows("identity") if row["value"] == sender.lower()}
    return [item for item in running.rows("item") if item["customer_id"] in whose]
