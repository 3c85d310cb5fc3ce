"""Whatever people, customers, providers and clocks do in whatever order: what must hold of items holds."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chalicelib import policy
from chalicelib.errors import AtCapacity, Conflict, Invalid, NotAllowed, StaleItem, WrongState
from chalicelib.intake.message import Address, Automatic, Message
from chalicelib.item import decide, label, links, matters, overdue, passing, sorting
from chalicelib.item import reply as answering
from chalicelib.item.arrive import (
    Arrival,
    Known,
    NewIds,
    contact_of,
    identity_of,
    may_be_offered,
    message_arrived,
    quarantined,
)
from chalicelib.item.change import Change, Link, Moved, Step
from chalicelib.item.item import Contact, Customer, CustomerId, EventType, Item, ItemId, seal
from chalicelib.item.matters import Entry, Part, Side
from chalicelib.item.offer import Agents, candidates
from chalicelib.item.outgoing import NOT_YET_SENT, Outgoing, Status
from chalicelib.item.reply import Reply, Then
from chalicelib.item.state import RESTING_STATES, State
from chalicelib.item.steps import check_version, waits
from chalicelib.policy import CHANNELS, QUARANTINE, URGENCIES
from chalicelib.routing.route import Lane, Route
from chalicelib.store import keys, rows
from tests.desk import DESK as RULES
from tests.desk import NOW, agents, arrival, chat, ids, mail, tags
from tests.invariants import violations
from tests.memory import Memory

#: Little room, so that agents are full now and then; Anna and Carl stand in for each other, Anna for Boris.
DESK = policy.parse(
    RULES.replace("mail = 60\nchat = 12", "mail = 3\nchat = 2")
    .replace("anna = { ", 'anna = { deputy = "carl", ')
    .replace("boris = { ", 'boris = { deputy = "anna", ')
    .replace("carl = { ", 'carl = { deputy = "anna", ')
    + """
[calendars.office]
timezone = "Europe/Warsaw"
monday = ["09:00-12:00", "13:00-17:00"]
thursday = ["22:00-06:00"]

[[promises]]
urgency = ["critical", "high"]
calendar = "office"
first_reply = "PT10M"
escalate_to = "people"

[[promises]]
calendar = "office"
first_reply = "PT1H"
resolution = "PT4H"

