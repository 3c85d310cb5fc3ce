"""What waited goes to the right queue when it is handed out, and what people decided stays."""

from dataclasses import replace

import pytest

from chalicelib.api.answers import ItemOut
from chalicelib.errors import NotAllowed
from chalicelib.flows import persons
from chalicelib.flows.claim import claim_named, next_in_queue
from chalicelib.flows.handover import hand_over
from chalicelib.flows.reply import reply
from chalicelib.flows.work import finish, reassign, reopen, tag
from chalicelib.item.item import EventType, Item
from chalicelib.item.passing import Destination
from chalicelib.item.reply import Then
from chalicelib.item.sorting import MOST_MOVES, elsewhere
from chalicelib.item.state import State
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA, BORIS, NOW, SAM, Policy, customer, item, ruled_desk
from tests.unit.flows.scenes import answer, by_bells, chat, deliver, facts, forward, heard, items, present, ring_bells

pytestmark = pytest.mark.usefixtures("sound")


@pytest.fixture
def ruled_world(world: TestWorld) -> TestWorld:
    vars(world)["policy"] = ruled_desk()
    return world


def one(cloud: Cloud) -> Item:
    (found,) = items(cloud)
    return found


def test_a_rule_decides_and_the_event_says_what_the_model_had_said(ruled_world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(ruled_world, 1, "My lawyer will write #order #low")
    made = one(moto_cloud)
    assert (made.queue, made.lane, made.reason) == ("people", "urgent", "rule law")
    assert made.sorting
    assert (made.sorting.rule, made.sorting.urgency, made.sorting.said) == ("law", "high", ("law",))
    (told,) = facts(ruled_world, made)
    assert told["rule"] == "law"
    assert told["without_rule"] == {"queue": "orders", "lane": "normal", "topic": "order", "urgency": "low"}
    assert (told["tags"]["topic"], told["tags"]["urgency"]) == ("order", "low")


def test_chats_go_the_same_way(ruled_world: TestWorld, moto_cloud: Cloud) -> None:
    chat(ruled_world, "d1", "my lawyer #order")
    assert one(moto_cloud).queue == "people"


def test_an_item_whose_hours_are_over_moves_when_it_is_handed_out(ruled_world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(ruled_world, 1, "#order #de")
    before = one(moto_cloud)
    assert before.queue == "orders"
    forward(ruled_world, hours=10)  # it is evening in Warsaw
    ring_bells(moto_cloud, ruled_world)
    by_bells("orders")
    assert next_in_queue("orders", ANNA, "", ruled_world) is None
    moved = one(moto_cloud)
    assert (moved.queue, moved.state, moved.waiting_since) == ("people", State.QUEUED, before.waiting_since)
    assert (moved.ring, moved.version, moved.hand_offs) == (before.ring + 1, before.version + 1, 0)
    told = ruled_world.table.history(moved.id)[-1]
    assert (told.type, told.actor, told.facts["was_queue"]) == (EventType.ITEM_SORTED, "sortownia", "orders")
    taken = next_in_queue("people", ANNA, "", ruled_world)
    assert taken
    assert taken.id == moved.id
    assert not heard(moto_cloud, ruled_world, "orders")


def test_a_mark_set_meanwhile_counts(ruled_world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(ruled_world, 1, "#order")
    made = one(moto_cloud)
    persons.mark(made.customer_id, "vip", "pays well", SAM, ruled_world, stands=True)
    with pytest.raises(NotAllowed):  # it belongs to billing now, where Boris is no member
        claim_named(made.id, BORIS, "", ruled_world)
    assert one(moto_cloud).queue == "billing"
    assert claim_named(made.id, ANNA, "", ruled_world).queue == "billing"
    persons.mark(made.customer_id, "vip", "", SAM, ruled_world, stands=False)
    assert not ruled_world.table.customer(made.customer_id).marks


def test_words_of_a_later_message_move_what_waits(ruled_world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(ruled_world, 1, "#order")
    deliver(ruled_world, 2, "My lawyer!", sender="c1@customer.example.com", In_Reply_To="<m1@customer.example.com>",
            dmarc="PASS")  # fmt: skip
    found = items(moto_cloud)
    assert len(found) == 1
    assert found[0].lane == "urgent"
    assert next_in_queue("orders", ANNA, "", ruled_world) is None
    assert one(moto_cloud).queue == "people"


def test_what_is_handed_over_to_its_queue_is_still_the_rules_to_place(
    ruled_world: TestWorld, moto_cloud: Cloud
) -> None:
    deliver(ruled_world, 1, "#order #de")
    claim_named(one(moto_cloud).id, ANNA, "", ruled_world)
    hand_over("anna", None, False, SAM, ruled_world)
    forward(ruled_world, hours=10)  # it is evening in Warsaw
    present(ruled_world, ANNA)
    assert next_in_queue("orders", ANNA, "", ruled_world) is None
    assert one(moto_cloud).queue == "people"


def test_what_people_said_stands(ruled_world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(ruled_world, 1, "my lawyer #order")
    made = one(moto_cloud)
    passed = reassign(made.id, made.version, Destination("queue", "orders"), "ours", SAM, ruled_world)
    assert (passed.queue, passed.topic) == ("orders", "order")
    assert passed.sorting
    assert passed.sorting.fixed
    taken = next_in_queue("orders", ANNA, "", ruled_world)
    assert taken
    assert taken.queue == "orders"


def test_what_was_passed_to_a_person_stays_his(ruled_world: TestWorld, moto_cloud: Cloud) -> None:
    present(ruled_world, BORIS)
    deliver(ruled_world, 1, "#order")
    made = one(moto_cloud)
    held = reassign(made.id, made.version, Destination("agent", "boris"), "he knows him", SAM, ruled_world)
    assert ItemOut.of(held, "boris").sorting is None
    answer(ruled_world, held)
    persons.mark(made.customer_id, "vip", "", SAM, ruled_world, stands=True)
    deliver(ruled_world, 2, "thanks #order", sender="c1@customer.example.com", In_Reply_To="<m1@customer.example.com>")
    back = one(moto_cloud)
    assert (back.queue, back.pinned_to, back.offered_to) == ("orders", "boris", "boris")


def test_what_is_passed_on_is_still_about_what_a_rule_said(ruled_world: TestWorld, moto_cloud: Cloud) -> None:
    """Of its topic hangs what the desk asks the customer for."""
    deliver(ruled_world, 1, "#order", subject="Invoice 7")
    made = claim_named(one(moto_cloud).id, ANNA, "", ruled_world)
    assert made.topic == "billing"
    on = reassign(made.id, made.version, Destination("queue", "people"), "", ANNA, ruled_world)
    assert (on.queue, on.topic) == ("people", "billing")


def test_confirming_confirms_the_topic_a_rule_gave(ruled_world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(ruled_world, 1, "#order", subject="Invoice 7")
    held = claim_named(one(moto_cloud).id, ANNA, "", ruled_world)
    assert tag(held.id, held.version, None, None, ANNA, ruled_world).topic == "billing"
    (label,) = ruled_world.table.labelled("2026-03")
    assert label.topic == "billing"


def test_decided_tags_stand(ruled_world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(ruled_world, 1, "#order #de")
    made = one(moto_cloud)
    tag(made.id, made.version, "order", "low", SAM, ruled_world)
    forward(ruled_world, hours=10)
    taken = next_in_queue("orders", ANNA, "", ruled_world)
    assert taken
    assert taken.queue == "orders"


def test_what_became_urgent_stays_so_where_rules_move_it(ruled_world: TestWorld, moto_cloud: Cloud) -> None:
    """The rules look at its first message; that its customer wrote again, urgently, stands on the item alone."""
    deliver(ruled_world, 1, "#order #de")
    deliver(ruled_world, 2, "#order #critical", sender="c1@customer.example.com", dmarc="PASS",
            In_Reply_To="<m1@customer.example.com>")  # fmt: skip
    assert one(moto_cloud).lane == "urgent"
    forward(ruled_world, hours=10)
    assert next_in_queue("orders", ANNA, "", ruled_world) is None
    assert (one(moto_cloud).queue, one(moto_cloud).lane) == ("people", "urgent")


def test_an_item_moved_by_rules_comes_back_to_nobody_who_does_not_serve_its_queue(
    ruled_world: TestWorld, moto_cloud: Cloud
) -> None:
    deliver(ruled_world, 1, "#order")
    held = claim_named(one(moto_cloud).id, BORIS, "", ruled_world)
    done = finish(held.id, held.version, BORIS, ruled_world)
    assert done.pinned_to == "boris"
    persons.mark(done.customer_id, "vip", "", SAM, ruled_world, stands=True)
    back = reopen(done.id, done.version, "", SAM, ruled_world)
    assert (back.queue, back.lane, back.pinned_to) == ("billing", "urgent", None)  # Boris is no member there


def test_nothing_is_moved_for_ever(moto_cloud: Cloud, ruled_world: TestWorld) -> None:
    """Marks that come and go move an item, and then it is handed out where it is."""
    deliver(ruled_world, 1, "#order")
    made = one(moto_cloud)
    for turn in range(MOST_MOVES + 3):
        queue = one(moto_cloud).queue
        persons.mark(made.customer_id, "vip", "", SAM, ruled_world, stands=turn % 2 == 0)
        if next_in_queue(queue, ANNA, "", ruled_world):
            assert turn == MOST_MOVES
            break
    now = one(moto_cloud)
    assert now.sorting
    assert (now.state, now.sorting.moves) == (State.CLAIMED, MOST_MOVES)


@pytest.mark.parametrize(
    "changed",
    [{"sorting": None}, {"state": State.CLAIMED}, {"state": State.WAITING}, {"offered_to": "boris", "offered_until":
     NOW.replace(hour=10)}, {"queue": "quarantine", "state": State.QUARANTINED}],
)  # fmt: skip
def test_what_is_not_ours_to_move_stays(changed: dict[str, object]) -> None:
    desk: Policy = ruled_desk()
    vip = customer(marks=frozenset({"vip"}))
    from chalicelib.item.item import Sorting

    assert elsewhere(item(sorting=Sorting()), vip, NOW, desk)
    assert elsewhere(replace(item(sorting=Sorting()), **changed), vip, NOW, desk) is None  # type: ignore[arg-type]


def test_the_third_contact_without_an_answer_is_urgent(ruled_world: TestWorld, moto_cloud: Cloud) -> None:
    """Lines that follow within an hour are one contact; an answer starts the count anew."""
    chat(ruled_world, "d1", "where is it? #order")
    for number, hours in enumerate((0, 0, 2), 2):
        forward(ruled_world, hours=hours)
        chat(ruled_world, f"d{number}", "hello?? #order")
    assert (one(moto_cloud).lane, one(moto_cloud).contacts and one(moto_cloud).contacts.times) == ("normal", 2)
    forward(ruled_world, hours=2)
    chat(ruled_world, "d9", "still there? #order")
    third = one(moto_cloud)
    assert (third.lane, third.contacts and third.contacts.times) == ("urgent", 3)
    told = facts(ruled_world, third)[-1]
    assert told["tags"]["ruled"] == {"rules": ["again"], "model": "normal"}
    taken = claim_named(third.id, ANNA, "", ruled_world)
    reply(taken.id, taken.version, "It comes.", Then.WAIT, "", ANNA, ruled_world)
    assert one(moto_cloud).contacts is None


@pytest.mark.parametrize("how", ["the customer writes", "an agent reopens"])
def test_what_comes_back_comes_to_where_it_belongs_by_now(ruled_world: TestWorld, moto_cloud: Cloud, how: str) -> None:
    chat(ruled_world, "d1", "#order")
    held = claim_named(one(moto_cloud).id, ANNA, "", ruled_world)
    done = finish(held.id, held.version, ANNA, ruled_world)
    persons.mark(done.customer_id, "vip", "", SAM, ruled_world, stands=True)
    if how == "an agent reopens":
        reopen(done.id, done.version, "", ANNA, ruled_world)
    else:
        chat(ruled_world, "d2", "once more #order")
    back = one(moto_cloud)
    assert (back.id, back.state, back.queue) == (done.id, State.QUEUED, "billing")
    assert back.sorting
    assert (back.sorting.rule, back.sorting.moves) == ("vip-first", 0)
