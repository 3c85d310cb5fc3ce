"""The board drawn from given data."""

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from chalicelib.api.answers import ItemOut, QueueOut
from sortownia.local import board
from sortownia.local.error import LocalError

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def queue(name: str, urgent: int, normal: int, held: int = 0, since: str | None = None) -> QueueOut:
    waiting = {"urgent": urgent, "normal": normal}
    promises = {"due_soon": 0, "breached": 0}
    row = {"name": name, "waiting": waiting, "oldest_waiting_since": since, "held": held, "complete": True,
           "promises": promises}  # fmt: skip
    return QueueOut.model_validate(row)


def item(**known: Any) -> ItemOut:
    """An item of which nothing is known but this."""
    unknown = dict.fromkeys(ItemOut.model_fields)
    there = {
        "id": "i1", "customer_id": "c1", "state": "queued", "queue": "people", "lane": "normal", "reason": "",
        "channel": "chat", "source": "shop-widget", "subject": "", "language": "", "hand_offs": 0, "version": 1,
        "created_at": NOW, "changed_at": NOW, "waiting_since": NOW, "linked_because": "", "escalations": 0,
    }  # fmt: skip
    return ItemOut.model_validate({**unknown, **there, **known})


def tags(**known: Any) -> dict[str, Any]:
    there = {
        "model": "m1", "topic": "other", "topic_confidence": 0.5, "topic_abstained": False, "urgency": "normal",
        "urgency_confidence": 0.5, "language": "pl", "evidence": [], "urgency_ruled": None,
    }  # fmt: skip
    return {**there, **known}


SNAPSHOT = board.Snapshot(
    NOW,
    [
        queue("sales", 0, 0),
        queue("orders", 1, 5, 2, "2026-03-01T10:58:00Z"),
        queue("billing", 0, 7, 0, "2026-03-01T11:59:30Z"),
    ],
    [
        item(
            queue="orders",
            lane="urgent",
            channel="mail",
            language="pl",
            subject="[bold]Paczka[/] \x1b[31mstoi\nw sortowni",
            tags=tags(topic="delivery", topic_confidence=0.874, urgency="high"),
            created_at="2026-03-01T11:59:15+00:00",
        ),
        item(state="quarantined", queue="quarantine"),
    ],
)


def drawn(snapshot: board.Snapshot, width: int = 120) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=False)
    console.print(board.render(snapshot))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_queues_with_urgent_work_come_first() -> None:
    text = drawn(SNAPSHOT)
    assert text.index("orders") < text.index("billing") < text.index("sales")


def test_lines_for_a_pipe_say_the_same() -> None:
    lines = board.plain(SNAPSHOT)
    assert lines[0] == "12:00:00 13 waiting, 2 held, 3 queues"
    assert lines[1] == "queue orders         urgent   1 normal   5 held   2 oldest 1h02"
    assert lines[2].startswith("queue billing ")
    assert lines[3].startswith("item 0m45  queued  orders  urgent  pl  high  delivery 87%  ")
    assert len(lines) == 5


def test_customers_text_can_neither_format_nor_move_the_cursor() -> None:
    for text in (drawn(SNAPSHOT, 200), "\n".join(board.plain(SNAPSHOT))):
        assert "[bold]Paczka[/]  [31mstoi w sortowni" in text
        assert "\x1b" not in text


def test_what_is_not_known_is_a_dash() -> None:
    assert board.plain(SNAPSHOT)[4] == "item 0m00  quarantined  quarantine  normal  -  -  -  (chat)"


def test_empty_system_is_drawn() -> None:
    assert "0 waiting" in drawn(board.Snapshot(NOW))


def test_abstained_topic_is_marked() -> None:
    unsure = item(tags=tags(topic="sales", topic_confidence=0.3, topic_abstained=True))
    assert "sales? 30%" in board.plain(board.Snapshot(NOW, (), [unsure]))[1]


def test_an_api_that_is_away_is_one_sentence() -> None:
    with pytest.raises(LocalError, match=r"^The API at http://127.0.0.1:9 cannot be read: \S"):
        board.read("http://127.0.0.1:9", "t")
