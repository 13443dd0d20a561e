"""Where an application stands, and what that means: the only list of it.

Which event leads to which status is said in `application_events`.
"""

from enum import StrEnum


class Status(StrEnum):
    """Where an application stands."""

    SUBMITTED = "submitted"
    IDENTIFIED = "identified"
    COLLECTING = "collecting"
    COLLECTED = "collected"
    REFERRED = "referred"
    AWAITING_SECOND = "awaiting-second-reviewer"
    SENT_BACK = "sent-back"
    APPROVED = "approved"
    REFUSED = "refused"
    PAYING = "paying"
    PAID = "paid"
    PAYOUT_FAILED = "payout-failed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


BEFORE_MONEY = {
    Status.SUBMITTED,
    Status.IDENTIFIED,
    Status.COLLECTING,
    Status.COLLECTED,
    Status.REFERRED,
    Status.AWAITING_SECOND,
    Status.SENT_BACK,
    Status.APPROVED,
}
"""In which no money is on its way yet."""

WITHDRAWABLE = BEFORE_MONEY | {Status.PAYOUT_FAILED}
"""In which an application can be withdrawn: no money has moved, nor can it."""

MOVING = {Status.IDENTIFIED, Status.COLLECTING, Status.COLLECTED, Status.APPROVED}
"""In which the next step needs nobody."""

FOR_AN_OFFICER = {Status.REFERRED, Status.PAYOUT_FAILED}
"""In which an officer decides."""

FOR_A_SECOND = {Status.AWAITING_SECOND}
"""In which another officer confirms what a first one proposed, or turns it back."""

HAS_CLAIMS = {Status.APPROVED, Status.PAYING, Status.PAID, Status.PAYOUT_FAILED}
"""In which something may be claimed by it: a payment is prepared, made, or being undone."""

FINAL = {Status.WITHDRAWN, Status.EXPIRED}
"""From which nothing goes on."""

ENDED = FINAL | {Status.REFUSED, Status.PAID}
"""In which it is over; a decision can be appealed."""


def takes_documents(status: str, *, pays: bool) -> bool:
    """Whether documents can be added: nothing has been decided for good, nor is money moving."""
    return status in BEFORE_MONEY | FOR_AN_OFFICER and not has_ended(status, pays=pays)


def ended_well(status: str, *, pays: bool) -> bool:
    """Whether the applicant has what they applied for: the money, or an approval without any."""
    return status == Status.PAID or (status == Status.APPROVED and not pays)


def has_ended(status: str, *, pays: bool) -> bool:
    """Whether it is over; an approval that pays nothing is an end, too."""
    return status in ENDED or ended_well(status, pays=pays)


def waits_for_officer(status: str, *, payout_delayed: bool, unanswered: bool = False) -> bool:
    """Whether an officer has to look: to decide, alone or second, to answer, or a late payout."""
    waits = status in FOR_AN_OFFICER | FOR_A_SECOND
    return waits or payout_delayed or (unanswered and status not in FINAL | {Status.PAID})
