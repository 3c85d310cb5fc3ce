"""The token in our Reply-To: whom we wrote to answers under it, and nobody else."""

import json
import secrets
from typing import Any

import pytest

from chalicelib.flows import receive
from chalicelib.flows.work import finish
from chalicelib.item.item import Item
from chalicelib.item.outgoing import Outgoing
from chalicelib.item.state import State
from chalicelib.outgoing import token
from chalicelib.outgoing.token import with_token
from tests import letters
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA
from tests.unit.flows.scenes import answer, claimed, deliver, forward, items, kinds, now_of, ruled, told

pytestmark = pytest.mark.usefixtures("sound")

HELP = "help@shop.example.com"
CUSTOMER = "c1@customer.example.com"
TWO_MAILBOXES = ("[mailboxes]", '[mailboxes]\n"sales@shop.example.com" = "Sales"')


@pytest.fixture
def answered(world: TestWorld) -> tuple[Outgoing, Item]:
    """A reply to a mail of customer 1; its matter waits for him."""
    deliver(world, 1)
    return answer(world, claimed(world))


def mark_of(world: TestWorld, item: Item, addressee: str = CUSTOMER) -> str:
    return token.token(world.table.customer(item.customer_id).key, item.id, HELP, addressee)


def arrives(
    world: TestWorld, *to: str, sender: str = CUSTOMER, number: int = 2, dmarc: str = "PASS", **more: str
) -> str:
    """A mail to these addresses arrives, in the order SES names them."""
    raw = letters.mail("And now?", sender, "Parcel", Message_ID=f"<m{number}@customer.example.com>", **more)
    world.raw.write(f"mail/ses-{number}", raw, "message/rfc822")
    notice = json.loads(letters.notice(f"ses-{number}", {"dmarc": dmarc}))
    notice["receipt"]["recipients"] = list(to)
    return receive.delivery(json.dumps(notice), f"sqs-{number}", 1, world)


def test_an_answer_without_any_reference_joins_by_its_token(
    world: TestWorld, moto_cloud: Cloud, answered: tuple[Outgoing, Item]
) -> None:
    _, item = answered
    assert arrives(world, with_token(HELP, mark_of(world, item))) == "queued"
    (now,) = items(moto_cloud)
    assert (now.id, now.state, now.version, now.source) == (item.id, State.QUEUED, item.version + 1, HELP)
    assert told(world, item)[-1].type == "message-received"


@pytest.mark.parametrize("spell", [str.upper, str.title, str.lower])
def test_programs_that_change_the_case_of_addresses_do_no_harm(
    world: TestWorld, moto_cloud: Cloud, answered: tuple[Outgoing, Item], spell: Any
) -> None:
    address = spell(with_token(HELP, mark_of(world, answered[1])))
    arrives(world, address, sender="C1@Customer.Example.COM")
    assert len(items(moto_cloud)) == 1


def test_a_token_holds_as_long_as_the_matter(
    world: TestWorld, moto_cloud: Cloud, answered: tuple[Outgoing, Item]
) -> None:
    _, item = answered
    address = with_token(HELP, mark_of(world, item))
    for number in (2, 3):
        arrives(world, address, number=number)
    assert now_of(world, item).version == item.version + 2
    held = claimed(world)
    finish(held.id, held.version, ANNA, world)
    arrives(world, address, number=4)
    assert now_of(world, item).reason == "reopened"
    held = claimed(world)
    finish(held.id, held.version, ANNA, world)
    forward(world, days=31)
    arrives(world, address, number=5)
    old, new = items(moto_cloud)
    assert (old.state, new.linked_to, new.customer_id) == (State.RESOLVED, old.id, old.customer_id)


def test_who_answers_from_his_reply_to_is_still_the_customer(world: TestWorld, moto_cloud: Cloud) -> None:
    """He writes from one address and reads at another: without the token nobody would know him."""
    deliver(world, 1, Reply_To="reads@customer.example.com")
    _, item = answer(world, claimed(world))
    reads = "reads@customer.example.com"
    arrives(world, with_token(HELP, mark_of(world, item, reads)), sender=reads)
    (now,) = items(moto_cloud)
    assert (now.version, now.contact and now.contact.address) == (item.version + 1, reads)
    assert kinds(moto_cloud)["customer"] == 1


def test_two_who_were_written_to_about_one_matter_have_a_token_each(world: TestWorld, moto_cloud: Cloud) -> None:
    deliver(world, 1, Reply_To="first@customer.example.com")
    _, item = answer(world, claimed(world))
    deliver(world, 2, Reply_To="second@customer.example.com", In_Reply_To="<m1@customer.example.com>", sender=CUSTOMER)
    answer(world, claimed(world))
    assert kinds(moto_cloud)["token"] == 2
    for number, name in ((3, "first"), (4, "second")):
        address = f"{name}@customer.example.com"
        arrives(world, with_token(HELP, mark_of(world, item, address)), sender=address, number=number)
    assert len(items(moto_cloud)) == 1
    arrives(world, with_token(HELP, mark_of(world, item, "first@customer.example.com")), number=5,
            sender="second@customer.example.com")  # fmt: skip
    assert len(items(moto_cloud)) == 2


