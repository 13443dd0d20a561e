"""Thousands of commands over HTTP, by everybody at once: whatever is refused says why (issue 15).

Officers, a centre outside, vehicles on duty and controllers whose clocks and lamps are wrong send
what they like, also several at the same moment, while two processes believe that they control the
junctions. The checker must find nothing in the log.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from citybrain.definitions.signals.junctions import SignalDefinitions
from citybrain.domain.signals.lamps import Shown
from commands.signals.control import SignalControl
from tests.given.api import Answer, Api
from tests.given.signals.controlled import POLICE, Centre
from tests.given.storm import STORM

BEFORE_MIDNIGHT = datetime(2026, 9, 14, 15, 55, tzinfo=UTC)
JUNCTIONS = ("renmin_1", "renmin_2")
OFFICERS = ("officer-1", "officer-2", "chief-1")
STAGES = ("A", "B", "C")
REPORTS = "/v1/signals/controllers/acknowledgements"
REQUESTS = 3000 if STORM > 1 else 40

Sending = tuple[str, str, str, str, dict[str, Any]]
"""What is tried, by whom (subject and role), the path, and the body."""


@pytest.fixture
def with_workers() -> bool:
    return False  # the test says when the control processes look


class Attack:
    """The requests of one seed."""

    def __init__(self, api: Api, centre: Centre, chance: Random) -> None:
        self.api, self.centre, self.chance = api, centre, chance
        self.second = SignalControl(centre.services, centre.memory)
        self.tally: Counter[tuple[str, str]] = Counter()
        self.routes = 0
        self.drift = 0.0

    async def go(self, requests: int) -> None:
        """So many, up to four at the same moment; between them time passes."""
        await self.second.load()
        while self.tally.total() < requests:
            together = [self._something() for _ in range(self.chance.choice((1, 1, 2, 4)))]
            await asyncio.gather(*(self._send(*each) for each in together))
            await self.centre.hear()
            await self._both_decide()
            await self.centre.run(self.chance.choice((0.0, 0.3, 2.0, 7.0, 20.0)))

    async def _both_decide(self) -> None:
        """Another process that was told nothing decides at the same moment."""
        if self.chance.random() < 0.3:
            await asyncio.gather(self.centre.control.tick(), self.second.tick())
            await self.centre.hear()

    async def _send(self, what: str, by: str, role: str, path: str, body: dict[str, Any]) -> None:
        answer = await self.api.call("POST", path, role, subject=by, department=POLICE, json=body)
        assert answer.status < 500, answer.body
        self.tally[what, self._said(what, answer)] += 1

    def _said(self, what: str, answer: Answer) -> str:
        if answer.status >= 400:
            code: str = answer.json["code"]
            rule = answer.json.get("rule")
            if rule is not None:
                assert answer.json["rule_name"], answer.body
            return code if rule is None else f"rule {rule}"
        if what == "report":
            return next((each["code"] for each in answer.json["refused"]), "taken")
        if what == "route":
            return str(answer.json["legs"][0]["code"] or answer.json["legs"][0]["outcome"])
        return "followed"

    def _something(self) -> Sending:
        what = self.chance.choice((*self._kinds, "command", "command"))
        by, role, path, body = self._kinds[what](self)
        return what, by, role, path, body

    def _at(self, junction: str, name: str) -> str:
        return f"/v1/signals/junctions/{junction}/{name}"

    def _soon(self) -> str:
        seconds = self.chance.uniform(-20, 60)
        return (self.centre.clock() + timedelta(seconds=seconds)).isoformat()

    def _officer(self, name: str, **body: Any) -> tuple[str, str, str, dict[str, Any]]:
        by = self.chance.choice(OFFICERS)
        role = "supervisor" if by.startswith("chief") else "official"
        return by, role, self._at(self.chance.choice(JUNCTIONS), name), body

    def _hand(self) -> tuple[str, str, str, dict[str, Any]]:
        return self._officer("hand", reason="event", until=self._soon())

    def _shown(self) -> tuple[str, str, str, dict[str, Any]]:
        show = self.chance.choice(("stage", "stage", "stage", "all-red", "flash"))
        stage = self.chance.choice(STAGES) if show == "stage" else None
        return self._officer("shown", show=show, stage=stage, reason="event", until=self._soon())

    def _release(self) -> tuple[str, str, str, dict[str, Any]]:
        return self._officer("release")

    def _mode(self) -> tuple[str, str, str, dict[str, Any]]:
        mode = self.chance.choice(("centre", "centre", "local"))
        return self._officer("mode", mode=mode, reason="trial")

    def _strategy(self) -> tuple[str, str, str, dict[str, Any]]:
        strategy = self.chance.choice(("plan", "fixed", "max-pressure"))
        return self._officer("strategy", strategy=strategy, reason="trial")

    def _reset(self) -> tuple[str, str, str, dict[str, Any]]:
        return self._officer("reset", reason="repaired")

    def _command(self) -> tuple[str, str, str, dict[str, Any]]:
        """Of the epoch and number that are next, or not quite; stages, or groups that conflict."""
        junction, chance = self.chance.choice(JUNCTIONS), self.chance
        signal = self.centre.control.signal(junction)
        groups = sorted(chance.sample(sorted(signal.lamps), 2))
        wish: dict[str, Any] = (
            {"groups": groups} if chance.random() < 0.3 else {"stage": chance.choice(STAGES)}
        )
        if chance.random() < 0.3:
            wish |= {"green_at": self._soon()}
        body = {
            "epoch": max(0, signal.epoch - chance.choice((0, 0, 0, 1))),
            "sequence": max(1, signal.last_sequence + chance.choice((-2, 0, 1, 1, 1, 3))),
            "expires_at": self._soon(),
        }
        return "centre-9", "official", self._at(junction, "commands"), body | wish

    def _route(self) -> tuple[str, str, str, dict[str, Any]]:
        self.routes += self.chance.choice((0, 1))
        legs = [
            {"junction": each, "stage": self.chance.choice(STAGES), "until": self._soon()}
            for each in self.chance.sample(JUNCTIONS, self.chance.choice((1, 2)))
        ]
        said = {"route": f"E{self.routes}", "vehicle": "fire-1", "reason": "rescue"}
        level = self.chance.randrange(1, 4)
        path = "/v1/signals/routes"
        return "officer-1", "official", path, said | {"level": level, "legs": legs}

    def _passed(self) -> tuple[str, str, str, dict[str, Any]]:
        return self._officer(f"preemptions/E{self.routes}/end", reason="passed")

    def _report(self) -> tuple[str, str, str, dict[str, Any]]:
        """Of a controller whose clock runs away now and then, and whose lamps are what they are."""
        junction, chance = self.chance.choice(JUNCTIONS), self.chance
        signal = self.centre.control.signal(junction)
        now = self.centre.clock()
        at = round(now.timestamp() * 1000)
        lamps = {code: signal.shown(code, at).value for code in signal.lamps}
        if chance.random() < 0.2:
            lamps = dict.fromkeys(lamps, chance.choice((Shown.RED.value, Shown.FLASH.value)))
        self.drift = 0.0 if chance.random() < 0.7 else min(1e6, 2.5 + self.drift * 2)
        commanded = signal.commanded
        report = {
            "junction": junction,
            "clock": (now + timedelta(seconds=self.drift)).isoformat(),
            "lamps": lamps,
            "command": commanded["number"] if commanded else None,
            "followed": chance.random() < 0.8,
            "restarted": chance.random() < 0.03,
            "conflict": "V1 and V2 green" if chance.random() < 0.03 else None,
            "pressed": [each for each in ("P1", "P2") if chance.random() < 0.3],
        }
        by = f"signal:{chance.choice((junction, junction, 'renmin_4'))}"
        return by, "gateway", REPORTS, {"reports": [report]}

    _kinds: dict[str, Callable[["Attack"], tuple[str, str, str, dict[str, Any]]]] = {  # noqa: RUF012
        "hand": _hand,
        "shown": _shown,
        "release": _release,
        "mode": _mode,
        "strategy": _strategy,
        "reset": _reset,
        "command": _command,
        "route": _route,
        "passed": _passed,
        "report": _report,
    }


@pytest.mark.storm
async def test_whatever_is_sent_by_everybody_at_once_nothing_unsafe_is_in_the_log(api: Api) -> None:
    centre = await Centre.of(api.runtime.services, BEFORE_MIDNIGHT)
    assert api.runtime.services.definitions.of(SignalDefinitions).junctions.keys() >= {*JUNCTIONS}
    for junction in JUNCTIONS:
        path = f"/v1/signals/junctions/{junction}/service"
        put = await api.call("POST", path, "official", department=POLICE, json={"reason": "new"})
        assert put.status == 200, put.body
    await centre.run(30)
    attack = Attack(api, centre, Random(15))
    await attack.go(REQUESTS)
    await centre.run(400)
    for (what, said), times in sorted(attack.tally.items()):
        print(f"{what}: {said} {times}")
    assert await centre.violations() == {each: [] for each in JUNCTIONS}
    if STORM > 1:
        rules = {said for _, said in attack.tally if said.startswith("rule ")}
        assert {"rule 1", "rule 9", "rule 12", "rule 13"} <= rules
