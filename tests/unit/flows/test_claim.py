"""Handing out work: exactly one gets it, the urgent first, the oldest soon, and bells are only bells."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from chalicelib.errors import AtCapacity, NotAllowed, Unknown, WrongState
from chalicelib.flows import claim
from chalicelib.flows.claim import next_in_mine, next_in_queue
from chalicelib.flows.presence import set_presence
from chalicelib.flows.work import finish, give_back, heartbeat
from chalicelib.item.item import Item
from chalicelib.item.state import State
from chalicelib.rights import Caller
from chalicelib.store import keys, rows
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA, BORIS, CARL, OLGA, SAM
from tests.unit.flows.scenes import Losing, by_bells, chat, claimed, deliver, items, load, ring_bells, ringing

pytestmark = pytest.mark.usefixtures("sound")

MINE = ("billing", "orders", "people", "quarantine")


def next_order(world: TestWorld, caller: Caller = ANNA, key: str = "") -> Item | None:
    return next_in_queue("orders", caller, key, world)


def ring_by_hand(world: TestWorld, cloud: Cloud, body: str, queue: str = "orders") -> None:
    cloud.sqs.send_message(QueueUrl=world.settings.work_queue_url(queue, "normal"), MessageBody=body)


# Bells


def test_a_bell_leads_to_its_item_and_is_deleted(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    ring_bells(moto_cloud, world)
    by_bells()
    taken = next_order(world)
    assert taken
    assert taken == items(moto_cloud)[0]
    assert (taken.state, taken.holder, taken.version) == (State.CLAIMED, "anna", 2)
    assert ringing(moto_cloud, world) == (0, 0)
    assert load(world, ANNA) == {"mail": 1}


def test_a_stale_bell_is_deleted_and_the_next_is_tried(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    deliver(world, 2)
    first, second = items(moto_cloud)
    ring_by_hand(world, moto_cloud, claim_bell(replace(first, ring=9)))
    ring_by_hand(world, moto_cloud, claim_bell(second))
    by_bells()
    taken = next_order(world)
    assert taken
    assert taken.id == second.id
    assert ringing(moto_cloud, world) == (0, 0)


def claim_bell(item: Item) -> str:
    return json.dumps({"item_id": item.id, "customer_id": item.customer_id, "ring": item.ring})


def test_a_doubled_bell_hands_nothing_out_twice(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    for _ in range(3):
        ring_bells(moto_cloud, world)
    by_bells()
    assert next_order(world)
    assert next_order(world, BORIS) is None
    assert ringing(moto_cloud, world) == (0, 0)


@pytest.mark.parametrize("change", [give_back, finish])
def test_an_old_bell_does_not_bring_back_what_has_moved_on(world: TestWorld, moto_cloud: Cloud, change: Any) -> None:
    deliver(world, 1)
    ring_bells(moto_cloud, world)
    held = claimed(world)  # by the index: the bell stays
    change(held.id, held.version, ANNA, world)
    assert ringing(moto_cloud, world) == (1, 0)
    by_bells()
    taken = next_order(world)
    assert ringing(moto_cloud, world) == (0, 0)
    assert (taken is not None) == (change is give_back)  # found by the index, for its new bell has not rung yet


def test_messages_notes_and_tags_do_not_spoil_a_bell(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    ring_bells(moto_cloud, world)
    deliver(world, 2, In_Reply_To="<m1@customer.example.com>", sender="c1@customer.example.com")
    (item,) = items(moto_cloud)
    assert item.version == 2
    by_bells()
    taken = next_order(world)
    assert taken
    assert taken.version == 3


@pytest.mark.parametrize(
    "body", ['{"item_id": "gone", "customer_id": "gone", "ring": 1}', "garbage", "[1]", '{"item_id": "x"}']
)
def test_a_bell_of_nothing_is_deleted(world: TestWorld, moto_cloud: Cloud, body: str) -> None:
    ring_by_hand(world, moto_cloud, body)
    by_bells()
    assert next_order(world) is None
    assert ringing(moto_cloud, world) == (0, 0)


def test_a_bell_in_a_foreign_queue_opens_no_door(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1, "#billing")
    ring_by_hand(world, moto_cloud, claim_bell(items(moto_cloud)[0]))
    by_bells()
    assert next_order(world) is None
    assert items(moto_cloud)[0].state == State.QUEUED


def test_a_bell_that_names_another_customer_writes_into_nobodys_timeline(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    deliver(world, 2, "#billing")
    first, second = items(moto_cloud)
    ring_by_hand(world, moto_cloud, claim_bell(replace(first, customer_id=second.customer_id)))
    by_bells()
    taken = next_order(world)
    assert taken
    assert [e.type for e in world.table.timeline(second.customer_id, 9, None, newest=False).entries] == [
        "message-received"
    ]
    assert len(world.table.timeline(first.customer_id, 9, None, newest=False).entries) == 2


def test_what_one_may_not_take_rings_on_for_others(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1, "Proszę #pl")
    ring_bells(moto_cloud, world)
    before = moto_cloud.rows()
    by_bells()
    assert next_order(world, BORIS) is None
    assert moto_cloud.rows() == before
    assert ringing(moto_cloud, world) == (1, 0)  # at once, not after the visibility time
    by_bells()
    assert next_order(world, ANNA)


def test_what_one_may_not_take_does_not_hide_what_he_may(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1, "Proszę #pl")
    deliver(world, 2, "Please")
    ring_bells(moto_cloud, world)
    by_bells()
    taken = next_order(world, BORIS)
    assert taken
    assert taken.language == "en"
    assert ringing(moto_cloud, world) == (1, 0)


def test_bells_one_cannot_answer_soon_give_way_to_the_index(world: TestWorld, moto_cloud: Cloud) -> None:
    for number in range(12):
        deliver(world, number, "Proszę #pl")
    deliver(world, 12, "Please")
    ring_bells(moto_cloud, world)
    by_bells()
    heard: list[str] = []
    moto_cloud.sqs.meta.events.register("before-call.sqs.ReceiveMessage", lambda **_: heard.append("bell"))
    taken = next_order(world, BORIS)
    assert taken
    assert taken.language == "en"
    assert len(heard) <= 6  # the urgent lane's silence, and five bells


# The index


def test_without_any_bell_the_index_finds_everything_oldest_first(world: TestWorld, moto_cloud: Cloud) -> None:
    for number in range(3):
        deliver(world, number)
    by_bells()
    assert [claimed(world).id for _ in range(3)] == [item.id for item in items(moto_cloud)]
    assert next_order(world) is None


def test_the_index_passes_over_languages_one_does_not_speak(world: TestWorld, moto_cloud: Cloud) -> None:
    for number, words in enumerate(("#pl", "#de", "#fr", "none")):
        deliver(world, number, words)
    by_bells()
    taken = [claimed(world, caller=BORIS).language for _ in range(2)]
    assert taken == ["fr", "en"]  # French is no language of this desk: anybody may try
    assert next_order(world, BORIS) is None


def test_a_bell_is_heard_where_the_index_is_late(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    ring_bells(moto_cloud, world)
    (item,) = items(moto_cloud)
    late = {name: value for name, value in rows.item_row(item).items() if not name.startswith("waiting_p")}
    moto_cloud.dynamodb.put_item(TableName="desk-table", Item=rows.to_wire(late))
    claim._turns.clear()  # the first claim of a process asks the index first
    assert next_order(world)


@pytest.mark.parametrize(("waiting", "processes"), [(1, 1), (2, 2)])
def test_of_n_waiting_the_oldest_is_taken_within_4n_claims(
    world: TestWorld, moto_cloud: Cloud, waiting: int, processes: int
) -> None:
    """Its bell is lost, all others ring, and more come as fast as work is done."""
    deliver(world, 0)
    oldest = items(moto_cloud)[0]
    for number in range(1, waiting):
        deliver(world, number)
    turns = [count(1) for _ in range(processes)]  # each has just asked the index
    for claims in range(4 * waiting * processes):
        deliver(world, 100 + claims)
        world.queues.send(bell for bell in bells(moto_cloud, world) if oldest.id not in bell.body)
        claim._turns[("orders",)] = turns[claims % processes]
        if claimed(world).id == oldest.id:
            break
    else:
        pytest.fail("the oldest was never offered")


def bells(cloud: Cloud, world: TestWorld) -> Iterator[Any]:
    from chalicelib.flows.ring import bell

    return (bell(item, world.settings) for item in items(cloud) if item.state == State.QUEUED)


def test_each_process_begins_with_the_oldest(world: TestWorld, moto_cloud: Cloud) -> None:
    for number in range(3):
        deliver(world, number)
    world.queues.send(list(bells(moto_cloud, world))[1:])
    assert claimed(world).id == items(moto_cloud)[0].id


# Over all queues


def test_over_all_queues_the_urgent_come_first(world: TestWorld, moto_cloud: Cloud) -> None:
    for number, words in enumerate(("order", "#other", "#billing #critical", "#order #high")):
        deliver(world, number, words)
    ring_bells(moto_cloud, world)
    by_bells(*MINE)
    taken = [next_in_mine(ANNA, "", world) for _ in range(3)]
    assert {item.queue for item in taken[:2] if item} == {"billing", "orders"}
    assert [item.lane for item in taken if item] == ["urgent", "urgent", "normal"]


def test_over_all_queues_nothing_foreign_is_taken(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1, "#billing #critical")
    deliver(world, 2, virus="FAIL")
    ring_bells(moto_cloud, world)
    assert next_in_mine(BORIS, "", world) is None
    assert next_in_mine(CARL, "", world) is None
    assert {item.state for item in items(moto_cloud)} == {State.QUEUED, State.QUARANTINED}


def test_over_all_queues_the_index_gives_the_oldest_of_all(world: TestWorld, moto_cloud: Cloud) -> None:
    for number, words in enumerate(("#other", "#billing", "order")):
        deliver(world, number, words)
    assert [item.queue for item in (next_in_mine(ANNA, "", world) for _ in range(3)) if item] == [
        "people", "billing", "orders",
    ]  # fmt: skip
    assert next_in_mine(ANNA, "", world) is None


# Who


def test_who_may_ask_which_queue(world: TestWorld) -> None:
    with pytest.raises(Unknown):
        next_in_queue("nowhere", ANNA, "", world)
    for queue, caller in (("billing", BORIS), ("billing", CARL), ("quarantine", BORIS)):
        with pytest.raises(NotAllowed):
            next_in_queue(queue, caller, "", world)
    for caller in (SAM, OLGA, Caller("eve", frozenset({"agent"}))):
        with pytest.raises(NotAllowed):
            next_in_queue("orders", caller, "", world)
        with pytest.raises(NotAllowed):
            next_in_mine(caller, "", world)


def test_who_holds_as_much_as_he_may_gets_no_more(world: TestWorld, moto_cloud: Cloud) -> None:
    chat(world, "d1", "One")
    chat(world, "d2", "Two", conversation="c2")
    ring_bells(moto_cloud, world)
    by_bells()
    held = claimed(world, caller=CARL)
    before = moto_cloud.rows()
    with pytest.raises(AtCapacity):
        next_order(world, CARL)
    assert moto_cloud.rows() == before
    assert ringing(moto_cloud, world) == (1, 0)
    finish(held.id, held.version, CARL, world)
    assert load(world, CARL) == {}
    by_bells()
    assert next_order(world, CARL)


def test_chats_take_no_room_from_mails(world: TestWorld) -> None:
    chat(world, "d1", "One")
    claimed(world, caller=CARL)
    deliver(world, 1)
    deliver(world, 2)
    assert [claimed(world, caller=CARL).channel for _ in range(2)] == ["mail", "mail"]
    deliver(world, 3)
    with pytest.raises(AtCapacity):
        next_order(world, CARL)


def test_who_is_full_in_one_channel_is_given_what_waits_in_the_other(world: TestWorld, moto_cloud: Cloud) -> None:
    chat(world, "d1", "One")
    claimed(world, caller=CARL)
    chat(world, "d2", "Two", conversation="c2", visitor="v2")
    deliver(world, 1)
    ring_bells(moto_cloud, world)
    by_bells()
    assert claimed(world, caller=CARL).channel == "mail"
    assert ringing(moto_cloud, world)[1] == 0  # the chat's bell rings on, for others


def test_who_is_away_gets_nothing_until_he_is_back(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    set_presence("anna", "away", ANNA, world)
    with pytest.raises(AtCapacity):
        next_order(world)
    assert items(moto_cloud)[0].state == State.QUEUED
    set_presence("anna", "present", ANNA, world)
    assert next_order(world)


# Again


def test_the_same_request_again_gets_the_same_answer(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    deliver(world, 2)
    first = claimed(world, key="k1")
    before = moto_cloud.rows()
    assert claimed(world, key="k1") == first
    assert next_in_mine(ANNA, "k1", world) == first
    assert moto_cloud.rows() == before
    assert claimed(world, key="k2").id != first.id


def test_a_key_belongs_to_one_agent(world: TestWorld) -> None:
    deliver(world, 1)
    deliver(world, 2)
    first, second = claimed(world, key="k1"), claimed(world, caller=BORIS, key="k1")
    assert first.id != second.id


def test_a_claim_that_has_ended_is_not_given_again(world: TestWorld) -> None:
    deliver(world, 1)
    held = claimed(world, key="k1")
    assert held.claim_token
    heartbeat(held.id, held.claim_token, ANNA, world)
    assert claimed(world, key="k1").claim_token == held.claim_token
    give_back(held.id, held.version, ANNA, world)
    with pytest.raises(WrongState):
        next_order(world, key="k1")


def test_the_same_request_twice_at_once_gets_one_answer(world: TestWorld, moto_cloud: Cloud) -> None:
    """Both asked before either was answered: the second loses by the answer's row."""
    deliver(world, 1)
    deliver(world, 2)
    ring_bells(moto_cloud, world)
    first = claimed(world, key="k1")
    by_bells()
    assert claimed(world, key="k1") == first
    assert [item.state for item in items(moto_cloud)] == [State.CLAIMED, State.QUEUED]
    assert ringing(moto_cloud, world)[1] == 0  # what it heard meanwhile rings on


