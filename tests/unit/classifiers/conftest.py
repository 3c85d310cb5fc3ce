"""A model fitted on a handful of messages in five languages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from classifiers import artifact
from classifiers.model import Model
from classifiers.text import Document
from training import pack
from training.dataset import Sample
from training.fit import Fitted, Plan, fit

MESSAGES = {
    ("pl", "returns", "normal"): ["Chcę zwrócić buty, są za małe", "Proszę o zwrot, sukienka nie pasuje"],
    ("pl", "billing", "high"): ["Pobrano mi pieniądze dwa razy z karty", "Faktura jest błędna, termin mija jutro"],
    ("en", "returns", "normal"): ["I want to return the shoes, too small", "How do I send the dress back"],
    ("en", "billing", "high"): ["My card was charged twice for one order", "The invoice is wrong and due tomorrow"],
    ("de", "returns", "normal"): ["Ich möchte die Schuhe zurückschicken", "Das Kleid passt nicht, bitte umtauschen"],
    ("de", "billing", "high"): ["Die Rechnung ist falsch und morgen fällig", "Der Betrag wurde doppelt abgebucht"],
    ("ru", "returns", "normal"): ["Хочу вернуть ботинки, они малы", "Платье не подошло, как оформить возврат"],
    ("ru", "billing", "high"): ["Деньги с карты списали дважды", "Счёт неверный, срок уже завтра"],
    ("uk", "returns", "normal"): ["Хочу повернути черевики, вони замалі", "Сукня не підійшла, як її повернути"],
    ("uk", "billing", "high"): ["Гроші з картки зняли двічі", "Рахунок неправильний, термін завтра"],
}  # fmt: skip


def samples() -> Iterator[Sample]:
    for (language, topic, urgency), texts in MESSAGES.items():
        for number, written in enumerate(texts):
            labels = {"topic": topic, "urgency": urgency, "language": language}
            yield Sample(Document(written, ("mail", "chat")[number % 2]), labels)


@pytest.fixture(scope="session")
def fitted() -> Fitted:
    plans = [Plan("topic"), Plan("urgency", "logistic", balanced=True), Plan("language")]
    return fit(list(samples()), plans, seed=3, folds=3)


@pytest.fixture
def directory(fitted: Fitted, tmp_path: Path) -> Path:
    pack.export(fitted, tmp_path / "model", "tiny")
    return tmp_path / "model"


@pytest.fixture
def model(directory: Path) -> Model:
    return artifact.load(directory)
