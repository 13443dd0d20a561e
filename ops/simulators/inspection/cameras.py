"""Simulated cameras: thousands over made-up streets, which report what they recognise.

Cameras are registered first; some go off for a while and come back. Where the server says that it
is busy they wait, and what they send again is known to it. All of it is marked `simulated`.
"""

import argparse
import asyncio
import itertools
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp

from ops.simulators.client import Client, Person, rest
from ops.simulators.inspection.pictures import Pictures
from ops.simulators.inspection.streets import PREFIX, Sight, Streets
from ops.simulators.running import until_stopped

GATEWAYS = 20  # that cameras send through, each with a token of its own
IN_FLIGHT = 16
SLACK_SECONDS = 5.0  # that the sending may lag behind the seeing before sights are left out
LAST_WORDS_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 1.0  # of a detection for others to be sent with
HEARTBEAT_SECONDS = 300.0
OFFLINE_SHARE, OUTAGE_SECONDS = 0.01, 60.0
SIGHTS_A_PROBLEM = 30.0
PROGRESS_SECONDS = 5.0
MOST_A_BATCH = 1000
ELSEWHERE = ("dsny", "nypd", "dpr", "dohmh")  # agencies of another city, for imported records
OPERATOR = Person("operator-1", "operator")

Detection = dict[str, Any]


@dataclass(slots=True)
class Sent:
    """What became of the detections; `sent` counts each once."""

    sent: int = 0
    recorded: int = 0
    known: int = 0
    refused: int = 0


class Cameras:
    """The cameras of some streets, as clients of one server.

    They name a picture of `pictures` with what they see, and none where there are none: recordings
    of cameras are kept elsewhere.
    """

    def __init__(
        self,
        client: Client,
        streets: Streets,
        *,
        rate: float,
        batch: int,
        seed: int,
        sights_a_problem: float = SIGHTS_A_PROBLEM,
        pictures: Pictures | None = None,
    ) -> None:
        self._client = client
        self._streets = streets
        self._rate = rate
        self._batch = batch
        self._sights_a_problem = sights_a_problem
        self._pictures = pictures
        self._chance = random.Random(seed)  # of outages: the streets have their own
        self._run = f"{time.time_ns():x}"  # references are new in each run
        self._numbers = itertools.count(1)
        self._in_flight = asyncio.Semaphore(IN_FLIGHT)
        self.sent = Sent()

    async def register(self, progress: Callable[[int], None] = lambda _: None) -> None:
        """Say of each camera where it is, and that it works."""
        numbers = iter(range(len(self._streets.cameras)))

        async def some() -> None:
            for number in numbers:
                await self._report(number, online=True)
                progress(number + 1)

        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(some())

    async def run(self) -> None:
        """See and report until cancelled; what has been seen is then still sent."""
        sending: set[asyncio.Task[None]] = set()
        beside = [asyncio.create_task(self._outages()), asyncio.create_task(self._heartbeats())]
        try:
            await self._see(sending)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.wait([*beside, *sending], timeout=LAST_WORDS_SECONDS)

    async def _see(self, sending: "set[asyncio.Task[None]]") -> None:
        began, first_at = time.monotonic(), 0.0
        waiting: list[Detection] = []
        try:
            for at, sight in self._streets.sights(self._rate, self._sights_a_problem):
                ahead = began + at - time.monotonic()
                if ahead < -SLACK_SECONDS:
                    began -= ahead
                await asyncio.sleep(max(ahead, 0))
                first_at = first_at if waiting else at
                evidence = await self._pictures.some() if self._pictures else []
                waiting.append(self._detection(sight, evidence))
                if len(waiting) >= self._batch or at - first_at >= LONGEST_WAIT_SECONDS:
                    for done in [each for each in sending if each.done()]:
                        sending.remove(done)
                        done.result()
                    await self._in_flight.acquire()
                    sending.add(self._begin_to_send(waiting))
                    waiting = []
        finally:
            if waiting:
                sending.add(self._begin_to_send(waiting))

    def _begin_to_send(self, detections: list[Detection]) -> "asyncio.Task[None]":
        self.sent.sent += len(detections)
        task = asyncio.create_task(self._send(detections))
        task.add_done_callback(lambda _: self._in_flight.release())
        return task

    def _detection(self, sight: Sight, evidence: list[str]) -> Detection:
        ref = f"{self._run}-{next(self._numbers)}"
        return {
            "camera_id": sight.camera_id,
            "ref": ref,
            "class_code": sight.class_code,
            "confidence": sight.confidence,
            "latitude": sight.latitude,
            "longitude": sight.longitude,
            "occurred_at": datetime.now(UTC).isoformat(),
            "evidence_sha256": evidence,
            "simulated": True,
        }

    async def _send(self, detections: list[Detection]) -> None:
        if self._batch == 1:
            await self._send_one(detections[0])
            return
        while detections:
            body = {"detections": detections}
            answer = await self._client.command(self._gateway(), "/v1/detections/batch", body)
            if answer is None:
                self.sent.refused += len(detections)
                return
            self.sent.recorded += answer["recorded"]
            self.sent.known += answer["known"]
            again = [detections[each["index"]] for each in answer["refused"] if each["retry"]]
            self.sent.refused += len(answer["refused"]) - len(again)
            detections = again
            if again:
                await rest(1.0)

    async def _send_one(self, detection: Detection) -> None:
        answer = await self._client.command(self._gateway(), "/v1/detections", detection)
        if answer is None:
            self.sent.refused += 1
        elif answer["known"]:
            self.sent.known += 1
        else:
            self.sent.recorded += 1

    async def _outages(self) -> None:
        """Cameras go off, so that a small share of them is off at a time."""
        cameras = len(self._streets.cameras)
        async with asyncio.TaskGroup() as group:
            while True:
                every = OUTAGE_SECONDS / (OFFLINE_SHARE * cameras)
                await asyncio.sleep(self._chance.expovariate(1 / every))
                number = self._chance.randrange(cameras)
                if number not in self._streets.offline:
                    seconds = self._chance.expovariate(1 / OUTAGE_SECONDS)
                    group.create_task(self._outage(number, seconds))

    async def _heartbeats(self) -> None:
        """Each camera says now and then that it works: one that is silent has watched nothing."""
        cameras = len(self._streets.cameras)
        while True:
            for number in range(cameras):
                await asyncio.sleep(HEARTBEAT_SECONDS / cameras)
                if number not in self._streets.offline:
                    await self._report(number, online=True)

    async def _outage(self, number: int, seconds: float) -> None:
        self._streets.offline.add(number)
        await self._report(number, online=False)
        await asyncio.sleep(seconds)
        await self._report(number, online=True)
        self._streets.offline.discard(number)

    async def _report(self, number: int, *, online: bool) -> None:
        camera = self._streets.cameras[number]
        body = {
            "online": online,
            "reason": "" if online else "simulated: no picture",
            "latitude": camera.latitude,
            "longitude": camera.longitude,
            "simulated": True,
        }
        await self._client.put(self._gateway(), f"/v1/cameras/{camera.camera_id}", body)

    def _gateway(self) -> Person:
        name = f"gateway-{self._chance.randrange(GATEWAYS):02}"
        return Person(name, "gateway", acts_for=(f"{PREFIX}*",))


