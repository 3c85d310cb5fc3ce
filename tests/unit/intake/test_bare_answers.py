"""Who answers with a photograph and his signature alone does not say what we wrote to him."""

import pytest

from chalicelib.intake import email

HEAD = "From: Anna <anna@example.org>\nTo: help@example.com\nContent-Type: text/plain; charset=utf-8\nSubject: {}\n\n"
SIGNATURES = ["Mit freundlichen Grüßen\nAnna", "Pozdrawiam serdecznie", "Kind regards,\nAnna", "С уважением,\nАнна"]
OURS = (
    "\n\n-----Original Message-----\nFrom: Help <help@example.com>\nSent: Monday, 2 March 2026 10:00\nTo: Anna\n"
    "Subject: Order\n\nDear Anna, please send us a photo of the damaged goods.\n"
)


@pytest.mark.parametrize("signature", SIGNATURES)
@pytest.mark.parametrize("prefix", ["Re: ", "AW: ", "Odp: ", "[EXT] Re[2]: ", "Отв: "])
def test_our_letter_is_not_his(prefix: str, signature: str) -> None:
    message = email.read((HEAD.format(f"{prefix}Order") + signature + OURS).encode())
    assert message.written == signature


@pytest.mark.parametrize("signature", SIGNATURES)
@pytest.mark.parametrize("prefix", ["Fwd: ", "WG: ", "PD: Re: ", ""])
def test_who_forwards_still_says_what_he_forwards(prefix: str, signature: str) -> None:
    message = email.read((HEAD.format(f"{prefix}Order") + signature + OURS).encode())
    assert "damaged goods" in message.written
