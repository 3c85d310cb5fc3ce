"""Whatever people, customers and clocks do in whatever order: what must hold holds, and rows say what they said."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chalicelib.errors import NotAllowed, StaleItem, WrongState
from chalicelib.intake.message import Automatic
from chalicelib.item.arrive import Arrival, Known, NewIds, message_arrived, quarantined
from chalicelib.item.change import Change, Step
from chalicelib.item.decide import check_version, claim, expire, release, resolve, waits
from chalicelib.item.item import Customer, CustomerId, Event, EventType, Item, seal
from chalicelib.item.state import State
from chalicelib.policy import URGENCIES
from chalicelib.routing.route import Lane
from chalicelib.store import keys, rows
from tests.desk import NOW, arrival, customer, ids, item, mail, small_desk, tags

DESK = small_desk()
AGENTS = list(DESK.agents.values())[:3]

# A life of items

#: Which item, of those there are: few, so that much happens to each.
WHICH = st.integers(0, 3)


def _somebody_holds(life: "Life") -> bool:
    return any(found.holder for found in life.items.values())


class Life(RuleBasedStateMachine):
    """Every command in any order on a table of rows; what `Table` writes on condition is asserted here."""

    @initialize()
    def begin(self) -> None:
        self.now = NOW
        self.count = 0
        self.items: dict[str, Item] = {}
        self.customers: dict[str, Customer] = {}
        self.events: dict[tuple[str, int], Event] = {}
        self.load: Counter[tuple[str, str]] = Counter()

    # Commands

    @rule(
        whose=st.integers(0, 1), about=WHICH, urgency=st.sampled_from(URGENCIES),
        trusted=st.sampled_from([True, True, True, False]), channel=st.sampled_from(["mail", "chat"]),
        automatic=st.sampled_from([None, None, None, Automatic.BOUNCE]),
    )  # fmt: skip
    def customer_writes(
        self, whose: int, about: int, urgency: str, trusted: bool, automatic: Automatic | None, channel: str
    ) -> None:
        known = Known(customer=self.customers.get(f"cu{whose}"), item=self._item(about))
        of = self._arrival(trusted=trusted, channel=channel)
        new = self._new_ids(f"cu{whose}")
        if known.item and len(self.items) > 3:
            known = replace(known, customer=self._of(known.item))  # no more new items: more about the old
        said = tags(urgency=urgency, topic=("order", "billing", "other")[about % 3])
        message = mail(message_id="", automatic=automatic)
        self._save(message_arrived(of, message, said, known, DESK, new))

    @precondition(lambda self: not any(i.queue == "quarantine" for i in self.items.values()))
    @rule()
    def something_unreadable_arrives(self) -> None:
        self._save(quarantined(self._arrival(), "unreadable", self._new_ids(f"cu-{self.count}")))

    @precondition(lambda self: any(waits(found) for found in self.items.values()))
    @rule(about=WHICH, who=st.sampled_from([*AGENTS, AGENTS[0]]))
    def agent_claims(self, about: int, who: Any) -> None:
        if found := self._item(about):
            self._try(lambda: claim(found, self._of(found), who, DESK, self._step(who.id), f"token-{self.count}"))

    @precondition(_somebody_holds)
    @rule(about=WHICH)
    def holder_releases(self, about: int) -> None:
        self._act(about, release)

    @precondition(_somebody_holds)
    @rule(about=WHICH)
    def holder_resolves(self, about: int) -> None:
        self._act(about, resolve)

    @precondition(_somebody_holds)
    @rule(about=WHICH)
    def clock_ends_a_lease(self, about: int) -> None:
        self._act(about, expire)

    @rule(hours=st.sampled_from([0.01, 0.3, 30, 24 * 31]))
    def time_passes(self, hours: float) -> None:
        self.now += timedelta(hours=hours)

    @precondition(lambda self: self.items)
    @rule(about=WHICH, off=st.sampled_from([-1, 1]))
    def stale_version_is_refused(self, about: int, off: int) -> None:
        found = self._item(about)
        assert found
        try:
            check_version(found, found.version + off)
        except StaleItem:
            return
        raise AssertionError("a stale version was good")

    # What must hold

    @invariant()
    def one_holder_if_and_only_if_claimed(self) -> None:
        for found in self.items.values():
            claimed = found.state == State.CLAIMED
            held = (found.holder, found.claim_token, found.lease_until)
            assert all(held) == any(held) == claimed
            assert waits(found) + claimed + (found.state == State.RESOLVED) == 1

    @invariant()
    def load_equals_what_is_held(self) -> None:
        held = Counter((str(i.holder), i.channel) for i in self.items.values() if i.holder)
        assert +self.load == held
        assert min(self.load.values(), default=0) >= 0

    @invariant()
    def index_keys_say_the_state(self) -> None:
        for found in self.items.values():
            row = rows.item_row(found)
            assert ("waiting_pk" in row) == ("waiting_sk" in row) == waits(found)
            assert ("holding_pk" in row) == (found.holder is not None)
            assert ("wake_pk" in row) == (found.state != State.RESOLVED)
            assert row["state_pk"] == keys.state_pk(found.state)
            assert row.get("waiting_pk", keys.waiting_pk(found.queue)) == keys.waiting_pk(found.queue)
            assert (found.queue == "quarantine") or found.state != State.QUARANTINED

    @invariant()
    def timelines_have_no_gap(self) -> None:
        for whose, known in self.customers.items():
            assert [seq for c, seq in sorted(self.events) if c == whose] == list(range(1, known.seq + 1))

    @invariant()
    def every_version_has_one_event_and_the_chain_holds(self) -> None:
        by_item: dict[str, list[Event]] = {}
        for event in sorted(self.events.values(), key=lambda e: e.seq):
            if event.item_id:
                by_item.setdefault(event.item_id, []).append(event)
        for item_id, history in by_item.items():
            assert [event.version for event in history] == list(range(1, self.items[item_id].version + 1))
            assert [event.previous for event in history] == ["", *(event.hash for event in history[:-1])]
            assert self.items[item_id].chain == history[-1].hash
            assert {event.customer_id for event in history} == {self.items[item_id].customer_id}
        assert by_item.keys() == self.items.keys()

    @invariant()
    def payloads_are_sealed(self) -> None:
        for event in self.events.values():
            assert event.payload_seal == seal(self.customers[event.customer_id], event.payload)

    # How

    def _item(self, number: int) -> Item | None:
        return list(self.items.values())[number % len(self.items)] if self.items else None

    def _act(self, about: int, act: Any) -> None:
        if found := self._item(about):
            self._try(lambda: act(found, self._of(found), self._step("anna")))

    def _of(self, found: Item) -> Customer:
        return self.customers[found.customer_id]

    def _step(self, actor: str) -> Step:
        self.count += 1
        return Step(actor, "test", self.now, f"step-{self.count}")

    def _arrival(self, **changed: Any) -> Arrival:
        self.count += 1
        return arrival(f"ses-{self.count}", received_at=self.now, **changed)

    def _new_ids(self, customer_id: str) -> NewIds:
        self.count += 1
        return replace(ids(self.count), customer=CustomerId(customer_id))

    def _try(self, decide: Any) -> None:
        try:
            change = decide()
        except (WrongState, NotAllowed):
            return
        self._save(change)

    def _save(self, change: Change) -> None:
        """What `Table.save` does, its conditions as assertions: the present rows are what was read."""
        assert change.customer
        known = self.customers.get(change.customer.id)
        assert change.customer == known if known else change.customer.seq == 0
        self.customers[change.customer.id] = replace(change.customer, seq=change.customer.seq + len(change.events))
        for event in change.events:
            assert (event.customer_id, event.seq) not in self.events
            self.events[event.customer_id, event.seq] = event
        if after := change.after:
            before = self.items.get(after.id)
            assert change.before == before
            self._check_step(before, after)
            self.items[after.id] = after
        if change.load:
            self.load[change.load.agent_id, change.load.channel] += change.load.by

    def _check_step(self, before: Item | None, after: Item) -> None:
        assert after.version == (before.version if before else 0) + 1
        if before is None:
            assert after.ring == 1
            return
        entered = waits(after) and (not waits(before) or after.lane != before.lane)
        assert after.ring == before.ring + entered  # raised only when it enters a queue or lane
        assert not (before.lane == Lane.URGENT and after.lane != Lane.URGENT and waits(before))
        assert after.owner or not before.owner
        assert (after.id, after.customer_id, after.created_at) == (before.id, before.customer_id, before.created_at)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=70, stateful_step_count=40, deadline=None)


# Keys

_moments = st.datetimes(datetime(1970, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - UTC is given


@given(_moments, _moments)
def test_the_order_of_moments_in_keys_is_the_order_of_time(first: datetime, second: datetime) -> None:
    assert (keys.moment(first) < keys.moment(second)) == (first < second)
    assert keys.moment_of(keys.moment(first)) == first


@given(st.integers(0, 10**12 - 1), st.integers(0, 10**12 - 1))
def test_the_order_of_events_in_keys_is_the_order_of_their_numbers(first: int, second: int) -> None:
    assert (keys.event_key("c", first)["sk"] < keys.event_key("c", second)["sk"]) == (first < second)
    if first < second:
        assert keys.payload_key("c", first)["sk"] < keys.event_key("c", second)["sk"]


@given(st.text(), st.text(), st.text(), st.text())
def test_keys_of_the_outside_world_fit(a: str, b: str, c: str, d: str) -> None:
    for key in (keys.message_key(a * 50, b * 50), keys.delivery_key("chat", c * 50), keys.identity_key("mail", d * 50)):
        assert len(key["pk"].encode("utf-8", "replace")) <= 2048


# Rows

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_id = st.text("0123456789abcdef", min_size=1, max_size=32)
_maybe_moment = st.none() | _moments
_json: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=8,
)
_facts = st.dictionaries(_text, _json, max_size=4)
_items = st.builds(
    replace, st.just(item()), id=_id, customer_id=_id, channel=st.sampled_from(["mail", "chat"]), source=_text,
    subject=_text, state=st.sampled_from(State), queue=_id, lane=st.sampled_from(Lane), reason=_text,
    ring=st.integers(1, 10**9), version=st.integers(1, 10**9), chain=_id, created_at=_moments, changed_at=_moments,
    waiting_since=_moments, holder=st.none() | _id, owner=st.none() | _id, claim_token=st.none() | _id,
    linked_to=st.none() | _id, lease_until=_maybe_moment, wake_at=_maybe_moment,
    tags=st.none() | st.builds(
        tags, topic=_text, language=_id, topic_confidence=st.floats(0, 1), topic_abstained=st.booleans(),
        evidence=st.lists(_facts, max_size=2).map(tuple),
    ),
)  # fmt: skip
_events = st.builds(
    Event, id=_id, type=st.sampled_from(EventType), customer_id=_id, seq=st.integers(1, 10**12 - 1), at=_moments,
    actor=_text, cause=_text, item_id=st.none() | _id, version=st.none() | st.integers(1, 10**9), facts=_facts,
    previous=_id, payload_seal=_text, payload=st.none() | st.dictionaries(_text, _json, min_size=1, max_size=3),
)  # fmt: skip


def _through_dynamodb(row: rows.Row) -> rows.Row:
    return rows.from_wire(rows.to_wire(row))


@given(_items)
def test_any_item_comes_back_as_it_was(made: Item) -> None:
    assert rows.item_of(_through_dynamodb(rows.item_row(made))) == made


@given(_events)
def test_any_event_comes_back_as_it_was_and_so_does_its_hash(made: Event) -> None:
    payload = _through_dynamodb(rows.payload_row(made)) if made.payload else None
    back = rows.event_of(_through_dynamodb(rows.event_row(made)), payload)
    assert back == made
    assert back.hash == made.hash


@given(_id, st.integers(0, 10**12), st.binary(min_size=32, max_size=32), _text)
def test_any_customer_comes_back_as_he_was(customer_id: str, seq: int, key: bytes, name: str) -> None:
    made = customer(id=customer_id, seq=seq, key=key, name=name)
    assert rows.customer_of(_through_dynamodb(rows.customer_row(made))) == made
