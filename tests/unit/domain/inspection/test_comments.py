"""Comments on a case: anybody outside may, at any status, and nothing of the case changes."""

from datetime import timedelta

import pytest

from citybrain.domain.actor import Actor, RoleNotAllowed
from citybrain.domain.inspection import comments
from citybrain.domain.times import TimeOutOfOrder
from tests.given.cases import (
    AUDITOR,
    CAMERA,
    CITIZEN,
    NOW,
    OPERATOR,
    Step,
    accept,
    close,
    dispatch,
    file,
    given,
    handle,
    state,
    verify,
)
from tests.given.streams import events_of, topics

LIFE: list[Step] = [file, dispatch, accept, handle, verify, close]


@pytest.mark.parametrize("steps", range(len(LIFE) + 1))
def test_a_comment_changes_nothing_but_the_version(steps: int) -> None:
    case = given(*LIFE[:steps])
    before = {**state(case), "_version": case.version + 1}
    comments.comment(case, CITIZEN, NOW, comment_id="1", stated="OPEN")
    assert topics(case) == ["case.commented"]
    assert {**state(case), "modified_on": 0, "_modified_on": 0} == {
        **before,
        "modified_on": 0,
        "_modified_on": 0,
    }


@pytest.mark.parametrize("actor", [CAMERA, OPERATOR, AUDITOR])
def test_only_from_outside(actor: Actor) -> None:
    with pytest.raises(RoleNotAllowed):
        comments.comment(given(file), actor, NOW, comment_id="1")


@pytest.mark.parametrize("minutes", [-6, 6])
def test_it_was_written_after_the_report_and_not_in_the_future(minutes: int) -> None:
    with pytest.raises(TimeOutOfOrder):
        comments.comment(
            given(file), CITIZEN, NOW, comment_id="1", written_at=NOW + timedelta(minutes=minutes)
        )


def test_clocks_may_differ_a_little() -> None:
    case = given(file)
    comments.comment(case, CITIZEN, NOW, comment_id="1", written_at=NOW - timedelta(minutes=4))
    (event,) = events_of(case)
    assert event.occurred_at == NOW
