"""One tag of megabytes that says "style" again and again."""

import time

import pytest

from chalicelib.intake import email

HEAD = b"From: a@example.org\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n"
PART = b"--b\nContent-Type: text/html\n\n<%s%s>hi</%s>\n"


@pytest.mark.parametrize("said", [b"style=", b"style ", b"border-left", b"display : ", b"style=border:", b"a@b", b'"'])
@pytest.mark.parametrize("name", [b"blockquote ", b"div :"])
def test_a_huge_tag_costs_its_length(name: bytes, said: bytes) -> None:
    tag = PART % (name, said * (4_000_000 // len(said)), name.split()[0])
    began = time.process_time()
    email.read(HEAD + 2 * tag + b"--b--\n")
    assert time.process_time() - began < 1.5
