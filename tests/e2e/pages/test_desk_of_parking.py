"""Officers of parking at the desk, in a browser, against a server: all lists beside disputes.

What is held and let go, a payment that did not fit, a refund that could not be made, money of no
stay, a debt that two officers make public and one takes back. By keyboard alone.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from citybrain.domain.parking import reductions
from citybrain.domain.parking.claim import Claim, ClaimStatus
from citybrain.domain.parking.claim_events import Channel
from citybrain.domain.parking.stray import StrayPayment
from citybrain.exchange.directory import load_directory
from citybrain.settings import Settings
from commands.parking.plates import PlateKeeper
from ops.simulators.applications.departments.bank import BANK
from tests.given.api import Api
from tests.given.applying import applying, registered
from tests.given.at_work import FOR_PARKING, models
from tests.given.desk import PATIENCE_MS, open_the_first, signed_in
from tests.given.keyboard import Keyboard
from tests.given.pages import Complaints, chromium
from tests.given.parking.claims import DECISION, misfit
from tests.given.parking.collecting import Street, context
from tests.given.parking.plates import plate
from tests.given.parking.sessions import NINE, follow, opened, presence, price, reading
from tests.given.parking.world import owed_session, parked
from tests.given.read_models import caught_up
from tests.given.waiting import eventually

CALLBACKS = "/v1/parking/payments/callbacks"
RIGHT_OF_THE_QUEUE = "() => document.activeElement.closest('.work, .decision') !== null"
DOUBT = {"reason": "plate-confidence-below", "confidence": 71, "threshold": 85}


@pytest.fixture(autouse=True)
def the_browser_has_time() -> None:
    """However much the machine has to do."""
    expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
async def street(settings: Settings) -> AsyncIterator[tuple[Api, Street]]:
    """A server, and a gateway that calls it back."""
    async with applying(settings, at_work=FOR_PARKING) as (api, departments):
        departments.gateway.callbacks.url = api.url + CALLBACKS
        bank = load_directory(settings).bank
        assert bank is not None
        yield api, Street(api.runtime.services, departments, api.session, bank.url)


async def test_officers_of_parking_walk_each_list_by_keyboard(street: tuple[Api, Street]) -> None:
    api, town = street
    services = api.runtime.services
    (_, first), (_, second) = await parked(services, await registered(api), await registered(api))
    _, nobodys = await owed_session(services, 3, None, "豫A7Q001")
    held = await _held(api)
    payment_id = await _does_not_fit(api, town, first)
    refund_id = await _not_given_back(api, town, second)
    stray = await _of_no_stay(api, town)
    await caught_up(services.store, *models(FOR_PARKING))

    async with chromium() as browser:
        desk = await signed_in(browser, api.url, "parking-lu-qiang", "/desk/parking")
        office = Office(desk)
        await office.decides("Held", "Nothing is wrong", "looked")
        released = await _last(api, held, "parking.released")
        assert released["released_by"] == "parking-lu-qiang"

        await office.decides("Mismatches", "messages are cleared up", "a")
        dismissed = await _last(api, first, "parking.mismatch_dismissed")
        assert dismissed["payment_id"] == payment_id

        await town.departments.fault(BANK, "ok")
        await office.decides("Refunds", "Give 1.00 yuan back once more")
        await eventually(lambda: _given_back(api, second))
        again = await _last(api, second, "parking.refunded")
        assert again["payment_id"] != refund_id

        await office.decides("No stay", "give it back", "another")
        refused = await _last(api, stray, "parking.stray_refused")
        assert refused["decided_by"] == "parking-lu-qiang"
        await desk.context.close()
        await a_debt_is_made_public_and_taken_back(api, browser, nobodys)


async def a_debt_is_made_public_and_taken_back(api: Api, browser: Browser, owed: str) -> None:
    """By two officers; what the notice says is read by everybody as long as it lasts."""
    store = api.runtime.store
    desk = await signed_in(browser, api.url, "parking-lu-qiang", "/desk/parking")
    office = Office(desk)
    await office.opens("Owed", owed)
    await office.chooses("Propose to make the debt public")
    for says in ("the plate", "how much"):
        await office.keys.tab_to(desk.get_by_label(says, exact=True))
        await office.keys.press("Space")
    await office.sends("nobody")
    await caught_up(store, *models(FOR_PARKING))
    await office.opens("Notices")
    await expect(desk.get_by_text("somebody else has to")).to_be_visible()
    await desk.context.close()

    other = await signed_in(browser, api.url, "parking-shen-dan", "/desk/approvals")
    office = Office(other)
    row = other.locator(".q a[href*='/desk/parking/parking_notice-']")
    await office.keys.tab_to(row)
    await office.keys.press("Enter")
    await expect(other.get_by_role("heading", level=1)).to_be_focused()
    await other.keyboard.press("a")
    await office.sends()
    await caught_up(store, *models(FOR_PARKING))
    public = await api.call("GET", "/v1/parking/notices")
    (said,) = public.json["notices"]
    assert (said["plate"], said["amount_fen"], said["due_on"]) == ("豫A7Q001", 400, None)
    await office.opens("Notices")
    await office.chooses("Take the notice back")
    await office.sends("whoever")
    assert (await api.call("GET", "/v1/parking/notices")).json["notices"] == []
    assert office.said.taken() == []
    await other.context.close()


class Office:
    """Somebody of the office of parking, at the keyboard."""

    def __init__(self, desk: Page) -> None:
        self.desk, self.keys, self.said = desk, Keyboard(desk), Complaints(desk)

    async def opens(self, listed: str, wanted: str = "") -> None:
        """Choose a list, and open the first of it, or a certain one."""
        button = self.desk.get_by_role("button", name=listed, exact=True)
        await self.keys.tab_to(button, back=await self.desk.evaluate(RIGHT_OF_THE_QUEUE))
        await self.keys.press("Enter")
        await expect(button).to_have_attribute("aria-pressed", "true")
        if wanted == "":
            await open_the_first(self.desk, "parking")
            return
        row = self.desk.locator(f".q a[href*='{wanted}']")
        await expect(row).to_be_visible()
        while not await row.evaluate("(row) => row === document.activeElement"):
            await self.keys.press("j")
        await self.keys.press("Enter")
        await expect(self.desk.get_by_role("heading", level=1)).to_be_focused()

    async def chooses(self, decision: str) -> None:
        """One of the decisions that are offered."""
        radio = self.desk.get_by_role("radio", name=decision)
        await expect(radio).to_be_visible()
        await self.keys.choose(radio)

    async def sends(self, ground: str = "") -> None:
        """With a ground, by its first word, where one is wanted; it is said that it is done."""
        if ground:
            chosen = self.desk.locator("#ground option:checked")
            await self.keys.tab_to(self.desk.locator("#ground"))
            await self.keys.type(ground)
            await expect(chosen).to_contain_text(ground)
        await self.desk.keyboard.press("Control+Enter")
        await expect(self.desk.get_by_text("Recorded:")).to_be_visible()

    async def decides(self, listed: str, decision: str, ground: str = "") -> None:
        """All of it, for the first of a list."""
        await self.opens(listed)
        await self.chooses(decision)
        await self.sends(ground)


async def _last(api: Api, stream: str, topic: str) -> dict[str, Any]:
    """What the last event of a stream's topic says."""
    events = await api.runtime.store.read(stream)
    return dict(next(each for each in reversed(events) if each.topic == topic).data)


