"""What becomes urgent after its first message, and stays so."""

from datetime import timedelta

import pytest

from chalicelib import policy
from chalicelib.flows.claim import claim_named
from chalicelib.flows.watch import watch
from chalicelib.flows.work import finish, give_back, reassign, tag
from chalicelib.item.item import Item
from chalicelib.item.passing import Destination
from tests.cloud import Cloud, TestWorld
from tests.desk import ALL_PROMISED, ANNA, DESK, URGENT_PROMISED, ruled_desk
from tests.unit.flows.scenes import chat, claimed, deliver, forward, items, now_of

pytestmark = pytest.mark.usefixtures("sound")


def danger(world: TestWorld) -> None:
    """The first customer writes again."""
    deliver(world, 2, "There is smoke! #critical", sender="c1@customer.example.com",
            In_Reply_To="<m1@customer.example.com>")  # fmt: skip


def held(world: TestWorld, cloud: Cloud) -> Item:
    (one,) = items(cloud)
    return claim_named(one.id, ANNA, "", world)


@pytest.mark.parametrize("end", ["released", "its lease ends"])
def test_what_is_said_to_who_holds_it_counts_when_it_comes_back(world: TestWorld, end: str) -> None:
    deliver(world, 1)
    held = claimed(world)
    danger(world)
    now = now_of(world, held)
    assert (now.holder, now.ring) == ("anna", held.ring)
    if end == "released":
        give_back(held.id, now.version, ANNA, world)
    else:
        forward(world, minutes=16)
        watch(world)
    back = now_of(world, held)
    assert (back.state, back.lane) == ("queued", "urgent")


def test_a_chat_is_as_urgent_as_its_last_line_when_its_agent_is_gone(world: TestWorld, moto_cloud: Cloud) -> None:
    chat(world, "d1", "hello")
    one = held(world, moto_cloud)
    chat(world, "d2", "it burns #critical")
    forward(world, minutes=3)
    watch(world)
    assert now_of(world, one).lane == "urgent"


def test_saying_the_topic_leaves_a_broken_promise_urgent(world: TestWorld, moto_cloud: Cloud) -> None:
    vars(world)["policy"] = policy.parse(DESK + ALL_PROMISED)
    deliver(world, 1)
    forward(world, hours=9)
    watch(world)
    one = held(world, moto_cloud)
    assert one.lane == "urgent"
    assert tag(one.id, one.version, "billing", None, ANNA, world).lane == "urgent"


def test_saying_the_topic_leaves_what_the_customer_said_since_urgent(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    danger(world)
    one = held(world, moto_cloud)
    assert one.lane == "urgent"
    assert tag(one.id, one.version, "billing", None, ANNA, world).lane == "urgent"
    assert tag(one.id, one.version + 1, None, "low", ANNA, world).lane == "normal"  # said, and so it is


def test_confirming_confirms_what_a_rule_said(world: TestWorld, moto_cloud: Cloud) -> None:
    vars(world)["policy"] = ruled_desk()
    deliver(world, 1, "My lawyer will write #order #low")
    one = held(world, moto_cloud)
    assert (one.lane, one.sorting and one.sorting.urgency) == ("urgent", "high")
    sure = tag(one.id, one.version, None, None, ANNA, world)
    assert (sure.lane, sure.urgency) == ("urgent", "high")


@pytest.mark.parametrize("done", [False, True])
def test_what_becomes_critical_is_promised_like_it(world: TestWorld, moto_cloud: Cloud, done: bool) -> None:
    vars(world)["policy"] = policy.parse(DESK + ALL_PROMISED)
    deliver(world, 1)
    if done:
        held = claimed(world)
        finish(held.id, held.version, ANNA, world)
    forward(world, minutes=30)
    said = world.now()
    danger(world)
    (one,) = items(moto_cloud)
    assert (one.state, one.lane) == ("queued", "urgent")
    assert one.promises
    assert one.promises.first_reply
    assert one.promises.first_reply.due_at - said < timedelta(hours=1, minutes=1)


def test_what_is_passed_to_a_queue_that_promises_is_promised(world: TestWorld) -> None:
    vars(world)["policy"] = policy.parse(DESK + URGENT_PROMISED)
    deliver(world, 1, "#other")
    held = claimed(world, "people")
    assert held.promises is None
    moved = reassign(held.id, held.version, Destination("topic", "billing"), "a bill", ANNA, world)
    assert moved.promises
    assert moved.promises.first_reply
    assert moved.promises.first_reply.due_at - moved.changed_at == timedelta(hours=8)


def test_what_people_call_critical_is_promised(world: TestWorld) -> None:
    vars(world)["policy"] = policy.parse(DESK + URGENT_PROMISED)
    deliver(world, 1)  # an order that can wait: nothing is promised
    held = claimed(world)
    assert held.promises is None
    now = tag(held.id, held.version, None, "critical", ANNA, world)
    assert now.promises
    assert now.promises.first_reply
    assert now.promises.first_reply.due_at - now.changed_at == timedelta(hours=1)
