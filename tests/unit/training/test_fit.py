import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifiers import artifact
from classifiers.text import Document
from tests.unit.classifiers.corpus import samples
from training import dataset, pack
from training.dataset import DataError, Sample
from training.fit import Plan, fit

PLANS = [Plan("topic"), Plan("urgency", ("logistic",))]


def taught(*labelled: tuple[str, str]) -> list[Sample]:
    return [Sample(Document(written), {"label": label}) for written, label in labelled]


def test_equal_seeds_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        pack.export(fit(list(samples()), PLANS, seed=5, folds=3), tmp_path / name, "tiny")
    for file in (artifact.ARRAYS, artifact.MANIFEST):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_another_seed_deals_other_folds() -> None:
    held_out = {fit(list(samples()), PLANS, seed=seed, folds=3).heads[0].held_out.nll for seed in range(4)}
    assert len(held_out) > 1


def test_scores_of_scikit_learn_sum_to_one() -> None:
    rows = list(samples())
    fitted = fit(rows, PLANS, folds=3)
    for shares in fitted.scores([row.document for row in rows]).values():
        assert shares.sum(axis=1) == pytest.approx(np.ones(len(rows)))


def test_labels_keep_the_planned_order() -> None:
    fitted = fit(list(samples()), [Plan("topic", order=("returns", "billing"))], folds=3)
    assert fitted.heads[0].labels == ("returns", "billing")
    model = pack.exact_model(fitted)
    documents = [sample.document for sample in samples()]
    assert pack.parity(fitted, model, documents).largest_difference < 1e-6


def test_a_sharpened_head_is_served_as_it_was_fitted() -> None:
    fitted = fit(list(samples()), PLANS, folds=3)
    heads = tuple(replace(head, sharpness=(1.7, 1.4, 0.6, 0.5, 0.4)) for head in fitted.heads)
    documents = [sample.document for sample in samples()]
    sharpened = replace(fitted, heads=heads)
    assert pack.parity(sharpened, pack.exact_model(sharpened), documents).largest_difference < 1e-6
    assert pack.parity(sharpened, pack.exact_model(fitted), documents).largest_difference > 0.01


def test_a_twin_of_a_text_never_scores_it() -> None:
    noise = random.Random(2)
    words = ["".join(noise.choices("abcdefghij", k=6)) for _ in range(60)]
    rows = taught(*((word, noise.choice("xy")) for word in words for _ in range(4)))
    rows = [replace(row, labels=rows[i // 4 * 4].labels) for i, row in enumerate(rows)]
    assert fit(rows, [Plan("label")]).heads[0].held_out.accuracy < 0.8


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "no row has a word"),
        (taught(("?!", "a"), ("", "b")), "no row has a word"),
        (taught(("one", "a"), ("two", "a")), "two or more different labels"),
        (taught(("one", "a"), ("two", "a"), ("three", "b")), "fewer than 2 rows have the label 'b'"),
        (taught(("one", "a"), ("one", "a"), ("one", "b"), ("one", "b")), "too few"),
    ],
)
def test_data_that_cannot_be_learned_from_is_refused(rows: list[Sample], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        fit(rows, [Plan("label")])


def test_of_thousands_of_rare_labels_the_first_are_named() -> None:
    rows = taught(*((f"text {n}", f"case {n:04d}") for n in range(2_000)))
    with pytest.raises(DataError) as refused:
        fit(rows, [Plan("label")])
    assert "'case 0009' and 1,990 more" in str(refused.value)
    assert len(str(refused.value)) < 300


def test_export_leaves_a_folder_that_is_no_model_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="not a model"):
        pack.export(fit(list(samples()), PLANS, folds=3), tmp_path, "tiny")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_the_manifest_tells_what_the_model_is_made_of(tmp_path: Path) -> None:
    fitted = fit(list(samples()), PLANS, seed=5, folds=3)
    pack.export(fitted, tmp_path / "model", "tiny")
    manifest = json.loads((tmp_path / "model" / artifact.MANIFEST).read_text())
    assert manifest["data"] == {"rows": 20, "sha256": dataset.digest(samples()), "from": None, "to": None}
    assert {"numpy", "scikit-learn"} <= manifest["versions"].keys()
    assert manifest["heads"][0]["held_out"]["rows"] == 20


