"""What a supervisor is told of his rules before anybody feels them."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib import policy
from sortownia.cli import main
from sortownia.desk_check import findings
from tests.desk import DESK

MAIL = (
    b"From: Eve <eve@customer.example.com>\r\nTo: help@shop.example.com\r\nSubject: Invoice\r\n\r\nPlease send it.\r\n"
)


def rule(name: str, *lines: str) -> str:
    return "\n".join(["\n[[rules]]", f'name = "{name}"', *lines, ""])


SHADOWED = [
    (rule("a", 'queue = "people"') + rule("b", 'languages = ["de"]', 'queue = "orders"'), "rules.2",
     "shadowed by rule a"),
    (rule("a", 'languages = ["de", "pl"]', 'queue = "people"') + rule("b", 'languages = ["de"]', 'channels = ["mail"]',
     'queue = "orders"'), "rules.2", "shadowed by rule a"),
    (rule("a", 'words = ["law", "court"]', 'queue = "people"') + rule("b", 'words = ["court"]', 'queue = "orders"'),
     "rules.2", "shadowed by rule a"),
    (rule("a", 'from = "08:00"', 'to = "20:00"', 'zone = "UTC"', 'queue = "people"')
     + rule("b", 'from = "09:00"', 'to = "17:00"', 'days = ["monday"]', 'zone = "UTC"', 'queue = "orders"'),
     "rules.2", "shadowed by rule a"),
    (rule("a", 'channels = ["chat"]', 'subject = ["court"]', 'queue = "people"'), "rules.1", "a chat, which has none"),
    (rule("a", 'channels = ["chat"]', 'mailboxes = ["help@shop.example.com"]', 'queue = "people"'), "rules.1",
     "unreachable"),
    (rule("a", 'words = ["court"]', 'unless = ["court"]', 'queue = "people"'), "rules.1", "its own unless forbids"),
    ('\n[queues.attic]\nmembers = ["anna"]\n', "queues.attic", "nothing leads to queue attic"),
    ('\n[queues.void]\nmembers = []\n' + rule("a", 'languages = ["de"]', 'queue = "void"'), "queues.void.members",
     "waits for ever"),
    ('\n[queues.en]\nmembers = ["boris"]\n' + rule("a", 'languages = ["de"]', 'queue = "en"'), "queues.en.members",
     "nobody in queue en speaks de"),
    ('\n[marks]\nvip = "Important"\n', "marks.vip", "no rule asks"),
    (rule("a", 'languages = ["de"]', 'topic = "billing"', 'queue = "billing"'), "rules.1.queue", "says again"),
    ('\n[spam]\ntopics = ["other"]\n[[urgency]]\nname = "a"\nwords = ["gas", "smoke"]\nat_least = "critical"\n'
     '[[urgency]]\nname = "b"\nwords = ["gas"]\nat_least = "high"\n', "urgency.2", "shadowed by rule a"),
]  # fmt: skip
SOUND = [
    rule("a", 'languages = ["de"]', 'queue = "people"') + rule("b", 'queue = "orders"'),
    rule("a", 'words = ["court"]', 'queue = "people"') + rule("b", 'words = ["law", "court"]', 'queue = "orders"'),
    rule("a", 'words = ["court"]', 'unless = ["yard"]', 'queue = "people"')
    + rule("b", 'words = ["court"]', 'queue = "orders"'),
    rule("a", 'words = ["court"]', 'queue = "people"') + rule("b", 'subject = ["court"]', 'queue = "orders"'),
    rule("a", 'from = "08:00"', 'to = "16:00"', 'zone = "UTC"', 'queue = "people"')
    + rule("b", 'from = "09:00"', 'to = "17:00"', 'zone = "UTC"', 'queue = "orders"'),
]  # fmt: skip


def said(text: str) -> set[tuple[str, str]]:
    return {(one.key, one.reason) for one in findings(policy.parse(DESK + text))}


BEFORE = said("")


@pytest.mark.parametrize(("text", "key", "reason"), SHADOWED)
def test_what_never_decides_is_told_with_its_key(text: str, key: str, reason: str) -> None:
    found = said(text) - BEFORE
    assert [(k, r) for k, r in found if k == key and reason in r], found


@pytest.mark.parametrize("text", SOUND)
def test_rules_that_all_decide_something_are_sound(text: str) -> None:
    assert said(text) - BEFORE == set()


def test_the_packaged_desk_is_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["desk", "check"]) == 0
    assert "0 findings" in capsys.readouterr().out


def test_check_names_file_line_key_and_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = DESK + SHADOWED[0][0]
    (tmp_path / "desk.toml").write_text(text, "utf-8")
    assert main(["desk", "check", str(tmp_path / "desk.toml")]) == 1
    line = text.splitlines().index('name = "b"')  # the line before it, counted from one
    assert f"desk.toml, line {line}: rules.2: rule b is shadowed by rule a" in capsys.readouterr().out
    (tmp_path / "desk.toml").write_text(DESK + rule("a", 'queue = "bills"'), "utf-8")
    assert main(["desk", "check", str(tmp_path / "desk.toml")]) == 1
    assert "rules.1.queue: 'bills' is not a queue of this desk" in capsys.readouterr().out
    assert main(["desk", "check", str(tmp_path / "none.toml")]) == 2


@pytest.fixture
def desks(tmp_path: Path) -> tuple[Path, Path]:
    """A desk with the topics of the starter model, and the same with rules."""
    packaged = policy.DESK_FILE.read_text("utf-8")
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text(packaged, "utf-8")
    marks = '\n[marks]\nvip = "Important"\n'
    vip = rule("vip", 'marks = ["vip"]', 'queue = "people"', 'lane = "urgent"')
    new.write_text(packaged + marks + vip + rule("bills", 'subject = ["invoice*"]', 'topic = "billing"'), "utf-8")
    return old, new


def explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], raw: bytes, *options: str
) -> dict[str, Any]:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw), "utf-8"))
    assert main(["desk", "explain", "--json", *options]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_explain_tells_each_rule_that_was_tried(
    desks: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = explained(monkeypatch, capsys, MAIL, "--desk", str(desks[1]))
    assert (told["queue"], told["rule"], told["topic"]) == ("billing", "bills", "billing")
    assert [(rule["rule"], rule["fits"], rule["decides"]) for rule in told["rules"]] == [
        ("vip", False, False), ("bills", True, True),
    ]  # fmt: skip
    assert told["rules"][0]["conditions"] == [{"asks": "mark", "wanted": "vip", "there": "none", "holds": False}]
    marked = explained(monkeypatch, capsys, MAIL, "--desk", str(desks[1]), "--mark", "vip")
    assert (marked["queue"], marked["lane"], marked["rule"]) == ("people", "urgent", "vip")
    assert [rule["fits"] for rule in marked["rules"]] == [True, True]


def test_explain_reads_json_and_shows_urgency_rules(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = json.dumps({"channel": "chat", "subject": "", "body": "I touched the lamp and got a shock"}).encode()
    told = explained(monkeypatch, capsys, raw)
    assert (told["urgency"], told["lane"], told["urgency_ruled"]["rules"]) == ("critical", "urgent", ["safety"])
    assert [piece["text"] for piece in told["evidence"] if piece.get("rule")] == ["got a shock"]


def test_explain_knows_json_behind_a_byte_order_mark(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Programs of Windows begin a file with one."""
    plain = b'{"body": "Where is my invoice?"}'
    assert explained(monkeypatch, capsys, b"\xef\xbb\xbf" + plain) == explained(monkeypatch, capsys, plain)


