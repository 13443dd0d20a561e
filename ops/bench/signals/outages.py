"""`citybrain bench signals-outages`: what the street shows while what it rests on is away.

A real server process, a real PostgreSQL and reference controllers, in real time: the server is
killed, PostgreSQL is away for a minute, and half of the controllers are cut off. Nothing is
simulated but the lamps. It fails where anything unsafe was shown or is in the log.
"""

import asyncio
import os
import random
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, redirect_stdout, suppress
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import aiohttp
import psutil
from rich.console import Console
from rich.table import Table

from citybrain.audit.signals.exports import by_version, read_log
from citybrain.audit.signals.verify import verify
from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.signals.junctions import DatedJunction, SignalDefinitions, load_signals
from citybrain.eventstore import open_event_store
from citybrain.eventstore.embedded import EmbeddedPostgres
from citybrain.settings import Settings
from citybrain.systems import register_streams
from ops.bench.signals.cabinet import IN_STEP_MS, Cabinet, now_ms
from ops.bench.signals.wire import Wire
from ops.bench.workbench import BenchFailed
from ops.simulators.client import Client, Person

ROAD = ("renmin_1", "renmin_2", "renmin_3", "renmin_4")
DEFINITIONS = Path(__file__).resolve().parents[3] / "src" / "citybrain" / "definitions" / "city"
OFFICER = Person("road-officer", "official", "traffic_police")
CONTROLLERS = Person("renmin-controllers", "gateway", acts_for=("signal:renmin_*",))
LONGEST_SECONDS = 400.0
"""How long it may take until all is as before."""


@dataclass
class Outage:
    """What was away from `began` to `ended`, in milliseconds since 1970; whom it should reach."""

    name: str
    junctions: Sequence[str]
    began: int
    ended: int = 0


