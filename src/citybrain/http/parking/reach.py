"""To whose data each operation of parking reaches (`citybrain.http.reach`).

A session is of whoever it is asked from or who held the vehicle then; the office of parking has all
of them, and auditors read all. A plate's binding is its citizen's, and read by the office. A device
reports in its own name, on places that it watches. Where there are berths, and what is free, is
nobody's. What somebody owes is for the office to see to; citizens pay their own claims, a kiosk
those of the plate that somebody names there; so it is with a stay that goes on. Totals of arrears
are for everybody, without small groups. What the payment gateway has signed is let in for its
signature. A reservation is its citizen's; the office has all of them, and operators and auditors
read all.
"""

from citybrain.domain.actor import Role
from citybrain.domain.parking import reading_rights
from citybrain.domain.parking.looking import DECIDERS
from citybrain.http.reach import NOBODYS, PUBLIC, Rows, of

SESSION = "the session"
READ = of(SESSION, *DECIDERS, Role.AUDITOR)
DECIDE = of(SESSION, *DECIDERS)
BASE = "v1_parking_sessions_session_id"
CLAIM = "the claim"
DESK = of(CLAIM, Role.OFFICIAL, Role.SUPERVISOR)
SECOND = of(CLAIM, Role.SUPERVISOR)
CLAIM_BASE = "post_v1_parking_claims_claim_id"
RESERVATION = "the reservation"
RESERVATIONS = "v1_parking_reservations"
ONE_RESERVATION = f"{RESERVATIONS}_reservation_id"

BINDING = "the binding"
PLATE_BASE = "v1_parking_plates_binding_id"

PERMIT = "the permit"
PERMIT_BASE = "v1_parking_permits_permit_id"

