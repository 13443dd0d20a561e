"""Alarms: each rings once, at its time, whoever was restarted; many at once, none lost."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from prometheus_client import REGISTRY

from citybrain.errors import Refused
from citybrain.eventstore import EventStore, StoreBusy, open_event_store
from citybrain.settings import Settings
from commands.handling import CommandContext
from commands.processes import alarms
from commands.processes.alarms import AT_ONCE, LATER, Alarm
from commands.processes.batches import BatchRunner
from commands.processes.parked import parked_commands
from commands.services import Services
from tests.given.services import services_over
from tests.given.sleepers import Sleeper, Sleepers, come, move, rang
from tests.given.waiting import PATIENCE_SECONDS, eventually

NOW = datetime(2026, 3, 2, 2, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Clock:
    """A clock that is set."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Counted(Sleepers):
    """Knows how many it woke at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = self.rings = 0

    async def ring(self, sleeper: Sleeper, context: CommandContext, services: Services) -> None:
        self.now, self.rings = self.now + 1, self.rings + 1
        self.most = max(self.most, self.now)
        try:
            await super().ring(sleeper, context, services)
        finally:
            self.now -= 1


class Failing(Sleepers):
    """Fails for some."""

    def __init__(self, error: Exception, *broken: str) -> None:
        super().__init__()
        self.error, self.broken = error, broken

    async def ring(self, sleeper: Sleeper, context: CommandContext, services: Services) -> None:
        if sleeper.id in self.broken:
            raise self.error
        await super().ring(sleeper, context, services)


@pytest.fixture
def services(store: EventStore) -> Services:
    services = services_over(store)
    services.clock = Clock()
    return services


def clock(services: Services) -> Clock:
    assert isinstance(services.clock, Clock)
    return services.clock


async def deliver(process: Sleepers, services: Services, after: int = 0) -> None:
    """Give a process the log."""
    events = await services.store.read_all(after, topics=process.topics, limit=100_000)
    if events:
        await process.react_all(events, services)


async def table(store: EventStore) -> dict[str, datetime]:
    rows = await store.pool.fetch("SELECT stream_id, alarm_at FROM stream_alarms")
    return {row["stream_id"]: row["alarm_at"] for row in rows}


async def nothing_is_left(store: EventStore) -> bool:
    return not await table(store)


@asynccontextmanager
async def running(services: Services, process: Sleepers) -> AsyncIterator[None]:
    task = asyncio.create_task(BatchRunner(services.store, process, services).run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until_it_rang(store: EventStore, sleeper_id: str) -> None:
    await eventually(partial(rang, store, sleeper_id))


async def test_it_rings_at_its_time_and_not_before_and_once(services: Services) -> None:
    sleeper, process = await come(services, NOW + MINUTE), Sleepers()
    await deliver(process, services)
    clock(services).now = NOW + MINUTE - timedelta(microseconds=1)
    await process.ring_due(services)
    assert await rang(services.store, sleeper) == []
    clock(services).now = NOW + MINUTE
    await process.ring_due(services)
    await process.ring_due(services)
    assert await rang(services.store, sleeper) == [NOW + MINUTE]
    assert await table(services.store) == {}


async def test_one_that_is_dropped_never_rings_and_one_that_is_moved_rings_then(
    services: Services,
) -> None:
    dropped, later, sooner = [await come(services, NOW + 5 * MINUTE) for _ in range(3)]
    process = Sleepers()
    await deliver(process, services)
    await move(services, dropped, None)
    await move(services, later, NOW + 9 * MINUTE)
    await move(services, sooner, NOW + 1 * MINUTE)
    await deliver(process, services, 3)
    clock(services).now = NOW + 5 * MINUTE
    await process.ring_due(services)
    assert await rang(services.store, sooner) == [NOW + MINUTE]
    assert await rang(services.store, later) == []
    await move(services, dropped, NOW + 6 * MINUTE)
    await deliver(process, services)
    clock(services).now = NOW + 9 * MINUTE
    await process.ring_due(services)
    assert await rang(services.store, later) == [NOW + 9 * MINUTE]
    assert await rang(services.store, dropped) == [NOW + 6 * MINUTE]
    assert len(await rang(services.store, sooner)) == 1


async def test_what_was_moved_and_is_not_noted_yet_does_not_ring(services: Services) -> None:
    sleeper, process = await come(services, NOW + MINUTE), Sleepers()
    await deliver(process, services)
    await move(services, sleeper, NOW + 2 * MINUTE)
    clock(services).now = NOW + MINUTE
    await process.ring_due(services)
    assert await rang(services.store, sleeper) == []
    assert await table(services.store) == {sleeper: NOW + 2 * MINUTE}


async def test_thousands_at_one_second_ring_many_at_a_time_and_not_all(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "BATCH", 700)
    limit = asyncio.Semaphore(100)

    async def one() -> str:
        async with limit:
            return await come(services, NOW + MINUTE)

    sleepers = await asyncio.gather(*(one() for _ in range(2000)))
    process = Counted()
    await deliver(process, services)
    clock(services).now = NOW + MINUTE
    await process.ring_due(services)
    assert process.rings == len(sleepers)
    assert 1 < process.most <= AT_ONCE
    log = await services.store.read_all(len(sleepers), limit=10_000)
    assert sorted(event.stream_id for event in log) == sorted(sleepers)
    assert await table(services.store) == {}


async def test_one_that_fails_holds_up_nobody_and_is_told_later(services: Services) -> None:
    broken, well = await come(services, NOW + MINUTE), await come(services, NOW + 2 * MINUTE)
    process = Failing(ValueError("broken"), broken)
    await deliver(process, services)
    clock(services).now = NOW + 2 * MINUTE
    before = sample("citybrain_alarms_put_off_total")
    await process.ring_due(services)
    assert await rang(services.store, well) == [NOW + 2 * MINUTE]
    assert sample("citybrain_alarms_put_off_total") == before + 1
    assert await table(services.store) == {broken: clock(services).now + LATER}
    process.broken = ()
    clock(services).now += LATER
    await process.ring_due(services)
    assert await rang(services.store, broken) == [NOW + MINUTE]


async def test_one_that_keeps_failing_is_told_less_and_less_often(services: Services) -> None:
    broken = await come(services, NOW)
    process = Failing(ValueError("broken"), broken)
    await deliver(process, services)
    pauses = []
    for _ in range(7):
        await process.ring_due(services)
        at = (await table(services.store))[broken]
        pauses.append((at - clock(services).now) / MINUTE)
        clock(services).now = at
    assert pauses == [1, 1, 2, 4, 8, 15, 15]


async def test_those_that_stay_due_hold_up_nobody_behind_them(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "BATCH", 2)
    busy = [await come(services, NOW) for _ in range(3)]
    well = await come(services, NOW + MINUTE)
    process = Failing(StoreBusy("busy"), *busy)
    await deliver(process, services)
    clock(services).now = NOW + MINUTE
    with pytest.raises(StoreBusy):
        await process.ring_due(services)
    assert await rang(services.store, well) == [NOW + MINUTE]
    assert set(await table(services.store)) == set(busy)


async def test_one_that_refuses_without_moving_on_is_not_asked_in_a_ring(
    services: Services,
) -> None:
    stuck = await come(services, NOW)
    process = Failing(Refused("not now"), stuck)
    await deliver(process, services)
    await process.ring_due(services)
    assert await table(services.store) == {stuck: NOW + LATER}


async def test_where_the_store_is_busy_the_alarm_stays_due(services: Services) -> None:
    busy, well = await come(services, NOW), await come(services, NOW)
    process = Failing(StoreBusy("busy"), busy)
    await deliver(process, services)
    with pytest.raises(StoreBusy):
        await process.ring_due(services)
    assert await table(services.store) == {busy: NOW}
    assert await rang(services.store, well) == [NOW]


async def test_an_alarm_of_no_stream_is_dropped(services: Services) -> None:
    await services.store.pool.execute(
        "INSERT INTO stream_alarms VALUES ('sleepers', 'sleeper-gone', 1, $1)", NOW
    )
    await Sleepers().ring_due(services)
    assert await table(services.store) == {}


async def test_who_is_left_out_is_not_noted(services: Services) -> None:
    class Choosy(Sleepers):
        async def left_out(self, stream_ids: Sequence[str], services: Services) -> Collection[str]:
            return {stream_id for stream_id in stream_ids if stream_id == left}

    left, taken = await come(services, NOW), await come(services, NOW)
    await deliver(Choosy(), services)
    assert set(await table(services.store)) == {taken}


async def test_who_has_seen_less_does_not_overwrite_who_has_seen_more(services: Services) -> None:
    sleeper, process = await come(services, NOW + MINUTE), Sleepers()
    await move(services, sleeper, NOW + 2 * MINUTE)
    await deliver(process, services)
    for stale in (NOW + 9 * MINUTE, None):
        await process._note([Alarm(sleeper, 1, stale)], services)
    assert await table(services.store) == {sleeper: NOW + 2 * MINUTE}


def sample(name: str) -> float:
    return REGISTRY.get_sample_value(name, {"process": "sleepers"}) or 0.0


async def test_how_late_an_alarm_rings_is_measured(services: Services) -> None:
    await come(services, NOW)
    process = Sleepers()
    await deliver(process, services)
    clock(services).now = NOW + timedelta(seconds=7)
    before = sample("citybrain_alarm_lag_seconds_sum")
    await process.ring_due(services)
    assert sample("citybrain_alarm_lag_seconds_sum") - before == pytest.approx(7)
    assert sample("citybrain_alarm_overdue_seconds") == 0


async def test_it_wakes_at_the_next_time_and_asks_nothing_between(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "LOOK_SECONDS", 60.0)
    monkeypatch.setattr(alarms, "CLOCK_SECONDS", 60.0)
    services = services_over(store)
    asked: list[str] = []

    class Watched(Sleepers):
        async def ring_due(self, services: Services) -> None:
            asked.append("due")
            await super().ring_due(services)

    async with running(services, Watched()):
        await come(services, datetime.now(UTC) + timedelta(hours=1))
        later = await come(services, datetime.now(UTC) + timedelta(seconds=1.5))
        sooner = await come(services, datetime.now(UTC) + timedelta(seconds=0.8))
        await until_it_rang(store, sooner)
        await until_it_rang(store, later)
        for sleeper in (sooner, later):
            *_, event = await store.read(sleeper)
            assert event.data["timestamp"] >= event.data["due_at"]
    assert len(asked) <= 4


async def test_a_clock_that_is_set_is_followed(store: EventStore, services: Services) -> None:
    async with running(services, Sleepers()):
        sleeper = await come(services, NOW + MINUTE)
        await eventually(partial(table, store))
        assert await rang(store, sleeper) == []
        clock(services).now = NOW + MINUTE
        await until_it_rang(store, sleeper)


async def test_an_alarm_that_another_process_noted_is_found(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "LOOK_SECONDS", 0.2)
    services = services_over(store)
    sleeper = await come(services, datetime.now(UTC) + timedelta(seconds=0.5))
    await store.pool.execute("INSERT INTO process_checkpoints VALUES ('sleepers', 1)")
    async with running(services, Sleepers()):
        await Sleepers().react_all(await store.read(sleeper), services)
        await until_it_rang(store, sleeper)


async def test_whoever_takes_over_rings_what_is_left_once(
    store: EventStore, settings: Settings
) -> None:
    services = services_over(store)
    at = datetime.now(UTC) + timedelta(seconds=0.3)
    sleepers = [await come(services, at) for _ in range(200)]
    async with open_event_store(settings) as other:
        process = Counted()
        leading = asyncio.create_task(BatchRunner(store, process, services).run())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not process.rings:
                await asyncio.sleep(0)
        standby = asyncio.create_task(BatchRunner(other, Sleepers(), services_over(other)).run())
        leading.cancel()
        await asyncio.gather(leading, return_exceptions=True)
        await eventually(partial(nothing_is_left, store))
        standby.cancel()
        await asyncio.gather(standby, return_exceptions=True)
    assert process.rings < len(sleepers)
    assert [await rang(store, each) for each in sleepers] == [[at]] * len(sleepers)
    assert not await parked_commands(store)


async def test_both_at_once_ring_once(store: EventStore, settings: Settings) -> None:
    """A leader that does not know yet that it has lost the lead."""
    async with open_event_store(settings) as other:
        ours, theirs = services_over(store), services_over(other)
        ours.clock = theirs.clock = Clock()
        sleepers = [await come(ours, NOW) for _ in range(100)]
        await deliver(Sleepers(), ours)
        await asyncio.gather(Sleepers().ring_due(ours), Sleepers().ring_due(theirs))
    assert [await rang(store, each) for each in sleepers] == [[NOW]] * len(sleepers)


async def test_a_repeated_alarm_sends_the_same_command(services: Services) -> None:
    ids: list[Any] = []

    class Noting(Sleepers):
        async def ring(self, sleeper: Sleeper, context: CommandContext, services: Services) -> None:
            ids.append(context.command_id)
            raise StoreBusy("busy")

    await come(services, NOW)
    process = Noting()
    await deliver(process, services)
    for _ in range(2):
        with pytest.raises(StoreBusy):
            await process.ring_due(services)
    assert len(ids) == 2
    assert len(set(ids)) == 1
