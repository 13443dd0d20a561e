"""What events say of money on its way to the bank and back, whatever system they are of.

A system that moves money lists its topics so, in its door. The events have `payment_id`,
`amount_fen` (a refusal need not), and once the bank has handled it `booked_at` or `settled_at`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Stage(StrEnum):
    """How far a payment is."""

    INSTRUCTED = "instructed"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    TAKEN = "taken"  # by the bank itself: nobody instructed it


@dataclass(frozen=True, slots=True)
class PaymentStep:
    """What an event of a topic says: how far a payment is, and which way the money goes."""

    stage: Stage
    kind: str


def booked_at(fields: Mapping[str, Any]) -> datetime | None:
    """When the bank handled it, by its receipt; None where that did not say.

    Its statement counts by the day that it booked it, which need not be that of the money.
    """
    at: datetime | None = fields.get("booked_at") or fields.get("settled_at")
    return at
