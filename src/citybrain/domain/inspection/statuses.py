"""Where a case may stand, and what of that is open or over: the one list of statuses."""

from enum import StrEnum


class CaseStatus(StrEnum):
    """Where a case stands."""

    REPORTED = "reported"
    FILED = "filed"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    HANDLED = "handled"
    RETURNED = "returned"
    REOPENED = "reopened"
    VERIFIED = "verified"
    CLOSED = "closed"
    VOIDED = "voided"
    MERGED = "merged"


UNFILED = (CaseStatus.REPORTED, CaseStatus.FILED)
AT_WORK = (CaseStatus.ACCEPTED, CaseStatus.RETURNED, CaseStatus.REOPENED)
WITH_DEPARTMENTS = (CaseStatus.DISPATCHED, *AT_WORK)
BEING_CHECKED = (CaseStatus.HANDLED, CaseStatus.VERIFIED)
UNSOLVED = (*UNFILED, *WITH_DEPARTMENTS)
OPEN = (*UNSOLVED, *BEING_CHECKED)
OVER = frozenset({CaseStatus.CLOSED, CaseStatus.VOIDED, CaseStatus.MERGED})


def is_over(status: str) -> bool:
    """Whether nothing is to be done any more."""
    return status in OVER
