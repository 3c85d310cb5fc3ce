"""Who is acknowledged and who is not, in which words, and what that writes."""

from datetime import datetime, timedelta

import pytest

from chalicelib import policy
from chalicelib.intake.message import Address, Automatic, Message
from chalicelib.item.acknowledge import MOST, PAUSE, WITHIN, account_of, acknowledged, acknowledgement, is_due, weighed
from chalicelib.item.arrive import Arrival, Known, message_arrived
from chalicelib.item.change import Budget, Change, KnownMessage
from chalicelib.item.item import CustomerId, EventType, Tagging
from chalicelib.item.outgoing import Status
from chalicelib.item.state import State
from tests.desk import ACKNOWLEDGE, DESK, NOW, arrival, chat, courteous_desk, customer, ids, item, mail, step, tags
from tests.letters_out import acknowledgement as letter
from tests.memory import Memory

COURTEOUS = courteous_desk()
FRESH = Budget("anna@customer.example.com")
ANNA = Address("Anna Customer", "Anna@customer.example.com")
SECOND = timedelta(seconds=1)
ELSEWHERE = "answers are to go to somebody who is not proved (Reply-To)"


def spent(*ago: timedelta) -> Budget:
    """A budget with letters of so long ago."""
    return Budget(FRESH.account, tuple(NOW - one for one in sorted(ago, reverse=True)), 7)


def why_not(
    message: Message | None = None,
    come: Arrival | None = None,
    known: Known | None = None,
    tagging: Tagging | None = None,
) -> str:
    """Why the desk says nothing by itself; '' where it does."""
    known = known or Known(budget=FRESH)
    return weighed(come or arrival(), message or mail(), tagging or tags(), known, COURTEOUS).unacknowledged


def opened(known: Known | None = None, desk: policy.Policy = COURTEOUS) -> Change:
    return message_arrived(arrival(), mail(), tags(), known or Known(budget=FRESH), desk, ids())


# Who


def test_a_proved_person_who_opens_an_item_is_acknowledged() -> None:
    assert why_not() == ""
    known = weighed(arrival(), mail(), tags(), Known(budget=FRESH), COURTEOUS)
    assert is_due(opened(known), known, arrival(), COURTEOUS)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (mail(automatic=Automatic.LIST, automatic_reason="came over a list"), "no person wrote it: came over a list"),
        (mail(loop="r1"), "a desk sent it: it carries the loop header"),
        (mail(message_id="sortownia.r1@shop.example.com"), "we sent it: its Message-ID is of our making"),
        (mail(reply_to=(Address("", "b@example.org"),)), ELSEWHERE),
        (mail(reply_to=(ANNA, Address("", "b@example.org"))), ELSEWHERE),
        (mail(sender=None), "nobody is named as its sender"),
        (mail(sender=Address("Help", "help@shop.example.com")), "it comes from an address of our own"),
        (mail(sender=Address("", "cron@www.shop.example.com")), "it comes from an address of our own"),
        (mail(sender=Address("", "no-reply@customer.example.com")), "nobody reads what is sent to its sender"),
        (mail(sender=Address("", "anna@localhost")), "its sender has no address that can be written to"),
        (mail(sender=Address("", "żółw@customer.example.com")), "its sender has no address that can be written to"),
    ],
)  # fmt: skip
def test_some_messages_are_not_acknowledged(message: Message, reason: str) -> None:
    assert why_not(message) == reason


@pytest.mark.parametrize("kind", Automatic)
def test_nothing_a_program_sent_is_acknowledged(kind: Automatic) -> None:
    assert why_not(mail(automatic=kind, automatic_reason="of a program")) == "no person wrote it: of a program"


def test_reply_to_oneself_is_no_obstacle() -> None:
    assert why_not(mail(reply_to=(Address("", "anna@CUSTOMER.example.com"),))) == ""


@pytest.mark.parametrize(
    ("come", "reason"),
    [
        (arrival(trusted=False), "its sender is not proved"),
        (arrival(source="old@shop.example.com"), "it came to no mailbox of the desk"),
    ],
)
def test_some_arrivals_are_not_acknowledged(come: Arrival, reason: str) -> None:
    assert why_not(come=come) == reason


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (Known(), "its sender's budget was not read"),
        (Known(budget=FRESH, item=item()), "it answers something we know"),
        (Known(budget=FRESH, item=item(), customer=customer(id="cu2")), "it answers something we know"),
        (
            Known(budget=FRESH, message=KnownMessage("m", "one@customer.example.com", "hash", None, "e")),
            "its Message-ID was used before",
        ),
    ],
)
def test_some_matters_are_not_acknowledged(known: Known, reason: str) -> None:
    assert why_not(known=known) == reason


@pytest.mark.parametrize("abstained", [True, False])
def test_what_may_be_spam_is_not_acknowledged(abstained: bool) -> None:
    assert why_not(tagging=tags(topic="spam", topic_abstained=abstained)) == "it may be spam"


