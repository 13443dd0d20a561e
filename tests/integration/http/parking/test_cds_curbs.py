"""CDS Curbs over HTTP, in both versions: what there is, where, at what price, and as of when."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.parking.place import PlaceKind, PlaceVersion
from citybrain.domain.parking.pricing import price
from citybrain.domain.parking.stay import Stay
from citybrain.http.parking.cds.identities import uuid_of
from commands.parking.places import NewPlace
from tests.given.api import Api
from tests.given.parking import tariffs
from tests.given.parking.cds.city import (
    NOW,
    described,
    opened_street,
    redrawn,
    several,
    square,
    told,
)
from tests.given.parking.cds.client import (
    BOTH,
    VERSIONS,
    Client,
    analyst,
    fen_by_minute,
    ms,
    refused,
)
from tests.given.parking.city import LONG_AGO, Street, at, places
from tests.given.parking.city import version as place_version
from tests.given.storm import SHARED_FIXTURE, examples


@pytest.fixture
async def street(api: Api) -> Street:
    """The small city, at noon."""
    return await opened_street(api)


@BOTH
async def test_an_empty_city(api: Api, version: str) -> None:
    client = Client(api, version)
    for name in ("zones", "spaces", "areas", *(["objects"] if version == "1.1" else [])):
        assert await client.list(f"curbs/{name}") == []
    assert len(await client.list("curbs/policies")) == 9


@BOTH
async def test_what_there_is(api: Api, street: Street, version: str) -> None:
    client = Client(api, version)
    (zone,) = await client.list("curbs/zones")
    spaces = await client.list("curbs/spaces")
    (area,) = await client.list("curbs/areas")
    assert zone["curb_zone_id"] == uuid_of("Z1")
    assert UUID(zone["curb_zone_id"]).version == 5
    assert zone["user_zone_id"] == "Z1"
    assert zone["curb_area_ids"] == [area["curb_area_id"]]
    assert area["curb_zone_ids"] == [zone["curb_zone_id"]]
    assert [each["curb_space_id"] for each in spaces] == zone["curb_space_ids"]
    assert zone["num_spaces"] == len(spaces) == 9
    assert [each["space_number"] for each in spaces] == list(range(1, 10))
    assert all(each["curb_zone_id"] == zone["curb_zone_id"] for each in spaces)
    assert ("custom_attributes" in zone) == (version == "1.1")


@BOTH
async def test_each_is_found_by_its_id(api: Api, street: Street, version: str) -> None:
    client = Client(api, version)
    names = ["zones", "spaces", "areas", "policies", *(["objects"] if version == "1.1" else [])]
    for name in names:
        for each in await client.list(f"curbs/{name}"):
            identity = each[f"curb_{'policy' if name == 'policies' else name[:-1]}_id"]
            assert await client.one(f"curbs/{name}/{identity}") == each
            other = "areas" if name != "areas" else "zones"
            refused(await client.raw(f"curbs/{other}/{identity}"), 404, "not_found", version)
        for made_up in (str(uuid4()), "x", "'; --", identity[:-1], f"{identity}0"):
            refused(await client.raw(f"curbs/{name}/{made_up}"), 404, "not_found", version)


@BOTH
async def test_prices_for_every_minute_follow_from_what_is_published(
    api: Api, street: Street, version: str
) -> None:
    client = Client(api, version)
    (zone,) = await client.list("curbs/zones")
    ids = ",".join(zone["curb_policy_ids"])
    policies = await client.list("curbs/policies", ids=ids)
    assert {each["curb_policy_id"] for each in policies} == set(zone["curb_policy_ids"])
    begin = tariffs.at("07:00")
    expected = [
        price(Stay(start=begin, end=begin + timedelta(minutes=count), zone="1"), tariffs.street())
        for count in range(1, 841)
    ]
    assert fen_by_minute(policies, begin, 840) == [each.total_fen for each in expected]


async def test_objects_are_of_1_1_only(api: Api, street: Street) -> None:
    for path in ("curbs/objects", f"curbs/objects/{uuid_of('c-1')}"):
        refused(await Client(api, "1.0").raw(path), 404, "not_found")
    client = Client(api, "1.1")
    found = {each["name"] for each in await client.list("curbs/objects")}
    assert found == {"camera"}
    ids = {each["curb_object_id"] for each in await client.list("curbs/objects")}
    assert ids == {uuid_of("c-1"), uuid_of("c-2")}
    (zone,) = await client.list("curbs/zones")
    spaces = await client.list("curbs/spaces")
    assert {each for one in spaces for each in one["curb_object_ids"]} == ids
    assert len(await client.list("curbs/objects", zone=zone["curb_zone_id"])) == 2
    assert len(await client.list("curbs/objects", space=uuid_of("Z1-001"))) == 2


async def test_a_kiosk_is_an_object_where_it_stands_at_a_zone(api: Api, street: Street) -> None:
    zone = place_version("pay here", 3, parent="Z1")
    elsewhere = place_version("pay there", 30)
    await described(
        api, NewPlace("k-1", PlaceKind.KIOSK, zone), NewPlace("k-2", PlaceKind.KIOSK, elsewhere)
    )
    client = Client(api, "1.1")
    found = {each["curb_object_id"]: each for each in await client.list("curbs/objects")}
    assert uuid_of("k-2") not in found, "an object stands at a zone or a space"
    kiosk = found[uuid_of("k-1")]
    assert (kiosk["object_type"], kiosk["curb_zone_id"]) == ("pay_station", uuid_of("Z1"))
    assert await client.one(f"curbs/objects/{uuid_of('k-1')}") == kiosk
    of_zone = await client.list("curbs/objects", zone=uuid_of("Z1"))
    assert uuid_of("k-1") in {each["curb_object_id"] for each in of_zone}
    for name in ("events", "status"):
        watching = analyst(api, "1.1")
        assert await watching.list(f"events/{name}", curb_object_id=uuid_of("k-1")) == []


@BOTH
async def test_p58_silent_is_not_free(api: Api, street: Street, version: str) -> None:
    client = Client(api, version)
    free_at = at("10:00")
    await told(street, api, street.sign("empty", "Z1-003", free_at))

    async def seen(moment: datetime) -> tuple[Any, Any, Any]:
        space = await client.one(f"curbs/spaces/{uuid_of('Z1-003')}", time=ms(moment))
        (zone,) = await client.list("curbs/zones", time=ms(moment))
        assert space["availability_time"] == zone["availability_time"] == ms(free_at)
        return space.get("available"), zone.get("available"), zone.get("available_spaces")

    of_zone = (True, 1) if version == "1.1" else (None, None)
    assert await seen(at("10:14:59")) == (True, *of_zone)
    assert await seen(at("10:15:00")) == (None, None, None)
    street.clock(at("12:00", "2026-09-15"))
    assert await seen(at("10:14:59")) == (True, *of_zone)


@BOTH
async def test_a_device_that_is_lost_knows_nothing(api: Api, street: Street, version: str) -> None:
    client = Client(api, version)
    await told(
        street,
        api,
        street.sign("arrived", "Z1-001", at("10:00")),
        street.sign("left", "Z1-002", at("10:01")),
        street.sign("lost", None, at("10:05")),
        street.sign("restored", None, at("10:08")),
    )

    async def free(clock: str) -> list[Any]:
        spaces = await client.list("curbs/spaces", time=ms(at(clock)))
        return [each.get("available") for each in spaces[:3]]

    assert await free("09:59") == [None, None, None]
    assert await free("10:02") == [False, True, None]
    assert await free("10:06") == [None, None, None]
    assert await free("10:09") == [False, True, None]


@BOTH
async def test_p65_a_zone_that_was_redrawn(api: Api, version: str) -> None:
    first, *rest = redrawn()
    await described(api, first)
    for each in rest:
        await described(api, each)
    api.runtime.services.clock = lambda: NOW
    client = Client(api, version)
    old, new = uuid_of("Z-old"), uuid_of("Z-new")

    async def shown(time: int, **more: Any) -> list[str]:
        zones = await client.list("curbs/zones", time=time, **more)
        return sorted(each["curb_zone_id"] for each in zones)

    assert await shown(1788969599999) == [old]
    assert await shown(1788969600000) == [new]
    assert await shown(1788969600000, show_historic="true") == sorted([old, new])
    refused(await client.raw(f"curbs/zones/{old}"), 404, "not_found", version)
    historic = await client.one(f"curbs/zones/{old}", show_historic="true")
    assert (historic["start_date"], historic["end_date"]) == (ms(LONG_AGO), 1788969600000)
    late = await client.raw(f"curbs/zones/{old}", time=1788969600000)
    refused(late, 404, "not_found", version)
    assert (await client.one(f"curbs/zones/{old}", time=1788969599999)) == historic
    assert (await client.one(f"curbs/zones/{new}"))["prev_curb_zone_ids"] == [old]


@BOTH
async def test_p65_a_policy_alone_keeps_the_id(api: Api, street: Street, version: str) -> None:
    (before,) = await Client(api, version).list("curbs/zones")
    (known,) = [each for each in places() if each.place_id == "Z1"]
    change = at("00:00", "2026-09-10")
    later = replace(known.version, valid_from=change, tariff_zone="2")
    await described(api, NewPlace("Z1", PlaceKind.ZONE, later))
    client = Client(api, version)
    (zone,) = await client.list("curbs/zones")
    assert zone["curb_zone_id"] == before["curb_zone_id"]
    assert zone["start_date"] == before["start_date"]
    assert zone["last_updated_date"] > before["last_updated_date"]
    assert zone["prev_policies"] == [
        {
            "curb_policy_ids": before["curb_policy_ids"],
            "start_date": zone["start_date"],
            "end_date": ms(change),
        }
    ]
    assert not set(zone["curb_policy_ids"]) & set(before["curb_policy_ids"])
    (then,) = await client.list("curbs/zones", time=ms(change) - 1)
    assert (then["curb_policy_ids"], then["prev_policies"]) == (before["curb_policy_ids"], [])


@BOTH
async def test_a_box_a_circle_and_an_area(api: Api, version: str) -> None:
    await several(api)
    client = Client(api, version)

    async def named(**query: Any) -> list[str]:
        return [each["user_zone_id"] for each in await client.list("curbs/zones", **query)]

    assert await named() == ["Z0", "Z1", "Z2", "Z3", "Z4"]
    box = {"min_lat": 34.6, "max_lat": 34.8, "min_lng": 113.6105, "max_lng": 113.6205}
    assert await named(**box) == ["Z1", "Z2"], "what some of lies in it"
    near = {"lat": 34.7005, "lng": 113.6305}
    found = await named(**near, radius=100_000)
    assert found[0] == "Z3"
    assert set(found) == {"Z2", "Z3", "Z4"}
    assert await named(**near, radius=100) == ["Z3"]
    assert await named(lat=34.7005, lng=113.605, radius=46_000) == ["Z0", "Z1"]
    assert await named(area=uuid_of("A-2")) == ["Z3", "Z4"]
    assert await named(area=uuid_of("A-2"), **box) == []
    for page_of in ({}, box, near | {"radius": 1_000_000}):
        assert await named(**page_of, limit=1) == await named(**page_of)


@BOTH
async def test_without_geometry(api: Api, street: Street, version: str) -> None:
    (zone,) = await Client(api, version).list("curbs/zones", include_geometry="false")
    assert "geometry" not in zone


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"min_lat": 1}, "missing_param"),
    ({"min_lat": 1, "min_lng": 1, "max_lat": 2}, "missing_param"),
    ({"lat": 1, "lng": 1}, "missing_param"),
    ({"min_lat": 1, "min_lng": 1, "max_lat": 2, "max_lng": 2, "lat": 1, "lng": 1, "radius": 1}, ""),
    ({"min_lat": 2, "min_lng": 1, "max_lat": 1, "max_lng": 2}, ""),
    ({"min_lat": 1, "min_lng": 1, "max_lat": 91, "max_lng": 2}, ""),
    ({"lat": 91, "lng": 1, "radius": 1}, ""),
    ({"lat": 1, "lng": 1, "radius": 0}, ""),
    ({"lat": 1, "lng": 1, "radius": -1}, ""),
    ({"lat": "nan", "lng": 1, "radius": 1}, ""),
    ({"lat": "1e1", "lng": 1, "radius": 1}, ""),
    ({"lat": "1", "lng": 1, "radius": "inf"}, ""),
    ({"time": 1789347600}, ""),
    ({"time": "2026-09-14"}, ""),
    ({"time": '"1789347600000"'}, ""),
    ({"time": "-1789347600000"}, ""),
    ({"time": "1789347600000.0"}, ""),
    ({"time": "9" * 30}, ""),
    ({"time": "99999999999999"}, ""),
    ({"time": "１７８９３４７６０００００"}, ""),
    ({"time": ""}, ""),
    ({"time": " "}, ""),
    ({"area": "x"}, ""),
    ({"area": ""}, ""),
    ({"area": "'; DROP TABLE events; --"}, ""),
    ({"include_geometry": "no"}, ""),
    ({"include_geometry": "False"}, ""),
    ({"limit": 0}, ""),
    ({"limit": 1001}, ""),
    ({"limit": "x"}, ""),
    ({"cursor": "x"}, ""),
    ({"cursor": "WzEsMl0"}, ""),
    ({"zones": "1"}, ""),
    ({"time\x00": "1"}, ""),
    ({"name": "\x00"}, ""),
]


@BOTH
async def test_wrong_questions(api: Api, street: Street, version: str) -> None:
    head = await api.runtime.store.head()
    client = Client(api, version)
    for query, error in WRONG:
        answer = await client.raw("curbs/zones", **query)
        body = refused(answer, 400, error or "bad_param", version)
        for value in query.values():
            assert len(str(value)) < 5 or str(value) not in body["error_description"]
    twice = await client.raw("curbs/zones?time=1789347600000&time=1789347600000")
    refused(twice, 400, "bad_param", version)
    unknown = await client.raw("curbs/zones", area=str(uuid4()))
    refused(unknown, 404, "not_found", version)
    assert await api.runtime.store.head() == head


@BOTH
async def test_p61_seconds_for_milliseconds(api: Api, street: Street, version: str) -> None:
    client = Client(api, version)
    body = refused(await client.raw("curbs/zones", time=1789347600), 400, "bad_param", version)
    assert "milliseconds" in body["error_description"]
    assert len(await client.list("curbs/zones", time=1789347600000)) == 1


async def test_other_paths_and_methods(api: Api) -> None:
    client = Client(api)
    for path in ("", "curbs", "curbs/", "curbs/zone", "curbs/zones/", "curbs/zones/a/b", "x%00"):
        refused(await client.raw(path), 404, "not_found")
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = await client.raw("curbs/zones", method)
        refused(answer, 405, "method_not_allowed")
        assert answer.headers["Allow"] == "GET, HEAD"
    head = await client.raw("curbs/zones", "HEAD")
    assert (head.status, head.body) == (200, b"")


async def test_p62_over_http(api: Api) -> None:
    answer = await api.call("GET", "/cds/curbs/zones", headers={"Accept": "application/json"})
    body = refused(answer, 406, "not_acceptable")
    assert "application/vnd.cds+json;version=1.1" in body["error_details"]
    for accept, served in (
        ("*/*", "1.0"),
        ("application/vnd.cds+json;version=1.1", "1.1"),
        ("application/vnd.cds+json; version=1.0", "1.0"),
    ):
        answer = await api.call("GET", "/cds/curbs/zones", headers={"Accept": accept})
        assert answer.headers["Content-Type"] == f"application/vnd.cds+json;version={served}"
        assert answer.json["version"].startswith(served)


@BOTH
async def test_what_has_no_place_on_the_map_is_not_published(api: Api, version: str) -> None:
    base = PlaceVersion(valid_from=LONG_AGO, name="x", geometry=None)
    zone = replace(base, parent="A-1", tariff_zone="1")
    berth = replace(base, parent="Z-2", number=1, length_cm=500)
    await described(
        api,
        NewPlace("A-1", PlaceKind.AREA, base),
        NewPlace("Z-1", PlaceKind.ZONE, zone),
        NewPlace("Z-2", PlaceKind.ZONE, replace(zone, geometry=square(113.6, 34.7))),
        NewPlace("Z-2-1", PlaceKind.BERTH, berth),
        NewPlace("Z-2-2", PlaceKind.BERTH, replace(berth, geometry=square(113.6, 34.7), number=2)),
        NewPlace(
            "Z-2-3",
            PlaceKind.BERTH,
            replace(berth, length_cm=None, number=3, geometry=square(113.6, 34.7)),
        ),
        NewPlace(
            "Z-2-4",
            PlaceKind.BERTH,
            replace(
                berth,
                length_cm=None,
                number=4,
                geometry={"type": "Point", "coordinates": [113.6, 34.7]},
            ),
        ),
    )
    client = Client(api, version)
    assert [each["user_zone_id"] for each in await client.list("curbs/zones")] == ["Z-2"]
    assert await client.list("curbs/areas") == []
    spaces = await client.list("curbs/spaces")
    assert [each["space_number"] for each in spaces] == [2, 3]
    assert spaces[0]["length"] == 500
    assert 9_000 < spaces[1]["length"] < 12_000, "the longer side as it was drawn"
    refused(await client.raw(f"curbs/spaces/{uuid_of('Z-2-1')}"), 404, "not_found", version)
    refused(await client.raw(f"curbs/zones/{uuid_of('Z-1')}"), 404, "not_found", version)


FREE, TAKEN, SILENT = "left", "arrived", None


@examples(12, SHARED_FIXTURE)
@given(
    zones=st.lists(
        st.tuples(
            st.lists(st.sampled_from([FREE, TAKEN, SILENT]), max_size=3),
            st.booleans(),
            st.sampled_from(["1", "2", "nowhere"]),
        ),
        max_size=3,
    ),
    minutes=st.integers(0, 40),
)
async def test_any_city_is_told_as_the_schemas_say(
    api: Api, zones: list[tuple[list[str | None], bool, str]], minutes: int
) -> None:
    """Empty, one berth, a retired zone, a berth of which nothing is known, no tariff."""
    street = Street(api.runtime.services)
    street.clock(NOW)
    name, signs = uuid4().hex[:8], []
    new = [NewPlace(f"A-{name}", PlaceKind.AREA, place_version("district"))]
    for number, (berths, retired, tariff_zone) in enumerate(zones):
        zone_id = f"Z-{name}-{number}"
        members = {"parent": f"A-{name}", "tariff_zone": tariff_zone}
        new.append(NewPlace(zone_id, PlaceKind.ZONE, place_version("street", 0, **members)))
        for place, sign in enumerate(berths, 1):
            berth_id = f"{zone_id}-{place}"
            berth = place_version("berth", 5 * place, parent=zone_id, number=place, length_cm=500)
            new.append(NewPlace(berth_id, PlaceKind.BERTH, berth))
            if sign is not None:
                signs.append((sign, berth_id))
        if retired:
            gone = replace(new[-1 - len(berths)].version, valid_from=at("11:00"), retired=True)
            new.append(NewPlace(zone_id, PlaceKind.ZONE, gone))
    watches = [place.place_id for place in new if place.kind is PlaceKind.BERTH]
    device = f"c-{name}"
    new.append(NewPlace(device, PlaceKind.DEVICE, place_version("camera", watches=watches)))
    for each in new:
        await described(api, each)
    for sign, berth_id in signs:
        said = street.sign(sign, berth_id, at("10:50"), device_id=device, ref=f"{berth_id}")
        await told(street, api, said)
    moment = ms(at("10:50") + timedelta(minutes=minutes))
    area = uuid_of(f"A-{name}")
    for version in VERSIONS:
        client = Client(api, version)
        shown = await client.list("curbs/zones", area=area, time=moment)
        assert len(shown) == sum(minutes < 10 or not retired for _, retired, _ in zones)
        ever = await client.list("curbs/zones", area=area, time=moment, show_historic="true")
        assert len(ever) == len(zones)
        for zone in shown:
            await client.one(f"curbs/zones/{zone['curb_zone_id']}", time=moment)
            spaces = await client.list("curbs/spaces", zone=zone["curb_zone_id"], time=moment)
            assert len(spaces) == zone["num_spaces"]
            free = [one.get("available") for one in spaces]
            if version == "1.1" and set(free) - {None}:
                assert zone["available_spaces"] == free.count(True)
            else:
                assert "available_spaces" not in zone
            assert minutes < 15 or set(free) <= {None}
        assert await client.one(f"curbs/areas/{area}")
