"""A street of SUMO whose lamps are decided by a server over HTTP, a second at a time.

Cameras tell what they see, the control process decides, controllers hear of it, act, and say so.
The server's clock is the street's own, later by `SHIFT`: a whole number of cycles of every plan.
"""

from datetime import datetime, timedelta
from math import lcm
from typing import Any

from citybrain.definitions.signals.sumo_import import PLAN
from citybrain.domain.signals.signal_events import StageApplied
from citybrain.domain.signals.strategies import STRATEGIES
from ops.simulators.signals.cameras import Cameras
from ops.simulators.signals.controller import Controller, Link
from ops.simulators.signals.driving import letters, side_by_side
from ops.simulators.signals.placing import Placed, Plan
from ops.simulators.signals.renmin.seeing import Detectors, zones
from ops.simulators.signals.street import Street
from tests.given.api import Api
from tests.given.signals.controlled import POLICE, Centre

OBSERVATIONS = "/v1/signals/observations/batch"
EARLIEST_MS = 1_789_351_200_000
"""Ten in the morning of 2026-09-14 in the city."""
DECIDED = ("at", "stage", "ends", "starts", "kept", "given_up", "cause")


def shift_of(plan: Plan) -> int:
    """How much later the server's clock is than the street's, in milliseconds."""
    cycle = lcm(*(each.dated.plans[PLAN].cycle_ms for each in plan.junctions))
    return -(-EARLIEST_MS // cycle) * cycle


def decided(said: dict[str, Any], shift: int = 0) -> dict[str, Any]:
    """What a change came to, in the street's own time."""
    found = {name: said[name] for name in DECIDED}
    found["at"] -= shift
    found["ends"] = {code: [at - shift for at in each] for code, each in said["ends"].items()}
    found["starts"] = {code: each - shift for code, each in said["starts"].items()}
    return found


def in_process(plan: Plan, street: Street, strategy: str, seconds: int) -> dict[str, list[Any]]:
    """The measuring mode: what was decided at each junction."""
    driven = side_by_side(plan.junctions, STRATEGIES[strategy], street.now)
    cameras = [Cameras(plan.net, each.placed, zones(each.placed)) for each in driven]
    while street.now < seconds:
        at = street.now * 1000
        for each, camera in zip(driven, cameras, strict=True):
            each.decide(camera.look(street, at))
        street.step({each.placed.light: letters(each.placed, each.shown(at)) for each in driven})
    return {
        each.junction.code: [
            decided(vars(event)) for event in each.events if isinstance(event, StageApplied)
        ]
        for each in driven
    }


class ThroughTheApi:
    """The junctions of a street in the hand of a server."""

    def __init__(self, api: Api, centre: Centre, plan: Plan) -> None:
        self.api, self.centre, self.plan, self.shift = api, centre, plan, shift_of(plan)
        self.controllers = {each.light: Controller(each.dated) for each in plan.junctions}
        self.cameras = {each.light: Cameras(plan.net, each, zones(each)) for each in plan.junctions}
        self.detectors = {each.light: Detectors(each) for each in plan.junctions}
        assert api.runtime.development is not None
        token = api.runtime.development.token(
            "controllers",
            ["gateway"],
            acts_for=[f"signal:{each.dated.junction.code}" for each in plan.junctions],
        )
        self.link = Link(api.session, api.url, token, list(self.controllers.values()))
        devices = {
            each.device
            for placed in plan.junctions
            for each in placed.dated.junction.layout.detectors.values()
        }
        self.seeing = api.runtime.development.token(
            "cameras", ["gateway"], acts_for=sorted(devices)
        )

    def _clock(self, street_ms: int) -> None:
        self.centre.clock.now = datetime.fromtimestamp(0, self.centre.clock.now.tzinfo) + timedelta(
            milliseconds=street_ms + self.shift
        )

    async def begin(self, strategy: str, second: int) -> None:
        """Put all in service, so that each begins with its first stage at this second."""
        for each in sorted(self.plan.junctions, key=_starts_ms, reverse=True):
            self._clock(second * 1000 - _starts_ms(each))
            self.controllers[each.light].power_up(self._own_ms)
            self.controllers[each.light].restarted = False
            path = f"/v1/signals/junctions/{each.dated.junction.code}"
            await self._officer(f"{path}/service", reason="new")
            await self._officer(f"{path}/strategy", strategy=strategy, reason="trial")
        await self.centre.hear()

    @property
    def _own_ms(self) -> int:
        return round(self.centre.clock.now.timestamp() * 1000)

    async def _officer(self, path: str, **body: str) -> None:
        answer = await self.api.call("POST", path, "official", department=POLICE, json=body)
        assert answer.status == 200, answer.body

    async def run(self, street: Street, seconds: int) -> None:
        """Drive until this second."""
        while street.now < seconds:
            self._clock(street.now * 1000)
            at, items = self._own_ms, list[dict[str, Any]]()
            for light, camera in self.cameras.items():
                items += self.detectors[light].items(camera.look(street, at), at)
            headers = {"Authorization": f"Bearer {self.seeing}"}
            body = {"observations": items}
            told = await self.api.call("POST", OBSERVATIONS, json=body, headers=headers)
            assert told.status == 200, told.body
            assert told.json["refused"] == []
            await self.centre.run(0)
            await self.centre.told()
            await self.link.ask(at)
            for controller in self.controllers.values():
                controller.step(at)
            assert await self.link.tell(at) == []
            street.step(
                {
                    each.light: letters(each, self.controllers[each.light].shown(at))
                    for each in self.plan.junctions
                }
            )

    async def decisions(self) -> dict[str, list[Any]]:
        """What is in the log of each junction."""
        found = {}
        for each in self.plan.junctions:
            code = each.dated.junction.code
            events = await self.centre.services.store.read(self.centre.control.signal(code).id)
            found[code] = [
                decided(event.data, self.shift)
                for event in events
                if event.topic == "signal.stage_applied"
            ]
        return found


def _starts_ms(placed: Placed) -> int:
    """How long a junction takes from power to its first green, in milliseconds."""
    junction = placed.dated.junction
    dark = junction.between(junction.groups, junction.stages[placed.dated.first_stage])
    return max(junction.start_up.flash_ms + junction.start_up.all_red_ms, dark)
