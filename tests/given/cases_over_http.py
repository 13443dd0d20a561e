"""Cases over HTTP: seen by a camera, dispatched, acted on."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.given.api import Answer, Api
from tests.given.waiting import eventually

NORTH, EAST = 34.7466, 113.6254
WORKS, POLICE = "municipal-works", "traffic-police"
DIGEST = "ab" * 32


def seen(ref: str, **fields: Any) -> dict[str, Any]:
    return {
        "camera_id": "c-1",
        "ref": ref,
        "class_code": "displaced_manhole_cover",
        "confidence": 91,
        "latitude": NORTH,
        "longitude": EAST,
        "evidence_sha256": [DIGEST],
        "simulated": True,
        "occurred_at": (datetime.now(UTC) - timedelta(seconds=5)).isoformat(),
        **fields,
    }


async def detect(api: Api, *detections: dict[str, Any]) -> Answer:
    body = {"detections": list(detections)}
    return await api.call("POST", "/v1/detections/batch", "gateway", json=body)


async def dispatched(api: Api, ref: str = "d1", **fields: Any) -> str:
    """The case of a detection, with the departments."""
    answer = await api.call("POST", "/v1/detections", "gateway", json=seen(ref, **fields))
    case_id = answer.json["detection_id"].replace("detection", "case")
    await eventually(lambda: at_status(api, case_id, "dispatched"))
    return str(case_id)


async def at_status(api: Api, case_id: str, status: str) -> Any:
    answer = await api.call("GET", f"/v1/cases/{case_id}", "operator")
    return answer.status == 200 and answer.json["status"] == status and answer


async def act(
    api: Api, case_id: str, what: str, role: str, department: str | None = None, **body: Any
) -> Answer:
    """A command on a case, by an official of a department or somebody else."""
    if department is not None and role == "official":
        body = {"department": department, **body}
    subject = f"{role}-{department}" if department else f"{role}-1"
    case = await api.call("GET", f"/v1/cases/{case_id}", "operator")
    return await api.call(
        "POST",
        f"/v1/cases/{case_id}/{what}",
        role,
        subject=subject,
        department=department,
        json=body,
        headers={"If-Match": case.headers["ETag"]},
    )
