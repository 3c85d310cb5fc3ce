"""What the desk sent itself and gets back: told by the desk's own marks, whatever was cut off on the way. Pure."""

from dataclasses import replace

from chalicelib.intake.message import Automatic, Message
from chalicelib.item.arrive import Known
from chalicelib.outgoing import acknowledgement as marks
from chalicelib.policy import Policy


def heard(message: Message, known: Known, policy: Policy) -> Message:
    """The message as this desk takes it: an echo is what it sent itself, and nothing else.

    Another desk of our make puts the same loop header on its mails. What its people write is work for ours; what it
    sends by itself is an automatic answer like any other.
    """
    if ours := _ours(message, known, policy):
        return replace(message, automatic=Automatic.ECHO, automatic_reason=ours)
    if message.automatic is not Automatic.ECHO or not message.loop:
        return message
    if marks.by_itself(message.loop):
        return replace(message, automatic=Automatic.AUTO_REPLY, automatic_reason="another desk sent it by itself")
    return replace(message, automatic=None, automatic_reason="")


def _ours(message: Message, known: Known, policy: Policy) -> str:
    """By what a mail is known to be ours; '' for another's.

    An address of ours alone is no proof: the form on a company's web site writes in its name what customers ask.
    """
    if known.message and not known.message.content_hash:
        return "carries the Message-ID of a mail of ours"
    if marks.is_ours(message.message_id, policy.domains):
        return "carries a Message-ID of our making"
    if message.loop and message.sender and marks.of_domain(message.sender.key, policy.domains):
        return "carries our loop header and comes from an address of our own"
    return ""
