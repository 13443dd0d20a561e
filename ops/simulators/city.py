"""A small simulated city: cameras, citizens, cars, kiosks, officials and the centre as clients.

Everything goes through HTTP with tokens of the development issuer, work is looked up as a
department or the centre would, and all that is reported is marked `simulated`. Cases that are
not simulated are left alone.
"""

import argparse
import asyncio
import random
import sys
from typing import Any

import aiohttp

from ops.simulators.applications.citizens import Citizens
from ops.simulators.client import Client, Person
from ops.simulators.inspection.cameras import ELSEWHERE, Cameras, street_classes
from ops.simulators.inspection.centre import OPERATOR, Centre
from ops.simulators.inspection.desk import ROUND_SECONDS, Desk
from ops.simulators.inspection.officials import Officials
from ops.simulators.inspection.pictures import Pictures
from ops.simulators.inspection.streets import Streets
from ops.simulators.parking.drivers import Gateway
from ops.simulators.parking.town import Town
from ops.simulators.running import until_stopped

CENTRE = (34.7466, 113.6254)  # Zhengzhou, WGS-84
SPREAD_DEGREES = 0.04
STREETS = ("中原路", "金水路", "花园路", "二七路", "文化路", "建设路", "农业路", "东风路")
CAMERA_SHARE, CITIZEN_SHARE = 0.75, 0.2  # of what is reported; the rest by officials
PEOPLE = 200
CAMERAS = 1000
SIGHTS_A_PROBLEM = 3.0
BATCH_FROM_RATE, BATCH = 20.0, 100  # cameras send alone where little is seen


class City:
    """The people and cameras of the city, as clients of one server."""

    def __init__(
        self,
        client: Client,
        rate: float,
        seed: int,
        chance: random.Random,
        gateway: Gateway | None = None,
    ) -> None:
        self._client = client
        self._gateway = gateway
        self._rate = rate
        self._seed = seed
        self._chance = chance

    async def run(self) -> None:
        """Report and work until cancelled, or until the server is gone for good."""
        classes = await street_classes(self._client)
        departments = await self._departments()
        codes = [kind["code"] for kind in classes]
        streets = Streets(CAMERAS, codes, random.Random(self._seed))
        pictures = Pictures(self._client, random.Random(self._seed), OPERATOR)
        desk = Desk(self._client, self._chance, pictures)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._report_for_ever(group, classes, departments))
            group.create_task(self._watch(streets, pictures))
            group.create_task(Centre(desk, streets).run())
            group.create_task(Citizens(self._client, self._chance).run())
            group.create_task(Town(self._client, self._seed, gateway=self._gateway).run())
            for department in departments:
                group.create_task(Officials(desk, streets, department).run())

    async def _departments(self) -> list[str]:
        """All of this city, with their units in districts."""
        while True:
            found = await self._client.get(OPERATOR, "/v1/departments")
            codes = [row["code"] for row in found.get("departments", [])]
            if codes:
                return [code for code in codes if code not in ELSEWHERE]
            await asyncio.sleep(ROUND_SECONDS)

    async def _watch(self, streets: Streets, pictures: Pictures) -> None:
        rate = self._rate * CAMERA_SHARE
        cameras = Cameras(
            self._client,
            streets,
            rate=rate,
            seed=self._seed,
            batch=1 if rate < BATCH_FROM_RATE else BATCH,
            sights_a_problem=SIGHTS_A_PROBLEM,
            pictures=pictures if rate < BATCH_FROM_RATE else None,
        )
        await cameras.register()
        await cameras.run()

    async def _report_for_ever(
        self, group: asyncio.TaskGroup, classes: list[dict[str, Any]], departments: list[str]
    ) -> None:
        """People report at a rate, however long the server takes for one (up to 64)."""
        waiting = asyncio.Semaphore(64)
        while True:
            await asyncio.sleep(self._chance.expovariate(self._rate * (1 - CAMERA_SHARE)))
            await waiting.acquire()
            person = self._reporter(departments)
            body = self._report(person.role, self._chance.choice(classes))
            task = group.create_task(self._client.command(person, "/v1/cases", body))
            task.add_done_callback(lambda _: waiting.release())

    def _reporter(self, departments: list[str]) -> Person:
        if self._chance.random() < CITIZEN_SHARE / (1 - CAMERA_SHARE):
            return Person(f"citizen-{self._chance.randrange(PEOPLE):03}", "citizen")
        department = self._chance.choice(departments)
        return Person(f"official-{department}", "official", department)

    def _report(self, source: str, kind: dict[str, Any]) -> dict[str, Any]:
        latitude, longitude = (
            round(centre + self._chance.gauss(0, SPREAD_DEGREES), 6) for centre in CENTRE
        )
        return {
            "source": source,
            "class_code": kind["code"],
            "description": f"simulated: {kind['name_en'].lower()}",
            "latitude": latitude,
            "longitude": longitude,
            "address": f"{self._chance.choice(STREETS)} {self._chance.randrange(1, 300)}",
            "simulated": True,
        }


async def main(options: argparse.Namespace) -> int:
    """Run the city until SIGTERM or SIGINT (0), or until the server is gone for good (1)."""
    chance = random.Random(options.seed)
    url = options.url.rstrip("/")
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        client = Client(
            session,
            url,
            options.token_url or f"{url}/dev/token",
            give_up_after_seconds=options.give_up_after,
            chance=chance,
        )
        gateway = Gateway(session, options.gateway) if options.gateway else None
        city = City(client, options.rate, options.seed, chance, gateway)
        return await until_stopped(city.run(), "simulated city")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.simulators.city", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the server")
    parser.add_argument("--token-url", help="where tokens are issued; URL/dev/token where absent")
    parser.add_argument("--gateway", metavar="URL", help="where payers pay; nobody where absent")
    parser.add_argument("--rate", type=float, default=1.0, help="reports a second")
    parser.add_argument("--seed", type=int, default=2020, help="of all that is random")
    parser.add_argument(
        "--give-up-after",
        type=float,
        default=600.0,
        metavar="SECONDS",
        help="leave when the server has not answered for so long",
    )
    options = parser.parse_args()
    if options.rate <= 0:
        parser.error("--rate is more than 0")
    return options


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments())))
