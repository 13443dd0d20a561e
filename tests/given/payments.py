"""Payments that a decision allows."""

from citybrain.domain.authorisation import Authorised
from citybrain.domain.money import Fen

DECISION = "ab" * 32


def allowed(reference: str, amount_fen: int, decision_sha256: str = DECISION) -> Authorised:
    """What a decision allows: this reference, this amount."""
    return Authorised(reference, Fen(amount_fen), decision_sha256)
