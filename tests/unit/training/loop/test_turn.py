"""A turn of the loop on a small desk: what is learned, what is kept for judging, what may serve, and the ways back."""

import gzip
import json
import random
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import replace
from itertools import count, product
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chalicelib.aws.models import PACKAGED, POINTER
from chalicelib.errors import Conflict, Unknown
from chalicelib.flows import work
from classifiers import artifact, sealed
from classifiers.sealed import Keys, ModelError
from classifiers.text import Document
from sortownia import cli, loop
from tests.cloud import BUCKETS, Cloud, TestWorld
from tests.desk import SAM
from tests.unit.flows.scenes import deliver, items
from training import holdout, pack, signing, starter
from training.dataset import DataError, Sample, identity
from training.holdout import is_held_out
from training.loop import kept, turn
from training.loop.gate import FEWEST_ROWS
from training.loop.turn import Bench, NotTrusted

NUMBERS = count(1000)
OWN_WORDS = ("The {} wobbles when {}", "{} squeaks, above all {}")
THINGS = ("stool", "bench", "cradle", "ladder", "swing", "hammock")
TIMES = ("it rains", "somebody sits down", "it is cold")


@pytest.fixture(autouse=True)
def _same_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids decide who is kept for judging: of a few dozen drawn anew, now and then nobody would be."""
    dice = random.Random(1)
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=dice.getrandbits(128), version=4))


def corrected(cloud: Cloud, world: TestWorld, texts: Sequence[str], topic: str) -> None:
    """Mails of as many customers, each said to be about the topic."""
    before = {item.id for item in items(cloud)}
    for text in texts:
        deliver(world, next(NUMBERS), text, subject="A word")
    for item in items(cloud):
        if item.id not in before:
            work.tag(item.id, item.version, topic, None, SAM, world)


def own_texts() -> list[str]:
    return [text.format(thing, when) for text, thing, when in product(OWN_WORDS, THINGS, TIMES)]


def rows(bench: Bench) -> list[kept.Row]:
    found, _ = kept.read(bench.models)
    return found


def serving(bench: Bench) -> str:
    found = turn.pointer(bench.models)
    return found.now.model_id if found else PACKAGED


def test_corrections_become_a_model_that_serves(
    moto_cloud: Cloud, world: TestWorld, bench: Bench, said: list[str]
) -> None:
    corrected(moto_cloud, world, own_texts(), "other")
    outcome = turn.retrain(bench, months=1)
    assert outcome.published, outcome.reasons
    assert serving(bench) == outcome.model_id
    model = turn.serving(bench, turn.pointer(bench.models))
    assert model.model_id == outcome.model_id
    answer = model.tag("A word", "The footstool wobbles when it rains", "mail").topic
    assert answer.label == "other"
    assert said[0] == "36 labels: 36 decisions"
    pointer = turn.pointer(bench.models)
    assert pointer
    assert pointer.now.reason == "retrained with 36 decisions"


def test_what_judges_is_never_learned_from_and_stands_beside_the_models(
    moto_cloud: Cloud, world: TestWorld, bench: Bench, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    corrected(moto_cloud, world, own_texts(), "other")
    learned: list[Sample] = []
    from training.loop import fitting

    real = fitting.fitted

    def noted(samples: Sequence[Sample], *rest: Any) -> Any:
        learned.extend(samples)
        return real(samples, *rest)

    monkeypatch.setattr(fitting, "fitted", noted)
    outcome = turn.retrain(bench, months=1, publish=False)
    judging = rows(bench)
    desk = [row for row in judging if row.place]
    assert {row.place.customer_id for row in desk if row.place} == {
        item.customer_id for item in items(moto_cloud) if is_held_out(item.customer_id)
    }
    assert desk, "of 36 customers some are kept for judging"
    texts = {identity(s.document) for s in learned if "topic" in s.labels}
    corpus = [s for s in starter.read(bench.corpus) if "topic" in s.labels]
    secret = {identity(s.document) for s in corpus if is_held_out(identity(s.document))}
    assert len(secret) >= FEWEST_ROWS
    assert not texts & secret
    assert {identity(row.document) for row in judging if row.document} == secret
    assert len(texts) == len(corpus) - len(secret) + 36 - len(desk)
    assert outcome.report["hold_out_rows"] == len(secret) + len(desk)


def test_the_kept_hold_out_holds_no_words_of_customers(moto_cloud: Cloud, world: TestWorld, bench: Bench) -> None:
    corrected(moto_cloud, world, own_texts(), "other")
    turn._grown_hold_out(bench, (), turn.labels.harvest(world, 1).decisions)
    content = moto_cloud.s3.get_object(Bucket=BUCKETS[2], Key=kept.OBJECT)["Body"].read()
    said = [json.loads(line) for line in gzip.decompress(content).decode().splitlines()]
    assert said
    assert all(row.keys() == {"labels", "customer", "seq"} for row in said)


def test_the_hold_out_grows_and_loses_nothing(moto_cloud: Cloud, world: TestWorld, bench: Bench, corpus: Path) -> None:
    whole = starter.read(corpus)
    first = turn._grown_hold_out(bench, whole[: len(whole) // 2], ())
    second = turn._grown_hold_out(bench, whole[len(whole) // 2 :], ())
    assert {row.key for row in first} < {row.key for row in second}
    assert turn._grown_hold_out(bench, (), ()) == second
    versions = moto_cloud.s3.list_objects_v2(Bucket=BUCKETS[2], Prefix=kept.OBJECT)["Contents"]
    assert len(versions) == 1


def test_a_row_decided_again_gets_the_new_label_and_stays_one(
    moto_cloud: Cloud, world: TestWorld, bench: Bench
) -> None:
    corrected(moto_cloud, world, own_texts(), "other")
    before = turn._grown_hold_out(bench, (), turn.labels.harvest(world, 1).decisions)
    for item in items(moto_cloud):
        work.tag(item.id, item.version, "billing", None, SAM, world)
    after = turn._grown_hold_out(bench, (), turn.labels.harvest(world, 1).decisions)
    assert [row.key for row in after] == [row.key for row in before]
    assert {row.labels["topic"] for row in after} == {"billing"}


def test_two_who_add_rows_at_once_lose_none(moto_cloud: Cloud, world: TestWorld, bench: Bench, corpus: Path) -> None:
    every = kept.of_corpus(starter.read(corpus))
    meanwhile = iter([every[:3]])

    def choose(_: list[kept.Row]) -> list[kept.Row]:
        if others := next(meanwhile, None):  # another one writes after we have read
            kept.grown(bench.models, lambda _kept: others)
        return every[3:5]

    assert kept.grown(bench.models, choose) == every[:5]
    assert rows(bench) == every[:5]


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x1e", "\r\n"])
def test_the_hold_out_holds_texts_whatever_ends_their_lines(bench: Bench, end: str) -> None:
    """Pages and word processors end lines by more than a line feed: such a text must not lock the hold-out."""
    row = kept.Row({"topic": "order"}, document=Document(f"Where is{end}my parcel", "mail"))
    kept.grown(bench.models, lambda _: [row])
    assert rows(bench) == [row]


def test_a_hold_out_that_cannot_be_read_stops_everything(moto_cloud: Cloud, bench: Bench) -> None:
    moto_cloud.s3.put_object(Bucket=BUCKETS[2], Key=kept.OBJECT, Body=b"no gzip")
    with pytest.raises(kept.Corrupt):
        turn.retrain(bench, months=1)
    assert moto_cloud.s3.get_object(Bucket=BUCKETS[2], Key=kept.OBJECT)["Body"].read() == b"no gzip"


def test_a_worse_model_is_refused_with_the_reason_and_its_report(moto_cloud: Cloud, bench: Bench, worse: Path) -> None:
    outcome = turn.promote(bench, worse, signing.trusted())
    assert not outcome.published
    assert any("worse by more than chance" in reason for reason in outcome.reasons)
    assert any(reason.startswith("topic order: recall falls") for reason in outcome.reasons)
    assert bench.models.pointer() is None
    (stored,) = moto_cloud.s3.list_objects_v2(Bucket=BUCKETS[2], Prefix="refused/")["Contents"]
    report = json.loads(moto_cloud.s3.get_object(Bucket=BUCKETS[2], Key=stored["Key"])["Body"].read())
    assert report["refused_because"] == list(outcome.reasons)
    assert report["challenger"]["topic"]["accuracy"] < 0.2 < report["champion"]["topic"]["accuracy"]
    assert not bench.models.has(outcome.model_id)


def test_force_serves_it_all_the_same_and_says_why(moto_cloud: Cloud, bench: Bench, worse: Path) -> None:
    outcome = turn.promote(bench, worse, signing.trusted(), force="a test of the alarm")
    assert outcome.published
    pointer = turn.pointer(bench.models)
    assert pointer
    assert (pointer.now.model_id, pointer.now.reason) == (outcome.model_id, "forced: a test of the alarm")
    listed = moto_cloud.s3.list_objects_v2(Bucket=BUCKETS[2], Prefix=f"models/{outcome.model_id}/reports/")["Contents"]
    report = json.loads(moto_cloud.s3.get_object(Bucket=BUCKETS[2], Key=listed[0]["Key"])["Body"].read())
    assert report["forced"] == "a test of the alarm"
    assert report["refused_because"]
    assert turn.roll_back(bench, "", "it was").now.model_id == PACKAGED
    with pytest.raises(Unknown):
        turn.roll_back(bench, "no-such-model", "")
    again = turn.roll_back(bench, outcome.model_id, "forward")
    assert (again.now.model_id, again.now.previous) == (outcome.model_id, PACKAGED)


def test_the_model_that_serves_is_not_published_again(bench: Bench, packaged: Path) -> None:
    first = turn.promote(bench, packaged, signing.trusted())
    assert first.published, "as good as itself"
    before = bench.models.pointer()
    second = turn.promote(bench, packaged, signing.trusted())
    assert (second.published, second.reasons) == (False, ())
    assert bench.models.pointer() == before


def test_who_publishes_meanwhile_is_not_overwritten(
    bench: Bench, packaged: Path, moto_cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = turn.figures.triage
    other = {"model_id": "theirs", "published_at": "", "previous": PACKAGED, "reason": "quicker"}

    def meanwhile(*arguments: Any) -> Any:
        moto_cloud.s3.put_object(Bucket=BUCKETS[2], Key=POINTER, Body=json.dumps(other).encode())
        return real(*arguments)

    monkeypatch.setattr(turn.figures, "triage", meanwhile)
    outcome = turn.promote(bench, packaged, signing.trusted())
    assert (outcome.published, outcome.reasons) == (
        False, ("another model was published meanwhile: compare with that one",),
    )  # fmt: skip
    assert serving(bench) == "theirs"


def test_a_key_the_stack_does_not_trust_signs_nothing(bench: Bench, packaged: Path) -> None:
    stranger = Ed25519PrivateKey.generate()
    for doing in (lambda b: turn.retrain(b, 1), lambda b: turn.promote(b, packaged, signing.trusted())):
        with pytest.raises(NotTrusted, match="ModelKeys must name"):
            doing(replace(bench, key=stranger))


def test_a_strangers_model_is_not_promoted(bench: Bench, packaged: Path, tmp_path: Path) -> None:
    shutil.copytree(packaged, tmp_path / "strangers")
    signing.sign(tmp_path / "strangers", Ed25519PrivateKey.generate())
    with pytest.raises(ModelError, match="not trusted here"):
        turn.promote(bench, tmp_path / "strangers", signing.trusted())


def test_a_promoted_model_is_signed_anew_with_the_stacks_key(bench: Bench, packaged: Path) -> None:
    stack = Ed25519PrivateKey.generate()
    trust = Keys(frozenset([signing.public_half(stack)]))
    outcome = turn.promote(replace(bench, key=stack, trust=trust), packaged, signing.trusted())
    assert outcome.published
    assert artifact.load(bench.models.files(outcome.model_id), trust).model_id == outcome.model_id


def test_where_functions_refuse_the_pointers_model_the_packaged_one_is_the_champion(
    moto_cloud: Cloud, bench: Bench, said: list[str], worse: Path
) -> None:
    bad = turn.promote(bench, worse, signing.trusted(), force="to be spoilt").model_id
    moto_cloud.s3.put_object(Bucket=BUCKETS[2], Key=f"models/{bad}/{sealed.SIGNATURE}", Body=b"spoilt")
    model = turn.serving(bench, turn.pointer(bench.models))
    assert model.model_id.startswith("starter-")
    assert "is refused, so the packaged one serves" in said[-1]
    with pytest.raises(ModelError):
        turn.roll_back(bench, bad, "into a model that would be refused")


def test_a_model_that_is_named_but_refused_is_not_said_to_serve(moto_cloud: Cloud, bench: Bench, worse: Path) -> None:
    named = turn.promote(bench, worse, signing.trusted(), force="to be spoilt").model_id
    moto_cloud.s3.put_object(Bucket=BUCKETS[2], Key=f"models/{named}/{sealed.SIGNATURE}", Body=b"spoilt")
    moto_cloud.clock.forward(seconds=1)
    with pytest.raises(Conflict, match=r"manifest\.sig differs"):
        turn.promote(bench, worse, signing.trusted(), force="to mend it")


def test_a_model_of_another_kind_cannot_serve(bench: Bench, tmp_path: Path) -> None:
    from training.fit import Plan, fit

    samples = [
        Sample(s.document, {"label": s.labels["topic"]}) for s in starter.read(bench.corpus) if "topic" in s.labels
    ]
    pack.export(fit(samples, [Plan("label")], folds=3), tmp_path / "single", "trained")
    with pytest.raises(ModelError, match="it has no head language, topic, urgency"):
        turn.promote(bench, tmp_path / "single", signing.trusted())


def test_a_place_for_the_copy_is_looked_for_first(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="exists already"):
        turn.retrain(bench, months=1, keep=tmp_path)


def test_a_copy_that_cannot_be_kept_lets_nothing_serve(bench: Bench, tmp_path: Path) -> None:
    """For the command then ends as for a model that could not be made."""
    with pytest.raises(FileExistsError):
        turn.retrain(replace(bench, say=lambda _: (tmp_path / "copy").mkdir(exist_ok=True)), 1, keep=tmp_path / "copy")
    assert serving(bench) == PACKAGED
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        turn.retrain(replace(bench, say=pytest.fail), 1, keep=tmp_path / "file" / "copy")


def test_the_starter_was_fitted_without_the_hold_out(packaged: Path) -> None:
    assert artifact.read_manifest(packaged, signing.trusted())["hold_out"] == holdout.RULE


def test_what_serves_is_told_also_where_the_report_cannot_be_written(
    bench: Bench, packaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loop, "bench_of", lambda *_, **__: bench)
    report = tmp_path / "nowhere" / "report.json"
    assert cli.main(["promote", str(packaged), "--report", str(report)]) == 2
    told = capsys.readouterr()
    assert f"{serving(bench)} serves: functions follow" in told.out
    assert str(report) in told.err


def test_the_command_rolls_back_to_what_serves_already(
    bench: Bench, packaged: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loop, "bench_of", lambda *_, **__: bench)
    model_id = turn.promote(bench, packaged, signing.trusted()).model_id
    assert cli.main(["rollback", model_id]) == 0
    assert f"{model_id} serves" in capsys.readouterr().out
