"""What somebody outside says of a case: it changes nothing."""

from datetime import datetime

from citybrain.domain.actor import Actor, Role
from citybrain.domain.inspection.case import InspectionCase, require_role
from citybrain.domain.inspection.case_events import CaseCommented
from citybrain.domain.times import CLOCK_TOLERANCE, TimeOutOfOrder, as_text, not_future

COMMENTERS = (Role.CITIZEN, Role.SYSTEM)


def comment(
    case: InspectionCase,
    actor: Actor,
    now: datetime,
    *,
    comment_id: str,
    stated: str | None = None,
    written_at: datetime | None = None,
) -> None:
    """Somebody outside says something of the case, wherever it stands."""
    require_role(actor, "commented on", COMMENTERS)
    written_at = now if written_at is None else not_future(written_at, now)
    if written_at < case.reported_at - CLOCK_TOLERANCE:
        raise TimeOutOfOrder("a comment lies before the report of its case")
    case.note(
        CaseCommented,
        now,
        author=actor.subject,
        comment_id=comment_id,
        stated=stated,
        written_at=as_text(written_at),
    )
