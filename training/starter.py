"""Builds the starter model from the project's own corpus: `python -m training.starter --out classifiers/starter`."""

import argparse
import hashlib
import sys
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifiers import artifact
from training import dataset, holdout, signing
from training.dataset import DataError, Line, Sample
from training.twins import AROUND, twins

if TYPE_CHECKING:  # scikit-learn takes seconds to import: an up-to-date model is seen without it
    from training.fit import Fitted, FittedHead, Progress

ROOT: Final = Path(__file__).resolve().parent.parent
CORPUS: Final = ROOT / "training" / "corpus"
LABELS: Final = "labels.toml"
SENTENCES: Final = "languages.jsonl"
GENUINE: Final = "genuine"  # what is not spam, to the head that decides on it
MAX_FEATURES: Final = 92_000
#: How far apart a head's weights are kept (`pack.export`): what makes the file small and leaves the answers the same.
STEPS: Final = {"topic": 0.08, "urgency": 0.06, "spam": 0.5, "language": 0.5}
TEACHES_LANGUAGE: Final = 4  # every so many messages also teach their language; all sentences do


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels the corpus may use, in the order the model shows them."""

    topics: tuple[str, ...]
    urgencies: tuple[str, ...]
    languages: tuple[str, ...]
    spam: str
    urgency_costs: tuple[tuple[float, ...], ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when the model is there and fresh, 2 when the corpus cannot be used."""
    options = _options().parse_args(arguments)
    try:
        build(options.out, options.corpus, options.keep, options.quiet)
    except (DataError, artifact.ModelError, signing.KeyProblem, OSError) as problem:
        print(f"starter model: {problem}", file=sys.stderr)
        return 2
    return 0


def build(out: Path, corpus: Path = CORPUS, keep: Path | None = None, quiet: bool = False) -> None:
    """A starter model in `out`, fitted only if corpus or code changed. Raises DataError, OSError."""
    source = source_hash(corpus)
    if is_fresh(out, source) and (keep is None or keep.exists()):
        _say(quiet, f"{out} is up to date")
        return
    started = time.monotonic()
    samples = holdout.taught(read(corpus))
    messages = sum("topic" in sample.labels for sample in samples)
    _say(quiet, f"fitting on {messages} messages and {len(samples) - messages} sentences ...")
    allowed = labels(corpus)
    learned = fitted(samples, allowed, progress_bar(quiet))
    from training import pack

    told = {
        "source": source,
        "hold_out": holdout.RULE,
        "guards": guards(allowed),
    }
    model = pack.export(learned, out, "starter", told, steps=STEPS)
    signing.pin(out)
    if keep is not None:
        pack.keep(learned, keep)
    for head in learned.heads:
        _say(quiet, _figures(head))
    size = (out / artifact.ARRAYS).stat().st_size
    _say(quiet, f"{model.model_id}: {size / 1e6:.2f} MB in {out}, {time.monotonic() - started:.0f} s")


