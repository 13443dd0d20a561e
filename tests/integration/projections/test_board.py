"""The board of any minute: as it was known then, the same in any batch and after a rebuild."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from citybrain.domain.applications.statuses import Status
from citybrain.domain.signals.signal_events import OF_CONTROLLER
from citybrain.eventstore import EventStore, RecordedEvent
from projections import board_reading
from projections.applications import applications
from projections.applications.board import APPLICATIONS_BOARD
from projections.board import KEPT, BoardModel
from projections.board_reading import Reading
from projections.inspection import case_desk_questions as desk
from projections.inspection.board import DEADLINE, INSPECTION_BOARD
from projections.parking import berths
from projections.parking.board import SILENT, SILENT_AFTER
from projections.signals.board import FLASHES, STANDING
from tests.given.applications import NOW as APPLICATIONS_FROM
from tests.given.case_lives import all_lives
from tests.given.cases import NOW as CASES_FROM
from tests.given.lived import application_lived, junction_lived
from tests.given.parking.city import Street, at
from tests.given.read_models import project, same_in_any_batch
from tests.given.services import services_over
from tests.given.signals.recorded import record

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


async def live(store: EventStore, schema: str, at: datetime) -> Reading:
    (found,) = await board_reading.readings(store.pool, schema, [at], live=True)
    return found


async def test_of_cases_it_has_what_the_desk_has(store: EventStore) -> None:
    await all_lives(store)
    assert await same_in_any_batch(store, "inspection_board", "log_minutes") > 50
    await project(store, "case_desk")
    found = await live(store, "inspection_board", NOW)
    open_ = sum(row["open"] for row in await desk.open_counts(store.pool))
    assert found.standing["open"] == open_ > 5
    for when in (NOW, NOW + timedelta(days=3)):
        due = await desk.deadline_counts(store.pool, when)
        known = (await live(store, "inspection_board", when)).due_of(DEADLINE)
        assert known.past == sum(row["overdue"] for row in due), when
        assert known.soon == sum(row["within_1_hour"] for row in due), when


async def test_of_applications_it_has_what_the_queue_has(store: EventStore) -> None:
    for status in Status:
        await application_lived(store, status)
    assert await same_in_any_batch(store, "applications_board") > len(Status)
    await project(store, "applications")
    found = await live(store, "applications_board", NOW)
    assert found.standing["waiting"] == await applications.count_waiting(store.pool) > 0


async def test_of_junctions_it_has_how_the_domain_says_they_stand(
    store: EventStore, tmp_path: Path
) -> None:
    street = junction_lived(tmp_path).street
    await record(store, street.events)
    assert await same_in_any_batch(store, "signals_board") > 2
    found = await live(store, "signals_board", NOW)
    assert found.standing[f"{STANDING}{street.signal.standing}"] == 1
    begun = [
        event
        for event in await store.read_all()
        if event.topic == "signal.flash_begun" and event.data["kind"] in OF_CONTROLLER
    ]
    rows = await store.pool.fetch(
        "SELECT about FROM signals_board.concerns WHERE kind = $1", FLASHES
    )
    assert [row["about"] for row in rows] == [event.data["kind"] for event in begun] != []


async def test_of_berths_it_has_what_was_said_of_them_last(store: EventStore) -> None:
    street = await Street.open(services_over(store), at("12:00"))
    await street.say(
        street.sign("arrived", "Z1-001", at("09:00"), plate="豫A12345"),
        street.sign("left", "Z1-001", at("09:40"), plate="豫A12345"),
        street.sign("occupied", "Z1-002", at("09:41")),
        street.sign("empty", "Z1-003", at("09:41")),
        street.sign("lost", None, at("10:00")),
    )
    assert await same_in_any_batch(store, "parking_board") > 5
    await project(store, "parking_berths")
    known = await berths.counts(store.pool, now=at("09:42"), silence=SILENT_AFTER)
    standing = (await live(store, "parking_board", at("09:42"))).standing
    found = {name: standing[name] for name in ("occupied", "free")}
    assert found == {"occupied": 1, "free": 2}
    assert sum(known.values()) == standing["berths"]
    for when, silent in (("10:09", 1), ("10:10", 2)):  # one was never heard
        due = (await live(store, "parking_board", at(when))).due_of(SILENT)
        assert due.past == silent, when


@dataclass(frozen=True)
class Later:
    """An event as if it had been recorded at another time."""

    event: RecordedEvent
    recorded_at: datetime

    def __getattr__(self, name: str) -> Any:
        return getattr(self.event, name)


async def kept(store: EventStore, schema: str, model: BoardModel, events: Sequence[Later]) -> None:
    """The model of these events alone, in a schema of its own."""
    async with store.writing() as connection, connection.transaction():
        await connection.execute(f"CREATE SCHEMA {schema}")
        await connection.execute(f"SET LOCAL search_path = {schema}, public")
        await connection.execute(model.tables)
        for first in range(0, len(events), 7):
            await model.apply(connection, cast("Any", events[first : first + 7]))


@pytest.mark.parametrize("system", ["inspection", "applications"])
async def test_a_minute_is_as_it_was_when_the_log_ended_there(
    store: EventStore, system: str
) -> None:
    """Whatever came later: figures and exceptions are those of a model that knows no more."""
    model, begins = await happened(store, system)
    random = Random(19)
    events: list[Later] = []
    clock = begins
    for event in await store.read_all():
        if event.topic in model.topics:
            clock += timedelta(seconds=random.choice((0, 0.5, 20, 400, 9000)))
            events.append(Later(event, clock - timedelta(seconds=random.choice((0, 0, 30)))))
    await kept(store, "whole", model, events)
    seen, running, last = 0, 0, begins
    for number, ends in enumerate(sorted(random.sample(range(1, len(events)), 8))):
        last = max(last, *(each.recorded_at for each in events[:ends]))
        minute = last.replace(second=0, microsecond=0) + timedelta(minutes=1)
        before = [each for each in events if each.recorded_at < minute]
        before = events[: len(before)]
        if any(each.recorded_at >= minute for each in before):
            continue  # the log has them in another order than time
        await kept(store, f"part_{number}", model, before)
        (was,) = await board_reading.readings(store.pool, "whole", [minute])
        (then,) = await board_reading.readings(store.pool, f"part_{number}", [minute], live=True)
        assert was == then != Reading()
        listed = [
            await board_reading.exceptions(store.pool, schema, minute, live=is_live)
            for schema, is_live in (("whole", False), (f"part_{number}", True))
        ]
        assert listed[0] == listed[1]
        things = [
            await board_reading.followed(
                store.pool, schema, DEADLINE, minute, live=is_live, limit=1000
            )
            for schema, is_live in (("whole", False), (f"part_{number}", True))
        ]
        assert things[0] == things[1]
        running += len(things[0])
        seen += len(listed[0])
    assert seen > 0
    assert (running > 0) is (system == "inspection")


async def happened(store: EventStore, system: str) -> tuple[BoardModel, datetime]:
    """The log of a system, and when the first of it is to have been."""
    if system == "inspection":
        await all_lives(store)
        return INSPECTION_BOARD, CASES_FROM
    for status in Status:
        await application_lived(store, status)
    return APPLICATIONS_BOARD, APPLICATIONS_FROM + timedelta(days=25)


async def test_what_is_too_old_is_forgotten(store: EventStore) -> None:
    await all_lives(store)
    clock, events = CASES_FROM, list[Later]()
    for event in await store.read_all():
        clock += timedelta(days=3)
        events.append(Later(event, clock))
    await kept(store, "whole", INSPECTION_BOARD, events)
    first = await store.pool.fetchval("SELECT min(minute) FROM whole.minutes")
    closed = await store.pool.fetchval("SELECT min(known_until) FROM whole.concerns")
    assert clock - KEPT - timedelta(days=4) < first <= clock - KEPT
    assert closed > clock - KEPT - timedelta(hours=1)
