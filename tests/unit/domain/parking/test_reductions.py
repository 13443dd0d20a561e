"""Less is owed than was claimed: corrections by rule, refunds and write-offs by one or two."""

from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.money import Fen
from citybrain.domain.parking import payment, reductions
from citybrain.domain.parking.claim import Claim, ClaimStatus
from citybrain.domain.parking.claim_events import Channel, Reduction
from citybrain.domain.parking.payment import MoreThanOwed, Next, NothingOwed, Step
from citybrain.domain.parking.reductions import (
    MoreThanPaid,
    NeverRaised,
    ReductionNotFound,
    ReductionUnderWay,
    correct,
)
from citybrain.domain.separation import NotApart
from tests.given.parking.claims import (
    CITIZEN,
    DECISION,
    LIMITS,
    NOW,
    OFFICIAL,
    PARKING,
    SAID,
    SECOND,
    SUPERVISOR,
    asked,
    captured,
    claim,
    misfit,
    paid,
)
from tests.given.streams import events_of, topics


def propose(
    owed: Claim, kind: Reduction, by_fen: int, actor: Actor = OFFICIAL, proposal_id: str = "p"
) -> None:
    reductions.propose(
        owed,
        actor,
        NOW,
        proposal_id=proposal_id,
        kind=kind,
        by_fen=Fen(by_fen),
        reason="double-charge",
        limits=LIMITS,
    )


def approve(owed: Claim, actor: Actor) -> None:
    reductions.approve(owed, actor, NOW, proposal_id="p", limits=LIMITS)


def waiting(by_fen: int = 10_001) -> Claim:
    owed, _ = paid(20_000)
    propose(owed, Reduction.REFUND, by_fen)
    return owed


def back_fen(owed: Claim) -> int:
    return sum(refund["amount_fen"] for refund in owed.refunds.values())


def test_a_correction_gives_back_what_was_paid_beyond_it() -> None:
    owed, _ = paid(600)
    correct(owed, NOW, to_fen=400, reason="late-evidence", decision_sha256="ef" * 32)
    assert (owed.open_fen, owed.paid_fen, back_fen(owed)) == (0, 400, 200)
    assert owed.status is ClaimStatus.SETTLED
    reduced = events_of(owed)[-2]
    assert (reduced.kind, reduced.by_fen, reduced.decided_by) == ("correction", 200, [])


def test_a_claim_is_never_raised() -> None:
    owed, _ = paid(600)
    for to_fen in (601, -1):
        with pytest.raises(NeverRaised):
            correct(owed, NOW, to_fen=to_fen, reason="x", decision_sha256=DECISION)
    count = len(events_of(owed))
    correct(owed, NOW, to_fen=600, reason="x", decision_sha256=DECISION)
    assert len(events_of(owed)) == count


def test_a_debit_under_way_of_more_than_is_owed_is_cancelled() -> None:
    owed = claim(600)
    debit = asked(owed, Channel.DEBIT)
    correct(owed, NOW, to_fen=400, reason="permit", decision_sha256=DECISION)
    assert payment.next_step(owed) == Next(Step.CANCEL, debit, "less-owed")
    correct(owed, NOW, to_fen=0, reason="permit", decision_sha256=DECISION)
    assert payment.next_step(owed) == Next(Step.CANCEL, debit, "nothing-owed")
    assert owed.status is ClaimStatus.ENDED


def test_what_settles_a_claim_is_said_where_the_rest_is_written_off() -> None:
    owed = claim(800)
    captured(owed, asked(owed, amount_fen=600))
    propose(owed, Reduction.WRITE_OFF, 200, SUPERVISOR)
    assert (owed.status, owed.settled, back_fen(owed)) == (ClaimStatus.SETTLED, True, 0)
    late = claim(600)
    first = asked(late)
    propose(late, Reduction.WRITE_OFF, 600, SUPERVISOR)
    captured(late, first)  # what was written off is not taken after all
    assert (late.status, late.settled, back_fen(late)) == (ClaimStatus.ENDED, False, 600)


def test_one_person_gives_back_within_the_limit() -> None:
    owed, _ = paid(20_000)
    propose(owed, Reduction.REFUND, 10_000)
    assert (back_fen(owed), owed.proposals) == (10_000, {})
    reduced = events_of(owed)[-2]
    assert (reduced.decided_by, reduced.definition) == (["official-1"], LIMITS.version)


def test_two_people_give_back_more_than_the_limit() -> None:
    owed = waiting()
    assert back_fen(owed) == 0
    proposed = events_of(owed)[-1]
    assert (proposed.why_two, proposed.definition) == (["above-one-reviewer"], LIMITS.version)
    approve(owed, SUPERVISOR)
    assert back_fen(owed) == 10_001
    assert events_of(owed)[-2].decided_by == ["official-1", "supervisor-1"]
    with pytest.raises(ReductionNotFound):
        approve(owed, SECOND)


