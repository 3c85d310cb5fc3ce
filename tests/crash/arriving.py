"""Flows of what customers write, up to the bell."""

import json
from collections.abc import Callable
from typing import Final

from chalicelib.flows import recheck, widget
from chalicelib.flows.hook import accept, notice
from chalicelib.flows.rebuild import rebuild
from chalicelib.flows.receive import dead_delivery, delivery
from chalicelib.flows.ring import ring
from chalicelib.item.change import Delivery
from chalicelib.item.item import Item
from tests import chats, letters
from tests.cloud import TestWorld
from tests.crash.desk import ANNA, Desk
from tests.crash.flow import Act, Flow
from tests.crash.setting import shown

_CUSTOMER: Final = "c1@customer.example.com"
_AGAIN: Final = "<again@customer.example.com>"
#: What SES writes on top of a mail it stores.
_STAMP: Final = b"Received: from a by b with SMTP id ses-again\r\n for help@shop.example.com;\r\nX-SES-RECEIPT: x\r\n"


def _arrives(desk: Desk, raw: bytes, recipient: str = "help@shop.example.com") -> Act:
    letters.store_mail(desk.world, "ses-again", raw)
    notice = letters.notice("ses-again", recipient=recipient)
    return lambda: delivery(notice, "sqs-again", 1, desk.world)


def _new_mail(desk: Desk) -> Act:
    desk.mail(1)
    return _arrives(desk, letters.mail(sender="c2@customer.example.com", Message_ID=_AGAIN))


def _mail_with_files(desk: Desk) -> Act:
    desk.mail(1)
    files = [(f"{n}.pdf", "application/pdf", f"%PDF-{n}".encode()) for n in range(2)]
    return _arrives(desk, letters.mail(sender="c2@customer.example.com", files=files, Message_ID=_AGAIN))


def _automatic_with_file(desk: Desk) -> Act:
    files = [("report.txt", "text/plain", b"words")]
    return _arrives(desk, letters.mail(sender=_CUSTOMER, files=files, Message_ID=_AGAIN, Auto_Submitted="auto-replied"))


def _further_mail(desk: Desk) -> Act:
    desk.mail(1)
    raw = letters.mail(sender=_CUSTOMER, Message_ID=_AGAIN, In_Reply_To="<1@customer.example.com>")
    return _arrives(desk, raw)


def _same_mail(desk: Desk) -> Act:
    desk.mail(1)
    return _arrives(desk, letters.mail(sender=_CUSTOMER, Message_ID="<1@customer.example.com>"))


def _automatic(desk: Desk) -> Act:
    desk.mail(1)
    return _arrives(desk, letters.mail(sender=_CUSTOMER, Message_ID=_AGAIN, Auto_Submitted="auto-replied"))


def _to_two_mailboxes(desk: Desk) -> Act:
    desk.mail(1)
    letters.store_mail(desk.world, "ses-again", letters.mail(sender=_CUSTOMER, Message_ID=_AGAIN))
    notice = json.loads(letters.notice("ses-again"))
    notice["receipt"]["recipients"] = sorted(desk.world.policy.mailboxes)
    return lambda: delivery(json.dumps(notice), "sqs-again", 1, desk.world)


def _garbage(desk: Desk) -> Act:
    return _arrives(desk, b"\x00\xff\x13 nothing")


def _dead(desk: Desk) -> Act:
    notice = letters.store_mail(desk.world, "ses-again", letters.mail(Message_ID=_AGAIN))
    return lambda: dead_delivery(notice, "sqs-again", desk.world)


def _chat(desk: Desk) -> Act:
    notice = letters.store_chat(desk.world, "d1", "Hello?")
    return lambda: delivery(notice, "sqs-again", 1, desk.world)


def _chat_offered(desk: Desk) -> Act:
    desk.present("anna", "boris")
    return _chat(desk)


def _hook(desk: Desk) -> Act:
    raw = b'{"id": "d1", "conversation": "c1", "visitor": {"id": "v1"}, "text": "Hello?"}'
    received = chats.signed("generic", raw, desk.world.now())
    return lambda: accept("generic", "shop-widget", received, desk.world)


#: A body of WhatsApp's with three messages: two of one conversation, one of another.
_BATCH: Final = json.dumps({
    "object": "whatsapp_business_account",
    "entry": [{"changes": [{"field": "messages", "value": {
        "metadata": {"phone_number_id": "1"},
        "messages": [
            {"from": person, "id": f"wamid.{n}", "timestamp": "1772441940", "type": "text", "text": {"body": "Hello?"}}
            for n, person in enumerate(("48500000001", "48500000001", "48500000002"))
        ],
    }}]}],
}).encode()  # fmt: skip


def _hook_of_three(desk: Desk) -> Act:
    received = chats.signed("whatsapp", _BATCH, desk.world.now())
    return lambda: accept("whatsapp", "phone", received, desk.world)


def _three(desk: Desk) -> Act:
    """Three messages in one notice: whoever dies between two of them leaves the others to who comes after."""
    desk.world.raw.write("chat/phone/three", _BATCH, "application/json")
    told = notice("phone", "three", "chat/phone/three", desk.world.settings).body
    return lambda: delivery(told, "sqs-again", 1, desk.world)


def _three_that_failed(desk: Desk) -> Act:
    """The same, when it has failed before: each is handed in by itself."""
    desk.world.raw.write("chat/phone/three", _BATCH, "application/json")
    told = notice("phone", "three", "chat/phone/three", desk.world.settings).body
    return lambda: delivery(told, "sqs-again", 2, desk.world)


