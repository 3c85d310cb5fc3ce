"""A day of a desk by its schedule: people, AWS and what goes wrong, and at its end whatever is left is brought."""

import json
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from moto import mock_aws

from chalicelib import doors
from chalicelib.errors import Conflict, NotAuthentic, Rejected, Unavailable
from chalicelib.flows import hook, receive, recheck, watch, widget
from chalicelib.flows.export import export
from chalicelib.flows.rebuild import rebuild
from chalicelib.flows.ring import ring
from chalicelib.flows.send import send_message
from chalicelib.policy import Policy, Topic
from chalicelib.store import rows
from chalicelib.world import PACKAGED_MODEL
from infra.template import TRIES
from tests import chats, invariants, letters
from tests.cloud import SECRET, Clock
from tests.crash import quick_moto
from tests.crash.calls import Died
from tests.crash.desk import Desk
from tests.crash.outside import Message
from tests.crash.setting import shown
from tests.schedules import people
from tests.schedules.people import Command
from tests.schedules.schedule import Step
from tests.schedules.weather import Weather

_EVENTS: Final = Path(__file__).parent.parent / "events"
_NEW_QUEUE: Final = '\n[queues.returns]\nmembers = ["*"]\n'
_HIDDEN: Final = timedelta(minutes=6)


class Outcome:
    """What whoever asked knows of it."""

    OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"


@dataclass(frozen=True, slots=True)
class Asked:
    """A command, what its asker knows of it, and which event ids its process drew. `made`: items with versions."""

    what: Command
    outcome: str
    made: tuple[tuple[str, int], ...]
    ids: tuple[str, ...]
    held: bool | None = None  # of a heartbeat: whether it named the claim that held


@dataclass
class Seen:
    """What is known of a day when it is over."""

    commands: list[Asked] = field(default_factory=list)
    #: What brought each mail, by Message-ID and bytes; those that were forged, with whom they would join.
    mails: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    forged: dict[str, str] = field(default_factory=dict)
    accepted: list[str] = field(default_factory=list)
    at_noon: list[str] = field(default_factory=list)  # broken before anything came to rest
    rewritten: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    met: int = 0


class DayDesk(Desk):
    """A desk of which each process may have other rules, another model and another clock."""

    def __init__(self) -> None:
        self.model, self.off, self.rules = "words", timedelta(0), "old"
        self.drawn_ids: list[str] = []
        self.models: Mapping[str, Path] = {}
        super().__init__(_NEW_QUEUE)
        new = self.cloud.policy
        more = {**new.topics, "returns": Topic("returns", "returns")}
        fewer = {name: queue for name, queue in new.queues.items() if name != "returns"}
        self._policies = {"old": replace(new, queues=fewer), "new": replace(new, topics=more)}

    def restart(self) -> None:
        """A new process, by what is deployed at the moment."""
        if hasattr(self, "_policies"):
            self.cloud.policy = self._policies[self.rules]
        super().restart()
        if self.model != "words":
            vars(self.world).pop("model")
            object.__setattr__(self.world, "model_directory", self.models[self.model])
        if self.off:
            object.__setattr__(self.world, "clock", _Off(self.cloud.clock, self.off))

    def has_due(self) -> bool:
        """Whether the watch would find something."""
        return any(at <= self.cloud.clock.time for at in self._wakes())

    def policy_of(self, rules: str) -> Policy:
        """The desk's rules before or after the deploy."""
        return self._policies[rules]

    def _id(self) -> str:
        self.drawn_ids.append(super()._id())
        return self.drawn_ids[-1]


class _Off(Clock):
    """A clock that is wrong by so much."""

    def __init__(self, right: Clock, off: timedelta) -> None:
        self._right, self._off = right, off

    @property  # type: ignore[override]
    def time(self) -> datetime:
        return self._right.time + self._off

    def forward(self, **how_far: float) -> None:
        self._right.forward(**how_far)


