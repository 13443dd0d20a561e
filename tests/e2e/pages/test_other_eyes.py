"""For who sees no colours, states are told apart by shape; who wants it still has it still."""

from collections.abc import AsyncIterator
from io import BytesIO

import pytest
from PIL import Image, ImageChops
from playwright.async_api import Page

from tests.given.pages import chromium, served_pages
from tests.given.waiting import PATIENCE_SECONDS

MOVING = "() => document.getAnimations().filter((each) => each.playState === 'running').length"
MOVES = "phone/running"  # a ring turns at what is being fetched
STILL = ("phone/running", "board/overview", "board/overview-playing")
PATIENCE_MS = PATIENCE_SECONDS * 1000
LEAST = 24  # of 256 shades, a mark stands out from what is behind it by more
SAME = 0.9  # of what either covers, where two have one shape
BARE = """({selectors, bare}) => selectors.map((selector) => {
    const found = document.querySelector(selector);
    found.querySelectorAll('text, span').forEach((each) => { each.style.visibility = 'hidden'; });
    found.style.color = bare ? 'transparent' : '';
    return found.getBoundingClientRect().toJSON();
})"""
APART = (
    # an exception to be handled now, and one that has time
    ("board/overview", ".cards .badge.now", ".cards .badge:not(.now)", True),
    # a junction that flashes, one that the centre steers, one by itself
    ("board/signals", "svg .out", "svg .centre", False),
    ("board/signals", "svg .out", "svg .local", False),
    ("board/signals", "svg .local", "svg .centre", False),
    # a deadline that is over, and one that runs
    ("board/overview", "svg .late", "svg .dot", False),
    # on the track: an exception for now, and one with time
    ("board/overview", ".track .began-now", ".track .began", False),
    # of an application: what is here, what is being fetched
    ("phone/running", ".st.y", ".st.r", False),
)
"""A page of stories, two marks of it, and whether what is written in them is left out."""


@pytest.fixture
async def pages() -> AsyncIterator[str]:
    async with served_pages() as url:
        yield url


async def test_states_are_told_apart_without_colours(pages: str) -> None:
    async with chromium(["--disable-3d-apis"]) as browser:
        page = await browser.new_page(viewport={"width": 1920, "height": 1080})
        page.set_default_timeout(PATIENCE_MS)
        seen = await page.context.new_cdp_session(page)
        await seen.send("Emulation.setEmulatedVisionDeficiency", {"type": "achromatopsia"})
        wrong = []
        for story, one, other, bare in APART:
            await _open(page, f"{pages}/stories/{story}")
            await page.evaluate(BARE, {"selectors": [one, other], "bare": bare})
            shapes = [await _shape(page, selector) for selector in (one, other)]
            if (alike := _alike(*shapes)) > SAME:
                wrong.append(f"{story}: {one} and {other} are alike ({alike:.2f})")
        assert not wrong, "\n".join(wrong)


async def test_nothing_moves_for_who_wants_it_still(pages: str) -> None:
    async with chromium(["--disable-3d-apis"]) as browser:
        page = await browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        await _open(page, f"{pages}/stories/{MOVES}")
        assert await page.evaluate(MOVING) > 0, "else it shows nothing"
        await page.emulate_media(reduced_motion="reduce")
        moving = []
        for story in STILL:
            await _open(page, f"{pages}/stories/{story}")
            moving += [story] if await page.evaluate(MOVING) else []
        assert moving == []


async def _open(page: Page, url: str) -> None:
    await page.goto(url)
    await page.locator("html[data-ready='true']").wait_for(state="attached")


async def _shape(page: Page, selector: str) -> Image.Image:
    """Where a mark stands out from what is behind it, as it is seen without colours."""
    picture = await page.locator(selector).first.screenshot(animations="disabled")
    grey = Image.open(BytesIO(picture)).convert("L")
    behind = Image.new("L", grey.size, grey.getpixel((0, 0)))
    return ImageChops.difference(grey, behind).point(lambda shade: 255 if shade > LEAST else 0)


def _alike(one: Image.Image, other: Image.Image) -> float:
    """The share of what both cover in what either does (Jaccard), one centred on the other."""
    room = max(one.width, other.width), max(one.height, other.height)
    one, other = _centred(one, room), _centred(other, room)
    either = ImageChops.lighter(one, other).histogram()[255]
    both = ImageChops.darker(one, other).histogram()[255]
    assert either, "neither can be seen"
    return both / either


def _centred(mask: Image.Image, room: tuple[int, int]) -> Image.Image:
    found = Image.new("L", room, 0)
    found.paste(mask, ((room[0] - mask.width) // 2, (room[1] - mask.height) // 2))
    return found
