import argparse
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from sortownia import models
from tests.unit.classifiers.corpus import samples


def run(monkeypatch: pytest.MonkeyPatch, given: bytes, *words: str) -> int:
    parser = argparse.ArgumentParser()
    models.add_commands(parser.add_subparsers(required=True))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given), encoding="ascii"))
    options = parser.parse_args(words)
    status: int = options.run(options)
    return status


def answers(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    rows = [{"words": sample.document.text, "says": sample.labels["topic"]} for sample in samples()]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_tag_answers_every_line_with_every_field(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    body = "Chcę zwrócić buty"
    message = {"id": "a", "lang": "pl", "channel": "chat", "subject": None, "body": body}
    given = json.dumps(message, ensure_ascii=False).encode() + b'\n\n{"id": 2, "body": ""}\n'
    assert run(monkeypatch, given, "tag", "--jsonl", "--model", str(directory)) == 0
    first, second = answers(capsys)
    assert list(first) == [
        *("id", "topic", "topic_confidence", "topic_abstained", "topic_scores"),
        *("urgency", "urgency_confidence", "urgency_scores", "language", "evidence"),
    ]
    assert (first["id"], first["topic"], first["language"]) == ("a", "returns", "pl")
    piece = first["evidence"][0]
    assert body[piece["start"] : piece["end"]] == piece["text"]
    assert (second["id"], second["topic_abstained"], second["language"]) == (2, True, "und")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{bad", "line 2: is not JSON"),
        (b"[]", "line 2: is not a JSON object"),
        (b'{"id": NaN, "body": "x"}', "line 2: is not JSON: NaN"),
        (b'{"id": 1e999, "body": "x"}', "line 2: is not JSON: 1e999"),
        (b'{"body": "x"}', "line 2: has no id"),
        (b'{"id": 1}', "line 2: field 'body' is missing"),
        (b'{"id": 1, "body": 5}', "line 2: field 'body' is not text"),
        (b'{"id": 1, "body": "\xff"}', "line 2: is not JSON"),
        (b"[" * 100_000, "line 2: is not JSON"),
    ],
)
def test_a_bad_line_is_named_and_what_came_before_stays(
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: bytes,
    reason: str,
) -> None:
    given = b'{"id": 1, "body": "invoice"}\n' + line + b"\n"
    assert run(monkeypatch, given, "tag", "--jsonl", "--model", str(directory)) == 2
    told = capsys.readouterr()
    assert reason in told.err
    assert [json.loads(answer)["id"] for answer in told.out.splitlines()] == [1]


def test_half_a_surrogate_pair_is_answered_in_valid_utf8(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = b'{"id": "\\ud83d", "body": "invoice \\ud83d"}\n'
    assert run(monkeypatch, given, "tag", "--jsonl", "--model", str(directory)) == 0
    assert answers(capsys)[0]["id"] == "\ud83d"


def test_a_trained_model_predicts(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    assert run(monkeypatch, b"", "train", "--data", str(data), "--text", "words", "--label", "says", "--out", out) == 0
    assert "20 texts, 2 labels" in capsys.readouterr().out
    given = b'{"id": null, "text": "send the dress back"}\n{"text": "charged twice"}\n'
    assert run(monkeypatch, given, "predict", "--model", out, "--jsonl") == 0
    first, second = answers(capsys)
    assert (first["id"], first["label"], second["label"]) == (None, "returns", "billing")
    assert "id" not in second
    assert sum(second["scores"].values()) == pytest.approx(1)


def test_training_data_that_cannot_be_used_is_told(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, b"", "train", "--data", str(data), "--out", str(tmp_path / "out")) == 2
    assert "line 1: field 'text' is missing" in capsys.readouterr().err
    (tmp_path / "none.jsonl").touch()
    assert run(monkeypatch, b"", "train", "--data", str(tmp_path / "none.jsonl"), "--out", str(tmp_path / "out")) == 2
    assert "none.jsonl: holds no line" in capsys.readouterr().err


def test_a_label_of_one_row_costs_that_row_and_not_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = [("where is my parcel", "ship"), ("when will it come", "ship"), ("money back", "pay"), ("refund me", "pay")]
    rows = [{"text": f"{text} {number}", "label": label} for number in range(5) for text, label in said]
    rows.append({"text": "hello", "label": "greeting"})
    path, out = tmp_path / "data.jsonl", tmp_path / "out"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run(monkeypatch, b"", "train", "--quick", "--data", str(path), "--out", str(out)) == 0
    told = capsys.readouterr()
    assert "left out, since each stands in one row alone: 'greeting'\n" in told.err
    assert "20 texts, 2 labels" in told.out

    path.write_text("".join(json.dumps({"text": row["text"], "label": row["text"]}) + "\n" for row in rows))
    assert run(monkeypatch, b"", "train", "--quick", "--data", str(path), "--out", str(out)) == 2
    assert "fewer than 2 rows have the label 'hello'" in capsys.readouterr().err


def test_a_place_that_holds_something_else_is_refused_before_anything_is_fitted(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fitting takes minutes: what was wrong from the start is not said after them."""

    def fitted(*_: object, **__: object) -> None:
        raise AssertionError("fitted in vain")

    monkeypatch.setattr("training.fit.fit", fitted)
    for out in (tmp_path, data):
        command = ("train", "--data", str(data), "--text", "words", "--label", "says", "--out", str(out))
        assert run(monkeypatch, b"", *command) == 2
        assert f"{out} holds something that is not a model" in capsys.readouterr().err


def test_a_model_made_for_another_command_is_refused(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, b"", "predict", "--model", str(directory), "--jsonl") == 2
    assert "has no head label" in capsys.readouterr().err


def test_without_a_starter_model_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(models, "STARTER", tmp_path / "starter")
    assert run(monkeypatch, b"", "tag", "--jsonl") == 2
    assert "run `make setup`" in capsys.readouterr().err
