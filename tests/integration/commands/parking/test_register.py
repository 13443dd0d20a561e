"""The register of places: what is declared is so, once; what cannot be is said all at once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from citybrain.definitions.parking.tariffs import TariffDefinitions
from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.parking.place import NotYourPlaces, ParkingPlace, stream_of
from citybrain.eventstore import EventStore
from commands.parking.register import PlacesChanged, PlacesInvalid, load_register, register_places
from commands.services import Services
from tests.given.parking.places import (
    BEGIN,
    PARKING,
    area,
    berth,
    block,
    camera,
    declared,
    facility,
    reasons,
    registered,
    square,
    zone,
)
from tests.given.services import context, services_over

NOW = datetime(2026, 9, 1, tzinfo=UTC)
SOON = datetime(2026, 9, 10, tzinfo=UTC)


@pytest.fixture
def services(store: EventStore) -> Services:
    found = services_over(store)
    found.clock = lambda: NOW
    return found


async def wrong(services: Services, *said: dict[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with declarations: nothing of them is written."""
    head = await services.store.head()
    with pytest.raises(PlacesInvalid) as refused:
        await registered(services, *said)
    assert await services.store.head() == head
    return reasons(refused.value.problems)


async def test_a_register_is_declared_as_often_as_one_likes(services: Services) -> None:
    first = await registered(services, *block())
    assert first.summary() == {"opened": 12, "changed": 0, "unchanged": 0}
    head = await services.store.head()
    again = await registered(services, *block())
    assert again.summary() == {"opened": 0, "changed": 0, "unchanged": 12}
    assert await services.store.head() == head
    places = await load_register(services.store)
    assert sorted(places) == sorted(each["place_id"] for each in block())


async def test_what_a_killed_import_left_is_brought_to_its_end(services: Services) -> None:
    await registered(services, *block()[:4])
    plan = await registered(services, *block())
    assert (plan.opened, plan.unchanged) == (8, 4)


async def test_a_dry_run_checks_and_writes_nothing(services: Services) -> None:
    plan = await register_places(declared(*block()), context(PARKING), services, dry_run=True)
    assert (plan.opened, await services.store.head()) == (12, 0)


async def test_places_change_from_a_moment_on(services: Services) -> None:
    await registered(services, *block())
    dearer = zone("Z1", 3, tariff_zone="2", valid_from=SOON)
    closed = facility("G1", retired=True, valid_from=SOON)
    plan = await registered(services, dearer, closed)
    assert plan.summary() == {"opened": 0, "changed": 2, "unchanged": 0}
    found = await services.store.load(ParkingPlace, stream_of("Z1"))
    assert [version.tariff_zone for version, _ in found.history] == ["1", "2"]
    assert (await services.store.load(ParkingPlace, stream_of("G1"))).at(SOON) is None


async def test_a_place_goes_on_in_a_tariff_zone_that_no_file_has_any_more(
    services: Services,
) -> None:
    await registered(services, *block())
    services.definitions = services.definitions.extended(TariffDefinitions({}, {}))
    named = zone("Z1", 3, name="the same street", valid_from=SOON)
    assert (await registered(services, named)).changed == 1
    assert await wrong(services, zone("Z9", 3, row=9)) == [("0", "tariff_zone")]


async def test_who_may_not_keep_places_writes_nothing(services: Services) -> None:
    sanitation = Actor("official-1", frozenset({Role.OFFICIAL}), "sanitation")
    with pytest.raises(NotYourPlaces):
        await registered(services, *block(), actor=sanitation)
    with pytest.raises(RoleNotAllowed):
        await registered(services, *block(), actor=Actor("c-1", frozenset({Role.CAMERA})))
    assert await services.store.head() == 0


