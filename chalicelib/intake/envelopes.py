"""What a mail came in or brings along, a sentence each: encryption, signatures, forwarded mails, invitations."""

from collections.abc import Iterator, Sequence
from typing import Final

from chalicelib.intake import addresses, cms, enclosures, invitation, words
from chalicelib.intake.mime import ENCLOSED, Part

MOST: Final = 20
SHOWN: Final = 200  # characters of a sentence about a mail
FROM_READ: Final = 1_000  # characters
TEXT_READ: Final = 100_000  # characters in which armour is looked for
_PLAIN: Final = frozenset({"text/plain", "text/html", "multipart/alternative", "multipart/mixed"})
_ANY_ARMOUR: Final = "-----BEGIN PGP "
_ARMOUR: Final = {
    "-----BEGIN PGP MESSAGE-----": "encrypted with OpenPGP in its text: it cannot be read here",
    "-----BEGIN PGP SIGNED MESSAGE-----": "signed with OpenPGP in its text: the signature was not checked",
}
_SMIME: Final = {
    cms.Kind.SIGNED: "signed with S/MIME: the signature was not checked",
    cms.Kind.ENCRYPTED: "encrypted with S/MIME: it cannot be read here",
}


def told(parts: Sequence[Part], text: str) -> tuple[str, ...]:
    """The sentences about a mail's parts and its text, each once, at most twenty. Never raises."""
    found = dict.fromkeys((*_of_parts(parts), *_of_armour(text)))
    return tuple(found)[:MOST]


def _of_parts(parts: Sequence[Part]) -> Iterator[str]:
    unusual = [part for part in parts if part.type not in _PLAIN]
    reported = {id(child) for part in unusual if part.type == "multipart/report" for child in part.children}
    for part in unusual:
        match part.type, enclosures.kind_of(part):
            case "multipart/signed", _:
                yield f"signed with {_scheme(part)}: the signature was not checked"
            case "multipart/encrypted", _:
                yield f"encrypted with {_scheme(part)}: it cannot be read here"
            case _, "smime":
                if sentence := _SMIME.get(cms.kind(part.content())):
                    yield sentence
            case _, "tnef" if part.opened:
                yield "packed by Outlook (winmail.dat)"
            case _, "calendar" if part.instead:
                if sentence := invitation.line(part):
                    yield sentence
            case kind, _ if kind in ENCLOSED and part.children and id(part) not in reported:
                yield _forwarded(part.children[0])


def _scheme(part: Part) -> str:
    protocol = part.parameters.get("protocol", "").lower()
    return "S/MIME" if "pkcs7" in protocol else "OpenPGP" if "pgp" in protocol else "a scheme unknown here"


def _forwarded(mail: Part) -> str:
    """Whose the enclosed mail is; what it is about is its file's name."""
    senders = addresses.parse(mail.head.get("from")[:FROM_READ], words.decode)
    return f"carries a mail from {senders[0].name or senders[0].address}"[:SHOWN] if senders else "carries a mail"


def _of_armour(text: str) -> Iterator[str]:
    if text.find(_ANY_ARMOUR, 0, TEXT_READ) >= 0:
        yield from (sentence for mark, sentence in _ARMOUR.items() if mark in text[:TEXT_READ])
