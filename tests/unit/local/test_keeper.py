"""What the keeper keeps ends with its starter, whichever way that goes."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sortownia.local import keeper, processes

FAMILY = "import subprocess, time; subprocess.Popen(['sleep', '60']); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True);" + FAMILY


def start(folder: Path, code: str) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-I", keeper.__file__, str(folder), sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    return process, int(process.stdout.readline())


def until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    (folder / "file").write_text("x")
    return folder


@pytest.mark.parametrize("code", [FAMILY, STUBBORN])
def test_closing_the_pipe_ends_the_group_and_removes_the_folder(folder: Path, code: str) -> None:
    process, group = start(folder, code)
    with process:
        assert until(lambda: len(processes.members(group)) == 2)
        assert process.stdin
        process.stdin.close()
        assert process.wait(15) == 0
    assert processes.members(group) == []
    assert not folder.parent.exists()


def test_signals_to_the_keeper_do_not_orphan_the_command(folder: Path) -> None:
    process, group = start(folder, FAMILY)
    with process:
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        assert not until(lambda: process.poll() is not None, 0.5)
        assert process.stdin
        process.stdin.close()
        process.wait(15)
    assert processes.members(group) == []


def test_command_that_ends_by_itself_leaves_the_folder_to_the_starter(folder: Path) -> None:
    process, group = start(folder, "import sys; sys.exit(3)")
    with process:
        assert process.wait(15) == 3
    assert folder.exists()
    assert processes.members(group) == []


def test_killed_starter_takes_everything_with_it(folder: Path) -> None:
    code = (
        "import subprocess, sys, time;"
        f"p = subprocess.Popen([sys.executable, '-I', {keeper.__file__!r}, {str(folder)!r}, sys.executable, '-c',"
        f" {FAMILY!r}], stdin=subprocess.PIPE, start_new_session=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        group = int(starter.stdout.readline())
        starter.kill()
        assert until(lambda: not folder.parent.exists())
    assert until(lambda: processes.members(group) == [])


def test_a_folder_with_neighbours_leaves_them(folder: Path) -> None:
    (folder.parent / "two").mkdir()
    keeper.remove(folder)
    assert [path.name for path in folder.parent.iterdir()] == ["two"]
