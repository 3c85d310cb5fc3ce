"""Fits the heads of a model over one tf-idf vocabulary; blends and calibrates them on scores of held-out folds."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, Self

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import ComplementNB
from threadpoolctl import threadpool_limits

from classifiers import sealed, text
from classifiers.model import Sharpness
from classifiers.text import Document
from training import calibrate, parts
from training.calibrate import Figures, Flags, Floats, Integers, Threshold
from training.dataset import DataError, Sample, digest, first_of, identity
from training.hidden import UNITS
from training.parts import SMOOTHING, Lesson, Part
from training.space import Features, Space
from training.weigh import Weigher

MAX_FEATURES: Final = 200_000
FEWER_FOLDS_FROM_ROWS: Final = 5_000  # from so many rows on, three folds tell as much as five
ENOUGH_TO_CHOOSE: Final = 3_000  # rows, to tell which parts help
WORTH_PROCESSES_FROM_ROWS: Final = 1_000
MOST_FOR_LOGISTIC: Final = 100_000  # rows times labels; for more, logistic regression takes longer than it is worth
MOST_LABELS_FOR_MEANINGS: Final = 2_000  # for more, the weights of everyday words leave no room for those of the rows
BESIDES_WEIGHTS: Final = 24  # bytes of a packed feature: its name, how rare it is, the scales of its weights
LINEAR: Final = ("support-vectors", "logistic", "bayes-words", "bayes-pieces")
QUICK: Final = (*LINEAR, parts.OF_MEANINGS)
FULL: Final = (*LINEAR, *parts.HIDDEN)

Progress = Callable[[int, int, str], None]  # steps done, steps in all, what was done last


@dataclass(frozen=True, slots=True)
class Plan:
    """How one head is fitted. `order` fixes the labels and their order; empty takes those found, sorted.

    `made_of` names the parts that may be blended (`parts.MAKERS`); those that do not help are left out. `costs` holds
    a row per true label and a column per label said. `features` is the head's share in choosing features where there
    are more than fit.
    """

    name: str
    made_of: tuple[str, ...] = LINEAR
    strength: float = 1.0
    order: tuple[str, ...] = ()
    costs: tuple[tuple[float, ...], ...] = ()
    features: float = 1.0


@dataclass(frozen=True, slots=True)
class FittedHead:
    """A fitted, blended and calibrated head; `held_out` says what it reached out of fold, by `scores` of `rows`."""

    name: str
    labels: tuple[str, ...]
    parts: tuple[Part, ...]
    factors: tuple[float, ...]
    sharpness: Sharpness
    threshold: Threshold
    held_out: Figures
    costs: tuple[tuple[float, ...], ...]
    rows: Integers = field(repr=False)
    scores: Floats = field(repr=False)

    def shares(self, counted: csr_matrix) -> Floats:
        """Calibrated probabilities of shape (n_rows, n_labels)."""
        blended = np.tensordot(self.factors, np.stack([part.margins(counted) for part in self.parts]), 1)
        return calibrate.sharpened(blended, self.sharpness)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted pipeline; joblib keeps it for further training, `pack` exports it for serving."""

    vectorizer: CountVectorizer
    weigher: Weigher
    heads: tuple[FittedHead, ...]
    rows: int
    digest: str
    seed: int
    folds: int

    def scores(self, documents: Sequence[Document]) -> dict[str, Floats]:
        """Probabilities by scikit-learn, by head: shape (n_documents, n_labels) in labels' order."""
        counted = self.weigher.transform(self.vectorizer.transform(documents))
        return {head.name: head.shares(counted) for head in self.heads}


@dataclass(frozen=True, slots=True)
class Task:
    """A plan with the rows that have its label and the column number of each of these labels."""

    plan: Plan
    labels: tuple[str, ...]
    rows: Integers
    truth: Integers


