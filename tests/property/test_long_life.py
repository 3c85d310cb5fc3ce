"""Ten thousand sequences of commands: every invariant after every step, every state reached, and none a dead end."""

from collections import Counter
from typing import ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from chalicelib.item.state import State
from tests.property.test_item_life import Life


class Counted(Life):
    """A life that counts the states it passes through, and those its matters were in at the end.

    At its end each of them is brought to be resolved (`Life.teardown`): where that is not possible it fails.
    """

    reached: ClassVar[Counter[str]] = Counter()
    at_the_end: ClassVar[Counter[str]] = Counter()
    sequences: ClassVar[int] = 0

    @invariant()
    def states_are_counted(self) -> None:
        self.reached.update(found.state for found in self.table.items())

    def teardown(self) -> None:
        ends = Counter(found.state for found in self.table.items())
        super().teardown()
        self.at_the_end.update(ends)
        type(self).sequences += 1


@pytest.mark.parametrize(
    "sequences", [100, pytest.param(10_000, marks=(pytest.mark.long, pytest.mark.timeout(6 * 3600)))]
)
def test_every_state_is_reached_and_none_is_a_dead_end(sequences: int, capsys: pytest.CaptureFixture[str]) -> None:
    for counted in (Counted.reached, Counted.at_the_end):
        counted.clear()
    Counted.sequences = 0
    how = settings(
        max_examples=sequences, stateful_step_count=30, deadline=None, database=None, derandomize=sequences < 1000,
        phases=(Phase.generate, Phase.shrink),
    )  # fmt: skip
    run_state_machine_as_test(Counted, settings=how)
    assert Counted.sequences >= sequences
    assert Counted.reached.keys() == set(State)
    assert Counted.at_the_end.keys() == set(State), "from some state nobody tried whether it leads to an end"
    with capsys.disabled():
        ends = ", ".join(f"{state} {number}" for state, number in sorted(Counted.at_the_end.items()))
        print(f"\n{Counted.sequences} sequences; matters that were ended all the same: {ends}", end="")
