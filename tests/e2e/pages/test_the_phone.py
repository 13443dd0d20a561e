"""The phone in a real browser: an application by face, from the first page to the money; another
without a face, whose answer is lost on the way; one that is sent back and then decided; and a
report with a photo that waits for the network, and is followed to its end.

The camera sees a made-up person, drawn by the program whose people the development pack of face
models tells apart: each movement that the challenge asks for, once the page has asked for it.
"""

import time
from base64 import b64encode
from collections.abc import AsyncIterator
from itertools import pairwise

import aiohttp
import pytest
from playwright.async_api import FilePayload, Locator, Page, Route, expect

from citybrain.app import open_runtime
from citybrain.http.server import serving
from citybrain.settings import Settings
from citybrain.systems.inspection import INSPECTION
from ops.simulators.applications.departments import open_departments
from tests.given.api import Api
from tests.given.applying import applied, command, identify, state
from tests.given.at_work import FOR_APPLICATIONS
from tests.given.cases_over_http import act, at_status
from tests.given.outbox import newest_code
from tests.given.pages import Complaints, chromium
from tests.given.pdf_files import pdf
from tests.given.people import ANNA, jpeg
from tests.given.photos import encoded, scene
from tests.given.waiting import PATIENCE_SECONDS, eventually

PATIENCE_MS = PATIENCE_SECONDS * 1000
MOST_STOPS = 40
QUERY = "/m/services/social-security-query"
STEPS = """
SELECT topic, recorded_at FROM stored_events WHERE topic LIKE 'application.%' AND originator_id = (
    SELECT originator_id FROM stored_events WHERE topic = 'application.submitted'
    ORDER BY notification_id DESC LIMIT 1
) ORDER BY notification_id
"""
SUBMITTED = """
SELECT count(*) FROM stored_events WHERE topic = 'application.submitted'
AND convert_from(state, 'UTF8') LIKE '%' || $1 || '%'
"""
LAST = """
SELECT originator_id FROM stored_events WHERE topic = 'application.submitted'
ORDER BY notification_id DESC LIMIT 1
"""
LASTED = """(of) => performance.getEntriesByType("resource")
    .filter(({name}) => name.includes(of)).at(-1).duration"""
CAMERA = """() => {
    const canvas = Object.assign(document.createElement("canvas"), {width: 480, height: 480});
    const context = canvas.getContext("2d");
    window.lookAt = async (picture) => {
        const bytes = Uint8Array.from(atob(picture), (each) => each.charCodeAt(0));
        const drawn = await createImageBitmap(new Blob([bytes], {type: "image/jpeg"}));
        context.drawImage(drawn, 0, 0, 480, 480);
        window.seen = drawn;
    };
    setInterval(() => window.seen && context.drawImage(window.seen, 0, 0, 480, 480), 50);
    navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(20);
}"""
"""In place of a camera: a canvas on which the test draws."""


@pytest.fixture(autouse=True)
def the_browser_has_time() -> None:
    """However much the machine has to do."""
    expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    """A server with faces, departments and a bank that answer at once."""
    settings.http_port = 0
    async with (
        open_departments(settings.data_dir, latency=(0.0, 0.0), seed=1),
        open_runtime(settings, at_work=(*FOR_APPLICATIONS, INSPECTION)) as runtime,
        serving(runtime) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Api(url, runtime, session)


async def look(page: Page, says: str, turn: str) -> None:
    """Once the page asks for a movement, make it."""
    await expect(page.locator(".say")).to_have_text(says)
    picture = b64encode(jpeg(ANNA, turn)).decode()
    await page.evaluate("(picture) => window.lookAt(picture)", picture)


async def answers(page: Page) -> None:
    """All movements of a challenge, in the order in which they are asked for."""
    words = {
        "Look at the camera": "neutral",
        "Slowly turn left": "left",
        "Slowly turn right": "right",
    }
    for step in range(3):
        await expect(page.locator(".soft")).to_contain_text(f"Movement {step + 1} of 3")
        says = await page.locator(".say").inner_text()
        await look(page, says, words[says])


async def is_told_apart(page: Page, url: str) -> None:
    """Sign in, agree, and apply for the first time: that is two looks at the camera."""
    await page.goto(f"{url}{QUERY}")
    await page.get_by_role("button", name="Start").click()
    await page.get_by_role("button", name="Sign in").click()
    await page.locator("[value=chen-shulan]").click()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="I agree, use my face").click()
    await page.get_by_role("button", name="Look at the camera and apply").click()
    await answers(page)
    await expect(page.locator(".note.y")).to_contain_text("Look once more")
    await answers(page)
    await expect(page.get_by_role("heading", name="Done")).to_be_visible()


