"""Who may close an anomaly: an officer, not about their own vehicle, nor where money waits."""

from datetime import UTC, datetime
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.parking.anomaly import (
    ENDED_BY,
    AnomalyClosed,
    AnomalyEndsItself,
    AnomalyKind,
    AnomalyOver,
    AnomalyReason,
    ParkingAnomaly,
    anomaly_id,
    check_may_close,
)
from citybrain.domain.parking.refusals import NotApartInParking
from tests.given.parking.sessions import OFFICER, PARKING

NOW = datetime(2026, 9, 14, 4, tzinfo=UTC)


def check(actor: Actor = OFFICER, kind: AnomalyKind = AnomalyKind.NO_SIGN, **said: Any) -> None:
    members: dict[str, Any] = {"ended": False, "person": None, "departments": PARKING} | said
    check_may_close(actor, kind=kind, **members)


@pytest.mark.parametrize("kind", sorted(set(AnomalyKind) - set(ENDED_BY)))
def test_what_does_not_end_with_a_decision_is_closed_by_an_officer(kind: AnomalyKind) -> None:
    check(kind=kind)


@pytest.mark.parametrize("kind", sorted(ENDED_BY))
def test_where_money_waits_the_case_is_decided_and_not_closed(kind: AnomalyKind) -> None:
    with pytest.raises(AnomalyEndsItself):
        check(kind=kind)


def test_what_is_over_is_not_closed() -> None:
    with pytest.raises(AnomalyOver):
        check(ended=True)


@pytest.mark.parametrize(
    "actor",
    [
        Actor("official-2", frozenset({Role.OFFICIAL}), "sanitation"),
        Actor("auditor-1", frozenset({Role.AUDITOR}), "parking"),
        Actor("operator-1", frozenset({Role.OPERATOR})),
    ],
)
def test_only_officers_of_parking_close_one(actor: Actor) -> None:
    with pytest.raises(RoleNotAllowed):
        check(actor)


def test_nobody_closes_what_is_about_their_own_vehicle() -> None:
    with pytest.raises(NotApartInParking) as refused:
        check(person=OFFICER.subject)
    assert refused.value.details["rule"] == "own-case"


def test_the_event_says_what_was_closed_why_and_by_whom() -> None:
    case_id = anomaly_id(AnomalyKind.BARRIER_OPENED, "sign-1")
    closed = ParkingAnomaly.close(
        NOW,
        OFFICER,
        anomaly_id=case_id,
        reason=AnomalyReason.EXPLAINED,
        kind=AnomalyKind.BARRIER_OPENED.value,
        place_id="G-1",
        device_id="c-1",
        since=NOW,
    )
    (event,) = closed.pending_events
    assert isinstance(event, AnomalyClosed)
    assert (event.originator_id, event.reason, event.closed_by) == (
        case_id,
        "explained",
        OFFICER.subject,
    )
    assert anomaly_id(AnomalyKind.BARRIER_OPENED, "sign-1") == case_id
