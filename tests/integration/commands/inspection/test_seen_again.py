"""What cameras see after the handling, and what they do not see any more."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.inspection.case import InspectionCase
from citybrain.eventstore import EventStore
from commands.inspection.case import (
    AcceptCase,
    CloseCase,
    HandleCase,
    VerifyCase,
    accept_case,
    close_case,
    handle_case,
    verify_case,
)
from commands.inspection.detection import ReportCamera, report_camera
from commands.services import Services
from tests.given.cases import POLICE, WORKS
from tests.given.detections import EAST, NORTH, cases, detection, record
from tests.given.processes import settled, working
from tests.given.services import DIGEST, OPERATOR, context, services_over
from tests.given.waiting import eventually


async def closed(services: Services, case_id: str) -> None:
    handled = HandleCase(department="municipal-works", evidence_sha256=[DIGEST])
    life: tuple[tuple[Actor, Any, Any], ...] = (
        (WORKS, accept_case, AcceptCase(department="municipal-works")),
        (POLICE, accept_case, AcceptCase(department="traffic-police")),
        (WORKS, handle_case, handled),
        (OPERATOR, verify_case, VerifyCase()),
        (OPERATOR, close_case, CloseCase()),
    )
    for actor, handler, command in life:
        await handler(case_id, command, context(actor), services)


async def test_seen_again_after_closing_is_rework_and_long_after_a_new_case(
    store: EventStore,
) -> None:
    services = services_over(store)
    now = datetime.now(UTC)
    async with working(services):
        await record(services, detection("a", occurred_at=now - timedelta(hours=1)))
        await settled(store)
        (case_id,) = await cases(store)
        await closed(services, case_id)
        await settled(store)
        services.clock = lambda: now + timedelta(days=6)
        await record(services, detection("b", occurred_at=now + timedelta(days=6)))
        await settled(store)
        case = (await cases(store))[case_id]
        assert (case.status, case.times_reopened, len(case.detections)) == ("reopened", 1, 2)
        assert {each["code"] for each in case.deadlines} >= {"handling", "closing"}
        services.clock = lambda: now + timedelta(days=40)
        await record(services, detection("c", occurred_at=now + timedelta(days=40)))
        await settled(store)
    assert len(await cases(store)) == 2


@pytest.mark.parametrize(
    ("camera", "status"),
    [("watching", "closed"), ("was off", "handled"), ("silent", "handled"), ("unknown", "handled")],
)
async def test_cameras_verify_only_what_they_have_watched(
    store: EventStore, camera: str, status: str
) -> None:
    services = services_over(store)
    now = datetime.now(UTC)
    operator = context(OPERATOR)
    if camera != "unknown":
        await report_camera("c-1", known(online=True), operator, services)
    async with working(services):
        rubbish = detection("a", class_code="piled_rubbish", occurred_at=now)
        await record(services, rubbish)
        await settled(store)
        (case_id,) = await cases(store)
        case = (await cases(store))[case_id]
        lead = case.lead or ""
        official = Actor("official-9", frozenset({Role.OFFICIAL}), lead)
        await accept_case(case_id, AcceptCase(department=lead), context(official), services)
        await handle_case(
            case_id,
            HandleCase(department=lead, evidence_sha256=[DIGEST]),
            context(official),
            services,
        )
        if camera == "was off":
            await report_camera("c-1", known(online=False), operator, services)
            await report_camera("c-1", known(online=True), operator, services)
        services.clock = lambda: now + timedelta(minutes=45)
        if camera not in ("unknown", "silent"):
            await report_camera("c-1", known(online=True), operator, services)

        async def looked() -> InspectionCase | None:
            found = await store.load(InspectionCase, case_id)
            return found if found.recheck_at is None else None

        case = await eventually(looked)
    assert case.status == status


def known(*, online: bool) -> ReportCamera:
    return ReportCamera(online=online, latitude=NORTH, longitude=EAST, simulated=True)
