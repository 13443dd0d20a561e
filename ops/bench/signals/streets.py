"""The streets of the made-up city, over HTTP: `python -m ops.bench.signals.streets`.

Vehicles arrive by chance and leave at green, as it was told over HTTP. Each second every camera
says how many stand and how many passed; a gateway sends what its junctions saw in `PARTS` batches a
second. It also asks for their commands, and says what their controllers show: at once where that is
awaited, else every `TELLS_EVERY_SECONDS`. When each command was heard is kept, by junction and
number.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import aiohttp
import numpy as np
import orjson
import uvloop

from ops.bench import child
from ops.bench.signals import made_up
from ops.bench.signals.town_clock import TownClock
from ops.simulators.signals.controller import Controller

PARTS = 4
ASKS_EVERY_SECONDS = 0.1
"""A gateway for many asks no more often."""
TELLS_EVERY_SECONDS = 4
ARRIVALS, LEAVE = 0.12, 0.5
"""Vehicles a second and lane: that arrive, and that leave a queue at green."""
LONGEST_QUEUE = 12


class Streets:
    """All lanes; rows are junctions."""

    def __init__(self, count: int) -> None:
        self.lanes = made_up.lanes()
        self.codes = [made_up.code_of(number) for number in range(count)]
        self.row = {code: number for number, code in enumerate(self.codes)}
        self._chance = np.random.default_rng(20260914)
        shape = (count, len(self.lanes))
        self._queues, self._green = np.zeros(shape, dtype=int), np.zeros(shape, dtype=bool)

    def show(self, junction: str, groups: Sequence[str]) -> None:
        """These groups are green now."""
        green = [not of or bool(set(of) & set(groups)) for of in self.lanes.values()]
        self._green[self.row[junction]] = green

    def second(self, rows: range, at: str) -> list[dict[str, Any]]:
        """What a second of some junctions looked like."""
        part = slice(rows.start, rows.stop)
        queues, shape = self._queues[part], self._queues[part].shape
        leaves = self._green[part] & (queues > 0) & (self._chance.random(shape) < LEAVE)
        queues += self._chance.random(shape) < ARRIVALS
        queues -= leaves
        np.minimum(queues, LONGEST_QUEUE, out=queues)
        standing, passed = queues.tolist(), leaves.tolist()
        return [
            {
                "junction": self.codes[row],
                "detector": f"C{lane}",
                "at": at,
                "seconds": 1,
                "count": int(gone),
                "queue": stands,
            }
            for row, stand, go in zip(rows, standing, passed, strict=True)
            for lane, stands, gone in zip(self.lanes, stand, go, strict=True)
        ]


class Traffic:
    """What goes over HTTP, and what became of it."""

    def __init__(self, servers: list[dict[str, Any]], clock: TownClock) -> None:
        self._servers, self._clock = servers, clock
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self.sent: Counter[str] = Counter()
        self.answered_ms: list[float] = []
        self.heard: dict[str, float] = {}
        self.alive = set(range(len(servers)))

    async def observe(self, gateway: str, number: int, items: list[Any]) -> None:
        """Send what was seen."""
        began = self._clock.seconds()
        body = orjson.dumps({"observations": items})
        status, said = await self._request(gateway, number, "observations/batch", data=body)
        if not status:
            self.sent["failed"] += len(items)
            return
        self.answered_ms.append((self._clock.seconds() - began) * 1e3)
        taken = said.get("recorded", 0)
        self.sent["recorded"] += taken
        self.sent["refused"] += len(items) - taken

    async def ask(self, gateway: str, number: int, after: int) -> dict[str, Any]:
        """What is new of the gateway's junctions; nothing where there is no answer."""
        path, query = "controllers/commands", {"after": str(after), "wait": "5"}
        status, said = await self._request(gateway, number, path, params=query)
        if status != 200:
            self.sent[f"asking {status}"] += 1
            return {}
        return said

    async def tell(self, gateway: str, number: int, reports: list[Any]) -> None:
        """Say what controllers show."""
        path, body = "controllers/acknowledgements", orjson.dumps({"reports": reports})
        _, said = await self._request(gateway, number, path, data=body)
        taken = said.get("taken", 0)
        self.sent["told"] += taken
        self.sent["not told"] += len(reports) - taken

    async def _request(
        self, gateway: str, number: int, path: str, **said: Any
    ) -> tuple[int, dict[str, Any]]:
        """Status and body of an answer; 0 where none came."""
        living = sorted(self.alive)
        server = self._servers[living[number % len(living)]]
        headers = {
            "Authorization": f"Bearer {server['tokens'][gateway]}",
            "Content-Type": "application/json",
        }
        method, url = "POST" if "data" in said else "GET", f"{server['url']}/v1/signals/{path}"
        try:
            async with self._session.request(method, url, headers=headers, **said) as answer:
                return answer.status, orjson.loads(await answer.read())
        except (aiohttp.ClientError, OSError, TimeoutError):
            return 0, {}

    async def close(self) -> None:
        await self._session.close()


