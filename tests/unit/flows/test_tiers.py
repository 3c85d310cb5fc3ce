"""Going a tier up, and out of quarantine."""

import pytest

from chalicelib import policy
from chalicelib.errors import NotAllowed, StaleItem, WrongState
from chalicelib.flows import quarantine
from chalicelib.flows.claim import claim_named
from chalicelib.flows.matters import Chosen, split
from chalicelib.flows.watch import watch
from chalicelib.flows.work import escalate, give_back
from chalicelib.item.item import EventType, Item
from chalicelib.item.state import State
from chalicelib.policy import PolicyError
from tests.cloud import Cloud, TestWorld
from tests.desk import ALL_PROMISED, ANNA, BORIS, DESK, RULES, SAM
from tests.unit.flows.scenes import Late, claimed, deliver, forward, items, load, ruled

pytestmark = pytest.mark.usefixtures("sound")

TIERS = (("[queues.orders]\n", '[queues.orders]\nnext = "billing"\n'),
         ("[queues.billing]\n", '[queues.billing]\nnext = "people"\n'))  # fmt: skip


def test_an_item_goes_up_tier_by_tier(world: TestWorld) -> None:
    ruled(world, *TIERS)
    deliver(world, 1, "#order")
    held = claimed(world)
    up = escalate(held.id, held.version, "beyond me", ANNA, world)
    assert (up.queue, up.state, up.holder, up.escalations, up.hand_offs) == ("billing", State.QUEUED, None, 1, 0)
    assert up.waiting_since > held.waiting_since
    assert load(world, ANNA) == {}
    top = escalate(up.id, up.version, "beyond us", SAM, world)
    assert (top.queue, top.escalations) == ("people", 2)
    with pytest.raises(WrongState, match="no next tier"):
        escalate(top.id, top.version, "more", SAM, world)
    told = world.table.history(top.id)[-1]
    assert (told.type, told.facts["was_queue"], told.facts["escalations"]) == (EventType.ITEM_ESCALATED, "billing", 2)
    found = world.table.timeline(top.customer_id, 10, None, newest=True).entries[0]
    assert found.payload == {"reason": "beyond us"}


def test_only_who_may_pass_it_on_escalates(world: TestWorld) -> None:
    ruled(world, *TIERS)
    deliver(world, 1, "#order")
    held = claimed(world)
    with pytest.raises(NotAllowed):
        escalate(held.id, held.version, "mine", BORIS, world)
    with pytest.raises(StaleItem):
        escalate(held.id, held.version - 1, "late", ANNA, world)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ((("[queues.orders]\n", '[queues.orders]\nnext = "orders"\n'),), "leads back to orders"),
        ((*TIERS, ("[queues.people]\n", '[queues.people]\nnext = "orders"\n')), "leads back"),
        ((("[queues.orders]\n", '[queues.orders]\nnext = "bills"\n'),), "must be a queue of this desk"),
    ],
)
def test_tiers_that_lead_nowhere_are_refused(changes: tuple[tuple[str, str], ...], rule: str) -> None:
    text = DESK
    for old, new in changes:
        text = text.replace(old, new)
    with pytest.raises(PolicyError, match=rule):
        policy.parse(text)


# Out of quarantine


def in_quarantine(world: TestWorld, cloud: Cloud, body: str = "a gas leak #order", **how: str) -> Item:
    deliver(world, 1, body, **{"spam": "FAIL", **how})
    (made,) = items(cloud)
    assert made.state == State.QUARANTINED
    return made


def test_a_member_lets_it_into_normal_routing(world: TestWorld, moto_cloud: Cloud) -> None:
    vars(world)["policy"] = policy.parse(DESK + RULES)
    made = in_quarantine(world, moto_cloud)
    let_in = quarantine.admit(made.id, made.version, ANNA, world)
    assert (let_in.state, let_in.queue, let_in.lane, let_in.subject) == (State.QUEUED, "orders", "urgent", "Parcel")
    assert let_in.contact
    assert (let_in.contact.address, let_in.contact.trusted) == ("c1@customer.example.com", False)
    assert let_in.tags
    assert (let_in.tags.topic, let_in.tags.urgency) == ("order", "critical")
    told = world.table.timeline(let_in.customer_id, 1, None, newest=True).entries[0]
    assert (told.type, told.actor, told.facts["read"]) == (EventType.ITEM_ADMITTED, "anna", True)
    assert told.payload
    assert "gas leak" in told.payload["written"]
    taken = claimed(world)
    assert taken.id == made.id


