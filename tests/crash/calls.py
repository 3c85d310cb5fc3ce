"""Counts every AWS call of a flow, and lets the process die before or after the k-th."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.cloud import Cloud


class Died(BaseException):
    """The process is gone: nothing in the code may catch this."""


class Calls:
    """Hooks on a cloud's clients. `made` holds the operations called since the last `watch`."""

    def __init__(self, cloud: Cloud) -> None:
        self.made: list[str] = []
        self._die_before = self._die_after = 0
        for client in (cloud.dynamodb, cloud.s3, cloud.sqs, cloud.secrets):
            client.meta.events.register_first("before-call.*.*", self._before)
            client.meta.events.register_last("after-call.*.*", self._after)

    @contextmanager
    def watch(self, die_before: int = 0, die_after: int = 0) -> Iterator[list[str]]:
        """Counts from one; the process dies before or after that call (0: it lives)."""
        self.made.clear()
        self._die_before, self._die_after = die_before, die_after
        try:
            yield self.made
        finally:
            self._die_before = self._die_after = 0

    def _before(self, model: Any, **_: Any) -> None:
        self.made.append(model.name)
        if len(self.made) == self._die_before:
            raise Died(f"before {model.name}")

    def _after(self, model: Any, **_: Any) -> None:
        if len(self.made) == self._die_after:
            raise Died(f"after {model.name}")


def deaths(calls: int) -> Iterator[dict[str, int]]:
    """Every way to die in a flow of so many calls."""
    for number in range(1, calls + 1):
        yield {"die_before": number}
        yield {"die_after": number}


def survives(calls: Calls, flow: Callable[[], Any], death: dict[str, int]) -> bool:
    """Runs a flow that dies so; whether it got through all the same."""
    try:
        with calls.watch(**death):
            flow()
    except Died:
        return False
    return True
