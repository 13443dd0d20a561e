"""Reviews: who may not decide, what takes two, and what is kept of who tried."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications import reviewing
from citybrain.domain.applications.application import Application, Channel
from citybrain.domain.applications.refusals import (
    NothingProposed,
    NotReferred,
    NotYourDepartment,
    ProposalDiffers,
    SameReviewer,
)
from citybrain.domain.applications.review_events import ApplicationReviewed
from citybrain.domain.applications.separation import Part
from citybrain.domain.applications.statuses import Status
from citybrain.domain.money import AmountAboveCeiling
from citybrain.domain.separation import NotApart
from citybrain.errors import CitybrainError
from tests.given.applications import (
    ANNA,
    CLERK,
    FUND,
    LIVES,
    NOW,
    OTHER_FUND,
    POLICE,
    REQUESTS,
    THIRD_FUND,
    appeal,
    at,
    collect,
    confirm_review,
    decide,
    refuse,
    review,
    submitted,
)
from tests.given.streams import events_of, topics

OPERATOR = Actor("operator-1", frozenset({Role.OPERATOR}))
ANNA_TOO = replace(ANNA, roles=frozenset({Role.CITIZEN, Role.OFFICIAL}), department="housing-fund")


def turn_back(application: Application, actor: Actor = OTHER_FUND) -> None:
    reviewing.turn_back(application, actor, NOW, note_sealed="sealed", served={})


def served_by(part: Part, actor: Actor) -> dict[str, Any]:
    return {"served": {part: {actor.subject}}}


def test_one_officer_decides_within_what_the_rules_computed() -> None:
    application = at(Status.REFERRED)
    review(application)
    assert topics(application) == ["application.reviewed"]
    assert (application.status, application.amount_fen) == (Status.APPROVED, 100)


def test_a_refusal_takes_one_officer() -> None:
    application = at(Status.REFERRED)
    refuse(application)
    assert application.status == Status.REFUSED


@pytest.mark.parametrize(
    ("start", "fields", "because"),
    [
        (Status.REFERRED, {"amount_fen": 101}, ["above-computed"]),
        (Status.REFERRED, {"one_reviewer_fen": 99}, ["above-one-reviewer"]),
        (Status.PAYOUT_FAILED, {"amount_fen": 101}, ["above-computed"]),
    ],
)
def test_more_than_that_waits_for_a_second_officer(
    start: Status, fields: dict[str, Any], because: list[str]
) -> None:
    application = at(start)
    review(application, **fields)
    (proposed,) = events_of(application)
    assert (proposed.TOPIC, vars(proposed)["because"]) == ("application.review_proposed", because)
    assert application.status == Status.AWAITING_SECOND
    confirm_review(application, OTHER_FUND, fields.get("amount_fen", 100))
    assert application.status == Status.APPROVED
    assert application.deciders == [FUND.subject, OTHER_FUND.subject]


@pytest.mark.parametrize("pays", [True, False])
def test_an_approval_against_the_rules_waits_for_a_second_officer(pays: bool) -> None:
    application = at(Status.REFUSED, pays=pays)
    appeal(application)
    review(application)
    assert application.status == Status.AWAITING_SECOND
    confirm_review(application, amount_fen=100 if pays else None)
    assert application.status == Status.APPROVED


def test_a_refusal_is_not_undone_by_asking_again_while_a_department_is_away() -> None:
    application = at(Status.REFUSED)
    appeal(application)
    application.request_evidence_again(FUND, NOW, requests=REQUESTS, due_at=NOW)
    collect(application)
    decide("referred")(application)
    review(application)
    assert application.status == Status.AWAITING_SECOND
    turn_back(application)
    application.request_evidence_again(FUND, NOW, requests=REQUESTS, due_at=NOW)
    collect(application)
    decide("approved")(application)
    assert not application.ruled_out


def test_where_the_rules_found_no_amount_two_say_one() -> None:
    application = at(Status.REFERRED)
    application.computed_fen = None
    review(application)
    assert application.status == Status.AWAITING_SECOND


def test_what_is_confirmed_is_what_was_proposed() -> None:
    application = at(Status.AWAITING_SECOND)
    with pytest.raises(ProposalDiffers):
        confirm_review(application, amount_fen=101)
    with pytest.raises(ProposalDiffers):
        confirm_review(application, amount_fen=None)
    with pytest.raises(AmountAboveCeiling):
        confirm_review(application, ceiling_fen=99)
    with pytest.raises(NotReferred):
        review(application, THIRD_FUND)
    assert application.status == Status.AWAITING_SECOND


def test_a_second_officer_turns_it_back_and_it_is_decided_anew() -> None:
    application = at(Status.AWAITING_SECOND)
    turn_back(application)
    assert (application.status, application.proposal) == (Status.REFERRED, None)
    with pytest.raises(NothingProposed):
        confirm_review(application, THIRD_FUND)
    review(application, OTHER_FUND)
    confirm_review(application, FUND)
    assert application.status == Status.APPROVED


def test_an_applicant_withdraws_while_a_second_officer_is_awaited() -> None:
    application = at(Status.AWAITING_SECOND)
    application.withdraw(ANNA, NOW)
    with pytest.raises(NothingProposed):
        confirm_review(application)


@pytest.mark.parametrize("second", [confirm_review, turn_back])
def test_the_first_officer_is_not_the_second(second: Callable[[Application, Actor], None]) -> None:
    with pytest.raises(SameReviewer) as refused:
        second(at(Status.AWAITING_SECOND), FUND)
    assert refused.value.details["rule"] == Part.PROPOSED


@pytest.mark.parametrize("second", [confirm_review, turn_back])
@pytest.mark.parametrize("actor", [POLICE, OPERATOR, CLERK, ANNA])
def test_the_second_is_of_the_department_as_the_first_is(
    second: Callable[[Application, Actor], None], actor: Actor
) -> None:
    with pytest.raises(NotYourDepartment):
        review(at(Status.REFERRED), actor)
    with pytest.raises(NotYourDepartment):
        second(at(Status.AWAITING_SECOND), actor)


@pytest.mark.parametrize("part", [Part.REGISTERED, Part.IDENTIFIED, Part.ENROLLED])
def test_who_served_the_citizen_is_neither_first_nor_second(part: Part) -> None:
    refusal: dict[str, Any] = {"outcome": "refused", "reasons": ["x"], "amount_fen": None}
    referred, proposed = at(Status.REFERRED), at(Status.AWAITING_SECOND)
    with pytest.raises(NotApart) as found:
        review(referred, FUND, **served_by(part, FUND))
    assert found.value.details["rule"] == part
    with pytest.raises(NotApart):
        review(referred, FUND, **(refusal | served_by(part, FUND)))
    with pytest.raises(NotApart) as found:
        confirm_review(proposed, OTHER_FUND, **served_by(part, OTHER_FUND))
    assert found.value.details["rule"] == part


def had(part: Part) -> Application:
    """An application in which an officer of the fund had a part."""
    clerk = Actor(FUND.subject, frozenset({Role.CLERK}), counter="counter-1")
    at_counter = part is Part.SUBMITTED
    application = submitted(clerk, Channel.COUNTER) if at_counter else submitted()
    for step in LIVES[Status.REFUSED]:
        step(application)
    appeal(application, ANNA)
    if part is Part.TOOK_OVER:
        application.take_over(clerk, NOW, channel=Channel.COUNTER)
        application.take_over(ANNA, NOW, channel=Channel.APP)
    if part is Part.APPEALED:
        application.appellants.append(FUND.subject)
    return application


@pytest.mark.parametrize("part", [Part.SUBMITTED, Part.TOOK_OVER, Part.APPEALED])
def test_who_acted_for_the_applicant_does_not_decide(part: Part) -> None:
    application = had(part)
    with pytest.raises(NotApart) as refused:
        review(application, FUND)
    assert refused.value.details["rule"] == part
    review(application, OTHER_FUND)
    with pytest.raises(NotApart):
        confirm_review(application, FUND)
    confirm_review(application, THIRD_FUND)


def test_who_appeals_at_a_counter_is_kept() -> None:
    clerk = Actor(FUND.subject, frozenset({Role.CLERK}), counter="counter-1")
    application = submitted(clerk, Channel.COUNTER)
    for step in LIVES[Status.REFUSED]:
        step(application)
    appeal(application, clerk)
    assert application.appellants == [FUND.subject]


def test_nobody_decides_on_their_own_case_or_their_childs() -> None:
    with pytest.raises(NotApart) as refused:
        review(at(Status.REFERRED), ANNA_TOO)
    assert refused.value.details["rule"] == Part.OWN_CASE
    with pytest.raises(NotApart):
        confirm_review(at(Status.AWAITING_SECOND), ANNA_TOO)
    childs = at(Status.REFERRED)
    childs.guardian = FUND.subject
    with pytest.raises(NotApart):
        review(childs, FUND)


def test_an_appeal_goes_to_other_officers_than_those_who_decided() -> None:
    application = at(Status.REFERRED)
    refuse(application, FUND)
    appeal(application)
    with pytest.raises(SameReviewer) as refused:
        review(application, FUND)
    assert refused.value.details["rule"] == Part.DECIDED
    refuse(application, OTHER_FUND)


def test_a_refused_attempt_is_kept_once_a_day_and_changes_nothing() -> None:
    application = at(Status.AWAITING_SECOND)
    for _ in range(3):
        reviewing.note_refused(application, POLICE, NOW, rule="own-department")
    reviewing.note_refused(application, POLICE, NOW, rule="own-case")
    reviewing.note_refused(application, OPERATOR, NOW, rule="own-department")
    assert topics(application) == ["application.review_refused"] * 3
    assert application.status == Status.AWAITING_SECOND
    tomorrow = NOW + timedelta(days=1)
    reviewing.note_refused(application, POLICE, tomorrow, rule="own-department")
    assert len(events_of(application)) == 4


def test_refused_attempts_do_not_grow_a_stream_without_end() -> None:
    application = at(Status.REFERRED)
    for number in range(reviewing.MOST_ATTEMPTS + 50):
        stranger = replace(POLICE, subject=f"official-{number}")
        reviewing.note_refused(application, stranger, NOW, rule="own-department")
    assert len(events_of(application)) == reviewing.MOST_ATTEMPTS
    ended = at(Status.PAID)
    reviewing.note_refused(ended, POLICE, NOW, rule="own-department")
    assert events_of(ended) == []


OFFICERS = [FUND, OTHER_FUND, THIRD_FUND, POLICE, OPERATOR, ANNA_TOO]
AMOUNTS = st.sampled_from([1, 100, 101, 501, 1000])
STEPS = st.one_of(
    st.tuples(st.just(review), st.sampled_from(OFFICERS), AMOUNTS),
    st.tuples(st.just(confirm_review), st.sampled_from(OFFICERS), AMOUNTS),
    st.tuples(st.just(turn_back), st.sampled_from(OFFICERS), st.none()),
)


@given(
    start=st.sampled_from([Status.REFERRED, Status.REFUSED, Status.PAYOUT_FAILED]),
    registrar=st.sampled_from(OFFICERS),
    steps=st.lists(STEPS, max_size=12),
)
def test_whoever_tries_what_is_paid_beyond_the_rules_was_decided_by_two_who_are_apart(
    start: Status, registrar: Actor, steps: list[Any]
) -> None:
    application = at(start)
    if start is Status.REFUSED:
        appeal(application)
    served = {Part.REGISTERED: {registrar.subject}}
    for step, actor, amount_fen in steps:
        fields = {} if step is turn_back else {"amount_fen": amount_fen, "served": served}
        try:
            step(application, actor, **fields)
        except CitybrainError:
            continue
    for event in events_of(application):
        if isinstance(event, ApplicationReviewed):
            assert event.amount_fen is not None
            who = {event.reviewer, event.second_reviewer} - {None}
            assert not who & {registrar.subject, ANNA.subject, POLICE.subject, OPERATOR.subject}
            ruled_out = start is Status.REFUSED
            assert len(who) == (2 if ruled_out or event.amount_fen > 100 else 1)
