"""What was promised: written with the item, told once each by the minute watch, never put off."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default as mail_rules
from typing import Any

import pytest
from moto import mock_aws

from chalicelib import policy
from chalicelib.flows import claim, look
from chalicelib.flows.claim import claim_named, next_in_queue
from chalicelib.flows.watch import watch, woken
from chalicelib.flows.work import finish, heartbeat, note, reassign, reopen, snooze, tag
from chalicelib.item.item import Event, EventType, Item, Promised
from chalicelib.item.passing import Destination
from chalicelib.item.reply import Then
from chalicelib.item.state import State
from chalicelib.metrics import PROMISE_BREACHED, PROMISE_KEPT, PROMISE_WARNED
from chalicelib.routing.clock import Course
from chalicelib.store import rows
from tests.cloud import Cloud, TestWorld
from tests.desk import ACKNOWLEDGE, ANNA, DESK, SAM, WordModel
from tests.unit.flows.scenes import answer, claimed, deliver, heard, items, kinds

pytestmark = pytest.mark.usefixtures("sound")

#: Office hours in Warsaw, which is an hour ahead of UTC in early March: 8:00 to 11:00 and 12:00 to 16:00 UTC.
PROMISES = """
[calendars.office]
timezone = "Europe/Warsaw"
monday = ["09:00-12:00", "13:00-17:00"]
tuesday = ["09:00-12:00", "13:00-17:00"]

[[promises]]
name = "bills"
queue = "billing"
calendar = "office"
first_reply = "PT1H"

