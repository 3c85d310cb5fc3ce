"""The rules a desk may write: what they are, and how they are read from desk.toml."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from types import MappingProxyType
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chalicelib.wording import NOTHING, Phrases, parsed

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LANES: Final = ("urgent", "normal")
_NAME_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


@dataclass(frozen=True, slots=True)
class Hours:
    """A time of day on some days of the week (0 is Monday), by the clock of `zone`.

    `start` counts, `end` does not; one that is over only after midnight belongs to the day it began on.
    """

    start: time
    end: time
    days: frozenset[int]
    zone: str

    def hold(self, at: datetime) -> bool:
        """Whether a moment (aware) falls into them."""
        local = at.astimezone(ZoneInfo(self.zone))
        clock, today = local.time(), local.weekday()
        if self.start < self.end:
            return today in self.days and self.start <= clock < self.end
        return (today in self.days and clock >= self.start) or ((today - 1) % 7 in self.days and clock < self.end)

    def __str__(self) -> str:
        named = ", ".join(DAYS[day] for day in sorted(self.days))
        return f"{self.start:%H:%M}-{self.end:%H:%M} {self.zone} on {named}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A routing rule: where all that it says of a message holds, it decides. What is empty says nothing.

    It names a queue, or a topic whose queue it is then; a lane, or an urgency: one that is set, or (`at_least`) one
    that is the least. What it leaves open stays as the model says.
    """

    name: str
    topics: frozenset[str] = frozenset()
    urgencies: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()
    words: Phrases = NOTHING
    subject: Phrases = NOTHING
    body: Phrases = NOTHING
    unless: Phrases = NOTHING
    hours: Hours | None = None
    queue: str = ""
    topic: str = ""
    lane: Literal["", "urgent", "normal"] = ""
    urgency: str = ""
    at_least: str = ""

    @property
    def reads(self) -> bool:
        """Whether it looks at the text of a message."""
        return bool(self.words or self.subject or self.body or self.unless)


@dataclass(frozen=True, slots=True, kw_only=True)
class UrgencyRule:
    """Raises the urgency of a message to `at_least`: by its words, or by how often its writer got no answer.

    Where `also` is said, one of those must stand beside; none of `unless` may. `unanswered` is the number of contacts
    since the desk last answered, this one included; 0 for no such condition.
    """

    name: str
    at_least: str
    words: Phrases = NOTHING
    also: Phrases = NOTHING
    unless: Phrases = NOTHING
    unanswered: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a desk. `spam` are the topics that no urgency rule lifts, `selling` the words of what it does not
    lift either; `marks` what a customer may be marked as, and what that means."""

    routing: tuple[Rule, ...] = ()
    urgency: tuple[UrgencyRule, ...] = ()
    spam: frozenset[str] = frozenset()
    selling: Phrases = NOTHING
    marks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What rules may name: of each kind, what the desk has."""

    topics: Sequence[str]
    queues: Sequence[str]
    languages: Sequence[str]
    channels: Sequence[str]
    urgencies: Sequence[str]
    mailboxes: Sequence[str]
    installations: Sequence[str]


type Broken = Callable[[str, str], Exception]

_RULE_KEYS: Final = (
    "name", "topics", "urgencies", "languages", "channels", "mailboxes", "installations", "marks",
    "words", "subject", "body", "unless", "from", "to", "days", "zone",
    "queue", "topic", "lane", "urgency", "at_least",
)  # fmt: skip
_URGENCY_KEYS: Final = ("name", "words", "also", "unless", "unanswered", "at_least")
_ACTIONS: Final = ("queue", "topic", "lane", "urgency", "at_least")


def read(raw: Mapping[str, Any], names: Names, broken: Broken) -> Rules:
    """The rules of a desk's file. Raises what `broken` makes of a key (`rules.2.queue`) and what is wrong with it."""
    return _Reading(raw, names, broken).rules()


