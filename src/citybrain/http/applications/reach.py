"""To whose data the operations on applications reach.

One's own is a citizen's application or draft; a kiosk's and a clerk's what they hold, a clerk's of
whom they have identified for it; an official's what their department decides. Kiosks and clerks
take over what they do not hold yet: of whom they have identified.
"""

from citybrain.domain.actor import Role
from citybrain.http.reach import NOBODYS, PUBLIC, Rows, of

APPLICATION, DRAFT = "the application", "the draft"
OWN, AUDITED = of(APPLICATION), of(APPLICATION, Role.AUDITOR)
REVIEW = of(APPLICATION, never=(Role.CLERK, Role.OPERATOR, Role.SUPERVISOR))
FIGURES = of("the department", Role.SUPERVISOR, Role.AUDITOR)
BASE = "v1_applications_application_id"

REACH: Rows = {
    "get_v1_applications": of("the applicant, or the department", Role.AUDITOR),
    "get_v1_applications_queue": of("the department", Role.AUDITOR),
    f"get_{BASE}": AUDITED,
    f"get_{BASE}_live": AUDITED,
    "get_v1_statistics_applications": FIGURES,
    "get_v1_statistics_sources": FIGURES,
    "get_v1_statistics_refusals": FIGURES,
    "post_v1_applications": of("the applicant", Role.KIOSK),
    f"post_{BASE}_withdrawal": OWN,
    f"post_{BASE}_appeal": OWN,
    f"post_{BASE}_takeover": of(APPLICATION, Role.KIOSK),
    f"post_{BASE}_evidence": OWN,
    f"post_{BASE}_certificate": OWN,
    f"get_{BASE}_certificate": AUDITED,
    f"get_{BASE}_certificate_page": AUDITED,
    "get_v1_certificates_keys": PUBLIC,
    "get_v1_certificates_certificate_id": PUBLIC,
    f"post_{BASE}_correction": OWN,
    f"post_{BASE}_resubmission": OWN,
    f"post_{BASE}_documents": OWN,
    f"get_{BASE}_documents": AUDITED,
    f"get_{BASE}_documents_document_id": AUDITED,
    "post_v1_drafts": of("the applicant", Role.KIOSK),
    "get_v1_drafts": NOBODYS,
    "get_v1_drafts_draft_id": of(DRAFT),
    "post_v1_drafts_draft_id_content": of(DRAFT),
    "post_v1_drafts_draft_id_continuation": of(DRAFT, Role.KIOSK),
    "post_v1_drafts_draft_id_submission": of(DRAFT),
    "post_v1_drafts_draft_id_discarding": of(DRAFT),
    f"post_{BASE}_messages": OWN,
    f"get_{BASE}_messages": AUDITED,
    f"post_{BASE}_task": OWN,
    f"post_{BASE}_task_release": OWN,
    f"post_{BASE}_review": REVIEW,
    f"post_{BASE}_review_confirmation": REVIEW,
    f"post_{BASE}_review_turning_back": REVIEW,
    f"get_{BASE}_statements": AUDITED,
    f"get_{BASE}_explanation": AUDITED,
    f"post_{BASE}_opening": AUDITED,
    f"get_{BASE}_consent_receipt": AUDITED,
    "get_v1_services": PUBLIC,
    "get_v1_services_code": PUBLIC,
    "get_v1_services_code_reminder": PUBLIC,
}
