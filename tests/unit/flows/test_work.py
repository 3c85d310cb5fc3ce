"""What the holder does with an item, what others may not, and what a stale version gets."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import Conflict, LostRace, NotAllowed, StaleItem, Unknown, WrongState
from chalicelib.flows.work import finish, give_back, heartbeat
from chalicelib.item.item import Item
from chalicelib.item.state import State
from chalicelib.rights import Caller
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA, BORIS, CARL, OLGA, SAM
from tests.unit.flows.scenes import claimed, deliver, items
from tests.unit.flows.test_claim import Losing

Act = Callable[[str, int, Caller, TestWorld], Item]
BOTH = pytest.mark.parametrize("act", [give_back, finish])
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
    assert world.table.agent("anna")["load_mail"] == 0


def test_resolve_ends_the_matter(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    done = finish(held.id, held.version, ANNA, world)
    assert items(moto_cloud) == [done]
    assert (done.state, done.holder, done.owner, done.version) == (State.RESOLVED, None, "anna", 3)
    assert world.table.agent("anna")["load_mail"] == 0


@BOTH
def test_each_step_is_one_event_of_the_one_who_did_it(world: TestWorld, held: Item, act: Act) -> None:
    act(held.id, held.version, SAM, world)
    history = world.table.history(held.id)
    assert [event.version for event in history] == [1, 2, 3]
    assert [event.seq for event in history] == [1, 2, 3]
    assert (history[2].actor, history[2].facts["holder"]) == ("sam", "anna")
    assert history[2].previous == history[1].hash


@BOTH
@pytest.mark.parametrize("version", [1, 3])
def test_a_stale_version_changes_nothing_and_shows_the_present(
    world: TestWorld, moto_cloud: Cloud, held: Item, act: Act, version: int
) -> None:
    before = moto_cloud.rows()
    with pytest.raises(StaleItem) as refused:
        act(held.id, version, ANNA, world)
    assert refused.value.present == held
    assert moto_cloud.rows() == before


@BOTH
@pytest.mark.parametrize("caller", [BORIS, CARL, OLGA, STRANGER])
def test_who_does_not_hold_it_may_not(
    world: TestWorld, moto_cloud: Cloud, held: Item, act: Act, caller: Caller
) -> None:
    before = moto_cloud.rows()
    with pytest.raises(NotAllowed):
        act(held.id, held.version, caller, world)
    assert moto_cloud.rows() == before


@BOTH
def test_a_supervisor_may(world: TestWorld, held: Item, act: Act) -> None:
    assert act(held.id, held.version, SAM, world).version == 3
    assert world.table.agent("anna")["load_mail"] == 0  # the holder's load falls, not the supervisor's
    assert world.table.agent("sam") == {}


@BOTH
def test_a_holder_whose_claim_has_ended_learns_how_the_item_is_now(world: TestWorld, held: Item, act: Act) -> None:
    """A console that slept: its version is stale, and that is what it is told."""
    give_back(held.id, held.version, SAM, world)
    taken = claimed(world, caller=BORIS)
    with pytest.raises(StaleItem) as refused:
        act(held.id, held.version, ANNA, world)
    assert refused.value.present == taken


@BOTH
def test_who_may_not_see_an_item_learns_nothing_by_a_wrong_version(world: TestWorld, act: Act) -> None:
    deliver(world, 1, "#billing")
    held = claimed(world, "billing")
    for caller in (BORIS, STRANGER):
        with pytest.raises(NotAllowed):
            act(held.id, 1, caller, world)
        with pytest.raises(NotAllowed):
            heartbeat(held.id, "guessed", caller, world)


@BOTH
def test_what_nobody_holds_cannot_be_given_back_or_ended(world: TestWorld, moto_cloud: Cloud, act: Act) -> None:
    deliver(world, 1)
    (item,) = items(moto_cloud)
    with pytest.raises(WrongState) as refused:
        act(item.id, item.version, SAM, world)
    assert refused.value.present == item
    with pytest.raises(NotAllowed):
        act(item.id, item.version, ANNA, world)


@BOTH
def test_an_item_that_is_not_there_is_unknown(world: TestWorld, act: Act) -> None:
    with pytest.raises(Unknown):
        act("nothing", 1, SAM, world)


@BOTH
def test_the_same_step_again_is_a_stale_version(world: TestWorld, moto_cloud: Cloud, held: Item, act: Act) -> None:
    act(held.id, held.version, SAM, world)
    before = moto_cloud.rows()
    with pytest.raises(Conflict):
        act(held.id, held.version, SAM, world)
    assert moto_cloud.rows() == before


@BOTH
def test_who_loses_a_race_decides_again(world: TestWorld, held: Item, act: Act) -> None:
    vars(world)["table"] = Losing(world, 2)
    assert act(held.id, held.version, ANNA, world).version == 3


# Signs of life


def test_a_sign_of_life_prolongs_the_lease_and_nothing_else(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    assert held.claim_token
    assert held.lease_until
    before = {row["pk"]["S"]: row for row in moto_cloud.rows() if row["sk"]["S"] == "ITEM"}
    world.clock.forward(minutes=10)  # type: ignore[union-attr]
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


def test_a_sign_of_life_that_comes_too_late_is_refused_by_the_table(world: TestWorld, held: Item) -> None:
    """The claim ends between reading and writing."""
    table = world.table

    class Moving:
        def __getattr__(self, name: str) -> Any:
            return getattr(table, name)

        def prolong(self, item: Item, token: str, until: Any) -> None:
            vars(world)["table"] = table
            give_back(item.id, item.version, ANNA, world)
            table.prolong(item, token, until)

    vars(world)["table"] = Moving()
    assert held.claim_token
    with pytest.raises(StaleItem) as refused:
        heartbeat(held.id, held.claim_token, ANNA, world)
    assert refused.value.present.state == State.QUEUED


def test_a_step_based_on_an_older_lease_decides_again(world: TestWorld, moto_cloud: Cloud, held: Item) -> None:
    """A heartbeat raises no version, and is still not undone by a customer's message decided before it."""
    table, token = world.table, held.claim_token

    class Beating:
        beats = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(table, name)

        def save(self, change: Any, at: Any) -> None:
            if not self.beats:
                self.beats = 1
                world.clock.forward(minutes=5)  # type: ignore[union-attr]
                heartbeat(held.id, str(token), ANNA, world)
            table.save(change, at)

    vars(world)["table"] = Beating()
    deliver(world, 2, In_Reply_To="<m1@customer.example.com>", sender="c1@customer.example.com")
    (now,) = items(moto_cloud)
    assert now.version == 3
    assert now.lease_until
    assert held.lease_until
    assert now.lease_until > held.lease_until


def test_losing_every_race_is_told(world: TestWorld, held: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.flows.again.time.sleep", lambda _seconds: None)
    vars(world)["table"] = Losing(world, 99)
    with pytest.raises(LostRace):
        give_back(held.id, held.version, ANNA, world)
