"""One turn of the loop: labels and corpus, hold-out, fit, comparison, publication; and the ways back."""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chalicelib.aws.models import PACKAGED, Models, Pointer, Unchanged
from chalicelib.errors import LostRace
from chalicelib.world import World
from classifiers import artifact, sealed
from classifiers.model import Model
from classifiers.sealed import Folder, Keys, ModelError
from training import holdout, signing, starter
from training.dataset import DataError, Sample, identity
from training.loop import figures, gate, kept, labels
from training.loop.kept import Row
from training.loop.labels import Decision, Harvest

type Say = Callable[[str], None]

MANIFEST_LAST: Final = (artifact.ARRAYS, sealed.SIGNATURE, sealed.MANIFEST)


@dataclass(frozen=True)
class Bench:
    """Where a turn is made: a stack's world and bucket, who signs, the corpus, and the starter model it falls back on.

    `key` must be one the stack trusts, `trust` what the stack trusts.
    """

    world: World
    models: Models
    key: Ed25519PrivateKey
    trust: Keys
    say: Say = print
    corpus: Path = starter.CORPUS
    packaged: Path = starter.ROOT / "classifiers" / "starter"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a model: whether it serves now, why not, and everything that was compared."""

    model_id: str
    published: bool
    reasons: tuple[str, ...]
    report: Mapping[str, Any]


class NotTrusted(Exception):
    """The stack does not believe what would be signed: publishing would be in vain."""


def retrain(bench: Bench, months: int, keep: Path | None = None, publish: bool = True) -> Outcome:
    """Learns from corpus and labels, and lets the new model serve if it is not worse. `keep` keeps a copy of it.

    Where the copy cannot be kept, nothing serves that did not before. Raises `DataError`, `ModelError`, `OSError`,
    `TriageError`, `kept.Corrupt`, `NotTrusted`.
    """
    check_trusted(bench)
    if keep is not None:
        if keep.exists():
            raise DataError(f"{keep} exists already: it is left alone")
        keep.parent.mkdir(parents=True, exist_ok=True)
    seen = pointer(bench.models)
    harvest = labels.harvest(bench.world, months)
    bench.say(_told(harvest))
    corpus = starter.read(bench.corpus)
    rows = _grown_hold_out(bench, corpus, harvest.decisions)
    judging = _documents(rows, harvest.decisions, bench.world)
    taught = _taught(corpus, harvest.decisions, rows, judging)
    bench.say(f"fitting on {len(taught)} samples; {len(judging)} messages are kept for judging ...")
    with tempfile.TemporaryDirectory(prefix="sortownia-model-") as folder:
        made = Path(folder) / "model"
        from training.loop import fitting

        told = {
            "hold_out": holdout.RULE,
            "learned": {"labels": harvest.labels, "decisions": len(harvest.decisions), "samples": len(taught)},
        }
        fitting.fitted(taught, starter.labels(bench.corpus), bench.world.policy.topics, made, told)
        signing.sign(made, bench.key)
        if keep is not None:
            shutil.copytree(made, keep)
        return _offer(bench, made, seen, judging, _why(harvest), force="", publish=publish)


def promote(bench: Bench, directory: Path, trust: Keys, force: str = "") -> Outcome:
    """Lets a model of a directory serve if it is not worse, or whatever it is: then `force` is the reason, recorded.

    It is signed anew, with the stack's key: what it was signed with must be among `trust`. Raises as `retrain`.
    """
    check_trusted(bench)
    sealed.read(Folder(directory), trust)
    rows = _grown_hold_out(bench, starter.read(bench.corpus), ())
    judging = _documents(rows, (), bench.world)
    with tempfile.TemporaryDirectory(prefix="sortownia-model-") as folder:
        copy = Path(folder) / "model"
        shutil.copytree(directory, copy)
        signing.sign(copy, bench.key)
        return _offer(bench, copy, pointer(bench.models), judging, "promoted by hand", force=force, publish=True)


def roll_back(bench: Bench, to: str, reason: str) -> Pointer:
    """Lets the model before serve again, or the one named (`packaged`: the one that came with the code).

    Raises `Unknown`, `LostRace`, `ModelError` where the stack would refuse it.
    """
    seen = pointer(bench.models)
    target = to or (seen.now.previous if seen else "")
    if target and target != PACKAGED and bench.models.has(target):
        _check_usable(bench, artifact.load(bench.models.files(target), bench.trust))
    return bench.models.roll_back(seen, bench.world.now(), reason, to)


def pointer(models: Models) -> Pointer | None:
    """What serves now, None before anything was published."""
    found = models.pointer()
    assert not isinstance(found, Unchanged)
    return found


def check_trusted(bench: Bench) -> None:
    """Raises `NotTrusted` unless the stack believes what is signed here."""
    if signing.public_half(bench.key) not in bench.trust.public:
        raise NotTrusted(
            f"the stack does not trust the key {sealed.key_id(signing.public_half(bench.key))} that would sign: "
            f"its parameter ModelKeys must name {signing.public_text(bench.key)}"
        )


def _offer(
    bench: Bench, made: Path, seen: Pointer | None, judging: Sequence[Sample], why: str, *, force: str, publish: bool
) -> Outcome:
    """Judges the model in `made`, signed by now, against the one that serves, and publishes it if it may."""
    model = artifact.load(made, bench.trust)
    _check_usable(bench, model)
    champion = serving(bench, seen)
    if seen and seen.now.model_id == model.model_id == champion.model_id:  # and functions do not refuse it
        return Outcome(model.model_id, False, (), {"note": "this very model serves already"})
    verdict = gate.judge(figures.triage(champion, judging), figures.triage(model, judging))
    at = bench.world.now().isoformat(timespec="seconds")
    report = {
        "fitted_without_hold_out": artifact.read_manifest(made, bench.trust).get("hold_out") == holdout.RULE,
        "model_id": model.model_id, "champion_id": champion.model_id, "at": at, "hold_out_rows": len(judging),
        "refused_because": list(verdict.reasons), "forced": force or None, **verdict.report,
    }  # fmt: skip
    if not publish:
        return Outcome(model.model_id, False, verdict.reasons, report)
    content = json.dumps(report, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace")
    if not verdict.passed and not force:
        bench.models.write(f"refused/{model.model_id}/{at}.json", content, None)
        return Outcome(model.model_id, False, verdict.reasons, report)
    bench.models.write(f"models/{model.model_id}/reports/{at}.json", content, None)
    bench.models.store(model.model_id, {name: (made / name).read_bytes() for name in MANIFEST_LAST})
    # Read back as a function will: what cannot be served must not be pointed at.
    artifact.load(bench.models.files(model.model_id), bench.trust)
    reason = f"forced: {force}" if force else why
    try:
        bench.models.publish(model.model_id, seen, bench.world.now(), reason)
    except LostRace:
        lost = ("another model was published meanwhile: compare with that one",)
        return Outcome(model.model_id, False, lost, report)
    return Outcome(model.model_id, True, verdict.reasons, report)


def serving(bench: Bench, seen: Pointer | None) -> Model:
    """The model that serves by this pointer: if functions refuse it, the packaged one. Raises `ModelError`."""
    if seen and seen.now.model_id != PACKAGED:
        try:
            model = artifact.load(bench.models.files(seen.now.model_id), bench.trust)
            _check_usable(bench, model)
            return model
        except ModelError as problem:
            bench.say(f"the model the bucket names is refused, so the packaged one serves: {problem}")
    return artifact.load(bench.packaged, artifact.pinned(bench.packaged))


def _check_usable(bench: Bench, model: Model) -> None:
    if reason := bench.world.misfit(model):
        raise ModelError(f"model {model.model_id} cannot serve this desk: {reason}")


def _grown_hold_out(bench: Bench, corpus: Sequence[Sample], decisions: Sequence[Decision]) -> list[Row]:
    def choose(rows: list[Row]) -> list[Row]:
        judging = kept.of_desk(decisions, rows)
        return [*kept.of_corpus(corpus), *(Row(dict(d.sample.labels), place=d.place) for d in judging)]

    return kept.grown(bench.models, choose)


def _documents(rows: Sequence[Row], decisions: Sequence[Decision], world: World) -> list[Sample]:
    """The rows with what was written; those of erased customers judge nothing any more."""
    at_hand = {decision.place: decision.sample.document for decision in decisions}
    found = []
    for row in rows:
        document = row.document
        if row.place:
            document = at_hand.get(row.place) or labels.document_at(row.place, world)
        topic = row.labels.get("topic")
        if document is not None and (topic is None or topic in world.policy.topics):
            found.append(Sample(document, row.labels))
    return found


def _taught(
    corpus: Sequence[Sample], decisions: Sequence[Decision], rows: Sequence[Row], judging: Sequence[Sample]
) -> list[Sample]:
    """What may be learned from: nothing of a customer of the hold-out, and no text that stands in it."""
    secret = {identity(sample.document) for sample in judging}
    apart = {decision.place for decision in kept.of_desk(decisions, rows)}
    learned = {_same(sample): sample for sample in holdout.taught(corpus)}
    for decision in decisions:
        if decision.place not in apart:
            before = learned.get(_same(decision.sample))
            said = {**(before.labels if before else {}), **decision.sample.labels}
            # What one person wrote, in all his letters, never judges itself.
            learned[_same(decision.sample)] = Sample(decision.sample.document, said, min(decision.people))
    return [sample for sample in learned.values() if identity(sample.document) not in secret]


def _same(sample: Sample) -> tuple[str, str]:
    return identity(sample.document), sample.document.channel


def _told(harvest: Harvest) -> str:
    left_out = ", ".join(f"{number} {why}" for why, number in sorted(harvest.left_out.items()))
    return f"{harvest.labels} labels: {len(harvest.decisions)} decisions" + (f" ({left_out})" if left_out else "")


def _why(harvest: Harvest) -> str:
    return f"retrained with {len(harvest.decisions)} decisions"
