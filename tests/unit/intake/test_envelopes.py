"""What a mail came in or brings along is said in words."""

import pytest

from chalicelib.intake import email

HEAD = b"From: a@customer.example.com\nSubject: s\n"


def mail(kind: bytes, *parts: bytes) -> bytes:
    return HEAD + b"Content-Type: " + kind + b"; boundary=b\n\n--b\n" + b"\n--b\n".join(parts) + b"\n--b--\n"


FORWARDED = b"Content-Type: message/rfc822\n\nFrom: Anna <anna@example.com>\nSubject: =?utf-8?q?Pro=C5=9Bba?=\n\nwords"
SIGNATURE = b"Content-Type: application/pgp-signature; name=signature.asc\n\nx"
STATUS = b"Content-Type: message/delivery-status\n\nAction: failed"


@pytest.mark.parametrize(
    ("raw", "envelopes"),
    [
        (HEAD + b"\nwords", ()),
        (mail(b"multipart/signed; protocol=application/pgp-signature", b"\nwords", SIGNATURE),
         ("signed with OpenPGP: the signature was not checked",)),
        (mail(b'multipart/signed; protocol="application/x-pkcs7-signature"', b"\nwords"),
         ("signed with S/MIME: the signature was not checked",)),
        (mail(b"multipart/signed", b"\nwords"), ("signed with a scheme unknown here: the signature was not checked",)),
        (mail(b"multipart/encrypted; protocol=application/pgp-encrypted", b"\nVersion: 1"),
         ("encrypted with OpenPGP: it cannot be read here",)),
        (HEAD + b"\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n",
         ("encrypted with OpenPGP in its text: it cannot be read here",)),
        (HEAD + b"\n-----BEGIN PGP SIGNED MESSAGE-----\n\nwords\n",
         ("signed with OpenPGP in its text: the signature was not checked",)),
        (mail(b"multipart/mixed", b"\nsee below", FORWARDED), ("carries a mail from Anna",)),
        (mail(b"multipart/mixed", b"\nsee below", FORWARDED, FORWARDED), ("carries a mail from Anna",)),
        (mail(b"multipart/mixed", b"\nsee", b"Content-Type: message/rfc822\n\n\nwords"), ("carries a mail",)),
        (mail(b"multipart/report; report-type=delivery-status", b"\nfailed", STATUS, FORWARDED), ()),
    ],
)  # fmt: skip
def test_envelopes(raw: bytes, envelopes: tuple[str, ...]) -> None:
    assert email.parse(raw).envelopes == envelopes


def test_what_is_encrypted_is_a_file_and_its_control_part_is_none() -> None:
    control = b"Content-Type: application/pgp-encrypted\n\nVersion: 1"
    content = b"Content-Type: application/octet-stream; name=encrypted.asc\n\nx"
    message = email.parse(mail(b"multipart/encrypted; protocol=application/pgp-encrypted", control, content))
    assert [one.name for one in message.attachments] == ["encrypted.asc"]
    assert message.text == ""


def test_at_most_twenty_are_told() -> None:
    many = [FORWARDED.replace(b"Anna", f"Anna {n}".encode()) for n in range(50)]
    assert len(email.parse(mail(b"multipart/mixed", *many)).envelopes) == 20
