"""Customers who write at a given rate, whatever becomes of their letters, and when these could be claimed."""

import itertools
import json
import math
import secrets
import smtplib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

from sortownia.local import ports
from tests.end_to_end.running import Running, eventually
from tests.invariants import ARRIVALS
from tests.letters import mail
from training.starter import CORPUS

WRITERS: Final = 8


@dataclass(frozen=True)
class Written:
    """What a customer wrote: the cause its event names, and when (Unix seconds) it was meant to be, and was, taken."""

    cause: str
    due: float
    taken: float


def texts() -> Iterator[tuple[str, str]]:
    """Subject and body of what customers wrote, in five languages by turns, for ever."""
    files = sorted(path for path in CORPUS.glob("*.jsonl") if path.stem != "languages")
    rows = [map(json.loads, path.read_text("utf-8").splitlines()) for path in files]
    mixed = [row for several in itertools.zip_longest(*rows) for row in several if row]
    return itertools.cycle((row["subject"] or "Hello", row["body"]) for row in mixed)


def write(running: Running, number: int, rate: float, chat_every: int = 0) -> list[Written]:
    """So many customers, so many a second, WRITERS at once: who waits for his turn was due all the same.

    Each `chat_every`th writes by chat.
    """
    run, turns, lock = secrets.token_hex(4), iter(zip(range(number), texts(), strict=False)), threading.Lock()
    start = time.time()

    def customers() -> list[Written]:
        written = []
        with smtplib.SMTP(ports.HOST, running.system.smtp_port, timeout=120) as session:
            while True:
                with lock:
                    turn = next(turns, None)
                if turn is None:
                    return written
                one, (subject, body) = turn
                due = start + one / rate
                time.sleep(max(0.0, due - time.time()))
                if chat_every and one % chat_every == 0:
                    cause = running.chat(f"{run}-{one}", f"{run}-{one}", body)
                else:
                    cause = f"mail:{_handed_over(session, _composed(run, one, subject, body))}"
                written.append(Written(cause, due, time.time()))

    with ThreadPoolExecutor(WRITERS) as pool:
        return [one for done in [pool.submit(customers) for _ in range(WRITERS)] for one in done.result()]


def _composed(run: str, number: int, subject: str, body: str) -> bytes:
    sender = f"{run}-{number}@customer.example.com"
    return mail(body, sender, " ".join(subject.split()), Message_ID=f"<{number}.{run}@customer.example.com>")


def _handed_over(session: smtplib.SMTP, raw: bytes) -> str:
    """The id under which the mail was taken in."""
    session.ehlo_or_helo_if_needed()
    session.mail("sender@customer.example.com")
    session.rcpt("help@shop.example.com")
    code, said = session.data(raw)
    assert code == 250, said
    return said.decode().rpartition(" ")[2]


def claimable(running: Running, written: Sequence[Written], seconds: float) -> dict[str, float]:
    """When (Unix seconds) the first bell of what each of these caused was in its queue. Fails when one has none.

    What is recorded as automatic mail rings for nobody and is left out.
    """
    eventually(partial(all_idle, running), bool, seconds)
    entries = {event["cause"]: event for event in running.rows("event") if event["type"] in ARRIVALS}
    assert [one.cause for one in written if one.cause not in entries] == []
    items = {one.cause: entries[one.cause].get("item_id") for one in written}
    asking = [cause for cause in items if not json.loads(entries[cause]["facts"]).get("automatic")]
    rung: dict[str, float] = {}

    def silent() -> list[str]:
        for (item, _), at in running.heard():
            rung[item] = min(at.timestamp(), rung.get(item, math.inf))
        return [cause for cause in asking if items[cause] not in rung]

    # A bell that the stream's reader lost is rung by the minute watch.
    eventually(silent, lambda missing: not missing, 180)
    return {cause: rung[items[cause]] for cause in asking}


def all_idle(running: Running) -> bool:
    """Whether nothing is on its way any more; looked at twice, since what is between two queues shows in neither."""
    for _ in range(2):
        if any(running.depth(queue) for queue in ("InboundQueue", "SendQueue")):
            return False
        time.sleep(2)
    return True


def beside[T](work: Callable[[], T], other: Callable[[], None], every: float) -> T:
    """Does the work and, every so many seconds meanwhile, the other."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(every):
            other()

    with ThreadPoolExecutor(1) as pool:
        repeated = pool.submit(repeat)
        try:
            return work()
        finally:
            over.set()
            repeated.result()
