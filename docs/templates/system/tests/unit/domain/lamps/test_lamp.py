"""A lamp: given what happened, when something is decided, then what follows."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.lamps.lamp import Lamp, LampIsBroken, LampStatus, LampWorks
from citybrain.errors import CitybrainError, Refused
from tests.given.streams import topics

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
CITIZEN = Actor("citizen-1", frozenset({Role.CITIZEN}))
OFFICIAL = Actor("official-1", frozenset({Role.OFFICIAL}), "municipal-works")
OPERATOR = Actor("operator-1", frozenset({Role.OPERATOR}))
Step = Callable[[Lamp], None]


def report(lamp: Lamp, actor: Actor = CITIZEN) -> None:
    lamp.report(actor, NOW, what="it does not work")


def mend(lamp: Lamp, actor: Actor = OFFICIAL) -> None:
    lamp.mend(actor, NOW, note="")


def after(*steps: Step) -> Lamp:
    lamp = Lamp.register(OPERATOR, NOW, place="East Gate", simulated=False)
    for step in steps:
        step(lamp)
    lamp.collect_events()
    return lamp


@pytest.mark.parametrize(
    ("before", "when", "then"),
    [
        ([], report, "lamp.reported_broken"),
        ([report], mend, "lamp.mended"),
        ([report, mend], report, "lamp.reported_broken"),
    ],
)
def test_what_happens(before: list[Step], when: Step, then: str) -> None:
    lamp = after(*before)
    when(lamp)
    assert topics(lamp) == [then]


@pytest.mark.parametrize(
    ("before", "when", "refusal"),
    [
        ([], mend, LampWorks),
        ([report], report, LampIsBroken),
        (
            [],
            lambda lamp: report(lamp, Actor("auditor-1", frozenset({Role.AUDITOR}))),
            RoleNotAllowed,
        ),
        ([report], lambda lamp: mend(lamp, CITIZEN), RoleNotAllowed),
    ],
)
def test_what_is_refused(before: list[Step], when: Step, refusal: type[CitybrainError]) -> None:
    lamp = after(*before)
    with pytest.raises(refusal):
        when(lamp)
    assert topics(lamp) == []


@settings(deadline=None)
@given(st.lists(st.sampled_from([report, mend])))
def test_it_is_as_the_last_step_that_was_taken_left_it(steps: list[Step]) -> None:
    lamp, expected = after(), LampStatus.WORKING
    for step in steps:
        try:
            step(lamp)
        except Refused:
            continue
        expected = LampStatus.BROKEN if step is report else LampStatus.WORKING
    assert lamp.status == expected
