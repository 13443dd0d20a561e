"""Officers decide: alone within what the rules computed and one may approve, else two together."""

from collections.abc import Sequence
from datetime import datetime

from citybrain.city_day import city_day
from citybrain.domain.actor import Actor
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.refusals import (
    BelowWhatWasPaid,
    NothingProposed,
    ProposalDiffers,
)
from citybrain.domain.applications.review_events import (
    ApplicationProposalTurnedBack,
    ApplicationReviewed,
    ApplicationReviewProposed,
    ApplicationReviewRefused,
    Proposal,
)
from citybrain.domain.applications.separation import check_may_decide
from citybrain.domain.applications.statuses import Status, waits_for_officer
from citybrain.domain.separation import Parts, Two, why_two

MOST_ATTEMPTS = 100
"""Refused attempts that are kept a day, each actor and rule once."""


def review(
    application: Application,
    actor: Actor,
    now: datetime,
    *,
    outcome: str,
    reasons: list[str],
    amount_fen: int | None,
    note_sealed: str,
    served: Parts,
    ceiling_fen: int | None = None,
    one_reviewer_fen: int = 0,
) -> None:
    """An officer of the department decides, or proposes where it takes two.

    `amount_fen` is what is paid in all: of what was paid before, only the rest is paid then.
    `served` are the subjects that registered, identified and enrolled the citizen. Nobody approves
    more than the item's ceiling. Raises `NotYourDepartment`, `NotApart`, `AmountAboveCeiling`.
    """
    application.check_before_officer(actor, now)
    check_may_decide(application, actor, served)
    amount_fen = _amount(application, outcome, amount_fen, ceiling_fen)
    said = {
        "outcome": outcome,
        "reasons": reasons,
        "amount_fen": amount_fen,
        "reviewer": actor.subject,
        "note_sealed": note_sealed,
    }
    because = _because(application, outcome, amount_fen, one_reviewer_fen)
    if because:
        application.note(ApplicationReviewProposed, now, because=list(because), **said)
    else:
        application.note(ApplicationReviewed, now, paid_fen=application.paid_fen, **said)


def confirm(
    application: Application,
    actor: Actor,
    now: datetime,
    *,
    amount_fen: int | None,
    note_sealed: str,
    served: Parts,
    ceiling_fen: int | None = None,
) -> None:
    """A second officer, who is apart as the first is, agrees to what was proposed.

    The amount is said once more: what has been proposed anew meanwhile is not agreed to.
    """
    proposal = _proposed(application, actor, served)
    if amount_fen != proposal["amount_fen"]:
        raise ProposalDiffers("another amount was proposed")
    amount_fen = _amount(application, proposal["outcome"], amount_fen, ceiling_fen)
    application.note(
        ApplicationReviewed,
        now,
        outcome=proposal["outcome"],
        reasons=proposal["reasons"],
        amount_fen=amount_fen,
        reviewer=proposal["reviewer"],
        second_reviewer=actor.subject,
        paid_fen=application.paid_fen,
        note_sealed=note_sealed,
    )


def turn_back(
    application: Application, actor: Actor, now: datetime, *, note_sealed: str, served: Parts
) -> None:
    """A second officer does not agree: it is decided anew."""
    _proposed(application, actor, served)
    application.note(
        ApplicationProposalTurnedBack, now, reviewer=actor.subject, note_sealed=note_sealed
    )


def note_refused(application: Application, actor: Actor, now: datetime, *, rule: str) -> None:
    """Keep who tried to decide who may not: each rule once a day, and not after the end."""
    waits = waits_for_officer(application.status, payout_delayed=False)
    today = str(city_day(max(now, application.modified_on)))
    known = application.attempts if application.attempts_on == today else []
    if waits and [actor.subject, rule] not in known and len(known) < MOST_ATTEMPTS:
        application.note(ApplicationReviewRefused, now, who=actor.subject, rule=rule)


def _because(
    application: Application, outcome: str, amount_fen: int | None, one_reviewer_fen: int
) -> Sequence[Two]:
    if outcome != Status.APPROVED or (amount_fen and amount_fen == application.paid_fen):
        return ()
    return why_two(
        amount_fen,
        computed_fen=application.computed_fen,
        limit_fen=one_reviewer_fen,
        overturns=application.ruled_out,
    )


def _amount(
    application: Application, outcome: str, amount_fen: int | None, ceiling_fen: int | None
) -> int | None:
    """What is paid in all, checked; of what was paid a review takes nothing back."""
    if application.paid_fen and (amount_fen or 0) < application.paid_fen:
        raise BelowWhatWasPaid("it was paid", paid_fen=application.paid_fen)
    return application.amount_of(outcome, amount_fen, ceiling_fen)


def _proposed(application: Application, actor: Actor, served: Parts) -> Proposal:
    application.check_officer(actor)
    proposal = application.proposal
    if application.status != Status.AWAITING_SECOND or proposal is None:
        raise NothingProposed("no second reviewer has to look at this now")
    check_may_decide(application, actor, served)
    return proposal
