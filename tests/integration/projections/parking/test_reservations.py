"""The rows of reservations: one at a time equals all at once, and what each question finds."""

from typing import Any

import pytest

from citybrain.domain.actor import Actor
from citybrain.eventstore import EventStore
from commands.parking.reservations import (
    CancelReservation,
    MoveReservation,
    cancel_reservation,
    move_reservation,
)
from projections.parking import reservations
from projections.parking.reservations import Wanted
from tests.given.parking.reservations import BERTH, NEXT_BERTH, clock
from tests.given.parking.reserving import BERTHS, Street, sent
from tests.given.read_models import project

MODELS = ("parking_reservations", "parking_places")
ROWS = "SELECT * FROM parking_reservations.reservations ORDER BY reservation_id"
ENTRIES = "SELECT * FROM parking_reservations.entries ORDER BY entry_id"


@pytest.fixture
async def street(store: EventStore) -> Street:
    return await Street.open(store)


async def a_day(street: Street) -> tuple[Actor, dict[str, str]]:
    """A day on which everything happens."""
    anna, ben = await street.citizen(), await street.citizen()
    street.at("9:00")
    made = {"cancelled": await street.reserved(anna, berth=BERTHS[4], start="11:00", end="12:00")}
    await cancel_reservation(made["cancelled"], CancelReservation(), sent(anna), street.services)
    await street.go_on(made["cancelled"])
    made["lapsed"] = await street.hold(anna, berth=BERTHS[5])
    street.at("13:00")
    await street.ring(made["lapsed"])
    made["moved"] = await street.reserved(anna)
    made["no-show"] = await street.reserved(ben, berth=BERTHS[2])
    made["checked-in"] = await street.reserved(ben, berth=BERTHS[3], plate="豫A01234")
    for name in ("moved", "no-show", "checked-in"):
        street.at("13:45")
        await street.ring(made[name])
    street.at("13:56")
    await street.comes("豫A8X800", BERTH, "13:55")
    street.at("14:02")
    await move_reservation(
        made["moved"], MoveReservation(berth=NEXT_BERTH), sent(anna), street.services
    )
    await street.go_on(made["moved"])
    await street.comes("豫A01234", BERTHS[3], "14:01")
    await street.go_on(made["checked-in"])
    for at in ("14:15", "14:25"):
        street.at(at)
        await street.ring(made["no-show"])
        await street.go_on(made["no-show"])
    return anna, made


async def rows(street: Street) -> list[list[dict[str, Any]]]:
    pool = street.services.store.pool
    return [[dict(row) for row in await pool.fetch(query)] for query in (ROWS, ENTRIES)]


async def test_one_event_at_a_time_and_all_at_once_are_the_same(street: Street) -> None:
    _, made = await a_day(street)
    store = street.services.store
    await project(store, *MODELS, batch=1)
    slowly = await rows(street)
    await store.pool.execute("DELETE FROM projection_checkpoints")
    await store.pool.execute("DROP SCHEMA parking_reservations CASCADE")
    await store.pool.execute("DROP SCHEMA parking_places CASCADE")
    await project(store, *MODELS)
    assert await rows(street) == slowly
    found = {row["reservation_id"]: row for row in slowly[0]}
    for status in ("cancelled", "lapsed", "no-show", "checked-in"):
        assert found[made[status]]["status"] == status
    moved = found[made["moved"]]
    assert (moved["status"], moved["berth"], moved["conflict"]) == ("confirmed", NEXT_BERTH, None)
    money = ("deposit_fen", "fee_fen", "paid_fen", "refunded_fen")
    assert [found[made["no-show"]][name] for name in money] == [500, 500, 500, 0]
    assert [found[made["checked-in"]][name] for name in money] == [500, 0, 500, 500]
    assert [found[made["lapsed"]][name] for name in money] == [500, 0, 0, 0]


async def test_each_row_is_what_the_stream_says(street: Street) -> None:
    _, made = await a_day(street)
    await project(street.services.store, *MODELS)
    for row in (await rows(street))[0]:
        reservation = await street.load(row["reservation_id"])
        conflict = reservation.conflict
        assert row["status"] == reservation.status.value
        assert row["berth"] == reservation.berth
        assert row["fee_fen"] == reservation.fee_fen
        assert row["version"] == reservation.version
        assert row["no_show_at"] == reservation.no_show_at
        assert row["conflict"] == (None if conflict is None else conflict["kind"])
        assert row["paid_fen"] - row["refunded_fen"] == street.kept_fen(reservation.id)
    assert len(made) == 5


async def test_the_conflict_is_on_the_desk_when_it_is_seen(street: Street) -> None:
    """P51: at 13:55, and not when the citizen comes."""
    anna = await street.citizen()
    street.at("13:00")
    one = await street.reserved(anna)
    street.at("13:45")
    await street.ring(one)
    street.at("13:55:01")
    await street.comes("豫A8X800", BERTH, "13:55")
    await project(street.services.store, *MODELS)
    (row,) = await reservations.desk(
        street.services.store.pool, Wanted(conflicts=True), after=None, limit=10
    )
    assert (row["reservation_id"], row["conflict"]) == (one, "obstructed")
    assert row["conflict_since"] == clock("13:55")
    assert row["other_plate"]["plate_id"] != row["plate"]["plate_id"]


async def test_lists_have_pages_and_their_order(street: Street) -> None:
    anna, made = await a_day(street)
    await project(street.services.store, *MODELS)
    pool = street.services.store.pool
    whole = await reservations.of_citizen(pool, anna.subject, after=None, limit=10)
    assert {row["reservation_id"] for row in whole} == {
        made[name] for name in ("cancelled", "lapsed", "moved")
    }
    last = whole[0]
    after = (last["starts_at"], last["reservation_id"])
    rest = await reservations.of_citizen(pool, anna.subject, after=after, limit=10)
    assert rest == whole[1:]
    desk = await reservations.desk(pool, Wanted(), after=None, limit=10)
    assert desk[0]["reservation_id"] == made["cancelled"]
    first = (desk[0]["starts_at"], desk[0]["reservation_id"])
    assert await reservations.desk(pool, Wanted(), after=first, limit=10) == desk[1:]
    wanted = Wanted(berth=BERTHS[2], status="no-show", since=clock("14:30"), until=clock("14:31"))
    (missed,) = await reservations.desk(pool, wanted, after=None, limit=10)
    assert missed["reservation_id"] == made["no-show"]


async def test_what_is_busy_and_what_is_free_beside(street: Street) -> None:
    anna, ben = await street.citizen(), await street.citizen()
    await street.reserved(anna)
    await street.hold(ben, berth=BERTHS[1])
    await project(street.services.store, *MODELS)
    pool, span = street.services.store.pool, (clock("14:30"), clock("15:30"))
    found = await reservations.busy(pool, BERTHS, *span, clock("9:05"))
    assert [(each.berth, each.start) for each in found] == [
        (BERTHS[0], clock("14:00")),
        (BERTHS[1], clock("14:00")),
    ]
    found = await reservations.busy(pool, BERTHS, *span, clock("9:10"))
    assert [each.berth for each in found] == [BERTHS[0]]  # the hold has run out
    assert (
        await reservations.busy(pool, BERTHS, clock("15:00"), clock("16:00"), clock("9:00")) == []
    )
    beside = await reservations.free_beside(pool, BERTH, *span, clock("9:05"))
    assert beside == BERTHS[2:5]
    assert await reservations.free_beside(pool, "nowhere", *span, clock("9:05")) == []
