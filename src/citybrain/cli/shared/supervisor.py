"""Several serving processes on one port: started, watched, replaced one by one, ended together.

Each process has a place with a socket of its own, all on one port (SO_REUSEPORT): the kernel
spreads connections over them. The supervisor holds the sockets. Where a process is replaced, the
new one accepts from the same socket before the old one stops, so no connection is refused. Where
one died, its socket goes with it, and connections go to the others until another one listens.
"""

import asyncio
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
import typer

from citybrain.cli.shared.output import console
from citybrain.http.server import CannotListen
from citybrain.settings import Settings

log = structlog.get_logger(__name__)

STEADY_SECONDS = 30.0  # whoever lived so long is started again at once
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
MORE_THAN_ITS_GRACE_SECONDS = 10.0
SILENT_SECONDS = 30.0  # whoever says nothing for so long hangs
SPEAKING_SECONDS = 1.0
READY = b"1"


@dataclass(eq=False)
class Child:
    """A serving process: it says that it listens, and goes on saying it on `told`.

    It ends with the other side of `line`.
    """

    process: asyncio.subprocess.Process
    told: asyncio.StreamReader
    line: asyncio.StreamWriter
    began: float = field(default_factory=time.monotonic)

    async def listens(self) -> bool:
        """Wait until it does; false where it ended before."""
        return await self.told.read(1) == READY

    async def ended(self) -> int:
        """Wait for its end; its exit status."""
        status = await self.process.wait()
        self.line.close()
        return status

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal, if it lives."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)


@dataclass(eq=False)
class Place:
    """Where one process at a time serves, and the socket that it accepts from."""

    number: int
    socket: socket.socket
    child: Child | None = None
    pause: float = 0.0
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)


async def kill_when_silent(child: Child, seconds: float) -> None:
    """Watch it until it ends; whoever hangs keeps taking connections, and answers none."""
    try:
        while True:
            async with asyncio.timeout(seconds):
                if not await child.told.read(64):
                    return
    except TimeoutError:
        log.error("process_hangs", pid=child.process.pid)
        child.tell(signal.SIGKILL)


async def go_on_saying(line: socket.socket) -> None:
    """In a serving process: that it listens, and goes on."""
    with suppress(OSError):  # nobody hears it any more
        while True:
            line.send(READY)
            await asyncio.sleep(SPEAKING_SECONDS)


class Supervisor:
    """Runs so many processes until it is asked to stop."""

    def __init__(self, settings: Settings, count: int, options: Sequence[str]) -> None:
        self._settings = settings
        self._options = options
        self._reserved = _reserved(settings.http_host, settings.http_port)
        self._places = [Place(number, self._socket()) for number in range(count)]
        self._stopping = asyncio.Event()
        self._replace = asyncio.Event()
        self._status = 0

    @property
    def url(self) -> str:
        """Where all of them listen."""
        host, port = self._reserved.getsockname()[:2]
        return f"http://{host}:{port}"

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; replace all by new ones at SIGHUP.

        Exits with the status of a process that could not begin to serve.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._replace.set)
        try:
            await asyncio.gather(*(self._begin(place) for place in self._places))
            if not self._stopping.is_set():
                console.print(f"citybrain listens at [bold]{self.url}[/]  (API: {self.url}/docs)")
                console.print(f"{len(self._places)} processes serve it")
                sys.stdout.flush()
                await self._keep()
                console.print("stopping: accepted requests finish first")
        finally:
            await asyncio.gather(*(self._end(place.child) for place in self._places))
        if self._status:
            raise typer.Exit(self._status)

    async def _begin(self, place: Place) -> None:
        """The first process of a place; where it cannot serve, none does."""
        place.child = await self._started(place)
        if not await place.child.listens() and not self._stopping.is_set():
            self._status = await place.child.ended() or 1
            self._stopping.set()

    async def _keep(self) -> None:
        tasks = [asyncio.create_task(self._fill(place)) for place in self._places]
        tasks.append(asyncio.create_task(self._replace_all()))
        try:
            await self._stopping.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _fill(self, place: Place) -> None:
        """Start another process whenever one has died."""
        while True:
            child = place.child
            assert child is not None
            watching = asyncio.create_task(kill_when_silent(child, SILENT_SECONDS))
            try:
                status = await child.ended()
            finally:
                watching.cancel()
            async with place.changing:
                if place.child is child:  # and was not replaced
                    await self._start_again(place, status, time.monotonic() - child.began)

    async def _start_again(self, place: Place, status: int, lived: float) -> None:
        place.pause = 0.0 if lived > STEADY_SECONDS else _longer(place.pause)
        log.error("process_died", place=place.number, status=status, pause=place.pause)
        place.socket.close()  # whoever waits in it would be answered by nobody
        place.socket = self._socket()
        await asyncio.sleep(place.pause)
        place.child = await self._started(place)
        if await place.child.listens():
            log.warning("process_started_again", place=place.number)

    async def _replace_all(self) -> None:
        """At each SIGHUP: one new process after the other, beside the old one until it listens."""
        while True:
            await self._replace.wait()
            self._replace.clear()
            for place in self._places:
                if not await self._replaced(place):
                    log.error("not_replaced", place=place.number)
                    break
            else:
                log.warning("all_replaced", processes=len(self._places))

    async def _replaced(self, place: Place) -> bool:
        """Where the new process cannot serve, the old one goes on."""
        async with place.changing:
            old, new = place.child, await self._started(place)
            listens = False
            try:
                listens = await new.listens()
            finally:
                if not listens:
                    await self._end(new)
            if listens:
                place.child = new
        if listens:
            await self._end(old)
        return listens

    async def _started(self, place: Place) -> Child:
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "citybrain", "serve", *self._options),
                *("--socket", str(place.socket.fileno()), "--line", str(theirs.fileno())),
                pass_fds=(place.socket.fileno(), theirs.fileno()),
                start_new_session=True,  # the terminal's Ctrl-C is for the supervisor
            )
        told, line = await asyncio.open_connection(sock=ours)
        return Child(process, told, line)

    async def _end(self, child: Child | None) -> None:
        """Ask it to stop, and wait; in the end, kill it."""
        if child is None:
            return
        child.tell(signal.SIGTERM)
        patience = self._settings.shutdown_grace_seconds + MORE_THAN_ITS_GRACE_SECONDS
        try:
            async with asyncio.timeout(patience):
                await child.ended()
        except TimeoutError:
            log.error("process_killed", pid=child.process.pid)
            child.tell(signal.SIGKILL)
            await child.ended()

    def _socket(self) -> socket.socket:
        """Bound to the port of all; it takes no connection before somebody listens on it."""
        return _bound(self._reserved.family, self._reserved.getsockname())


def _reserved(host: str, port: int) -> socket.socket:
    """Holds the port for as long as it is open; raises `CannotListen` where somebody has it."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as alone:
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            alone.bind(address)
        return _bound(family, address)
    except OSError as error:
        raise CannotListen.at(host, port, error) from error


def _bound(family: int, address: tuple[Any, ...]) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.setblocking(False)
    bound.bind(address)
    return bound


def _longer(pause: float) -> float:
    return min(max(2 * pause, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
