"""CDS while a city changes: a tariff of next year, a street that was drawn anew, ids that stay."""

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from citybrain.definitions.parking.tariffs import TariffDefinitions, tariff_of
from citybrain.domain.parking.place import PlaceKind
from citybrain.http.parking.cds.identities import uuid_of
from citybrain.settings import Settings
from commands.parking.places import NewPlace
from commands.parking.pricing import STREET
from tests.given.api import Api
from tests.given.parking import tariffs
from tests.given.parking.cds.city import described, ended, opened_street, redrawn, square, told
from tests.given.parking.cds.client import BOTH, Client, analyst, fen_of, ms, refused
from tests.given.parking.city import Street, at, places, version

PLATE = "豫A12345"
NEW_YEAR = at("00:00", "2027-01-01")


class TestNextYear:
    """A second version of the tariff was published: the first hour costs 500 in zone 1."""

    @pytest.fixture
    def change_settings(self, tmp_path: Path) -> Callable[[Settings], None]:
        text = tariffs.STREET_FILE.read_text()
        changed = (
            ("valid_from: 2020-01-01", "valid_from: 2027-01-01"),
            ("published: 2019-12-01", "published: 2026-09-01"),
            ("fen: 400, each_minutes: 60, times: 1", "fen: 500, each_minutes: 60, times: 1"),
        )
        for before, after in changed:
            assert before in text
            text = text.replace(before, after, 1)
        (tmp_path / "city" / "tariff").mkdir(parents=True)
        (tmp_path / "city" / "tariff" / "street-2027.yaml").write_text(text)

        def change(settings: Settings) -> None:
            settings.definitions_dir = tmp_path / "city"

        return change

    @BOTH
    async def test_a_tariff_of_next_year_is_seen_today(self, api: Api, version: str) -> None:
        await opened_street(api)
        client = Client(api, version)
        every = await client.list("curbs/policies", limit=5)
        ids = {each["curb_policy_id"] for each in every}
        assert len(ids) == len(every) == 18

        async def zone(when: datetime | None = None) -> dict[str, Any]:
            query = {} if when is None else {"time": ms(when)}
            (found,) = await client.list("curbs/zones", **query)
            return found

        async def first_hour(of: dict[str, Any], when: datetime) -> int:
            asked = ",".join(of["curb_policy_ids"])
            return fen_of(await client.list("curbs/policies", ids=asked), when, 60)

        now, then = await zone(), await zone(NEW_YEAR)
        assert (await zone(at("23:59", "2026-12-31")))["curb_policy_ids"] == now["curb_policy_ids"]
        assert await first_hour(now, tariffs.at("09:00")) == 400
        assert await first_hour(then, tariffs.at("2027-01-02T09:00")) == 500
        assert now["prev_policies"] == []
        (before,) = then["prev_policies"]
        assert before["curb_policy_ids"] == now["curb_policy_ids"]
        assert before["end_date"] == ms(NEW_YEAR)
        assert then["curb_zone_id"] == now["curb_zone_id"]
        assert set(now["curb_policy_ids"]) | set(then["curb_policy_ids"]) <= ids

    @BOTH
    async def test_what_is_in_force_no_more_keeps_its_ids(self, api: Api, version: str) -> None:
        street = await opened_street(api)
        client = Client(api, version)
        (zone,) = await client.list("curbs/zones")
        texts = [await client.one(f"curbs/policies/{each}") for each in zone["curb_policy_ids"]]
        street.clock(at("12:00", "2027-06-01"))
        (later,) = await client.list("curbs/zones")
        assert later["prev_policies"][0]["curb_policy_ids"] == zone["curb_policy_ids"]
        assert later["last_updated_date"] >= ms(NEW_YEAR)
        again = [await client.one(f"curbs/policies/{each}") for each in zone["curb_policy_ids"]]
        assert again == texts, "an id stands for one text, for ever"
        services = api.runtime.services
        tariff = tariff_of(services.definitions, STREET)
        for files in (tariff.versions[1:], ()):  # the file is taken away, and then the other one
            kept = replace(tariff, versions=files, gone=tariff.versions[: 2 - len(files)])
            services.definitions = services.definitions.extended(
                TariffDefinitions({STREET: kept}, {})
            )
            again = [await client.one(f"curbs/policies/{each}") for each in zone["curb_policy_ids"]]
            assert again == texts
            (now,) = await client.list("curbs/zones")
            assert now["curb_policy_ids"] == later["curb_policy_ids"]


