"""Permits over HTTP: a citizen asks, two officers decide, and each look is on the record."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.given.accesses import accesses
from tests.given.api import Answer, Api
from tests.given.applying import registered

PERMITS = "/v1/parking/permits"
BADGE = {"kind": "disabled-badge", "plate": "豫A52K17", "document_sha256": "ab" * 32}
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
TIMES = {
    "begins": (TODAY - timedelta(days=1)).isoformat(),
    "ends": (TODAY + timedelta(days=1000)).isoformat(),
}


async def send(
    api: Api, role: str, subject: str, path: str, body: Any = None, key: str | None = None
) -> Answer:
    headers = {} if key is None else {"Idempotency-Key": key}
    department = "parking" if role in ("official", "supervisor") else None
    return await api.call(
        "POST",
        PERMITS + path,
        role,
        subject=subject,
        department=department,
        json=body or {},
        headers=headers,
    )


async def asked(api: Api, citizen: str, body: dict[str, Any] = BADGE) -> str:
    answer = await send(api, "citizen", citizen, "", body)
    assert answer.status == 201, answer.body
    assert answer.headers["Location"] == f"{PERMITS}/{answer.json['permit_id']}"
    return f"/{answer.json['permit_id']}"


async def listed(api: Api, role: str, subject: str, **options: Any) -> list[dict[str, Any]]:
    head = await api.runtime.store.head()
    answer = await api.call(
        "GET", f"{PERMITS}?min_position={head}", role, subject=subject, **options
    )
    assert answer.status == 200, answer.body
    return list(answer.json["permits"])


async def test_p54_a_badge_is_confirmed_by_two_officers(api: Api) -> None:
    citizen = await registered(api)
    permit = await asked(api, citizen)
    grant = {"decision": "grant", **TIMES}
    proposal = grant | {"reason": "badge-seen", "note": "looked at it"}
    proposed = await send(api, "official", "officer-1", f"{permit}/proposal", proposal)
    assert (proposed.json["status"], proposed.json["proposed"]) == ("asked", "grant")
    (waits,) = await listed(api, "official", "officer-2", department="parking")
    assert (waits["plate"], waits["proposed"]) == ("豫A52K17", "grant")
    alone = await send(api, "official", "officer-1", f"{permit}/confirmation", grant)
    assert alone.is_problem(403, "separation-of-duties")
    other = grant | {"ends": (TODAY + timedelta(days=900)).isoformat()}
    not_the_same = await send(api, "official", "officer-2", f"{permit}/confirmation", other)
    assert not_the_same.is_problem(409, "permit-nothing-proposed")
    for _ in range(2):
        granted = await send(api, "official", "officer-2", f"{permit}/confirmation", grant, "k1")
        assert (granted.json["status"], granted.json["proposed"]) == ("granted", None)
    (own,) = await listed(api, "citizen", citizen)
    assert (own["plate"], own["status"]) == ("豫A52K17", "granted")
    seen = {each["what"] for each in await accesses(api, citizen)}
    assert {"parking-permits", "parking-permit-proposed", "parking-permit-granted"} <= seen
    assert await listed(api, "official", "officer-2", department="parking") == []

    later = (api.runtime.services.clock().date()).isoformat()
    car = await send(api, "citizen", citizen, f"{permit}/car", {"day": later, "plate": "豫A8B123"})
    assert car.status in (200, 422), car.body  # the city's day may have begun already
    back = await send(api, "citizen", citizen, f"{permit}/return")
    assert (back.json["status"], back.json["reason"]) == ("ended", "given-back")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": "free-for-all"}, "permit-kind-unknown"),
        ({"kind": "emergency-service"}, "permit-kind-unknown"),
        ({"kind": None}, "invalid-input"),
        ({"kind": "resident"}, "permit-zone-wrong"),
        ({"zone_id": "Z1-A"}, "permit-zone-wrong"),
        ({"zone_id": "../etc"}, "invalid-input"),
        ({"plate": "A52K17"}, "plate-not-whole"),
        ({"plate": "\u200b"}, "invalid-input"),
        ({"citizen_id": "citizen-" + "0" * 32}, "invalid-input"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_stored(
    api: Api, change: dict[str, Any], code: str
) -> None:
    citizen = await registered(api)
    head = await api.runtime.store.head()
    answer = await send(api, "citizen", citizen, "", BADGE | change)
    assert answer.is_problem(422, code)
    assert "52K17" not in answer.body.decode()
    assert await api.runtime.store.head() == head


async def test_nobody_else_reads_asks_or_decides(api: Api) -> None:
    citizen, other = await registered(api), await registered(api)
    permit = await asked(api, citizen)
    for asked_for in (permit, f"/parking_permit-{'0' * 32}"):
        answer = await api.call("GET", PERMITS + asked_for, "citizen", subject=other)
        assert answer.is_problem(403, "not-your-permit")
    body = {"decision": "deny", "reason": "no"}
    stranger = await api.call(
        "POST", f"{PERMITS}{permit}/proposal", "official", department="police", json=body
    )
    assert stranger.is_problem(403, "role-not-allowed")
    queue = await api.call("GET", PERMITS, "supervisor", department="police")
    assert queue.is_problem(403, "role-not-allowed")
    by_citizen = await send(api, "citizen", citizen, f"{permit}/proposal", body)
    assert by_citizen.is_problem(403, "role-missing")
    back = await send(api, "citizen", other, f"{permit}/return")
    assert back.is_problem(403, "not-your-permit")
    audited = await api.call("GET", PERMITS + permit, "auditor")
    assert audited.json["plate"] is None
    assert audited.json["pseudonym"]
    assert await listed(api, "citizen", other) == []


async def test_a_services_vehicle_is_registered_and_agreed_to(api: Api) -> None:
    body = {"kind": "emergency-service", "plate": "豫A52K17", "reason": "ambulance", **TIMES}
    proposed = await send(api, "supervisor", "officer-1", "/registrations", body)
    assert (proposed.status, proposed.json["proposed"]) == (201, "grant")
    path = f"/{proposed.json['permit_id']}/confirmation"
    granted = await send(api, "official", "officer-2", path, {"decision": "grant", **TIMES})
    assert granted.json["status"] == "granted"
    (head, read) = (await api.runtime.store.head(), f"{PERMITS}/{proposed.json['permit_id']}")
    found = await api.call("GET", f"{read}?min_position={head}", "official", department="parking")
    assert (found.json["plate"], found.json["citizen_id"]) == ("豫A52K17", None)
