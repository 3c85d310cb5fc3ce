"""What is lost comes back by itself, or by one command: notices of stored messages, bells, timers."""

import json
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from chalicelib.flows.ring import is_timed
from chalicelib.item.item import Item
from chalicelib.item.steps import waits
from chalicelib.store.rows import item_of
from infra.package import ROOT
from sortownia.local import feed, ses
from sortownia.local.system import FACTS
from tests.end_to_end.running import INSTALLATION, Running, eventually, waiting_items
from tests.end_to_end.test_claims import agent_at_work
from tests.end_to_end.test_intake import send
from tests.letters import mail

pytestmark = [pytest.mark.stack, pytest.mark.long]


@pytest.fixture
def impatient(running: Running) -> Iterator[None]:
    """The bucket tells of new objects after two seconds, not after a quarter of an hour."""
    sqs, url = running.stack.client("sqs"), running.stack.queue_urls["RecheckQueue"]
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "2"})
    yield
    sqs.set_queue_attributes(QueueUrl=url, Attributes=before)


def lost_mail(running: Running, sender: str) -> str:
    """A mail as SES leaves it in the bucket, and no notice of it; returns the cause its event will name."""
    arrival = ses.Arrival(
        message_id=ses.new_message_id(), source=sender, recipients=("billing@shop.example.com",), peer="127.0.0.1",
        helo="mail.customer.example.com", at=datetime.now(UTC), raw=mail(sender=sender, Message_ID=f"<{sender}>"),
    )  # fmt: skip
    stored = ses.process(arrival, bucket=running.stack.raw_bucket, topic=running.stack.mail_topic)
    running.stack.client("s3").put_object(Bucket=running.stack.raw_bucket, Key=stored.key, Body=stored.raw)
    return f"mail:{arrival.message_id}"


def lost_chat(running: Running, delivery: str) -> str:
    """A chat message our webhook stored, and no notice of it; returns the cause its event will name."""
    body = feed.chat_body(feed.Chat(delivery, f"visitor-{delivery}", "Piotr", "Is anybody there?"), delivery)
    key = f"chat/{INSTALLATION}/{delivery}"
    running.stack.client("s3").put_object(Bucket=running.stack.raw_bucket, Key=key, Body=body)
    return f"chat:{INSTALLATION}#{delivery}"


def arrivals(running: Running, causes: list[str]) -> dict[str, dict[str, Any]]:
    """The facts of what these deliveries caused."""
    return {e["cause"]: json.loads(e["facts"]) for e in running.rows("event") if e["cause"] in causes}


def counts(running: Running, function: str) -> Counter[str]:
    """What a function counted: its log's events that are embedded metrics as a whole."""
    found: Counter[str] = Counter()
    for event in running.stack.function_log(function):
        if event.startswith('{"_aws"'):
            line = json.loads(event)
            (directive,) = line["_aws"]["CloudWatchMetrics"]
            for metric in directive["Metrics"]:
                found[metric["Name"]] += line[metric["Name"]]
    return found


@pytest.mark.usefixtures("impatient")
def test_messages_whose_notice_is_lost_are_found_in_the_bucket(running: Running) -> None:
    run, started = secrets.token_hex(4), time.monotonic()
    before = counts(running, "recheck")["RawWithoutLedger"]
    lost = [lost_mail(running, f"{run}@customer.example.com"), lost_chat(running, f"{run}-lost")]
    heard = running.chat(f"{run}-heard", f"{run}-heard", "Hello?")
    send(running.system.smtp_port, [mail(sender=f"{run}@heard.example.com", Message_ID=f"<{run}@heard.example.com>")])
    causes = [*lost, heard]
    found = eventually(partial(arrivals, running, causes), lambda facts: facts.keys() == set(causes), 60)
    print(f"a lost mail and a lost chat message stood in timelines {time.monotonic() - started:.1f} s after they came")
    mailed, chatted = (found[cause] for cause in lost)
    assert (mailed["trusted"], mailed["note"]) == (False, "its notice never came")
    assert (mailed["source"], chatted["source"]) == ("billing@shop.example.com", INSTALLATION)
    assert chatted["trusted"] is True
    told = eventually(
        lambda: running.stack.function_log("recheck"), lambda log: sum('"handled"' in line for line in log) >= 2, 30
    )
    assert not [line for line in told if "failed" in line]
    assert counts(running, "recheck")["RawWithoutLedger"] == before + 2
    assert running.caused(causes) == dict.fromkeys(causes, 1)


def items(running: Running) -> list[Item]:
    return [item_of(row) for row in running.rows("item")]


def purged(running: Running) -> None:
    """All bells and timers are lost."""
    running.bells()
    sqs, url = running.stack.client("sqs"), running.stack.queue_urls["TimerQueue"]
    sqs.purge_queue(QueueUrl=url)
    assert timers(running) == 0


def timers(running: Running) -> int:
    return running.world.queues.depth(running.stack.queue_urls["TimerQueue"]).waiting


def rebuilt(running: Running) -> str:
    """What the command says, run as a person would in another terminal."""
    if not (running.stack.folder / FACTS).exists():
        running.system.announce()
    command = [sys.executable, "-m", "sortownia.cli", "rebuild-queues"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_lost_queues_are_rebuilt_from_the_table_alone(running: Running) -> None:
    made = waiting_items(running.world, 40, datetime.now(UTC))
    eventually(lambda: running.depth("WorkPeople"), lambda depth: depth >= 40, 60)
    claimed = running.http.post("/v1/queues/people/claim", headers=running.as_agent("agent-7")).json()["id"]
    purged(running)
    started = time.monotonic()
    told = rebuilt(running)
    print(f"rebuilt in {time.monotonic() - started:.1f} s: {' '.join(told.split())}")
    waiting = {(i.id, i.ring): 1 for i in items(running) if waits(i) and i.offered_to is None}
    assert len(waiting) >= 39
    assert running.bells() == waiting
    soon = datetime.now(UTC) + timedelta(minutes=1)
    timed = [i.id for i in items(running) if is_timed(i) and i.wake_at and i.wake_at > soon]
    assert claimed in timed
    assert timers(running) >= len(timed)

    rebuilt(running)
    rebuilt(running)  # doubles
    agents = [f"agent-{number}" for number in range(1, 5)]
    results = running.in_parallel([partial(agent_at_work, running, agent) for agent in agents], at_once=4)
    got = Counter(item for claims, _ in results for item in claims)
    assert made - {claimed} <= got.keys()
    assert set(got.values()) == {1}
