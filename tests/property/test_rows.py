"""Keys and rows say what they were made of, whatever that is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.item.change import Answered, Budget, Link, Mention, ReplyToken, Shown
from chalicelib.item.item import Contact, Contacts, Decided, Event, EventType, Item, Merged, Promised, Sorting
from chalicelib.item.outgoing import Outgoing, Status
from chalicelib.item.state import State
from chalicelib.routing.clock import Clock
from chalicelib.routing.route import Lane
from chalicelib.store import keys, rows
from tests.desk import customer, item, tags

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

_recent = st.datetimes(datetime(2020, 1, 1), datetime(2120, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - UTC is given
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_id = st.text("0123456789abcdef", min_size=1, max_size=32)
_ids = st.lists(_id, max_size=4).map(tuple)
_maybe_moment = st.none() | _moments
_json: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=8,
)
_facts = st.dictionaries(_text, _json, max_size=4)
_spans = st.timedeltas(timedelta(0), timedelta(days=4000))
_clocks = st.builds(
    Clock, due_at=_moments, warn_at=_moments, warn_before=_spans, left=st.none() | _spans, paused_at=_maybe_moment,
    warned_at=_maybe_moment, breached_at=_maybe_moment, ended_at=_maybe_moment,
)  # fmt: skip
_promised = st.builds(Promised, _text, _text, _id, st.none() | _clocks, st.none() | _clocks)
_items = st.builds(
    replace, st.just(item()), promises=st.none() | _promised,
    id=_id, customer_id=_id, channel=st.sampled_from(["mail", "chat"]), source=_text,
    subject=_text, state=st.sampled_from(State), queue=_id, lane=st.sampled_from(Lane), reason=_text,
    ring=st.integers(1, 10**9), version=st.integers(1, 10**9), chain=_id, created_at=_moments, changed_at=_moments,
    waiting_since=_moments, holder=st.none() | _id, owner=st.none() | _id, claim_token=st.none() | _id,
    linked_to=st.none() | _id, linked_because=_text, lease_until=_maybe_moment, wake_at=_maybe_moment,
    offered_to=st.none() | _id,
    offered_until=_maybe_moment, asked=_ids, pinned_to=st.none() | _id, snoozed_until=_maybe_moment,
    hand_offs=st.integers(0, 10**6), been=st.lists(_text, max_size=12).map(tuple),
    decided=st.none() | st.builds(Decided, topic=st.none() | _text, urgency=st.none() | _text, by=_id, at=_moments),
    contact=st.none() | st.builds(
        Contact, address=_text, name=_text, conversation=_text, message_id=_text,
        references=st.lists(_text, max_size=20).map(tuple), trusted=st.booleans(),
    ),
    tags=st.none() | st.builds(
        tags, topic=_text, language=_id, topic_confidence=st.floats(0, 1), topic_abstained=st.booleans(),
        evidence=st.lists(_facts, max_size=2).map(tuple), ruled=_facts, doubted=st.booleans(),
    ),
    merged=st.none() | st.builds(Merged, into=_id, state=st.sampled_from(State), snoozed_until=_maybe_moment),
    sorting=st.none() | st.builds(
        Sorting, rule=_id, topic=_text, urgency=_text, said=_ids, moves=st.integers(0, 9),
    ),
    contacts=st.none() | st.builds(Contacts, times=st.integers(1, 10**6), newest=_moments),
    escalations=st.integers(0, 10**6), admitted=st.booleans(), given=_ids,
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


@given(_id, st.integers(0, 10**12), st.binary(min_size=32, max_size=32), _text, st.frozensets(_id))
def test_any_customer_comes_back_as_he_was(
    customer_id: str, seq: int, key: bytes, name: str, marks: frozenset[str]
) -> None:
    made = customer(id=customer_id, seq=seq, key=key, name=name, marks=marks)
    assert rows.customer_of(_through_dynamodb(rows.customer_row(made))) == made


_replies = st.builds(
    Outgoing, id=_id, item_id=_id, customer_id=_id, channel=st.sampled_from(["mail", "chat"]), source=_text, to=_text,
    raw_key=_text, actor=_id, event_id=_id, queued_at=_moments, status=st.sampled_from(Status),
    revision=st.integers(1, 10**9), started_at=_maybe_moment, sent_at=_maybe_moment, provider_id=_text, detail=_text,
    wake_at=_maybe_moment, automatic=st.booleans(),
)  # fmt: skip


@given(_replies)
def test_any_reply_comes_back_as_it_was_and_is_woken_when_it_says(made: Outgoing) -> None:
    row = rows.outbox_row(made)
    assert rows.outgoing_of(_through_dynamodb(row)) == made
    assert ("wake_pk" in row) == ("wake_sk" in row) == (made.wake_at is not None)


@given(
    st.builds(
        Mention, agent_id=_id, item_id=_id, customer_id=_id, seq=st.integers(1, 10**12 - 1), at=_moments, by=_text
    )
)
def test_any_mention_comes_back_as_it_was(made: Mention) -> None:
    assert rows.mention_of(_through_dynamodb(rows.mention_row(made))) == made


@given(st.builds(Budget, account=_text, written_at=st.lists(_recent, min_size=1).map(tuple), revision=st.integers(1)))
def test_any_budget_comes_back_as_it_was(made: Budget) -> None:
    row = _through_dynamodb(rows.budget_row(made))
    assert rows.budget_of(made.account, row) == made
    assert all(row["expires_at"] >= at.timestamp() + 86_400 for at in made.written_at)


def test_a_budget_nobody_spent_is_whole() -> None:
    assert rows.budget_of("a@example.com", {}) == Budget("a@example.com")


@given(
    st.builds(
        Link, customer_id=_id, other=_id, by=_text, at=_moments, why=_text, stands=st.booleans(),
        revision=st.integers(1, 10**6),
    )
)  # fmt: skip
def test_any_link_comes_back_as_it_was(made: Link) -> None:
    assert rows.link_of(_through_dynamodb(rows.link_row(made))) == made


@given(
    st.builds(
        Shown, installation=_id, conversation=_id, seq=st.integers(1, 10**12 - 1), id=_id, text=_text, at=_moments,
        by=st.sampled_from(["visitor", "agent"]),
    )
)  # fmt: skip
def test_any_line_of_a_conversation_comes_back_as_it_was(made: Shown) -> None:
    assert rows.shown_of(_through_dynamodb(rows.shown_row(made))) == made


@given(st.builds(ReplyToken, token=_id, item_id=_id, customer_id=_id, mailbox=_text))
def test_any_token_comes_back_as_it_was(made: ReplyToken) -> None:
    assert rows.token_of(_through_dynamodb(rows.token_row(made))) == made


@given(
    st.builds(
        Answered, agent_id=_id, key=_text, item_id=_id, claim_token=_text, reply_id=_text, said=_text,
        expires_at=_moments.map(lambda at: at.replace(microsecond=0)),
    )
)  # fmt: skip
def test_any_kept_answer_comes_back_as_it_was(made: Answered) -> None:
    assert rows.answered_of(_through_dynamodb(rows.answered_row(made))) == made