def test_who_writes_under_an_old_matter_of_his_own_is_not_acknowledged() -> None:
    """He had his acknowledgement then; a program that answers it years later has none to answer."""
    ended = item(state=State.RESOLVED, changed_at=NOW - timedelta(days=31))
    known = weighed(arrival(), mail(), tags(), Known(budget=FRESH, item=ended, customer=customer()), COURTEOUS)
    change = message_arrived(arrival(), mail(), tags(), known, COURTEOUS, ids())
    assert change.before is None
    assert not is_due(change, known, arrival(), COURTEOUS)


def test_a_further_message_is_not_acknowledged_whatever_its_item_does() -> None:
    for state in (State.QUEUED, State.RESOLVED):
        known = Known(budget=FRESH, item=item(state=state), customer=customer())
        known = weighed(arrival(), mail(), tags(), known, COURTEOUS)
        change = message_arrived(arrival(), mail(), tags(), known, COURTEOUS, ids())
        assert change.before
        assert not is_due(change, known, arrival(), COURTEOUS)
        assert "unacknowledged" not in change.events[0].facts


def test_a_desk_that_acknowledges_nothing_says_and_reads_nothing() -> None:
    silent = policy.parse(DESK + ACKNOWLEDGE.replace('["mail"]', "[]"))
    for desk in (policy.parse(DESK), silent):
        assert weighed(arrival(), mail(), tags(), Known(budget=FRESH), desk) == Known(budget=FRESH)
        assert account_of(arrival(), mail(), desk) == ""
        assert not is_due(opened(desk=desk), Known(budget=FRESH), arrival(), desk)


def test_a_chat_is_not_acknowledged() -> None:
    come = arrival(channel="chat")
    assert weighed(come, chat(), tags(), Known(), COURTEOUS) == Known()
    assert account_of(come, chat(), COURTEOUS) == ""
    change = message_arrived(come, chat(), tags(), Known(), COURTEOUS, ids())
    assert not is_due(change, Known(budget=FRESH), come, COURTEOUS)


def test_the_budget_is_that_of_the_proved_senders_account() -> None:
    assert account_of(arrival(), mail(sender=Address("", "An.na+7@customer.example.com")), COURTEOUS) == FRESH.account
    assert account_of(arrival(trusted=False), mail(), COURTEOUS) == ""
    assert account_of(arrival(), mail(sender=None), COURTEOUS) == ""


def test_the_timeline_says_why_who_opened_an_item_was_not_acknowledged() -> None:
    known = weighed(arrival(trusted=False), mail(), tags(), Known(budget=FRESH), COURTEOUS)
    assert opened(known).events[0].facts["unacknowledged"] == "its sender is not proved"
    assert "unacknowledged" not in opened().events[0].facts


# How often


@pytest.mark.parametrize(
    ("ago", "due"),
    [
        ([PAUSE] * (MOST - 1), True),
        ([PAUSE] * MOST, False),
        ([PAUSE - SECOND], False),
        ([timedelta()], False),
        ([WITHIN - SECOND] * MOST, False),
        ([WITHIN, *[PAUSE] * (MOST - 1)], True),
        ([WITHIN] * MOST, True),
        ([-SECOND] * MOST, False),  # of a clock that is ahead of ours
    ],
)
def test_an_account_is_written_to_five_times_within_any_day_and_once_an_hour(ago: list[timedelta], due: bool) -> None:
    assert (why_not(known=Known(budget=spent(*ago))) == "") is due


@pytest.mark.parametrize(("minutes", "least"), [(7, 146), (288, 146), (420, 102)])
def test_in_no_day_of_a_month_there_is_a_sixth(minutes: int, least: int) -> None:
    """Somebody opens an item every so many minutes."""
    budget, letters = FRESH, list[datetime]()
    for number in range(30 * 24 * 60 // minutes):
        now = NOW + number * timedelta(minutes=minutes)
        if why_not(come=arrival(received_at=now), known=Known(budget=budget)) == "":
            budget = acknowledged(opened(), letter(), budget, step(at=now)).budget or budget
            letters.append(now)
        assert len(budget.written_at) <= MOST
    assert len(letters) >= least
    assert all(sixth - first >= WITHIN for first, sixth in zip(letters, letters[MOST:], strict=False))


# What


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "We have your message."), ("pl", "Mamy wiadomość."), ("de", "We have your message."),
     ("und", "We have your message.")],
)  # fmt: skip
def test_the_words_are_in_the_customers_language_or_the_desks_first(language: str, text: str) -> None:
    assert acknowledgement(item(tags=tags(language=language)), NOW, COURTEOUS) == text


def test_an_untagged_item_is_acknowledged_in_the_desks_first_language() -> None:
    assert acknowledgement(item(tags=None), NOW, COURTEOUS) == "We have your message."


