"""Simulated officials of a department: they accept, decide together, make safe, and handle.

Now and then they decline, ask for more time or a deferral, hand a case back, or find that it is
none; now and then the work is not done well, and the cameras see the problem again.
"""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.simulators.client import Person
from ops.simulators.inspection.desk import ROUND_SECONDS, Case, Desk
from ops.simulators.inspection.streets import Streets

AT_DEPARTMENTS = ("dispatched", "accepted", "returned", "reopened")
DECLINE_SHARE = 0.1  # of those who do not lead
JOINT_SHARE = 0.6  # of cases of several departments that are decided together
HAND_BACK_SHARE, VOID_SHARE, DEFERRAL_SHARE, EXTENSION_SHARE = 0.02, 0.01, 0.02, 0.04
DEFERRAL_SECONDS = (30.0, 300.0)
BADLY_DONE_SHARE = 0.1
PLAIN_DEADLINES = ("accepted", "handling")

Step = tuple[str, dict[str, Any]]


class Officials:
    """The officials of one department at their desks."""

    def __init__(self, desk: Desk, streets: Streets, department: str) -> None:
        self._desk = desk
        self._streets = streets
        self._department = department
        self._official = Person(f"official-{department}", "official", department)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await asyncio.sleep(ROUND_SECONDS * self._desk.chance.uniform(0.5, 1.5))
            rows = await self._desk.cases(self._official, f"department={self._department}")
            await self._desk.some(
                [row for row in rows if row["status"] in AT_DEPARTMENTS], self._work
            )

    async def _work(self, row: Case) -> None:
        case = await self._desk.state(self._official, row["case_id"])
        if case is None:
            return
        step = next_step(case, self._department, self._desk.chance)
        if step is None:
            return
        name, body = step
        if name in ("handle", "tasks", "milestones"):
            evidence = await self._desk.pictures.some()
            if name == "handle" and not evidence:
                return
            body |= {"evidence_sha256": evidence}
        done = await self._desk.step(self._official, case, name, body)
        if done is None:
            return
        if name == "requests" and done["request_id"]:
            self._desk.requests[done["request_id"]] = case["case_id"]
        if name == "handle" and self._desk.chance.random() >= BADLY_DONE_SHARE:
            self._streets.solve(case["class_code"], case["latitude"], case["longitude"])


def next_step(case: Case, department: str, chance: random.Random) -> Step | None:
    """What a department does next about a case, and the command's body; nothing where it waits."""
    if case["status"] not in AT_DEPARTMENTS or case["deferred_until"] or case["requests"]:
        return None
    if department not in case["departments"]:
        return None
    unfinished = [task["department"] for task in case["tasks"] if not task["finished"]]
    own: dict[str, Any] = {"department": department}
    if department in unfinished:
        return "tasks", own | {"note": "simulated: our part"}
    if department == case["lead"]:
        return _lead(case, own, unfinished, chance)
    if department in case["accepted_by"]:
        return None
    if not case["tasks"] and chance.random() < DECLINE_SHARE:
        return "decline", own | {"reason": "simulated: nothing for us"}
    return "accept", own


def _lead(
    case: Case, own: dict[str, Any], unfinished: list[str], chance: random.Random
) -> Step | None:
    draw = chance.random()
    if case["status"] == "dispatched":
        return _asked(own, "hand-back") if draw < HAND_BACK_SHARE else ("accept", own)
    milestones = [each["until"] for each in case["deadlines"] if each["stage"] == "handling"]
    for milestone in milestones:
        if milestone not in PLAIN_DEADLINES:
            return "milestones", own | {"milestone": milestone, "note": "simulated"}
    if len(case["departments"]) > 1 and not case["tasks"] and draw < JOINT_SHARE:
        return "decide", own | {"plan": "simulated: together", "tasks": _tasks(case)}
    if unfinished:
        return None
    return _ask(case, own, chance) or ("handle", own | {"note": "simulated work"})


def _tasks(case: Case) -> list[dict[str, str]]:
    return [
        {"department": each, "task": f"simulated: the part of {each}"}
        for each in case["departments"]
    ]


def _ask(case: Case, own: dict[str, Any], chance: random.Random) -> Step | None:
    draw = chance.random()
    if draw < VOID_SHARE:
        return _asked(own, "void")
    draw -= VOID_SHARE
    if draw < DEFERRAL_SHARE:
        until = datetime.now(UTC) + timedelta(seconds=chance.uniform(*DEFERRAL_SECONDS))
        return _asked(own, "deferral", until=until.isoformat())
    draw -= DEFERRAL_SHARE
    runs = any(each["code"] == "handling" for each in case["deadlines"])
    if runs and draw < EXTENSION_SHARE and not case["times_extended"]:
        return _asked(own, "extension", deadline="handling", amount=1)
    return None


def _asked(own: dict[str, Any], change: str, **fields: Any) -> Step:
    return "requests", own | {"change": change, "reason": f"simulated {change}", **fields}
