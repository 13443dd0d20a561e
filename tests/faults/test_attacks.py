"""Whoever is slow or rude costs only themselves: an honest client is served meanwhile as before.

The server and its PostgreSQL have one core to themselves; who asks, honest or rude, has the others.
So the attackers' own work, which is done elsewhere where there are attackers, is not measured as
ours. Where there is one core all share it.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.given.api import REPORT_NOW
from tests.given.attacks import ATTACKS
from tests.given.server import Server, server
from tests.given.storm import STORM

QUIET_SECONDS, ATTACK_SECONDS = 20.0, 60.0
WARM_SECONDS, EVERY_SECONDS = 5.0, 0.02
REPORTS = 3_000
WORST = 3.0  # times the quiet 99th percentile


@contextmanager
def on(cores: set[int]) -> Iterator[None]:
    """What is started in the block runs on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@asynccontextmanager
async def attacked(running: Server, name: str, token: str) -> AsyncIterator[None]:
    """An attack goes on while the block runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.given.attacks", name, running.url, "600", token)
    )
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def percentile(session: aiohttp.ClientSession, seconds: float) -> tuple[float, int]:
    """Milliseconds of the 99th percentile of an honest client, and how often it was refused."""
    taken: list[float] = []
    refused, case, until = 0, "", time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        if len(taken) % 2 or not case:
            async with session.post("/v1/cases", json=REPORT_NOW) as answer:
                refused += answer.status != 201
                case = (await answer.json()).get("case_id", case)
        else:
            async with session.get(f"/v1/cases/{case}") as answer:
                refused += answer.status != 200
                await answer.read()
        taken.append(time.perf_counter() - began)
        await asyncio.sleep(max(0.0, began + EVERY_SECONDS - time.perf_counter()))
    return sorted(taken)[int(len(taken) * 0.99)] * 1000, refused


async def fill(session: aiohttp.ClientSession) -> None:
    """Something for deep pages to read."""

    async def some() -> None:
        for _ in range(REPORTS // 20):
            async with session.post("/v1/cases", json=REPORT_NOW) as answer:
                await answer.read()

    await asyncio.gather(*(some() for _ in range(20)))


@pytest.mark.storm
@pytest.mark.skipif(STORM == 1, reason="a minute of each attack is for a storm")
async def test_an_honest_client_does_not_feel_an_attack(tmp_path: Path) -> None:
    slow = []
    first, *others = sorted(os.sched_getaffinity(0))
    async with AsyncExitStack() as stack:
        with on({first}):
            running = await stack.enter_async_context(
                server(
                    tmp_path,
                    command="serve",
                    CITYBRAIN_MODE="development",
                    CITYBRAIN_LOG_LEVEL="ERROR",
                )
            )
        stack.enter_context(on(set(others) or {first}))
        token = await running.token("camera-1", "camera")
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(running.url, headers=headers) as session:
            await fill(session)
            await percentile(session, WARM_SECONDS)
            quiet, _ = await percentile(session, QUIET_SECONDS)
            print(f"\n{'quiet':<22} p99 {quiet:7.1f} ms")
            for name in ATTACKS:
                attacker = await running.token(f"attacker-{name}", "kiosk")
                async with attacked(running, name, attacker):
                    await percentile(session, WARM_SECONDS)
                    found, refused = await percentile(session, ATTACK_SECONDS)
                times = found / quiet
                print(f"{name:<22} p99 {found:7.1f} ms, {times:4.1f} times, {refused} refused")
                if times >= WORST or refused:
                    slow.append((name, round(times, 1), refused))
    assert not slow, slow
