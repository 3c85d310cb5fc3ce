"""Visitors of the shop with their browsers, and what the desk has of what they wrote."""

import html
import json
import secrets
import time
from contextlib import ExitStack
from typing import Any, Self

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request

from chalicelib.intake.chat.widget import known_hash
from chalicelib.item.reply import Then
from chalicelib.store import keys
from sortownia.client import Client
from tests.end_to_end.running import Running, eventually

INSTALLATION = "shop-page"
#: Seconds until something is to be seen that has to happen in the system first: it may be busy with other things.
PATIENCE = 30


class Street:
    """All who visit the shop at the moment."""

    def __init__(self, browser: Browser, running: Running) -> None:
        self._browser, self._running = browser, running
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        self.agent = self._exits.enter_context(self._running.agent("agent-3"))
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    @property
    def url(self) -> str:
        """The shop's address, one of the widget's origins in the running system."""
        return self._running.system.url

    @property
    def other_url(self) -> str:
        """The same server by another name: for a browser, and for the desk, another origin."""
        return self.url.replace("127.0.0.1", "localhost")

    def visitor(self, **options: Any) -> BrowserContext:
        """A browser's profile, new and empty."""
        context = self._browser.new_context(**options)
        self._exits.callback(context.close)
        context.set_default_timeout(1000 * PATIENCE)
        # A page that a test makes up is for the browser one of the wide world, which may not call this machine.
        context.grant_permissions(["local-network-access", "clipboard-read", "clipboard-write"])
        return context

    def tab(self, visitor: BrowserContext, path: str = "/shop/", **page: str) -> "Tab":
        """A page of the shop in a visitor's browser."""
        return Tab(visitor.new_page(), f"{self.url}{path}", self._running)

    def own_page(self, visitor: BrowserContext, /, origin: str = "", **data: str) -> "Tab":
        """A page without any protection of its own, with the widget's script set up by these data attributes."""
        attributes = "".join(f' data-{name}="{html.escape(value)}"' for name, value in data.items())
        body = f'<!doctype html><html lang="en"><body><script src="/v1/widget.js" data-installation="{INSTALLATION}"'
        page = visitor.new_page()
        page.route(
            "**/own-page", lambda route: route.fulfill(body=f"{body}{attributes}></script>", content_type="text/html")
        )
        return Tab(page, f"{origin or self.url}/own-page", self._running)

    def customer(self, visitor_id: str, name: str = "", secret: str = "") -> str:
        """What the shop's server says of a customer who has signed in."""
        proof = known_hash(secret or self._running.stack.hook_secret(INSTALLATION), visitor_id)
        return json.dumps({"id": visitor_id, "hash": proof} | ({"name": name} if name else {}))

    def claim(self, conversation: str) -> Any:
        """The agent claims the item of a conversation."""
        return self.agent.claim_item(self.item_id(conversation))

    def item_id(self, conversation: str) -> str:
        """The item of a conversation, once there is one."""
        key = keys.conversation_key(INSTALLATION, conversation)
        rows = eventually(lambda: self._running.world.table.rows([key]), bool, PATIENCE)
        return str(next(iter(rows.values()))["item_id"])

    def answer(self, conversation: str, text: str) -> float:
        """The agent answers; returns when that was (monotonic)."""
        self.agent.reply(self.claim(conversation), text, Then.WAIT)
        return time.monotonic()

    def heard(self, conversation: str, agent: Client | None = None) -> list[str]:
        """What the visitor wrote, as the desk's timeline has it."""
        item = (agent or self.agent).item(self.item_id(conversation))
        events = (agent or self.agent).timeline(item.customer_id)
        return [str((event.content or {})["written"]) for event in events if event.type == "message-received"]


class Tab:
    """A page with the widget, as its user works with it."""

    def __init__(self, page: Page, url: str, running: Running) -> None:
        self.page, self._running = page, running
        #: What the browser complained of: violations of the page's policy, errors in the script.
        self.complaints: list[str] = []
        self.asked: list[Request] = []
        page.on("console", self._noted)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request))
        page.goto(url)

    def _noted(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    @property
    def launch(self) -> Locator:
        return self.page.locator("sortownia-chat .launch")

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    @property
    def input(self) -> Locator:
        return self.dialog.get_by_role("textbox")

    @property
    def state(self) -> Locator:
        return self.dialog.get_by_role("status")

    def open(self) -> "Tab":
        self.launch.click()
        return self

    def write(self, text: str) -> str:
        """Writes and sends; returns the text, made one of its kind."""
        said = f"{text} {secrets.token_hex(4)}"
        self.input.fill(said)
        self.input.press("Enter")
        return said

    def line(self, text: str) -> Locator:
        return self.dialog.locator(".line").filter(has=self.page.get_by_text(text, exact=True))

    def await_line(self, text: str, seconds: float = PATIENCE) -> Locator:
        found = self.line(text)
        found.wait_for(timeout=1000 * seconds)
        return found

    def lines(self) -> list[str]:
        """Everything said, without the greeting."""
        return self.dialog.locator(".line p").all_text_contents()[1:]

    @property
    def conversation(self) -> str:
        """The conversation's name, once the widget has a session."""
        look = """() => Object.entries(localStorage).filter(([name]) => name.endsWith("/conversation"))
            .map(([, kept]) => JSON.parse(kept))"""
        return str(eventually(lambda: self.page.evaluate(look), lambda found: bool(found and found[0]), PATIENCE)[0])
