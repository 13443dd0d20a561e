"""The server is killed at every step of a reservation: charged once, held by one, nothing lost."""

import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from citybrain.city_day import city_day
from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.calendar import BerthCalendar
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.payment import next_step
from citybrain.domain.parking.reservation import ParkingReservation, on_berth
from citybrain.settings import Settings
from commands.handling import CommandContext
from commands.parking.places import describe_places
from commands.parking.processes.reservations import Step
from commands.parking.reservations import (
    CancelReservation,
    ConfirmReservation,
    HoldBerth,
    cancel_reservation,
    confirm_reservation,
    hold_berth,
)
from commands.parking.reserving import Claiming
from commands.treasury.reconciling import reconcile
from tests.given.dying_reservations import BEGUN, DIED
from tests.given.parking.collecting import Street, collecting, context
from tests.given.parking.reservations import BERTH
from tests.given.parking.reserving import SYSTEM, places, sent
from tests.given.waiting import eventually
from tests.given.warm import Warm

AFTER_THE_END = (Step.RELEASE, Step.REDUCE)
"""Steps that come once a reservation is cancelled; the others come before it is confirmed."""
RECORDS = (Step.LOOK, Step.SECURE)
DEATHS = [
    *((step, "before") for step in Step),
    *((step, "middle") for step in BEGUN),
    *((step, "recording") for step in RECORDS),
]


@asynccontextmanager
async def workers(settings: Settings, *death: str) -> AsyncIterator[Warm]:
    assert settings.database_url is not None
    process = Warm(
        settings.data_dir / "said",
        "tests.given.dying_reservations",
        *death,
        environment={
            **os.environ,
            "CITYBRAIN_MODE": "development",
            "CITYBRAIN_DATABASE_URL": settings.database_url.get_secret_value(),
            "CITYBRAIN_DATA_DIR": str(settings.data_dir),
        },
    )
    try:
        yield process
    finally:
        await process.kill()


async def held(street: Street) -> tuple[str, CommandContext, str]:
    """Somebody holds a berth; the reservation, their context and their number at the bank."""
    await describe_places(places(), sent(SYSTEM), street.services)
    citizen, number = await street.citizen()
    who = CommandContext(Actor(citizen, frozenset({Role.CITIZEN})), "test", uuid4(), uuid4())
    start = datetime.now(UTC) + timedelta(hours=3)
    wanted = HoldBerth(berth=BERTH, start=start, end=start + timedelta(hours=1), plate="豫A2W200")
    found = await hold_berth(wanted, who, street.services)
    return found.stream_id, who, number


async def until(street: Street, one: str, status: str) -> ParkingReservation:
    """The reservation, once it is there and nothing is to be told the bank any more."""

    async def reached() -> ParkingReservation | None:
        found = await street.services.store.load(ParkingReservation, one)
        if found.status.value != status or found.claim_id is None:
            return None
        claim = await street.claim(found.claim_id)
        at_rest = next_step(claim) is None and claim.amount_fen == found.kept_fen
        return found if at_rest else None

    return await eventually(reached)


async def nothing_is_lost(street: Street, one: str, number: str, kept_fen: int) -> Claim:
    """The bank's book says what the claim says; each event that moves money is there once."""
    store = street.services.store
    reservation = await store.load(ParkingReservation, one)
    assert reservation.claim_id is not None
    claim = await street.claim(reservation.claim_id)
    assert (street.spent(number), street.earned(), claim.paid_fen) == (kept_fen,) * 3
    charged = [line for line in street.departments.ledger() if line["kind"] == "charge"]
    assert len(charged) == 1
    topics = Counter(event.topic for event in await store.read(one))
    assert set(topics.values()) == {1}
    found = await reconcile(city_day(datetime.now(UTC)), context(), street.services)
    assert (found.differences, found.difference_fen) == ((), 0)
    return claim


@pytest.mark.fault
@pytest.mark.parametrize(("step", "when"), DEATHS)
async def test_killed_at_each_step_a_reservation_ends_right(
    settings: Settings, step: Step, when: str
) -> None:
    async with collecting(settings) as street:
        one, who, number = await held(street)
        services = street.services
        await confirm_reservation(one, ConfirmReservation(), who, services)
        if step in AFTER_THE_END:
            async with workers(settings):
                await until(street, one, "confirmed")
            await cancel_reservation(one, CancelReservation(), who, services)
        async with workers(settings, step.value, when) as first:
            await first.ended()
        assert (settings.data_dir / DIED).exists()
        cancelled = step in AFTER_THE_END
        async with workers(settings):
            await until(street, one, "cancelled" if cancelled else "confirmed")

            async def freed() -> bool:
                calendar = await services.store.load(BerthCalendar, BerthCalendar.id_of(BERTH))
                claims = dict(calendar.claims)
                return not claims if cancelled else claims[on_berth(one, 1)]["until"] is None

            await eventually(freed)
        await nothing_is_lost(street, one, number, 0 if cancelled else 500)


@pytest.mark.fault
@pytest.mark.parametrize("when", ["before", "recording"])
async def test_killed_while_a_berth_is_lost_the_money_goes_back(
    settings: Settings, when: str
) -> None:
    async with collecting(settings) as street:
        one, who, number = await held(street)
        services = street.services
        await confirm_reservation(one, ConfirmReservation(), who, services)
        reservation = await services.store.load(ParkingReservation, one)
        await Claiming(who, services).free(BERTH, on_berth(one, 1), reservation.end)
        async with workers(settings, Step.SECURE.value, when) as first:
            await first.ended()
        async with workers(settings):
            await until(street, one, "lost")

            async def back() -> bool:
                return street.earned() == 0

            await eventually(back)
        await nothing_is_lost(street, one, number, 0)