@dataclass(frozen=True, slots=True)
class Job:
    """One part of one head to be fitted on some rows and, unless these are all, to score others."""

    head: str
    part: str
    fold: int | None
    lesson: Lesson
    unseen: csr_matrix | None

    @classmethod
    def of(
        cls, task: Task, part: str, fold: int | None, space: Space, learning: Flags, out: Flags | None, seed: int
    ) -> Self:  # fmt: skip
        """To be fitted on some of the task's rows, and to score others."""
        lesson = Lesson(
            space.weighed[task.rows[learning]], space.weigher.words, space.weigher.meanings,
            space.vectors if part == parts.OF_MEANINGS else space.vectors[:0],
            task.truth[learning], len(task.labels), seed, task.plan.strength,
        )  # fmt: skip
        return cls(task.plan.name, part, fold, lesson, None if out is None else space.weighed[task.rows[out]])

    def run(self) -> Part | Floats:
        """The part when it was fitted on all rows, else its margins of the others."""
        with threadpool_limits(1), warnings.catch_warnings():
            # Said where rows are few for their labels, which a person need not hear of every part and fold.
            warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
            part = parts.MAKERS[self.part](self.lesson)
            return part if self.unseen is None else part.margins(self.unseen)


def _silent(_done: int, _total: int, _what: str) -> None:
    """Tells nobody."""


def fit(
    samples: Sequence[Sample],
    plans: Sequence[Plan],
    seed: int = 0,
    folds: int | None = None,
    max_features: int = MAX_FEATURES,
    progress: Progress = _silent,
) -> Fitted:
    """All planned heads over one vocabulary; equal for equal samples, plans and seed. Raises DataError."""
    if not any(text.words(sample.document.text) for sample in samples):
        raise DataError("there is nothing to learn from: no row has a word in its text")
    folds = folds or (3 if len(samples) >= FEWER_FOLDS_FROM_ROWS else 5)
    tasks = [_task(plan, samples) for plan in plans]
    fold_of = _folds(samples, [plan.name for plan in plans], seed, folds)
    taught = _taught(samples, fold_of, folds)
    documents = [sample.document for sample in samples]
    features = plain = Features.of(documents)
    if _wants_meanings(task.plan.made_of for task in tasks):
        features = plain.with_meanings(documents)
    spaces = [Space.over(features, learned, max_features, partial(_telling, tasks, learned)) for learned in taught]

    crew = _Crew(progress, (folds + 1) * sum(len(task.plan.made_of) for task in tasks))
    # Hidden layers, which take longest, are fitted no further where they do not help on the first fold.
    offered = [task.plan.made_of for task in tasks]
    tried = crew.run(_held_out_jobs(tasks, offered, spaces[:1], fold_of, taught, 0, seed))
    helpful = [_chosen(task, task.plan.made_of, fold_of, taught[:1], tried) for task in tasks]
    offered = [
        tuple(name for name in task.plan.made_of if name in helps or name not in parts.HIDDEN)
        for task, helps in zip(tasks, helpful, strict=True)
    ]
    crew.total = crew.done + folds * sum(map(len, offered))
    tried |= crew.run(_held_out_jobs(tasks, offered, spaces[1:], fold_of, taught, 1, seed))
    chosen = [_chosen(task, names, fold_of, taught, tried) for task, names in zip(tasks, offered, strict=True)]
    features = features if _wants_meanings(chosen) else plain
    everything = np.ones(len(samples), bool)
    telling = partial(_telling, tasks, everything)
    whole = Space.over(features, everything, max_features, telling)
    while (most := _most_packed(tasks, chosen, whole)) < whole.weigher.meanings:
        whole = Space.over(features, everything, most, telling)
    crew.total = crew.done + sum(map(len, chosen))
    final = crew.run(
        Job.of(task, name, None, whole, everything[task.rows], None, seed)
        for task, wanted in zip(tasks, chosen, strict=True)
        for name in wanted
    )
    heads = tuple(
        _head(task, wanted, fold_of, taught, tried, [final[task.plan.name, name, None] for name in wanted])
        for task, wanted in zip(tasks, chosen, strict=True)
    )
    vectorizer = CountVectorizer(
        analyzer=text.features, vocabulary=list(features.names[whole.columns]), dtype=np.float32
    )
    return Fitted(vectorizer, whole.weigher, heads, len(samples), digest(samples), seed, folds)


def _wants_meanings(made_of: Iterable[Sequence[str]]) -> bool:
    return any(parts.OF_MEANINGS in names for names in made_of)


