"""Correspondence that may go astray: what stands in the table before, mails as SES leaves them, where they end."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Any

from chalicelib.flows import receive
from chalicelib.item.item import Item, ItemId
from chalicelib.item.outgoing import Outgoing
from chalicelib.outgoing import token
from chalicelib.store.rows import from_wire
from tests.cloud import Cloud, TestWorld
from tests.unit.flows.scenes import answer, claimed, items, ruled
from tests.unit.flows.sending import Post, sends

HELP, SALES = "help@shop.example.com", "sales@shop.example.com"
TWO_MAILBOXES = ("[mailboxes]", f'[mailboxes]\n"{SALES}" = "Sales"')
ANNA, BOB, CARL, EVE = "anna@customer.example", "bob@other.example", "carl@customer.example", "eve@evil.example"

Headers = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A mail on its way to the desk.

    `sender` is From as it is written, `extra` are further lines above it. `answers` and `refers` name known mails, by
    which In-Reply-To and References are made. `signed` are the domains whose signature SES found good, `looked_up` is
    that of the From it saw. The envelope's sender is the same as that of From unless
    `envelope` says otherwise.
    """

    sender: str = f"Anna <{ANNA}>"
    subject: str = "Re: Parcel 4711"
    to: tuple[str, ...] = ("help",)
    answers: tuple[str, ...] = ()
    refers: tuple[str, ...] = ()
    message_id: str = ""
    envelope: str | None = None
    dmarc: str = "PASS"
    spf: str = "PASS"
    dkim: str = "PASS"
    signed: tuple[str, ...] = ()
    looked_up: str = ""
    greeting: str = "mx.customer.example"
    extra: str = ""
    text: str = "And now?"
    notice: Mapping[str, Any] = field(default_factory=dict)


class Desk:
    """A desk with two mailboxes. Anna's and Bob's matters were answered, by mails whose ids SES gave."""

    def __init__(self, cloud: Cloud, world: TestWorld) -> None:
        ruled(world, TWO_MAILBOXES)
        self.cloud, self.world, self.post = cloud, world, Post()
        vars(world)["mailer"] = self.post
        self.ids = {"never seen": "never-seen@customer.example"}
        self.replies: dict[str, Outgoing] = {}
        self.number = 0
        self.open("anna", Mail(subject="Parcel 4711"))
        self.open("bob", Mail(sender=BOB, subject="Parcel 4711"))

    def open(self, name: str, mail: Mail) -> Item:
        """Somebody writes, and is answered: the ids are known as his and as ours to him."""
        assert self.arrives(mail, name) == "queued"
        outgoing, item = answer(self.world, claimed(self.world))
        assert sends(self.world, outgoing) == "sent"
        self.replies[name] = outgoing
        self.ids[f"our answer to {name}"] = self.post.message_id(f"ses-out-{len(self.post.taken)}")
        return item

    def item(self, name: str) -> Item:
        """The matter of somebody's that was answered."""
        return self.world.table.item(self.replies[name].item_id)

    def token(self, name: str, addressee: str | None = None, mailbox: str = HELP) -> str:
        """Where somebody's answer to us goes."""
        item = self.item(name)
        key = self.world.table.customer(item.customer_id).key
        mark = token.token(key, item.id, HELP, addressee or self.replies[name].to)
        return token.with_token(mailbox, mark)

    def arrives(self, mail: Mail, name: str = "") -> str:
        """The mail is received; returns what became of it."""
        self.number += 1
        ses_id = f"ses{self.number}"
        own = mail.message_id or f"{name or 'case'}-{self.number}@mua.example"
        self.ids[name or f"case {self.number}"] = own
        raw = self._stamp(mail, ses_id) + self._raw(mail, own)
        self.world.raw.write(f"mail/{ses_id}", raw, "message/rfc822")
        return receive.delivery(self._notice(mail, ses_id), f"sqs-{self.number}", 1, self.world)

    def newest(self) -> Item:
        """The item that came last into being."""
        return items(self.cloud)[-1]

    def entered(self) -> dict[str, Any]:
        """The facts of the newest entry that tells of a mail, wherever it stands."""
        rows = [from_wire(row) for row in self.cloud.rows() if row["kind"]["S"] == "event"]
        cause = f"mail:ses{self.number}"
        (event,) = [row for row in rows if row["cause"] == cause]
        return {**json.loads(event["facts"]), "item": event.get("item_id"), "customer": event["customer_id"]}

    def name_of(self, item_id: ItemId | str | None) -> str | None:
        """Whose matter an item is."""
        names = {reply.item_id: name for name, reply in self.replies.items()}
        return names.get(ItemId(item_id)) if item_id else None

    def _address(self, to: str) -> str:
        match to.split():
            case ["help"]:
                return HELP
            case ["sales"]:
                return SALES
            case ["token", "of", name]:
                return self.token(name)
            case ["token", "of", name, "at", "sales"]:
                return self.token(name, mailbox=SALES)
        return to

    def _raw(self, mail: Mail, own: str) -> bytes:
        def ids(names: tuple[str, ...]) -> str:
            return " ".join(f"<{self.ids[name]}>" for name in names)

        lines = [
            mail.extra, f"From: {mail.sender}" if mail.sender else "", "To: help@shop.example.com",
            f"Subject: {mail.subject}" if mail.subject else "", f"Message-ID: <{own}>",
            f"In-Reply-To: {ids(mail.answers)}" if mail.answers else "",
            f"References: {ids(mail.refers)}" if mail.refers else "",
        ]  # fmt: skip
        head = "\r\n".join(line for line in lines if line)
        return f"{head}\r\n\r\n{mail.text}\r\n".encode()

    def _stamp(self, mail: Mail, ses_id: str) -> bytes:
        found = [f"dkim=pass header.i=@{domain};" for domain in mail.signed]
        found += [f"dmarc=none header.from={mail.looked_up};"] if mail.looked_up else []
        path = _envelope(mail)
        results = f"envelope-from={path}; helo={mail.greeting}; {' '.join(found)}"
        return (
            f"Return-Path: <{path}>\r\n"
            f"Received: from {mail.greeting} (mx [203.0.113.1]) by inbound-smtp.eu-central-1.amazonaws.com with SMTP"
            f" id {ses_id} for x@shop.example.com; Mon, 2 Mar 2026 09:00:00 +0000 (UTC)\r\n"
            "X-SES-Spam-Verdict: PASS\r\nX-SES-Virus-Verdict: PASS\r\n"
            f"Authentication-Results: amazonses.com; spf=pass (spfCheck: ok) client-ip=203.0.113.1; {results}\r\n"
            "X-SES-RECEIPT: receipt\r\n"
        ).encode()

    def _notice(self, mail: Mail, ses_id: str) -> str:
        said = {"spam": "PASS", "virus": "PASS", "spf": mail.spf, "dkim": mail.dkim, "dmarc": mail.dmarc}
        receipt: dict[str, Any] = {f"{name}Verdict": {"status": status} for name, status in said.items()}
        receipt |= {"recipients": [self._address(to) for to in mail.to], "action": {"objectKey": f"mail/{ses_id}"}}
        sent = {"messageId": ses_id, "source": _envelope(mail), **mail.notice}
        return json.dumps({"notificationType": "Received", "receipt": receipt, "mail": sent})


def _envelope(mail: Mail) -> str:
    return parseaddr(mail.sender)[1] if mail.envelope is None else mail.envelope