def test_nobody_agrees_with_themselves() -> None:
    owed, _ = paid(20_000)
    propose(owed, Reduction.REFUND, 10_001, SUPERVISOR)
    with pytest.raises(NotApart):
        approve(owed, SUPERVISOR)
    both = Actor("supervisor-1", frozenset(Role), department=PARKING)
    with pytest.raises(NotApart):
        approve(owed, both)
    approve(owed, SECOND)


def test_a_sum_above_the_limit_is_not_cut_into_pieces() -> None:
    owed, _ = paid(20_000)
    propose(owed, Reduction.REFUND, 6_000)
    propose(owed, Reduction.REFUND, 4_001)
    assert (back_fen(owed), len(owed.proposals)) == (6_000, 1)


def test_what_was_denied_is_not_given_back() -> None:
    owed = waiting()
    with pytest.raises(RoleNotAllowed):
        reductions.deny(owed, OFFICIAL, NOW, proposal_id="p", reason="unfounded", limits=LIMITS)
    reductions.deny(owed, SUPERVISOR, NOW, proposal_id="p", reason="unfounded", limits=LIMITS)
    assert (back_fen(owed), owed.proposals) == (0, {})
    assert topics(owed)[-1] == "parking.reduction_denied"


def test_one_thing_waits_for_a_second_person_at_a_time() -> None:
    with pytest.raises(ReductionUnderWay):
        propose(waiting(), Reduction.REFUND, 1)


def test_what_changed_meanwhile_is_not_given_back_twice() -> None:
    owed = waiting(20_000)
    correct(owed, NOW, to_fen=0, reason="permit", decision_sha256=DECISION)
    with pytest.raises(MoreThanPaid):
        approve(owed, SUPERVISOR)
    assert back_fen(owed) == 20_000


@pytest.mark.parametrize(
    ("actor", "kind"),
    [
        (OFFICIAL, Reduction.WRITE_OFF),
        (OFFICIAL, Reduction.CORRECTION),
        (Actor("o", frozenset({Role.OFFICIAL}), department="tax"), Reduction.REFUND),
        (Actor("s", frozenset({Role.SUPERVISOR})), Reduction.WRITE_OFF),
        (Actor("k", frozenset({Role.KIOSK}), department=PARKING), Reduction.REFUND),
        (Actor("c", frozenset({Role.CITIZEN}), department=PARKING), Reduction.REFUND),
    ],
)
def test_who_may_not_reduce_a_claim_does_not(actor: Actor, kind: Reduction) -> None:
    owed, _ = paid(600)
    with pytest.raises(RoleNotAllowed):
        propose(owed, kind, 100, actor)
    assert owed.amount_fen == 600


def test_nobody_decides_on_their_own_claim() -> None:
    owed, _ = paid(600)
    with pytest.raises(NotApart):
        propose(owed, Reduction.REFUND, 100, Actor(CITIZEN, OFFICIAL.roles, department=PARKING))


def test_amounts_that_are_not_there_are_refused() -> None:
    owed, _ = paid(600)
    with pytest.raises(MoreThanPaid):
        propose(owed, Reduction.REFUND, 601)
    with pytest.raises(MoreThanOwed):
        propose(owed, Reduction.WRITE_OFF, 1, SUPERVISOR)
    unpaid = claim(600)
    with pytest.raises(MoreThanPaid):
        propose(unpaid, Reduction.REFUND, 100)
    with pytest.raises(MoreThanOwed):
        propose(unpaid, Reduction.WRITE_OFF, 601, SUPERVISOR)


def test_an_officer_lets_collection_go_on_after_a_mismatch() -> None:
    owed = claim(600)
    first = asked(owed)
    misfit(owed, first)
    fields: dict[str, Any] = {"payment_id": first, "reason": "another-city", "limits": LIMITS}
    reductions.dismiss_mismatch(owed, OFFICIAL, NOW, **fields)
    assert owed.may_be_collected
    count = len(events_of(owed))
    reductions.dismiss_mismatch(owed, OFFICIAL, NOW, **fields)
    assert len(events_of(owed)) == count
    misfit(owed, first, message_id="message-2")
    assert owed.held


def test_a_refund_that_failed_is_tried_again_by_an_officer() -> None:
    owed, _ = paid(600)
    propose(owed, Reduction.REFUND, 600)
    (refund_id,) = owed.refunds
    with pytest.raises(NothingOwed):
        reductions.refund_again(owed, OFFICIAL, NOW, refund_id=refund_id, limits=LIMITS)
    payment.fail_refund(
        owed, NOW, refund_id=refund_id, reason="account-closed", booked_at=None, evidence=SAID
    )
    reductions.refund_again(owed, OFFICIAL, NOW, refund_id=refund_id, limits=LIMITS)
    step = payment.next_step(owed)
    assert step is not None
    assert (step.step, step.payment_id == refund_id) == (Step.REFUND, False)


def test_collection_stands_still_and_goes_on() -> None:
    owed = claim(600)
    for _ in range(2):
        reductions.suspend(owed, NOW, reason="disputed")
    assert owed.suspended_for == "disputed"
    for _ in range(2):
        reductions.resume(owed, NOW)
    assert owed.may_be_collected
    assert topics(owed)[1:] == ["parking.claim_suspended", "parking.claim_resumed"]
