"""Several processes take in observations, one judges them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.signals.detector_health import Fault, Standing
from citybrain.eventstore import EventStore
from citybrain.notifications import SilentNotifier
from citybrain.systems import load_definitions
from citybrain.vault import Vault
from commands.services import Services
from commands.signals import observation_upkeep, observing
from commands.signals.handing_over import (
    collect_observations,
    give_up_shards,
    stand_by,
    take_shards,
)
from commands.signals.observation_reads import known_until, standings
from commands.signals.observation_upkeep import write_observations
from commands.signals.observed import observed
from commands.signals.observing import ObservationsBusy, observe
from commands.signals.processes.control import SignalControlProcess
from commands.signals.seen import SeenDetector
from commands.signals.sharing import SHARDS
from tests.given.services import WRAPPER
from tests.given.signals.watched import WATCHED
from tests.given.signals.x1 import ZERO, written
from tests.given.waiting import eventually, holds

WRITTEN = "SELECT vehicles FROM signal_observations WHERE detector = 'D7'"
CABINET = Actor("cabinet-1", frozenset({Role.GATEWAY}))


@pytest.fixture
def processes(store: EventStore, tmp_path: Path) -> tuple[Services, Services]:
    """Two that serve the same city."""
    written(tmp_path, WATCHED)
    definitions = load_definitions(tmp_path)

    def one() -> Services:
        services = Services(
            store, definitions, Vault(store.pool, WRAPPER), SilentNotifier(), clock=lambda: ZERO
        )
        stand_by(services)
        return services

    return one(), one()


@asynccontextmanager
async def controlling(services: Services) -> AsyncIterator[None]:
    """In control of the junctions."""
    await take_shards(range(SHARDS), services)
    task = asyncio.create_task(collect_observations(services))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await give_up_shards(range(SHARDS), services)


def d7(services: Services) -> SeenDetector:
    return observed(services).seen("x1", ZERO).detectors["D7"]


def said(t: float, **what: Any) -> dict[str, Any]:
    at = (ZERO + timedelta(seconds=t)).isoformat()
    return {"junction": "x1", "detector": "D7", "at": at, "seconds": 1} | what


async def test_what_another_process_is_told_is_seen_by_the_one_that_controls(
    processes: tuple[Services, Services],
) -> None:
    leads, serves = processes
    async with controlling(leads):
        taken = await observe([said(0, count=2), said(-1, speed=90), said(9)], CABINET, serves)
        assert taken.recorded == 1
        assert sorted(error.code for _, error in taken.refused) == [
            "invalid-input",
            "signal-reading-impossible",
        ]
        stranger = await observe([said(0, count=1)], Actor("x", CABINET.roles), serves)
        assert [error.code for _, error in stranger.refused] == ["not-your-device"]
        await holds(lambda: observed(leads).judged("x1")["D7"].standing is Standing.SUSPECT)
        assert observed(leads).latest("x1").crossed == {}, "what is suspect is not used"
        assert observed(serves).all_seen()[0].judged(0)["D7"].standing is Standing.UNHEARD
        assert known_until(serves, "x1") < known_until(leads, "x1") == ZERO
        await write_observations(leads)
        found = await standings(serves, ["x1"])
        (written_down,) = [each for each in found if each.detector.code == "D7"]
        assert written_down.judged.fault is Fault.TOO_HIGH
    left = await leads.store.pool.fetchval("SELECT count(*) FROM signal_handed_over")
    assert left == 0


async def test_whoever_controls_writes_what_was_said_and_how_detectors_stand(
    processes: tuple[Services, Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    leads, serves = processes
    monkeypatch.setattr(observation_upkeep, "WRITTEN_EVERY_MS", 20)
    controls = asyncio.create_task(SignalControlProcess().run(leads.store, leads))
    await holds(lambda: len(observed(leads).shards) == SHARDS)
    await observe([said(0, count=2)], CABINET, serves)

    async def is_good() -> bool:
        found = await standings(serves, ["x1"])
        return any(each.judged.standing is Standing.GOOD for each in found)

    async def counted() -> int | None:
        vehicles: int | None = await leads.store.pool.fetchval(WRITTEN)
        return vehicles

    await eventually(is_good)
    assert await counted() is None, "they are not over"
    leads.clock = lambda: ZERO + timedelta(minutes=1)
    controls.cancel()
    with suppress(asyncio.CancelledError):
        await controls
    assert await counted() == 2, "who ends writes all that it knows"


async def test_who_takes_over_counts_on_and_believes_nobody_who_had_failed(
    processes: tuple[Services, Services],
) -> None:
    first, second = processes
    async with controlling(first):
        await observe([said(0, count=15)], CABINET, first)
        first.clock = second.clock = lambda: ZERO + timedelta(minutes=1)
        await observe([said(60, count=15)], CABINET, first)
        assert observed(first).judged("x1")["D7"].fault is Fault.ERRATIC
        await observe([said(61, count=1)], CABINET, second)
        await holds(lambda: sum(len(each) for each in d7(first).five.values()) == 3)
    second.clock = lambda: ZERO + timedelta(minutes=2)
    async with controlling(second):
        again = await observe([said(60, count=15), said(61, count=1)], CABINET, second)
        assert (again.recorded, again.known) == (0, 2)
        failed = observed(second).judged("x1")["D7"]
        assert (failed.standing, failed.fault) == (Standing.FAILED, Fault.ERRATIC)
    pool = first.store.pool
    counted = await pool.fetchval("SELECT sum(vehicles) FROM signal_observations")
    assert counted == 31


async def test_who_would_wait_for_long_is_told_so_and_nothing_is_counted(
    processes: tuple[Services, Services], monkeypatch: pytest.MonkeyPatch
) -> None:
    serves, _ = processes
    monkeypatch.setattr(observing, "MOST_WAIT_SECONDS", 0.01)
    async with controlling(serves):
        async with observed(serves).taking:
            with pytest.raises(ObservationsBusy):
                await observe([said(0, count=2)], CABINET, serves)
        assert (await observe([said(0, count=2)], CABINET, serves)).recorded == 1


async def test_what_nobody_takes_away_does_not_pile_up(
    processes: tuple[Services, Services],
) -> None:
    serves, _ = processes
    pool = serves.store.pool
    await pool.execute(
        "INSERT INTO signal_handed_over (items, said_at) "
        "VALUES ('[]', now() - interval '2 minutes')"
    )
    await observe([said(0, count=1)], CABINET, serves)
    assert await pool.fetchval("SELECT count(*) FROM signal_handed_over") == 1