async def _held(api: Api) -> str:
    """A stay of which the plate was read too unsurely."""
    sealed = await PlateKeeper(api.runtime.services).seal(plate("豫A7Q009"))
    session = opened(f"parking-{9:032x}")
    read = replace(reading(doubt=DOUBT), plate=sealed.members())
    follow(session, presence(40, "d2"), read)
    price(session)
    session.hold(NINE, "plate-confidence-below", {"confidence": 71, "threshold": 85})
    await api.runtime.store.save(session, metadata=context().metadata())
    return session.id


async def _does_not_fit(api: Api, town: Street, claim_id: str) -> str:
    """The gateway says something else of a payment than what was asked for."""
    asked = await town.ask(claim_id, Channel.KIOSK)
    claim = await town.claim(claim_id)
    misfit(claim, str(asked.payment_id))
    await api.runtime.store.save(claim, metadata=context().metadata())
    return str(asked.payment_id)


async def _not_given_back(api: Api, town: Street, claim_id: str) -> str:
    """What was paid too much, and the gateway could not give back."""
    status, _ = await town.pay(await town.ask(claim_id, Channel.KIOSK))
    assert status == 200

    async def settled() -> Claim | None:
        claim = await town.claim(claim_id)
        return claim if claim.status is ClaimStatus.SETTLED else None

    claim = await eventually(settled)
    await town.departments.fault(BANK, "refuse-in-words")
    now = api.runtime.services.clock()
    reductions.correct(claim, now, to_fen=300, reason="x", decision_sha256=DECISION)
    await api.runtime.store.save(claim, metadata=context().metadata())

    async def failed() -> str | None:
        refunds = (await town.claim(claim_id)).refunds.values()
        return next((each["payment_id"] for each in refunds if each["state"] == "failed"), None)

    return await eventually(failed)


async def _given_back(api: Api, claim_id: str) -> bool:
    claim = await api.runtime.store.load(Claim, claim_id)
    return any(each["state"] == "refunded" for each in claim.refunds.values())


async def _of_no_stay(api: Api, town: Street) -> str:
    """Somebody pays at a kiosk for a plate that no camera has read."""
    body = {"place_id": "Z1", "plate": "豫A6C316", "amount_fen": 400}
    asked = await api.call("POST", "/v1/parking/stays/payments", "kiosk", json=body)
    assert asked.status == 200, asked.body
    status, _ = await town.pay(asked.json["order"], "card-2")
    assert status == 200
    claim = await town.claim(asked.json["claim_id"])

    async def paid() -> bool:
        stray = await api.runtime.store.load(StrayPayment, claim.subject)
        return stray.paid_at is not None

    await eventually(paid)
    return claim.subject
