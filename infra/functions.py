"""The Lambda functions of app.py, as the stack has to know them."""

from dataclasses import dataclass
from typing import Final, Literal

Source = Literal["http", "queue", "stream", "schedule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function of app.py.

    `name` is the Python name of its handler (Chalice calls the HTTP one `api_handler`), `kinds` the rows a
    stream reader is shown, `created_only` whether it sees them only when they are written first, `tags` whether it
    asks the model, `waits` whether it sends a message back to its own queue for as long as it must wait.
    """

    name: str
    source: Source
    memory_mb: int
    timeout_seconds: int
    reads: str = ""
    concurrency: int = 0
    kinds: tuple[str, ...] = ()
    created_only: bool = False
    tags: bool = False
    waits: bool = False

    @property
    def logical_id(self) -> str:
        """The resource Chalice makes of it."""
        return "APIHandler" if self.source == "http" else camel(self.name)

    @property
    def event_id(self) -> str:
        """The key Chalice gives its event source under `Events`."""
        return camel(self.name) + {"queue": "SqsEventSource", "stream": "DynamodbEventSource"}[self.source]

    @property
    def short_name(self) -> str:
        """Last part of the deployed function's name."""
        return "api" if self.source == "http" else self.name


def camel(name: str) -> str:
    """`after-sales` or `api_handler` as CloudFormation wants it: `AfterSales`, `ApiHandler`."""
    return "".join(part[:1].upper() + part[1:] for part in name.replace("_", "-").split("-"))


# SQS asks for at least 2 concurrent pollers. API Gateway gives up after 29 seconds.
FUNCTIONS: Final = (
    Function(name="api_handler", source="http", memory_mb=512, timeout_seconds=29),
    Function(
        name="receive",
        source="queue",
        memory_mb=512,
        timeout_seconds=60,
        reads="InboundQueue",
        concurrency=20,
        tags=True,
    ),
    Function(
        name="quarantine",
        source="queue",
        memory_mb=512,
        timeout_seconds=60,
        reads="InboundDeadQueue",
        concurrency=2,
    ),
    Function(
        name="timers",
        source="queue",
        memory_mb=256,
        timeout_seconds=60,
        reads="TimerQueue",
        concurrency=5,
        waits=True,
    ),
    Function(
        name="recheck",
        source="queue",
        memory_mb=256,
        timeout_seconds=60,
        reads="RecheckQueue",
        concurrency=2,
        waits=True,
    ),
    # A mail at a time, some 3 a second each: more than the 14 a second that SES grants a young account.
    Function(name="send", source="queue", memory_mb=256, timeout_seconds=60, reads="SendQueue", concurrency=5),
    Function(name="ring", source="stream", memory_mb=256, timeout_seconds=60, kinds=("item",)),
    Function(
        name="export",
        source="stream",
        memory_mb=256,
        timeout_seconds=60,
        kinds=("event", "outbox"),
        created_only=True,
    ),
    Function(name="watch", source="schedule", memory_mb=256, timeout_seconds=60),
)
