"""Cases go on when their class or department is retired, or nobody defines it any more."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from citybrain.definitions.calendars import BusinessCalendar, CalendarDefinition
from citybrain.definitions.inspection.cases import (
    ClassRetired,
    DepartmentRetired,
    UnknownClass,
    UnknownDepartment,
    cases_at,
)
from citybrain.domain.actor import Actor, Role
from citybrain.domain.inspection.approval_events import Change
from citybrain.domain.inspection.case import InspectionCase
from citybrain.eventstore import EventStore
from commands.inspection.approvals import (
    RequestChange,
    SettleChange,
    approve_change,
    request_change,
)
from commands.inspection.case import (
    AcceptCase,
    CloseCase,
    DispatchCase,
    FileCase,
    HandleCase,
    ReopenCase,
    ReturnCase,
    VerifyCase,
    accept_case,
    close_case,
    dispatch_case,
    file_case,
    handle_case,
    reopen_case,
    report_case,
    return_case,
    verify_case,
)
from commands.kept_definitions import keep_definitions
from commands.services import Services
from tests.given.city import GOOD, city
from tests.given.services import (
    CAMERA,
    DIGEST,
    OPERATOR,
    SANITATION,
    context,
    definitions_of,
    report,
    services_over,
)

PARKS = Actor("official-1", frozenset({Role.OFFICIAL}), "parks")
GREENERY = Actor("official-2", frozenset({Role.OFFICIAL}), "greenery")
SUPERVISOR = Actor("supervisor-1", frozenset({Role.SUPERVISOR}))
RETIRED = """\
valid_from: 2022-01-01
departments:
  - {code: greenery, name: 園林中心, name_en: Greenery}
classes:
  - code: tree_down
    name: 倒樹
    name_en: Tree down
    source: a test
    route: {departments: [greenery], lead: greenery}