async def street_classes(client: Client) -> list[dict[str, Any]]:
    """The classes of problems of this city, once the server gives them."""
    while True:
        rows = (await client.get(OPERATOR, "/v1/classes")).get("classes", [])
        street = [row for row in rows if row["lead"] not in ELSEWHERE]
        if street:
            return street
        await asyncio.sleep(1.0)


async def main(options: argparse.Namespace) -> int:
    """Run the cameras; the last line on standard output is a JSON object."""
    url = options.url.rstrip("/")
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        client = Client(
            session,
            url,
            options.token_url or f"{url}/dev/token",
            give_up_after_seconds=options.give_up_after,
            chance=random.Random(options.seed),
        )
        return await until_stopped(_work(client, options), "simulated cameras")


async def _work(client: Client, options: argparse.Namespace) -> None:
    classes = [row["code"] for row in await street_classes(client)]
    streets = Streets(options.cameras, classes, random.Random(options.seed))
    cameras = Cameras(client, streets, rate=options.rate, batch=options.batch, seed=options.seed)
    await cameras.register(lambda number: _say(number, options.cameras))
    began = time.monotonic()
    telling = asyncio.create_task(_tell(cameras.sent, began))
    try:
        async with asyncio.timeout(None if options.forever else options.seconds):
            await cameras.run()
    except TimeoutError:
        pass
    finally:
        telling.cancel()
        seconds = time.monotonic() - began
        done = cameras.sent.recorded + cameras.sent.known
        summary = {
            "cameras": options.cameras,
            "problems": streets.arisen,
            **asdict(cameras.sent),
            "seconds": round(seconds, 1),
            "per_second": round(done / seconds, 1),
        }
        print(json.dumps(summary), flush=True)


def _say(number: int, cameras: int) -> None:
    if number % 1000 == 0 or number == cameras:
        print(f"registered {number} of {cameras} cameras", file=sys.stderr, flush=True)


async def _tell(sent: Sent, began: float) -> None:
    while True:
        await asyncio.sleep(PROGRESS_SECONDS)
        seconds = time.monotonic() - began
        text = ", ".join(f"{value} {name}" for name, value in asdict(sent).items())
        print(f"{seconds:.0f} s: {text}, {sent.recorded / seconds:.0f}/s", file=sys.stderr)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="citybrain simulate cameras", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the server")
    parser.add_argument("--token-url", help="where tokens are issued; URL/dev/token where absent")
    parser.add_argument("--cameras", type=int, default=10_000, help="how many")
    parser.add_argument("--rate", type=float, default=200.0, help="detections a second, of all")
    parser.add_argument(
        "--batch", type=int, default=100, help="detections a request; 1: each alone"
    )
    parser.add_argument("--seed", type=int, default=2020, help="of all that is random")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long")
    parser.add_argument("--forever", action="store_true", help="until stopped")
    parser.add_argument(
        "--give-up-after",
        type=float,
        default=600.0,
        metavar="SECONDS",
        help="leave when the server has not answered for so long",
    )
    options = parser.parse_args(given)
    if options.rate <= 0 or options.cameras < 1 or not 1 <= options.batch <= MOST_A_BATCH:
        parser.error(f"--rate and --cameras are more than 0, --batch is 1 to {MOST_A_BATCH}")
    return options


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments())))
