"""The board drawn from given data."""

from datetime import UTC, datetime
from io import StringIO

from rich.console import Console

from sortownia.local import board

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
SNAPSHOT = board.Snapshot(
    NOW,
    [
        {"name": "sales", "waiting": {"urgent": 0, "normal": 0}, "oldest_waiting_since": None, "held": 0},
        {
            "name": "orders",
            "waiting": {"urgent": 1, "normal": 5},
            "oldest_waiting_since": "2026-03-01T10:58:00Z",
            "held": 2,
        },
        {
            "name": "billing",
            "waiting": {"urgent": 0, "normal": 7},
            "oldest_waiting_since": "2026-03-01T11:59:30Z",
            "held": 0,
        },
    ],
    [
        {
            "id": "i1",
            "state": "queued",
            "queue": "orders",
            "lane": "urgent",
            "channel": "mail",
            "language": "pl",
            "subject": "[bold]Paczka[/] \x1b[31mstoi\nw sortowni",
            "tags": {
                "topic": "delivery",
                "topic_confidence": 0.874,
                "topic_abstained": False,
                "urgency": "high",
            },
            "created_at": "2026-03-01T11:59:15+00:00",
        },
        {"id": "i2", "state": "quarantined", "queue": "quarantine", "created_at": "soon"},
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


def test_missing_fields_are_dashes() -> None:
    assert board.plain(SNAPSHOT)[4] == "item soon  quarantined  quarantine  -  -  -  -  (-)"


def test_empty_system_is_drawn() -> None:
    assert "0 waiting" in drawn(board.Snapshot(NOW))


def test_abstained_topic_is_marked() -> None:
    item = {"id": "i3", "tags": {"topic": "sales", "topic_confidence": 0.3, "topic_abstained": True}}
    assert "sales? 30%" in board.plain(board.Snapshot(NOW, (), [item]))[1]
