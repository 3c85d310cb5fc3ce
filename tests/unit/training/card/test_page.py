import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from classifiers import artifact
from classifiers.model import Tags
from sortownia import cli
from training import pack, parts, signing, starter
from training.card import about, curve, messages
from training.card.markup import element
from training.card.page import page
from training.card.subject import Subject
from training.card.telling import JOIN
from training.dataset import labelled
from training.fit import Plan, fit
from training.loop import figures

Row = dict[str, Any]


class Card:
    """A card as a reader's program sees it. Raises ParseError for one that is not well-formed."""

    def __init__(self, written: str) -> None:
        self.written = written
        self.root = ElementTree.fromstring(written.removeprefix("<!DOCTYPE html>"))
        self.text = "".join(self.root.itertext()).replace(JOIN, " ")

    def table(self, caption: str) -> dict[str, list[str]]:
        """The cells of each row, by its name; the head is the row of its first column's name."""
        return {line[0]: line[1:] for line in self.lines(caption)}

    def lines(self, caption: str) -> list[list[str]]:
        for found in self.root.iter("table"):
            lines = [["".join(cell.itertext()).replace(JOIN, " ") for cell in row] for row in found.iter("tr")]
            if "".join(next(found.iter("caption")).itertext()).startswith(caption):
                return lines
        raise AssertionError(f"no table {caption}")

    def section(self, name: str) -> str:
        found = next(found for found in self.root.iter("section") if found.get("id") == name)
        return "".join(found.itertext()).replace(JOIN, " ")


def card(out: Path, *arguments: str) -> Card:
    assert cli.main(["card", "--out", str(out), *arguments]) == 0
    return Card(out.read_text(encoding="utf-8"))


def tagged(directory: Path, data: Path) -> list[tuple[Row, Tags]]:
    model = artifact.load(directory, signing.trusted())
    rows = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines()]
    return [(row, model.tag("", row["body"], row["channel"], evidence=False)) for row in rows]


def subject(directory: Path, folder: Path, data: list[Path]) -> Subject:
    """As the command makes it, of another corpus."""
    model = artifact.load(directory, signing.trusted())
    manifest = artifact.read_manifest(directory, signing.trusted())
    samples = messages.judged(data)
    return Subject(model, manifest, samples, figures.triage(model, samples), messages.corpus(folder))


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


def check_stands_alone(found: Card) -> None:
    """That it asks for nothing from anywhere, and that its own references lead somewhere."""
    names = Counter(part.tag for part in found.root.iter())
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form", "use", "image"} & names.keys()
    assert not re.search(r"https?:|//|url\(|@import|javascript:|\bsrc\b", found.written)
    ids = [part.get("id") for part in found.root.iter() if part.get("id")]
    assert len(ids) == len({*ids})
    links = [str(part.get("href")) for part in found.root.iter() if part.get("href")]
    assert links
    assert {link[1:] for link in links} <= {*ids}
    assert {link[0] for link in links} == {"#"}
    assert not [name for part in found.root.iter() for name in part.keys() if name.startswith("on")]  # noqa: SIM118
    for drawing in found.root.iter("svg"):
        described = str(drawing.get("aria-labelledby")).split()
        assert {*described} <= {*ids}
        assert [part.tag for part in drawing][:2] == ["title", "desc"]
    for numbers in found.root.iter("table"):
        assert [part.tag for part in numbers] == ["caption", "thead", "tbody"]
        assert {cell.get("scope") for cell in numbers.iter("th")} == {"col", "row"}


def test_its_figures_are_those_a_stranger_computes(packaged: Path, data: Path, tmp_path: Path) -> None:
    found, rows = card(tmp_path / "card.html", "--model", str(packaged), "--data", str(data)), tagged(packaged, data)
    right = [tags.topic.label == row["topic"] for row, tags in rows]
    routed = [hit for hit, (_, tags) in zip(right, rows, strict=True) if not tags.topic.abstained]
    assert 0 < sum(routed) < len(routed) < 60, "there is something to tell"
    share, good = round(100 * len(routed) / 60), round(100 * sum(routed) / 60)
    assert f"Of 100 messages it routes {share} by itself; of those {good} are right" in found.text
    assert f"{sum(right)} of 60 would be right" in found.text
    assert found.lines("What a threshold gives")[-1][:2] == [
        f"{percent(len(routed), 60)}, its own",
        percent(sum(routed), len(routed)),
    ]

    counts = Counter((row["topic"], tags.topic.label) for row, tags in rows)
    matrix = found.table("What is called what: topic")
    columns = matrix.pop("topic")
    told = {(true, said): n for true, cells in matrix.items() for said, n in zip(columns, cells, strict=True)}
    assert {pair: int(n) for pair, n in told.items() if n != "·"} == counts

    for field, caption in (("lang", "By language"), ("channel", "By channel")):
        for value in {row[field] for row, _ in rows}:
            hits = [hit for hit, (row, _) in zip(right, rows, strict=True) if row[field] == value]
            messages_told, accuracy, *_ = found.table(caption)[value]
            assert (messages_told, accuracy.split(" (")[0]) == (str(len(hits)), percent(sum(hits), len(hits)))

    ranked = sorted(zip([tags.topic.confidence for _, tags in rows], right, strict=True), key=lambda pair: pair[0])
    lines = found.lines("Confidence and truth")[1:]
    assert len(lines) == 10
    for number, (confidence, accuracy, *_) in enumerate(lines):
        six = ranked[6 * number : 6 * number + 6]
        assert confidence == f"{100 * sum(sure for sure, _ in six) / 6:.1f} %"
        assert accuracy == percent(sum(hit for _, hit in six), 6)


