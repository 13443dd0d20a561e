"""What each way of identification gives, and that nothing sure rests on what is not."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.citizens.assurance import GIVES, NEEDED_FOR, Assurance, Method, level_of
from citybrain.domain.citizens.citizen import Citizen
from citybrain.domain.stream import StreamSnapshot
from tests.given.citizens import CLERK, NOW, consent, enrol, registered, verify
from tests.given.streams import events_of

MINUTES = timedelta(minutes=10)


def confirm(citizen: Citizen, method: str, at: timedelta = timedelta()) -> None:
    citizen.confirm_identity(
        CLERK, NOW + at, method=method, purpose="fund", document="identity-card", code_id=None
    )


def test_every_way_has_a_level_and_an_unknown_one_the_least() -> None:
    assert set(GIVES) == set(Method)
    assert level_of("palm-reading") is Assurance.LOW


def test_only_who_was_seen_with_a_document_is_known_for_sure() -> None:
    high = {method for method, level in GIVES.items() if level is Assurance.HIGH}
    assert high == {Method.COUNTER, Method.CODE_AT_COUNTER}
    assert level_of(Method.FACE) is level_of(Method.PHONE_AND_PASSCODE) is Assurance.SUBSTANTIAL
    assert level_of(Method.PHONE_AND_DOCUMENT) is Assurance.LOW


@pytest.mark.parametrize("change", NEEDED_FOR)
def test_no_change_of_a_record_rests_on_the_least(change: str) -> None:
    assert not level_of(Method.PHONE_AND_DOCUMENT).meets(NEEDED_FOR[change])


@given(st.sampled_from(Assurance), st.sampled_from(Assurance))
def test_levels_are_in_order(one: Assurance, other: Assurance) -> None:
    assert one.meets(one)
    assert one.meets(other) or other.meets(one)
    assert (one.meets(other) and other.meets(one)) == (one is other)


def test_a_weaker_identification_does_not_hide_a_surer_one() -> None:
    citizen = registered()
    confirm(citizen, Method.COUNTER)
    confirm(citizen, Method.PHONE_AND_DOCUMENT, timedelta(minutes=1))
    sure = citizen.identification("fund", NOW, Assurance.HIGH)
    last = citizen.identification("fund", NOW)
    assert sure is not None
    assert last is not None
    assert (sure.method, sure.level) == (Method.COUNTER, Assurance.HIGH)
    assert (last.method, last.level) == (Method.PHONE_AND_DOCUMENT, Assurance.LOW)
    late = NOW + timedelta(seconds=1)
    assert citizen.identification("fund", late, Assurance.SUBSTANTIAL) is None


def test_events_carry_method_and_level() -> None:
    citizen = registered()
    for step in (consent, enrol(), verify(matched=True)):
        step(citizen)
    confirm(citizen, Method.COUNTER)
    verified, confirmed = events_of(citizen)[-2:]
    assert (verified.level, confirmed.level) == ("substantial", "high")


def test_an_identification_of_before_levels_counts_as_its_method_does() -> None:
    citizen = registered()
    confirm(citizen, Method.COUNTER)
    snapshot = StreamSnapshot.take(citizen)
    state = snapshot.state
    state["identified"] = {"fund": [Method.COUNTER.value, NOW, 2]}
    for later in (
        "passcode_sealed",
        "proofs_failed_at",
        "corrections",
        "died_on_sealed",
        "key_sealed",
        "former_numbers_sealed",
        "identified_by",
        "face_removed",
    ):
        del state[later]
    state["class_version"] = 3
    again: Any = snapshot.mutate(None)
    known = again.identification("fund", NOW, Assurance.HIGH)
    assert known is not None
    assert known.level == Assurance.HIGH
    assert again.former_numbers_sealed == []
    assert (again.passcode_sealed, again.died_on_sealed, again.corrections) == (None, None, {})
