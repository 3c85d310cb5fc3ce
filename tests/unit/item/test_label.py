"""Notes, mentions, and what people decide a matter is."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import Invalid
from chalicelib.item.change import Change, Label, Mention
from chalicelib.item.item import Decided, EventType, Item, seal
from chalicelib.item.label import note, tag
from chalicelib.item.state import State
from tests.desk import NOW, customer, item, small_desk, step

DESK = small_desk()
LATER = NOW + timedelta(minutes=20)
STEP = step(at=LATER, event_id="ev9")


def after(change: Change) -> Item:
    assert change.after
    return change.after


def noted(before: Item, *mentions: str) -> Change:
    return note(before, customer(), STEP, "CANARY is angry", mentions, DESK)


def tagged(before: Item, topic: str | None = None, urgency: str | None = None) -> Change:
    return tag(before, customer(), STEP, topic, urgency, DESK)


def decided(topic: str | None, urgency: str | None) -> Decided:
    return Decided(topic=topic, urgency=urgency, by="carl", at=NOW)  # type: ignore[arg-type]


# Notes


@pytest.mark.parametrize("state", list(State))
def test_a_note_changes_nothing_but_the_timeline_in_every_state(state: State) -> None:
    before = item(state=state, holder="boris", wake_at=LATER)
    change = noted(before)
    (event,) = change.events
    assert after(change) == item(
        state=state, holder="boris", wake_at=LATER, version=2, changed_at=LATER, chain=event.hash
    )
    assert (event.type, event.version, event.payload) == (
        EventType.NOTE_ADDED, 2, {"written": "CANARY is angry", "mentions": []},
    )  # fmt: skip
    assert event.payload_seal == seal(customer(), event.payload)
    assert "CANARY" not in str(event.facts)
    assert (change.loads, change.mentions) == ((), ())


def test_who_is_mentioned_finds_the_entry_once() -> None:
    change = noted(item(), "boris", "sam", "boris")
    assert change.mentions == tuple(
        Mention(name, "it1", "cu1", 5, LATER, "anna")  # type: ignore[arg-type]
        for name in ("boris", "sam")
    )
    assert change.events[0].seq == 5
    assert change.events[0].facts["mentions"] == 2
    assert change.events[0].payload
    assert change.events[0].payload["mentions"] == ["boris", "sam"]


@pytest.mark.parametrize(
    ("queue", "name", "may"),
    [
        ("orders", "boris", True),
        ("billing", "anna", True),
        ("billing", "boris", False),  # no member
        ("billing", "carl", False),  # a member without the skill
        ("billing", "sam", True),  # sees all
        ("billing", "olga", True),
        ("quarantine", "boris", False),
        ("orders", "nobody", False),
    ],
)
def test_who_may_be_mentioned(queue: str, name: str, may: bool) -> None:
    if may:
        assert [mention.agent_id for mention in noted(item(queue=queue), "anna", name).mentions][-1] == name
        return
    with pytest.raises(Invalid, match=name) as refused:
        noted(item(queue=queue), "sam", name)
    assert refused.value.field == "mentions.1"


# Tags


@pytest.mark.parametrize(
    ("before", "said", "stands"),
    [
        ({}, (None, None), ("order", "normal")),  # confirms what the model said
        ({}, ("billing", None), ("billing", "normal")),
        ({}, (None, "high"), ("order", "high")),
        ({}, ("other", "low"), ("other", "low")),
        ({"decided": decided("billing", "low")}, (None, None), ("billing", "low")),  # people before the model
        ({"decided": decided("billing", "low")}, (None, "critical"), ("billing", "critical")),
        ({"decided": decided("billing", "low")}, ("order", None), ("order", "low")),
        ({"tags": None}, ("order", None), ("order", None)),
        ({"tags": None}, (None, "high"), (None, "high")),
        ({"tags": None, "decided": decided("order", None)}, (None, None), ("order", None)),
    ],
)
def test_what_is_not_said_stays_as_it_stands(before: dict[str, Any], said: Any, stands: Any) -> None:
    asked = item(**before)
    change = tagged(asked, *said)
    now, (event,) = after(change), change.events
    assert now.decided == Decided(topic=stands[0], urgency=stands[1], by="anna", at=LATER)  # type: ignore[arg-type]
    assert change.label == Label(
        item_id=now.id, version=2, event_id="ev9", at=LATER, by="anna", topic=stands[0], urgency=stands[1],  # type: ignore[arg-type]
        said=asked.tags,
    )  # fmt: skip
    assert (event.type, event.version) == (EventType.TAGS_DECIDED, 2)
    assert (event.facts["topic"], event.facts["urgency"]) == stands
    assert (now.tags, now.queue) == (asked.tags, "orders")  # what the model said stays; to move it is another step


def test_the_event_says_what_the_model_had_said() -> None:
    facts = tagged(item(), "billing", "high").events[0].facts
    assert (facts["model"], facts["topic_was"], facts["urgency_was"]) == ("words", "order", "normal")
    without = tagged(item(tags=None), "billing").events[0].facts
    assert (without["model"], without["topic_was"], without["urgency_was"]) == (None, None, None)


@pytest.mark.parametrize(
    ("before", "said", "field"),
    [
        ({"tags": None}, (None, None), "topic"),  # nothing to confirm
        ({}, ("weather", None), "topic"),
        ({}, ("", None), "topic"),
        ({}, (None, "soon"), "urgency"),
        ({}, ("order", ""), "urgency"),
    ],
)
def test_tags_the_desk_does_not_have_are_refused(before: dict[str, Any], said: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        tagged(item(**before), *said)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("lane", "urgency", "then"),
    [
        ("normal", "high", "urgent"),
        ("normal", "critical", "urgent"),
        ("urgent", "low", "normal"),
        ("urgent", "critical", "urgent"),
        ("normal", "low", "normal"),
        ("urgent", None, "urgent"),  # confirmed: it may be so for more than the model said
    ],
)
@pytest.mark.parametrize("state", list(State))
def test_the_lane_follows_and_rings_only_where_the_item_waits(
    state: State, lane: str, urgency: str | None, then: str
) -> None:
    now = after(tagged(item(state=state, lane=lane), None, urgency))
    rings = lane != then and state in {State.QUEUED, State.QUARANTINED}
    assert (now.state, now.lane, now.ring) == (state, then, 2 if rings else 1)


def test_what_nobody_called_urgent_or_not_keeps_its_lane() -> None:
    assert after(tagged(item(tags=None, lane="urgent"), "order")).lane == "urgent"


def test_an_offer_stands_while_people_say_what_it_is() -> None:
    before = item(offered_to="boris", offered_until=LATER, wake_at=LATER)
    change = tagged(before, None, "high")
    assert (after(change).offered_to, after(change).wake_at, change.loads) == ("boris", LATER, ())
