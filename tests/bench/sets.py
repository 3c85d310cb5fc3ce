"""What `train` and `predict` reach on public labelled sets, beside a plain pipeline: `python -m tests.bench.sets`.

Where a set has a validation part it is judged on that, else on the folds of a split by label and group. fastText is
quoted where it is installed (`uv pip install fasttext`); it is no dependency.
"""

import argparse
import gzip
import importlib.util
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.special import expit
from scipy.stats import beta
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

from classifiers.text import Document
from training import calibrate, pack
from training.dataset import Sample, learnable
from training.fit import FULL, QUICK, Plan, fit

DATA: Final = Path(os.environ.get("SORTOWNIA_SHARED", "../shared")) / "data"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """A set in DATA: where its rows are and what is asked of them."""

    folder: str
    label: Callable[[Row], str]
    group: str = "text"  # field whose equal values stay on one side of a split
    outside: str = ""  # the label of what belongs to no other
    by: str = ""  # field by whose values accuracy is told too


def _field(name: str) -> Callable[[Row], str]:
    return lambda row: str(row[name])


SETS: Final = {
    "banking77": LabelledSet("banking77", _field("label")),
    "clinc150": LabelledSet("clinc150", _field("label"), outside="oos"),
    "8tags": LabelledSet("8tags_pl", _field("label")),
    "sib200": LabelledSet("sib200", _field("label"), group="id", by="lang"),
    "endava-type": LabelledSet("endava_tickets_5k", _field("ticket_type")),
    "endava-urgency": LabelledSet("endava_tickets_5k", _field("urgency")),
    "hadoop": LabelledSet(
        "gitbugs_hadoop_priority", lambda row: "urgent" if row["priority"] in ("Blocker", "Critical") else "not"
    ),
    "bitext": LabelledSet("bitext_customer_service_8k", _field("label")),
    "importance": LabelledSet("messages_to_support_importance", _field("importance")),
    "tickets": LabelledSet("synthetic_tickets_multilang", _field("queue")),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """What one way reached on held-out rows; `shares` (n_rows, n_labels)."""

    labels: Sequence[str]
    truth: Sequence[str]
    shares: Any
    abstained: Any
    seconds: float
    megabytes: float = 0.0
    predict_ms: float = 0.0
    groups: Sequence[str] = field(default=())


def judge(chosen: LabelledSet, way: Callable[..., Judged], folds: int, of: int, seed: int) -> Iterator[Judged]:
    """The way's answers on the validation part, or on each of the first `folds` `of` so many."""
    rows, held_out = _rows(chosen.folder, "train"), _rows(chosen.folder, "val")
    if held_out:
        yield way(chosen, rows, held_out)
        return
    splits = StratifiedGroupKFold(of, shuffle=True, random_state=seed)
    groups = [str(row[chosen.group]) for row in rows]
    for learned, unseen in list(splits.split(rows, [chosen.label(row) for row in rows], groups))[:folds]:
        yield way(chosen, [rows[i] for i in learned], [rows[i] for i in unseen])


def ours(chosen: LabelledSet, rows: Sequence[Row], held_out: Sequence[Row], parts: Sequence[str] = FULL) -> Judged:
    """`train` and `predict`."""
    started = time.monotonic()
    group = chosen.group if chosen.group != "text" else None
    samples = [
        Sample(Document(row["text"]), {"label": chosen.label(row)}, str(row[group]) if group else "") for row in rows
    ]
    samples, _ = learnable(samples, "label")
    fitted = fit(samples, [Plan("label", tuple(parts))])
    with tempfile.TemporaryDirectory() as directory:
        model = pack.export(fitted, Path(directory) / "model", "bench")
        size = sum(file.stat().st_size for file in (Path(directory) / "model").iterdir())
    seconds = time.monotonic() - started
    labels = model.heads[0].labels
    timed, tags = [], []
    for row in held_out:
        asked = time.perf_counter()
        tags.append(model.predict(row["text"]))
        timed.append(time.perf_counter() - asked)
    return Judged(
        labels, [chosen.label(row) for row in held_out], np.array([list(tag.scores.values()) for tag in tags]),
        np.array([tag.abstained for tag in tags]), seconds, size / 1e6, 1000 * float(np.median(timed)),
        [str(row[chosen.by]) for row in held_out] if chosen.by else (),
    )  # fmt: skip


def quick(chosen: LabelledSet, rows: Sequence[Row], held_out: Sequence[Row]) -> Judged:
    """`train --quick` and `predict`."""
    return ours(chosen, rows, held_out, QUICK)


def linear_svc(chosen: LabelledSet, rows: Sequence[Row], held_out: Sequence[Row]) -> Judged:
    """LinearSVC over words and pairs and the 2 to 5 characters within them; its margins through a sigmoid."""
    started = time.monotonic()
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, token_pattern=r"(?u)\b\w+\b")
    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2)
    pipeline = make_pipeline(make_union(words, grams), LinearSVC())
    pipeline.fit([row["text"] for row in rows], [chosen.label(row) for row in rows])
    seconds = time.monotonic() - started
    margins = pipeline.decision_function([row["text"] for row in held_out])
    margins = np.stack((-margins, margins), axis=1) if margins.ndim == 1 else margins
    shares = expit(margins)
    shares /= shares.sum(axis=1, keepdims=True)
    return _of_others(chosen, held_out, list(pipeline.classes_), shares, seconds)


