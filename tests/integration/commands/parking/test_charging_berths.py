"""P55: charging is over and the car stays; what a charger says, in time, late, or afterwards."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from citybrain.domain.parking.judging import Status
from citybrain.settings import Settings
from commands.parking.pricing import price_that_decided
from tests.given.parking.city import at
from tests.given.parking.owners import OTHERS, Owners, owners
from tests.given.read_models import project

CAR, BERTH = "豫A52K17", "Z1-001"
Line = tuple[str, int, str | None]


@pytest.fixture
async def town(settings: Settings) -> AsyncIterator[Owners]:
    async with owners(settings) as found:
        yield found


async def say(town: Owners, told: str, sign: str, when: str, **said: Any) -> None:
    """At one time something is told of another; what follows is done."""
    town.street.clock(at(told))
    plate = {} if sign.startswith("charging") else {"plate": CAR}
    await town.street.say(town.street.sign(sign, BERTH, at(when), **plate, **said))
    await town.work()


async def priced(town: Owners) -> tuple[int | None, list[Line]]:
    """What the stay costs, line by line, and why a line is 0."""
    session = await town.street.one()
    said = await price_that_decided(session, town.services, OTHERS)
    return session.price_fen, [(each["kind"], each["fen"], each["zero"]) for each in said["lines"]]


ORDERS = {
    "in time": (("11:00", "arrived", "11:00"), ("12:00", "charging-ended", "12:00")),
    "late": (("11:00", "arrived", "11:00"), ("12:30", "charging-ended", "12:00")),
    "with its beginning": (
        ("11:02", "arrived", "11:00"),
        ("12:31", "charging-ended", "12:00"),
        ("12:32", "charging-began", "11:05"),
    ),
}


@pytest.mark.parametrize("order", list(ORDERS))
async def test_p55_charging_is_over_the_car_stays(town: Owners, order: str) -> None:
    citizen, number = await town.drivers.citizen()
    town.street.clock(at("10:00"))
    await town.drivers.bind(citizen, CAR)
    for told, sign, when in ORDERS[order]:
        await say(town, told, sign, when)
    await say(town, "12:47", "left", "12:47")
    assert await priced(town) == (1000, [("parking", 600, None), ("idle", 400, None)])
    assert town.gateway.spent(number) == 1000
    assert (await town.street.one()).status == Status.SETTLED
    steps = (await price_that_decided(await town.street.one(), town.services, OTHERS))["lines"][1]
    assert (steps["counted_seconds"], steps["steps"]) == (
        32 * 60,
        [{"fen": 100, "each_minutes": 10, "units": 4}],
    )


async def test_p55_who_leaves_within_the_courtesy_pays_for_parking_only(town: Owners) -> None:
    await say(town, "11:00", "arrived", "11:00")
    await say(town, "12:00", "charging-ended", "12:00")
    await say(town, "12:15", "left", "12:15")
    assert await priced(town) == (600, [("parking", 600, None), ("idle", 0, "courtesy")])


async def test_p55_an_end_that_is_told_when_the_car_has_left_gives_the_same_sum(
    town: Owners,
) -> None:
    await say(town, "11:00", "arrived", "11:00")
    await say(town, "12:47", "left", "12:47")
    assert await priced(town) == (600, [("parking", 600, None)])
    await say(town, "12:50", "charging-ended", "12:00")
    assert (await priced(town))[0] == 1000
    session = await town.street.one()
    assert await town.owed(session.id) == [(None, 0, 0), (None, 1000, 1000)]


async def test_p55_what_was_paid_is_not_raised_by_a_late_word(town: Owners) -> None:
    citizen, number = await town.drivers.citizen()
    town.street.clock(at("10:00"))
    await town.drivers.bind(citizen, CAR)
    await say(town, "11:00", "arrived", "11:00")
    await say(town, "12:47", "left", "12:47")
    await say(town, "12:50", "charging-ended", "12:00")
    session = await town.street.one()
    assert (session.price_fen, town.gateway.spent(number)) == (600, 600)
    assert [each["sign"] for each in session.late_signs.values()] == ["charging-ended"]


async def test_p55_charging_that_had_begun_again_gives_back_what_was_paid_for_standing_there(
    town: Owners,
) -> None:
    citizen, number = await town.drivers.citizen()
    town.street.clock(at("10:00"))
    await town.drivers.bind(citizen, CAR)
    await say(town, "11:00", "arrived", "11:00")
    await say(town, "12:00", "charging-ended", "12:00")
    await say(town, "12:47", "left", "12:47")
    assert town.gateway.spent(number) == 1000
    for told, sign, when in (
        ("12:50", "charging-ended", "12:20"),  # told again: nothing follows
        ("12:51", "charging-began", "11:30"),  # it was charged anyway
    ):
        await say(town, told, sign, when)
        assert (await priced(town))[0] == 1000
    await say(town, "12:55", "charging-began", "12:10")
    assert await priced(town) == (600, [("parking", 600, None), ("idle", 0, "courtesy")])
    assert town.gateway.spent(number) == 600
    assert len((await town.street.one()).late_signs) == 2


async def test_a_charger_does_not_say_whether_a_berth_is_taken(town: Owners) -> None:
    await say(town, "11:00", "arrived", "11:00")
    await say(town, "11:10", "left", "11:10")
    await say(town, "11:20", "charging-began", "11:20")
    store = town.services.store
    await project(store, "parking_places", "parking_berths", "parking_cds_events")
    row = await store.pool.fetchrow(
        "SELECT state, changed_at FROM parking_berths.berths WHERE place_id = $1", BERTH
    )
    assert row is not None
    assert (row["state"], row["changed_at"]) == ("free", at("11:10"))
    heard = await store.pool.fetchval("SELECT max(heard_at) FROM parking_berths.devices")
    assert heard == at("11:10")
    signs = await store.pool.fetch("SELECT sign FROM parking_cds_events.events ORDER BY sign")
    assert [each["sign"] for each in signs] == ["arrived", "left"]