[[rules]]
name = "late"
from = "14:00"
to = "10:00"
zone = "Europe/Warsaw"
queue = "billing"
"""
)
AGENTS = ("anna", "boris", "carl")
REFUSED = (WrongState, NotAllowed, Invalid, AtCapacity)

#: Which item or reply, of those there are: few, so that much happens to each.
WHICH = st.integers(0, 3)
WHO = st.sampled_from(AGENTS)


def _is_held(item: Item) -> bool:
    return item.holder is not None


def _can_end(item: Item) -> bool:
    return item.state in {State.CLAIMED, *RESTING_STATES}


def _some(*states: State) -> Callable[["Life"], bool]:
    return lambda life: any(found.state in states for found in life.table.items())


def _offered(life: "Life") -> bool:
    return any(found.offered_to for found in life.table.items())


def _replies(*statuses: Status) -> Callable[["Life"], bool]:
    return lambda life: any(reply.status in statuses for reply in life.table.replies())


class Life(RuleBasedStateMachine):
    """Every command in any order, by any agent, on a table in memory.

    Decisions see agents as they are or, as after a race, all free: then the table refuses what does not fit.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now, self.count, self.table = NOW, 0, Memory()
        self.senders: dict[str, Contact] = {}  # whom a reply to each message goes to

    @initialize(there=st.sets(WHO, min_size=1), lives=st.lists(st.sampled_from(State), min_size=1, max_size=3))
    def begin(self, there: set[str], lives: list[State]) -> None:
        """A desk where somebody is there, and a few matters are at different points of their lives."""
        for agent in sorted(there):
            self.table.set_presence(agent, "present", self.now)
        for number, state in enumerate(lives):
            self._lived(number, state)

    def _lived(self, number: int, state: State) -> None:
        """One more matter, a mail's or a chat's, brought to a state by its own commands, as far as they are legal."""
        if state == State.QUARANTINED:
            return self.something_unreadable_arrives()
        if number % 2:
            self.visitor_chats(number, "normal", 0, raced=False)
        else:
            self.customer_mails(number, 0, "normal", raced=False, trusted=True, language="en", automatic=None)
        if state == State.QUEUED:
            return None
        self.agent_claims(-1, self.table.items()[-1].offered_to or "anna", key=False)
        if state == State.SNOOZED:
            self.item_is_put_off(-1, 24)
        if state in {State.WAITING, State.RESOLVED}:
            self.holder_replies(-1, Then.WAIT if state == State.WAITING else Then.RESOLVE)
        return None

    # Customers

    @rule(
        whose=st.integers(0, 1), about=WHICH, urgency=st.sampled_from(URGENCIES), raced=st.booleans(),
        trusted=st.sampled_from([True, True, True, False]), language=st.sampled_from(["en", "en", "pl"]),
        automatic=st.sampled_from([None, None, None, Automatic.BOUNCE]),
    )  # fmt: skip
    def customer_mails(
        self, whose: int, about: int, urgency: str, raced: bool, trusted: bool, language: str, automatic: Any
    ) -> None:
        of = self._arrival(trusted=trusted)
        sender = Address("Canary", f"canary-{whose}@example.com")
        message = mail(
            message_id=f"{self.count}@example.com", sender=sender, automatic=automatic, subject="Canary", text="Canary",
            written="Canary",
        )  # fmt: skip
        found = self._item(about)
        self._arrives(of, message, tags(urgency=urgency, topic=_topic(about), language=language), found, raced)

    @rule(whose=st.integers(0, 1), urgency=st.sampled_from(URGENCIES), topic=WHICH, raced=st.booleans())
    def visitor_chats(self, whose: int, urgency: str, topic: int, raced: bool) -> None:
        of = self._arrival(channel="chat")
        message = chat(conversation=f"c{whose}", visitor=f"v{whose}", sender=Address("Canary", ""), written="Canary")
        row = self.table.rows.get(_pair(keys.conversation_key(of.source, message.conversation)))
        found = self.table.item(row["item_id"]) if row else None
        self._arrives(of, message, tags(urgency=urgency, topic=_topic(topic)), found, raced)

    @precondition(lambda self: not any(found.queue == QUARANTINE for found in self.table.items()))
    @rule()
    def something_unreadable_arrives(self) -> None:
        self._save(quarantined(self._arrival(), "unreadable", self._ids()))

    # Agents

    @precondition(_some(State.QUEUED, State.QUARANTINED, State.WAITING, State.SNOOZED))
    @rule(about=WHICH, who=st.sampled_from([*AGENTS, "anna"]), key=st.booleans())
    def agent_claims(self, about: int, who: str, key: bool) -> None:
        self._sorted_as_at_a_hand_out(about)

        def claimed(item: Item, of: Customer, step: Step) -> Change:
            answer_key = f"key-{self.count}" if key else ""
            return decide.claim(item, of, DESK.agents[who], DESK, step, f"token-{self.count}", answer_key)

        self._act(about, claimed, who, lambda i: i.state not in {State.CLAIMED, State.RESOLVED})

    def _sorted_as_at_a_hand_out(self, about: int) -> None:
        """What is handed out from a queue is moved first where rules or model place it elsewhere by now."""
        found = self._item(about, waits)
        there = sorting.elsewhere(found, self._of(found), self.now, DESK) if found else None
        if found and there:
            offerable, step = self._offerable_in(there.queue, found, raced=False), self._step("sortownia")
            self._save(sorting.moved(found, self._of(found), step, there, offerable, DESK))

    @precondition(_some(State.CLAIMED))
    @rule(about=WHICH, raced=st.booleans())
    def holder_releases(self, about: int, raced: bool) -> None:
        def released(item: Item, of: Customer, step: Step) -> Change:
            return decide.release(item, of, step, self._offerable(item, raced), DESK)

        assert self._act(about, released, of=_is_held) or raced

    @precondition(_offered)
    @rule(about=WHICH, raced=st.booleans())
    def offer_is_declined(self, about: int, raced: bool) -> None:
        def declined(item: Item, of: Customer, step: Step) -> Change:
            return decide.decline(item, of, step, self._offerable(item, raced), DESK)

        assert self._act(about, declined, of=lambda i: i.offered_to) or raced

    @precondition(lambda self: any(_can_end(found) for found in self.table.items()))
    @rule(about=WHICH)
    def item_is_resolved(self, about: int) -> None:
        self._act(about, lambda i, of, step: decide.resolve(i, of, step, DESK), of=_can_end)

    @precondition(lambda self: any(_can_end(found) for found in self.table.items()))
    @rule(about=WHICH, hours=st.sampled_from([-1, 0, 0.2, 24, 24 * 400]))
    def item_is_put_off(self, about: int, hours: float) -> None:
        until = self.now + timedelta(hours=hours)
        self._act(about, lambda i, of, step: decide.snooze(i, of, step, until, DESK), of=_can_end)

    @rule(about=WHICH, to=st.sampled_from([*AGENTS, "sam"]))
    def item_is_given_to_an_agent(self, about: int, to: str) -> None:
        self._act(about, lambda i, of, step: passing.to_agent(i, of, step, to, f"token-{self.count}", "canary", DESK))

    @rule(about=WHICH, queue=st.sampled_from(["orders", "billing", "people", "its own"]), raced=st.booleans())
    def item_is_passed_to_a_queue(self, about: int, queue: str, raced: bool) -> None:
        def passed(item: Item, of: Customer, step: Step) -> Change:
            there = item.queue if queue == "its own" else queue
            return passing.to_queue(item, of, step, there, "", self._offerable_in(there, item, raced), DESK)

        self._act(about, passed, "sam")

    @rule(about=WHICH, topic=st.sampled_from(sorted(DESK.topics)), raced=st.booleans())
    def item_is_passed_to_a_topic(self, about: int, topic: str, raced: bool) -> None:
        def passed(item: Item, of: Customer, step: Step) -> Change:
            there = self._offerable_in(DESK.topics[topic].queue, item, raced)
            return passing.to_topic(item, of, step, topic, "", there, DESK)

        self._act(about, passed, "sam")

    @rule(about=WHICH, named=st.lists(st.sampled_from([*AGENTS, "sam"]), max_size=3))
    def note_is_written(self, about: int, named: list[str]) -> None:
        self._act(about, lambda i, of, step: label.note(i, of, step, "canary", named, DESK))

    @rule(
        about=WHICH, topic=st.sampled_from([None, *sorted(DESK.topics), "weather"]),
        urgency=st.sampled_from([None, *URGENCIES]),
    )  # fmt: skip
    def tags_are_decided(self, about: int, topic: str | None, urgency: str | None) -> None:
        self._act(about, lambda i, of, step: label.tag(i, of, step, topic, urgency, DESK))

    # Lines drawn anew

    @precondition(lambda self: any(len(self._messages(found)) > 1 for found in self.table.items()))
    @rule(about=WHICH, which=st.sets(WHICH, min_size=1), claim=st.booleans(), topic=WHICH, raced=st.booleans())
    def item_is_split(self, about: int, which: set[int], claim: bool, topic: int, raced: bool) -> None:
        found = self._item(about, lambda i: len(self._messages(i)) > 1 and self._may_hold(i, claim))
        if found is None:
            return
        part = self._part(found, which, topic)
        token = f"token-{self.count}" if claim else ""

        def divided(item: Item, of: Customer, step: Step) -> Change:
            made = matters.split_off(item, part, step)
            there = {} if token else self._offerable(made, raced)
            return matters.split(item, of, self._two(step), part, "canary", there, DESK, token)

        done = self._act(0, divided, found.holder or "sam", of=lambda i: i.id == found.id)
        assert done or claim or raced
        if done:
            assert self.table.item(found.id) == _as_before(found, self.table.item(found.id), contact=part.rest)
            self._taken_back_by_merging(part.id, found)

    def _taken_back_by_merging(self, new_id: ItemId, before: Item) -> None:
        """What was split off is merged back on another table: then all is as it was.

        Not where it came from another customer of whom it is no longer said that they are one person; and of two
        messages of one moment either may be the newest, whom replies go to.
        """
        table = self.table.copy()
        new, old = table.item(new_id), table.item(before.id)
        sides, link = self._sides(new, old), self._link(self._of(new), self._of(old))
        one_person = new.customer_id == old.customer_id or (link is not None and link.stands)
        if one_person and old.state in {State.QUEUED, State.CLAIMED} and QUARANTINE not in {old.queue, new.queue}:
            table.save(matters.merge(*sides, self._two(self._step("sam")), link, "", DESK), self.now)
            now = table.item(before.id)
            *_, last, newest = sorted(entry.at for side in sides for entry in side.entries)
            same = {"contact": now.contact} if last == newest else {}
            assert now == _as_before(before, now, **_no_less(before, now), **same)

    @precondition(lambda self: self._may_be_one())
    @rule(which=st.integers(0, 20))
    def item_is_merged(self, which: int) -> None:
        pairs = self._may_be_one()
        one, other = pairs[which % len(pairs)]
        sides, step, link = self._sides(one, other), self._step("anna"), self._link(self._of(one), self._of(other))
        if self._try(lambda: matters.merge(*sides, self._two(step), link, "canary", DESK)):
            self._taken_back(one, other)

    def _taken_back(self, one: Item, other: Item) -> None:
        """The merge is undone at once on another table: then both are as they were, and in the same hands."""
        table = self.table.copy()
        merged, joined = table.item(one.id), table.item(other.id)
        token, there = f"token-{self.count}", self._offerable(merged, raced=False)
        change = self._unmerging(merged, joined, "anna" if not one.holder else one.holder, token, there)
        table.save(change, self.now)
        now = table.item(one.id)
        if one.holder:
            now = replace(now, claim_token=one.claim_token, lease_until=one.lease_until)
        if waits(one):  # whom it is offered to is decided anew
            now = replace(now, offered_to=one.offered_to, offered_until=one.offered_until)
        if one.snoozed_until and one.snoozed_until <= self.now:  # its sleep was over meanwhile
            assert now.queue == one.queue
            assert now.state == (State.QUARANTINED if one.queue == QUARANTINE else State.QUEUED)
        else:
            assert now == _as_before(one, now)
        now = table.item(other.id)
        assert now == _as_before(other, now, **_no_less(other, now))

    @precondition(lambda self: any(found.merged_into for found in self.table.items()))
    @rule(about=WHICH, who=WHO, raced=st.booleans())
    def merge_is_taken_back(self, about: int, who: str, raced: bool) -> None:
        found = self._item(about, lambda i: i.merged_into)
        assert found
        assert found.merged_into
        other, there = self.table.item(found.merged_into), self._offerable(found, raced)
        token = f"token-{self.count}"
        if not self._try(lambda: self._unmerging(found, other, who, token, there)):
            done = self._try(lambda: self._unmerging(found, other, who, "", {}))
            assert done or other.merged_into

    @rule(about=WHICH, to=WHICH)
    def item_is_linked(self, about: int, to: int) -> None:
        other = self._item(to)
        if other is None:
            return
        before = self._item(about)
        if self._act(about, lambda i, of, step: links.link(i, of, step, other.id, "canary", DESK)):
            assert before
            table, was = self.table.copy(), before.linked_to
            now, step = table.item(before.id), self._step("anna")
            back = (
                links.link(now, self._of(now), step, was, before.linked_because, DESK)
                if was
                else links.unlink(now, self._of(now), step, "", DESK)
            )
            table.save(back, self.now)
            assert table.item(before.id) == _as_before(before, table.item(before.id))

    @precondition(lambda self: any(found.linked_to for found in self.table.items()))
    @rule(about=WHICH)
    def item_is_unlinked(self, about: int) -> None:
        assert self._act(about, lambda i, of, step: links.unlink(i, of, step, "canary", DESK), of=lambda i: i.linked_to)

    @precondition(_some(State.RESOLVED))
    @rule(about=WHICH, raced=st.booleans())
    def item_is_reopened(self, about: int, raced: bool) -> None:
        def reopened(item: Item, of: Customer, step: Step) -> Change:
            return decide.reopen(item, of, step, "canary", self._offerable(item, raced), DESK)

        assert self._act(about, reopened, of=lambda i: i.state == State.RESOLVED and not i.merged_into) or raced

    @precondition(lambda self: len(self.table.of_kind("customer")) > 1)
    @rule(one=WHICH, other=WHICH, stands=st.booleans())
    def customers_are_linked(self, one: int, other: int, stands: bool) -> None:
        ids = sorted(row["customer_id"] for row in self.table.of_kind("customer"))
        first, second = (self.table.customer(ids[n % len(ids)]) for n in (one, other))
        said = (self._link(first, second), self._link(second, first))
        steps = self._two(self._step("anna"))
        with suppress(Conflict, Invalid):
            self._save(links.same_person((first, second), said, steps, "canary", stands=stands))

    @precondition(_some(State.CLAIMED))
    @rule(about=WHICH, then=st.sampled_from(Then))
    def holder_replies(self, about: int, then: Then) -> None:
        def replied(item: Item, of: Customer, step: Step) -> Change:
            assert item.contact
            to = item.contact.address or item.contact.conversation
            token = f"token-of-{item.id}" if item.channel == "mail" else ""
            said = Reply(
                id=f"reply-{self.count}", source=item.source, to=to, name="Canary", subject="Canary", text="canary",
                raw_key=f"out/{self.count}", token=token, answer_key=f"key-{self.count}",
            )  # fmt: skip
            return answering.replied(item, of, step, said, then, DESK)

        found = self._item(about, lambda i: i.holder and i.contact)
        if found and found.holder:
            self._act(about, replied, found.holder, lambda i: i.id == found.id)

    @rule(who=WHO)
    def agent_comes(self, who: str) -> None:
        self.table.set_presence(who, "present", self.now)

    @rule(who=WHO)
    def agent_goes(self, who: str) -> None:
        self.table.set_presence(who, "away", self.now)
        self._empty_hands(who)

    @precondition(lambda self: self.table.items())
    @rule(about=WHICH, off=st.sampled_from([-1, 1]))
    def stale_version_is_refused(self, about: int, off: int) -> None:
        found = self._item(about)
        assert found
        try:
            check_version(found, found.version + off)
        except StaleItem:
            return
        raise AssertionError("a stale version was good")

    # Providers

    @precondition(_replies(Status.QUEUED))
    @rule(which=WHICH, outcome=st.sampled_from(["sent", "sent", "put back", "failed", "unknown"]), raced=st.booleans())
    def reply_is_sent(self, which: int, outcome: str, raced: bool) -> None:
        reply = self._reply(which, Status.QUEUED)
        self._save(answering.begun(reply, self._step("sortownia")))
        reply = self._reply_now(reply)
        if outcome == "put back":
            self._save(answering.put_back(reply, self._step("sortownia"), "later"))
        elif outcome == "sent":
            self._provider_took(reply)
        else:
            self._not_delivered(reply, Status(outcome), raced)

    @precondition(lambda self: self.table.replies())
    @rule(
        which=WHICH, raced=st.booleans(),
        news=st.sampled_from([
            EventType.REPLY_DELIVERED, EventType.REPLY_DELAYED, EventType.REPLY_COMPLAINED, Status.BOUNCED,
            Status.FAILED,
        ]),
    )  # fmt: skip
    def provider_tells(self, which: int, news: EventType | Status, raced: bool) -> None:
        """News of a mail prove that it left, whatever we knew: late, early, twice or against each other."""
        reply = self._reply(which, *Status)
        if not reply.provider_id:
            self._provider_took(reply)
            reply = self._reply_now(reply)
        if isinstance(news, Status):
            self._not_delivered(reply, news, raced)
        else:
            self._save(answering.reported(reply, self._of(reply), self._step("sortownia"), news, {}))

    # Clocks

    @rule(hours=st.sampled_from([0.01, 0.02, 0.3, 30, 24 * 31]), watched=st.booleans(), raced=st.booleans())
    def time_passes(self, hours: float, watched: bool, raced: bool) -> None:
        self.now += timedelta(hours=hours)
        if watched:
            self._everything_due_is_done(raced)

    def _everything_due_is_done(self, raced: bool) -> None:
        """What the minute watch does, once around: afterwards nothing that was due is as it was."""
        for found in self.table.items():
            while overdue.is_due(found, self.now):
                if not self._try(self._promise_told(found, raced)):
                    assert raced, f"a promise of {found.id} was due and nobody was told"
                    break
                found = self.table.item(found.id)
        for due in [found for found in self.table.items() if found.wake_at and found.wake_at <= self.now]:
            found = self.table.item(due.id)
            if found.wake_at is None or found.wake_at > self.now:
                continue  # given back when its agent was set away
            if waits(found) and not found.offered_to:
                self.table.put({**_row(self.table, found), **_moved_on(found, self.now)})
            elif not self._try(self._ended(found, raced)):
                assert raced, f"{found.id} was due and nothing became of it"
        for agent in AGENTS:
            if self.table.agents([agent])[agent].presence == "away":
                self._empty_hands(agent)

    def _promise_told(self, found: Item, raced: bool) -> Callable[[], Change]:
        step, of = self._step("sortownia"), self._of(found)
        queue = overdue.queue_after(found, DESK)
        there = self._offerable_in(queue, found, raced) if queue != found.queue else {}
        return lambda: overdue.come_due(found, of, step, there, DESK)

    def _ended(self, found: Item, raced: bool) -> Callable[[], Change]:
        step, of, there = self._step("sortownia"), self._of(found), self._offerable(found, raced)
        if found.holder:
            return lambda: decide.expire(found, of, step, there, DESK)
        if found.offered_to:
            return lambda: decide.lapse(found, of, step, there, DESK)
        return lambda: decide.wake(found, of, step, "its time has come", there, DESK)

    @precondition(lambda self: any(found.carrier for found in self.table.items()))
    @rule(about=WHICH)
    def timer_rings_when_it_likes(self, about: int) -> None:
        """Too early most of the time: then nothing happens."""
        if found := self._item(about, lambda i: i.carrier):
            self._try(self._ended(found, raced=False))

    # What must hold

    @invariant()
    def the_table_is_whole(self) -> None:
        assert violations(self.table.rows.values()) == []

    @invariant()
    def everyone_may_hold_what_he_has_and_has_room_for_it(self) -> None:
        for found in self.table.items():
            for who in filter(None, (found.holder, found.offered_to, found.pinned_to)):
                assert DESK.serves(who, found.queue, found.language), f"{who} has {found.id}"
        for agent in self.table.agents(AGENTS).values():
            for channel in CHANNELS:
                assert 0 <= agent.held[channel] <= DESK.agents[agent.agent_id].capacity[channel]

    @invariant()
    def quarantine_is_for_those_who_look_after_it(self) -> None:
        for found in self.table.items():
            if found.queue == QUARANTINE:
                assert not found.offered_to
                assert found.holder in {None, "anna"}
            assert (found.state == State.QUARANTINED) == (found.queue == QUARANTINE and waits(found))

    @invariant()
    def only_what_is_owned_was_held(self) -> None:
        for found in self.table.items():
            assert found.owner or not (found.holder or found.pinned_to)
            assert found.hand_offs >= len(found.been) - 1
            assert len(found.been) <= 12

    def teardown(self) -> None:
        """Nothing was a dead end: every matter can still be ended, and its customer be heard once more."""
        for event in self.table.events():
            assert event.payload_seal == seal(self.table.customer(event.customer_id), event.payload)
        self.now += timedelta(days=1)
        for found in self.table.items():
            if found.merged_into:
                assert self._end(found).id != found.id
                continue
            of, step = self._of(found), replace(self._step("anna"), at=self.now)
            if waits(found):
                change = decide.claim(found, of, DESK.agents["anna"], DESK, step, "token")
                assert change.after
                found = change.after
            if found.state != State.RESOLVED:
                change = decide.resolve(found, of, step, DESK)
                assert change.after
                found = change.after
            assert found.state == State.RESOLVED
            known = Known(customer=of, item=found)
            heard = message_arrived(self._arrival(), mail(), tags(), known, DESK, self._ids())
            assert heard.after
            assert waits(heard.after)
            assert found.id in {heard.after.id, heard.after.linked_to}

    # How

    def _item(self, number: int, of: Callable[[Item], Any] = lambda item: True) -> Item | None:
        """An item of those something can be done with, if there is one."""
        found = [item for item in self.table.items() if of(item)]
        return found[number % len(found)] if found else None

    def _messages(self, item: Item) -> tuple[Entry, ...]:
        return matters.messages_of(self.table.history(item.id))

    def _may_hold(self, item: Item, claim: bool) -> bool:
        return not item.merged_into and (item.holder is not None or not claim)

    def _part(self, item: Item, which: set[int], topic: int) -> Part:
        """Some of an item's messages, but not all; of one customer."""
        has = self._messages(item)
        chosen = {has[n % len(has)] for n in which}
        chosen -= {has[0]} if len(chosen) == len(has) else set()
        whose = sorted(chosen, key=lambda entry: entry.at)[-1].customer_id
        part = tuple(entry for entry in has if entry in chosen and entry.customer_id == whose)
        rest = tuple(entry for entry in has if entry not in part)
        self.count += 1
        new_id = ItemId(f"part-{self.count}")
        known = [row for row in self.table.of_kind("message") if row["event_id"] in {entry.id for entry in part}]
        return Part(
            id=new_id, customer=self.table.customer(whose), entries=part, subject="Canary",
            tags=item.tags, there=Route(item.queue, item.lane, "split off"), contact=self._contact(item, has, part),
            rest=self._contact(item, has, rest), topic=_topic(topic) if topic else "",
            messages=tuple(Moved(rows.message_of(row), new_id) for row in known),
        )  # fmt: skip

    def _contact(self, item: Item, had: Sequence[Entry], has: Sequence[Entry]) -> Contact | None:
        if had[-1:] == has[-1:]:
            return item.contact
        return self.senders[has[-1].id] if has else None

    def _sides(self, one: Item, other: Item) -> tuple[Side, Side]:
        first, second = (Side(item=i, customer=self._of(i), entries=self._messages(i)) for i in (one, other))
        return first, second

    def _may_be_one(self) -> list[tuple[Item, Item]]:
        """Two items of one customer, or of two who are linked: most may be merged, some only when they are open."""
        stand = {(row["customer_id"], row["other"]) for row in self.table.of_kind("link") if row["stands"]}
        return [
            (one, other)
            for one, other in permutations(self.table.items(), 2)
            if one.customer_id == other.customer_id or (one.customer_id, other.customer_id) in stand
        ]

    def _unmerging(self, item: Item, other: Item, who: str, token: str, there: Agents) -> Change:
        had = matters.messages_before_merge(self.table.history(item.id))
        has = self._messages(other)
        back = tuple(entry for entry in has if entry in had)
        left = tuple(entry for entry in has if entry not in back)
        contacts = (self._contact(item, had, back), self._contact(other, has, left))
        held = item.merged and item.merged.state == State.CLAIMED and item.pinned_to == who
        side = Side(item=item, customer=self._of(item), entries=back)
        target = Side(item=other, customer=self._of(other), entries=has)
        steps = self._two(self._step(who))
        return matters.unmerge(side, target, steps, contacts, "canary", there, DESK, token if held else "")

    def _two(self, step: Step) -> tuple[Step, Step]:
        return step, replace(step, event_id=f"{step.event_id}-too")

    def _link(self, customer: Customer, other: Customer) -> Link | None:
        row = self.table.rows.get(_pair(keys.link_key(customer.id, other.id)))
        return rows.link_of(row) if row else None

    def _reply(self, number: int, *statuses: Status) -> Outgoing:
        found = [reply for reply in self.table.replies() if reply.status in statuses]
        return found[number % len(found)]

    def _reply_now(self, reply: Outgoing) -> Outgoing:
        return next(now for now in self.table.replies() if now.id == reply.id)

    def _of(self, what: Item | Outgoing) -> Customer:
        return self.table.customer(what.customer_id)

    def _act(
        self,
        about: int,
        act: Callable[[Item, Customer, Step], Change],
        actor: str = "anna",
        of: Callable[[Item], Any] = lambda item: True,
    ) -> bool:
        """Whether something was done; True where there was nothing to do it with."""
        found, step = self._item(about, of), self._step(actor)
        return found is None or self._try(lambda: act(found, self._of(found), step))

    def _arrives(self, of: Arrival, message: Message, said: Any, found: Item | None, raced: bool) -> None:
        proved = identity_of(of, message)
        assert proved
        named, found = found, found and self._end(found)
        row = self.table.rows.get(_pair(keys.identity_key(*proved)))
        known = Known(customer=self.table.customer(row["customer_id"]) if row else None, item=found, named=named)
        if message.channel == "chat":
            known = replace(known, conversation_item=named.id if named else None)
        elif found and len(self.table.items()) > 3:
            known = replace(known, customer=self._of(named or found))  # no more new items: more about the old
        new = self._ids()
        asked = may_be_offered(of, message, said, known, DESK, new)
        known = replace(known, agents=self._seen(asked, raced))
        assert self._try(lambda: message_arrived(of, message, said, known, DESK, new)) or raced
        self.senders[new.event] = contact_of(of, message)

    def _end(self, item: Item) -> Item:
        """The item in which one goes on."""
        while item.merged_into:
            item = self.table.item(item.merged_into)
        return item

    def _provider_took(self, reply: Outgoing) -> None:
        step, provider_id = self._step("sortownia"), f"ses-{self.count}"
        message_id = f"{provider_id}@example.com" if reply.channel == "mail" else ""
        self._save(answering.sent(reply, self._of(reply), step, provider_id, message_id))

    def _not_delivered(self, reply: Outgoing, status: Status, raced: bool) -> None:
        found, step = self._end(self.table.item(reply.item_id)), self._step("sortownia")

        def not_delivered(there: Agents) -> Callable[[], Change]:
            return lambda: answering.not_delivered(reply, found, self._of(found), step, status, "why", there, DESK)

        if not self._try(not_delivered(self._offerable(found, raced))):
            assert self._try(not_delivered({}))  # as after losing a race: nobody is asked, and it is told all the same

    def _empty_hands(self, agent: str) -> None:
        """What is done when an agent is set away."""
        for found in self.table.items():
            if found.carrier == agent:
                assert self._try(self._let_go(found))

    def _let_go(self, found: Item) -> Callable[[], Change]:
        let_go = decide.release if found.holder else decide.decline
        step, there = self._step("sortownia"), self._offerable(found, raced=False)
        return lambda: let_go(found, self._of(found), step, there, DESK)

    def _offerable(self, item: Item, raced: bool) -> Agents:
        return self._seen(candidates(item, DESK), raced)

    def _offerable_in(self, queue: str, item: Item, raced: bool) -> Agents:
        return self._offerable(replace(item, queue=queue, pinned_to=None, asked=()), raced)

    def _seen(self, asked: Sequence[str], raced: bool) -> Agents:
        return agents(**dict.fromkeys(asked, 0)) if raced else self.table.agents(asked)

    def _step(self, actor: str) -> Step:
        self.count += 1
        return Step(actor, "test", self.now, f"step-{self.count}")

    def _arrival(self, **changed: Any) -> Arrival:
        self.count += 1
        return arrival(f"delivery-{self.count}", received_at=self.now, **changed)

    def _ids(self) -> NewIds:
        self.count += 1
        return replace(ids(self.count), customer=CustomerId(f"cu{self.count}"))

    def _try(self, decided: Callable[[], Change]) -> bool:
        """Whether a step was legal and the agents it counts for had room."""
        try:
            change = decided()
            self._save(change)
        except REFUSED:
            return False
        return True

    def _save(self, change: Change) -> None:
        before = {found.id: found for found in self.table.items()}
        there = {name for name, agent in self.table.agents(AGENTS).items() if agent.presence == "present"}
        self.table.save(change, self.now)
        for part in change.parts:
            self._check_part(part, before, there)
        if change.reply:
            _check_way(change.reply_before, change.reply)
        for load in change.loads:
            if load.silent_since:
                self._empty_hands(load.agent_id)

    def _check_part(self, change: Change, before: Mapping[str, Item], there: set[str]) -> None:
        for event in change.events:  # what a customer or an agent said stands in the payload alone
            assert "canary" not in repr(replace(event, payload=None)).lower()
        if after := change.after:
            _check_step(before.get(after.id), after, change.events[0].type)
            self._check_hands(before.get(after.id), after, change, there)

    def _check_hands(self, before: Item | None, after: Item, change: Change, there: set[str]) -> None:
        """Who gets an item is there, its first word is kept, and nothing ends before its time."""
        told = change.events[0].type
        if after.offered_to and not (before and before.offered_to == after.offered_to):
            assert after.offered_to in there
            assert after.offered_to not in after.asked
        if before is None:
            return
        silent = {before.offered_to} if told == EventType.OFFER_LAPSED and before.channel == "chat" else set()
        assert {load.agent_id for load in change.loads if load.silent_since} == silent
        if told == EventType.ITEM_REASSIGNED and after.holder:
            assert after.holder in there
        if told == EventType.ITEM_CLAIMED and before.offered_to not in {None, after.holder}:
            assert before.offered_until
            assert before.offered_until <= self.now
        ends = {EventType.LEASE_EXPIRED: before.lease_until, EventType.OFFER_LAPSED: before.offered_until}.get(told)
        assert ends is None or ends <= self.now


