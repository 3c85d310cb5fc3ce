"""Which rules are refused, and whether the refusal says where to look."""

from datetime import UTC, datetime

import pytest

from chalicelib import policy
from chalicelib.policy import PolicyError
from tests.desk import DESK, RULES

BROKEN = [
    ('queue = "billing"', 'queue = "bills"', "rules.1.queue", "is not a queue of this desk"),
    ('queue = "billing"', 'queue = "quarantine"', "rules.1.queue", "is not a queue of this desk"),
    ('topic = "billing"\n', "", "rules.4", "does nothing"),
    ('marks = ["vip"]', 'marks = ["rich"]', "rules.1.marks", "'rich' is not a mark of this desk"),
    ('name = "vip-first"', "", "rules.1.name", "must be a name"),
    ('name = "evening"', 'name = "vip-first"', "rules.2.name", "there is a rule vip-first already"),
    ('zone = "Europe/Warsaw"', 'zone = "Mars/North"', "rules.2.zone", "is no time zone"),
    ('zone = "Europe/Warsaw"\n', "", "rules.2", "tells hours without zone"),
    ('from = "18:00"', 'from = "6pm"', "rules.2.from", "must be a time of day"),
    ('from = "18:00"', 'from = "08:00"', "rules.2.to", "must not be the same"),
    ('languages = ["de"]', 'languages = ["fr"]', "rules.2.languages", "'fr' is not a language of this desk"),
    ('languages = ["de"]', "languages = []", "rules.2.languages", "at least one"),
    ('words = ["lawyer", "court order"]', 'words = ["66"]', "rules.3.words", "digit"),
    ('words = ["lawyer", "court order"]', "wards = []", "rules.3.wards", "no such key"),
    (
        'son in law"]\nqueue = "people"',
        'son in law"]\nlane = "urgent"',
        "rules.3.at_least",
        "says again what lane says",
    ),
    ('topic = "billing"', 'topic = "weather"', "rules.4.topic", "'weather' is not a topic"),
    ('at_least = "critical"', "", "urgency.1", "must say at_least"),
    ('at_least = "critical"', 'at_least = "soon"', "urgency.1.at_least", "'soon' is not an urgency"),
    ("unanswered = 3", "unanswered = 1", "urgency.2.unanswered", "2 or more"),
    ("unanswered = 3\n", "", "urgency.2", "either words or unanswered"),
    ('[spam]\ntopics = ["other"]', "[spam]", "spam", "must say which topics"),
    ('vip = "Important"', 'vip = ""', "marks.vip", "must be a text"),
]


@pytest.mark.parametrize(("old", "new", "key", "rule"), BROKEN)
def test_broken_rule_is_refused_where_it_stands(old: str, new: str, key: str, rule: str) -> None:
    assert RULES.count(old) == 1, old
    text = DESK + RULES.replace(old, new)
    with pytest.raises(PolicyError) as refused:
        policy.parse(text)
    assert f": {key}: " in str(refused.value)
    assert rule in str(refused.value)
    line = int(str(refused.value).split("line ")[1].split(":")[0])
    section, _, name = key.rpartition(".")
    heading = section if name and not name.isdecimal() else key
    above = [line for line in text.splitlines()[:line] if line.startswith("[[")]
    if heading.split(".")[0] in ("rules", "urgency") and heading[-1].isdecimal():
        kind, number = heading.split(".")
        assert above.count(f"[[{kind}]]") == int(number)


def test_rules_are_read_in_order() -> None:
    rules = policy.parse(DESK + RULES).rules
    assert [rule.name for rule in rules.routing] == ["vip-first", "evening", "law", "invoices"]
    assert [rule.name for rule in rules.urgency] == ["danger", "again"]
    assert rules.marks == {"vip": "Important", "partner": "A partner company"}


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        ("2026-03-02T16:59:59", False),  # Monday, 17:59 in Warsaw
        ("2026-03-02T17:00:00", True),
        ("2026-03-03T06:59:59", True),  # Tuesday morning: the evening that began on Monday
        ("2026-03-03T07:00:00", False),
        ("2026-03-07T20:00:00", False),  # Saturday
        ("2026-03-07T05:00:00", True),  # Friday's evening
        ("2026-03-02T05:00:00", False),  # Sunday's is none
        ("2026-07-06T16:00:00", True),  # in summer time an hour earlier by UTC
        ("2026-07-06T15:59:00", False),
    ],
)
def test_hours_are_those_of_the_zone_and_belong_to_the_day_they_began(at: str, holds: bool) -> None:
    hours = policy.parse(DESK + RULES).rules.routing[1].hours
    assert hours
    assert hours.hold(datetime.fromisoformat(at).replace(tzinfo=UTC)) is holds
