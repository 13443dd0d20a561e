"""A payment for a plate of one other character: not a debt, not money of nobody."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.parking.claim import Claim, ClaimStatus
from citybrain.domain.parking.detection import NotACandidate
from citybrain.domain.parking.judging import Status
from citybrain.domain.parking.refusals import NotApartInParking
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.stray import StrayDecided, StrayPayment
from citybrain.settings import Settings
from commands.parking import stray
from commands.parking.payment import Asked
from commands.parking.processes.reminding import ParkingReminders
from commands.parking.processes.strays import ParkingStrays
from commands.processes.runner import context_of
from ops.simulators.applications.departments import ledger
from projections.parking import strays as model
from tests.given.parking.charged_city import OFFICER, City, charged_city
from tests.given.parking.city import GARAGE, at
from tests.given.read_models import project, same_in_any_batch
from tests.given.services import context

KIOSK = Actor("kiosk-1", frozenset({Role.KIOSK}))
SECOND = Actor("officer-2", frozenset({Role.OFFICIAL}), "parking")
TRUE, TYPED, ALIKE = "豫A6C318", "豫A6C316", "豫A6C319"


@dataclass
class Desk:
    """The city, and whoever looks into payments of nobody."""

    city: City

    async def work(self) -> None:
        """Money, sessions and strays go as far as they can."""
        services, process = self.city.services, ParkingStrays()
        seen = 0
        await self.city.street.follow()
        await self.city.work()
        while events := await services.store.read_all(after=seen, limit=500):
            seen = events[-1].position
            for event in events:
                if event.topic in process.topics:
                    await process.react(event, services, partial(context_of, process, event))
        await self.city.work()

    async def asked(self, plate: str = TYPED, fen: int = 400, place: str = "Z1") -> Asked:
        command = stray.PayUnknown(place_id=place, plate=plate, amount_fen=fen)
        return await stray.pay_unknown(command, context(KIOSK), self.city.services)

    async def paid(self, when: str = "10:05", **said: Any) -> StrayPayment:
        """Somebody types a plate at a kiosk, and pays."""
        self.city.street.clock(at(when))
        asked = await self.asked(**said)
        assert (await self.city.gateway.pay(asked))[0] == 200
        await self.city.gateway.deliver()
        await self.work()
        claim = await self.city.services.store.load(Claim, asked.claim_id)
        return await self.city.services.store.load(StrayPayment, claim.subject)

    async def parked(self, place: str, plate: str, ends: str = "11:00") -> ParkingSession:
        street = self.city.street
        street.clock(at(ends))
        await street.say(
            street.sign("arrived", place, at("10:00"), plate=plate),
            street.sign("left", place, at(ends), plate=plate),
        )
        await self.work()
        (session,) = [each for each in await street.sessions() if each.place_id == place]
        return session

    async def again(self, session: ParkingSession) -> ParkingSession:
        await self.work()
        return await self.city.services.store.load(ParkingSession, session.id)

    async def accept(self, of: StrayPayment, session: ParkingSession, by: Actor = OFFICER) -> None:
        command = stray.AcceptStray(session_id=session.id, reason="mistyped")
        await stray.accept_stray(of.id, command, context(by), self.city.services)

    async def refuse(self, of: StrayPayment, by: Actor = OFFICER) -> StrayPayment:
        command = stray.RefuseStray(reason="another-vehicle")
        await stray.refuse_stray(of.id, command, context(by), self.city.services)
        await self.work()
        return await self.city.services.store.load(StrayPayment, of.id)


@pytest.fixture
async def desk(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """The bank's clock is the city's, which the test sets; whoever stands there is the holder."""
    async with charged_city(settings, monkeypatch) as city:
        clock = SimpleNamespace(time=lambda: city.services.clock().timestamp())
        monkeypatch.setattr(ledger, "time", clock)
        city.gateway.departments.gateway.clock = clock.time
        yield Desk(city)


@pytest.fixture
async def owes(desk: Desk) -> Callable[..., Any]:
    """An unpaid stay of somebody who is known, of ten to eleven: 400."""

    async def stay(place: str = "Z1-001", plate: str = TRUE) -> ParkingSession:
        citizen, _ = await desk.city.bound(plate)
        await desk.city.gateway.departments.fault("bank-payments", "refuse-in-words")
        session = await desk.parked(place, plate)
        await desk.city.gateway.departments.fault("bank-payments", "ok")
        assert (session.status, session.payer) == (Status.DEFERRED, citizen)
        return session

    return stay


async def reminders(desk: Desk, session: ParkingSession) -> list[int]:
    """What would be told by now, a day and a bit later."""
    process = ParkingReminders()
    desk.city.street.clock(at("12:00", "2026-09-15"))
    now = desk.city.services.clock()
    told: list[int] = []
    session = await desk.city.services.store.load(ParkingSession, session.id)
    due = process.alarm_at(session)
    if due is not None and due <= now:
        event = (await desk.city.services.store.read(session.id))[-1]
        own = context_of(process, event, "remind")
        await process.ring(session, own, desk.city.services)
        session = await desk.city.services.store.load(ParkingSession, session.id)
        told.append(session.reminders)
    return told


async def test_p07_one_character_off_is_not_a_debt(desk: Desk, owes: Callable[..., Any]) -> None:
    """The pair is offered, nobody is reminded; accepted it settles 400 and gives nothing back."""
    payment = await desk.paid()
    session = await owes()
    payment = await desk.city.services.store.load(StrayPayment, payment.id)
    assert (payment.candidates, payment.proposed) == ([session.id], session.id)
    session = await desk.again(session)
    assert session.strays == {payment.id: None}
    assert await reminders(desk, session) == []
    earned = desk.city.gateway.earned()
    await desk.accept(payment, session)
    session = await desk.again(session)
    assert (session.status, session.price_fen, session.owed_fen) == (Status.SETTLED, 400, 0)
    claim = await desk.city.services.store.load(Claim, payment.claim_id)
    assert (claim.status, claim.paid_fen, claim.refunds) == (ClaimStatus.SETTLED, 400, {})
    assert desk.city.gateway.earned() == earned == 400
    assert sum(each.open_fen for each in await desk.city.claims(session)) == 0
    assert await reminders(desk, session) == []


async def test_p07_refused_it_goes_back_and_the_reminder_goes_out(
    desk: Desk, owes: Callable[..., Any]
) -> None:
    payment, session = await desk.paid(), await owes()
    assert (await desk.refuse(payment)).status == "refused"
    session = await desk.again(session)
    assert (session.strays, session.status) == ({payment.id: False}, Status.DEFERRED)
    assert (desk.city.gateway.earned(), desk.city.gateway.spent()) == (0, 0)
    assert await reminders(desk, session) == [1]


async def test_p07_two_candidates_are_listed_and_none_is_proposed(
    desk: Desk, owes: Callable[..., Any]
) -> None:
    first = await owes()
    other = await owes("Z1-005", ALIKE)
    payment = await desk.paid("11:00")
    assert payment.candidates == sorted([first.id, other.id])
    assert payment.proposed is None
    for session in (first, other):
        assert await reminders(desk, session) == []
    await desk.accept(payment, other)
    first, other = await desk.again(first), await desk.again(other)
    assert (first.status, other.status) == (Status.DEFERRED, Status.SETTLED)
    assert await reminders(desk, first) == [1]


@pytest.mark.parametrize(
    ("plate", "when", "place"),
    [
        ("豫A6D316", "10:05", "Z1"),  # two characters off
        (TYPED, "09:50", "Z1"),  # before it came
        (TYPED, "10:05", GARAGE),  # elsewhere
    ],
)
async def test_p07_what_is_of_another_stay_is_offered_for_none(
    desk: Desk, owes: Callable[..., Any], plate: str, when: str, place: str
) -> None:
    payment = await desk.paid(when, plate=plate, place=place)
    session = await owes()
    payment = await desk.city.services.store.load(StrayPayment, payment.id)
    assert (payment.status, payment.candidates) == ("paid", [])
    assert await reminders(desk, session) == [1]


async def test_the_same_plate_read_later_needs_nobody(desk: Desk) -> None:
    """Somebody pays while the camera has not told us yet that they stand there."""
    payment = await desk.paid(plate=TRUE)
    session = await desk.again(await desk.parked("Z1-001", TRUE))
    payment = await desk.city.services.store.load(StrayPayment, payment.id)
    assert (payment.status, payment.session_id) == ("matched", session.id)
    assert (session.status, session.owed_fen) == (Status.SETTLED, 0)
    assert desk.city.gateway.earned() == 400


async def test_who_stands_there_pays_for_their_stay_and_not_beside_it(desk: Desk) -> None:
    street = desk.city.street
    await street.say(street.sign("arrived", "Z1-001", at("10:00"), plate=TRUE))
    with pytest.raises(stray.StayKnown):
        await desk.asked(TRUE)


async def test_an_order_that_nobody_paid_is_over(desk: Desk) -> None:
    desk.city.street.clock(at("10:05"))
    asked = await desk.asked()
    desk.city.gateway.departments.gateway.say(
        asked.payment_id, "failed", amount=400, currency="CNY", reference=asked.claim_id
    )
    await desk.city.gateway.deliver()
    await desk.work()
    claim = await desk.city.services.store.load(Claim, asked.claim_id)
    assert claim.status is ClaimStatus.ENDED
    payment = await desk.city.services.store.load(StrayPayment, claim.subject)
    assert payment.status == "ended"


async def test_officers_of_parking_decide_once_and_never_on_a_stay_of_their_own(
    desk: Desk, owes: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    payment, session = await desk.paid(), await owes()
    other = await owes("Z1-005", "豫A99999")
    with pytest.raises(NotACandidate):
        await desk.accept(payment, other)
    with pytest.raises(RoleNotAllowed):
        await desk.accept(payment, session, Actor("x", frozenset({Role.OFFICIAL}), "police"))
    with pytest.raises(NotApartInParking):
        await desk.accept(payment, session, Actor(session.payer or "", OFFICER.roles, "parking"))
    await desk.accept(payment, session)
    for by in (OFFICER, SECOND):
        with pytest.raises(StrayDecided):
            await desk.refuse(payment, by)


async def test_much_money_goes_back_on_the_word_of_two(desk: Desk) -> None:
    payment = await desk.refuse(await desk.paid(fen=5001))
    assert (payment.status, payment.refusal_proposed_by) == ("paid", OFFICER.subject)
    with pytest.raises(NotApartInParking):
        await desk.refuse(payment)
    assert desk.city.gateway.earned() == 5001
    assert (await desk.refuse(payment, SECOND)).status == "refused"
    assert desk.city.gateway.earned() == 0


async def test_the_read_model_lists_what_waits(desk: Desk, owes: Callable[..., Any]) -> None:
    payment, session = await desk.paid(), await owes()
    store = desk.city.services.store
    await project(store, "parking_strays")
    (row,) = await model.page(store.pool, status="paid", after=None, limit=10)
    assert (row["stray_id"], row["candidates"], row["proposed"]) == (
        payment.id,
        [session.id],
        session.id,
    )
    assert row["plate"]["plate_id"] == payment.plate["plate_id"]
    await desk.refuse(payment)
    await same_in_any_batch(store, "parking_strays")
