"""A status or an event that is added in the domain reaches every read model with no other list."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

import pytest
from eventsourcing.utils import register_topic

from citybrain.domain.inspection.case import EVENT_OF, InspectionCase
from citybrain.domain.inspection.case_events import CaseStep
from citybrain.domain.inspection.statuses import CaseStatus
from citybrain.domain.stream import StreamEvent
from citybrain.eventstore import EventStore
from citybrain.systems import projection_named
from projections.inspection import case_desk_questions as desk
from projections.inspection import case_timeline, evaluation_days, service_requests
from projections.inspection.case_desk_questions import Wanted
from projections.rebuild import compare
from tests.given.case_lives import living, project, saved
from tests.given.cases import NOW, OPERATOR

EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


class Later(StrEnum):
    """A status of a later release."""

    FROZEN = "frozen"


class CaseFrozen(CaseStep):
    """Nothing is done before the thaw."""

    TOPIC: ClassVar[str] = "case.frozen"
    leads_to = Later.FROZEN  # type: ignore[assignment]
    until: str


class CaseWashedAway(CaseStep):
    """The rain has solved it."""

    TOPIC: ClassVar[str] = "case.washed_away"
    leads_to = CaseStatus.CLOSED


@pytest.fixture(autouse=True)
def later_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two events more in the table of the domain."""
    for event in (CaseFrozen, CaseWashedAway):
        monkeypatch.setitem(EVENT_OF, event.TOPIC, event)
        register_topic(event.TOPIC, event)


def took(case: InspectionCase, event: type[StreamEvent], **fields: Any) -> InspectionCase:
    case.step(OPERATOR, event, NOW, NOW, **fields)  # type: ignore[arg-type]
    return case


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
