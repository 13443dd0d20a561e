"""What stays would have cost by another version, page by page over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from citybrain.definitions.parking.tariffs import TariffDefinitions, tariff_of
from citybrain.domain.parking.tariff import Ladder, Step
from citybrain.settings import Settings
from commands.parking.pricing import STREET
from commands.services import Services
from tests.given.accesses import accesses
from tests.given.api import Answer, Api
from tests.given.applying import applying, id_number, registered
from tests.given.at_work import FOR_PARKING, models
from tests.given.parking.world import parked
from tests.given.read_models import caught_up

PATH = "/v1/parking/under-tariff"
DEARER = "street:2026-09-01+dearer"
DAY = {"from": "2026-09-14T00:00:00+08:00", "to": "2026-09-15T00:00:00+08:00"}


def with_another(services: Services) -> None:
    """A version that is not in force, as nobody has published it: zone 1 costs 500 at first."""
    tariff = tariff_of(services.definitions, STREET)
    (first,) = tariff.versions
    zones = dict(first.zones) | {"1": {"day": Ladder((Step(500, 60),))}}
    other = replace(
        first, id=DEARER, valid_from=date(2090, 1, 1), published=date(2089, 1, 1), zones=zones
    )
    found = services.definitions.of(TariffDefinitions)
    both = found.tariffs | {STREET: replace(tariff, versions=(first, other))}
    services.definitions = services.definitions.extended(replace(found, tariffs=both))


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    async with applying(settings, at_work=FOR_PARKING) as (api, _):
        with_another(api.runtime.services)
        yield api


async def ask(api: Api, role: str = "auditor", **said: Any) -> Answer:
    query = {"version": DEARER} | DAY | said
    department = None if role == "auditor" else "parking"
    return await api.call("GET", PATH, role, department=department, params=query)


async def test_stays_page_by_page_with_the_sums_at_the_end(api: Api) -> None:
    people = [await registered(api, id_number()) for _ in range(2)]
    await parked(api.runtime.services, people[0], people[1])
    await caught_up(api.runtime.store, *models(FOR_PARKING))
    head = await api.runtime.store.head()

    first = await ask(api, limit=1)
    assert first.status == 200, first.body
    assert first.json["sums"]["difference_fen"] == 100
    last = await ask(api, limit=1, after=first.json["next"])
    rows = [*first.json["rows"], *last.json["rows"]]
    assert last.json["next"] is None
    assert last.json["sums"] == {
        "sessions": 2,
        "priced_fen": 800,
        "under_fen": 1000,
        "difference_fen": 200,
        "dearer": 2,
        "cheaper": 0,
        "not_priced": 0,
    }
    assert [(row["priced_fen"], row["under_fen"], row["why"]) for row in rows] == [
        (400, 500, None)
    ] * 2
    shown = first.body.decode() + last.body.decode()
    assert not any(person in shown for person in people)
    assert "plate" not in shown
    seen, *_ = await accesses(api, people[0], "en", "auditor-1")
    assert seen["what"] == "parking-sessions"

    told = await api.runtime.store.read_all(head, limit=100)
    assert not [each.topic for each in told if each.topic.startswith("parking.")]


async def test_who_may_ask_and_what_is_no_version(api: Api) -> None:
    for role, status in (("official", 200), ("supervisor", 200), ("citizen", 403), ("clerk", 403)):
        assert (await ask(api, role)).status == status
    assert (await ask(api, version="2090-01-01")).json["version_id"] == DEARER
    assert (await ask(api, version="2091-01-01")).is_problem(404, "tariff-version-unknown")
    assert (await ask(api, after="bm9uZQ")).status == 400
