"""What the live board says of queues: all lanes together, and nothing where nobody tells."""

from datetime import UTC, datetime

from citybrain.http.signals.board import cost_of
from citybrain.http.signals.traffic import LaneTraffic


def lane(code: str, queue: float | None, vehicles: int | None) -> LaneTraffic:
    return LaneTraffic(
        begins=datetime(2026, 9, 14, 8, tzinfo=UTC),
        lane=code,
        movements=[],
        groups=[],
        detector=f"C{code}",
        vehicles=vehicles,
        queue_mean=queue,
        queue_most=None,
        delay_s=None,
        level_of_service=None,
        marks=[],
    )


def test_delay_is_of_all_who_passed_and_not_the_mean_of_lanes() -> None:
    found = cost_of([lane("1", 2.0, 30), lane("2", 4.0, 10)])
    assert found == {"queue": 6.0, "vehicles": 40, "delay_seconds": 45.0}


def test_a_lane_of_which_nobody_tells_both_is_left_out() -> None:
    found = cost_of([lane("1", 2.0, 30), lane("2", 9.0, None), lane("3", None, 7)])
    assert found == {"queue": 2.0, "vehicles": 30, "delay_seconds": 20.0}
    assert cost_of([lane("3", None, 7)]) is None
    assert cost_of([lane("1", 3.0, 0)]) == {"queue": 3.0, "vehicles": 0, "delay_seconds": None}
