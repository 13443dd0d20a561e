"""Signing in at an issuer that is not ours: a certified OpenID Provider, of another origin.

Its keys change while somebody is signed in, and in the end it answers nobody.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from citybrain.app import open_runtime
from citybrain.http.runtime import Runtime
from citybrain.http.server import serving
from citybrain.settings import Settings
from tests.given.issuer import Issuer, another_issuer
from tests.given.pages import Complaints, chromium
from tests.given.waiting import PATIENCE_SECONDS

PATIENCE_MS = PATIENCE_SECONDS * 1000
PEOPLE: dict[str, dict[str, Any]] = {
    "official-4": {"roles": ["official"], "department": "housing-fund"},
    "auditor-1": {"roles": ["auditor"]},
}
SESSION = "(() => document.querySelector('#app').__vue_app__.config.globalProperties.$pinia._s\
.get('session'))()"
READY = f"() => document.querySelector('#app')?.__vue_app__ && {SESSION}.person"
ASKED = f"""async (path) => {{
    const token = await {SESSION}.bearer();
    return (await fetch(path, {{headers: {{Authorization: `Bearer ${{token}}`}}}})).status;
}}"""
KEY = f"async () => JSON.parse(atob((await {SESSION}.bearer()).split('.')[0])).kid"
LATER = "(ms) => { const now = Date.now; Date.now = () => now() + ms; }"
NEARLY_OUT_MS = 9.5 * 60_000  # of ten minutes
QUEUE = "/v1/applications/queue?department=housing-fund"
LINK = "/desk/applications?from=a-link"


@pytest.fixture(scope="session")
def template(prepared: str) -> str:
    """Read models that are there from the start."""
    return prepared


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with another_issuer(PEOPLE) as running:
        yield running


@pytest.fixture
async def runtime(settings: Settings, issuer: Issuer) -> AsyncIterator[Runtime]:
    settings.http_port = 0
    settings.oidc_issuer = issuer.url
    settings.oidc_jwks_url = f"{issuer.url}/jwks"
    settings.oidc_client_id = "citybrain-pages"
    async with open_runtime(settings, faces=False, workers=False) as opened:
        yield opened


async def has_no_letters(route: Route) -> None:
    """The issuer's own pages want letters from elsewhere."""
    await route.fulfill(content_type="text/css", body="")


async def signs_in(page: Page, subject: str) -> None:
    """On the pages of the issuer: who one is, and that one agrees."""
    await page.locator("[name=login]").fill(subject)
    await page.locator("[name=password]").fill("anything")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Continue").click()
    await page.wait_for_function(READY)


async def test_pages_and_an_issuer_of_another_origin(runtime: Runtime, issuer: Issuer) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    async with serving(runtime) as city, chromium() as browser:
        await issuer.signs_in_to(city)
        await runtime.verifier.keys.ask()
        context = await browser.new_context(locale="en-GB")
        context.set_default_timeout(PATIENCE_MS)
        await context.route("https://fonts.googleapis.com/**", has_no_letters)
        desk = await context.new_page()
        said = Complaints(desk)
        await desk.goto(city + LINK)
        await signs_in(desk, "official-4")
        assert desk.url == city + LINK
        assert await desk.evaluate(f"{SESSION}.person.roles") == ["official"]
        assert await desk.evaluate(ASKED, QUEUE) == 200
        await desk.reload()
        await desk.wait_for_function(READY)
        assert desk.url == city + LINK, "nobody was asked again"

        before = await desk.evaluate(KEY)
        await issuer.takes_another_key()
        await desk.evaluate(LATER, NEARLY_OUT_MS)
        assert await desk.evaluate(KEY) != before, "the token was renewed"
        assert await desk.evaluate(ASKED, QUEUE) == 200, "and its key is known at once"

        audit = await context.new_page()
        await audit.goto(f"{city}/audit/")
        await audit.wait_for_function(READY)
        await expect(audit.locator("main")).to_contain_text("not signed in as an auditor")
        await audit.get_by_role("button", name="Sign out").click()
        await audit.get_by_role("button", name="Yes, sign me out").click()
        for page in (audit, desk):
            await expect(page.get_by_role("dialog")).to_contain_text("You have signed out")
        await audit.get_by_role("button", name="Sign in").click()
        await signs_in(audit, "auditor-1")
        assert await audit.evaluate(ASKED, "/v1/events?limit=1") == 200
        assert said.taken() == []

        await issuer.stop()
        await runtime.verifier.keys.ask()
        assert await audit.evaluate(ASKED, "/v1/events?limit=1") == 200, "known keys stay good"
        await audit.reload()
        over = audit.get_by_role("dialog")
        await expect(over).to_contain_text("Signing in does not work at the moment")