def test_urgency_and_spam_are_those_a_stranger_computes(packaged: Path, data: Path, tmp_path: Path) -> None:
    found, rows = card(tmp_path / "card.html", "--model", str(packaged), "--data", str(data)), tagged(packaged, data)
    levels = ["low", "normal", "high", "critical"]  # the costs of this corpus are the steps between them
    steps = [abs(levels.index(row["urgency"]) - levels.index(tags.urgency.label)) for row, tags in rows]
    told = found.section("urgency")
    assert f"{steps.count(0)} of 60 are right" in told
    assert f"a message costs {sum(steps) / 60:.3f} on average" in told
    critical = [tags.urgency.label == "critical" for row, tags in rows if row["urgency"] == "critical"]
    assert f"Of what is critical, {percent(sum(critical), len(critical))}" in told
    called = sum(tags.urgency.label == "critical" for _, tags in rows)
    assert f"{percent(called, 60)} of all is called critical, {percent(len(critical), 60)} is" in told
    caught = sum(tags.topic.label == row["topic"] == "spam" for row, tags in rows)
    wronged = sum(tags.topic.label == "spam" != row["topic"] for row, tags in rows)
    spam = found.table("Spam")
    assert spam["spam that is called spam"][0] == f"{caught} of 20"
    assert spam["genuine messages that are called spam"][0] == f"{wronged} of 40"


def test_it_stands_alone_and_shows_its_reasons_in_five_languages(tiny: Path, own_data: Path, tmp_path: Path) -> None:
    found = card(tmp_path / "card.html", "--model", str(tiny), "--data", str(own_data))
    check_stands_alone(found)
    assert [part.get("lang") for part in found.root.iter("blockquote")] == ["pl", "en", "ru", "de", "uk"]
    assert len([*found.root.iter("mark")]) >= 5
    assert "data of somebody's own" in found.section("what-it-was-taught-on")


def test_a_model_of_any_labels_has_a_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = tmp_path / "data.jsonl", tmp_path / "model"
    said = {
        "<script>alert(1)</script>": "charge twice card",
        'a & "b"': "parcel late where",
        "c\x01": "shoes too small",
    }
    rows = [
        {"words": f"{text} {word}", "says": label}
        for label, text in said.items()
        for word in ["one", "two", "three", "four"]
    ]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    fields = ["--text", "words", "--label", "says"]
    assert cli.main(["train", "--data", str(data), *fields, "--out", str(out), "--quick"]) == 0
    found = card(tmp_path / "card.html", "--model", str(out), "--data", str(data), *fields)
    check_stands_alone(found)
    names = [label.replace("\x01", "\ufffd") for label in said]
    assert sorted(found.table("What is called what: label")["label"]) == sorted(names)
    assert "Of 100 messages it routes" in found.text
    assert "urgency" not in {part.get("id") for part in found.root.iter("section")}


def test_what_a_model_knows_of_meanings_is_told_apart_from_what_it_counts(tmp_path: Path) -> None:
    animals, vehicles = (
        ["dog", "cat", "horse", "cow", "sheep", "bird"],
        ["car", "truck", "train", "bus", "boat", "plane"],
    )
    rows = [
        {"text": f"{one} {other}", "label": label}
        for label, words in (("animals", animals), ("vehicles", vehicles))
        for one in words
        for other in words
    ]
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    samples = labelled(data, "text", "label")
    model = pack.export(fit(samples, [Plan("label", ("hidden-meanings",))], folds=2), tmp_path / "model", "tiny")
    found = card(tmp_path / "card.html", "--model", str(tmp_path / "model"), "--data", str(data))
    told = model.table.meanings
    meant = len(model.table.vocabulary) - told
    assert f"{told:,} words and pieces of words; what {meant:,} words mean" in found.text
    assert "a hidden layer over what words mean" in found.text


def test_every_part_that_a_head_may_be_made_of_is_told_in_words() -> None:
    assert about.PARTS.keys() == parts.MAKERS.keys()


