"""Runs a command for as long as its starter lives.

Started as `python keeper.py FOLDER COMMAND…` with a pipe as standard input. It prints the command's process
id, which is also its process group. When the pipe closes, because the starter closed it or died by whatever
signal, the whole group is stopped and FOLDER is removed. When the command ends by itself the keeper ends too
and leaves the folder with its log to the starter.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

GRACE_SECONDS: Final = 3.0


def main(arguments: Sequence[str]) -> int:
    """Exit status of the command, or 0 when it was stopped."""
    folder, command = Path(arguments[0]), arguments[1:]
    # Only the pipe ends us: a signal that took the keeper alone would leave the command behind.
    # A handler and not SIG_IGN, because the command would inherit the latter.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: None)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True)
    print(child.pid, flush=True)
    if _starter_is_gone(child):
        stop(child)
        remove(folder)
        return 0
    stop(child)
    return child.returncode or 0


def _starter_is_gone(child: subprocess.Popen[bytes]) -> bool:
    while child.poll() is None:
        readable, _, _ = select.select([sys.stdin], [], [], 0.25)
        if readable:
            return True
    return False


def stop(child: subprocess.Popen[bytes]) -> None:
    """End a process and all of its group, by force when it does not go in time."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_SECONDS)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def remove(folder: Path) -> None:
    """Delete a run's folder, and the one around it when nothing else is in it."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.parent.rmdir()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
