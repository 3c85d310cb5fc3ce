"""A live view of queues and items in the terminal, read from the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import httpx
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from chalicelib.api.answers import ItemOut, QueueOut, TagsOut
from chalicelib.item.state import State
from sortownia.client import ApiError, Client
from sortownia.local.error import LocalError
from sortownia.showing import one_line

NEWEST: Final = 20


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the API said at one moment: queues as it lists them, the newest items first."""

    at: datetime
    queues: Sequence[QueueOut] = ()
    items: Sequence[ItemOut] = ()

    @property
    def waiting(self) -> int:
        """How many items wait in all queues."""
        return sum(queue.waiting.urgent + queue.waiting.normal for queue in self.queues)

    @property
    def held(self) -> int:
        """How many items people hold."""
        return sum(queue.held for queue in self.queues)


def read(url: str, token: str, *, newest: int = NEWEST) -> Snapshot:
    """The present state of the system at `url`. Raises `LocalError` when the API refuses or is away."""
    try:
        with Client(url, token, timeout=60) as client:
            queues = client.queues().queues
            items = [item for state in State for item in client.items(state=state, newest=True, limit=newest)]
    except (ApiError, httpx.HTTPError) as error:
        raise LocalError(f"The API at {url} cannot be read: {error}") from error
    items.sort(key=lambda item: item.created_at, reverse=True)
    return Snapshot(datetime.now(UTC), queues, items[:newest])


# Rendering


def render(snapshot: Snapshot) -> RenderableType:
    """The board for a terminal."""
    return Group(_queues(snapshot), _items(snapshot), Text(totals(snapshot), style="bold"))


def plain(snapshot: Snapshot) -> list[str]:
    """The board as lines of text, for a file or a pipe; queues without work are left out."""
    lines = [f"{snapshot.at:%H:%M:%S} {totals(snapshot)}"]
    for queue in filter(_has_work, _busiest(snapshot)):
        name, urgent, normal, held, age = _queue_cells(queue, snapshot.at)
        lines.append(f"queue {name:<14} urgent {urgent:>3} normal {normal:>3} held {held:>3} oldest {age}")
    lines += ["item " + "  ".join(_item_cells(item, snapshot.at)) for item in snapshot.items]
    return lines


def totals(snapshot: Snapshot) -> str:
    """One line of sums."""
    return f"{snapshot.waiting} waiting, {snapshot.held} held, {len(snapshot.queues)} queues"


def _queues(snapshot: Snapshot) -> Table:
    table = Table(title="Queues", title_justify="left", expand=True, box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("queue")
    for name in ("urgent", "normal", "held", "oldest"):
        table.add_column(name, justify="right")
    for queue in _busiest(snapshot):
        name, urgent, normal, held, age = _queue_cells(queue, snapshot.at)
        table.add_row(name, Text(urgent, style="bold red" if urgent != "0" else "dim"), normal, held, age)
    return table


def _items(snapshot: Snapshot) -> Table:
    table = Table(title="Newest items", title_justify="left", expand=True, box=SIMPLE_HEAD, pad_edge=False)
    for name in ("age", "state", "queue", "lane", "lang", "urgency", "topic"):
        table.add_column(name, no_wrap=True)
    table.add_column("subject", no_wrap=True, overflow="ellipsis", ratio=1, min_width=8)
    for item in snapshot.items:
        # Text, not str: what customers write may look like rich's markup.
        style = "red" if item.lane == "urgent" else ""
        table.add_row(*(Text(cell, style=style) for cell in _item_cells(item, snapshot.at)))
    return table


def _busiest(snapshot: Snapshot) -> list[QueueOut]:
    return sorted(snapshot.queues, key=lambda queue: (-queue.waiting.urgent, -queue.waiting.normal, queue.name))


def _has_work(queue: QueueOut) -> bool:
    return bool(queue.waiting.urgent + queue.waiting.normal + queue.held)


def _queue_cells(queue: QueueOut, now: datetime) -> tuple[str, str, str, str, str]:
    waiting, since = queue.waiting, queue.oldest_waiting_since
    return (queue.name, str(waiting.urgent), str(waiting.normal), str(queue.held), _age(since, now) if since else "-")


def _item_cells(item: ItemOut, now: datetime) -> tuple[str, ...]:
    return (
        _age(item.created_at, now),
        item.state,
        item.queue,
        item.lane,
        item.language or "-",
        item.tags.urgency if item.tags else "-",
        _topic(item.tags) if item.tags else "-",
        # A chat has no subject.
        one_line(item.subject or f"({item.channel})"),
    )


def _topic(tags: TagsOut) -> str:
    """The classifier's topic and how sure it is; a question mark where it abstained."""
    return f"{tags.topic}{'?' if tags.topic_abstained else ''} {tags.topic_confidence:.0%}"


def _age(since: datetime, now: datetime) -> str:
    minutes, seconds = divmod(max(0, int((now - since).total_seconds())), 60)
    hours, rest = divmod(minutes, 60)
    return f"{hours}h{rest:02d}" if hours else f"{minutes}m{seconds:02d}"
