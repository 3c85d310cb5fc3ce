"""A reply by mail as it leaves: addressed, threaded, and bearing the token by which the answer finds back."""

from datetime import datetime

from chalicelib.item.item import Contact, Customer, Item
from chalicelib.item.reply import Reply
from chalicelib.outgoing import acknowledgement, mail, token
from chalicelib.policy import Mailbox, Policy


def by_mail(
    reply_id: str,
    text: str,
    item: Item,
    contact: Contact,
    customer: Customer,
    at: datetime,
    policy: Policy,
    *,
    automatic: bool = False,
) -> tuple[Reply, bytes]:
    """What is said to the item's customer, and the bytes SES is to send. Raises `Invalid` where he has no address.

    What is automatic does not call him by the name he gave: of his words it bears the subject alone.
    """
    to = mail.answerable(contact.address)
    mailbox = _mailbox(item, policy)
    mark = token.token(customer.key, item.id, mailbox.address, contact.address)
    letter = mail.Letter(
        from_name=mailbox.name, mailbox=mailbox.address, to_name="" if automatic else contact.name, to_address=to,
        subject=item.subject or mailbox.name, text=text, in_reply_to=contact.message_id,
        references=contact.references, reply_to=token.with_token(mailbox.address, mark),
        message_id=acknowledgement.message_id(reply_id, mailbox.address), at=at, outbox_id=reply_id,
        automatic=automatic,
    )  # fmt: skip
    subject = mail.answer_subject(letter.subject, automatic=automatic)
    written = Reply(
        id=reply_id, source=mailbox.address, to=to, name=contact.name, subject=subject, text=text,
        raw_key=f"out/{reply_id}", token=mark,
    )  # fmt: skip
    return written, mail.compose(letter)


def _mailbox(item: Item, policy: Policy) -> Mailbox:
    """The mailbox the customer wrote to; the desk's first where that one is no more."""
    return policy.mailboxes.get(item.source) or next(iter(policy.mailboxes.values()))