def _most_packed(tasks: Sequence[Task], chosen: Sequence[Sequence[str]], space: Space) -> int:
    """How many features besides meanings a packed model of these parts may have; a weight takes up to a byte.

    Better the features that tell most than a model that is refused when all is fitted.
    """
    told, meanings = space.weigher.meanings, len(space.columns) - space.weigher.meanings
    words = space.weigher.words / told
    layers = {"hidden-words": words, "hidden-pieces": 1 - words}
    each, fixed = float(BESIDES_WEIGHTS), BESIDES_WEIGHTS * meanings
    for task, names in zip(tasks, chosen, strict=True):
        each += len(task.labels) + UNITS * sum(layers.get(name, 0) for name in names)
        fixed += 4 * UNITS * (len(task.labels) + 1) * len(set(names) & set(parts.HIDDEN))
        fixed += UNITS * meanings * (parts.OF_MEANINGS in names)
    return max(1, int((sealed.MOST_FILE - fixed) / each))


def _telling(tasks: Sequence[Task], learned: Flags, weighed: csr_matrix) -> Floats:
    """How much each feature tells of any head's labels: its furthest likelihood times its squared mass."""
    place = np.cumsum(learned) - 1
    mass = np.asarray(weighed.multiply(weighed).sum(axis=0)).ravel()
    best = np.zeros(weighed.shape[1])
    for task in tasks:
        here = learned[task.rows]
        likely = ComplementNB(alpha=SMOOTHING).fit(weighed[place[task.rows[here]]], task.truth[here]).feature_log_prob_
        told = np.abs(likely - likely.mean(axis=0)).max(axis=0) * mass
        best = np.maximum(best, task.plan.features * told / (told.sum() or 1.0))
    return best


@dataclass
class _Crew:
    """Does jobs on all cores and tells how far it is."""

    progress: Progress
    total: int
    done: int = 0

    def run(self, jobs: Iterator[Job]) -> dict[tuple[str, str, int | None], Any]:
        """What each job came to, by head, part and fold."""
        listed = list(jobs)
        large = bool(listed) and listed[0].lesson.counted.shape[0] >= WORTH_PROCESSES_FROM_ROWS
        results = {}
        working = Parallel(n_jobs=-1 if large else 1, return_as="generator")(delayed(job.run)() for job in listed)
        for job, result in zip(listed, working, strict=True):
            results[job.head, job.part, job.fold] = result
            self.done += 1
            self.progress(self.done, max(self.total, self.done), f"{job.head}: {job.part}")
        return results


def _held_out_jobs(
    tasks: Sequence[Task], wanted: Sequence[Sequence[str]], spaces: Sequence[Space], fold_of: Integers,
    taught: Sequence[Flags], first: int, seed: int,
) -> Iterator[Job]:  # fmt: skip
    for fold, space in enumerate(spaces, start=first):
        for task, names in zip(tasks, wanted, strict=True):
            out = fold_of[task.rows] == fold
            if not out.any():
                continue
            learning = taught[fold][task.rows]
            if len(left := set(task.truth[learning].tolist())) < 2:
                only = ", ".join(repr(task.labels[number]) for number in left) or "nothing"
                raise DataError(
                    f"head {task.plan.name!r}: too few different texts to hold some of them out: "
                    f"without some of them only {only} is left to learn"
                )
            for name in names:
                yield Job.of(task, name, fold, space, learning, out, seed)


def _chosen(
    task: Task, names: Sequence[str], fold_of: Integers, taught: Sequence[Flags], tried: dict[Any, Any]
) -> tuple[str, ...]:
    """Those of the parts that help on the rows which these fits were not taught."""
    known = np.flatnonzero(_known(task, fold_of, taught))
    if not len(known) or len(names) == 1:
        return tuple(names)
    # Drawn and not every so many: where labels take turns, those would all have the same one.
    judging = np.random.default_rng(0).permutation(known)[:ENOUGH_TO_CHOOSE]
    margins = {name: _margins(task, name, fold_of, tried)[judging] for name in names}
    with threadpool_limits(1):
        return calibrate.useful(margins, task.truth[judging])


def _margins(task: Task, name: str, fold_of: Integers, tried: dict[Any, Any]) -> Floats:
    """The part's margins of all rows that it scored out of fold; nought for the others."""
    margins = np.zeros((len(task.rows), len(task.labels)))
    for fold in np.unique(fold_of[task.rows]):
        scored = tried.get((task.plan.name, name, int(fold)))
        if scored is not None:
            margins[fold_of[task.rows] == fold] = scored
    return margins