async def test_every_mistake_is_found_at_once(services: Services) -> None:
    found = await wrong(
        services,
        area(geometry=None),
        zone("Z1", 3, tariff_zone=None),
        zone("Z2", 2, row=1, tariff_zone="9"),
        berth("Z1", 1, length_cm=5, capacity=3),
        {"place_id": "Z3", "kind": "zone", "valid_from": BEGIN, "name": "three"},
        facility("G1", latitude=None),
        facility("G2"),
        facility("G2", capacity=3),
        camera("C1", geometry=square(1, 1, 2, 2)),
        zone("Z4", 1, geometry={"type": "Point", "coordinates": [1, 1]}),
        camera("C2", sentinels=[-1]),
    )
    assert found == [
        ("0", "geometry"),
        ("1", "tariff_zone"),
        ("2", "tariff_zone"),
        ("3", "capacity"),
        ("4", "geometry"),
        ("4", "parent"),
        ("4", "tariff_zone"),
        ("5", "longitude"),
        ("7", "valid_from"),
        ("8", "geometry"),
        ("8", "geometry"),
        ("9", "geometry"),
        ("10", "sentinels"),
    ]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (berth("Z9", 1), ("parent", "Z9")),
        (berth("410105", 1), ("parent", "410105")),
        (zone("Z3", 1, row=2, parent="410199"), ("parent", "410199")),
        (berth("Z1", 5), ("number", "no berth 4")),
        (berth("Z1", 3, place_id="Z1-x"), ("number", "two berths 3")),
        (berth("Z1", 4), ("geometry", "does not lie in Z1")),
        (berth("Z2", 3, row=9), ("geometry", "does not lie in Z2")),
        (berth("Z1", 4, geometry=None, latitude=0, longitude=0), ("geometry", "lie in Z1")),
        (zone("Z3", 1), ("geometry", "overlap")),
        (camera("C3", "Z1-009"), ("watches", "Z1-009")),
        (camera("C3", "C1"), ("watches", "C1")),
        (zone("Z3", 1, row=2, previous=["G1"]), ("previous", "G1")),
        (zone("Z1-001", 1, row=2), ("", "stays what it is")),
        (area(retired=True, valid_from=SOON), ("parent", "lies in '410105'")),
        (zone("Z1", 3, retired=True, valid_from=SOON), ("parent", "lies in 'Z1'")),
        (zone("Z1", 4, valid_from=SOON), ("", "drawn anew")),
        (facility("G1", capacity=9), ("", "another version")),
    ],
)
async def test_places_fit_to_one_another_at_every_moment(
    services: Services, said: dict[str, Any], found: tuple[str, str]
) -> None:
    await registered(services, *block())
    head = await services.store.head()
    with pytest.raises(PlacesInvalid) as refused:
        await registered(services, said)
    member, reason = found
    assert any(
        each.where == "0" and each.member == member and reason in each.reason
        for each in refused.value.problems
    ), refused.value.problems
    assert await services.store.head() == head


async def test_berths_that_lie_on_one_another_are_refused(services: Services) -> None:
    first = berth("Z1", 1)
    second = berth("Z1", 2, geometry=first["geometry"])
    assert ("3", "geometry") in await wrong(services, area(), zone("Z1", 3), first, second)


async def test_a_berth_that_rests_keeps_its_number(services: Services) -> None:
    await registered(services, *block())
    await registered(services, berth("Z1", 2, retired=True, valid_from=SOON))
    again = berth("Z1", 2, valid_from=SOON + timedelta(days=1))
    assert (await registered(services, again)).changed == 1


async def test_a_redrawn_street_hands_its_berths_on(services: Services) -> None:
    """The berths stay what they are: from the day on they lie in the new zone."""
    await registered(services, *block())
    wider = zone("Z1", 4)["geometry"]
    new = zone("Z1b", 3, valid_from=SOON, previous=["Z1"], geometry=wider)
    old = zone("Z1", 3, retired=True, valid_from=SOON)
    moved = [berth("Z1", n) | {"parent": "Z1b", "valid_from": SOON} for n in (1, 2, 3)]
    plan = await registered(services, old, new, *moved)
    assert plan.summary() == {"opened": 1, "changed": 4, "unchanged": 0}


async def test_what_others_have_changed_meanwhile_is_not_overwritten(services: Services) -> None:
    await registered(services, *block())
    later = services_over(services.store)
    later.clock = lambda: NOW

    async def read(*names: str) -> Any:
        patch.undo()
        places = await load_register(services.store)
        await registered(later, facility("G1", capacity=100, valid_from=SOON))
        return places

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("commands.parking.register.load_register", read)
        with pytest.raises(PlacesChanged):
            await registered(
                services, facility("G1", capacity=300, valid_from=SOON + timedelta(days=1))
            )
