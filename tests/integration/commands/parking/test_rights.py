"""What changes afterwards about a stay: the vehicle was sold, bound or hired out; a badge."""

from collections.abc import AsyncIterator

import pytest

from citybrain.domain.parking.claim_events import Channel
from citybrain.domain.parking.judging import Status
from citybrain.domain.parking.permit_events import Decision
from citybrain.domain.parking.reminding import alarm_at
from citybrain.settings import Settings
from commands.parking import binding as commands
from commands.parking.permit import RegisterPermit, register_permit
from commands.parking.pricing import price_that_decided
from commands.parking.processes.orders import OrderTimes
from tests.given.driving import context as sent_by
from tests.given.parking import permits
from tests.given.parking.binding_world import by
from tests.given.parking.bindings import day
from tests.given.parking.collecting import context
from tests.given.parking.owners import BANK, OTHERS, Owners, owners

SOLD, RENTAL = "豫A3V300", "豫A7R700"


@pytest.fixture
async def town(settings: Settings) -> AsyncIterator[Owners]:
    async with owners(settings) as found:
        yield found


async def test_p41_the_car_was_sold(town: Owners) -> None:
    drivers, gateway = town.drivers, town.gateway
    (a, number_a), (b, number_b) = await drivers.citizen(), await drivers.citizen()
    drivers.vehicles.register(SOLD, number_a)
    of_a = await drivers.bind(a, SOLD)

    await gateway.departments.fault(BANK, "refuse-in-words")
    before = await town.parked(SOLD, day("09-07", "10:00:00"), day("09-07", "10:40:00"))
    await gateway.departments.fault(BANK, "ok")
    debited = await town.parked(SOLD, day("09-09", "10:00:00"), day("09-09", "11:40:00"))
    assert (gateway.spent(number_a), gateway.earned()) == (600, 600)
    begins, ends = day("09-11", "10:00:00"), day("09-11", "10:40:00")
    pending = await town.parked(SOLD, begins, ends, "parking_collecting")
    assert await town.owed(pending) == [(a, 400, 400)]

    drivers.vehicles.register(SOLD, number_b, "2026-09-08")
    drivers.clock(day("09-12"))
    await drivers.unbind(of_a)
    await drivers.show_transfer(of_a, "09-08")
    await town.work()
    assert await town.owed(before) == [(a, 400, 400)]
    assert await town.owed(debited) == [(a, 0, 0), (None, 600, 600)]
    assert await town.owed(pending) == [(a, 0, 0), (None, 400, 400)]
    assert (gateway.spent(number_a), gateway.earned()) == (0, 0)
    assert (await town.session(debited)).status == Status.DEFERRED

    drivers.clock(day("09-13"))
    await drivers.bind(b, SOLD)
    await town.work()
    assert await town.owed(before) == [(a, 400, 400)]
    assert await town.owed(debited) == [(a, 0, 0), (None, 0, 0), (b, 600, 600)]
    assert await town.owed(pending) == [(a, 0, 0), (None, 0, 0), (b, 400, 400)]
    assert (gateway.spent(number_b), gateway.earned()) == (0, 0)  # asked, and not debited by itself
    assert (await town.session(debited)).deferred == "asked-before"


async def test_p41_what_nobody_says_twice_changes_nothing_twice(town: Owners) -> None:
    drivers = town.drivers
    a, number = await drivers.citizen()
    drivers.vehicles.register(SOLD, number)
    of_a = await drivers.bind(a, SOLD)
    session = await town.parked(SOLD, day("09-09", "10:00:00"), day("09-09", "11:40:00"))
    drivers.vehicles.register(SOLD, "410102196001010019", "2026-09-08")
    drivers.clock(day("09-12"))
    await drivers.show_transfer(of_a, "09-08")
    await town.work()
    head = await town.services.store.head()
    town.seen.clear()
    await town.work()
    assert await town.services.store.head() == head
    assert await town.owed(session) == [(a, 0, 0), (None, 600, 600)]


async def test_p41_what_somebody_is_about_to_pay_is_not_taken_from_them(town: Owners) -> None:
    drivers = town.drivers
    b, number = await drivers.citizen()
    session = await town.parked(SOLD, day("09-09", "10:00:00"), day("09-09", "10:40:00"))
    other = await town.parked(SOLD, day("09-10", "10:00:00"), day("09-10", "10:40:00"))
    (claim,) = (await town.session(session)).claims
    await town.gateway.ask(claim, Channel.KIOSK)
    drivers.vehicles.register(SOLD, number)
    await drivers.bind(b, SOLD)
    await town.work()
    assert await town.owed(session) == [(None, 400, 400)]
    assert await town.owed(other) == [(None, 0, 0), (b, 400, 400)]
    drivers.clock(day("09-12"))
    await OrderTimes().ring(await town.gateway.claim(claim), context(), town.services)
    await town.work()  # the order has lapsed: nobody pays it
    assert await town.owed(session) == [(None, 0, 0), (b, 400, 400)]


