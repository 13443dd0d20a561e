"""Less is owed than was claimed: a correction by rule, a refund or a write-off by people.

What was paid beyond that goes back by itself. A claim is never raised: who owes more gets another
one. Above a limit, over all that one person has decided alone on a claim, two people decide; nobody
decides on their own.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.money import Fen
from citybrain.domain.parking import claim_events as events
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.claim_events import Proposal, Reduction
from citybrain.domain.parking.payment import (
    MoreThanOwed,
    conclude,
    payment_in,
    request_refund_again,
)
from citybrain.domain.separation import check_apart, why_two
from citybrain.errors import NotFound, Refused

DECIDERS = {
    Reduction.REFUND: (Role.OFFICIAL, Role.SUPERVISOR),
    Reduction.WRITE_OFF: (Role.SUPERVISOR,),
}
"""Who may ask for a reduction, of a department that looks after parking; what needs two people a
supervisor approves."""


class Part(StrEnum):
    """A part that somebody had: the rule that a refusal names."""

    OWN_CASE = "own-case"
    PROPOSED = "proposed-it"


class NeverRaised(Refused):
    """A claim is reduced and never raised."""

    code = "claim-never-raised"


class MoreThanPaid(Refused):
    """More would be given back than was paid, or of a claim that is not paid yet."""

    code = "more-than-paid"


class ReductionUnderWay(Refused):
    """A refund or write-off of this claim waits for its second person."""

    code = "reduction-under-way"


class ReductionNotFound(NotFound):
    """There is no such refund or write-off that waits for somebody."""

    code = "reduction-not-found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one person may decide alone, by the definition of this version."""

    refund_fen: int
    write_off_fen: int
    departments: tuple[str, ...]
    version: str

    def alone_fen(self, kind: Reduction) -> int:
        """The limit for a kind."""
        return self.write_off_fen if kind is Reduction.WRITE_OFF else self.refund_fen


def correct(claim: Claim, now: datetime, *, to_fen: int, reason: str, decision_sha256: str) -> None:
    """By a new decision (a corrected plate, a permit, late evidence) less is owed; none where 0.

    Raises `NeverRaised`.
    """
    if to_fen > claim.amount_fen or to_fen < 0:
        raise NeverRaised("a claim is never raised: what is owed beyond it is another one")
    if to_fen < claim.amount_fen:
        _reduce(
            claim,
            now,
            Reduction.CORRECTION,
            claim.amount_fen - to_fen,
            reason,
            decision_sha256=decision_sha256,
        )


def propose(
    claim: Claim,
    actor: Actor,
    now: datetime,
    *,
    proposal_id: str,
    kind: Reduction,
    by_fen: Fen,
    reason: str,
    limits: Limits,
) -> None:
    """Give back or write off so much: at once within the limit, else once somebody else agrees.

    Raises `RoleNotAllowed`, `NotApart`, `MoreThanPaid`, `MoreThanOwed`, `ReductionUnderWay`.
    """
    _check_may(claim, actor, DECIDERS.get(kind, ()), limits.departments)
    if claim.proposals:
        raise ReductionUnderWay("a refund or write-off of this claim waits for a second person")
    _check_amount(claim, kind, by_fen)
    alone = claim.reduced_alone_fen + by_fen
    reasons = why_two(alone, computed_fen=alone, limit_fen=limits.alone_fen(kind), overturns=False)
    if not reasons:
        _reduce(
            claim, now, kind, by_fen, reason, decided_by=[actor.subject], definition=limits.version
        )
        return
    claim.note(
        events.ReductionProposed,
        now,
        proposal_id=proposal_id,
        kind=kind.value,
        by_fen=int(by_fen),
        reason=reason,
        proposed_by=actor.subject,
        why_two=[each.value for each in reasons],
        definition=limits.version,
    )


