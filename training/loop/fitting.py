"""The one place where the loop meets the fitting: exchange it here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from classifiers.model import Model
from training import pack, starter
from training.dataset import DataError, Sample
from training.starter import Labels

#: A topic of the desk's own is learned from so many decisions on.
FEWEST_OF_A_TOPIC: Final = 10
NAME: Final = "desk"


def fitted(
    samples: Sequence[Sample], known: Labels, topics: Collection[str], directory: Path, extra: Mapping[str, Any]
) -> Model:
    """A model for the desk's `topics` in the directory, signed with this checkout's key. Raises DataError.

    Of the topics the corpus knows those the desk has are learned, and those of the desk with enough decisions.
    """
    counts: dict[str, int] = {}
    for sample in samples:
        if topic := sample.labels.get("topic"):
            counts[topic] = counts.get(topic, 0) + 1
    of_corpus = [topic for topic in known.topics if topic in topics and counts.get(topic)]
    own = [topic for topic in topics if topic not in known.topics and counts.get(topic, 0) >= FEWEST_OF_A_TOPIC]
    labels = replace(known, topics=(*of_corpus, *own))
    usable = [fitting for sample in samples if (fitting := _within(sample, labels)).labels]
    told = {**extra, "guards": starter.guards(labels)}
    learned = starter.fitted(usable, labels, starter.progress_bar(quiet=False))
    return pack.export(learned, directory, NAME, told, steps=starter.STEPS)


def _within(sample: Sample, labels: Labels) -> Sample:
    """The sample with those of its labels that are learned."""
    allowed = {"topic": labels.topics, "urgency": labels.urgencies, "language": labels.languages}
    kept = {head: value for head, value in sample.labels.items() if value in allowed.get(head, ())}
    return replace(sample, labels=starter.spam_or_not(kept, labels))


__all__ = ["FEWEST_OF_A_TOPIC", "NAME", "DataError", "fitted"]
