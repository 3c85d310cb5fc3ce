"""A live view of queues and items in the terminal, read from the API."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sortownia.local import client
from sortownia.local.error import LocalError

STATES: Final = ("queued", "claimed", "quarantined", "resolved")
NEWEST: Final = 20

type Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the API said at one moment: queues as `GET /v1/queues` lists them, the newest items first."""

    at: datetime
    queues: Sequence[Row] = field(default=())
    items: Sequence[Row] = field(default=())

    @property
    def waiting(self) -> int:
        """How many items wait in all queues."""
        return sum(_waiting(queue, lane) for queue in self.queues for lane in ("urgent", "normal"))

    @property
    def held(self) -> int:
        """How many items people hold."""
        return sum(int(queue.get("held") or 0) for queue in self.queues)


def read(url: str, token: str, *, newest: int = NEWEST) -> Snapshot:
    """The present state of the system at `url`. Raises `LocalError` when the API refuses."""
    queues = _get(f"{url}/v1/queues", token)["queues"]
    items = [item for state in STATES for item in _newest(url, token, state, newest)]
    items.sort(key=lambda item: str(item.get("created_at")), reverse=True)
    return Snapshot(datetime.now(UTC), queues, items[:newest])


def _newest(url: str, token: str, state: str, limit: int) -> list[Row]:
    query = urlencode({"state": state, "order": "newest", "limit": limit})
    items: list[Row] = _get(f"{url}/v1/items?{query}", token)["items"]
    return items


def _get(url: str, token: str) -> Any:
    reply = client.send("GET", url, headers={"Authorization": f"Bearer {token}"})
    if reply.status != HTTPStatus.OK:
        raise LocalError(f"GET {url} was refused with {client.explain(reply)}")
    return reply.body


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
        style = "red" if item.get("lane") == "urgent" else ""
        table.add_row(*(Text(cell, style=style) for cell in _item_cells(item, snapshot.at)))
    return table


def _busiest(snapshot: Snapshot) -> list[Row]:
    return sorted(
        snapshot.queues,
        key=lambda q: (-_waiting(q, "urgent"), -_waiting(q, "normal"), str(q.get("name"))),
    )


def _has_work(queue: Row) -> bool:
    return bool(_waiting(queue, "urgent") + _waiting(queue, "normal") + int(queue.get("held") or 0))


def _queue_cells(queue: Row, now: datetime) -> tuple[str, str, str, str, str]:
    return (
        str(queue.get("name")),
        str(_waiting(queue, "urgent")),
        str(_waiting(queue, "normal")),
        str(queue.get("held") or 0),
        _age(queue.get("oldest_waiting_since"), now),
    )


def _item_cells(item: Row, now: datetime) -> tuple[str, ...]:
    tags = item.get("tags") or {}
    known = tuple(str(item.get(name) or "-") for name in ("state", "queue", "lane", "language"))
    return (
        _age(item.get("created_at"), now),
        *known,
        str(tags.get("urgency") or "-"),
        _topic(tags),
        # A chat has no subject.
        one_line(item.get("subject") or f"({item.get('channel') or '-'})"),
    )


def _topic(tags: Row) -> str:
    """The classifier's topic and how sure it is; a question mark where it abstained."""
    if not tags.get("topic"):
        return "-"
    mark = "?" if tags.get("topic_abstained") else ""
    return f"{tags['topic']}{mark} {float(tags.get('topic_confidence') or 0):.0%}"


def _waiting(queue: Row, lane: str) -> int:
    return int((queue.get("waiting") or {}).get(lane) or 0)


def one_line(text: Any) -> str:
    """Customers' text without what would move the cursor or break the line."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def _age(since: Any, now: datetime) -> str:
    if not since:
        return "-"
    try:
        seconds = max(0, int((now - datetime.fromisoformat(str(since))).total_seconds()))
    except (ValueError, TypeError):
        return str(since)
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}" if hours else f"{minutes}m{rest:02d}"
