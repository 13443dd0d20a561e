"""Receipts of consents: who agreed to what text when, in the terms of ISO/IEC TS 27560."""

from typing import Any

from citybrain.definitions.citizens.agreements import Agreement

SCHEMA = "ISO/IEC TS 27560"
CONTROLLER = {"party_id": "citybrain", "party_name": "City Brain", "party_type": "pii_controller"}


def receipt_of(consent: dict[str, Any], agreement: Agreement | None) -> dict[str, Any]:
    """The claims of a receipt; `agreement` is None where its text is not among the definitions."""
    return {
        "schema_version": SCHEMA,
        "iss": "citybrain",
        "jti": consent["consent_id"],
        "record_id": consent["consent_id"],
        "pii_principal_id": consent["citizen_id"],
        "agreement": {
            "code": consent["agreement"],
            "sha256": consent["sha256"],
            "name": agreement and agreement.name,
            "name_en": agreement and agreement.name_en,
            "lawful_basis": agreement and agreement.lawful_basis,
            "valid_from": agreement and str(agreement.valid_from),
        },
        "parties": [CONTROLLER],
        "given_by": "guardian" if consent["guardian"] else "pii_principal",
        "given_at": consent["given_at"].isoformat(),
        "ended_at": consent["ended_at"] and consent["ended_at"].isoformat(),
    }