[[promises]]
name = "mail"
channel = "mail"
calendar = "office"
first_reply = "PT4H"
resolution = "PT8H"
escalate_to = "people"
"""
MINUTE = timedelta(minutes=1)


def at(text: str) -> datetime:
    """A time (UTC) of the second of March 2026, a Monday, or of the day named."""
    day, _, clock = text.rpartition(" ")
    return datetime.fromisoformat(f"2026-03-{int(day or 2):02d}T{clock}+00:00")


@pytest.fixture
def moto_cloud() -> Iterator[Cloud]:
    with mock_aws():
        yield Cloud(desk=policy.parse(DESK + PROMISES))


@pytest.fixture
def world(moto_cloud: Cloud) -> TestWorld:
    claim._turns.clear()
    deployed = moto_cloud.deploy()
    vars(deployed)["model"] = WordModel()
    return deployed


@pytest.fixture
def item(world: TestWorld, moto_cloud: Cloud) -> Item:
    """A mail that came at 9:00 UTC: to be answered by 14:00, after the lunch at 11:00."""
    deliver(world, 1)
    return items(moto_cloud)[0]


def promised(item: Item) -> Promised:
    assert item.promises
    return item.promises


def course(item: Item) -> dict[str, Course]:
    return {name: clock.course for name, clock in promised(item).clocks.items()}


def due(item: Item) -> dict[str, datetime]:
    """Due times to the nearest minute: the clock of a test moves on with every look."""
    half = timedelta(seconds=30)
    return {n: (clock.due_at + half).replace(second=0, microsecond=0) for n, clock in promised(item).clocks.items()}


def told(world: TestWorld, item: Item) -> list[Event]:
    """The events that tell of a promise that warned or was broken, oldest first."""
    kinds = {EventType.PROMISE_WARNED, EventType.PROMISE_BREACHED}
    return [event for event in world.table.history(item.id) if event.type in kinds]


def watched(world: TestWorld, around: datetime) -> None:
    """The minute watch runs every minute, as EventBridge runs it, around a time."""
    assert world.clock
    world.clock.time, until = around - 2.5 * MINUTE, around + 2.5 * MINUTE
    while world.clock.time < until:
        world.clock.forward(minutes=1)
        watch(world)


def go_to(world: TestWorld, moment: datetime) -> None:
    assert world.clock
    world.clock.time = moment


def counted(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    names = (PROMISE_WARNED, PROMISE_BREACHED, PROMISE_KEPT)
    return [(name, line["Promise"]) for line in lines for name in names if name in line]


def test_what_is_promised_stands_on_the_item_from_its_first_write(world: TestWorld, item: Item) -> None:
    assert due(item) == {"first_reply": at("14:00"), "resolution": at("3 10:00")}
    assert promised(item).name == "mail"
    first = world.table.history(item.id)[0]
    assert first.facts["promised"]["first_reply"]["due_at"] == promised(item).clocks["first_reply"].due_at.isoformat()
    assert first.facts["promised"]["calendar_version"] == promised(item).version


def test_the_watch_warns_and_tells_of_a_broken_promise_once_each_within_a_minute(
    world: TestWorld, moto_cloud: Cloud, item: Item, capsys: pytest.CaptureFixture[str]
) -> None:
    heard(moto_cloud, world, "orders")
    first = promised(item).clocks["first_reply"]
    watched(world, first.warn_at)
    watched(world, first.due_at)
    watched(world, at("14:30"))
    warned, broken = told(world, item)
    assert [e.type for e in (warned, broken)] == [EventType.PROMISE_WARNED, EventType.PROMISE_BREACHED]
    assert timedelta(0) <= warned.at - first.warn_at <= MINUTE
    assert timedelta(0) <= broken.at - first.due_at <= MINUTE
    assert (warned.facts["promise"], broken.facts["promise"]) == ("first_reply", "first_reply")
    now = world.table.item(item.id)
    assert (now.queue, now.lane, now.ring) == ("people", "urgent", item.ring + 1)
    assert course(now) == {"first_reply": Course.BREACHED, "resolution": Course.RUNNING}
    assert counted(capsys) == [("PromiseWarned", "first_reply"), ("PromiseBreached", "first_reply")]


def test_wake_ups_that_come_again_tell_nothing_twice(world: TestWorld, moto_cloud: Cloud, item: Item) -> None:
    go_to(world, at("14:01"))
    assert [woken(item.id, world) for _ in range(4)] == ["promise told", "not yet", "not yet", "not yet"]
    before = kinds(moto_cloud)
    watch(world)
    assert kinds(moto_cloud) == before
    assert [event.type for event in told(world, item)] == [EventType.PROMISE_BREACHED]


def test_two_watches_at_once_tell_once(world: TestWorld, item: Item) -> None:
    """The second read the item before the first had written: it decides anew and finds nothing to tell."""
    go_to(world, at("14:01"))
    old = world.table.item(item.id)
    table = world.table

    class Late:
        """A table whose first reader sees the item as it was a moment ago."""

        reads = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(table, name)

        def item(self, item_id: str) -> Item:
            self.reads += 1
            return old if self.reads == 1 else table.item(item_id)

    woken(item.id, world)
    late = replace(world)
    vars(late).update(vars(world) | {"table": Late()})
    assert woken(item.id, late) == "not yet"
    assert len(told(world, item)) == 1


def test_no_promise_is_told_of_outside_the_hours_it_was_counted_in(world: TestWorld, moto_cloud: Cloud) -> None:
    go_to(world, at("15:30"))  # half an hour before the end of the day
    deliver(world, 1)
    item = items(moto_cloud)[0]
    assert due(item)["first_reply"] == at("3 12:30")
    watched(world, at("16:00"))
    assert told(world, item) == []
    watched(world, at("3 08:00"))
    assert told(world, item) == []


def test_a_reply_keeps_the_first_promise_and_stops_the_clock_of_the_second(
    world: TestWorld, item: Item, capsys: pytest.CaptureFixture[str]
) -> None:
    go_to(world, at("10:00"))
    _, waiting = answer(world, claimed(world))
    assert course(waiting) == {"first_reply": Course.KEPT, "resolution": Course.PAUSED}
    assert ("PromiseKept", "first_reply") in counted(capsys)
    go_to(world, at("3 15:00"))
    watch(world)
    assert told(world, waiting) == []
    go_to(world, at("3 15:30"))
    deliver(world, 2, sender="c1@customer.example.com", In_Reply_To="<m1@customer.example.com>")
    back = world.table.item(item.id)
    assert back.state == State.QUEUED
    assert course(back) == {"first_reply": Course.KEPT, "resolution": Course.RUNNING}
    # An hour of eight was used up on the first day; of the seven left, half an hour is of Tuesday.
    assert due(back)["resolution"] == at("9 15:30")
    assert due(back)["first_reply"] == due(item)["first_reply"]


def test_a_late_reply_breaks_the_promise_by_itself(
    world: TestWorld, item: Item, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody has looked in the minute between: it is broken all the same, and told once."""
    held = claimed(world)
    go_to(world, promised(item).clocks["first_reply"].due_at + timedelta(seconds=20))
    _, waiting = answer(world, held)
    assert course(waiting)["first_reply"] == Course.BREACHED
    assert world.table.history(item.id)[-1].facts["promised"]["first_reply"]["course"] == "breached"
    assert counted(capsys) == [("PromiseBreached", "first_reply")]
    go_to(world, at("14:05"))
    watch(world)
    assert told(world, item) == []


