"""Routing for any message and any rules: exactly one queue that exists, and the first rule that fits."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.policy import CHANNELS, URGENCIES, Policy
from chalicelib.routing import urgency
from chalicelib.routing.route import Facts, Lane, fits, route, said
from chalicelib.rules import Hours, Rule, Rules, UrgencyRule
from chalicelib.wording import NOTHING, Phrases
from tests.desk import ruled_desk

DESK = ruled_desk()
QUEUES = sorted(name for name in DESK.queues if name != "quarantine")
WORDS = ("gas", "дым", "court order", "zwarci*", "дим", "połknął")
TEXTS = st.lists(st.sampled_from(["gas", "ДЫМ", "court", "order", "zwarcie", "Polknal", "hi", "!!"]), max_size=8)


def some(*names: str) -> st.SearchStrategy[frozenset[str]]:
    return st.one_of(st.just(frozenset[str]()), st.frozensets(st.sampled_from(names), max_size=2))


some_phrases = st.lists(st.sampled_from(WORDS), min_size=1).map(lambda found: Phrases(tuple(found)))
phrases = st.one_of(st.just(NOTHING), some_phrases)
hours = st.one_of(
    st.none(),
    st.builds(
        Hours,
        st.times().map(lambda t: t.replace(second=0, microsecond=0)),
        st.times().map(lambda t: t.replace(second=0, microsecond=0)),
        st.frozensets(st.integers(0, 6), min_size=1),
        st.sampled_from(["Europe/Warsaw", "UTC", "America/New_York"]),
    ),
)
rules = st.lists(
    st.builds(
        Rule, name=st.uuids().map(str), topics=some(*DESK.topics), urgencies=some(*URGENCIES),
        languages=some("en", "de"), channels=some(*CHANNELS), marks=some("vip", "partner"),
        words=phrases, subject=phrases, unless=phrases, hours=hours, queue=st.sampled_from(["", *QUEUES]),
        topic=st.sampled_from(["", *DESK.topics]), lane=st.sampled_from(["", "urgent", "normal"]),
        at_least=st.sampled_from(["", *URGENCIES]),
    ),
    max_size=6,
)  # fmt: skip
topics = st.one_of(st.none(), st.sampled_from([*DESK.topics, "weather", ""]))
facts = st.builds(
    Facts, topic=topics, urgency=st.one_of(st.none(), st.sampled_from(URGENCIES)),
    at=st.integers(0, 2_000_000_000).map(lambda s: datetime.fromtimestamp(s, UTC)),
    language=st.sampled_from(["en", "de", "und"]), channel=st.sampled_from(CHANNELS), marks=some("vip", "partner"),
)  # fmt: skip


def with_rules(found: list[Rule]) -> Policy:
    return replace(DESK, rules=Rules(routing=tuple(found)))


@given(facts, rules, TEXTS, TEXTS)
def test_every_message_gets_one_queue_of_the_desk_by_the_first_rule_that_fits(
    asked: Facts, given_rules: list[Rule], subject: list[str], body: list[str]
) -> None:
    desk = with_rules(given_rules)
    asked = replace(asked, said=said(" ".join(subject), " ".join(body), desk))
    there = route(asked, desk)
    assert there.queue in QUEUES
    assert there.lane in set(Lane)
    fitting = [rule for rule in given_rules if fits(rule, asked)]
    assert there.rule == (fitting[0] if fitting else None)
    if not fitting:
        assert there.queue == (desk.topics[asked.topic].queue if asked.topic in desk.topics else desk.people_queue)
    assert route(asked, desk) == there


@given(facts, rules)
def test_a_rule_behind_the_one_that_decides_changes_nothing(asked: Facts, given_rules: list[Rule]) -> None:
    there = route(asked, with_rules(given_rules))
    if there.rule:
        upto = given_rules[: given_rules.index(there.rule) + 1]
        assert route(asked, with_rules(upto)) == there


@given(st.lists(st.builds(UrgencyRule, name=st.uuids().map(str), at_least=st.sampled_from(URGENCIES), words=phrases,
                          also=phrases, unless=phrases)), st.sampled_from(URGENCIES), TEXTS, TEXTS)  # fmt: skip
def test_urgency_rules_only_raise_and_point_at_what_is_there(
    given_rules: list[UrgencyRule], before: str, subject: list[str], body: list[str]
) -> None:
    desk = replace(DESK, rules=Rules(urgency=tuple(given_rules)))
    head, text = " ".join(subject), " ".join(body)
    found = urgency.raised(before, head, text, desk)
    assert found.urgency is not None
    assert URGENCIES.index(found.urgency) >= URGENCIES.index(before)
    assert (found.urgency == before) or found.rules
    assert {piece["rule"] for piece in found.evidence} == set(found.rules)
    tagged = f"{head}\n{text}" if head else text
    assert all(tagged[piece["start"] : piece["end"]] == piece["text"] != "" for piece in found.evidence)
