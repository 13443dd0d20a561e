"""The board in a real browser, fed by a real server: what comes is shown, and what was is, too."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.given.killed_server import KilledServer, kill_postgres, killed_server
from tests.given.pages import Complaints, chromium, foreign
from tests.given.server import Server, server
from tests.given.waiting import PATIENCE_SECONDS

WIDER_THAN_WINDOW = "document.documentElement.scrollWidth > window.innerWidth"
ROAD_DAMAGE = {
    "source": "citizen",
    "class_code": "road_damage",
    "description": "a hole",
    "latitude": 34.7466,
    "longitude": 113.6253,
}


@pytest.fixture(autouse=True)
def the_browser_has_time() -> None:
    """However much the machine has to do."""
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with chromium(["--disable-3d-apis"]) as browser:
        context = await browser.new_context(
            locale="en-GB", viewport={"width": 1920, "height": 1080}
        )
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        yield await context.new_page()


@pytest.fixture
async def quiet_server(tmp_path: Path) -> AsyncIterator[KilledServer]:
    async with killed_server(tmp_path / "data") as running:
        yield running
    kill_postgres(tmp_path / "data")  # it outlives a server that is killed


@pytest.fixture
async def city_server(tmp_path: Path) -> AsyncIterator[Server]:
    async with server(tmp_path / "data", "--rate", "5") as running:
        yield running


async def test_a_report_is_shown_and_what_was_before_it_until_the_server_is_gone(
    quiet_server: KilledServer, page: Page
) -> None:
    said = Complaints(page)
    await page.goto(quiet_server.url)
    assert page.url == f"{quiet_server.url}/board/"
    await expect(page.locator(".pill")).to_have_class("pill live")
    inspection = page.locator("article", has=page.get_by_role("link", name="Inspection"))
    await expect(inspection).to_contain_text("0 open")
    for width in (360, 768, 1920):
        await page.set_viewport_size({"width": width, "height": 1080})
        assert not await page.evaluate(WIDER_THAN_WINDOW), width

    await page.get_by_role("button", name="Sign in").click()
    await page.locator("[value=auditor-jiang-bo]").check()
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{quiet_server.url}/board/")
    await expect(page.locator("h1")).to_contain_text("nothing waits for a person")

    token = await quiet_server.token("citizen-1", "citizen")
    await quiet_server.post("/v1/cases", ROAD_DAMAGE, token)
    await expect(inspection).to_contain_text("1 open")
    assert await page.locator(".sim").count() == 0, "nothing here is simulated"
    await page.keyboard.press("6")
    row = page.locator("tr", has_text="case.reported").filter(has_text="Road damage")
    await expect(row).to_be_visible()
    await expect(page.get_by_role("table", name="Read models")).to_contain_text("case_desk")
    await page.keyboard.press("1")

    track = page.get_by_role("slider")
    await track.press("PageUp")
    await expect(page.locator(".pill")).to_contain_text("As of, position")
    await expect(inspection).to_contain_text("– open")
    await track.press("End")
    await expect(inspection).to_contain_text("1 open")
    await page.keyboard.press("t")
    await expect(page.get_by_role("table").first).to_be_visible()
    assert await foreign(page, quiet_server.url) == []
    assert said.taken() == []

    await quiet_server.kill()
    await expect(page.locator(".pill")).to_contain_text("reconnecting")
    await expect(page.get_by_role("status").first).to_contain_text("Connection lost")


async def test_simulated_data_is_called_simulated(city_server: Server, page: Page) -> None:
    said = Complaints(page)
    await page.goto(f"{city_server.url}/board/")
    await expect(page.locator("header .sim")).to_be_visible()
    await expect(page.locator(".bar, .median").first).to_be_visible()
    parking = page.locator("article", has=page.get_by_role("link", name="Parking"))
    await expect(parking.locator(".big")).to_contain_text("occupied")
    await page.keyboard.press("3")
    await expect(page.locator("text.name")).to_have_count(12)
    await page.keyboard.press("4")
    await expect(page.locator("h1")).to_contain_text("All 4 junctions are normal")
    await expect(page.locator(".local, .centre, .starting").first).to_be_visible()
    await page.keyboard.press("2")
    await expect(page.locator("h1")).to_contain_text("paid today, half within")
    await expect(page.get_by_text("papers not needed", exact=False)).to_be_visible()
    await page.keyboard.press("6")
    await expect(page.locator("td .sim").first).to_be_visible()
    assert await foreign(page, city_server.url) == []
    assert said.taken() == []