def test_who_holds_the_item_keeps_it_though_its_promise_is_broken(world: TestWorld, item: Item) -> None:
    go_to(world, at("13:50"))
    held = claimed(world)
    watched(world, at("14:00"))
    now = world.table.item(item.id)
    assert (now.holder, now.state, now.queue, now.lane) == ("anna", State.CLAIMED, "orders", "urgent")
    assert now.lease_until == held.lease_until
    assert len(told(world, item)) == 2


def test_what_a_broken_promise_escalated_stays_where_it_was_escalated_to(world: TestWorld, item: Item) -> None:
    """Its topic would bring it back to the first queue each time it is handed out or comes back."""
    watched(world, at("14:00"))
    held = next_in_queue("people", ANNA, "", world)
    assert held
    assert (held.id, held.queue) == (item.id, "people")
    done = finish(held.id, held.version, ANNA, world)
    again = reopen(held.id, done.version, "not yet", SAM, world)
    assert again.queue == "people"


def test_a_heartbeat_delays_no_promise(world: TestWorld, item: Item) -> None:
    go_to(world, at("13:55"))
    held = claimed(world)
    assert held.claim_token
    watch(world)
    assert len(told(world, item)) == 1  # the warning
    heartbeat(item.id, held.claim_token, ANNA, world)
    assert world.clock
    while world.clock.time < at("14:01"):
        world.clock.forward(seconds=30)
        heartbeat(item.id, held.claim_token, ANNA, world)
    watch(world)
    broken = told(world, item)[-1]
    assert broken.type == EventType.PROMISE_BREACHED
    assert broken.facts["late_seconds"] <= 60


def test_resolving_ends_the_clocks_and_reopening_lets_them_run_on_with_what_was_left(
    world: TestWorld, item: Item
) -> None:
    go_to(world, at("10:30"))
    held = claimed(world)
    done = finish(item.id, held.version, ANNA, world)
    assert course(done) == {"first_reply": Course.PAUSED, "resolution": Course.KEPT}
    assert done.promise_at is None
    go_to(world, at("3 08:00"))
    again = reopen(item.id, done.version, "not yet", SAM, world)
    assert course(again) == {"first_reply": Course.RUNNING, "resolution": Course.RUNNING}
    assert due(again) == {"first_reply": at("3 10:30"), "resolution": at("3 15:30")}


def test_a_customer_who_writes_after_the_end_is_promised_anew(world: TestWorld, item: Item) -> None:
    held = claimed(world)
    finish(item.id, answer(world, held, then=Then.KEEP)[1].version, ANNA, world)
    go_to(world, at("11:30"))
    deliver(world, 2, sender="c1@customer.example.com", In_Reply_To="<m1@customer.example.com>")
    again = world.table.item(item.id)
    assert due(again)["first_reply"] == at("16:00")
    assert course(again) == {"first_reply": Course.RUNNING, "resolution": Course.RUNNING}


def test_who_lets_an_item_rest_for_himself_stops_no_clock(world: TestWorld, item: Item) -> None:
    go_to(world, at("13:55"))
    held = claimed(world)
    resting = snooze(item.id, held.version, at("4 08:00"), ANNA, world)
    assert course(resting)["first_reply"] == Course.RUNNING
    watched(world, at("14:00"))
    now = world.table.item(item.id)
    assert now.state == State.SNOOZED
    assert course(now)["first_reply"] == Course.BREACHED
    assert (now.wake_at, now.lane) == (at("4 08:00"), "urgent")


def test_another_queue_may_promise_sooner_but_never_later(world: TestWorld, item: Item) -> None:
    go_to(world, at("09:30"))
    billed = reassign(item.id, claimed(world).version, Destination("queue", "billing"), "", ANNA, world)
    assert due(billed) == {"first_reply": at("10:30"), "resolution": at("3 10:00")}
    assert promised(billed).name == "bills"
    held = claim_named(item.id, ANNA, "", world)
    back = reassign(item.id, held.version, Destination("queue", "orders"), "", ANNA, world)
    assert due(back) == due(billed)


def of_desk(world: TestWorld, desk: policy.Policy) -> TestWorld:
    """The same world once another desk is deployed."""
    changed = replace(world, policy=desk)
    vars(changed).update({name: value for name, value in vars(world).items() if name not in vars(changed)})
    return changed