#: Steps after which an item comes back to whom it came back to before.
_PIN_STAYS = {
    EventType.MESSAGE_RECEIVED, EventType.ITEM_WOKEN, EventType.NOTE_ADDED, EventType.TAGS_DECIDED,
    EventType.ITEM_REOPENED, EventType.ITEM_SPLIT, EventType.ITEM_JOINED, EventType.ITEM_PARTED, EventType.ITEM_LINKED,
    EventType.ITEM_UNLINKED,
}  # fmt: skip


def _as_before(before: Item, now: Item, **besides: Any) -> Item:
    """The item as it was before something was done and undone, but for its version, its ring and when it changed."""
    same = ("version", "ring", "chain", "changed_at", "wake_at")
    return replace(before, **{name: getattr(now, name) for name in same} | besides)


def _no_less(before: Item, now: Item) -> dict[str, Any]:
    """What stays with an item once another went on in it: it is no less urgent, and promised no later."""
    assert now.lane in {before.lane, Lane.URGENT}
    for name, clock in (before.promises.clocks if before.promises else {}).items():
        assert now.promises
        assert now.promises.clocks[name].due_at <= clock.due_at
    assert before.contacts is None or (now.contacts and now.contacts.times >= before.contacts.times)
    return {"lane": now.lane, "promises": now.promises, "contacts": now.contacts}