async def test_p48_rental_car_at_the_hand_over(town: Owners) -> None:
    drivers = town.drivers
    (firm, number), (h1, number_h1) = await drivers.citizen(), await drivers.citizen()
    drivers.vehicles.register(RENTAL, number, use="rental")
    binding = await drivers.bind(firm, RENTAL, per_debit_limit_fen=300)
    begins, ends = day("09-05", "17:30:00"), day("09-05", "18:30:00")
    session = await town.parked(RENTAL, begins, ends)
    assert await town.owed(session) == [(firm, 400, 400)]  # above their limit: not debited
    command = commands.NameHirer(
        number=number_h1,
        begins=day("09-01"),
        ends=day("09-05", "18:00:00"),
        arrived_at=begins,
        contract_sha256="ab" * 32,
    )
    await commands.name_hirer(binding.id, command, by(firm), town.services)
    await town.work()
    assert await town.owed(session) == [(firm, 0, 0), (h1, 400, 400)]
    assert (await town.session(session)).payer == h1


async def test_p54_a_badge_confirmed_later_gives_back_what_was_debited(town: Owners) -> None:
    drivers, gateway = town.drivers, town.gateway
    citizen, number = await drivers.citizen()
    await drivers.bind(citizen, permits.TEXT)
    before = await town.parked(permits.TEXT, day("08-31", "10:00:00"), day("08-31", "10:40:00"))
    session = await town.parked(permits.TEXT, day("09-09", "10:00:00"), day("09-09", "10:40:00"))
    assert gateway.spent(number) == 800
    drivers.clock(day("09-10"))
    permit = await permits.granted(drivers, citizen)
    await town.work()
    assert gateway.spent(number) == 400  # the stay before the badge is valid is paid as it was
    assert await town.owed(before) == [(citizen, 400, 0)]
    assert await town.owed(session) == [(citizen, 0, 0)]
    after = await town.session(session)
    assert (after.price_fen, after.status) == (0, Status.SETTLED)
    said = await price_that_decided(after, town.services, OTHERS)
    assert [(line["rule"], line["zero"]) for line in said["lines"]] == [
        ("disabled-badge", "exempt")
    ]
    later = await town.parked(permits.TEXT, day("09-11", "10:00:00"), day("09-11", "10:40:00"))
    assert (await town.session(later)).price_fen == 0

    head = await town.services.store.head()
    drivers.clock(day("09-20"))
    await permits.propose(drivers, permit, Decision.END)
    await permits.confirm(drivers, permit, Decision.END)
    await town.work()
    topics = [each.topic for each in await town.services.store.read_all(head, limit=100)]
    assert topics == ["parking.permit_decision_proposed", "parking.permit_ended"]
    assert gateway.spent(number) == 400


async def test_p54_who_owes_a_stay_that_a_badge_covers_owes_it_no_more(town: Owners) -> None:
    citizen, _ = await town.drivers.citizen()
    await town.drivers.bind(citizen, permits.TEXT, per_debit_limit_fen=300)
    session = await town.parked(permits.TEXT, day("09-09", "10:00:00"), day("09-09", "10:40:00"))
    assert alarm_at(await town.session(session)) is not None
    await permits.granted(town.drivers, citizen)
    await town.work()
    after = await town.session(session)
    assert (after.status, alarm_at(after)) == (Status.SETTLED, None)
    assert await town.owed(session) == [(citizen, 0, 0)]


async def test_p54_police_and_ambulances_are_seen_and_owe_nothing(town: Owners) -> None:
    ambulance = "豫A0E120"
    register = RegisterPermit(
        kind="emergency-service",
        plate=ambulance,
        begins=day("09-01"),
        ends=day("09-30"),
        reason="on-duty",
    )
    asked = await register_permit(register, sent_by(permits.FIRST), town.services)
    await permits.confirm(town.drivers, asked.stream_id, ends=day("09-30"))
    stays = (
        ("豫A1234警", "police", "09-08", "12:00:00"),
        (ambulance, "emergency-service", "09-09", "10:12:00"),
    )
    for plate, rule, date, ends in stays:
        session_id = await town.parked(plate, day(date, "10:00:00"), day(date, ends))
        session = await town.session(session_id)
        said = await price_that_decided(session, town.services, OTHERS)
        assert {(line["rule"], line["fen"]) for line in said["lines"]} == {(rule, 0)}
        assert (session.status, session.claims, alarm_at(session)) == (Status.SETTLED, {}, None)
