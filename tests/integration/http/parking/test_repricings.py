"""Batches over HTTP: proposed, looked at, agreed to by another officer, or refused."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from citybrain.definitions.parking.tariffs import TariffDefinitions, tariff_of
from citybrain.settings import Settings
from commands.parking.pricing import STREET
from tests.given.api import Answer, Api
from tests.given.applying import applying
from tests.given.at_work import FOR_PARKING
from tests.given.waiting import eventually

REPRICINGS = "/v1/parking/repricings"
BACK = "street:2020-01-01+back"
PARKING = "parking"


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    async with applying(settings, at_work=FOR_PARKING) as (api, _):
        services = api.runtime.services
        tariff = tariff_of(services.definitions, STREET)
        (first,) = tariff.versions
        back = replace(first, id=BACK, published=date(2026, 9, 10))
        found = services.definitions.of(TariffDefinitions)
        both = found.tariffs | {STREET: replace(tariff, versions=(first, back))}
        services.definitions = services.definitions.extended(replace(found, tariffs=both))
        yield api


async def propose(api: Api, **said: Any) -> Answer:
    body = {
        "version_id": BACK,
        "begins": "2026-09-01T00:00:00+08:00",
        "ends": "2026-09-10T00:00:00+08:00",
        "reason": "ruling",
    }
    return await api.call("POST", REPRICINGS, "official", department=PARKING, json=body | said)


async def test_p26_one_proposes_another_agrees_and_progress_is_readable(api: Api) -> None:
    answer = await propose(api)
    assert (answer.status, answer.json["status"]) == (201, "previewing")
    path = answer.headers["Location"]

    async def shown(status: str) -> bool:
        answer = await api.call("GET", path, "auditor")
        return bool(answer.json["status"] == status)

    await eventually(lambda: shown("proposed"))
    sums = {"lowered_fen": 0, "refunded_fen": 0}
    confirm = f"{path}/confirmation"
    own = await api.call("POST", confirm, "official", department=PARKING, json=sums)
    assert own.is_problem(403, "separation-of-duties")
    others = await api.call("POST", confirm, "supervisor", department="gardens", json=sums)
    assert others.status == 403
    differ = sums | {"lowered_fen": 5}
    answer = await api.call("POST", confirm, "supervisor", department=PARKING, json=differ)
    assert answer.is_problem(409, "repricing-sums-differ")
    answer = await api.call("POST", confirm, "supervisor", department=PARKING, json=sums)
    assert (answer.status, answer.json["status"]) == (200, "running")
    await eventually(lambda: shown("completed"))
    head = await api.runtime.store.head()
    listed = await api.call("GET", f"{REPRICINGS}?min_position={head}&limit=1", "auditor")
    newest = listed.json["repricings"][0]
    assert newest.pop("proposed_at")
    assert newest == (await api.call("GET", path, "auditor")).json
    waiting = await api.call("GET", f"{REPRICINGS}?status=proposed", "official", department=PARKING)
    assert waiting.json == {"repricings": [], "next": None}
    assert (await api.call("GET", REPRICINGS, "citizen")).status == 403
    answer = await api.call(
        "POST", f"{path}/turning-back", "supervisor", department=PARKING, json={"reason": "late"}
    )
    assert answer.is_problem(409, "repricing-out-of-step")


async def test_p26_what_cannot_be_priced_again_says_why(api: Api) -> None:
    answer = await propose(api, version_id="street:1999-01-01+none")
    assert answer.is_problem(404, "tariff-version-unknown")
    answer = await propose(api, ends="2100-01-01T00:00:00+08:00")
    assert answer.is_problem(422, "repricing-times-wrong")
    (first, _) = tariff_of(api.runtime.services.definitions, STREET).versions
    answer = await propose(api, version_id=first.id)
    assert answer.is_problem(409, "tariff-does-not-reach-back")
