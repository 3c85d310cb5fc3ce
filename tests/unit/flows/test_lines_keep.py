"""What a line that is drawn anew must not lose: urgency, promises, places, conversations, and what was given."""

from datetime import timedelta

import pytest

from chalicelib import policy
from chalicelib.errors import Invalid, WrongState
from chalicelib.flows import quarantine
from chalicelib.flows.claim import claim_named, next_in_mine
from chalicelib.flows.look import board
from chalicelib.flows.matters import Chosen, merge, split, unmerge
from chalicelib.flows.watch import watch
from chalicelib.flows.work import finish, give_back, reassign, snooze, tag
from chalicelib.item.item import EventType, Item
from chalicelib.item.missing import missing
from chalicelib.item.passing import Destination
from chalicelib.item.reply import Then
from chalicelib.routing.clock import Course
from tests.cloud import Cloud, TestWorld
from tests.desk import ALL_PROMISED, ANNA, ASKS, DESK, SAM, ruled_desk
from tests.unit.flows.scenes import answer, chat, claimed, deliver, forward, items, messages, now_of, ruled

pytestmark = pytest.mark.usefixtures("sound")

CUSTOMER = "c1@customer.example.com"
FIRST = "<m1@customer.example.com>"


def again(world: TestWorld, number: int, body: str, subject: str = "") -> None:
    """The first customer writes once more: about the same matter or, under another subject, another one."""
    if subject:
        deliver(world, number, body, sender=CUSTOMER, subject=subject)
    else:
        deliver(world, number, body, sender=CUSTOMER, In_Reply_To=FIRST)


def two(world: TestWorld, cloud: Cloud, body: str = "Well?") -> tuple[Item, Item]:
    """Two items of one customer; the second, which says `body`, is Anna's."""
    deliver(world, 1)
    forward(world, minutes=1)
    again(world, 2, body, "Another matter")
    first, second = items(cloud)
    return first, claim_named(second.id, ANNA, "", world)


def asking(world: TestWorld) -> None:
    """The desk asks for the number of an order."""
    desk = DESK.replace('order = "orders"', 'order = { queue = "orders", asks = ["order-number"] }')
    vars(world)["policy"] = policy.parse(desk + ASKS)


# What is said urgently after people decided the tags


@pytest.mark.parametrize("done", [False, True])
def test_what_becomes_critical_is_promised_like_it_though_people_confirmed_what_it_was(
    world: TestWorld, moto_cloud: Cloud, done: bool
) -> None:
    vars(world)["policy"] = policy.parse(DESK + ALL_PROMISED)
    deliver(world, 1)
    held = claimed(world)
    held = tag(held.id, held.version, None, None, ANNA, world)
    (finish if done else give_back)(held.id, held.version, ANNA, world)
    forward(world, minutes=30)
    said = world.now()
    again(world, 2, "There is smoke! #critical")
    now = now_of(world, held)
    assert (now.state, now.lane) == ("queued", "urgent")
    assert now.promises
    assert now.promises.first_reply
    assert now.promises.first_reply.due_at - said < timedelta(hours=1, minutes=1)


def test_what_people_call_less_urgent_is_not_promised_sooner_by_what_they_corrected(
    world: TestWorld, moto_cloud: Cloud
) -> None:
    vars(world)["policy"] = policy.parse(DESK + ALL_PROMISED)
    deliver(world, 1, "#critical")
    held = claimed(world)
    held = tag(held.id, held.version, None, "low", ANNA, world)
    again(world, 2, "thanks #low")
    assert now_of(world, held).promises == held.promises


# What is merged


def test_what_an_urgent_item_is_merged_into_is_urgent_and_promised_no_later(
    world: TestWorld, moto_cloud: Cloud
) -> None:
    vars(world)["policy"] = policy.parse(DESK + ALL_PROMISED)
    first, danger = two(world, moto_cloud, "There is smoke! #critical")
    assert danger.promises
    _, joined = merge(danger.id, danger.version, first.id, "", ANNA, world)
    assert (joined.state, joined.lane, joined.ring) == ("queued", "urgent", first.ring + 1)
    assert joined.promises
    assert joined.promises.first_reply == danger.promises.first_reply


def test_contacts_about_what_is_one_matter_are_counted_together(world: TestWorld, moto_cloud: Cloud) -> None:
    vars(world)["policy"] = ruled_desk()
    deliver(world, 1)
    forward(world, hours=2)
    again(world, 2, "Is anybody there?", "Hello")
    first, second = items(moto_cloud)
    second = claim_named(second.id, ANNA, "", world)
    merge(second.id, second.version, first.id, "", ANNA, world)
    forward(world, hours=2)
    again(world, 3, "I am waiting")
    now = now_of(world, first)
    assert now.contacts
    assert (now.contacts.times, now.lane) == (3, "urgent")


def test_what_is_to_come_back_tomorrow_is_not_merged_into_what_sleeps_for_months(
    world: TestWorld, moto_cloud: Cloud
) -> None:
    first, second = two(world, moto_cloud)
    first = claim_named(first.id, ANNA, "", world)
    first = snooze(first.id, first.version, world.now() + timedelta(days=90), ANNA, world)
    second = snooze(second.id, second.version, world.now() + timedelta(days=1), ANNA, world)
    with pytest.raises(WrongState):
        merge(second.id, second.version, first.id, "", ANNA, world)
    merge(first.id, first.version, second.id, "", ANNA, world)
    forward(world, days=1, minutes=1)
    watch(world)
    assert now_of(world, second).state == "queued"


