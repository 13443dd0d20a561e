"""The citizens of `crowd`: all are connected, then all ask at once, each for one berth.

As a module it is that process: `python -m ops.bench.parking.crowd_client`.
"""

import asyncio
import os
import time
from collections import Counter
from typing import Any

import orjson
import uvloop

from ops.bench import child
from ops.bench.http_client import exchanged, request_bytes

PATH = "/v1/parking/reservations"
CREATED, TRY_AGAIN = b"201", b"HTTP/1.1 503 "
PAUSE_SECONDS = 0.5

Connected = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def body_of(orders: dict[str, Any], number: int) -> bytes:
    """What citizen `number` asks for."""
    return orjson.dumps(
        {
            "berth": orders["berths"][number % len(orders["berths"])],
            "start": orders["start"],
            "end": orders["end"],
            "plate": f"豫A{number:05}",
            "simulated": True,
        }
    )


def said(head: bytes, body: bytes) -> str:
    """The status of an answer, with the code of its problem where it has one."""
    status = head.split(b" ", 2)[1]
    return status.decode() if status == CREATED else f"{status.decode()} {_code(body)}"


def _code(body: bytes) -> str:
    try:
        return str(orjson.loads(body).get("code"))
    except orjson.JSONDecodeError:
        return "without a problem"


async def _crowd() -> None:
    orders = child.orders()
    os.sched_setaffinity(0, {orders["core"]})
    host, port, tokens = orders["host"], orders["port"], orders["tokens"]
    connected: list[Connected] = [
        await asyncio.open_connection(host, port) for _ in range(orders["clients"])
    ]
    requests = [
        request_bytes(f"{host}:{port}", tokens[number % len(tokens)], body_of(orders, number), PATH)
        for number in range(orders["clients"])
    ]
    child.say_ready()
    child.wait_for_go()
    began = time.perf_counter()

    async def asks(number: int) -> tuple[str, float]:
        head, body = await exchanged(*connected[number], requests[number])
        while head.startswith(TRY_AGAIN):  # a slow machine: the same ask, by the same key
            connected[number][1].close()
            await asyncio.sleep(PAUSE_SECONDS)
            connected[number] = await asyncio.open_connection(host, port)
            head, body = await exchanged(*connected[number], requests[number])
        return said(head, body), time.perf_counter() - began

    found = await asyncio.gather(*(asks(number) for number in range(orders["clients"])))
    for _, writer in connected:
        writer.close()
    child.answer(
        {
            "seconds": max(took for _, took in found),
            "latencies": [took for _, took in found],
            "answers": Counter(answer for answer, _ in found),
        }
    )


if __name__ == "__main__":
    uvloop.run(_crowd())