async def drawn_anew(api: Api) -> Street:
    """A vehicle stood on the old street on 2026-09-09; it was drawn anew on 2026-09-10."""
    area, old, *rest = redrawn()
    berth = replace(
        version("old berth", parent="Z-old", number=1, length_cm=500), geometry=square(113.6, 34.7)
    )
    change = at("00:00", "2026-09-10")
    gone = replace(berth, valid_from=change, retired=True)
    camera = next(each for each in places() if each.place_id == "c-1")
    watching = NewPlace("c-1", PlaceKind.DEVICE, replace(camera.version, watches=["Z-old-1"]))
    for each in (area, old, NewPlace("Z-old-1", PlaceKind.BERTH, berth), watching):
        await described(api, each)
    street = Street(api.runtime.services)
    street.clock(at("12:00", "2026-09-09"))
    await told(
        street,
        api,
        street.sign("arrived", "Z-old-1", at("10:00", "2026-09-09"), plate=PLATE),
        street.sign("left", "Z-old-1", at("11:00", "2026-09-09"), plate=PLATE),
    )
    await ended(api, 1)
    await described(api, NewPlace("Z-old-1", PlaceKind.BERTH, gone))
    for each in rest:
        await described(api, each)
    street.clock(at("12:00"))
    return street


@BOTH
async def test_p65_sessions_of_before_keep_the_old_zone(api: Api, version: str) -> None:
    await drawn_anew(api)
    client = analyst(api, version)
    asked = {"event_time": "2026-09-09T02"} if version == "1.1" else {}
    *_, start = await client.list("events/events", curb_zone_id=uuid_of("Z-old"), **asked)
    assert (start["event_type"], start["curb_zone_id"]) == ("park_start", uuid_of("Z-old"))
    assert await client.list("events/events", curb_zone_id=uuid_of("Z-new"), **asked) == []
    day = {"start_time": ms(at("00:00", "2026-09-09")), "end_time": ms(at("00:00", "2026-09-10"))}
    kind = f"application/vnd.cds+csv;version={version}"
    path = f"/cds/metrics/sessions?start_time={day['start_time']}&end_time={day['end_time']}"
    answer = await api.call("GET", path, "operator", headers={"Accept": kind})
    (session,) = csv.DictReader(StringIO(answer.body.decode(), newline=""))
    assert session["curb_zone_id"] == uuid_of("Z-old")
    assert session["event_session_id"] == start["event_session_id"]
    named = f"{path}&curb_place_type=zone&curb_place_id={uuid_of('Z-old')}"
    answer = await api.call("GET", named, "operator", headers={"Accept": kind})
    assert len(answer.body.decode().splitlines()) == 2
    refused(await client.raw(f"curbs/spaces/{uuid_of('Z-old-1')}"), 404, "not_found", version)
    then = await client.one(f"curbs/spaces/{uuid_of('Z-old-1')}", time=day["start_time"])
    assert then["curb_zone_id"] == uuid_of("Z-old")


async def test_p62_no_accept_at_all_is_1_0(api: Api) -> None:
    """By the letter of the header: it is not there, which is no error."""
    bare: dict[str, Any] = {"skip_auto_headers": ["Accept"]}
    answer = await api.call("GET", "/cds/curbs/zones", **bare)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/vnd.cds+json;version=1.0"
    assert answer.json["version"].startswith("1.0")
    metrics = await api.call("GET", "/cds/metrics/sessions", "operator", **bare)
    assert metrics.headers["Content-Type"] == "application/vnd.cds+csv;version=1.0"
    objects = await api.call("GET", "/cds/curbs/objects", **bare)
    assert objects.headers["Content-Type"] == "application/vnd.cds+json;version=1.1"


@BOTH
async def test_policies_by_their_ids(api: Api, version: str) -> None:
    client = Client(api, version)
    every = [each["curb_policy_id"] for each in await client.list("curbs/policies")]
    some = every[1:3]
    unknown = "00000000-0000-4000-8000-000000000000"
    for ids in (some, [*some, unknown], [*some, *some], [each.upper() for each in some]):
        found = await client.list("curbs/policies", ids=",".join(ids))
        assert [each["curb_policy_id"] for each in found] == some
    assert await client.list("curbs/policies", ids=unknown) == []
    for wrong in ("x", f"{some[0]},", ",", f"{some[0]};{some[1]}", ",".join(every[:1] * 201)):
        refused(await client.raw("curbs/policies", ids=wrong), 400, "bad_param", version)
