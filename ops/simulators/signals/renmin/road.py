"""Renmin Road as a street in real time, a client of one server.

What its cameras see goes there each second, and its lamps show what its controllers make of the
answers. Without an answer the controllers go on by their plans, as real ones do.
"""

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from citybrain.definitions.signals.sumo_net import read_net
from ops.simulators.client import Client, Person
from ops.simulators.signals.cameras import Cameras
from ops.simulators.signals.controller import Controller, Link
from ops.simulators.signals.driving import letters
from ops.simulators.signals.placing import Placed
from ops.simulators.signals.renmin import demand
from ops.simulators.signals.renmin.ambulances import Ambulances, send
from ops.simulators.signals.renmin.buses import Buses
from ops.simulators.signals.renmin.buses import send as ask
from ops.simulators.signals.renmin.network import build
from ops.simulators.signals.renmin.officers import Officers
from ops.simulators.signals.renmin.placing import defined, place
from ops.simulators.signals.renmin.seeing import Detectors, zones
from ops.simulators.signals.scenarios import Scenario
from ops.simulators.signals.street import Handling, Records, Street

STEP_SECONDS = 1.0
ASKS_FOR_SECONDS, TELLS_EVERY_SECONDS, AGAIN_SECONDS = 2.0, 3.0, 1.0
"""How long a question waits for a change; how often controllers tell; the pause after a failure."""
BATCH, KEPT = 2_000, 20_000
"""Observations in a request; how many wait for a server that is away."""
HANDLING = Handling(gives_up_s=120)
"""Who cannot enter for two minutes takes another road: what waits outside must not pile up."""
CONTROLLERS = Person("renmin-controllers", "gateway", acts_for=("signal:renmin_*",))
CAMERAS = Person("renmin-cameras", "gateway", acts_for=("renmin-*",))


@dataclass
class Corner:
    """A junction of the road with what stands there."""

    placed: Placed
    cameras: Cameras
    detectors: Detectors
    controller: Controller


@dataclass
class Road:
    """The street and its corners. `folder`: for the network and the flows, which it makes."""

    client: Client
    session: aiohttp.ClientSession
    url: str
    folder: Path
    seed: int
    corners: list[Corner] = field(default_factory=list)
    _unsent: list[dict[str, Any]] = field(default_factory=list)
    _following: list[str | None] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Drive until cancelled, or until the server is gone for good."""
        path = await asyncio.to_thread(build, defined(), self.folder)
        net = read_net(path)
        for placed in place(net, defined()):
            controller = Controller(placed.dated)
            cameras = Cameras(net, placed, zones(placed))
            self.corners.append(Corner(placed, cameras, Detectors(placed), controller))
        officers = Officers(self.client, [each.placed.light for each in self.corners])
        await officers.put_in_service()
        flows = demand.write(self.folder / "renmin.rou.xml")
        nowhere = Path(os.devnull)
        with Street(
            Scenario("renmin", path, 0, 0),
            path,
            flows,
            Records(nowhere, nowhere),
            seed=self.seed,
            handling=HANDLING,
        ) as street:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._drive(street, group))
                group.create_task(self._ask())
                group.create_task(self._tell())
                group.create_task(self._send())
                group.create_task(officers.run())

    async def _drive(self, street: Street, group: asyncio.TaskGroup) -> None:
        """A second of the street each second; where the machine is slow, the street is slower."""
        walkers = demand.Walkers(self.seed)
        ambulances = Ambulances({each.placed.light: each.placed for each in self.corners})
        for corner in self.corners:
            corner.controller.power_up(now_ms())
        buses, following = Buses(), time.monotonic()
        while True:
            at = now_ms()
            for wish in ambulances.drive(at):
                group.create_task(send(self.client, wish))
            if asked := buses.drive(street, at):
                group.create_task(ask(self.client, asked))
            for corner in self.corners:
                sight = corner.cameras.look(street, at)
                self._unsent += corner.detectors.items(sight, at)
            self._unsent = self._unsent[-KEPT:]
            self._news.set()
            walkers.come()
            street.step(self._lamps(at))
            following = max(following + STEP_SECONDS, time.monotonic())
            await asyncio.sleep(following - time.monotonic())

    def _step(self, at: int) -> None:
        """Let the controllers act; where one follows something else now, it says so at once."""
        for corner in self.corners:
            corner.controller.step(at)
        following = [each.controller.following for each in self.corners]
        if following != self._following:
            self._following = following
            self._changed.set()

    def _lamps(self, at: int) -> Mapping[str, str]:
        """What the controllers show now."""
        self._step(at)
        return {
            each.placed.light: letters(each.placed, each.controller.shown(at))
            for each in self.corners
        }

    def _link(self) -> Link:
        return Link(self.session, self.url, "", [each.controller for each in self.corners])

    async def _ask(self) -> None:
        """Hear what is to be shown. A server that does not answer is a silent centre."""
        link = self._link()
        while True:
            try:
                link.token = await self.client.token(CONTROLLERS)
                await link.ask(now_ms(), wait_seconds=ASKS_FOR_SECONDS)
                self._step(
                    now_ms()
                )  # at once: the centre compares what is shown with its own times
            except (aiohttp.ClientError, TimeoutError) as error:
                await self._after(error)

    async def _tell(self) -> None:
        """Say what is shown: at once where something changed, and as a sign of life."""
        link = self._link()
        while True:
            try:
                async with asyncio.timeout(TELLS_EVERY_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            try:
                link.token = await self.client.token(CONTROLLERS)
                await link.tell(now_ms())
            except (aiohttp.ClientError, TimeoutError) as error:
                await self._after(error)

    async def _after(self, error: Exception) -> None:
        if isinstance(error, aiohttp.ClientResponseError) and error.status == 401:
            self.client.forget(CONTROLLERS)
        await asyncio.sleep(AGAIN_SECONDS)

    async def _send(self) -> None:
        """What cameras see, in order; the same again where the server was away."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._unsent:
                batch, self._unsent = self._unsent[:BATCH], self._unsent[BATCH:]
                path = "/v1/signals/observations/batch"
                await self.client.command(CAMERAS, path, {"observations": batch})


def now_ms() -> int:
    """The clock of everything that stands at the road."""
    return time.time_ns() // 1_000_000
