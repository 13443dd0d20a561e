"""To whose data the operations on citizens reach.

A clerk's own is whom they have identified for it; a supervisor's record is one with a correction
that waits. What identifies somebody comes before that: kiosks and clerks ask it of anybody.
"""

from citybrain.domain.actor import Role
from citybrain.http.reach import NOBODYS, PUBLIC, Rows, of

OWN = of("the citizen")
IDENTIFYING = of("the citizen", Role.CLERK, Role.KIOSK)

REACH: Rows = {
    "post_v1_citizens": NOBODYS,
    "post_v1_citizens_search": NOBODYS,
    "get_v1_citizens_citizen_id": OWN,
    "post_v1_citizens_citizen_id_documents": OWN,
    "post_v1_citizens_citizen_id_face_consent": OWN,
    "post_v1_citizens_citizen_id_face_consent_withdrawal": OWN,
    "post_v1_citizens_citizen_id_face_challenges": IDENTIFYING,
    "post_v1_citizens_citizen_id_face_enrolment": OWN,
    "post_v1_citizens_citizen_id_face_enrolment_approval": of("the citizen", Role.SUPERVISOR),
    "post_v1_citizens_citizen_id_face_verification": IDENTIFYING,
    "post_v1_citizens_citizen_id_face_duplicates_resolution": NOBODYS,
    "get_v1_statistics_identity": NOBODYS,
    "get_v1_faces_duplicates": NOBODYS,
    "post_v1_citizens_citizen_id_identity_codes": IDENTIFYING,
    "post_v1_citizens_citizen_id_identity_confirmation": of("the citizen", Role.CLERK),
    "post_v1_citizens_citizen_id_face_revocation": OWN,
    "post_v1_faces_identification": NOBODYS,
    "get_v1_citizens_citizen_id_record": OWN,
    "post_v1_citizens_citizen_id_name": OWN,
    "post_v1_citizens_citizen_id_phone": OWN,
    "post_v1_citizens_citizen_id_passcode": OWN,
    "post_v1_citizens_citizen_id_identity_proof": of("the citizen", Role.KIOSK),
    "post_v1_citizens_citizen_id_corrections": of("the citizen", Role.CLERK),
    "post_v1_citizens_citizen_id_corrections_settlement": of(
        "the citizen", Role.CLERK, Role.SUPERVISOR
    ),
    "get_v1_citizens_citizen_id_accesses": of("the citizen", Role.AUDITOR),
    "get_v1_agreements": PUBLIC,
    "get_v1_agreements_code_sha256": PUBLIC,
    "get_v1_citizens_citizen_id_consents": of("the citizen", Role.AUDITOR),
    "get_v1_citizens_citizen_id_consents_consent_id_receipt": of("the citizen", Role.AUDITOR),
    "post_v1_citizens_citizen_id_consents_withdrawal": OWN,
    "get_v1_consents_consent_id": PUBLIC,
}
