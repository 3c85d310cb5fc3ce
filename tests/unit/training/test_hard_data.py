"""Data that is small, odd or hostile, and what is learned and said of it."""

import io
import random
import tracemalloc
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from classifiers import artifact, sealed, text
from classifiers.model import Tag
from classifiers.text import Document
from sortownia import models
from tests.unit.classifiers.corpus import samples
from training import calibrate, dataset, pack, parts
from training import fit as fitting
from training.dataset import Sample
from training.fit import FULL, QUICK, Plan, Task, _taught, fit
from training.hidden import UNITS
from training.loop import figures, gate, turn
from training.loop.figures import Answers
from training.loop.labels import Decision, Place
from training.space import Space
from training.weigh import Weigher

WORDS = {
    "ship": ["delivery", "parcel", "courier", "late", "shipment", "box"],
    "pay": ["invoice", "payment", "card", "refund", "money", "bank"],
    "acc": ["password", "login", "account", "reset", "locked", "user"],
}
FILLER = ["the", "my", "please", "is", "and", "hello", "not", "it", "to", "was", "i", "we", "this", "with", "for", "on"]


def drawn(seed: int, per: int, own: int, filler: int, labels: tuple[str, ...]) -> list[Sample]:
    dice, found = random.Random(seed), []
    for _ in range(per):
        for label in labels:
            said = dice.sample(WORDS[label], own) + dice.choices(FILLER, k=filler)
            dice.shuffle(said)
            found.append(Sample(Document(" ".join(said)), {"label": label}))
    return found


# What is unseen inside words


@pytest.mark.parametrize("unseen", ["\u00ad", "\u200b", "\u200d", "\u2060", "\ufeff"])
def test_what_stands_unseen_inside_a_word_does_not_cut_it(unseen: str) -> None:
    hidden = f"Es riecht nach Gas{unseen}geruch, пожа{unseen}р"
    assert text.words(hidden) == text.words("Es riecht nach Gasgeruch, пожар")
    assert text.features(Document(hidden)) == text.features(Document("Es riecht nach Gasgeruch, пожар"))
    assert [hidden[a:b] for a, b in text.places(hidden)][3:] == [f"Gas{unseen}geruch", f"пожа{unseen}р"]


def test_a_mark_of_stress_does_not_cut_a_word() -> None:
    assert text.words("пожа\u0301р") == ["пожар"]
    assert text.places("пожа\u0301р") == [(0, 6)]


# A head that may answer nothing answers


def test_where_nothing_is_safe_nothing_is_answered() -> None:
    rows = drawn(1, 15, 1, 2, ("ship", "pay", "acc"))
    head = (fitted := fit(rows, [Plan("label", QUICK)], seed=1)).heads[0]
    assert head.threshold.rule == "none", "the case must be one where no threshold is safe"
    assert head.held_out.coverage == 0
    model = pack.exact_model(fitted)
    assert all(model.predict(row.document.text).abstained for row in rows)


def test_a_threshold_of_one_is_none_even_where_the_softmax_rounds_to_one() -> None:
    limit = calibrate.threshold(np.ones(3), np.ones(3, bool)).value
    reached = calibrate.figures(np.array([[1.0, 0.0]]), np.array([1]), limit)
    assert reached.coverage == 0


# Few rows make it sure of anything


def test_a_few_rows_that_are_all_right_prove_no_certainty() -> None:
    margins = np.array([[1.0, -1.0]] * 4 + [[-1.0, 1.0]] * 4)
    truth = np.array([0] * 4 + [1] * 4)
    (factor,) = calibrate.blend([margins], truth)
    assert calibrate.probabilities(margins * factor).max() < 0.99


# Critical messages may be lost


def said(truth: tuple[str, ...], labels: list[str], abstained: bool = False) -> Answers:
    return Answers(truth, tuple(Tag(label, 0.9, abstained, {label: 0.9}) for label in labels))


def test_a_model_that_no_longer_sees_what_is_critical_is_refused() -> None:
    truth = ("critical",) * 40 + ("low",) * 160
    old = said(truth, ["critical"] * 40 + ["normal"] * 40 + ["low"] * 120)
    new = said(truth, ["low"] * 200)  # not one critical message is found; 40 that are low are
    topic = said(("order",) * 200, ["order"] * 200)
    verdict = gate.judge({"topic": topic, "urgency": old}, {"topic": topic, "urgency": new})
    assert verdict.reasons == ("urgency critical: recall falls from 100.0% to 0.0% of 40",)


