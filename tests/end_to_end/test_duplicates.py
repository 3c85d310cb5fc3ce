"""Many mails at once, every third or so twice, shuffled, to four receivers: each is one entry, each repeat a mark."""

import json
import multiprocessing
import random
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import pytest

from chalicelib.flows import receive
from chalicelib.settings import Settings
from chalicelib.store.rows import from_wire
from tests import letters
from tests.cloud import Cloud
from tests.end_to_end.running import Running, settings_of
from tests.invariants import violations

pytestmark = pytest.mark.stack

RECEIVERS = 4
PER_CUSTOMER = 5


@dataclass(frozen=True)
class Share:
    """What one receiver gets, in this order, and where it writes."""

    notices: Sequence[str]
    endpoint: str
    region: str
    settings: Settings


def received(share: Share) -> Counter[str]:
    """One receiver's process: what became of its notices."""
    cloud = Cloud(share.endpoint, share.region)
    world = cloud.world(share.settings)
    vars(world)["model"] = None
    outcomes = Counter(
        receive.delivery(notice, f"sqs-{number}", 1, world) for number, notice in enumerate(share.notices)
    )
    cloud.close()
    return outcomes


def composed(run: str, number: int) -> bytes:
    """One of the mails: each customer writes some."""
    sender = f"c{number // PER_CUSTOMER}-{run}@customer.example.com"
    return letters.mail(
        f"Where is parcel {number}?", sender, f"Parcel {number}", Message_ID=f"<{number}-{run}@x.example>"
    )


def notices(run: str, mails: int, repeats: int) -> list[str]:
    """The notices of all mails; every second repeat has the delivery id of its mail, the others one of their own."""
    found = [(number, f"{run}-{number}") for number in range(mails)]
    for number in range(repeats):
        of = number * mails // repeats
        found.append((of, f"{run}-{of}" if number % 2 else f"{run}-{of}-again"))
    told = []
    for number, delivery in found:
        notice = json.loads(letters.notice(delivery))
        notice["receipt"]["action"]["objectKey"] = f"mail/{run}-{number}"
        told.append(json.dumps(notice))
    random.Random(run).shuffle(told)
    return told


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("mails", "repeats"),
    [(500, 150), pytest.param(10_000, 3_000, marks=pytest.mark.long)],
    ids=["some", "ten thousand"],
)
def test_each_mail_is_one_entry_and_each_repeat_a_mark(running: Running, mails: int, repeats: int) -> None:
    run, stack = secrets.token_hex(4), running.stack
    settings = settings_of(stack, "https://issuer.example.com")
    # A bucket and a table that no function of the stack looks at.
    settings = replace(settings, table=f"twice-{run}", raw_bucket=f"twice-{run}")
    running.cloud.make_table(settings.table)
    s3 = running.cloud.s3
    s3.create_bucket(Bucket=settings.raw_bucket)
    with ThreadPoolExecutor(2) as pool:
        puts = [
            partial(s3.put_object, Bucket=settings.raw_bucket, Key=f"mail/{run}-{number}", Body=composed(run, number))
            for number in range(mails)
        ]
        for done in [pool.submit(put) for put in puts]:
            done.result()
    told = notices(run, mails, repeats)
    shares = [Share(told[start::RECEIVERS], stack.endpoint, stack.region, settings) for start in range(RECEIVERS)]
    started = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(RECEIVERS) as receivers:
        outcomes = sum(receivers.map(received, shares, chunksize=1), Counter[str]())
    print(f"\n{mails} mails and {repeats} repeats in {time.monotonic() - started:.0f} s: {dict(outcomes)}")
    assert outcomes == {"queued": mails, "seen again": repeats // 2, "handled before": repeats // 2}
    rows = [from_wire(row) for row in running.cloud.rows(settings.table)]
    kinds = Counter(row["kind"] for row in rows)
    assert (kinds["event"], kinds["item"], kinds["message"]) == (mails, mails, mails)
    assert kinds["customer"] == kinds["identity"] == mails // PER_CUSTOMER
    assert kinds["delivery"] == mails + repeats // 2
    assert sum("repeat_of" in row for row in rows if row["kind"] == "delivery") == repeats // 2
    assert violations(rows) == []
