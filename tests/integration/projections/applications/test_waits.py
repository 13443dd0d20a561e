"""Who has the applications that have not ended, counted; and whom nobody has."""

from datetime import date, timedelta
from typing import Any

import pytest

from citybrain.domain.applications import statuses, waiting
from citybrain.domain.applications.statuses import Status
from citybrain.domain.applications.waiting import MARGIN
from citybrain.eventstore import EventStore
from projections.applications import applications, waits
from projections.applications.waits import WaitingCounts
from tests.given.applications import NOW
from tests.given.lived import application_lived
from tests.given.read_models import project

TODAY = date(2026, 3, 2)


async def test_each_that_has_not_ended_is_counted_with_whom_it_waits_for(store: EventStore) -> None:
    for status in Status:
        await application_lived(store, status)
    await project(store, "applications")
    found = await waits.counts(store.pool, now=NOW, today=TODAY)
    assert found == WaitingCounts(person=2, moving=4, officer=3, bank=1)


async def test_a_row_says_what_the_stream_says(store: EventStore) -> None:
    lives = [await application_lived(store, status) for status in Status]
    await project(store, "applications")
    for application in lives:
        row = await applications.one(store.pool, application.id)
        assert row is not None
        assert (row["waits_for"], row["due_at"]) == (application.waits_for(), application.due_at)


async def test_whom_nobody_woke_is_stranded_and_whom_an_officer_has_is_overdue(
    store: EventStore,
) -> None:
    moving = await application_lived(store, Status.COLLECTED)
    await application_lived(store, Status.REFERRED)
    await project(store, "applications")
    assert moving.due_at is not None
    late = moving.due_at + MARGIN
    found = await waits.counts(store.pool, now=late, today=TODAY)
    assert (found.stranded, found.overdue) == (0, 0)
    later = late + timedelta(seconds=1)
    found = await waits.counts(store.pool, now=later, today=TODAY + timedelta(days=29))
    assert (found.moving, found.stranded, found.officer, found.overdue) == (1, 1, 1, 1)


async def test_a_status_of_which_nobody_said_whose_it_is_is_stranded(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await application_lived(store, Status.IDENTIFIED)
    monkeypatch.setattr(waiting, "MOVING", statuses.MOVING - {Status.IDENTIFIED})
    await project(store, "applications")
    found = await waits.counts(store.pool, now=NOW, today=TODAY)
    assert found.stranded == 1


async def test_those_of_one_service_are_counted(store: EventStore) -> None:
    await application_lived(store, Status.REFERRED)
    await project(store, "applications")
    of: dict[str, Any] = {"now": NOW, "today": TODAY}
    mine = await waits.counts(store.pool, service="housing-fund-repayment", **of)
    assert mine == await waits.counts(store.pool, **of) == WaitingCounts(officer=1)
    assert await waits.counts(store.pool, service="water-transfer", **of) == WaitingCounts()
