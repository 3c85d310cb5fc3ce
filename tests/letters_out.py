"""A letter out, for tests that care for a few fields of it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chalicelib.item.reply import Reply
from chalicelib.outgoing.mail import Letter


def letter(**changed: Any) -> Letter:
    """The desk's answer to a customer's question."""
    made = Letter(
        from_name="Help", mailbox="help@shop.example.com", to_name="Zofia", to_address="zofia@customer.example.com",
        subject="Parcel", text="It comes tomorrow.\n", in_reply_to="2@customer.example.com",
        references=("1@customer.example.com", "2@customer.example.com"),
        reply_to="help+abcdefghijklmnopqrstuvwxyz234567@shop.example.com", message_id="r1@shop.example.com",
        at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC), outbox_id="0123456789abcdef0123456789abcdef",
    )  # fmt: skip
    return replace(made, **changed)


def acknowledgement() -> Reply:
    """What the desk says by itself to who wrote `tests.desk.mail`."""
    return Reply(
        id="r1", source="help@shop.example.com", to="Anna@customer.example.com", name="Anna Customer",
        subject="Auto: Parcel", text="We have your message.", raw_key="out/r1", token="to1",
    )  # fmt: skip
