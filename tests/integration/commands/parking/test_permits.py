"""Permits over the real store: what a stay costs with one, and what follows from its end."""

from collections.abc import AsyncIterator
from datetime import date
from functools import partial
from uuid import uuid4

import pytest

from citybrain.definitions.parking.permits import ParkingPermitDefinitions, PermitKindUnknown
from citybrain.definitions.parking.tariffs import tariff_of
from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.parking.permit import NothingProposed, NotYourPermit, ParkingPermit
from citybrain.domain.parking.permit_events import Decision
from citybrain.domain.parking.pricing import price
from citybrain.domain.parking.stay import Stay
from citybrain.domain.separation import NotApart
from citybrain.settings import Settings
from citybrain.systems import projection_named
from commands.citizens.records import (
    ProposeCorrection,
    SettleCorrection,
    propose_correction,
    settle_correction,
)
from commands.handling import CommandContext
from commands.kept_definitions import keep_definitions
from commands.parking import permit as commands
from commands.parking.bindings import permits_of
from commands.parking.fields import PlateIncomplete
from commands.parking.pricing import STREET
from commands.parking.processes.permits import PermitEndings
from commands.processes.runner import context_of
from projections.parking import permits
from tests.given.driving import CLERK, context
from tests.given.parking.binding_world import Drivers, by, drivers
from tests.given.parking.bindings import day
from tests.given.parking.permits import BEGINS, ENDS, FIRST, TEXT, ask, confirm, granted, propose
from tests.given.read_models import caught_up, running


@pytest.fixture
async def town(settings: Settings) -> AsyncIterator[Drivers]:
    async with drivers(settings) as found:
        yield found


async def costs(town: Drivers, when: str, zone: str = "Z2-A", text: str = TEXT) -> int:
    """What an hour at noon costs, in zone 2."""
    arrived, left = day(when, "12:00:00"), day(when, "13:00:00")
    found = await permits_of(await town.plate_id(text), zone, arrived, left, town.services)
    stay = Stay(start=arrived, end=left, zone="2", permits=found)
    return price(stay, tariff_of(town.services.definitions, STREET)).total_fen


async def test_p54_a_badge_is_confirmed_later_and_reaches_back(town: Drivers) -> None:
    citizen, _ = await town.citizen()
    await town.bind(citizen)
    assert await costs(town, "09-09") == 400
    town.clock(day("09-10"))
    permit = await ask(town, citizen)
    await propose(town, permit)
    assert await costs(town, "09-09") == 400
    await confirm(town, permit)
    assert [await costs(town, each) for each in ("09-09", "09-11")] == [0, 0]
    town.clock(day("09-20"))
    await propose(town, permit, Decision.END)
    await confirm(town, permit, Decision.END)
    assert [await costs(town, each) for each in ("09-09", "09-21")] == [0, 400]


async def test_a_kind_is_taken_away_or_cut_short_and_what_was_asked_for_before_goes_on(
    town: Drivers,
) -> None:
    citizen, _ = await town.citizen()
    permit = await ask(town, citizen)
    file = town.services.definitions.of(ParkingPermitDefinitions).at(town.services.clock())
    shorter = [kind.model_copy(update={"longest_days": 1}) for kind in file.kinds]
    resident = [kind for kind in shorter if kind.code == "resident"]
    pool = town.services.store.pool
    for kinds in (shorter, resident):
        edited = ParkingPermitDefinitions((file.model_copy(update={"kinds": tuple(kinds)}),))
        definitions = await keep_definitions(town.services.definitions.extended(edited), pool)
        town.services.definitions = definitions
    with pytest.raises(PermitKindUnknown):
        await ask(town, citizen)
    await propose(town, permit)
    await confirm(town, permit)
    assert await costs(town, "09-11") == 0
    (*_, given) = await town.services.store.read(permit)
    assert given.data["kinds_version"] == file.version


