import gzip
import json
from pathlib import Path

import pytest

from training import dataset
from training.dataset import DataError


def written(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_plain_and_gzipped_files_read_alike(tmp_path: Path) -> None:
    plain = written(tmp_path, '{"q": "Где посылка?", "a": "late"}', "", '{"q": "ok", "a": " fine "}')
    packed = tmp_path / "data.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert dataset.labelled(plain, "q", "a") == dataset.labelled(packed, "q", "a")
    assert [sample.labels["label"] for sample in dataset.labelled(plain, "q", "a")] == ["late", "fine"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{broken", "line 2: is not JSON"),
        ("[1]", "line 2: is not a JSON object"),
        ('{"label": "a"}', "line 2: field 'text' is missing"),
        ('{"text": 5, "label": "a"}', "line 2: field 'text' is 5, not text"),
        ('{"text": null, "label": "a"}', "line 2: field 'text' is null, not text"),
        ('{"text": "x", "label": " "}', "line 2: field 'label' is empty"),
        ('{"text": "x"}', "line 2: field 'label' is missing"),
    ],
)
def test_a_bad_line_is_named_with_its_field(tmp_path: Path, line: str, reason: str) -> None:
    path = written(tmp_path, '{"text": "x", "label": "a"}', line)
    with pytest.raises(DataError) as caught:
        dataset.labelled(path, "text", "label")
    assert str(caught.value).startswith(f"{path}, {reason}")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\x1f\x8b\x08 not really"])
def test_an_unreadable_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ("data.jsonl.gz" if content.startswith(b"\x1f") else "data.jsonl")
    path.write_bytes(content)
    with pytest.raises(DataError, match=path.name):
        dataset.labelled(path, "text", "label")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.jsonl: cannot be read"):
        dataset.labelled(tmp_path / "none.jsonl", "text", "label")


def test_a_label_outside_the_list_is_refused_with_the_list(tmp_path: Path) -> None:
    line = next(dataset.lines(written(tmp_path, '{"urgency": "hihg"}')))
    with pytest.raises(DataError, match="'hihg', not one of low, high"):
        line.one_of("urgency", ["low", "high"])


def test_the_digest_follows_texts_labels_and_order(tmp_path: Path) -> None:
    one, two = dataset.labelled(
        written(tmp_path, '{"text": "x", "label": "a"}', '{"text": "y", "label": "a"}'), "text", "label"
    )
    assert dataset.digest([one, two]) == dataset.digest([one, two])
    assert dataset.digest([one, two]) != dataset.digest([two, one])


@pytest.mark.parametrize(
    ("subject", "told"),
    [("Re: Your order 47112", "I want to send it back."), ("Wrong size", "Wrong size\nI want to send it back.")],
)
def test_a_message_is_taught_and_judged_by_what_is_read_of_it_when_it_is_tagged(
    tmp_path: Path, subject: str, told: str
) -> None:
    fields = {"subject": subject, "body": "I want to send it back.", "channel": "mail"}
    labels = {"lang": "en", "topic": "a", "urgency": "b"}
    (line,) = dataset.lines(written(tmp_path, json.dumps(fields | labels)))
    assert dataset.message(line, ["a"], ["b"], ["en"]).document.text == told
    assert dataset.judged(line).document.text == told