@dataclass
class World:
    """All that stands there."""

    folder: Path
    console: Console
    definitions: SignalDefinitions
    port: int = field(default_factory=lambda: free_port())
    cabinets: list[Cabinet] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    server: asyncio.subprocess.Process | None = None
    database: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def dated(self, junction: str) -> DatedJunction:
        return self.definitions.junctions[junction][-1]

    async def start_server(self) -> None:
        """Start it; returns when it answers."""
        ours = {each: said for each, said in os.environ.items() if "CITYBRAIN_" not in each}
        self.server = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from citybrain.cli import main; main()"),
            *("serve", "--port", str(self.port)),
            stdout=DEVNULL,
            stderr=DEVNULL,
            env=ours
            | {
                "CITYBRAIN_DATABASE_URL": self.database,
                "CITYBRAIN_DATA_DIR": str(self.folder / "server"),
                "CITYBRAIN_MODE": "development",
            },
        )
        async with aiohttp.ClientSession() as session:
            while True:
                with suppress(aiohttp.ClientError, OSError):
                    async with session.get(f"{self.url}/healthz") as answer:
                        if answer.ok:
                            return
                if self.server.returncode is not None:
                    raise BenchFailed("the server did not start")
                await asyncio.sleep(0.2)

    async def kill_server(self) -> None:
        """SIGKILL, as a power cut would."""
        if self.server is not None and self.server.returncode is None:
            self.server.send_signal(signal.SIGKILL)
            await self.server.wait()

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for it; raises `BenchFailed` where it does not come."""
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                while not holds():  # noqa: ASYNC110  the street tells nobody
                    await asyncio.sleep(0.5)
        except TimeoutError:
            shown = {
                each.code: (each.controller.remote, each.starts[-2:]) for each in self.cabinets
            }
            raise BenchFailed(f"not within {LONGEST_SECONDS:g} s: {what}; {shown}") from None

    def all_back(self, since: int) -> bool:
        """Whether each junction is under the centre and began its first stage in step since."""
        return all(back_at(each, since) and in_step_at(each, since) for each in self.cabinets)


def back_at(cabinet: Cabinet, since: int) -> int | None:
    """From when on the centre has a junction for good, after `since`."""
    if not cabinet.controller.remote:
        return None
    alone = [each.at for each in cabinet.moments if not each.remote]
    later = [each.at for each in cabinet.moments if each.remote and each.at > max(alone, default=0)]
    return max(since, min(later, default=since))


def in_step_at(cabinet: Cabinet, since: int) -> int | None:
    """When the first stage began in step with the plan, under the centre, after `since`."""
    back = back_at(cabinet, since)
    if back is None:
        return None
    found = (
        each.at
        for each in cabinet.starts
        if each.at >= back and each.remote and abs(each.off_ms) <= IN_STEP_MS
    )
    return next(found, None)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


async def outages(strategy: str, away_seconds: float) -> None:
    """All three, one after the other; tables to standard output."""
    register_streams()
    console = Console(width=150)
    definitions = load_signals(Files(DEFINITIONS), Definitions())
    with tempfile.TemporaryDirectory(prefix="citybrain-outages-") as name:
        folder = Path(name)
        await asyncio.to_thread(folder.chmod, 0o755)
        world = World(folder, console, definitions)
        postgres = EmbeddedPostgres(folder / "database")
        world.database = await postgres.start()
        try:
            await _story(world, postgres, strategy, away_seconds)
            found = await _unsafe(world)
        finally:
            await world.kill_server()
            kill_postgres(folder / "database")
        console.print(_second_by_second(world))
        console.print(_summary(world))
    for text in found:
        console.print(text)
    if found:
        raise BenchFailed(f"{len(found)} findings")
    console.print("monitors and checker found nothing unsafe")


async def _story(
    world: World, postgres: EmbeddedPostgres, strategy: str, away_seconds: float
) -> None:
    await world.start_server()
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        client = Client(
            session,
            world.url,
            f"{world.url}/dev/token",
            give_up_after_seconds=600,
            chance=random.Random(1),
        )
        halves = [await stack.enter_async_context(Wire(world.port).laid()) for _ in range(2)]
        token = await client.token(CONTROLLERS)  # keys outlive the server

        async def controllers() -> str:
            return token

        for place, junction in enumerate(ROAD):
            path = f"/v1/signals/junctions/{junction}"
            await client.command(OFFICER, f"{path}/service", {"reason": "new"})
            await client.command(
                OFFICER, f"{path}/strategy", {"strategy": strategy, "reason": "trial"}
            )
            half = halves[place * len(halves) // len(ROAD)]
            world.cabinets.append(Cabinet(world.dated(junction), controllers, half.url))
        async with asyncio.TaskGroup() as group:
            working = [group.create_task(each.run()) for each in world.cabinets]
            await _three(world, postgres, halves[0], away_seconds)
            for each in working:
                each.cancel()


async def _three(world: World, postgres: EmbeddedPostgres, half: Wire, away_seconds: float) -> None:
    await world.until(lambda: world.all_back(0), "all begin under the centre")

    async def server_away() -> None:
        await world.kill_server()

    async def store_away() -> None:
        kill_postgres(world.folder / "database")

    async def store_there() -> None:
        with redirect_stdout(StringIO()):  # its wheel shows the whole log of the recovery
            await postgres.ensure_running()

    async def half_away() -> None:
        half.cut = True

    async def half_there() -> None:
        half.cut = False

    first = ROAD[: len(ROAD) // 2]
    await _away(world, "the server is killed", ROAD, server_away, world.start_server, away_seconds)
    await _away(world, "PostgreSQL is away", ROAD, store_away, store_there, away_seconds)
    await _away(world, "half of them are cut off", first, half_away, half_there, away_seconds)


async def _away(
    world: World,
    name: str,
    junctions: Sequence[str],
    take: Callable[[], Awaitable[None]],
    bring_back: Callable[[], Awaitable[None]],
    seconds: float,
) -> None:
    """Take something away for so long; returns when all is as it was before."""
    world.console.print(f"{name}, for {seconds:g} s …")
    outage = Outage(name, junctions, now_ms())
    world.outages.append(outage)
    await take()
    await asyncio.sleep(seconds)
    await bring_back()
    outage.ended = now_ms()
    await world.until(lambda: world.all_back(outage.ended), f"all are back after {name}")
    await asyncio.sleep(5)


def kill_postgres(data_dir: Path) -> None:
    """SIGKILL the postmaster of a folder and its children."""
    folder = (data_dir / "postgres").resolve()
    with suppress(FileNotFoundError, psutil.NoSuchProcess):
        postmaster = psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
        if str(folder) in postmaster.cmdline():
            for process in [postmaster, *postmaster.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()


async def _unsafe(world: World) -> list[str]:
    """What monitors saw on the lamps, and what the checker finds in the log."""
    found = [f"{each.code}: {text}" for each in world.cabinets for text in each.monitor.found]
    async with open_event_store(Settings(database_url=world.database)) as store:
        for code, events in (await read_log(store)).items():
            for version, of_version in by_version(events).items():
                dated = world.definitions.of_version(code, version)
                if dated is not None:
                    broken = verify(dated.file, of_version, now_ms())
                    found += [
                        f"{code}: rule {each.rule} at {each.at}: {each.text}" for each in broken
                    ]
    return found


def _second_by_second(world: World) -> Table:
    """Each second in which a junction showed something else, or somebody else decided."""
    table = Table("s", "", *ROAD, title="what the street shows; ~ ends, (plan) alone")
    for outage in world.outages:
        seconds = range(-5, (_end(world, outage) - outage.began) // 1000 + 2)
        before: list[str] = []
        for second in seconds:
            at = outage.began + second * 1000
            row = [_at(each, at) for each in world.cabinets]
            back = (outage.ended - outage.began) // 1000
            what = outage.name if second == 0 else "it is back" if second == back else ""
            if row != before or what:
                cells = [
                    each if place >= len(before) or each != before[place] else "·"
                    for place, each in enumerate(row)
                ]
                table.add_row(str(second), what, *cells)
            before = row
        table.add_section()
    return table


def _at(cabinet: Cabinet, at: int) -> str:
    shown = [each for each in cabinet.moments if each.at <= at]
    if not shown:
        return ""
    return shown[-1].text if shown[-1].remote else f"({shown[-1].text})"


def _end(world: World, outage: Outage) -> int:
    """When all was as before, as far as this outage goes."""
    later = [each.began for each in world.outages if each.began > outage.began]
    ends = [_in_step(world, each, outage) or outage.ended for each in world.cabinets]
    return min([max(ends), *later])


def _summary(world: World) -> Table:
    """By outage and junction, in seconds: alone since, back and in step after it was over."""
    columns = ("alone after s", "under the centre after s", "in coordination after s")
    table = Table("outage", "for s", "junction", *columns, "longest red s", title="back again")
    for outage in world.outages:
        for cabinet in world.cabinets:
            alone = [
                each.at
                for each in cabinet.moments
                if outage.began <= each.at <= _until(world, outage) and not each.remote
            ]
            back = [
                each.at
                for each in cabinet.moments
                if alone and alone[0] < each.at <= _until(world, outage) and each.remote
            ]
            last = max((each for each in alone), default=0)
            back = [each for each in back if each > last]
            step = _in_step(world, cabinet, outage)
            table.add_row(
                outage.name,
                f"{(outage.ended - outage.began) / 1000:.0f}",
                cabinet.code,
                f"{(alone[0] - outage.began) / 1000:.1f}" if alone else "never",
                f"{(back[0] - outage.ended) / 1000:+.1f}" if back else "",
                f"{(step - outage.ended) / 1000:+.1f}" if step else "",
                f"{_longest_red(cabinet, outage.began, _until(world, outage)):.0f}",
            )
        table.add_section()
    return table


def _until(world: World, outage: Outage) -> int:
    later = [each.began for each in world.outages if each.began > outage.began]
    return min(later, default=now_ms())


def _in_step(world: World, cabinet: Cabinet, outage: Outage) -> int | None:
    """The first green of the first stage in step under the centre after the outage."""
    ends = _until(world, outage)
    alone = [e.at for e in cabinet.moments if outage.began <= e.at <= ends and not e.remote]
    after = max([outage.ended, *alone])
    return next(
        (
            each.at
            for each in cabinet.starts
            if after <= each.at <= ends and each.remote and abs(each.off_ms) <= IN_STEP_MS
        ),
        None,
    )


def _longest_red(cabinet: Cabinet, since: int, until: int) -> float:
    """Of all groups, in seconds, as far as it lies between two moments."""
    longest = 0
    for code in cabinet.dated.junction.groups:
        green, ended = True, since
        for each in (each for each in cabinet.moments if since <= each.at <= until):
            shows = code in each.text.split()
            if green and not shows:
                ended = each.at
            elif shows and not green:
                longest = max(longest, each.at - ended)
            green = shows
        longest = max(longest, 0 if green else until - ended)
    return longest / 1000
