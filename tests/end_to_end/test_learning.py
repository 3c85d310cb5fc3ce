"""From corrections to a served model and back, while messages keep coming: none lost, none untagged."""

import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from chalicelib.aws.models import PACKAGED, Models, Pointer, Unchanged
from infra.package import ROOT
from sortownia.local.system import FACTS
from tests.end_to_end.running import INSTALLATION, Running, eventually
from training import holdout, pack, starter
from training.dataset import Sample

pytestmark = [pytest.mark.stack, pytest.mark.long]

DECIDED = Path(__file__).with_name("data") / "decided.jsonl"
SERVED_WITHIN = 60.0  # seconds


def sortownia(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs a command of ours in a process of its own."""
    command = [sys.executable, "-m", "sortownia.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)


class Street:
    """Visitors who keep writing, one message each, until it is closed."""

    def __init__(self, running: Running) -> None:
        self.running, self.run = running, secrets.token_hex(4)
        self.sent: list[tuple[str, float]] = []  # cause, and when it was sent
        self._open = threading.Event()

    def walk(self) -> None:
        self._open.set()
        number = 0
        while self._open.is_set():
            number += 1
            name = f"{self.run}-walk-{number}"
            started = time.time()
            cause = self.running.chat(name, name, "Where is my parcel? It should have come on Monday.")
            self.sent.append((cause, started))
            time.sleep(0.5)

    @contextmanager
    def busy(self) -> Iterator[None]:
        """As long as the block lasts, messages come."""
        walker = threading.Thread(target=self.walk)
        walker.start()
        try:
            yield
        finally:
            self._open.clear()
            walker.join()


def items_by_cause(running: Running) -> dict[str, dict[str, Any]]:
    """The item each delivery opened."""
    events = [e for e in running.rows("event") if e["type"] == "message-received" and e.get("item_id")]
    items = {row["item_id"]: row for row in running.rows("item")}  # after: each of these events has its item by now
    return {event["cause"]: items[event["item_id"]] for event in events}


def model_of(item: dict[str, Any]) -> str:
    """Which model tagged an item, '' for none."""
    return str(json.loads(item["tags"])["model"]) if "tags" in item else ""


def first_tagged(running: Running, street: Street, model: str, since: float) -> float:
    """Seconds after `since` at which the first message was sent that this model tagged; fails after a minute."""

    def tagged() -> list[float]:
        found = items_by_cause(running)
        return [at - since for cause, at in street.sent if at >= since and model_of(found.get(cause, {})) == model]

    return min(eventually(tagged, bool, SERVED_WITHIN))


def all_tagged(running: Running, street: Street, model: str) -> None:
    """From now on, and that is half a minute after a model was first seen, no other tags."""
    since = time.time()
    time.sleep(5)
    causes = [cause for cause, at in list(street.sent) if at >= since]
    found = eventually(lambda: items_by_cause(running), lambda items: items.keys() >= set(causes), 30)
    assert {model_of(found[cause]) for cause in causes} == {model}


def pointer(models: Models) -> Pointer:
    found = models.pointer()
    assert found is not None
    assert not isinstance(found, Unchanged)
    return found


@pytest.fixture
def models(running: Running) -> Iterator[Models]:
    """The bucket of models; afterwards the packaged model serves again."""
    if not (running.stack.folder / FACTS).exists():
        running.system.announce()
    models = Models(running.stack.client("s3"), running.stack.resource("ModelBucket"))
    yield models
    if models.pointer() is not None:
        sortownia("rollback", PACKAGED)
        time.sleep(31)


def weak_model(folder: Path) -> Path:
    """A model of every fourth message of the corpus."""
    samples = holdout.taught(starter.read(starter.CORPUS))
    few = [s for n, s in enumerate(samples) if n % 4 == 0 or "topic" not in s.labels]
    pack.export(
        starter.fitted(few, starter.labels(starter.CORPUS), starter.progress_bar(quiet=True)), folder / "weak", "weak"
    )
    return folder / "weak"


def worse_model(folder: Path) -> Path:
    """A model that was taught each topic under its neighbour's name."""
    known = starter.labels(starter.CORPUS)
    after = dict(zip(known.topics, [*known.topics[1:], known.topics[0]], strict=True))
    samples = starter.read(starter.CORPUS)
    few = [s for n, s in enumerate(samples) if n % 4 == 0 or "topic" not in s.labels]
    wrong = [
        Sample(s.document, s.labels | {"topic": after[s.labels["topic"]]} if "topic" in s.labels else s.labels)
        for s in few
    ]
    pack.export(starter.fitted(wrong, known, starter.progress_bar(quiet=True)), folder / "worse", "worse")
    return folder / "worse"


@pytest.mark.timeout(1500)
def test_corrections_become_the_model_that_serves_and_one_command_takes_it_back(
    running: Running, models: Models, tmp_path: Path
) -> None:
    street, run = Street(running), secrets.token_hex(4)
    weak, worse = weak_model(tmp_path), worse_model(tmp_path)
    forced = sortownia("promote", str(weak), "--force", "a weak one, to be bettered")
    assert forced.returncode == 0, forced.stderr
    before = pointer(models).now.model_id
    time.sleep(31)
    decided = [json.loads(line) for line in DECIDED.read_text("utf-8").splitlines()]
    topics = {f"chat:{INSTALLATION}#{run}-{n}": one["topic"] for n, one in enumerate(decided)}
    jobs = [partial(running.chat, f"{run}-{n}", f"{run}-{n}", one["text"]) for n, one in enumerate(decided)]
    assert set(running.in_parallel(jobs, at_once=4)) == topics.keys()
    found = eventually(lambda: items_by_cause(running), lambda items: items.keys() >= topics.keys(), 120)
    assert {model_of(found[cause]) for cause in topics} == {before}
    with running.agent("supervisor-1") as supervisor:
        for cause, topic in topics.items():
            supervisor.tags(supervisor.item(found[cause]["item_id"]), topic=topic)
    print(f"\n{len(topics)} items corrected or confirmed")

    with street.busy():
        started = time.monotonic()
        made = sortownia("retrain", "--report", str(tmp_path / "report.json"))
        assert made.returncode == 0, made.stdout + made.stderr
        print(f"retrain: {time.monotonic() - started:.0f} s\n{made.stdout}")
        published = time.time()
        trained = pointer(models).now.model_id
        assert trained.startswith("desk-")
        served = first_tagged(running, street, trained, published)
        print(f"the new model tags {served:.1f} s after it was published")
        time.sleep(max(0.0, published + 31 - time.time()))
        all_tagged(running, street, trained)

        refused = sortownia("promote", str(worse))
        assert refused.returncode == 1, refused.stdout + refused.stderr
        assert "is refused: " in refused.stderr
        assert "accuracy" in refused.stderr
        print(refused.stderr.strip())
        assert pointer(models).now.model_id == trained

        back = sortownia("rollback")
        assert back.returncode == 0, back.stderr
        rolled_back = time.time()
        returned = first_tagged(running, street, before, rolled_back)
        print(f"the old model tags {returned:.1f} s after the rollback")
        time.sleep(max(0.0, rolled_back + 31 - time.time()))
        all_tagged(running, street, before)

    sent = {cause for cause, _ in street.sent}
    found = eventually(lambda: items_by_cause(running), lambda items: items.keys() >= sent, 60)
    assert running.caused(sent) == dict.fromkeys(sent, 1), "lost or doubled"
    assert {model_of(found[cause]) for cause in sent} == {before, trained}, "untagged, or by another model"
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["model_id"], report["champion_id"]) == (trained, before)
    print(f"{len(sent)} messages meanwhile, each in its timeline once and tagged")