# What it writes


def test_it_stands_in_the_outbox_told_and_paid_for_beside_the_arrival() -> None:
    change = acknowledged(opened(), letter(), FRESH, step(actor="sortownia", cause="mail:ses-1", event_id="ev2"))
    first, second = change.events
    assert (first.type, first.seq) == (EventType.MESSAGE_RECEIVED, 1)
    assert (second.type, second.seq, second.item_id) == (EventType.ACKNOWLEDGEMENT_QUEUED, 2, None)
    assert second.facts == {
        "about": "it1", "reply": "r1", "automatic": True, "channel": "mail", "number_within_a_day": 1,
        "why": "a person, proved to be the sender, opened this item",
    }  # fmt: skip
    assert second.payload
    assert second.payload["written"] == "We have your message."
    assert change.reply
    assert change.reply.automatic
    assert (change.reply.status, change.reply.to) == (Status.QUEUED, "Anna@customer.example.com")
    assert change.reply.actor == "sortownia"
    assert change.token
    assert (change.token.item_id, change.token.customer_id) == ("it1", CustomerId("cu1"))
    assert change.budget == Budget(FRESH.account, (NOW,), 1)
    assert change.after == opened().after  # the item does not change by it
    assert change.handled
    assert change.handled.event_id == first.id


def test_the_budget_forgets_what_is_a_day_ago() -> None:
    paid = acknowledged(opened(), letter(), spent(WITHIN, SECOND), step()).budget
    assert paid == Budget(FRESH.account, (NOW - SECOND, NOW), 8)


def test_it_is_saved_with_the_arrival_or_not_at_all() -> None:
    table = Memory()
    table.save(acknowledged(opened(), letter(), FRESH, step(event_id="ev2")), NOW)
    assert len(table.of_kind("budget")) == len(table.replies()) == 1
    assert len(table.events()) == table.customer("cu1").seq == 2


def test_only_who_opened_an_item_can_be_acknowledged() -> None:
    with pytest.raises(ValueError, match="only who opens an item"):
        acknowledged(Change(), letter(), FRESH, step())


# By when

PROMISING = policy.parse(
    (DESK + ACKNOWLEDGE).replace('"We have your message."', '"We have your message.\\n\\n{promise}\\n\\nBye."')
    + """
[acknowledge.promised]
en = "One of us will answer by {until}."

[calendars.office]
timezone = "Europe/Warsaw"
monday = ["09:00-17:00"]
tuesday = ["09:00-17:00"]

[[promises]]
channel = "mail"
calendar = "office"
first_reply = "PT7H30M"
"""
)


def test_who_is_promised_an_answer_reads_by_when() -> None:
    """Seven and a half office hours after ten o'clock on a Monday in Warsaw: half past nine on Tuesday."""
    made = opened(desk=PROMISING).after
    assert made
    assert acknowledgement(made, NOW, PROMISING) == (
        "We have your message.\n\nOne of us will answer by Tuesday, 3 March 2026, 09:30 (UTC+1).\n\nBye."
    )


def test_no_time_is_named_where_none_is_promised_or_it_is_over() -> None:
    made = opened(desk=PROMISING).after
    assert made
    assert made.promises
    assert made.promises.first_reply
    silent = "We have your message.\n\nBye."
    assert acknowledgement(item(), NOW, PROMISING) == silent
    assert acknowledgement(made, made.promises.first_reply.due_at, PROMISING) == silent
    assert acknowledgement(made, made.promises.first_reply.due_at - SECOND, PROMISING) != silent


def test_a_language_without_a_promise_names_no_time() -> None:
    made = opened(desk=PROMISING).after
    assert made
    from dataclasses import replace

    assert acknowledgement(replace(made, tags=tags(language="pl")), NOW, PROMISING) == "Mamy wiadomość."


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("by {until}", "soon", "must have {until} once"),
        ("by {until}", "by {until} or {until}", "must have {until} once"),
        ("by {until}", "as soon as possible, by {until}", "must not say 'as soon as possible'"),
        ("{promise}", "", "the text must have {promise} once"),
        ("{promise}", "{promise} {promise}", "the text must have {promise} once"),
        ('en = "One of us', 'pl = "One of us', "the text must have {promise} once"),
        ('en = "One of us', 'fr = "One of us', "there is de, en, pl, ru, uk"),
    ],
)
def test_a_promise_without_its_time_or_place_is_refused(old: str, new: str, said: str) -> None:
    desk = (DESK + ACKNOWLEDGE).replace('"We have your message."', '"We have your message.\\n\\n{promise}"')
    desk += '\n[acknowledge.promised]\nen = "One of us will answer by {until}."\n'
    policy.parse(desk)
    with pytest.raises(policy.PolicyError, match="acknowledge") as refused:
        policy.parse(desk.replace(old, new))
    assert said in str(refused.value)