def test_urgency_never_abstains_at_the_desk_so_its_threshold_costs_nothing() -> None:
    class Shy:
        def tag(self, *_: object, evidence: bool) -> object:
            topic, urgency = Tag("order", 0.9, False, {}), Tag("low", 0.6, self.shy, {})
            return SimpleNamespace(topic=topic, urgency=urgency)

        def __init__(self, shy: bool) -> None:
            self.shy = shy

    rows = [Sample(Document("x"), {"topic": "order", "urgency": "low"})] * 40
    old, new = (figures.triage(Shy(shy), rows) for shy in (False, True))  # type: ignore[arg-type]
    assert gate.judge(old, new).passed  # both say the same of every message


# Texts that judge their twins


def test_a_twin_in_another_group_never_judges() -> None:
    noise = random.Random(2)
    words = ["".join(noise.choices("abcdefghij", k=6)) for _ in range(60)]
    labels = [noise.choice("xy") for _ in words]
    rows = [
        Sample(Document(word), {"label": label}, f"customer {n}-{i}")
        for i, (word, label) in enumerate(zip(words, labels, strict=True))
        for n in range(4)
    ]
    assert fit(rows, [Plan("label")]).heads[0].held_out.accuracy < 0.8


def test_what_one_customer_wrote_is_one_group() -> None:
    people = frozenset(("bea", "bea-at-work"))
    decisions = [
        Decision(
            Place(who, n),
            people,
            Sample(Document(f"word {n}{who}", "mail"), {"topic": "order"}),
            datetime.now(UTC),
            "m",
        )
        for n, who in enumerate(sorted(people))
    ]
    assert {d.people for d in decisions} == {people}
    learned = turn._taught((), decisions, (), ())
    assert len(learned) == 2
    assert len({sample.group for sample in learned}) == 1
    assert learned[0].group


# A label that one group alone has


def test_a_label_of_one_group_alone_does_not_spoil_the_others() -> None:
    rows = drawn(0, 60, 1, 2, ("ship", "pay", "acc"))
    rare = [Sample(Document(f"thank you so much {n}"), {"label": "thanks"}, "one customer") for n in range(6)]
    plain, spoiled = (fit(some, [Plan("label", QUICK)]).heads[0] for some in (rows, rows + rare))
    assert spoiled.threshold.rule == plain.threshold.rule
    of_plain = calibrate.surprises(np.log(np.maximum(plain.scores, 1e-12)), _truth(plain, rows)).mean()
    known = np.log(np.maximum(spoiled.scores[: len(rows)], 1e-12))
    of_spoiled = calibrate.surprises(known, _truth(spoiled, rows)).mean()
    assert of_spoiled < 3 * of_plain


def _truth(head: object, rows: list[Sample]) -> np.ndarray:
    return np.array([head.labels.index(row.labels["label"]) for row in rows])  # type: ignore[attr-defined]


# Scripts without spaces; files of Windows


@pytest.mark.parametrize("made_of", [QUICK, FULL])
def test_texts_of_which_no_whole_word_comes_twice_are_learned(made_of: tuple[str, ...]) -> None:
    dice, letters = random.Random(0), {"ship": "包裹快递延迟送货物流订单箱子", "pay": "发票付款银行退款信用卡金额"}
    rows = [
        Sample(Document("".join(dice.choices(letters[of], k=12))), {"label": of}) for _ in range(250) for of in letters
    ]
    assert fit(rows, [Plan("label", made_of)], folds=2).heads[0].held_out.accuracy > 0.95


def test_a_byte_order_mark_begins_no_text(tmp_path: Path) -> None:
    path = tmp_path / "windows.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "a", "label": "b"}\r\n')
    assert dataset.labelled(path, "text", "label")[0].document.text == "a"
    assert list(models._records(io.BytesIO(path.read_bytes()))) == [(1, {"text": "a", "label": "b"})]


def test_a_line_of_many_brackets_is_no_json(tmp_path: Path) -> None:
    path = tmp_path / "deep.jsonl"
    path.write_text("[" * 200_000)
    with pytest.raises(dataset.DataError, match="line 1: is not JSON"):
        dataset.labelled(path, "text", "label")


