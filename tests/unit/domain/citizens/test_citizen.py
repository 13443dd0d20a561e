"""Citizens: given events, when a decision, then events or a named refusal."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.citizens.assurance import RECORD_PURPOSE
from citybrain.domain.citizens.citizen import FAILURES_ALLOWED, FAILURES_WINDOW, Citizen
from citybrain.domain.citizens.refusals import (
    ConsentMissing,
    FaceRemovedBefore,
    FaceUnderReview,
    GuardianRequired,
    NoSuchDuplicate,
    NotEnrolled,
    NotYourOwn,
    TemplateReplaced,
    TooManyAttempts,
)
from citybrain.domain.citizens.serving import approve_enrolment
from citybrain.domain.stream import StreamSnapshot
from citybrain.errors import CitybrainError
from citybrain.eventstore.codec import mapper
from tests.given.citizens import (
    CLERK,
    KIOSK,
    NOW,
    SUPERVISOR,
    V1,
    V2,
    Step,
    before,
    consent,
    enrol,
    own,
    registered,
    use,
    verify,
)
from tests.given.streams import events_of, replayed, topics

OTHER = "citizen-" + "9" * 32
STRANGER = Actor("citizen-" + "0" * 32, frozenset({Role.CITIZEN}))


def given(*steps: Step) -> Citizen:
    citizen = registered()
    for step in steps:
        step(citizen)
    citizen.collect_events()
    return citizen


def happened(citizen: Citizen) -> list[str]:
    return [topic.removeprefix("citizen.") for topic in topics(citizen)]


@pytest.mark.parametrize(
    ("before", "when", "then"),
    [
        ([], consent, ["face_consent_given"]),
        ([consent], enrol(), ["face_enrolled"]),
        ([consent, enrol()], enrol("t2"), ["face_enrolled"]),
        ([consent], enrol(duplicate="other"), ["face_enrolled", "duplicate_suspected"]),
        ([consent, enrol()], verify(matched=True), ["face_verified"]),
        ([consent, enrol()], verify(matched=False), ["face_verified"]),
        (
            [consent, enrol()],
            lambda c: c.withdraw_face_consent(own(c), NOW),
            ["face_revoked", "face_consent_withdrawn"],
        ),
        ([consent], lambda c: c.withdraw_face_consent(own(c), NOW), ["face_consent_withdrawn"]),
        (
            [consent, enrol()],
            lambda c: c.revoke_face(own(c), NOW, reason="error"),
            ["face_revoked"],
        ),
        (
            [consent, enrol(duplicate="other")],
            lambda c: c.resolve_duplicate(
                SUPERVISOR, NOW, other="other", verdict="different-people"
            ),
            ["duplicate_resolved"],
        ),
        (
            [consent, enrol(duplicate="other")],
            lambda c: c.resolve_duplicate(SUPERVISOR, NOW, other="other", verdict="same-person"),
            ["duplicate_resolved", "face_revoked"],
        ),
        (
            [],
            lambda c: c.confirm_identity(
                CLERK, NOW, method="counter", purpose="fund", document="passport", code_id=None
            ),
            ["identity_confirmed"],
        ),
    ],
)
def test_what_is_decided(before: list[Step], when: Step, then: list[str]) -> None:
    citizen = given(*before)
    when(citizen)
    assert happened(citizen) == then


@pytest.mark.parametrize(
    ("before", "when", "error"),
    [
        ([], enrol(), ConsentMissing),
        ([], verify(matched=True), ConsentMissing),
        ([consent], verify(matched=True), NotEnrolled),
        ([consent, enrol()], verify(matched=True, version=V2), NotEnrolled),
        ([consent, enrol(duplicate="other")], verify(matched=True), FaceUnderReview),
        ([consent, enrol("t2")], verify(matched=True), TemplateReplaced),
        ([consent], lambda c: c.revoke_face(own(c), NOW, reason="error"), NotEnrolled),
        ([], lambda c: c.withdraw_face_consent(own(c), NOW), ConsentMissing),
        ([], lambda c: c.withdraw_face_consent(STRANGER, NOW), NotYourOwn),
        ([consent], lambda c: c.check_may_enrol(KIOSK, NOW), NotYourOwn),
        ([consent, enrol()], lambda c: c.revoke_face(STRANGER, NOW, reason="error"), NotYourOwn),
        (
            [consent, enrol()],
            lambda c: c.resolve_duplicate(SUPERVISOR, NOW, other="x", verdict="same-person"),
            NoSuchDuplicate,
        ),
        (
            [consent, enrol(duplicate="other")],
            lambda c: c.resolve_duplicate(own(c), NOW, other="other", verdict="same-person"),
            NotYourOwn,
        ),
        *(
            (
                [consent, enrol(duplicate=OTHER)],
                lambda c, one=one: c.resolve_duplicate(
                    Actor(one or c.id, frozenset({Role.SUPERVISOR})),
                    NOW,
                    other=OTHER,
                    verdict="different-people",
                ),
                NotYourOwn,
            )
            for one in (None, OTHER)
        ),
        (
            [],
            lambda c: c.confirm_identity(
                own(c), NOW, method="counter", purpose="fund", document="passport", code_id=None
            ),
            NotYourOwn,
        ),
    ],
)
def test_what_is_refused(before: list[Step], when: Step, error: type[CitybrainError]) -> None:
    citizen = given(*before)
    with pytest.raises(error):
        when(citizen)
    assert not citizen.pending_events


@pytest.mark.parametrize(
    ("age", "guardian", "actor", "allowed"),
    [
        (13, None, CLERK, False),
        (13, "citizen-" + "1" * 32, CLERK, True),
        (13, "citizen-" + "1" * 32, None, False),
        (14, None, None, True),
    ],
)
def test_a_child_agrees_through_a_guardian_at_a_counter(
    age: int, guardian: str | None, actor: Actor | None, allowed: bool
) -> None:
    citizen = given(before())

    def agree() -> None:
        citizen.give_face_consent(
            actor or own(citizen),
            NOW,
            consent_id="c",
            notice_sha256="ab" * 32,
            age_years=age,
            guardian=guardian,
        )

    if allowed:
        agree()
        assert citizen.consent_id == "c"
    else:
        with pytest.raises(GuardianRequired):
            agree()


def test_failures_use_up_attempts_until_time_passes_or_one_succeeds() -> None:
    fails = [verify(matched=False) for _ in range(FAILURES_ALLOWED)]
    citizen = given(consent, enrol(), *fails)
    with pytest.raises(TooManyAttempts):
        verify(matched=True)(citizen)
    verify(matched=True, at=NOW + FAILURES_WINDOW)(citizen)

    citizen = given(consent, enrol(), *fails[1:], verify(matched=True), *fails[1:])
    verify(matched=True, at=NOW + timedelta(seconds=1))(citizen)


def test_lookalikes_that_an_officer_told_apart_are_not_suspected_again() -> None:
    citizen = given(consent, enrol(duplicate="other"))
    citizen.resolve_duplicate(SUPERVISOR, NOW, other="other", verdict="different-people")
    citizen.collect_events()
    enrol(duplicate="other")(citizen)
    assert happened(citizen) == ["face_enrolled"]
    verify(matched=True)(citizen)


def test_two_template_versions_live_side_by_side_and_end_together() -> None:
    citizen = given(consent, enrol(), verify(matched=True))
    citizen.enrol_next_template(NOW, template_id="t2", **use(V2))
    citizen.enrol_next_template(NOW, template_id="t3", **use(V2))  # only the first is taken
    assert citizen.templates == {V1: "t1", V2: "t2"}
    citizen.revoke_face(own(citizen), NOW, reason="compromised")
    assert events_of(citizen)[-1].template_ids == ["t1", "t2"]
    assert citizen.templates == {}


@pytest.mark.parametrize(
    "removed",
    [
        [lambda citizen: citizen.revoke_face(own(citizen), NOW, reason="compromised")],
        [lambda citizen: citizen.withdraw_face_consent(own(citizen), NOW), consent],
    ],
    ids=["revoked", "agreed anew"],
)
def test_whose_face_was_removed_enrols_another_at_a_counter(removed: list[Step]) -> None:
    citizen = given(consent, enrol(), *removed)
    with pytest.raises(FaceRemovedBefore):
        enrol("t2")(citizen)
    before()(citizen)
    approve_enrolment(citizen, SUPERVISOR, NOW, clerk=CLERK.subject)
    citizen.enrol_face(CLERK, NOW, template_id="t2", duplicates=[], **use())
    enrol("t3")(citizen)  # by the same face, as before
    assert citizen.templates == {V1: "t3"}


def test_a_replay_of_the_stored_events_gives_the_same_state() -> None:
    citizen = registered()
    for step in (consent, enrol(duplicate="other"), verify_after_review, verify(matched=False)):
        step(citizen)
    again = replayed(events_of(citizen))
    for name, value in vars(citizen).items():
        if not name.startswith("_"):
            assert getattr(again, name) == value, name


def verify_after_review(citizen: Citizen) -> None:
    citizen.resolve_duplicate(SUPERVISOR, NOW, other="other", verdict="different-people")
    verify(matched=True)(citizen)


def test_a_registration_of_before_has_no_kind_of_document_and_is_replayed() -> None:
    (event,) = registered().collect_events()
    stored = mapper().to_stored_event(event)
    state = stored.state.replace(b',"document":"resident-identity-card"', b"")
    assert len(state) < len(stored.state)
    old: Any = mapper().to_domain_event(replace(stored, state=state))
    citizen = old.mutate(None)
    assert (citizen.document, citizen.documents) == ("resident-identity-card", [])


def test_a_snapshot_of_before_knows_of_one_document() -> None:
    citizen = registered()
    citizen.collect_events()
    snapshot = StreamSnapshot.take(citizen)
    del snapshot.state["document"], snapshot.state["documents"], snapshot.state["failures"]
    snapshot.state["failed_at"] = []
    del snapshot.state["identified_by"], snapshot.state["face_removed"]
    snapshot.state["class_version"] = 2
    again: Any = snapshot.mutate(None)
    assert (again.document, again.documents) == ("resident-identity-card", [])
    before(purpose=RECORD_PURPOSE)(again)
    again.add_document(CLERK, NOW, document="passport", number_sealed="c2VhbGVk")
    assert again.documents == [["passport", "c2VhbGVk"]]


def test_a_snapshot_of_before_knows_of_no_face_that_was_removed_and_of_no_counter() -> None:
    citizen = given(before())
    snapshot = StreamSnapshot.take(citizen)
    del snapshot.state["identified_by"], snapshot.state["face_removed"]
    snapshot.state["confirmed"] = {"face-recognition": {CLERK.subject: NOW}}
    snapshot.state["class_version"] = 6
    again: Any = snapshot.mutate(None)
    assert vars(again).keys() == vars(citizen).keys()
    assert (again.identified_by, again.face_removed) == ({}, False)
    assert again.identification("face-recognition", NOW) is not None
