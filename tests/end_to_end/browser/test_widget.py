"""The chat widget in a real browser, on the real system: what visitors write, what agents answer."""

import re
import secrets
import time

import pytest
from playwright.sync_api import Route, expect

from tests.end_to_end.browser.street import PATIENCE, Street

pytestmark = pytest.mark.stack

LIVE_SECONDS = 5
#: What stands beside a message that is durable, and soon after, when intake has it, in its place.
ARRIVED = re.compile(r"Sent|\d\d:\d\d")
#: Each would leave a mark in the page if any of it were ever taken for a program.
MARKUP = (
    '<img src=x onerror="window.marked=1"><script>window.marked=1</script>{{7*7}}<a href=javascript:marked=1>&lt;b&gt;'
)


def test_visitor_writes_and_the_answer_appears_by_itself(street: Street) -> None:
    tab = street.tab(street.visitor(), "/shop/?lang=pl").open()
    question = tab.write("Gdzie jest moja paczka?")
    expect(tab.await_line(question)).to_contain_text("Wysłano")
    assert street.heard(tab.conversation) == [question]
    answer = f"Będzie jutro. {secrets.token_hex(4)}"
    asked_at = street.answer(tab.conversation, answer)
    tab.await_line(answer, LIVE_SECONDS)
    print(f"an answer is shown after {time.monotonic() - asked_at:.1f} s")
    tab.page.reload()
    tab.await_line(answer)
    assert tab.lines() == [question, answer]
    assert tab.complaints == []  # the shop's page forbids inline scripts, styles and everything read as HTML


def test_whoever_writes_what_it_is_text(street: Street) -> None:
    tab = street.own_page(street.visitor(), visitor=street.customer(secrets.token_hex(8), name=MARKUP)).open()
    expect(tab.dialog.locator(".line p").first).to_contain_text(MARKUP)
    question = tab.write(MARKUP)
    tab.await_line(question)
    street.answer(tab.conversation, f"{MARKUP} too")
    tab.await_line(f"{MARKUP} too", LIVE_SECONDS)
    tab.page.reload()
    tab.await_line(f"{MARKUP} too")
    assert tab.dialog.locator("img, script, a, b, iframe").count() == 0
    assert tab.page.evaluate("window.marked") is None


def test_page_of_another_origin_opens_no_session(street: Street) -> None:
    tab = street.own_page(street.visitor(), origin=street.other_url).open()
    expect(tab.state).to_have_text("The chat cannot be reached at the moment.")
    tab.write("Is anybody there?")
    expect(tab.dialog.locator(".line").last).to_contain_text("Not sent yet")
    answers = [request.response() for request in tab.asked if "/widget/" in request.url]
    assert answers
    assert {answer.status for answer in answers if answer} == {403}


def test_page_of_a_listed_origin_calls_an_api_elsewhere(street: Street) -> None:
    """The usual case: the shop's page and the API have different origins, so the browser asks first."""
    tab = street.own_page(street.visitor(), api=f"{street.other_url}/v1/widget/").open()
    question = tab.write("Where is my parcel?")
    expect(tab.await_line(question)).to_contain_text(ARRIVED)
    street.answer(tab.conversation, "Tomorrow.")
    tab.await_line("Tomorrow.", LIVE_SECONDS)
    assert {request.url.split("/v1/")[0] for request in tab.asked if "/widget/" in request.url} == {street.other_url}
    assert tab.complaints == []


def test_what_was_written_offline_arrives_once(street: Street) -> None:
    visitor = street.visitor()
    tab = street.tab(visitor).open()
    first = tab.write("Hello?")
    expect(tab.await_line(first)).to_contain_text(ARRIVED)
    visitor.set_offline(True)
    second = tab.write("Are you there?")
    expect(tab.await_line(second)).to_contain_text("Not sent yet")
    visitor.set_offline(False)
    expect(tab.line(second)).not_to_contain_text("Not sent yet")

    answers_lost = []

    def lose_answer(route: Route) -> None:
        route.fetch()
        answers_lost.append(route.request.post_data)
        route.abort()

    tab.page.route("**/messages", lose_answer, times=1)
    third = tab.write("The connection is bad today.")
    expect(tab.await_line(third)).to_contain_text("Not sent yet")
    tab.line(third).get_by_role("button", name="Try again").click()
    expect(tab.line(third)).not_to_contain_text("Not sent yet")
    eventually_heard(street, tab.conversation, [first, second, third])
    assert len(answers_lost) == 1
    # In the order in which intake took them, which keeps none of messages that come within seconds.
    expect(tab.dialog.locator(".line.visitor")).to_have_count(3)
    assert sorted(tab.lines()) == sorted([first, second, third])


