"""`citybrain bench signals --intersections`: a made-up city of so many junctions, over HTTP.

Servers share the junctions, and do all else that servers do: read models, process managers,
answers. Each junction follows its queues, and its controller acknowledges. How long it takes from
an observation to what was decided on it is read off the log and off what controllers were told.
With `kill`, one server is killed in the end, and it is measured when all junctions are decided at
again. All of it goes by the city's clock (`town_clock`), which may go slower than ours.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from rich.console import Console

from citybrain.app import open_services
from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.actor import Actor, Role
from citybrain.domain.signals.days import put_in_service
from citybrain.domain.signals.officers import choose_strategy
from citybrain.domain.signals.signal import Signal
from citybrain.eventstore import EventStore
from commands.handling import CommandContext
from commands.signals.sharing import SHARDS
from ops.bench.append_ours import new_streams, ours
from ops.bench.child import Child
from ops.bench.signals import made_up
from ops.bench.signals.ingest import as_loop, observing
from ops.bench.signals.town_clock import TownClock
from ops.bench.workbench import BenchFailed, Workbench, describe_ground, open_workbench

OFFICER = Actor("officer-1", frozenset({Role.OFFICIAL}), "traffic_police")
TOGETHER = 250
SETTLE_SECONDS, SPREAD_SECONDS, HEARD_SECONDS = 300.0, 30.0, 3.0
CENTRE = "SELECT count(*) FROM stored_events WHERE topic = 'signal.mode_changed'"
CHANGES = """
SELECT split_part(originator_id, '-', 2) AS junction, right(originator_id, 10) AS day,
       originator_version AS version, recorded_at, state
FROM stored_events
WHERE notification_id > $1 AND notification_id <= $2 AND topic = 'signal.stage_applied'
"""
FAULTS = """
SELECT state FROM stored_events
WHERE notification_id > $1 AND notification_id <= $2 AND topic = 'signal.fault_raised'
"""
DECIDED = "SELECT count(*) FROM signal_heard WHERE who LIKE 'centre:%' AND heard_at > $1"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is measured."""

    junctions: int
    processes: int = 1
    seconds: float = 30.0
    kill: bool = False
    strategy: str = "adaptive"
    slower: float = 1.0


def run(wanted: Wanted, data_dir: Path | None = None) -> dict[str, Any]:
    """Measure, and print one line of JSON. Raises `BenchFailed` where it means nothing."""
    return asyncio.run(_run(wanted, data_dir))


async def _run(wanted: Wanted, data_dir: Path | None) -> dict[str, Any]:
    console = Console(stderr=True)
    async with open_workbench(3.0, data_dir) as bench, AsyncExitStack() as stack:
        console.print(await describe_ground(bench))
        limit = await ours(new_streams(1), 512)(bench)
        taken = await observing(as_loop)(bench)
        url = await stack.enter_async_context(bench.database())
        services = await stack.enter_async_context(open_services(bench.settings(url)))
        clock = TownClock.starting(wanted.slower)
        await _in_service(services.store, wanted, clock)
        orders = {"junctions": wanted.junctions, "clock": asdict(clock)}
        place = {"url": url, "folder": str(bench.folder)}
        servers = [
            await Child.start("ops.bench.signals.serving", orders | place)
            for _ in range(wanted.processes)
        ]
        for each in servers:
            stack.push_async_callback(each.stop)
        streets = await Child.start(
            "ops.bench.signals.streets",
            orders | {"servers": [await each.ready() for each in servers]},
        )
        stack.push_async_callback(streets.stop)
        await streets.ready()
        console.print("settling …")
        await _settled(services.store, wanted, clock)
        found = await _measured(bench, services.store, servers, streets, wanted, clock)
        found["store_limit_events_per_second"] = round(limit.rate)
        found["cpu_us_per_observation"] = round(taken.cpu_us or 0.0, 1)
        print(json.dumps(found), flush=True)
        return found


async def _in_service(store: EventStore, wanted: Wanted, clock: TownClock) -> None:
    """All junctions, with their strategy chosen."""
    dated = [each for (each,) in made_up.city(wanted.junctions).junctions.values()]
    for first in range(0, len(dated), TOGETHER):
        part = dated[first : first + TOGETHER]
        await asyncio.gather(*(_begin(store, each, wanted.strategy, clock.now()) for each in part))


async def _begin(store: EventStore, dated: DatedJunction, strategy: str, now: datetime) -> None:
    signal: Signal = put_in_service(dated.junction, now, dated.first_stage, "new", simulated=True)
    choose_strategy(
        signal, now, strategy, known=(strategy,), begins=now, by=OFFICER.subject, reason="trial"
    )
    context = CommandContext(OFFICER, "bench", uuid4(), uuid4())
    await store.save(signal, metadata=context.metadata())


