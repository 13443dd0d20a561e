"""P30: a cap of a day, once for each stay or once for all stays of a plate, in any order."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from citybrain.definitions.parking.tariffs import TariffDefinitions, tariff_of
from citybrain.domain.parking.tariff import Cap, CapPer
from citybrain.settings import Settings
from commands.parking.pricing import STREET, price_that_decided
from tests.given.parking.city import at
from tests.given.parking.owners import OTHERS, Owners, owners

CAR = "豫A52K17"
MORNING, AFTERNOON = ("09:00", "13:00"), ("13:30", "21:00")


@pytest.fixture
async def town(settings: Settings) -> AsyncIterator[Owners]:
    async with owners(settings) as found:
        yield found


def capped(town: Owners, per: CapPer) -> None:
    """The tariff has a cap of 2000."""
    definitions = town.services.definitions
    tariff = tariff_of(definitions, STREET)
    (first,) = tariff.versions
    version = replace(first, caps=(Cap("most-of-a-day", per, 2000),))
    found = definitions.of(TariffDefinitions)
    tariffs = found.tariffs | {STREET: replace(tariff, versions=(version,))}
    town.services.definitions = definitions.extended(replace(found, tariffs=tariffs))


async def bound(town: Owners) -> str:
    citizen, number = await town.drivers.citizen()
    town.street.clock(at("08:00"))
    limits = {"per_debit_limit_fen": 3000, "per_day_limit_fen": 9000}
    await town.drivers.bind(citizen, CAR, **limits)
    return number


async def stay(
    town: Owners, times: tuple[str, str], place: str, day: str = "2026-09-14"
) -> tuple[int, list[dict[str, Any]]]:
    """What a stay costs once it is told, with its lines."""
    begins, ends = (at(each, day) for each in times)
    session = await town.session(await town.parked(CAR, begins, ends, place=place))
    said = await price_that_decided(session, town.services, OTHERS)
    assert session.price_fen is not None
    return session.price_fen, said["lines"]


async def test_p30_a_cap_of_a_window_is_of_each_stay(town: Owners) -> None:
    capped(town, CapPer.WINDOW)
    number = await bound(town)
    morning, _ = await stay(town, MORNING, "Z1-001")
    afternoon, (line,) = await stay(town, AFTERNOON, "Z1-005")
    assert (morning, afternoon) == (1200, 2000)
    assert (line["uncapped_fen"], line["cap"]) == (2800, "most-of-a-day")
    assert town.gateway.spent(number) == 3200


async def test_p30_a_cap_per_plate_and_day_counts_what_the_plate_paid_earlier(town: Owners) -> None:
    capped(town, CapPer.PLATE_DAY)
    number = await bound(town)
    morning, _ = await stay(town, MORNING, "Z1-001")
    afternoon, (line,) = await stay(town, AFTERNOON, "Z1-005")
    assert (morning, afternoon) == (1200, 800)
    assert (line["uncapped_fen"], line["fen"], line["cap"]) == (2800, 800, "most-of-a-day")
    assert town.gateway.spent(number) == 2000
    next_day, _ = await stay(town, MORNING, "Z1-001", "2026-09-15")
    assert next_day == 1200


async def test_p30_an_earlier_stay_that_is_told_later_gives_back_what_was_too_much(
    town: Owners,
) -> None:
    capped(town, CapPer.PLATE_DAY)
    number = await bound(town)
    afternoon, _ = await stay(town, AFTERNOON, "Z1-005")
    assert (afternoon, town.gateway.spent(number)) == (2000, 2000)
    morning, _ = await stay(town, MORNING, "Z1-001")
    first, second = await town.street.sessions()
    assert (morning, first.price_fen, second.price_fen) == (1200, 1200, 800)
    assert town.gateway.spent(number) == 2000


async def test_p30_another_plate_or_one_that_was_not_read_shares_no_cap(town: Owners) -> None:
    capped(town, CapPer.PLATE_DAY)
    await stay(town, MORNING, "Z1-001")
    begins, ends = (at(each) for each in AFTERNOON)
    other = await town.session(await town.parked("豫A3V300", begins, ends, place="Z1-005"))
    town.street.clock(ends)
    await town.street.say(
        town.street.sign("arrived", "Z1-009", begins), town.street.sign("left", "Z1-009", ends)
    )
    await town.work()
    unread = (await town.street.sessions())[-1]
    assert (other.price_fen, unread.price_fen) == (2000, 2000)
