"""A small simulated city: cameras, citizens, kiosks, officials and operators as clients.

Everything goes through HTTP with tokens of the development issuer, work is looked up as a
department or the centre would, and all that is reported is marked `simulated`. Cases that are
not simulated are left alone.
"""

import argparse
import asyncio
import hashlib
import random
import signal
import sys
from contextlib import suppress
from typing import Any

import aiohttp

from ops.simulators.citizens import Citizens
from ops.simulators.client import Client, Person, ServerGone

CENTRE = (34.7466, 113.6254)  # Zhengzhou, WGS-84
SPREAD_DEGREES = 0.04
STREETS = ("中原路", "金水路", "花園路", "二七路", "文化路", "建設路", "農業路", "東風路")
ELSEWHERE = ("dsny", "nypd", "dpr", "dohmh")  # agencies of another city, for imported records
SOURCES = {"camera": 0.75, "citizen": 0.2, "official": 0.05}
PEOPLE = 200  # of each kind
ROUND_SECONDS = 2.0
STEP_SHARE = 0.35  # of the cases at hand that somebody gets to in a round
STEPS_A_ROUND = 100  # of one department, or of the centre
REWORK_SHARE = 0.1
PAGE = 200
OPERATOR = Person("operator-1", "operator")

Case = dict[str, Any]


class City:
    """The people and cameras of the city, as clients of one server."""

    def __init__(self, client: Client, rate: float, chance: random.Random) -> None:
        self._client = client
        self._rate = rate
        self._chance = chance

    async def run(self) -> None:
        """Report and work until cancelled, or until the server is gone for good."""
        classes = await self._street_classes()
        departments = sorted({code for kind in classes for code in kind["departments"]})
        async with asyncio.TaskGroup() as group:
            group.create_task(self._report_for_ever(group, classes, departments))
            group.create_task(self._check())
            group.create_task(Citizens(self._client, self._chance).run())
            for department in departments:
                group.create_task(self._work(department))

    async def _street_classes(self) -> list[dict[str, Any]]:
        while True:
            rows = (await self._client.get(OPERATOR, "/v1/classes")).get("classes", [])
            street = [row for row in rows if row["lead"] not in ELSEWHERE]
            if street:
                return street
            await asyncio.sleep(ROUND_SECONDS)

    async def _report_for_ever(
        self, group: asyncio.TaskGroup, classes: list[dict[str, Any]], departments: list[str]
    ) -> None:
        """Reports arrive at the given rate, however long the server takes for one (up to 64)."""
        waiting = asyncio.Semaphore(64)
        while True:
            await asyncio.sleep(self._chance.expovariate(self._rate))
            await waiting.acquire()
            source = self._chance.choices(list(SOURCES), list(SOURCES.values()))[0]
            person = self._reporter(source, departments)
            body = self._report(source, self._chance.choice(classes))
            task = group.create_task(self._client.command(person, "/v1/cases", body))
            task.add_done_callback(lambda _: waiting.release())

    def _reporter(self, source: str, departments: list[str]) -> Person:
        number = self._chance.randrange(PEOPLE)
        if source == "official":
            department = self._chance.choice(departments)
            return Person(f"official-{department}", "official", department)
        return Person(f"{source}-{number:03}", "device" if source == "camera" else source)

    def _report(self, source: str, kind: dict[str, Any]) -> dict[str, Any]:
        latitude, longitude = (
            round(centre + self._chance.gauss(0, SPREAD_DEGREES), 6) for centre in CENTRE
        )
        body = {
            "source": source,
            "class_code": kind["code"],
            "description": f"simulated: {kind['name_en'].lower()}",
            "latitude": latitude,
            "longitude": longitude,
            "address": f"{self._chance.choice(STREETS)} {self._chance.randrange(1, 300)}",
            "simulated": True,
        }
        if source == "camera":
            body |= {"confidence": self._chance.randint(60, 99), "evidence_sha256": [self._photo()]}
        return body

    async def _work(self, department: str) -> None:
        """The officials of a department accept and handle the cases that it leads."""
        official = Person(f"official-{department}", "official", department)
        while True:
            await asyncio.sleep(ROUND_SECONDS * self._chance.uniform(0.5, 1.5))
            cases = await self._cases(official, f"department={department}")
            led = [case for case in cases if case["lead"] == department]
            await self._each(led, lambda case: self._handle(official, case))

    async def _handle(self, official: Person, case: Case) -> None:
        body: dict[str, Any] = {"department": official.department}
        if case["status"] == "dispatched":
            await self._step(official, case, "accept", body)
        elif case["status"] in ("accepted", "returned"):
            body |= {"note": "simulated work", "evidence_sha256": [self._photo()]}
            await self._step(official, case, "handle", body)

    async def _check(self) -> None:
        """The centre verifies what was handled, returns some of it, and closes."""
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            handled = await self._cases(OPERATOR, "status=handled")
            verified = await self._cases(OPERATOR, "status=verified")
            await self._each(handled, self._verify)
            await self._each(
                verified,
                lambda case: self._step(OPERATOR, case, "close", {"resolution": "simulated"}),
            )

    async def _verify(self, case: Case) -> None:
        if self._chance.random() < REWORK_SHARE:
            await self._step(OPERATOR, case, "return", {"reason": "simulated: not solved"})
        else:
            await self._step(OPERATOR, case, "verify", {"note": "simulated check"})

    async def _cases(self, person: Person, which: str) -> list[Case]:
        page = await self._client.get(person, f"/v1/cases?{which}&limit={PAGE}")
        return [case for case in page.get("cases", []) if case["simulated"]]

    async def _each(self, cases: list[Case], step: Any) -> None:
        """Take the step for some of the cases, a few at a time."""
        chosen = [case for case in cases if self._chance.random() < STEP_SHARE]
        async with asyncio.TaskGroup() as group:
            for case in chosen[:STEPS_A_ROUND]:
                group.create_task(step(case))

    async def _step(self, person: Person, case: Case, step: str, body: dict[str, Any]) -> None:
        path = f"/v1/cases/{case['case_id']}/{step}"
        await self._client.command(person, path, body, version=case["version"])

    def _photo(self) -> str:
        return hashlib.sha256(self._chance.randbytes(32)).hexdigest()


async def main(options: argparse.Namespace) -> int:
    """Run the city until SIGTERM or SIGINT (0), or until the server is gone for good (1)."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    chance = random.Random(options.seed)
    url = options.url.rstrip("/")
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        client = Client(
            session, url, options.token_url or f"{url}/dev/token",
            give_up_after_seconds=options.give_up_after, chance=chance,
        )  # fmt: skip
        city = asyncio.create_task(City(client, options.rate, chance).run())
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait({city, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        city.cancel()
        try:
            with suppress(asyncio.CancelledError):
                await city
        except (ServerGone, ExceptionGroup) as error:
            if isinstance(error, ExceptionGroup) and error.split(ServerGone)[1] is not None:
                raise
            print("simulated city: the server does not answer; leaving", file=sys.stderr)
            return 1
    return 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.simulators.city", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the server")
    parser.add_argument("--token-url", help="where tokens are issued; URL/dev/token where absent")
    parser.add_argument("--rate", type=float, default=1.0, help="reports a second")
    parser.add_argument("--seed", type=int, default=2020, help="of all that is random")
    parser.add_argument(
        "--give-up-after", type=float, default=600.0, metavar="SECONDS",
        help="leave when the server has not answered for so long",
    )  # fmt: skip
    options = parser.parse_args()
    if options.rate <= 0:
        parser.error("--rate is more than 0")
    return options


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments())))