class _Reading:
    """Reads rules, and tells of each that is broken where it stands."""

    def __init__(self, raw: Mapping[str, Any], names: Names, broken: Broken) -> None:
        self._raw, self._names, self._broken = raw, names, broken

    def rules(self) -> Rules:
        marks = self._marks()
        spam = self._table("spam", ("topics", "words")) if "spam" in self._raw else {}
        rules = Rules(
            routing=tuple(self._rule(key, entry, marks) for key, entry in self._list("rules", _RULE_KEYS)),
            urgency=tuple(self._urgency(key, entry) for key, entry in self._list("urgency", _URGENCY_KEYS)),
            spam=self._some("spam", "topics", spam, self._names.topics, "a topic of this desk"),
            selling=self._phrases("spam", "words", spam),
            marks=marks,
        )
        if rules.urgency and not rules.spam:
            raise self._broken("spam", "[spam] must say which topics no urgency rule may lift")
        return rules

    def _marks(self) -> Mapping[str, str]:
        if "marks" not in self._raw:
            return MappingProxyType({})
        marks = self._table("marks")
        for name, meaning in marks.items():
            self._check_name(f"marks.{name}", name)
            self._text(f"marks.{name}", meaning)
        return MappingProxyType(dict(marks))

    def _rule(self, key: str, entry: Mapping[str, Any], marks: Mapping[str, str]) -> Rule:
        names = self._names
        if not any(action in entry for action in _ACTIONS):
            raise self._broken(key, f"does nothing: say one of {', '.join(_ACTIONS)}")
        for one, other in (("lane", "urgency"), ("lane", "at_least"), ("urgency", "at_least")):
            if one in entry and other in entry:
                raise self._broken(f"{key}.{other}", f"says again what {one} says: an urgency has its lane")
        sources = self._some(key, "mailboxes", entry, names.mailboxes, "a mailbox of this desk")
        sources |= self._some(key, "installations", entry, names.installations, "an installation of this desk")
        return Rule(
            name=entry["name"],
            topics=self._some(key, "topics", entry, names.topics, "a topic of this desk"),
            urgencies=self._some(key, "urgencies", entry, names.urgencies, "an urgency"),
            languages=self._some(key, "languages", entry, names.languages, "a language of this desk"),
            channels=self._some(key, "channels", entry, names.channels, "a channel"),
            sources=sources,
            marks=self._some(key, "marks", entry, marks, "a mark of this desk (see [marks])"),
            words=self._phrases(key, "words", entry),
            subject=self._phrases(key, "subject", entry),
            body=self._phrases(key, "body", entry),
            unless=self._phrases(key, "unless", entry),
            hours=self._hours(key, entry),
            queue=self._one(key, "queue", entry, names.queues, "a queue of this desk"),
            topic=self._one(key, "topic", entry, names.topics, "a topic of this desk"),
            lane=self._lane(key, entry),
            urgency=self._one(key, "urgency", entry, names.urgencies, "an urgency"),
            at_least=self._one(key, "at_least", entry, names.urgencies, "an urgency"),
        )

    def _urgency(self, key: str, entry: Mapping[str, Any]) -> UrgencyRule:
        unanswered = entry.get("unanswered", 0)
        if "unanswered" in entry and (
            not isinstance(unanswered, int) or isinstance(unanswered, bool) or unanswered < 2
        ):
            raise self._broken(f"{key}.unanswered", "must be a whole number, 2 or more: which contact without answer")
        if ("words" in entry) == ("unanswered" in entry):
            raise self._broken(key, "must say either words or unanswered")
        if "at_least" not in entry:
            raise self._broken(key, "must say at_least: the urgency it raises to")
        return UrgencyRule(
            name=entry["name"],
            at_least=self._one(key, "at_least", entry, self._names.urgencies, "an urgency"),
            words=self._phrases(key, "words", entry),
            also=self._phrases(key, "also", entry),
            unless=self._phrases(key, "unless", entry),
            unanswered=unanswered,
        )

    def _hours(self, key: str, entry: Mapping[str, Any]) -> Hours | None:
        if not any(name in entry for name in ("from", "to", "days", "zone")):
            return None
        if missing := [name for name in ("from", "to", "zone") if name not in entry]:
            raise self._broken(key, f"tells hours without {' and '.join(missing)}")
        start, end = (self._clock(f"{key}.{name}", entry[name]) for name in ("from", "to"))
        if start == end:
            raise self._broken(f"{key}.to", "must not be the same as from: leave both out for the whole day")
        days = self._strings(f"{key}.days", entry.get("days", DAYS), DAYS, "a day of the week")
        return Hours(start, end, frozenset(map(DAYS.index, days)), self._zone(f"{key}.zone", entry["zone"]))

    def _clock(self, key: str, value: Any) -> time:
        try:
            if not isinstance(value, str) or len(value) != len("08:00"):
                raise ValueError
            return time.fromisoformat("00:00" if value == "24:00" else value)
        except ValueError:
            raise self._broken(key, 'must be a time of day such as "08:00"') from None

    def _zone(self, key: str, value: Any) -> str:
        try:
            return ZoneInfo(self._text(key, value)).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise self._broken(key, f'{value!r} is no time zone such as "Europe/Warsaw"') from None

    def _lane(self, key: str, entry: Mapping[str, Any]) -> Literal["", "urgent", "normal"]:
        match self._one(key, "lane", entry, LANES, "a lane"):
            case "urgent":
                return "urgent"
            case "normal":
                return "normal"
        return ""

    def _phrases(self, key: str, name: str, entry: Mapping[str, Any]) -> Phrases:
        if name not in entry:
            return NOTHING
        texts = self._strings(f"{key}.{name}", entry[name])
        for text in texts:
            try:
                parsed(text)
            except ValueError as error:
                raise self._broken(f"{key}.{name}", f"{text!r} {error}") from None
        return Phrases(texts)

    # What a value may be

    def _list(self, name: str, keys: Sequence[str]) -> list[tuple[str, Mapping[str, Any]]]:
        entries = self._raw.get(name, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self._broken(name, f"is written [[{name}]], one for each rule")
        found = [(f"{name}.{number}", entry) for number, entry in enumerate(entries, 1)]
        seen: set[str] = set()
        for key, entry in found:
            self._check_keys(key, entry, keys)
            self._check_name(f"{key}.name", entry.get("name"))
            if entry["name"] in seen:
                raise self._broken(f"{key}.name", f"there is a rule {entry['name']} already")
            seen.add(entry["name"])
        return found

    def _table(self, name: str, keys: Sequence[str] = ()) -> Mapping[str, Any]:
        value = self._raw[name]
        if not isinstance(value, dict):
            raise self._broken(name, "must be a table")
        if keys:
            self._check_keys(name, value, keys)
        return value

    def _check_keys(self, key: str, entry: Mapping[str, Any], keys: Sequence[str]) -> None:
        for name in entry:
            if name not in keys:
                raise self._broken(f"{key}.{name}", f"no such key; there is {', '.join(keys)}")

    def _check_name(self, key: str, value: Any) -> None:
        good = isinstance(value, str) and 0 < len(value) <= 40 and set(value) <= _NAME_LETTERS
        if not good:
            raise self._broken(key, "must be a name of lower-case letters, digits and hyphens, at most 40")

    def _text(self, key: str, value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise self._broken(key, "must be a text")
        return value

    def _strings(self, key: str, value: Any, allowed: Iterable[str] = (), what: str = "") -> tuple[str, ...]:
        good = isinstance(value, list | tuple) and value and all(isinstance(one, str) and one for one in value)
        if not good:
            raise self._broken(key, "must be a list of texts, at least one")
        strange = [one for one in value if what and one not in allowed]
        if strange:
            raise self._broken(key, f"{strange[0]!r} is not {what}; there is {', '.join(allowed) or 'none'}")
        return tuple(value)

    def _some(self, key: str, name: str, entry: Mapping[str, Any], allowed: Iterable[str], what: str) -> frozenset[str]:
        return frozenset(self._strings(f"{key}.{name}", entry[name], allowed, what)) if name in entry else frozenset()

    def _one(self, key: str, name: str, entry: Mapping[str, Any], allowed: Iterable[str], what: str) -> str:
        if name not in entry:
            return ""
        return self._strings(f"{key}.{name}", [entry[name]], allowed, what)[0]