def test_banking77_in_small_is_learned_and_packed_without_loss(shared: Path) -> None:
    texts = shared / "data" / "banking77" / "train.jsonl.gz"
    rows = [row for row in dataset.labelled(texts, "text", "label") if row.labels["label"] < "b"]
    fitted = fit(rows[:600], [Plan("label")], folds=3)
    assert fitted.heads[0].held_out.accuracy > 0.9
    parity = pack.parity(fitted, pack.exact_model(fitted), [row.document for row in rows[600:700]])
    assert parity.largest_difference < 1e-6


def test_a_packed_model_says_what_its_pipeline_says_and_wider_steps_say_it_in_fewer_bytes(tmp_path: Path) -> None:
    fitted = fit(list(samples()), [*PLANS, Plan("language")], folds=3)
    documents = [sample.document for sample in samples()]
    sizes = []
    for step, apart in ((0.0, 0.01), (0.1, 0.02), (0.5, 0.1)):
        model = pack.export(fitted, tmp_path / "model", "tiny", steps={head.name: step for head in fitted.heads})
        parity = pack.parity(fitted, model, documents)
        assert parity.largest_difference < apart, step
        assert parity.agreement == 1, step
        sizes.append((tmp_path / "model" / artifact.ARRAYS).stat().st_size)
    assert sizes[0] > sizes[1] > sizes[2]


def test_the_weights_of_no_head_but_that_named_are_kept_wider_apart(tmp_path: Path) -> None:
    fitted = fit(list(samples()), PLANS, folds=3)
    fine, wide = (
        pack.export(fitted, tmp_path / name, name, steps=steps)
        for name, steps in (("fine", {}), ("wide", {"urgency": 2.0}))
    )
    topic, urgency = fine.table.blocks
    assert (fine.table.weights[:, topic] == wide.table.weights[:, topic]).all()
    assert abs(fine.table.weights[:, urgency]).mean() > 5 * abs(wide.table.weights[:, urgency]).mean()


def test_a_pipeline_that_cannot_be_kept_whole_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a file would pass for the pipeline: the starter model is not fitted again where one lies."""
    fitted, path = fit(list(samples()), PLANS, folds=3), tmp_path / "there" / "fitted.joblib"

    def full(_: object, target: Path, **__: object) -> None:
        Path(target).write_bytes(b"half")
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("training.pack.joblib.dump", full)
        with pytest.raises(OSError, match="No space left"):
            pack.keep(fitted, path)
    assert not list(path.parent.iterdir())
    pack.keep(fitted, path)
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_held_out_figures_are_those_of_the_answers_that_are_given() -> None:
    """With costs the answer is that of least expected cost: here it is always "high"."""
    plan = Plan("urgency", ("logistic",), order=("normal", "high"), costs=((0.0, 0.0), (1.0, 0.0)))
    fitted = fit(list(samples()), [plan], folds=3)
    model = pack.exact_model(fitted)
    assert {model.head("urgency").answer(model._vector(s.document)).label for s in samples()} == {"high"}
    reached = fitted.heads[0].held_out
    assert (reached.accuracy, reached.macro_f1) == (0.5, pytest.approx(1 / 3))


def test_a_label_without_which_one_alone_is_left_is_named() -> None:
    rows = taught(*((f"parcel {word}", "ship") for word in ("one", "two", "three")), ("bill", "pay"), ("Bill!", "pay"))
    with pytest.raises(DataError, match=r"too few different texts .* without some of them only 'ship' is left"):
        fit(rows, [Plan("label")])
