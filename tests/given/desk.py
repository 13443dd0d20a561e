"""An official at the desk, in a browser."""

from playwright.async_api import Browser, Page, expect

from tests.given.waiting import PATIENCE_SECONDS

PATIENCE_MS = PATIENCE_SECONDS * 1000


async def signed_in(browser: Browser, url: str, person: str, path: str) -> Page:
    """The desk of somebody, in a window of their own."""
    context = await browser.new_context(locale="en-GB", viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    await page.goto(url + path)
    await page.locator("summary").click()
    await page.locator(f"[value={person}]").focus()
    await page.keyboard.press("Space")
    await page.keyboard.press("Enter")
    await page.wait_for_url(url + path)
    return page


async def open_the_first(desk: Page, page: str) -> None:
    """By the keys: the first of a queue, and the focus on what it is called."""
    row = desk.locator(f".q a[href*='/desk/{page}/']").first
    await expect(row).to_be_visible()
    await desk.keyboard.press("j")
    await expect(row).to_be_focused()
    await desk.keyboard.press("Enter")
    await expect(desk.get_by_role("heading", level=1)).to_be_focused()
