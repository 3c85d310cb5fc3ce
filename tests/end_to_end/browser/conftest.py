"""A real browser, the machine's own: Debian's `chromium`, or what SORTOWNIA_CHROMIUM names."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.end_to_end.browser.street import PATIENCE, Street
from tests.end_to_end.running import Running

#: It runs for root too, and asks nobody for anything: no updates, no guesses.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests of this folder; each visitor has a profile of his own in it."""
    program = os.environ.get("SORTOWNIA_CHROMIUM") or shutil.which("chromium")
    if not program:
        pytest.skip("no browser: install chromium, or name one in SORTOWNIA_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        expect.set_options(timeout=1000 * PATIENCE)
        yield browser
        browser.close()


@pytest.fixture
def street(browser: Browser, running: Running) -> Iterator[Street]:
    """The shop's visitors, who go home after each test."""
    with Street(browser, running) as street:
        yield street