async def applies(page: Page, api: Api) -> None:
    """From the first page of a service to the receipt, by somebody who has agreed before."""
    await page.get_by_role("button", name="Back").click()
    await page.get_by_role("link", name="Home").click()
    await page.get_by_role("link", name="Withdraw housing fund").click()
    start = page.get_by_role("button", name="Start")
    await expect(start).to_be_visible()
    taps = [time.monotonic()]
    await start.click()
    look_and_apply = page.get_by_role("button", name="Look at the camera and apply")
    await expect(look_and_apply).to_be_visible()
    await look_and_apply.click()
    taps.append(time.monotonic())
    await answers(page)
    taps.append(time.monotonic())
    await expect(page.get_by_role("heading", name="Done")).to_be_visible()
    await expect(page.locator(".amt")).to_contain_text("yuan")
    taps.append(time.monotonic())
    pages, looks, waiting = (after - before for before, after in pairwise(taps))
    compared = await page.evaluate(LASTED, "/face/verification") / 1000
    print(
        f"tap to money {taps[-1] - taps[0]:.1f} s: {pages:.1f} s for the pages, {looks:.1f} s for"
        f" the three looks, {waiting:.1f} s of waiting: {compared:.1f} s to compare the face, then"
        f" {await by_the_log(api)}"
    )
    await page.get_by_role("link", name="Keep the receipt").click()
    await page.get_by_role("button", name="Check it now").click()
    await expect(page.locator(".note.y")).to_contain_text("nothing was changed")


async def by_the_log(api: Api) -> str:
    """How long each part of the last application took, by its events."""
    events = await api.runtime.store.pool.fetch(STEPS)
    first = events[0]["recorded_at"]
    after = [(each["topic"], (each["recorded_at"] - first).total_seconds()) for each in events]
    return ", ".join(f"{topic.removeprefix('application.')} {at:.2f}" for topic, at in after)


async def by_key(page: Page, there: Locator, key: str = "Enter") -> None:
    """Go there by the tabulator, and press a key."""
    await expect(there).to_be_visible()
    for _ in range(MOST_STOPS):
        if await there.evaluate("(each) => each === document.activeElement"):
            break
        await page.keyboard.press("Tab")
    await expect(there).to_be_focused()
    await page.keyboard.press(key)


async def applies_without_a_face(page: Page, api: Api) -> None:
    """With the keyboard alone: by a message and the end of one's number; an officer looks, too."""
    await page.goto(f"{api.url}/m/services/first-home-subsidy")
    await by_key(page, page.get_by_role("button", name="Without a face"))
    await by_key(page, page.get_by_role("radio", name="Text message and an officer"), "Space")
    await by_key(page, page.get_by_role("button", name="Continue"))
    await by_key(page, page.get_by_role("button", name="Get a code and apply"))
    await expect(page.get_by_text("You can send again in")).to_be_visible()
    await by_key(page, page.get_by_label("Code"), "Home")
    await page.keyboard.type(newest_code(api))
    await by_key(page, page.get_by_label("The last six characters"), "Home")
    await page.keyboard.type("021044")
    sent: list[str | None] = []

    async def lose_the_answer(route: Route) -> None:
        """The first time the city has it, and the phone does not know."""
        sent.append(await route.request.header_value("Idempotency-Key"))
        if len(sent) > 1:
            await route.continue_()
        else:
            await route.fetch()
            await route.abort()

    await page.route("**/v1/applications", lose_the_answer)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="One step left")).to_be_visible()
    await page.unroute("**/v1/applications")
    assert len(set(sent)) == 1 < len(sent), "it was sent once more, with the same key"
    assert await api.runtime.store.pool.fetchval(SUBMITTED, "first-home-subsidy") == 1


