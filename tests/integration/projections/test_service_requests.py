"""Service requests: what a reporter is told at each status, in the words of the updates."""

from datetime import timedelta
from typing import Any

import pytest

from citybrain.domain.case import InspectionCase
from citybrain.eventstore import EventStore
from projections import queries
from tests.integration.projections.test_inspection import (
    defer,
    extend,
    hand_back,
    project,
    reported,
    resume,
    saved,
    void,
)
from tests.integration.projections.test_inspection import dispatch as dispatch_with_deadlines
from tests.unit.domain.test_case import (
    CITIZEN,
    DEPARTMENTS,
    NOW,
    OPERATOR,
    POLICE,
    WORKS,
    Step,
    accept,
    close,
    dispatch,
    file,
    handle,
    send_back,
    verify,
)

NAME = "service_requests"
OTHER = "case-" + "1" * 32
CLOSED_WORDS = {"CLOSED", "FIXED", "NO_FURTHER_ACTION", "DUPLICATE"}


def accept_elsewhere(case: InspectionCase) -> None:
    accept(case, POLICE)


def decide(case: InspectionCase) -> None:
    case.decide(
        WORKS, NOW, department=DEPARTMENTS[0], plan="a new cover", tasks=[],
        occurred_at=NOW,
    )  # fmt: skip


def merge(case: InspectionCase) -> None:
    case.merge(OPERATOR, NOW, into_case_id=OTHER, reason="the same")


def unmerge(case: InspectionCase) -> None:
    case.unmerge(OPERATOR, NOW, reason="another")


def reopen(case: InspectionCase) -> None:
    case.reopen(OPERATOR, NOW, reason="again")


def comment(case: InspectionCase) -> None:
    case.comment(CITIZEN, NOW, comment_id="1")


async def told(store: EventStore, *steps: Step, **fields: Any) -> dict[str, Any]:
    case = reported(**fields)
    for step in steps:
        step(case)
    await saved(store, case, CITIZEN)
    await project(store, NAME)
    (row,) = await queries.service_requests_by_id(store.pool, [case.id])
    row["update"] = [each for each in await updates(store) if each["case_id"] == case.id]
    return row


async def updates(store: EventStore) -> list[dict[str, Any]]:
    now = await store.pool.fetchval("SELECT clock_timestamp()")
    day = timedelta(days=1)
    return await queries.service_request_updates(store.pool, since=now - day, until=now + day)


@pytest.mark.parametrize(
    ("steps", "status", "note", "word"),
    [
        ((file,), "open", "Filed as a case", "OPEN"),
        ((file, dispatch), "open", "Sent to the departments", "INVESTIGATING"),
        ((file, dispatch, accept_elsewhere), "open", "Sent to the dep", "INVESTIGATING"),
        ((file, dispatch, accept), "open", "A department has taken it on", "IN_PROGRESS"),
        ((file, dispatch, accept, decide), "open", "It is settled what", "ACTION_SCHEDULED"),
        ((file, dispatch, accept, handle), "open", "the centre checks it", "IN_PROGRESS"),
        ((file, dispatch, accept, handle, send_back), "open", "not solved", "IN_PROGRESS"),
        ((file, dispatch, accept, handle, verify), "open", "Checked and solved", "IN_PROGRESS"),
        ((file, dispatch, accept, handle, verify, close), "closed", "Closed.", "FIXED"),
        ((file, dispatch, accept, handle, verify, close, reopen), "open", "is there again",
         "REOPEN"),
        ((file, dispatch, accept, void), "closed", "without action: because", "NO_FURTHER_ACTION"),
        ((file, dispatch, accept, hand_back), "open", "wrong department", "INTERNAL_REFERRAL"),
        ((file, merge), "closed", f"it goes on as {OTHER}", "DUPLICATE"),
        ((file, dispatch, merge, unmerge), "open", "Sent to the departments", "INVESTIGATING"),
        ((file, dispatch_with_deadlines, accept, extend), "open", "longer than", "IN_PROGRESS"),
        ((file, dispatch, accept, defer), "open", "by 2026-03-03 16:00", "ACTION_SCHEDULED"),
        ((file, dispatch, accept, defer, merge), "closed", "goes on as", "DUPLICATE"),
        ((file, dispatch, accept, defer, merge, unmerge), "open", "by 2026-03-03",
         "ACTION_SCHEDULED"),
        ((file, dispatch_with_deadlines, accept, defer, resume), "open", "taken it on",
         "IN_PROGRESS"),
        ((file, dispatch, comment), "open", "Sent to the departments", "INVESTIGATING"),
    ],
)  # fmt: skip
async def test_each_status_has_a_note_and_a_word_that_is_open_or_closed_as_it_is(
    store: EventStore, steps: tuple[Step, ...], status: str, note: str, word: str
) -> None:
    row = await told(store, *steps)
    assert row["status"] == status
    assert note in row["status_notes"]
    last = row["update"][-1]
    assert (last["status"], last["description"]) == (word, row["status_notes"])
    assert (word in CLOSED_WORDS) == (status == "closed")


async def test_the_lead_goes_with_a_hand_back_and_attributes_stay(store: EventStore) -> None:
    row = await told(store, file, dispatch, accept, hand_back, attributes={"danger": ["no"]})
    assert row["lead"] is None
    assert row["attributes"] == {"danger": ["no"]}
    assert (await told(store, file, dispatch))["lead"] == DEPARTMENTS[0]


async def test_updates_are_told_once_in_order_and_without_comments(store: EventStore) -> None:
    row = await told(store, file, comment, dispatch, accept, handle, verify, close)
    assert [each["version"] for each in row["update"]] == [2, 4, 5, 6, 7, 8]
    assert row["updated_at"] == NOW
