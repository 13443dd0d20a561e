"""What people at work share: lists of simulated cases, and steps that they take on them."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

from ops.simulators.client import Client, Person
from ops.simulators.inspection.pictures import Pictures

ROUND_SECONDS = 2.0
STEP_SHARE = 0.35  # of the cases at hand that somebody gets to in a round
STEPS_A_ROUND = 100  # of one department, or of the centre
PAGE, PAGES = 200, 5

Case = dict[str, Any]


class Desk:
    """Looks work up as a department or the centre would, and does some of it.

    `requests` are those that wait for a supervisor: id of the request → id of the case.
    """

    def __init__(self, client: Client, chance: random.Random, pictures: Pictures) -> None:
        self.client = client
        self.chance = chance
        self.pictures = pictures
        self.requests: dict[str, str] = {}

    async def cases(self, person: Person, which: str) -> list[Case]:
        """Open simulated cases, oldest first, as the read model lists them."""
        found: list[Case] = []
        after = ""
        for _ in range(PAGES):
            path = f"/v1/cases?{which}&limit={PAGE}{after}"
            page = await self.client.get(person, path)
            found += [case for case in page.get("cases", []) if case["simulated"]]
            if not page.get("next"):
                break
            after = f"&after={page['next']}"
        return found

    async def state(self, person: Person, case_id: str) -> Case | None:
        """The case as its stream makes it; its open requests are noted."""
        case = await self.client.get(person, f"/v1/cases/{case_id}")
        self.requests |= {each["request_id"]: case_id for each in case.get("requests", ())}
        return case or None

    async def some(self, rows: list[Any], do: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
        """Do it for some of the rows, a few at a time."""
        chosen = [row for row in rows if self.chance.random() < STEP_SHARE]
        async with asyncio.TaskGroup() as group:
            for row in chosen[:STEPS_A_ROUND]:
                group.create_task(do(row))

    async def step(
        self, person: Person, case: Case, step: str, body: dict[str, Any]
    ) -> dict[str, Any] | None:
        """A step on the case as it was seen; None where it was refused."""
        path = f"/v1/cases/{case['case_id']}/{step}"
        return await self.client.command(person, path, body, version=case["version"])
