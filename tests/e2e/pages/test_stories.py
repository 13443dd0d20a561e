"""Each screen of each client in each of its states: for everybody, at every size, by the policy.

What a screen is in which state is said by its client's `stories.ts`.
"""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from tests.given.longest import longest
from tests.given.pages import Complaints, chromium, foreign, served_pages

AXE = Path(__file__).parents[3] / "src" / "web" / "node_modules" / "axe-core" / "axe.min.js"
STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN_AXE = """(tags) => axe.run(document, {runOnly: tags, resultTypes: ["violations"]}).then(
    ({violations}) => violations.map(({id, nodes}) => `${id}: ${nodes.map(
        (node) => node.target.join(" ") + " " + (node.any[0]?.message ?? "")).join(" | ")}`))"""
TOO_WIDE = """() => {
    const wide = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= wide) return [];
    return [...document.querySelectorAll("#app *")].filter((each) =>
        each.getBoundingClientRect().right > wide + 1).slice(0, 3).map((each) =>
        `${each.tagName}.${each.className} ${each.textContent.trim().slice(0, 40)}`);
}"""
LINKS = "() => [...document.querySelectorAll('li a')].map((each) => each.textContent)"
SPOKEN = "(language) => window.dispatchEvent(new CustomEvent('speak', {detail: language}))"
ENLARGED = "(k) => document.documentElement.style.setProperty('--k', k)"
LANGUAGES = ("zh-Hans", "en")
PHONE_SIZES = ((375, "1"), (320, "1.24"), (320, "1.5"))  # of text: standard, for elders, largest
NARROW = PHONE_SIZES[1:]
CUT = """() => [...document.querySelectorAll("#app *")].filter((each) => {
    const {overflowX, overflowY, clipPath} = getComputedStyle(each);
    if (each.clientWidth === 0 || clipPath !== "none" || /INPUT|TEXTAREA|SELECT/.test(each.tagName))
        return false;
    const scrolls = [overflowX, overflowY].some((how) => how === "auto" || how === "scroll");
    return !scrolls && each.textContent.trim() !== "" && each.scrollWidth > each.clientWidth + 1;
}).slice(0, 3).map((each) =>
    `${each.tagName}.${each.className} ${each.textContent.trim().slice(0, 40)}`)"""
"""Texts that reach out of their boxes, which no scrolling shows."""
BROKEN = """() => [...document.querySelectorAll(".amt small")].filter((each) =>
    each.getClientRects().length > 1).map((each) => `${each.textContent} is on two lines`)"""
"""Units of amounts that a line ends within."""
LOOKS = (TOO_WIDE, CUT, BROKEN)
DESK_WIDTHS = (1440, 720)  # 720: a window of 1440 at 200 %
BOARDS = ((1920, 1080), (3840, 1080))


@pytest.fixture
async def pages() -> AsyncIterator[str]:
    async with served_pages() as url:
        yield url


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with chromium() as browser:
        yield await browser.new_page(viewport={"width": 375, "height": 780})


async def test_the_phone(pages: str, page: Page) -> None:
    async def resize(size: tuple[int, str]) -> None:
        width, k = size
        await page.set_viewport_size({"width": width, "height": 780})
        await page.evaluate(ENLARGED, k)

    await _walk(pages, page, "phone", PHONE_SIZES, resize)


async def test_the_phone_holds_the_longest_names_that_the_city_has(pages: str, page: Page) -> None:
    await page.add_init_script(f"window.longest = {json.dumps(longest())}")
    await page.goto(f"{pages}/stories/phone/")
    await _ready(page)
    wrong: list[str] = []
    for name in await page.evaluate(LINKS):
        await page.goto(f"{pages}/stories/phone/{name}")
        await _ready(page)
        languages = LANGUAGES
        for width, k in NARROW:
            await page.set_viewport_size({"width": width, "height": 780})
            await page.evaluate(ENLARGED, k)
            for language in languages:
                await _speak(page, language)
                found = [each for look in LOOKS for each in await page.evaluate(look)]
                wrong += [f"{name}: {language} {width} × {k}: {each}" for each in found]
            languages = languages[::-1]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("client", ["desk", "audit"])
async def test_the_desk_and_the_auditors_window(client: str, pages: str, page: Page) -> None:
    async def resize(width: int) -> None:
        await page.set_viewport_size({"width": width, "height": 900})

    await _walk(pages, page, client, DESK_WIDTHS, resize)


async def test_a_list_of_the_desk_that_was_not_read_is_not_said_to_be_empty(
    pages: str, page: Page
) -> None:
    await page.goto(f"{pages}/stories/desk/")
    await _ready(page)
    names = [each for each in await page.evaluate(LINKS) if each.endswith("-error")]
    assert names
    for name in names:
        await page.goto(f"{pages}/stories/desk/{name}")
        await _ready(page)
        await page.locator(".q [role=alert]").wait_for()
        assert await page.locator(".q").locator(".empty, .none").count() == 0, name
        assert "–" in (await page.locator(".q h2").text_content() or ""), name


async def test_the_board(pages: str) -> None:
    async with chromium(["--disable-3d-apis"]) as browser:  # its map says what a table says, too
        page = await browser.new_page(viewport={"width": 1920, "height": 1080})

        async def resize(size: tuple[int, int]) -> None:
            await page.set_viewport_size({"width": size[0], "height": size[1]})

        await _walk(pages, page, "board", BOARDS, resize)


async def _walk(
    pages: str, page: Page, client: str, sizes: Sequence[Any], resize: Callable[[Any], Any]
) -> None:
    """Every story of a client; fails with all that was found.

    Whatever is changed makes the whole page be laid out anew: from one look to the next it is
    either the language or the size, each as seldom as can be.
    """
    said = Complaints(page)
    await page.add_init_script(path=AXE)
    await page.goto(f"{pages}/stories/{client}/")
    await _ready(page)
    names = await page.evaluate(LINKS)
    assert names
    wrong: list[str] = []
    for name in names:
        await resize(sizes[0])
        await page.goto(f"{pages}/stories/{client}/{name}")
        await _ready(page)
        found: list[str] = await page.evaluate(RUN_AXE, STANDARD)
        languages = LANGUAGES
        for size in sizes:
            if size != sizes[0]:
                await resize(size)
            for language in languages:
                await _speak(page, language)
                wide = await page.evaluate(TOO_WIDE)
                found += [f"{language} {size}: {each}" for each in wide]
            languages = languages[::-1]
        found += [f"asked another host: {each}" for each in await foreign(page, pages)]
        found += said.taken()
        wrong += [f"{name}: {each}" for each in found]
    assert not wrong, "\n".join(wrong)


async def _speak(page: Page, language: str) -> None:
    await page.evaluate(SPOKEN, language)
    await page.locator(f"html[lang='{language}']").wait_for(state="attached")


async def _ready(page: Page) -> None:
    await page.locator("html[data-ready='true']").wait_for(state="attached")
