"""The door to applications: the money that they move."""

from citybrain.domain.applications.application_events import PAYMENT_STEPS

__all__ = ["PAYMENT_STEPS"]