def fasttext(chosen: LabelledSet, rows: Sequence[Row], held_out: Sequence[Row]) -> Judged:
    """fastText with subwords of 2 to 5 characters in 64 dimensions."""
    import fasttext as library

    labels = sorted({chosen.label(row) for row in rows})
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        for row in rows:
            file.write(f"__label__{labels.index(chosen.label(row))} {_one_line(row)}\n")
        file.flush()
        started = time.monotonic()
        model = library.train_supervised(
            file.name, dim=64, minn=2, maxn=5, wordNgrams=2, epoch=50, lr=0.5, thread=2, bucket=200_000, verbose=0
        )
    seconds = time.monotonic() - started
    shares = np.zeros((len(held_out), len(labels)))
    for i, row in enumerate(held_out):
        for share, name in model.f.predict(_one_line(row) + "\n", len(labels), 0.0, "strict"):
            shares[i, int(name.removeprefix("__label__"))] = share
    return _of_others(chosen, held_out, labels, shares, seconds)


def _one_line(row: Row) -> str:
    return " ".join(row["text"].lower().split())


def _of_others(
    chosen: LabelledSet, held_out: Sequence[Row], labels: Sequence[str], shares: Any, seconds: float
) -> Judged:
    return Judged(
        labels, [chosen.label(row) for row in held_out], shares, np.zeros(len(held_out), bool), seconds,
        groups=[str(row[chosen.by]) for row in held_out] if chosen.by else (),
    )  # fmt: skip


def promise(chosen: LabelledSet, way: Callable[..., Judged], seeds: int) -> str:
    """Whether what is routed is as precise as promised, on a fresh split for each seed.

    A seed violates when the upper end of the one-sided 95 % interval (Clopper and Pearson) of its precision is below.
    """
    rows = [*_rows(chosen.folder, "train"), *_rows(chosen.folder, "val")]
    groups = [str(row[chosen.group]) for row in rows]
    told, violations = [], 0
    for seed in range(seeds):
        splits = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        learned, unseen = next(iter(splits.split(rows, [chosen.label(row) for row in rows], groups)))
        judged = way(chosen, [rows[i] for i in learned], [rows[i] for i in unseen])
        right = np.array(judged.labels)[judged.shares.argmax(axis=1)] == np.array(judged.truth)
        total, hits = int((~judged.abstained).sum()), int(right[~judged.abstained].sum())
        upper = float(beta.ppf(calibrate.CERTAINTY, hits + 1, total - hits)) if hits < total else 1.0
        violations += upper < calibrate.PROMISED_PRECISION
        told.append((total / len(unseen), hits / total if total else 1.0))
    covered, precise = np.array(told).T
    return (
        f"{seeds} seeds, {violations} violate; precision {100 * precise.min():.1f} to {100 * precise.max():.1f}, "
        f"coverage {100 * covered.min():.1f} to {100 * covered.max():.1f}"
    )


