"""A hand-over of hundreds, whose process dies at every call of every matter and is asked again until all is moved."""

from collections import Counter
from collections.abc import Iterator

import pytest

from chalicelib.flows.handover import Handover, hand_over
from chalicelib.flows.watch import watch
from tests.crash import checks
from tests.crash.calls import deaths, survives
from tests.crash.desk import ANNA, SAM, Desk, open_desk
from tests.crash.setting import of_kind
from tests.invariants import violations

#: Of as many matters one is another team's, which Boris may not hold; one waits for a customer; the rest are in hand.
_OF = 5
#: What is read and written of each matter: the item, its customer, the step.
_CALLS_EACH = 3


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A desk of its own."""
    with open_desk() as desk:
        yield desk


def matters(desk: Desk, number: int) -> None:
    """So many matters of Anna's."""
    for one in range(number):
        item = desk.held(desk.mail(one, "#billing" if one % _OF == 1 else "#order"), ANNA)
        if one % _OF == 2:
            desk.answered(item)
    desk.present("boris")
    desk.deliver()


def asked(desk: Desk) -> Handover:
    """Anna's matters go to Boris."""
    return hand_over("anna", "boris", False, SAM, desk.world)


def before_the_first(desk: Desk) -> int:
    """How many calls a hand-over makes until it comes to the first matter: who is away, what is in his hands, and
    last whether the other is one to hand over to."""
    calls = desk.calls
    assert not survives(calls, lambda: asked(desk), {"die_after": "BatchGetItem"})
    return len(calls.made)


@pytest.mark.parametrize(
    "number", [pytest.param(10), pytest.param(500, marks=(pytest.mark.long, pytest.mark.timeout(7200)))]
)
def test_dying_at_every_call_of_every_matter(number: int, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """Each matter is moved once, with one event, as if the process had never died."""
    matters(desk, number)
    start = desk.keep()
    assert asked(desk).moved == number - number // _OF
    points, undisturbed = 0, checks.shape(desk.rows())
    desk.back_to(start)
    for matter in range(number):
        first = before_the_first(desk)
        for death in deaths(_CALLS_EACH):
            desk.restart()
            there = {when: first + int(call) for when, call in death.items()}
            assert not survives(desk.calls, lambda: asked(desk), there), f"{death} of matter {matter}"
            points += 1
            moved = desk.calls.written == 2  # beside her presence
            assert moved == (death == {"die_after": _CALLS_EACH}), f"{death} of matter {matter}"
    desk.restart()
    assert asked(desk) == Handover(agent_id="anna", to="boris", preview=False), "something was left"
    assert checks.shape(desk.rows()) == undisturbed
    _moved_once(desk, number)
    with capsys.disabled():
        print(f"\n{number} matters handed over: {points} crash points", end="")


def _moved_once(desk: Desk, number: int) -> None:
    desk.cloud.clock.forward(minutes=2)
    watch(desk.world)
    table = desk.rows()
    passed = Counter(event["item_id"] for event in of_kind(table, "event") if event["cause"] == "handover")
    assert len(passed) == number
    assert set(passed.values()) == {1}
    assert violations(table.values()) == []
