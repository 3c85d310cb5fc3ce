"""Ordinary mistakes at the command line cost one sentence, not a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib import policy
from sortownia.cli import INTERRUPTED, main

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
        (("desk", "diff", "old.toml", "old.toml", "m.jsonl"), "m.jsonl", b'{"body": "x"}\n{"body": "y", "fax": 1}'),
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


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("train", "--data", "d", "--out", "o", "--seed", "-1"), "--seed: must be a number from 0 to 4294967295"),
        (("train", "--data", "d", "--out", "o", "--seed", "4294967296"), "--seed: must be a number from 0"),
        (("train", "--data", "d", "--out", "o", "--seed", "x"), "--seed: must be a number from 0"),
        (("retrain", "--months", "x"), "--months: must be a number from 1 to 600"),
        (("up", "--port", "65536"), "--port: must be a number from 0 to 65535"),
        (("demo", "--http-port", "-1"), "--http-port: must be a number from 0 to 65535"),
        (("reply", "ITEM", "Hello", "--then", "no"), "--then: invalid choice: 'no' (choose from 'wait'"),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_range(
    command: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert (ended.value.code, said in capsys.readouterr().err) == (2, True)


def test_train_leaves_no_model_where_the_pipeline_cannot_be_kept(tmp_path: Path) -> None:
    more = ["red", "green", "blue", "black", "white", "pink"]
    told = [
        {"text": f"{word} {first} {other}", "label": word}
        for word in ("lamp", "parcel")
        for first in more
        for other in more
    ]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(one) + "\n" for one in told), "utf-8")
    (tmp_path / "kept").mkdir()
    status, said = run(tmp_path, "train", "--data", "d.jsonl", "--out", "o", "--keep", "kept", "--quick")
    assert (status, said.count("\n"), (tmp_path / "o").exists()) == (2, 1, False), said


@pytest.mark.parametrize("command", ["desk check", "--help", "desk explain m.json"])
@pytest.mark.parametrize(("target", "status", "lines"), [("| true", 0, 0), (">/dev/full", 2, 1)])
def test_output_nobody_takes(tmp_path: Path, command: str, target: str, status: int, lines: int) -> None:
    """What is held back is written at the end: that, too, may find nobody there."""
    (tmp_path / "m.json").write_bytes(b'{"body": "x"}')
    shell = f"({sys.executable} -m sortownia.cli {command}; echo $? >status) {target}"
    held_back = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    made = subprocess.run(
        ["sh", "-c", shell], cwd=tmp_path, env=held_back, capture_output=True, timeout=60, check=False
    )
    found = int((tmp_path / "status").read_text("utf-8"))
    assert (found, made.stderr.count(b"\n")) == (status, lines), made.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_our_letters(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "m.json").write_text(json.dumps({"subject": "Счёт", "body": "Где мой счёт? Réponse 😀"}), "utf-8")
    terminal = os.environ | {"PYTHONIOENCODING": encoding}
    told = [
        subprocess.run(
            [sys.executable, "-m", "sortownia.cli", "desk", "explain", "m.json", *options],
            cwd=tmp_path, env=env, capture_output=True, timeout=60, check=False,
        )
        for options, env in (((), terminal), (("--json",), terminal), (("--json",), os.environ))
    ]  # fmt: skip
    assert [(one.returncode, one.stderr) for one in told] == [(0, b"")] * 3
    assert json.loads(told[1].stdout.decode(encoding)) == json.loads(told[2].stdout)


def test_ctrl_c_while_a_command_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some load for a second."""

    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("importlib.import_module", interrupted)
    assert main(["train"]) == INTERRUPTED
