"""The read model of bindings: the same one at a time and all at once, and what is asked of it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from citybrain.settings import Settings
from citybrain.systems.parking import PARKING
from commands.parking import binding as commands
from projections.parking import bindings
from tests.given.parking.binding_world import Drivers, by, drivers
from tests.given.parking.bindings import day
from tests.given.read_models import project

MODEL = "plate_bindings"
RENTAL = "豫A7R700"


@pytest.fixture
async def town(settings: Settings) -> AsyncIterator[Drivers]:
    async with drivers(settings) as found:
        yield found


async def a_life(town: Drivers) -> dict[str, str]:
    """A binding of each kind of end."""
    (a, number_a), (b, number_b), (c, _) = [await town.citizen() for _ in range(3)]
    town.vehicles.register("豫A52K17", number_a)
    of_a = await town.bind(a)
    await commands.change_limits(
        of_a.id,
        commands.ChangePlateLimits(per_debit_limit_fen=500, per_day_limit_fen=900),
        by(a),
        town.services,
    )
    town.vehicles.register("豫A52K17", number_b, "2026-09-08")
    town.clock(day("09-12"))
    await town.show_transfer(of_a, "09-08")
    of_b = await town.bind(b)
    of_c = await town.bind(c)
    town.vehicles.register(RENTAL, number_a, use="rental")
    rental = await town.bind(a, RENTAL)
    await commands.name_hirer(
        rental.id,
        commands.NameHirer(
            number=number_b,
            begins=day("09-01"),
            ends=day("09-05"),
            arrived_at=day("09-03"),
            contract_sha256="ab" * 32,
        ),
        by(a),
        town.services,
    )
    await town.departments.fault("police", "reject")
    unknown = await town.bind(c, "豫A8B123")
    found = {"a": of_a, "b": of_b, "c": of_c, "rental": rental, "unknown": unknown}
    people = {"citizen_a": a, "citizen_b": b, "citizen_c": c}
    return people | {name: each.id for name, each in found.items()}


async def rows(town: Drivers) -> list[list[Any]]:
    pool = town.services.store.pool
    return [
        [dict(row) for row in await pool.fetch(f"SELECT * FROM plate_bindings.{table} ORDER BY 1")]
        for table in ("bindings", "hires")
    ]


async def test_one_at_a_time_and_all_at_once_give_the_same_rows(town: Drivers) -> None:
    await a_life(town)
    pool = town.services.store.pool
    found = []
    for batch in (1000, 1, 3):
        await pool.execute("DROP SCHEMA IF EXISTS plate_bindings CASCADE")
        await pool.execute("DELETE FROM projection_checkpoints WHERE projection = $1", MODEL)
        await project(town.services.store, MODEL, batch=batch)
        found.append(await rows(town))
    assert found[0][0]
    assert found[0] == found[1] == found[2]


async def test_each_row_says_what_the_stream_says(town: Drivers) -> None:
    ids = await a_life(town)
    await project(town.services.store, MODEL)
    pool = town.services.store.pool
    for name in ("a", "b", "c", "rental", "unknown"):
        row = await bindings.one(pool, ids[name])
        assert row is not None
        stream = await town.binding(ids[name])
        assert (row["status"], row["version"]) == (stream.status, stream.version)
        assert row["reason"] == (None if stream.ended is None else stream.ended["reason"])
        limits = (row["per_debit_limit_fen"], row["per_day_limit_fen"])
        assert limits == (stream.per_debit_fen, stream.per_day_fen)
        assert row["registered_since"] == stream.since
        assert row["transfer"] == (stream.transfer and stream.transfer["outcome"])
    sold = await bindings.one(pool, ids["a"])
    assert sold is not None
    assert (sold["held_until"], sold["transferred_on"]) == (day("09-08"), "2026-09-08")


async def test_whose_a_plate_is_and_whose_it_was(town: Drivers) -> None:
    ids = await a_life(town)
    await project(town.services.store, MODEL)
    pool, plate_id = town.services.store.pool, await town.plate_id()
    assert await bindings.whose(pool, plate_id) == ids["citizen_b"]
    of_plate = [row["binding_id"] for row in await bindings.of_plate(pool, plate_id)]
    assert set(of_plate) == {ids["a"], ids["b"], ids["c"]}
    of_a = [row["binding_id"] for row in await bindings.of_citizen(pool, ids["citizen_a"])]
    assert set(of_a) == {ids["a"], ids["rental"]}
    (hire,) = await bindings.of_hirer(pool, ids["citizen_b"])
    assert (hire["begins"], hire["ends"]) == (day("09-01"), day("09-05"))
    assert await bindings.of_hirer(pool, ids["citizen_c"]) == []


async def test_the_bindings_of_the_erased_end(town: Drivers) -> None:
    ids = await a_life(town)
    await project(town.services.store, *(each.name for each in PARKING.projections))
    pool = town.services.store.pool
    assert await bindings.of_erased(pool, await town.services.vault.erased()) == []
    await town.services.vault.erase(ids["citizen_b"])
    assert await bindings.of_erased(pool, await town.services.vault.erased()) == [ids["b"]]
    for work in PARKING.upkeep:
        await work(town.services)
    ended = await town.binding(ids["b"])
    assert (ended.status, ended.ended and ended.ended["reason"]) == ("ended", "person-erased")
    await town.follow()
    assert (await town.plate()).holds is None
    await town.later(timedelta(days=40))
    await project(town.services.store, MODEL)
    assert await bindings.of_erased(pool, await town.services.vault.erased()) == []
