"""A tariff version that reaches back lowers what is unpaid; a batch gives back what was paid."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from citybrain.definitions import Definitions
from citybrain.definitions.parking.tariffs import TariffDefinitions, tariff_of
from citybrain.domain.actor import RoleNotAllowed
from citybrain.domain.parking.repricing_batch import (
    ParkingRepricing,
    RepricingOutOfStep,
    RepricingSumsDiffer,
    RepricingTimesWrong,
    TariffDoesNotReachBack,
)
from citybrain.domain.parking.tariff import Ladder, Step, UnknownTariffVersion
from citybrain.domain.separation import NotApart
from citybrain.settings import Settings
from commands.parking import pricing
from commands.parking import repricing as commands
from commands.parking.pricing import STREET
from commands.parking.processes import repricings
from projections.parking.repricings import page
from tests.given.driving import CLERK, context
from tests.given.parking.bindings import day
from tests.given.parking.owners import Owners, owners
from tests.given.parking.permits import FIRST, SECOND
from tests.given.read_models import project

MODEL = "parking_repricings"
BOUND, NOBODYS = "豫A52K17", "豫A3V300"
LADDER = Ladder((Step(300, 60, 1), Step(200, 60, 2), Step(600, 60)))  # cheaper at first only


@pytest.fixture
async def town(settings: Settings) -> AsyncIterator[Owners]:
    async with owners(settings) as found:
        yield found


async def bound(town: Owners) -> str:
    """Somebody who is debited; their number at the bank."""
    citizen, number = await town.drivers.citizen()
    await town.drivers.bind(citizen, BOUND, per_day_limit_fen=5000)
    return number


async def hours(town: Owners, on: str, length: float, plate: str = BOUND) -> str:
    """A stay of so many hours from eight on; the session."""
    begins = day(on, "08:00:00")
    return await town.parked(plate, begins, begins + timedelta(hours=length))


def publish(town: Owners) -> str:
    """On 09-10 a version is published that holds from 09-01 on; its id."""
    town.street.clock(day("09-10", "12:00:00"))
    definitions = town.services.definitions
    tariff = tariff_of(definitions, STREET)
    (first,) = tariff.versions
    back = replace(
        first,
        id="street:2026-09-01+back",
        valid_from=date(2026, 9, 1),
        published=date(2026, 9, 10),
        zones=dict(first.zones) | {"1": {"day": LADDER}},
    )
    found = definitions.of(TariffDefinitions)
    both = found.tariffs | {STREET: replace(tariff, versions=(first, back))}
    town.services.definitions = definitions.extended(replace(found, tariffs=both))
    return back.id


def take_away(town: Owners) -> Definitions:
    """The file of the newest version is gone; the definitions of before."""
    definitions = town.services.definitions
    tariff = tariff_of(definitions, STREET)
    left = replace(tariff, versions=tariff.versions[:1], gone=tariff.versions[1:])
    town.services.definitions = definitions.extended(TariffDefinitions({STREET: left}, {}))
    return definitions


async def proposed(town: Owners, version_id: str, **said: Any) -> str:
    """An officer proposes it, and its preview was found."""
    times = {"begins": day("09-01"), "ends": day("09-10")}
    command = commands.ProposeRepricing(version_id=version_id, reason="ruling", **times | said)
    result = await commands.propose_repricing(command, context(FIRST), town.services)
    await town.work()
    return result.stream_id


async def batch(town: Owners, repricing_id: str) -> ParkingRepricing:
    return await town.services.store.load(ParkingRepricing, repricing_id)


async def confirm(
    town: Owners, repricing_id: str, lowered_fen: int, refunded_fen: int, actor: Any = SECOND
) -> None:
    command = commands.ConfirmRepricing(lowered_fen=lowered_fen, refunded_fen=refunded_fen)
    await commands.confirm_repricing(repricing_id, command, context(actor), town.services)


async def test_p26_a_tariff_that_reaches_back(town: Owners) -> None:
    number = await bound(town)
    paid = [await hours(town, on, 1) for on in ("09-02", "09-03", "09-04")]
    long_and_paid = await hours(town, "09-05", 5)
    unpaid = await hours(town, "09-06", 1, NOBODYS)
    long_and_unpaid = await hours(town, "09-07", 5, NOBODYS)
    assert town.gateway.spent(number) == 3 * 400 + 1600

    version_id = publish(town)
    for _ in range(2):
        await repricings.lower_what_is_unpaid(town.services)
        await town.work()
    by_rule = await batch(town, ParkingRepricing.of_version(version_id))
    assert (by_rule.status, by_rule.done["lowered_fen"], by_rule.done["refunded_fen"]) == (
        "completed",
        100,
        0,
    )
    assert await town.owed(unpaid) == [(None, 300, 300)]
    assert await town.owed(long_and_unpaid) == [(None, 1600, 1600)]
    assert town.gateway.spent(number) == 3 * 400 + 1600  # what was paid stays

    head = await town.services.store.head()
    repricing_id = await proposed(town, version_id)
    sums = {"sessions": 6, "cheaper": 3, "lowered_fen": 300, "refunded_fen": 300}
    assert (await batch(town, repricing_id)).preview == sums
    topics = [each.topic for each in await town.services.store.read_all(head, limit=100)]
    assert topics == ["parking.repricing_proposed", "parking.repricing_previewed"]
    for error, args in (
        (NotApart, (300, 300, FIRST)),
        (RoleNotAllowed, (300, 300, CLERK)),
        (RepricingSumsDiffer, (300, 0, SECOND)),
    ):
        with pytest.raises(error):
            await confirm(town, repricing_id, *args)
    before = take_away(town)
    with pytest.raises(UnknownTariffVersion):
        await proposed(town, version_id)
    await confirm(town, repricing_id, 300, 300)  # what was agreed to is done all the same
    await town.work()
    done = await batch(town, repricing_id)
    assert (done.status, done.done) == ("completed", sums)
    town.services.definitions = before
    assert town.gateway.spent(number) == 3 * 300 + 1600
    assert [(await town.session(each)).price_fen for each in paid] == [300, 300, 300]
    assert (await town.session(long_and_paid)).price_fen == 1600
    with pytest.raises(RepricingOutOfStep):
        await confirm(town, repricing_id, 300, 300)

    again = await proposed(town, version_id)  # nothing is left to give back
    assert (await batch(town, again)).preview == dict.fromkeys(sums, 0) | {"sessions": 6}


async def test_p26_who_parks_when_it_was_published_knows_it_from_the_next_day_on(
    town: Owners,
) -> None:
    await bound(town)
    publish(town)
    session = await hours(town, "09-10", 5)
    assert (await town.session(session)).price_fen == 1600
    session = await hours(town, "09-11", 5)
    assert (await town.session(session)).price_fen == 1900


async def test_p26_a_batch_that_was_killed_goes_on_and_counts_each_session_once(
    town: Owners, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await bound(town)
    for on in ("09-02", "09-03", "09-04", "09-05", "09-06"):
        await hours(town, on, 1)
    repricing_id = await proposed(town, publish(town))
    await confirm(town, repricing_id, 500, 500)
    monkeypatch.setattr(repricings, "PART", 2)
    price_less, calls = pricing.price_less, 0

    class Killed(Exception):
        pass

    async def dying(*args: Any, **said: Any) -> Any:
        nonlocal calls
        calls += 1
        found = await price_less(*args, **said)
        if calls in (1, 5):  # in the middle of a part, and after one
            raise Killed
        return found

    monkeypatch.setattr("commands.parking.processes.repricings.price_less", dying)
    seen: list[int] = []
    for _ in range(2):
        with pytest.raises(Killed):
            await town.work()
        seen.append((await batch(town, repricing_id)).done["sessions"])
    assert seen == [0, 2]
    await town.work()
    done = await batch(town, repricing_id)
    assert (done.status, done.done) == (
        "completed",
        {"sessions": 5, "cheaper": 5, "lowered_fen": 500, "refunded_fen": 500},
    )
    assert town.gateway.spent(number) == 5 * 300
    lowered = [
        each
        for each in await town.services.store.read_all(limit=1000)
        if each.topic == "parking.repriced"
    ]
    assert len(lowered) == 5


async def test_p26_what_is_no_batch_is_refused(town: Owners) -> None:
    (first,) = tariff_of(town.services.definitions, STREET).versions
    with pytest.raises(TariffDoesNotReachBack):
        await proposed(town, first.id)
    version_id = publish(town)
    for times in (
        {"begins": day("08-31")},
        {"ends": day("09-11")},
        {"begins": day("09-10"), "ends": day("09-01")},
    ):
        with pytest.raises(RepricingTimesWrong):
            await proposed(town, version_id, **times)
    repricing_id = await proposed(town, version_id)
    command = commands.TurnBackRepricing(reason="not-agreed")
    await commands.turn_back_repricing(repricing_id, command, context(SECOND), town.services)
    assert (await batch(town, repricing_id)).status == "turned-back"
    with pytest.raises(RepricingOutOfStep):
        await confirm(town, repricing_id, 0, 0)


async def test_one_event_at_a_time_and_all_at_once_give_the_same_rows(town: Owners) -> None:
    await bound(town)
    await hours(town, "09-02", 1)
    version_id = publish(town)
    await repricings.lower_what_is_unpaid(town.services)
    agreed, turned_back = [await proposed(town, version_id) for _ in range(2)]
    await confirm(town, agreed, 100, 100)
    command = commands.TurnBackRepricing(reason="twice")
    await commands.turn_back_repricing(turned_back, command, context(SECOND), town.services)
    await town.work()
    pool, found = town.services.store.pool, []
    for size in (1000, 1, 3):
        await pool.execute("DROP SCHEMA IF EXISTS parking_repricings CASCADE")
        await pool.execute("DELETE FROM projection_checkpoints WHERE projection = $1", MODEL)
        await project(town.services.store, MODEL, batch=size)
        found.append(await page(pool, status=None, after=None, limit=10))
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 3
    for row in found[0]:
        stream = await batch(town, row["repricing_id"])
        assert (row["status"], row["version"]) == (stream.status, stream.version)
        assert (row["preview"], row["done"]) == (stream.preview, stream.done)
