"""Labelled messages a model is judged on, and the corpus it was taught on, counted."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from training import dataset, holdout, starter
from training.dataset import DataError, Sample

ASIDE: Final = "aside"  # the folder of a corpus that is never read for fitting


@dataclass(frozen=True, slots=True)
class Source:
    """One file of the corpus: its language, its hand, and its messages by channel; `kept` are never taught."""

    language: str
    hand: str
    channels: Mapping[str, int]
    kept: int


@dataclass(frozen=True, slots=True)
class Corpus:
    """What stands in a corpus.

    `digest` is that of what is taught, as a manifest made from it names it; `aside` that of what is set aside, "" for
    nothing.
    """

    sources: tuple[Source, ...]
    sentences: Mapping[str, int]
    digest: str
    taught: frozenset[str]
    aside: str


def judged(paths: Iterable[Path]) -> list[Sample]:
    """Labelled messages; of topic, urgency and language each may be missing. Raises DataError, also without a topic."""
    samples = [dataset.judged(line) for path in paths for line in dataset.lines(path)]
    if not any("topic" in sample.labels for sample in samples):
        raise DataError("no line of the data has a topic")
    return samples


def aside(folder: Path = starter.CORPUS) -> list[Path]:
    """The files of messages that another hand wrote than the corpus, and that nothing is fitted on."""
    return sorted((folder / ASIDE).glob("*.jsonl"))


def corpus(folder: Path = starter.CORPUS) -> Corpus:
    """The corpus, counted. Raises DataError."""
    samples = starter.read(folder)
    taught = holdout.taught(samples)
    sources = tuple(_source(path) for path in sorted(folder.glob("*.jsonl")) if path.name != starter.SENTENCES)
    sentences = Counter(sample.labels["language"] for sample in samples if "topic" not in sample.labels)
    return Corpus(
        sources,
        dict(sentences.most_common()),
        dataset.digest(taught),
        frozenset(dataset.identity(sample.document) for sample in taught if "topic" in sample.labels),
        dataset.digest(judged(paths)) if (paths := aside(folder)) else "",
    )


def seen(samples: Sequence[Sample], known: Corpus) -> int:
    """How many of these messages stand in what is taught, word for word."""
    return sum(dataset.identity(sample.document) in known.taught for sample in samples)


def _source(path: Path) -> Source:
    documents = [dataset.judged_document(line) for line in dataset.lines(path)]
    language, _, hand = path.stem.partition("-")
    channels = Counter(document.channel for document in documents)
    kept = sum(holdout.is_held_out(dataset.identity(document)) for document in documents)
    return Source(language, hand, dict(sorted(channels.items())), kept)