class Gateway:
    """One gateway: its junctions' cameras and controllers."""

    def __init__(
        self, name: str, rows: range, streets: Streets, traffic: Traffic, clock: TownClock
    ) -> None:
        self._name, self._rows, self._streets, self._traffic = name, rows, streets, traffic
        self._clock = clock
        known = made_up.city(len(streets.codes)).junctions
        codes = [streets.codes[row] for row in rows]
        self._controllers = {code: Controller(known[code][0]) for code in codes}
        self._number = 0

    async def run(self, late: float) -> None:
        """Work for ever, `late` seconds later in each second than the first one."""
        await self._clock.sleep(late)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._observe(group))
            group.create_task(self._ask(group))
            group.create_task(self._tell())

    @property
    def _following(self) -> int:
        """Servers take turns."""
        self._number += 1
        return self._number

    async def _observe(self, group: asyncio.TaskGroup) -> None:
        """Every second of every junction; what is late is sent late, and not left out."""
        count, part, due = len(self._rows), 0, self._clock.seconds()
        while True:
            rows = self._rows[count * part // PARTS : count * (part + 1) // PARTS]
            at = self._clock.now().isoformat(timespec="milliseconds")
            items = self._streets.second(rows, at)
            if items:
                sending = self._traffic.observe(self._name, self._following, items)
                group.create_task(sending)
            part, due = (part + 1) % PARTS, due + 1 / PARTS
            await self._clock.sleep(due - self._clock.seconds())

    async def _ask(self, group: asyncio.TaskGroup) -> None:
        after = 0
        while True:
            again = self._clock.seconds() + ASKS_EVERY_SECONDS
            said = await self._traffic.ask(self._name, self._following, after)
            after = said.get("position", after)
            now, awaited = self._clock.seconds(), []
            for controller in self._controllers.values() if said else ():
                controller.heard = round(now * 1000)
            for each in said.get("commands", ()):
                self._traffic.heard.setdefault(f"{each['junction']} {each['command']}", now)
                self._streets.show(each["junction"], each["groups"])
                controller = self._controllers[each["junction"]]
                controller.receive({**said, "commands": [each]}, round(now * 1000))
                if each["acknowledge"]:
                    awaited.append(controller)
            if awaited:
                telling = self._told(awaited)
                group.create_task(telling)
            await self._clock.sleep(again - self._clock.seconds())

    async def _tell(self) -> None:
        """Each second some of the controllers, so that each is heard often enough."""
        everybody, part = list(self._controllers.values()), 0
        while True:
            telling = everybody[part::TELLS_EVERY_SECONDS]
            for each in telling:
                if not each.lamps:
                    each.power_up(self._now_ms)
            for each in everybody:
                if each.lamps and not each.remote:
                    each.step(self._now_ms)
            if telling:
                await self._told(telling)
            part = (part + 1) % TELLS_EVERY_SECONDS
            await self._clock.sleep(1.0)

    async def _told(self, controllers: Sequence[Controller]) -> None:
        """Say what these show."""
        at = self._now_ms
        for each in controllers:
            each.step(at)
        said = [each.report(at) for each in controllers]
        await self._traffic.tell(self._name, self._following, said)

    @property
    def _now_ms(self) -> int:
        return round(self._clock.seconds() * 1000)


async def _drive() -> None:
    orders = child.orders()
    clock = TownClock(**orders["clock"])
    streets, traffic = Streets(orders["junctions"]), Traffic(orders["servers"], clock)
    rows: dict[str, list[int]] = {}
    for row in range(orders["junctions"]):
        rows.setdefault(made_up.gateway_of(row), []).append(row)
    gateways = [
        Gateway(name, range(each[0], each[-1] + 1), streets, traffic, clock)
        for name, each in rows.items()
    ]
    tasks = [
        asyncio.create_task(each.run(place / len(gateways) / PARTS))
        for place, each in enumerate(gateways)
    ]
    child.say_ready()
    measured: Counter[str] = Counter()
    while True:
        word = await asyncio.to_thread(child.word)
        if word == "end":
            break
        if word.startswith("killed "):
            traffic.alive.discard(int(word.partition(" ")[2]))
        elif word == "measured":
            measured = Counter(traffic.sent)
        elif word == "measure":
            traffic.sent.clear()
            traffic.answered_ms.clear()
    for task in tasks:
        if task.done():
            task.result()
        task.cancel()
    await traffic.close()
    child.say({"sent": measured, "answered_ms": traffic.answered_ms, "heard": traffic.heard})


if __name__ == "__main__":
    uvloop.run(_drive())
