"""Officials at the desk, in a browser, against a server: a colleague who is faster, a case that is
merged and closed, a junction, what waits for a second person, and a dispute.

By keyboard alone: the focus is seen and never lost, what is typed stays where somebody was faster,
and no single key sends anything.
"""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from playwright.async_api import Browser, expect

from citybrain.domain.parking.claim import Claim
from citybrain.settings import Settings
from citybrain.systems.inspection import INSPECTION
from citybrain.systems.parking import PARKING
from citybrain.systems.signals import SIGNALS
from ops.simulators.applications.departments import Departments
from tests.given.accesses import accesses
from tests.given.api import Api
from tests.given.applying import applied, applying, command, identified, registered, state, until
from tests.given.at_work import FOR_APPLICATIONS, models
from tests.given.cases_over_http import DIGEST, EAST, NORTH, WORKS, act, at_status
from tests.given.desk import PATIENCE_MS, open_the_first, signed_in
from tests.given.keyboard import Keyboard
from tests.given.pages import Complaints, chromium
from tests.given.parking.world import parked
from tests.given.read_models import caught_up
from tests.given.waiting import eventually

FUND, POLICE, JUNCTION = "housing-fund", "traffic_police", "renmin_1"
DECIDED = ("application.reviewed", "application.review_proposed")
REASON = "the police were asked by telephone: file 42"


@pytest.fixture(autouse=True)
def the_browser_has_time() -> None:
    """However much the machine has to do."""
    expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
async def both(settings: Settings) -> AsyncIterator[tuple[Api, Departments]]:
    async with applying(
        settings, at_work=(*FOR_APPLICATIONS, INSPECTION, SIGNALS, PARKING)
    ) as started:
        yield started


async def test_officials_decide_by_keyboard_and_learn_who_was_faster(
    both: tuple[Api, Departments],
) -> None:
    api, departments = both
    await departments.fault("police", "wrong-signature")
    application = await applied(api, await identified(api))
    await until(api, application, "referred")
    async with chromium() as browser:
        await a_colleague_is_faster(api, browser, application)
        await a_case_is_merged_and_the_other_closed(api, browser)
        await a_case_is_given_to_a_colleague(api, browser)
        await a_junction_is_given_to_the_centre(api, browser)
        await a_supervisor_agrees_and_decides_a_dispute(api, browser)


async def a_colleague_is_faster(api: Api, browser: Browser, application: str) -> None:
    """The reason stays, what changed is shown, and the decision is made on that."""
    desk = await signed_in(browser, api.url, "fund-he-jing", "/desk/applications")
    said, keys = Complaints(desk), Keyboard(desk)
    row = desk.locator(".q a")
    await expect(row).to_be_visible()
    await keys.tab_to(row)
    await keys.press("Enter")
    await expect(desk.get_by_role("heading", level=1)).to_be_focused()
    await keys.tab_to(desk.get_by_role("radio", name="Approve"))
    await keys.press("Space")
    await expect(desk.get_by_role("radio", name="Approve")).to_be_checked()
    note = desk.get_by_label("Reason")
    await keys.tab_to(note)
    await keys.type(REASON)
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

    await keys.tab_to(late.get_by_role("button"), back=True)
    await keys.press("Enter")
    await expect(late).to_be_hidden()
    await expect(note).to_be_focused()
    await keys.press("Control+Enter")
    await expect(desk.get_by_role("status").filter(has_text="Recorded")).to_be_focused()
    events = await api.runtime.store.read(application)
    decided = [each for each in events if each.topic in DECIDED]
    assert [each.metadata["actor"] for each in decided] == ["fund-he-jing"]
    await desk.context.close()