def test_what_the_index_does_not_show_yet_is_not_taken_for_unreadable(world: TestWorld, moto_cloud: Cloud) -> None:
    made = in_quarantine(world, moto_cloud)
    vars(world)["table"] = Late(world, 1)
    assert quarantine.admit(made.id, made.version, ANNA, world).queue == "orders"


def test_admission_is_taken_back(world: TestWorld, moto_cloud: Cloud) -> None:
    made = in_quarantine(world, moto_cloud)
    let_in = quarantine.admit(made.id, made.version, ANNA, world)
    back = quarantine.set_aside(made.id, let_in.version, "spam after all", ANNA, world)
    same = ("state", "queue", "lane", "tags", "subject", "contact", "sorting", "decided", "admitted")
    assert {name: getattr(back, name) for name in same} == {name: getattr(made, name) for name in same}
    with pytest.raises(WrongState):
        quarantine.set_aside(made.id, back.version, "", ANNA, world)
    again = quarantine.admit(made.id, back.version, SAM, world)
    assert again.queue == "orders"


def test_what_was_taken_since_is_work_and_stays_so(world: TestWorld, moto_cloud: Cloud) -> None:
    made = in_quarantine(world, moto_cloud)
    quarantine.admit(made.id, made.version, ANNA, world)
    held = claimed(world)
    back = give_back(held.id, held.version, ANNA, world)
    with pytest.raises(WrongState):
        quarantine.set_aside(back.id, back.version, "", ANNA, world)


def test_what_is_set_aside_is_promised_nothing(world: TestWorld, moto_cloud: Cloud) -> None:
    vars(world)["policy"] = policy.parse(DESK + ALL_PROMISED)
    made = in_quarantine(world, moto_cloud)
    let_in = quarantine.admit(made.id, made.version, ANNA, world)
    assert let_in.promises
    back = quarantine.set_aside(let_in.id, let_in.version, "spam after all", ANNA, world)
    assert back.promises is None
    forward(world, hours=30)
    watch(world)
    told = [event.type for event in world.table.history(back.id)]
    assert EventType.PROMISE_BREACHED not in told


def test_what_is_escalated_is_still_about_what_a_rule_said(world: TestWorld, moto_cloud: Cloud) -> None:
    desk = DESK.replace("[queues.billing]\n", '[queues.billing]\nnext = "people"\n')
    vars(world)["policy"] = policy.parse(desk + RULES)
    deliver(world, 1, "#order", subject="Invoice 7")
    (one,) = items(moto_cloud)
    held = claim_named(one.id, ANNA, "", world)
    assert held.topic == "billing"
    up = escalate(held.id, held.version, "hard", ANNA, world)
    assert (up.queue, up.topic) == ("people", "billing")


def test_who_took_it_to_look_at_it_lets_it_in(world: TestWorld, moto_cloud: Cloud) -> None:
    in_quarantine(world, moto_cloud)
    held = claimed(world, "quarantine")
    let_in = quarantine.admit(held.id, held.version, ANNA, world)
    assert (let_in.state, let_in.holder) == (State.QUEUED, None)
    assert load(world, ANNA) == {}


def test_what_still_cannot_be_read_goes_to_people(world: TestWorld, moto_cloud: Cloud) -> None:
    made = in_quarantine(world, moto_cloud)
    world.raw._client.delete_object(Bucket="desk-raw", Key="mail/ses-1")
    let_in = quarantine.admit(made.id, made.version, ANNA, world)
    assert (let_in.queue, let_in.reason, let_in.tags) == ("people", "unclassified", None)


def test_others_do_not_and_nothing_else_is_admitted(world: TestWorld, moto_cloud: Cloud) -> None:
    made = in_quarantine(world, moto_cloud)
    with pytest.raises(NotAllowed):
        quarantine.admit(made.id, made.version, BORIS, world)
    let_in = quarantine.admit(made.id, made.version, ANNA, world)
    with pytest.raises(WrongState):
        quarantine.admit(made.id, let_in.version, ANNA, world)
    with pytest.raises(NotAllowed):
        quarantine.set_aside(made.id, let_in.version, "", BORIS, world)
    deliver(world, 2, "#order")
    other = next(item for item in items(moto_cloud) if item.id != made.id)
    with pytest.raises(WrongState):
        quarantine.set_aside(other.id, other.version, "", SAM, world)


def test_an_admitted_message_counts_as_one_of_the_item(world: TestWorld, moto_cloud: Cloud) -> None:
    made = in_quarantine(world, moto_cloud)
    quarantine.admit(made.id, made.version, ANNA, world)
    held = claimed(world)
    with pytest.raises(Exception, match="some messages of this item, and not all"):
        split(held.id, held.version, Chosen(events=[world.table.history(held.id)[1].id]), ANNA, world)
