from collections.abc import Mapping

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from classifiers.text import Document
from tests.unit.classifiers.corpus import samples
from training import calibrate, pack, parts
from training.dataset import Sample
from training.fit import FULL, LINEAR, QUICK, Plan, fit
from training.parts import UNSEEN_MARGIN, Lesson

WORDS = {0: ("late", "parcel"), 1: ("refund", "money"), 2: ("login", "password")}


def lesson(labels: int = 3, rows: int = 60, seed: int = 1) -> Lesson:
    """Rows of the first two labels, each told by columns of its own; four are words, four pieces, four meanings."""
    random = np.random.default_rng(4)
    truth = np.arange(rows) % 2
    counted = random.random((rows, 12)) * 0.1
    for first in (0, 4, 8):
        counted[np.arange(rows), first + truth] += 1
    return Lesson(csr_matrix(counted), 4, 8, random.random((4, 3)), truth, labels, seed, strength=1.0)


@pytest.mark.parametrize("name", parts.MAKERS)
def test_every_part_learns_and_gives_a_margin_to_labels_it_never_saw(name: str) -> None:
    taught = lesson()
    margins = parts.MAKERS[name](taught).margins(taught.counted)
    assert margins.shape == (60, 3)
    assert (margins[:, :2].argmax(axis=1) == taught.truth).all()
    assert margins[:, 2] == pytest.approx(UNSEEN_MARGIN)


@pytest.mark.parametrize("name", parts.HIDDEN)
def test_equal_seeds_give_equal_layers_and_others_give_others(name: str) -> None:
    one, same, other = (parts.MAKERS[name](lesson(2, seed=seed)) for seed in (1, 1, 2))
    counted = lesson().counted
    assert np.array_equal(one.margins(counted), same.margins(counted))
    assert not np.array_equal(one.margins(counted), other.margins(counted))


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("support-vectors", slice(0, 8)), ("logistic", slice(0, 8)), ("even-bayes", slice(0, 8)),
        ("bayes-words", slice(0, 4)), ("bayes-pieces", slice(4, 8)),
        ("hidden-words", slice(0, 4)), ("hidden-pieces", slice(4, 8)), ("hidden-meanings", slice(8, 12)),
    ],
)  # fmt: skip
def test_each_part_sees_its_own_features_alone(name: str, own: slice) -> None:
    part = parts.MAKERS[name](lesson())
    weights = part.weights if part.layer is None else part.layer.inner_
    assert weights is not None
    assert len(weights) == 12
    assert weights[own].any(axis=1).all()
    assert not np.delete(weights, own, axis=0).any()


def test_hidden_layers_are_served_as_they_were_fitted() -> None:
    noise = np.random.default_rng(5)
    rows = [
        Sample(
            Document(" ".join([*noise.permutation(list(WORDS[label])), *noise.choice(list("abcdefgh"), 3)])),
            {"label": str(label)},
        )
        for label in (0, 1, 2)
        for _ in range(30)
    ]
    documents = [row.document for row in rows]
    for made_of in (*((name,) for name in parts.HIDDEN), ("support-vectors", "hidden-pieces"), FULL):
        fitted = fit(rows, [Plan("label", made_of)], folds=3)
        assert fitted.heads[0].held_out.accuracy > 0.9
        parity = pack.parity(fitted, pack.exact_model(fitted), documents)
        assert parity.largest_difference < 1e-6
        assert parity.agreement == 1


def test_parts_that_do_not_help_are_left_out() -> None:
    fitted = fit(list(samples()), [Plan("topic", ("support-vectors", "bayes-words", "logistic"))], folds=3)
    assert 1 <= len(fitted.heads[0].parts) < 3


def test_what_would_take_longer_than_it_is_worth_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, steps = list(samples()), []

    def tried() -> set[str]:
        steps.clear()
        fit(rows, [Plan("topic", QUICK)], folds=3, progress=lambda _done, _total, what: steps.append(what))
        return set(steps)

    assert tried() == {f"topic: {name}" for name in QUICK}
    monkeypatch.setattr("training.fit.MOST_FOR_LOGISTIC", 2 * len(rows))
    assert tried() == {f"topic: {name}" for name in QUICK}
    monkeypatch.setattr("training.fit.MOST_FOR_LOGISTIC", 2 * len(rows) - 1)
    assert tried() == {f"topic: {name}" for name in QUICK if name != "logistic"}
    fit(rows, [Plan("topic", ("logistic",))], folds=3)
    monkeypatch.setattr("training.fit.MOST_LABELS_FOR_MEANINGS", 1)
    assert tried() == {f"topic: {name}" for name in LINEAR if name != "logistic"}


def test_progress_ends_where_it_said_it_would() -> None:
    told: list[tuple[int, int]] = []
    fit(list(samples()), [Plan("topic", FULL)], folds=3, progress=lambda done, total, _what: told.append((done, total)))
    assert [done for done, _ in told] == list(range(1, len(told) + 1))
    assert told[-1][0] == told[-1][1]


def test_the_rows_that_choose_parts_hold_every_label_whatever_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that take turns, as exports often have them: of every second one all would have one label."""
    rows, judged = [sample for pair in zip(*_by_topic(), strict=True) for sample in pair], []
    real = calibrate.useful

    def noted(margins: Mapping[str, calibrate.Floats], truth: calibrate.Integers) -> tuple[str, ...]:
        judged.append(truth)
        return real(margins, truth)

    monkeypatch.setattr(calibrate, "useful", noted)
    monkeypatch.setattr("training.fit.ENOUGH_TO_CHOOSE", len(rows) // 2)
    fit(rows, [Plan("topic", QUICK)], folds=3)
    assert [len(set(truth.tolist())) for truth in judged] == [2, 2]
    assert len(judged[-1]) == len(rows) // 2


def _by_topic() -> tuple[list[Sample], list[Sample]]:
    """As many samples of the one topic as of the other."""
    topics: dict[str, list[Sample]] = {}
    for sample in samples():
        topics.setdefault(sample.labels["topic"], []).append(sample)
    first, second = topics.values()
    return first, second