REACH: Rows = {
    "post_v1_parking_detections": of("the device"),
    "post_v1_parking_detections_batch": NOBODYS,
    "get_v1_parking_detections_sign_id": NOBODYS,  # signs, of which some are nobody's yet
    "post_v1_parking_detections_sign_id_trailer": NOBODYS,
    "post_v1_parking_places_place_id_corrections": NOBODYS,
    "post_v1_parking_barriers_decisions": of("the device"),
    "get_v1_parking_berths": PUBLIC,
    "post_v1_parking_facilities_facility_id_readings": of("the device"),
    "post_v1_parking_facilities_readings_batch": NOBODYS,
    "get_v1_parking_facilities": PUBLIC,
    "get_v1_parking_facilities_facility_id": PUBLIC,
    "get_v1_parking_facilities_facility_id_occupancy": PUBLIC,
    "get_v1_parking_facilities_facility_id_metrics": PUBLIC,
    "post_v1_parking_places": NOBODYS,
    "get_v1_parking_places": PUBLIC,
    "get_v1_parking_places_place_id": PUBLIC,
    "get_v1_parking_places_place_id_metrics": NOBODYS,
    "get_v1_parking_sessions": NOBODYS,  # citizens are shown their own, the office all
    "post_v1_parking_sessions_search": DECIDE,
    f"get_{BASE}": READ,
    f"get_{BASE}_explanation": READ,
    f"get_{BASE}_seen": READ,
    f"get_{BASE}_dispute": of(SESSION),
    f"get_{BASE}_dispute_photos_sha256": DECIDE,
    **{f"post_{BASE}_{step}": DECIDE for step in ("plate", "release", "conflict")},
    f"post_{BASE}_dispute": of(SESSION),
    f"post_{BASE}_payment": of(SESSION),
    "post_v1_parking_stays_search": NOBODYS,  # a kiosk by the plate, citizens their own
    f"post_{BASE}_dispute_decision": DECIDE,
    f"post_{BASE}_dispute_opening": DECIDE,
    "post_v1_parking_stays_payments": NOBODYS,
    "get_v1_parking_strays": NOBODYS,  # payments of which nobody knows whose they are
    "post_v1_parking_strays_stray_id_match": NOBODYS,
    "post_v1_parking_strays_stray_id_refusal": NOBODYS,
    "post_v1_parking_payments_callbacks": PUBLIC,
    "post_v1_parking_permits": NOBODYS,  # citizens ask for their own
    "post_v1_parking_permits_registrations": NOBODYS,
    "get_v1_parking_permits": NOBODYS,  # citizens are shown their own, the office what waits
    f"get_{PERMIT_BASE}": of(PERMIT, *DECIDERS, Role.AUDITOR),
    **{f"post_{PERMIT_BASE}_{step}": of(PERMIT) for step in ("car", "return")},
    **{
        f"post_{PERMIT_BASE}_{step}": of(PERMIT, *DECIDERS)
        for step in ("proposal", "confirmation", "turning_back")
    },
    "post_v1_parking_plates": NOBODYS,  # citizens bind their own
    "get_v1_parking_plates": NOBODYS,  # and are shown their own
    "post_v1_parking_plates_search": NOBODYS,
    f"get_{PLATE_BASE}": of(BINDING, *DECIDERS, Role.AUDITOR),
    **{
        f"post_{PLATE_BASE}_{step}": of(BINDING)
        for step in ("limits", "unbinding", "transfer", "hirers")
    },
    "get_v1_parking_claims": NOBODYS,  # citizens are shown their own, the office all
    "get_v1_parking_claims_claim_id": of(CLAIM, *DECIDERS, Role.AUDITOR),
    "post_v1_parking_repricings": NOBODYS,  # sums of sessions: nobody is in them
    "get_v1_parking_repricings": NOBODYS,
    "get_v1_parking_repricings_repricing_id": NOBODYS,
    "post_v1_parking_repricings_repricing_id_confirmation": NOBODYS,
    "post_v1_parking_repricings_repricing_id_turning_back": NOBODYS,
    "get_v1_parking_under_tariff": NOBODYS,
    "get_v1_parking_arrears": PUBLIC,
    "get_v1_parking_arrears_desk": NOBODYS,
    "get_v1_parking_anomalies": NOBODYS,
    "post_v1_parking_anomalies_anomaly_id_closing": NOBODYS,
    "get_v1_parking_revenue": NOBODYS,  # the office's and auditors'
    f"{CLAIM_BASE}_payment": of(CLAIM),
    "get_v1_parking_notices": PUBLIC,
    "get_v1_parking_notices_desk": NOBODYS,
    f"{CLAIM_BASE}_notice": DESK,
    **{f"{CLAIM_BASE}_notice_{step}": DESK for step in ("publication", "denial", "withdrawal")},
    "post_v1_parking_payments": NOBODYS,  # citizens pay their own, a kiosk by the plate
    "post_v1_parking_debts_search": NOBODYS,
    f"{CLAIM_BASE}_reductions": DESK,
    f"{CLAIM_BASE}_reductions_approve": SECOND,
    f"{CLAIM_BASE}_reductions_deny": SECOND,
    f"{CLAIM_BASE}_refunds_retry": DESK,
    f"{CLAIM_BASE}_mismatches_dismiss": DESK,
    "get_v1_parking_availability": PUBLIC,
    "get_v1_parking_quote": PUBLIC,
    "get_v1_parking_berths_berth_id_calendar": NOBODYS,
    f"get_{RESERVATIONS}": NOBODYS,
    f"get_{RESERVATIONS}_desk": NOBODYS,
    f"get_{ONE_RESERVATION}": of(RESERVATION, *reading_rights.DESK),
    f"post_{RESERVATIONS}": NOBODYS,
    f"post_{ONE_RESERVATION}_cancellation": of(RESERVATION, *DECIDERS),
    f"post_{ONE_RESERVATION}_settlement": of(RESERVATION, *DECIDERS),
    **{
        f"post_{ONE_RESERVATION}_{step}": of(RESERVATION)
        for step in ("confirmation", "move", "obstruction")
    },
}
