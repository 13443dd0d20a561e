"""The front page's live numbers: one snapshot a second for all who look.

Counts, topics and stream ids only: no free text, nobody's data.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import orjson
import structlog
from aiohttp import web

from citybrain.city_day import city_day
from citybrain.errors import Unavailable
from citybrain.eventstore.lane import CONNECTION_LOST
from citybrain.http.evaluation import rates
from citybrain.http.routing import Answer, Call, Route
from citybrain.http.runtime import RUNTIME, Runtime
from citybrain.http.sse import message, stream_events
from projections import application_days, evaluation_days, heat_grid, streams
from projections import case_desk_questions as desk
from projections.heat_grid import SQUARES_A_DEGREE
from projections.registry import PROJECTIONS
from projections.status import projection_status

log = structlog.get_logger(__name__)

SNAPSHOT_SECONDS = 1.0
NEWEST = 40

ORIGINS = """
SELECT case_id, details ->> 'class_code' AS class_code,
       (details ->> 'simulated')::boolean AS simulated
FROM case_timeline.entries WHERE case_id = ANY($1) AND version = 1
UNION ALL
SELECT application_id, service, simulated
FROM applications.applications WHERE application_id = ANY($1)
"""
ANY_SIMULATED = """
SELECT EXISTS (SELECT FROM case_desk.cases WHERE simulated)
    OR EXISTS (SELECT FROM applications.applications WHERE simulated)
"""
WAITING = "SELECT count(*) FROM applications.applications WHERE waiting"
COUNTED = ("submitted", "paid", "approved", "refused", "referred", "ended_well")
SAVED = ("materials", "steps", "trips")
CASES_COUNTED = ("reported", "detections", "handled", "closed", "returned", "reopened")
SQUARES = 1500
WORLD = (-90 * SQUARES_A_DEGREE, 90 * SQUARES_A_DEGREE, -180 * SQUARES_A_DEGREE,
         180 * SQUARES_A_DEGREE)  # fmt: skip


class LiveBoard:
    """Takes snapshots while anybody looks, and hands the latest to each viewer."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._latest: bytes | None = None
        self._changed = asyncio.Event()
        self._head = 0
        self._at = time.monotonic()
        self._viewers = 0

    async def run(self) -> None:
        """Take a snapshot a second while there are viewers."""
        while True:
            if self._viewers:
                try:
                    await self._take()
                except (Unavailable, LookupError, *CONNECTION_LOST) as error:
                    log.warning("snapshot_failed", error=type(error).__name__)
            await asyncio.sleep(SNAPSHOT_SECONDS)

    async def messages(self) -> AsyncIterator[bytes]:
        """The latest snapshot, then each new one; a slow viewer misses those in between."""
        self._viewers += 1
        try:
            if self._latest is None:
                await self._take()
            while True:
                changed = self._changed
                assert self._latest is not None
                yield message("snapshot", self._latest)
                await changed.wait()
        finally:
            self._viewers -= 1

    async def _take(self) -> None:
        snapshot = await self._snapshot()
        self._latest = orjson.dumps(snapshot, default=str)
        self._changed.set()
        self._changed = asyncio.Event()

    async def _snapshot(self) -> dict[str, Any]:
        store = self._runtime.store
        head, now = await store.head(), time.monotonic()
        elapsed = max(now - self._at, 1e-3)
        rate = max(head - self._head, 0) / elapsed if self._head else 0.0
        self._head, self._at = head, now
        newest = (await store.read_all(max(head - NEWEST, 0), limit=NEWEST))[::-1]
        rows = await store.pool.fetch(ORIGINS, [event.stream_id for event in newest])
        origins = {row["case_id"]: row for row in rows}
        counts = await desk.open_counts(store.pool)
        return {
            "head": head,
            "streams": [
                {name: row[name] for name in ("category", "streams", "events")}
                for row in await streams.counts(store.pool)
            ],
            "newest": [
                {
                    "position": event.position,
                    "topic": event.topic,
                    "stream_id": event.stream_id,
                    "recorded_at": event.recorded_at,
                    "class_code": origin["class_code"] if origin else None,
                    "simulated": origin["simulated"] if origin else None,
                }
                for event in newest
                for origin in (origins.get(event.stream_id),)
            ],
            "lag": [
                {name: row[name] for name in ("projection", "position", "lag")}
                for row in await projection_status(store, PROJECTIONS)
            ],
            "open": counts,
            "open_total": sum(row["open"] for row in counts),
            "rate_per_second": round(rate, 1),
            "simulated": await store.pool.fetchval(ANY_SIMULATED),
            "applications": await self._applications(),
            "cases": await self._cases(),
        }

    async def _cases(self) -> dict[str, Any]:
        """The city's day of street problems: where, how far, what is late."""
        pool, now = self._runtime.store.pool, self._runtime.services.clock()
        day = city_day(now)
        days = await evaluation_days.counts(pool, by="day", since=day, until=day)
        whole = days.get(str(day), {})
        counts = await desk.deadline_counts(pool, now)
        squares = await heat_grid.squares(
            pool, since=day, until=day, class_code=None, squares=WORLD, limit=SQUARES
        )
        return {
            "day": day,
            "counts": {what: whole.get(what, 0) for what in CASES_COUNTED},
            "rates": rates(whole).model_dump(),
            "overdue": sum(row["overdue"] for row in counts),
            "within_1_hour": sum(row["within_1_hour"] for row in counts),
            "squares_a_degree": SQUARES_A_DEGREE,
            "squares": [[row["north"], row["east"], row["reported"]] for row in squares],
        }

    async def _applications(self) -> dict[str, Any]:
        """The city's day of applications: how many, how fast, what was saved."""
        pool, day = self._runtime.store.pool, city_day(self._runtime.services.clock())
        totals: Counter[str] = Counter()
        for row in await application_days.days(pool, since=day, until=day):
            totals.update(row["counts"])
        return {
            "day": day,
            "waiting": await pool.fetchval(WAITING),
            "seconds": await application_days.seconds_to_money(pool, since=day, until=day),
            "saved": {what: [totals[f"{what}_before"], totals[f"{what}_now"]] for what in SAVED},
            **{what: totals[what] for what in COUNTED},
        }


BOARD: web.AppKey[LiveBoard] = web.AppKey("board", LiveBoard)


async def live(call: Call) -> web.StreamResponse:
    """Follow the live numbers."""
    return await stream_events(call.request, call.runtime, call.request.app[BOARD].messages())


async def run_board(app: web.Application) -> AsyncIterator[None]:
    """Own the snapshot task for the life of the application."""
    app[BOARD] = LiveBoard(app[RUNTIME])
    task = asyncio.create_task(app[BOARD].run())
    yield
    task.cancel()


ROUTES = (
    Route(
        method="GET",
        path="/live",
        summary="Live numbers (server-sent events)",
        tag="operations",
        handler=live,
        answers={200: Answer("text/event-stream of `snapshot` events")},
        streaming=True,
    ),
)
