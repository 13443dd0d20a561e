"""The made-up parking sessions are what the domain itself would have written."""

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from eventsourcing.persistence import StoredEvent

from citybrain.eventstore.codec import mapper
from ops.bench.append_limits import Row
from ops.bench.parking.lives import berths_for, rows

SESSIONS = 600


@pytest.fixture(scope="module")
def log() -> list[Row]:
    return list(rows(SESSIONS))


def streams(log: list[Row], category: str) -> dict[str, Any]:
    """The aggregates of a category, as their events make them."""
    found: dict[str, Any] = {}
    for stream_id, version, topic, state, *_ in log:
        if stream_id.partition("-")[0] == category:
            event: Any = mapper().to_domain_event(StoredEvent(stream_id, version, topic, state))
            found[stream_id] = event.mutate(found.get(stream_id))
    return found


def test_positions_are_gapless_times_go_on_and_all_is_the_same_every_time(log: list[Row]) -> None:
    assert [row[4] for row in log] == list(range(1, len(log) + 1))
    assert [row[5] for row in log] == sorted(row[5] for row in log)
    assert log == list(rows(SESSIONS))


def test_sessions_replay_to_where_they_stand(log: list[Row]) -> None:
    sessions = streams(log, "parking")
    assert len(sessions) == SESSIONS
    status = Counter(str(session.status) for session in sessions.values())
    assert set(status) == {"parked", "held", "settled", "deferred"}
    assert status["settled"] > SESSIONS * 0.7
    settled = [each for each in sessions.values() if each.settled]
    assert {bool(each.price_fen) for each in settled} == {True, False}  # nights are free


def test_what_is_settled_was_paid(log: list[Row]) -> None:
    claims = streams(log, "parking_claim")
    assert all(claim.settled == (claim.paid_fen == claim.amount_fen) for claim in claims.values())
    assert {claim.settled for claim in claims.values()} == {True, False}
    assert {claim.citizen_id is None for claim in claims.values()} == {True, False}


def test_a_berth_holds_one_vehicle_at_a_time(log: list[Row]) -> None:
    berths: dict[str, list[Any]] = {}
    for session in streams(log, "parking").values():
        berths.setdefault(session.place_id, []).append(session)
    assert len(berths) == berths_for(SESSIONS)
    for stays in berths.values():
        for one, other in pairwise(stays):
            assert one.left_at is not None
            assert one.left_at <= other.arrived_at


def test_sessions_interleave(log: list[Row]) -> None:
    last = [row[0] for row in log if row[0].startswith("parking-")][-1000:]
    assert sum(one != other for one, other in pairwise(last)) > 300