def _known(task: Task, fold_of: Integers, taught: Sequence[Flags]) -> Flags:
    """Rows scored by one of these fits that had their label; of the others it could say nothing, nor they of it."""
    known = np.zeros(len(task.rows), bool)
    for fold, learned in enumerate(taught):
        out = fold_of[task.rows] == fold
        known[out] = np.isin(task.truth[out], task.truth[learned[task.rows]])
    return known


def _head(
    task: Task, wanted: Sequence[str], fold_of: Integers, taught: Sequence[Flags], tried: dict[Any, Any],
    final: list[Part],
) -> FittedHead:  # fmt: skip
    held_out = [_margins(task, name, fold_of, tried) for name in wanted]
    known = _known(task, fold_of, taught)
    judging = known if known.any() else np.ones(len(known), bool)
    with threadpool_limits(1):
        factors = calibrate.blend([margins[judging] for margins in held_out], task.truth[judging])
        blended = np.tensordot(factors, np.stack(held_out), 1)
        sharpness = calibrate.sharpness(blended[judging], task.truth[judging])
    shares = calibrate.sharpened(blended, sharpness)
    said, sure = calibrate.answers(shares, task.plan.costs)
    limit = calibrate.threshold(sure, said == task.truth)
    reached = calibrate.figures(shares, task.truth, limit.value, task.plan.costs)
    return FittedHead(
        task.plan.name, task.labels, tuple(final), tuple(factors.tolist()), sharpness, limit, reached,
        task.plan.costs, task.rows, shares,
    )  # fmt: skip


def _task(plan: Plan, samples: Sequence[Sample]) -> Task:
    rows = np.array([i for i, sample in enumerate(samples) if plan.name in sample.labels], dtype=int)
    found = [samples[i].labels[plan.name] for i in rows]
    labels = plan.order or tuple(sorted(set(found)))
    number = {label: i for i, label in enumerate(labels)}
    truth = np.array([number[label] for label in found], dtype=int)
    rare = [
        label for label, found_of in zip(labels, np.bincount(truth, minlength=len(labels)), strict=True) if found_of < 2
    ]
    if rare:
        raise DataError(f"head {plan.name!r}: fewer than 2 rows have the label {first_of(rare)}")
    if len(labels) < 2:
        raise DataError(f"head {plan.name!r}: two or more different labels are needed, found {len(labels)}")
    too_much = {"logistic": len(rows) * len(labels) > MOST_FOR_LOGISTIC}
    too_much[parts.OF_MEANINGS] = len(labels) > MOST_LABELS_FOR_MEANINGS
    made_of = tuple(name for name in plan.made_of if not too_much.get(name))
    return Task(replace(plan, made_of=made_of or plan.made_of), labels, rows, truth)


def _folds(samples: Sequence[Sample], names: Sequence[str], seed: int, folds: int) -> Integers:
    """Fold of each row: labels dealt out evenly; texts of one group, and equal texts of no group, together."""
    groups: dict[str, list[int]] = {}
    for i, sample in enumerate(samples):
        groups.setdefault(sample.group or identity(sample.document), []).append(i)
    decks: dict[tuple[str | None, ...], list[list[int]]] = {}
    for members in groups.values():
        labels = samples[members[0]].labels
        decks.setdefault(tuple(labels.get(name) for name in names), []).append(members)
    random = np.random.default_rng(seed)
    shuffled = [decks[key][i] for key in sorted(decks, key=repr) for i in random.permutation(len(decks[key]))]
    fold_of = np.empty(len(samples), dtype=int)
    for place, members in enumerate(shuffled):
        fold_of[members] = place % folds
    if len(shuffled) < 2:
        raise DataError(f"{len(samples)} rows of one text or group are too few to hold any out")
    return fold_of


def _taught(samples: Sequence[Sample], fold_of: Integers, folds: int) -> list[Flags]:
    """For each fold the rows that its fit may learn from: those of other folds that are no twin of one held out."""
    numbers: dict[str, int] = {}  # NumPy would keep every text as long as the longest
    twins = np.array([numbers.setdefault(identity(sample.document), len(numbers)) for sample in samples])
    taught = [~np.isin(twins, twins[fold_of == fold]) for fold in range(folds)]
    if not all(learned.any() for learned in taught):
        raise DataError("too few different texts to hold some of them out: all of them are in every group")
    return taught