class Day:
    """One day on a desk, which it finds empty."""

    def __init__(self, desk: DayDesk, weather: Weather) -> None:
        self._desk, self._weather, self.seen = desk, weather, Seen()
        self._queue = {"ring": [], "export": []}  # type: dict[str, list[dict[str, Any]]]
        self._indexes: Any = None
        self._mails: list[tuple[str, str, str, bytes]] = []  # ses id, customer, Message-ID, bytes
        self._stored: list[tuple[str, datetime]] = []
        self._unaccepted: list[tuple[str, str, bytes]] = []
        self._known_objects: frozenset[tuple[str, str]] = frozenset()
        self._secrets = [SECRET]
        self._numbers = 0
        self._rollout, self._clears_at = 0, -1
        self._dies: Mapping[str, int | str] = {}

    def run(self, steps: Sequence[Step]) -> Seen:
        """Everything that happens, then all that is left is brought, then the night."""
        desk = self._desk
        desk.rules, desk.model, desk.off = "old", "words", timedelta(0)
        desk.open()
        self._weather.clear()
        self._weather.met = 0
        for _ in range(2):
            desk.cloud.secrets.put_secret_value(SecretId="desk/hooks/shop-widget", SecretString=SECRET)
        with self._weather.blowing():
            for number, step in enumerate(steps):
                self._weather.chance = random.Random(step.dice + 1)
                self._note(f"{number:3} {step.what}")
                if number == self._clears_at:
                    self._weather.clear()
                if step.what in {"throttling", "silence", "outage"}:
                    self._clears_at = number + step.chance.randint(2, 7)
                getattr(self, f"_{step.what.replace(' ', '_')}")(step.chance)
                self._look()
            self.seen.at_noon = [f"{name}: {what}" for name, what in invariants.named(self._desk.seen.values())]
            self._end(random.Random(len(steps)))
        self.seen.met = self._weather.met
        return self.seen

    # People and the world

    def _mail(self, chance: random.Random) -> None:
        """SES stores a mail and tells of it once, twice or not at all."""
        ses_id, raw, verdicts, recipients = self._written(chance)
        with self._weather.indoors():
            notice = json.loads(letters.store_mail(self._desk.world, ses_id, raw, **verdicts))
        self._stored.append((f"mail/{ses_id}", self._desk.cloud.clock.time))
        notice["receipt"]["recipients"] = recipients
        for _ in range(chance.choice((1, 1, 1, 1, 2, 2, 0))):
            self._put(self._desk.world.settings.inbound_queue_url, json.dumps(notice))

    def _written(self, chance: random.Random) -> tuple[str, bytes, dict[str, str], list[str]]:
        number = self._number()
        ses_id, customer = f"ses-{number}", f"c{chance.randrange(5)}@customer.example.com"
        kinds = ["new"] * 5 + ["further"] * 4 + ["again", "reused", "garbage", "automatic", "file", "forged", "two",
                 "answer", "virus"]  # fmt: skip
        kind, mailbox = chance.choice(kinds), ["help@shop.example.com"]
        if kind == "garbage":
            return ses_id, b"\x00\xff\x13 nothing", {}, mailbox
        if kind in {"further", "again", "reused", "forged"} and not self._mails:
            kind = "new"
        body = f"#{chance.choice(('order', 'billing', 'returns'))} #{chance.choice(('critical', 'normal'))} {number}"
        message_id, headers, verdicts, files = f"<{number}@customer.example.com>", {}, {}, ()  # type: ignore[var-annotated]
        if kind in {"further", "again", "reused", "forged"}:
            old_id, customer, old, raw = chance.choice(self._mails)
            if kind == "again":
                self._known(old, raw, ses_id)
                return ses_id, raw, {}, mailbox
            if kind == "reused":
                message_id = old
            else:
                headers["In_Reply_To"] = old
            if kind == "forged":
                verdicts = {"dmarc": "FAIL", "spf": "FAIL", "dkim": "FAIL"}
                self.seen.forged[ses_id] = old_id
        mails = [handed for handed in self._desk.outside.handed if "@" in handed.to]
        if kind == "answer" and mails:
            handed = chance.choice(mails)
            customer = handed.to
            headers["In_Reply_To"] = f"<{self._desk.world.mailer.message_id(handed.provider_id)}>"
        if kind == "automatic":
            headers["Auto_Submitted"] = "auto-replied"
        if kind == "file":
            files = (("1.pdf", "application/pdf", b"%PDF-1"),)
        if kind == "virus":
            verdicts = {"virus": "FAIL"}
        raw = letters.mail(body, customer, files=files, Message_ID=message_id, **headers)
        self._known(message_id, raw, ses_id)
        if kind not in {"forged", "automatic", "virus"}:
            self._mails.append((ses_id, customer, message_id, raw))
        return ses_id, raw, verdicts, sorted(self._desk.policy_of("new").mailboxes) if kind == "two" else mailbox

    def _known(self, message_id: str, raw: bytes, ses_id: str) -> None:
        self.seen.mails.setdefault((message_id, raw.decode("ascii", "replace")), []).append(ses_id)

    def _webhook(self, chance: random.Random) -> None:
        """A provider brings a message, and one that was not taken before once more."""
        number, conversation = self._number(), f"c{chance.randrange(3)}"
        body = {"id": f"d{number}", "conversation": conversation, "visitor": {"id": f"v-{conversation}"},
                "text": f"Hello? #{chance.choice(('order', 'billing'))} {number}"}  # fmt: skip
        self._unaccepted.append((f"d{number}", chance.choice(self._secrets[-2:]), json.dumps(body).encode()))
        for said in list(self._unaccepted):
            self._bring_webhook(*said)

    def _bring_webhook(self, delivery: str, secret: str, raw: bytes) -> None:
        now = self._desk.cloud.clock.time
        take = partial(hook.accept, "generic", "shop-widget", chats.signed("generic", raw, now, secret))
        outcome, _ = self._process(lambda: take(self._desk.world))
        if outcome == Outcome.OK:
            self._unaccepted.remove((delivery, secret, raw))
            self.seen.accepted.append(delivery)

    def _widget(self, chance: random.Random) -> None:
        page, number = widget.Page("https://shop.example.com", ""), self._number()

        def write() -> None:
            world = self._desk.world
            session = widget.open_session("shop-page", page, "", None, world)
            visit = widget.visit("shop-page", widget.Page(page.origin, session.token), world)
            for _ in range(chance.choice((1, 1, 2))):
                widget.take(visit, f"m-{number:07}", f"Hello? {number}", world)
            widget.shown(visit, 0, world)

        self._process(write)

    def _agent(self, chance: random.Random) -> None:
        items = [rows.item_of(row) for row in self._desk.seen.values() if row["kind"] == "item"]
        what = people.command(chance, items, f"key-{self._number()}")
        if what is None:
            return
        outcome = self._command(what)
        if outcome == Outcome.UNKNOWN and what.key and chance.random() < 0.7:
            self._command(what)

    def _command(self, what: Command) -> str:
        held = None
        if what.name == "heartbeat" and what.item:
            with self._weather.indoors():
                now = self._desk.item(what.item.id)
            held = bool(what.item.claim_token) and (now.holder, now.claim_token) == (what.by.id, what.item.claim_token)
        before = len(self._desk.drawn_ids)
        outcome, got = self._process(lambda: people.asked(what, self._desk.world))
        made = tuple(_made(got)) if what.name != "look" else ()
        self.seen.commands.append(Asked(what, outcome, made, tuple(self._desk.drawn_ids[before:]), held))
        self._note(f"    {what}: {outcome}")
        return outcome

    def _supervisor(self, chance: random.Random) -> None:
        self._process(lambda: people.handed_over(chance, self._desk.world))

    def _news(self, chance: random.Random) -> None:
        """SES tells what became of a mail."""
        mails = [handed for handed in self._desk.outside.handed if "@" in handed.to]
        if not mails:
            return
        handed, name = chance.choice(mails), chance.choice(("ses-delivery", "ses-bounce-permanent", "ses-delay"))
        told = json.loads((_EVENTS / f"{name}.json").read_text())
        told["mail"]["messageId"], told["mail"]["tags"]["outbox_id"] = handed.provider_id, [handed.reply_id]
        self._put(self._desk.world.settings.send_queue_url, json.dumps(told))

    # AWS at work

    def _inbound(self, chance: random.Random) -> None:
        settings = self._desk.world.settings
        for url, flow in ((settings.inbound_queue_url, self._received), (settings.inbound_dead_queue_url, self._dead)):
            self._batch(url, flow, chance)

    def _received(self, message: doors.QueueMessage) -> str:
        return receive.delivery(message.body, message.id, message.receive_count, self._desk.world)

    def _dead(self, message: doors.QueueMessage) -> str:
        return receive.dead_delivery(message.body, message.id, self._desk.world)

    def _timers(self, chance: random.Random) -> None:
        url = self._desk.world.settings.timer_queue_url
        self._batch(url, lambda m: watch.timer_rang(m.body, self._desk.world), chance)

    def _sender(self, chance: random.Random) -> None:
        url = self._desk.world.settings.send_queue_url
        for _ in range(3):
            self._batch(url, lambda m: send_message(m.body, self._desk.world), chance, size=1)

    def _recheck(self, chance: random.Random) -> None:
        """The bucket tells of what was stored a quarter of an hour ago."""
        url, settled = self._desk.world.settings.recheck_queue_url, self._desk.cloud.clock.time - timedelta(minutes=15)
        for key, at in [stored for stored in self._stored if stored[1] <= settled]:
            self._put(url, _told(key, at))
        self._stored = [stored for stored in self._stored if stored[1] > settled]
        self._fill_inbound()
        self._batch(url, lambda m: recheck.recheck(m.body, self._desk.world), chance)

    def _batch(
        self, url: str, handle: Callable[[doors.QueueMessage], str], chance: random.Random, size: int = 10
    ) -> None:
        """A batch in any order; what failed comes back soon, what was in a dead process' hands later; some twice."""
        due = self._desk.outside.take(url, self._desk.cloud.clock.time)
        chance.shuffle(due)
        batch, left = due[:size], due[size:]
        self._desk.outside.messages += left
        if not batch:
            return
        event = {"Records": [_sqs_record(number, message) for number, message in enumerate(batch)]}
        is_fair, before = not self._dies and self._weather.is_fair, self._desk.drawn_ids.copy()
        outcome, answer = self._process(lambda: doors.each_message(event, handle, self._desk.world))
        failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]} if outcome == Outcome.OK else None
        if failed and is_fair and not self._desk.shop.busy and "send" not in url:
            self.seen.wrong.append(f"failed in fair weather: {sorted(failed)} of {url.rsplit('/', 1)[1]} {before[-1:]}")
        now = self._desk.cloud.clock.time
        for number, message in enumerate(batch):
            if failed is None:
                self._again(message, now + _HIDDEN)
            elif f"m{number}" in failed:
                self._again(message, now + timedelta(seconds=chance.randint(5, 20)))
            elif chance.random() < 0.15:
                self._desk.outside.messages.append(
                    replace(message, due=now + timedelta(seconds=chance.choice((1, 4000))))
                )

    def _again(self, message: Message, due: datetime) -> None:
        settings = self._desk.world.settings
        url, received = message.url, message.received + 1
        if received >= TRIES and url == settings.inbound_queue_url:
            url, received = settings.inbound_dead_queue_url, 0
        self._desk.outside.messages.append(replace(message, url=url, due=due, received=received))

    def _stream(self, chance: random.Random) -> None:
        """Each reader by itself: items in any order, the changes of each in theirs; now and then once more."""
        for reader, read in (("ring", ring), ("export", export)):
            records = shown(self._queue[reader], reader)
            parts: dict[str, list[dict[str, Any]]] = {}
            for one in records:
                parts.setdefault(str(one["dynamodb"]["Keys"]["pk"]), []).append(one)
            shuffled = chance.sample(list(parts.values()), len(parts))
            told = [one for part in shuffled for one in part]
            outcome, _ = self._process(lambda: read(told, self._desk.world))  # noqa: B023 - called at once
            if outcome != Outcome.OK and self.seen.told[-1] != "    died":
                self.seen.wrong.append(f"the stream reader {reader} raised")
            if outcome == Outcome.OK and chance.random() < 0.8:
                self._queue[reader] = []

    def _watch(self, _chance: random.Random) -> None:
        self._process(lambda: watch.watch(self._desk.world))

    def _time(self, chance: random.Random) -> None:
        self._desk.cloud.clock.forward(seconds=chance.choice((1, 20, 70, 130, 400, 950, 1900)))

    # What goes wrong

    def _death(self, chance: random.Random) -> None:
        """The next process dies at one of its first calls."""
        self._dies = {chance.choice(("die_before", "die_after")): chance.randint(1, 9)}

    def _throttling(self, chance: random.Random) -> None:
        self._weather.throttled = chance.choice((0.1, 0.3, 0.6))

    def _silence(self, chance: random.Random) -> None:
        self._weather.silent = chance.choice((0.05, 0.15, 0.3))

    def _outage(self, chance: random.Random) -> None:
        self._weather.away = frozenset(chance.sample(("dynamodb", "s3", "sqs", "secretsmanager", "sesv2"), 1))

    def _fair_weather(self, _chance: random.Random) -> None:
        self._weather.clear()

    def _lost_records(self, _chance: random.Random) -> None:
        """The stream is dropped with all that nobody has read."""
        self._queue = {"ring": [], "export": []}

    def _rebuild(self, _chance: random.Random) -> None:
        self._process(lambda: list(rebuild(self._desk.world)))

    def _model(self, chance: random.Random) -> None:
        self._desk.model = chance.choice(("missing", "corrupt", "words"))
        self._desk.restart()

    def _rotation(self, _chance: random.Random) -> None:
        """The shop's secret is another one; the one before holds on until the next rotation."""
        self._secrets.append(f"{len(self._secrets)}" * 64)
        with self._weather.indoors():
            self._desk.cloud.secrets.put_secret_value(SecretId="desk/hooks/shop-widget", SecretString=self._secrets[-1])
        self._desk.restart()

    def _skew(self, chance: random.Random) -> None:
        self._desk.off = timedelta(minutes=chance.choice((-10, -2, 0, 2, 10)))
        self._desk.restart()

    def _deploy(self, _chance: random.Random) -> None:
        """First some processes have the new rules, then all."""
        self._rollout = min(2, self._rollout + 1)

    def _busy_shop(self, chance: random.Random) -> None:
        self._desk.shop.busy = chance.randint(1, 3)

    def _late_indexes(self, _chance: random.Random) -> None:
        """For the next process the indexes show what is there now."""
        self._indexes = self._desk.keep()

    # How it is done

    def _process(self, do: Callable[[], Any]) -> tuple[str, Any]:
        """What becomes of it in a process that may be another one than before, and may die."""
        desk = self._desk
        if self._rollout == 1 and desk.rules != (rules := ("old", "new")[desk.drawn_ids.__len__() % 2]):
            desk.rules = rules
            desk.restart()
        dies, self._dies = self._dies, {}
        late, self._indexes = (desk.indexes_late(self._indexes) if self._indexes else nullcontext()), None
        try:
            with late, desk.calls.watch(**dies):  # type: ignore[arg-type]
                return Outcome.OK, do()
        except Died:
            self._note("    died")
            desk.restart()
            return Outcome.UNKNOWN, None
        except (Conflict, Rejected):
            return Outcome.REFUSED, None
        except Unavailable:
            return Outcome.UNKNOWN, None

    def _look(self) -> None:
        """What the step changed: for the stream's readers; and no entry of a timeline ever changes.

        The bucket tells of what was stored, too: also where whoever stored it died before he could tell of it.
        """
        raw = self._desk.world.settings.raw_bucket
        for bucket, key in sorted(self._desk.outside.stored - self._known_objects):
            if bucket == raw and key.startswith("chat/"):
                self._stored.append((key, self._desk.cloud.clock.time))
        self._known_objects = self._desk.outside.stored
        with self._weather.indoors():
            records = self._desk.changes()
        for one in records:
            kind = (one["dynamodb"].get("NewImage") or one["dynamodb"].get("OldImage"))["kind"]["S"]
            if kind == "event" and one["eventName"] != "INSERT":
                self.seen.rewritten.append(f"{one['eventName']} of {one['dynamodb']['Keys']}")
        for waiting in self._queue.values():
            waiting += records
        if self._rollout == 2 and self._desk.rules == "old":
            self._desk.rules = "new"
            self._desk.restart()

    def _put(self, url: str, body: str) -> None:
        self._desk.outside.messages.append(Message(url, body, self._desk.cloud.clock.time))

    def _fill_inbound(self) -> None:
        """What SQS says of the inbound queue's depth is what lies there: what is due later is in somebody's hands."""
        url, now = self._desk.world.settings.inbound_queue_url, self._desk.cloud.clock.time
        sqs, there = self._desk.cloud.sqs, [one.due for one in self._desk.outside.messages if one.url == url]
        recheck._sights.clear()
        with self._weather.indoors():
            sqs.purge_queue(QueueUrl=url)
            if any(due > now for due in there):
                sqs.send_message(QueueUrl=url, MessageBody="{}")
                sqs.receive_message(QueueUrl=url, VisibilityTimeout=3600)
            if any(due <= now for due in there):
                sqs.send_message(QueueUrl=url, MessageBody="{}")

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _note(self, what: str) -> None:
        self.seen.told.append(what)

    # The end

    def _end(self, chance: random.Random) -> None:
        """Nothing goes wrong any more: what is in flight arrives, the providers come again, the watch goes round."""
        desk = self._desk
        self._weather.clear()
        self._dies, self._indexes, desk.model, desk.off, desk.rules = {}, None, "words", timedelta(0), "new"
        desk.shop.busy = 0
        self._rollout = 2
        desk.restart()
        for said in list(self._unaccepted):
            self._bring_webhook(*said)
        with suppress(NotAuthentic):
            if len(self._secrets) > 2:
                signed = chats.signed("generic", chats.generic_body("late"), desk.cloud.clock.time, self._secrets[-3])
                hook.accept("generic", "shop-widget", signed, desk.world)
                self.seen.wrong.append("a secret that was rotated twice still proves")
        if chance.random() < 0.5:
            list(rebuild(desk.world))
        for _ in range(60):
            self._look()
            self._drain(chance)
            later = [message for message in desk.outside.messages if self._is_worked(message)]
            if not later and not self._stored and not any(self._queue.values()):
                break
            due = [message.due for message in later] + [at + timedelta(minutes=15) for _, at in self._stored]
            desk.cloud.clock.time = max(desk.cloud.clock.time, min(due, default=desk.cloud.clock.time))
            desk.cloud.clock.forward(seconds=1)
            if desk.has_due():
                watch.watch(desk.world)
        else:
            self.seen.wrong.append(f"never empty: {[m for m in desk.outside.messages if self._is_worked(m)][:3]}")
        self._nights()

    def _drain(self, chance: random.Random) -> None:
        for reader, read in (("ring", ring), ("export", export)):
            read(shown(self._queue[reader], reader), self._desk.world)
            self._queue[reader] = []
        for bring in (self._inbound, self._timers, self._sender, self._recheck):
            bring(chance)

    def _is_worked(self, message: Message) -> bool:
        return "-work-" not in message.url and not message.url.endswith("-parking")

    def _nights(self) -> None:
        """Longer than any bell stays unheard."""
        try:
            for _ in range(2):
                for _table in self._desk.night(timers=True):
                    self._desk.changes()
        except AssertionError as error:
            self.seen.wrong.append(str(error))


