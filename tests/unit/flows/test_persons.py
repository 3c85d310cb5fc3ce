"""That two customers are one person is said, taken back, and told in both timelines; nothing else moves."""

import pytest

from chalicelib.errors import Conflict, Invalid, NotAllowed, Unknown
from chalicelib.flows import look, persons
from chalicelib.item.item import Event, Item
from chalicelib.rights import Caller
from chalicelib.store.rows import from_wire
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA, BORIS, OLGA, SAM
from tests.unit.flows.scenes import Meanwhile, deliver, items, told

pytestmark = pytest.mark.usefixtures("sound")


@pytest.fixture
def two(world: TestWorld, moto_cloud: Cloud) -> tuple[Item, Item]:
    """Items of two customers."""
    for number in (1, 2):
        deliver(world, number)
    first, second = items(moto_cloud)
    return first, second


def said(world: TestWorld, two: tuple[Item, Item], caller: Caller = ANNA, *, stands: bool = True) -> list[str]:
    """Says it, and whom the card of the first names then."""
    first, second = two
    _, links = persons.say(first.customer_id, second.customer_id, "one phone", caller, world, stands=stands)
    return [link.other for link in links]


def test_each_card_names_the_other_and_who_said_so(world: TestWorld, two: tuple[Item, Item]) -> None:
    first, second = two
    assert said(world, two) == [second.customer_id]
    for one, other in ((first, second), (second, first)):
        card, (link,) = look.customer(one.customer_id, BORIS, world)
        assert (card.id, card.seq, link.other, link.by, link.why) == (
            one.customer_id, 2, other.customer_id, "anna", "one phone",
        )  # fmt: skip


def test_it_is_taken_back_and_said_again(world: TestWorld, two: tuple[Item, Item]) -> None:
    first, second = two
    said(world, two)
    assert said(world, (second, first), BORIS, stands=False) == []
    assert look.customer(first.customer_id, ANNA, world)[1] == []
    assert said(world, two, SAM) == [second.customer_id]


def test_both_timelines_tell_of_it_without_the_words(world: TestWorld, two: tuple[Item, Item]) -> None:
    said(world, two)
    said(world, two, BORIS, stands=False)

    def shown(event: Event) -> tuple[object, ...]:
        return event.type, event.actor, event.facts, event.payload, event.item_id, event.version

    for one, other in (two, two[::-1]):
        facts, payload = {"customer": other.customer_id}, {"reason": "one phone"}
        assert [shown(event) for event in told(world, one)[1:]] == [
            ("customer-linked", "anna", facts, payload, None, None),
            ("customer-unlinked", "boris", facts, payload, None, None),
        ]  # fmt: skip


def test_no_identity_and_no_item_moves(world: TestWorld, moto_cloud: Cloud, two: tuple[Item, Item]) -> None:
    def others() -> list[object]:
        kinds = {"identity", "item", "message", "conversation"}
        return [row for row in map(from_wire, moto_cloud.rows()) if row["kind"] in kinds]

    before = others()
    said(world, two)
    assert others() == before
    deliver(world, 3, sender="c2@customer.example.com")
    assert items(moto_cloud)[-1].customer_id == two[1].customer_id


def test_saying_what_stands_is_refused(world: TestWorld, two: tuple[Item, Item]) -> None:
    with pytest.raises(Conflict, match="not linked"):
        said(world, two, stands=False)
    said(world, two)
    with pytest.raises(Conflict, match="already"):
        said(world, two[::-1])


def test_two_who_say_it_at_once_say_it_once(world: TestWorld, moto_cloud: Cloud, two: tuple[Item, Item]) -> None:
    with Meanwhile(moto_cloud, lambda: said(world, two[::-1], BORIS)), pytest.raises(Conflict, match="already"):
        said(world, two)


def test_a_message_meanwhile_is_no_hindrance(world: TestWorld, moto_cloud: Cloud, two: tuple[Item, Item]) -> None:
    with Meanwhile(moto_cloud, lambda: deliver(world, 3, sender="c1@customer.example.com")):
        assert said(world, two) == [two[1].customer_id]


def test_nobody_is_the_same_person_as_himself_or_nobody(world: TestWorld, two: tuple[Item, Item]) -> None:
    first, _ = two
    with pytest.raises(Invalid, match="himself"):
        said(world, (first, first))
    for pair in ((first.customer_id, "nobody"), ("nobody", first.customer_id)):
        with pytest.raises(Unknown, match="nobody"):
            persons.say(*pair, "", ANNA, world, stands=True)


@pytest.mark.parametrize("caller", [OLGA, Caller("eve", frozenset({"agent"})), Caller("eve", frozenset())])
def test_who_may_only_look_or_is_not_of_the_desk_says_nothing(
    world: TestWorld, two: tuple[Item, Item], caller: Caller
) -> None:
    with pytest.raises(NotAllowed):
        said(world, two, caller)
