"""The read model of permits: the same one at a time and all at once, and what is asked of it."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from citybrain.domain.parking.permit import ParkingPermit
from citybrain.domain.parking.permit_events import Decision
from citybrain.settings import Settings
from citybrain.systems.parking import PARKING
from commands.parking import permit as commands
from projections.parking import permits
from tests.given.parking.binding_world import Drivers, by, drivers
from tests.given.parking.bindings import day
from tests.given.parking.permits import ask, confirm, granted, propose
from tests.given.read_models import project

MODEL = "parking_permits"


@pytest.fixture
async def town(settings: Settings) -> AsyncIterator[Drivers]:
    async with drivers(settings) as found:
        yield found


async def some(town: Drivers) -> dict[str, str]:
    """One in each state, of two people."""
    (a, _), (b, _) = await town.citizen(), await town.citizen()
    ended, denied = await granted(town, a), await ask(town, a, "monthly", zone_id="Z1-A")
    await commands.name_car_of_day(
        ended, commands.NameCarOfDay(day=date(2026, 9, 3), plate="豫A8B123"), by(a), town.services
    )
    town.clock(day("09-05"))
    await propose(town, ended, Decision.END)
    await confirm(town, ended, Decision.END)
    await propose(town, denied, Decision.DENY)
    await confirm(town, denied, Decision.DENY)
    held, waiting = await granted(town, b), await ask(town, b, "resident", zone_id="Z1-A")
    await propose(town, held, Decision.END)
    people = {"a": a, "b": b}
    return people | {"ended": ended, "denied": denied, "held": held, "waiting": waiting}


async def test_one_at_a_time_and_all_at_once_give_the_same_rows(town: Drivers) -> None:
    ids = await some(town)
    pool, found = town.services.store.pool, []
    for batch in (1000, 1, 3):
        await pool.execute("DROP SCHEMA IF EXISTS parking_permits CASCADE")
        await pool.execute("DELETE FROM projection_checkpoints WHERE projection = $1", MODEL)
        await project(town.services.store, MODEL, batch=batch)
        rows = await pool.fetch("SELECT * FROM parking_permits.permits ORDER BY permit_id")
        found.append([dict(row) for row in rows])
    assert len(found[0]) == 4
    assert found[0] == found[1] == found[2]
    for name in ("ended", "denied", "held", "waiting"):
        row: Any = await permits.one(pool, ids[name])
        stream = await town.services.store.load(ParkingPermit, ids[name])
        assert (row["status"], row["version"]) == (stream.status, stream.version)
        assert (row["begins"], row["ends"]) == (stream.begins, stream.ends)
        assert (row["reason"], row["ended_at"]) == (stream.reason, stream.ended_at)


async def test_each_sees_their_own_and_the_office_what_waits(town: Drivers) -> None:
    ids = await some(town)
    await project(town.services.store, MODEL)
    pool = town.services.store.pool
    for whose, names in (("a", {"ended", "denied"}), ("b", {"held", "waiting"})):
        rows = await permits.of_citizen(pool, ids[whose])
        assert {row["permit_id"] for row in rows} == {ids[name] for name in names}
    queue = [row["permit_id"] for row in await permits.waiting(pool)]
    assert queue == [ids["held"], ids["waiting"]]
    first, *_ = await permits.waiting(pool, limit=1)
    after = (first["asked_at"], first["permit_id"])
    assert [row["permit_id"] for row in await permits.waiting(pool, after=after)] == queue[1:]


async def test_the_permits_of_the_erased_end(town: Drivers) -> None:
    ids = await some(town)
    await town.services.vault.erase(ids["b"])
    await project(town.services.store, *(each.name for each in PARKING.projections))
    pool, erased = town.services.store.pool, await town.services.vault.erased()
    assert erased == [ids["b"]]
    assert set(await permits.of_erased(pool, erased)) == {ids["held"], ids["waiting"]}
    for work in PARKING.upkeep:
        await work(town.services)
    await project(town.services.store, MODEL)
    assert await permits.of_erased(pool, erased) == []