# Evidence beside marks


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Дома\u0301 йод и\u0306од", ["Дома\u0301", "йод", "и\u0306од"]),
        ("x\u0301y e\u0301", ["x\u0301y", "e\u0301"]),
        ("ब\u095c", ["ब\u095c"]),  # NFC makes two characters of the second
    ],
)
def test_places_hold_the_whole_word(written: str, shown: list[str]) -> None:
    assert [written[start:end] for start, end in text.places(written)] == shown


# A text of many words, copies with every customer


def test_one_long_text_does_not_make_every_row_as_long() -> None:
    rows = [Sample(Document("".join(letters)), {"label": "ship"}) for letters in product("abcdefg", repeat=4)][:2_000]
    rows.append(Sample(Document("invoice " * 1_000), {"label": "pay"}))
    tracemalloc.start()
    learned = _taught(rows, np.arange(len(rows)) % 5, 5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(int(flags.sum()) for flags in learned) == 4 * len(rows)
    assert peak < 20_000_000


def test_copies_of_every_text_in_every_group_are_refused() -> None:
    rows = [
        Sample(Document(said), {"label": label}, customer)
        for said, label in (("late parcel", "ship"), ("wrong invoice", "pay"))
        for customer in ("ann", "bob")
    ]
    with pytest.raises(dataset.DataError, match="too few"):
        fit(rows, [Plan("label", QUICK)])


# Half of a surrogate pair in a label


def test_a_label_that_no_file_can_hold_is_named(tmp_path: Path) -> None:
    path = tmp_path / "half.jsonl"
    path.write_text('{"text": "a", "label": "b"}\n{"text": "a", "label": "\\ud83d"}\n')
    with pytest.raises(dataset.DataError, match="line 2: field 'label' holds half of a surrogate pair"):
        dataset.labelled(path, "text", "label")


# More features times columns than a model may hold


def test_what_was_fitted_can_be_packed_however_much_there_is_to_learn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [Sample(s.document, {"label": s.labels["topic"]}) for s in samples()]
    monkeypatch.setattr(sealed, "MOST_FILE", 80_000)
    fitted = fit(rows, [Plan("label", ("hidden-words",))], folds=2)
    model = pack.export(fitted, tmp_path / "model", "large")
    assert 250 < len(model.table.vocabulary) < 500, "as many as fit"
    right = [model.predict(row.document.text).label == row.labels["label"] for row in rows]
    assert sum(right) > 0.8 * len(right)


@pytest.mark.parametrize("labels", [2, 150, fitting.MOST_LABELS_FOR_MEANINGS])
def test_neither_do_meanings_for_many_labels_unpack_to_more_than_is_read(labels: int) -> None:
    told, meanings = fitting.MAX_FEATURES, 31_000
    space = Space(
        np.arange(told + meanings), Weigher(told // 2, told), csr_matrix((0, told + meanings)), np.zeros((meanings, 0))
    )
    task = Task(Plan("label", FULL), tuple(map(str, range(labels))), np.arange(0), np.arange(0))
    most = min(told, fitting._most_packed([task], [FULL], space))
    assert (most + meanings) * (labels + len(parts.HIDDEN) * UNITS) < artifact.MOST_UNPACKED
    assert most > meanings / 5, "and what the rows tell is no less than a part of what words mean"


# Labels of which no text tells anything


@pytest.mark.parametrize("made_of", [QUICK, FULL])
def test_where_every_text_has_every_label_nothing_is_learned_and_nothing_answered(made_of: tuple[str, ...]) -> None:
    rows = [
        Sample(Document(said), {"label": label})
        for said in ("red", "blue", "green", "grey", "cyan")
        for label in ("ship", "pay")
    ]
    head = fit(rows, [Plan("label", made_of)]).heads[0]
    assert (head.held_out.accuracy, head.threshold.rule) == (0.5, "none")
    assert np.isfinite(head.scores).all()


def test_features_that_tell_nothing_are_chosen_among_all_the_same() -> None:
    rows = [Sample(Document(said), {"label": label}) for said in ("red", "blue", "green") for label in ("ship", "pay")]
    assert len(fit(rows, [Plan("label", QUICK)], max_features=5).vectorizer.vocabulary) == 5


# Two rows of each label


def test_as_many_labels_as_half_the_rows_are_labels_and_nobody_is_warned_of_numbers() -> None:
    names = ["".join(letters) for letters in product("bdfgk", "aeiou", ["lm"])]
    rows = [Sample(Document(f"{name} {more}"), {"label": name}) for name in names for more in ("order", "parcel")]
    assert fit(rows, [Plan("label", FULL)]).heads[0].held_out.accuracy > 0.9