def eventually_heard(street: Street, conversation: str, said: list[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while sorted(heard := street.heard(conversation)) != sorted(said) and time.monotonic() < deadline:
        time.sleep(0.3)
    assert sorted(heard) == sorted(said)


def test_keyboard_alone_is_enough(street: Street) -> None:
    tab = street.own_page(street.visitor(reduced_motion="reduce", forced_colors="active"))
    keyboard = tab.page.keyboard
    keyboard.press("Tab")
    expect(tab.launch).to_be_focused()
    keyboard.press("Enter")
    expect(tab.dialog).to_be_visible()
    expect(tab.input).to_be_focused()
    expect(tab.dialog.get_by_role("log")).to_have_attribute("aria-live", "polite")
    keyboard.type("First line")
    keyboard.press("Shift+Enter")
    keyboard.type("second line")
    keyboard.press("Tab")
    expect(tab.dialog.get_by_role("button", name="Send")).to_be_focused()
    keyboard.press("Enter")
    expect(tab.dialog.locator(".line.visitor p")).to_have_text("First line\nsecond line")
    keyboard.press("Escape")
    expect(tab.dialog).to_be_hidden()
    expect(tab.launch).to_be_focused()


def test_customer_the_shop_knows_has_one_conversation_on_all_his_devices(street: Street) -> None:
    customer = street.customer(secrets.token_hex(8), name="Customer")
    phone = street.own_page(street.visitor(), visitor=customer).open()
    question = phone.write("Where is my parcel?")
    phone.await_line(question)
    desk = street.own_page(street.visitor(), visitor=customer).open()
    desk.await_line(question)
    street.answer(phone.conversation, "Tomorrow.")
    for tab in (phone, desk):
        tab.await_line("Tomorrow.", LIVE_SECONDS)
        assert tab.lines() == [question, "Tomorrow."]


def test_customer_without_a_good_proof_is_refused_and_not_made_a_stranger(street: Street) -> None:
    tab = street.own_page(street.visitor(), visitor=street.customer("customer-1", secret="guessed")).open()
    expect(tab.state).to_have_text("We could not confirm who you are. Please sign in again.")
    tab.write("Where is my parcel?")
    expect(tab.dialog.locator(".line").last).to_contain_text("Not sent yet")
    assert "conversation" not in tab.page.evaluate("JSON.stringify(localStorage)")
    statuses = {answer.status for request in tab.asked if "/widget/" in request.url and (answer := request.response())}
    assert statuses == {401}


def test_two_tabs_of_a_visitor_are_one_conversation(street: Street) -> None:
    visitor = street.visitor()
    first, second = street.tab(visitor), street.tab(visitor)
    first.open()
    second.open()
    question = first.write("Where is my parcel?")
    another = second.write("Order 4711.")
    for tab in (first, second):
        tab.page.bring_to_front()
        tab.await_line(question)
        tab.await_line(another)
    assert first.conversation == second.conversation
    eventually_heard(street, first.conversation, [question, another])
    street.answer(first.conversation, "Tomorrow.")
    for tab in (first, second):
        tab.page.bring_to_front()
        tab.await_line("Tomorrow.")
    assert sorted(first.lines()) == sorted(second.lines()) == sorted([question, another, "Tomorrow."])


def test_a_network_that_takes_a_call_and_says_nothing_is_not_waited_for(street: Street) -> None:
    tab = street.tab(street.visitor()).open()
    first = tab.write("Hello?")
    expect(tab.await_line(first)).to_contain_text(ARRIVED)
    tab.page.route("**/messages", lambda _: None, times=1)
    second = tab.write("Are you there?")
    expect(tab.await_line(second)).to_contain_text("Not sent yet")
    expect(tab.line(second)).to_contain_text(ARRIVED)
    eventually_heard(street, tab.conversation, [first, second])


def test_who_writes_at_length_is_told_so_and_loses_none_of_it(street: Street) -> None:
    tab = street.tab(street.visitor(), "/shop/?lang=pl").open()
    tab.page.evaluate("navigator.clipboard.writeText('x'.repeat(6000))")
    tab.input.press("Control+v")
    tab.input.press("Enter")
    expect(tab.input).to_have_value("x" * 6000)
    assert tab.input.evaluate("(input) => input.validationMessage") == "Skróć wiadomość do 5000 znaków."
    assert tab.lines() == []
    tab.input.fill("x" * 5000)
    tab.input.press("Enter")
    expect(tab.await_line("x" * 5000)).to_contain_text(re.compile(r"Wysłano|\d\d:\d\d"))


def test_a_page_with_habits_of_its_own_keeps_them_to_itself(street: Street) -> None:
    tab = street.own_page(street.visitor())
    tab.page.evaluate("""() => {
        document.addEventListener("keydown", (event) => {
            if (!["INPUT", "TEXTAREA"].includes(event.target.tagName) && event.key === "/") event.preventDefault();
        });
        for (let rest = 2 ** 23; rest >= 1; rest /= 2)  // a shop that keeps its catalogue here: nothing more fits in
            try { localStorage[`shop/${rest}`] = "x".repeat(rest); } catch { continue; }
        const again = Object.assign(document.createElement("script"), { src: "/v1/widget.js" });
        again.dataset.installation = "shop-page";
        return new Promise((done) => { again.onload = done; document.body.append(again); });
    }""")
    expect(tab.launch).to_have_count(1)
    tab.open()
    tab.page.keyboard.type("Order 47/11")
    expect(tab.input).to_have_value("Order 47/11")
    tab.page.keyboard.press("Enter")
    expect(tab.await_line("Order 47/11")).to_contain_text(ARRIVED)
    assert tab.complaints == []
