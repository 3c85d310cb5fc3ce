"""The rules of the desk: desk.toml, checked on load and frozen."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from chalicelib import asks, hours, rules
from chalicelib.asks import Asks
from chalicelib.hours import Calendar, Promise
from chalicelib.rules import Rules

DESK_FILE: Final = Path(__file__).with_name("desk.toml")
QUARANTINE: Final = "quarantine"
CHANNELS: Final = ("mail", "chat")
ROLES: Final = ("agent", "supervisor", "observer", "admin")
URGENCIES: Final = ("low", "normal", "high", "critical")
TIERS: Final = 3
ACKNOWLEDGED: Final = ("mail",)
COURTESY_LENGTH: Final = 4_000
MOST_MONTHS: Final = 600
#: Where a text of an acknowledgement has its promise, and a promise its time; the languages a time can be said in.
PROMISE: Final = "{promise}"
UNTIL: Final = "{until}"
DATED: Final = ("de", "en", "pl", "ru", "uk")
#: Chat providers, and what an installation of each may say of it besides `provider`.
PROVIDERS: Final[Mapping[str, frozenset[str]]] = {
    "generic": frozenset({"replies"}),
    "chatwoot": frozenset({"account", "api"}),
    "crisp": frozenset({"account", "api"}),
    "intercom": frozenset({"account", "api", "admin"}),
    "livechat": frozenset({"account", "api"}),
    "messenger": frozenset({"account", "api"}),
    "slack": frozenset({"account", "api"}),
    "sunshine": frozenset({"account", "api"}),
    "tawk": frozenset({"account"}),
    "telegram": frozenset({"api"}),
    "whatsapp": frozenset({"account", "api"}),
    "widget": frozenset({"origins"}),
    "zendesk": frozenset({"account", "api"}),
}
#: What it must say: whose servers are one's own, or under whose name replies are written.
_NEEDED: Final[Mapping[str, str]] = {"chatwoot": "api", "zendesk": "api", "intercom": "admin"}
#: Our own widget: it posts no webhooks, and fetches what it shows.
WIDGET: Final = "widget"


_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_ADDRESS = re.compile(r"[^@\s]+@[a-z0-9.-]+")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")
_PAGE = re.compile(r"https://[a-z0-9.-]+(:\d{1,5})?|http://(localhost|127\.0\.0\.1)(:\d{1,5})?")
_HTTPS = re.compile(r"https://[^\s/]+(/\S*)?")
# Words that sound like a promise and are none.
_SOON = re.compile(
    r"\bas (?:soon|quickly|fast) as (?:possible|we can)|\ba\.?s\.?a\.?p\b"
    r"|\bjak najszybciej|\bnajszybciej,? jak|\bw najbliższym czasie"
    r"|\bso ?bald wie möglich|\bso (?:schnell|rasch) wie möglich|\bschnellstmöglich|\bbaldmöglichst"
    r"|\bкак можно (?:скорее|быстрее)|\bв (?:ближайшее время|кратчайшие сроки)|\bпри первой возможности"
    r"|\bякнай(?:швидше|скоріше)|\bякомога (?:швидше|скоріше)|\bнайближчим часом",
    re.IGNORECASE,
)
_API = re.compile(r"https://[^\s/?#]+(/[^\s/?#]+)*")
# As EventBridge takes them; six fields, or a number of days.
_SCHEDULE = re.compile(r"cron\([^\s()]+(?: [^\s()]+){5}\)|rate\((?:1 day|[1-9]\d* days)\)")
_PROVIDERS_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_INSTALLATION: Final = {
    "replies": (_HTTPS, "must be an address that starts with https://"),
    "api": (_API, "must be an address that starts with https:// and does not end in a slash"),
    "account": (_PROVIDERS_ID, "must be an id as the provider gives them"),
    "admin": (_PROVIDERS_ID, "must be an id as the provider gives them"),
}
# At most five digits each: some 270 years, which every clock can still count with.
_DURATION = re.compile(
    r"P(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?:(?P<hours>\d{1,5})H)?(?:(?P<minutes>\d{1,5})M)?(?:(?P<seconds>\d{1,5})S)?)?"
)


class PolicyError(Exception):
    """desk.toml breaks a rule. The text names file, line, key and rule."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A team's queue. `members` are agent ids who may claim from it; `skills` what each of them must have; `next` the
    queue of the next tier, '' at the last."""

    name: str
    members: frozenset[str]
    skills: frozenset[str] = frozenset()
    next: str = ""


@dataclass(frozen=True, slots=True)
class Topic:
    """A label of the classifier, the queue of the people who handle it, and what they need to know for it."""

    name: str
    queue: str
    asks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address SES receives for. `address` is lower case."""

    address: str
    name: str


