"""A reply on its way out of the running system: what SES does with it is what the desk knows of it."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.outgoing.notice import Kind
from sortownia.local import feed
from sortownia.local.sent import SentMail, notify, sent_mails
from sortownia.local.ses_door import Trouble
from tests.end_to_end.running import INSTALLATION, Running, eventually

pytestmark = [pytest.mark.stack, pytest.mark.long]
AGENT = "agent-7"


def asked(running: Running) -> str:
    """A customer's question, waiting; the item's id."""
    mark = secrets.token_hex(6)
    mail = feed.Mail("m", f"{mark}@customer.example.com", "Zofia", "help@shop.example.com", mark, "Where is my parcel?")
    feed.send_mails([feed.compose(mail, [mail], mark)], running.system.smtp_port)
    return waiting(running, lambda item: item["subject"] == mark)


def waiting(running: Running, which: Callable[[Any], bool]) -> str:
    items = eventually(lambda: [item for item in running.rows("item") if which(item)], bool, 30)
    return str(items[0]["pk"].removeprefix("ITEM#"))


def call(running: Running, method: str, path: str, body: Any = None, **headers: str) -> Any:
    answer = running.http.request(method, f"/v1{path}", json=body, headers=running.as_agent(AGENT) | headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def answered(running: Running, item_id: str) -> str:
    """The agent's answer to an item; its status's address."""
    call(running, "PUT", f"/agents/{AGENT}/presence", {"presence": "present"})
    version = call(running, "POST", f"/items/{item_id}/claim")["version"]
    said = call(running, "POST", f"/items/{item_id}/reply", {"text": "Tomorrow."}, **{"If-Match": f'"{version}"'})
    return f"/items/{item_id}/replies/{said['reply']['id']}"


def becomes(running: Running, address: str, status: str) -> Any:
    return eventually(lambda: call(running, "GET", address), lambda reply: reply["status"] == status, 60)


def taken(running: Running, address: str) -> list[SentMail]:
    """The mails SES took of a reply."""
    return [mail for mail in sent_mails(running.stack) if mail.outbox_id == address.rpartition("/")[2]]


def state(running: Running, address: str) -> str:
    return str(call(running, "GET", address.partition("/replies")[0])["state"])


def test_the_desk_learns_that_a_reply_arrived_and_that_it_came_back(running: Running) -> None:
    reply = answered(running, asked(running))
    becomes(running, reply, "sent")
    assert state(running, reply) == "waiting"
    (mail,) = taken(running, reply)
    notify(running.stack, mail, Kind.DELIVERED)
    becomes(running, reply, "delivered")
    notify(running.stack, mail, Kind.BOUNCED)
    assert "5.1.1" in becomes(running, reply, "bounced")["detail"]
    assert state(running, reply) == "queued"


@pytest.mark.parametrize(
    ("trouble", "status", "mails"),
    [
        (Trouble.REJECTED, "failed", 0), (Trouble.UNHEARD, "unknown", 1), (Trouble.DEAF, "unknown", 0),
        (Trouble.THROTTLED, "sent", 1),
    ],
)  # fmt: skip
def test_a_reply_in_trouble_is_what_is_known_of_it_and_never_leaves_twice(
    running: Running, trouble: Trouble, status: str, mails: int
) -> None:
    item_id = asked(running)
    assert running.system.front.ses
    running.system.front.ses.troubles.append(trouble)
    reply = answered(running, item_id)
    becomes(running, reply, status)
    assert len(taken(running, reply)) == mails
    assert state(running, reply) == ("waiting" if status == "sent" else "queued")


def test_a_reply_of_which_nobody_knew_is_known_by_ses_own_word(running: Running) -> None:
    item_id = asked(running)
    assert running.system.front.ses
    running.system.front.ses.troubles.append(Trouble.UNHEARD)
    reply = answered(running, item_id)
    becomes(running, reply, "unknown")
    notify(running.stack, taken(running, reply)[0], Kind.DELIVERED)
    becomes(running, reply, "delivered")


def test_a_chat_reply_reaches_the_shop_once_signed(running: Running) -> None:
    conversation = secrets.token_hex(6)
    running.chat(secrets.token_hex(6), conversation, "Hello?")
    item_id = waiting(running, lambda item: item["channel"] == "chat" and conversation in str(item.get("contact", {})))
    reply = answered(running, item_id)
    becomes(running, reply, "sent")
    said = running.http.get(f"/chat/{INSTALLATION}", params={"conversation": conversation}).json()["replies"]
    assert [(one["id"], one["text"], one["times"]) for one in said] == [(reply.rpartition("/")[2], "Tomorrow.", 1)]
