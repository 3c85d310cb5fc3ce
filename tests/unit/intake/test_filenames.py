"""Names of files: no path, no trick, no device, no end; and each its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.intake.filenames import NAME_BYTES, extension, safe, told_apart


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("umowa.pdf", "umowa.pdf"),
        ("Zażółć gęślą.PDF", "Zażółć gęślą.PDF"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\win.ini", "win.ini"),
        ("C:\\temp\\a.txt", "a.txt"),
        ("folder/", "folder"),
        ("/", ""),
        ("C:a.txt", "C_a.txt"),
        ("a.txt:stream", "a.txt_stream"),
        ("CON.txt", "_CON.txt"),
        ("con", "_con"),
        ("nul .txt", "_nul .txt"),
        ("LPT1.tar.gz", "_LPT1.tar.gz"),
        ("COM¹", "_COM¹"),
        ("console.txt", "console.txt"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("\u2066a\u2069.txt\u200b", "a.txt"),
        ("a\0.exe", "a.exe"),
        ("a\r\nContent-Type: text/html\r\n.txt", "html.txt"),
        ("a\r\n\tb.txt", "ab.txt"),
        ("", ""),
        (".", ""),
        ("..", ""),
        (" . . ", ""),
        ("\u3164\u200b", ""),
        (".htaccess", "htaccess"),
        ("  a.txt. ", "a.txt"),
        ("invoice.pdf          .exe", "invoice.pdf .exe"),
        ("invoice.pdf\u2800\u2800\u3164.exe", "invoice.pdf .exe"),
        ('"a".txt', "_a_.txt"),
        ("it's.txt", "it's.txt"),
        ("what<|>?*.txt", "what_____.txt"),
        ("👩‍👧 photo 🎉.jpg", "👩‍👧 photo 🎉.jpg"),
        ("cafe\u0301.txt", "caf\u00e9.txt"),
        ("half\ud83d.txt", "half.txt"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("x" * 300, "x" * 200),
        ("ł" * 150 + ".docx", "ł" * 97 + ".docx"),
        ("a." + "b" * 300, "a." + "b" * 198),
    ],
)
def test_a_name_is_made_safe(given: str, kept: str) -> None:
    assert safe(given) == kept


@given(st.text() | st.text(st.sampled_from("a./\\\0\r\n .:\u202e\u200d\u2800CONł🎉")))
def test_a_safe_name_is_one_file_in_one_folder_and_stays_as_it_is(name: str) -> None:
    kept = safe(name)
    assert not set(kept) & set('/\\:"<>|?*')
    assert all(letter.isprintable() or letter in "\u200c\u200d" for letter in kept)
    assert kept == kept.strip(". ")
    assert len(kept.encode()) <= NAME_BYTES
    assert safe(kept) == kept


@pytest.mark.parametrize(
    ("names", "apart"),
    [
        (["a.pdf", "b.pdf"], ("a.pdf", "b.pdf")),
        (["a.pdf", "A.PDF", "a.pdf"], ("a.pdf", "A (2).PDF", "a (3).pdf")),
        (["a.pdf", "a (2).pdf", "a.pdf"], ("a.pdf", "a (2).pdf", "a (3).pdf")),
        (["a", "a", ".b"], ("a", "a (2)", ".b")),
    ],
)
def test_names_are_told_apart(names: list[str], apart: tuple[str, ...]) -> None:
    assert tuple(told_apart(names)) == apart


@given(st.lists(st.sampled_from(["a.pdf", "A.pdf", "a (2).pdf", "a (2) (2).pdf", "b", "B"]), max_size=30))
def test_no_two_names_are_the_same(names: list[str]) -> None:
    apart = told_apart(names)
    assert len({name.casefold() for name in apart}) == len(names)


@pytest.mark.parametrize(
    ("name", "end"),
    [("a.PDF", ".pdf"), ("a.tar.gz", ".gz"), ("a", ""), (".pdf", ""), ("a.", ""), ("a.b c", ""), ("a." + "x" * 11, "")],
)
def test_extensions(name: str, end: str) -> None:
    assert extension(name) == end