@dataclass(frozen=True, slots=True)
class Installation:
    """A chat widget that may call our webhook, or a provider's account.

    `replies` is the address that takes the replies of a generic one, '' for none; `api` where a provider is called, ''
    for his usual address; `admin` whose name replies are written under. Where `account` is not '', messages to other
    accounts (apps, pages, numbers, websites) of the provider are none of this installation's. Our own widget (`WIDGET`)
    calls no webhook: `origins` are the web origins of the pages it may stand on.
    """

    name: str
    provider: str
    replies: str = ""
    api: str = ""
    account: str = ""
    admin: str = ""
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Agent:
    """Someone who works here. `capacity` says how many items of a channel may be held at once, `deputy` who is asked
    in his absence ('' for nobody)."""

    id: str
    roles: frozenset[str]
    languages: frozenset[str]
    capacity: Mapping[str, int]
    skills: frozenset[str] = frozenset()
    deputy: str = ""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """What the desk says by itself to who opens a matter: on which channels, and in which words by language.

    `promised` has the sentence that stands for `PROMISE` in the text of its language, with the time in it.
    """

    channels: frozenset[str] = frozenset()
    texts: Mapping[str, str] = field(default_factory=dict)
    promised: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Training:
    """When the next model is made of what people decided ('' for never), and of how many months' decisions."""

    schedule: str = ""
    months: int = 24


@dataclass(frozen=True, slots=True)
class Access:
    """Which claims of a token name the agent and his roles, and which web origins may call the API."""

    agent_claim: str
    role_claim: str
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything the company decided about its desk."""

    name: str
    languages: tuple[str, ...]
    people_queue: str
    reopen_within: timedelta
    access: Access
    leases: Mapping[str, timedelta]
    offers: Mapping[str, timedelta]
    urgent: frozenset[str]
    topics: Mapping[str, Topic]
    queues: Mapping[str, Queue]
    mailboxes: Mapping[str, Mailbox]
    installations: Mapping[str, Installation]
    agents: Mapping[str, Agent] = field(default_factory=dict)
    acknowledge: Acknowledge = field(default_factory=Acknowledge)
    training: Training = field(default_factory=Training)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    promises: tuple[Promise, ...] = ()
    rules: Rules = field(default_factory=Rules)
    asks: Asks = field(default_factory=Asks)

    @property
    def domains(self) -> frozenset[str]:
        """The domains of the desk's mailboxes."""
        return frozenset(address.rpartition("@")[2] for address in self.mailboxes)

    def queues_of(self, agent_id: str) -> tuple[Queue, ...]:
        """The queues an agent may claim from: he is a member and has every skill."""
        agent = self.agents.get(agent_id)
        if agent is None:
            return ()
        return tuple(q for q in self.queues.values() if agent_id in q.members and q.skills <= agent.skills)

    def serves(self, agent_id: str, queue: str, language: str) -> bool:
        """Whether an agent may hold what is in a queue and in a language: as its member, with its skills."""
        agent = self.agents.get(agent_id)
        if agent is None or queue not in {q.name for q in self.queues_of(agent_id)}:
            return False
        return language not in self.languages or language in agent.languages

    def shows(self, source: str) -> bool:
        """Whether a chat came by our own widget, which shows replies instead of being sent them."""
        installation = self.installations.get(source)
        return installation is not None and installation.provider == WIDGET

    def stand_ins(self, agent_id: str) -> tuple[str, ...]:
        """An agent, his deputy, that one's deputy and so on: each once, so that deputies of each other do no harm."""
        chain: list[str] = []
        while agent_id in self.agents and agent_id not in chain:
            chain.append(agent_id)
            agent_id = self.agents[agent_id].deputy
        return tuple(chain)


