"""Identified by phone and by what one knows: given events, when a proof, then events or a no."""

from datetime import timedelta
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.citizens import proving
from citybrain.domain.citizens.assurance import RECORD_PURPOSE, Method
from citybrain.domain.citizens.citizen import Citizen, Identification
from citybrain.domain.citizens.proving import PROOFS_ALLOWED, PROOFS_WINDOW
from citybrain.domain.citizens.refusals import (
    IdentificationNeeded,
    NotYourOwn,
    PasscodeMissing,
    TooManyProofs,
)
from tests.given.citizens import CLERK, KIOSK, NOW, own, registered
from tests.given.streams import events_of, topics

STRANGER = Actor("citizen-" + "0" * 32, frozenset({Role.CITIZEN}))
SAID: dict[str, str] = {"purpose": "fund", "code_id": "code-1"}
DOCUMENT, PASSCODE = Method.PHONE_AND_DOCUMENT, Method.PHONE_AND_PASSCODE
KNOWN = Identification("face", NOW, 1, "substantial")


def with_passcode() -> Citizen:
    citizen = registered()
    proving.set_passcode(citizen, own(citizen), NOW, passcode_sealed="c2VhbGVk", known=KNOWN)
    return citizen


@pytest.mark.parametrize(("method", "level"), [(DOCUMENT, "low"), (PASSCODE, "substantial")])
def test_a_proof_identifies_as_surely_as_its_method(method: str, level: str) -> None:
    citizen = with_passcode()
    for actor in (own(citizen), KIOSK):
        proving.prove(citizen, actor, NOW, method=method, **SAID)
    event = events_of(citizen)[-1]
    assert (event.method, event.level, event.purpose) == (method, level, "fund")
    known = citizen.identification("fund", NOW)
    assert known is not None
    assert known.level == level


def test_nobody_proves_to_be_somebody_else() -> None:
    citizen = with_passcode()
    with pytest.raises(NotYourOwn):
        proving.prove(citizen, STRANGER, NOW, method=DOCUMENT, **SAID)


def test_without_a_passcode_none_is_right() -> None:
    citizen = registered()
    with pytest.raises(PasscodeMissing):
        proving.prove(citizen, own(citizen), NOW, method=PASSCODE, **SAID)


def test_five_wrong_ones_close_it_for_a_day_and_a_right_one_opens_it() -> None:
    citizen = with_passcode()
    me = own(citizen)
    for _ in range(PROOFS_ALLOWED):
        proving.check_may_prove(citizen, me, NOW, PASSCODE)
        proving.fail_proof(citizen, NOW, method=PASSCODE, **SAID)
    for method in (PASSCODE, DOCUMENT):
        with pytest.raises(TooManyProofs) as refused:
            proving.prove(citizen, me, NOW + PROOFS_WINDOW / 2, method=method, **SAID)
    assert refused.value.retry_after_seconds == PROOFS_WINDOW.total_seconds() / 2 + 1
    later = NOW + PROOFS_WINDOW
    proving.prove(citizen, me, later, method=PASSCODE, **SAID)
    proving.fail_proof(citizen, later, method=PASSCODE, **SAID)
    proving.check_may_prove(citizen, me, later, PASSCODE)


def test_a_proof_by_a_number_that_anybody_may_have_copied_clears_nothing() -> None:
    citizen = with_passcode()
    for _ in range(PROOFS_ALLOWED):
        proving.prove(citizen, KIOSK, NOW, method=DOCUMENT, **SAID)
        proving.fail_proof(citizen, NOW, method=PASSCODE, **SAID)
    with pytest.raises(TooManyProofs):
        proving.check_may_prove(citizen, own(citizen), NOW, PASSCODE)


def test_a_counter_opens_it_as_well() -> None:
    citizen = with_passcode()
    for _ in range(PROOFS_ALLOWED):
        proving.fail_proof(citizen, NOW, method=PASSCODE, **SAID)
    citizen.confirm_identity(
        CLERK, NOW, method="counter", purpose="fund", document="passport", code_id=None
    )
    proving.check_may_prove(citizen, own(citizen), NOW, PASSCODE)


@pytest.mark.parametrize(
    "known", [None, Identification(DOCUMENT, NOW, 1, "low")], ids=["nobody", "too weak"]
)
def test_a_passcode_takes_an_identification_that_is_sure_enough(
    known: Identification | None,
) -> None:
    citizen = registered()
    with pytest.raises(IdentificationNeeded) as refused:
        proving.set_passcode(citizen, own(citizen), NOW, passcode_sealed="x", known=known)
    assert refused.value.details == {"level": "substantial", "purpose": RECORD_PURPOSE}
    with pytest.raises(NotYourOwn):
        proving.set_passcode(citizen, STRANGER, NOW, passcode_sealed="x", known=KNOWN)


def test_another_passcode_begins_anew() -> None:
    citizen = with_passcode()
    for _ in range(PROOFS_ALLOWED):
        proving.fail_proof(citizen, NOW, method=PASSCODE, **SAID)
    later: Any = NOW + timedelta(minutes=1)
    proving.set_passcode(citizen, own(citizen), later, passcode_sealed="y", known=KNOWN)
    proving.check_may_prove(citizen, own(citizen), later, PASSCODE)
    assert topics(citizen)[-1] == "citizen.passcode_set"
