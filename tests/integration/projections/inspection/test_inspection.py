"""The read models of inspection cases: the desk, deadlines, timeline, heat, evaluation."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from citybrain.domain.inspection.case import InspectionCase
from citybrain.eventstore import EventStore
from citybrain.geo.distance import metres_between
from citybrain.http.inspection.evaluation import rates
from projections.inspection import case_desk_questions as desk
from projections.inspection import case_timeline, evaluation_days, heat_grid
from projections.inspection.case_desk_questions import Wanted
from tests.given.case_changes import HOUR
from tests.given.case_lives import MODELS, all_lives, living, saved
from tests.given.cases import NOW
from tests.given.feeding import SHOWN, same_in_any_order
from tests.given.read_models import project, same_in_any_batch

DAY = NOW.date()


async def test_one_at_a_time_and_all_at_once_and_a_rebuild_are_the_same(store: EventStore) -> None:
    await all_lives(store)
    assert await same_in_any_batch(store, *MODELS) > 100
    await project(store, "service_requests", "streams", "correlations")
    await same_in_any_order(store, *SHOWN["cases"])


async def test_the_desk_says_what_the_stream_says(store: EventStore) -> None:
    ids = await all_lives(store)
    await project(store, "case_desk")
    rows = {
        row["case_id"]: row for row in await desk.cases(store.pool, Wanted(is_open=None), limit=99)
    }
    for life, case_id in ids.items():
        row, case = rows[case_id], await store.load(InspectionCase, case_id)
        same = (
            "status",
            "lead",
            "departments",
            "times_returned",
            "times_reopened",
            "merged_into",
            "source",
            "class_code",
            "version",
        )
        for name in same:
            assert row[name] == getattr(case, name), (life, name)
        assert row["detections"] == len(case.detections), life
        assert row["requests"] == sorted(request["change"] for request in case.requests), life
        assert row["overdue"] == any(each["missed"] for each in case.deadlines), life
        due = [datetime.fromisoformat(each["due_at"]) for each in case.deadlines]
        assert row["due_at"] == min(due, default=None), life
        assert (row["deferred_until"] is None) == (case.deferred_until is None), life


async def test_the_desk_is_filtered(store: EventStore) -> None:
    ids = await all_lives(store)
    await project(store, "case_desk")

    async def found(**which: Any) -> set[str]:
        rows = await desk.cases(store.pool, Wanted(**which), limit=99)
        return {life for life, case_id in ids.items() if case_id in {r["case_id"] for r in rows}}

    everything = set(ids)
    over = {"closed", "rated", "voided", "merged"}
    assert await found() == everything - over
    assert await found(is_open=False) == over
    assert await found(is_open=None, status="merged") == {"merged"}
    assert await found(overdue=True) == {"overdue"}
    assert await found(waiting=True) == {"waiting"}
    assert await found(is_open=None, area="410105001002") == everything - {"put right"}
    assert await found(class_code="road_damage") == await found(said="經三路") == {"put right"}
    assert await found(priority="urgent") == {"given", "given, handed back"}
    assert await found(asset_code="lamp-1") == {"given", "given, handed back"}
    assert await found(assignee="worker-1") == {"given"}
    assert await found(visibility="hidden") == {"hidden", "erased"}
    assert await found(is_open=None, area="410103") == set()
    assert await found(department="traffic-police") < await found(department="municipal-works")
    assert await found(since=NOW + HOUR) == await found(until=NOW) == set()
    assert await found(source="citizen") == await found(class_code="piled_rubbish") == set()


async def test_deadlines_are_those_of_the_streams_and_stand_still_while_deferred(
    store: EventStore,
) -> None:
    ids = await all_lives(store)
    await project(store, "case_desk")
    rows = await desk.deadlines(store.pool, limit=500)
    for life, case_id in ids.items():
        case = await store.load(InspectionCase, case_id)
        runs = case.deferred_until is None and case.status not in ("merged", "voided", "closed")
        expected = {(d["code"], d["warned"], d["missed"]) for d in case.deadlines if runs}
        mine = {(r["code"], r["warned"], r["missed"]) for r in rows if r["case_id"] == case_id}
        assert mine == expected, life
    assert [row["due_at"] for row in rows] == sorted(row["due_at"] for row in rows)
    assert {row["responsible"] for row in rows} == {"centre", "municipal-works"}
    paged, after = [], None
    while page := await desk.deadlines(store.pool, after=after, limit=3):
        paged += page
        after = page[-1]["due_at"], page[-1]["case_id"], page[-1]["code"]
    assert paged == rows
    soon = await desk.deadlines(store.pool, due_before=NOW + 2 * HOUR, limit=500)
    assert 0 < len(soon) < len(rows)
    counts = {row["responsible"]: row for row in await desk.deadline_counts(store.pool, NOW)}
    assert sum(row["running"] for row in counts.values()) == len(rows)
    assert counts["centre"]["overdue"] == 0
    later = await desk.deadline_counts(store.pool, NOW + timedelta(days=99))
    assert sum(row["overdue"] for row in later) == len(rows)


async def test_near_cases_come_by_distance(store: EventStore) -> None:
    ids = []
    for number in range(40):
        offset = {"latitude": 34.75 + number * 0.0004, "longitude": 113.62 + number * 0.0003}
        ids.append(await saved(store, living("dispatched" if number % 4 else "closed", **offset)))
    await project(store, "case_desk")
    rows = await desk.near(store.pool, 34.754, 113.623, radius_m=900, limit=99)
    distances = [row["distance_m"] for row in rows]
    assert distances == sorted(distances)
    expected = {
        ids[number]
        for number in range(40)
        if number % 4
        and metres_between(34.754, 113.623, 34.75 + number * 0.0004, 113.62 + number * 0.0003)
        <= 900
    }
    assert {row["case_id"] for row in rows} == expected
    first = await desk.near(store.pool, 34.754, 113.623, radius_m=900, limit=5)
    assert first == rows[:5]


async def test_the_timeline_holds_every_event_and_of_merged_cases_too(store: EventStore) -> None:
    ids = await all_lives(store)
    await project(store, "case_timeline")
    for case_id in ids.values():
        entries = await case_timeline.history(store.pool, [case_id])
        assert len(entries) == len(await store.read(case_id))
    both = await case_timeline.history(store.pool, [ids["target"], ids["merged"]])
    assert {entry["case_id"] for entry in both} == {ids["target"], ids["merged"]}
    (merged,) = [entry for entry in both if entry["topic"] == "case.merged"]
    assert merged["details"]["into_case_id"] == ids["target"]


async def counted(store: EventStore, *lives: str, by: str = "class") -> dict[str, int]:
    for life in lives:
        await saved(store, living(life))
    await project(store, "evaluation_days")
    until = DAY + timedelta(days=9)
    (counts,) = (await evaluation_days.counts(store.pool, by=by, since=DAY, until=until)).values()
    return counts


async def test_rates_are_made_of_what_happened(store: EventStore) -> None:
    counts = await counted(store, "closed", "late", "returned", "handed back", "overdue")
    assert (counts["reported"], counts["filed"], counts["dispatched"]) == (5, 5, 5)
    assert (counts["handled"], counts["handled_in_time"], counts["handled_late"]) == (3, 2, 1)
    assert (counts["closed"], counts["closed_in_time"]) == (1, 1)
    assert (counts["handed_back"], counts["returned"], counts["overdue"]) == (1, 1, 4)
    found = rates(counts)
    assert (found.filed, found.correctly_dispatched) == (1.0, 0.8)
    assert (found.handled_in_time, found.closed_in_time) == (2 / 3, 1.0)
    assert found.rework == 1 / 3
    assert found.mean_seconds_to_handled == pytest.approx(13 * 3600 / 3, abs=1)


async def test_a_reopening_counts_as_rework_on_its_day(store: EventStore) -> None:
    counts = await counted(store, "reopened")
    assert (counts["closed"], counts["reopened"]) == (1, 1)
    assert rates(counts).rework == 1.0
    nothing = rates({})
    assert set(nothing.model_dump().values()) == {None}


async def test_evaluation_is_by_area_department_class_and_day(store: EventStore) -> None:
    for life in ("closed", "reported"):
        await saved(store, living(life))
    await saved(store, living("closed", class_code="piled_rubbish", place=None))
    await project(store, "evaluation_days")
    found = {
        by: await evaluation_days.counts(store.pool, by=by, since=DAY, until=DAY)
        for by in ("area", "department", "class", "day")
    }
    assert set(found["area"]) == {"", "410105"}
    assert found["department"]["municipal-works"]["closed"] == 2
    assert found["department"][""]["reported"] == 3
    assert found["class"]["piled_rubbish"]["closed"] == 1
    assert set(found["day"]) == {date.isoformat(DAY)}
    only = await evaluation_days.counts(
        store.pool,
        by="class",
        since=DAY,
        until=DAY,
        department="municipal-works",
        class_code="piled_rubbish",
    )
    assert only == {"piled_rubbish": {**only["piled_rubbish"], "closed": 1}}


async def test_heat_counts_reports_by_square(store: EventStore) -> None:
    for longitude in (113.620, 113.621, 113.629):
        await saved(store, living("reported", longitude=longitude))
    await project(store, "heat_grid")

    async def heat(**which: Any) -> list[int]:
        span: dict[str, Any] = {
            "since": DAY,
            "until": DAY,
            "class_code": None,
            "limit": 10,
            "squares": (-99_999, 99_999, -99_999, 99_999),
        }
        return [row["reported"] for row in await heat_grid.squares(store.pool, **span | which)]

    assert await heat() == [2, 1]
    assert await heat(squares=(0, 99_999, 22_725, 99_999)) == [1]
    assert await heat(class_code="piled_rubbish") == await heat(until=DAY - timedelta(9)) == []


INDEXED = """
SELECT DISTINCT attname FROM pg_depend d
JOIN pg_index i ON i.indexrelid = d.objid AND i.indrelid = 'case_desk.cases'::regclass
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid
"""


async def test_no_index_of_the_desk_has_what_each_event_changes(store: EventStore) -> None:
    """Else PostgreSQL enters a row anew into all indexes whenever anything of it changes."""
    await project(store, "case_desk")
    indexed = {row[0] for row in await store.pool.fetch(INDEXED)}
    assert {"reporter", "open", "departments"} <= indexed
    assert indexed.isdisjoint({"updated_at", "due_at", "state", "version", "position", "status"})