def load(path: Path | None = None) -> Policy:
    """The desk of a file, by default the packaged one. Raises `PolicyError` naming line and rule."""
    return _load(path or DESK_FILE)


@cache
def _load(path: Path) -> Policy:
    try:
        return parse(path.read_text("utf-8"), path.name)
    except UnicodeDecodeError as error:
        raise PolicyError(f"{path.name}: not UTF-8: {error}") from error


def parse(text: str, source: str = "desk.toml") -> Policy:
    """The desk written in `text`. Raises `PolicyError` naming `source`, line and rule."""
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # too large a number, too deep a list
        raise PolicyError(f"{source}: not TOML: {error}") from error
    return _Reader(raw, text, source).policy()


class _Reader:
    """Turns the parsed file into a `Policy`, and every broken rule into a line number."""

    def __init__(self, raw: Mapping[str, Any], text: str, source: str) -> None:
        self._raw, self._text, self._source = raw, text, source

    def policy(self) -> Policy:
        self._known("", self._raw, _SECTIONS)
        desk = self._table("desk", {"name", "languages", "people_queue", "reopen_within"})
        access = self._table("access", {"agent_claim", "role_claim", "origins"})
        languages = self._strings("desk.languages", desk.get("languages"))
        agents = self._agents(languages)
        queues = self._queues(agents)
        lanes = self._table("lanes", {"urgent"})
        calendars = hours.calendars(self._raw.get("calendars", {}), self)
        asked = asks.read(self._raw, languages, self._broken)
        topics = self._topics(queues, asked)
        mailboxes, installations = self._mailboxes(), self._installations()
        names = rules.Names(
            topics=tuple(topics), queues=tuple(name for name in queues if name != QUARANTINE), languages=languages,
            channels=CHANNELS, urgencies=URGENCIES, mailboxes=tuple(mailboxes), installations=tuple(installations),
        )  # fmt: skip
        return Policy(
            name=self._string("desk.name", desk.get("name")),
            languages=languages,
            people_queue=self._queue_name("desk.people_queue", desk.get("people_queue"), queues),
            reopen_within=self._duration("desk.reopen_within", desk.get("reopen_within")),
            access=Access(
                self._string("access.agent_claim", access.get("agent_claim")),
                self._string("access.role_claim", access.get("role_claim")),
                self._origins(access.get("origins", ())),
            ),
            leases=self._per_channel("leases"),
            offers=self._per_channel("offers"),
            urgent=frozenset(self._each("lanes.urgent", lanes.get("urgent"), URGENCIES, "an urgency")),
            topics=topics,
            queues=queues,
            mailboxes=mailboxes,
            installations=installations,
            agents=agents,
            acknowledge=self._acknowledge(languages),
            training=self._training(),
            calendars=MappingProxyType(calendars),
            promises=self._promises(calendars, queues),
            rules=rules.read(self._raw, names, self._broken),
            asks=asked,
        )

    def _promises(self, calendars: Mapping[str, Calendar], queues: Iterable[str]) -> tuple[Promise, ...]:
        allowed = {"channels": CHANNELS, "urgencies": URGENCIES, "queues": [q for q in queues if q != QUARANTINE]}
        return hours.promises(self._raw.get("promises", []), calendars, allowed, self)

    def broken(self, key: str, rule: str) -> PolicyError:
        """The error for a rule that a key breaks, with its line."""
        return self._broken(key, rule)

    def each(self, key: str, value: Any, allowed: Iterable[str], what: str) -> tuple[str, ...]:
        """A list of texts, each of them allowed."""
        return self._each(key, value, allowed, what)

    def _topics(self, queues: Mapping[str, Queue], asked: Asks) -> Mapping[str, Topic]:
        topics = {}
        for name, said in self._table("topics").items():
            key = f"topics.{name}"
            if not isinstance(said, dict):
                topics[name] = Topic(name, self._queue_name(key, said, queues))
                continue
            self._known(key, said, {"queue", "asks"})
            wanted = self._each(f"{key}.asks", said.get("asks", ()), asked.by_name, "something in [asks]")
            topics[name] = Topic(name, self._queue_name(f"{key}.queue", said.get("queue"), queues), wanted)
        return MappingProxyType(topics)

    def _acknowledge(self, languages: tuple[str, ...]) -> Acknowledge:
        if "acknowledge" not in self._raw:
            return Acknowledge()
        entry = self._table("acknowledge", {"channels", "texts", "promised"})
        allowed = "a channel the desk can acknowledge on"
        channels = self._each("acknowledge.channels", entry.get("channels"), ACKNOWLEDGED, allowed)
        texts = self._table("acknowledge.texts", languages)
        if languages and languages[0] not in texts:
            raise self._broken("acknowledge.texts", f"the desk's first language, {languages[0]}, has no text")
        for language, text in texts.items():
            self._check_courtesy(f"acknowledge.texts.{language}", self._string(f"acknowledge.texts.{language}", text))
        promised = self._table("acknowledge.promised", DATED) if "promised" in entry else {}
        for language in {**texts, **promised}:
            self._check_promised(language, texts.get(language, ""), promised.get(language))
        return Acknowledge(frozenset(channels), MappingProxyType(texts), MappingProxyType(promised))

    def _check_promised(self, language: str, text: str, sentence: Any) -> None:
        """A promise has its place in the text, and a time."""
        key = f"acknowledge.promised.{language}"
        if (sentence is not None) != (text.count(PROMISE) == 1) or text.count(PROMISE) > 1:
            raise self._broken(
                key, f"the text must have {PROMISE} once, and only where there is a promise to put there"
            )
        if sentence is None:
            return
        self._check_courtesy(key, self._string(key, sentence))
        if sentence.count(UNTIL) != 1:
            raise self._broken(key, f"must have {UNTIL} once, which is the time")

    def _training(self) -> Training:
        if "training" not in self._raw:
            return Training()
        entry = self._table("training", {"schedule", "months"})
        schedule, months = entry.get("schedule", ""), entry.get("months", 24)
        if not isinstance(schedule, str) or not (schedule == "" or _SCHEDULE.fullmatch(schedule)):
            raise self._broken("training.schedule", 'must be such as "cron(0 2 ? * SUN *)" or "rate(7 days)", or ""')
        if type(months) is not int or not 1 <= months <= MOST_MONTHS:
            raise self._broken("training.months", f"must be a whole number from 1 to {MOST_MONTHS}")
        return Training(schedule, months)

    def _check_courtesy(self, key: str, text: str) -> None:
        if len(text) > COURTESY_LENGTH:
            raise self._broken(key, f"must have at most {COURTESY_LENGTH} characters")
        if found := _SOON.search(" ".join(text.split())):
            raise self._broken(key, f"must not say {found[0]!r}: a desk promises a time it holds, or none")

    def _agents(self, languages: tuple[str, ...]) -> Mapping[str, Agent]:
        default = self._capacity("capacity", self._table("capacity"), {})
        agents = {}
        for name in self._table("agents"):
            key = f"agents.{name}"
            entry = self._table(key, {"roles", "languages", "capacity", "skills", "deputy"})
            roles = self._each(f"{key}.roles", entry.get("roles", ["agent"]), ROLES, "a role")
            spoken = self._each(
                f"{key}.languages", entry.get("languages", languages), languages, "a language of the desk"
            )
            skills = self._strings(f"{key}.skills", entry.get("skills", ()))
            capacity = self._capacity(f"{key}.capacity", entry.get("capacity", {}), default)
            deputy = self._deputy(f"{key}.deputy", entry.get("deputy", ""), name)
            agents[name] = Agent(name, frozenset(roles), frozenset(spoken), capacity, frozenset(skills), deputy)
        return MappingProxyType(agents)

    def _deputy(self, key: str, value: Any, agent: str) -> str:
        if value == "":
            return ""
        others = {name for name in self._table("agents") if name != agent}
        return self._checked(key, value, lambda v: v in others, "must be another agent of this desk")

    def _capacity(self, key: str, entry: Any, default: Mapping[str, int]) -> Mapping[str, int]:
        if not isinstance(entry, dict):
            raise self._broken(key, "must be a table of channel = number")
        self._known(key, entry, CHANNELS)
        for channel in CHANNELS:
            value = entry.get(channel, default.get(channel))
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise self._broken(f"{key}.{channel}", "must be a whole number, 0 or more")
        return MappingProxyType({**default, **entry})

    def _queues(self, agents: Mapping[str, Agent]) -> Mapping[str, Queue]:
        everyone = [name for name, agent in agents.items() if "agent" in agent.roles]
        queues = {}
        for name in self._table("queues"):
            key = f"queues.{name}"
            if not _NAME.fullmatch(name) or name.endswith("-urgent"):
                raise self._broken(
                    key,
                    "a queue's name is lower-case letters, digits and hyphens, starts with a letter, "
                    "has at most 31 characters and does not end in -urgent",
                )
            if name == QUARANTINE:
                raise self._broken(key, "this queue exists already: give its members under [quarantine]")
            entry = self._table(key, {"members", "skills", "next"})
            queues[name] = Queue(
                name,
                self._members(f"{key}.members", entry.get("members"), everyone, agents),
                frozenset(self._strings(f"{key}.skills", entry.get("skills", ()))),
                entry.get("next", ""),
            )
        for name, queue in queues.items():
            self._check_tiers(f"queues.{name}.next", queue, queues)
        quarantine = self._table(QUARANTINE, {"members"})
        members = self._members(f"{QUARANTINE}.members", quarantine.get("members"), everyone, agents)
        if not members:
            raise self._broken(f"{QUARANTINE}.members", "somebody must look at what could not be read")
        queues[QUARANTINE] = Queue(QUARANTINE, members)
        return MappingProxyType(queues)

    def _check_tiers(self, key: str, queue: Queue, queues: Mapping[str, Queue]) -> None:
        tiers = [queue.name]
        while queue.next != "":
            queue = queues[self._queue_name(key, queue.next, queues)]
            if queue.name in tiers:
                raise self._broken(key, f"leads back to {queue.name}")
            tiers.append(queue.name)
        if len(tiers) > TIERS:
            raise self._broken(key, f"makes {len(tiers)} tiers; a desk has at most {TIERS}")

    def _members(self, key: str, value: Any, everyone: Iterable[str], agents: Mapping[str, Agent]) -> frozenset[str]:
        names = self._strings(key, value)
        members = frozenset(everyone if "*" in names else names)
        for name in members - agents.keys():
            raise self._broken(key, f"{name!r} is no agent of this desk (see [agents])")
        return members

    def _per_channel(self, name: str) -> Mapping[str, timedelta]:
        entry = self._table(name, CHANNELS)
        return MappingProxyType({c: self._duration(f"{name}.{c}", entry.get(c)) for c in CHANNELS})

    def _origins(self, value: Any) -> tuple[str, ...]:
        origins = self._strings("access.origins", value)
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise self._broken("access.origins", f"{origin!r} is no web origin such as https://desk.example.com")
        return origins

    def _mailboxes(self) -> Mapping[str, Mailbox]:
        mailboxes = {}
        for address, name in self._table("mailboxes").items():
            key = f"mailboxes.{address}"
            if not _ADDRESS.fullmatch(address) or address != address.lower():
                raise self._broken(key, "must be a mail address in lower case")
            mailboxes[address] = Mailbox(address, self._string(key, name))
        return MappingProxyType(mailboxes)

    def _installations(self) -> Mapping[str, Installation]:
        installations = {}
        for name, value in self._table("installations").items():
            key = f"installations.{name}"
            if not _NAME.fullmatch(name):
                raise self._broken(key, "an installation's name is lower-case letters, digits and hyphens")
            entry = value if isinstance(value, dict) else {"provider": value}
            installations[name] = self._installation(name, key, entry)
        return MappingProxyType(installations)

    def _installation(self, name: str, key: str, entry: Mapping[str, Any]) -> Installation:
        provider = entry.get("provider")
        if not isinstance(provider, str) or provider not in PROVIDERS:
            raise self._broken(key, f"{provider!r} is no provider; there is {', '.join(PROVIDERS)}")
        self._known(key, entry, {"provider", *PROVIDERS[provider]})
        needed = _NEEDED.get(provider)
        if needed and not entry.get(needed):
            raise self._broken(key, f"{provider} needs {needed}")
        said = {}
        for field_name, (shape, rule) in _INSTALLATION.items():
            said[field_name] = given = entry.get(field_name, "")
            if given != "" and not (isinstance(given, str) and shape.fullmatch(given)):
                raise self._broken(f"{key}.{field_name}", rule)
        origins = self._page_origins(key, entry) if provider == WIDGET else ()
        return Installation(name, provider, **said, origins=origins)

    def _page_origins(self, key: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
        """The pages our own widget may stand on."""
        origins = self._strings(f"{key}.origins", entry.get("origins", ()))
        if not origins:
            raise self._broken(f"{key}.origins", "our own widget needs the origins of its pages")
        for origin in origins:
            if not _PAGE.fullmatch(origin):
                raise self._broken(f"{key}.origins", f"{origin!r} is no web origin such as https://shop.example.com")
        return origins

    # What a value may be

    def _table(self, key: str, keys: Iterable[str] | None = None) -> dict[str, Any]:
        value: Any = self._raw
        for part in key.split(".", 1):
            value = value.get(part) if isinstance(value, dict) else None
        if not isinstance(value, dict):
            raise self._broken(key, "this table is missing")
        if keys is not None:
            self._known(key, value, keys)
        return value

    def _known(self, key: str, table: Mapping[str, Any], keys: Iterable[str]) -> None:
        for name in table:
            if name not in keys:
                path = f"{key}.{name}" if key else name
                raise self._broken(path, f"no such key; there is {', '.join(sorted(keys))}")

    def _string(self, key: str, value: Any) -> str:
        return self._checked(key, value, lambda v: isinstance(v, str) and bool(v.strip()), "must be a text")

    def _strings(self, key: str, value: Any) -> tuple[str, ...]:
        good = isinstance(value, list | tuple) and all(isinstance(v, str) and v for v in value)
        if not good:
            raise self._broken(key, "must be a list of texts")
        return tuple(value)

    def _each(self, key: str, value: Any, allowed: Iterable[str], what: str) -> tuple[str, ...]:
        values = self._strings(key, value)
        for entry in values:
            if entry not in allowed:
                raise self._broken(key, f"{entry!r} is not {what}; there is {', '.join(allowed)}")
        return values

    def _queue_name(self, key: str, value: Any, queues: Mapping[str, Queue]) -> str:
        """A queue that work is sent to: into quarantine goes only what could not be read or must not be trusted."""
        there = sorted(queues.keys() - {QUARANTINE})
        return self._checked(
            key, value, lambda v: v in there, f"must be a queue of this desk; there is {', '.join(there)}"
        )

    def _duration(self, key: str, value: Any) -> timedelta:
        match = _DURATION.fullmatch(value) if isinstance(value, str) else None
        duration = timedelta(**{k: int(v) for k, v in match.groupdict(default="0").items()}) if match else timedelta()
        if not duration:
            raise self._broken(key, 'must be an ISO 8601 duration longer than nothing, such as "PT15M" or "P30D"')
        return duration

    def _checked(self, key: str, value: Any, rule: Callable[[Any], bool], message: str) -> str:
        if not isinstance(value, str) or not rule(value):
            raise self._broken(key, message)
        return value

    def _broken(self, key: str, rule: str) -> PolicyError:
        return PolicyError(f"{self._source}, line {line_of(self._text, key)}: {key}: {rule}")


_SECTIONS: Final = (
    "desk", "access", "leases", "offers", "lanes", "topics", "queues", "quarantine", "mailboxes", "installations",
    "capacity", "agents", "acknowledge", "training", "calendars", "promises", "rules", "urgency", "spam", "marks",
    "asks", "asking",
)  # fmt: skip


def line_of(text: str, key: str) -> int:
    """Line where `key` (dotted) stands, or its table where it is missing, or the last line of the file."""
    lines = text.splitlines()
    parts = key.split(".")
    seen: dict[str, int] = {}  # of each [[list]], how many entries
    for depth in range(len(parts), 0, -1):
        wanted = ".".join(parts[:depth])
        section = ""
        seen.clear()
        for number, line in enumerate(lines, start=1):
            code = line.split("#", 1)[0].strip().replace('"', "")
            if code.startswith("["):
                section = code.strip("[] ")
                if code.startswith("[["):
                    seen[section] = seen.get(section, 0) + 1
                    section = f"{section}.{seen[section]}"
                found = section
            else:
                name = code.split("=", 1)[0].strip()
                found = f"{section}.{name}" if section and name else name
            if found and found == wanted:
                return number
    return max(1, len(lines))
