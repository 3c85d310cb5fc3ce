from classifiers.text import Document
from tests.unit.classifiers.corpus import samples
from training import dataset
from training.dataset import Sample
from training.fit import Plan, fit
from training.mentions import mentioning


def test_a_twin_says_what_the_message_says_and_a_number() -> None:
    for sample, twin in zip(samples(), mentioning(samples()), strict=True):
        assert sample.document.text in twin.document.text
        assert any(map(str.isdigit, twin.document.text.replace(sample.document.text, "")))
        assert twin.document.channel == sample.document.channel
        assert twin.labels == {head: label for head, label in sample.labels.items() if head != "language"}


def test_numbers_stand_before_and_after_and_are_the_same_each_time() -> None:
    twins = [twin.document.text for _ in range(5) for twin in mentioning(samples())]
    assert twins[: len(twins) // 5] * 5 == twins
    starts = [twin.startswith(sample.document.text) for sample, twin in zip(samples(), twins, strict=False)]
    assert {True, False} == set(starts)


def test_neither_judges_the_other() -> None:
    """In one group, whose samples are held out together."""
    for sample, twin in zip(samples(), mentioning(samples()), strict=True):
        assert twin.group == (sample.group or dataset.identity(sample.document))


def test_what_teaches_no_language_or_no_topic_has_no_twin() -> None:
    told = Document("Where is my parcel", "mail")
    rows = [
        Sample(told, {"topic": "delivery"}),
        Sample(told, {"language": "en"}),
        Sample(told, {"topic": "a", "language": "fr"}),
    ]
    assert not list(mentioning(rows))


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
    twins = list(mentioning([s for _ in range(5) for s in wanted]))
    (taught,) = fit([*plain, *numbered, *twins], [Plan("topic")], folds=3).scores(asked)["topic"]
    assert abs(taught[0] - 0.5) < abs(naive[0] - 0.5)
