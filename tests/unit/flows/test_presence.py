"""Who is there: who goes gives back what he has, and the watch finishes what was cut short."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import AtCapacity, NotAllowed, Unknown
from chalicelib.flows import presence
from chalicelib.flows.claim import claim_named
from chalicelib.flows.presence import set_presence
from chalicelib.flows.watch import watch
from chalicelib.flows.work import finish, snooze
from chalicelib.item.item import AgentId, Item
from chalicelib.item.offer import AgentNow
from chalicelib.item.state import State
from chalicelib.rights import Caller
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA, BORIS, CARL, OLGA, SAM
from tests.unit.flows.scenes import (
    Meanwhile,
    agent,
    answer,
    chat,
    claimed,
    deliver,
    forward,
    items,
    last_event,
    load,
    now_of,
    present,
)

pytestmark = pytest.mark.usefixtures("sound")

STRANGER = Caller("eve", frozenset())


@pytest.fixture
def busy(world: TestWorld, moto_cloud: Cloud) -> list[Item]:
    """Anna holds a mail and a chat, is offered a chat, and has one mail wait for its customer."""
    deliver(world, 1)
    waiting = answer(world, claimed(world))[1]
    deliver(world, 2)
    held = claimed(world)
    for number in (1, 2):
        chat(world, f"d{number}", "Hello", conversation=f"c{number}", visitor=f"v{number}")
    talking, offered = items(moto_cloud)[2:]
    claim_named(talking.id, ANNA, "", world)
    assert offered.offered_to == "anna"
    return [waiting, held, now_of(world, talking), offered]


def test_who_goes_gives_back_what_he_holds_and_is_offered(world: TestWorld, busy: list[Item]) -> None:
    waiting, held, talking, offered = busy
    present(world, CARL)
    assert set_presence("anna", "away", ANNA, world) == AgentNow(AgentId("anna"), "away", {"mail": 0, "chat": 0})
    assert now_of(world, waiting) == waiting  # the customer's answer asks for her, or her deputy, when it comes
    for item in (held, talking, offered):
        back = now_of(world, item)
        assert (back.state, back.holder, back.asked) == (State.QUEUED, None, ("anna",))
        event = last_event(world, item)
        assert (event.actor, event.cause) == ("sortownia", "absence")
        assert event.type == ("offer-declined" if item == offered else "item-released")
    assert {now_of(world, item).offered_to for item in (talking, offered)} == {"carl", None}  # he has room for one
    assert load(world, CARL) == {"chat": 1}


def test_who_comes_back_gets_nothing_back_by_itself(world: TestWorld, busy: list[Item]) -> None:
    set_presence("anna", "away", ANNA, world)
    now = set_presence("anna", "present", ANNA, world)
    assert now == AgentNow(AgentId("anna"), "present", {"mail": 0, "chat": 0})
    assert now_of(world, busy[1]).holder is None


def test_to_say_it_twice_changes_nothing_more(world: TestWorld, moto_cloud: Cloud, busy: list[Item]) -> None:
    set_presence("anna", "away", ANNA, world)
    before = items(moto_cloud)
    set_presence("anna", "away", SAM, world)
    assert items(moto_cloud) == before
    assert set_presence("boris", "present", BORIS, world).held == {"mail": 0, "chat": 0}


def test_who_goes_in_the_middle_of_a_claim_does_not_get_it(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    (item,) = items(moto_cloud)
    with (
        Meanwhile(moto_cloud, lambda: set_presence("anna", "away", ANNA, world)),
        pytest.raises(AtCapacity),
    ):
        claim_named(item.id, ANNA, "", world)
    assert now_of(world, item).state == State.QUEUED


@pytest.mark.parametrize("act", [finish, "takes"])
def test_what_has_left_his_hands_meanwhile_is_left_alone(world: TestWorld, moto_cloud: Cloud, act: Any) -> None:
    if act == "takes":
        present(world, CARL)
        chat(world, "d1", "Hello")
        (item,) = items(moto_cloud)
        forward(world, seconds=61)  # the offer is over, and Anna takes it while he goes
        happens, caller = (lambda: claim_named(item.id, ANNA, "", world)), CARL
    else:
        deliver(world, 1)
        item = claimed(world)
        happens, caller = (lambda: act(item.id, item.version, SAM, world)), ANNA
    with Meanwhile(moto_cloud, happens):
        set_presence(caller.id, "away", caller, world)
    now = now_of(world, item)
    assert (now.state, now.holder) == ((State.CLAIMED, "anna") if act == "takes" else (State.RESOLVED, None))
    assert load(world, caller) == {}


# Cut short


@pytest.fixture
def cut_short(world: TestWorld) -> Item:
    """Anna is away, and the process that should give back the mail she holds has died before it did."""
    deliver(world, 1)
    held = claimed(world)
    world.table.set_presence("anna", "away", world.now())
    return held


def test_the_watch_finishes_what_was_cut_short(world: TestWorld, cut_short: Item) -> None:
    assert watch(world) == {}
    forward(world, seconds=61)
    assert watch(world) == {"absent agent's items given back": 1}
    assert load(world, ANNA) == {}
    assert now_of(world, cut_short).state == State.QUEUED
    assert watch(world) == {"nothing to do": 1}  # in case the index was late: it looks until it finds nothing
    assert watch(world) == {}
    assert agent(world, "anna").presence == "away"


def test_who_is_back_before_the_watch_looks_keeps_what_he_has(world: TestWorld, cut_short: Item) -> None:
    set_presence("anna", "present", ANNA, world)
    forward(world, seconds=61)
    assert watch(world) == {}
    assert now_of(world, cut_short) == cut_short


def test_who_is_set_away_anew_while_the_watch_looks_is_looked_after_again(world: TestWorld, moto_cloud: Cloud) -> None:
    set_presence("anna", "away", ANNA, world)
    forward(world, seconds=61)
    again: list[str] = []

    def anew(**_: Any) -> None:
        if not again:
            again.append("away")
            set_presence("anna", "away", ANNA, world)

    events = moto_cloud.dynamodb.meta.events
    events.register("before-call.dynamodb.UpdateItem", anew)
    try:
        assert watch(world) == {"nothing to do": 1}
    finally:
        events.unregister("before-call.dynamodb.UpdateItem", anew)
    assert watch(world) == {}
    forward(world, seconds=61)
    assert watch(world) == {"nothing to do": 1}
    assert watch(world) == {}


# Who may say and ask


@pytest.mark.parametrize("caller", [BORIS, OLGA, STRANGER, Caller("anna", frozenset({"observer"}))])
def test_only_he_himself_or_a_supervisor_says_where_he_is(
    world: TestWorld, moto_cloud: Cloud, busy: list[Item], caller: Caller
) -> None:
    before = moto_cloud.rows()
    with pytest.raises(NotAllowed):
        set_presence("anna", "away", caller, world)
    assert moto_cloud.rows() == before
    assert set_presence("anna", "away", SAM, world).presence == "away"


def test_nobody_is_there_who_does_not_work_here(world: TestWorld) -> None:
    for call in (
        lambda: set_presence("nobody", "present", SAM, world),
        lambda: presence.agent("nobody", SAM, world),
        lambda: set_presence("eve", "present", Caller("eve", frozenset({"agent"})), world),
    ):
        with pytest.raises(Unknown):
            call()


def test_whoever_works_here_sees_who_is_there(world: TestWorld, busy: list[Item]) -> None:
    snooze(busy[1].id, busy[1].version, world.now() + timedelta(hours=1), ANNA, world)
    for caller in (ANNA, BORIS, SAM, OLGA):
        assert presence.agent("anna", caller, world) == AgentNow(AgentId("anna"), "present", {"mail": 0, "chat": 2})
    assert presence.agent("boris", OLGA, world).presence == "unknown"
    for caller in (STRANGER, Caller("eve", frozenset({"agent"}))):
        with pytest.raises(NotAllowed):
            presence.agent("anna", caller, world)
