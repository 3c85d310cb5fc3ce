"""The loop's commands as a person meets them: what they print, how they end, and what they refuse in one sentence."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from classifiers import sealed
from sortownia import cli
from sortownia.local import system
from tests.unit.classifiers.corpus import samples
from training import pack, signing
from training.dataset import Sample
from training.fit import Plan, fit


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model that tags, and one that labels."""
    folder = tmp_path_factory.mktemp("models")
    plans = [Plan("topic"), Plan("urgency", ("logistic",)), Plan("language")]
    pack.export(fit(list(samples()), plans, folds=3), folder / "tags", "tags")
    labelled = [Sample(s.document, {"label": s.labels["topic"]}) for s in samples()]
    pack.export(fit(labelled, [Plan("label")], folds=3), folder / "labels", "labels")
    return {"tags": folder / "tags", "labels": folder / "labels"}


def written(path: Path, lines: list[dict[str, Any]]) -> Path:
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def evaluated(capsys: pytest.CaptureFixture[str], model: Path, data: Path, *more: str) -> Any:
    assert cli.main(["evaluate", "--model", str(model), "--data", str(data), "--json", *more]) == 0
    return json.loads(capsys.readouterr().out)


def test_evaluate_labelled_texts(models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [{"said": s.document.text, "is": s.labels["topic"]} for s in samples()]
    data = written(tmp_path / "data.jsonl.gz", [*lines, {"said": "where", "is": "unheard-of"}])
    told = evaluated(capsys, models["labels"], data, "--text", "said", "--label", "is")
    figures = told["label"]
    assert told["model_id"].startswith("labels-")
    assert (figures["rows"], figures["labels"]["unheard-of"]["recall"]) == (21, 0.0)
    assert figures["accuracy"] == pytest.approx(20 / 21), "it knows what it was fitted on"


def test_evaluate_labelled_messages(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        {"subject": None, "body": s.document.text, "channel": "mail", "topic": s.labels["topic"], "lang": "xx"}
        for s in samples()
    ]
    lines[0] |= {"urgency": "high"}
    told = evaluated(capsys, models["tags"], written(tmp_path / "data.jsonl", lines))
    assert (told["topic"]["rows"], told["urgency"]["rows"]) == (20, 1)
    assert told["topic"]["accuracy"] > 0.9
    assert cli.main(["evaluate", "--model", str(models["tags"]), "--data", str(tmp_path / "data.jsonl")]) == 0
    shown = capsys.readouterr().out
    assert "topic: 20 rows, accuracy" in shown
    assert "a message (1: a misroute)" in shown, "the card counts another cost, that of urgency"
    assert "returns" in shown


@pytest.mark.parametrize(
    ("model", "line", "reason"),
    [
        ("labels", {"text": "a"}, "line 1: field 'label' is missing"),
        ("tags", {"body": 7}, "line 1: field 'body' is 7, not text"),
        ("tags", {"body": "a"}, "no line has a topic or an urgency"),
        ("tags", {"body": "a", "topic": " "}, "line 1: field 'topic' is empty"),
    ],
)
def test_data_that_cannot_be_judged_by_is_named(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], model: str, line: Any, reason: str
) -> None:
    data = written(tmp_path / "data.jsonl", [line])
    assert cli.main(["evaluate", "--model", str(models[model]), "--data", str(data)]) == 2
    assert reason in capsys.readouterr().err


def test_an_empty_file_judges_nothing(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for model in models.values():
        assert cli.main(["evaluate", "--model", str(model), "--data", str(written(tmp_path / "none.jsonl", []))]) == 2
    assert "holds no line" in capsys.readouterr().err


def test_a_strangers_model_is_used_only_by_who_trusts_him(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stranger = Ed25519PrivateKey.generate()
    key, data = tmp_path / "key.pub", written(tmp_path / "data.jsonl", [{"text": "where", "label": "returns"}])
    key.write_text(signing.public_text(stranger))
    before = (models["labels"] / sealed.SIGNATURE).read_bytes()
    signing.sign(models["labels"], stranger)
    try:
        command = ["evaluate", "--model", str(models["labels"]), "--data", str(data)]
        assert cli.main(command) == 2
        assert "which is not trusted here" in capsys.readouterr().err
        assert cli.main([*command, "--trust", str(key)]) == 0
        assert cli.main([*command, "--trust", str(data)]) == 2
        assert "holds no Ed25519 public key" in capsys.readouterr().err
    finally:
        (models["labels"] / sealed.SIGNATURE).write_bytes(before)


@pytest.mark.parametrize("command", [["retrain"], ["promote", "nowhere"], ["rollback"]])
def test_without_a_running_system_it_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    monkeypatch.setattr(system, "RUNS", tmp_path)
    assert cli.main(command) == 2
    error = capsys.readouterr().err
    assert f"{command[0]}: Nothing is running here" in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("months", ["0", "-1", "601", "many"])
def test_months_are_a_sensible_number(months: str) -> None:
    with pytest.raises(SystemExit):
        cli.main(["retrain", "--months", months])
