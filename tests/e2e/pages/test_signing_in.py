"""Signing in with a browser: by the issuer's page, again after the session's end, and out of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from citybrain.app import open_runtime
from citybrain.http.server import serving
from citybrain.settings import Settings
from tests.given.pages import Complaints, chromium, foreign
from tests.given.waiting import PATIENCE_SECONDS

AXE = Path(__file__).parents[3] / "src" / "web" / "node_modules" / "axe-core" / "axe.min.js"
STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
VIOLATED = """(tags) => axe.run(document, {runOnly: tags, resultTypes: ["violations"]}).then(
    ({violations}) => violations.map(({id, nodes}) => id + " " + nodes[0].target.join(" ")))"""
WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
SESSION = "(() => document.querySelector('#app').__vue_app__.config.globalProperties.$pinia._s\
.get('session'))()"
ASKED = f"""async (path) => {{
    const token = await {SESSION}.bearer();
    return (await fetch(path, {{headers: {{Authorization: `Bearer ${{token}}`}}}})).status;
}}"""
KEPT_IN = """const opened = indexedDB.open("citybrain-phone", 1);
    opened.onupgradeneeded = () => opened.result.createObjectStore("waiting", {keyPath: "key"});
    await new Promise((done) => { opened.onsuccess = done; });
    const kept = opened.result.transaction("waiting", "readwrite").objectStore("waiting");"""
KEEP = f"""async (subjects) => {{ {KEPT_IN}
    for (const subject of subjects) kept.put({{key: subject, subject}});
    await new Promise((done) => {{ kept.transaction.oncomplete = done; }});
    opened.result.close();
}}"""
KEPT = f"""async () => {{ {KEPT_IN}
    const all = kept.getAll();
    await new Promise((done) => {{ all.onsuccess = done; }});
    return all.result.map(({{subject}}) => subject);
}}"""
"""What waits on the phone of this browser, of whom: as `src/web/phone/state/kept.ts` has it."""
QUEUE = "/v1/applications/queue?department=housing-fund"
PATIENCE_MS = PATIENCE_SECONDS * 1000
DEEP = "/desk/no-such-screen?from=a-link"


@pytest.fixture(autouse=True)
def the_browser_has_time() -> None:
    """However much the machine has to do."""
    expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def template(prepared: str) -> str:
    """Read models that are there from the start."""
    return prepared


@pytest.fixture
async def url(settings: Settings) -> AsyncIterator[str]:
    """A server with its pages; nothing works on read models here."""
    settings.http_port = 0
    async with (
        open_runtime(settings, faces=False, workers=False) as runtime,
        serving(runtime) as at,
    ):
        yield at


async def is_for_everybody(page: Page) -> None:
    """The page on which one chooses who one is, in both languages, narrow and large."""
    for other in ("中文", "English"):
        await page.get_by_role("link", name=other).click()
        await page.locator("summary").click()
        await page.evaluate(AXE.read_text(encoding="utf-8"))
        assert await page.evaluate(VIOLATED, STANDARD) == []
    await page.set_viewport_size({"width": 320, "height": 640})
    assert not await page.evaluate(WIDE)


async def test_an_official_signs_in_goes_on_after_the_end_and_signs_out_in_two_tabs(
    url: str,
) -> None:
    async with chromium() as browser:
        context = await browser.new_context(locale="en-GB")
        context.set_default_timeout(PATIENCE_MS)
        desk = await context.new_page()
        said = Complaints(desk)
        await desk.goto(url + DEEP)
        await expect(desk.get_by_role("heading", name="Who are you today?")).to_be_visible()
        await is_for_everybody(desk)
        await desk.locator("[value=fund-he-jing]").focus()
        await desk.keyboard.press("Space")
        await desk.keyboard.press("Enter")
        await desk.wait_for_url(url + DEEP)
        assert await desk.evaluate(f"{SESSION}.person.subject") == "fund-he-jing"
        assert await desk.evaluate(ASKED, QUEUE) == 200
        assert await foreign(desk, url) == []

        await desk.evaluate(f"() => {{ window.typed = 'kept'; {SESSION}.end(); }}")
        over = desk.get_by_role("dialog")
        await expect(over).to_contain_text("You have been signed out")
        async with context.expect_page():
            await desk.keyboard.press("Enter")
        await expect(over).to_be_hidden()
        assert await desk.evaluate("window.typed") == "kept"
        assert await desk.evaluate(ASKED, QUEUE) == 200

        other = await context.new_page()
        await other.goto(url + DEEP)
        await other.wait_for_function(
            f"() => document.querySelector('#app').__vue_app__ && {SESSION}.person"
        )
        assert other.url == url + DEEP, "nobody was asked again"
        await desk.evaluate(KEEP, ["fund-he-jing", "somebody-else"])
        await desk.evaluate(f"() => void {SESSION}.signOut()")
        for tab in (desk, other):
            await tab.wait_for_url(f"{url}/desk/")
            await expect(tab.get_by_role("dialog")).to_contain_text("You have signed out")
        assert await desk.evaluate(KEPT) == ["somebody-else"]
        await other.get_by_role("button").click()
        await expect(other.locator("h1")).to_contain_text("Who are you today?")
        assert said.taken() == []
