"""The load of the HTTP benchmark: keep-alive connections that each send one request at a time.

Sockets and the few bytes of HTTP it needs, so that the client costs less than the server. As a
module it is a process of its own: `python -m ops.bench.http_client`.
"""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import orjson
import uvloop

from ops.bench import child
from ops.bench.inspection.detections import fields
from ops.bench.parking.street import sign_body, signs_body
from ops.bench.signals.loops import loops_body
from ops.bench.tally import Tally

DONE = (b"HTTP/1.1 201 ", b"HTTP/1.1 200 ")
CONTENT_LENGTH = b"content-length:"


class UnexpectedAnswer(Exception):
    """The server did not do what was asked for; the message shows what it answered."""


def report_body(number: int) -> bytes:
    """What a camera reports."""
    return orjson.dumps(
        {
            "source": "camera",
            "class_code": "overflowing_bin",
            "description": "Camera 417 sees an overflowing bin",
            "latitude": 34.746611,
            "longitude": 113.625368,
            "address": "花园路 21 号",
            "confidence": 87,
            "evidence_sha256": [f"{number:064x}"],
            "simulated": True,
        }
    )


def batch_body(number: int, client: int, size: int) -> bytes:
    """A gateway's batch of detections; no two of a client's are the same."""
    first = (client << 32) + number * size
    now = datetime.now(UTC).isoformat()
    return orjson.dumps(
        {"detections": [{**fields(first + each), "occurred_at": now} for each in range(size)]}
    )


def question_bytes(host: str, path: str) -> bytes:
    """A whole GET of what is open to everybody."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def request_bytes(host: str, token: str, body: bytes, path: str) -> bytes:
    """A whole POST with an idempotency key of its own."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Idempotency-Key: {uuid4()}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def body_length(head: bytes) -> int:
    """The Content-Length of a response head; raises `ValueError` where it has none."""
    start = head.lower().index(CONTENT_LENGTH) + len(CONTENT_LENGTH)
    return int(head[start : head.index(b"\r\n", start)])


async def exchanged(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[bytes, bytes]:
    """Send a request on a connection that is kept; the head and the body of its answer."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    return head, await reader.readexactly(body_length(head))


@dataclass(frozen=True, slots=True)
class Load:
    """What clients send: where to, and the body of a client's `number`th request."""

    path: str
    body: Callable[[int, int, int], bytes]


LOADS = {
    "loops": Load("/v1/signals/observations/batch", loops_body),
    "cases": Load("/v1/cases", lambda number, *_: report_body(number)),
    "detections": Load("/v1/detections/batch", batch_body),
    "sign": Load("/v1/parking/detections", lambda number, client, _: sign_body(number, client)),
    "signs": Load("/v1/parking/detections/batch", signs_body),
}


async def connection(
    host: str, port: int, token: str, tally: Tally, client: int, load: Load, batch: int
) -> None:
    """One client: request, answer, request; raises `UnexpectedAnswer`."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        number = 0
        while not number or tally.running():  # one at least, however slow it is
            number += 1
            sent = load.body(number, client, batch)
            request = request_bytes(f"{host}:{port}", token, sent, load.path)
            began = time.perf_counter()
            head, body = await exchanged(reader, writer, request)
            done = head.startswith(DONE)
            if not done or (batch and orjson.loads(body)["recorded"] != batch):
                status = head.splitlines()[0].decode()
                raise UnexpectedAnswer(f"{status}: {body[:500].decode()}")
            tally.note(began, batch or 1)
    finally:
        writer.close()


async def _load() -> None:
    orders = child.orders()
    os.sched_setaffinity(0, {orders["core"]})
    child.say_ready()
    child.wait_for_go()
    load, tally = LOADS[orders["load"]], Tally(orders["seconds"])
    async with asyncio.TaskGroup() as clients:
        for number in range(orders["connections"]):
            token = orders["tokens"][number % len(orders["tokens"])]
            clients.create_task(
                connection(
                    orders["host"], orders["port"], token, tally, number, load, orders["batch"]
                )
            )
    child.answer(
        {"acknowledged": tally.acknowledged, "counted": tally.counted, "latencies": tally.latencies}
    )


if __name__ == "__main__":
    uvloop.run(_load())
