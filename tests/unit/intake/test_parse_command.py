"""The command `parse --jsonl`, as the one who runs it sees it."""

import argparse
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sortownia import reading

FIELDS = {
    "path", "error", "from_address", "from_name", "reply_to", "to", "subject", "date", "message_id", "in_reply_to",
    "references", "text", "written", "automatic", "attachments", "warnings",
}  # fmt: skip


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], paths: str) -> list[dict[str, Any]]:
    parser = argparse.ArgumentParser()
    reading.add_commands(parser.add_subparsers())
    arguments = parser.parse_args(["parse", "--jsonl"])
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(paths.encode("utf-8", "surrogateescape"))))
    assert arguments.run(arguments) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_one_line_a_path_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mail, garbage, missing = tmp_path / "żółw.eml", tmp_path / "garbage", tmp_path / "missing"
    mail.write_bytes(
        b"From: Anna <a@example.org>\nTo: b@example.org\nSubject: x\nAuto-Submitted: auto-replied\n\nwords"
    )
    garbage.write_bytes(b"\xff\x00")
    rows = run(monkeypatch, capsys, f"{mail}\n{garbage}\r\n{missing}\n{tmp_path}\n")
    assert [row["path"] for row in rows] == [str(mail), str(garbage), str(missing), str(tmp_path)]
    assert all(row.keys() == FIELDS for row in rows)
    assert [row["error"] is None for row in rows] == [True, True, False, False]
    assert rows[0] | {"path": ""} == {
        "path": "", "error": None, "from_address": "a@example.org", "from_name": "Anna", "reply_to": [],
        "to": ["b@example.org"], "subject": "x", "date": None, "message_id": "", "in_reply_to": [], "references": [],
        "text": "words", "written": "words", "automatic": "auto-reply", "attachments": [], "warnings": [],
    }  # fmt: skip


def test_no_path_is_no_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, capsys, "") == []


def test_strange_paths_come_back_unchanged(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    rows = run(monkeypatch, capsys, "no\udcffwhere\na\0b\n")
    assert [row["path"] for row in rows] == ["no\udcffwhere", "a\0b"]
    assert all(row["error"] for row in rows)
