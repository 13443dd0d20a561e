"""Receipts: which data of an applicant is processed, for what, by whom and on what ground.

In the terms of ISO/IEC TS 27560. An application is processed because the citizen asks for it
and a department's duty requires the records (PIPL art. 13(2), (3)); a face is processed by
separate consent (art. 29), which the citizen's stream holds.
"""

from typing import Any

from citybrain.domain.applications.application import Application
from commands.applications.application import item_of
from commands.services import Services

SCHEMA = "ISO/IEC TS 27560"
CONTROLLER = {"party_id": "citybrain", "party_name": "City Brain", "party_type": "pii_controller"}


def consent_receipt(application: Application, services: Services) -> dict[str, Any]:
    """The receipt of one application; nothing in it is personal but pseudonyms."""
    item = item_of(application, services)
    return {
        "schema_version": SCHEMA,
        "record_id": application.id,
        "pii_principal_id": application.citizen_id,
        "issued_at": application.created_on,
        "processing": {
            "service": item.code,
            "purpose": item.name_en,
            "purpose_local": item.name,
            "lawful_basis": "the citizen's request and a statutory duty (PIPL art. 13(2), (3))",
            "pii_information": [
                {"pii_type": "identity number", "pii_optional": False, "source": "citizen"},
                *(
                    {
                        "pii_type": field.label_en,
                        "pii_optional": not field.required,
                        "source": "citizen",
                    }
                    for field in item.form
                ),
                *(
                    {
                        "pii_type": material.label_en,
                        "pii_optional": False,
                        "source": material.department,
                    }
                    for material in item.materials
                ),
            ],
            "collection_method": "asked of departments in place of papers",
            "storage_conditions": "sealed with the citizen's own key",
            "automated_decision": bool(item.rules),
            "privacy_rights": ["explanation", "a person on request", "appeal", "access record"],
            "withdrawal_method": f"POST /v1/applications/{application.id}/withdrawal",
        },
        "parties": [
            CONTROLLER,
            {"party_id": item.department, "party_type": "decides"},
            *(
                {"party_id": department, "party_type": "delivers records"}
                for department in sorted({material.department for material in item.materials})
            ),
            *([{"party_id": "bank", "party_type": "pays"}] if item.payout else []),
        ],
        "events": [
            {
                "event_type": "requested",
                "event_time": application.created_on,
                "entity_id": application.citizen_id,
                "event_state": application.status,
            }
        ],
    }
