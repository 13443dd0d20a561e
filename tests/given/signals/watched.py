"""X1 with streets and detectors, served over HTTP, and what its devices say of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from commands.signals.observation_upkeep import write_observations
from tests.given.api import Answer, Api
from tests.given.signals.x1 import X1, ZERO

BATCH = "/v1/signals/observations/batch"
HOUR = 3600.0

WATCHED: dict[str, Any] = X1 | {
    "lanes": {
        "main": {"length": 200.0, "speed": 13.9},
        "side": {"length": 200.0, "speed": 13.9},
        "left": {"length": 60.0, "speed": 13.9},
    },
    "exits": {"ahead": {"length": 80.0}, "across": {"length": 80.0}},
    "movements": {
        "MT": {"lane": "main", "exit": "ahead", "turn": "through", "group": "V1"},
        "ST": {"lane": "side", "exit": "across", "turn": "through", "group": "V2"},
        "ML": {"lane": "left", "exit": "across", "turn": "left", "group": "L1"},
    },
    "detectors": {
        "C1": {"kind": "camera", "device": "camera-1", "lane": "main", "zone": [0.0, 100.0]},
        "CX": {"kind": "camera", "device": "camera-1", "lane": "ahead", "zone": [0.0, 80.0]},
        "D3": {"kind": "loop", "device": "cabinet-1", "lane": "side", "zone": [0.0, 2.0]},
        "D7": {"kind": "loop", "device": "cabinet-1", "lane": "left", "zone": [0.0, 2.0]},
        "D9": {
            "kind": "loop",
            "device": "cabinet-1",
            "lane": "side",
            "zone": [40.0, 42.0],
            "longest_presence": HOUR,
            "silent_after": HOUR,
        },
        "B2": {"kind": "button", "device": "cabinet-1", "group": "P2"},
    },
}


@dataclass
class Watched:
    """The junction, whose time the test tells: seconds from `zero`."""

    api: Api
    zero: datetime = ZERO
    now: float = 0.0
    refused: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.api.runtime.services.clock = lambda: self.at(self.now)

    def at(self, t: float) -> datetime:
        return self.zero + timedelta(seconds=t)

    def item(self, detector: str, t: float, **said: Any) -> dict[str, Any]:
        """What a detector says at t."""
        at = self.at(t).isoformat()
        return {"junction": "x1", "detector": detector, "at": at} | said

    async def tell(
        self, *items: Any, by: str = "cabinet-1", role: str = "gateway", path: str = BATCH
    ) -> Answer:
        return await self.api.call(
            "POST", path, role, subject=by, json={"observations": list(items)}
        )

    async def told(self, *items: Any, by: str = "cabinet-1") -> dict[str, Any]:
        """The same where all is taken in."""
        answer = await self.tell(*items, by=by)
        assert answer.status == 200, answer.body
        assert answer.json["refused"] == [], answer.body
        found: dict[str, Any] = answer.json
        return found

    async def counts(self, detector: str, since: float, until: float) -> list[dict[str, Any]]:
        """The five minutes of a detector, page by page."""
        found: list[dict[str, Any]] = []
        query = {"junction": "x1", "detector": detector, "limit": "7"}
        query |= {"since": self.at(since).isoformat(), "until": self.at(until).isoformat()}
        while True:
            answer = await self.read("/v1/signals/observations", query)
            found += answer["observations"]
            if answer["next"] is None:
                return found
            query["after"] = answer["next"]

    async def detector(self, code: str) -> dict[str, Any]:
        """How a detector stands."""
        found = await self.read("/v1/signals/detectors", {"junction": "x1"})
        return next(each for each in found["detectors"] if each["detector"] == code)

    async def degraded(self) -> list[Any]:
        """Why the junction is degraded."""
        query = {"after": "x0", "limit": "1"}
        (found,) = (await self.read("/v1/signals/degraded", query))["junctions"]
        assert found["junction"] == "x1"
        reasons: list[Any] = found["reasons"]
        return reasons

    async def read(self, path: str, query: dict[str, str]) -> Any:
        answer = await self.api.call("GET", path, "auditor", params=query)
        assert answer.status == 200, answer.body
        return answer.json

    async def write(self) -> None:
        """What is over goes into the table."""
        await write_observations(self.api.runtime.services)


def codes(answer: Answer) -> Sequence[tuple[int, str]]:
    """The items that were refused, and why."""
    return [(each["index"], each["code"]) for each in answer.json["refused"]]