async def test_p54_a_badge_is_of_the_person_and_their_car_of_the_day(town: Drivers) -> None:
    citizen, _ = await town.citizen()
    permit = await granted(town, citizen)
    town.clock(day("09-12", "08:00:00"))
    taxi = "豫A8B123"
    for _ in range(2):
        await commands.name_car_of_day(
            permit,
            commands.NameCarOfDay(day=date(2026, 9, 12), plate=taxi),
            by(citizen, "k1"),
            town.services,
        )
    found = [await costs(town, "09-12", text=each) for each in (TEXT, taxi)]
    assert found == [400, 0]
    assert [await costs(town, "09-13", text=each) for each in (TEXT, taxi)] == [0, 400]


async def test_a_resident_parks_for_nothing_in_their_zone_only(town: Drivers) -> None:
    citizen, _ = await town.citizen()
    with pytest.raises(commands.PermitZoneWrong):
        await ask(town, citizen, "resident")
    with pytest.raises(commands.PermitZoneWrong):
        await ask(town, citizen, "disabled-badge", zone_id="Z2-A")
    with pytest.raises(PermitKindUnknown):
        await ask(town, citizen, "emergency-service")
    with pytest.raises(PlateIncomplete):
        await ask(town, citizen, plate="A52K17")
    await granted(town, citizen, "resident", zone_id="Z2-A")
    assert [await costs(town, "09-09", zone) for zone in ("Z2-A", "Z2-B")] == [0, 400]


async def test_p54_a_services_vehicle_is_registered_by_two_officers(town: Drivers) -> None:
    command = commands.RegisterPermit(
        kind="emergency-service", plate=TEXT, begins=BEGINS, ends=ENDS, reason="ambulance"
    )
    citizen, _ = await town.citizen()
    for context_ in (by(citizen), context(CLERK)):
        with pytest.raises(RoleNotAllowed):
            await commands.register_permit(command, context_, town.services)
    permit = (await commands.register_permit(command, context(FIRST), town.services)).stream_id
    with pytest.raises(NotApart):
        await confirm(town, permit, actor=FIRST)
    await confirm(town, permit)
    assert await costs(town, "09-09") == 0


async def test_the_second_agrees_to_what_was_proposed_and_to_nothing_else(town: Drivers) -> None:
    citizen, _ = await town.citizen()
    permit = await ask(town, citizen)
    await propose(town, permit, ends=day("10-01"))
    with pytest.raises(NothingProposed):
        await confirm(town, permit)
    await propose(town, permit)
    with pytest.raises(NothingProposed):
        await confirm(town, permit, ends=day("10-01"))
    with pytest.raises(NothingProposed):
        await confirm(town, permit, Decision.DENY)
    await confirm(town, permit)


async def test_nobody_elses_permit_is_touched(town: Drivers) -> None:
    (citizen, _), (other, _) = await town.citizen(), await town.citizen()
    permit = await granted(town, citizen)
    give_back = commands.GiveBackPermit()
    with pytest.raises(NotYourPermit):
        await commands.give_back_permit(permit, give_back, by(other), town.services)
    await commands.give_back_permit(permit, give_back, by(citizen), town.services)
    found = await town.services.store.load(ParkingPermit, permit)
    assert (found.status, found.reason) == ("ended", "given-back")


async def test_a_permit_ends_with_the_death_that_is_noted(town: Drivers) -> None:
    citizen, _ = await town.citizen()
    permit = await granted(town, citizen)
    services, process = town.services, PermitEndings(permits.of_holder)
    proposed = await propose_correction(
        citizen,
        ProposeCorrection(what="death", died_on=date(2026, 8, 30), grounds="a paper"),
        context(CLERK),
        services,
    )
    correction = proposed.answer["correction_id"]
    supervisor = Actor("supervisor-1", frozenset({Role.SUPERVISOR}))
    await settle_correction(
        citizen,
        SettleCorrection(correction_id=correction, outcome="confirmed"),
        CommandContext(supervisor, "test", uuid4(), uuid4()),
        services,
    )
    (event,) = [each for each in await services.store.read(citizen) if each.topic in process.topics]
    async with running(services.store, projection_named("parking_permits")):
        for _ in range(2):
            await caught_up(services.store, "parking_permits")
            await process.react(event, services, partial(context_of, process, event))
    found = await services.store.load(ParkingPermit, permit)
    assert (found.status, found.reason) == ("ended", "person-deceased")
