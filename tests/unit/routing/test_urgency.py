"""What urgency rules make of messages, and what they leave alone."""

from functools import cache
from pathlib import Path

import pytest

from chalicelib import policy
from chalicelib.flows.tagging import tags_of
from chalicelib.intake.message import Automatic
from chalicelib.routing import urgency
from classifiers import artifact
from classifiers.model import Model
from tests.desk import WordModel, mail, ruled_desk

DESK = ruled_desk()
STARTER = Path(artifact.__file__).with_name("starter")
HERE = Path(__file__).parent


@cache
def starter() -> Model:
    return artifact.load(STARTER, artifact.pinned(STARTER))


def lines(name: str) -> list[tuple[str, str]]:
    told = (HERE / name).read_text("utf-8").splitlines()
    return [(language, text) for language, _, text in (line.partition("\t") for line in told)]


@pytest.mark.parametrize(
    ("before", "subject", "body", "after", "rules", "seen"),
    [
        ("normal", "", "Smoke comes out", "critical", ("danger",), ["Smoke"]),
        ("low", "A gas leak", "help", "critical", ("danger",), ["gas leak"]),
        ("critical", "", "smoke", "critical", ("danger",), ["smoke"]),
        ("normal", "", "smoke, and more smoke", "critical", ("danger",), ["smoke", "smoke"]),
        ("normal", "", "smoker's gas", "normal", (), []),
        ("normal", "", "No smoke, only dust. Smoke?", "normal", (), []),
        ("low", "", "smoke machines, order now", "low", (), []),
        (None, "", "smoke", "critical", ("danger",), ["smoke"]),
        (None, "", "hello", None, (), []),
    ],
)
def test_rule_raises_and_shows_where(
    before: str | None, subject: str, body: str, after: str | None, rules: tuple[str, ...], seen: list[str]
) -> None:
    found = urgency.raised(before, subject, body, DESK)
    assert (found.urgency, found.rules) == (after, rules)
    tagged = f"{subject}\n{body}" if subject else body
    assert [tagged[piece["start"] : piece["end"]] for piece in found.evidence] == seen
    assert all(piece["head"] == "urgency" and piece["rule"] == "danger" for piece in found.evidence)


@pytest.mark.parametrize(("contacts", "after"), [(1, "low"), (2, "low"), (3, "high"), (9, "high")])
def test_customer_without_an_answer_becomes_urgent(contacts: int, after: str) -> None:
    assert urgency.unanswered("low", contacts, DESK).urgency == after
    assert urgency.unanswered("critical", contacts, DESK).urgency == "critical"


def test_tags_keep_what_the_model_said() -> None:
    kept = tags_of(mail(subject="", written="smoke #order #low"), WordModel(), DESK)  # type: ignore[arg-type]
    assert kept
    assert (kept.urgency, kept.model_urgency, kept.ruled["rules"]) == ("critical", "low", ["danger"])


@pytest.mark.parametrize(
    "told", [{"written": "smoke #other #low"}, {"written": "smoke #order #low", "automatic": Automatic.LIST}]
)
def test_neither_spam_nor_what_no_person_wrote_is_lifted(told: dict[str, str]) -> None:
    kept = tags_of(mail(subject="", **told), WordModel(), DESK)  # type: ignore[arg-type]
    assert kept
    assert (kept.urgency, kept.ruled) == ("low", {})


def test_no_advert_is_lifted_by_the_words_of_alarm_it_is_stuffed_with() -> None:
    """A hundred of them, in five languages, under the rules of the default desk and the starter model."""
    desk, adverts = policy.load(), lines("adverts.txt")
    assert len(adverts) >= 100
    assert {language for language, _ in adverts} == {"en", "de", "pl", "ru", "uk"}
    lifted = []
    for _, text in adverts:
        for subject, body in (("", text), (text.split("!")[0], text)):
            tags = tags_of(mail(subject=subject, written=body), starter(), desk)
            assert tags
            if tags.urgency != tags.model_urgency:
                lifted.append((text, tags.ruled))
    assert not lifted
    words = [rule.name for _, text in adverts for rule in desk.rules.urgency
             if urgency.where(rule, urgency.text.words(text))]  # fmt: skip
    assert len(words) > 50  # they are stuffed indeed


def test_calm_words_of_danger_are_critical() -> None:
    desk = policy.load()
    for _, text in lines("dangers.txt"):
        tags = tags_of(mail(subject="", written=text), starter(), desk)
        assert tags
        assert tags.urgency == "critical", text