async def a_case_is_merged_and_the_other_closed(api: Api, browser: Browser) -> None:
    """The same problem was reported twice: one goes on in the other, which is closed."""
    again, first = await _reported(api, NORTH + 0.0001), await _reported(api, NORTH)
    await eventually(lambda: at_status(api, first, "dispatched"))
    for step, body in (("accept", {}), ("handle", {"evidence_sha256": [DIGEST]})):
        assert (await act(api, first, step, "official", WORKS, **body)).status == 200
    await caught_up(api.runtime.store, *models((INSPECTION,)))

    desk = await signed_in(browser, api.url, "operator-jia-ning", f"/desk/cases/{again}")
    keys = Keyboard(desk)
    reason = desk.get_by_label("Reason, required")
    await keys.tab_to(desk.get_by_role("button", name="Merge into another"))
    await keys.press("Enter")
    await expect(reason).to_be_focused()
    await keys.type("reported twice")
    await keys.tab_to(desk.get_by_label("Into which case"), back=True)
    await expect(desk.get_by_label("Into which case")).to_have_value(first)
    await keys.press("Control+Enter")
    await expect(desk.get_by_role("status").filter(has_text="Recorded")).to_be_focused()
    there = desk.get_by_role("link", name=f"case …{first[-8:]}")
    await keys.tab_to(there, back=True)
    await keys.press("Enter")
    await expect(desk).to_have_url(f"{api.url}/desk/cases/{first}")
    await expect(desk.get_by_role("heading", level=1)).to_be_focused()

    for choice in ("Verify", "Close"):
        radio = desk.get_by_role("radio", name=choice)
        await keys.tab_to(radio)
        await keys.press("Space")
        if choice == "Close":
            await keys.tab_to(desk.get_by_label("What who reported it is told"))
            await keys.press("ArrowDown")
        await keys.press("Control+Enter")
        await expect(desk.get_by_role("status").filter(has_text=choice)).to_be_focused()
    closed = await at_status(api, first, "closed")
    assert closed.json["absorbed"] == [again]
    last = (await api.runtime.store.read(first))[-1]
    assert last.data["public_answer"].startswith("问题已处置")
    await desk.context.close()


async def a_case_is_given_to_a_colleague(api: Api, browser: Browser) -> None:
    """Who has lately acted for the department is offered."""
    case_id = await _reported(api, NORTH + 0.01)
    await eventually(lambda: at_status(api, case_id, "dispatched"))
    assert (await act(api, case_id, "accept", "official", WORKS)).status == 200
    colleague = f"official-{WORKS}"
    await caught_up(api.runtime.store, *models((INSPECTION,)))
    desk = await signed_in(browser, api.url, "works-dong-liang", f"/desk/cases/{case_id}")
    keys = Keyboard(desk)
    given = desk.get_by_role("radio", name="Give to one of ours")
    await expect(given).to_be_visible()
    await keys.choose(given)
    person = desk.get_by_label("Who of our department")
    await keys.tab_to(person)
    offered = desk.locator("#people option").first
    await expect(offered).to_have_attribute("value", colleague)
    await keys.type(colleague)
    await keys.press("Control+Enter")
    await expect(desk.get_by_role("status").filter(has_text="Recorded")).to_be_focused()
    last = (await api.runtime.store.read(case_id))[-1]
    assert (last.topic, last.data["assignee"]) == ("case.assigned", colleague)
    await desk.context.close()


async def _reported(api: Api, latitude: float) -> str:
    """The case of a citizen's report."""
    body = {
        "source": "citizen",
        "class_code": "displaced_manhole_cover",
        "latitude": latitude,
        "longitude": EAST,
    }
    answer = await api.call("POST", "/v1/cases", "citizen", json=body)
    assert answer.status == 201, answer.body
    return str(answer.json["case_id"])


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
    said, keys = Complaints(desk), Keyboard(desk)
    centre = desk.get_by_role("radio", name="To the centre")
    await keys.tab_to(centre)
    await keys.press("Space")
    form = desk.get_by_role("form", name="This acts on traffic")
    await expect(form.get_by_role("listitem").first).to_contain_text("takes over")
    await keys.press("Control+Enter")
    await expect(form.get_by_role("alert")).to_contain_text(f"type {JUNCTION}")
    await keys.tab_to(form.get_by_role("textbox"))
    await keys.press("Escape")
    await expect(form).to_be_hidden()
    await expect(centre).to_be_focused()
    await keys.press("Space")
    await keys.tab_to(form.get_by_role("textbox"))
    await keys.type(JUNCTION)
    await keys.press("Tab", "ArrowDown", "Control+Enter")
    await expect(desk.get_by_role("status").filter(has_text="Recorded")).to_be_focused()
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
    complaints, keys = Complaints(desk), Keyboard(desk)
    await open_the_first(desk, "approvals")
    await desk.keyboard.press("a")
    await expect(desk.get_by_role("radio", name="Agree takes effect")).to_be_checked()
    await desk.keyboard.press("Control+Enter")
    await expect(desk.get_by_text("Recorded: Agree")).to_be_visible()
    assert (await api.runtime.store.load(Claim, owed)).open_fen == 300

    await expect(desk.locator(".work")).to_be_focused()
    await keys.tab_to(desk.get_by_role("link", name="Parking"), back=True)
    await keys.press("Enter")
    await open_the_first(desk, "parking")
    await keys.tab_to(desk.get_by_role("button", name="Open what the owner wrote"))
    await keys.press("Enter")
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


async def _suspended(api: Api, claim_id: str) -> bool:
    """That the dispute has reached whoever collects."""
    return (await api.runtime.store.load(Claim, claim_id)).suspended_for is not None
