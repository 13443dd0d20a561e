"""Detections of cameras, recorded, and the cases that they become."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.statuses import CaseStatus
from citybrain.eventstore import EventStore
from commands.inspection.detection import RecordDetection, Recorded, record_detections
from commands.services import Services
from tests.given.processes import OURS
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


async def settled(store: EventStore) -> None:
    """Wait until the processes have nothing more to do."""
    async with asyncio.timeout(60):
        head = -1
        while True:
            rows = await store.pool.fetch("SELECT position FROM process_checkpoints")
            topics = [topic for each in OURS for topic in each.manager.topics]
            last = await store.pool.fetchval(
                "SELECT max(notification_id) FROM stored_events WHERE topic = ANY($1)", topics
            )
            pending = await store.pool.fetchval(
                "SELECT count(*) FROM detection_plans WHERE NOT applied AND NOT parked"
            )
            done = max((row["position"] for row in rows), default=0) >= (last or 0)
            if done and not pending and head == await store.head():
                return
            head = await store.head()
            await asyncio.sleep(0.25)


def groups(found: dict[str, InspectionCase]) -> set[frozenset[str]]:
    return {
        frozenset(case.detections) for case in found.values() if case.status != CaseStatus.MERGED
    }
