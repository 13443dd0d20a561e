"""What whoever reported a case is told of it: that it is open or closed, a note, and one word.

The words are those of Open311's updates that its large clients read alike: OPEN, INVESTIGATING,
IN_PROGRESS and ACTION_SCHEDULED for what is open; FIXED, NO_FURTHER_ACTION and DUPLICATE for what
is closed. (To them INTERNAL_REFERRAL is closed and REOPEN is unknown.) An event that leads to a
status is told though it has no words of its own here.
https://github.com/mysociety/fixmystreet/wiki/Open311-FMS---Proposed-differences-to-Open311
"""

from datetime import datetime
from typing import NamedTuple

from citybrain.city_day import CITY_ZONE
from citybrain.domain.inspection import approval_events as approvals
from citybrain.domain.inspection import case_events as way
from citybrain.domain.inspection import daily_events as daily
from citybrain.domain.inspection import merging_events as merging
from citybrain.domain.inspection.alarm_events import CaseDeadlineMissed, CaseDeadlineWarned
from citybrain.domain.inspection.deadlines import expected_end
from citybrain.domain.inspection.standing import Data, Folded, Standing
from citybrain.domain.inspection.statuses import is_over
from citybrain.domain.times import moment

OPEN, CLOSED = "open", "closed"


class Shown(NamedTuple):
    """How a case is shown to whoever reported it."""

    status: str
    note: str
    word: str


# A note and a word for each event that has some of its own.
TOLD: dict[type[Folded], tuple[str, str]] = {
    way.CaseReported: ("Received.", "OPEN"),
    way.CaseFiled: ("Filed as a case.", "OPEN"),
    way.CaseDispatched: ("Sent to the departments that handle it.", "INVESTIGATING"),
    way.CaseAccepted: ("A department has taken it on.", "IN_PROGRESS"),
    way.CaseDecided: ("It is settled what will be done.", "ACTION_SCHEDULED"),
    way.CaseHandled: ("Reported as solved; the centre checks it.", "IN_PROGRESS"),
    way.CaseReturned: ("Checked and not solved: it is handled again.", "IN_PROGRESS"),
    way.CaseVerified: ("Checked and solved.", "IN_PROGRESS"),
    way.CaseClosed: ("Closed.", "FIXED"),
    way.CaseReopened: ("The problem is there again: it is handled again.", "IN_PROGRESS"),
    approvals.CaseExtended: ("It takes longer than planned.", "IN_PROGRESS"),
    approvals.CaseHandedBack: (
        "It went to the wrong department and is sent to another.",
        "INVESTIGATING",
    ),
    approvals.CaseVoided: ("Closed without action.", "NO_FURTHER_ACTION"),
}
WAITS_FOR_A_PLACE = "Received; it waits until a person has found where it is."
LAID_OVER: frozenset[type[Folded]] = frozenset(
    {merging.CaseMerged, merging.CaseUnmerged, approvals.CaseDeferred, approvals.CaseResumed}
)
"""These are told, and below them the case stands as it did: they may be taken away again."""

SILENT: frozenset[type[Folded]] = frozenset(
    {
        merging.CaseDetectionMerged,
        merging.CaseDetectionSeparated,
        merging.CaseAbsorbed,
        merging.CaseReleased,
        approvals.CaseChangeRequested,
        approvals.CaseChangeDenied,
        CaseDeadlineWarned,
        CaseDeadlineMissed,
        way.CaseCommented,
        daily.CasePrioritised,
        daily.CaseAssetNamed,
        daily.CaseAssigned,
        daily.CaseCheckOrdered,
        daily.CaseChecked,
        daily.CaseRated,
        daily.CaseSubscribed,
    }
)
"""These change neither how a case is shown nor its deadlines."""


def told_of(event: type[Folded], standing: Standing, data: Data, before: Shown) -> Shown | None:
    """How a case that stands so is shown after an event by its steps; None where nobody is told."""
    if event in LAID_OVER:
        return before
    reached = event.reached(standing, data)
    if reached is None and (event not in TOLD or event.leads_to is not None):
        return None
    status = before.status if reached is None else CLOSED if is_over(reached) else OPEN
    note, word = TOLD.get(event) or (f"It is {reached}.", "CLOSED" if status == CLOSED else "OPEN")
    if event is way.CaseReported and data["latitude"] is None:
        note = WAITS_FOR_A_PLACE
    note = data.get("public_answer") or note
    return Shown(status, note, word)


def laid_over(shown: Shown, standing: Standing) -> Shown:
    """What a merge or a deferral makes of how a case is shown; a merge goes before a deferral."""
    if standing.merged_into:
        note = f"The same problem was reported before; it goes on as {standing.merged_into}."
        return Shown(CLOSED, note, "DUPLICATE")
    if standing.deferred_until and shown.status == OPEN:
        until = moment(standing.deferred_until).astimezone(CITY_ZONE)
        note = f"Nothing can be done for now; it goes on by {until:%Y-%m-%d %H:%M}."
        return Shown(shown.status, note, "ACTION_SCHEDULED")
    return shown


def expected_at(shown: Shown, standing: Standing) -> datetime | None:
    """By when it is expected to be over; not where it is, or its deadlines stand still."""
    if shown.status == CLOSED or standing.deferred_until:
        return None
    return expected_end(standing.deadlines)
