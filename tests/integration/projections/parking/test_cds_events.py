"""The read model of CDS events: one at a time and all at once are the same, and which session."""

from dataclasses import replace
from typing import Any

import pytest

from citybrain.errors import CitybrainError
from citybrain.eventstore import EventStore
from citybrain.systems import projection_named
from commands.parking.places import NewPlace, describe_places
from projections.parking.cds_events import RETIRED, event_id_of
from projections.rebuild import compare
from tests.given.parking.city import IMPORT, Street, at, places
from tests.given.read_models import project
from tests.given.services import context, services_over

MODEL = "parking_cds_events"
ROWS = "SELECT * FROM parking_cds_events.events ORDER BY occurred_at, sign_id"


@pytest.fixture
async def street(store: EventStore) -> Street:
    return await Street.open(services_over(store), at("12:00"))


async def rows(store: EventStore) -> list[dict[str, Any]]:
    return [dict(row) for row in await store.pool.fetch(ROWS)]


async def a_day(street: Street) -> None:
    """A stay, one that continues elsewhere, a stray departure, and a device that is lost."""
    await street.say(street.sign("arrived", "Z1-001", at("09:00"), plate="豫A12345"))
    await street.say(street.sign("left", "Z1-001", at("09:40")))
    await street.say(street.sign("left", "Z1-002", at("09:50")))
    await street.say(street.sign("lost", None, at("10:00")))
    await street.say(street.sign("restored", None, at("10:10")))
    await street.say(street.sign("left", "Z1-003", at("10:45")))
    await street.say(street.sign("arrived", "Z1-003", at("10:20")))
    street.clock(at("12:30", "2100-01-01"))  # signs were recorded by the clock of the database
    await street.process.tick(street.services)


async def test_one_at_a_time_and_all_at_once_are_the_same(
    store: EventStore, street: Street
) -> None:
    await a_day(street)
    await project(store, MODEL)
    at_once = await rows(store)
    assert (await compare(store, projection_named(MODEL))).equal
    await store.pool.execute(f"DROP SCHEMA {MODEL} CASCADE")
    await store.pool.execute("DELETE FROM projection_checkpoints")
    await project(store, MODEL, batch=1)
    assert await rows(store) == at_once
    assert len(at_once) == 7


async def test_signs_know_their_session(store: EventStore, street: Street) -> None:
    await a_day(street)
    await project(store, MODEL)
    found = {(row["place_id"], row["sign"]): row for row in await rows(store)}
    sessions = await street.sessions()
    for session in sessions:
        for sign in ("arrived", "left"):
            assert found[session.place_id, sign]["session_id"] == session.id
    stray = found["Z1-002", "left"]
    assert (stray["session_id"], stray["unmatched"]) == (None, True)
    assert found[None, "lost"]["session_id"] is None
    assert found["Z1-001", "arrived"]["plate"] is not None


async def test_a_device_that_is_retired_says_so_once(store: EventStore, street: Street) -> None:
    (camera,) = [each for each in places() if each.place_id == "c-1"]
    gone = replace(camera.version, valid_from=at("11:00"), retired=True)
    new = [NewPlace("c-1", camera.kind, gone)]
    for _ in range(2):
        for each in await describe_places(new, context(IMPORT), street.services):
            assert not isinstance(each, CitybrainError)
    await project(store, MODEL)
    (row,) = await rows(store)
    assert (row["sign"], row["device_id"], row["occurred_at"]) == (RETIRED, "c-1", at("11:00"))


def test_what_was_pushed_keeps_its_id() -> None:
    sign = f"parking_detection-{7:032x}"
    pushed = "0eaa505d-c9e1-49ad-9fac-3c745ba58676"
    assert str(event_id_of(sign, f"cds:{pushed}")) == pushed
    for ref in (pushed, "cds:x", "r1"):
        assert event_id_of(sign, ref).int == 7
