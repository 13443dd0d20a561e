"""The auditor's window with a browser: an application at two versions, a file that proves it."""

import hashlib
import re
from pathlib import Path

import orjson
import pytest
from playwright.async_api import Page, expect

from citybrain.eventstore import RecordedEvent
from citybrain.http.platform.audit import stored
from citybrain.settings import Settings
from tests.given.accesses import accesses
from tests.given.applying import applied, applying, identified, until
from tests.given.pages import Complaints, chromium, foreign
from tests.given.waiting import PATIENCE_SECONDS

PATIENCE_MS = PATIENCE_SECONDS * 1000


@pytest.fixture(autouse=True)
def the_browser_has_time() -> None:
    """However much the machine has to do."""
    expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def template(prepared: str) -> str:
    """Read models that are there from the start."""
    return prepared


def leaf_of(event: RecordedEvent) -> str:
    """The leaf of RFC 6962 that the page computes, computed here."""
    entry = stored(event).model_dump(mode="json", exclude={"data"})
    return hashlib.sha256(b"\x00" + orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)).hexdigest()


async def compare(page: Page, before: int, after: int) -> None:
    """Choose two versions on the axis: B by a click, A with Shift."""
    axis = page.get_by_role("group", name="Axis of versions")
    await axis.get_by_role("button", name=re.compile(rf"^Version {after},")).click()
    first = axis.get_by_role("button", name=re.compile(rf"^Version {before},"))
    await first.click(modifiers=["Shift"])


async def said(page: Page, member: str) -> str:
    """The row of the differences that is about a member."""
    row = page.locator("table.diff tbody tr").filter(has_text=re.compile(rf"^{re.escape(member)}"))
    await expect(row).to_have_count(1)
    return " ".join((await row.inner_text()).split())


async def test_an_auditor_compares_two_versions_of_an_application_and_proves_an_event(
    settings: Settings, tmp_path: Path
) -> None:
    async with applying(settings) as (api, _), chromium() as browser:
        citizen = await identified(api)
        application = await applied(api, citizen)
        paid = await until(api, application, "paid")
        events = await api.runtime.store.read(application)
        decided = next(event for event in events if event.topic == "application.decided")
        context = await browser.new_context(locale="en-GB", accept_downloads=True)
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        complaints = Complaints(page)

        await page.goto(f"{api.url}/audit/streams/{application}")
        await page.locator("[value=auditor-jiang-bo]").focus()
        await page.keyboard.press("Space")
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_have_text(re.compile("Housing provident fund"))
        assert await said(page, "status") == "status → changed submitted paid"

        await compare(page, decided.version - 1, decided.version)
        assert await said(page, "outcome") == "outcome + new nothing approved"
        assert paid.amount_fen is not None
        assert f"nothing {paid.amount_fen / 100:,.2f}" in await said(page, "amount (yuan)")
        digest = hashlib.sha256(decided.state).hexdigest()
        await expect(page.locator("output")).to_have_text(digest)
        await page.keyboard.press("End")
        await expect(page.locator("output")).to_have_text(
            hashlib.sha256(events[-1].state).hexdigest()
        )
        await expect(page.get_by_role("link", name=re.compile("^Entitlement"))).not_to_have_count(0)

        await page.get_by_role("button", name="Check now").click()
        await expect(page.locator(".checks li.ok")).to_have_count(4)
        async with page.expect_download() as download:
            await page.get_by_role("button", name="Export events").click()
        kept = tmp_path / "kept.ndjson"
        await (await download.value).save_as(kept)
        assert len(kept.read_bytes().splitlines()) == len(events)

        await page.get_by_role("link", name="See the proof").first.click()
        await page.get_by_label("Version", exact=True).select_option(str(decided.version))
        await expect(page.locator(".steps .mono").first).to_have_text(leaf_of(decided))
        await expect(page.locator(".decision")).to_contain_text("is the one in the payout")
        await page.locator("#kept").set_input_files(kept)
        await expect(page.get_by_role("status")).to_contain_text("The same.")
        kept.write_text(kept.read_text().replace("system:applications", "system:application5", 1))
        await page.locator("#kept").set_input_files(kept)
        await expect(page.get_by_role("status")).to_contain_text("No: not all is as in the file")

        assert complaints.taken() == []
        assert await foreign(page, api.url) == []
        seen = await accesses(api, citizen)
        assert {
            (row["who"], row["role"], row["purpose"])
            for row in seen
            if row["who"] == "auditor-jiang-bo"
        } == {("auditor-jiang-bo", "auditor", "audit")}
