"""Officials at the desk, in a browser, against a server: a colleague who is faster, a junction,
what waits for a second person, and a dispute.

By keyboard alone: what is typed stays where somebody was faster, and no single key sends anything.
"""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from citybrain.domain.parking.claim import Claim
from citybrain.settings import Settings
from citybrain.systems.parking import PARKING
from citybrain.systems.signals import SIGNALS
from ops.simulators.applications.departments import Departments
from tests.given.accesses import accesses
from tests.given.api import Api
from tests.given.applying import applied, applying, command, identified, registered, state, until
from tests.given.at_work import FOR_APPLICATIONS, models
from tests.given.pages import Complaints, chromium
from tests.given.parking.world import parked
from tests.given.read_models import caught_up
from tests.given.waiting import PATIENCE_SECONDS, eventually

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
    async with applying(settings, at_work=(*FOR_APPLICATIONS, SIGNALS, PARKING)) as started:
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
        await a_supervisor_agrees_and_decides_a_dispute(api, browser)


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


async def a_supervisor_agrees_and_decides_a_dispute(api: Api, browser: Browser) -> None:
    """What a colleague proposed is agreed to; what was written is opened, and decided on."""
    citizen, other = await registered(api), await registered(api)
    (session_id, claim_id), (_, owed) = await parked(api.runtime.services, citizen, other)
    await caught_up(api.runtime.store, *models((PARKING,)))
    body = {"kind": "write-off", "by_fen": 100, "reason": "goodwill"}
    path = f"/v1/parking/claims/{owed}/reductions"
    proposed = await api.call("POST", path, "supervisor", department="parking", json=body)
    assert proposed.status == 200, proposed.body
    path, said = f"/v1/parking/sessions/{session_id}/dispute", {"grounds": "I left at eight"}
    disputed = await api.call("POST", path, "citizen", subject=citizen, json=said)
    assert disputed.status == 200, disputed.body
    await eventually(lambda: _suspended(api, claim_id))
    await caught_up(api.runtime.store, *models((PARKING,)))

    desk = await signed_in(browser, api.url, "supervisor-parking-tan-yu", "/desk/approvals")
    complaints = Complaints(desk)
    await _open_the_first(desk, "approvals")
    await desk.keyboard.press("a")
    await expect(desk.get_by_role("radio", name="Agree takes effect")).to_be_checked()
    await desk.keyboard.press("Control+Enter")
    await expect(desk.get_by_text("Recorded: Agree")).to_be_visible()
    assert (await api.runtime.store.load(Claim, owed)).open_fen == 300

    await desk.get_by_role("link", name="Parking").click()
    await _open_the_first(desk, "parking")
    await desk.get_by_role("button", name="Open what the owner wrote").focus()
    await desk.keyboard.press("Enter")
    await expect(desk.locator("#purpose-dispute")).to_be_focused()
    await desk.keyboard.press("ArrowDown")
    await desk.keyboard.press("Tab")
    await desk.keyboard.press("Enter")
    await expect(desk.get_by_text("I left at eight")).to_be_focused()
    await desk.keyboard.press("r")
    await desk.locator("#ground").select_option("unfounded")
    await desk.keyboard.press("Control+Enter")
    await expect(desk.get_by_role("status").filter(has_text="Recorded")).to_be_focused()
    decided = (await api.runtime.store.read(session_id))[-1]
    assert (decided.topic, decided.data["upheld"]) == ("parking.dispute_decided", False)
    seen = [row["what"] for row in await accesses(api, citizen, who="supervisor-parking-tan-yu")]
    assert "parking-dispute" in seen
    assert complaints.taken() == []
    await desk.context.close()


async def _open_the_first(desk: Page, page: str) -> None:
    row = desk.locator(f".q a[href*='/desk/{page}/']").first
    await expect(row).to_be_visible()
    await desk.keyboard.press("j")
    await expect(row).to_be_focused()
    await desk.keyboard.press("Enter")
    await expect(desk.get_by_role("heading", level=1)).to_be_focused()


async def _suspended(api: Api, claim_id: str) -> bool:
    """That the dispute has reached whoever collects."""
    return (await api.runtime.store.load(Claim, claim_id)).suspended_for is not None
