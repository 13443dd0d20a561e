"""Consents of other systems: by the person alone, one for one thing, ended at any time."""

import pytest

from citybrain.domain.actor import system_actor
from citybrain.domain.citizens.citizen import Citizen
from citybrain.domain.citizens.consents import consent_about, give_consent, stands, withdraw_consent
from citybrain.domain.citizens.refusals import ConsentsFull, NoSuchConsent, NotYourOwn
from tests.given.citizens import CLERK, NOW, SUPERVISOR, consent, own, registered
from tests.given.streams import replayed, topics

CODE, THING = "parking-debit", "thing-1"


def given(citizen: Citizen, number: int = 1, about: str = THING, most: int = 2) -> None:
    give_consent(
        citizen,
        own(citizen),
        NOW,
        consent_id=f"consent-{number}",
        agreement=CODE,
        notice_sha256="ab" * 32,
        about=about,
        most=most,
    )


def test_a_consent_is_for_one_thing_and_given_once() -> None:
    citizen = registered()
    given(citizen, 1)
    given(citizen, 2)
    assert topics(citizen)[1:] == ["citizen.consent_given"]
    assert consent_about(citizen, CODE, THING) == "consent-1"
    assert consent_about(citizen, CODE, "thing-2") is None
    assert consent_about(citizen, "another", THING) is None
    assert stands(citizen, "consent-1")
    assert not stands(citizen, "consent-2")
    assert replayed(citizen.pending_events).consents == citizen.consents


def test_there_are_only_so_many_of_a_kind() -> None:
    citizen = registered()
    given(citizen, 1, "a")
    given(citizen, 2, "b")
    with pytest.raises(ConsentsFull) as refused:
        given(citizen, 3, "c")
    assert refused.value.details == {"most": 2}
    withdraw_consent(citizen, own(citizen), NOW, consent_id="consent-1")
    given(citizen, 3, "c")


def test_nobody_agrees_or_withdraws_for_somebody_else() -> None:
    citizen, other = registered(), registered()
    for actor in (own(other), CLERK, SUPERVISOR, system_actor("parking")):
        with pytest.raises(NotYourOwn):
            give_consent(
                citizen,
                actor,
                NOW,
                consent_id="c",
                agreement=CODE,
                notice_sha256="ab" * 32,
                about=THING,
                most=2,
            )
    given(citizen)
    for actor in (own(other), CLERK, SUPERVISOR):
        with pytest.raises(NotYourOwn):
            withdraw_consent(citizen, actor, NOW, consent_id="consent-1")


def test_what_it_was_for_is_over_ends_it_by_the_system() -> None:
    citizen = registered()
    given(citizen)
    withdraw_consent(
        citizen, system_actor("parking"), NOW, consent_id="consent-1", reason="unbound"
    )
    assert not stands(citizen, "consent-1")
    with pytest.raises(NoSuchConsent):
        withdraw_consent(citizen, own(citizen), NOW, consent_id="consent-1")


def test_the_consent_to_face_recognition_ends_in_its_own_way() -> None:
    citizen = registered()
    consent(citizen)
    withdraw_consent(citizen, own(citizen), NOW, consent_id="c1")
    assert topics(citizen)[-1] == "citizen.face_consent_withdrawn"


def test_a_snapshot_of_before_knows_no_consents() -> None:
    state: dict[str, object] = {}
    Citizen.upcast_v7_v8(state)
    assert state == {"consents": {}}