retired_classes: [{code: fallen_tree, replaced_by: tree_down}]
retired_departments: [{code: parks, replaced_by: greenery}]
"""
EVIDENCE = HandleCase(department="parks", evidence_sha256=[DIGEST])
AFTERWARDS: tuple[tuple[Actor, Any, Any], ...] = (
    (OPERATOR, return_case, ReturnCase(reason="still there")),
    (PARKS, handle_case, EVIDENCE),
    (OPERATOR, verify_case, VerifyCase()),
    (OPERATOR, close_case, CloseCase()),
    (OPERATOR, reopen_case, ReopenCase(reason="again")),
    (PARKS, handle_case, EVIDENCE),
)


def retired(folder: Path, services: Services) -> Services:
    """A later file retires the class and its department."""
    city(folder, GOOD)
    city(folder, RETIRED, "later.yaml")
    return replace(services, definitions=definitions_of(folder))


def taken_away(folder: Path, services: Services) -> Services:
    """The file is not there any more."""
    (folder / "case" / "city.yaml").unlink()
    return replace(services, definitions=definitions_of(folder))


async def at_work(folder: Path, store: EventStore) -> tuple[str, Services]:
    """A case of the class, with its department."""
    given = services_over(store)
    services = replace(given, definitions=definitions_of(city(folder, GOOD)))
    case_id = (await report_case(report("fallen_tree"), context(CAMERA), services)).stream_id
    await file_case(case_id, FileCase(), context(OPERATOR), services)
    await dispatch_case(case_id, DispatchCase(), context(OPERATOR), services)
    return case_id, services


@pytest.mark.parametrize("afterwards", [retired, taken_away])
async def test_a_case_goes_all_the_way_and_back(
    store: EventStore, tmp_path: Path, afterwards: Callable[[Path, Services], Services]
) -> None:
    case_id, services = await at_work(tmp_path, store)
    services = afterwards(tmp_path, services)
    await accept_case(case_id, AcceptCase(department="parks"), context(PARKS), services)
    await handle_case(case_id, EVIDENCE, context(PARKS), services)
    for actor, step, command in AFTERWARDS:
        await step(case_id, command, context(actor), services)
    case = await store.load(InspectionCase, case_id)
    assert (case.status, case.times_returned, case.times_reopened) == ("handled", 1, 1)


async def test_what_a_retired_department_has_is_handed_back_and_goes_to_its_successor(
    store: EventStore, tmp_path: Path
) -> None:
    case_id, services = await at_work(tmp_path, store)
    services = retired(tmp_path, services)
    ask = RequestChange(change=Change.HAND_BACK, reason="the department is gone")
    asked = await request_change(case_id, ask, context(OPERATOR), services)
    settle = SettleChange(request_id=asked.answer["request_id"])
    await approve_change(case_id, settle, context(SUPERVISOR), services)
    named = DispatchCase(departments=["parks"])
    with pytest.raises(DepartmentRetired) as refused:
        await dispatch_case(case_id, named, context(OPERATOR), services)
    assert refused.value.details["replaced_by"] == "greenery"
    await dispatch_case(case_id, DispatchCase(), context(OPERATOR), services)
    done = await accept_case(
        case_id, AcceptCase(department="greenery"), context(GREENERY), services
    )
    assert done.answer["status"] == "accepted"


async def test_a_retired_class_takes_nothing_new_and_one_that_is_gone_is_dispatched_by_name(
    store: EventStore, tmp_path: Path
) -> None:
    before = replace(services_over(store), definitions=definitions_of(city(tmp_path, GOOD)))
    filed = (await report_case(report("fallen_tree"), context(CAMERA), before)).stream_id
    await file_case(filed, FileCase(), context(OPERATOR), before)
    services = retired(tmp_path, before)
    with pytest.raises(ClassRetired) as refused:
        await report_case(report("fallen_tree"), context(CAMERA), services)
    assert refused.value.details["replaced_by"] == "tree_down"
    (tmp_path / "case" / "later.yaml").unlink()
    services = taken_away(tmp_path, before)
    with pytest.raises(UnknownClass):
        await dispatch_case(filed, DispatchCase(), context(OPERATOR), services)
    named = DispatchCase(departments=["landscape"])
    await dispatch_case(filed, named, context(OPERATOR), services)
    assert (await store.load(InspectionCase, filed)).deadlines


async def test_what_a_class_said_is_kept_for_its_cases_when_its_file_is_gone(
    store: EventStore, tmp_path: Path
) -> None:
    said = GOOD.replace("    route: {", "    private: true\n    field_check: true\n    route: {")
    given = services_over(store)
    before = await kept(replace(given, definitions=definitions_of(city(tmp_path, said))))
    case_id = (await report_case(report("fallen_tree"), context(CAMERA), before)).stream_id
    await file_case(case_id, FileCase(), context(OPERATOR), before)
    services = await kept(taken_away(tmp_path, before))
    now = cases_at(services.definitions, services.clock())
    assert "fallen_tree" not in now.classes
    assert (now.is_private("fallen_tree"), now.needs_field_check("fallen_tree")) == (True, True)
    department = now.department_of_case("parks")
    assert department is not None
    assert now.class_of_case("fallen_tree") == cases_at(
        before.definitions, before.clock()
    ).require_class("fallen_tree")
    with pytest.raises(UnknownDepartment):  # it went to one that is gone, too
        await dispatch_case(case_id, DispatchCase(), context(OPERATOR), services)
    with pytest.raises(UnknownClass):
        await report_case(report("fallen_tree"), context(CAMERA), services)


async def test_what_runs_already_is_due_as_it_was_when_holidays_are_declared(
    store: EventStore,
) -> None:
    services = services_over(store)
    case_id = (await report_case(report(), context(CAMERA), services)).stream_id
    await file_case(case_id, FileCase(), context(OPERATOR), services)
    await dispatch_case(case_id, DispatchCase(), context(OPERATOR), services)
    before = (await store.load(InspectionCase, case_id)).deadlines
    today = services.clock()
    days = f"{today:%m-%d}..12-31"
    said = {"year": today.year, "source": "a notice", "holidays": [days], "workdays": []}
    notice = {"hours": ["09:00-17:00"], "hours_source": "a test", "years": [said]}
    calendar = BusinessCalendar(CalendarDefinition.model_validate(notice))
    services = replace(services, definitions=services.definitions.extended(calendar))
    accept = AcceptCase(department="sanitation")
    await accept_case(case_id, accept, context(SANITATION), services)
    after = (await store.load(InspectionCase, case_id)).deadlines
    assert after
    assert {each["due_at"] for each in after} <= {each["due_at"] for each in before}


async def kept(services: Services) -> Services:
    """A process starts with these definitions."""
    found = await keep_definitions(services.definitions, services.store.pool)
    return replace(services, definitions=found)
