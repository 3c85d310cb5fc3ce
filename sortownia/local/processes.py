"""The processes of one group, found without a library."""

import subprocess
from pathlib import Path
from typing import Final, NamedTuple

_PROC: Final = Path("/proc")


class Process(NamedTuple):
    """A running process and its command line."""

    pid: int
    command: str


def members(group: int) -> list[Process]:
    """The living processes of a process group; zombies are not counted."""
    return _from_proc(group) if (_PROC / "self" / "stat").exists() else _from_ps(group)


def _from_proc(group: int) -> list[Process]:
    found = (_read(folder, group) for folder in _PROC.iterdir() if folder.name.isdigit())
    return [process for process in found if process]


def _read(folder: Path, group: int) -> Process | None:
    try:
        # The second field is the program's name in brackets and may hold spaces: count from behind it.
        state, _parent, its_group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
        if int(its_group) != group or state in "ZX":
            return None
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:  # it ended while we looked
        return None
    return Process(int(folder.name), command.strip())


def _from_ps(group: int) -> list[Process]:
    listing = subprocess.run(
        ["ps", "-axo", "pid=,pgid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split(None, 3) for line in listing.splitlines())
    return [Process(int(r[0]), r[3]) for r in rows if len(r) == 4 and r[1] == str(group) and r[2][0] != "Z"]
