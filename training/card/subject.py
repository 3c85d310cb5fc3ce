"""The model a card is about, and what it said of messages it was not fitted on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from classifiers.model import Model
from training.card.curve import Curve
from training.card.messages import Corpus
from training.dataset import Sample
from training.loop.figures import Answers


@dataclass(frozen=True, slots=True)
class Subject:
    """All that the card tells of; `corpus` and `curve` belong to models made of the project's corpus."""

    model: Model
    manifest: Mapping[str, Any]
    samples: Sequence[Sample]
    answers: Mapping[str, Answers]
    corpus: Corpus | None = None
    curve: Curve | None = None

    @property
    def head(self) -> str:
        """The head that messages are routed by: `topic`, or `label` in a model made by `train`."""
        return "topic" if "topic" in self.answers else "label"

    @property
    def routing(self) -> Answers:
        """What it says where messages go."""
        return self.answers[self.head]

    @property
    def routed_samples(self) -> list[Sample]:
        """The samples of `routing`, in its order."""
        return [sample for sample in self.samples if self.head in sample.labels]

    @property
    def of_this_corpus(self) -> bool:
        """Whether it was taught on the corpus as it stands here, and on nothing else."""
        return self.corpus is not None and self.manifest["data"]["sha256"] == self.corpus.digest

    @property
    def spam(self) -> str | None:
        """The label of this head that a head of its own decides on."""
        return next((guard.label for guard in self.model.guards if guard.head == self.head), None)
