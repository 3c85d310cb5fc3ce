"""What is wrong with a desk that can be read: rules that never decide, queues that nobody serves. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.policy import QUARANTINE, URGENCIES, Policy
from chalicelib.rules import Hours, Rule, UrgencyRule
from chalicelib.wording import Phrases


@dataclass(frozen=True, slots=True)
class Finding:
    """A key of the desk's file and what is wrong with it."""

    key: str
    reason: str


def findings(desk: Policy) -> Iterator[Finding]:
    """All that is wrong with a desk."""
    yield from _of_rules(desk)
    yield from _of_urgency(desk)
    yield from _of_queues(desk)
    asked = {mark for rule in desk.rules.routing for mark in rule.marks}
    for name in sorted(desk.rules.marks.keys() - asked):
        yield Finding(f"marks.{name}", "no rule asks for this mark")


def covers(first: Rule, second: Rule) -> bool:
    """Whether every message that the second rule fits is one that the first fits too."""
    sets = ("topics", "urgencies", "languages", "channels", "sources", "marks")
    for name in sets:
        wide, narrow = getattr(first, name), getattr(second, name)
        if wide and not (narrow and narrow <= wide):
            return False
    if first.hours and not (second.hours and _within(second.hours, first.hours)):
        return False
    return _says_no_less(first, second)


def contradiction(rule: Rule, desk: Policy) -> str:
    """Why no message can fit a rule; '' where one can."""
    if rule.channels == {"chat"} and rule.subject:
        return "asks for words in the subject of a chat, which has none"
    if rule.sources:
        channels = {"mail" if source in desk.mailboxes else "chat" for source in rule.sources}
        if rule.channels and not rule.channels & channels:
            return f"asks for {' or '.join(sorted(rule.channels))}, and for a source of {' or '.join(sorted(channels))}"
    for phrases in (rule.words, rule.subject, rule.body):
        if phrases and set(phrases.texts) <= set(rule.unless.texts):
            return "asks for words that its own unless forbids"
    return ""


def _of_rules(desk: Policy) -> Iterator[Finding]:
    rules = desk.rules.routing
    for number, rule in enumerate(rules, 1):
        key = f"rules.{number}"
        if why := contradiction(rule, desk):
            yield Finding(key, f"rule {rule.name} is unreachable: it {why}")
        earlier = next((one for one in rules[: number - 1] if covers(one, rule)), None)
        if earlier:
            reason = f"is shadowed by rule {earlier.name} above, which fits whatever this one fits"
            yield Finding(key, f"rule {rule.name} {reason}")
        if rule.topic and rule.queue and rule.queue != desk.topics[rule.topic].queue:
            continue  # said on purpose: this matter, but in that queue
        if rule.topic and rule.queue:
            yield Finding(f"{key}.queue", f"says again where topic {rule.topic} goes")


def _of_urgency(desk: Policy) -> Iterator[Finding]:
    rules = desk.rules.urgency
    for number, rule in enumerate(rules, 1):
        if rule.words and set(rule.words.texts) <= set(rule.unless.texts):
            yield Finding(f"urgency.{number}", f"rule {rule.name} is unreachable: its unless forbids all its words")
        for other in rules:
            if other is not rule and _raises_no_less(other, rule) and (rules.index(other) < number - 1):
                yield Finding(f"urgency.{number}", f"rule {rule.name} is shadowed by rule {other.name} above")
                break


def _of_queues(desk: Policy) -> Iterator[Finding]:
    led_to = {topic.queue for topic in desk.topics.values()} | {desk.people_queue, QUARANTINE}
    led_to |= {rule.queue for rule in desk.rules.routing} | {queue.next for queue in desk.queues.values()}
    for name, queue in desk.queues.items():
        key = QUARANTINE if name == QUARANTINE else f"queues.{name}"
        serving = [agent for agent in desk.agents if name in {q.name for q in desk.queues_of(agent)}]
        if name not in led_to:
            yield Finding(key, f"nothing leads to queue {name}: no topic, no rule, no tier")
        if not serving:
            skilled = " who has its skills" if queue.members else ""
            yield Finding(f"{key}.members", f"queue {name} has no member{skilled}: what comes there waits for ever")
            continue
        spoken = {language for agent in serving for language in desk.agents[agent].languages}
        for language in desk.languages:
            if language not in spoken and name in led_to and name != QUARANTINE:
                yield Finding(f"{key}.members", f"nobody in queue {name} speaks {language}")


def _says_no_less(first: Rule, second: Rule) -> bool:
    """Whether the words the second rule wants are among those that do for the first."""
    if not first.reads:
        return True
    pairs = ((first.words, second.words), (first.subject, second.subject), (first.body, second.body))
    wanted = all(_among(narrow, wide) for wide, narrow in pairs if wide)
    return wanted and set(first.unless.texts) <= set(second.unless.texts)


def _among(narrow: Phrases, wide: Phrases) -> bool:
    return bool(narrow) and set(narrow.texts) <= set(wide.texts)


def _raises_no_less(first: UrgencyRule, second: UrgencyRule) -> bool:
    if URGENCIES.index(first.at_least) < URGENCIES.index(second.at_least):
        return False
    if second.unanswered:
        return 0 < first.unanswered <= second.unanswered
    if first.also and set(first.also.texts) != set(second.also.texts):
        return False
    return _among(second.words, first.words) and set(first.unless.texts) <= set(second.unless.texts)


def _within(narrow: Hours, wide: Hours) -> bool:
    if narrow == wide:
        return True
    same = narrow.zone == wide.zone and narrow.days <= wide.days
    plain = wide.start < wide.end and narrow.start < narrow.end
    return same and plain and wide.start <= narrow.start and narrow.end <= wide.end
