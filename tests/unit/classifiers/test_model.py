import pytest

from classifiers import text
from classifiers.model import Model
from tests.unit.classifiers.corpus import MESSAGES, samples
from training import pack
from training.fit import Fitted

CASES = [(language, topic, texts[0]) for (language, topic, _), texts in MESSAGES.items()]


@pytest.mark.parametrize(("language", "topic", "written"), CASES)
def test_it_knows_what_it_was_taught(model: Model, language: str, topic: str, written: str) -> None:
    tags = model.tag("", written, "mail")
    assert (tags.topic.label, tags.language) == (topic, language)
    assert tags.model_id == model.model_id


@pytest.mark.parametrize(("language", "topic", "written"), CASES)
def test_evidence_stands_in_the_customers_own_text(model: Model, language: str, topic: str, written: str) -> None:
    subject = "Re: 12/3 👍"  # an answer: the subject is not read, and offsets count it
    tags = model.tag(subject, written, "mail")
    tagged = text.tagged_text(subject, written)
    assert {piece.head for piece in tags.evidence} == {"topic", "urgency"}
    for piece in tags.evidence:
        assert piece.text == tagged[piece.start : piece.end] != ""
        assert piece.weight > 0


def test_evidence_is_given_only_when_asked(model: Model) -> None:
    with_evidence, without = (model.tag("", "Where is my invoice", "mail", evidence=e) for e in (True, False))
    assert with_evidence.evidence
    assert without.evidence == ()
    assert with_evidence.topic == without.topic


def test_evidence_names_the_word_that_decided(model: Model) -> None:
    tags = model.tag("", "xq zzt invoice vvk", "mail")
    assert tags.evidence[0].text == "invoice"


@pytest.mark.parametrize("written", ["", "?!", "12 345", "invoice", "ябълка", "w" * 5000])
def test_scores_sum_to_one_and_hold_the_confidence(model: Model, written: str) -> None:
    tags = model.tag("", written, "mail")
    for tag in (tags.topic, tags.urgency):
        assert sum(tag.scores.values()) == pytest.approx(1, abs=1e-9)
        assert tag.confidence == max(tag.scores.values()) == tag.scores[tag.label]


@pytest.mark.parametrize("written", ["", "?!", "漢字"])
def test_a_text_with_nothing_known_gets_a_guess_but_abstains(model: Model, written: str) -> None:
    tags = model.tag("", written, "mail")
    assert tags.topic.abstained
    assert tags.urgency.abstained
    assert (tags.language, tags.evidence) == ("und", ())


def test_the_language_is_that_of_the_beginning_and_not_of_what_stands_below(model: Model) -> None:
    written = "Chcę zwrócić buty, są za małe, proszę o zwrot, sukienka też nie pasuje. " * 2
    below = "I want to return the shoes, too small. How do I send the dress back. " * 5
    assert model.tag("", written + below, "mail").language == "pl"
    assert model.tag("", "1234567890 " * 20 + written, "mail").language == "pl"


def test_the_language_is_that_of_the_body_and_not_of_the_mail_it_answers(model: Model) -> None:
    subject, body = "Proszę o zwrot, sukienka nie pasuje, faktura jest błędna", "The invoice is wrong"
    assert model.tag(subject, body, "mail").language == "en"
    assert model.tag(subject, "", "mail").language == "pl"
    assert model.tag(subject, "47112 ok", "mail").language == "pl"


def test_what_is_wanted_stands_in_the_answer_and_not_in_the_subject_it_answers(model: Model) -> None:
    subject, body = "Re: Your invoice: charged twice", "I want to return the shoes, too small"
    assert model.tag(subject, body, "mail").topic == model.tag("", body, "mail").topic
    assert model.tag(subject.removeprefix("Re: "), body, "mail").topic != model.tag("", body, "mail").topic


def test_a_text_without_letters_has_no_language(model: Model) -> None:
    assert model.tag("", "12 345", "mail").language == "und"


def test_a_missing_head_is_named(model: Model) -> None:
    with pytest.raises(KeyError, match="label"):
        model.predict("anything")


def test_before_quantisation_it_equals_scikit_learn(fitted: Fitted) -> None:
    documents = [sample.document for sample in samples()]
    parity = pack.parity(fitted, pack.exact_model(fitted), documents)
    assert parity.largest_difference < 1e-6
    assert parity.agreement == 1


def test_packed_it_chooses_the_same_labels(fitted: Fitted, model: Model) -> None:
    documents = [sample.document for sample in samples()]
    parity = pack.parity(fitted, model, documents)
    assert parity.agreement == 1
    assert parity.largest_difference < 0.02


def test_remembered_words_change_nothing(model: Model) -> None:
    first, second = (model.tag("", "My card was charged twice", "mail") for _ in range(2))
    assert first == second
