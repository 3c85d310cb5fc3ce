"""One flow on trial: undisturbed, then dying at each of its calls, and what becomes of each wreck."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Final

from chalicelib.errors import Conflict
from tests.crash import checks
from tests.crash.calls import deaths, moments, survives
from tests.crash.checks import Shape
from tests.crash.desk import Desk
from tests.crash.flow import Flow
from tests.crash.setting import Rows
from tests.invariants import violations

#: By then the watch has looked after whatever a dead process left: a reply after five minutes at the latest.
_WATCHED: Final = timedelta(minutes=6)


@dataclass(frozen=True)
class Found:
    """How many points a flow was killed at, how many of the wrecks were followed, and over which calls."""

    points: int
    followed: int
    operations: tuple[str, ...]

    def __str__(self) -> str:
        runs = [(name, len(list(run))) for name, run in groupby(self.operations)]
        told = ", ".join(name if times == 1 else f"{times} {name}" for name, times in runs)
        return f"{self.points} crash points, {self.followed} of them followed, over {told}"


class Trial:
    """A flow, prepared on an empty desk. Raises `AssertionError` for whatever goes wrong.

    With `every`, it dies before and after each call, and each wreck is followed through the night. Else it dies once
    between two calls, which is after the one and before the other; and one wreck of its like is followed: those after
    as many writes are alike (that reading changes nothing is looked at), and tables of one shape have one morning.
    """

    def __init__(self, flow: Flow, desk: Desk, *, every: bool) -> None:
        self._flow, self._desk, self._every = flow, desk, every
        self._mornings: dict[tuple[object, ...], Rows] = {}
        desk.open()
        self._act = flow.prepare(desk)
        self._start, self._before = desk.keep(), desk.rows()
        desk.back_to(self._start)
        with desk.calls.watch() as made:
            self._act()
            self._operations = tuple(made)
        soon, late = self._rested("undisturbed", timers=True)
        self._after, self._done = checks.shape(soon), self._ended(late)
        if flow.asked:
            desk.back_to(self._start)
            _, untouched = self._rested("never asked", timers=False)
            self._ends = [self._done, self._ended(untouched)]

    def run(self) -> Found:
        """Dies at every call, and follows the wrecks."""
        wrecks: dict[int, Rows] = {}
        followed, calls = 0, len(self._operations)
        for death in deaths(calls) if self._every else moments(calls):
            where = f"{death} of {self._operations}"
            self._desk.back_to(self._start)
            assert not survives(self._desk.calls, self._act, death), f"{where}: fewer calls than before"
            written, wreck = self._desk.calls.written, self._desk.rows()
            assert wrecks.setdefault(written, wreck) == wreck, f"{where}: reading changed something"
            if self._every or wrecks[written] is wreck:
                followed += 1
                self._follow(written, where)
        return Found(2 * calls, followed, self._operations)

    def run_twice_at_once(self) -> int:
        """The process pauses before each call, and another does all of the same; returns how many points those are."""
        for number in range(1, len(self._operations) + 1):
            where = f"paused before {number} of {self._operations}"
            self._desk.back_to(self._start)
            answers = self._two(number)
            if self._flow.answer:
                assert len(answers) == 2, f"{where}: one of two was refused"
                assert self._flow.answer(answers[0]) == self._flow.answer(answers[1]), where
            soon, late = self._rested(where, timers=True)
            _same(self._ended(late), self._done, f"{where}, in the morning")
            if not self._flow.overnight:
                _same(checks.shape(soon), self._after, where)
        return len(self._operations)

    def _two(self, number: int) -> list[object]:
        """What two are answered, of whom the first pauses before a call; a refusal is no answer."""
        answers: list[object] = []
        with self._desk.calls.pausing(number, lambda: answers.append(self._act())), suppress(Conflict):
            answers.append(self._act())
        return answers

    def _follow(self, written: int, where: str) -> None:
        wreck = self._desk.keep()
        self._done_again(written, f"{where}, done again")
        if "Query" in self._operations and (self._every or written % 2):
            self._desk.back_to(wreck)
            with self._desk.indexes_late(self._start):
                self._act()
            self._rests_as_undisturbed(written, f"{where}, done again while the indexes were late")
        if self._flow.asked:
            self._desk.back_to(wreck)
            _, table = self._rested(f"{where}, given up", timers=bool(written % 2))
            ended = self._ended(table)
            if ended not in self._ends:
                _same(ended, self._done, f"{where}, given up")

    def _done_again(self, written: int, where: str) -> None:
        self._desk.restart()
        self._desk.cloud.clock.time += self._flow.hidden
        self._act()
        self._rests_as_undisturbed(written, where)

    def _rests_as_undisturbed(self, written: int, where: str) -> None:
        soon, late = self._rested(where, timers=not written % 2)
        if written in self._flow.unknown:
            _none(checks.unknown(late), where)
            return
        _same(self._ended(late), self._done, f"{where}, in the morning")
        if not self._flow.overnight:
            _same(checks.shape(soon), self._after, where)

    def _rested(self, where: str, *, timers: bool) -> tuple[Rows, Rows]:
        """What stands there when all is delivered that is in flight, and in the morning."""
        self._desk.deliver()
        soon = late = self._desk.rows()
        passed = []
        for late, until in self._desk.night(timers=timers):
            _none(checks.doubled(self._desk, late), where)
            if until > _WATCHED:
                _none(violations(late.values()), f"{where}, when the watch had looked")
            passed.append(tuple(checks.shape(late)))
            if not self._every and passed[-1] in self._mornings:
                late = self._mornings[passed[-1]]
                break
        else:
            _none(checks.stuck(self._desk, late), f"{where}, in the morning")
        _none([*checks.lost(self._desk, soon), *checks.rewritten(self._before, late)], where)
        self._mornings |= dict.fromkeys(passed, late)
        return soon, late

    def _ended(self, table: Rows) -> Shape:
        return checks.outcome(table) if self._flow.steps or self._flow.overnight else checks.shape(table)


def _none(wrong: list[str], where: str) -> None:
    assert not wrong, "\n".join([where, *wrong])


def _same(found: Shape, undisturbed: Shape, where: str) -> None:
    more, less = Counter(found) - Counter(undisturbed), Counter(undisturbed) - Counter(found)
    wrong = [*(f"too much: {one}" for one in more.elements()), *(f"missing: {one}" for one in less.elements())]
    _none(wrong, where)