def labels(corpus: Path) -> Labels:
    """The labels the corpus may use. Raises DataError."""
    path = corpus / LABELS
    try:
        described = tomllib.loads(path.read_text(encoding="utf-8"))
        return Labels(
            topics=tuple(described["topics"]),
            urgencies=tuple(described["urgencies"]),
            languages=tuple(described["languages"]),
            spam=described["spam"],
            urgency_costs=tuple(tuple(map(float, row)) for row in described["urgency_costs"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise DataError(f"{path}: cannot be read: {problem!r}") from problem


def read(corpus: Path) -> list[Sample]:
    """All messages with a topic and an urgency, and the sentences that teach languages. Raises DataError."""
    allowed = labels(corpus)
    samples = []
    for path in sorted(corpus.glob("*.jsonl")):
        for line in dataset.lines(path):
            if path.name == SENTENCES:
                samples.append(dataset.sentence(line, allowed.languages))
            else:
                samples.append(_message(line, allowed))
    return samples


def guards(allowed: Labels) -> list[dict[str, str]]:
    """What the manifest says of the topic that a head of its own decides on, where there is such a topic."""
    return [{"head": "topic", "label": allowed.spam, "by": "spam"}] if allowed.spam in allowed.topics else []


def spam_or_not(labels: Mapping[str, str], allowed: Labels) -> dict[str, str]:
    """The labels with what they mean for the head that decides on spam."""
    if "topic" not in labels or allowed.spam not in allowed.topics:
        return dict(labels)
    return {**labels, "spam": allowed.spam if labels["topic"] == allowed.spam else GENUINE}


def _message(line: Line, allowed: Labels) -> Sample:
    sample = dataset.message(line, allowed.topics, allowed.urgencies, allowed.languages)
    wanted = spam_or_not(sample.labels, allowed)
    if line.number % TEACHES_LANGUAGE:
        del wanted["language"]
    return replace(sample, labels=wanted)


def source_hash(corpus: Path) -> str:
    """SHA-256 over everything the model follows from: corpus, code, and versions of what fits it."""
    total = hashlib.sha256(f"numpy {version('numpy')} scikit-learn {version('scikit-learn')}".encode())
    code = sorted([*(ROOT / "training").glob("*.py"), *(ROOT / "classifiers").glob("*.py")])
    for path in [*code, AROUND, *sorted(corpus.glob("*.jsonl")), corpus / LABELS]:
        content = path.read_bytes()
        total.update(f"\n{path.name} {len(content)}\n".encode() + content)
    return total.hexdigest()


def is_fresh(out: Path, source: str) -> bool:
    """Whether the directory holds a sound model made from that source."""
    if not (out / artifact.MANIFEST).exists():
        return False
    try:
        artifact.load(out, artifact.pinned(out))
        return artifact.read_manifest(out, signing.trusted()).get("source") == source
    except (artifact.ModelError, signing.KeyProblem):
        return False


def fitted(samples: Sequence[Sample], allowed: Labels, progress: "Progress") -> "Fitted":
    """All heads of a desk's model. Raises DataError."""
    from training.fit import LINEAR, Plan, fit

    plans = [
        Plan("topic", LINEAR, order=allowed.topics),
        Plan("urgency", LINEAR, order=allowed.urgencies, costs=allowed.urgency_costs, features=0.5),
        Plan("language", ("even-bayes",), order=allowed.languages, features=0.8),
    ]
    if guards(allowed):
        plans.append(Plan("spam", LINEAR, order=(GENUINE, allowed.spam), features=0.2))
    learned = fit([*samples, *twins(samples)], plans, max_features=MAX_FEATURES, progress=progress)
    return replace(learned, rows=len(samples), digest=dataset.digest(samples))


def _figures(head: "FittedHead") -> str:
    reached = head.held_out
    precision = "-" if reached.precision is None else f"{reached.precision:.1%}"
    return (
        f"  {head.name:<9} held out: accuracy {reached.accuracy:.1%}, macro-F1 {reached.macro_f1:.1%}, "
        f"calibration error {reached.calibration_error:.1%}; routes {reached.coverage:.1%} "
        f"at {precision} precision ({head.threshold.rule} rule)"
    )


def progress_bar(quiet: bool) -> "Progress":
    """Shows on standard error how far the fitting is; nothing when quiet or when nobody watches."""

    def show(done: int, total: int, what: str) -> None:
        if not quiet and sys.stderr.isatty():
            print(f"\r  {done}/{total} {what:<40}", end="" if done < total else "\n", file=sys.stderr, flush=True)

    return show


def _say(quiet: bool, sentence: str) -> None:
    if not quiet:
        print(sentence, flush=True)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.starter", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the model goes")
    parser.add_argument("--corpus", type=Path, default=CORPUS, metavar="DIR", help="what it is fitted on")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep the fitted pipeline there (joblib)")
    parser.add_argument("--quiet", action="store_true", help="say nothing unless it fails")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
