"""A status or an event that is added in the domain reaches every read model with no other list."""

from datetime import UTC, datetime

import pytest

from citybrain.domain.inspection.case import InspectionCase
from citybrain.eventstore import EventStore
from citybrain.systems import projection_named
from projections.inspection import case_desk_questions as desk
from projections.inspection import case_timeline, evaluation_days, service_requests
from projections.inspection.case_desk_questions import Wanted
from projections.rebuild import compare
from tests.given.case_lives import living, saved
from tests.given.cases import NOW
from tests.given.later_release import CaseFrozen, CaseWashedAway, add_events, took
from tests.given.read_models import project

EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


@pytest.fixture(autouse=True)
def later_release(monkeypatch: pytest.MonkeyPatch) -> None:
    add_events(monkeypatch)


async def test_a_new_event_with_a_new_status_reaches_desk_timeline_and_open311(
    store: EventStore,
) -> None:
    frozen = await saved(store, took(living("accepted"), CaseFrozen, until="spring"))
    await project(store, "case_desk", "case_timeline", "evaluation_days", "service_requests")
    assert (await store.load(InspectionCase, frozen)).status == "frozen"
    (row,) = await desk.cases(store.pool, Wanted(status="frozen"))
    assert row["case_id"] == frozen
    assert [count["open"] for count in await desk.open_counts(store.pool)] == [1]
    assert (await case_timeline.history(store.pool, [frozen]))[-1]["details"]["until"] == "spring"
    counts = await evaluation_days.counts(store.pool, by="day", since=NOW.date(), until=NOW.date())
    assert counts[str(NOW.date())]["frozen"] == 1
    (request,) = await service_requests.by_id(store.pool, [frozen])
    assert (request["status"], request["status_notes"]) == ("open", "It is frozen.")
    told = await service_requests.updates(store.pool, since=EVER[0], until=EVER[1])
    assert told[-1]["status"] == "OPEN"


async def test_a_new_event_that_closes_a_case_closes_it_everywhere(store: EventStore) -> None:
    gone = await saved(store, took(living("accepted"), CaseWashedAway))
    await project(store, "case_desk", "service_requests")
    assert await desk.cases(store.pool) == []
    assert await desk.deadlines(store.pool) == []
    assert await desk.open_counts(store.pool) == []
    (row,) = await desk.cases(store.pool, Wanted(is_open=False))
    assert (row["case_id"], row["status"], row["closed_at"]) == (gone, "closed", NOW)
    (request,) = await service_requests.by_id(store.pool, [gone])
    assert (request["status"], request["expected_at"]) == ("closed", None)
    for name in ("case_desk", "service_requests"):
        assert (await compare(store, projection_named(name))).equal, name
