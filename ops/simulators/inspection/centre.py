"""The simulated centre: confirms detections, checks what was handled, closes, and approves."""

import asyncio
from typing import Any

from ops.simulators.client import Person
from ops.simulators.inspection.desk import ROUND_SECONDS, Case, Desk
from ops.simulators.inspection.streets import Streets

OPERATOR = Person("operator-1", "operator")
SUPERVISOR = Person("supervisor-1", "supervisor")
REWORK_SHARE = 0.1
CONFIRM_SHARE = 0.7
APPROVE_SHARE = 0.7


class Centre:
    """An operator and a supervisor."""

    def __init__(self, desk: Desk, streets: Streets) -> None:
        self._desk = desk
        self._chance = desk.chance
        self._streets = streets

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for work in (self._look_at_detections, self._check, self._settle):
                group.create_task(_again_and_again(work))

    async def _look_at_detections(self) -> None:
        """Those that are not sure enough: it is so, or it is not."""
        page = await self._desk.client.get(OPERATOR, "/v1/detections?limit=200")
        waiting = [each for each in page.get("detections", []) if each["simulated"]]
        await self._desk.some(waiting, self._confirm)

    async def _confirm(self, detection: dict[str, Any]) -> None:
        path = f"/v1/detections/{detection['detection_id']}"
        if self._chance.random() < CONFIRM_SHARE:
            await self._desk.client.command(OPERATOR, f"{path}/confirm", {"note": "simulated"})
            return
        reason = {"reason": "simulated: nothing there"}
        await self._desk.client.command(OPERATOR, f"{path}/dismiss", reason)
        self._streets.solve(detection["class_code"], detection["latitude"], detection["longitude"])

    async def _check(self) -> None:
        """What was handled is verified or returned; what was verified is closed."""
        for status, check in (("handled", self._verify), ("verified", self._close)):
            await self._desk.some(await self._desk.cases(OPERATOR, f"status={status}"), check)

    async def _verify(self, row: Case) -> None:
        case = await self._desk.state(OPERATOR, row["case_id"])
        if case is None or case["status"] != "handled":
            return
        if self._chance.random() < REWORK_SHARE:
            await self._desk.step(OPERATOR, case, "return", {"reason": "simulated: not solved"})
        else:
            await self._desk.step(OPERATOR, case, "verify", {"note": "simulated check"})

    async def _close(self, row: Case) -> None:
        case = await self._desk.state(OPERATOR, row["case_id"])
        if case is not None and case["status"] == "verified":
            await self._desk.step(OPERATOR, case, "close", {"resolution": "simulated"})

    async def _settle(self) -> None:
        """The supervisor approves or denies what was asked for."""
        await self._desk.some(list(self._desk.requests), self._answer)

    async def _answer(self, request_id: str) -> None:
        case = await self._desk.state(SUPERVISOR, self._desk.requests[request_id])
        asked = [
            each for each in (case or {}).get("requests", ()) if each["request_id"] == request_id
        ]
        if case is not None and asked:
            approved = self._chance.random() < APPROVE_SHARE
            body = {"request_id": request_id, "note": "simulated"}
            await self._desk.step(SUPERVISOR, case, "approve" if approved else "deny", body)
            if approved:
                await self._follow(asked[0]["change"], case)
        self._desk.requests.pop(request_id, None)

    async def _follow(self, change: str, case: Case) -> None:
        """What was handed back is dispatched anew; what was void is seen no more."""
        if change == "void":
            self._streets.solve(case["class_code"], case["latitude"], case["longitude"])
        elif change == "hand-back":
            back = await self._desk.state(OPERATOR, case["case_id"])
            if back is not None and back["status"] == "filed":
                await self._desk.step(OPERATOR, back, "dispatch", {})


async def _again_and_again(work: Any) -> None:
    while True:
        await asyncio.sleep(ROUND_SECONDS)
        await work()
