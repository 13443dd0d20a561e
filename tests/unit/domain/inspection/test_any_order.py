"""Whatever is tried in whatever order: replay gives the same state, refusals leave nothing."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from citybrain.domain.actor import Actor
from citybrain.domain.inspection import alarms, approvals, merging
from citybrain.domain.inspection.approval_events import Change
from citybrain.domain.inspection.refusals import SamePerson
from citybrain.errors import CitybrainError
from tests.given.case_changes import BOTH, HANDLING, HOUR, SUPERVISOR, SYSTEM, ask, detect, state_of
from tests.given.cases import (
    NOW,
    OPERATOR,
    POLICE,
    WORKS,
    accept,
    close,
    file,
    handle,
    reported,
    verify,
)
from tests.given.storm import examples
from tests.given.streams import events_of, replayed


class AnythingGoes(RuleBasedStateMachine):
    """Whatever is tried in whatever order: replay gives the same state, refusals leave nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.case = reported()
        self.other = reported()

    def attempt(self, act: Any) -> None:
        before, version = state_of(self.case), self.case.version
        try:
            act()
        except CitybrainError:
            assert (state_of(self.case), self.case.version) == (before, version)

    @rule(step=st.sampled_from([file, accept, handle, verify, close, detect]))
    def step(self, step: Any) -> None:
        self.attempt(lambda: step(self.case))

    @rule()
    def send(self) -> None:
        self.attempt(
            lambda: self.case.dispatch(
                OPERATOR,
                NOW,
                departments=["municipal-works", "traffic-police"],
                lead="municipal-works",
                definitions_version="1",
                begun=HANDLING,
            )
        )

    @rule(number=st.integers(1, 3), minutes=st.integers(-5, 5))
    def see(self, number: int, minutes: int) -> None:
        self.attempt(lambda: detect(self.case, number, minutes))

    @rule(
        change=st.sampled_from(list(Change)), actor=st.sampled_from([WORKS, OPERATOR, POLICE, BOTH])
    )
    def ask(self, change: Change, actor: Actor) -> None:
        fields: dict[str, Any] = {}
        if change is Change.EXTENSION:
            fields = {"deadline": "handling", "amount": 1.0}
        elif change is Change.DEFERRAL:
            fields = {"until": NOW + HOUR}
        self.attempt(lambda: ask(self.case, change, actor, **fields))

    @rule(settle=st.sampled_from(["approve", "deny"]), actor=st.sampled_from([SUPERVISOR, BOTH]))
    def settle(self, settle: str, actor: Actor) -> None:
        if not self.case.requests:
            return
        request = self.case.requests[0]
        given = {"request_id": request["request_id"], "note": ""}
        if request["requested_by"] == actor.subject:
            with pytest.raises(SamePerson):
                getattr(approvals, settle)(self.case, actor, NOW, **given)
        else:
            self.attempt(lambda: getattr(approvals, settle)(self.case, actor, NOW, **given))

    @rule()
    def resume(self) -> None:
        self.attempt(lambda: approvals.resume(self.case, WORKS, NOW, moved=[]))

    @rule(hours=st.integers(0, 20))
    def ring(self, hours: int) -> None:
        self.attempt(lambda: alarms.raise_alarms(self.case, SYSTEM, NOW + timedelta(hours=hours)))

    @rule()
    def merge(self) -> None:
        self.attempt(
            lambda: merging.merge(self.case, SYSTEM, NOW, into_case_id="case-y", reason="x")
        )

    @rule()
    def unmerge(self) -> None:
        self.attempt(lambda: merging.unmerge(self.case, OPERATOR, NOW, reason="x"))

    @rule()
    def absorb(self) -> None:
        self.attempt(lambda: merging.absorb(self.case, OPERATOR, NOW, other=self.other, reason="x"))

    @rule()
    def release(self) -> None:
        self.attempt(
            lambda: merging.release(self.case, SYSTEM, NOW, case_id=self.other.id, reason="x")
        )

    @invariant()
    def replay_gives_the_same_state_of(self) -> None:
        assert state_of(replayed(events_of(self.case))) == state_of(self.case)

    @invariant()
    def what_is_over_runs_no_deadline(self) -> None:
        if self.case.status in ("voided", "closed"):
            assert self.case.deadlines == []
        if self.case.status in ("voided", "closed", "merged"):
            assert alarms.alarm_at(self.case) is None


TestAnythingGoes = AnythingGoes.TestCase
TestAnythingGoes.settings = settings(examples(60), stateful_step_count=30)
