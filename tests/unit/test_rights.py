"""Who may do what: each role at each door."""

from collections.abc import Callable

import pytest

from chalicelib import rights
from chalicelib.errors import NotAllowed
from chalicelib.rights import Caller
from tests.desk import ANNA, BORIS, CARL, OLGA, SAM, small_desk

DESK = small_desk()
ADMIN, NOBODY = Caller("ada", frozenset({"admin"})), Caller("eve", frozenset())
FORMER = Caller("anna", frozenset())  # the desk knows her, her token gives no role
BOTH = Caller("anna", frozenset({"agent", "observer"}))


def allowed(check: Callable[[], object]) -> bool:
    try:
        check()
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize(
    ("caller", "sees"), [(ANNA, True), (BORIS, False), (SAM, True), (OLGA, True), (ADMIN, True), (NOBODY, False)]
)
def test_a_queue_is_seen_by_its_members_and_who_sees_all(caller: Caller, sees: bool) -> None:
    assert allowed(lambda: rights.check_may_see(caller, "billing", None, DESK)) is sees


def test_a_member_without_the_skill_does_not_see_the_queue() -> None:
    assert not allowed(lambda: rights.check_may_see(CARL, "billing", None, DESK))


def test_who_holds_an_item_sees_it_in_whichever_queue() -> None:
    assert allowed(lambda: rights.check_may_see(BORIS, "billing", "boris", DESK))


def test_membership_counts_only_with_the_agents_role() -> None:
    assert not allowed(lambda: rights.check_may_see(FORMER, "orders", None, DESK))


@pytest.mark.parametrize(
    ("caller", "may"),
    [(ANNA, True), (BORIS, False), (SAM, True), (ADMIN, True), (OLGA, False), (NOBODY, False), (FORMER, False)],
)
def test_an_item_is_changed_by_its_holder_and_who_acts_for_others(caller: Caller, may: bool) -> None:
    assert allowed(lambda: rights.check_may_change(caller, "anna")) is may


def test_an_item_nobody_holds_is_changed_by_no_agent() -> None:
    assert not allowed(lambda: rights.check_may_change(ANNA, None))
    assert allowed(lambda: rights.check_may_change(SAM, None))


@pytest.mark.parametrize(
    ("caller", "may"), [(ANNA, True), (BORIS, False), (SAM, True), (ADMIN, True), (OLGA, False), (FORMER, False)]
)
def test_presence_and_handover_are_for_oneself_and_who_acts_for_others(caller: Caller, may: bool) -> None:
    assert allowed(lambda: rights.check_may_act_for(caller, "anna")) is may


@pytest.mark.parametrize(
    ("caller", "may"),
    [(ANNA, True), (SAM, True), (ADMIN, True), (OLGA, False), (NOBODY, False), (FORMER, False), (BOTH, True)],
)
def test_who_may_only_look_writes_nothing(caller: Caller, may: bool) -> None:
    assert allowed(lambda: rights.check_may_write(caller)) is may


@pytest.mark.parametrize(
    ("agent", "queue", "sees"),
    [
        ("anna", "billing", True),
        ("boris", "billing", False),
        ("carl", "billing", False),  # a member without the skill
        ("sam", "billing", True),
        ("olga", "quarantine", True),
        ("boris", "quarantine", False),
        ("boris", "orders", True),
        ("nobody", "orders", False),
        ("anna", "closed-last-year", False),
    ],
)
def test_which_queues_an_agent_sees_by_the_desks_own_word(agent: str, queue: str, sees: bool) -> None:
    """Of somebody who is mentioned there is no token: the desk says what he is."""
    assert rights.may_see(agent, queue, DESK) is sees


@pytest.mark.parametrize(
    ("caller", "serves"),
    [(ANNA, True), (CARL, True), (OLGA, True), (SAM, True), (ADMIN, True), (NOBODY, False), (FORMER, False)],
)
def test_timelines_are_for_everybody_who_serves(caller: Caller, serves: bool) -> None:
    assert allowed(lambda: rights.check_serves(caller, DESK)) is serves


def test_an_agent_the_desk_does_not_know_serves_nobody() -> None:
    assert not allowed(lambda: rights.check_serves(Caller("left-last-year", frozenset({"agent"})), DESK))


def test_only_agents_of_the_desk_take_work() -> None:
    assert rights.agent_of(ANNA, DESK).id == "anna"
    for caller in (SAM, OLGA, ADMIN, NOBODY, FORMER, Caller("eve", frozenset({"agent"}))):
        with pytest.raises(NotAllowed):
            rights.agent_of(caller, DESK)


def test_who_sees_all() -> None:
    assert [rights.sees_all(caller) for caller in (ANNA, SAM, OLGA, ADMIN, NOBODY)] == [False, True, True, True, False]
