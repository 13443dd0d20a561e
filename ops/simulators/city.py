"""A small simulated city: cameras, citizens, officials and operators as ordinary clients.

Everything goes through HTTP with tokens of the development issuer. All it reports is marked
`simulated`. It only talks to the server it is given and slows down when told to (503, 429).
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

CENTRE = (34.7466, 113.6254)  # Zhengzhou, WGS-84
SPREAD_DEGREES = 0.08
WORK_SECONDS = 2.0
REWORK_SHARE = 0.1
PATIENCE_SECONDS = 5.0
ELSEWHERE = ("dsny", "nypd", "dpr", "dohmh")  # agencies of another city, for imported records
TOKEN_SECONDS = 1800.0


class City:
    """The people and cameras of the city, as clients of one server."""

    def __init__(self, url: str, rate: float, seed: int, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._rate = rate
        self._random = random.Random(seed)
        self._session = session
        self._tokens: dict[str, tuple[float, str]] = {}
        self._classes: list[dict[str, Any]] = []

    async def run(self) -> None:
        """Report and work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._report())
            group.create_task(self._work())

    async def _report(self) -> None:
        """Cameras, now and then a citizen, report at the given rate."""
        while True:
            await asyncio.sleep(self._random.expovariate(self._rate))
            kind = self._random.choice(await self._street_classes())
            camera = self._random.random() < 0.8
            number = self._random.randrange(200)
            who = f"camera-{number:03}" if camera else f"citizen-{number:03}"
            body = {
                "source": "camera" if camera else "citizen",
                "class_code": kind["code"],
                "description": f"simulated: {kind['name_en'].lower()}",
                "latitude": round(CENTRE[0] + self._random.gauss(0, SPREAD_DEGREES / 2), 6),
                "longitude": round(CENTRE[1] + self._random.gauss(0, SPREAD_DEGREES / 2), 6),
                "simulated": True,
            }
            if camera:
                body["confidence"] = self._random.randint(60, 99)
                body["evidence_sha256"] = [self._digest()]
            await self._send("POST", "/v1/cases", who, "device" if camera else "citizen", body)

    async def _work(self) -> None:
        """Departments and the centre take simulated cases one step further, again and again."""
        while True:
            await asyncio.sleep(WORK_SECONDS)
            page = await self._send("GET", "/v1/cases?limit=200", "operator-1", "operator")
            cases = [case for case in (page or {}).get("cases", []) if case["simulated"]]
            share = max(1, int(self._rate * WORK_SECONDS * 6))
            for case in self._random.sample(cases, min(len(cases), share)):
                await self._step(case)

    async def _step(self, case: dict[str, Any]) -> None:
        path, etag = f"/v1/cases/{case['case_id']}", f'"{case["version"]}"'
        lead = case["lead"]
        match case["status"]:
            case "dispatched":
                await self._official(f"{path}/accept", lead, {"department": lead}, etag)
            case "accepted" | "returned":
                body = {
                    "department": lead, "note": "simulated work",
                    "evidence_sha256": [self._digest()],
                }  # fmt: skip
                await self._official(f"{path}/handle", lead, body, etag)
            case "handled" if self._random.random() < REWORK_SHARE:
                await self._operator(f"{path}/return", {"reason": "simulated: not solved"}, etag)
            case "handled":
                await self._operator(f"{path}/verify", {"note": "simulated check"}, etag)
            case "verified":
                await self._operator(f"{path}/close", {"resolution": "simulated"}, etag)

    async def _official(self, path: str, lead: str, body: dict[str, Any], etag: str) -> None:
        await self._send("POST", path, f"official-{lead}", "official", body, etag, lead)

    async def _operator(self, path: str, body: dict[str, Any], etag: str) -> None:
        await self._send("POST", path, "operator-1", "operator", body, etag)

    async def _street_classes(self) -> list[dict[str, Any]]:
        if not self._classes:
            answer = await self._send("GET", "/v1/classes", "operator-1", "operator")
            self._classes = [
                row for row in (answer or {}).get("classes", []) if row["lead"] not in ELSEWHERE
            ]
            if not self._classes:
                await asyncio.sleep(PATIENCE_SECONDS)
                return await self._street_classes()
        return self._classes

    async def _send(
        self,
        method: str,
        path: str,
        who: str,
        role: str,
        body: dict[str, Any] | None = None,
        etag: str | None = None,
        department: str | None = None,
    ) -> dict[str, Any] | None:
        """One request; None where the server is away or says no (somebody else was faster)."""
        try:
            headers = {"Authorization": f"Bearer {await self._token(who, role, department)}"}
            if etag is not None:
                headers["If-Match"] = etag
            async with self._session.request(
                method, self._url + path, json=body, headers=headers
            ) as answer:
                if answer.status in (429, 503):
                    await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))
                if answer.status >= 400:
                    return None
                value: dict[str, Any] = await answer.json()
                return value
        except (aiohttp.ClientError, TimeoutError):
            await asyncio.sleep(PATIENCE_SECONDS)  # the server restarts, perhaps
            return None

    async def _token(self, who: str, role: str, department: str | None) -> str:
        now = asyncio.get_running_loop().time()
        known = self._tokens.get(who)
        if known is None or known[0] < now:
            body = {"subject": who, "roles": [role], "department": department}
            async with self._session.post(f"{self._url}/dev/token", json=body) as answer:
                answer.raise_for_status()
                known = (now + TOKEN_SECONDS, (await answer.json())["access_token"])
            self._tokens[who] = known
        return known[1]

    def _digest(self) -> str:
        return hashlib.sha256(self._random.randbytes(32)).hexdigest()


async def main(url: str, rate: float, seed: int) -> None:
    """Run the city until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        city = asyncio.create_task(City(url.rstrip("/"), rate, seed, session).run())
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait({city, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if city.done():
            city.result()
        city.cancel()
        with suppress(asyncio.CancelledError):
            await city


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the server")
    parser.add_argument("--rate", type=float, default=1.0, help="reports a second")
    parser.add_argument("--seed", type=int, default=2020, help="of all that is random")
    options = parser.parse_args()
    try:
        asyncio.run(main(options.url, options.rate, options.seed))
    except KeyboardInterrupt:
        sys.exit(130)
