"""The live page in a real browser, fed by a real server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.given.browser import Browser, browser
from tests.given.killed_server import KilledServer, kill_postgres, killed_server
from tests.given.server import Server, server

LIVE = "return document.querySelector('#connection').dataset.state === 'live'"
SHOWN = "const e = document.querySelector('#simulated'); return e.checkVisibility()"
ROWS = "return document.querySelectorAll('#newest tbody tr').length"
OF_STREAM = """
const found = [...document.querySelectorAll('#newest tbody tr')]
    .find((row) => row.querySelector('.stream')?.innerText === arguments[0]);
return found ? found.innerText : null;
"""
OPEN = """
const table = document.querySelector('#open table');
if (!table) return null;
const columns = [...table.querySelectorAll('thead th')].map((cell) => cell.innerText);
const row = [...table.querySelectorAll('tbody tr')]
    .find((each) => each.cells[0].innerText === arguments[0]);
return row ? row.cells[columns.indexOf(arguments[1])]?.innerText : null;
"""
READ_MODELS = "return [...document.querySelectorAll('#lag tbody th')].map((th) => th.innerText)"
STREAMS = "return document.querySelector('#streams tbody')?.innerText"
PAID = "return Number(document.querySelector('#apply-paid').innerText) > 0"
ANOMALIES = "return /^[0-9]/.test(document.querySelector('#parking-anomalies').innerText)"
CAME_IN = "return document.querySelector('#parking-captured').innerText"
PARKED = "return Number(document.querySelector('#parking-parked').innerText) > 0"
ROAD = "return document.querySelectorAll('#signals-junctions tbody tr').length === 4"
JUNCTIONS = """
return [...document.querySelectorAll('#signals-junctions tbody tr')].map((row) => ({
    marked: row.querySelector('th .sim') !== null,
    decides: row.cells[1].innerText,
    by: row.cells[2].innerText,
    lamps: row.querySelectorAll('.stage .signal').length,
}));
"""
WIDER_THAN_WINDOW = "return document.documentElement.scrollWidth > window.innerWidth"
ROAD_DAMAGE = {
    "source": "citizen",
    "class_code": "road_damage",
    "description": "a hole",
    "latitude": 34.7466,
    "longitude": 113.6253,
}


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Browser]:
    async with browser(tmp_path / "profile") as page:
        yield page


@pytest.fixture
async def quiet_server(tmp_path: Path) -> AsyncIterator[KilledServer]:
    async with killed_server(tmp_path / "data") as running:
        yield running
    kill_postgres(tmp_path / "data")  # it outlives a server that is killed


@pytest.fixture
async def city_server(tmp_path: Path) -> AsyncIterator[Server]:
    async with server(tmp_path / "data", "--rate", "5") as running:
        yield running


async def test_a_report_shows_as_an_event_and_as_an_open_case(
    quiet_server: KilledServer, page: Browser
) -> None:
    await page.open(quiet_server.url)
    await page.wait_for(LIVE)
    assert "No case is open" in await page.run("return document.querySelector('#open').innerText")

    token = await quiet_server.token("citizen-1", "citizen")
    await quiet_server.post("/v1/cases", ROAD_DAMAGE, token)

    named = f"return (() => {{ {OF_STREAM} }})()?.includes('Road damage')"
    await page.wait_for(named, "case")
    assert "SIM" not in await page.run(OF_STREAM, "case")
    await page.wait_for(f"return (() => {{ {OPEN} }})() === '1'", "Road damage", "Municipal works")
    counted = f"return (() => {{ {STREAMS} }})().split(/\\s+/).join(' ') === arguments[0]"
    await page.wait_for(counted, "Case 1 3")
    assert "Case desk" in await page.run(READ_MODELS)
    assert not await page.run(SHOWN), "nothing here is simulated"
    assert await page.complaints() == []


async def test_simulated_data_is_called_simulated(city_server: Server, page: Browser) -> None:
    await page.open(city_server.url)
    await page.wait_for(SHOWN)
    await page.wait_for("return document.querySelector('#newest .sim') !== null")
    assert await page.run(ROWS) > 0
    await page.wait_for(PAID)
    assert " s" in await page.run("return document.querySelector('#apply-median').innerText")
    saved = await page.run("return document.querySelector('#apply-saved').innerText")
    assert "100 % of papers to bring" in saved
    assert await page.run("return document.querySelectorAll('#apply-seconds .bar').length") > 0
    await page.wait_for(PARKED)
    await page.wait_for(ANOMALIES)
    assert (await page.run(CAME_IN)).startswith("¥")
    assert await page.run("return document.querySelectorAll('#parking-faces .face').length") == 12
    await page.wait_for(ROAD)
    junctions = await page.run(JUNCTIONS)
    assert [each["marked"] for each in junctions] == [True] * 4
    assert all(each["lamps"] == 5 for each in junctions)
    assert all(each["decides"] in ("Starting", "Local") for each in junctions)
    assert {each["by"] for each in junctions} == {"Plan"}
    assert await page.run("return document.querySelectorAll('#signals-road .signal').length") == 32
    assert await page.complaints() == []


async def test_the_page_says_when_the_server_is_gone(
    quiet_server: KilledServer, page: Browser
) -> None:
    await page.open(quiet_server.url)
    await page.wait_for(LIVE)
    await quiet_server.kill()
    await page.wait_for("return document.querySelector('#connection').dataset.state !== 'live'")
    said = await page.run("return document.querySelector('#announce').innerText")
    assert "Connection lost" in said


async def test_the_page_fits_any_screen(quiet_server: KilledServer, page: Browser) -> None:
    token = await quiet_server.token("citizen-1", "citizen")
    await quiet_server.post("/v1/cases", ROAD_DAMAGE, token)
    await page.open(quiet_server.url)
    await page.wait_for(ROWS)
    for width in (360, 768, 1920):
        await page.resize(width, 900)
        assert not await page.run(WIDER_THAN_WINDOW), width
