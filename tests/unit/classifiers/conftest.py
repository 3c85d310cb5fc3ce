"""A model fitted on a handful of messages in five languages."""

from pathlib import Path

import pytest

from classifiers import artifact
from classifiers.model import Model
from tests.unit.classifiers.corpus import samples
from training import pack, signing
from training.fit import Fitted, Plan, fit


@pytest.fixture(scope="session")
def fitted() -> Fitted:
    plans = [Plan("topic"), Plan("urgency", ("logistic",)), Plan("language")]
    return fit(list(samples()), plans, seed=3, folds=3)


@pytest.fixture
def directory(fitted: Fitted, tmp_path: Path) -> Path:
    pack.export(fitted, tmp_path / "model", "tiny")
    return tmp_path / "model"


@pytest.fixture
def model(directory: Path) -> Model:
    return artifact.load(directory, signing.trusted())
