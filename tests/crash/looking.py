"""Flows that only look: whatever they are in the middle of, their death leaves nothing behind."""

import json
from typing import Final

from chalicelib.flows import handover, hook, look, presence, receive, reply
from tests import letters
from tests.cloud import SECRET
from tests.crash.desk import ANNA, SAM, Desk
from tests.crash.flow import Act, Flow

_VERIFY: Final = "what Meta calls the verify token"


def _looks(desk: Desk) -> Act:
    """Every look there is, at a desk with an answered mail, a mention, a file and a chat."""
    files = [("1.pdf", "application/pdf", b"%PDF-1")]
    raw = letters.mail(sender="c1@customer.example.com", files=files)
    receive.delivery(letters.store_mail(desk.world, "ses-1", raw), "sqs-1", 1, desk.world)
    (item,) = (desk.item(row["item_id"]) for row in desk.rows().values() if row["kind"] == "item")
    queued, item = desk.answered(desk.held(item, ANNA))
    desk.chat("d1")
    said = json.dumps({"signing": SECRET, "verify": _VERIFY})
    desk.cloud.secrets.put_secret_value(SecretId="desk/hooks/phone", SecretString=said)
    desk.deliver()

    def act() -> None:
        world, customer = desk.world, item.customer_id
        look.item(item.id, ANNA, world)
        look.items("holder", "anna", ANNA, 10, None, False, world)
        look.customer(customer, ANNA, world)
        look.timeline(customer, ANNA, 10, None, False, world)
        look.attachment(customer, "1", "1", ANNA, world)
        look.board(ANNA, world)
        look.mentions("anna", ANNA, 10, None, world)
        presence.agent("anna", ANNA, world)
        reply.status(item.id, queued.id, ANNA, world)
        handover.hand_over("anna", "boris", True, SAM, world)
        assert hook.shake_hands("whatsapp", "phone", _VERIFY, "1158201444", world) == "1158201444"
        hook.installation_of("whatsapp", "phone", world)

    return act


FLOWS: Final = {"all looks": Flow(_looks)}
