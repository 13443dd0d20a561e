"""A clerk serves whom they have identified; a face takes two; what others begin counts for them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.citizens.assurance import RECORD_PURPOSE
from citybrain.domain.citizens.citizen import FAILURES_ALLOWED, Citizen
from citybrain.domain.citizens.refusals import (
    ConsentMissing,
    NotIdentifiedHere,
    NotYourOwn,
    SecondPersonNeeded,
    TooManyAttempts,
)
from citybrain.domain.citizens.serving import SERVED_WITHIN, approve_enrolment
from tests.given.citizens import (
    CLERK,
    KIOSK,
    NOW,
    SUPERVISOR,
    V1,
    Step,
    before,
    consent,
    enrol,
    own,
    registered,
    use,
    verify,
)

OTHER = Actor("clerk-2", frozenset({Role.CLERK}), counter="counter-1")
LATE = NOW + SERVED_WITHIN + timedelta(seconds=1)


def given(*steps: Step) -> Citizen:
    citizen = registered()
    for step in steps:
        step(citizen)
    return citizen


def agree(actor: Actor) -> Step:
    return lambda citizen: citizen.give_face_consent(
        actor, NOW, consent_id="c", notice_sha256="ab" * 32, age_years=30, guardian=None
    )


def enrol_by(actor: Actor) -> Step:
    return lambda citizen: citizen.enrol_face(
        actor, NOW, template_id="t1", duplicates=[], **use(V1)
    )


def approve(by: Actor, clerk: str = CLERK.subject) -> Step:
    return lambda citizen: approve_enrolment(citizen, by, NOW, clerk=clerk)


ACTS: dict[str, Callable[[Actor], Step]] = {
    "consent": agree,
    "withdrawal": lambda actor: lambda c: c.withdraw_face_consent(actor, NOW),
    "revocation": lambda actor: lambda c: c.revoke_face(actor, NOW, reason="error"),
    "enrolment": enrol_by,
    "approval": lambda actor: approve(actor, "clerk-9"),
    "document": lambda actor: (
        lambda c: c.add_document(actor, NOW, document="passport", number_sealed="x")
    ),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    "identified",
    [[], [before(OTHER), before(OTHER, RECORD_PURPOSE)], [before(purpose="living-allowance")]],
    ids=["nobody", "another clerk", "another purpose"],
)
def test_a_clerk_does_nothing_for_whom_they_have_not_identified_for_it(
    act: str, identified: list[Step]
) -> None:
    citizen = given(consent, enrol(), *identified)
    with pytest.raises(NotIdentifiedHere):
        ACTS[act](CLERK)(citizen)


def test_an_identification_at_a_counter_is_over_after_minutes() -> None:
    citizen = given(consent, before())
    citizen.withdraw_face_consent(CLERK, NOW + SERVED_WITHIN)
    with pytest.raises(NotIdentifiedHere):
        citizen.check_may_enrol(CLERK, LATE)


def test_a_clerk_serves_whom_they_identified_though_another_did_so_after_them() -> None:
    citizen = given(before(), before(OTHER), agree(CLERK))
    assert citizen.consent_id == "c"


def test_nobody_identifies_or_serves_themselves() -> None:
    citizen = registered()
    both = Actor(citizen.id, frozenset({Role.CLERK}), counter="counter-1")
    with pytest.raises(NotYourOwn):
        before(both)(citizen)
    with pytest.raises(NotYourOwn):
        agree(both)(citizen)


def test_one_enrols_ones_own_face_alone() -> None:
    citizen = given(consent)
    enrol_by(own(citizen))(citizen)
    assert citizen.templates


@pytest.mark.parametrize("approver", [SUPERVISOR, OTHER])
def test_a_clerk_enrols_a_face_with_a_second_person(approver: Actor) -> None:
    citizen = given(consent, before(), before(OTHER))
    with pytest.raises(SecondPersonNeeded):
        enrol_by(CLERK)(citizen)
    approve(approver)(citizen)
    with pytest.raises(SecondPersonNeeded):
        enrol_by(OTHER)(citizen)  # it is for one clerk
    enrol_by(CLERK)(citizen)
    events: Any = citizen.collect_events()
    event = events[-1]
    assert (event.enrolled_by, event.approved_by) == (CLERK.subject, approver.subject)
    with pytest.raises(SecondPersonNeeded):
        enrol_by(CLERK)(citizen)  # and for once


def test_an_approval_is_over_after_minutes() -> None:
    citizen = given(consent, before(), approve(SUPERVISOR), before(at=LATE))
    with pytest.raises(SecondPersonNeeded):
        citizen.check_may_enrol(CLERK, LATE)


def test_nobody_approves_their_own_enrolment_and_nothing_without_a_consent() -> None:
    citizen = given(consent, before())
    for own_work in (approve(CLERK), approve(SUPERVISOR, SUPERVISOR.subject)):
        with pytest.raises(SecondPersonNeeded):
            own_work(citizen)
    for stranger in (KIOSK, own(citizen)):
        with pytest.raises(NotYourOwn):
            approve(stranger)(citizen)
    with pytest.raises(ConsentMissing):
        approve(SUPERVISOR)(registered())


def test_what_a_kiosk_fails_at_does_not_use_up_the_persons_own_attempts() -> None:
    citizen = given(consent, enrol(), *[verify(matched=False)] * FAILURES_ALLOWED)
    with pytest.raises(TooManyAttempts):
        citizen.check_may_attempt(KIOSK, NOW, V1)
    assert citizen.check_may_attempt(own(citizen), NOW, V1) == "t1"
    other = Actor("kiosk-2", frozenset({Role.KIOSK}))
    assert citizen.check_may_attempt(other, NOW, V1) == "t1"