def _waiting_for_customer(desk: Desk) -> Item:
    """An item whose reply was sent, with its agent still there."""
    desk.present("anna")
    _, item = desk.answered(desk.held(desk.mail(1), ANNA))
    desk.deliver()
    return item


def _answer(desk: Desk) -> Act:
    _waiting_for_customer(desk)
    ours = desk.world.mailer.message_id(desk.outside.handed[-1].provider_id)
    return _arrives(desk, letters.mail(sender=_CUSTOMER, Message_ID=_AGAIN, In_Reply_To=f"<{ours}>"))


def _answer_by_token(desk: Desk) -> Act:
    _waiting_for_customer(desk)
    (token,) = (row["token"] for row in desk.rows().values() if row["kind"] == "token")
    raw = letters.mail(sender=_CUSTOMER, Message_ID=_AGAIN)
    return _arrives(desk, raw, f"help+{token}@shop.example.com")


def _reopening(desk: Desk) -> Act:
    item = desk.held(desk.mail(1), ANNA)
    desk.finished(item)
    raw = letters.mail(sender=_CUSTOMER, Message_ID=_AGAIN, In_Reply_To="<1@customer.example.com>")
    return _arrives(desk, raw)


def _failed_once(desk: Desk) -> Act:
    """Tried again, and at an end or dead: then the next sets it aside."""
    notice = letters.store_mail(desk.world, "ses-again", letters.mail(Message_ID=_AGAIN))
    return lambda: delivery(notice, "sqs-again", 2, desk.world)


def _failed_twice(desk: Desk) -> Act:
    notice = letters.store_mail(desk.world, "ses-again", letters.mail(Message_ID=_AGAIN))
    desk.world.table.try_again(Delivery("mail", "ses-again"), 2, desk.world.now())
    return lambda: delivery(notice, "sqs-again", 3, desk.world)


def _suspect(desk: Desk) -> Act:
    notice = letters.store_mail(desk.world, "ses-again", letters.mail(Message_ID=_AGAIN), virus="FAIL")
    return lambda: delivery(notice, "sqs-again", 1, desk.world)


def _widget(desk: Desk) -> Act:
    """A visitor opens a session on a page of the shop and writes; his browser sends the same message again."""
    page = widget.Page("https://shop.example.com", "")
    session = widget.open_session("shop-page", page, "", None, desk.world)

    def act() -> None:
        widget.open_session("shop-page", page, session.key, None, desk.world)
        visit = widget.visit("shop-page", widget.Page(page.origin, session.token), desk.world)
        widget.take(visit, "m-0000001", "Hello?", desk.world)
        widget.shown(visit, 0, desk.world)

    return act


def _lost_notice(desk: Desk, store: Callable[[TestWorld], object], key: str) -> Act:
    """The bucket tells of a stored message, a quarter of an hour after; its notice never came."""
    store(desk.world)
    stored = {"eventTime": desk.cloud.clock.time.isoformat(), "s3": {"object": {"key": key}}}
    desk.cloud.clock.forward(minutes=15)
    return lambda: recheck.recheck(json.dumps({"Records": [stored]}), desk.world)


def _lost_mail(desk: Desk) -> Act:
    raw = _STAMP + letters.mail(Message_ID=_AGAIN)
    return _lost_notice(desk, lambda world: letters.store_mail(world, "ses-again", raw), "mail/ses-again")


def _lost_chat(desk: Desk) -> Act:
    return _lost_notice(desk, lambda world: letters.store_chat(world, "d1", "Hello?"), "chat/shop-widget/d1")


def _rebuild(desk: Desk) -> Act:
    """Every queue is empty: of two bells, the timers of an offer and a lease, and a reply on its way."""
    desk.mail(1)
    desk.mail(2, "#billing #critical")
    desk.answered(desk.held(desk.mail(3), ANNA))
    desk.held(desk.mail(4), ANNA)
    desk.chat("d1")
    desk.changes()
    desk.lose_all_messages()
    return lambda: list(rebuild(desk.world))


def _rings(desk: Desk) -> Act:
    """Of four items: for two a bell, for one that is offered and one that is held a timer."""
    desk.mail(1)
    desk.mail(2, "#billing #critical")
    desk.held(desk.mail(3), ANNA)
    desk.chat("d1")
    records = shown(desk.changes(), "ring")
    return lambda: ring(records, desk.world)


FLOWS: Final = {
    "new mail": Flow(_new_mail),
    "mail with two files": Flow(_mail_with_files),
    "automatic mail with a file": Flow(_automatic_with_file),
    "further mail of a known matter": Flow(_further_mail),
    "same mail again": Flow(_same_mail),
    "automatic mail": Flow(_automatic),
    "mail to two mailboxes": Flow(_to_two_mailboxes),
    "garbage": Flow(_garbage),
    "dead delivery": Flow(_dead),
    "chat message": Flow(_chat),
    "chat message, offered at birth": Flow(_chat_offered),
    "webhook": Flow(_hook),
    "webhook of three messages": Flow(_hook_of_three),
    "three messages of one webhook": Flow(_three),
    "three messages of one webhook, again": Flow(_three_that_failed),
    "customer's answer": Flow(_answer),
    "customer's answer by its token": Flow(_answer_by_token),
    "answer to a resolved item": Flow(_reopening),
    "delivery that failed once": Flow(_failed_once),
    "delivery that failed twice": Flow(_failed_twice),
    "mail with a virus": Flow(_suspect),
    "widget": Flow(_widget),
    "recheck of a mail": Flow(_lost_mail),
    "recheck of a chat message": Flow(_lost_chat),
    "ring": Flow(_rings),
    "rebuild-queues": Flow(_rebuild),
}
