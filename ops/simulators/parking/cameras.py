"""What the cameras and gates of the simulated city tell the server: late, twice, in batches.

Nothing parks before the places are known there (`ops.simulators.parking.places`). All that is told
is marked `simulated`.
"""

import asyncio
import heapq
import itertools
import random
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ops.simulators.client import Client, Person
from ops.simulators.parking.places import COUNTER, GARAGE, PREFIX
from ops.simulators.parking.reading import Reader
from ops.simulators.parking.traffic import Counted, Happened, Planned, Seen, Traffic

GATEWAY = Person("parking-gateway", "gateway", acts_for=(f"{PREFIX}*",))
LOOK_SECONDS = 5.0  # from one question whether the places are known to the next
SEND_SECONDS = 1.0
SLACK_SECONDS = 5.0  # that the telling may lag behind the seeing before time is given up
LATE_SHARE, LATE_SECONDS = 0.04, (20.0, 90.0)
TWICE_SHARE, TWICE_SECONDS = 0.03, (1.0, 30.0)
MOST_A_BATCH = 500
MOST_PICTURES = 20_000
MOST_PLANS = 100


Clock = Callable[[], datetime]


def now() -> datetime:
    """The time of the world."""
    return datetime.now(UTC)


class Pictures:
    """What stood where when a sign was given: what a person sees who looks at its picture."""

    def __init__(self) -> None:
        self._plates: OrderedDict[tuple[str, datetime], str] = OrderedDict()

    def keep(self, place_id: str, at: datetime, plate: str) -> None:
        """Of the last signs; the oldest is thrown away."""
        self._plates[place_id, at] = plate
        if len(self._plates) > MOST_PICTURES:
            self._plates.popitem(last=False)

    def shown(self, place_id: str, at: datetime) -> str | None:
        """The true plate; None where there is no picture of that moment."""
        return self._plates.get((place_id, at))


class ParkingCameras:
    """They see what happens, read it as well as they can, and tell it.

    With another `clock` the city's time goes `speed` times as fast as the world's.
    """

    def __init__(
        self,
        client: Client,
        traffic: Traffic,
        reader: Reader,
        pictures: Pictures,
        chance: random.Random,
        *,
        clock: Clock = now,
        speed: float = 1.0,
    ) -> None:
        self._client, self._traffic, self._reader = client, traffic, reader
        self._pictures, self._chance = pictures, chance
        self._clock, self._speed = clock, speed
        self._run = f"{time.time_ns():x}"  # references are new in each run
        self._numbers = itertools.count(1)
        self._waiting: list[tuple[float, int, dict[str, Any]]] = []
        self._counts: list[dict[str, Any]] = []
        self.plans: deque[tuple[Planned, datetime]] = deque(maxlen=MOST_PLANS)
        """Who wants a berth, and when they said so."""

    async def run(self) -> None:
        """See and tell until cancelled."""
        await self._places_are_known()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._see())
            group.create_task(self._send())

    async def _places_are_known(self) -> None:
        """Somebody has imported them."""
        while True:
            if await self._client.get(GATEWAY, f"/v1/parking/places/{GARAGE}"):
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _see(self) -> None:
        began = time.monotonic()
        for seen in self._traffic.seen():
            ahead = began + seen.at / self._speed - time.monotonic()
            if ahead < -SLACK_SECONDS:
                began -= ahead
            await asyncio.sleep(max(ahead, 0))
            self._note(seen, self._clock())

    def _note(self, happened: Happened, at: datetime) -> None:
        if isinstance(happened, Planned):
            self.plans.append((happened, at))
        elif isinstance(happened, Counted):
            said = {"device_id": COUNTER, "facility_id": GARAGE, "free": happened.free}
            self._counts.append(said | {"occurred_at": at.isoformat()})
        else:
            self._note_sign(happened, at)

    def _note_sign(self, seen: Seen, at: datetime) -> None:
        """What will be told of it, and when."""
        said: dict[str, Any] = {
            "device_id": seen.device_id,
            "ref": f"{self._run}-{next(self._numbers)}",
            "sign": seen.sign,
            "place_id": seen.place_id,
            "occurred_at": at.isoformat(),
            "simulated": True,
        }
        if seen.opening is not None:
            said["opening"] = f"{self._run}-{seen.opening}"
        if seen.plate is not None and seen.place_id is not None:
            self._pictures.keep(seen.place_id, at, seen.plate)
            said |= self._reader.read(seen.plate).members()
        late = self._chance.random() < LATE_SHARE
        after = self._chance.uniform(*LATE_SECONDS) if late else 0.0
        self._tell(after, said)
        if self._chance.random() < TWICE_SHARE:
            self._tell(after + self._chance.uniform(*TWICE_SECONDS), said)

    def _tell(self, after_seconds: float, said: dict[str, Any]) -> None:
        due = time.monotonic() + after_seconds / self._speed
        heapq.heappush(self._waiting, (due, next(self._numbers), said))

    async def _send(self) -> None:
        while True:
            await asyncio.sleep(SEND_SECONDS)
            if self._counts:
                counted, self._counts = self._counts, []
                path = "/v1/parking/facilities/readings/batch"
                await self._client.command(GATEWAY, path, {"readings": counted})
            signs = self._due()
            if not signs:
                continue
            body = {"detections": signs}
            path = "/v1/parking/detections/batch"
            answer = await self._client.command(GATEWAY, path, body)
            for each in (answer or {}).get("refused", ()):
                if each["retry"]:
                    self._tell(0.0, signs[each["index"]])

    def _due(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        until = time.monotonic()
        while self._waiting and self._waiting[0][0] <= until and len(found) < MOST_A_BATCH:
            found.append(heapq.heappop(self._waiting)[2])
        return found
