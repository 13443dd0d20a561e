"""The streets of the made-up city, over HTTP: `python -m ops.bench.signals.streets`.

Vehicles arrive by chance and leave at green, as it was told over HTTP. Each second every camera
says how many stand and how many passed; the junctions' seconds lie side by side, a batch every
`STEP_SECONDS`. When each command was heard is kept, by junction and number.
"""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import aiohttp
import numpy as np
import orjson
import uvloop

from ops.bench import child
from ops.bench.signals import made_up

STEP_SECONDS = 0.05
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

    def show(self, junction: str, groups: list[str]) -> None:
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

    def __init__(self, streets: Streets, servers: list[dict[str, Any]]) -> None:
        self._streets, self._servers = streets, servers
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            json_serialize=lambda it: orjson.dumps(it).decode(),
        )
        self.sent: Counter[str] = Counter()
        self.answered_ms: list[float] = []
        self.heard: dict[str, float] = {}
        self.alive = set(range(len(servers)))

    async def send(self) -> None:
        """Every second of every junction, for ever; what is late is sent late, and not left out."""
        steps = round(1 / STEP_SECONDS)
        count, number, due = len(self._streets.codes), 0, time.monotonic()
        async with asyncio.TaskGroup() as group:
            while True:
                place = number % steps
                first, last = count * place // steps, count * (place + 1) // steps
                gateways: dict[str, list[Any]] = {}
                at = datetime.now(UTC).isoformat(timespec="milliseconds")
                for item in self._streets.second(range(first, last), at):
                    gateways.setdefault(item["junction"].partition("_")[0], []).append(item)
                for gateway, items in gateways.items():
                    group.create_task(self._post(gateway, items, number))
                number += 1
                due += STEP_SECONDS
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _post(self, gateway: str, items: list[Any], number: int) -> None:
        server = self._server(number)
        began = time.perf_counter()
        try:
            async with self._session.post(
                f"{server['url']}/v1/signals/observations/batch",
                data=orjson.dumps({"observations": items}),
                headers=_headers(server, gateway),
            ) as answer:
                said = await answer.json(content_type=None)
                taken = said.get("recorded", 0) if answer.status == 200 else 0
        except (aiohttp.ClientError, OSError, TimeoutError):
            self.sent["failed"] += len(items)
            return
        self.answered_ms.append((time.perf_counter() - began) * 1e3)
        self.sent["recorded"] += taken
        self.sent["refused"] += len(items) - taken

    async def listen(self, gateway: str, number: int) -> None:
        """Follow the commands of a gateway's junctions, for ever."""
        after = 0
        while True:
            server = self._server(number)
            try:
                async with self._session.get(
                    f"{server['url']}/v1/signals/controllers/commands",
                    params={"after": str(after), "wait": "5"},
                    headers=_headers(server, gateway),
                ) as answer:
                    said = await answer.json(content_type=None)
            except (aiohttp.ClientError, OSError, TimeoutError):
                await asyncio.sleep(0.1)
                number += 1
                continue
            if answer.status != 200:
                self.sent[f"asking {answer.status}"] += 1
                await asyncio.sleep(0.1)
                continue
            now, after = time.time(), said["position"]
            for each in said["commands"]:
                self.heard.setdefault(f"{each['junction']} {each['command']}", now)
                self._streets.show(each["junction"], each["groups"])

    def _server(self, number: int) -> dict[str, Any]:
        living = sorted(self.alive)
        return self._servers[living[number % len(living)]]

    async def close(self) -> None:
        await self._session.close()


def _headers(server: dict[str, Any], gateway: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {server['tokens'][gateway]}",
        "Content-Type": "application/json",
    }


async def _drive() -> None:
    orders = child.orders()
    traffic = Traffic(Streets(orders["junctions"]), orders["servers"])
    tasks = [asyncio.create_task(traffic.send())]
    for number, gateway in enumerate(orders["servers"][0]["tokens"]):
        tasks.append(asyncio.create_task(traffic.listen(gateway, number)))
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
