"""Cases of every kind, saved, and their read models."""

from typing import Any
from uuid import uuid4

from citybrain.domain.actor import Actor
from citybrain.domain.inspection import (
    alarms,
    approvals,
    daily,
    joint_decisions,
    merging,
    publication,
    reporters,
)
from citybrain.domain.inspection.approval_events import Change
from citybrain.domain.inspection.case import InspectionCase, Reported
from citybrain.domain.inspection.case_events import CaseSource
from citybrain.domain.inspection.daily_events import Priority
from citybrain.domain.inspection.deadlines import Stage
from citybrain.domain.inspection.publication_events import Visibility
from citybrain.eventstore import EventStore, Metadata
from tests.given.case_changes import (
    HANDLING,
    HOUR,
    SUPERVISOR,
    SYSTEM,
    approve,
    ask,
    deadline,
    detect,
)
from tests.given.cases import (
    CAMERA,
    CITIZEN,
    DEPARTMENTS,
    DIGEST,
    NOW,
    OPERATOR,
    POLICE,
    WORKS,
    Step,
    accept,
    close,
    file,
    handle,
    send_back,
    verify,
)

MODELS = (
    "case_desk",
    "case_evidence",
    "case_timeline",
    "evaluation_days",
    "heat_grid",
    "case_days",
)
PLACE: Any = {
    "district": "410105",
    "street": "410105001",
    "community": "410105001002",
    "cell": "410105001002003",
    "version": "1",
}


def reported(class_code: str = "displaced_manhole_cover", **fields: Any) -> InspectionCase:
    found = Reported(
        **{
            "source": CaseSource.CAMERA,
            "class_code": class_code,
            "description": "",
            "latitude": 34.75,
            "longitude": 113.62,
            "address": None,
            "confidence": 91,
            "evidence_sha256": [DIGEST],
            "simulated": True,
            "external_ref": None,
            "occurred_at": NOW,
            "place": PLACE,
            "begun": [deadline("filing", Stage.FILING, 1)],
            **fields,
        }
    )
    return InspectionCase.report(CAMERA, NOW, found)


def dispatch(case: InspectionCase) -> None:
    case.dispatch(
        OPERATOR,
        NOW,
        departments=DEPARTMENTS,
        lead=DEPARTMENTS[0],
        definitions_version="1",
        begun=HANDLING,
    )


def file_with_closing(case: InspectionCase) -> None:
    case.file(
        OPERATOR, NOW, definitions_version="1", begun=[deadline("closing", Stage.CLOSING, 48)]
    )


def late(case: InspectionCase) -> None:
    case.handle(
        WORKS, NOW + 13 * HOUR, department=DEPARTMENTS[0], note="", evidence_sha256=[DIGEST]
    )


def ring(case: InspectionCase) -> None:
    alarms.raise_alarms(case, SYSTEM, NOW + 13 * HOUR)


def defer(case: InspectionCase) -> None:
    approve(case, ask(case, Change.DEFERRAL, until=NOW + 48 * HOUR))


def resume(case: InspectionCase) -> None:
    at = (NOW + 60 * HOUR).isoformat()
    approvals.resume(case, SYSTEM, NOW, moved=[{"code": "handling", "warn_at": at, "due_at": at}])


def extend(case: InspectionCase) -> None:
    at = (NOW + 24 * HOUR).isoformat()
    request_id = ask(case, Change.EXTENSION, deadline="handling", amount=12.0)
    approve(case, request_id, moved=[{"code": "handling", "warn_at": at, "due_at": at}])


def hand_back(case: InspectionCase) -> None:
    approve(case, ask(case, Change.HAND_BACK), begun=[deadline("dispatch", Stage.DISPATCH, 1)])


def void(case: InspectionCase) -> None:
    approve(case, ask(case, Change.VOID))


def ask_only(case: InspectionCase) -> None:
    ask(case, Change.EXTENSION, deadline="handling", amount=1.0)


def decline(case: InspectionCase) -> None:
    joint_decisions.decline(case, POLICE, NOW, department=DEPARTMENTS[1], reason="not ours")


