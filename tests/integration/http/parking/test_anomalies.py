"""Anomalies over HTTP: the office and auditors see them, an officer of parking closes one."""

from collections.abc import AsyncIterator

import pytest

from citybrain.domain.parking.claim import Claim
from citybrain.settings import Settings
from tests.given.accesses import READER, accesses, is_said
from tests.given.api import Api
from tests.given.applying import applying, id_number, registered
from tests.given.at_work import FOR_PARKING
from tests.given.parking.city import GARAGE
from tests.given.parking.claims import asked, misfit
from tests.given.parking.collecting import context
from tests.given.parking.world import parked

ANOMALIES = "/v1/parking/anomalies"


@pytest.fixture
async def town(settings: Settings) -> AsyncIterator[tuple[Api, str, str]]:
    """A server, somebody who owes for a session, and their claim."""
    async with applying(settings, at_work=FOR_PARKING) as (api, _):
        first, second = [await registered(api, id_number()) for _ in range(2)]
        (_, claim_id), _ = await parked(api.runtime.services, first, second)
        yield api, first, claim_id


@pytest.fixture
def api(town: tuple[Api, str, str]) -> Api:
    """The server alone."""
    return town[0]


async def opened_by_hand(api: Api, *refs: str) -> int:
    """A guard opened the barrier; the position in the log."""
    items = [
        {
            "device_id": "c-1",
            "ref": ref,
            "sign": "opened",
            "place_id": GARAGE,
            "occurred_at": f"2026-09-14T10:0{number}:00+08:00",
        }
        for number, ref in enumerate(refs)
    ]
    said = await api.call(
        "POST", "/v1/parking/detections/batch", "camera", subject="c-1", json={"detections": items}
    )
    assert said.status == 200, said.body
    return await api.runtime.store.head()


async def test_pages_and_filters_for_the_office_and_auditors(api: Api) -> None:
    head = await opened_by_hand(api, "r1", "r2", "r3")
    path = f"{ANOMALIES}?kind=barrier-opened-by-hand&place_id={GARAGE}&limit=2&min_position={head}"
    for role, department in (("official", "parking"), ("auditor", None)):
        first = await api.call("GET", path, role, department=department)
        assert first.status == 200, first.body
        rest = await api.call(
            "GET", f"{path}&after={first.json['next']}", role, department="parking"
        )
        rows = first.json["anomalies"] + rest.json["anomalies"]
        assert [row["since"] for row in rows] == [
            f"2026-09-14T02:0{number}:00Z" for number in (2, 1, 0)
        ]
        assert rest.json["next"] is None
    for query in ("kind=nothing", "state=x", "after=x"):
        answer = await api.call("GET", f"{ANOMALIES}?{query}", "auditor")
        assert answer.status == 400, answer.body
    refused = await api.call("GET", ANOMALIES, "official", department="sanitation")
    assert refused.is_problem(403, "role-not-allowed")


async def test_an_officer_closes_one_and_the_first_reason_stands(api: Api) -> None:
    head = await opened_by_hand(api, "r1")
    path = f"{ANOMALIES}?kind=barrier-opened-by-hand&min_position={head}"
    (row,) = (await api.call("GET", path, "official", department="parking")).json["anomalies"]
    closing = f"{ANOMALIES}/{row['anomaly_id']}/closing"
    body = {"reason": "explained"}
    for role, department in (("auditor", None), ("operator", None)):
        answer = await api.call("POST", closing, role, department=department, json=body)
        assert answer.is_problem(403, "role-missing")
    for subject, reason in (("official-1", "explained"), ("official-2", "repaired")):
        answer = await api.call(
            "POST",
            closing,
            "official",
            subject=subject,
            department="parking",
            json={"reason": reason},
        )
        assert answer.json == {
            "anomaly_id": row["anomaly_id"],
            "reason": "explained",
            "closed_by": "official-1",
        }
    position = answer.headers["X-Position"]
    path = f"{ANOMALIES}?state=closed&min_position={position}"
    (row,) = (await api.call("GET", path, "auditor")).json["anomalies"]
    assert (row["closed_by"], row["reason"]) == ("official-1", "explained")
    nothing = f"{ANOMALIES}/parking_anomaly-{'0' * 32}/closing"
    answer = await api.call("POST", nothing, "official", department="parking", json=body)
    assert answer.is_problem(404, "stream-not-found")


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_whose_payment_is_listed_finds_it_on_their_record(
    town: tuple[Api, str, str], language: str
) -> None:
    api, citizen, claim_id = town
    store = api.runtime.store
    owed = await store.load(Claim, claim_id)
    misfit(owed, asked(owed))
    await store.save(owed, metadata=context().metadata())
    path = f"{ANOMALIES}?kind=payment-mismatched&min_position={await store.head()}"
    answer = await api.call("GET", path, "official", subject=READER, department="parking")
    (row,) = answer.json["anomalies"]
    assert row["claim_id"] == claim_id
    (seen,) = await accesses(api, citizen, language, READER)
    assert (seen["what"], seen["purpose"]) == ("parking-anomalies", "parking")
    assert is_said(language, seen["what_text"], seen["what"])
    closing = f"{ANOMALIES}/{row['anomaly_id']}/closing"
    body = {"reason": "explained"}
    answer = await api.call("POST", closing, "official", department="parking", json=body)
    assert answer.is_problem(409, "parking-anomaly-ends-itself")
