"""Mails made to exhaust us: each is read within ten seconds and 512 MB, in a process that may have no more."""

import base64
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from typing import Final

import pytest

SECONDS: Final = 10
MEGABYTES: Final = 512
_READ: Final = f"""
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({MEGABYTES << 20}, {MEGABYTES << 20}))
resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
from chalicelib.intake import email
message = email.read(sys.stdin.buffer.read())
print(json.dumps([len(message.text), len(message.attachments), len(message.to), list(message.warnings)]))
"""
HEAD: Final = b"From: a@example.com\nSubject: bomb\nMIME-Version: 1.0\n"
HTML: Final = HEAD + b"Content-Type: text/html\n\n"
MEGABYTE: Final = 1 << 20


def nested(kind: bytes, depth: int) -> bytes:
    if kind == b"message/rfc822":
        return HEAD + b"Content-Type: message/rfc822\n\n" * depth + b"Subject: inmost\n\nwords"
    heads = [b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number) for number in range(depth)]
    return HEAD + b"".join(heads) + b"\nwords"


def zeros_in_a_zip() -> bytes:
    """A gigabyte of zeros in a megabyte."""
    packed = io.BytesIO()
    archive = zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with archive, archive.open("zeros", "w", force_zip64=True) as member:
        for _ in range(1024):
            member.write(bytes(MEGABYTE))
    head = b'Content-Type: application/zip; name="zeros.zip"\nContent-Transfer-Encoding: base64\n\n'
    return HEAD + head + base64.encodebytes(packed.getvalue())


def fill(start: bytes, unit: bytes, size: int = 4 * MEGABYTE) -> bytes:
    return start + unit * (size // len(unit))


BOMBS: Final[dict[str, Callable[[], bytes]]] = {
    "a thousand mails in each other": lambda: nested(b"message/rfc822", 1_000),
    "ten thousand multiparts in each other": lambda: nested(b"multipart/mixed", 10_000),
    "a hundred thousand parts": lambda: fill(
        HEAD + b"Content-Type: multipart/mixed; boundary=b\n", b"\n--b\n\nwords", 100_000 * 11
    ),
    "a header without end": lambda: fill(b"Subject: x\nX-Endless: ", b"a", 40 * MEGABYTE),
    "a header of folds without end": lambda: fill(b"Subject: x\n", b" folded\n", 40 * MEGABYTE),
    "ten thousand recipients": lambda: (
        HEAD + b"To: " + b",\n ".join(b'"Name %d" <n%d@example.com>' % (n, n) for n in range(10_000)) + b"\n\nwords"
    ),
    "a list of addresses without end": lambda: fill(HEAD + b"To: ", b"a@b.example.com, ", 40 * MEGABYTE),
    "forty megabytes of words": lambda: fill(HEAD + b"\n", b"words of a long text\n", 40 * MEGABYTE),
    "forty megabytes of carriage returns": lambda: fill(HEAD.replace(b"\n", b"\r") + b"\r", b"words\r", 40 * MEGABYTE),
    "forty megabytes of base64": lambda: (
        HEAD + b"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(bytes(28 * MEGABYTE))
    ),
    "a gigabyte of zeros in a zip": zeros_in_a_zip,
    "quoted-printable": lambda: fill(HEAD + b"Content-Transfer-Encoding: quoted-printable\n\n", b"=C5=82=\n"),
    "quoted-printable of equals signs": lambda: fill(HEAD + b"Content-Transfer-Encoding: quoted-printable\n\n", b"="),
    "base64 of paddings": lambda: fill(HEAD + b"Content-Transfer-Encoding: base64\n\n", b"YQ==\n"),
    "uuencode": lambda: fill(HEAD + b"Content-Transfer-Encoding: x-uuencode\n\n", b"#0V%T\n"),
    "encoded words": lambda: fill(b"From: a@b\nSubject: ", b"=?utf-8?q?=C5=82?=\n "),
    "encoded words never closed": lambda: fill(b"From: a@b\nSubject: ", b"=?utf-8?q?"),
    "quotes never closed": lambda: fill(b"Subject: x\nFrom: ", b'"a\\" '),
    "comments never closed": lambda: fill(b"Subject: x\nFrom: ", b"(a"),
    "brackets never closed": lambda: fill(b"Subject: x\nFrom: ", b"<a@b "),
    "references without end": lambda: fill(b"Subject: x\nReferences: ", b"<a@b> "),
    "parameters without end": lambda: fill(b"Subject: x\nContent-Type: text/plain", b'; a*0="x'),
    "blanks for backtracking": lambda: fill(HEAD + b"\n", b"On" + b" " * 5_000 + b"wrote\n"),
    "dashes for backtracking": lambda: fill(HEAD + b"Content-Type: multipart/mixed; boundary=a\n\n", b"-- \n--a-\n"),
    "elements a hundred thousand deep": lambda: HTML + b"<div>" * 100_000 + b"words" + b"</div>" * 100_000,
    "elements never closed": lambda: fill(HTML, b"<div><b><table><a href='"),
    "tags never closed": lambda: fill(HTML, b"<a "),
    "a megabyte of angle brackets": lambda: HTML + b"<" * MEGABYTE + b"words",
    "attributes without end": lambda: HTML + b"<p " + b" ".join(b"a%d=1" % n for n in range(500_000)) + b">words",
    "scripts never closed": lambda: fill(HTML, b"<script><style><!--"),
    "hidden elements never closed": lambda: fill(HTML, b"<div style='display:none'><span style='display:none'>x"),
    "quotations in each other": lambda: fill(HTML, b"<blockquote>x"),
    "entities": lambda: fill(HTML, b"&amp;&#x142;&lt"),
    "8-bit words": lambda: fill(HEAD + b"\n", bytes(range(33, 256))),
    "long words before a letter": lambda: HEAD + b"\n" + (b"a" * 49_990 + b"\xe9 ") * 20,
    "misread letters": lambda: fill(HEAD + b"Content-Type: text/plain; charset=utf-8\n\n", "Å‚Ã³√≥ÐµÑ‚ ".encode()),
    "misread letters in a line": lambda: fill(HEAD + b"Content-Type: text/plain; charset=utf-8\n\n", "ÅÐ€“".encode()),
    "letters of a wrong charset": lambda: fill(
        HEAD + b"Content-Type: text/plain; charset=utf-8\n\n", "ЪДТБЧУФЧХКФЕ¶ody\n".encode()
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bomb(name: str) -> None:
    done = subprocess.run([sys.executable, "-c", _READ], input=BOMBS[name](), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()[-500:] or f"ended by signal {-done.returncode}: out of time"
    text, attachments, recipients, _ = json.loads(done.stdout)
    assert text <= 1_000_000
    assert attachments <= 1_000
    assert recipients <= 1_000


def test_what_was_left_out_is_told() -> None:
    raw = BOMBS["a hundred thousand parts"]()
    done = subprocess.run([sys.executable, "-c", _READ], input=raw, capture_output=True, timeout=60, check=True)
    assert any("more than 1000 parts" in warning for warning in json.loads(done.stdout)[3])
