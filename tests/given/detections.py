"""Detections of cameras, recorded, and the cases that they become."""

from datetime import UTC, datetime, timedelta
from typing import Any

from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.statuses import CaseStatus
from citybrain.eventstore import EventStore
from commands.inspection.detection import RecordDetection, Recorded, record_detections
from commands.services import Services
from tests.given.services import CAMERA, DIGEST, context

NORTH, EAST = 34.7466, 113.6254
METRE_NORTH = 1 / 111_195


def detection(ref: str, metres: float = 0, hours: float = 0, **fields: Any) -> RecordDetection:
    at = datetime(2026, 3, 2, 8, tzinfo=UTC) + timedelta(hours=hours)
    return RecordDetection(
        **{
            "camera_id": "c-1",
            "ref": ref,
            "class_code": "displaced_manhole_cover",
            "confidence": 90,
            "latitude": NORTH + metres * METRE_NORTH,
            "longitude": EAST,
            "occurred_at": at,
            "evidence_sha256": [DIGEST],
            "simulated": True,
            **fields,
        }
    )


async def record(services: Services, *seen: RecordDetection) -> list[str]:
    found = await record_detections(list(seen), context(CAMERA), services)
    ids = []
    for each in found:
        assert isinstance(each, Recorded), each
        ids.append(each.detection_id)
    return ids


async def cases(store: EventStore) -> dict[str, InspectionCase]:
    rows = await store.pool.fetch(
        "SELECT originator_id FROM stored_events WHERE topic = 'case.reported'"
    )
    return {row[0]: await store.load(InspectionCase, row[0]) for row in rows}


def groups(found: dict[str, InspectionCase]) -> set[frozenset[str]]:
    return {
        frozenset(case.detections) for case in found.values() if case.status != CaseStatus.MERGED
    }