def test_labels_it_was_never_taught_are_its_mistakes(packaged: Path, tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text(
        '{"body": "the roof leaks", "topic": "repair", "urgency": "someday"}\n{"body": "?", "topic": "order"}\n'
    )
    found = card(tmp_path / "card.html", "--model", str(packaged), "--data", str(data))
    check_stands_alone(found)
    matrix = found.table("What is called what: topic")
    assert matrix["topic"] == ["order", "billing", "spam", "repair"]
    assert sorted(matrix["repair"]) == ["0", "1", "·", "·"], "never right, once called something else"
    assert "0 of 1 are right" in found.section("urgency")
    assert "kappa" not in found.section("urgency")
    assert "do not say their language or channel" in found.section("languages-and-channels")


def test_what_it_was_taught_on_is_counted_and_what_changed_is_said(corpus: Path, packaged: Path) -> None:
    about = subject(packaged, corpus, messages.aside(corpus))
    found = Card(page(about))
    check_stands_alone(found)
    assert "taught exactly this corpus" in found.text
    assert "None of them stands in the corpus" in found.text
    line = found.table("The corpus")["English"]
    held_out = 240 - sum("topic" in sample.labels for sample in starter.holdout.taught(starter.read(corpus)))
    assert line == ["first hand", "120", "120", "240", str(held_out)]
    spam = found.table("Spam")
    assert spam["spam that is called spam"][0].endswith("of 4")

    flattered = Card(page(subject(packaged, corpus, [corpus / "en-a.jsonl"])))
    assert f"{240 - held_out} of them stand in the corpus" in flattered.text

    assert about.corpus is not None
    changed = Card(page(replace(about, corpus=replace(about.corpus, digest="0" * 64))))
    assert "The corpus has changed since the model was made" in changed.text


def test_the_learning_curve_says_when_it_is_older_than_the_corpus(corpus: Path, packaged: Path, tmp_path: Path) -> None:
    about = subject(packaged, corpus, messages.aside(corpus))
    assert "Not computed here" in Card(page(about)).text
    said: list[str] = []
    found = curve.computed(corpus, about.samples, said.append)
    assert [point.messages for point in found.points] == [len(teaching(corpus)) // part for part in (8, 4, 2, 1)]
    assert len(said) == 8
    whole = figures.figures(about.answers["topic"])
    assert (found.points[-1].accuracy, found.points[-1].coverage) == (whole.accuracy, whole.coverage)

    curve.keep(found, tmp_path / "curve.json")
    assert curve.kept(tmp_path / "curve.json") == found
    fresh = Card(page(replace(about, curve=found)))
    assert "has changed since this curve" not in fresh.text
    assert len(fresh.table("Learning curve")) == 5
    for older in (replace(found, corpus="0" * 64), replace(found, judged_by="0" * 64)):
        assert "has changed since this curve" in Card(page(replace(about, curve=older))).text


def teaching(corpus: Path) -> list[Any]:
    return [sample for sample in starter.holdout.taught(starter.read(corpus)) if "topic" in sample.labels]


def test_each_part_of_the_curve_holds_the_smaller_ones(corpus: Path) -> None:
    taught = starter.holdout.taught(starter.read(corpus))
    parts = [{id(sample) for sample in curve.part_of(taught, one_in)} for one_in in curve.ONE_IN]
    assert parts[0] < parts[1] < parts[2] < parts[3] == {id(sample) for sample in taught}


@pytest.mark.parametrize(
    ("line", "reason"),
    [('{"body": "x"}', "no line of the data has a topic"), ('{"topic": "returns"}', "line 1: field 'body' is missing")],
)
def test_data_it_cannot_use_are_refused_in_one_sentence(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, reason: str
) -> None:
    (tmp_path / "data.jsonl").write_text(line + "\n")
    arguments = ["--model", str(tiny), "--data", str(tmp_path / "data.jsonl"), "--out", str(tmp_path / "card.html")]
    assert cli.main(["card", *arguments]) == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "card.html").exists()


@pytest.mark.parametrize(
    ("data", "out", "reason"),
    [("missing.jsonl", "card.html", "missing.jsonl"), ("data.jsonl", "", "is a directory: the page is a file")],
)
def test_no_minutes_are_spent_on_a_curve_for_a_page_that_cannot_be(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], data: str, out: str, reason: str
) -> None:
    (tmp_path / "data.jsonl").write_text('{"body": "Where is it?", "topic": "returns"}\n')
    arguments = ["--model", str(tiny), "--data", str(tmp_path / data), "--out", str(tmp_path / out)]
    assert cli.main(["card", "--curve", *arguments]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert len(error.splitlines()) == 1, "nothing was computed"


def test_a_damaged_curve_is_named(tmp_path: Path) -> None:
    (tmp_path / "curve.json").write_text('{"points": [{}]}')
    with pytest.raises(curve.DataError, match="holds no learning curve"):
        curve.kept(tmp_path / "curve.json")
    assert curve.kept(tmp_path / "none.json") is None


def test_text_cannot_become_markup() -> None:
    assert element("td", '<b>"&\x00', title='"<') == '<td title="&quot;&lt;">&lt;b&gt;&quot;&amp;\ufffd</td>'
    assert element("td", element("b", "<")) == "<td><b>&lt;</b></td>"