def _stood(before: Item, after: Item) -> dict[str, Any]:
    """What may be otherwise on an item that was merged, once it goes on by itself again."""
    assert before.merged
    names = ("state", "contact", "merged", "holder", "claim_token", "lease_until", "offered_to", "offered_until",
             "waiting_since", "snoozed_until", "pinned_to", "asked", "promises")  # fmt: skip
    return {name: getattr(after, name) for name in names}


#: Steps by which an item leaves the hands it was in for good.
_LET_GO = {
    EventType.ITEM_RELEASED, EventType.LEASE_EXPIRED, EventType.OFFER_DECLINED, EventType.OFFER_LAPSED,
    EventType.ITEM_REASSIGNED,
}  # fmt: skip


#: Steps by which an item enters its queue anew, which rules may have changed by then.
_COMES_BACK = {EventType.MESSAGE_RECEIVED, EventType.ITEM_WOKEN, EventType.ITEM_REOPENED}


def _check_pin(before: Item, after: Item, told: EventType) -> None:
    """Whom an item comes back to, and who is passed over."""
    if after.holder or (told == EventType.ITEM_REASSIGNED and after.pinned_to == before.pinned_to):
        assert after.pinned_to is None
    if told in {EventType.ITEM_SNOOZED, EventType.ITEM_RESOLVED, EventType.ITEM_MERGED}:
        assert after.pinned_to == (before.holder or before.pinned_to)
    if told in _PIN_STAYS:
        elsewhere = told in _COMES_BACK and after.queue != before.queue
        lost = elsewhere and not DESK.serves(before.pinned_to or "", after.queue, after.language)
        assert after.pinned_to == (None if lost else before.pinned_to)
    if told in _LET_GO and waits(after) and before.carrier:
        assert before.carrier in after.asked
    if told in {EventType.OFFER_DECLINED, EventType.OFFER_LAPSED}:
        assert set(before.asked) < set(after.asked)
    if told in {EventType.ITEM_CLAIMED, EventType.ITEM_REASSIGNED}:
        assert after.claim_token is None or after.claim_token != before.claim_token