def test_a_change_of_the_calendar_changes_no_due_time(world: TestWorld, item: Item) -> None:
    longer = policy.parse(DESK + PROMISES.replace('"09:00-12:00", "13:00-17:00"', '"00:00-24:00"'))
    held = claimed(world)
    after = note(item.id, held.version, "hello", (), ANNA, of_desk(world, longer))
    assert promised(after) == promised(item)


def test_what_is_done_before_its_time_is_kept_though_the_desk_closes_until_then(world: TestWorld, item: Item) -> None:
    closed = of_desk(world, policy.parse(DESK + PROMISES.replace('tuesday = ["09:00-12:00", "13:00-17:00"]', "")))
    held = claimed(world)
    go_to(world, at("13:00"))
    waiting = answer(world, held)[1]
    go_to(world, at("20:00"))
    again = claim_named(item.id, ANNA, "", world)
    waiting = answer(closed, again)[1]
    assert due(waiting)["resolution"] > at("20:00")
    assert course(finish(item.id, waiting.version, ANNA, closed)) == {"first_reply": "kept", "resolution": "kept"}


def test_decided_urgency_and_notes_leave_what_was_promised(world: TestWorld, item: Item) -> None:
    held = claimed(world)
    decided = tag(item.id, held.version, None, "critical", ANNA, world)
    assert promised(decided) == promised(item)


def test_a_mail_set_aside_is_promised_nothing_until_somebody_calls_it_work(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1, spam="FAIL")
    aside = items(moto_cloud)[0]
    assert aside.promises is None
    held = claim_named(aside.id, ANNA, "", world)
    assert held.promises is None
    moved = reassign(aside.id, held.version, Destination("queue", "orders"), "", ANNA, world)
    assert due(moved)["first_reply"] == at("14:00")


def test_the_acknowledgement_names_the_time_the_item_carries(world: TestWorld, moto_cloud: Cloud) -> None:
    letter = ACKNOWLEDGE.replace('"We have your message."', '"We have your message.\\n\\n{promise}"')
    letter += '\n[acknowledge.promised]\nen = "One of us will answer by {until}."\n'
    vars(world)["policy"] = policy.parse(DESK + PROMISES + letter)
    deliver(world, 1)
    (row,) = [rows.from_wire(row) for row in moto_cloud.rows() if row["kind"]["S"] == "outbox"]
    said = message_from_bytes(world.raw.read(row["raw_key"]), policy=mail_rules)
    assert said["Auto-Submitted"] == "auto-replied"
    assert said.get_content().replace("\r\n", "\n").split("\n\n") == [
        "We have your message.",
        "One of us will answer by Monday, 2 March 2026, 15:01 (UTC+1).\n",
    ]
    assert due(items(moto_cloud)[0])["first_reply"] == at("14:00")
    assert course(items(moto_cloud)[0])["first_reply"] == Course.RUNNING


def test_the_board_counts_what_is_due_soon_and_what_is_broken(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    go_to(world, at("12:00"))
    deliver(world, 2, sender="other@customer.example.com")
    go_to(world, at("13:30"))
    watch(world)

    def board() -> dict[str, tuple[int, int]]:
        return {q.name: (q.due_soon, q.breached) for q in look.board(SAM, world) if q.due_soon or q.breached}

    assert board() == {"orders": (1, 0)}
    claim_named(items(moto_cloud)[0].id, ANNA, "", world)
    go_to(world, at("14:01"))
    watch(world)
    assert board() == {"orders": (0, 1)}


def test_an_item_is_shown_with_its_promises(world: TestWorld, item: Item) -> None:
    from chalicelib.api.answers import ItemOut

    shown = ItemOut.of(item, "anna").promises
    assert shown
    assert shown.first_reply
    assert (shown.name, shown.calendar, shown.first_reply.course) == ("mail", "office", Course.RUNNING)
    assert shown.first_reply.due_at == promised(item).clocks["first_reply"].due_at
    assert shown.first_reply.due_at.tzinfo == UTC


def test_a_desk_without_promises_writes_none(world: TestWorld, moto_cloud: Cloud) -> None:
    plain = replace(world, policy=policy.parse(DESK))
    vars(plain).update({name: value for name, value in vars(world).items() if name not in vars(plain)})
    deliver(plain, 1)
    assert items(moto_cloud)[0].promises is None
