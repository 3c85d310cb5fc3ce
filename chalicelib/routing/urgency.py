"""How long a message may wait, by the desk's own rules beside the model's word. Pure.

A rule only ever raises, says where in the customer's own text it found its words, and never speaks of advertising.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from chalicelib.policy import Policy
from chalicelib.routing.route import at_least
from chalicelib.rules import UrgencyRule
from classifiers import text

#: A message that may well be spam is not lifted: adverts are stuffed with words of alarm.
DOUBTED_FROM: Final = 0.1
#: Messages that follow one another so closely are one contact: a chat's lines, a mail and the one with its attachment.
SAME_CONTACT: Final = timedelta(hours=1)
#: What a rule's piece of evidence weighs: it is no share of the model's margin.
_WEIGHT: Final = 1.0
#: Pieces of evidence a rule shows.
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Raised:
    """What urgency rules make of a message: the urgency, the rules that ask for one at least, and where each saw it.

    `evidence` holds `{text, start, end, weight, head, rule}`, like the model's pieces, in the text that is tagged.
    """

    urgency: str | None
    rules: tuple[str, ...] = ()
    evidence: tuple[Mapping[str, Any], ...] = ()


def raised(urgency: str | None, subject: str, body: str, policy: Policy) -> Raised:
    """The urgency of a message by the words in it, unless it speaks as sellers do; of one that is neither spam nor
    automatic."""
    if not policy.rules.urgency:
        return Raised(urgency)
    tagged = text.tagged_text(subject, body)
    words = text.words(tagged)
    found = [(rule, spans) for rule in policy.rules.urgency if (spans := where(rule, words))]
    if not found or policy.rules.selling.first(words):
        return Raised(urgency)
    places = text.places(tagged)
    evidence = [
        _piece(rule, tagged, places[start][0], places[end - 1][1])
        for rule, spans in found
        for start, end in spans[:_SHOWN]
    ]
    return _by([rule for rule, _ in found], urgency, evidence)


def unanswered(urgency: str | None, contacts: int, policy: Policy) -> Raised:
    """The urgency of a message that is the customer's so-manieth contact since he was last answered."""
    asking = [rule for rule in policy.rules.urgency if rule.unanswered and contacts >= rule.unanswered]
    return _by(asking, urgency, []) if asking else Raised(urgency)


def doubted(topic: str | None, scores: Mapping[str, float], policy: Policy) -> bool:
    """Whether a message is called spam, or may well be: then no rule lifts it."""
    spam = policy.rules.spam
    return topic in spam or sum(scores.get(name, 0.0) for name in spam) >= DOUBTED_FROM


def where(rule: UrgencyRule, words: Sequence[str]) -> list[tuple[int, int]]:
    """Where the words of a rule stand in a text, empty where it does not speak of it: by index of words."""
    if not rule.words:
        return []
    spans = list(rule.words.spans(words))
    if not spans or rule.unless.first(words):
        return []
    if not rule.also:
        return spans
    beside = rule.also.first(words)
    return sorted({*spans, beside}) if beside else []


def _by(rules: Sequence[UrgencyRule], urgency: str | None, evidence: Sequence[Mapping[str, Any]]) -> Raised:
    raised_to = urgency
    for rule in rules:
        raised_to = at_least(raised_to, rule.at_least)
    return Raised(raised_to, tuple(rule.name for rule in rules), tuple(evidence))


def _piece(rule: UrgencyRule, tagged: str, start: int, end: int) -> Mapping[str, Any]:
    return {
        "text": tagged[start:end], "start": start, "end": end, "weight": _WEIGHT, "head": "urgency", "rule": rule.name,
    }  # fmt: skip
