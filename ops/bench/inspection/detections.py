"""Detections for the benchmarks of inspection, and the events that they leave, as stored bytes."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from citybrain.domain.actor import system_actor
from citybrain.domain.inspection import merging
from citybrain.domain.inspection.case import InspectionCase, Reported
from citybrain.domain.inspection.case_events import CaseSource
from citybrain.domain.inspection.detection import Detection
from citybrain.eventstore import NewEvent
from citybrain.eventstore.codec import mapper
from commands.inspection.detection import RecordDetection
from commands.inspection.merging import as_evidence

SOUTH, WEST = 34.60, 113.45
CLASSES = (
    "displaced_manhole_cover",
    "overflowing_bin",
    "street_business",
    "piled_rubbish",
    "public_toilet",
    "road_damage",
    "standing_water",
    "illegal_advertising",
    "bicycle_disorder",
    "construction_waste",
    "damaged_greenery",
)
EAST = 113.90  # from where on the detections are: beside other cases, not among them
ROWS, COLUMNS = 560, 580  # of places so far apart that their detections are not of one problem
STEP_DEGREES = 0.0006


def fields(number: int, *, again: int = 0) -> dict[str, Any]:
    """What detection `number` says; seen `again` it lies a little beside the first time."""
    row, column = divmod(number, COLUMNS)
    return {
        "camera_id": f"c-{number % 10_000:05}",
        "ref": f"{number}-{again}",
        "class_code": CLASSES[number % len(CLASSES)],
        "confidence": 75 + number % 25,
        "latitude": round(SOUTH + row % ROWS * STEP_DEGREES + again % 7 * 1e-5, 6),
        "longitude": round(EAST + column * STEP_DEGREES, 6),
        "evidence_sha256": [f"{number:064x}"],
        "simulated": True,
    }


def detection(number: int, *, again: int = 0) -> RecordDetection:
    """The command of a detection, now."""
    return RecordDetection(occurred_at=datetime.now(UTC), **fields(number, again=again))


@cache
def stored_events() -> dict[str, NewEvent]:
    """One of each event that a detection leaves, by topic."""
    actor, now = system_actor("bench"), datetime.now(UTC)
    said = fields(0)
    del said["ref"]
    seen = Detection.record(
        actor,
        now,
        detection_id=Detection.new_id(0, bytes(10)),
        occurred_at=now,
        sure=True,
        definitions_version="2020-01-01+00000000",
        **said,
    )
    reported = Reported(
        source=CaseSource.CAMERA,
        class_code=seen.class_code,
        description="",
        latitude=seen.latitude,
        longitude=seen.longitude,
        address=None,
        confidence=seen.confidence,
        evidence_sha256=seen.evidence_sha256,
        simulated=True,
        external_ref=seen.id,
        occurred_at=now,
    )
    case = InspectionCase.report(actor, now, reported)
    merging.merge_detection(
        case, actor, now, detection=as_evidence(seen, case.id), rework=(), reopened=()
    )
    stored = [
        mapper().to_stored_event(event) for event in (*seen.pending_events, *case.pending_events)
    ]
    return {each.topic: NewEvent(each.topic, each.state) for each in stored}
