"""The board of any minute: as it was known then, the same in any batch and after a rebuild."""

from datetime import UTC, datetime, timedelta

from citybrain.domain.applications.statuses import Status
from citybrain.eventstore import EventStore
from projections import board_reading
from projections.applications import applications
from projections.board_reading import Reading
from projections.inspection import case_desk_questions as desk
from projections.inspection.board import DEADLINE
from tests.given.case_lives import all_lives
from tests.given.read_models import project, same_in_any_batch
from tests.integration.projections.applications.test_waits import lived as application_lived

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


async def live(store: EventStore, schema: str, at: datetime) -> Reading:
    (found,) = await board_reading.readings(store.pool, schema, [at], live=True)
    assert found is not None
    return found


async def test_of_cases_it_has_what_the_desk_has(store: EventStore) -> None:
    await all_lives(store)
    assert await same_in_any_batch(store, "inspection_board", "log_minutes") > 50
    await project(store, "case_desk")
    found = await live(store, "inspection_board", NOW)
    open_ = sum(row["open"] for row in await desk.open_counts(store.pool))
    assert found.standing["open"] == open_ > 5
    for at in (NOW, NOW + timedelta(days=3)):
        due = await desk.deadline_counts(store.pool, at)
        known = (await live(store, "inspection_board", at)).due_of(DEADLINE)
        assert known.past == sum(row["overdue"] for row in due), at
        assert known.soon == sum(row["within_1_hour"] for row in due), at


async def test_of_applications_it_has_what_the_queue_has(store: EventStore) -> None:
    for status in Status:
        await application_lived(store, status)
    assert await same_in_any_batch(store, "applications_board") > len(Status)
    await project(store, "applications")
    found = await live(store, "applications_board", NOW)
    assert found.standing["waiting"] == await applications.count_waiting(store.pool) > 0
