"""What the holder does with an item, what others may not, and what a stale version gets."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib.errors import (
    Conflict,
    Invalid,
    LostRace,
    NotAllowed,
    PerhapsDone,
    StaleItem,
    Unknown,
    WrongState,
)
from chalicelib.flows.claim import claim_named, next_in_mine
from chalicelib.flows.look import board
from chalicelib.flows.watch import watch
from chalicelib.flows.work import decline, finish, give_back, heartbeat, link, note, reopen, snooze, tag, unlink
from chalicelib.item.decide import LONGEST_SNOOZE
from chalicelib.item.item import AgentId, Decided, EventType, Item
from chalicelib.item.state import State
from chalicelib.rights import Caller
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA, BORIS, CARL, OLGA, SAM
from tests.unit.flows.scenes import (
    Losing,
    Meanwhile,
    agent,
    answer,
    chat,
    claimed,
    deliver,
    forward,
    items,
    kinds,
    last_event,
    load,
    now_of,
    present,
    ruled,
    told,
)

pytestmark = pytest.mark.usefixtures("sound")


def put_off(item_id: str, version: int, caller: Caller, world: TestWorld) -> Item:
    return snooze(item_id, version, world.now() + timedelta(hours=1), caller, world)


def confirm(item_id: str, version: int, caller: Caller, world: TestWorld) -> Item:
    return tag(item_id, version, None, None, caller, world)


def remark(item_id: str, version: int, caller: Caller, world: TestWorld) -> Item:
    return note(item_id, version, "He will call.", (), caller, world)


Act = Callable[[str, int, Caller, TestWorld], Item]
ENDS = pytest.mark.parametrize("act", [give_back, finish, put_off])  # after these he holds it no more
HIS = pytest.mark.parametrize("act", [give_back, finish, put_off, confirm])
ALL = pytest.mark.parametrize("act", [give_back, finish, put_off, confirm, remark])
STRANGER = Caller("eve", frozenset())


@pytest.fixture
def held(world: TestWorld) -> Item:
    """A mail's item that Anna holds at version 2."""
    deliver(world, 1)
    return claimed(world)


