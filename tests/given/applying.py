"""What the tests of applications do over HTTP: register, identify, apply, wait."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import aiohttp

from citybrain.app import open_runtime
from citybrain.domain.applications.application import Application
from citybrain.http.server import serving
from citybrain.settings import Settings
from citybrain.systems.system import System
from ops.simulators.applications.departments import Departments, open_departments
from ops.simulators.applications.identity_numbers import identity_number
from tests.given.api import Answer, Api
from tests.given.at_work import FOR_APPLICATIONS
from tests.given.numbers import next_number
from tests.given.waiting import PATIENCE_SECONDS

REPAYMENT = "housing-fund-repayment"
KIOSK = "kiosk-1"
BORN = date(1995, 5, 1)
ENDS = ("paid", "refused", "referred", "payout-failed", "withdrawn", "expired")


@asynccontextmanager
async def applying(
    settings: Settings,
    change: Callable[[Settings], None] = lambda settings: None,
    at_work: Sequence[System] = FOR_APPLICATIONS,
) -> AsyncIterator[tuple[Api, Departments]]:
    """A server with departments and a bank that answer at once."""
    settings.http_port = 0
    settings.rate_limit_per_second, settings.rate_limit_burst = 1e6, 1_000_000
    change(settings)
    async with (
        open_departments(settings.data_dir, latency=(0.0, 0.0), seed=1) as departments,
        open_runtime(settings, faces=False, at_work=at_work) as runtime,
        serving(runtime) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Api(url, runtime, session), departments


def id_number(circumstance: int = 0, spouse: bool = False, place: int | None = None) -> str:
    """A number of somebody new, or of a couple's other half."""
    number = next_number("citizen") if place is None else place
    return identity_number(BORN, number, circumstance=circumstance, spouse=spouse)


async def registered(api: Api, number: str | None = None, **fields: Any) -> str:
    """A new citizen's id."""
    number = number or id_number()
    body = {
        "name": "張三",
        "id_number": number,
        "birth_date": f"{number[6:10]}-{number[10:12]}-{number[12:14]}",
        "simulated": True,
    } | fields
    answer = await api.call("POST", "/v1/citizens", "clerk", json=body)
    assert answer.status == 201, answer.body
    return str(answer.json["citizen_id"])


async def identify(api: Api, citizen: str, service: str = REPAYMENT) -> None:
    """At a counter, by a document."""
    answer = await api.call(
        "POST",
        f"/v1/citizens/{citizen}/identity/confirmation",
        "clerk",
        json={"purpose": service, "document": "identity-card"},
    )
    assert answer.status == 200, answer.body


async def identified(api: Api, number: str | None = None, service: str = REPAYMENT) -> str:
    """A new citizen who was just identified for a service."""
    citizen = await registered(api, number)
    await identify(api, citizen, service)
    return citizen


async def submit(
    api: Api,
    citizen: str,
    service: str = REPAYMENT,
    *,
    channel: str = "app",
    role: str = "citizen",
    subject: str = "",
    headers: dict[str, str] | None = None,
    **fields: Any,
) -> Answer:
    """Apply."""
    body = {
        "service": service,
        "channel": channel,
        "citizen_id": citizen,
        "simulated": True,
    } | fields
    return await api.call(
        "POST",
        "/v1/applications",
        role,
        subject=subject or (citizen if role == "citizen" else ""),
        headers=headers,
        json=body,
    )


async def applied(api: Api, citizen: str, service: str = REPAYMENT, **fields: Any) -> str:
    """The id of a new application."""
    answer = await submit(api, citizen, service, **fields)
    assert answer.status == 201, answer.body
    return str(answer.json["application_id"])


async def command(
    api: Api, application: str, what: str, role: str, body: Any = None, **options: Any
) -> Answer:
    """A command on an application."""
    return await api.call(
        "POST", f"/v1/applications/{application}/{what}", role, json=body or {}, **options
    )


async def state(api: Api, application: str) -> Application:
    """As the stream has it."""
    return await api.runtime.store.load(Application, application)


async def until(api: Api, application: str, *statuses: str) -> Application:
    """Wait for one of the statuses (any at which people or nobody acts, where none is named)."""
    wanted = statuses or ENDS
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (found := await state(api, application)).status not in wanted:
            await asyncio.sleep(0.02)
    return found


async def topics(api: Api, stream: str) -> list[str]:
    """The topics of a stream's events."""
    return [event.topic.partition(".")[2] for event in await api.runtime.store.read(stream)]


async def review(
    api: Api, application: str, officer: str = "official-fund-1", **body: Any
) -> Answer:
    """An officer of the department decides."""
    return await by_officer(api, application, "review", officer, **body)


async def confirmed(
    api: Api, application: str, amount_fen: int | None, officer: str = "official-fund-2"
) -> Answer:
    """A second officer of the department agrees."""
    return await by_officer(api, application, "review/confirmation", officer, amount_fen=amount_fen)


async def approved_by_two(api: Api, application: str, amount_fen: int) -> None:
    """A first officer proposes it, and a second agrees."""
    proposed = await review(api, application, outcome="approved", amount_fen=amount_fen)
    assert proposed.json["status"] == "awaiting-second-reviewer", proposed.body
    agreed = await confirmed(api, application, amount_fen)
    assert agreed.status == 200, agreed.body


async def by_officer(api: Api, application: str, what: str, officer: str, **body: Any) -> Answer:
    """A command of an officer of the department."""
    department = (await state(api, application)).department
    return await command(
        api,
        application,
        what,
        "official",
        {"note": "looked"} | body,
        subject=officer,
        department=department,
    )
