"""Handing over all that an agent has: foreseen, to whom may have it, and finished whatever breaks."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import Invalid, NotAllowed, Unknown
from chalicelib.flows.claim import claim_named
from chalicelib.flows.handover import Handover, hand_over
from chalicelib.flows.presence import set_presence
from chalicelib.flows.watch import watch
from chalicelib.flows.work import finish, snooze
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

ALL = Handover(agent_id="anna", to="boris", preview=False, held=2, offered=1, pinned=2, moved=5)


class Died(BaseException):
    """The process ends here."""


@pytest.fixture
def busy(world: TestWorld, moto_cloud: Cloud) -> list[Item]:
    """What Anna has: a mail and a chat she holds, a chat on offer, a mail that waits, one put off."""
    for number in range(3):
        deliver(world, number)
    first, second, third = (claimed(world) for _ in range(3))
    waiting = answer(world, second)[1]
    snoozed = snooze(third.id, third.version, world.now() + timedelta(days=9), ANNA, world)
    for number in (1, 2):
        chat(world, f"d{number}", "Hello", conversation=f"c{number}", visitor=f"v{number}")
    talking, offered = items(moto_cloud)[3:]
    claim_named(talking.id, ANNA, "", world)
    assert offered.offered_to == "anna"
    return [first, now_of(world, talking), offered, waiting, snoozed]


def now(world: TestWorld, found: list[Item]) -> list[Item]:
    return [now_of(world, item) for item in found]


def test_a_preview_tells_what_would_become_of_it_and_changes_nothing(
    world: TestWorld, moto_cloud: Cloud, busy: list[Item]
) -> None:
    present(world, BORIS)
    before = moto_cloud.rows()
    there = Handover(agent_id="anna", to="boris", preview=True, held=2, offered=1, pinned=2, moved=5)
    assert hand_over("anna", "boris", True, SAM, world) == there
    to_all = Handover(agent_id="anna", to=None, preview=True, held=2, offered=1, pinned=2, to_queue=5)
    assert hand_over("anna", None, True, ANNA, world) == to_all
    assert moto_cloud.rows() == before


@pytest.mark.parametrize("who", ["away", "full"])
def test_a_preview_foresees_who_is_away_or_full(world: TestWorld, who: str) -> None:
    for number in range(4):
        deliver(world, number)
        claimed(world)
    present(world, CARL)  # he has room for two
    if who == "away":
        set_presence("carl", "away", CARL, world)
    foreseen, done = (hand_over("anna", "carl", preview, SAM, world) for preview in (True, False))
    assert (foreseen.moved, foreseen.to_queue) == (done.moved, done.to_queue) == ((0, 4) if who == "away" else (2, 2))


def test_another_agent_gets_all_of_it(world: TestWorld, busy: list[Item]) -> None:
    present(world, BORIS)
    assert hand_over("anna", "boris", False, SAM, world) == ALL
    held, talking, offered, waiting, snoozed = now(world, busy)
    for item in (held, talking, offered):
        assert (item.state, item.holder, item.offered_to) == (State.CLAIMED, "boris", None)
        assert item.lease_until
        assert item.lease_until > world.now()
    for item, before in ((waiting, busy[3]), (snoozed, busy[4])):
        assert (item.state, item.holder, item.pinned_to) == (before.state, None, "boris")
        assert (item.snoozed_until, item.owner) == (before.snoozed_until, "anna")
    assert (load(world, ANNA), load(world, BORIS)) == ({}, {"mail": 1, "chat": 2})
    assert agent(world, "anna").presence == "away"
    for item in busy:
        event = last_event(world, item)
        assert (event.type, event.actor, event.cause) == ("item-reassigned", "sam", "handover")
        assert now_of(world, item).hand_offs == 1


def test_the_queues_get_all_of_it(world: TestWorld, busy: list[Item]) -> None:
    done = hand_over("anna", None, False, ANNA, world)
    assert done == Handover(agent_id="anna", to=None, preview=False, held=2, offered=1, pinned=2, to_queue=5)
    held, talking, offered, waiting, snoozed = now(world, busy)
    assert {item.state for item in (held, talking, offered)} == {State.QUEUED}
    assert (waiting.state, snoozed.state, snoozed.snoozed_until) == (
        State.WAITING, State.SNOOZED, busy[4].snoozed_until,
    )  # fmt: skip
    assert {item.hands for item in (held, talking, offered, waiting, snoozed)} == {None}
    assert [item.waiting_since for item in (held, offered)] == [busy[0].waiting_since, busy[2].waiting_since]
    assert load(world, ANNA) == {}
    deliver(world, 9, In_Reply_To="<m1@customer.example.com>", sender="c1@customer.example.com")
    assert now_of(world, waiting).offered_to is None


def test_chats_that_go_back_are_offered_to_who_is_there(world: TestWorld, busy: list[Item]) -> None:
    present(world, BORIS)
    hand_over("anna", None, False, ANNA, world)
    assert [item.offered_to for item in now(world, busy)] == [None, "boris", "boris", None, None]
    assert load(world, BORIS) == {"chat": 2}


def test_what_he_may_not_hold_goes_back_to_its_queue(world: TestWorld, moto_cloud: Cloud) -> None:
    """Boris speaks no Polish, takes no bills and does not look at what was set aside."""
    texts = ("Please", "#pl", "#billing")
    for number, text in enumerate(texts):
        deliver(world, number, text)
    deliver(world, 3, virus="FAIL")
    for item in items(moto_cloud):
        claim_named(item.id, ANNA, "", world)
    present(world, BORIS)
    foreseen = hand_over("anna", "boris", True, SAM, world)
    done = hand_over("anna", "boris", False, SAM, world)
    assert (done.held, done.moved, done.to_queue, done.left) == (4, 1, 3, 0)
    assert (foreseen.moved, foreseen.to_queue) == (1, 3)
    assert [(item.state, item.queue, item.holder) for item in items(moto_cloud)] == [
        (State.CLAIMED, "orders", "boris"),
        (State.QUEUED, "orders", None),
        (State.QUEUED, "billing", None),
        (State.QUARANTINED, "quarantine", None),
    ]


def test_what_he_has_no_room_for_goes_back_to_its_queue(world: TestWorld, busy: list[Item]) -> None:
    present(world, CARL)
    done = hand_over("anna", "carl", False, SAM, world)
    assert (done.moved, done.to_queue) == (4, 1)  # of two chats he has room for one
    assert load(world, CARL) == {"mail": 1, "chat": 1}
    chats = now(world, busy)[1:3]
    assert sorted((item.state, item.holder or "") for item in chats) == [("claimed", "carl"), ("queued", "")]


@pytest.mark.parametrize("presence", ["away", "unknown"])
def test_who_is_not_there_gets_only_what_rests(world: TestWorld, busy: list[Item], presence: str) -> None:
    if presence == "away":
        set_presence("boris", "away", BORIS, world)
    done = hand_over("anna", "boris", False, SAM, world)
    assert (done.moved, done.to_queue) == (2, 3)
    assert [item.pinned_to for item in now(world, busy)] == [None, None, None, "boris", "boris"]
    assert load(world, BORIS) == {}


def test_asked_again_it_moves_nothing_again(world: TestWorld, moto_cloud: Cloud, busy: list[Item]) -> None:
    present(world, BORIS)
    hand_over("anna", "boris", False, SAM, world)
    before = items(moto_cloud)
    again = hand_over("anna", "boris", False, SAM, world)
    assert again == Handover(agent_id="anna", to="boris", preview=False)
    assert items(moto_cloud) == before


def test_what_is_done_or_taken_meanwhile_is_left_alone(world: TestWorld, moto_cloud: Cloud, busy: list[Item]) -> None:
    present(world, BORIS)
    held, *_, waiting, _snoozed = busy

    def meanwhile() -> None:
        finish(held.id, held.version, ANNA, world)
        claim_named(waiting.id, CARL, "", world)

    with Meanwhile(moto_cloud, meanwhile):
        done = hand_over("anna", "boris", False, SAM, world)
    assert (now_of(world, held).state, now_of(world, waiting).holder) == (State.RESOLVED, "carl")
    assert done.moved == 3


def test_who_loses_races_moves_each_once(world: TestWorld, busy: list[Item]) -> None:
    present(world, BORIS)
    vars(world)["table"] = Losing(world, 3)
    assert hand_over("anna", "boris", False, SAM, world) == ALL
    assert {item.hand_offs for item in now(world, busy)} == {1}


# Cut short


@pytest.fixture
def mails(world: TestWorld) -> list[Item]:
    """What Anna has, and none of it ends within minutes: a mail she holds, two that wait for their customers."""
    for number in range(3):
        deliver(world, number)
    held = [claimed(world) for _ in range(3)]
    return [held[0], *(answer(world, item)[1] for item in held[1:])]


def test_one_request_moves_what_it_can_and_the_watch_the_rest(
    world: TestWorld, moto_cloud: Cloud, mails: list[Item]
) -> None:
    present(world, BORIS)
    with Meanwhile(moto_cloud, lambda: forward(world, seconds=21)):  # the first item takes all its time
        done = hand_over("anna", "boris", False, SAM, world)
    assert (done.moved, done.left) == (1, 2)
    assert watch(world) == {}
    forward(world, seconds=61)
    assert watch(world) == {"handed over": 1}
    assert [item.hands for item in now(world, mails)] == ["boris"] * 3
    assert last_event(world, mails[-1]).actor == "sortownia"
    assert watch(world) == {"handover complete": 1}
    assert watch(world) == {}
    assert (agent(world, "anna").presence, agent(world, "anna").hands_to) == ("away", None)


def test_a_handover_lets_nothing_wait_that_was_promised_for_now(world: TestWorld, mails: list[Item]) -> None:
    resting = []
    for number in range(10, 18):
        deliver(world, number)
        held = claimed(world, caller=BORIS)
        resting.append(snooze(held.id, held.version, world.now() + timedelta(minutes=1), BORIS, world))
    world.table.set_presence("anna", "away", world.now(), "")
    forward(world, seconds=90)
    assert watch(world) == {"handed over": 1, "woken": 8}
    woken = [world.table.history(item.id)[-1].at for item in resting]
    assert max(woken) < min(last.changed_at for last in now(world, mails))


@pytest.mark.parametrize("to", ["boris", None])
@pytest.mark.parametrize("dies_at", [1, 2, 3, 4])
def test_a_process_that_dies_leaves_the_rest_to_the_watch(
    world: TestWorld, moto_cloud: Cloud, mails: list[Item], to: str | None, dies_at: int
) -> None:
    present(world, BORIS)
    calls: list[int] = []

    def die(**_: Any) -> None:
        calls.append(1)
        if len(calls) == dies_at:
            raise Died

    events = moto_cloud.dynamodb.meta.events
    for call in ("TransactWriteItems", "UpdateItem"):
        events.register(f"before-call.dynamodb.{call}", die)
    try:
        with pytest.raises(Died):
            hand_over("anna", to, False, SAM, world)
    finally:
        for call in ("TransactWriteItems", "UpdateItem"):
            events.unregister(f"before-call.dynamodb.{call}", die)
    if dies_at == 1:  # before the first word of it: nothing has happened
        assert agent(world, "anna").presence == "present"
        return
    forward(world, seconds=61)
    assert watch(world) == {"handed over": 1}
    assert {item.hands for item in now(world, mails)} == {to}
    assert {item.hand_offs for item in now(world, mails)} == {1}
    assert load(world, ANNA) == {}
    assert watch(world) == {"handover complete": 1}
    assert agent(world, "anna").hands_to is None


def test_a_chat_that_lapses_meanwhile_sends_nothing_elsewhere(
    world: TestWorld, moto_cloud: Cloud, busy: list[Item]
) -> None:
    """The offer of an agent whose matters are handed over ends: what he holds is still for whom it was meant."""
    present(world, BORIS)
    world.table.set_presence("anna", "away", world.now(), hands_to="boris")  # and then the process died
    forward(world, seconds=61)
    for _ in range(2):
        watch(world)
        forward(world, seconds=31)
    held, _talking, offered, waiting, snoozed = now(world, busy)
    assert (held.holder, waiting.pinned_to, snoozed.pinned_to) == ("boris", "boris", "boris")
    assert offered.offered_to in {"boris", None}
    assert load(world, ANNA) == {}
    for _ in range(2):
        forward(world, seconds=61)
        watch(world)
    assert agent(world, "anna").hands_to is None


def test_who_is_back_keeps_what_was_not_moved_yet(world: TestWorld, moto_cloud: Cloud, busy: list[Item]) -> None:
    with Meanwhile(moto_cloud, lambda: forward(world, seconds=21)):
        hand_over("anna", None, False, SAM, world)
    set_presence("anna", "present", ANNA, world)
    forward(world, seconds=61)
    watch(world)
    assert {item.hands for item in now(world, busy[3:])} == {"anna"}


def test_another_answer_by_the_same_agent_goes_to_the_new_one(world: TestWorld, busy: list[Item]) -> None:
    """He that is asked anew to hand over to somebody else has the rest go there."""
    present(world, BORIS, CARL)
    hand_over("anna", "boris", False, SAM, world)
    done = hand_over("boris", "carl", False, SAM, world)
    assert (done.held, done.pinned) == (3, 2)
    assert {item.pinned_to for item in now(world, busy[3:])} == {"carl"}


def test_two_who_hand_over_to_each_other_end_in_the_queues(
    world: TestWorld, moto_cloud: Cloud, mails: list[Item]
) -> None:
    for agent_id, to in (("anna", "boris"), ("boris", "anna")):  # both requests died before the first item
        world.table.set_presence(agent_id, "away", world.now(), hands_to=to)
    for _ in range(2):
        forward(world, seconds=61)
        watch(world)
    found = now(world, mails)
    assert {item.hand_offs for item in found} == {1}
    assert {item.hands for item in found} == {None}
    assert [agent(world, name).hands_to for name in ("anna", "boris")] == [None, None]


def test_what_is_handed_to_who_hands_over_himself_goes_to_the_queues(world: TestWorld, mails: list[Item]) -> None:
    world.table.set_presence("boris", "away", world.now(), hands_to="carl")
    done = hand_over("anna", "boris", False, SAM, world)
    assert (done.to, done.moved, done.to_queue) == ("boris", 0, 3)


# Who


@pytest.mark.parametrize("preview", [True, False])
def test_only_he_himself_or_a_supervisor_hands_over(
    world: TestWorld, moto_cloud: Cloud, busy: list[Item], preview: bool
) -> None:
    before = moto_cloud.rows()
    for caller in (BORIS, OLGA, Caller("eve", frozenset({"agent"}))):
        with pytest.raises(NotAllowed):
            hand_over("anna", "boris", preview, caller, world)
    for to in ("anna", "nobody"):
        with pytest.raises(Invalid, match="to"):
            hand_over("anna", to, preview, SAM, world)
    with pytest.raises(Unknown):
        hand_over("nobody", None, preview, SAM, world)
    assert moto_cloud.rows() == before


def test_who_has_nothing_hands_over_nothing(world: TestWorld) -> None:
    assert hand_over("boris", "anna", False, BORIS, world) == Handover(agent_id="boris", to="anna", preview=False)
    assert agent(world, "boris").presence == "away"


def test_a_preview_reads_a_hundred_items_a_call(world: TestWorld, moto_cloud: Cloud) -> None:
    for number in range(30):
        deliver(world, number)
        answer(world, claimed(world))
    calls: list[str] = []

    def note(model: Any, **_: Any) -> None:
        calls.append(model.name)

    moto_cloud.dynamodb.meta.events.register("before-call.dynamodb", note)
    plan = hand_over("anna", None, True, SAM, world)
    moto_cloud.dynamodb.meta.events.unregister("before-call.dynamodb", note)
    assert plan.pinned == 30
    assert len(calls) <= 4, len(calls)
