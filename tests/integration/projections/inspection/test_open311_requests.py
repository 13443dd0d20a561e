"""Service requests: how each state of a case stands to whoever reported it, and by when it ends."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from citybrain.domain.inspection import comments, joint_decisions, merging
from citybrain.domain.inspection.approval_events import Change
from citybrain.domain.inspection.case import EVENTS, InspectionCase
from citybrain.domain.inspection.case_events import IMPORT_CHANNEL
from citybrain.domain.inspection.deadlines import Stage
from citybrain.domain.inspection.telling import LAID_OVER, SILENT, TOLD
from citybrain.eventstore import EventStore, Metadata
from citybrain.systems import projection_named
from projections.inspection import service_requests
from projections.inspection.service_requests import ServiceRequests
from projections.rebuild import compare
from tests.given.case_changes import HOUR, SYSTEM, approve, ask, deadline
from tests.given.case_lives import (
    all_lives,
    defer,
    dispatch,
    extend,
    file_with_closing,
    hand_back,
    living,
    resume,
    saved,
    see,
    void,
)
from tests.given.cases import (
    DEPARTMENTS,
    NOW,
    OPERATOR,
    WORKS,
    Step,
    accept,
    close,
    file,
    handle,
    send_back,
    verify,
)
from tests.given.read_models import project

MODEL = "service_requests"
EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
AT_WORK = (file_with_closing, dispatch, accept)
SOLVED = (*AT_WORK, handle, verify, close)


def after(hours: float) -> datetime:
    return NOW + hours * HOUR


def extend_closing(case: InspectionCase) -> None:
    at = after(96).isoformat()
    request_id = ask(case, Change.EXTENSION, deadline="closing", amount=48.0)
    approve(case, request_id, moved=[{"code": "closing", "warn_at": at, "due_at": at}])


def make_safe(case: InspectionCase) -> None:
    joint_decisions.reach_milestone(
        case,
        WORKS,
        NOW,
        department=DEPARTMENTS[0],
        milestone="made-safe",
        note="",
        evidence_sha256=[],
    )


def fill(case: InspectionCase) -> None:
    case.close(OPERATOR, NOW, resolution="by us", public_answer="The hole is filled.")


def reopen(case: InspectionCase) -> None:
    begun = [deadline("handling", Stage.HANDLING, 20), deadline("closing", Stage.CLOSING, 72)]
    case.reopen(OPERATOR, NOW, reason="there again", begun=begun)


def merge(case: InspectionCase) -> None:
    merging.merge(case, SYSTEM, NOW, into_case_id="case-of-it", reason="same")


def unmerge(case: InspectionCase) -> None:
    merging.unmerge(case, OPERATOR, NOW, reason="not the same")


def comment(case: InspectionCase) -> None:
    comments.comment(case, SYSTEM, NOW, comment_id="1")


# The steps of a life; whether it is open; what the note says; due after so many hours.
STATES: dict[str, tuple[tuple[Step, ...], str, str, float | None]] = {
    "reported": ((), "open", "Received", 1),
    "filed": ((file_with_closing,), "open", "Filed", 48),
    "filed without a closing": ((file,), "open", "Filed", None),
    "dispatched": ((file_with_closing, dispatch), "open", "departments", 48),
    "dispatched, no closing": ((file, dispatch), "open", "departments", 12),
    "accepted": (AT_WORK, "open", "taken it on", 48),
    "a milestone": ((file, dispatch, accept, make_safe), "open", "taken it on", 12),
    "extended": ((*AT_WORK, extend), "open", "longer", 48),
    "extended, no closing": ((file, dispatch, accept, extend), "open", "longer", 24),
    "closing extended": ((*AT_WORK, extend_closing), "open", "longer", 96),
    "handed back": ((*AT_WORK, hand_back), "open", "another", 48),
    "deferred": ((*AT_WORK, defer), "open", "2026-03-03 16:00", None),
    "resumed": ((file, dispatch, accept, defer, resume), "open", "taken it on", 60),
    "handled": ((*AT_WORK, handle), "open", "checks", 48),
    "returned": ((*AT_WORK, handle, send_back), "open", "again", 48),
    "verified": ((*AT_WORK, handle, verify), "open", "solved", 48),
    "closed": (SOLVED, "closed", "Closed.", None),
    "closed, saying how": ((*SOLVED[:-1], fill), "closed", "The hole is filled.", None),
    "reopened": ((*SOLVED, reopen), "open", "again", 72),
    "seen again": ((see(-9), *SOLVED, see(5, 2)), "open", "again", 12),
    "voided": ((*AT_WORK, void), "closed", "without action.", None),
    "merged": ((*AT_WORK, merge), "closed", "case-of-it", None),
    "deferred and merged": ((*AT_WORK, defer, merge), "closed", "case-of-it", None),
    "unmerged": ((*AT_WORK, merge, unmerge), "open", "taken it on", 48),
    "commented": ((*AT_WORK, comment), "open", "taken it on", 48),
}


def living_by(*steps: Step) -> InspectionCase:
    case = living("reported")
    for step in steps:
        step(case)
    return case


@pytest.mark.parametrize("state", STATES)
async def test_every_state_is_open_or_closed_with_a_note_and_an_end(
    store: EventStore, state: str
) -> None:
    steps, status, says, hours = STATES[state]
    case = living_by(*steps)
    case_id = await saved(store, case)
    await project(store, MODEL)
    (row,) = await service_requests.by_id(store.pool, [case_id])
    assert row["status"] == status
    assert says in row["status_notes"]
    assert row["expected_at"] == (hours and after(hours))
    assert row["lead"] == case.lead
    assert row["requested_at"] == NOW


def test_every_event_is_told_or_left_out_on_purpose() -> None:
    assert set(EVENTS) > SILENT | TOLD.keys() | LAID_OVER
    assert not SILENT & (TOLD.keys() | LAID_OVER)
    assert not LAID_OVER & TOLD.keys()
    assert ServiceRequests().topics == {event.TOPIC for event in EVENTS if event not in SILENT}
    assert {event for event in EVENTS if event.leads_to} <= TOLD.keys() | LAID_OVER


async def rows_of(store: EventStore) -> dict[str, list[str]]:
    found = {}
    for table in ("requests", "updates"):
        rows = await store.pool.fetch(f"SELECT t::text AS row FROM {MODEL}.{table} t")
        found[table] = sorted(row["row"] for row in rows)
    return found


async def everything(store: EventStore) -> int:
    """Cases of every kind, their events between each other."""
    ids = await all_lives(store)
    cases = [living_by(*steps) for steps, *_ in STATES.values()]
    for case in cases:
        await saved(store, case)
    return len(ids) + len(cases)


@pytest.mark.parametrize("batch", [1, 3, 1000])
async def test_batches_of_any_size_and_a_rebuild_are_the_same(
    store: EventStore, batch: int
) -> None:
    cases = await everything(store)
    await project(store, MODEL, batch=batch)
    rows = await rows_of(store)
    assert len(rows["requests"]) == cases
    assert (await compare(store, projection_named(MODEL))).equal
    await store.pool.execute(f"DROP SCHEMA {MODEL} CASCADE")
    await store.pool.execute("DELETE FROM projection_checkpoints")
    await project(store, MODEL, batch=7)
    assert await rows_of(store) == rows


async def updates(store: EventStore, **which: Any) -> list[dict[str, Any]]:
    since, until = EVER
    return await service_requests.updates(store.pool, since=since, until=until, **which)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (SOLVED, ("OPEN", None, "IN_PROGRESS", "IN_PROGRESS", "IN_PROGRESS", "FIXED")),
        ((*AT_WORK, void), (None, None, None, "NO_FURTHER_ACTION")),
        ((*AT_WORK, merge), (None, None, None, "DUPLICATE")),
        ((*AT_WORK, comment), (None, None, None)),
    ],
)
async def test_each_step_that_is_told_is_an_update(
    store: EventStore,
    steps: tuple[Callable[[InspectionCase], None], ...],
    words: tuple[str | None, ...],
) -> None:
    case_id = await saved(store, living_by(*steps))
    await project(store, MODEL)
    found = await updates(store, case_ids=[case_id])
    assert len(found) == len(words)
    for row, word in zip(found, words, strict=True):
        assert word is None or row["status"] == word
        assert row["description"]
    assert [row["version"] for row in found] == sorted({row["version"] for row in found})
    assert await updates(store, case_ids=["case-" + "0" * 32]) == []
    assert await updates(store, limit=1, offset=len(words)) == []


async def test_what_is_told_late_is_new_when_it_becomes_known(store: EventStore) -> None:
    """`NOW` was long ago: the department tells today what it did then."""
    began = datetime.now(UTC) - timedelta(seconds=1)
    case_id = await saved(store, living_by(*AT_WORK))
    await project(store, MODEL)
    (before,) = await service_requests.by_id(store.pool, [case_id])
    assert began < before["updated_at"]
    case = await store.load(InspectionCase, case_id)
    handle(case)
    await saved(store, case)
    await project(store, MODEL)
    (row,) = await service_requests.by_id(store.pool, [case_id])
    assert row["updated_at"] > before["updated_at"]
    new = (row["updated_at"], EVER[1])
    found = await service_requests.page(store.pool, requested=EVER, updated=new)
    assert [each["case_id"] for each in found] == [case_id]
    told = await updates(store)
    assert told[-1]["updated_at"] == row["updated_at"]
    assert [each["updated_at"] for each in told] == sorted(each["updated_at"] for each in told)


async def test_an_import_keeps_the_time_of_the_world_and_its_updates_are_apart(
    store: EventStore,
) -> None:
    imported = living_by(*SOLVED)
    metadata = Metadata("system:import", "system", IMPORT_CHANNEL, uuid4(), uuid4())
    began = datetime.now(UTC) - timedelta(seconds=1)
    await store.save(imported, metadata=metadata)
    case_id = await saved(store, living_by(*AT_WORK))
    await project(store, MODEL)
    rows = await service_requests.by_id(store.pool, [imported.id])
    assert [row["updated_at"] for row in rows] == [imported.last_occurred_at]
    assert {each["case_id"] for each in await updates(store)} == {case_id}
    assert {each["case_id"] for each in await updates(store, imports=True)} == {
        case_id,
        imported.id,
    }
    ended = (await updates(store, case_ids=[imported.id]))[-1]
    assert ended["updated_at"] == imported.last_occurred_at
    found = await service_requests.page(store.pool, requested=EVER, updated=(began, EVER[1]))
    assert {each["case_id"] for each in found} == {case_id, imported.id}