def figures(chosen: LabelledSet, parts: Sequence[Judged]) -> dict[str, float]:
    """All figures over all held-out rows, as shares of 1, but seconds, megabytes and milliseconds."""
    labels = parts[0].labels
    number = {label: i for i, label in enumerate(labels)}
    truth = np.array([number.get(label, -1) for part in parts for label in part.truth])
    shares = np.concatenate([part.shares for part in parts])
    abstained = np.concatenate([part.abstained for part in parts])
    best, confidence = shares.argmax(axis=1), shares.max(axis=1)
    right = best == truth
    told = {"rows": float(len(truth)), "accuracy": float(right.mean())}
    if chosen.outside:
        outside = number[chosen.outside]
        inside = np.delete(shares, outside, axis=1)
        kept = np.delete(np.arange(len(labels)), outside)
        known = truth != outside
        told["inside accuracy"] = float((kept[inside.argmax(axis=1)] == truth)[known].mean())
        told["outside auroc"] = float(roc_auc_score(~known, 1 - inside.max(axis=1)))
    if len(labels) == 2:
        # Within each fold: what different fits score stands on different scales.
        told["auroc"] = float(np.mean([_ranked(part) for part in parts]))
    told["ece"] = calibrate.calibration_error(confidence, right)
    told["ece noise"] = _noise(confidence)
    told["best coverage at 95"] = _coverage(confidence, right)
    routed = ~abstained
    told["own coverage"] = float(routed.mean())
    told["own precision"] = float(right[routed].mean()) if routed.any() else 1.0
    for group in sorted({group for part in parts for group in part.groups}):
        of_group = np.array([group == one for part in parts for one in part.groups])
        told[f"accuracy {group}"] = float(right[of_group].mean())
    told |= {"seconds": max(part.seconds for part in parts), "mb": parts[0].megabytes, "ms": parts[0].predict_ms}
    return told


def _ranked(part: Judged) -> float:
    return float(roc_auc_score([label == part.labels[1] for label in part.truth], part.shares[:, 1]))


def _noise(confidence: Any, draws: int = 200) -> float:
    """The calibration error that 95 of 100 perfectly calibrated models of these confidences stay under."""
    random = np.random.default_rng(0)
    drawn = [calibrate.calibration_error(confidence, random.random(len(confidence)) < confidence) for _ in range(draws)]
    return float(np.quantile(drawn, 0.95))


def _coverage(confidence: Any, right: Any) -> float:
    ranked = right[np.argsort(-confidence, kind="stable")]
    precise = np.flatnonzero(np.cumsum(ranked) >= 0.95 * np.arange(1, len(ranked) + 1))
    return float((precise[-1] + 1) / len(ranked)) if len(precise) else 0.0


def _rows(folder: str, part: str) -> list[Row]:
    path = DATA / folder / f"{part}.jsonl.gz"
    if not path.exists():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def main() -> None:
    """Prints one line a set and way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=list(SETS), metavar="SET", help=", ".join(SETS))
    parser.add_argument("--of", type=int, default=5, help="folds a set without a validation part is split into")
    parser.add_argument("--folds", type=int, default=10, help="how many of them are judged at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--promise", type=int, metavar="SEEDS", help="instead: is the precision of so many splits held")
    parser.add_argument("--ways", nargs="*", default=["ours", "quick", "linear_svc", "fasttext"])
    options = parser.parse_args()
    ways = {"ours": ours, "quick": quick, "linear_svc": linear_svc, "fasttext": fasttext}
    for name in options.sets:
        for way in options.ways:
            if way == "fasttext" and importlib.util.find_spec("fasttext") is None:
                continue
            if options.promise:
                print(f"{name:15} {way:10} {promise(SETS[name], ways[way], options.promise)}", flush=True)
                continue
            judged = list(judge(SETS[name], ways[way], options.folds, options.of, options.seed))
            told = figures(SETS[name], judged)
            print(
                f"{name:15} {way:10} " + "  ".join(f"{key} {_shown(key, value)}" for key, value in told.items()),
                flush=True,
            )


def _shown(key: str, value: float) -> str:
    if key == "rows":
        return f"{value:.0f}"
    return f"{value:.3g}" if key in ("seconds", "mb", "ms") else f"{100 * value:.2f}"


if __name__ == "__main__":
    main()
