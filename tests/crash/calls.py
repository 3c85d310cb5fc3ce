"""Counts every call a flow makes to the outside, and lets the process die before or after the k-th, or pause."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from tests.cloud import Cloud

#: Calls that change nothing: the world a process leaves behind is the same before and after them.
READS: Final = frozenset({"BatchGetItem", "Query", "GetObject", "GetSecretValue", "GetQueueAttributes"})


class Died(BaseException):
    """The process is gone: nothing in the code may catch this."""


class Calls:
    """Counts the calls on a cloud's clients. `made` holds the operations called since the last `watch`."""

    def __init__(self, cloud: Cloud) -> None:
        self.made: list[str] = []
        self.written = 0  # so many of them changed something before the process died
        self._emitters = [c.meta.events for c in (cloud.dynamodb, cloud.s3, cloud.sqs, cloud.secrets, cloud.ses)]
        self._die_before: int | str = 0
        self._die_after: int | str = 0
        self._dead = False
        self._pause_before = 0
        self._meanwhile: Callable[[], object] | None = None

    @contextmanager
    def pausing(self, before: int, meanwhile: Callable[[], object]) -> Iterator[None]:
        """The process pauses before a call, counted from one, while something else is done whole."""
        self._pause_before, self._meanwhile = before, meanwhile
        with self.watch():
            yield
        assert self._meanwhile is None, "fewer calls than that"

    @contextmanager
    def watch(self, die_before: int | str = 0, die_after: int | str = 0) -> Iterator[list[str]]:
        """Counts from one; the process dies before or after that call, or the first of that name (0: it lives)."""
        self.made.clear()
        self.written = 0
        self._die_before, self._die_after = die_before, die_after
        for events in self._emitters:
            events.register_first("before-call.*.*", self._before)
            events.register_last("after-call.*.*", self._after)
        try:
            yield self.made
        finally:
            self._die_before, self._die_after, self._dead = 0, 0, False
            for events in self._emitters:
                events.unregister("before-call.*.*", self._before)
                events.unregister("after-call.*.*", self._after)

    @contextmanager
    def call(self, name: str) -> Iterator[None]:
        """A call that is none of AWS's."""
        self._begin(name)
        yield
        self._end(name)

    def _before(self, model: Any, **_: Any) -> None:
        self._begin(model.name)

    def _after(self, model: Any, **_: Any) -> None:
        self._end(model.name)

    def _begin(self, name: str) -> None:
        if self._dead:  # what `finally` would still like to say: nobody is there to say it
            raise Died(f"long before {name}")
        self.made.append(name)
        if self._meanwhile and len(self.made) == self._pause_before:
            meanwhile, self._meanwhile = self._meanwhile, None
            meanwhile()
        if self._die_before in (len(self.made), name):
            self._dead = True
            raise Died(f"before {name}")

    def _end(self, name: str) -> None:
        self.written += name not in READS
        if self._die_after in (len(self.made), name):
            self._dead = True
            raise Died(f"after {name}")


def deaths(calls: int) -> Iterator[Mapping[str, int | str]]:
    """Every way to die in a flow of so many calls."""
    for number in range(1, calls + 1):
        yield {"die_before": number}
        yield {"die_after": number}


def moments(calls: int) -> Iterator[Mapping[str, int | str]]:
    """Every moment to die in a flow of so many calls: to die after one is to die before the next, for all the world."""
    yield {"die_before": 1}
    for number in range(1, calls + 1):
        yield {"die_after": number}


def survives(calls: Calls, flow: Callable[[], Any], death: Mapping[str, int | str]) -> bool:
    """Runs a flow that dies so; whether it got through all the same."""
    try:
        with calls.watch(**death):
            flow()
    except Died:
        return False
    return True
