"""A clerk serves whom they have identified; a face takes two; what others begin counts for them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.identity import IDENTITY_LASTS
from citybrain.domain.citizens import proving
from citybrain.domain.citizens.assurance import RECORD_PURPOSE, RECORD_WITHIN
from citybrain.domain.citizens.citizen import (
    FAILURES_ALLOWED,
    KEPT_BY_EACH,
    Citizen,
    Identification,
)
from citybrain.domain.citizens.refusals import (
    ConsentMissing,
    NotIdentifiedHere,
    NotYourOwn,
    SecondPersonNeeded,
    TooManyAttempts,
)
from citybrain.domain.citizens.serving import FACE_PURPOSE, SERVED_WITHIN, approve_enrolment
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
SURE = Identification("counter", NOW, 1, "high")
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
    clerk = Actor(citizen.id, frozenset({Role.CLERK}), counter="counter-1")
    both = Actor(citizen.id, frozenset({Role.CLERK, Role.CITIZEN}), counter="counter-1")
    for attempt in (before(clerk), before(both), agree(clerk), ACTS["document"](both)):
        with pytest.raises(NotYourOwn):
            attempt(citizen)


def test_each_who_identified_somebody_has_done_so_whoever_came_after_them() -> None:
    citizen = given(consent, enrol(), before(), before(OTHER), verify(matched=True))

    def known(purpose: str, by: str | None, needed: str = "low") -> str | None:
        found = citizen.identification(purpose, NOW, needed, by)
        return None if found is None else found.method

    assert [known(FACE_PURPOSE, by) for by in ("clerk-1", "clerk-2", None)] == ["counter"] * 3
    assert [known("fund", by) for by in ("kiosk-1", "kiosk-2", "clerk-1")] == ["face", None, None]
    said = {"method": "phone-and-passcode", "purpose": "living-allowance", "code_id": "c"}
    proving.set_passcode(citizen, own(citizen), NOW, passcode_sealed="x", known=SURE)
    proving.prove(citizen, KIOSK, NOW, **said)
    assert known("living-allowance", "kiosk-1") == "phone-and-passcode"
    assert known("living-allowance", "kiosk-1", "high") is None


def test_what_counts_is_kept_for_longer_and_not_for_ever() -> None:
    assert max(SERVED_WITHIN, RECORD_WITHIN, IDENTITY_LASTS) < KEPT_BY_EACH
    citizen = given(before(), before(OTHER, at=NOW + 2 * KEPT_BY_EACH))
    assert set(citizen.identified_by[FACE_PURPOSE]) == {"clerk-2"}


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
