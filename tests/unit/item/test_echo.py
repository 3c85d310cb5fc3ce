"""What the desk sent itself is known when it comes back, and nobody else's mail is taken for it."""

from dataclasses import replace

import pytest

from chalicelib.intake.message import Address, Automatic, Message
from chalicelib.item.arrive import Known
from chalicelib.item.change import KnownMessage
from chalicelib.item.echo import heard
from chalicelib.outgoing.acknowledgement import loop_mark, message_id
from tests.desk import mail, small_desk

DESK = small_desk()
US = Address("Help", "help@shop.example.com")
THEM = Address("Help", "help@other.example.com")
SENT = KnownMessage("help@shop.example.com", "x@eu-central-1.amazonses.com", "", None, "e1")
#: As the form of a web site may make one.
FORM = "0123456789abcdef0123456789abcdef@shop.example.com"


def as_parsed(**changed: object) -> Message:
    """A mail with our loop header, as intake reads it."""
    return mail(automatic=Automatic.ECHO, automatic_reason="carries our own header", **{"loop": "r1", **changed})


@pytest.mark.parametrize(
    ("message", "known", "reason"),
    [
        (mail(message_id=SENT.message_id), Known(message=SENT), "carries the Message-ID of a mail of ours"),
        (mail(message_id=message_id("r1", US.address)), Known(), "carries a Message-ID of our making"),
        (as_parsed(sender=US), Known(), "carries our loop header and comes from"),
        (as_parsed(sender=US, loop=loop_mark("r1")), Known(), "carries our loop header and comes from"),
        (as_parsed(sender=THEM, message_id=message_id("r1", US.address)), Known(), "carries a Message-ID of our"),
    ],
)  # fmt: skip
def test_an_echo_is_known_by_any_of_our_marks(message: Message, known: Known, reason: str) -> None:
    said = heard(message, known, DESK)
    assert said.automatic is Automatic.ECHO
    assert said.automatic_reason.startswith(reason)


def test_what_people_of_another_desk_write_is_work() -> None:
    said = heard(as_parsed(sender=THEM), Known(), DESK)
    assert (said.automatic, said.automatic_reason) == (None, "")


def test_what_another_desk_says_by_itself_is_an_automatic_reply() -> None:
    said = heard(as_parsed(sender=THEM, loop=loop_mark("r1")), Known(), DESK)
    assert said.automatic is Automatic.AUTO_REPLY
    assert said.automatic_reason == "another desk sent it by itself"


@pytest.mark.parametrize(
    "message",
    [
        mail(), mail(sender=US), mail(sender=None), mail(message_id=FORM),
        mail(automatic=Automatic.LIST, automatic_reason="came over a list"), as_parsed(sender=THEM, loop=""),
    ],
)  # fmt: skip
def test_everything_else_is_what_intake_said_of_it(message: Message) -> None:
    """So is a mail in our own name without any mark: the form on a web site writes such."""
    used = replace(SENT, content_hash="hash")
    assert heard(message, Known(), DESK) == heard(message, Known(message=used), DESK) == message
