"""The made-up history is what the domain itself would have written."""

from itertools import pairwise
from typing import Any

from eventsourcing.persistence import StoredEvent

from citybrain.domain.inspection.statuses import CaseStatus
from citybrain.eventstore.codec import mapper
from ops.bench.events import EVENT
from ops.bench.history import TICKS_BETWEEN_STEPS, case_id, case_rows, steps_of

EVENTS = 30_000


def test_positions_are_gapless_and_the_same_every_time() -> None:
    rows = list(case_rows(EVENTS))
    assert [row[4] for row in rows] == list(range(1, EVENTS + 1))
    assert rows == list(case_rows(EVENTS))
    assert all(one[5] <= other[5] for one, other in pairwise(rows))


def test_streams_replay_to_the_state_their_steps_lead_to() -> None:
    streams: dict[str, list[Any]] = {}
    for stream_id, version, topic, state, *_ in case_rows(EVENTS):
        event: Any = mapper().to_domain_event(StoredEvent(stream_id, version, topic, state))
        streams.setdefault(stream_id, []).append(event)
    for number, status in ((0, "closed"), (9, "closed"), (24, "accepted")):
        case: Any = None
        for event in streams[case_id(number)]:
            case = event.mutate(case)
        assert case.status == CaseStatus(status)
        assert case.version == len(steps_of(number))
        assert case.times_returned == (number == 9)


def test_cases_run_side_by_side() -> None:
    ids = [row[0] for row in case_rows(EVENTS)]
    last = ids[-1000:]
    assert len(set(last)) > 900
    assert TICKS_BETWEEN_STEPS > 1


def test_the_small_event_is_that_of_the_published_figures() -> None:
    assert len(EVENT.state) == 233
