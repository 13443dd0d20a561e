"""Officials at the desk, in a browser, against a server: a colleague who is faster, and a junction.

By keyboard alone: what is typed stays where somebody was faster, and no single key sends anything.
"""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from citybrain.settings import Settings
from citybrain.systems.signals import SIGNALS
from ops.simulators.applications.departments import Departments
from tests.given.api import Api
from tests.given.applying import applied, applying, command, identified, state, until
from tests.given.at_work import FOR_APPLICATIONS
from tests.given.pages import Complaints, chromium
from tests.given.waiting import PATIENCE_SECONDS

PATIENCE_MS = PATIENCE_SECONDS * 1000
FUND, POLICE, JUNCTION = "housing-fund", "traffic_police", "renmin_1"
DECIDED = ("application.reviewed", "application.review_proposed")
REASON = "the police were asked by telephone: file 42"


@pytest.fixture(autouse=True)
def the_browser_has_time() -> None:
    """However much the machine has to do."""
    expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
async def both(settings: Settings) -> AsyncIterator[tuple[Api, Departments]]:
    async with applying(settings, at_work=(*FOR_APPLICATIONS, SIGNALS)) as started:
        yield started


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


async def test_officials_decide_by_keyboard_and_learn_who_was_faster(
    both: tuple[Api, Departments],
) -> None:
    api, departments = both
    await departments.fault("police", "wrong-signature")
    application = await applied(api, await identified(api))
    await until(api, application, "referred")
    async with chromium() as browser:
        await a_colleague_is_faster(api, browser, application)
        await a_junction_is_given_to_the_centre(api, browser)


async def a_colleague_is_faster(api: Api, browser: Browser, application: str) -> None:
    """The reason stays, what changed is shown, and the decision is made on that."""
    desk = await signed_in(browser, api.url, "fund-he-jing", "/desk/applications")
    said = Complaints(desk)
    row = desk.locator(".q a")
    await expect(row).to_be_visible()
    await desk.keyboard.press("j")
    await expect(row).to_be_focused()
    await desk.keyboard.press("Enter")
    await expect(desk.get_by_role("heading", level=1)).to_be_focused()
    await desk.keyboard.press("a")
    await expect(desk.get_by_role("radio", name="Approve")).to_be_checked()
    note = desk.get_by_label("Reason")
    await note.focus()
    await desk.keyboard.type(REASON)
    asked = {"subject": "official-fund-2", "department": FUND}
    message = await command(
        api, application, "messages", "official", {"text": "one more question"}, **asked
    )
    assert message.status == 200, message.body
    await desk.keyboard.press("Control+Enter")
    late = desk.get_by_role("alert").filter(has_text="Somebody has just changed this")
    await expect(late).to_contain_text("a message was sent")
    await expect(late).to_contain_text("official-fund-2")
    await expect(note).to_have_value(REASON)
    assert (await state(api, application)).status == "referred", "nothing was sent"
    assert any("412" in each for each in said.taken())

    await desk.get_by_role("button", name="decide on the new version").focus()
    await desk.keyboard.press("Enter")
    await expect(late).to_be_hidden()
    await note.focus()
    await desk.keyboard.press("Control+Enter")
    await expect(desk.get_by_role("status").filter(has_text="Recorded")).to_be_visible()
    events = await api.runtime.store.read(application)
    decided = [each for each in events if each.topic in DECIDED]
    assert [each.metadata["actor"] for each in decided] == ["fund-he-jing"]
    await desk.context.close()


async def a_junction_is_given_to_the_centre(api: Api, browser: Browser) -> None:
    """A key chooses, the junction's number is typed, and only Ctrl+Enter sends."""
    path = f"/v1/signals/junctions/{JUNCTION}/service"
    body = {"reason": "new"}
    answer = await api.call(
        "POST", path, "official", subject="officer-1", department=POLICE, json=body
    )
    assert answer.status == 200, answer.body
    services = api.runtime.services
    real = services.clock
    services.clock = lambda: real() + timedelta(minutes=2)  # it has started
    desk = await signed_in(browser, api.url, "signals-deng-chao", f"/desk/signals/{JUNCTION}")
    said = Complaints(desk)
    centre = desk.get_by_role("radio", name="To the centre")
    await expect(centre).to_be_visible()
    await desk.keyboard.press("a")
    await expect(centre).to_be_focused()
    await desk.keyboard.press("Space")
    act = desk.get_by_role("form", name="This acts on traffic")
    await expect(act.get_by_role("listitem").first).to_contain_text("takes over")
    await desk.keyboard.press("Control+Enter")
    await expect(act.get_by_role("alert")).to_contain_text(f"type {JUNCTION}")
    await act.get_by_role("textbox").focus()
    await desk.keyboard.type(JUNCTION)
    await desk.keyboard.press("Tab")
    await desk.keyboard.press("ArrowDown")
    await desk.keyboard.press("Control+Enter")
    await expect(desk.get_by_role("status").filter(has_text="Recorded")).to_be_visible()
    await expect(desk.get_by_role("radio", name="Back to itself")).to_be_visible()
    assert said.taken() == []
    await desk.context.close()
