"""Whom a waiting item is offered to, in which order, and who is never asked."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import policy
from chalicelib.item.item import Item
from chalicelib.item.offer import RE_RING, AgentNow, candidates, into_queue, offered_to_another
from chalicelib.item.state import State
from tests.desk import DESK as RULES
from tests.desk import NOW, agents, item, small_desk, tags

DESK = small_desk()
#: Anna's deputy is Carl, his is Boris, and Boris's is Anna again.
DEPUTIES = policy.parse(
    RULES.replace("anna = { ", 'anna = { deputy = "carl", ')
    .replace("boris = { ", 'boris = { deputy = "anna", ')
    .replace("carl = { ", 'carl = { deputy = "boris", ')
)
ALL = agents(anna=0, boris=0, carl=0)
AWAY = agents("away", anna=0, boris=0, carl=0)
LATER = NOW + timedelta(minutes=5)


def chat_item(**changed: Any) -> Item:
    return item(channel="chat", **changed)


def answered(**changed: Any) -> Item:
    """A matter the customer has answered, which Anna had written about."""
    return item(pinned_to="anna", **changed)


def offered(entering: Item, there: Mapping[str, AgentNow] = ALL, desk: policy.Policy = DESK) -> str | None:
    return into_queue(entering, LATER, there, desk).offered_to


# Who may be asked


@pytest.mark.parametrize(
    ("entering", "asked"),
    [
        (item(), ()),  # most mail is for everybody
        (chat_item(), ("anna", "boris", "carl")),
        (chat_item(tags=tags(language="pl")), ("anna", "carl")),  # Boris speaks English only
        (chat_item(tags=tags(language="fr")), ("anna", "boris", "carl")),  # nobody of this desk is better placed
        (chat_item(tags=None), ("anna", "boris", "carl")),
        (chat_item(queue="billing"), ("anna",)),  # Carl is its member without its skill
        (chat_item(asked=("anna", "carl")), ("boris",)),
        (answered(), ("anna",)),
        (answered(queue="billing"), ("anna",)),
        (item(pinned_to="boris", queue="billing"), ()),
        (item(pinned_to="boris", tags=tags(language="de")), ()),
        (item(pinned_to="left-last-year"), ()),
        (chat_item(pinned_to="carl"), ("carl", "anna", "boris")),
        (chat_item(pinned_to="carl", asked=("carl",)), ("anna", "boris")),
        (item(queue="quarantine", pinned_to="anna"), ()),
        (chat_item(queue="quarantine"), ()),
        (chat_item(queue="closed-last-year"), ()),
        (answered(queue="closed-last-year"), ()),
    ],
)
def test_who_may_be_asked(entering: Item, asked: tuple[str, ...]) -> None:
    assert candidates(entering, DESK) == asked


def test_deputies_are_asked_in_their_order_and_each_once() -> None:
    assert candidates(answered(), DEPUTIES) == ("anna", "carl", "boris")
    assert candidates(item(pinned_to="boris"), DEPUTIES) == ("boris", "anna", "carl")
    assert candidates(answered(tags=tags(language="pl")), DEPUTIES) == ("anna", "carl")
    assert candidates(chat_item(pinned_to="carl"), DEPUTIES) == ("carl", "boris", "anna")


# Who is asked


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        (ALL, "anna"),
        (agents(anna=59), "anna"),
        (agents(anna=60), None),
        (agents("away", anna=0), None),
        (agents("unknown", anna=0), None),  # never seen: an offer is for who said that he is there
        ({}, None),
    ],
)
def test_an_answer_is_for_who_wrote_if_he_is_there_and_has_room(there: Any, asked: str | None) -> None:
    assert offered(answered(), there) == asked


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        (ALL, "anna"),
        (ALL | agents("away", anna=0), "carl"),
        (ALL | agents(anna=60), "carl"),
        (ALL | agents("away", anna=0) | agents(carl=2), "boris"),
        (AWAY | agents(boris=0), "boris"),
        (AWAY, None),
    ],
)
def test_in_his_absence_it_is_for_his_deputy_and_his_deputys_deputy(there: Any, asked: str | None) -> None:
    assert offered(answered(), there, DEPUTIES) == asked


def test_who_let_it_go_is_passed_over() -> None:
    assert offered(answered(asked=("anna",)), ALL, DEPUTIES) == "carl"
    assert offered(answered(asked=("anna", "carl")), ALL, DEPUTIES) == "boris"
    assert offered(answered(asked=("anna", "boris", "carl")), ALL, DEPUTIES) is None
    assert offered(chat_item(asked=("anna", "boris", "carl"))) is None


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        (agents(anna=3, boris=2), "boris"),
        (agents(anna=3, boris=4), "anna"),
        (agents(anna=3) | agents("away", boris=0), "anna"),
        (agents(carl=1, boris=11), "boris"),  # Carl has room for one
        (agents(anna=12, boris=12, carl=1), None),
        (AWAY, None),
        ({}, None),
    ],
)
def test_a_chat_is_for_the_least_loaded_who_has_room(there: Any, asked: str | None) -> None:
    assert offered(chat_item(), there) == asked


def test_mail_does_not_count_against_chats() -> None:
    busy = replace(agents(anna=0)["anna"], held={"mail": 59, "chat": 1})
    assert offered(chat_item(), {"anna": busy, **agents(boris=2)}) == "anna"
    full_of_chats = replace(busy, held={"mail": 0, "chat": 12})
    assert offered(chat_item(), {"anna": full_of_chats}) is None
    assert offered(answered(), {"anna": full_of_chats}) == "anna"


def test_a_chat_that_goes_on_is_for_who_wrote_however_loaded() -> None:
    assert offered(chat_item(pinned_to="anna"), agents(anna=11, boris=0)) == "anna"
    assert offered(chat_item(pinned_to="anna"), agents("away", anna=0) | agents(boris=1, carl=0)) == "carl"


def test_among_the_equally_loaded_lots_are_drawn_by_item() -> None:
    drawn = Counter(offered(chat_item(id=f"it{n}")) for n in range(300))
    assert drawn.keys() == {"anna", "boris", "carl"}
    assert min(drawn.values()) > 60
    assert {offered(chat_item(id="it7"), dict(reversed(ALL.items()))) for _ in range(3)} == {
        offered(chat_item(id="it7"))
    }


@pytest.mark.parametrize("there", [ALL, AWAY])
def test_quarantine_is_offered_to_nobody(there: Any) -> None:
    for held in (item(queue="quarantine", pinned_to="anna"), chat_item(queue="quarantine")):
        entered = into_queue(held, LATER, there, DESK)
        assert (entered.offered_to, entered.state, entered.wake_at) == (None, State.QUARANTINED, LATER + RE_RING)


def test_what_comes_back_to_a_queue_the_desk_has_lost_is_for_people_to_decide() -> None:
    entered = into_queue(chat_item(queue="closed-last-year", state=State.CLAIMED), LATER, agents(anna=0), DESK)
    assert (entered.queue, entered.offered_to, entered.state, entered.ring) == ("people", "anna", State.QUEUED, 2)
    assert entered.reason == "the desk has no queue closed-last-year any more"


# What an offer is


@pytest.mark.parametrize(
    ("entering", "until"),
    [(chat_item(), LATER + timedelta(minutes=1)), (answered(), LATER + timedelta(minutes=15))],
)
def test_an_offer_stands_as_long_as_the_desk_says_for_its_channel(entering: Item, until: Any) -> None:
    entered = into_queue(entering, LATER, agents(anna=0), DESK)
    assert (entered.offered_to, entered.offered_until, entered.wake_at) == ("anna", until, until)
    assert (entered.ring, entered.state, entered.asked) == (2, State.QUEUED, ())


def test_what_is_for_all_rings_and_takes_back_the_last_offer() -> None:
    was_offered = answered(offered_to="anna", offered_until=NOW, asked=("anna",), ring=4)
    entered = into_queue(was_offered, LATER, ALL, DESK)
    assert (entered.offered_to, entered.offered_until, entered.wake_at) == (None, None, LATER + RE_RING)
    assert (entered.ring, entered.pinned_to, entered.asked) == (5, "anna", ("anna",))


@pytest.mark.parametrize(
    ("changed", "agent", "at", "another"),
    [
        ({}, "boris", NOW, False),
        ({"offered_to": "anna", "offered_until": LATER}, "boris", NOW, True),
        ({"offered_to": "anna", "offered_until": LATER}, "anna", NOW, False),
        ({"offered_to": "anna", "offered_until": LATER}, "boris", LATER - timedelta(microseconds=1), True),
        ({"offered_to": "anna", "offered_until": LATER}, "boris", LATER, False),  # its time is over
    ],
)
def test_who_else_has_the_first_word(changed: dict[str, Any], agent: str, at: Any, another: bool) -> None:
    assert offered_to_another(item(**changed), agent, at) is another
