import json
import re
from collections import Counter
from pathlib import Path

import pytest

from classifiers import artifact
from tests.unit.classifiers.corpus import samples
from training import dataset, signing, starter
from training.card import messages

LABELS = """
topics = ["returns", "billing"]
urgencies = ["normal", "high"]
languages = ["pl", "en", "de", "ru", "uk"]
spam = "billing"
urgency_costs = [[0, 1], [1, 0]]
"""


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "labels.toml").write_text(LABELS)
    with (folder / "all-mail.jsonl").open("w", encoding="utf-8") as file:
        for sample in samples():
            labels = {**sample.labels, "lang": sample.labels["language"]}
            message = {"subject": "", "body": sample.document.text, "channel": sample.document.channel}
            file.write(json.dumps({**message, **labels}, ensure_ascii=False) + "\n")
    with (folder / "languages.jsonl").open("w", encoding="utf-8") as file:
        for sample in samples():
            sentence = {"lang": sample.labels["language"], "text": "> " + sample.document.text}
            file.write(json.dumps(sentence, ensure_ascii=False) + "\n")
    return folder


def run(corpus: Path, *more: str) -> int:
    return starter.main(["--out", str(corpus.parent / "model"), "--corpus", str(corpus), *more])


def test_it_builds_once_and_again_only_when_something_changed(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(corpus) == 0
    told = capsys.readouterr().out
    assert "fitting on 19 messages and 20 sentences" in told, "of the twenty one is kept for judging"
    assert "topic     held out: accuracy" in told
    first = artifact.load(corpus.parent / "model", signing.trusted()).model_id
    manifest = json.loads((corpus.parent / "model" / artifact.MANIFEST).read_text())
    assert manifest["data"]["rows"] == 19 + 20, "twins are no rows of the corpus"
    assert run(corpus) == 0
    assert "is up to date" in capsys.readouterr().out
    with (corpus / "languages.jsonl").open("a") as file:
        file.write('{"lang": "en", "text": "and when will it come"}\n')
    assert run(corpus, "--quiet") == 0
    assert capsys.readouterr().out == ""
    assert artifact.load(corpus.parent / "model", signing.trusted()).model_id != first


def test_a_damaged_model_is_built_again(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(corpus)
    (corpus.parent / "model" / artifact.ARRAYS).write_bytes(b"damaged")
    capsys.readouterr()
    assert run(corpus) == 0
    assert "fitting" in capsys.readouterr().out


def test_the_fitted_pipeline_is_kept_where_asked(corpus: Path) -> None:
    kept = corpus.parent / "build" / "starter.joblib"
    run(corpus)
    assert run(corpus, "--keep", str(kept)) == 0
    assert kept.stat().st_size > 0


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"lang": "en"}', "line 2: field 'subject' is missing"),
        ('{"subject": "", "body": "b", "channel": "mail", "topic": "x"}', "'topic' is 'x', not one of returns"),
        ("oops", "line 2: is not JSON"),
    ],
)
def test_a_bad_corpus_line_stops_it_with_one_sentence(
    corpus: Path, capsys: pytest.CaptureFixture[str], line: str, reason: str
) -> None:
    good = (corpus / "all-mail.jsonl").read_text(encoding="utf-8").splitlines()[0]
    (corpus / "bad.jsonl").write_text(f"{good}\n{line}\n", encoding="utf-8")
    assert run(corpus) == 2
    told = capsys.readouterr().err
    assert reason in told
    assert "bad.jsonl" in told
    assert not (corpus.parent / "model").exists()


def test_the_projects_own_corpus_is_sound() -> None:
    rows = starter.read(starter.CORPUS)
    allowed = starter.labels(starter.CORPUS)
    assert {row.labels["topic"] for row in rows if "topic" in row.labels} == set(allowed.topics)
    assert {row.labels["language"] for row in rows if "language" in row.labels} == set(allowed.languages)
    assert {row.labels.get("spam") for row in rows} == {starter.GENUINE, allowed.spam, None}


def test_what_is_set_aside_teaches_nothing(corpus: Path) -> None:
    taught, source = starter.read(corpus), starter.source_hash(corpus)
    (corpus / "aside").mkdir()
    (corpus / "aside" / "en.jsonl").write_text("not even a message\n")
    assert starter.read(corpus) == taught
    assert starter.source_hash(corpus) == source


def test_other_phrases_around_messages_make_another_model(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = starter.source_hash(corpus)
    phrases = tmp_path / starter.AROUND.name
    phrases.write_text(starter.AROUND.read_text(encoding="utf-8") + "\n# more\n", encoding="utf-8")
    monkeypatch.setattr(starter, "AROUND", phrases)
    assert starter.source_hash(corpus) != source


def test_no_message_set_aside_stands_in_the_corpus() -> None:
    corpus = {dataset.identity(row.document) for row in starter.read(starter.CORPUS)}
    judged = messages.judged(messages.aside())
    assert len(judged) == 750
    assert {row.labels["language"] for row in judged} == {"pl", "en", "ru", "de", "uk"}
    assert not corpus & {dataset.identity(row.document) for row in judged}


def test_no_message_of_the_corpus_stands_twice_and_none_names_a_foreign_address() -> None:
    rows = starter.read(starter.CORPUS)
    seen = Counter(dataset.identity(row.document) for row in rows)
    assert [text for text, times in seen.items() if times > 1] == []
    addresses = [found for row in rows for found in re.findall(r"[\w.+-]+@[\w.-]+\w|https?://\S+", row.document.text)]
    assert [found for found in addresses if not re.search(r"example\.(com|org|net)\b", found)] == []
