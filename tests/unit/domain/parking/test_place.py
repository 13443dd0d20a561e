"""A place and its versions: each holds from its moment on; one geometry is one place."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.parking.place import (
    NotYourPlaces,
    ParkingPlace,
    PlaceEnded,
    PlaceKind,
    PlaceKindDiffers,
    PlaceRedrawn,
    PlaceVersion,
    PlaceVersionDiffers,
    check_looks_after,
    stream_of,
)
from tests.given.parking.places import square

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 9, 1, tzinfo=UTC)
LATER = datetime(2026, 9, 10, tzinfo=UTC)
OPERATOR = Actor("operator-1", frozenset({Role.OPERATOR}))
DRAWN = square(113.0, 34.0, 113.1, 34.1)


def version(at: datetime = BEGIN, **said: Any) -> PlaceVersion:
    members = {"name": "一號街", "geometry": DRAWN, "tariff_zone": "1"} | said
    return PlaceVersion(valid_from=at, **members)


def place(kind: PlaceKind = PlaceKind.ZONE, *versions: PlaceVersion) -> ParkingPlace:
    found = ParkingPlace.open(OPERATOR, NOW, place_id="Z1", kind=kind, simulated=False)
    for each in versions or (version(),):
        found.describe(OPERATOR, NOW, kind, each)
    return found


def test_a_version_holds_from_its_moment_until_before_the_next() -> None:
    found = place()
    found.describe(OPERATOR, NOW, PlaceKind.ZONE, version(LATER, tariff_zone="2"))
    end = LATER + timedelta(days=9)
    found.describe(OPERATOR, NOW, PlaceKind.ZONE, version(end, retired=True))
    moment = timedelta(microseconds=1)
    at = [BEGIN - moment, BEGIN, LATER - moment, LATER, end - moment, end]
    held = [found.at(each) for each in at]
    assert [each and each.tariff_zone for each in held] == [None, "1", "1", "2", "2", None]
    assert [ends for _, ends in found.history] == [LATER, end, None]


def test_what_is_known_is_no_event_and_what_holds_is_never_changed() -> None:
    found = place()
    events = len(found.pending_events)
    found.describe(OPERATOR, NOW, PlaceKind.ZONE, version())
    assert len(found.pending_events) == events
    with pytest.raises(PlaceVersionDiffers):
        found.describe(OPERATOR, NOW, PlaceKind.ZONE, version(tariff_zone="2"))
    with pytest.raises(PlaceKindDiffers):
        found.describe(OPERATOR, NOW, PlaceKind.AREA, version(LATER))


@pytest.mark.parametrize("kind", [PlaceKind.ZONE, PlaceKind.BERTH])
def test_a_zone_and_a_berth_are_one_geometry(kind: PlaceKind) -> None:
    found = place(kind)
    for at in (LATER, BEGIN - timedelta(days=1)):
        with pytest.raises(PlaceRedrawn):
            found.describe(OPERATOR, NOW, kind, version(at, geometry=square(113, 34, 113.2, 34.1)))
    found.describe(OPERATOR, NOW, kind, version(LATER, retired=True, geometry=None))


def test_a_garage_may_be_built_on() -> None:
    found = place(PlaceKind.FACILITY)
    found.describe(OPERATOR, NOW, PlaceKind.FACILITY, version(LATER, geometry=None, capacity=9))
    assert len(found.history) == 2


def test_a_zone_that_was_retired_is_never_one_again_and_a_berth_may_rest() -> None:
    retired, again = version(LATER, retired=True), version(LATER + timedelta(days=1))
    with pytest.raises(PlaceEnded):
        place(PlaceKind.ZONE, version(), retired, again)
    with pytest.raises(PlaceEnded):
        place(PlaceKind.ZONE, version(), again, retired)
    assert place(PlaceKind.BERTH, version(), retired, again).at(again.valid_from) == again


def test_the_stream_follows_from_the_id_and_never_changes() -> None:
    assert place().id == stream_of("Z1") == "parking_place-2d8a729030885cf49959fd36013fc1c7"
    assert stream_of("z1") != stream_of("Z1")


def test_who_describes_places() -> None:
    for role in set(Role) - {Role.OPERATOR, Role.OFFICIAL, Role.SUPERVISOR, Role.SYSTEM}:
        actor = Actor("somebody", frozenset({role}), "parking", "counter-1")
        with pytest.raises(RoleNotAllowed):
            check_looks_after(actor, ["parking"])
    for role in (Role.OFFICIAL, Role.SUPERVISOR):
        check_looks_after(Actor("somebody", frozenset({role}), "parking"), ["parking"])
        with pytest.raises(NotYourPlaces):
            check_looks_after(Actor("somebody", frozenset({role}), "sanitation"), ["parking"])
    check_looks_after(OPERATOR, ["parking"])


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from("123")), max_size=8))
def test_versions_leave_no_hole_whatever_order_they_come_in(steps: list[tuple[int, str]]) -> None:
    found, said = place(), {BEGIN: "1"}
    for day, tariff_zone in steps:
        at = BEGIN + timedelta(days=day)
        if said.setdefault(at, tariff_zone) == tariff_zone:
            found.describe(OPERATOR, NOW, PlaceKind.ZONE, version(at, tariff_zone=tariff_zone))
    begins = sorted(said)
    assert [(each.valid_from, end) for each, end in found.history] == list(
        zip(begins, [*begins[1:], None], strict=True)
    )
    for begin in begins:
        held = found.at(begin)
        assert held is not None
        assert held.tariff_zone == said[begin]


def test_an_event_of_before_still_loads() -> None:
    members = version().members()
    for later in ("sentinels", "drift", "silence_seconds"):
        del members[later]
    assert PlaceVersion.of(members) == version()