# Races


@pytest.mark.parametrize("times", [1, 2])
def test_who_loses_a_race_looks_again(world: TestWorld, times: int) -> None:
    deliver(world, 1)
    vars(world)["table"] = Losing(world, times)
    assert next_order(world)


def test_who_loses_for_ever_leaves_the_bell_to_others(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    ring_bells(moto_cloud, world)
    table, vars(world)["table"] = world.table, Losing(world, 99)
    by_bells()
    assert next_order(world) is None
    assert ringing(moto_cloud, world) == (1, 0)
    vars(world)["table"] = table
    assert next_order(world)


# Cost


@contextmanager
def counted(cloud: Cloud) -> Iterator[list[str]]:
    """Names of the AWS calls made within."""
    called: list[str] = []

    def note(model: Any, **_: Any) -> None:
        called.append(model.name)

    services = (cloud.dynamodb, cloud.sqs)
    for client in services:
        client.meta.events.register("before-call", note)
    try:
        yield called
    finally:
        for client in services:
            client.meta.events.unregister("before-call", note)


@pytest.mark.parametrize("stale", [0, 2])
def test_a_claim_costs_four_calls_and_three_for_a_stale_bell(world: TestWorld, moto_cloud: Cloud, stale: int) -> None:
    deliver(world, 1)
    for _ in range(stale):
        ring_by_hand(world, moto_cloud, '{"item_id": "gone", "customer_id": "gone", "ring": 1}')
    ring_bells(moto_cloud, world)
    by_bells()
    with counted(moto_cloud) as called:
        assert next_order(world)
    assert called.count("TransactWriteItems") == 1
    assert len(called) <= 4 + 1 + 3 * stale  # one empty lane: the urgent one


def test_who_waits_longest_is_not_forgotten_when_given_back(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    deliver(world, 2)
    held = claimed(world)
    give_back(held.id, held.version, ANNA, world)
    by_bells()
    assert claimed(world).id == held.id


@pytest.mark.usefixtures("rows_by_hand")
def test_only_an_item_with_rows_of_its_own_is_handed_out(world: TestWorld, moto_cloud: Cloud) -> None:
    """The index may still show what is gone."""
    deliver(world, 1)
    (item,) = items(moto_cloud)
    moto_cloud.dynamodb.delete_item(TableName="desk-table", Key=rows.to_wire(keys.customer_key(item.customer_id)))
    assert next_order(world) is None