def test_a_subject_alone_is_a_message(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    told = explained(monkeypatch, capsys, b'{"subject": "Where is my invoice?", "body": ""}')
    assert told["model"]["topic"] == "billing"


@pytest.mark.parametrize(
    "raw",
    [
        b'{"body": ""}',
        b'{"body": "x", "fax": 1}',
        b'{"body": "x", "marks": ["no"]}',
        b'{"body": "x", "at": "soon"}',
        b"{nope",
    ],
)
def test_explain_refuses_what_is_no_message(
    raw: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw), "utf-8"))
    assert main(["desk", "explain"]) == 2
    assert capsys.readouterr().err.startswith("sortownia: desk: ")


def test_diff_tells_only_what_changes(
    desks: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    messages = tmp_path / "messages.jsonl"
    told = [
        {"id": "a", "channel": "mail", "subject": "Invoice", "body": "My parcel is late, where is it?"},
        {"id": "b", "channel": "mail", "subject": "Parcel", "body": "My parcel is late, where is it?"},
        {"id": "c", "channel": "mail", "subject": "Parcel", "body": "My parcel is late.", "marks": []},
    ]
    messages.write_text("".join(json.dumps(one) + "\n" for one in told), "utf-8")
    assert main(["desk", "diff", *map(str, desks), str(messages)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("a: ")
    assert "rule none -> bills" in lines[0]
    assert lines[1:] == ["1 of 3 messages are treated differently"]
    assert main(["desk", "diff", str(desks[0]), str(desks[0]), str(messages)]) == 0
    assert capsys.readouterr().out == "0 of 3 messages are treated differently\n"


def test_diff_names_the_line_it_cannot_use(
    desks: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    messages = tmp_path / "messages.jsonl"
    messages.write_text('{"body": "x"}\n\n{"body": "y", "fax": 1}\n', "utf-8")
    assert main(["desk", "diff", *map(str, desks), str(messages)]) == 2
    assert capsys.readouterr().err.startswith("sortownia: desk: line 3: no such field: fax")
