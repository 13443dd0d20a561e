"""For each operation that reaches only to one's own a body that is valid, so that rights decide."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from citybrain.definitions.parking.tariffs import tariff_of
from citybrain.domain.actor import Role
from tests.given.agreements import NOTICE, PARKING_NOTICE
from tests.given.cases_over_http import seen
from tests.given.parking.city import GARAGE
from tests.given.parking.world import BERTH, PLATE, span
from tests.given.world import (
    FOREIGN,
    FUND,
    NIL,
    OWN,
    PLACE,
    POLICE,
    REPORTED,
    SANITATION,
    WORKS,
    World,
)

Body = Callable[[World, Role, str], dict[str, Any]]

PURPOSE = {"purpose": "housing-fund-repayment"}
ANSWERED = {"challenge_id": str(NIL), "nonce": "n", "frames": ["AAAA"]}
CHANNELS = {Role.CLERK: "counter", Role.KIOSK: "kiosk"}
CITIZEN, APPLICATION = "post_v1_citizens_citizen_id", "post_v1_applications_application_id"
RESERVATION = "post_v1_parking_reservations_reservation_id"
SESSION = "post_v1_parking_sessions_session_id"
PERMIT = "post_v1_parking_permits_permit_id"
CLAIM = "post_v1_parking_claims_claim_id"
BINDING = "post_v1_parking_plates_binding_id"
DRAFT, CASE = "post_v1_drafts_draft_id", "post_v1_cases_case_id"

PLAIN: dict[str, dict[str, Any]] = {
    f"{CASE}_comments": {"text": "it is larger now"},
    f"{CASE}_not_solved": {"text": "it is not"},
    f"{CASE}_rating": {"stars": 4},
    f"{CASE}_subscription": {"wanted": True},
    f"{CASE}_prioritise": {"priority": "high"},
    f"{CASE}_check_orders": {"inspector": "operator-7"},
    f"{CASE}_checks": {"solved": True},
    f"{CASE}_reclassify": {"class_code": "road_damage", "reason": "r"},
    f"{CASE}_relocate": {**PLACE, "reason": "r"},
    f"{CASE}_moderate": {"visibility": "hidden", "reason": "r"},
    f"{CASE}_public_photos": {"sha256": "ab" * 32, "reason": "r"},
    f"{CASE}_public_photos_withdrawal": {"sha256": "ab" * 32, "reason": "r"},
    f"{CASE}_asset": {},
    f"{CASE}_erase": {"reason": "r"},
    f"{CITIZEN}_documents": {"document": "passport", "number": "E1234567", "country": "CHN"},
    f"{CITIZEN}_face_consent": {"notice_sha256": NOTICE},
    f"{CITIZEN}_face_challenges": PURPOSE,
    f"{CITIZEN}_face_enrolment": ANSWERED,
    f"{CITIZEN}_face_enrolment_approval": {"clerk": "clerk-9"},
    f"{CITIZEN}_face_verification": PURPOSE | ANSWERED,
    f"{CITIZEN}_identity_codes": PURPOSE,
    f"{CITIZEN}_identity_confirmation": PURPOSE | {"document": "passport"},
    f"{CITIZEN}_face_revocation": {"reason": "error"},
    f"{CITIZEN}_consents_withdrawal": {"consent_id": str(NIL)},
    f"{CITIZEN}_name": {"name": "李四"},
    f"{CITIZEN}_phone": {"phone": "+86 371 5555 0151"},
    f"{CITIZEN}_passcode": {"passcode": "739215"},
    f"{CITIZEN}_identity_proof": PURPOSE
    | {"code_id": str(NIL), "code": "000000", "document_ending": "123456"},
    f"{CITIZEN}_corrections": {"what": "no-death", "grounds": "a paper"},
    f"{CITIZEN}_corrections_settlement": {"correction_id": str(NIL), "outcome": "rejected"},
    f"{APPLICATION}_appeal": {"grounds": "look again"},
    f"{APPLICATION}_correction": {"message": "look", "documents": ["bill"]},
    f"{APPLICATION}_messages": {"text": "hello"},
    f"{APPLICATION}_review": {
        "outcome": "refused",
        "reasons": ["conditions-not-met"],
        "note": "seen",
    },
    f"{APPLICATION}_review_confirmation": {"note": "seen"},
    f"{APPLICATION}_review_turning_back": {"note": "seen"},
    f"{APPLICATION}_opening": {"purpose": "review"},
    f"{DRAFT}_content": {"form": {}},
    "post_v1_parking_permits": {"kind": "disabled-badge", "plate": "豫A52K17"},
    f"{PERMIT}_car": {"day": "2026-09-12", "plate": "豫A52K17"},
    f"{PERMIT}_proposal": {"decision": "deny", "reason": "not-seen"},
    f"{PERMIT}_confirmation": {"decision": "end"},
    f"{PERMIT}_turning_back": {"decision": "end", "reason": "not-seen"},
    "post_v1_parking_plates": {
        "plate": "豫A52K17",
        "per_debit_limit_fen": 2000,
        "per_day_limit_fen": 5000,
        "notice_sha256": PARKING_NOTICE,
    },
    "post_v1_parking_plates_search": {"plate": "豫A12345"},
    f"{BINDING}_limits": {"per_debit_limit_fen": 1000, "per_day_limit_fen": 2000},
    f"{BINDING}_transfer": {"transferred_on": "2026-09-08"},
    f"{BINDING}_hirers": {
        "number": "410102199005010036",
        "begins": "2026-09-01T00:00:00+08:00",
        "ends": "2026-09-05T18:00:00+08:00",
        "arrived_at": "2026-09-05T17:30:00+08:00",
        "contract_sha256": "ab" * 32,
    },
    f"{RESERVATION}_move": {"berth": "Z1-009"},
    f"{RESERVATION}_settlement": {"outcome": "arrived", "note": "seen"},
    "post_v1_parking_places_place_id_corrections": {
        "state": "free",
        "since": "2026-09-14T09:00:00+08:00",
        "reason": "seen-on-the-spot",
    },
    "post_v1_parking_stays_payments": {"place_id": "Z1", "plate": "豫A6C316", "amount_fen": 400},
    f"{CLAIM}_notice": {
        "reason": "debtor-unknown",
        "says": ["amount"],
        "until": "2099-01-01T00:00:00+08:00",
    },
    f"{CLAIM}_notice_denial": {"reason": "not-needed"},
    f"{CLAIM}_notice_withdrawal": {"reason": "mistake"},
    "post_v1_parking_strays_stray_id_match": {
        "session_id": f"parking-{9:032x}",
        "reason": "mistyped",
    },
    "post_v1_parking_strays_stray_id_refusal": {"reason": "no-such-stay"},
    "post_v1_parking_sessions_search": {"plate": PLATE},
    "post_v1_parking_debts_search": {"plate": PLATE},
    f"{SESSION}_plate": {"plate": "豫A12345", "reason": "misread", "note": "seen"},
    f"{SESSION}_release": {"reason": "other"},
    f"{CLAIM}_reductions": {"kind": "refund", "by_fen": 1, "reason": "goodwill"},
    f"{CLAIM}_reductions_approve": {"proposal_id": NIL.hex},
    f"{CLAIM}_reductions_deny": {"proposal_id": NIL.hex, "reason": "not-seen"},
    f"{CLAIM}_refunds_retry": {"refund_id": str(NIL)},
    f"{CLAIM}_mismatches_dismiss": {"payment_id": str(NIL), "reason": "typo"},
    "post_v1_parking_places": {
        "places": [
            {
                "place_id": "c-9",
                "kind": "device",
                "name": "camera",
                "valid_from": "2026-01-01",
                "longitude": 113.6,
                "latitude": 34.7,
            }
        ],
        "dry_run": True,
    },
    "post_v1_parking_repricings_repricing_id_confirmation": {"lowered_fen": 0, "refunded_fen": 0},
    "post_v1_parking_repricings_repricing_id_turning_back": {"reason": "not-seen"},
    "post_v1_parking_anomalies_anomaly_id_closing": {"reason": "explained"},
    f"{SESSION}_dispute": {"grounds": "I was not there"},
    f"{SESSION}_dispute_decision": {"upheld": False, "reason": "unfounded"},
    f"{SESSION}_dispute_opening": {"purpose": "review"},
    f"{CASE}_return": {"reason": "r"},
    f"{CASE}_reopen": {"reason": "r"},
}


def _applying(world: World, role: Role, owner: str) -> dict[str, Any]:
    whose = world.mine if owner == OWN else world.theirs
    service = "housing-fund-repayment" if role is not Role.KIOSK else "first-home-subsidy"
    return {"service": service, "channel": CHANNELS.get(role, "app"), "citizen_id": whose}


def _going_on(world: World, role: Role, owner: str) -> dict[str, Any]:
    return {"channel": CHANNELS.get(role, "app")}


def _in_department(**more: Any) -> Body:
    def body(world: World, role: Role, owner: str) -> dict[str, Any]:
        return {"department": SANITATION if owner == OWN else WORKS} | more

    return body


def _seen(world: World, role: Role, owner: str) -> dict[str, Any]:
    return seen(f"{role}-{owner}", camera_id=world.id_of("camera_id", role, owner))


def _parked(world: World, role: Role, owner: str) -> dict[str, Any]:
    return {
        "device_id": world.id_of("camera_id", role, owner),
        "ref": f"{role}-{owner}",
        "sign": "occupied",
        "place_id": BERTH,
        "occurred_at": "2026-09-14T09:00:00+08:00",
    }


def _before_a_barrier(world: World, role: Role, owner: str) -> dict[str, Any]:
    said = _parked(world, role, owner) | {"ref": f"gate-{role}-{owner}", "place_id": GARAGE}
    return {key: value for key, value in said.items() if key != "sign"} | {"way": "out"}


def _at_a_kiosk(**more: Any) -> Body:
    def body(world: World, role: Role, owner: str) -> dict[str, Any]:
        return ({"plate": PLATE} if role is Role.KIOSK else {}) | more

    return body


def _counted(world: World, role: Role, owner: str) -> dict[str, Any]:
    """One moment for each, so that each is new to whoever is let in."""
    told = {"occurred_at": f"2026-09-01T08:{len(role):02}:00+08:00", "free": 9}
    return told | {"device_id": world.id_of("camera_id", role, owner)}


def _conflicting(world: World, role: Role, owner: str) -> dict[str, Any]:
    """With the session of the other of the two."""
    other = world.ids["session_id"][FOREIGN if owner == OWN else OWN][Role.CITIZEN]
    return {"other_session_id": other, "genuine": True, "reason": "clone"}


def _drawn(world: World, role: Role, owner: str) -> dict[str, Any]:
    return {"session_id": world.id_of("session_id", role, owner)}


def _in_a_batch(name: str, body: Body, **more: Any) -> Body:
    return lambda world, role, owner: {name: [body(world, role, owner) | more]}


def _repriced(world: World, role: Role, owner: str) -> dict[str, Any]:
    """By the version in force, which reaches back to nothing."""
    span_of = {"begins": "2026-01-01T00:00:00+08:00", "ends": "2026-01-02T00:00:00+08:00"}
    return {"version_id": _street_version(world), "reason": "cheaper"} | span_of


def _street_version(world: World) -> str:
    return tariff_of(world.api.runtime.services.definitions, "street").versions[0].id


MADE: dict[str, Body] = {
    "post_v1_parking_permits_registrations": lambda *_: (
        {"kind": "emergency-service", "plate": "豫A52K17", "reason": "ambulance"}
        | dict(zip(("begins", "ends"), span(datetime.now(UTC)).values(), strict=True))
    ),
    "post_v1_parking_repricings": _repriced,
    f"{SESSION}_conflict": _conflicting,
    "post_v1_parking_detections_sign_id_trailer": _drawn,
    "post_v1_parking_detections_batch": _in_a_batch("detections", _parked),
    "post_v1_parking_facilities_readings_batch": _in_a_batch(
        "readings", _counted, facility_id=GARAGE
    ),
    "post_v1_parking_reservations": lambda *_: (
        {"berth": "Z1-008", "plate": PLATE} | span(datetime.now(UTC), hours=3)
    ),
    "post_v1_parking_facilities_facility_id_readings": _counted,
    "post_v1_parking_payments": _at_a_kiosk(amount_fen=100),
    "post_v1_parking_stays_search": _at_a_kiosk(),
    f"{SESSION}_payment": _at_a_kiosk(),
    "post_v1_parking_claims_claim_id_payment": _at_a_kiosk(amount_fen=100),
    "post_v1_parking_detections": _parked,
    "post_v1_parking_barriers_decisions": _before_a_barrier,
    "post_v1_applications": _applying,
    "post_v1_drafts": _applying,
    f"{APPLICATION}_takeover": _going_on,
    f"{DRAFT}_continuation": _going_on,
    "post_v1_cases": lambda world, role, owner: {
        "source": REPORTED.get(role, "official"),
        "class_code": "overflowing_bin",
        **PLACE,
    },
    "post_v1_detections": _seen,
    "put_v1_cameras_camera_id": lambda *_: {"online": True, **PLACE},
    f"{CASE}_accept": _in_department(),
    f"{CASE}_handle": _in_department(evidence_sha256=["ab" * 32]),
    f"{CASE}_assign": _in_department(assignee="official-7"),
    f"{CASE}_decline": _in_department(reason="r"),
    f"{CASE}_decide": _in_department(plan="p", tasks=[]),
    f"{CASE}_tasks": _in_department(),
    f"{CASE}_milestones": _in_department(milestone="made-safe"),
    f"{CASE}_requests": lambda world, role, owner: (
        {"change": "void", "reason": "r"}
        | ({"department": SANITATION if owner == OWN else WORKS} if role is Role.OFFICIAL else {})
    ),
}


def _service(world: World, role: Role, owner: str) -> dict[str, Any]:
    return {"service": "housing-fund-purchase" if owner == OWN else "residence-permit"}


FILTERS: dict[str, Body] = {
    "get_v1_statistics_applications": _service,
    "get_v1_statistics_refusals": _service,
    "get_v1_statistics_sources": lambda world, role, owner: {
        "department": FUND if owner == OWN else POLICE
    },
    "get_v1_applications": lambda world, role, owner: (
        {"citizen_id": world.mine if owner == OWN else world.theirs}
        if role is Role.CITIZEN
        else {"department": FUND if owner == OWN else POLICE}
    ),
    "get_v1_applications_queue": lambda world, role, owner: {
        "department": FUND if owner == OWN else POLICE
    },
    "get_v1_cases": lambda world, role, owner: {
        "department": SANITATION if owner == OWN else WORKS
    },
    "get_v1_cases_case_id_reporter": lambda *_: {"purpose": "street-case"},
    "get_v1_cases_export_csv": lambda world, role, owner: {
        "department": SANITATION if owner == OWN else WORKS
    },
    "get_v1_cases_near": lambda world, role, owner: (
        PLACE | {"department": SANITATION if owner == OWN else WORKS}
    ),
    "get_v1_cases_map": lambda world, role, owner: {
        "south": 34.0,
        "west": 113.0,
        "north": 35.0,
        "east": 114.0,
        "department": SANITATION if owner == OWN else WORKS,
    },
    "get_v1_board_things": lambda *_: {"kind": "case-deadline"},
    "get_v1_board_pictures": lambda *_: {"at": "2026-01-01T00:00:00Z"},
    "get_v1_board_series": lambda *_: {"to": "2026-01-01T00:00:00Z"},
    "get_v1_board_minutes": lambda *_: {
        "from": "2026-01-01T00:00:00Z",
        "to": "2026-01-02T00:00:00Z",
    },
    "get_v1_deadlines": lambda world, role, owner: {
        "responsible": SANITATION if owner == OWN else WORKS
    },
    f"{APPLICATION}_documents": lambda *_: {"kind": "bill"},
    "get_v1_parking_under_tariff": lambda world, *_: {
        "version": _street_version(world),
        "from": "2026-01-01T00:00:00Z",
        "to": "2026-01-02T00:00:00Z",
    },
    "get_v1_services_code_reminder": lambda *_: {"day": "2027-03-06"},
    "get_v1_parking_quote": lambda *_: span(datetime.now(UTC)) | {"place": "Z1-001"},
    "get_v1_parking_availability": lambda *_: span(datetime.now(UTC)) | {"zone": "Z1"},
}


def body_of(operation: str, world: World, role: Role, owner: str) -> dict[str, Any]:
    """The body, where an operation has one."""
    made = MADE.get(operation)
    return PLAIN.get(operation, {}) if made is None else made(world, role, owner)