def deny(case: InspectionCase) -> None:
    approvals.deny(case, SUPERVISOR, NOW, request_id=ask(case, Change.VOID), note="it is one")


def put_right(case: InspectionCase) -> None:
    begun = [deadline("handling", Stage.HANDLING, 20)]
    daily.reclassify(
        case,
        OPERATOR,
        NOW,
        class_code="road_damage",
        reason="no cover",
        definitions_version="1",
        begun=begun,
    )
    daily.relocate(
        case,
        OPERATOR,
        NOW,
        latitude=34.8,
        longitude=113.7,
        address="經三路 8",
        place=None,
        reason="a slip",
    )


def give(case: InspectionCase) -> None:
    daily.prioritise(case, OPERATOR, NOW, priority=Priority.URGENT, reason="a school")
    daily.assign(case, WORKS, NOW, department=DEPARTMENTS[0], assignee="worker-1")
    daily.name_asset(case, OPERATOR, NOW, asset_code="lamp-1", owner=DEPARTMENTS[0])


def hide(case: InspectionCase) -> None:
    hidden = Visibility.HIDDEN
    publication.moderate(
        case, OPERATOR, NOW, visibility=hidden, reason="so", description_sealed="x"
    )


def erase(case: InspectionCase) -> None:
    hide(case)
    publication.erase(case, SUPERVISOR, NOW, reason="asked for")


def rate(case: InspectionCase) -> None:
    reporters.rate(case, CITIZEN, NOW, stars=2)


def see(minutes: float, number: int = 1) -> Step:
    return lambda case: detect(case, number, minutes)


LIVES: dict[str, tuple[Step, ...]] = {
    "reported": (),
    "dispatched": (file_with_closing, dispatch),
    "accepted": (file_with_closing, dispatch, accept, decline),
    "overdue": (file_with_closing, dispatch, accept, ring),
    "late": (file_with_closing, dispatch, accept, ring, late),
    "returned": (file, dispatch, accept, handle, send_back),
    "seen again": (see(-9), file, dispatch, accept, handle, see(5, 2)),
    "closed": (file_with_closing, dispatch, accept, handle, verify, close),
    "reopened": (see(-9), file, dispatch, accept, handle, verify, close, see(5, 2)),
    "voided": (file, dispatch, accept, void),
    "handed back": (file, dispatch, accept, hand_back),
    "waiting": (file, dispatch, accept, deny, ask_only),
    "extended": (file, dispatch, accept, extend),
    "deferred": (file, dispatch, accept, defer),
    "resumed": (file, dispatch, accept, defer, resume),
    "put right": (file_with_closing, dispatch, accept, put_right),
    "given": (file_with_closing, dispatch, give),
    "given, handed back": (file, dispatch, accept, give, hand_back),
    "hidden": (file, hide),
    "erased": (file, erase),
    "rated": (file, dispatch, accept, handle, verify, close, rate),
}


def living(life: str, **fields: Any) -> InspectionCase:
    case = reported(**fields)
    for step in LIVES[life]:
        step(case)
    return case


async def saved(store: EventStore, case: InspectionCase, actor: Actor = CAMERA) -> str:
    metadata = Metadata(actor.subject, "gateway", "http", uuid4(), uuid4(), None)
    await store.save(case, metadata=metadata)
    return case.id


async def all_lives(store: EventStore) -> dict[str, str]:
    ids = {}
    for life in LIVES:
        ids[life] = await saved(store, living(life))
    one, other = living("dispatched"), living("accepted")
    detect(one, 7)
    merging.absorb(other, OPERATOR, NOW, other=one, reason="same")
    merging.merge(one, SYSTEM, NOW, into_case_id=other.id, reason="same")
    again, third = living("dispatched"), living("accepted")
    merging.absorb(third, OPERATOR, NOW, other=again, reason="same")
    merging.merge(again, SYSTEM, NOW, into_case_id=third.id, reason="same")
    merging.unmerge(again, OPERATOR, NOW, reason="not")
    merging.release(third, SYSTEM, NOW, case_id=again.id, reason="not")
    for name, case in (("merged", one), ("target", other), ("back", again), ("left", third)):
        ids[name] = await saved(store, case)
    return ids
