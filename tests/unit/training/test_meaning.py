"""What words mean: vectors of words, and models that know words no row had."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifiers import text
from classifiers.text import Document
from training import meaning, pack
from training.dataset import Sample
from training.fit import LINEAR, QUICK, Plan, fit
from training.space import Features, Space

ANIMALS = ["dog", "cat", "horse", "cow", "sheep", "bird", "fish", "bear", "wolf", "lion", "rabbit", "mouse"]
VEHICLES = ["car", "truck", "train", "bus", "boat", "plane", "ship", "van", "motor", "engine", "taxi", "vehicle"]
UNMET = {"animals": ["animal", "nature", "wild"], "vehicles": ["aircraft", "flight", "road"]}


def rows() -> list[Sample]:
    """Four words of one kind each; none of UNMET among them."""
    random = np.random.default_rng(1)
    return [
        Sample(Document(" ".join(random.choice(words, 4, replace=False))), {"label": label})
        for _ in range(40)
        for label, words in (("animals", ANIMALS), ("vehicles", VEHICLES))
    ]


def alike(one: str, other: str) -> float:
    """The cosine of two words' vectors."""
    first, second = meaning.vectors([one, other])
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def test_words_of_like_meaning_point_alike() -> None:
    assert alike("parcel", "package") > alike("parcel", "music") + 0.1
    assert alike("refund", "repayment") > alike("refund", "weather") + 0.1


def test_a_word_has_the_same_vector_whatever_stands_beside_it() -> None:
    alone, beside = meaning.vectors(["delivery"]), meaning.vectors(["a", "delivery", "internationalization"])
    assert np.array_equal(alone[0], beside[1])
    assert meaning.vectors([]).shape == (0, 256)


def test_everyday_words_are_lowered_words_as_texts_are_spelled() -> None:
    words = meaning.everyday_words()
    assert {"money", "delivery", "jeden", "лютого"} <= set(words)
    assert len(set(words)) == len(words) > 10_000
    assert all(text.spelled(word) == [word] for word in words)


def test_without_the_vectors_the_error_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str, *_: Any) -> Any:
        return None if name == "wordllama" else find_spec(name)

    monkeypatch.setattr(meaning, "find_spec", without)
    meaning._loaded.cache_clear()
    with pytest.raises(ModuleNotFoundError, match="wordllama is not installed"):
        meaning.vectors(["word"])


def test_words_that_no_row_had_are_known_by_what_they_mean(tmp_path: Path) -> None:
    met = {word for row in rows() for word in text.words(row.document.text)}
    assert not met & {word for words in UNMET.values() for word in words}
    known = pack.export(fit(rows(), [Plan("label", ("hidden-meanings",))], folds=3), tmp_path / "known", "known")
    unknown = pack.export(fit(rows(), [Plan("label", LINEAR)], folds=3), tmp_path / "unknown", "unknown")
    for label, words in UNMET.items():
        for word in words:
            assert known.predict(word).label == label
            assert known.predict(word).confidence > 0.6
    sure = [unknown.predict(word).label == label for label, words in UNMET.items() for word in words]
    assert not all(sure), "pieces of words alone do not tell"


def test_meanings_are_left_out_of_a_model_that_gains_nothing_by_them() -> None:
    """The label hangs on which word comes first."""
    told = [
        Sample(Document(f"{said} {one} {other}"), {"label": said.split()[0]})
        for one in ANIMALS
        for other in VEHICLES[:4]
        for said in ("old new", "new old")
    ]
    fitted = fit(told, [Plan("label", QUICK)], folds=3)
    assert fitted.heads[0].held_out.accuracy > 0.95
    assert "hidden-meanings" not in [part.name for part in fitted.heads[0].parts]
    assert not any(map(text.is_of_meaning, fitted.vectorizer.vocabulary))
    assert fitted.weigher.meanings == len(fitted.vectorizer.vocabulary)


def test_a_fold_knows_the_words_of_its_own_rows_and_everyday_words_alone() -> None:
    """Else rare words of held-out rows would be known, as those of new messages are not. All weigh the same there."""
    documents = [Document("qwertzu delivery"), Document("delivery"), Document("asdfghj delivery")]
    features = Features.of(documents).with_meanings(documents)
    space = Space.over(features, np.array([True, True, False]), 1_000, lambda weighed: np.zeros(weighed.shape[1]))
    names = features.names[space.columns[space.weigher.meanings :]].tolist()
    assert {"~qwertzu", "~delivery", "~money"} <= set(names)
    assert "~asdfghj" not in names
    assert len(space.vectors) == len(names)
    weighed = space.weighed[:, space.weigher.meanings :].toarray()
    assert np.linalg.norm(weighed, axis=1) == pytest.approx([1, 1, 1])
    assert weighed[0, names.index("~qwertzu")] == pytest.approx(weighed[0, names.index("~delivery")])


def test_the_most_frequent_words_are_kept_where_more_were_met_than_a_model_may_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("training.space.MOST_MEANINGS", 2)
    documents = [Document("qwertzu asdfghj"), Document("qwertzu asdfghj"), Document("yxcvbnm")]
    features = Features.of(documents).with_meanings(documents)
    assert {"~qwertzu", "~asdfghj"} <= set(features.names[features.meanings :].tolist())
    assert "~yxcvbnm" not in features.names.tolist()