def approve(claim: Claim, actor: Actor, now: datetime, *, proposal_id: str, limits: Limits) -> None:
    """Somebody else agrees: it is done, where the claim still allows it."""
    proposal = _to_settle(claim, actor, proposal_id, limits.departments)
    kind, by_fen = Reduction(proposal["kind"]), Fen(proposal["by_fen"])
    _check_amount(claim, kind, by_fen)
    _reduce(
        claim,
        now,
        kind,
        by_fen,
        proposal["reason"],
        decided_by=[proposal["proposed_by"], actor.subject],
        definition=limits.version,
        proposal_id=proposal_id,
    )


def deny(
    claim: Claim, actor: Actor, now: datetime, *, proposal_id: str, reason: str, limits: Limits
) -> None:
    """Somebody else does not agree."""
    _to_settle(claim, actor, proposal_id, limits.departments)
    fields = {"proposal_id": proposal_id, "denied_by": actor.subject, "reason": reason}
    claim.note(events.ReductionDenied, now, **fields)


def _to_settle(
    claim: Claim, actor: Actor, proposal_id: str, departments: Collection[str]
) -> Proposal:
    _check_may(claim, actor, (Role.SUPERVISOR,), departments)
    proposal = claim.proposals.get(proposal_id)
    if proposal is None:
        raise ReductionNotFound("nothing of this id waits for somebody")
    check_apart(actor, {Part.PROPOSED: [proposal["proposed_by"]]})
    return proposal


def _check_may(
    claim: Claim, actor: Actor, roles: Sequence[Role], departments: Collection[str]
) -> None:
    if not actor.has(*roles) or actor.department not in departments:
        raise RoleNotAllowed("this is decided by officers of the department of parking")
    check_apart(actor, {Part.OWN_CASE: [] if claim.citizen_id is None else [claim.citizen_id]})


def _check_amount(claim: Claim, kind: Reduction, by_fen: Fen) -> None:
    if kind is Reduction.WRITE_OFF and by_fen > claim.open_fen:
        raise MoreThanOwed(f"{claim.open_fen} fen are open", open_fen=claim.open_fen)
    if kind is Reduction.REFUND and (claim.open_fen or by_fen > claim.paid_fen):
        raise MoreThanPaid(f"{claim.paid_fen} fen were paid", paid_fen=claim.paid_fen)


def _reduce(
    claim: Claim,
    now: datetime,
    kind: Reduction,
    by_fen: int,
    reason: str,
    *,
    decision_sha256: str | None = None,
    decided_by: Sequence[str] = (),
    definition: str | None = None,
    proposal_id: str | None = None,
) -> None:
    claim.note(
        events.ClaimReduced,
        now,
        kind=kind.value,
        amount_fen=claim.amount_fen - by_fen,
        by_fen=int(by_fen),
        reason=reason,
        decision_sha256=decision_sha256,
        decided_by=list(decided_by),
        definition=definition,
        proposal_id=proposal_id,
    )
    conclude(claim, now)


def dismiss_mismatch(
    claim: Claim, actor: Actor, now: datetime, *, payment_id: str, reason: str, limits: Limits
) -> None:
    """An officer found out what messages that did not fit were about: collection goes on."""
    _check_may(claim, actor, DECIDERS[Reduction.REFUND], limits.departments)
    payment = payment_in(claim, payment_id)
    if set(payment["mismatches"]) - set(claim.dismissed):
        fields = {"payment_id": payment_id, "dismissed_by": actor.subject, "reason": reason}
        claim.note(events.MismatchDismissed, now, **fields)


def refund_again(
    claim: Claim, actor: Actor, now: datetime, *, refund_id: str, limits: Limits
) -> None:
    """An officer lets a refund that failed be tried once more."""
    _check_may(claim, actor, DECIDERS[Reduction.REFUND], limits.departments)
    request_refund_again(claim, now, refund_id=refund_id)


# --- collection stands still ----------------------------------------------------------------


def suspend(claim: Claim, now: datetime, *, reason: str) -> None:
    """Nobody is reminded and nothing is debited by itself, until it is resumed."""
    if claim.suspended_for is None:
        claim.note(events.ClaimSuspended, now, reason=reason)


def resume(claim: Claim, now: datetime) -> None:
    """Collection goes on."""
    if claim.suspended_for is not None:
        claim.note(events.ClaimResumed, now)
