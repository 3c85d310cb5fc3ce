"""Text whose lines a program broke for the way, to be joined by who reads it (RFC 3676)."""

import time

import pytest

from chalicelib.intake import email

HEAD = "From: Anna <anna@example.org>\nContent-Type: text/plain; charset=utf-8; format=flowed; DelSp={}\n\n"


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("Where is  \nmy parcel?\n", "Where is my parcel?"),
        ("https://example.com/a \nbc", "https://example.com/abc"),
        ("bezpieczeń \nstwo", "bezpieczeństwo"),
        ("One.\n\nTwo.", "One.\n\nTwo."),
        (" >this is no quota \n tion", ">this is no quotation"),
        ("> old  \n> words\n> older\nnew", "> old words\n> older\nnew"),
        (">> older  \n> old", ">> older\n> old"),
        ("end \n", "end"),
        ("Yes \n-- \nAnna", "Yes\n--\nAnna"),
        ("One. \n\nTwo.", "One.\n\nTwo."),
    ],
)
def test_lines_are_joined(sent: str, read: str) -> None:
    assert email.read((HEAD.format("Yes") + sent).encode()).text == read


def test_lines_that_kept_their_blanks_stay() -> None:
    assert email.read((HEAD.format("no") + "Where is \nmy parcel?").encode()).text == "Where is\nmy parcel?"


def test_what_is_written_now_is_told_apart_as_ever() -> None:
    mail = (
        HEAD.format("yes") + "Nothing  \ncame.\n\nOn 2 Nov 2026, at 10:00, Help <help@example.com> wrote:  \n\n> old\n"
    )
    assert email.read(mail.encode()).written == "Nothing came."


def test_many_lines_cost_their_length() -> None:
    began = time.process_time()
    email.read((HEAD.format("yes") + "> word \n" * 100_000).encode())
    assert time.process_time() - began < 5
