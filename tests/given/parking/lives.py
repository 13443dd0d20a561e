"""What happens in a city while its workers die: each life makes process managers take their steps.

A life is told by people alone; what process managers do of it is asked of the log.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.claim_events import Channel
from citybrain.domain.parking.permit_events import Decision
from citybrain.domain.parking.repricing_batch import ParkingRepricing
from commands.citizens.records import (
    ProposeCorrection,
    SettleCorrection,
    propose_correction,
    settle_correction,
)
from commands.parking import looking, permit, repricing, stray
from commands.parking.binding import UnbindPlate, unbind_plate
from commands.parking.reservations import (
    CancelReservation,
    ConfirmReservation,
    HoldBerth,
    cancel_reservation,
    confirm_reservation,
    hold_berth,
)
from ops.simulators.applications.departments import ledger
from tests.given.parking.city import GARAGE, at
from tests.given.parking.collecting import CLERK, context
from tests.given.parking.mortal_city import BANK, DAY, Driver, MortalCity
from tests.given.parking.permits import FIRST, SECOND
from tests.given.parking.reaching_back import BACK

Life = Callable[[MortalCity], Awaitable[None]]
CAR, OTHER, THIRD = "豫A52K17", "豫A3V300", "豫A6C310"
KIOSK = Actor("kiosk-1", frozenset({Role.KIOSK}))
SUPERVISOR = Actor("supervisor-1", frozenset({Role.SUPERVISOR}))


async def stays(city: MortalCity) -> None:
    """Cars come and go: paid, not read, corrected, disputed, free, cloned, late and lost."""
    anna = await city.person(CAR)
    await city.work()
    paid = await city.parks(CAR, "Z1-001")
    unread = await city.parks(None, "Z1-002", "09:30", "09:50")
    whole = looking.CorrectPlate(plate=OTHER, reason="misread", note="the picture shows it")
    await looking.correct_plate(unread.id, whole, context(FIRST), city.services)
    await city.work()
    wrong = looking.CorrectPlate(plate=THIRD, reason="misread", note="the picture shows it")
    await looking.correct_plate(paid.id, wrong, context(FIRST), city.services)
    await city.work()
    disputed = await city.parks(CAR, "Z1-003", "10:50", "11:55")
    grounds = looking.DisputeSession(grounds="I left at ten")
    await looking.dispute_session(disputed.id, grounds, context(anna.actor), city.services)
    await city.work()
    upheld = looking.DecideDispute(upheld=True, amount_fen=400, reason="wrong-time")
    await looking.decide_dispute(disputed.id, upheld, context(FIRST), city.services)
    await city.work()
    await city.parks("豫A00001", "Z1-004", "22:10", "22:40", day="2026-09-07")  # nights are free
    await _cloned(city)
    await _unseen(city)


async def _cloned(city: MortalCity) -> None:
    """One plate in two places; and a vehicle that two cameras see."""
    plate = "豫A2M220"
    first = await city.parks(plate, "Z1-005", "09:00", "11:00")
    second = await city.parks(plate, GARAGE, "09:20", "10:40")
    genuine = looking.DecideConflict(other_session_id=second.id, genuine=True, reason="clone")
    await looking.decide_conflict(first.id, genuine, context(FIRST), city.services)
    await city.work()
    for place, when in (("Z1-006", "09:00:00"), ("Z1-007", "09:00:20")):
        await city.sees("arrived", place, when, "豫A77Q01")
    await city.sees("left", "Z1-006", "09:40", "豫A77Q01")


async def _unseen(city: MortalCity) -> None:
    """A sign comes late; who left was never seen to come, and who came is not seen again."""
    await city.clock("13:00")
    await city.sees("arrived", "Z1-003", "10:30", CAR)
    await city.sees("left", "Z1-008", "11:30", "豫A0E555")
    await city.sees("arrived", "Z1-009", "11:40", "豫A9P012")
    city.set_clock(datetime.now(UTC) + timedelta(days=1))  # signs were said today
    await city.restart()
    await city.work("parking.detection_unmatched", "parking.unseen")


async def debts(city: MortalCity) -> None:
    """The bank refuses a debit: told, told again, overdue; an order lapses, another one is paid."""
    await city.person(CAR)
    await city.work()
    await city.street.departments.fault(BANK, "refuse")
    claim = await city.claim(await city.parks(CAR, "Z1-001"))
    await city.street.departments.fault(BANK, "ok")
    await city.street.ask(claim.id, Channel.APP)
    await city.clock("12:30")  # nobody paid it
    for day in ("2026-09-09", "2026-09-16", "2026-10-05"):
        await city.clock("13:00", day)
    await city.street.pay(await city.street.ask(claim.id, Channel.APP))
    await city.street.deliver()
    await city.work()
    await city.clock("12:00", "2026-11-05")


async def reservations(city: MortalCity) -> None:
    """Berths are reserved: used or not, not paid, taken by another, taken back by the city."""
    other = await city.person(OTHER)
    await city.work()
    came = await _reserves(city, "Z1-001", CAR)
    missed = await _reserves(city, "Z1-002", "豫A00002")
    obstructed = await _reserves(city, "Z1-003", "豫A00003")
    taken_back = await _reserves(city, "Z1-004", "豫A00004")
    await _reserves(city, "Z1-005", "豫A00005", confirmed=False)
    await city.clock("12:20")
    gone = CancelReservation(reason="works")
    await cancel_reservation(taken_back, gone, context(FIRST), city.services)
    await city.work()
    assert other.binding is not None
    await city.clock("13:58")
    await city.sees("arrived", "Z1-003", "13:57", OTHER)
    await city.clock("14:05")
    await city.sees("arrived", "Z1-001", "14:04", CAR)
    await city.clock("14:14")
    await city.sees("empty", "Z1-002", "14:14", None)
    await city.clock("14:16")
    await city.clock("14:30")
    await city.sees("left", "Z1-001", "14:29", CAR)
    await city.sees("left", "Z1-003", "14:29", OTHER)
    await city.clock("15:01")
    assert len({came, missed, obstructed}) == 3


async def _reserves(city: MortalCity, berth: str, plate: str, confirmed: bool = True) -> str:
    """Somebody new holds a berth from two to three."""
    who = await city.person()
    held = HoldBerth(berth=berth, start=at("14:00", DAY), end=at("15:00", DAY), plate=plate)
    found = await hold_berth(held, city.by(who.actor), city.services)
    await city.work()
    if confirmed:
        one = ConfirmReservation()
        await confirm_reservation(found.stream_id, one, city.by(who.actor), city.services)
        await city.work()
    return found.stream_id


async def rights(city: MortalCity) -> None:
    """A badge given later, a plate that is let go, a death, and a tariff that reaches back."""
    anna = await city.person(CAR)
    await city.person(OTHER)
    gone = await city.person(THIRD)
    await city.work()
    await city.parks(CAR, "Z1-001")
    await city.parks(OTHER, "Z1-002")
    await city.parks("豫A00001", "Z1-003")
    await _badge(city, anna, CAR)
    await _badge(city, gone, THIRD)
    assert anna.binding is not None
    await unbind_plate(anna.binding, UnbindPlate(), city.by(anna.actor), city.services)
    await city.work()
    await _dies(city, gone)
    await city.clock("12:00", "2026-09-10")
    times = {"begins": at("00:00", "2026-09-01"), "ends": at("00:00", "2026-09-10")}
    command = repricing.ProposeRepricing(version_id=BACK, reason="ruling", **times)
    batch = (await repricing.propose_repricing(command, context(FIRST), city.services)).stream_id
    await city.work()
    found = (await city.store.load(ParkingRepricing, batch)).preview
    assert found is not None
    agreed = repricing.ConfirmRepricing(
        lowered_fen=found["lowered_fen"], refunded_fen=found["refunded_fen"]
    )
    await repricing.confirm_repricing(batch, agreed, context(SECOND), city.services)
    await city.work()
    await city.clock("12:00", "2026-10-15")  # the registry is asked again


async def _badge(city: MortalCity, who: Driver, plate: str) -> None:
    """Two officers give somebody a badge that reaches back."""
    asked = permit.AskPermit(kind="disabled-badge", plate=plate)
    one = (await permit.ask_permit(asked, city.by(who.actor), city.services)).stream_id
    times = {"begins": at("00:00", "2026-09-01"), "ends": at("00:00", "2027-08-31")}
    proposal = permit.ProposePermitDecision(
        decision=Decision.GRANT, reason="paper-seen", note="n", **times
    )
    await permit.propose_permit_decision(one, proposal, context(FIRST), city.services)
    agreed = permit.ConfirmPermitDecision(decision=Decision.GRANT, **times)
    await permit.confirm_permit_decision(one, agreed, context(SECOND), city.services)
    await city.work()


async def _dies(city: MortalCity, who: Driver) -> None:
    """Their death is noted, by two people."""
    death = ProposeCorrection(what="death", died_on=date(2026, 8, 30), grounds="a paper")
    proposed = await propose_correction(who.id, death, context(CLERK), city.services)
    settled = SettleCorrection(correction_id=proposed.answer["correction_id"], outcome="confirmed")
    await settle_correction(who.id, settled, context(SUPERVISOR), city.services)
    await city.work()


async def strays(city: MortalCity) -> None:
    """Plates are typed wrong: one payment is a stay's, one goes back, and one is never made."""
    clock = SimpleNamespace(time=lambda: city.services.clock().timestamp())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "time", clock)
        city.street.departments.gateway.clock = clock.time
        await city.clock("10:05")
        mistyped = await _types(city, "豫A6C316")
        nobodys = await _types(city, "豫A9P012")
        await _types(city, "豫A0E555", paid=False)
        await city.clock("11:30")
        stay = await city.parks("豫A6C318", "Z1-001", "10:00", "11:00")
        accept = stray.AcceptStray(session_id=stay.id, reason="mistyped")
        await stray.accept_stray(mistyped, accept, context(FIRST), city.services)
        await city.work()
        refuse = stray.RefuseStray(reason="another-vehicle")
        await stray.refuse_stray(nobodys, refuse, context(FIRST), city.services)
        await city.work()


async def _types(city: MortalCity, plate: str, paid: bool = True) -> str:
    """Somebody types a plate that no camera has read; the stray payment."""
    command = stray.PayUnknown(place_id="Z1", plate=plate, amount_fen=400)
    asked = await stray.pay_unknown(command, context(KIOSK), city.services)
    if paid:
        await city.street.pay(asked)
        await city.street.deliver()
    await city.work()
    return (await city.street.claim(asked.claim_id)).subject


LIVES: dict[str, tuple[Life, ...]] = {
    "parking-sessions": (stays,),
    "parking-charging": (stays, debts),
    "parking_collecting": (stays, debts),
    "parking_orders": (debts,),
    "parking-reminders": (debts,),
    "parking-strays": (strays,),
    "plate-bindings": (rights,),
    "plate-binding-alarms": (rights,),
    "parking-permits": (rights,),
    "parking-rights": (rights,),
    "parking-repricings": (rights,),
    "parking-reservations": (reservations,),
    "parking-reservation-deadlines": (reservations,),
    "parking-reservation-notices": (reservations,),
    "parking-arrivals": (reservations,),
}
"""In which lives a process manager dies at each of its steps."""
