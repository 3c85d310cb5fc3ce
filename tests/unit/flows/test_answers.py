"""Whom an answer goes to, and that a customer's answer is read, whatever Reply-To and List-Unsubscribe say."""

from dataclasses import replace

import pytest

from tests.unit.flows.scenes import answer, claimed
from tests.unit.flows.threads import ANNA, CARL, HELP, Desk, Mail

pytestmark = pytest.mark.usefixtures("sound")
NEW = Mail(subject="Another parcel")
ANSWER = Mail(answers=("our answer to anna",), refers=("anna", "our answer to anna"))
MARK = "List-Unsubscribe: <mailto:unsubscribe@crm.example.net>"


@pytest.mark.parametrize(
    "extra",
    [
        f"Reply-To: {HELP}",
        f"Reply-To: Help <{HELP.upper()}>",
        f"Reply-To: help+order@{HELP.partition('@')[2]}",
        f"Reply-To: {HELP}\r\nList-Id: <help.shop.example.com>",
    ],
)
def test_the_customer_is_answered_and_not_we_ourselves(desk: Desk, extra: str) -> None:
    assert desk.arrives(replace(NEW, extra=extra)) == "queued"
    contact = desk.newest().contact
    assert contact
    assert contact.address == ANNA
    assert "answers_go_elsewhere" not in desk.entered()
    outgoing, _ = answer(desk.world, claimed(desk.world))
    assert outgoing.to == ANNA


def test_a_list_that_feeds_a_mailbox_is_no_reader(desk: Desk) -> None:
    fed = replace(NEW, extra="Reply-To: team@lists.example.org\r\nCc: team@lists.example.org\r\nList-Id: <team.lists>")
    desk.arrives(fed)
    contact = desk.newest().contact
    assert contact
    assert contact.address == ANNA


def test_another_address_of_the_customer_still_counts(desk: Desk) -> None:
    desk.arrives(replace(NEW, extra=f"Reply-To: {HELP}, {CARL}"))
    contact = desk.newest().contact
    assert contact
    assert contact.address == CARL


@pytest.mark.parametrize("to", ["help", "token of anna"])
def test_an_answer_is_seen_by_somebody(desk: Desk, to: str) -> None:
    assert desk.arrives(replace(ANSWER, extra=MARK, to=(to,))) == "queued"
    assert desk.name_of(desk.entered()["item"]) == "anna"


@pytest.mark.parametrize("extra", [MARK, f"{MARK}\r\nPrecedence: bulk", f"{MARK}\r\nAuto-Submitted: auto-replied"])
def test_newsletters_and_programs_are_still_none(desk: Desk, extra: str) -> None:
    mail = Mail(subject="News") if extra == MARK else ANSWER
    assert desk.arrives(replace(mail, extra=extra)) == "recorded as automatic"


ELSEWHERE = "Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All"
ABOVE = "##- Please type your reply above this line -##\r\n\r\n"


@pytest.mark.parametrize(
    ("words", "outcome"),
    [("The parts leave on Monday.", "queued"), ("Your request has been received.", "recorded as automatic")],
)
def test_who_answers_from_another_ticket_system_is_seen_and_the_system_is_not(
    desk: Desk, words: str, outcome: str
) -> None:
    assert desk.arrives(replace(ANSWER, extra=ELSEWHERE, text=ABOVE + words)) == outcome
    if outcome == "queued":
        assert desk.name_of(desk.entered()["item"]) == "anna"


FORM = "Reply-To: Anna <anna@home.example>\r\nPrecedence: bulk\r\nAuto-Submitted: auto-generated"


def test_who_fills_in_the_form_on_our_site_is_answered_and_is_no_program(desk: Desk) -> None:
    assert desk.arrives(Mail(subject="Contact", sender="form@www.shop.example.com", extra=FORM)) == "queued"
    contact = desk.newest().contact
    assert contact
    assert contact.address == "anna@home.example"
    assert desk.arrives(Mail(subject="Contact", sender="form@other.example", extra=FORM)) == "recorded as automatic"
