"""Reactions that take long: none holds up another, and none is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, ClassVar

import asyncpg
import pytest

from citybrain.errors import Refused
from citybrain.eventstore import EventStore, RecordedEvent
from commands.handling import CommandContext
from commands.inspection.case import report_case
from commands.processes import side_by_side
from commands.processes.parked import parked_commands
from commands.processes.runner import ATTEMPTS
from commands.processes.side_by_side import SideBySideRunner
from commands.services import Services
from tests.given.services import CAMERA, context, report, services_over
from tests.given.waiting import PATIENCE_SECONDS, holds


class Slow:
    """Finishes what it is let finish; the rest waits."""

    name: ClassVar[str] = "slow"
    topics: ClassVar[tuple[str, ...]] = ("case.reported",)

    def __init__(self) -> None:
        self.may_end: dict[str, asyncio.Event] = {}
        self.begun: list[str] = []
        self.ended: list[str] = []

    def let_end(self, stream_id: str) -> None:
        self.may_end.setdefault(stream_id, asyncio.Event()).set()

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        self.begun.append(event.stream_id)
        await self.may_end.setdefault(event.stream_id, asyncio.Event()).wait()
        self.ended.append(event.stream_id)


@asynccontextmanager
async def running(services: Services, manager: Any) -> AsyncIterator[SideBySideRunner]:
    runner = SideBySideRunner(services.store, manager, services)
    task = asyncio.create_task(runner.run())
    yield runner
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def checkpoint(store: EventStore) -> int | None:
    position: int | None = await store.pool.fetchval(
        "SELECT position FROM process_checkpoints WHERE process = 'slow'"
    )
    return position


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "CHECKPOINT_SECONDS", 0.05)


async def test_one_that_waits_holds_up_nobody_and_is_taken_up_again(store: EventStore) -> None:
    services, slow = services_over(store), Slow()
    first, second, third = [
        (await report_case(report(), context(CAMERA), services)).stream_id for _ in range(3)
    ]
    async with running(services, slow) as runner:
        slow.let_end(second)
        slow.let_end(third)
        await holds(lambda: slow.ended == [second, third])
        assert runner.finished == 0
    assert await checkpoint(store) is None
    again = Slow()
    async with running(services, again):
        await holds(lambda: sorted(again.begun) == sorted([first, second, third]))
        for stream_id in (first, second, third):
            again.let_end(stream_id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await checkpoint(store) != 3:
                await asyncio.sleep(0.02)


class Failing(Slow):
    """Fails for good, or is refused once."""

    error: Exception = RuntimeError()

    async def react(self, event: RecordedEvent, *_: Any) -> None:
        self.begun.append(event.stream_id)
        if isinstance(self.error, RuntimeError) or len(self.begun) == 1:
            raise self.error
        self.ended.append(event.stream_id)


class Away(Slow):
    """Fails more often than what is parked, and then no more."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    async def react(self, event: RecordedEvent, *_: Any) -> None:
        self.begun.append(event.stream_id)
        if len(self.begun) < ATTEMPTS + 3:
            raise self.error


async def test_what_fails_again_and_again_is_parked(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "RETRY_SECONDS", 0.01)
    services, failing = services_over(store), Failing()
    await report_case(report(), context(CAMERA), services)
    async with running(services, failing) as runner:
        await holds(lambda: runner.finished == 1)
    (parked,) = await parked_commands(store)
    assert (parked["process"], parked["error"]) == ("slow", "RuntimeError")
    assert len(failing.begun) == ATTEMPTS


@pytest.mark.parametrize(
    "passing",
    [
        asyncpg.LockNotAvailableError("55P03"),
        asyncpg.QueryCanceledError("57014"),
        asyncpg.DeadlockDetectedError("40P01"),
        asyncpg.DiskFullError("53100"),
        asyncpg.OutOfMemoryError("53200"),
        asyncpg.ReadOnlySQLTransactionError("25006"),
        asyncpg.ConnectionDoesNotExistError("08003"),
    ],
    ids=str,
)
async def test_what_the_database_cannot_do_now_is_tried_until_it_can(
    store: EventStore, monkeypatch: pytest.MonkeyPatch, passing: Exception
) -> None:
    monkeypatch.setattr(side_by_side, "RETRY_SECONDS", 0.001)
    services, away = services_over(store), Away(passing)
    await report_case(report(), context(CAMERA), services)
    async with running(services, away) as runner:
        await holds(lambda: runner.finished == 1)
    assert len(away.begun) == ATTEMPTS + 3
    assert await parked_commands(store) == []


async def test_a_refusal_means_look_again(store: EventStore) -> None:
    services, refused = services_over(store), Failing()
    refused.error = Refused("somebody was faster")
    await report_case(report(), context(CAMERA), services)
    async with running(services, refused) as runner:
        await holds(lambda: runner.finished == 1)
    assert len(refused.begun) == 2
    assert await parked_commands(store) == []
