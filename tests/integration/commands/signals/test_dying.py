"""Whoever controls junctions dies before and after each of its steps, again and again."""

from datetime import UTC, datetime, timedelta

import pytest

from citybrain.audit.signals.exports import read_log
from citybrain.domain.signals.signal import Signal
from citybrain.eventstore import EventStore
from citybrain.eventstore.types import StoreUnavailable
from commands.signals.control import SignalControl
from tests.given.signals.controlled import RENMIN, Centre, in_service

MIDNIGHT = datetime(2026, 9, 14, 16, 0, tzinfo=UTC)


class Died(BaseException):
    """The process is gone: nothing catches that."""


class Mortal(SignalControl):
    """Dies with the append after so many: before it, or as soon as it is durable."""

    def __init__(self, centre: Centre, lives: int, *, before: bool) -> None:
        super().__init__(centre.services, centre.memory)
        self._lives, self._before = lives, before

    async def _save(self, signal: Signal) -> None:
        if not signal.pending_events:
            return
        self._lives -= 1
        if self._lives < 0 and self._before:
            raise Died
        await super()._save(signal)
        if self._lives < 0:
            raise Died


@pytest.mark.parametrize("away_seconds", [0, 1, 4])
async def test_nothing_unsafe_is_in_the_log_whenever_it_dies(
    store: EventStore, away_seconds: int
) -> None:
    """Four junctions over midnight; of each ten appends one process sees only a few."""
    centre = await Centre.over(store, MIDNIGHT - timedelta(seconds=400))
    await in_service(centre, *RENMIN)
    await centre.hear()
    deaths = 0
    while centre.clock.now < MIDNIGHT + timedelta(seconds=200):
        centre.control = Mortal(centre, deaths % 3, before=deaths % 2 == 0)
        await centre.control.load()
        try:
            await centre.run_until(MIDNIGHT + timedelta(seconds=200))
        except Died:
            deaths += 1
            centre.clock.now += timedelta(seconds=away_seconds)
    assert deaths > 40
    assert await centre.violations() == {code: [] for code in RENMIN}
    for code, events in (await read_log(store)).items():
        topics = [each.topic for each in events]
        assert topics.count("signal.day_closed") == 1, code
        assert topics.count("signal.day_opened") == 2, code
        stages = [each.data["stage"] for each in events if each.topic == "signal.stage_applied"]
        assert stages[-3:] in (["A", "B", "C"], ["B", "C", "A"], ["C", "A", "B"]), code


class Cut(SignalControl):
    """Cannot reach the store until a moment."""

    def __init__(self, centre: Centre, until: datetime) -> None:
        super().__init__(centre.services, centre.memory)
        self._until, self.tried = until, 0

    async def _save(self, signal: Signal) -> None:
        if self._services.clock() < self._until and signal.pending_events:
            self.tried += 1
            raise StoreUnavailable("PostgreSQL is away")
        await super()._save(signal)


async def test_while_the_store_is_away_nothing_is_decided_and_then_the_plan_goes_on(
    store: EventStore,
) -> None:
    centre = await Centre.over(store, MIDNIGHT - timedelta(seconds=400))
    await in_service(centre, *RENMIN)
    await centre.run(130)
    began = centre.clock()
    centre.control = away = Cut(centre, began + timedelta(seconds=60))
    await away.load()
    before = await store.head()
    await centre.run(59)
    assert away.tried >= 4, "it went on trying"
    assert await store.head() == before
    await centre.run(181)
    assert await store.head() > before + 16
    absences = [
        (code, each.data["fault"])
        for code, events in (await read_log(store)).items()
        for each in events
        if each.topic == "signal.fault_raised"
    ]
    assert absences == [(code, "unattended") for code in RENMIN], "it is on record that nobody did"
    for code in RENMIN:
        signal = away.signal(code)
        assert signal.version == (await store.load(Signal, signal.id)).version
    assert await centre.violations() == {code: [] for code in RENMIN}
