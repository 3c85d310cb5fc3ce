"""Claiming an item by its name: what may be taken, by whom, and that asking again changes nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import AtCapacity, NotAllowed, Unknown, WrongState
from chalicelib.flows.claim import claim_named
from chalicelib.flows.work import finish, give_back, heartbeat, snooze
from chalicelib.item.item import Item
from chalicelib.item.state import State
from chalicelib.rights import Caller
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA, BORIS, CARL, OLGA, SAM
from tests.unit.flows.scenes import (
    Losing,
    Meanwhile,
    agent,
    answer,
    by_bells,
    chat,
    claimed,
    deliver,
    forward,
    items,
    last_event,
    load,
    now_of,
    present,
    ring_bells,
    ringing,
)

pytestmark = pytest.mark.usefixtures("sound")


def named(item: Item, caller: Caller, world: TestWorld, key: str = "") -> Item:
    return claim_named(item.id, caller, key, world)


@pytest.fixture
def waiting(world: TestWorld, moto_cloud: Cloud) -> Item:
    """A mail that waits in `orders`."""
    deliver(world, 1)
    return items(moto_cloud)[0]


@pytest.fixture
def offered(world: TestWorld, moto_cloud: Cloud) -> Item:
    """A chat that is offered to Carl, who alone is there."""
    present(world, CARL)
    chat(world, "d1", "Hello")
    (found,) = items(moto_cloud)
    assert found.offered_to == "carl"
    return found


def test_what_waits_is_taken_by_its_name(world: TestWorld, moto_cloud: Cloud, waiting: Item) -> None:
    taken = named(waiting, BORIS, world)
    assert items(moto_cloud) == [taken]
    assert (taken.state, taken.holder, taken.owner, taken.version) == (State.CLAIMED, "boris", "boris", 2)
    assert load(world, BORIS) == {"mail": 1}
    event = last_event(world, taken)
    assert (event.type, event.actor, event.cause) == ("item-claimed", "boris", "claim")
    heartbeat(taken.id, str(taken.claim_token), BORIS, world)


def test_its_bell_is_stale_then(world: TestWorld, moto_cloud: Cloud, waiting: Item) -> None:
    ring_bells(moto_cloud, world)
    named(waiting, BORIS, world)
    deliver(world, 2)
    by_bells()
    assert claimed(world).id != waiting.id
    assert ringing(moto_cloud, world) == (0, 0)


def test_who_holds_it_is_given_it_again_with_his_token(world: TestWorld, moto_cloud: Cloud, waiting: Item) -> None:
    taken = named(waiting, BORIS, world)
    before = moto_cloud.rows()
    assert named(waiting, BORIS, world) == taken
    assert named(waiting, BORIS, world, key="k1") == taken
    assert moto_cloud.rows() == before


def test_the_same_request_again_gets_the_same_answer(world: TestWorld, moto_cloud: Cloud, waiting: Item) -> None:
    taken = named(waiting, BORIS, world, key="k1")
    before = moto_cloud.rows()
    assert named(waiting, BORIS, world, key="k1") == taken
    assert claimed(world, caller=BORIS, key="k1") == taken
    assert moto_cloud.rows() == before


def test_the_same_request_again_after_the_claim_has_ended_is_told_so(world: TestWorld, waiting: Item) -> None:
    taken = named(waiting, BORIS, world, key="k1")
    back = give_back(taken.id, taken.version, BORIS, world)
    with pytest.raises(WrongState) as refused:
        named(waiting, BORIS, world, key="k1")
    assert refused.value.present == back
    assert named(waiting, BORIS, world, key="k2").holder == "boris"


@pytest.mark.parametrize("key", ["", "k1"])
def test_the_same_request_twice_at_once_gets_one_answer(
    world: TestWorld, moto_cloud: Cloud, waiting: Item, key: str
) -> None:
    first: list[Item] = []
    with Meanwhile(moto_cloud, lambda: first.append(named(waiting, BORIS, world, key))):
        second = named(waiting, BORIS, world, key)
    assert [second] == first
    assert second.version == 2
    assert load(world, BORIS) == {"mail": 1}


def test_of_two_who_take_it_at_once_one_gets_it(world: TestWorld, moto_cloud: Cloud, waiting: Item) -> None:
    with (
        Meanwhile(moto_cloud, lambda: named(waiting, ANNA, world)),
        pytest.raises(WrongState) as refused,
    ):
        named(waiting, BORIS, world)
    assert refused.value.present == now_of(world, waiting)
    assert now_of(world, waiting).holder == "anna"
    assert (load(world, ANNA), load(world, BORIS)) == ({"mail": 1}, {})


def test_who_loses_a_race_looks_again(world: TestWorld, waiting: Item) -> None:
    vars(world)["table"] = Losing(world, 2)
    assert named(waiting, BORIS, world).holder == "boris"


def test_what_another_holds_is_refused_and_shown(world: TestWorld, moto_cloud: Cloud, waiting: Item) -> None:
    held = named(waiting, ANNA, world)
    before = moto_cloud.rows()
    with pytest.raises(WrongState) as refused:
        named(waiting, BORIS, world)
    assert refused.value.present == held
    assert moto_cloud.rows() == before


# Offers


def test_a_claim_accepts_what_is_offered_and_counts_it_once(world: TestWorld, offered: Item) -> None:
    assert load(world, CARL) == {"chat": 1}
    taken = named(offered, CARL, world)
    assert (taken.holder, taken.offered_to, taken.offered_until, taken.asked) == ("carl", None, None, ())
    assert load(world, CARL) == {"chat": 1}  # as many as he may: the offer had reserved it


def test_what_is_offered_to_another_is_refused_until_the_offer_is_over(
    world: TestWorld, moto_cloud: Cloud, offered: Item
) -> None:
    before = moto_cloud.rows()
    with pytest.raises(WrongState) as refused:
        named(offered, BORIS, world)
    assert refused.value.present == offered
    assert "carl" in str(refused.value)
    assert moto_cloud.rows() == before
    forward(world, seconds=61)  # nobody has looked yet: the offer is over all the same
    assert named(offered, BORIS, world).holder == "boris"
    assert (load(world, CARL), load(world, BORIS)) == ({}, {"chat": 1})


# What rests


def at_rest_waiting(world: TestWorld, held: Item) -> Item:
    return answer(world, held)[1]


def at_rest_snoozed(world: TestWorld, held: Item) -> Item:
    return snooze(held.id, held.version, world.now() + timedelta(hours=1), ANNA, world)


@pytest.mark.parametrize("rest", [at_rest_waiting, at_rest_snoozed])
@pytest.mark.parametrize("caller", [ANNA, BORIS])
def test_what_rests_is_taken_up_again(
    world: TestWorld, waiting: Item, rest: Callable[[TestWorld, Item], Item], caller: Caller
) -> None:
    resting = rest(world, named(waiting, ANNA, world))
    assert (resting.pinned_to, load(world, ANNA)) == ("anna", {})
    taken = named(resting, caller, world)
    assert (taken.state, taken.holder, taken.owner) == (State.CLAIMED, caller.id, "anna")
    assert (taken.pinned_to, taken.snoozed_until) == (None, None)
    assert load(world, caller) == {"mail": 1}


def test_what_is_done_is_not_taken_up_again(world: TestWorld, moto_cloud: Cloud, waiting: Item) -> None:
    held = named(waiting, ANNA, world)
    done = finish(held.id, held.version, ANNA, world)
    before = moto_cloud.rows()
    with pytest.raises(WrongState) as refused:
        named(done, ANNA, world)
    assert refused.value.present == done
    assert moto_cloud.rows() == before


def test_what_is_set_aside_is_taken_by_who_may_look(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1, virus="FAIL")
    (item,) = items(moto_cloud)
    with pytest.raises(NotAllowed):
        named(item, BORIS, world)
    assert named(item, ANNA, world).state == State.CLAIMED


# Who


def test_who_has_no_room_is_told_and_shown_the_item(world: TestWorld, moto_cloud: Cloud) -> None:
    for number in range(3):
        deliver(world, number)
    first, second, third = items(moto_cloud)
    named(first, CARL, world)
    named(second, CARL, world)
    before = moto_cloud.rows()
    with pytest.raises(AtCapacity) as refused:
        named(third, CARL, world)
    assert refused.value.present == third
    assert moto_cloud.rows() == before


def test_who_is_away_takes_nothing_and_who_takes_is_there(world: TestWorld, moto_cloud: Cloud, waiting: Item) -> None:
    world.table.set_presence("anna", "away", world.now())
    with pytest.raises(AtCapacity):
        named(waiting, ANNA, world)
    named(waiting, BORIS, world)
    assert agent(world, "boris").presence == "present"


@pytest.mark.parametrize("caller", [SAM, OLGA, Caller("eve", frozenset({"agent"})), Caller("anna", frozenset())])
def test_only_agents_of_this_desk_take_work(world: TestWorld, moto_cloud: Cloud, waiting: Item, caller: Caller) -> None:
    before = moto_cloud.rows()
    with pytest.raises(NotAllowed):
        named(waiting, caller, world)
    assert moto_cloud.rows() == before


@pytest.mark.parametrize(("words", "caller"), [("#billing", BORIS), ("#billing", CARL), ("Proszę #pl", BORIS)])
def test_queue_skill_and_language_count_by_name_too(
    world: TestWorld, moto_cloud: Cloud, words: str, caller: Caller
) -> None:
    deliver(world, 1, words)
    (item,) = items(moto_cloud)
    with pytest.raises(NotAllowed):
        named(item, caller, world)
    assert named(item, ANNA, world).holder == "anna"


def test_what_one_may_not_see_is_not_shown_by_a_refusal(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1, "#billing")
    held: Any = named(items(moto_cloud)[0], ANNA, world)
    with pytest.raises(NotAllowed):
        named(held, BORIS, world)


def test_what_is_not_there_is_unknown(world: TestWorld) -> None:
    with pytest.raises(Unknown):
        claim_named("nothing", ANNA, "", world)
