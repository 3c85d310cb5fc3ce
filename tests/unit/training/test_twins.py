import re
import tomllib

from classifiers.text import Document
from tests.unit.classifiers.corpus import samples
from training import dataset
from training.dataset import Sample
from training.fit import Plan, fit
from training.twins import AROUND, twins

MANY = [*samples()] * 10


def test_a_twin_says_what_the_message_says_and_something_around_it() -> None:
    for sample, twin in zip(MANY, twins(MANY), strict=True):
        around = twin.document.text.replace(sample.document.text, "", 1)
        assert sample.document.text in twin.document.text
        assert around.strip()
        assert not re.search(r"[#{}]", around), around
        assert twin.document.channel == sample.document.channel
        assert twin.labels == {head: label for head, label in sample.labels.items() if head != "language"}


def test_every_kind_is_put_around_messages_of_its_language() -> None:
    phrases = tomllib.loads(AROUND.read_text(encoding="utf-8"))
    assert set(phrases) == {"pl", "en", "ru", "uk", "de"}
    for language, kinds in phrases.items():
        of_language = [sample for sample in MANY if sample.labels["language"] == language] * 10
        put = [twin.document.text for twin in twins(of_language)]
        for kind, said in kinds.items():
            fixed = [re.split(r"[#{]", phrase)[0] for phrase in said]
            assert any(start in text for text in put for start in fixed if len(start) > 3), (language, kind)


def test_they_stand_before_and_after_and_are_the_same_each_time() -> None:
    written = [twin.document.text for twin in twins(MANY)]
    assert [twin.document.text for twin in twins(MANY)] == written
    assert len(set(written)) > 0.9 * len(written)
    pairs = [(sample.document.text, text) for sample, text in zip(MANY, written, strict=True)]
    assert {True, False} == {text.startswith(said) for said, text in pairs}
    assert {True, False} == {text.endswith(said) for said, text in pairs}


def test_some_sign_in_english_whatever_they_write_in() -> None:
    polish = [sample for sample in MANY if sample.labels["language"] == "pl"] * 10
    english = tomllib.loads(AROUND.read_text(encoding="utf-8"))["en"]
    own = [phrase for phrase in english["footers"] if "#" not in phrase and "example.com" not in phrase]
    put = [twin.document.text for twin in twins(polish)]
    assert 0.02 < sum(any(phrase in text for phrase in own) for text in put) / len(put) < 0.2


def test_neither_judges_the_other() -> None:
    """In one group, whose samples are held out together."""
    for sample, twin in zip(samples(), twins(samples()), strict=True):
        assert twin.group == (sample.group or dataset.identity(sample.document))


def test_what_teaches_no_language_or_no_topic_has_no_twin() -> None:
    told = Document("Where is my parcel", "mail")
    rows = [
        Sample(told, {"topic": "delivery"}),
        Sample(told, {"language": "en"}),
        Sample(told, {"topic": "a", "language": "fr"}),
    ]
    assert not list(twins(rows))


def test_who_names_an_order_says_nothing_of_it_after_such_twins() -> None:
    """Planted: in these rows an order's number stands with one topic alone."""
    wanted = [*samples()]
    plain = [Sample(s.document, {"topic": s.labels["topic"]}) for s in wanted]
    numbered = [
        Sample(Document(f"{s.document.text} Order no. 4711."), {"topic": s.labels["topic"]}) for s in wanted
        if s.labels["topic"] == wanted[0].labels["topic"]
    ]  # fmt: skip
    asked = [Document("Order no. 815.")]
    (naive,) = fit([*plain, *numbered], [Plan("topic")], folds=3).scores(asked)["topic"]
    taught_by = list(twins([s for _ in range(5) for s in wanted]))
    (taught,) = fit([*plain, *numbered, *taught_by], [Plan("topic")], folds=3).scores(asked)["topic"]
    assert abs(taught[0] - 0.5) < abs(naive[0] - 0.5)
