"""Where an application stands, and what that means for who may do what with it."""

from enum import StrEnum


class Status(StrEnum):
    """Where an application stands."""

    SUBMITTED = "submitted"
    IDENTIFIED = "identified"
    COLLECTING = "collecting"
    COLLECTED = "collected"
    REFERRED = "referred"
    APPROVED = "approved"
    REFUSED = "refused"
    PAYING = "paying"
    PAID = "paid"
    PAYOUT_FAILED = "payout-failed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


BEFORE_MONEY = {
    Status.SUBMITTED, Status.IDENTIFIED, Status.COLLECTING, Status.COLLECTED, Status.REFERRED,
    Status.APPROVED,
}  # fmt: skip
FOR_AN_OFFICER = {Status.REFERRED, Status.PAYOUT_FAILED}
ENDED = {Status.PAID, Status.WITHDRAWN, Status.EXPIRED, Status.REFUSED}
