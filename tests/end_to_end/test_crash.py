"""Killed workers and poisoned streams: nothing lost, nothing doubled, nobody held up."""

import os
import random
import secrets
import signal
import time
from contextlib import suppress
from functools import partial

import pytest

from chalicelib.store import keys, rows
from tests.end_to_end.running import Running, eventually
from tests.end_to_end.test_intake import send
from tests.letters import mail

pytestmark = pytest.mark.stack


@pytest.mark.timeout(600)
def test_killing_receive_five_times_loses_and_doubles_nothing(running: Running) -> None:
    run, chance = secrets.token_hex(4), random.Random(secrets.token_hex(4))
    running.bells()
    before = {row["pk"] for row in running.rows("delivery")}
    mails = [
        mail(f"Where is parcel {n}?", f"{run}-{n}@customer.example.com", Message_ID=f"<{run}-{n}@customer.example.com>")
        for n in range(100)
    ]
    feeding = partial(running.in_parallel, [partial(send, running.system.smtp_port, mails[s::4]) for s in range(4)], 4)
    killed = running.in_parallel([feeding, partial(_kill_receive, running, 5, chance)], at_once=2)[1]
    assert killed == 5
    deliveries = eventually(
        lambda: [row for row in running.rows("delivery") if row["pk"] not in before], lambda d: len(d) >= 100, 180
    )
    assert len(deliveries) == 100
    events = {e["event_id"]: e for e in running.rows("event")}
    told = [events[row["event_id"]] for row in deliveries]
    assert len({event["item_id"] for event in told}) == 100
    items = {row["item_id"]: row for row in running.rows("item")}
    new = [items[event["item_id"]] for event in told]
    assert all(item["version"] == 1 and item["ring"] == 1 for item in new)
    heard = eventually(partial(_heard, running, {}), lambda bells: all((i["item_id"], 1) in bells for i in new), 60)
    assert {item["item_id"]: heard[item["item_id"], 1] for item in new if heard[item["item_id"], 1] != 1} == {}
    quarantined = sum(item["state"] == "quarantined" for item in new)
    print(f"100 messages, receive killed {killed} times: each once, {quarantined} set aside; bells once each")


def test_a_poisoned_stream_record_holds_up_nothing(running: Running) -> None:
    table = running.stack.client("dynamodb")
    parked = running.depth("ParkingQueue")
    poison = {"kind": "item", "item_id": "poison", "state": "queued", "ring": "not a number"}
    table.put_item(TableName=running.stack.table, Item=rows.to_wire({**keys.item_key("poison"), **poison}))
    run = secrets.token_hex(4)
    behind = running.chat(run, run, "Is anybody there?")
    eventually(lambda: running.caused([behind]), lambda caused: caused[behind] == 1, 60)
    item = next(e["item_id"] for e in running.rows("event") if e["cause"] == behind)
    started = time.monotonic()
    eventually(partial(_heard, running, {}), lambda bells: (item, 1) in bells, 5)
    print(f"bell behind a poisoned record rang {time.monotonic() - started:.1f} s after its item was there")
    eventually(lambda: running.depth("ParkingQueue"), lambda depth: depth > parked, 10)
    table.delete_item(TableName=running.stack.table, Key=rows.to_wire(keys.item_key("poison")))


def _kill_receive(running: Running, times: int, chance: random.Random) -> int:
    """SIGKILLs a worker of `receive` so many times at random moments while it has work."""
    killed = 0
    while killed < times:
        time.sleep(chance.uniform(0.05, 1.0))
        for pid in running.stack.worker_pids("receive"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
                break
    return killed


def _heard(running: Running, so_far: dict[tuple[str, int], int]) -> dict[tuple[str, int], int]:
    for bell, times in running.bells().items():
        so_far[bell] = so_far.get(bell, 0) + times
    return so_far