# What is split off


def test_what_is_split_off_is_as_urgent_as_the_most_urgent_of_it(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1)
    again(world, 2, "There is smoke! #critical")
    again(world, 3, "Hurry, please")
    held = claim_named(items(moto_cloud)[0].id, ANNA, "", world)
    _, new = split(held.id, held.version, Chosen(events=messages(world, held)[1:]), ANNA, world)
    assert (new.state, new.lane) == ("queued", "urgent")


def test_what_takes_a_broken_promise_along_is_urgent(world: TestWorld, moto_cloud: Cloud) -> None:
    vars(world)["policy"] = policy.parse(DESK + ALL_PROMISED)
    deliver(world, 1)
    again(world, 2, "And the other one?")
    forward(world, hours=9)
    watch(world)
    held = claim_named(items(moto_cloud)[0].id, ANNA, "", world)
    _, new = split(held.id, held.version, Chosen(events=messages(world, held)[1:]), ANNA, world)
    assert new.promises
    assert new.promises.first_reply
    assert (new.promises.first_reply.course, new.lane) == (Course.BREACHED, "urgent")


# Conversations


def test_each_conversation_of_a_merged_item_goes_with_its_own_newest_message(
    world: TestWorld, moto_cloud: Cloud
) -> None:
    chat(world, "d1", "About the parcel", conversation="c1", visitor="v1")
    forward(world, seconds=1)
    chat(world, "d2", "About the bill", conversation="c2", visitor="v1")
    first, second = (claim_named(one.id, ANNA, "", world) for one in items(moto_cloud))
    forward(world, seconds=1)
    merge(first.id, first.version, second.id, "", ANNA, world)
    chat(world, "d3", "The bill again", conversation="c2", visitor="v1")
    both = now_of(world, second)
    bill, parcel = split(both.id, both.version, Chosen(events=messages(world, first)), ANNA, world)
    forward(world, seconds=1)
    chat(world, "d4", "The parcel again", conversation="c1", visitor="v1")
    assert (now_of(world, bill).version, now_of(world, parcel).version) == (bill.version, parcel.version + 1)
    talk = now_of(world, bill).contact
    assert talk
    assert talk.conversation == "c2"


# First replies


def test_who_has_been_answered_is_promised_no_first_reply(world: TestWorld) -> None:
    vars(world)["policy"] = policy.parse(DESK + ALL_PROMISED)
    deliver(world, 1, "#other")
    held = claimed(world, "people")
    _, held = answer(world, held, then=Then.KEEP)
    moved = reassign(held.id, held.version, Destination("topic", "billing"), "a bill", ANNA, world)
    forward(world, hours=9)
    watch(world)
    assert EventType.PROMISE_BREACHED not in [event.type for event in world.table.history(moved.id)]
    assert now_of(world, moved).lane == "normal"


# Queues the desk has lost


def test_what_waits_in_a_queue_the_desk_has_lost_comes_to_people(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1, "#billing")
    of_bills = '[queues.billing]\nmembers = ["anna", "carl"]\nskills = ["money"]\n'
    ruled(world, ('billing = "billing"', 'billing = "people"'), (of_bills, ""))
    forward(world, hours=2)
    watch(world)
    (one,) = items(moto_cloud)
    assert (one.queue, one.waiting_since) == ("people", one.created_at)
    assert sum(queue.normal for queue in board(SAM, world)) == 1
    taken = next_in_mine(ANNA, "", world)
    assert taken
    assert taken.id == one.id


# What messages gave


def test_what_a_message_gave_goes_with_it_when_a_merge_is_taken_back(world: TestWorld, moto_cloud: Cloud) -> None:
    asking(world)
    first, second = two(world, moto_cloud, "I mean A-12345")
    merged, joined = merge(second.id, second.version, first.id, "", ANNA, world)
    assert missing(joined, world.policy) == ()
    alone, parted = unmerge(merged.id, merged.version, "", ANNA, world)
    assert missing(alone, world.policy) == ()
    assert missing(parted, world.policy) == ("order-number",)


def test_what_a_message_gave_goes_with_it_when_it_is_split_off(world: TestWorld, moto_cloud: Cloud) -> None:
    asking(world)
    deliver(world, 1)
    again(world, 2, "The other one is A-12345")
    held = claim_named(items(moto_cloud)[0].id, ANNA, "", world)
    old, new = split(held.id, held.version, Chosen(events=messages(world, held)[1:]), ANNA, world)
    assert missing(new, world.policy) == ()
    assert missing(old, world.policy) == ("order-number",)


# What was let out of quarantine twice


def test_what_was_let_in_twice_is_one_message(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1, spam="FAIL")
    (one,) = items(moto_cloud)
    one = quarantine.admit(one.id, one.version, ANNA, world)
    one = quarantine.set_aside(one.id, one.version, "spam", ANNA, world)
    one = quarantine.admit(one.id, one.version, ANNA, world)
    held = claim_named(one.id, ANNA, "", world)
    entries = [event.id for event in world.table.history(one.id) if event.type == EventType.ITEM_ADMITTED]
    for entry in entries:
        with pytest.raises(Invalid):
            split(held.id, held.version, Chosen(events=[entry]), ANNA, world)