def _check_step(before: Item | None, after: Item, told: EventType) -> None:
    """What is true of every step of an item by itself."""
    assert after.version == (before.version if before else 0) + 1
    if before is None:
        assert after.ring == 1
        return
    if told == EventType.ITEM_UNMERGED:
        assert after == _as_before(before, after, **_stood(before, after))
        return
    moved = told in {EventType.OFFER_DECLINED, EventType.OFFER_LAPSED, EventType.ITEM_REASSIGNED}
    entered = waits(after) and (moved or not waits(before) or (after.queue, after.lane) != (before.queue, before.lane))
    assert after.ring == before.ring + entered  # raised only when it enters a queue or lane
    if before.lane == Lane.URGENT and after.lane != Lane.URGENT:
        assert told == EventType.TAGS_DECIDED or before.state == State.RESOLVED
    assert after.owner == before.owner or before.owner is None
    assert (after.id, after.customer_id, after.created_at) == (before.id, before.customer_id, before.created_at)
    if after.queue != before.queue and told not in {EventType.ITEM_REASSIGNED, EventType.PROMISE_BREACHED}:
        assert told in _COMES_BACK | {EventType.ITEM_SORTED}
        assert before.sorting
        assert not before.sorting.fixed, "it was moved from where people or a broken promise had put it"
        assert not before.decided
    if before.state in {*RESTING_STATES, State.RESOLVED} and waits(after):
        assert after.waiting_since == after.changed_at
    assert after.waiting_since == before.waiting_since or (waits(after) and not waits(before))
    assert after.hand_offs == before.hand_offs + (told == EventType.ITEM_REASSIGNED)
    assert (after.decided != before.decided) <= (told in {EventType.TAGS_DECIDED, EventType.ITEM_REASSIGNED})
    if after.state in RESTING_STATES and before.state == State.CLAIMED:
        assert after.pinned_to == before.holder
    _check_pin(before, after, told)


def _check_way(before: Outgoing | None, after: Outgoing) -> None:
    """What is true of every step of a reply by itself."""
    if before is None:
        assert (after.status, after.revision) == (Status.QUEUED, 1)
        return
    assert after.revision == before.revision + 1
    assert before.status in NOT_YET_SENT or after.status not in NOT_YET_SENT  # what has left is never sent again
    assert not before.provider_id or after.provider_id == before.provider_id
    frozen = ("id", "item_id", "customer_id", "channel", "source", "to", "raw_key", "actor", "event_id", "queued_at")
    assert all(getattr(before, name) == getattr(after, name) for name in frozen)


def _topic(number: int) -> str:
    return ("order", "billing", "other")[number % 3]


def _pair(key: keys.Key) -> tuple[str, str]:
    return key["pk"], key["sk"]


def _row(table: Memory, item: Item) -> dict[str, Any]:
    return table.rows[_pair(keys.item_key(item.id))]


def _moved_on(item: Item, now: Any) -> dict[str, Any]:
    later = decide.re_rung(item, now)
    assert replace(later, wake_at=item.wake_at) == item
    assert later.wake_at
    return {"wake_at": keys.moment(later.wake_at), **rows.wake_attributes(later)}


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