async def _settled(store: EventStore, wanted: Wanted, clock: TownClock) -> None:
    """Until the centre decides at all junctions, and until they do not change all together."""
    until = time.monotonic() + SETTLE_SECONDS * wanted.slower
    while await store.pool.fetchval(CENTRE) < wanted.junctions:
        if time.monotonic() > until:
            raise BenchFailed("the servers do not come to decide at all junctions")
        await asyncio.sleep(1)
    await clock.sleep(SPREAD_SECONDS)


async def _measured(
    bench: Workbench,
    store: EventStore,
    servers: list[Child],
    streets: Child,
    wanted: Wanted,
    clock: TownClock,
) -> dict[str, Any]:
    for each in servers:
        await each.tell("go")
    await streets.tell("measure")
    first, began, computed = await store.head(), clock.seconds(), bench.postgres_cpu_seconds()
    await clock.sleep(wanted.seconds)
    last, took = await store.head(), clock.seconds() - began
    computed = bench.postgres_cpu_seconds() - computed
    for each in (streets, *servers):
        await each.tell("measured")
    said = [await each.said() for each in servers]
    taken_over = await _killed(store, servers[0], streets, clock) if wanted.kill else None
    await clock.sleep(HEARD_SECONDS)  # of the last changes
    await streets.tell("end")
    street = await streets.said()
    rows = await store.pool.fetch(CHANGES, first, last)
    found = _figures(wanted, took, said, street, rows, clock)
    found["events_per_second"] = round((last - first) / took, 1)
    faults = await store.pool.fetch(FAULTS, first, last)
    found["faults"] = Counter(orjson.loads(each["state"])["fault"] for each in faults)
    found["postgres_cores"] = round(computed / took, 2)
    found["taken_over_after_s"] = taken_over
    return found


async def _killed(store: EventStore, server: Child, streets: Child, clock: TownClock) -> float:
    """Seconds of ours from SIGKILL until others have decided at all junctions."""
    await streets.tell("killed 0")
    killed_at, began = clock.now(), time.monotonic()
    await server.kill()
    while await store.pool.fetchval(DECIDED, killed_at) < SHARDS:
        if time.monotonic() - began > SETTLE_SECONDS:
            raise BenchFailed("nobody takes over from the server that was killed")
        await asyncio.sleep(0.02)
    return round(time.monotonic() - began, 2)


def _figures(
    wanted: Wanted,
    took: float,
    said: list[Mapping[str, float]],
    street: Mapping[str, Any],
    rows: list[Any],
    clock: TownClock,
) -> dict[str, Any]:
    sent, heard = street["sent"], street["heard"]
    if not sent.get("recorded"):
        raise BenchFailed(f"observations were not taken: {sent}")
    recorded, published = [], []
    for row in rows:
        state = orjson.loads(row["state"])
        newest = (state.get("why") or {}).get("seen", {}).get("newest")
        if newest is None:
            continue
        recorded.append(clock.of(row["recorded_at"].timestamp()) * 1000 - newest)
        day = row["day"]
        at = heard.get(f"{row['junction']} {day}/{row['version']}")
        if at is not None:
            published.append(at * 1000 - newest)
    if not published:
        raise BenchFailed("no decision was published")
    decisions = sum(each["decisions"] for each in said)
    spent = sum(each["decisions_seconds"] for each in said)
    return {
        "bench": "signals-scale",
        "junctions": wanted.junctions,
        "processes": wanted.processes,
        "strategy": wanted.strategy,
        "slower": wanted.slower,
        "seconds": round(took, 1),
        "observations_per_second": round(sent["recorded"] / took),
        "observations_not_taken": sent.get("failed", 0) + sent.get("refused", 0),
        "reports_per_second": round(sent.get("told", 0) / took),
        "reports_not_taken": sent.get("not told", 0),
        "answer_ms": _spread(street["answered_ms"]),
        "decisions_per_second": round(decisions / took),
        "seconds_between_decisions": round(wanted.junctions * took / decisions, 2),
        "changes_per_second": round(len(recorded) / took, 1),
        "recorded_ms": _spread(recorded),
        "published_ms": _spread(published),
        "unheard": len(recorded) - len(published),
        "cpu_us_per_decision": round(spent / decisions * 1e6),
        "server_cores": [round(each["cpu_seconds"] / took, 2) for each in said],
        "rss_mb": [round(each["rss_mb"]) for each in said],
    }


def _spread(values: list[float]) -> dict[str, int]:
    found = sorted(values)
    return {
        f"p{share}": round(found[min(len(found) - 1, len(found) * share // 100)])
        for share in (50, 95, 99)
    }
