"""The hourly clean-up outlives a lost connection."""

import asyncio
from collections.abc import Coroutine, Sequence
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest
from structlog.testing import capture_logs

from citybrain import app
from citybrain.systems.system import System
from commands.services import Services
from tests.given.waiting import PATIENCE_SECONDS


def upkeep(*systems: SimpleNamespace) -> Coroutine[Any, Any, None]:
    return app._upkeep(cast(Services, SimpleNamespace()), cast(Sequence[System], systems))


async def test_a_clean_up_that_fails_is_said_and_tried_again_and_stops_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []
    twice = asyncio.Event()

    async def loses_its_connection(_: Services) -> None:
        calls.append("first")
        raise asyncpg.ConnectionDoesNotExistError("the server went away")

    async def forgets(_: Services) -> None:
        calls.append("second")
        if calls.count("second") == 2:
            twice.set()

    systems = (SimpleNamespace(at_start=(), upkeep=(loses_its_connection, forgets)),)
    monkeypatch.setattr(app, "HOUR_SECONDS", 0.0)
    with capture_logs() as logs:
        task = asyncio.create_task(upkeep(*systems))
        await asyncio.wait_for(twice.wait(), PATIENCE_SECONDS)
        task.cancel()
    assert calls[:4] == ["first", "second"] * 2
    assert logs[0]["event"] == "upkeep_failed"
    assert logs[0]["work"] == "loses_its_connection"


async def test_what_follows_from_definitions_is_done_at_once_and_again_each_hour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []
    dropped = asyncio.Event()

    async def follows(_: Services) -> None:
        calls.append("follows")

    async def drops(_: Services) -> None:
        calls.append("drops")
        dropped.set()

    systems = (SimpleNamespace(at_start=(follows,), upkeep=(drops,)),)
    monkeypatch.setattr(app, "HOUR_SECONDS", 0.0)
    task = asyncio.create_task(upkeep(*systems))
    await asyncio.wait_for(dropped.wait(), PATIENCE_SECONDS)
    task.cancel()
    assert calls[:3] == ["follows", "follows", "drops"]