# What is not believed


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "leaked": ({"sender": "eve@else.example.com"}, "token used by another address"),
    "unproved": ({"dmarc": "FAIL"}, "sender not proved"),
    "no verdict": ({"dmarc": ""}, "sender not proved"),
    "sender unknown": ({"sender": ""}, "sender not proved"),
}


@pytest.mark.parametrize("referring", [True, False], ids=["with reference", "without"])
@pytest.mark.parametrize(("how", "because"), WRONG.values(), ids=WRONG)
def test_a_token_is_nothing_to_anybody_else(
    world: TestWorld,
    moto_cloud: Cloud,
    answered: tuple[Outgoing, Item],
    how: dict[str, Any],
    because: str,
    referring: bool,
) -> None:
    _, item = answered
    before = now_of(world, item)
    references = {"In_Reply_To": "<m1@customer.example.com>"} if referring else {}
    assert arrives(world, with_token(HELP, mark_of(world, item)), **how, **references) == "queued"
    old, new = items(moto_cloud)
    assert old == before
    assert new.customer_id != item.customer_id
    assert (new.linked_to, new.linked_because) == (item.id, because)
    assert [event.type for event in told(world, item)].count("message-received") == 1


@pytest.mark.parametrize("referring", [True, False], ids=["with reference", "without"])
def test_a_made_up_token_opens_no_door(
    world: TestWorld, moto_cloud: Cloud, answered: tuple[Outgoing, Item], referring: bool
) -> None:
    """The customer himself uses it: he is known by his address, and by what his mail refers to."""
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    made_up = "".join(secrets.choice(alphabet) for _ in range(32))
    references = {"In_Reply_To": "<m1@customer.example.com>"} if referring else {}
    arrives(world, with_token(HELP, made_up), **references)
    if referring:
        assert now_of(world, answered[1]).version == answered[1].version + 1
        return
    old, new = items(moto_cloud)
    assert (old, new.linked_to, new.customer_id) == (answered[1], None, old.customer_id)


def test_a_token_is_nothing_at_another_mailbox(
    world: TestWorld, moto_cloud: Cloud, answered: tuple[Outgoing, Item]
) -> None:
    _, item = answered
    ruled(world, TWO_MAILBOXES)
    arrives(world, with_token("sales@shop.example.com", mark_of(world, item)))
    old, new = items(moto_cloud)
    assert (old, new.source, new.linked_to) == (item, "sales@shop.example.com", item.id)
    assert new.linked_because == "token used at another mailbox"


def test_a_token_of_one_customer_opens_nothing_for_another(world: TestWorld, moto_cloud: Cloud) -> None:
    for number in (1, 2):
        deliver(world, number)
        answer(world, claimed(world))
    first, second = items(moto_cloud)
    arrives(world, with_token(HELP, mark_of(world, first)), sender="c2@customer.example.com", number=3)
    assert items(moto_cloud)[:2] == [first, second]
    assert items(moto_cloud)[2].customer_id == second.customer_id


# Which mailbox


@pytest.mark.parametrize("label", ["orders", "ORDERS", "a+b", "x" * 32, ""])
def test_a_label_that_is_no_token_is_the_mailbox_itself(world: TestWorld, moto_cloud: Cloud, label: str) -> None:
    arrives(world, f"Help+{label}@Shop.Example.com")
    (item,) = items(moto_cloud)
    assert item.source == HELP
    assert kinds(moto_cloud)["message"] == 1


def test_of_several_recipients_the_desks_mailbox_counts(
    world: TestWorld, moto_cloud: Cloud, answered: tuple[Outgoing, Item]
) -> None:
    _, item = answered
    address = with_token(HELP, mark_of(world, item))
    arrives(world, "else@shop.example.com", address)
    assert now_of(world, item).version == item.version + 1
    arrives(world, "else@shop.example.com", number=3, sender="c3@customer.example.com")
    assert items(moto_cloud)[-1].source == "else@shop.example.com"


def test_a_mail_whose_own_notice_was_lost_joins_by_no_token(
    world: TestWorld, moto_cloud: Cloud, answered: tuple[Outgoing, Item]
) -> None:
    """Nobody can say any more whether its sender was proved."""
    _, item = answered
    world.raw.write("mail/ses-9", letters.mail("And now?", CUSTOMER, Message_ID="<m9@x.example.com>"), "message/rfc822")
    found = {"kind": "found", "id": "ses-9", "key": "mail/ses-9", "stamped": True, "verdicts": {},
             "recipient": with_token(HELP, mark_of(world, item))}  # fmt: skip
    assert receive.delivery(json.dumps(found), "sqs-9", 1, world) == "queued"
    old, new = items(moto_cloud)
    assert (old, new.source) == (item, HELP)
    assert new.customer_id != old.customer_id
