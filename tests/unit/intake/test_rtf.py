"""Rich text is unpacked and read as words."""

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.intake import rtf, tnef
from tests.unit.intake.packing import stored_rtf


@pytest.mark.parametrize(
    ("rich", "words"),
    [
        (rb"{\rtf1\ansi words}", "words"),
        (rb"{\rtf1 one\par two\line three\tab four}", "one\ntwo\nthree\tfour"),
        (rb"{\rtf1\ansi\ansicpg1250 za\'bf\'f3\'b3\'e6}", "zażółć"),
        (rb"{\rtf1\ansi\ansicpg1251\'cf\'f0\'e8\'e2\'e5\'f2}", "Привет"),
        (rb"{\rtf1\uc1 za\u380?\u243?\u322?\u263?}", "zażółć"),
        (rb"{\rtf1\uc2\u380 ??x}", "żx"),
        (rb"{\rtf1\u-10179?\u-8694?}", ""),
        (rb"{\rtf1{\fonttbl{\f0 Arial;}}{\colortbl;\red0;}{\stylesheet{Normal;}}{\*\generator Word;}words}", "words"),
        (rb"{\rtf1{\pict\pngblip 89504e47}words}", "words"),
        (rb"{\rtf1\fromhtml1{\*\htmltag64 <p>}\htmlrtf\b\htmlrtf0 words{\*\htmltag72 </p>}}", "words"),
        (rb"{\rtf1 a\{b\}c\\d\~e\_f}", "a{b}c\\d e-f"),
        (rb"{\rtf1 it\rquote s \ldblquote so\rdblquote}", "it’s “so”"),
        (b"{\\rtf1 one\r\ntwo}", "onetwo"),
        (b"", ""),
        (b"}}}words{{{", "words"),
    ],
)
def test_words_of_rich_text(rich: bytes, words: str) -> None:
    assert rtf.text(rich) == words


def packed(*runs: bytes, preset: int = 0) -> bytes:
    body = b"".join(runs)
    return struct.pack("<II4sI", len(body) + 12, preset, b"LZFu", 0) + body


def test_packed_text_is_unpacked() -> None:
    """The example of MS-OXRTFCP, 3.1: what repeats is named by its place."""
    example = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert rtf.decompressed(example) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert rtf.text(rtf.decompressed(example)) == "hello world"


def test_a_repetition_may_reach_into_itself() -> None:
    """The other example there, 3.2: `WXYZ` over and over."""
    example = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
    assert rtf.decompressed(example) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"


def test_a_bomb_is_cut() -> None:
    bomb = packed(b"\x00aaaaaaaa", b"\xff" + b"\x0d\x0f" * 8 * 200_000)
    assert len(rtf.decompressed(bomb)) <= rtf.MOST_BYTES + 200


def test_text_that_is_not_packed_is_taken_as_it_is() -> None:
    assert rtf.decompressed(stored_rtf(b"{\\rtf1 words}")) == b"{\\rtf1 words}"


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_unpacked_and_read(data: bytes) -> None:
    rtf.text(rtf.decompressed(packed(data)))
    rtf.text(b"{\\rtf1 " + data)
    assert rtf.decompressed(data[:15]) == b""


def test_rich_texts_of_the_shared_streams_have_words(shared: Path) -> None:
    found = 0
    for path in sorted((shared / "mail").glob("*/**/*.tnef")):
        data = path.read_bytes()
        stream = tnef.read(data, 0, len(data))
        if stream.rtf:
            rich = rtf.decompressed(data[stream.rtf.start : stream.rtf.end])
            assert rich.startswith(b"{\\rtf1"), path
            assert "\\" not in rtf.text(rich), path
            found += bool(rtf.text(rich))
    assert found >= 6