def _made(got: Any) -> Iterator[tuple[str, int]]:
    for one in got if isinstance(got, tuple) else (got,):
        if hasattr(one, "version") and hasattr(one, "customer_id"):
            yield one.id, one.version


def _told(key: str, at: datetime) -> str:
    return json.dumps({"Records": [{"eventTime": at.isoformat(), "s3": {"object": {"key": key}}}]})


def _sqs_record(number: int, message: Message) -> dict[str, Any]:
    return {
        "messageId": f"m{number}", "body": message.body, "receiptHandle": "none",
        "eventSourceARN": f"arn:aws:sqs:eu-central-1:123456789012:{message.url.rsplit('/', 1)[1]}",
        "attributes": {"ApproximateReceiveCount": str(message.received + 1)},
    }  # fmt: skip


@contextmanager
def open_days(folder: Path) -> Iterator[Callable[[Sequence[Step]], tuple[DayDesk, Seen]]]:
    """Gives what runs one day after the other on one desk; broken models are made in a folder."""
    (folder / "missing").mkdir()
    shutil.copytree(PACKAGED_MODEL, folder / "corrupt")
    largest = max((folder / "corrupt").iterdir(), key=lambda path: path.stat().st_size)
    raw = bytearray(largest.read_bytes())
    raw[len(raw) // 2] ^= 1
    largest.write_bytes(raw)
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        quick_moto.make_quick(patch)
        patch.setattr("chalicelib.flows.again.time.sleep", lambda _: None)
        desk = DayDesk()
        desk.models = {name: folder / name for name in ("missing", "corrupt")}
        weather = Weather(desk.cloud)
        with desk.outside.listening():

            def run(steps: Sequence[Step]) -> tuple[DayDesk, Seen]:
                return desk, Day(desk, weather).run(steps)

            yield run
