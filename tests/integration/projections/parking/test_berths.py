"""The board of berths: occupied, free, unknown; the same however the events come."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from citybrain.eventstore import EventStore
from commands.parking.places import describe_places
from projections.parking import berths
from tests.given.parking.city import IMPORT, Street, at, places
from tests.given.read_models import project, same_in_any_batch
from tests.given.services import context, services_over

SILENCE = timedelta(minutes=15)


async def states(store: EventStore, clock: str) -> dict[str, str]:
    """Berth by berth, and they are counted so."""
    rows = await berths.page(store.pool, now=at(clock), silence=SILENCE, limit=100)
    counts = await berths.counts(store.pool, now=at(clock), silence=SILENCE)
    assert counts == Counter(row["state"] for row in rows)
    return {row["place_id"]: row["state"] for row in rows}


async def test_p58_silent_is_not_free(store: EventStore) -> None:
    street = await Street.open(services_over(store), at("12:00"))
    await street.say(street.sign("empty", "Z1-003", at("10:00")))
    await project(store, "parking_berths")
    assert (await states(store, "10:14:59"))["Z1-003"] == "free"
    assert (await states(store, "10:15:00"))["Z1-003"] == "unknown"
    assert (await states(store, "10:14:59"))["Z1-004"] == "unknown"  # nobody has spoken of it
    assert await berths.counts(store.pool, now=at("10:10"), silence=SILENCE) == {
        "free": 1,
        "unknown": 8,
    }


async def test_a_device_that_is_lost_sees_nothing_until_it_is_heard_again(
    store: EventStore,
) -> None:
    street = await Street.open(services_over(store), at("12:00"))
    await street.say(street.sign("arrived", "Z1-003", at("10:00")))
    await street.say(street.sign("lost", None, at("10:01")))
    await project(store, "parking_berths")
    assert (await states(store, "10:02"))["Z1-003"] == "unknown"
    await street.say(street.sign("restored", None, at("10:05")))
    await project(store, "parking_berths")
    assert (await states(store, "10:06"))["Z1-003"] == "occupied"


async def test_of_two_devices_the_one_that_was_heard_last_decides(store: EventStore) -> None:
    street = await Street.open(services_over(store), at("12:00"))
    await street.say(
        street.sign("arrived", "Z1-003", at("10:00")),
        street.sign("lost", None, at("10:01"), device_id="c-2"),
    )
    await project(store, "parking_berths")
    assert (await states(store, "10:05"))["Z1-003"] == "occupied"
    await street.say(
        street.sign("restored", None, at("10:02"), device_id="c-2"),
        street.sign("lost", None, at("10:03"), device_id="c-2"),
    )
    await project(store, "parking_berths")
    assert (await states(store, "10:05"))["Z1-003"] == "unknown"


async def test_a_block_face_shows_its_berths_by_number(store: EventStore) -> None:
    street = await Street.open(services_over(store), at("12:00"))
    await street.say(
        street.sign("arrived", "Z1-002", at("10:00")), street.sign("empty", "Z1-009", at("10:00"))
    )
    await project(store, "parking_berths")
    shown = await berths.by_face(store.pool, ["Z1", "Z2"], now=at("10:10"), silence=SILENCE)
    assert shown == {"Z1": "uouuuuuuf"}


async def test_of_two_signs_of_one_moment_the_berth_is_occupied(store: EventStore) -> None:
    street = await Street.open(services_over(store), at("12:00"))
    for place, signs in (("Z1-003", ("arrived", "left")), ("Z1-004", ("empty", "occupied"))):
        for sign in signs:
            await street.say(street.sign(sign, place, at("10:05")))
    assert await same_in_any_batch(store, "parking_berths")
    shown = await states(store, "10:06")
    assert (shown["Z1-003"], shown["Z1-004"]) == ("occupied", "occupied")


async def test_what_happened_before_changes_nothing(store: EventStore) -> None:
    street = await Street.open(services_over(store), at("12:00"))
    await street.say(street.sign("left", "Z1-003", at("10:05")))
    await street.say(street.sign("arrived", "Z1-003", at("10:00")))
    await project(store, "parking_berths")
    assert (await states(store, "10:06"))["Z1-003"] == "free"


async def test_one_at_a_time_and_all_at_once_give_the_same(store: EventStore) -> None:
    street = await Street.open(services_over(store), at("12:00"))
    plate = {"plate": "豫A12345"}
    await street.say(
        street.sign("arrived", "Z1-001", at("09:00"), **plate),
        street.sign("left", "Z1-001", at("09:40"), **plate),
        street.sign("lost", None, at("10:00")),
        street.sign("restored", None, at("10:30")),
        street.sign("occupied", "Z1-002", at("10:31")),
        street.sign("arrived", "Z1-001", at("10:40")),
    )
    models = ("parking_berths", "parking_places", "parking_sessions")
    assert await same_in_any_batch(store, *models) > 20


async def test_a_berth_that_is_used_again_begins_anew_in_any_batch(store: EventStore) -> None:
    street = await Street.open(services_over(store), at("12:00"))
    await street.say(
        street.sign("occupied", "Z1-001", at("10:00")),
        street.sign("occupied", "Z1-002", at("10:00")),
    )
    first = next(each for each in places() if each.place_id == "Z1-001")
    for clock, retired in (("10:30", True), ("10:40", False)):
        changed = replace(first.version, valid_from=at(clock), retired=retired)
        await describe_places([replace(first, version=changed)], context(IMPORT), street.services)
    await street.say(street.sign("restored", None, at("10:50")))
    assert await same_in_any_batch(store, "parking_berths")
    shown = await states(store, "10:51")
    assert (shown["Z1-001"], shown["Z1-002"]) == ("unknown", "occupied")
