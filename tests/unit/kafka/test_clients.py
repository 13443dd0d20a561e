"""A client is closed in time, and nobody who closes one goes on after being cancelled."""

import asyncio
from contextlib import suppress

import pytest
from aiokafka.errors import KafkaConnectionError

from citybrain.kafka import clients
from tests.given.waiting import PATIENCE_SECONDS


async def test_a_cancellation_is_not_lost_in_a_client_that_takes_it_for_its_own() -> None:
    begun, forever = asyncio.Event(), asyncio.Event()

    async def closing() -> None:
        begun.set()
        with suppress(asyncio.CancelledError):  # as aiokafka does, of its own tasks
            await forever.wait()

    async def work() -> None:
        while True:
            await clients._in_time(closing())

    working = asyncio.create_task(work())
    await begun.wait()
    working.cancel()
    done, _ = await asyncio.wait([working], timeout=PATIENCE_SECONDS)
    assert done
    assert working.cancelled()


async def test_one_that_hangs_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "STOP_SECONDS", 0.01)
    ended = asyncio.Event()

    async def closing() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    await clients._in_time(closing())
    assert ended.is_set()


async def test_brokers_that_are_away_are_no_fault_of_who_closes() -> None:
    async def away() -> None:
        raise KafkaConnectionError

    async def wrong() -> None:
        raise RuntimeError

    await clients._in_time(away())
    with pytest.raises(RuntimeError):
        await clients._in_time(wrong())
