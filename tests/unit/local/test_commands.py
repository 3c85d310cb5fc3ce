"""What the commands do with errors, and how `mail` and `chat` reach a running system."""

import argparse
import json
import os
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from sortownia.local import commands, feed, system
from sortownia.local.front import Front
from sortownia.local.system import Facts


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    commands.add_commands(parser.add_subparsers(required=True))
    chosen = parser.parse_args(arguments)
    return chosen.run(chosen)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(system, "RUNS", tmp_path)
    return tmp_path


@pytest.fixture
def front(runs: Path) -> Iterator[Front]:
    with Front(port=0) as front:
        folder = runs / "1-a"
        folder.mkdir()
        facts = {
            "url": front.url, "endpoint": "http://127.0.0.1:1", "stack": "sortownia", "smtp_port": 1,
            "mailboxes": ["help@shop.example.com"], "hook_secrets": {"w": "s"},
        }  # fmt: skip
        (folder / system.FACTS).write_text(json.dumps(facts))
        yield front


def test_nothing_running_is_one_sentence(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("chat", "hello") == 1
    assert capsys.readouterr().err.startswith("Nothing is running here: start `sortownia demo`")


def test_unknown_installation_is_one_sentence(front: Front, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("chat", "hello", "--installation", "x") == 1
    assert capsys.readouterr().err == "No such installation; the desk has w.\n"


def test_mail_without_a_door_is_one_sentence(front: Front, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("mail", "hello") == 1
    assert "The mail door on port 1 did not take the mail" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [("--subject", "a\nb"), ("--from", "żółw@example.com"), ("--to", "a\nb")])
def test_what_no_mail_can_say_is_one_sentence(
    wrong: tuple[str, str], front: Front, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("mail", "hello", *wrong) == 1
    said = capsys.readouterr().err
    assert (said.startswith("No mail can be made of this: "), said.count("\n")) == (True, 1)


def test_chat_that_is_refused_is_one_sentence(
    front: Front, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "ATTEMPTS", 1)
    assert run("chat", "hello") == 1
    assert capsys.readouterr().err == ("The chat webhook refused the message with 503: The system is still starting.\n")


def test_printed_curl_is_signed_and_quoted(front: Front, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("chat", "It's me", "--curl") == 0
    words = shlex.split(capsys.readouterr().out)
    body = words[words.index("--data-binary") + 1]
    headers = dict(word.split(": ", 1) for flag, word in pairwise(words) if flag == "-H")
    assert json.loads(body)["text"] == "It's me"
    assert words[2] == f"{front.url}/v1/hooks/generic/w"
    timestamp = headers[feed.TIMESTAMP_HEADER]
    assert headers[feed.SIGNATURE_HEADER] == feed.sign("s", timestamp, body.encode())


def test_the_system_announced_last_is_meant(runs: Path) -> None:
    for number, name in enumerate(("1-a", "2-b")):
        (runs / name).mkdir()
        facts = {"url": name, "endpoint": "e", "stack": "s", "smtp_port": 1, "mailboxes": ["a@b"], "hook_secrets": {}}
        path = runs / name / system.FACTS
        path.write_text(json.dumps(facts))
        os.utime(path, (number, number))
    assert system.running() == Facts(
        url="2-b", endpoint="e", stack="s", smtp_port=1, mailboxes=("a@b",), hook_secrets={}
    )


def test_interruption_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "build", interrupted)
    assert run("up") == 130
    assert capsys.readouterr().err == "stopped\n"
