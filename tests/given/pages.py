"""The built pages and their stories in a real browser, without a city behind them.

Chromium is the system's; Playwright drives it. A browser that is missing fails the test.
"""

import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

from citybrain.http.addresses import PROXIES
from citybrain.http.clients import add_clients
from citybrain.http.connections import HEADERS
from citybrain.http.limits import LIMITER, RateLimiter

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NOT_OURS = "(where) => performance.getEntriesByType('resource').map((each) => each.name)\
.filter((name) => !name.startsWith(where))"


class NoLimit(RateLimiter):
    """Lets everything through: one test asks for more pages than a person."""

    def __init__(self) -> None: ...

    async def spend(self, caller: str) -> None:
        """Takes nothing."""


@asynccontextmanager
async def served_pages() -> AsyncIterator[str]:
    """The clients and their stories, with the headers that every answer of the server has."""
    app = web.Application()
    app[PROXIES] = ()
    app[LIMITER] = NoLimit()
    add_clients(app, stories=True)

    async def add_headers(_: web.Request, answer: web.StreamResponse) -> None:
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)

    app.on_response_prepare.append(add_headers)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def chromium(arguments: Sequence[str] = ()) -> AsyncIterator[Browser]:
    """A headless Chromium; ended with the block."""
    names = (os.environ.get("CHROMIUM", ""), *CHROMIUM)
    program = next(filter(None, map(shutil.which, filter(None, names))), None)
    if program is None:
        pytest.fail("chromium is not installed: run ops/install-system-packages.sh")
    no_sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium has none for root
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program,
            args=["--disable-gpu", "--disable-dev-shm-usage", *no_sandbox, *arguments],
        )
        try:
            yield browser
        finally:
            await browser.close()


class Complaints:
    """What a page's console says that it should not: errors, what the policy refused."""

    def __init__(self, page: Page) -> None:
        self._said: list[str] = []
        page.on("console", lambda said: self._note(said.type, said.text))
        page.on("pageerror", lambda error: self._said.append(str(error)))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self._said.append(text)

    def taken(self) -> list[str]:
        """All since the last call."""
        said, self._said = self._said, []
        return said


async def foreign(page: Page, url: str) -> list[str]:
    """What the page asked of other hosts."""
    found: list[str] = await page.evaluate(NOT_OURS, url)
    return found
