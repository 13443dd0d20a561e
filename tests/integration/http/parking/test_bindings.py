"""Plates over HTTP: a citizen binds, limits, unbinds and sells; the office reads on the record."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from citybrain.settings import Settings
from ops.simulators.applications.departments import Departments
from tests.given.accesses import accesses
from tests.given.agreements import PARKING_NOTICE
from tests.given.api import Answer, Api
from tests.given.applying import applying, id_number, registered
from tests.given.at_work import FOR_PARKING
from tests.given.waiting import eventually

PLATES = "/v1/parking/plates"
TEXT = "豫A52K17"
BODY = {
    "plate": TEXT,
    "per_debit_limit_fen": 2000,
    "per_day_limit_fen": 5000,
    "notice_sha256": PARKING_NOTICE,
}


@pytest.fixture
async def town(settings: Settings) -> AsyncIterator[tuple[Api, Departments]]:
    async with applying(settings, at_work=FOR_PARKING) as found:
        yield found


@pytest.fixture
async def api(town: tuple[Api, Departments]) -> Api:
    return town[0]


async def send(
    api: Api, citizen: str, path: str, body: Any = None, key: str | None = None
) -> Answer:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await api.call(
        "POST", PLATES + path, "citizen", subject=citizen, json=body or {}, headers=headers
    )


async def stands(api: Api, citizen: str, binding: str, *statuses: str) -> dict[str, Any] | None:
    head = await api.runtime.store.head()
    path = f"{PLATES}/{binding}?min_position={head}"
    answer = await api.call("GET", path, "citizen", subject=citizen)
    assert answer.status == 200, answer.body
    return dict(answer.json) if answer.json["status"] in statuses else None


async def bound(api: Api, citizen: str, text: str = TEXT) -> dict[str, Any]:
    """A binding that is active."""
    asked = await send(api, citizen, "", BODY | {"plate": text})
    assert asked.status == 201, asked.body
    assert asked.headers["Location"] == f"{PLATES}/{asked.json['binding_id']}"
    return await eventually(partial(stands, api, citizen, asked.json["binding_id"], "active"))


async def test_a_citizen_binds_changes_and_unbinds_a_plate(api: Api) -> None:
    citizen = await registered(api)
    binding = await bound(api, citizen)
    assert (binding["plate"], binding["pseudonym"]) == (TEXT, None)
    path = f"/{binding['binding_id']}"
    lower = {"per_debit_limit_fen": 500, "per_day_limit_fen": 600}
    changed = await send(api, citizen, f"{path}/limits", lower)
    assert changed.json["per_debit_limit_fen"] == 500
    too_high = await send(api, citizen, f"{path}/limits", lower | {"per_day_limit_fen": 50_001})
    assert too_high.is_problem(422, "amount-above-ceiling")
    ended = await send(api, citizen, f"{path}/unbinding")
    assert (ended.json["status"], ended.json["reason"]) == ("ended", "unbound")
    again = await send(api, citizen, f"{path}/unbinding")
    assert again.is_problem(409, "plate-binding-ended")
    head = await api.runtime.store.head()
    own = await api.call("GET", f"{PLATES}?min_position={head}", "citizen", subject=citizen)
    (row,) = own.json["plates"]
    assert (row["plate"], row["status"], row["ended_at"] is not None) == (TEXT, "ended", True)

    async def consent_has_ended() -> bool:
        return (await api.call("GET", f"/v1/consents/{row['consent_id']}")).json["opt_in"] is False

    await eventually(consent_has_ended)


async def test_a_withdrawn_consent_ends_the_binding(api: Api) -> None:
    citizen = await registered(api)
    binding = await bound(api, citizen)
    path, body = f"/v1/citizens/{citizen}/consents", {"consent_id": binding["consent_id"]}
    listed = await api.call("GET", path, "citizen", subject=citizen)
    assert [each["agreement"] for each in listed.json["consents"]] == ["parking-debit"]
    answer = await api.call("POST", f"{path}/withdrawal", "citizen", subject=citizen, json=body)
    assert answer.status == 200, answer.body
    ended = await eventually(partial(stands, api, citizen, binding["binding_id"], "ended"))
    assert ended["reason"] == "consent-withdrawn"


async def test_a_transfer_is_shown_and_the_registry_says_when(
    town: tuple[Api, Departments],
) -> None:
    api, departments = town
    number = id_number()
    citizen = await registered(api, number)
    departments.vehicles.register(TEXT, number)
    binding = await bound(api, citizen)
    path = f"/{binding['binding_id']}/transfer"
    departments.vehicles.register(TEXT, id_number(), "2026-01-08")
    wrong = await send(api, citizen, path, {"transferred_on": "2019-01-01"})
    assert wrong.is_problem(422, "transfer-day-impossible")
    shown = await send(api, citizen, path, {"transferred_on": "2026-01-09"})
    assert (shown.json["status"], shown.json["transfer"]) == ("ended", "shown")

    async def confirmed() -> dict[str, Any] | None:
        row = await stands(api, citizen, binding["binding_id"], "ended")
        return row if row is not None and row["transfer"] == "confirmed" else None

    row = await eventually(confirmed)
    assert (row["transferred_on"], row["held_until"]) == ("2026-01-09", "2026-01-07T16:00:00Z")


async def test_p48_a_firm_names_a_hirer_over_http(town: tuple[Api, Departments]) -> None:
    api, departments = town
    number, number_1 = id_number(), id_number()
    firm, h1 = await registered(api, number), await registered(api, number_1)
    departments.vehicles.register("豫A7R700", number, use="rental")
    path = f"/{(await bound(api, firm, '豫A7R700'))['binding_id']}/hirers"
    body = {
        "number": number_1,
        "begins": "2026-09-05T18:00:00+08:00",
        "ends": "2026-09-09T18:00:00+08:00",
        "arrived_at": "2026-09-05T17:30:00+08:00",
        "contract_sha256": "ab" * 32,
    }
    refused = await send(api, firm, path, body)
    assert refused.is_problem(409, "contract-does-not-cover")
    assert refused.json["begins"] == "2026-09-05T10:00:00+00:00"
    right = body | {"begins": "2026-09-01T09:00:00+08:00", "ends": "2026-09-05T18:00:00+08:00"}
    for _ in range(2):
        named = await send(api, firm, path, right, key="k1")
        assert named.status == 200, named.body
        assert number_1.encode() not in named.body
        assert h1.encode() not in named.body
    head = await api.runtime.store.head()
    theirs = await api.call("GET", f"{PLATES}?min_position={head}", "citizen", subject=h1)
    (hire,) = theirs.json["hired"]
    assert (hire["plate"], theirs.json["plates"]) == ("豫A7R700", [])
    broken = await send(api, firm, path, body | {"number": "410102199005010037"})
    assert broken.is_problem(422, "document-number-mistyped")


async def test_a_repeated_request_is_one(api: Api) -> None:
    citizen = await registered(api)
    first, again = [await send(api, citizen, "", BODY, key="k1") for _ in range(2)]
    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await send(api, citizen, "", BODY | {"plate": "豫A8B123"}, key="k1")
    assert other.is_problem(422, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"plate": ""}, "invalid-input"),
        ({"plate": "52K17"}, "plate-length"),
        ({"plate": "A52K17"}, "plate-not-whole"),
        ({"plate": None}, "invalid-input"),
        ({"per_debit_limit_fen": 0}, "invalid-input"),
        ({"per_debit_limit_fen": "2000"}, "invalid-input"),
        ({"per_debit_limit_fen": 20.5}, "invalid-input"),
        ({"per_debit_limit_fen": True}, "invalid-input"),
        ({"per_debit_limit_fen": 20_001}, "amount-above-ceiling"),
        ({"notice_sha256": "0" * 64}, "notice-not-in-force"),
        ({"citizen_id": "citizen-" + "0" * 32}, "invalid-input"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_stored(
    api: Api, change: dict[str, Any], code: str
) -> None:
    citizen = await registered(api)
    head = await api.runtime.store.head()
    answer = await send(api, citizen, "", BODY | change)
    assert answer.is_problem(422, code)
    assert "52K17" not in answer.body.decode()
    assert await api.runtime.store.head() == head


async def test_nobody_reads_or_touches_anothers_binding(api: Api) -> None:
    citizen, other = await registered(api), await registered(api)
    binding = (await bound(api, citizen))["binding_id"]
    missing = f"plate_binding-{'0' * 32}"
    for asked in (binding, missing):
        answer = await api.call("GET", f"{PLATES}/{asked}", "citizen", subject=other)
        assert answer.is_problem(403, "not-your-binding")
    for step, body in (("unbinding", {}), ("transfer", {"transferred_on": "2026-01-01"})):
        answer = await send(api, other, f"/{binding}/{step}", body)
        assert answer.is_problem(403, "not-your-binding")
    strangers = [("official", "police"), ("supervisor", "sanitation")]
    for role, department in strangers:
        answer = await api.call("GET", f"{PLATES}/{binding}", role, department=department)
        assert answer.is_problem(403, "not-your-binding")
        searched = await api.call(
            "POST", f"{PLATES}/search", role, department=department, json={"plate": TEXT}
        )
        assert searched.is_problem(403, "role-not-allowed")


async def test_p68_the_office_reads_and_searches_on_the_record(api: Api) -> None:
    citizen = await registered(api)
    binding = (await bound(api, citizen))["binding_id"]
    by_officer: dict[str, Any] = {"role": "official", "department": "parking"}
    read = await api.call("GET", f"{PLATES}/{binding}", **by_officer)
    assert (read.json["plate"], read.json["citizen_id"]) == (TEXT, citizen)
    searched = await api.call("POST", f"{PLATES}/search", **by_officer, json={"plate": "豫a52k17"})
    assert [each["binding_id"] for each in searched.json["plates"]] == [binding]
    audited = await api.call("GET", f"{PLATES}/{binding}", "auditor")
    assert audited.json["plate"] is None
    assert audited.json["pseudonym"]
    seen = await accesses(api, citizen)
    assert {"plate-binding", "plate-search", "vehicle"} <= {each["what"] for each in seen}

    head = await api.runtime.store.head()
    nothing = await api.call("POST", f"{PLATES}/search", **by_officer, json={"plate": "豫A00000"})
    assert nothing.json["plates"] == []
    assert await api.runtime.store.head() == head + 1  # that somebody looked is on the record
    missing = await api.call("GET", f"{PLATES}/plate_binding-{'0' * 32}", **by_officer)
    assert missing.is_problem(404, "stream-not-found")
