"""The door to parking: what other systems look at."""

from citybrain.domain.parking.claim_events import PAYMENT_STEPS

__all__ = ["PAYMENT_STEPS"]
