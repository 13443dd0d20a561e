"""Simulated drivers: some have bound their plate and pay without stopping, the others pay later.

Who pays later does so at a kiosk, and hands the order that comes back to the payment gateway.
Without one nobody pays later. Some put it off, and now and then a card is declined.
"""

import asyncio
import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import aiohttp

from ops.simulators.applications.identity_numbers import identity_number
from ops.simulators.client import Client, Person
from ops.simulators.parking.places import kiosks

BOUND_EVERY = 3  # plates: one of them is bound
BIND_SECONDS, PAY_SECONDS = 4.0, 5.0
LATE_SHARE, MOST_PUT_OFF = 0.25, 6  # of those who pay later; how often they walk by
DECLINED_SHARE, DECLINED = 0.05, "declined"
NUMBERS_OF_OTHERS = 1000  # those who have bound nothing are counted from here on
LIMITS = {"per_debit_limit_fen": 5_000, "per_day_limit_fen": 20_000}
AGREEMENT = "parking-debit"
CLERK = Person("clerk-2", "clerk", counter="counter-2")
FIRST_BORN = date(1975, 1, 1)


class Gateway:
    """Where an order is paid."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url

    async def pay(self, order: str, means: str, refused: str | None = None) -> None:
        """Hand an order over; whoever has no money, or comes too late, has paid nothing."""
        body = {"order": order, "means": means} | ({"refused": refused} if refused else {})
        try:
            async with self._session.post(f"{self._url}/orders", json=body):
                return
        except (aiohttp.ClientError, TimeoutError):
            return


class Drivers:
    """Whose the cars are."""

    def __init__(
        self,
        client: Client,
        plates: Sequence[str],
        chance: random.Random,
        gateway: Gateway | None = None,
    ) -> None:
        self._client, self._chance, self._gateway = client, chance, gateway
        self._bound = plates[::BOUND_EVERY]
        self._others = [plate for plate in plates if plate not in self._bound]
        self._kiosks = list(kiosks())
        self._put_off = {
            plate: chance.randint(1, MOST_PUT_OFF)
            for plate in self._others
            if chance.random() < LATE_SHARE
        }
        self.citizens: dict[str, Person] = {}
        """Whose a plate is, of those who have a record."""

    async def run(self) -> None:
        """Bind plates, one after the other, and pay until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._bind())
            if self._gateway is not None:
                group.create_task(self._pay(self._gateway))

    async def _bind(self) -> None:
        for plate in self._bound:
            citizen = await self.citizen(plate)
            if citizen is not None:
                body = {"plate": plate, "notice_sha256": await self._notice(), **LIMITS}
                await self._client.command(citizen, "/v1/parking/plates", body)
            await asyncio.sleep(BIND_SECONDS * self._chance.uniform(0.5, 1.5))

    async def citizen(self, plate: str) -> Person | None:
        """Whose a plate is: registered now, before, or in an earlier run."""
        if plate not in self.citizens:
            if plate in self._bound:
                number = self._bound.index(plate)
            else:
                number = NUMBERS_OF_OTHERS + self._others.index(plate)
            found = await self._registered(number)
            if found is None:
                return None
            self.citizens[plate] = found
        return self.citizens[plate]

    async def _registered(self, number: int) -> Person | None:
        born = FIRST_BORN + timedelta(days=number)
        id_number = identity_number(born, number)
        registration: dict[str, Any] = {
            "name": f"模拟车主{number}",
            "id_number": id_number,
            "birth_date": str(born),
            "simulated": True,
        }
        found = await self._client.command(CLERK, "/v1/citizens", registration)
        if found is None:
            wanted = {"id_number": id_number}
            found = await self._client.command(CLERK, "/v1/citizens/search", wanted)
        return None if found is None else Person(found["citizen_id"], "citizen")

    async def _notice(self) -> str:
        """The digest of the text that is shown before a plate is bound."""
        found = await self._client.get(CLERK, "/v1/agreements")
        shown = {each["code"]: each["sha256"] for each in found.get("agreements", ())}
        return str(shown.get(AGREEMENT))

    async def _pay(self, gateway: Gateway) -> None:
        """Now and then somebody comes to a kiosk and pays what is open."""
        while True:
            await asyncio.sleep(self._chance.expovariate(1 / PAY_SECONDS))
            plate = self._chance.choice(self._others)
            kiosk = Person(self._chance.choice(self._kiosks), "kiosk")
            path = "/v1/parking/debts/search"
            debts = await self._client.command(kiosk, path, {"plate": plate})
            if not debts or not debts["open_fen"]:
                continue
            if self._put_off.get(plate, 0) > 0:
                self._put_off[plate] -= 1
                continue
            body = {"plate": plate, "amount_fen": debts["open_fen"]}
            orders = await self._client.command(kiosk, "/v1/parking/payments", body)
            declined = DECLINED if self._chance.random() < DECLINED_SHARE else None
            for order in (orders or {}).get("orders", ()):
                await gateway.pay(order["order"], f"card-{plate}", declined)
