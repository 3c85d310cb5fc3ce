"""Collected mails, damaged at random: reading them never raises, never hangs, and never gives what cannot be stored."""

import json
import random
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from chalicelib.errors import Unreadable
from chalicelib.intake import email
from tests.property.test_parse import check

LONGEST: Final = 10  # seconds for one mail
LARGEST: Final = 200_000  # bytes of a mail that is mutated; the larger ones are few and say nothing new
CHARSETS: Final = (
    b"utf-8", b"us-ascii", b"windows-1250", b"iso-8859-2", b"koi8-r", b"cp852", b"utf-16", b"utf-7", b"iso-2022-jp",
    b"gb18030", b"big5", b"hz", b"euc-kr", b"x-unknown", b"base64", b"\xff", b"",
)  # fmt: skip
ENCODINGS: Final = (b"base64", b"quoted-printable", b"x-uuencode", b"7bit", b"binary", b"none")
_CHARSET: Final = re.compile(rb"(charset\s*=\s*\"?|=\?)[\w.:-]+", re.IGNORECASE)
_ENCODING: Final = re.compile(rb"(content-transfer-encoding\s*:\s*)[\w-]+", re.IGNORECASE)


def flip_bits(raw: bytes, dice: random.Random) -> bytes:
    changed = bytearray(raw)
    for _ in range(dice.randint(1, 20)):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def cut_at_a_boundary(raw: bytes, dice: random.Random) -> bytes:
    ends = [found.start() for found in re.finditer(rb"\n--|\n\r?\n|\n", raw)] or [len(raw)]
    return raw[: dice.choice(ends) + dice.randint(0, 3)]


def swap_lines(raw: bytes, dice: random.Random) -> bytes:
    lines = raw.split(b"\n")
    for _ in range(dice.randint(1, 5)):
        one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def swap_charsets(raw: bytes, dice: random.Random) -> bytes:
    return _CHARSET.sub(lambda found: found[1] + dice.choice(CHARSETS), raw)


def swap_encodings(raw: bytes, dice: random.Random) -> bytes:
    return _ENCODING.sub(lambda found: found[1] + dice.choice(ENCODINGS), raw)


def double_headers(raw: bytes, dice: random.Random) -> bytes:
    head, blank, body = raw.partition(b"\n\n")
    lines = head.split(b"\n")
    lines += dice.choices(lines, k=dice.randint(1, 30))
    return b"\n".join(lines) + blank + body


def splice(raw: bytes, dice: random.Random) -> bytes:
    start, end = sorted((dice.randrange(len(raw)), dice.randrange(len(raw))))
    at = dice.randrange(len(raw))
    return raw[:at] + raw[start:end] + raw[at:]


MUTATIONS: Final[tuple[Callable[[bytes, random.Random], bytes], ...]] = (
    flip_bits, cut_at_a_boundary, swap_lines, swap_charsets, swap_encodings, double_headers, splice,
)  # fmt: skip


def collected(folder: Path) -> list[bytes]:
    rows = json.loads((folder / "mail" / "MANIFEST.json").read_text("utf-8"))
    paths = (folder / "mail" / row["source"] / row["path"] for row in rows if row["kind"] in ("mime", "dsn", "notdsn"))
    return [raw for raw in (path.read_bytes() for path in paths) if 0 < len(raw) <= LARGEST]


def mutants(raws: list[bytes], count: int, seed: int) -> Iterator[tuple[int, bytes]]:
    """Numbered mutants: each of one mail, changed in one to three ways; `seed` and number make them again."""
    for number in range(count):
        dice = random.Random(f"{seed} {number}")
        raw = dice.choice(raws)
        for mutation in dice.sample(MUTATIONS, dice.randint(1, 3)):
            raw = mutation(raw, dice) or b"x"
        yield number, raw


def read_all(raws: list[bytes], count: int, seed: int, tell: Callable[[int], None] = lambda number: None) -> None:
    for number, raw in mutants(raws, count, seed):
        started = time.process_time()
        try:
            check(email.read(raw))
            if number % 10 == 0:
                email.parse(raw)
        except Unreadable:
            pass
        except Exception as problem:
            raise AssertionError(f"mutant {number} of seed {seed}") from problem
        assert time.process_time() - started < LONGEST, f"mutant {number} of seed {seed} takes too long"
        tell(number)


def test_mutants_of_collected_mails_are_read(shared: Path) -> None:
    read_all(collected(shared), 8_000, seed=1)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_mutants_are_read(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    started = time.monotonic()

    def tell(number: int) -> None:
        if number % 10_000 == 9_999:
            with capsys.disabled():
                print(f"{number + 1} mutants, {time.monotonic() - started:.0f} s", flush=True)

    read_all(collected(shared), 100_000, seed=2, tell=tell)
