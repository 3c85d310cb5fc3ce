"""The tree of parts, and what becomes of broken ones."""

import pytest

from chalicelib.intake import email, fields, mime, transfer, words

MIXED = b"Content-Type: multipart/mixed; boundary=b\n\n"


def shown(raw: bytes) -> list[bytes]:
    return [part.content() for part in mime.tree(raw)[0].children]


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b"--b\n\none\n--b\n\ntwo\n--b--\nepilogue", [b"one", b"two"]),
        (b"preamble\n--b\n\none\n--b--", [b"one"]),
        (b"--b\r\n\r\none\r\n--b--\r\n", [b"one"]),
        (b"--b  \n\none\n--b-- \n", [b"one"]),
        (b"--b\n\none\n--bb\nstill one\n--b--", [b"one\n--bb\nstill one"]),
        (b"--b\n\none", [b"one"]),
        (b"--b\n--b--", [b""]),
        (b"--b\n\n\n\none\n\n--b--", [b"\n\none\n"]),
    ],
)
def test_boundaries(body: bytes, parts: list[bytes]) -> None:
    assert shown(MIXED + body) == parts


def test_a_missing_or_wrong_boundary_is_guessed() -> None:
    for kind in (b"multipart/mixed", b"multipart/mixed; boundary=other"):
        raw = b"Content-Type: " + kind + b"\n\n--real\n\none\n--real\n\ntwo\n--real--\n"
        assert shown(raw) == [b"one", b"two"]
        assert "a boundary was missing or wrong and was guessed" in mime.tree(raw)[1]


def test_a_multipart_without_parts_is_text() -> None:
    root, warnings = mime.tree(MIXED + b"just words")
    assert (root.type, root.content()) == ("text/plain", b"just words")
    assert warnings == ("no boundary was found: the part was read as text",)


def test_an_outer_boundary_ends_inner_parts() -> None:
    raw = MIXED + b"--b\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\ninner\n--b\n\nouter\n--b--\n"
    root = mime.tree(raw)[0]
    assert [part.content() for part in root.walk() if not part.children] == [b"inner", b"outer"]


def test_a_mail_enclosed_in_base64_is_opened() -> None:
    inner = b"U3ViamVjdDogaW5uZXIKCndvcmRz"
    raw = b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + inner
    child = mime.tree(raw)[0].children[0]
    assert (child.head.get("subject"), child.content()) == ("inner", b"words")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text/plain; charset=utf-8", {"charset": "utf-8"}),
        ('x/y; name="a;b\\"c"; Boundary="x y"', {"name": 'a;b"c', "boundary": "x y"}),
        ("x/y; name*0=long; name*1=er.txt", {"name": "longer.txt"}),
        ("x/y; name*=utf-8'pl'%C5%82.txt; name=l.txt", {"name": "ł.txt"}),
        ("x/y; name*0*=utf-8''%C5%82; name*1=.txt", {"name": "ł.txt"}),
        ('x/y; name="=?utf-8?q?=C5=82?=.txt"', {"name": "ł.txt"}),
        ('x/y; name="never closed', {"name": "never closed"}),
        ("x/y; ; =; a", {}),
    ],
)
def test_parameters(value: str, expected: dict[str, str]) -> None:
    assert words.parameters(value) == expected


@pytest.mark.parametrize(
    ("data", "plain"),
    [
        (b"QUJD\nREVG\n", b"ABCDEF"),
        (b"QUI=\nQ0Q=\n", b"ABCD"),
        (b"QUJDR", b"ABC"),
        (b"", b""),
        (b"====", b""),
        (b"no base64, but words", b"no base64, but words"),
    ],
)
def test_base64(data: bytes, plain: bytes) -> None:
    assert transfer.undo(data, "base64") == plain


def test_uuencoded_data() -> None:
    assert transfer.undo(b"begin 644 x.txt\n#0V%T\n`\nend\n", "x-uuencode") == b"Cat"
    assert transfer.undo(b"begin 644 x\n\xff\xff\xff\n#0V%T\nend\n", "uuencode") == b"Cat"


def test_headers_end_where_text_begins() -> None:
    head = fields.read(b"A: 1\nB: 2\n 3\nno field here\nnor here\n", 0, 37, 1_000)
    assert (head.fields.get("a"), head.fields.get("b")) == ("1", "2 3")
    assert b"A: 1\nB: 2\n 3\nno field here\nnor here\n"[head.body :] == b"no field here\nnor here\n"


def test_a_no_break_space_is_no_blank_in_a_raw_value() -> None:
    head = fields.read("Subject: voilà\n\n".encode(), 0, 17, 1_000)
    assert words.decode(head.fields.get("subject")) == "voilà"


@pytest.mark.parametrize(
    "named", ['"base64"', "base64 (of our gateway)", "(of our gateway) Base64", "base64; x=y", "'base64'"]
)
def test_a_transfer_encoding_is_known_however_it_is_written(named: str) -> None:
    raw = f"From: a@example.org\nContent-Transfer-Encoding: {named}\n\nV2hlcmUgaXMgbXkgcGFyY2VsPw==\n".encode()
    assert email.read(raw).text == "Where is my parcel?"


def test_blanks_behind_a_soft_line_break_were_added_on_the_way() -> None:
    raw = (
        b"From: a@example.org\nContent-Transfer-Encoding: quoted-printable\n\nWhere is my=  \n parcel=\t\r\n? 1 =3D 1\n"
    )
    assert email.read(raw).text == "Where is my parcel? 1 = 1"