def test_release_gives_the_item_back(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    back = give_back(held.id, held.version, ANNA, world)
    assert items(moto_cloud) == [back]
    assert (back.state, back.holder, back.version, back.ring) == (State.QUEUED, None, 3, 2)
    assert load(world, ANNA) == {}


def test_resolve_ends_the_matter(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    done = finish(held.id, held.version, ANNA, world)
    assert items(moto_cloud) == [done]
    assert (done.state, done.holder, done.owner, done.version) == (State.RESOLVED, None, "anna", 3)
    assert (done.pinned_to, done.wake_at) == ("anna", None)
    assert load(world, ANNA) == {}


def test_a_chat_given_back_is_offered_to_the_next_and_not_to_him_again(world: TestWorld) -> None:
    chat(world, "d1", "Hello")
    held = claimed(world)
    assert give_back(held.id, held.version, ANNA, world).offered_to is None  # she alone is there
    held = claimed(world)
    present(world, BORIS)
    back = give_back(held.id, held.version, ANNA, world)
    assert (back.offered_to, back.asked) == ("boris", ("anna",))
    assert (load(world, ANNA), load(world, BORIS)) == ({}, {"chat": 1})


@ALL
def test_each_step_is_one_event_of_the_one_who_did_it(world: TestWorld, held: Item, act: Act) -> None:
    act(held.id, held.version, SAM, world)
    history = world.table.history(held.id)
    assert [event.version for event in history] == [1, 2, 3]
    assert [event.seq for event in history] == [1, 2, 3]
    assert (history[2].actor, history[2].facts["holder"]) == ("sam", "anna")
    assert history[2].facts["from"] == "claimed"
    assert history[2].facts["to"] == now_of(world, held).state
    assert history[2].previous == history[1].hash


@ALL
@pytest.mark.parametrize("version", [1, 3])
def test_a_stale_version_changes_nothing_and_shows_the_present(
    world: TestWorld, moto_cloud: Cloud, held: Item, act: Act, version: int
) -> None:
    before = moto_cloud.rows()
    with pytest.raises(StaleItem) as refused:
        act(held.id, version, ANNA, world)
    assert refused.value.present == held
    assert moto_cloud.rows() == before


@HIS
@pytest.mark.parametrize("caller", [BORIS, CARL, OLGA, STRANGER, Caller("anna", frozenset({"observer"}))])
def test_who_does_not_hold_it_may_not(
    world: TestWorld, moto_cloud: Cloud, held: Item, act: Act, caller: Caller
) -> None:
    before = moto_cloud.rows()
    with pytest.raises(NotAllowed):
        act(held.id, held.version, caller, world)
    assert moto_cloud.rows() == before


@ALL
def test_a_supervisor_may(world: TestWorld, held: Item, act: Act) -> None:
    now = act(held.id, held.version, SAM, world)
    assert now.version == 3
    assert load(world, ANNA) == ({"mail": 1} if now.holder else {})  # the holder's load falls, not the supervisor's
    assert agent(world, "sam").presence == "unknown"


@ENDS
def test_a_holder_whose_claim_has_ended_learns_how_the_item_is_now(world: TestWorld, held: Item, act: Act) -> None:
    """A console that slept: its version is stale, and that is what it is told."""
    give_back(held.id, held.version, SAM, world)
    taken = claimed(world, caller=BORIS)
    with pytest.raises(StaleItem) as refused:
        act(held.id, held.version, ANNA, world)
    assert refused.value.present == taken


@ALL
def test_who_may_not_see_an_item_learns_nothing_by_a_wrong_version(world: TestWorld, act: Act) -> None:
    deliver(world, 1, "#billing")
    held = claimed(world, "billing")
    for caller in (BORIS, STRANGER):
        with pytest.raises(NotAllowed):
            act(held.id, 1, caller, world)
        with pytest.raises(NotAllowed):
            heartbeat(held.id, "guessed", caller, world)


@ENDS
def test_what_nobody_holds_cannot_be_given_back_or_ended(world: TestWorld, moto_cloud: Cloud, act: Act) -> None:
    deliver(world, 1)
    (item,) = items(moto_cloud)
    with pytest.raises(WrongState) as refused:
        act(item.id, item.version, SAM, world)
    assert refused.value.present == item
    with pytest.raises(NotAllowed):
        act(item.id, item.version, ANNA, world)


@ALL
def test_an_item_that_is_not_there_is_unknown(world: TestWorld, act: Act) -> None:
    with pytest.raises(Unknown):
        act("nothing", 1, SAM, world)


@ALL
def test_the_same_step_again_is_a_stale_version(world: TestWorld, moto_cloud: Cloud, held: Item, act: Act) -> None:
    act(held.id, held.version, SAM, world)
    before = moto_cloud.rows()
    with pytest.raises(Conflict):
        act(held.id, held.version, SAM, world)
    assert moto_cloud.rows() == before


@ALL
def test_who_loses_a_race_decides_again(world: TestWorld, held: Item, act: Act) -> None:
    vars(world)["table"] = Losing(world, 2)
    assert act(held.id, held.version, ANNA, world).version == 3


# Signs of life


def test_a_sign_of_life_prolongs_the_lease_and_nothing_else(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    assert held.claim_token
    assert held.lease_until
    before = {row["pk"]["S"]: row for row in moto_cloud.rows() if row["sk"]["S"] == "ITEM"}
    forward(world, minutes=10)
    until = heartbeat(held.id, held.claim_token, ANNA, world)
    assert timedelta(minutes=9, seconds=59) < until - held.lease_until < timedelta(minutes=10, seconds=1)
    (now,) = items(moto_cloud)
    assert (now.lease_until, now.wake_at, now.version) == (until, until, held.version)
    after = {row["pk"]["S"]: row for row in moto_cloud.rows() if row["sk"]["S"] == "ITEM"}
    changed = {name for pk, row in after.items() for name in row if row[name] != before[pk][name]}
    assert changed == {"lease_until", "wake_at", "wake_sk"}


@pytest.mark.parametrize(("caller", "token"), [(ANNA, "wrong"), (BORIS, None), (SAM, None)])
def test_only_the_holder_with_his_token_lives(world: TestWorld, held: Item, caller: Caller, token: Any) -> None:
    with pytest.raises(StaleItem) as refused:
        heartbeat(held.id, token or held.claim_token, caller, world)
    assert refused.value.present == held


def test_a_claim_that_has_ended_cannot_be_prolonged(world: TestWorld, held: Item) -> None:
    assert held.claim_token
    back = give_back(held.id, held.version, ANNA, world)
    again = claimed(world)
    assert again.claim_token != held.claim_token
    with pytest.raises(StaleItem) as refused:
        heartbeat(held.id, held.claim_token, ANNA, world)
    assert refused.value.present == again != back


def test_a_sign_of_life_that_comes_too_late_is_refused_by_the_table(
    world: TestWorld, moto_cloud: Cloud, held: Item
) -> None:
    """The claim ends between reading and writing."""
    given: list[Item] = []

    def moving(**_: Any) -> None:
        if not given:
            given.append(give_back(held.id, held.version, ANNA, world))

    events = moto_cloud.dynamodb.meta.events
    events.register("before-call.dynamodb.UpdateItem", moving)
    try:
        with pytest.raises(StaleItem) as refused:
            heartbeat(held.id, str(held.claim_token), ANNA, world)
    finally:
        events.unregister("before-call.dynamodb.UpdateItem", moving)
    assert [refused.value.present] == given


def test_a_step_based_on_an_older_lease_decides_again(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    """A heartbeat raises no version, and is still not undone by a customer's message decided before it."""

    def beats() -> None:
        forward(world, minutes=5)
        heartbeat(held.id, str(held.claim_token), ANNA, world)

    with Meanwhile(moto_cloud, beats):
        deliver(world, 2, In_Reply_To="<m1@customer.example.com>", sender="c1@customer.example.com")
    (now,) = items(moto_cloud)
    assert now.version == 3
    assert now.lease_until
    assert held.lease_until
    assert now.lease_until > held.lease_until


RIGHTS_LOST = [
    ('[queues.orders]\nmembers = ["*"]', '[queues.orders]\nmembers = ["carl"]'),
    ('boris = { languages = ["en"] }', 'boris = { languages = ["pl"] }'),
    ("boris = {", "benno = {"),
]


@pytest.mark.parametrize("change", RIGHTS_LOST, ids=["queue", "language", "left the desk"])
def test_who_has_lost_his_right_prolongs_no_lease(world: TestWorld, moto_cloud: Cloud, change: tuple[str, str]) -> None:
    """He may still give it back, or pass it on; left alone, it returns when its lease is over."""
    deliver(world, 1)
    held = claimed(world, caller=BORIS)
    ruled(world, change)
    before = moto_cloud.rows()
    with pytest.raises(NotAllowed):
        heartbeat(held.id, str(held.claim_token), BORIS, world)
    assert moto_cloud.rows() == before
    assert give_back(held.id, held.version, BORIS, world).state == State.QUEUED


# Putting off


def test_what_is_put_off_rests_until_then_with_who_held_it(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    until = world.now() + timedelta(days=2)
    resting = snooze(held.id, held.version, until, ANNA, world)
    assert items(moto_cloud) == [resting]
    assert (resting.state, resting.holder, resting.pinned_to, resting.owner) == (State.SNOOZED, None, "anna", "anna")
    assert (resting.snoozed_until, resting.wake_at, resting.lease_until) == (until, until, None)
    assert load(world, ANNA) == {}
    assert last_event(world, held).facts["until"] == until.isoformat()


def test_what_waits_for_the_customer_may_be_put_off_and_put_off_again(world: TestWorld, held: Item) -> None:
    resting = answer(world, held)[1]
    sooner = put_off(resting.id, resting.version, ANNA, world)
    assert (sooner.state, sooner.pinned_to) == (State.SNOOZED, "anna")
    later = snooze(sooner.id, sooner.version, world.now() + timedelta(days=9), SAM, world)
    assert later.pinned_to == "anna"  # whoever says so
    with pytest.raises(NotAllowed):
        put_off(later.id, later.version, BORIS, world)


@pytest.mark.parametrize(
    "off", [timedelta(seconds=-1), timedelta(), LONGEST_SNOOZE + timedelta(seconds=1), timedelta(days=99_999)]
)
def test_a_time_gone_or_far_away_is_refused(world: TestWorld, moto_cloud: Cloud, held: Item, off: timedelta) -> None:
    before = moto_cloud.rows()
    with pytest.raises(Invalid, match="until"):
        snooze(held.id, held.version, world.now() + off, ANNA, world)
    assert moto_cloud.rows() == before


# Declining


@pytest.fixture
def offered(world: TestWorld, moto_cloud: Cloud) -> Item:
    """A chat on offer to Carl, who alone is there."""
    present(world, CARL)
    chat(world, "d1", "Hello")
    return items(moto_cloud)[0]


def test_only_he_it_is_offered_to_declines_or_a_supervisor(world: TestWorld, moto_cloud: Cloud, offered: Item) -> None:
    before = moto_cloud.rows()
    for caller in (ANNA, OLGA, STRANGER):
        with pytest.raises(NotAllowed):
            decline(offered.id, offered.version, caller, world)
    with pytest.raises(StaleItem):
        decline(offered.id, offered.version + 1, CARL, world)
    assert moto_cloud.rows() == before
    assert decline(offered.id, offered.version, SAM, world).offered_to is None
    assert load(world, CARL) == {}


def test_what_is_offered_to_nobody_cannot_be_declined(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    (item,) = items(moto_cloud)
    with pytest.raises(WrongState) as refused:
        decline(item.id, item.version, SAM, world)
    assert refused.value.present == item
    with pytest.raises(NotAllowed):
        decline(item.id, item.version, ANNA, world)
    held = claimed(world)
    with pytest.raises(NotAllowed):  # what she holds was not offered to her, or is no more: she gives it back
        decline(held.id, held.version, ANNA, world)


def test_a_declined_item_taken_meanwhile_is_told(world: TestWorld, moto_cloud: Cloud, offered: Item) -> None:
    with (
        Meanwhile(moto_cloud, lambda: claim_named(offered.id, CARL, "", world)),
        pytest.raises(StaleItem) as refused,
    ):
        decline(offered.id, offered.version, CARL, world)
    assert refused.value.present == now_of(world, offered)
    assert load(world, CARL) == {"chat": 1}


# Notes


def test_a_note_stands_in_the_timeline_and_in_the_lists_of_those_it_names(
    world: TestWorld, moto_cloud: Cloud, held: Item
) -> None:
    noted = note(held.id, held.version, "Ask @boris and @carl.", ["boris", "carl", "boris"], ANNA, world)
    assert (noted.version, noted.holder, noted.lease_until) == (3, "anna", held.lease_until)
    event = told(world, held)[-1]
    assert (event.type, event.actor, event.facts["mentions"]) == ("note-added", "anna", 2)
    assert event.payload == {"written": "Ask @boris and @carl.", "mentions": ["boris", "carl"]}
    for name in ("boris", "carl"):
        (found,) = world.table.mentions(name, 10, None).entries
        assert (found.item_id, found.customer_id, found.seq, found.by) == (held.id, held.customer_id, event.seq, "anna")
    assert kinds(moto_cloud)["mention"] == 2


@pytest.mark.parametrize("caller", [BORIS, CARL, SAM])
def test_whoever_may_see_an_item_may_write_a_note_at_any_time(world: TestWorld, held: Item, caller: Caller) -> None:
    now = remark(held.id, held.version, caller, world)
    now = finish(now.id, now.version, ANNA, world)
    assert remark(now.id, now.version, caller, world).state == State.RESOLVED


@pytest.mark.parametrize("caller", [OLGA, STRANGER, Caller("boris", frozenset({"observer"}))])
def test_who_only_looks_or_is_nobody_writes_no_note(
    world: TestWorld, moto_cloud: Cloud, held: Item, caller: Caller
) -> None:
    before = moto_cloud.rows()
    with pytest.raises(NotAllowed):
        remark(held.id, held.version, caller, world)
    assert moto_cloud.rows() == before


@pytest.mark.parametrize("named", [["nobody"], ["boris"], ["anna", "carl"]])
def test_nobody_is_mentioned_who_is_not_there_or_may_not_see_the_item(
    world: TestWorld, moto_cloud: Cloud, named: list[str]
) -> None:
    """Boris is no member of billing; Carl is, without its skill."""
    deliver(world, 1, "#billing")
    held = claimed(world, "billing")
    before = moto_cloud.rows()
    with pytest.raises(Invalid, match=f"mentions.{len(named) - 1}"):
        note(held.id, held.version, "Look", named, ANNA, world)
    assert moto_cloud.rows() == before
    assert note(held.id, held.version, "Look", ["anna", "sam", "olga"], ANNA, world).version == 3


# Tags


def test_a_decision_is_a_label_beside_what_the_model_had_said(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    decided = tag(held.id, held.version, "billing", "critical", ANNA, world)
    event = last_event(world, held)
    assert decided.decided == Decided(topic="billing", urgency="critical", by=AgentId("anna"), at=event.at)
    assert (decided.queue, decided.lane, decided.ring) == ("orders", "urgent", held.ring)  # held: no bell to ring
    assert decided.tags == held.tags
    assert (event.type, event.facts["topic"], event.facts["topic_was"]) == ("tags-decided", "billing", "order")
    (label,) = (row for row in moto_cloud.rows() if row["kind"]["S"] == "label")
    names = ("topic", "urgency", "topic_was", "urgency_was", "model", "by", "event_id")
    assert [label[name]["S"] for name in names] == [
        "billing", "critical", "order", "normal", "words", "anna", event.id,
    ]  # fmt: skip
    assert label["version"]["N"] == str(decided.version)


@pytest.mark.parametrize(
    ("topic", "urgency", "stands"),
    [(None, None, ("order", "normal")), ("billing", None, ("billing", "normal")), (None, "high", ("order", "high"))],
)
def test_what_is_not_said_is_confirmed(
    world: TestWorld, held: Item, topic: str | None, urgency: str | None, stands: tuple[str, str]
) -> None:
    decided = tag(held.id, held.version, topic, urgency, ANNA, world).decided
    assert decided
    assert (decided.topic, decided.urgency) == stands


def test_a_second_decision_rests_on_the_first_and_is_a_label_of_its_own(
    world: TestWorld, moto_cloud: Cloud, held: Item
) -> None:
    first = tag(held.id, held.version, "billing", None, ANNA, world)
    second = tag(first.id, first.version, None, "high", SAM, world)
    assert second.decided
    assert (second.decided.topic, second.decided.urgency, second.decided.by) == ("billing", "high", "sam")
    assert kinds(moto_cloud)["label"] == 2


@pytest.mark.parametrize(("urgency", "lane", "ring"), [("critical", "urgent", 2), ("low", "normal", 1)])
def test_what_waits_rings_anew_in_its_new_lane(
    world: TestWorld, moto_cloud: Cloud, urgency: str, lane: str, ring: int
) -> None:
    deliver(world, 1)
    (item,) = items(moto_cloud)
    decided = tag(item.id, item.version, None, urgency, SAM, world)
    assert (decided.lane, decided.ring) == (lane, ring)


@pytest.mark.parametrize(("topic", "urgency", "field"), [("cars", None, "topic"), (None, "soon", "urgency")])
def test_a_tag_the_desk_does_not_have_is_refused(
    world: TestWorld, moto_cloud: Cloud, held: Item, topic: str | None, urgency: str | None, field: str
) -> None:
    before = moto_cloud.rows()
    with pytest.raises(Invalid, match=field):
        tag(held.id, held.version, topic, urgency, ANNA, world)
    assert moto_cloud.rows() == before


def test_where_nothing_was_said_there_is_nothing_to_confirm(world: TestWorld, moto_cloud: Cloud) -> None:
    vars(world)["model"] = None
    deliver(world, 1)
    held = claimed(world, "people")
    with pytest.raises(Invalid, match="topic"):
        confirm(held.id, held.version, ANNA, world)
    decided = tag(held.id, held.version, "order", None, ANNA, world)
    assert decided.decided
    assert (decided.decided.topic, decided.decided.urgency, decided.tags) == ("order", None, None)
    confirm(decided.id, decided.version, ANNA, world)


def test_who_had_it_in_hand_may_still_say_what_it_was_about(world: TestWorld, held: Item) -> None:
    done = finish(held.id, held.version, ANNA, world)
    with pytest.raises(NotAllowed):
        confirm(done.id, done.version, BORIS, world)
    assert confirm(done.id, done.version, ANNA, world).decided


def test_losing_every_race_is_told(world: TestWorld, held: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.flows.again.time.sleep", lambda _seconds: None)
    vars(world)["table"] = Losing(world, 99)
    with pytest.raises(LostRace):
        give_back(held.id, held.version, ANNA, world)


# Linking, reopening


def test_an_item_is_linked_and_what_it_was_linked_to_is_told(world: TestWorld, held: Item) -> None:
    deliver(world, 8)
    deliver(world, 9)
    first, second = (claimed(world) for _ in range(2))
    linked = link(held.id, held.version, first.id, "the same parcel", ANNA, world)
    assert (linked.linked_to, linked.linked_because, linked.state) == (first.id, "the same parcel", State.CLAIMED)
    again = link(held.id, linked.version, second.id, "", ANNA, world)
    assert (again.linked_to, again.linked_because) == (second.id, "")
    event = last_event(world, held)
    assert (event.type, event.facts["linked_to"], event.facts["was_linked_to"]) == ("item-linked", second.id, first.id)
    assert told(world, held)[-1].payload == {"reason": "", "was_linked_because": "the same parcel"}
    free = unlink(held.id, again.version, "a mistake", ANNA, world)
    assert (free.linked_to, free.linked_because) == (None, "")
    assert (last_event(world, held).type, last_event(world, held).facts["was_linked_to"]) == (
        "item-unlinked",
        second.id,
    )
    assert now_of(world, first) == first


def test_what_is_linked_so_or_not_at_all_stays_so(world: TestWorld, held: Item) -> None:
    deliver(world, 9)
    other = claimed(world)
    with pytest.raises(Invalid, match="itself"):
        link(held.id, held.version, held.id, "", ANNA, world)
    with pytest.raises(WrongState, match="no other"):
        unlink(held.id, held.version, "", ANNA, world)
    with pytest.raises(Unknown):
        link(held.id, held.version, "nothing", "", ANNA, world)
    linked = link(held.id, held.version, other.id, "", ANNA, world)
    with pytest.raises(WrongState, match="already"):
        link(held.id, linked.version, other.id, "", ANNA, world)


@pytest.mark.parametrize("caller", [ANNA, SAM])
def test_a_resolved_item_comes_back_to_its_queue_first_for_who_had_it(
    world: TestWorld, held: Item, caller: Caller
) -> None:
    present(world, ANNA)
    done = finish(held.id, held.version, ANNA, world)
    again = reopen(done.id, done.version, "he called", caller, world)
    assert (again.state, again.queue, again.offered_to, again.pinned_to) == (State.QUEUED, "orders", "anna", "anna")
    assert (again.reason, again.ring, again.waiting_since) == (f"reopened by {caller.id}", 2, again.changed_at)
    assert told(world, held)[-1].payload == {"reason": "he called"}
    assert load(world, ANNA) == {"mail": 1}


@pytest.mark.parametrize("caller", [BORIS, OLGA])
def test_who_did_not_have_it_does_not_reopen_it(world: TestWorld, held: Item, caller: Caller) -> None:
    done = finish(held.id, held.version, ANNA, world)
    with pytest.raises(NotAllowed):
        reopen(done.id, done.version, "", caller, world)


def test_what_is_open_is_not_reopened(world: TestWorld, held: Item) -> None:
    with pytest.raises(WrongState):
        reopen(held.id, held.version, "", ANNA, world)


def test_saying_the_urgency_names_no_topic_the_model_did_not_dare_to_name(world: TestWorld) -> None:
    deliver(world, 1, "#order #unsure")
    held = claimed(world, "people")
    assert held.topic is None
    assert tag(held.id, held.version, None, "high", ANNA, world).topic is None
    (label,) = world.table.labelled("2026-03")
    assert (label.topic, label.urgency) == (None, "high")


@pytest.mark.parametrize("how", ["the customer answers", "its lease ends", "it is released"])
def test_what_comes_back_is_in_a_queue_of_this_desk(world: TestWorld, how: str) -> None:
    """Though people decided its tags, so that no rule moves it, and the desk gave up the queue meanwhile."""
    deliver(world, 1, "#billing")
    held = claimed(world, "billing")
    held = tag(held.id, held.version, None, None, ANNA, world)
    if how == "the customer answers":
        answer(world, held)
    of_bills = '[queues.billing]\nmembers = ["anna", "carl"]\nskills = ["money"]\n'
    ruled(world, ('billing = "billing"', 'billing = "people"'), (of_bills, ""))
    if how == "the customer answers":
        deliver(world, 2, "and now? #billing", sender="c1@customer.example.com",
                In_Reply_To="<m1@customer.example.com>")  # fmt: skip
    elif how == "it is released":
        give_back(held.id, held.version, ANNA, world)
    else:
        forward(world, minutes=16)
        watch(world)
    back = now_of(world, held)
    assert (back.state, back.queue) == (State.QUEUED, "people")
    assert world.table.history(held.id)[-1].facts["queue"] == "people"
    assert sum(queue.normal + queue.urgent for queue in board(SAM, world)) == 1
    taken = next_in_mine(ANNA, "", world)
    assert taken
    assert taken.id == held.id


# Answers that are lost on the way


@contextmanager
def silence(cloud: Cloud, when: str) -> Iterator[None]:
    """DynamoDB is asked to write, and nobody hears whether it did: silent `before` it writes, or `after`."""

    def silent(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="http://127.0.0.1:1")

    call = f"{when}-call.dynamodb.TransactWriteItems"
    cloud.dynamodb.meta.events.register(call, silent)
    try:
        yield
    finally:
        cloud.dynamodb.meta.events.unregister(call, silent)


def test_a_note_whose_answer_was_lost_is_known_again(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    with silence(moto_cloud, "after"):
        noted = note(held.id, held.version, "once", (), ANNA, world)
    assert noted == world.table.item(held.id)
    assert [event.type for event in world.table.history(held.id)].count(EventType.NOTE_ADDED) == 1


def test_of_what_nobody_can_say_nobody_says_that_it_was_not_done(
    world: TestWorld, moto_cloud: Cloud, held: Item
) -> None:
    with silence(moto_cloud, "before"), pytest.raises(PerhapsDone):
        note(held.id, held.version, "once", (), ANNA, world)
    assert world.table.item(held.id) == held