async def is_sent_back_and_decided(page: Page, api: Api) -> None:
    """A number that the utility does not know is corrected, with the bill, and it is approved."""
    last = await api.runtime.store.pool.fetchval(LAST)
    citizen = (await state(api, last)).citizen_id
    await identify(api, citizen, "water-transfer")
    wrong = {"contract_number": "0"}
    application = await applied(api, citizen, "water-transfer", form=wrong)
    await page.goto(f"{api.url}/m/applications/{application}")
    await expect(page.get_by_text("An officer will decide")).to_be_visible()
    asked = {"fields": [*wrong], "documents": ["water-bill"], "message": "The number on your bill"}
    sent_back = await command(
        api, application, "correction", "official", asked, department="water-utility"
    )
    assert sent_back.status == 200, sent_back.body
    await expect(page.locator(".said")).to_contain_text("The number on your bill")
    again = page.get_by_role("button", name="It is complete: send again")
    await again.click()
    await expect(page.locator(".note.e")).to_contain_text("Contract number")
    await page.get_by_label("Contract number").fill("w-7")
    bill: FilePayload = {"name": "bill.pdf", "mimeType": "application/pdf", "buffer": pdf()}
    await page.locator("input[type=file]").set_input_files(bill)
    await expect(page.get_by_text("Received", exact=True)).to_be_visible()
    await again.click()
    await expect(page.get_by_role("heading", name="Done")).to_be_visible()


async def reports_without_a_network(page: Page, url: str) -> str:
    """What is sent off without a network waits on the phone with its photo, and goes by itself."""
    await page.goto(f"{url}/m/report")
    picture: FilePayload = {"name": "bin.jpg", "mimeType": "image/jpeg", "buffer": encoded(scene())}
    await page.locator("input[type=file]").set_input_files(picture)
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_text("Overflowing bin").click()
    await page.context.set_offline(True)
    await page.get_by_role("button", name="Send report").click()
    await expect(
        page.get_by_role("heading", name="Your report waits for the network")
    ).to_be_visible()
    await page.get_by_role("button", name="Try now").click()
    await page.context.set_offline(False)
    await page.wait_for_url(f"{url}/m/cases/*")
    return page.url.rpartition("/")[2]


async def sees_it_mended(page: Page, api: Api, case_id: str) -> None:
    """Staff do their part; the page shows it as it goes, and takes “not mended yet”."""
    await expect(page.get_by_text("When you reported it")).to_be_visible()
    await eventually(lambda: at_status(api, case_id, "dispatched"))
    await act(api, case_id, "accept", "official", "sanitation")
    await expect(page.locator(".card.al")).to_contain_text("A department has it")
    headers = {"Content-Type": "image/jpeg"}
    kept = await api.call(
        "POST", "/v1/photos", "official", data=encoded(scene(seed=2)), headers=headers
    )
    shown = {"evidence_sha256": [kept.json["sha256"]]}
    await act(api, case_id, "handle", "official", "sanitation", **shown)
    await act(api, case_id, "verify", "operator")
    closed = await act(api, case_id, "close", "operator", resolution="emptied")
    assert closed.status == 200, closed.body
    await expect(page.get_by_text("After the work")).to_be_visible()
    await page.get_by_role("button", name="It is still there").click()
    await page.get_by_role("textbox").fill("Half of it is still there")
    await page.get_by_role("button", name="Send to an officer").click()
    await expect(page.locator(".note.y")).to_be_visible()
    assert await at_status(api, case_id, "reopened")


async def test_an_application_to_the_money_and_a_report_that_waits_for_the_network(
    api: Api,
) -> None:
    url = api.url
    async with chromium() as browser:
        context = await browser.new_context(locale="en-GB", viewport={"width": 375, "height": 780})
        context.set_default_timeout(PATIENCE_MS)
        await context.add_init_script(f"({CAMERA})()")
        page = await context.new_page()
        said = Complaints(page)
        await is_told_apart(page, url)
        await applies(page, api)
        assert said.taken() == []
        await applies_without_a_face(page, api)
        assert all("net::ERR_FAILED" in each for each in said.taken()), "an answer was lost"
        await is_sent_back_and_decided(page, api)
        assert said.taken() == []
        case_id = await reports_without_a_network(page, url)
        sent = "SELECT count(*) FROM stored_events WHERE topic = 'case.reported'"
        assert await api.runtime.store.pool.fetchval(sent) == 1
        await sees_it_mended(page, api, case_id)

        await page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
        await context.set_offline(True)
        await page.goto(f"{url}/m/")
        await expect(page.get_by_role("heading", name="What do you need?")).to_be_visible()
