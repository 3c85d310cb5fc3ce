"""Threads of which one runs at a time, chosen by chance: a concurrent day that can be had again."""

import random
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

#: Seconds. Long beside what people do between calls, so that they are in each other's way.
A_TURN: Final = 0.03


class Endless(BaseException):
    """The day does not end. Nothing in the code may catch this."""


class _Job:
    def __init__(self, do: Callable[[], Any]) -> None:
        self.do, self.wakes, self.go = do, 0.0, threading.Semaphore(0)
        self.error: BaseException | None = None


class Turns:
    """Lets one job run at a time, so many turns in all.

    `now` is in seconds of a clock that moves on with every turn, or to the first who wakes when all sleep.
    """

    def __init__(self, chance: random.Random, most: int) -> None:
        self.now, self._chance, self._left = 0.0, chance, most
        self._waiting: list[_Job] = []
        self._running: _Job | None = None
        self._over = threading.Semaphore(0)

    def run(self, jobs: Iterable[Callable[[], Any]]) -> None:
        """Does all jobs; raises what the first of them raised that did, `Endless` when the turns were too few."""
        made = [_Job(do) for do in jobs]
        self._waiting = list(made)
        for job in made:
            threading.Thread(target=self._live, args=(job,), daemon=True).start()
        self._hand_on()
        self._over.acquire()
        for error in (job.error for job in made):
            if error:
                raise error

    def give(self, seconds: float = 0.0) -> None:
        """The running job lets another go on, and goes on itself no earlier than in so many seconds."""
        me = self._running
        if me is None:
            return
        self._left -= 1
        if self._left < 0:
            raise Endless
        me.wakes = self.now + seconds
        self._waiting.append(me)
        self._hand_on()
        me.go.acquire()

    def _hand_on(self) -> None:
        if not self._waiting:
            self._running = None
            self._over.release()
            return
        self.now = max(self.now + A_TURN, min(job.wakes for job in self._waiting))
        self._running = self._chance.choice([job for job in self._waiting if job.wakes <= self.now])
        self._waiting.remove(self._running)
        self._running.go.release()

    def _live(self, job: _Job) -> None:
        job.go.acquire()
        try:
            job.do()
        except BaseException as error:  # noqa: BLE001 - raised again by `run`
            job.error = error
        self._hand_on()
