"""Ordinary mistakes at the command line cost one sentence, not a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib import policy

CUT = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03notgz"


def run(folder: Path, *command: str) -> tuple[int, str]:
    made = subprocess.run(
        [sys.executable, "-m", "sortownia.cli", *command],
        cwd=folder, capture_output=True, timeout=60, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return made.returncode, made.stderr.decode()


@pytest.mark.parametrize(
    ("command", "name", "content"),
    [
        (("desk", "explain", "f.png"), "f.png", b"\x89PNG\r\n\x1a\n"),
        (("desk", "explain", "m.json"), "m.json", b'{"body": "x", "marks": null}'),
        (("desk", "explain", "--desk", "d.toml", "m.json"), "d.toml", "name = 'Żółw'".encode("cp1250")),
        (("tag", "--jsonl", "--desk", "d.toml"), "d.toml", "name = 'Żółw'".encode("cp1250")),
        (("desk", "diff", "old.toml", "old.toml", "m.jsonl"), "m.jsonl", b"[" * 100_000),
        (("train", "--data", "d.jsonl.gz", "--out", "o"), "d.jsonl.gz", CUT),
    ],
)
def test_a_wrong_file_is_told_of(tmp_path: Path, command: tuple[str, ...], name: str, content: bytes) -> None:
    (tmp_path / "m.json").write_bytes(b'{"body": "x"}')
    (tmp_path / "old.toml").write_bytes(Path(policy.__file__).with_name("desk.toml").read_bytes())
    (tmp_path / name).write_bytes(content)
    status, said = run(tmp_path, *command)
    assert (status, "Traceback" in said, said.count("\n")) == (2, False, 1), said


def test_parse_into_head(tmp_path: Path) -> None:
    mails = "\n".join(["nothing.eml"] * 2000) + "\n"
    shell = f"printf '%s' '{mails}' | {sys.executable} -m sortownia.cli parse --jsonl | head -1"
    made = subprocess.run(["sh", "-c", shell], cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert made.stderr == b""
